/**
 * The cheapest point of a study that meets its targets, in far fewer runs than all of them.
 *
 * Three things save runs. *Racing*: a candidate is run with one more seed only as long as it is open whether it meets the
 * targets (Maron and Moore 1994; the seeds are the same for all, so that a candidate is judged against others on equal
 * draws). *Price*: what costs more than a candidate that meets them need not be run. *Dominance*: where a cluster clearly
 * misses a target, one with less of everything and otherwise equal does, too; this one is an assumption, and counted.
 *
 * The answer is judged by the mean over all seeds, as if every run had been made.
 */
import {
  type Candidate,
  newRace,
  type PlanProblem,
  type Race,
  type RaceOptions,
  type RunMade,
  type Verdict,
} from './race.ts';

/** Index of a candidate and of a seed. */
export interface RunAsked {
  candidate: number;
  seed: number;
}

export interface PlanOptions extends RaceOptions {
  /** Runs asked for at once. It decides which runs are made, so it must not depend on the machine. */
  batch: number;
}

export type Excluded = 'run' | 'dominated' | 'dearer' | 'refused';

export interface PlanSearch {
  /** Index of the cheapest candidate that meets all targets; -1 = none does. */
  best: number;
  /** Without a best: the candidate that misses least. -1 = none could be run. */
  nearest: number;
  /** Runs of each candidate, in the order of the seeds. */
  runs: readonly (readonly RunMade[])[];
  made: number;
  /** Why each other candidate is not the answer. */
  excluded: readonly (Excluded | null)[];
  /** Candidates cheaper than the best that were given up before all seeds; each wrongly so with at most `risk`. */
  givenUpEarly: number;
}

/** A miss by less than this leaves smaller clusters in the race. */
const CLEAR_MISS = 0.05;

export async function searchPlan(
  problem: PlanProblem,
  run: (asked: readonly RunAsked[]) => Promise<readonly RunMade[]>,
  options: PlanOptions,
): Promise<PlanSearch> {
  const { candidates, seeds } = problem;
  const race = newRace(problem, options);
  const order = cheapestFirst(candidates, race);
  let made = 0;
  for (;;) {
    const asked = nextRuns(problem, race, order(), options.batch);
    if (asked.length === 0) break;
    const results = await run(asked);
    asked.forEach(({ candidate }, i) => {
      race.add(candidate, results[i]);
    });
    made += asked.length;
  }
  const standing = standingsOf(problem, race, order());
  const { best } = standing;
  const givenUp = (c: number) =>
    race.runs[c].length > 0 && race.runs[c].length < seeds.length && race.verdict(c) === 'misses';
  const cheaper = (c: number) => best < 0 || isBefore(race, c, best);
  return {
    best,
    nearest: best >= 0 ? best : nearestMiss(candidates, race),
    runs: race.runs,
    made,
    excluded: candidates.map((_, c) => standing.excluded[c]),
    givenUpEarly: candidates.filter((_, c) => c !== best && cheaper(c) && givenUp(c) && !race.certain(c)).length,
  };
}

/** Candidates by what they cost, as far as that is known; equal ones in the order of the study. */
function cheapestFirst(candidates: readonly Candidate[], race: Race): () => number[] {
  const indexes = candidates.map((_, c) => c);
  return () => indexes.sort((a, b) => (isBefore(race, a, b) ? -1 : 1));
}

/** Relative; below it two sums of the same prices may differ by rounding. */
const SAME_COST = 1e-9;

function isBefore(race: Race, a: number, b: number): boolean {
  if (a === b) return false;
  const [x, y] = [race.cost(a).low, race.cost(b).low];
  if (x === y || Math.abs(x - y) <= SAME_COST * Math.max(Math.abs(x), Math.abs(y))) return a < b;
  return x < y;
}

interface Standings {
  /** The cheapest that meets the targets as far as is known; -1 = none yet. */
  best: number;
  verdicts: Verdict[];
  excluded: (Excluded | null)[];
  /** Not excluded and not the best, cheapest first. */
  alive: number[];
}

