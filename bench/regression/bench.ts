/**
 * The regression bench: the same suite of work under a baseline and a change, and what the change does to whom. Who runs it
 * (threads, an external program, another version of simsup, a stored result) is a `Side`, given from outside.
 */
import { decimal } from '../../reports/format.ts';
import type { Figures } from '../../studies/compare.ts';
import { type BenchCase, fingerprint } from './cases.ts';
import type { BenchConfig } from './config.ts';
import { firstParting, type Parting } from './decisions.ts';
import { BENCH_FIGURES, groupSpecs } from './figures.ts';
import { type Row, rowOf, settle } from './judge.ts';
import type { Outcome, RunResult, RunTimings } from './outcome.ts';
import { RULES, type Rule } from './watch.ts';

export interface RunTask {
  case: BenchCase;
  seed: string;
  keepDecisions: boolean;
}

/** One of the two that are compared, however it is run. */
export interface Side {
  name: string;
  /** Runs at the same time. */
  size: number;
  run(task: RunTask): Promise<Outcome>;
}

/** One that holds threads, a process or files until it is closed. */
export interface OpenSide extends Side {
  close(): Promise<void>;
}

export interface Suite {
  cases: readonly BenchCase[];
  seeds: readonly string[];
}

/** Every run of one side, plain data: what `--record` stores. */
export interface SideResult {
  name: string;
  seeds: string[];
  cases: { name: string; fingerprint: string; runs: RunResult[]; failed: { seed: string; why: string } | null }[];
}

/** By case and seed. */
export type SideTimings = { case: string; seed: string; timings: RunTimings }[];

/** Runs the suite. In a case that fails no later seed is begun. */
export async function runSide(
  { cases, seeds }: Suite,
  side: Side,
  onDone: () => void = () => {},
): Promise<{ result: SideResult; timings: SideTimings }> {
  const outcomes: Outcome[][] = cases.map(() => []);
  const failedAt = cases.map(() => Infinity);
  const tasks = seeds.flatMap((seed, s) => cases.map((one, c) => ({ one, c, s, seed })));
  let next = 0;
  const work = async () => {
    while (next < tasks.length) {
      const { one, c, s, seed } = tasks[next++];
      if (s > failedAt[c]) continue;
      const outcome = await side.run({ case: one, seed, keepDecisions: s === 0 });
      outcomes[c][s] = outcome;
      if ('failed' in outcome) failedAt[c] = Math.min(failedAt[c], s);
      onDone();
    }
  };
  await Promise.all(Array.from({ length: Math.min(side.size, tasks.length) }, work));
  const timings: SideTimings = [];
  const results = cases.map((one, c) => {
    const runs: RunResult[] = [];
    let failed: { seed: string; why: string } | null = null;
    for (let s = 0; s < seeds.length && failed === null; s++) {
      const outcome = outcomes[c][s];
      if ('failed' in outcome) failed = { seed: seeds[s], why: outcome.failed };
      else {
        runs.push(outcome.run);
        timings.push({ case: one.name, seed: seeds[s], timings: outcome.timings });
      }
    }
    return { name: one.name, fingerprint: fingerprint(one), runs, failed };
  });
  return { result: { name: side.name, seeds: [...seeds], cases: results }, timings };
}

export interface BrokenRule {
  rule: Rule | 'stalled';
  about: string;
  /** Times it was broken, all seeds together. */
  baseline: number;
  change: number;
  /** The first time the change breaks it. */
  first: string;
  fails: boolean;
}

export interface CaseReport {
  name: string;
  about: string;
  /** Nothing that was measured differs, and the same was decided. */
  same: boolean;
  /** What went wrong instead of a result. */
  failed: { side: 'baseline' | 'change'; seed: string; why: string } | null;
  rows: (Row & { threshold: number | null; fails: boolean })[];
  /** Projects, job classes and sizes. */
  groups: (Row & { threshold: number | null; fails: boolean })[];
  rules: BrokenRule[];
  parting: Parting | null;
}

