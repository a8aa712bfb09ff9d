/**
 * What a run got done, in a measure that does not depend on where it was done: a job's work counts in GPU-hours of the GPU
 * it was measured on. In the ledger the same work takes fewer GPU-hours on a faster GPU, so that a stack that happens to
 * use the fast pool would look as if it did less.
 */
import { gpuHours } from '../reports/cost.ts';
import { DEFAULT_SERVING_USE_MILLI } from '../scenarios/catalogue/models.ts';
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
  const served = requestsServed(run);
  const other = servedOtherwise(run, served.busyHours);
  return {
    gpuHours: hours + served.gpuHours + other,
    usd: usd + served.usd + (other * servingPrice(scenario)) / 1e6,
    askedGpuHours: asked + served.askedGpuHours + other,
    unfinished,
  };
}

/**
 * A deployment with requests is worth what its replicas would cost while busy as long as a service usually is, as far as
 * its requests met their targets. How long they were really busy says how slow their GPUs were, not how much was served.
 */
function requestsServed({ scenario, serving, simulatedUs }: Run) {
  const sum = { gpuHours: 0, usd: 0, askedGpuHours: 0, busyHours: 0 };
  const { jobs, pools } = scenario;
  for (const spec of scenario.serving ?? []) {
    const figures = serving?.find(({ deployment }) => deployment === spec.name);
    if (figures === undefined) continue;
    const [job] = spec.replicaJobs;
    const gpus = job === undefined ? 0 : gpusOf(scenario, job) * (jobs.shareMilli[job] / 1000);
    sum.busyHours += (figures.busyUs * gpus) / HOUR_US;
    if (figures.requests === 0) continue;
    const asked = (spec.replicas * gpus * DEFAULT_SERVING_USE_MILLI * simulatedUs) / 1000 / HOUR_US;
    const done = (asked * figures.attained) / figures.requests;
    sum.askedGpuHours += asked;
    sum.gpuHours += done;
    sum.usd += (done * pools[spec.variants[0].pool].priceMicroUsd) / 1e6;
  }
  return sum;
}

/** Busy GPU-hours of deployments that state no requests. */
function servedOtherwise({ entries }: Run, withRequests: number): number {
  let amount = 0n;
  for (const entry of entries) if (entry.category === 'serving') amount += entry.amount;
  return Math.max(0, gpuHours(amount) - withRequests);
}

function gpusOf({ jobs }: Scenario, job: number): number {
  let gpus = 0;
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) gpus += jobs.taskGpus[task];
  return gpus;
}

function busyGpus(scenario: Scenario, job: number): number {
  const { jobs, pools, poolLists } = scenario;
  const gpus = gpusOf(scenario, job);
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

/** Mean over deployments that state no requests, by GPUs. */
function servingPrice(scenario: Scenario): number {
  const { jobs, serving = [] } = scenario;
  const withRequests = new Set(serving.flatMap(({ replicaJobs }) => replicaJobs));
  let gpus = 0;
  let price = 0;
  for (let job = 0; job < jobs.count; job++) {
    if (jobs.class[job] !== INFERENCE || withRequests.has(job)) continue;
    const held = busyGpus(scenario, job);
    gpus += held;
    price += held * priceOf(scenario, job);
  }
  return gpus === 0 ? 0 : price / gpus;
}
