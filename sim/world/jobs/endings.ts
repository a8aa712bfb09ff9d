/** A job loses its GPUs, dead or told to go: what becomes of its work, and whether it queues again. */
import { FAILED, HELD, PENDING, TERMINATING } from '../../cluster/view.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Jobs } from './jobs.ts';
import { countSave, fallBack } from './losses.ts';
import { finish, requeue } from './queue.ts';
import { freeTasks } from './workers.ts';

export function interrupt(
  jobs: Jobs,
  job: number,
  saves: boolean,
  graceUs: number,
  what: string,
  reason: string,
): void {
  const { now } = jobs.engine;
  jobs.engine.queue.cancel(jobs.phaseEvent[job]);
  jobs.dropLimit(job);
  jobs.observer?.(now, what, job, -1, -1, 0, reason);
  jobs.done[job] = jobs.progress(job);
  jobs.evacuating.delete(job);
  // Dead processes have nothing left to save.
  if (saves && jobs.halted[job] === 0) {
    jobs.savedWork[job] = jobs.done[job];
    jobs.begunWork[job] = jobs.done[job];
    jobs.checkpoints?.stop(job);
    jobs.checkpoints?.saved(job, jobs.done[job]);
    jobs.accounts.saved(now, job, jobs.done[job]);
    countSave(jobs, job);
  } else {
    fallBack(jobs, job, what === 'kill' ? 'dies' : 'preempted');
  }
  jobs.halted[job] = 0;
  jobs.status[job] = TERMINATING;
  jobs.changed.push(job);
  if (graceUs > 0) {
    jobs.accounts.turn(now, job, 'terminating');
    jobs.timePhase(job, graceUs);
  } else {
    leaveGpus(jobs, job);
  }
}

/** Frees its GPUs after a preemption or a death and queues again, if it may. */
export function leaveGpus(jobs: Jobs, job: number): void {
  if (jobs.saving.delete(job)) fallBack(jobs, job, 'preempted');
  jobs.unlinkActive(job);
  freeTasks(jobs, job);
  const { jobs: spec } = jobs.scenario;
  const givenUp = jobs.givenUp.get(job);
  // Being preempted is no failure: only deaths use up attempts.
  if (givenUp !== undefined) {
    jobs.givenUp.delete(job);
    finish(jobs, job, FAILED, givenUp);
  } else if (spec.maxAttempts[job] > 0 && jobs.restarts[job] >= spec.maxAttempts[job]) {
    finish(jobs, job, FAILED, `${spec.maxAttempts[job]} attempts are used up`);
  } else {
    const until = jobs.heldUntil.get(job) ?? 0;
    if (until > jobs.engine.now) {
      jobs.status[job] = HELD;
      jobs.changed.push(job);
      // Infinity: until it is called in.
      if (until !== Infinity) jobs.engine.schedule(until, PRIORITY.arrive, KIND.requeue, job);
    } else {
      requeue(jobs, job);
    }
  }
  jobs.heldUntil.delete(job);
}

/** Its node is taken away: it dies, through no fault of its own. */
export function takeAway(jobs: Jobs, job: number, reason: string): void {
  if (!jobs.works(job)) {
    killJob(jobs, job, reason);
    return;
  }
  jobs.preemptions[job]++;
  interrupt(jobs, job, false, 0, 'reclaim', reason);
}

/** A dead job is taken off its GPUs and queued again, at `notBeforeUs` at the earliest. */
export function takeOff(jobs: Jobs, job: number, what: 'kill' | 'preempt', notBeforeUs: number, reason: string): void {
  if (!jobs.works(job)) return;
  jobs.heldUntil.set(job, notBeforeUs);
  if (what === 'kill') jobs.restarts[job]++;
  else jobs.preemptions[job]++;
  if (!jobs.requeues) jobs.givenUp.set(job, reason);
  interrupt(jobs, job, false, 0, what, reason);
}

export function giveUp(jobs: Jobs, job: number, reason: string): void {
  if (!jobs.works(job)) return;
  jobs.restarts[job]++;
  jobs.givenUp.set(job, reason);
  interrupt(jobs, job, false, 0, 'kill', reason);
}

/** The job's processes die without warning: work since the last checkpoint is lost, it goes back to the queue. */
export function killJob(jobs: Jobs, job: number, reason: string): void {
  const status = jobs.status[job];
  if (status === PENDING) {
    if (jobs.placedTasks[job] > 0) giveBack(jobs, job, reason);
    return;
  }
  if (status === TERMINATING) {
    jobs.engine.queue.cancel(jobs.phaseEvent[job]);
    leaveGpus(jobs, job);
    return;
  }
  jobs.restarts[job]++;
  if (!jobs.requeues) jobs.givenUp.set(job, reason);
  interrupt(jobs, job, false, 0, 'kill', reason);
}

/** A gang that never had all its members gives back those it has. */
export function giveBack(jobs: Jobs, job: number, reason: string): void {
  jobs.observer?.(jobs.engine.now, 'preempt', job, -1, -1, 0, reason);
  freeTasks(jobs, job);
  jobs.pended.push(job);
  jobs.changed.push(job);
}