export interface BenchReport {
  baseline: string;
  change: string;
  seeds: string[];
  confidence: number;
  verdict: 'fine' | 'regression';
  /** Why it is a regression, a sentence each. */
  fails: string[];
  cases: CaseReport[];
  notes: string[];
}

/** Of the chance of a false alarm, the part that is spent on figures with a threshold; the rest on all others. */
const GATED_PART = 0.8;

/** Both sides must have run the same suite. */
export function judgeSuite(
  { cases, seeds }: Suite,
  config: BenchConfig,
  baseline: SideResult,
  change: SideResult,
): BenchReport {
  const notes: string[] = [];
  if (seeds.length === 1)
    notes.push('One seed shows a difference but not whether it is chance: use --seeds 8 or more.');
  const looked = cases.length * Object.values(config.thresholds).filter(Number.isFinite).length;
  const raw = cases.map((one, c) => rawCase(one, config, baseline.cases[c], change.cases[c], looked));
  const alpha = 1 - config.confidence;
  const all = raw.flatMap(({ rows, groups }) => [...rows, ...groups]);
  const gated = all.filter(({ figure }) => isGated(config, figure));
  const others = all.filter(({ figure }) => !isGated(config, figure));
  const judged = new Map<Row, Row>();
  const keep = (rows: Row[], settled: Row[]) => rows.forEach((row, i) => void judged.set(row, settled[i]));
  keep(gated, settle(gated, alpha * GATED_PART));
  keep(others, settle(others, alpha * (1 - GATED_PART)));
  const final = (row: Row) => gatedRow(config, judged.get(row) as Row);
  const reports = raw.map((one): CaseReport => ({ ...one, rows: one.rows.map(final), groups: one.groups.map(final) }));
  for (const [c, one] of cases.entries()) {
    const [first, ...rest] = baseline.cases[c].runs;
    if (rest.length > 0 && rest.every(({ digest }) => digest === first.digest))
      notes.push(
        `${one.name}: every seed is the same to the baseline, so differences are exact for this work and say nothing about other weeks.`,
      );
  }
  const fails = reports.flatMap(failsOf);
  const verdict = fails.length > 0 ? 'regression' : 'fine';
  const { confidence } = config;
  return {
    baseline: baseline.name,
    change: change.name,
    seeds: [...seeds],
    confidence,
    verdict,
    fails,
    cases: reports,
    notes,
  };
}

const isGated = ({ thresholds }: BenchConfig, figure: string) => Number.isFinite(thresholds[figure] ?? Infinity);

/** Waits that grow by less on average hold nobody up: a policy that looks every second is no regression of one that looks at once. */
const NEGLIGIBLE_SECONDS = 10;

function gatedRow({ thresholds }: BenchConfig, row: Row): CaseReport['rows'][number] {
  const threshold = Number.isFinite(thresholds[row.figure] ?? Infinity) ? thresholds[row.figure] : null;
  const negligible = row.unit === 's' && Math.abs((row.change ?? 0) - (row.baseline ?? 0)) < NEGLIGIBLE_SECONDS;
  const beyond = threshold !== null && Math.abs(row.effect?.mean ?? 0) > threshold;
  const fails = row.verdict === 'worse' && beyond && !negligible;
  return { ...row, threshold, fails };
}

type RawCase = Omit<CaseReport, 'rows' | 'groups'> & { rows: Row[]; groups: Row[] };
type CaseRuns = SideResult['cases'][number];

