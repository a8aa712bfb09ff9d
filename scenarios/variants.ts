/** One scenario to be compiled with many changes: its text is read once, and only documents that change are checked again. */

import type { PolicyFactory } from '../sim/policy/policy.ts';
import { HOUR_US, type Scenario } from '../sim/scenario.ts';
import { compileCluster } from './compile/cluster.ts';
import { noFiles, type ReadFile } from './compile/read-file.ts';
import {
  type CheckedDocument,
  checkDocument,
  checkDocuments,
  documentsOf,
  newReport,
  type Report,
} from './documents.ts';
import { ADDED, kindOf, type Place, placesOf, plainValues, withValue } from './paths.ts';
import { nearestName, ScenarioError } from './problem.ts';
import { compileScenario } from './read.ts';
import { quote } from './units.ts';
import type { Plain, SourceDocument } from './yaml.ts';

/** What a point of a study sets: path → value as the scenario's text would have it. */
export type Point = Readonly<Record<string, Plain>>;

export interface VariantsOptions {
  file?: string;
  readFile?: ReadFile;
  policies?: readonly Pick<PolicyFactory, 'name' | 'args'>[];
  /** Instead of the scenario's own. */
  durationUs?: number;
  /** Quotas follow their pools' GPUs, where a point does not set them itself. */
  scaleQuotas?: boolean;
}

/** What a point's cluster costs by the hour, before anything is simulated. */
export interface ListCost {
  /** $ per hour for what is paid at any rate, and for spot GPUs, which are not paid for while reclaimed. */
  usdPerHour: number;
  spotUsdPerHour: number;
  /** Infinity: until the work is done. */
  durationUs: number;
  gpus: number;
  /** GPUs of each pool, by name. */
  pools: Record<string, number>;
}

export interface Variants {
  /** As the text has it, `Study` included. */
  readonly docs: readonly SourceDocument[];
  /** Everything of the text that a run depends on; comments and studies are left out. */
  readonly canonical: string;
  /** The scenario with no point's changes. */
  base(seed?: string): Scenario;
  /** Throws `ScenarioError` where the changed scenario is refused. */
  compile(point: Point, seed?: string): Scenario;
  listCost(point: Point): ListCost;
  /** Problems of the changed documents by themselves, at their places in the scenario. */
  check(point: Point): ScenarioError['problems'];
}

