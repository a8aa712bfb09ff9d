/**
 * How long a job that has run for some time will still run: drawn from how long jobs like it ran in the past, given that
 * they ran at least as long; else from a stated prior. Times in µs.
 */
import type { Stream } from '../sim/engine/random.ts';
import { HOUR_US, MINUTE_US } from '../sim/simulate.ts';

/** A job that has ended. */
export interface EndedJob {
  /** Its user, or its project where no user is known. */
  owner: string;
  gpus: number;
  durationUs: number;
  /** Requested time limit; 0 = none. */
  limitUs: number;
}

export interface AskedJob {
  owner: string;
  gpus: number;
  limitUs: number;
  /** How long it has run; 0 for one that has not started. */
  ranUs: number;
}

export interface Durations {
  /** A duration from start to end, above `ranUs`. */
  draw(job: AskedJob, stream: Stream): number;
}

/** Jobs of the past that are remembered in a group: the latest. */
const MOST_REMEMBERED = 1000;
/** Fewer than this that ran longer say nothing: the next wider group is asked. */
const FEWEST = 10;
/** The prior's median for a job of which nothing is known. */
export const PRIOR_MEDIAN_US = 4 * HOUR_US;

/**
 * Without a past: log-logistic with shape 1, P(T > t) = m / (m + t). Having run a, the median of what is left is then
 * m + a: the longer a job has run, the longer it will. Half of all jobs end within m, one in ten runs longer than 9 m.
 */
export function priorDraw(ranUs: number, medianUs: number, stream: Stream): number {
  return ranUs + (medianUs + ranUs) * (1 / (1 - stream.next()) - 1);
}

interface Group {
  /** As parts of their limits, ascending; only jobs with a limit. */
  parts: Float64Array;
  durations: Float64Array;
}

/** `past` in the order in which they ended. */
export function durationsOf(past: readonly EndedJob[]): Durations {
  const members = new Map<string, EndedJob[]>();
  for (let i = past.length - 1; i >= 0; i--) {
    for (const key of keysOf(past[i])) {
      const group = members.get(key);
      if (group === undefined) members.set(key, [past[i]]);
      else if (group.length < MOST_REMEMBERED) group.push(past[i]);
    }
  }
  const groups = new Map<string, Group>();
  const groupNamed = (key: string): Group | undefined => {
    let group = groups.get(key);
    const jobs = members.get(key);
    if (group === undefined && jobs !== undefined) {
      const limited = jobs.filter(({ limitUs }) => limitUs > 0);
      group = {
        parts: Float64Array.from(limited, ({ durationUs, limitUs }) => durationUs / limitUs).sort(),
        durations: Float64Array.from(jobs, ({ durationUs }) => durationUs).sort(),
      };
      groups.set(key, group);
    }
    return group;
  };
  const all = groupNamed(ALL)?.durations;
  const medianUs = all === undefined ? PRIOR_MEDIAN_US : Math.max(MINUTE_US, all[all.length >> 1]);
  return {
    draw(job, stream) {
      const { limitUs, ranUs } = job;
      const end = (us: number) =>
        Math.max(ranUs + 1, Math.round(limitUs > 0 ? Math.min(us, Math.max(limitUs, ranUs + LAST_US)) : us));
      for (const key of keysOf(job)) {
        const group = groupNamed(key);
        if (group === undefined) continue;
        // Where limits are stated, how much of it people use tells more than hours do.
        const byLimit = limitUs > 0 && group.parts.length >= FEWEST;
        const [values, unit] = byLimit ? [group.parts, limitUs] : [group.durations, 1];
        const from = firstAbove(values, ranUs / unit);
        if (values.length - from < FEWEST) continue;
        return end(values[from + stream.integer(values.length - from)] * unit);
      }
      return end(priorDraw(ranUs, medianUs, stream));
    },
  };
}

/** A job at its limit is killed about now. */
const LAST_US = MINUTE_US;
const ALL = 'all';

/** The groups a job belongs to, the most like it first. */
function keysOf({ owner, gpus }: { owner: string; gpus: number }): string[] {
  const size = gpus <= 1 ? 1 : 2 ** Math.ceil(Math.log2(gpus));
  return [`${owner}\n${size}`, `${owner}\n`, `\n${size}`, ALL];
}

/** Index of the first value above `bound` in an ascending list. */
function firstAbove(values: Float64Array, bound: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
