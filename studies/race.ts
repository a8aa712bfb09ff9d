/**
 * Whether a candidate meets its targets, judged from the runs made so far.
 *
 * What is asked is its mean over all seeds. Of a candidate with k of S runs that mean is estimated by ratio to the nearest
 * candidate with all runs (a control variate: at one seed both saw the same arrivals and faults), its error from how much
 * such ratios differ from seed to seed, pooled over all candidates, with the correction for drawing k of S without return
 * (Cochran, Sampling Techniques, 2.6 and 6.2). With all runs there is nothing left to estimate.
 */
import type { Point } from '../scenarios/variants.ts';
import type { Figures } from './compare.ts';
import { tQuantile } from './stats.ts';
import type { Target } from './target.ts';

export interface Candidate {
  point: Point;
  /** Places in order of the axes of which more never hurts (nodes); compared within a `group` only. */
  levels: readonly number[];
  /** All that else is varied. */
  group: string;
  /** $ of the whole run before it is made: exact where both are equal. */
  costLow: number;
  costHigh: number;
  /** Why it cannot be, where that is known without a run. */
  refused?: string;
}

export interface PlanProblem {
  candidates: readonly Candidate[];
  seeds: readonly string[];
  targets: readonly Target[];
}

/** null: there is no such cluster. */
export type RunMade = Figures | null;

export interface RaceOptions {
  /** Chance at most of giving a candidate up, or taking it for one that meets a target, wrongly, by one look. */
  risk: number;
}

export type Verdict = 'meets' | 'misses' | 'open';

export interface Race {
  readonly runs: RunMade[][];
  add(candidate: number, run: RunMade): void;
  verdict(candidate: number): Verdict;
  /** By how much its worst target is missed, relative to the bound; negative: room that is left. Infinity: cannot be. */
  missesBy(candidate: number): number;
  /** Whether its miss follows from the runs alone, whatever the others would say. */
  certain(candidate: number): boolean;
  cost(candidate: number): { low: number; high: number };
}

/** Before runs have shown it: the spread of ratios in logarithms, and how many degrees of freedom that guess is worth. */
const GUESSED_SPREAD = 0.5;
const GUESS_WEIGHT = 4;
/** Added to figures, as a share of the bound, so that small ones weigh little and 0 has a logarithm. */
const SOFTENING = 0.1;

/** A target as a figure that must not exceed a bound ≥ 0. */
interface Limit {
  bound: number;
  /** Whether the figure is never below 0. */
  positive: boolean;
  /** Infinity where there is no such figure, which no target takes for an answer. */
  of(run: RunMade): number;
}

export function limitOf({ figure, atMost, bound, unit }: Target): Limit {
  const value = (run: RunMade) => run?.[figure] ?? null;
  if (atMost) return { bound, positive: true, of: (run) => value(run) ?? Infinity };
  // What is missing: of a whole, or of twice the bound where there is no whole.
  const whole = unit === 'share' ? 1 : 2 * bound;
  return {
    bound: whole - bound,
    positive: unit === 'share',
    of: (run) => {
      const had = value(run);
      return had === null ? Infinity : whole - had;
    },
  };
}

