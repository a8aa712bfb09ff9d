/** Workers of a job one by one: they leave an elastic job, or give back their GPUs. */
import { NODE_STATES } from '../../cluster/cluster.ts';
import { PENDING, type ShrinkAction } from '../../cluster/view.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Jobs } from './jobs.ts';
import { attain, pauseWork, resumeWork } from './pace.ts';

/** Workers of an elastic job leave it after its grace period; until then they work on. */
export function shrinkJob(jobs: Jobs, { job, tasks, reason }: ShrinkAction): void {
  const { jobs: spec } = jobs.scenario;
  const { now } = jobs.engine;
  let leaving = 0;
  for (let t = spec.taskStart[job]; t < spec.taskStart[job + 1]; t++) if (jobs.leaving.has(t)) leaving++;
  if (!jobs.works(job) || jobs.placedTasks[job] - leaving - tasks.length < spec.minTasks[job]) {
    throw new Error(`invariant: job ${spec.ids[job]} does not run or would fall below its minimum`);
  }
  jobs.changed.push(job);
  for (const task of tasks) {
    jobs.observer?.(now, 'shrink', job, task, jobs.cluster.taskNode[task], jobs.cluster.taskMask[task], reason);
    jobs.leaving.set(task, jobs.engine.schedule(now + spec.graceUs[job], PRIORITY.phase, KIND.leave, job, task));
  }
}

/** A worker's grace period is over; the job goes on without it. */
export function leaveAlone(jobs: Jobs, job: number, task: number): void {
  pauseWork(jobs, job);
  freeTask(jobs, job, task, jobs.engine.now);
  jobs.placedTasks[job]--;
  resumeWork(jobs, job);
  jobs.left.push(job);
  jobs.changed.push(job);
  jobs.freed = true;
  jobs.onChange();
}

export function freeTasks(jobs: Jobs, job: number): void {
  const { jobs: spec } = jobs.scenario;
  const { now } = jobs.engine;
  if (jobs.status[job] !== PENDING) attain(jobs, job);
  for (let task = spec.taskStart[job]; task < spec.taskStart[job + 1]; task++) {
    if (jobs.cluster.taskNode[task] < 0) continue;
    const leaves = jobs.leaving.get(task);
    if (leaves !== undefined) jobs.engine.queue.cancel(leaves);
    freeTask(jobs, job, task, now);
  }
  jobs.placedTasks[job] = 0;
  jobs.left.push(job);
  jobs.freed = true;
  jobs.onChange();
}

export function freeTask(jobs: Jobs, job: number, task: number, now: number): void {
  const { cluster } = jobs;
  const node = cluster.taskNode[task];
  const pool = cluster.spec.nodes.pool[node];
  const units = cluster.taskUnits[task] * jobs.scenario.jobs.taskGpus[task];
  jobs.observer?.(now, 'release', job, task, node, cluster.taskMask[task], '');
  jobs.leaving.delete(task);
  cluster.release(task);
  jobs.checkpoints?.moved(job);
  jobs.onPool(pool);
  jobs.accounts.give(now, job, pool, units, NODE_STATES[cluster.nodeState[node]]);
  jobs.onFree(node);
}

/** Whether an elastic job can go on without these workers of it. */
export function canDrop(jobs: Jobs, job: number, tasks: readonly number[]): boolean {
  const { jobs: spec } = jobs.scenario;
  let stay = 0;
  for (let t = spec.taskStart[job]; t < spec.taskStart[job + 1]; t++) {
    if (jobs.cluster.taskNode[t] >= 0 && !tasks.includes(t)) stay++;
  }
  return jobs.works(job) && stay >= spec.minTasks[job] && stay > 0;
}
