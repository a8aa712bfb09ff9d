/** Jobs come, wait for others, queue, and are over: what brings a job into the queue and what takes it off the books. */
import { COMPLETED, FAILED, FUTURE, HELD, PENDING, UNSCHEDULABLE } from '../../cluster/view.ts';
import { fitsEmptyCluster } from '../capacity.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Jobs } from './jobs.ts';

export function arrive(jobs: Jobs): void {
  const job = jobs.nextArrival++;
  const { jobs: spec } = jobs.scenario;
  jobs.observer?.(jobs.engine.now, 'submit', job, -1, -1, 0, '');
  if (jobs.status[job] === FAILED) {
    // A job it had to wait for has failed already.
  } else if (!fitsEmptyCluster(jobs.cluster, jobs.scenario, job)) {
    finish(jobs, job, UNSCHEDULABLE, `asks for more than any of its pools has`);
  } else if (jobs.unmet[job] > 0) {
    jobs.status[job] = HELD;
  } else {
    enqueue(jobs, job);
  }
  if (jobs.nextArrival < spec.count) scheduleArrival(jobs);
}

export function scheduleArrival(jobs: Jobs): void {
  const { jobs: spec } = jobs.scenario;
  if (jobs.nextArrival < spec.count) {
    jobs.engine.schedule(spec.submitUs[jobs.nextArrival], PRIORITY.arrive, KIND.arrive, jobs.nextArrival, 0);
  }
}

export function enqueue(jobs: Jobs, job: number): void {
  jobs.status[job] = PENDING;
  jobs.changed.push(job);
  jobs.pendingSince[job] = jobs.engine.now;
  jobs.pendingCount++;
  jobs.pended.push(job);
  jobs.onPending(job, 1);
  jobs.onChange();
}

/** It has been out of the queue, and waits again. */
export function requeue(jobs: Jobs, job: number): void {
  jobs.observer?.(jobs.engine.now, 'requeue', job, -1, -1, 0, '');
  enqueue(jobs, job);
}

export function finish(jobs: Jobs, job: number, status: number, reason: string): void {
  jobs.status[job] = status;
  jobs.changed.push(job);
  jobs.endUs[job] = jobs.engine.now;
  jobs.phaseEvent[job] = -1;
  jobs.checkpoints?.end(job);
  jobs.accounts.forget(job);
  jobs.savedSince.delete(job);
  if (jobs.scenario.jobs.durationUs[job] !== Infinity) jobs.unfinished--;
  const what = status === COMPLETED ? 'complete' : status === FAILED ? 'fail' : 'unschedulable';
  jobs.observer?.(jobs.engine.now, what, job, -1, -1, 0, reason);
  releaseDependents(jobs, job, status === COMPLETED ? 'completed' : 'failed');
  jobs.onChange();
}

/** Jobs that wait for this one may come a step nearer, or can never come. */
export function releaseDependents(jobs: Jobs, job: number, what: 'started' | 'completed' | 'failed'): void {
  for (const [dependent, condition] of jobs.dependents.get(job) ?? []) {
    // Conditions in the order of AFTER_CONDITIONS: completed, started, ended.
    const met = what === 'started' ? condition === 1 : condition === 2 || (condition === 0 && what === 'completed');
    const never = what === 'failed' && (condition === 0 || (condition === 1 && jobs.firstStartUs[job] < 0));
    if (never && (jobs.status[dependent] === HELD || jobs.status[dependent] === FUTURE)) {
      finish(jobs, dependent, FAILED, `waits for ${jobs.scenario.jobs.ids[job]}, which failed`);
    } else if (met) {
      jobs.unmet[dependent]--;
      if (jobs.unmet[dependent] === 0 && jobs.status[dependent] === HELD) enqueue(jobs, dependent);
    }
  }
}
