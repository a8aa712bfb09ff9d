/** A candidate comes: whom it strikes, and what lasts for a while. */
import { type FaultRow, OTHER_HARDWARE, OUT_OF_SERVICE } from '../../cluster/recovery.ts';
import { TERMINATING } from '../../cluster/view.ts';
import { openStream } from '../../engine/random.ts';
import { exponential, lognormalFromMedian } from '../../engine/samplers.ts';
import type { Scenario } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { killJob } from '../jobs/endings.ts';
import { corruptJob, haltJob } from '../jobs/faulted.ts';
import { changePace } from '../jobs/pace.ts';
import type { Candidate } from './candidates.ts';
import { planSteps } from './detecting.ts';
import type { Faults, Open } from './faults.ts';
import { comesWith } from './follow-ons.ts';
import { FAULT_KINDS, type FaultKind, kindOfXid, REPAIRS, RESET_WHEN_IDLE, type Repair } from './kinds.ts';
import { noteUseOf } from './use.ts';
import { isOfGpu, isUp, jobsOn, slowPlaces, victimsOf } from './victims.ts';

/** Model assumptions: slowdown and mean length of stragglers (lengths: GREYHOUND, 10 and 24 min). */
const SLOW: Record<string, { milli: number; meanUs: number }> = {
  straggler: { milli: 700, meanUs: 600e6 },
  'slow-link': { milli: 600, meanUs: 1440e6 },
};
/** How long a shared file system stays away: assumed. */
const OUTAGE = { medianUs: 1800e6, sigma: 1 };
/** More than there are kinds. */
const REPEAT_KEY = 256;
const GPU_RESET = REPAIRS.indexOf('gpu-reset');

export function consider(faults: Faults, candidate: Candidate): void {
  const { engine, cluster, scenario } = faults.host;
  const kind = FAULT_KINDS[candidate.kind];
  const node = candidate.nodes[0];
  const ofGpu = kind.victims === 'gpu' || kind.victims === 'app' || kind.xid > 0 || kind.symptom === 'slow';
  const serving = candidate.nodes.filter((n) => isUp(cluster.nodeState[n]));
  const row: FaultRow = {
    timeUs: engine.now,
    scope: candidate.scope,
    unit: candidate.unit,
    ...(candidate.pools && { pools: candidate.pools }),
    process: candidate.process,
    cause: candidate.cause,
    kind: kind.name,
    xid: kind.xid,
    with: comesWith(kind.xid, () => openStream(scenario.seed, `${candidate.stream}/child`)),
    node,
    gpu: ofGpu ? Math.min(candidate.gpu, scenario.nodes.gpus[node] - 1) : -1,
    choice: candidate.choice,
    stream: candidate.stream,
    effective: false,
    why: '',
    job: -1,
    jobs: 0,
    detectedUs: -1,
    noticedBy: '',
    recoveredUs: -1,
    returnedUs: -1,
    lost: 0,
  };
  faults.rows.push(row);
  if (candidate.part >= candidate.chance) row.why = OTHER_HARDWARE;
  else if (serving.length === 0) row.why = OUT_OF_SERVICE;
  else {
    row.effective = true;
    strike(faults, candidate, row, serving);
  }
}