/** Worked out anew from the runs each time, so that nothing that later runs take back is left standing. */
function standingsOf({ candidates }: PlanProblem, race: Race, order: readonly number[]): Standings {
  const verdicts = candidates.map((_, c) => race.verdict(c));
  const excluded: (Excluded | null)[] = candidates.map(() => null);
  const best = order.find((c) => verdicts[c] === 'meets') ?? -1;
  const misses = order.filter((c) => verdicts[c] === 'misses' && race.missesBy(c) > CLEAR_MISS);
  const alive: number[] = [];
  for (const c of order) {
    if (c === best) continue;
    if (candidates[c].refused !== undefined) excluded[c] = 'refused';
    else if (verdicts[c] === 'misses') excluded[c] = 'run';
    else if (best >= 0 && dearer(race, c, best)) excluded[c] = 'dearer';
    else if (race.runs[c].length === 0 && misses.some((m) => dominates(candidates[m], candidates[c])))
      excluded[c] = 'dominated';
    else alive.push(c);
  }
  return { best, verdicts, excluded, alive };
}

/** Surely not cheaper than the best, or as cheap and later in the study. */
function dearer(race: Race, c: number, best: number): boolean {
  const [mine, its] = [race.cost(c), race.cost(best)];
  const exact = mine.low === mine.high && its.low === its.high;
  return exact ? !isBefore(race, c, best) : mine.low > its.high;
}

/** Whether `a` has at least as much of everything as `b`, and is otherwise equal. */
function dominates(a: Candidate, b: Candidate): boolean {
  return a !== b && a.group === b.group && a.levels.length > 0 && a.levels.every((level, i) => level >= b.levels[i]);
}

/**
 * The runs that decide most. What is cheaper than every candidate that is still open, and not less than it in everything,
 * must be run in any case; after that the cheapest open one is run further. With nothing open, a candidate is chosen that
 * rules out many whichever way it goes: those with less, if it misses, those that cost more, if it meets.
 */
function nextRuns(problem: PlanProblem, race: Race, order: readonly number[], batch: number): RunAsked[] {
  const { candidates, seeds } = problem;
  const { alive, best } = standingsOf(problem, race, order);
  const asked: RunAsked[] = [];
  const planned = (c: number) => race.runs[c].length + asked.filter((a) => a.candidate === c).length;
  const ask = (c: number) => asked.push({ candidate: c, seed: planned(c) });
  let fresh = alive.filter((c) => race.runs[c].length === 0);
  const open = alive.filter((c) => race.runs[c].length > 0);
  const needed = (c: number) => open.every((o) => isBefore(race, c, o) && !dominates(candidates[o], candidates[c]));
  while (asked.length < batch) {
    const pick = mostTelling(candidates, race, fresh.filter(needed));
    if (pick >= 0) {
      ask(pick);
      // Those it may rule out wait for what it says.
      const ruledOut = (c: number) => dominates(candidates[pick], candidates[c]) || !isBefore(race, c, pick);
      fresh = fresh.filter((c) => c !== pick && !ruledOut(c));
      continue;
    }
    const further = open.find((c) => planned(c) < seeds.length);
    if (further !== undefined) {
      ask(further);
      continue;
    }
    // Nothing cheaper is left: what remains is to be sure of the best.
    if (asked.length === 0 && alive.length === 0 && best >= 0) {
      while (asked.length < batch && planned(best) < seeds.length) ask(best);
    }
    break;
  }
  return asked;
}

function mostTelling(candidates: readonly Candidate[], race: Race, fresh: readonly number[]): number {
  let most = 0;
  let pick = -1;
  for (const c of fresh) {
    let less = 1;
    let more = 1;
    for (const other of fresh) {
      if (dominates(candidates[c], candidates[other])) less++;
      if (isBefore(race, c, other)) more++;
    }
    if (less * more > most) {
      most = less * more;
      pick = c;
    }
  }
  return pick;
}

/** The candidate with the smallest relative miss, of those that could be run. */
function nearestMiss(candidates: readonly Candidate[], race: Race): number {
  let nearest = -1;
  let least = Infinity;
  candidates.forEach((_, c) => {
    if (race.runs[c].length === 0) return;
    const by = race.missesBy(c);
    if (by < least) {
      least = by;
      nearest = c;
    }
  });
  return nearest;
}
