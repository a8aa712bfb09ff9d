/** `FaultModel` → what breaks, how often, and what repairs it. */

import { DAY_US, type FaultProcess, type FaultSettings, type Hazard } from '../../sim/scenario.ts';
import { NO_FAULTS } from '../../sim/world/faults/faults.ts';
import { REPAIR_DEFAULTS } from '../../sim/world/faults/repair.ts';
import { FAULT_MODELS } from '../catalogue/fault-models.ts';
import { type At, type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList, type PathStep } from '../problem.ts';
import type { HazardInput, ProcessInput } from '../schema/faults.ts';
import { quote } from '../units.ts';
import { readFaultsFile } from './faults-file.ts';
import { checkKind, listedFaults, type Site, UnitNames } from './faults-listed.ts';
import type { ReadFile } from './read-file.ts';
import { checkRepair, repairOf } from './repair.ts';

/** Undefined where there is no such document: then nothing breaks. */
export function compileFaults(
  docs: readonly CheckedDocument[],
  site: Site,
  report: Report,
  assume: (sentence: string) => void,
  readFile: ReadFile,
): FaultSettings | undefined {
  const [first, ...others] = documentsOf(docs, 'FaultModel');
  for (const { source } of others) report.at(source, ['kind'], 'a second FaultModel', 'one in a scenario');
  if (first === undefined) return undefined;
  const { data, source } = first;
  const { spec } = data;
  const own = spec.processes.length > 0 || spec.trace.length > 0 || spec.traceFile !== undefined;
  const presetName = spec.preset ?? (own ? 'none' : 'default');
  const preset = FAULT_MODELS[presetName];
  const at: At = (path, found, expected, near) => report.at(source, ['spec', ...path], found, expected, near);
  const processes = [
    ...preset.processes,
    ...spec.processes.map((given, i) => processOf(given, ['processes', i], site, at)),
  ];
  const names = new Set<string>();
  spec.processes.forEach(({ name }, i) => {
    if (names.has(name) || preset.processes.some((p) => p.name === name)) {
      at(['processes', i, 'name'], `a second process ${quote(name)}`, 'a name of its own');
    }
    names.add(name);
  });
  const factor = spec.rateFactor;
  const units = new UnitNames(site);
  const listed = listedFaults(spec.trace, site, units, at);
  if (spec.traceFile !== undefined) {
    listed.push(...readFaultsFile(spec.traceFile, source, site, units, readFile, report));
  }
  const lemons = spec.lemons ?? preset.lemons ?? { share: 0, factor: 1 };
  // Rates are means over all nodes: those that are no lemons have less.
  const calmer = 1 + lemons.share * (lemons.factor - 1);
  checkRepair(spec.repair, at);
  if (presetName !== 'none') assume(aboutModel(presetName, spec.rateFactor, lemons, spec.lemons !== undefined));
  return {
    processes: processes
      .filter(() => factor > 0)
      .map((process) => {
        const single = process.unit === 'gpu' || process.unit === 'node';
        return { ...process, meanUs: (process.meanUs * (single ? calmer : 1)) / factor };
      }),
    listed,
    lemons,
    gpuSpread: spec.gpuSpread ?? preset.gpuSpread ?? 0,
    ageUs: spec.age ?? 365 * DAY_US,
    corruption: {
      found: spec.corruption.found ?? NO_FAULTS.corruption.found,
      medianUs: spec.corruption.median ?? NO_FAULTS.corruption.medianUs,
      sigma: spec.corruption.sigma ?? NO_FAULTS.corruption.sigma,
    },
    repair: repairOf(spec.repair, { ...REPAIR_DEFAULTS, ...preset.repair }),
  };
}

/** The rates that a scenario has, which need not be the preset's. */
function aboutModel(preset: string, rateFactor: number, lemons: FaultSettings['lemons'], stated: boolean): string {
  if (rateFactor === 0) return `Fault model ${preset}: at rateFactor 0 no fault of its own comes.`;
  const { about, lemons: own = { share: 0, factor: 1 } } = FAULT_MODELS[preset];
  const text = ({ share, factor }: FaultSettings['lemons']) =>
    share === 0
      ? 'none'
      : `${Number((100 * share).toFixed(3))} % of the nodes fail ${factor} times as often as the others`;
  const instead = stated && (own.share !== lemons.share || own.factor !== lemons.factor);
  const rate = rateFactor === 1 ? '' : `; rates times ${rateFactor}`;
  const odd =
    lemons.share === 0 && !instead
      ? ''
      : `; lemons: ${text(lemons)}${instead ? ` (the preset has: ${text(own)})` : ''}`;
  return `Fault model ${preset}: ${about}${rate}${odd}.`;
}

function processOf(given: ProcessInput, path: PathStep[], site: Site, at: At): FaultProcess {
  const pools = site.pools.map((pool) => pool.name);
  if (given.mtbf <= 0) at([...path, 'mtbf'], 'no time at all', 'a mean time between faults above 0');
  const kinds = Object.entries(given.kinds);
  for (const [kind] of kinds) {
    checkKind(kind, given.unit, [...path, 'kinds', kind], at);
  }
  if (!(kinds.reduce((sum, [, weight]) => sum + weight, 0) > 0)) {
    at([...path, 'kinds'], 'no kind with a weight', 'at least one kind of fault, such as {xid-79: 1}');
  }
  const chosen = given.pools?.map((pool, k) => {
    const found = pools.indexOf(pool);
    if (found < 0) {
      at([...path, 'pools', k], `unknown pool ${quote(pool)}`, `one of ${nameList(pools, 40)}`, {
        name: pool,
        among: pools,
      });
    }
    return found;
  });
  const { nodes } = site;
  const meant = nodes.pool.findIndex(
    (pool, n) => nodes.rack[n] >= 0 && nodes.gpus[n] > 0 && (chosen === undefined || chosen.includes(pool)),
  );
  if (given.unit === 'rack' && meant < 0) {
    at([...path, 'unit'], 'rack, but no node stands in one', 'nodesPerRack of a pool in the Cluster');
  }
  return {
    name: given.name,
    unit: given.unit,
    ...(chosen && { pools: chosen }),
    meanUs: Math.max(1, given.mtbf),
    hazard: hazardOf(given.hazard),
    mix: kinds.map(([kind, weight]) => ({ kind, cause: kind, weight })),
    ...(given.burst && {
      burst: {
        probability: given.burst.probability,
        count: given.burst.count,
        withinUs: given.burst.within,
        among: given.burst.among,
      },
    }),
  };
}

function hazardOf(given: HazardInput): Hazard {
  if (typeof given === 'string') return { type: 'exponential' };
  if ('weibull' in given) return { type: 'weibull', shape: given.weibull.shape };
  if ('lognormal' in given) return { type: 'lognormal', sigma: given.lognormal.sigma };
  if ('recorded' in given) return { type: 'recorded', gapsUs: given.recorded.gaps.map((gap) => Math.max(1, gap)) };
  const { infantFactor, infant, wearOutFactor, wearOutAfter } = given.bathtub;
  return { type: 'bathtub', infantFactor, infantUs: infant, wearOutFactor, wearOutAfterUs: wearOutAfter };
}