function strike(faults: Faults, candidate: Candidate, row: FaultRow, nodes: number[]): void {
  const { engine, jobs, recovery, scenario } = faults.host;
  const { now } = engine;
  const id = faults.nextOpen++;
  const { xid } = FAULT_KINDS[candidate.kind];
  const kind = actingKind(FAULT_KINDS[candidate.kind], row.with);
  const struck: Open = {
    row: faults.rows.length - 1,
    kind: FAULT_KINDS.indexOf(kind),
    nodes,
    gpu: row.gpu,
    stream: candidate.stream,
    jobs: [],
    repair: escalated(faults, nodes[0], row.gpu, candidate.kind, repairFor(candidate.kind, row.with)),
    steps: 0,
    fileSystem: -1,
  };
  faults.open.set(id, struck);
  const gaugeOf = faults.host.cluster.gpuStart[nodes[0]] + row.gpu;
  let news = false;
  if (xid > 0 && row.gpu >= 0) {
    news = faults.gauge.at(gaugeOf, now) !== xid;
    faults.gauge.set(gaugeOf, now, xid);
  }
  const fires = news && recovery.settings.stack.events && recovery.firesOn(xid);
  const harmless = kind.symptom === 'none';
  // A harmless error matters to whoever acts on it: then the jobs on that GPU may have to leave.
  const victims = victimsOf(faults, harmless && fires ? 'gpu' : kind.victims, nodes, row.gpu, candidate.choice);
  const name = scenario.nodes.names[nodes[0]];
  const along = row.with.length > 0 ? ` (with it XID ${row.with.join(', ')})` : '';
  const what = xid > 0 ? `XID ${xid} on GPU ${row.gpu} of ${name}${along}` : `${kind.name} of ${candidate.unit}`;
  const files = kind.symptom === 'pause' ? fileSystemOf(faults, candidate.unit) : -1;
  for (const job of victims) {
    // What it reads and writes is simulated: it stands still when it comes to that.
    if (files >= 0 && (movesBytes(scenario, job) || files > 0)) continue;
    // One that is dead, or hangs, already feels nothing of it.
    if (jobs.halted[job] === 0) {
      jobs.observer?.(now, 'fault', job, -1, nodes[0], row.gpu < 0 ? 0 : 1 << row.gpu, `${what}: ${kind.meaning}`);
    }
    if (jobs.status[job] === TERMINATING) {
      // On its way out already: a process that dies is only gone sooner.
      if (kind.symptom === 'crash' || kind.symptom === 'silent') killJob(jobs, job, what);
      continue;
    }
    struck.jobs.push(job);
    if (!harmless && kind.symptom !== 'corrupt') {
      haltJob(jobs, job, id);
      // Kernels that wait for their peers spin: utilisation stays up.
      if (kind.symptom !== 'hang') noteUseOf(faults, job);
      if (kind.symptom !== 'pause' && jobs.halted[job] === id + 1) faults.back.set(job, faults.rows.length - 1);
    }
  }
  row.job = struck.jobs[0] ?? -1;
  row.jobs = struck.jobs.length;
  if (kind.symptom === 'slow') slowDown(faults, id, struck, kind);
  else if (kind.symptom === 'pause') holdUp(faults, id, candidate.unit, struck);
  else if (kind.symptom === 'corrupt') letCorruptionBeFound(faults, id, struck);
  else planSteps(faults, id, struck, fires);
  if (REPAIRS.indexOf(struck.repair) >= GPU_RESET && kind.symptom !== 'corrupt') {
    if (isOfGpu(faults, struck)) faults.unfitGpus.set(gaugeOf, id);
    else for (const node of nodes) if (!faults.unfit.has(node)) faults.unfit.set(node, id);
  }
  const pending = [xid, ...row.with].some((code) => RESET_WHEN_IDLE.includes(code));
  const { events, repairBy } = recovery.settings.stack;
  if (pending && row.gpu >= 0 && events && repairBy === 'machine' && REPAIRS.indexOf(struck.repair) < GPU_RESET) {
    faults.resets.want(gaugeOf, candidate.stream);
  }
  if (struck.steps === 0) faults.open.delete(id);
}

/** What does the harm: the error itself, or one that comes with it where it does none. */
function actingKind(kind: FaultKind, children: readonly number[]): FaultKind {
  if (kind.symptom !== 'none') return kind;
  return children.map(kindOfXid).find((child) => child !== undefined && child.symptom !== 'none') ?? kind;
}

/** What the hardware needs: what the fault does, or more if what comes with it needs more. */
function repairFor(kind: number, children: readonly number[]): Repair {
  const needs = children.map((code) => kindOfXid(code)?.repair ?? 'none');
  return [FAULT_KINDS[kind].repair, ...needs].reduce((a, b) => (REPAIRS.indexOf(b) > REPAIRS.indexOf(a) ? b : a));
}

