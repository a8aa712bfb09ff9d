/** What is done about a fault that was noticed, and what ends by itself. */
import type { How, Reaction } from '../../cluster/recovery.ts';
import { PENDING } from '../../cluster/view.ts';
import { giveUp, killJob, takeOff } from '../jobs/endings.ts';
import { dropWorkers, haltJob, restartInPlace, resumeJob, rollBackJob } from '../jobs/faulted.ts';
import { changePace } from '../jobs/pace.ts';
import { evacuateJob } from '../jobs/stopping.ts';
import { canDrop } from '../jobs/workers.ts';
import { byPerson, CLOSE, DEATH, HOW, PERSON, SEEN, SEEN_AS, STALL, scheduleStep } from './detecting.ts';
import type { Faults, Open } from './faults.ts';
import { FAULT_KINDS, REPAIRS } from './kinds.ts';
import { noteUseOf } from './use.ts';
import { isOfGpu, isOn, isService, isSingle, isUp, jobsOn, slowPlaces, struckWorkers, victimsOf } from './victims.ts';

export function takeStep(faults: Faults, id: number, step: number): void {
  const struck = faults.open.get(id);
  if (struck === undefined) return;
  struck.steps--;
  const { engine, scenario, cluster, jobs } = faults.host;
  const { now } = engine;
  const row = faults.rows[struck.row];
  const kind = FAULT_KINDS[struck.kind];
  const how: How = step === SEEN ? 'event' : step === STALL ? 'utilization' : HOW[kind.symptom];
  if (row.detectedUs < 0) {
    row.detectedUs = now;
    row.noticedBy = step === CLOSE ? 'check' : how;
  }
  if (step === CLOSE) {
    takeOut(faults, struck);
  } else {
    let code = kind.xid;
    if (step === SEEN) {
      // The gauge shows what it showed when it was read; an error after this one may have covered it.
      const read = faults.telemetry.knownSampleUs(scenario.nodes.names[struck.nodes[0]], now);
      code = faults.gauge.at(cluster.gpuStart[struck.nodes[0]] + struck.gpu, read);
    }
    for (const job of struck.jobs) {
      const harmed = jobs.halted[job] === id + 1;
      const well = kind.symptom === 'none' && jobs.halted[job] === 0 && jobs.works(job) && isOn(faults, job, struck);
      if (!harmed && !well) continue;
      if ((step === DEATH || step === PERSON) && byPerson(faults, job) !== (step === PERSON)) continue;
      treat(faults, job, struck, how, code, well);
    }
  }
  if (struck.steps === 0) faults.open.delete(id);
}

function treat(faults: Faults, job: number, struck: Open, how: How, xid: number, alive: boolean): void {
  const { engine, jobs, recovery } = faults.host;
  const { now } = engine;
  const row = faults.rows[struck.row];
  const unfit = REPAIRS.indexOf(struck.repair) >= REPAIRS.indexOf('gpu-reset');
  const attempts = faults.attempts.get(job) ?? 0;
  const pool = faults.host.scenario.nodes.pool[struck.nodes[0]];
  jobs.observer?.(now, 'detected', job, -1, struck.nodes[0], 0, SEEN_AS[how]);
  const reaction = recovery.react({
    nowUs: now,
    how,
    xid,
    alive,
    unfit,
    single: isSingle(faults, job),
    service: isService(faults.host.scenario, job),
    elastic: canDrop(jobs, job, struckWorkers(faults, job, struck)),
    spares: faults.spares[pool].length,
    attempts,
  });
  jobs.observer?.(now, 'policy', job, -1, struck.nodes[0], 0, reaction.reason);
  if (reaction.action === 'leave') return;
  if (reaction.byPolicy) faults.attempts.set(job, attempts + 1);
  faults.back.set(job, struck.row);
  carryOut(faults, job, struck, reaction, alive, pool);
  if (reaction.action === 'fail') faults.back.delete(job);
  if (row.job < 0) row.job = job;
}

