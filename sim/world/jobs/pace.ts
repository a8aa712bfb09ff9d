/** How fast a job works, how long it will take, and what it did with the workers it had when they change. */
import { RUNNING } from '../../cluster/view.ts';
import { openStream } from '../../engine/random.ts';
import { lognormalFromMedian } from '../../engine/samplers.ts';
import { type Jobs, wallFor } from './jobs.ts';

/** From a placement in `pool` now to the end, undisturbed. */
export function spanUs(jobs: Jobs, job: number, pool: number): number {
  return span(jobs, job, speedIn(jobs, job, pool));
}

export function span(jobs: Jobs, job: number, speedMilli: number): number {
  const { jobs: spec } = jobs.scenario;
  const work = spec.durationUs[job] - jobs.done[job];
  const every = spec.checkpointEveryUs[job];
  const writes = every > 0 && work !== Infinity ? Math.max(0, Math.ceil(work / every) - 1) : 0;
  return startupUs(jobs, job) + wallFor(work, speedMilli) + writes * spec.checkpointStallUs[job];
}

function startupUs(jobs: Jobs, job: number): number {
  const { jobs: spec } = jobs.scenario;
  return spec.startupUs[job] + (jobs.starts[job] > 0 ? spec.restoreUs[job] : 0);
}

/** To being up, and to the first step where that takes a stated time; `n`: of which start, from 0. */
export function launchUs(jobs: Jobs, job: number, n: number): number {
  const { startupUs, startupSpread, restoreUs, ids } = jobs.scenario.jobs;
  const again = n > 0;
  let upUs = startupUs[job];
  const spread = startupSpread?.get(job);
  if (spread !== undefined && upUs > 0) {
    const stream = openStream(jobs.scenario.seed, `startup/${ids[job]}/${n}`);
    upUs = Math.min(spread.mostUs, Math.ceil(lognormalFromMedian(stream, upUs, spread.sigma)));
  }
  return upUs + (again && !jobs.checkpoints?.reads(job) ? restoreUs[job] : 0);
}

function speedIn(jobs: Jobs, job: number, pool: number): number {
  const profile = jobs.scenario.jobs.speedProfile[job];
  return profile < 0 ? 1000 : jobs.scenario.speedProfiles[profile][pool];
}

/** Thousandths of reference speed: as the slowest pool lets it, in proportion to the GPUs it has of those it wants. */
export function speedNow(jobs: Jobs, job: number): number {
  const { jobs: spec } = jobs.scenario;
  const { taskNode } = jobs.cluster;
  let speed = Infinity;
  let shortfall = 1000;
  let have = 0;
  let want = 0;
  for (let t = spec.taskStart[job]; t < spec.taskStart[job + 1]; t++) {
    // A gang without GPUs counts its workers.
    const gpus = spec.taskGpus[t] + 1 / 64;
    want += gpus;
    if (taskNode[t] < 0) continue;
    have += gpus;
    speed = Math.min(speed, speedIn(jobs, job, jobs.scenario.nodes.pool[taskNode[t]]));
    if (jobs.nodeSpeed !== null) shortfall = Math.min(shortfall, jobs.nodeSpeed[taskNode[t]]);
  }
  if (jobs.nodeSpeed !== null) {
    // A gang goes at the pace of its slowest member.
    jobs.accounts.slow(jobs.engine.now, job, shortfall);
    if (shortfall < 1000) speed = Math.max(1, Math.floor((speed * shortfall) / 1000));
  }
  if (jobs.network !== null) speed = Math.max(1, Math.floor((speed * jobs.network.paceMilli(job)) / 1000));
  return have === want ? speed : Math.max(1, Math.floor((speed * have) / want));
}

/** Books what was done with the workers it had. */
export function pauseWork(jobs: Jobs, job: number): void {
  attain(jobs, job);
  if (jobs.status[job] !== RUNNING || jobs.halted[job] > 0) return;
  const done = jobs.progress(job) - jobs.done[job];
  jobs.done[job] += done;
  jobs.phaseWork[job] -= done;
  jobs.phaseSince[job] = jobs.engine.now;
  if (jobs.phaseEvent[job] >= 0) jobs.engine.queue.cancel(jobs.phaseEvent[job]);
}

/** Goes on with the workers it has now. */
export function resumeWork(jobs: Jobs, job: number): void {
  const speed = speedNow(jobs, job);
  jobs.speedMilli[job] = speed;
  if (!jobs.works(job) || jobs.halted[job] > 0) return;
  if (jobs.status[job] === RUNNING && jobs.phaseWork[job] !== Infinity) {
    jobs.timePhase(job, wallFor(jobs.phaseWork[job], speed));
  }
  const { jobs: spec } = jobs.scenario;
  const every = spec.checkpointEveryUs[job];
  const work = jobs.remainingUs(job);
  const writes = every > 0 && work !== Infinity ? Math.max(0, Math.ceil(work / every) - 1) : 0;
  jobs.expectedEnd[job] = jobs.engine.now + wallFor(work, speed) + writes * spec.checkpointStallUs[job];
}

/** Nodes got slower or faster. */
export function changePace(jobs: Jobs, job: number): void {
  if (!jobs.works(job)) return;
  pauseWork(jobs, job);
  resumeWork(jobs, job);
}

export function attain(jobs: Jobs, job: number): void {
  const { now } = jobs.engine;
  jobs.attained[job] += (now - jobs.attainedSince[job]) * jobs.gpusHeld(job);
  jobs.attainedSince[job] = now;
}
