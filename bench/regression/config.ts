/** A bench's settings, a small YAML file: what is run, and from where on a difference fails the build (docs/bench.md). */
import { nearestName, type PathStep, type Problem, pathText, ScenarioError } from '../../scenarios/problem.ts';
import { parseCount, parseDecimal, quote, UnitError } from '../../scenarios/units.ts';
import { type Plain, parseYaml } from '../../scenarios/yaml.ts';
import { BENCH_FIGURES, GROUP_PREFIXES } from './figures.ts';
import { RULES, type Rule } from './watch.ts';

export interface BenchConfig {
  baseline?: string;
  change?: string;
  /** Names of built-in cases, and paths of scenarios beside the file. */
  cases?: string[];
  seeds?: number;
  confidence: number;
  /** By figure: by how much it may get worse, as a share of the baseline's; of shares in points (0.01 = 1 point). */
  thresholds: Record<string, number>;
  /** Rules that the change may break. */
  allow: Rule[];
}

export const DEFAULT_CONFIG: BenchConfig = {
  confidence: 0.95,
  thresholds: {
    'queueing-delay-mean': 0.02,
    'queueing-delay-p95': 0.02,
    'jct-mean': 0.02,
    goodput: 0.005,
    evictions: 0.1,
    'needless-evictions': 0.1,
    starved: 0.1,
    'fairness-jain': 0.01,
    'fairness-worst': 0.02,
    'slo-attainment': 0.005,
  },
  allow: [],
};

export const MOST_SEEDS = 1000;

type Read = (value: Plain, path: PathStep[]) => unknown;

/** Throws `ScenarioError` with every mistake, its place, what was expected and the nearest name. */
export function readConfig(text: string, file: string): BenchConfig {
  const { documents, problems } = parseYaml(text, file);
  if (problems.length > 0) throw new ScenarioError(problems);
  const [document] = documents;
  const config: BenchConfig = { ...DEFAULT_CONFIG };
  if (document === undefined) return config;
  const found: Problem[] = [];
  const wrong = (path: PathStep[], what: string, expected: string, nearest?: string, key = false): void => {
    const place = document.locate(path, key);
    found.push({ file, ...place, path: pathText(path), found: what, expected, ...(nearest && { nearest }) });
  };
  const unknown = (path: PathStep[], name: string, what: string, known: readonly string[], key = true) =>
    wrong(path, `unknown ${what} ${quote(name)}`, `one of ${known.join(', ')}`, nearestName(name, known), key);
  const scalar = (value: Plain, path: PathStep[], parse: (text: string) => unknown) => {
    if (typeof value !== 'string') return wrong(path, shown(value), 'a single value');
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof UnitError)) throw error;
      return wrong(path, quote(value), error.expected);
    }
  };
  const texts = (value: Plain, path: PathStep[]): string[] => {
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[];
    wrong(path, shown(value), 'a list of names');
    return [];
  };
  const fields: Record<string, Read> = {
    baseline: (value, path) => scalar(value, path, (given) => given),
    change: (value, path) => scalar(value, path, (given) => given),
    cases: texts,
    seeds: (value, path) => scalar(value, path, (given) => parseCount(given, 1, MOST_SEEDS)),
    confidence: (value, path) => scalar(value, path, (given) => parseDecimal(given, 0.5, 0.9999)),
    thresholds: (value, path) => thresholds(value, path),
    allow: (value, path) => {
      const known = Object.keys(RULES);
      return texts(value, path).filter((rule, i) => {
        const there = known.includes(rule);
        if (!there) unknown([...path, i], rule, 'rule', known, false);
        return there;
      });
    },
  };
  function thresholds(value: Plain, path: PathStep[]): Record<string, number> {
    if (typeof value !== 'object' || Array.isArray(value)) {
      wrong(path, shown(value), 'figures with what each may lose, such as queueing-delay-p95: 2%');
      return {};
    }
    const known = BENCH_FIGURES.map(({ id }) => id);
    const given: [string, number][] = [];
    for (const [figure, amount] of Object.entries(value)) {
      if (!known.includes(figure) && !GROUP_PREFIXES.some((prefix) => figure.startsWith(prefix)))
        unknown([...path, figure], figure, 'figure', [...known, ...GROUP_PREFIXES.map((prefix) => `${prefix}…`)]);
      else if (amount === 'off') given.push([figure, Infinity]);
      else {
        const share = scalar(amount, [...path, figure], thresholdOf);
        if (typeof share === 'number') given.push([figure, share]);
      }
    }
    return { ...DEFAULT_CONFIG.thresholds, ...Object.fromEntries(given) };
  }
  const { value } = document;
  if (typeof value !== 'object' || Array.isArray(value))
    wrong([], shown(value), `fields: ${Object.keys(fields).join(', ')}`);
  else
    for (const [name, given] of Object.entries(value)) {
      if (!Object.hasOwn(fields, name)) unknown([name], name, 'field', Object.keys(fields));
      else Object.assign(config, { [name]: fields[name](given, [name]) });
    }
  if (documents.length > 1)
    found.push({ file, ...documents[1].locate([]), path: '', found: 'a second document', expected: 'one' });
  if (found.length > 0) throw new ScenarioError(found);
  return config;
}

/** `2%` or `0.02`. */
function thresholdOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text);
  const share = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(share >= 0 && share <= 100)) throw new UnitError(quote(text), "a share such as 2% or 0.02, or 'off'");
  return share;
}

function shown(value: Plain): string {
  if (typeof value === 'string') return quote(value);
  return Array.isArray(value) ? `a list of ${value.length}` : 'fields';
}