function rawCase(
  { name, about }: BenchCase,
  config: BenchConfig,
  baseline: CaseRuns,
  change: CaseRuns,
  looked: number,
): RawCase {
  const common = { name, about, rules: rulesOf(config, baseline, change) };
  const failed =
    baseline.failed !== null
      ? ({ side: 'baseline', ...baseline.failed } as const)
      : change.failed !== null
        ? ({ side: 'change', ...change.failed } as const)
        : null;
  if (failed !== null) return { ...common, same: false, failed, rows: [], groups: [], parting: null };
  const of = (runs: CaseRuns, what: 'figures' | 'groups'): Figures[] => runs.runs.map((run) => run[what]);
  const rows = BENCH_FIGURES.map((spec) =>
    rowOf(spec, of(baseline, 'figures'), of(change, 'figures'), config.confidence, looked),
  );
  const specs = groupSpecs([...of(baseline, 'groups'), ...of(change, 'groups')]);
  const groups = specs.map((spec) =>
    rowOf(spec, of(baseline, 'groups'), of(change, 'groups'), config.confidence, looked),
  );
  const parting = firstParting(baseline.runs[0].decisions ?? [], change.runs[0].decisions ?? []);
  const differs = [...rows, ...groups].some(({ verdict }) => verdict !== 'no difference' && verdict !== 'not measured');
  return { ...common, same: !differs && parting === null, failed: null, rows, groups, parting };
}

/** Happens now and then to schedulers that are right, too: it is compared as a figure. */
const COUNTED: readonly Rule[] = ['needless-eviction'];

/** A rule counts against the change only where the baseline keeps it. */
function rulesOf({ allow }: BenchConfig, baseline: CaseRuns, change: CaseRuns): BrokenRule[] {
  const count = ({ runs }: CaseRuns, rule: Rule) =>
    runs.reduce((sum, { breaks }) => sum + (breaks.find((b) => b.rule === rule)?.count ?? 0), 0);
  const rows = (Object.keys(RULES) as Rule[]).map((rule): BrokenRule => {
    const [before, after] = [count(baseline, rule), count(change, rule)];
    const first = change.runs.flatMap(({ breaks }) => breaks.filter((b) => b.rule === rule))[0]?.first ?? '';
    const fails = !COUNTED.includes(rule) && after > 0 && before === 0 && !allow.includes(rule);
    return { rule, about: RULES[rule], baseline: before, change: after, first, fails };
  });
  const stalled = ({ runs }: CaseRuns) => runs.filter((run) => run.stalled).length;
  const [before, after] = [stalled(baseline), stalled(change)];
  const about = 'runs in which jobs wait for each other and nothing can happen any more';
  rows.push({ rule: 'stalled', about, baseline: before, change: after, first: '', fails: after > 0 && before === 0 });
  return rows.filter((row) => row.baseline > 0 || row.change > 0);
}

function failsOf({ name, failed, rows, groups, rules }: CaseReport): string[] {
  const fails: string[] = [];
  if (failed?.side === 'change') fails.push(`${name}, seed ${failed.seed}: the change fails: ${failed.why}`);
  for (const { rule, about, change, first, fails: broken } of rules)
    if (broken)
      fails.push(`${name}: breaks ${rule} ${change} times, the baseline never (${about})${first && `: ${first}`}`);
  for (const row of [...rows, ...groups]) if (row.fails) fails.push(`${name}: ${rowSentence(row)}`);
  return fails;
}

/** More than that is only said to be so: a ratio to next to nothing is no figure. */
const MOST_SHOWN = 10;

/** Of a size 0 or more, in percent or points: `12.3`, `over 1,000`. */
export const hundredths = (size: number): string =>
  size > MOST_SHOWN ? `over ${decimal(100 * MOST_SHOWN)}` : (100 * size).toFixed(1);

/** `p95 queueing delay 12.3 % higher (95 % CI 8.1 to 16.7 %)`. */
export function rowSentence({ label, effect, unit }: Row): string {
  if (effect === null) return `${label} not measured`;
  const mark = unit === 'share' ? 'points' : '%';
  const shown = (x: number) => hundredths(Math.abs(x));
  const direction = effect.mean < 0 ? 'lower' : 'higher';
  const [low, high] = effect.mean < 0 ? [-effect.high, -effect.low] : [effect.low, effect.high];
  const signed = (x: number) => `${x < 0 ? '−' : ''}${shown(x)}`;
  return `${label} ${shown(effect.mean)} ${mark} ${direction} (CI ${signed(low)} to ${signed(high)} ${mark})`;
}