export function newRace({ candidates, seeds, targets }: PlanProblem, { risk }: RaceOptions): Race {
  const limits = targets.map(limitOf);
  const runs: RunMade[][] = candidates.map(() => []);
  const values: number[][][] = limits.map(() => candidates.map(() => []));
  const costs: number[][] = candidates.map(() => []);
  const all = seeds.length;
  let verdicts: (Verdict | undefined)[] = [];
  const spreads: (Spread | undefined)[] = [];

  function add(candidate: number, run: RunMade): void {
    runs[candidate].push(run);
    limits.forEach((limit, t) => {
      values[t][candidate].push(limit.of(run));
    });
    costs[candidate].push(run?.cost ?? Infinity);
    verdicts = [];
    spreads.length = 0;
  }

  /** Mean over all seeds as far as it is known: exact (`by` 1) with all runs, else within a factor `by`. */
  function estimate(t: number, candidate: number): { mean: number; by: number } {
    const own = values[t][candidate];
    const mean = meanOf(own);
    if (own.length === all || own.length === 0 || !Number.isFinite(mean)) return { mean, by: 1 };
    const soft = softening(limits[t].bound);
    const spread = (spreads[t] ??= spreadOf(t, soft));
    const reference = referenceFor(t, candidate);
    const error = Math.sqrt(spread.variance * (1 / own.length - 1 / all));
    const by = Math.exp(tQuantile(1 - risk, spread.freedom) * error);
    if (reference < 0) return { mean, by };
    const theirs = values[t][reference];
    const ratio = (sum(own) + own.length * soft) / (sum(theirs.slice(0, own.length)) + own.length * soft);
    return { mean: ratio * (meanOf(theirs) + soft) - soft, by };
  }

  /** Of the candidates with all runs the one most like it: the same group before any other, then the fewest steps away. */
  function referenceFor(t: number, candidate: number): number {
    let best = -1;
    let least = Infinity;
    candidates.forEach((other, c) => {
      if (c === candidate || values[t][c].length < all || !values[t][c].every(Number.isFinite)) return;
      const far = distance(candidates[candidate], other);
      if (far < least) {
        least = far;
        best = c;
      }
    });
    return best;
  }

  interface Spread {
    variance: number;
    freedom: number;
  }

  /** Pooled within candidates: of logarithms of ratios to the reference, or of the figures where there is none. */
  function spreadOf(t: number, soft: number): Spread {
    let squares = GUESS_WEIGHT * GUESSED_SPREAD ** 2;
    let freedom = GUESS_WEIGHT;
    candidates.forEach((_, c) => {
      const own = values[t][c];
      if (own.length < 2 || !own.every(Number.isFinite)) return;
      const reference = referenceFor(t, c);
      const logs = own.map(
        (v, i) => Math.log(soften(v, soft)) - (reference < 0 ? 0 : Math.log(soften(values[t][reference][i], soft))),
      );
      const mean = meanOf(logs);
      squares += logs.reduce((total, x) => total + (x - mean) ** 2, 0);
      freedom += logs.length - 1;
    });
    return { variance: squares / freedom, freedom };
  }

  function verdictOf(t: number, candidate: number): Verdict {
    const { bound, positive } = limits[t];
    const own = values[t][candidate];
    const mean = meanOf(own);
    // Even with nothing in all other runs the mean would be above the bound.
    if ((positive && sum(own) > all * bound * (1 + ROUNDING)) || mean === Infinity) return 'misses';
    if (own.length === all) return mean <= bound * (1 + ROUNDING) ? 'meets' : 'misses';
    // Nothing may happen at all: as long as nothing has, there is nothing against it.
    if (bound === 0) return 'meets';
    const soft = softening(bound);
    const { mean: expected, by } = estimate(t, candidate);
    if ((expected + soft) / by - soft > bound) return 'misses';
    return (expected + soft) * by - soft <= bound ? 'meets' : 'open';
  }

  return {
    runs,
    add,
    verdict(candidate) {
      const known = verdicts[candidate];
      if (known !== undefined) return known;
      let verdict: Verdict = 'meets';
      if (candidates[candidate].refused !== undefined || runs[candidate].includes(null)) verdict = 'misses';
      else if (runs[candidate].length === 0) verdict = 'open';
      else {
        for (let t = 0; t < limits.length && verdict !== 'misses'; t++) {
          const one = verdictOf(t, candidate);
          if (one !== 'meets') verdict = one;
        }
      }
      verdicts[candidate] = verdict;
      return verdict;
    },
    missesBy(candidate) {
      if (candidates[candidate].refused !== undefined || runs[candidate].includes(null)) return Infinity;
      return Math.max(
        ...limits.map((limit, t) => {
          const { mean } = estimate(t, candidate);
          return limit.bound > 0 ? (mean - limit.bound) / limit.bound : mean > 0 ? Infinity : 0;
        }),
      );
    },
    certain(candidate) {
      return (
        runs[candidate].includes(null) ||
        limits.some(({ bound, positive }, t) => positive && sum(values[t][candidate]) > all * bound * (1 + ROUNDING))
      );
    },
    cost(candidate) {
      const { costLow: low, costHigh: high } = candidates[candidate];
      const own = costs[candidate];
      if (low === high || own.length === 0 || own.includes(Infinity)) return { low, high };
      const mean = meanOf(own);
      if (own.length === all) return { low: mean, high: mean };
      const error = RELATIVE_COST_SPREAD * Math.sqrt(1 / own.length - 1 / all);
      return { low: Math.max(low, mean * (1 - error)), high: Math.min(high, mean * (1 + error)) };
    },
  };
}

/** Sums of shares in tenths are not exact. */
const ROUNDING = 1e-12;
/** How far the cost of a run with spot capacity, or until its work is done, may lie from the mean; on the wide side. */
const RELATIVE_COST_SPREAD = 0.5;

const softening = (bound: number) => (bound > 0 ? SOFTENING * bound : 1);
const soften = (value: number, soft: number) => Math.max(value, 0) + soft;

function distance(a: Candidate, b: Candidate): number {
  const steps = a.levels.reduce((total, level, i) => total + Math.abs(level - (b.levels[i] ?? 0)), 0);
  return a.group === b.group ? steps : steps + 1000;
}

const sum = (values: readonly number[]) => values.reduce((total, x) => total + x, 0);
const meanOf = (values: readonly number[]) => (values.length === 0 ? 0 : sum(values) / values.length);
