/** How fast a job works, how long it will take, and what it did with the workers it had when they change. */
import { lowestBit } from '../../cluster/idset.ts';
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
  let have = 0;
  let want = 0;
  for (let t = spec.taskStart[job]; t < spec.taskStart[job + 1]; t++) {
    // A gang without GPUs counts its workers.
    const gpus = spec.taskGpus[t] + 1 / 64;
    want += gpus;
    if (taskNode[t] < 0) continue;
    have += gpus;
    speed = Math.min(speed, speedIn(jobs, job, jobs.scenario.nodes.pool[taskNode[t]]));
  }
  if (jobs.gpuSpeed !== null || jobs.linkSpeed !== null) {
    const shortfall = slowestPart(jobs, job);
    jobs.accounts.slow(jobs.engine.now, job, shortfall);
    if (shortfall < 1000) speed = Math.max(1, Math.floor((speed * shortfall) / 1000));
  }
  if (jobs.network !== null) speed = Math.max(1, Math.floor((speed * jobs.network.paceMilli(job)) / 1000));
  return have === want ? speed : Math.max(1, Math.floor((speed * have) / want));
}

/** A gang goes at the pace of its slowest GPU, and one that spans nodes at that of the slowest link. Thousandths. */
function slowestPart({ cluster, gpuSpeed, linkSpeed, scenario }: Jobs, job: number): number {
  const { taskStart } = scenario.jobs;
  const { taskNode, taskMask, gpuStart } = cluster;
  let gpus = 1000;
  let links = 1000;
  let first = -1;
  let spans = false;
  for (let t = taskStart[job]; t < taskStart[job + 1]; t++) {
    const node = taskNode[t];
    if (node < 0) continue;
    if (first < 0) first = node;
    spans ||= node !== first;
    if (linkSpeed !== null) links = Math.min(links, linkSpeed[node]);
    if (gpuSpeed === null) continue;
    for (let rest = taskMask[t]; rest !== 0; rest &= rest - 1) {
      gpus = Math.min(gpus, gpuSpeed[gpuStart[node] + lowestBit(rest)]);
    }
  }
  return spans ? Math.min(gpus, links) : gpus;
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

/** What it stands on got slower or faster. */
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
