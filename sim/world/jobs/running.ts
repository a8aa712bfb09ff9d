/** A job works: up to its next checkpoint or its end. */
import { RUNNING } from '../../cluster/view.ts';
import { type Jobs, wallFor } from './jobs.ts';

export function runPhase(jobs: Jobs, job: number): void {
  const { jobs: spec } = jobs.scenario;
  const { now } = jobs.engine;
  jobs.status[job] = RUNNING;
  jobs.accounts.turn(now, job, 'running');
  const toEnd = spec.durationUs[job] - jobs.done[job];
  const every = spec.checkpointEveryUs[job];
  const toCheckpoint = every > 0 ? Math.max(0, jobs.begunWork[job] + every - jobs.done[job]) : Infinity;
  jobs.phaseWork[job] = Math.min(toEnd, toCheckpoint);
  if (jobs.phaseWork[job] === Infinity) {
    jobs.phaseSince[job] = now;
    jobs.phaseEvent[job] = -1;
  } else {
    jobs.timePhase(job, wallFor(jobs.phaseWork[job], jobs.speedMilli[job]));
  }
}
