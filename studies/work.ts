/**
 * What a run got done, in a measure that does not depend on where it was done: a job's work counts in GPU-hours of the GPU
 * it was measured on. In the ledger the same work takes fewer GPU-hours on a faster GPU, so that a stack that happens to
 * use the fast pool would look as if it did less.
 */
import { gpuHours } from '../reports/cost.ts';
import { HOUR_US, JOB_CLASSES, type Run, type Scenario, type Simulation } from '../sim/simulate.ts';

export interface WorkDone {
  /** GPU-hours at reference speed: work of jobs that lasts, and requests served. */
  gpuHours: number;
  /** The same, each hour at the price of the job's reference pool, $. */
  usd: number;
  /** What would have been done had nothing waited or failed. */
  askedGpuHours: number;
  /** Jobs with an end that have not come to it. */
  unfinished: number;
}

const INFERENCE = JOB_CLASSES.indexOf('inference');

/** `simulation` has been run; `run` is its result. */
export function workDone(simulation: Simulation, run: Run): WorkDone {
  const { scenario, jobs: world } = simulation;
  const { jobs } = scenario;
  let hours = 0;
  let usd = 0;
  let asked = 0;
  let unfinished = 0;
  for (let job = 0; job < jobs.count; job++) {
    if (jobs.submitUs[job] > run.simulatedUs || jobs.durationUs[job] === Infinity) continue;
    const gpus = busyGpus(scenario, job);
    const total = (gpus * jobs.durationUs[job]) / HOUR_US;
    const left = Math.max(0, world.remainingUs(job));
    const done = (gpus * (jobs.durationUs[job] - left)) / HOUR_US;
    asked += total;
    hours += done;
    usd += (done * priceOf(scenario, job)) / 1e6;
    if (left > 0) unfinished++;
  }
  const served = servedHours(run);
  return {
    gpuHours: hours + served,
    usd: usd + (served * servingPrice(scenario)) / 1e6,
    askedGpuHours: asked + served,
    unfinished,
  };
}

function busyGpus({ jobs, pools, poolLists }: Scenario, job: number): number {
  let gpus = 0;
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) gpus += jobs.taskGpus[task];
  const memory = pools[poolLists[jobs.poolList[job]][0]].gpuMemoryMiB;
  const share =
    jobs.gpuMemoryMiB[job] > 0 && memory > 0
      ? Math.min(1, jobs.gpuMemoryMiB[job] / memory)
      : jobs.shareMilli[job] / 1000;
  return (gpus * share * jobs.useMilli[job]) / 1000;
}

/** Of the first of its pools on which it runs at reference speed, micro-dollars per GPU-hour. */
export function priceOf({ jobs, poolLists, pools, speedProfiles }: Scenario, job: number): number {
  const list = poolLists[jobs.poolList[job]];
  const speeds = jobs.speedProfile[job] < 0 ? undefined : speedProfiles[jobs.speedProfile[job]];
  return pools[list.find((pool) => speeds === undefined || speeds[pool] === 1000) ?? list[0]].priceMicroUsd;
}

function servedHours(run: Run): number {
  let amount = 0n;
  for (const entry of run.entries) if (entry.category === 'serving') amount += entry.amount;
  return gpuHours(amount);
}

/** Mean over deployments, by GPUs. */
function servingPrice(scenario: Scenario): number {
  const { jobs } = scenario;
  let gpus = 0;
  let price = 0;
  for (let job = 0; job < jobs.count; job++) {
    if (jobs.class[job] !== INFERENCE) continue;
    const held = busyGpus(scenario, job);
    gpus += held;
    price += held * priceOf(scenario, job);
  }
  return gpus === 0 ? 0 : price / gpus;
}
