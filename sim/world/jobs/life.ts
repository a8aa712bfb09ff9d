/** Brings jobs to life: what they do at each event of theirs. */
import { CHECKPOINTING, COMPLETED, HELD, RUNNING, STARTING } from '../../cluster/view.ts';
import { KIND } from '../events.ts';
import { beginCheckpoint, saveAll, writeCheckpoint } from './checkpointing.ts';
import { leaveGpus } from './endings.ts';
import type { Jobs } from './jobs.ts';
import { arrive, finish, requeue } from './queue.ts';
import { loadState } from './startup.ts';
import { reachLimit } from './stopping.ts';
import { freeTasks, leaveAlone } from './workers.ts';

/** Once for each `Jobs`. */
export function handleJobEvents(jobs: Jobs): void {
  const { engine } = jobs;
  engine.on(KIND.arrive, () => arrive(jobs));
  engine.on(KIND.phase, (job) => endPhase(jobs, job));
  engine.on(KIND.leave, (job, task) => leaveAlone(jobs, job, task));
  engine.on(KIND.limit, (job) => reachLimit(jobs, job));
  engine.on(KIND.requeue, (job) => {
    if (jobs.status[job] === HELD && jobs.unmet[job] === 0) requeue(jobs, job);
  });
}

function endPhase(jobs: Jobs, job: number): void {
  const { jobs: spec } = jobs.scenario;
  const { now } = jobs.engine;
  const status = jobs.status[job];
  if (status === STARTING) {
    loadState(jobs, job);
  } else if (status === RUNNING) {
    jobs.done[job] += jobs.phaseWork[job];
    if (jobs.done[job] >= spec.durationUs[job]) {
      jobs.cleanWork.delete(job);
      jobs.accounts.saved(now, job, jobs.done[job]);
      jobs.savedWork[job] = jobs.done[job];
      jobs.checkpoints?.stop(job);
      jobs.dropLimit(job);
      jobs.unlinkActive(job);
      freeTasks(jobs, job);
      finish(jobs, job, COMPLETED, '');
    } else {
      beginCheckpoint(jobs, job);
    }
  } else if (status === CHECKPOINTING) {
    if (jobs.checkpoints?.plan(job) !== undefined) writeCheckpoint(jobs, job);
    else saveAll(jobs, job);
  } else {
    leaveGpus(jobs, job);
  }
}
