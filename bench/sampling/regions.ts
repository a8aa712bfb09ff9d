/** One region of many, simulated alone, and what is kept of it to be added to the others. */

import { readScenario } from '../../scenarios/index.ts';
import { openStream } from '../../sim/engine/random.ts';
import { ALLOCATED, DAY_US, simulate, USEFUL } from '../../sim/simulate.ts';
import { scaleText } from '../speed/scale.ts';

/** How a region is simulated. */
export interface Way {
  policy: string;
  gpus: number;
  days: number;
  /** Jobs submitted before are simulated and not counted; the GPU-time of the first days is not either. */
  warmUpDays: number;
  /** Part of the nodes and of the arrivals that are kept. */
  part: number;
}

/** Sums, so that regions can be added. Times in µs, GPU-time in GPU·µs. */
export interface RegionSums {
  /** What its jobs ask for, over what it has: known before any run. */
  offered: number;
  events: number;
  capacity: number;
  allocated: number;
  useful: number;
  waits: number[];
}

/** Regions differ in how much is asked of them: evenly from three fifths to all of what they have. */
export function loadOf(region: number): number {
  return 0.6 + 0.4 * openStream(`sampling`, `load/${region}`).next();
}

export function simulateRegion(region: number, way: Way): RegionSums {
  const { policy, gpus, days, warmUpDays, part } = way;
  const kept = Math.max(64, Math.round((gpus * part) / 8) * 8);
  const options = { seed: `region-${region}`, load: loadOf(region), jobsOf: gpus };
  const scenario = readScenario(scaleText(kept, policy, days, options));
  const run = simulate(scenario, { keepHours: warmUpDays > 0 });
  const { jobs } = scenario;
  const sums: RegionSums = { offered: 0, events: run.events, capacity: 0, allocated: 0, useful: 0, waits: [] };
  const entries = warmUpDays > 0 ? run.hours.filter(({ hour }) => hour >= 24 * warmUpDays) : run.entries;
  for (const { category, amount } of entries) {
    const gpuUs = Number(amount) / 7000;
    sums.capacity += gpuUs;
    if (ALLOCATED.includes(category)) sums.allocated += gpuUs;
    if (USEFUL.includes(category)) sums.useful += gpuUs;
  }
  for (let job = 0; job < jobs.count; job++) {
    for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++)
      sums.offered += (jobs.taskGpus[task] * jobs.durationUs[job]) / (kept * days * DAY_US);
    if (jobs.submitUs[job] >= warmUpDays * DAY_US) sums.waits.push(run.jobs.queuedUs[job]);
  }
  return sums;
}