/** Throws `ScenarioError` for a text that is no scenario. */
export function openVariants(text: string, options: VariantsOptions = {}): Variants {
  const file = options.file ?? 'scenario';
  const report = newReport();
  const documents = checkDocuments(text, file, report);
  if (documents.length === 0 && report.problems.length === 0) {
    const place = { file, line: 0, column: 0, path: '' };
    report.add({ ...place, found: 'no documents', expected: 'a scenario, such as kind: Simulation' });
  }
  fail(report);
  const docs = documents.map((d) => d.source);
  const checked = new Map(documents.map((d) => [d.source.value, d]));
  const original = plainValues(docs);
  const placesCache = new Map<string, Place[]>();
  const readFile = options.readFile ?? noFiles;

  const places = (path: string): Place[] => {
    let found = placesCache.get(path);
    if (found === undefined) {
      const answer = placesOf(docs, path);
      if (!Array.isArray(answer)) throw new ScenarioError([{ file, line: 0, column: 0, path: '', ...answer }]);
      found = answer;
      placesCache.set(path, found);
    }
    return found;
  };

  const changed = (point: Point): CheckedDocument[] => {
    let values = original;
    for (const [path, value] of Object.entries(point)) {
      const at = places(path);
      const start = values.map((v, i) => v ?? (at.some((p) => p.doc === i) ? addedValue(docs, i) : undefined));
      values = withValue(start as Plain[], at, value);
    }
    if (options.scaleQuotas) values = withScaledQuotas(values, point);
    const problems = newReport();
    const result = values.flatMap((value, i) => {
      if (value === undefined) return [];
      const known = checked.get(value);
      if (known !== undefined) return [known];
      const source = i < docs.length ? { ...docs[i], value } : { file, value, locate: () => ({ line: 0, column: 0 }) };
      const doc = checkDocument(source, problems);
      return doc === undefined ? [] : [doc];
    });
    fail(problems);
    return result;
  };

  const compile = (point: Point, seed?: string) =>
    compileScenario(changed(point), {
      file,
      readFile,
      policies: options.policies,
      overrides: { seed, durationUs: options.durationUs },
    });

  const clusterOf = (docsOfPoint: readonly CheckedDocument[]) => {
    const problems = newReport();
    const cluster = compileCluster(docsOfPoint, readFile, problems, []);
    fail(problems);
    const gpus = cluster.pools.map(() => 0);
    for (let n = 0; n < cluster.nodes.count; n++) gpus[cluster.nodes.pool[n]] += cluster.nodes.gpus[n];
    return { cluster, gpus };
  };

  /** Each pool's quotas as the scenario divides them, times how its GPUs have grown. */
  function withScaledQuotas(values: (Plain | undefined)[], point: Point): (Plain | undefined)[] {
    if (!Object.keys(point).some((path) => /^(pools|cluster)\b/.test(path))) return values;
    const problems = newReport();
    const now = values.flatMap((value, i) => {
      if (value === undefined || (i < docs.length ? kindOf(docs[i]) : '') !== 'Cluster') return [];
      const doc = checkDocument({ ...docs[i], value }, problems);
      return doc === undefined ? [] : [doc];
    });
    if (problems.problems.length > 0) return values;
    base ??= compile({});
    baseGpus ??= clusterOf(documents).gpus;
    const { cluster, gpus } = clusterOf(now);
    const before = base;
    let result = values;
    for (const { name, deservedGpus } of before.projects) {
      const path = `projects[${name}].deservedGpus`;
      if (Object.keys(point).some((p) => samePath(p, ['projects', name, 'deservedGpus']))) continue;
      const at = placesOf(docs, path);
      // Without a stated quota there is nothing to follow; Kueue's queues keep what they say.
      if (!Array.isArray(at) || deservedGpus.includes(-1)) continue;
      const scaled: { [pool: string]: string } = {};
      let sum = 0;
      cluster.pools.forEach((pool, i) => {
        const was = before.pools.findIndex((p) => p.name === pool.name);
        const size = was < 0 ? 0 : (baseGpus as number[])[was];
        const share = size === 0 ? 0 : Math.floor(((deservedGpus[was] ?? 0) * gpus[i]) / size);
        sum += share;
        if (share > 0) scaled[pool.name] = String(share);
      });
      const queue = at.every(({ path }) => path.includes('resources'));
      result = withValue(result as Plain[], at, queue ? String(sum) : scaled);
    }
    return result;
  }
  let base: Scenario | undefined;
  let baseGpus: number[] | undefined;

  return {
    docs,
    canonical: JSON.stringify([
      docs.filter((d) => kindOf(d) !== 'Study').map((d) => sortedKeys(d.value)),
      options.durationUs ?? null,
    ]),
    base: (seed) => compile({}, seed),
    compile,
    listCost(point) {
      const of = changed(point);
      const { cluster, gpus } = clusterOf(of);
      const spec = documentsOf(of, 'Simulation')[0]?.data.spec;
      const said = spec === undefined ? 30 * 24 * HOUR_US : spec.duration;
      const price = (spot: boolean) =>
        cluster.pools.reduce((sum, p, i) => sum + (p.spot === spot ? p.priceMicroUsd * gpus[i] : 0), 0);
      const fixed = cluster.fixedCosts.reduce((sum, c) => sum + c.microUsdPerHour, 0);
      return {
        usdPerHour: (price(false) + fixed) / 1e6,
        spotUsdPerHour: price(true) / 1e6,
        durationUs: options.durationUs ?? (said === 'until-done' ? Infinity : said),
        gpus: gpus.reduce((sum, n) => sum + n, 0),
        pools: Object.fromEntries(cluster.pools.map((pool, i) => [pool.name, gpus[i]])),
      };
    },
    check(point) {
      try {
        changed(point);
      } catch (error) {
        if (error instanceof ScenarioError) return error.problems;
        throw error;
      }
      const policy = point.policy === undefined ? undefined : policyName(point.policy);
      const names = options.policies?.map((p) => p.name);
      if (policy === undefined || names === undefined || names.includes(policy)) return [];
      const place = { file, line: 0, column: 0, path: 'spec.policy' };
      const nearest = nearestName(policy, names);
      const expected = `one of ${names.join(', ')}`;
      return [{ ...place, found: `unknown policy ${quote(policy)}`, expected, ...(nearest && { nearest }) }];
    },
  };
}

function policyName(value: Plain): string | undefined {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? undefined : String(value.name ?? '');
}

function samePath(path: string, steps: readonly string[]): boolean {
  return (
    path
      .replace(/[[\]"']/g, '.')
      .replace(/\.+/g, '.')
      .replace(/\.$/, '') === steps.join('.')
  );
}

const addedValue = (docs: readonly SourceDocument[], i: number): Plain => Object.values(ADDED)[i - docs.length];

function fail(report: Report): void {
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
}

function sortedKeys(value: Plain): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortedKeys(value[key])]),
  );
}
