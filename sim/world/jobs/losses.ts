/** What an interruption leaves: the job goes back to its best checkpoint, and the work beyond it is lost. */
import type { Checkpoints, Leaving } from '../checkpoints/checkpoints.ts';
import type { Jobs } from './jobs.ts';

export function fallBack(jobs: Jobs, job: number, leaving: Leaving = 'stays'): void {
  jobs.checkpoints?.stop(job);
  const planned = jobs.checkpoints?.plan(job) !== undefined;
  const kept = planned ? (jobs.checkpoints as Checkpoints).fallBack(job, leaving) : jobs.savedWork[job];
  noCleanerThan(jobs, job, kept);
  jobs.tellLost(job, jobs.accounts.lose(jobs.engine.now, job, kept), jobs.done[job] - kept);
  jobs.done[job] = kept;
  jobs.savedWork[job] = kept;
  jobs.begunWork[job] = kept;
}

/** It goes on from this work: what it did beyond is lost. */
export function goOnFrom(jobs: Jobs, job: number, work: number): void {
  if (work === jobs.done[job]) return;
  noCleanerThan(jobs, job, work);
  jobs.tellLost(job, jobs.accounts.lose(jobs.engine.now, job, work), jobs.done[job] - work);
  jobs.done[job] = work;
  jobs.savedWork[job] = work;
  jobs.begunWork[job] = work;
}

/** Its last clean checkpoint is gone; it goes on from an older one. */
export function noCleanerThan(jobs: Jobs, job: number, work: number): void {
  if ((jobs.cleanWork.get(job) ?? -1) > work) jobs.cleanWork.set(job, work);
}

/** One more checkpoint of a corrupted job: it may take the place of the last clean one. */
export function countSave(jobs: Jobs, job: number): void {
  const since = jobs.savedSince.get(job);
  if (since !== undefined) jobs.savedSince.set(job, since + 1);
}
