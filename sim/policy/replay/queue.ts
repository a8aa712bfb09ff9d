/** Waiting lines of the simple policies: pending jobs in the order of a key, one line for each group of pools that share jobs. */
import type { View } from '../../cluster/view.ts';
import type { Scenario } from '../../scenario.ts';

/** Who competes with whom, and how much each asks for. Plain data, like all of a policy's memory. */
export interface Groups {
  /** Group of each pool list: lists that overlap compete for the same GPUs and wait in one line; −1 = no job has it. */
  groupOf: Int32Array;
  groups: number;
  /** How many pools the jobs of a group may use, all together. */
  poolsIn: Int32Array;
  /** GPUs of the whole gang and of its widest worker, by job. */
  gpus: Int32Array;
  widest: Int32Array;
}

export interface Lines extends Groups {
  /** Job numbers by group, first in line first. */
  lines: number[][];
}

export function openLines(scenario: Scenario): Lines {
  const groups = groupsOf(scenario);
  return { ...groups, lines: Array.from({ length: groups.groups }, () => []) };
}

export function groupsOf(scenario: Scenario): Groups {
  const { jobs, poolLists } = scenario;
  const groupOfPool = scenario.pools.map((_, pool) => pool);
  const root = (pool: number): number => (groupOfPool[pool] === pool ? pool : root(groupOfPool[pool]));
  const used = poolLists.map(() => false);
  for (const list of jobs.poolList) used[list] = true;
  poolLists.forEach((list, i) => {
    if (used[i]) for (const pool of list) groupOfPool[root(pool)] = root(list[0]);
  });
  const roots = [...new Set(poolLists.filter((_, i) => used[i]).map((list) => root(list[0])))];
  const poolsIn = new Int32Array(roots.length);
  for (const pool of new Set(poolLists.filter((_, i) => used[i]).flat())) poolsIn[roots.indexOf(root(pool))]++;
  const gpus = new Int32Array(jobs.count);
  const widest = new Int32Array(jobs.count);
  for (let j = 0; j < jobs.count; j++) {
    for (let t = jobs.taskStart[j]; t < jobs.taskStart[j + 1]; t++) {
      gpus[j] += jobs.taskGpus[t];
      widest[j] = Math.max(widest[j], jobs.taskGpus[t]);
    }
  }
  return {
    groupOf: Int32Array.from(poolLists, (list, i) => (used[i] ? roots.indexOf(root(list[0])) : -1)),
    groups: roots.length,
    poolsIn,
    gpus,
    widest,
  };
}

/** Puts the jobs that became pending in line by `key`, ties by job number (the order of submission). */
export function admit(lines: Lines, view: View, key: (job: number) => number): void {
  const { jobs } = view.scenario;
  for (const job of view.pended) {
    const line = lines.lines[lines.groupOf[jobs.poolList[job]]];
    const mine = key(job);
    let low = 0;
    let high = line.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = key(line[middle]);
      if (other < mine || (other === mine && line[middle] < job)) low = middle + 1;
      else high = middle;
    }
    line.splice(low, 0, job);
  }
}