/** Two faults of one kind on one GPU, or on one node, within a week: the step that was taken then did not help. */
function escalated(faults: Faults, node: number, gpu: number, kind: number, repair: Repair): Repair {
  const ofGpu = repair === 'gpu-reset' && gpu >= 0 && FAULT_KINDS[kind].victims !== 'node';
  const device = ofGpu ? 1 + faults.host.cluster.gpuStart[node] + gpu : -1 - node;
  const key = device * REPEAT_KEY + kind;
  const before = faults.lastOfKind.get(key);
  const { now } = faults.host.engine;
  faults.lastOfKind.set(key, now);
  const at = REPAIRS.indexOf(repair);
  const again = before !== undefined && now - before <= faults.settings.repair.repeatWithinUs;
  return again && at >= REPAIRS.indexOf('gpu-reset') ? REPAIRS[Math.min(at + 1, REPAIRS.indexOf('service'))] : repair;
}

/** A throttled GPU (of a unit of many nodes: all of theirs), or slow links, for a while. */
function slowDown(faults: Faults, id: number, struck: Open, kind: FaultKind): void {
  const { jobs, scenario, engine } = faults.host;
  const { milli, meanUs } = SLOW[kind.name];
  const lasts = Math.ceil(exponential(openStream(scenario.seed, `${struck.stream}/length`), meanUs));
  const [speed, places] = slowPlaces(faults, struck);
  for (const place of places) {
    speed[place] = Math.min(speed[place], milli);
    const key = speed === jobs.gpuSpeed ? place : -1 - place;
    faults.slowUntil.set(key, Math.max(faults.slowUntil.get(key) ?? 0, engine.now + lasts));
  }
  const row = faults.rows[struck.row];
  const slowed = struck.nodes.flatMap((node) => jobsOn(faults, node));
  for (const job of new Set(slowed)) {
    const before = jobs.speedMilli[job];
    changePace(jobs, job);
    if (!jobs.works(job) || jobs.speedMilli[job] >= before) continue;
    row.jobs++;
    if (row.job < 0) row.job = job;
  }
  endAfter(faults, id, lasts);
}

/** A file system does not answer for a while: transfers stand still, and so do jobs of which only that is known. */
function holdUp(faults: Faults, id: number, unit: string, struck: Open): void {
  const files = fileSystemOf(faults, unit);
  struck.fileSystem = files;
  if (files >= 0) faults.changeStorage(files, 1);
  endAfter(faults, id, drawTime(faults, struck, 'length', OUTAGE));
}

/** Index of the file system that the unit is; -1 = it is none, or none is stated. */
function fileSystemOf(faults: Faults, unit: string): number {
  return faults.host.scenario.storage?.fileSystems.findIndex((fs) => fs.name === unit && fs.ofNodes !== true) ?? -1;
}

const movesBytes = ({ jobs }: Scenario, job: number) => jobs.checkpoint?.has(job) || jobs.dataset?.has(job);

function letCorruptionBeFound(faults: Faults, id: number, struck: Open): void {
  const stream = openStream(faults.host.scenario.seed, `${struck.stream}/found`);
  const { found: share, medianUs, sigma } = faults.settings.corruption;
  const found = stream.next() < share;
  const after = Math.ceil(lognormalFromMedian(stream, medianUs, sigma));
  // What nobody ever finds changes nothing that a simulation counts.
  if (!found || struck.jobs.length === 0) return;
  for (const job of struck.jobs) corruptJob(faults.host.jobs, job);
  endAfter(faults, id, after);
}

function drawTime(
  faults: Faults,
  struck: Open,
  what: string,
  { medianUs, sigma }: { medianUs: number; sigma: number },
): number {
  const stream = openStream(faults.host.scenario.seed, `${struck.stream}/${what}`);
  return Math.ceil(lognormalFromMedian(stream, medianUs, sigma));
}

function endAfter(faults: Faults, id: number, us: number): void {
  (faults.open.get(id) as Open).steps++;
  faults.host.engine.schedule(faults.host.engine.now + us, PRIORITY.faultStep, KIND.faultOver, id);
}
