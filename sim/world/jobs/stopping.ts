/** A job is told to stop, by a policy, its time limit, a notice or whoever moves it: does it save itself first? */
import { CHECKPOINTING, PENDING, type PreemptAction, RUNNING, STARTING } from '../../cluster/view.ts';
import type { Checkpoints } from '../checkpoints/checkpoints.ts';
import { beginCheckpoint, saveWithin } from './checkpointing.ts';
import { giveBack, interrupt } from './endings.ts';
import type { JobLimits, Jobs } from './jobs.ts';
import { pauseWork } from './pace.ts';

export function preemptJob(
  jobs: Jobs,
  { job, reason, saves = false, cancels = false, graceUs = Infinity }: Omit<PreemptAction, 'kind'>,
): void {
  const status = jobs.status[job];
  if (status === PENDING && jobs.placedTasks[job] > 0) {
    giveBack(jobs, job, reason);
    return;
  }
  if (!jobs.works(job)) {
    throw new Error(`invariant: job ${jobs.scenario.jobs.ids[job]} is preempted but does not run`);
  }
  jobs.preemptions[job]++;
  if (cancels) jobs.givenUp.set(job, reason);
  tellToStop(jobs, job, saves, graceUs, 'preempt', reason);
}

/** Tells a job to stop. It saves itself if it does so at all and is given the time it takes. */
export function tellToStop(
  jobs: Jobs,
  job: number,
  saves: boolean,
  mostUs: number,
  what: string,
  reason: string,
): void {
  const { checkpointOnPreempt, graceUs } = jobs.scenario.jobs;
  const grace = Math.min(graceUs[job], mostUs);
  const writes = checkpointOnPreempt[job] === 1 && jobs.checkpoints?.plan(job) !== undefined;
  if (writes && !saves && grace > 0 && jobs.halted[job] === 0) {
    saveWithin(jobs, job, grace, what, reason);
    return;
  }
  const own = !writes && checkpointOnPreempt[job] === 1 && graceUs[job] <= mostUs;
  interrupt(jobs, job, saves || own, grace, what, reason);
}

export function reachLimit(jobs: Jobs, job: number): void {
  const limits = jobs.limits as JobLimits;
  const killWaitUs = limits.killWaitOf?.(jobs.scenario, job) ?? limits.killWaitUs;
  jobs.limitEvent[job] = -1;
  jobs.givenUp.set(job, 'time limit');
  tellToStop(jobs, job, false, killWaitUs, 'limit', 'time limit');
}

/** A job that is well leaves for elsewhere: it writes a checkpoint first, if it writes any. */
export function evacuateJob(jobs: Jobs, job: number, notBeforeUs: number, reason: string): void {
  if (!jobs.works(job) || jobs.halted[job] > 0 || jobs.evacuating.has(job)) return;
  jobs.heldUntil.set(job, notBeforeUs);
  const { checkpointEveryUs, checkpointOnPreempt } = jobs.scenario.jobs;
  const status = jobs.status[job];
  if (status === CHECKPOINTING) {
    jobs.evacuating.set(job, reason);
  } else if (status === RUNNING && (checkpointEveryUs[job] > 0 || jobs.checkpoints?.plan(job) !== undefined)) {
    pauseWork(jobs, job);
    jobs.evacuating.set(job, reason);
    beginCheckpoint(jobs, job);
  } else {
    jobs.preemptions[job]++;
    tellToStop(jobs, job, checkpointOnPreempt[job] === 1, Infinity, 'preempt', reason);
  }
}

/**
 * Its GPUs will be taken in `noticeUs`: a job that saves itself when preempted writes a checkpoint and leaves, if that
 * time suffices for it; else it works on to the end.
 */
export function giveNotice(jobs: Jobs, job: number, noticeUs: number, reason: string): void {
  const { checkpointOnPreempt, checkpointEveryUs, checkpointStallUs, graceUs } = jobs.scenario.jobs;
  if (!jobs.works(job) || jobs.halted[job] > 0 || checkpointOnPreempt[job] === 0) return;
  const planned = jobs.checkpoints?.plan(job) !== undefined;
  const writeUs = planned
    ? (jobs.checkpoints as Checkpoints).lastWriteUs(job)
    : checkpointEveryUs[job] > 0
      ? checkpointStallUs[job]
      : 0;
  if (planned) {
    if (writeUs > noticeUs || jobs.status[job] === STARTING) return;
    jobs.preemptions[job]++;
    saveWithin(jobs, job, noticeUs, 'preempt', reason);
  } else if (writeUs + graceUs[job] <= noticeUs) {
    evacuateJob(jobs, job, 0, reason);
  }
}