function carryOut(faults: Faults, job: number, struck: Open, reaction: Reaction, alive: boolean, pool: number): void {
  const { jobs, recovery } = faults.host;
  const { action, notBeforeUs, reason } = reaction;
  const out = recovery.settings.stack.events && REPAIRS.indexOf(struck.repair) >= REPAIRS.indexOf('gpu-reset');
  if (action === 'restart') {
    restartInPlace(jobs, job, reason);
    return;
  }
  if (action === 'spare') {
    const spare = faults.takeSpare(pool);
    if (spare >= 0) faults.host.setNodeState(spare, 'ready');
  }
  // Out of service before the job goes, so that it can't come back to it.
  const gone = action === 'shrink' ? struckWorkers(faults, job, struck) : [];
  if (out) takeOut(faults, struck, job);
  if (action === 'fail') giveUp(jobs, job, reason);
  else if (action === 'shrink') dropWorkers(jobs, job, gone, reason);
  else if (alive) evacuateJob(jobs, job, notBeforeUs, reason);
  else takeOff(jobs, job, 'kill', notBeforeUs, reason);
}

type Cause = Pick<Open, 'row' | 'stream' | 'repair' | 'jobs'>;

/** Takes what is broken out of service: the GPU alone where that is enough, else its node or nodes. */
function takeOut(faults: Faults, struck: Open, except = -1): void {
  const { cluster } = faults.host;
  const gpu = cluster.gpuStart[struck.nodes[0]] + struck.gpu;
  faults.unfitGpus.delete(gpu);
  if (isOfGpu(faults, struck)) closeGpu(faults, struck, except);
  else for (const node of struck.nodes) closeNode(faults, node, struck, except);
}

function closeGpu(faults: Faults, struck: Open, except: number): void {
  const { cluster, engine, jobs, scenario } = faults.host;
  const [node] = struck.nodes;
  const gpu = cluster.gpuStart[node] + struck.gpu;
  // A node that is being repaired is reset with all its GPUs.
  if (faults.repairs.has(node)) noteAway(faults, node, struck.row);
  if (!isUp(cluster.nodeState[node]) || faults.repairs.has(node)) return;
  const name = `GPU ${struck.gpu} of ${scenario.nodes.names[node]}`;
  if (!faults.resets.has(gpu)) {
    for (const job of struck.jobs) {
      jobs.observer?.(engine.now, 'unhealthy', job, -1, node, 0, `${name} is out of service; its node goes on`);
    }
  }
  faults.resets.open(gpu, struck.row, struck.stream);
  moveOthers(faults, victimsOf(faults, 'gpu', [node], struck.gpu, 0), struck, except, `${name} has to be reset`);
}

/** Takes a node out of service, and other jobs off it as the stack does. */
export function closeNode(faults: Faults, node: number, cause: Cause, except = -1): void {
  const { cluster, jobs, engine, scenario } = faults.host;
  faults.unfit.delete(node);
  if (!isUp(cluster.nodeState[node])) {
    // It is being repaired for another fault, and may need more than that.
    if (!faults.repairs.has(node)) return;
    noteAway(faults, node, cause.row);
    faults.repairs.open(node, cause.repair, cause.stream);
    return;
  }
  faults.forgetSpare(node);
  const name = scenario.nodes.names[node];
  if (!faults.repairs.has(node)) {
    for (const job of cause.jobs)
      jobs.observer?.(engine.now, 'unhealthy', job, -1, node, 0, `${name} is out of service`);
  }
  for (const row of [...faults.resets.rowsOn(node), cause.row]) noteAway(faults, node, row);
  faults.repairs.open(node, cause.repair, cause.stream);
  moveOthers(faults, jobsOn(faults, node), cause, except, `${name} has to be repaired`);
}

/** What this fault has broken is back when the node is. */
function noteAway(faults: Faults, node: number, row: number): void {
  const rows = faults.away.get(node) ?? [];
  if (row >= 0 && !rows.includes(row)) rows.push(row);
  faults.away.set(node, rows);
}

/** Jobs on what has to be repaired that are well themselves: they leave, or are let end, as the stack does. */
function moveOthers(faults: Faults, others: readonly number[], cause: Cause, except: number, why: string): void {
  const { jobs, engine, recovery, scenario } = faults.host;
  const evacuates = recovery.settings.stack.neighbours === 'evacuate';
  for (const job of others) {
    if (job === except) continue;
    if (jobs.status[job] === PENDING) killJob(jobs, job, why);
    else if (jobs.halted[job] > 0) {
      // Its own fault, or another one, will be noticed.
    } else if (evacuates || scenario.jobs.durationUs[job] === Infinity) {
      if (cause.row >= 0 && !faults.back.has(job)) faults.back.set(job, cause.row);
      evacuateJob(jobs, job, engine.now, why);
    }
  }
}

