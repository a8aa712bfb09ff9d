/** One row a job, as reports and files show it. */

import { JOB_STATUS, type Run } from '../sim/simulate.ts';
import { counted } from './format.ts';

export const REPORTED_STATUS = ['completed', 'failed', 'running', 'pending', 'unschedulable'] as const;
export type ReportedStatus = (typeof REPORTED_STATUS)[number];

/** How the finer states of the simulation are reported, indexed as JOB_STATUS. */
const REPORTED: readonly ReportedStatus[] = JOB_STATUS.map((status) => {
  switch (status) {
    case 'starting':
    case 'checkpointing':
    case 'terminating':
      return 'running';
    case 'future':
    case 'held':
      return 'pending';
    default:
      return status;
  }
});

export function statusOf(run: Run, job: number): ReportedStatus {
  return REPORTED[run.jobs.status[job]];
}

/** GPUs that a job asks for: whole ones, or GPUs in part, or MIG instances, counted over its workers. */
export function gpusAsked(run: Run, job: number): number {
  const { taskStart, taskGpus } = run.scenario.jobs;
  let gpus = 0;
  for (let task = taskStart[job]; task < taskStart[job + 1]; task++) gpus += taskGpus[task];
  return gpus;
}

/** When a job ended, µs; -1 for one that has not, or never could begin. */
export function endedUs(run: Run, job: number): number {
  const status = statusOf(run, job);
  return status === 'completed' || status === 'failed' ? run.jobs.endUs[job] : -1;
}

/** Whether a job counts in the statistics: it arrived after the warm-up and before the end. */
export function isMeasured(run: Run, job: number): boolean {
  const submit = run.scenario.jobs.submitUs[job];
  return submit >= run.scenario.warmUpUs && submit <= run.simulatedUs;
}

/** What the job's work takes with nobody in its way, on the fastest pool it may use, µs; start-up not counted. */
export function idealUs(run: Run, job: number): number {
  const { jobs, speedProfiles, poolLists } = run.scenario;
  const profile = jobs.speedProfile[job];
  if (profile < 0) return jobs.durationUs[job];
  let fastest = 0;
  for (const pool of poolLists[jobs.poolList[job]]) fastest = Math.max(fastest, speedProfiles[profile][pool]);
  return Math.ceil((jobs.durationUs[job] * 1000) / fastest);
}

/** Why the cluster can never run a job, as a phrase. */
export function whyUnschedulable(run: Run, job: number): string {
  const { jobs, nodes, pools, poolLists } = run.scenario;
  const list = poolLists[jobs.poolList[job]];
  const names = list.map((pool) => pools[pool].name).join(', ');
  let widest = 0;
  const installed = new Map<number, number>();
  for (let node = 0; node < nodes.count; node++) {
    const pool = nodes.pool[node];
    if (!list.includes(pool)) continue;
    widest = Math.max(widest, nodes.gpus[node]);
    installed.set(pool, (installed.get(pool) ?? 0) + nodes.gpus[node]);
  }
  let worker = 0;
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++)
    worker = Math.max(worker, jobs.taskGpus[task]);
  const whole = jobs.shareMilli[job] === 1000 && jobs.gpuMemoryMiB[job] === 0 && jobs.migProfile[job] < 0;
  const gpus = gpusAsked(run, job);
  const most = Math.max(0, ...installed.values());
  if (whole && worker > widest) return `a worker of ${worker} GPUs, but no node of ${names} has more than ${widest}`;
  if (whole && gpus > most) return `${counted(gpus, 'GPU')}, but no pool of ${names} has more than ${most}`;
  return `what it asks (${counted(gpus, 'GPU')}, CPU, memory, share or MIG profile) is on no set of nodes of ${names}`;
}
