/** From its workers' being placed to a job's first step. */
import { PENDING, type PlaceAction, STARTING } from '../../cluster/view.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Jobs } from './jobs.ts';
import { goOnFrom } from './losses.ts';
import { launchUs, pauseWork, resumeWork, span, speedNow } from './pace.ts';
import { releaseDependents } from './queue.ts';
import { runPhase } from './running.ts';
import { workText } from './words.ts';

export function placeJob(jobs: Jobs, action: PlaceAction): void {
  const { job, tasks, nodes, masks } = action;
  const { jobs: spec } = jobs.scenario;
  const { now } = jobs.engine;
  const status = jobs.status[job];
  const joins = jobs.works(job) && jobs.placedTasks[job] < spec.taskStart[job + 1] - spec.taskStart[job];
  if (status !== PENDING && !joins) throw new Error(`invariant: job ${spec.ids[job]} is placed but not pending`);
  if (joins) pauseWork(jobs, job);
  jobs.changed.push(job);
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i];
    jobs.cluster.allocate(task, nodes[i], masks[i]);
    const pool = jobs.cluster.spec.nodes.pool[nodes[i]];
    jobs.onPool(pool);
    jobs.accounts.take(now, job, pool, jobs.cluster.taskUnits[task] * spec.taskGpus[task]);
    jobs.observer?.(now, 'place', job, task, nodes[i], masks[i], action.reason);
  }
  jobs.placedTasks[job] += tasks.length;
  jobs.checkpoints?.moved(job);
  if (joins) resumeWork(jobs, job);
  else if (jobs.placedTasks[job] >= spec.minTasks[job]) startJob(jobs, job);
}

function startJob(jobs: Jobs, job: number): void {
  const { now } = jobs.engine;
  const speed = speedNow(jobs, job);
  jobs.speedMilli[job] = speed;
  jobs.pendingCount--;
  jobs.onPending(job, -1);
  jobs.queuedUs[job] += now - jobs.pendingSince[job];
  if (jobs.checkpoints?.plan(job) !== undefined) goOnFrom(jobs, job, jobs.checkpoints.reachable(job));
  const startup = launchUs(jobs, job, jobs.starts[job]);
  jobs.expectedEnd[job] = now + span(jobs, job, speed);
  jobs.starts[job]++;
  jobs.startedUs[job] = now;
  jobs.attainedSince[job] = now;
  jobs.linkActive(job);
  const limit = jobs.limits?.of(jobs.scenario, job) ?? Infinity;
  if (limit !== Infinity) jobs.limitEvent[job] = jobs.engine.schedule(now + limit, PRIORITY.limit, KIND.limit, job);
  jobs.observer?.(now, 'start', job, -1, -1, 0, '');
  jobs.evacuating.delete(job);
  if (jobs.firstStartUs[job] < 0) {
    jobs.firstStartUs[job] = now;
    releaseDependents(jobs, job, 'started');
  }
  jobs.status[job] = STARTING;
  if (startup > 0) {
    jobs.accounts.turn(now, job, 'restart');
    jobs.timePhase(job, startup);
  } else {
    loadState(jobs, job);
  }
  jobs.onStart(job);
}

/** It is up; what has a size is read over the storage before the first step. */
export function loadState(jobs: Jobs, job: number): void {
  if (jobs.checkpoints?.read(job, jobs.savedWork[job])) {
    jobs.accounts.turn(jobs.engine.now, job, 'restart');
    jobs.phaseEvent[job] = -1;
  } else {
    firstStep(jobs, job);
  }
}

/** What it needs for its first step has been read. */
export function stateLoaded(jobs: Jobs, job: number): void {
  if (jobs.status[job] === STARTING && jobs.halted[job] === 0) firstStep(jobs, job);
}

/** Its first step since it started. */
function firstStep(jobs: Jobs, job: number): void {
  if (jobs.starts[job] > 1 && jobs.observer !== null) {
    const { now } = jobs.engine;
    const work = jobs.savedWork[job];
    const from = work > 0 ? `its checkpoint of ${workText(work)} of work` : 'nothing: it begins anew';
    jobs.observer(now, 'restored', job, -1, -1, 0, from);
    jobs.observer(now, 'step', job, -1, -1, 0, '');
  }
  jobs.onStep(job);
  runPhase(jobs, job);
}
