/** Jobs that are there but not wanted: replicas beyond those a deployment asks for. They stand in no line and hold nothing. */
import { HELD, PENDING, TERMINATING } from '../../cluster/view.ts';
import { interrupt } from '../jobs/endings.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { enqueue } from '../jobs/queue.ts';

/** Before its arrival: it will not queue until it is called. */
export function park(jobs: Jobs, job: number): void {
  jobs.unmet[job]++;
}

/** It queues for GPUs, at once or as soon as it has let go of those it holds. */
export function callIn(jobs: Jobs, job: number): void {
  jobs.unmet[job]--;
  if (jobs.status[job] === TERMINATING) jobs.heldUntil.delete(job);
  else if (jobs.status[job] === HELD) enqueue(jobs, job);
}

/**
 * It gives back what it holds, or leaves the line, until it is called in again. A policy that cannot let go of a job that
 * waits (`withdraws` false) places it first: then it stands down at its start.
 */
export function standDown(jobs: Jobs, job: number, reason: string, withdraws: boolean): boolean {
  const { now } = jobs.engine;
  const status = jobs.status[job];
  if (status === PENDING) {
    if (!withdraws) return false;
    jobs.status[job] = HELD;
    jobs.pendingCount--;
    jobs.onPending(job, -1);
    jobs.queuedUs[job] += now - jobs.pendingSince[job];
    jobs.observer?.(now, 'scaled', job, -1, -1, 0, reason);
    jobs.changed.push(job);
    jobs.onChange();
  } else if (jobs.works(job)) {
    jobs.heldUntil.set(job, Infinity);
    interrupt(jobs, job, false, 0, 'scaled', reason);
  } else if (status === TERMINATING) {
    jobs.heldUntil.set(job, Infinity);
  }
  jobs.unmet[job]++;
  return true;
}