/** A job that starts on a node or GPU that cannot be used dies there as the one before it did. */
export function onJobStart(faults: Faults, job: number): void {
  if (faults.unfit.size === 0 && faults.unfitGpus.size === 0) return;
  for (const [node, id] of faults.unfit) {
    if (jobsOn(faults, node).includes(job) && strikeAgain(faults, job, id, 'a node')) return;
  }
  for (const [gpu, id] of faults.unfitGpus) {
    const struck = faults.open.get(id);
    if (struck === undefined || faults.host.cluster.gpuStart[struck.nodes[0]] + struck.gpu !== gpu) continue;
    if (struckWorkers(faults, job, struck).length > 0 && strikeAgain(faults, job, id, 'a GPU')) return;
  }
}

function strikeAgain(faults: Faults, job: number, id: number, what: string): boolean {
  const { jobs, engine, recovery } = faults.host;
  const struck = faults.open.get(id);
  if (struck === undefined) return false;
  const why = `starts on ${what} that is broken and still in service`;
  jobs.observer?.(engine.now, 'fault', job, -1, struck.nodes[0], 0, why);
  haltJob(jobs, job, id);
  struck.jobs.push(job);
  faults.rows[struck.row].jobs++;
  const deathUs = engine.now + recovery.settings.stack.exitUs;
  if (byPerson(faults, job)) scheduleStep(faults, id, struck, recovery.personDoneUs(deathUs), PERSON);
  else scheduleStep(faults, id, struck, deathUs, DEATH);
  return true;
}

export function onJobStep(faults: Faults, job: number): void {
  const { now } = faults.host.engine;
  faults.steppedUs[job] = now;
  faults.stepping = job;
  noteUseOf(faults, job);
  faults.stepping = -1;
  const row = faults.back.get(job);
  if (row === undefined) return;
  faults.rows[row].recoveredUs = now;
  faults.back.delete(job);
}

export function endFault(faults: Faults, id: number): void {
  const struck = faults.open.get(id) as Open;
  const { jobs, engine } = faults.host;
  const { now } = engine;
  const row = faults.rows[struck.row];
  struck.steps--;
  const { symptom } = FAULT_KINDS[struck.kind];
  if (symptom === 'slow') {
    const [speed, places] = slowPlaces(faults, struck);
    for (const place of places) {
      const key = speed === jobs.gpuSpeed ? place : -1 - place;
      if ((faults.slowUntil.get(key) ?? 0) > now) continue;
      faults.slowUntil.delete(key);
      speed[place] = 1000;
    }
    const slowed = struck.nodes.flatMap((node) => jobsOn(faults, node));
    for (const job of new Set(slowed)) changePace(jobs, job);
    row.recoveredUs = now;
  } else if (symptom === 'pause') {
    if (struck.fileSystem >= 0) faults.changeStorage(struck.fileSystem, -1);
    for (const job of struck.jobs) if (jobs.halted[job] === id + 1) resumeJob(jobs, job);
    row.recoveredUs = now;
  } else {
    row.detectedUs = now;
    row.noticedBy = 'results';
    goBackToClean(faults, id, struck);
  }
  if (struck.steps === 0) faults.open.delete(id);
}

/** Wrong results are found: who is still there is dead and leaves with the node, who is elsewhere starts anew there. */
function goBackToClean(faults: Faults, id: number, struck: Open): void {
  const { jobs, engine, recovery } = faults.host;
  const { now } = engine;
  const reason = 'silent data corruption: back to the last clean checkpoint';
  const corrupt = struck.jobs.filter((job) => jobs.isCorrupt(job));
  const leave = corrupt.filter((job) => jobs.works(job) && jobs.halted[job] === 0 && isOn(faults, job, struck));
  for (const job of corrupt) {
    jobs.observer?.(now, 'detected', job, -1, struck.nodes[0], 0, 'its results are wrong');
    faults.back.set(job, struck.row);
  }
  // Out of service before they go, so that they can't come back to it.
  for (const job of leave) haltJob(jobs, job, id);
  takeOut(faults, struck);
  for (const job of corrupt) {
    rollBackJob(jobs, job, reason);
    if (leave.includes(job)) takeOff(jobs, job, 'kill', now + recovery.settings.stack.requeueDelayUs, reason);
    else if (!jobs.works(job)) faults.back.delete(job);
  }
}
