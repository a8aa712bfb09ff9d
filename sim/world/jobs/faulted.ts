/** What faults do to jobs: they halt, start anew, lose workers, or compute wrong results. */
import { CHECKPOINTING, RUNNING, STARTING } from '../../cluster/view.ts';
import { beginCheckpoint } from './checkpointing.ts';
import type { Jobs } from './jobs.ts';
import { fallBack } from './losses.ts';
import { launchUs, pauseWork, resumeWork } from './pace.ts';
import { runPhase } from './running.ts';
import { freeTask } from './workers.ts';

/** Its processes die or hang and nobody has noticed yet. `by`: a number from 0 that says what did it. */
export function haltJob(jobs: Jobs, job: number, by: number): void {
  if (!jobs.works(job) || jobs.halted[job] > 0) return;
  pauseWork(jobs, job);
  if (jobs.phaseEvent[job] >= 0) jobs.engine.queue.cancel(jobs.phaseEvent[job]);
  jobs.phaseEvent[job] = -1;
  jobs.evacuating.delete(job);
  jobs.checkpoints?.stop(job);
  // What was being written is written anew as soon as it goes on.
  if (jobs.checkpoints?.plan(job) !== undefined) jobs.begunWork[job] = jobs.savedWork[job];
  jobs.halted[job] = by + 1;
  jobs.accounts.turn(jobs.engine.now, job, 'detecting');
}

/** What held it up is over: it goes on where it stood; a start or a checkpoint begins anew. */
export function resumeJob(jobs: Jobs, job: number): void {
  jobs.halted[job] = 0;
  const { now } = jobs.engine;
  const status = jobs.status[job];
  if (status === RUNNING) {
    runPhase(jobs, job);
  } else if (status === CHECKPOINTING) {
    beginCheckpoint(jobs, job);
  } else {
    jobs.accounts.turn(now, job, 'restart');
    jobs.timePhase(job, launchUs(jobs, job, jobs.starts[job] - 1));
  }
}

/** Starts its processes anew where they are. */
export function restartInPlace(jobs: Jobs, job: number, reason: string): void {
  if (!jobs.works(job)) return;
  const { now } = jobs.engine;
  if (jobs.phaseEvent[job] >= 0) jobs.engine.queue.cancel(jobs.phaseEvent[job]);
  pauseWork(jobs, job);
  fallBack(jobs, job);
  jobs.evacuating.delete(job);
  jobs.halted[job] = 0;
  jobs.restarts[job]++;
  jobs.starts[job]++;
  jobs.changed.push(job);
  jobs.status[job] = STARTING;
  jobs.observer?.(now, 'restart', job, -1, -1, 0, reason);
  resumeWork(jobs, job);
  jobs.accounts.turn(now, job, 'restart');
  jobs.timePhase(job, launchUs(jobs, job, jobs.starts[job] - 1));
  jobs.onChange();
}

/** These workers of it are gone; the others start anew. Ask `canDrop` first. */
export function dropWorkers(jobs: Jobs, job: number, tasks: readonly number[], reason: string): void {
  const { now } = jobs.engine;
  const { taskNode, taskMask } = jobs.cluster;
  pauseWork(jobs, job);
  fallBack(jobs, job);
  for (const t of tasks) {
    jobs.observer?.(now, 'shrink', job, t, taskNode[t], taskMask[t], reason);
    const leaves = jobs.leaving.get(t);
    if (leaves !== undefined) jobs.engine.queue.cancel(leaves);
    freeTask(jobs, job, t, now);
    jobs.placedTasks[job]--;
  }
  jobs.left.push(job);
  jobs.freed = true;
  restartInPlace(jobs, job, reason);
}

/** From now on it computes wrong results, and nobody sees it. */
export function corruptJob(jobs: Jobs, job: number): void {
  if (jobs.cleanWork.has(job)) return;
  // What it had done since its last checkpoint is in memory with the rest: only the checkpoint is clean.
  jobs.cleanWork.set(job, jobs.savedWork[job]);
  jobs.savedSince.set(job, 0);
  jobs.accounts.taint(jobs.engine.now, job, jobs.savedWork[job]);
}

/** The corruption is found: the job starts anew from its last clean checkpoint, wherever it is now. */
export function rollBackJob(jobs: Jobs, job: number, reason: string): void {
  const clean = jobs.cleanWork.get(job);
  if (clean === undefined) return;
  const kept = cleanKept(jobs, job, clean);
  const lost = jobs.accounts.loseTainted(jobs.engine.now, job, kept);
  jobs.tellLost(job, lost, jobs.progress(job) - kept);
  jobs.cleanWork.delete(job);
  jobs.savedSince.delete(job);
  jobs.savedWork[job] = kept;
  jobs.begunWork[job] = kept;
  if (jobs.works(job)) {
    // A dead one falls back when it is taken off or started anew.
    if (jobs.halted[job] === 0) restartInPlace(jobs, job, reason);
  } else {
    jobs.done[job] = kept;
  }
}

/** Work in the best clean checkpoint that was kept; 0 = all of them have been replaced by worthless ones. */
function cleanKept(jobs: Jobs, job: number, clean: number): number {
  if (jobs.checkpoints?.plan(job) !== undefined) return jobs.checkpoints.rollBack(job, clean);
  const keep = jobs.scenario.jobs.checkpointKeep?.get(job) ?? Infinity;
  const newer = jobs.savedSince.get(job) ?? 0;
  return newer < keep ? clean : 0;
}
