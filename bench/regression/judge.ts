/**
 * Is a difference real? Differences are taken seed by seed (both policies saw the same arrivals and candidate faults) and
 * tested by Student's t; as a bench looks at many figures at once, what is called real is corrected for that (Holm, Scand. J.
 * Statist. 6, 1979). Amounts are compared by the logarithm of their ratio, as queues are random by factors; shares by difference.
 */
import type { Figures } from '../../studies/compare.ts';
import type { FigureSpec } from '../../studies/figures.ts';
import { type Interval, meanInterval, tProbability, valuesNeeded, variance } from '../../studies/stats.ts';

export type Verdict = 'better' | 'worse' | 'no difference' | 'cannot tell' | 'not measured';

export interface Row {
  figure: string;
  label: string;
  unit: FigureSpec['unit'];
  better: FigureSpec['better'];
  /** Means over the seeds. */
  baseline: number | null;
  change: number | null;
  /** By how much the change is higher, seed by seed: relative (0.05 = 5 %), for shares absolute; null = not measured. */
  effect: Interval | null;
  /** Chance of such a difference where there is none, this figure alone; null = nothing can be said (one seed). */
  p: number | null;
  /** The same among all figures that are looked at. */
  adjusted: number | null;
  verdict: Verdict;
  /** With a verdict of 'cannot tell': about how many seeds would tell a difference of this size. */
  seedsNeeded: number | null;
}

/** Below this an amount counts as nothing: 1 s of waiting, 1 job, a tenth of a GPU-hour. */
const SOFTENING: Record<FigureSpec['unit'], number> = { s: 1, jobs: 1, 'GPU-h': 0.1, h: 0.1, $: 1, '×': 0, share: 0 };

/** A row without a verdict: that takes all rows (`settle`). `looked`: about how many are looked at together. */
export function rowOf(
  spec: FigureSpec,
  baseline: readonly Figures[],
  change: readonly Figures[],
  confidence: number,
  looked = 1,
): Row {
  const { id, label, unit, better } = spec;
  const before = baseline.map((run) => run[id] ?? null);
  const after = change.map((run) => run[id] ?? null);
  const common = { figure: id, label, unit, better, baseline: meanOf(before), change: meanOf(after) };
  const nothing = { effect: null, p: null, adjusted: null, seedsNeeded: null };
  if (before.length === 0 || [...before, ...after].includes(null))
    return { ...common, ...nothing, verdict: 'not measured' };
  const soft = SOFTENING[unit];
  const differences = before.map((b, i) =>
    unit === 'share'
      ? (after[i] as number) - (b as number)
      : Math.log(((after[i] as number) + soft) / ((b as number) + soft)),
  );
  const interval = meanInterval(differences, confidence);
  if (!Number.isFinite(interval.mean)) return { ...common, ...nothing, verdict: 'not measured' };
  const same = differences.every((d) => d === 0);
  const effect = unit === 'share' ? interval : mapped(interval, (x) => Math.exp(x) - 1);
  const seedsNeeded = finite(valuesNeeded(differences, Math.abs(interval.mean), 1 - (1 - confidence) / looked));
  return {
    ...common,
    effect,
    p: same ? 1 : pairedP(differences),
    adjusted: null,
    verdict: same ? 'no difference' : 'cannot tell',
    seedsNeeded,
  };
}

/** Two-sided, of the mean being 0; null of one value. */
export function pairedP(differences: readonly number[]): number | null {
  const n = differences.length;
  if (n < 2) return null;
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  const spread = variance(differences, mean);
  // All the same, up to rounding: nothing is left to chance.
  if (spread <= (1e-12 * mean) ** 2) return mean === 0 ? 1 : 0;
  return Math.min(1, 2 * tProbability(-Math.abs(mean) / Math.sqrt(spread / n), n - 1));
}

/** Holm's step-down: adjusted p-values, in the order given; null stays null and does not count. */
export function holm(ps: readonly (number | null)[]): (number | null)[] {
  const known = ps.flatMap((p, i) => (p === null ? [] : [{ p, i }])).sort((a, b) => a.p - b.p || a.i - b.i);
  const adjusted: (number | null)[] = ps.map(() => null);
  let least = 0;
  known.forEach(({ p, i }, k) => {
    least = Math.max(least, Math.min(1, p * (known.length - k)));
    adjusted[i] = least;
  });
  return adjusted;
}

/** Gives rows that are looked at together their verdicts; `alpha`: chance at most that any difference that is none is called real. */
export function settle(rows: readonly Row[], alpha: number): Row[] {
  const adjusted = holm(rows.map(({ p }) => p));
  return rows.map((row, i): Row => {
    const own = adjusted[i];
    if (row.effect === null || row.verdict === 'no difference') return { ...row, adjusted: own, seedsNeeded: null };
    if (own === null || own > alpha) return { ...row, adjusted: own, verdict: 'cannot tell' };
    const verdict = row.effect.mean < 0 === (row.better === 'lower') ? 'better' : 'worse';
    return { ...row, adjusted: own, verdict, seedsNeeded: null };
  });
}

function mapped({ mean, low, high, n }: Interval, f: (x: number) => number): Interval {
  return { mean: f(mean), low: f(low), high: f(high), n };
}

const finite = (n: number) => (Number.isFinite(n) ? n : null);

function meanOf(values: readonly (number | null)[]): number | null {
  const there = values.filter((v): v is number => v !== null);
  return there.length === 0 ? null : there.reduce((sum, v) => sum + v, 0) / there.length;
}
