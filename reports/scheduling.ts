/** What people complain of in schedulers, as figures of a run: halves of gangs, evictions, crumbs of nodes, silent queues. */
import { ALLOCATED, JOB_STATUS, type Run, SECOND_US } from '../sim/simulate.ts';
import { gpuHours } from './cost.ts';
import { gpusAsked } from './job-table.ts';

export interface SchedulingSummary {
  /** GPU-hours held by gangs that had not all their members yet. */
  halfStartedGpuHours: number;
  /** Jobs stopped by the scheduler, and elastic jobs that had to give workers back. */
  evictions: number;
  shrinks: number;
  /** GPU-hours that those had held since they last started, and the same per GPU-hour that was given to anyone. */
  evictedGpuHours: number;
  evictedPerGranted: number;
  /** Nodes with some but not all GPUs free: on average, and at most. */
  partlyFreeNodes: { mean: number; max: number };
  /** Jobs that waited longest when the run ended; `reason` is null where the policy says none. */
  waiting: { id: string; gpus: number; seconds: number; reason: string | null }[];
}

const SHOWN_WAITING = 10;
const PENDING = JOB_STATUS.indexOf('pending');

export function schedulingSummary(run: Run): SchedulingSummary {
  const { scheduling, samples, simulatedUs } = run;
  let held = 0n;
  let reserved = 0n;
  for (const { category, amount } of run.entries) {
    if (ALLOCATED.includes(category)) held += amount;
    if (category === 'reserved') reserved += amount;
  }
  const evictedGpuHours = gpuHours(scheduling.evicted);
  const nodes = samples.partlyFreeNodes.map((mean, i) => mean * lengthUs(run, i));
  return {
    halfStartedGpuHours: gpuHours(reserved),
    evictions: scheduling.evictions,
    shrinks: scheduling.shrinks,
    evictedGpuHours,
    evictedPerGranted: held === 0n ? 0 : evictedGpuHours / gpuHours(held),
    partlyFreeNodes: {
      mean: simulatedUs === 0 ? 0 : nodes.reduce((sum, x) => sum + x, 0) / simulatedUs,
      max: scheduling.mostPartlyFree,
    },
    waiting: waiting(run),
  };
}

/** Of bucket `i`; the last one is cut off where the run ends. */
function lengthUs({ samples: { bucketUs }, simulatedUs }: Run, i: number): number {
  return Math.min(bucketUs, simulatedUs - i * bucketUs);
}

function waiting(run: Run): SchedulingSummary['waiting'] {
  const { jobs, scenario, scheduling, simulatedUs } = run;
  const found: number[] = [];
  for (let job = 0; job < scenario.jobs.count; job++)
    if (jobs.status[job] === PENDING && scenario.jobs.submitUs[job] <= simulatedUs) found.push(job);
  found.sort((a, b) => jobs.queuedUs[b] - jobs.queuedUs[a] || a - b);
  return found.slice(0, SHOWN_WAITING).map((job) => ({
    id: scenario.jobs.ids[job],
    gpus: gpusAsked(run, job),
    seconds: jobs.queuedUs[job] / SECOND_US,
    reason: scheduling.reasons.get(job) ?? null,
  }));
}
