/** A job saves itself: in a stated time, or by writing a checkpoint that has a size over the storage. */
import { CHECKPOINTING, TERMINATING } from '../../cluster/view.ts';
import type { Checkpoints } from '../checkpoints/checkpoints.ts';
import { interrupt, leaveGpus } from './endings.ts';
import type { Jobs } from './jobs.ts';
import { countSave, fallBack } from './losses.ts';
import { runPhase } from './running.ts';

export function beginCheckpoint(jobs: Jobs, job: number): void {
  const { checkpointStallUs } = jobs.scenario.jobs;
  const { now } = jobs.engine;
  jobs.status[job] = CHECKPOINTING;
  jobs.observer?.(now, 'checkpoint', job, -1, -1, 0, '');
  jobs.accounts.turn(now, job, 'checkpoint');
  if (jobs.checkpoints?.plan(job) !== undefined) stall(jobs, job);
  else if (checkpointStallUs[job] > 0) jobs.timePhase(job, checkpointStallUs[job]);
  else saveAll(jobs, job);
}

/** Copies its state aside, or waits for the last checkpoint to land first. */
function stall(jobs: Jobs, job: number): void {
  const checkpoints = jobs.checkpoints as Checkpoints;
  const stallUs = checkpoints.plan(job)?.asynchronous ? (checkpoints.plan(job)?.stallUs ?? 0) : 0;
  if (checkpoints.isWriting(job)) jobs.phaseEvent[job] = -1;
  else if (stallUs > 0) jobs.timePhase(job, stallUs);
  else writeCheckpoint(jobs, job);
}

export function writeCheckpoint(jobs: Jobs, job: number): void {
  const checkpoints = jobs.checkpoints as Checkpoints;
  const { now } = jobs.engine;
  jobs.accounts.mark(now, job, jobs.done[job]);
  jobs.begunWork[job] = jobs.done[job];
  jobs.phaseEvent[job] = -1;
  const reason = jobs.evacuating.get(job);
  if (!checkpoints.write(job, jobs.done[job], reason !== undefined)) {
    jobs.observer?.(now, 'unsaved', job, -1, -1, 0, 'its file system is full');
    if (reason === undefined) runPhase(jobs, job);
    else departUnsaved(jobs, job, reason);
  } else if (reason === undefined && checkpoints.plan(job)?.asynchronous) {
    runPhase(jobs, job);
  }
}

/** A checkpoint is complete. */
export function checkpointLanded(jobs: Jobs, job: number, work: number, shared: boolean): void {
  const { now } = jobs.engine;
  if (shared) jobs.accounts.safeTo(job, work);
  // A copy of a checkpoint that has landed in its own tier is no other one.
  if (work > jobs.savedWork[job]) jobs.observer?.(now, 'saved', job, -1, -1, 0, '');
  jobs.savedWork[job] = Math.max(jobs.savedWork[job], work);
  if (jobs.saving.delete(job)) {
    jobs.engine.queue.cancel(jobs.phaseEvent[job]);
    fallBack(jobs, job, 'preempted');
    leaveGpus(jobs, job);
  } else if (jobs.status[job] === CHECKPOINTING && jobs.halted[job] === 0 && jobs.phaseEvent[job] < 0) {
    const reason = jobs.evacuating.get(job);
    if (jobs.checkpoints?.isWriting(job)) return;
    if (work < jobs.done[job]) stall(jobs, job);
    else if (reason !== undefined && !shared) writeCheckpoint(jobs, job);
    else if (reason === undefined) runPhase(jobs, job);
    else departUnsaved(jobs, job, reason);
  }
}

/** Told to stop, it writes a checkpoint; one that has not landed when its time is over is lost. */
export function saveWithin(jobs: Jobs, job: number, graceUs: number, what: string, reason: string): void {
  const checkpoints = jobs.checkpoints as Checkpoints;
  const { now } = jobs.engine;
  jobs.engine.queue.cancel(jobs.phaseEvent[job]);
  jobs.dropLimit(job);
  jobs.observer?.(now, what, job, -1, -1, 0, reason);
  jobs.done[job] = jobs.progress(job);
  jobs.evacuating.delete(job);
  jobs.status[job] = TERMINATING;
  jobs.changed.push(job);
  if (jobs.done[job] > jobs.savedWork[job]) {
    checkpoints.stop(job);
    jobs.accounts.mark(now, job, jobs.done[job]);
    if (checkpoints.write(job, jobs.done[job], true)) {
      jobs.saving.add(job);
      jobs.accounts.turn(now, job, 'checkpoint');
      jobs.timePhase(job, graceUs);
      return;
    }
    jobs.observer?.(now, 'unsaved', job, -1, -1, 0, 'its file system is full');
  }
  fallBack(jobs, job, 'preempted');
  leaveGpus(jobs, job);
}

export function saveAll(jobs: Jobs, job: number): void {
  jobs.savedWork[job] = jobs.done[job];
  jobs.begunWork[job] = jobs.done[job];
  jobs.accounts.saved(jobs.engine.now, job, jobs.done[job]);
  countSave(jobs, job);
  jobs.observer?.(jobs.engine.now, 'saved', job, -1, -1, 0, '');
  const reason = jobs.evacuating.get(job);
  if (reason === undefined) runPhase(jobs, job);
  else depart(jobs, job, reason);
}

function depart(jobs: Jobs, job: number, reason: string): void {
  jobs.preemptions[job]++;
  interrupt(jobs, job, true, jobs.scenario.jobs.graceUs[job], 'preempt', reason);
}

/** Leaves with what has landed. */
function departUnsaved(jobs: Jobs, job: number, reason: string): void {
  jobs.preemptions[job]++;
  interrupt(jobs, job, false, jobs.scenario.jobs.graceUs[job], 'preempt', reason);
}
