/**
 * What faults do: whom a candidate strikes, when that is noticed, what then becomes of the jobs, and which nodes go to
 * repair. Decisions are a `Recovery`'s; whoever decides sees what telemetry shows, when it shows it.
 */
import { type Cluster, NODE_STATES, type NodeState } from '../../cluster/cluster.ts';
import type { FaultRow, How, Reaction, Recovery } from '../../cluster/recovery.ts';
import { PENDING, RUNNING, TERMINATING } from '../../cluster/view.ts';
import type { Engine } from '../../engine/engine.ts';
import { openStream, type Streams } from '../../engine/random.ts';
import { exponential, lognormalFromMedian } from '../../engine/samplers.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import { type FaultSettings, JOB_CLASSES, type Scenario } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Jobs } from '../jobs.ts';
import { Readings } from '../telemetry/readings.ts';
import { Telemetry, XidGauge } from '../telemetry/telemetry.ts';
import { type Candidate, Candidates } from './candidates.ts';
import { FAULT_KINDS, type FaultKind, faultKind, REPAIRS, type Repair } from './kinds.ts';
import { REPAIR_DEFAULTS, Repairs } from './repair.ts';

/** A fault that has struck, until nobody needs to know of it any more. */
interface Open {
  /** Index into `rows`. */
  row: number;
  kind: number;
  nodes: number[];
  gpu: number;
  stream: string;
  /** Jobs it has halted or that may have to leave, in order. */
  jobs: number[];
  repair: Repair;
  /** Steps yet to come; the fault is forgotten after the last. */
  steps: number;
}

/** Steps: the event is seen, a stalled job or a death is noticed, the node is taken out of service. */
const SEEN = 0;
const STALL = 1;
const DEATH = 2;
const CLOSE = 3;
/** A death that only a person deals with. */
const PERSON = 4;

/** Model assumptions: slowdown and mean length of stragglers (lengths: GREYHOUND, 10 and 24 min). */
const SLOW: Record<string, { milli: number; meanUs: number }> = {
  straggler: { milli: 700, meanUs: 600e6 },
  'slow-link': { milli: 600, meanUs: 1440e6 },
};
/** How long a shared file system stays away: assumed. */
const OUTAGE = { medianUs: 1800e6, sigma: 1 };
const REPEAT_KEY = 256;
const INFERENCE = JOB_CLASSES.indexOf('inference');
/** Scratch, by GPU of a node. */
const busyOf = new Int32Array(32);
const heldOf = new Int32Array(32);

export interface FaultHost {
  scenario: Scenario;
  cluster: Cluster;
  jobs: Jobs;
  engine: Engine;
  streams(): Streams;
  setNodeState(node: number, state: NodeState): void;
  recovery: Recovery;
}

export const NO_FAULTS: FaultSettings = {
  processes: [],
  listed: [],
  lemons: { share: 0, factor: 1 },
  gpuSpread: 0,
  ageUs: 0,
  // Detectors find 70 % (arXiv 2509.16293); that it takes two hours is assumed.
  corruption: { found: 0.7, medianUs: 7200e6, sigma: 1 },
  repair: REPAIR_DEFAULTS,
};

const UNCHANGING = ['host', 'candidates', 'repairs', 'telemetry', 'settings', 'readings'];
const READINGS_SHARED = ['scenario', 'cluster', 'telemetry', 'gauge', 'now'];

export class Faults {
  readonly rows: FaultRow[] = [];
  readonly candidates: Candidates;
  readonly repairs: Repairs;
  readonly telemetry: Telemetry;
  readonly gauge = new XidGauge();
  /** Null where no scenario speaks of faults or telemetry: nobody reads it. */
  readonly readings: Readings | null;
  private readonly open = new Map<number, Open>();
  private nextOpen = 0;
  /** Nodes that cannot be used and are not out of service yet, with the fault that made them so. */
  private readonly unfit = new Map<number, number>();
  /** Rows of faults for which a node is away. */
  private readonly away = new Map<number, number[]>();
  /** Jobs on their way back, with the row of the fault. */
  private readonly back = new Map<number, number>();
  /** How often the policy has moved each job. */
  private readonly attempts = new Map<number, number>();
  /** When a job last came to its first step, µs. */
  private readonly steppedUs: Float64Array;
  /** When a node last had a fault of each kind, by node × 256 + kind. */
  private readonly lastOfKind = new Map<number, number>();
  private readonly slowUntil = new Map<number, number>();
  /** Nodes kept aside, by pool, and how many there should be. */
  private readonly spares: number[][];
  private readonly injected: Candidate[] = [];
  /** The job that is about to take its first step; -1 = none. */
  private stepping = -1;
  private readonly host: FaultHost;
  private readonly settings: FaultSettings;

  constructor(host: FaultHost) {
    const { scenario, engine, jobs, recovery, cluster } = host;
    this.host = host;
    this.settings = scenario.faults ?? NO_FAULTS;
    this.telemetry = new Telemetry(recovery.settings.telemetry, scenario.seed);
    const watched = scenario.faults !== undefined || scenario.recovery !== undefined;
    this.readings = watched
      ? new Readings(
          scenario,
          cluster,
          this.telemetry,
          () => this.gauge,
          () => engine.now,
        )
      : null;
    this.steppedUs = new Float64Array(scenario.jobs.count);
    this.spares = scenario.pools.map(() => []);
    this.candidates = new Candidates(
      scenario,
      this.settings,
      engine,
      () => host.streams(),
      (c) => this.consider(c),
    );
    this.repairs = new Repairs(scenario, this.settings.repair, recovery, cluster, engine, {
      setState: (node, state) => this.setState(node, state),
      onReset: (node) => this.clearGauges(node),
      onRenewed: (node) => this.candidates.renew(node),
      onReturned: (node) => this.onReturned(node),
    });
    engine.on(KIND.faultStep, (id, step) => (id < 0 ? this.injectNow(-1 - id) : this.onStep(id, step)));
    engine.on(KIND.faultOver, (id) => this.onOver(id));
    jobs.onStart = (job) => this.onJobStart(job);
    jobs.onStep = (job) => this.onJobStep(job);
    jobs.onFree = (node) => {
      this.noteUse(node);
      this.repairs.freed(node);
    };
    jobs.onLost = (job, amount) => {
      const row = this.back.get(job);
      if (row !== undefined) this.rows[row].lost += amount;
    };
  }

  begin(): void {
    this.candidates.begin();
    this.host.recovery.settings.spares.forEach((count, pool) => {
      const nodes = this.host.cluster.nodesOfPool[pool];
      for (let i = 0; i < Math.min(count, nodes.length - 1); i++) {
        const node = nodes[nodes.length - 1 - i];
        this.spares[pool].push(node);
        this.host.setNodeState(node, 'draining');
      }
    });
  }

  /** Events that come whatever happens, and so keep no run alive. */
  get background(): number {
    return this.candidates.pending;
  }

  snapshot(): Record<string, Snapshot> {
    return {
      own: takeSnapshot(this, UNCHANGING),
      candidates: this.candidates.snapshot(),
      repairs: this.repairs.snapshot(),
      ...(this.readings && { readings: takeSnapshot(this.readings, READINGS_SHARED) }),
    };
  }

  restore(snapshot: Record<string, Snapshot>): void {
    restoreSnapshot(this, snapshot.own);
    // Its methods were lost in the copy.
    Object.assign(this, { gauge: Object.assign(new XidGauge(), this.gauge) });
    this.candidates.restore(snapshot.candidates);
    this.repairs.restore(snapshot.repairs);
    if (this.readings) restoreSnapshot(this.readings, snapshot.readings);
  }

  /** A fault that somebody wants to see, at a moment not before now. */
  inject(atUs: number, kind: string, node: number, gpu: number): void {
    const { names } = this.host.scenario.nodes;
    const at = this.injected.push({
      unit: names[node],
      process: 'injected',
      cause: '',
      kind: faultKind(kind),
      nodes: [node],
      gpu,
      part: 0,
      chance: 1,
      choice: 0,
      stream: `faults/injected/${this.injected.length}`,
    });
    this.host.engine.schedule(atUs, PRIORITY.fault, KIND.faultStep, -at);
  }

  private injectNow(at: number): void {
    this.consider(this.injected[at]);
  }

  // ── a candidate ─────────────────────────────────────────────────────────────────────────────────────────────────

  private consider(candidate: Candidate): void {
    const { engine, cluster, scenario } = this.host;
    const kind = FAULT_KINDS[candidate.kind];
    const node = candidate.nodes[0];
    const ofGpu = kind.victims === 'gpu' || kind.victims === 'app' || kind.xid > 0 || kind.symptom === 'slow';
    const serving = candidate.nodes.filter((n) => isUp(cluster.nodeState[n]));
    const row: FaultRow = {
      timeUs: engine.now,
      unit: candidate.unit,
      process: candidate.process,
      cause: candidate.cause,
      kind: kind.name,
      xid: kind.xid,
      node,
      gpu: ofGpu ? Math.min(candidate.gpu, scenario.nodes.gpus[node] - 1) : -1,
      effective: false,
      why: '',
      job: -1,
      jobs: 0,
      detectedUs: -1,
      recoveredUs: -1,
      returnedUs: -1,
      lost: 0,
    };
    this.rows.push(row);
    if (candidate.part >= candidate.chance) row.why = 'the hardware is older, or newer, than those that fail so often';
    else if (serving.length === 0) row.why = 'not in service';
    else {
      row.effective = true;
      this.strike(candidate, kind, row, serving);
    }
  }

  private strike(candidate: Candidate, kind: FaultKind, row: FaultRow, nodes: number[]): void {
    const { engine, jobs, recovery, scenario } = this.host;
    const { now } = engine;
    const id = this.nextOpen++;
    const struck: Open = {
      row: this.rows.length - 1,
      kind: candidate.kind,
      nodes,
      gpu: row.gpu,
      stream: candidate.stream,
      jobs: [],
      repair: this.escalated(nodes[0], candidate.kind, kind.repair),
      steps: 0,
    };
    this.open.set(id, struck);
    const gaugeOf = this.host.cluster.gpuStart[nodes[0]] + row.gpu;
    let news = false;
    if (kind.xid > 0 && row.gpu >= 0) {
      news = this.gauge.at(gaugeOf, now) !== kind.xid;
      this.gauge.set(gaugeOf, now, kind.xid);
    }
    const fires = news && recovery.settings.stack.events && recovery.firesOn(kind.xid);
    const harmless = kind.symptom === 'none';
    // A harmless error matters to whoever acts on it: then the jobs on that GPU may have to leave.
    const victims = this.victims(harmless && fires ? 'gpu' : kind.victims, nodes, row.gpu, candidate.choice);
    const name = scenario.nodes.names[nodes[0]];
    const what = kind.xid > 0 ? `XID ${kind.xid} on GPU ${row.gpu} of ${name}` : `${kind.name} of ${candidate.unit}`;
    for (const job of victims) {
      jobs.observer?.(now, 'fault', job, -1, nodes[0], row.gpu < 0 ? 0 : 1 << row.gpu, `${what}: ${kind.meaning}`);
      if (jobs.status[job] === TERMINATING) {
        // On its way out already: a process that dies is only gone sooner.
        if (kind.symptom === 'crash' || kind.symptom === 'silent') jobs.kill(job, what);
        continue;
      }
      struck.jobs.push(job);
      if (!harmless && kind.symptom !== 'corrupt') {
        jobs.halt(job, id);
        // Kernels that wait for their peers spin: utilisation stays up.
        if (kind.symptom !== 'hang') this.noteUseOf(job);
        if (kind.symptom !== 'pause' && jobs.halted[job] === id + 1) this.back.set(job, this.rows.length - 1);
      }
    }
    row.job = struck.jobs[0] ?? -1;
    row.jobs = struck.jobs.length;
    if (kind.symptom === 'slow') this.slowDown(id, struck, kind);
    else if (kind.symptom === 'pause') this.endAfter(id, this.draw(struck, 'length', OUTAGE));
    else if (kind.symptom === 'corrupt') this.letCorruptionBeFound(id, struck);
    else this.planSteps(id, struck, fires);
    if (REPAIRS.indexOf(struck.repair) >= REPAIRS.indexOf('gpu-reset') && kind.symptom !== 'corrupt') {
      for (const node of nodes) if (!this.unfit.has(node)) this.unfit.set(node, id);
    }
    if (struck.steps === 0) this.open.delete(id);
  }

  /** Two faults of one kind on one node within a week: the step that was taken then did not help. */
  private escalated(node: number, kind: number, repair: Repair): Repair {
    const key = node * REPEAT_KEY + kind;
    const before = this.lastOfKind.get(key);
    const { now } = this.host.engine;
    this.lastOfKind.set(key, now);
    const at = REPAIRS.indexOf(repair);
    const again = before !== undefined && now - before <= this.settings.repair.repeatWithinUs;
    return again && at >= REPAIRS.indexOf('gpu-reset') ? REPAIRS[Math.min(at + 1, REPAIRS.indexOf('service'))] : repair;
  }

  /** Jobs whose processes are struck, in the order in which they are found on the nodes. */
  private victims(whose: FaultKind['victims'], nodes: readonly number[], gpu: number, choice: number): number[] {
    const { cluster, jobs, scenario } = this.host;
    const found = new Set<number>();
    if (whose === 'none') return [];
    for (const node of nodes) {
      for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
        const job = cluster.jobOfTask[task];
        if (!jobs.works(job) && jobs.status[job] !== TERMINATING) continue;
        const mask = cluster.taskMask[task];
        if ((whose === 'app' || whose === 'gpu') && gpu >= 0 && (mask & (1 << gpu)) === 0) continue;
        if (whose === 'spanning' && !spansNodes(cluster, scenario, job)) continue;
        found.add(job);
      }
    }
    const all = [...found];
    return whose === 'app' && all.length > 1 ? [all[Math.floor(choice * all.length)]] : all;
  }

  // ── who notices what when ───────────────────────────────────────────────────────────────────────────────────────

  private planSteps(id: number, struck: Open, fires: boolean): void {
    const { engine, recovery, scenario } = this.host;
    const { stack, faultTolerance: policy } = recovery.settings;
    const kind = FAULT_KINDS[struck.kind];
    const { now } = engine;
    const name = scenario.nodes.names[struck.nodes[0]];
    const seenUs = this.telemetry.seenUs(name, now);
    if (fires) this.step(id, struck, seenUs, SEEN);
    const deathUs =
      kind.symptom === 'hang' || kind.symptom === 'idle'
        ? now + stack.hangUs
        : kind.symptom !== 'silent'
          ? now + stack.exitUs
          : // A node that is not there when the exporter is scraped is seen to be missing.
            Math.min(now + stack.nodeDownUs, stack.events ? seenUs : Infinity);
    const watches = policy !== undefined && policy.utilizationDropThreshold >= 0;
    let stallUs = Infinity;
    if (kind.symptom === 'idle' && watches && stack.events) {
      for (const job of struck.jobs) stallUs = Math.min(stallUs, this.fallSeenUs(name, job));
      if (stallUs < deathUs) this.step(id, struck, stallUs, STALL);
    }
    // What the policy has taken care of by then finds nothing left to do.
    if (kind.symptom !== 'none') {
      const alone = struck.jobs.filter((job) => this.byPerson(job));
      if (struck.jobs.length > alone.length) this.step(id, struck, fires ? Math.max(deathUs, seenUs) : deathUs, DEATH);
      if (alone.length > 0) this.step(id, struck, recovery.personDoneUs(deathUs), PERSON);
    }
    const policyWants = fires && kind.symptom === 'none';
    if (policyWants) struck.repair = 'gpu-reset';
    if (REPAIRS.indexOf(struck.repair) < REPAIRS.indexOf('gpu-reset')) return;
    // DCGM's own verdict takes another watch interval; an XID speaks for itself.
    const known = stack.events && (kind.xid > 0 || kind.dcgm !== '') ? seenUs + (kind.xid > 0 ? 0 : 30e6) : deathUs;
    this.step(id, struck, stack.closeUs < 0 ? recovery.personDoneUs(known) : known + stack.closeUs, CLOSE);
  }

  private fallSeenUs(node: string, job: number): number {
    const { scenario, recovery, jobs, engine } = this.host;
    const policy = recovery.settings.faultTolerance;
    const klass = JOB_CLASSES[scenario.jobs.class[job]];
    // A notebook that is idle is a notebook.
    if (policy === undefined || (klass !== 'training' && klass !== 'batch') || jobs.status[job] < RUNNING)
      return Infinity;
    const { utilizationDropThreshold, utilizationWindowUs } = policy;
    const level = scenario.jobs.useMilli[job] / 1000;
    return this.telemetry.fallSeenUs(
      node,
      engine.now,
      this.steppedUs[job],
      level,
      utilizationDropThreshold,
      utilizationWindowUs,
    );
  }

  /** Whether only a person brings it back. */
  private byPerson(job: number): boolean {
    const { recovery, scenario } = this.host;
    return recovery.settings.stack.gang === 'person' && !this.isSingle(job) && !isService(scenario, job);
  }

  private step(id: number, struck: Open, atUs: number, step: number): void {
    if (!(atUs <= Number.MAX_SAFE_INTEGER)) return;
    struck.steps++;
    this.host.engine.schedule(atUs, PRIORITY.faultStep, KIND.faultStep, id, step);
  }

  private onStep(id: number, step: number): void {
    const struck = this.open.get(id);
    if (struck === undefined) return;
    struck.steps--;
    const { engine, scenario, cluster, jobs } = this.host;
    const { now } = engine;
    const row = this.rows[struck.row];
    const kind = FAULT_KINDS[struck.kind];
    if (row.detectedUs < 0) row.detectedUs = now;
    if (step === CLOSE) {
      for (const node of struck.nodes) this.close(node, struck);
    } else {
      let code = kind.xid;
      if (step === SEEN) {
        // The gauge shows what it showed when it was read; an error after this one may have covered it.
        const read = this.telemetry.knownSampleUs(scenario.nodes.names[struck.nodes[0]], now);
        code = this.gauge.at(cluster.gpuStart[struck.nodes[0]] + struck.gpu, read);
      }
      const how: How = step === SEEN ? 'event' : step === STALL ? 'utilization' : HOW[kind.symptom];
      for (const job of struck.jobs) {
        const harmed = jobs.halted[job] === id + 1;
        const well = kind.symptom === 'none' && jobs.halted[job] === 0 && jobs.works(job) && this.isOn(job, struck);
        if (!harmed && !well) continue;
        if ((step === DEATH || step === PERSON) && this.byPerson(job) !== (step === PERSON)) continue;
        this.treat(job, struck, how, code, well);
      }
    }
    if (struck.steps === 0) this.open.delete(id);
  }

  // ── what is done about it ───────────────────────────────────────────────────────────────────────────────────────

  private treat(job: number, struck: Open, how: How, xid: number, alive: boolean): void {
    const { engine, jobs, recovery } = this.host;
    const { now } = engine;
    const row = this.rows[struck.row];
    const unfit = REPAIRS.indexOf(struck.repair) >= REPAIRS.indexOf('gpu-reset');
    const attempts = this.attempts.get(job) ?? 0;
    const pool = this.host.scenario.nodes.pool[struck.nodes[0]];
    jobs.observer?.(now, 'detected', job, -1, struck.nodes[0], 0, SEEN_AS[how]);
    const reaction = recovery.react({
      nowUs: now,
      how,
      xid,
      alive,
      unfit,
      single: this.isSingle(job),
      service: isService(this.host.scenario, job),
      elastic: jobs.canDrop(job, struck.nodes),
      spares: this.spares[pool].length,
      attempts,
    });
    jobs.observer?.(now, 'policy', job, -1, struck.nodes[0], 0, reaction.reason);
    if (reaction.action === 'leave') return;
    if (reaction.byPolicy) this.attempts.set(job, attempts + 1);
    this.back.set(job, struck.row);
    this.carryOut(job, struck, reaction, alive, pool);
    if (reaction.action === 'fail') this.back.delete(job);
    if (row.job < 0) row.job = job;
  }

  private carryOut(job: number, struck: Open, reaction: Reaction, alive: boolean, pool: number): void {
    const { jobs, recovery } = this.host;
    const { action, notBeforeUs, reason } = reaction;
    const out = recovery.settings.stack.events && REPAIRS.indexOf(struck.repair) >= REPAIRS.indexOf('gpu-reset');
    if (action === 'restart') {
      jobs.restart(job, reason);
      return;
    }
    if (action === 'spare') {
      const spare = this.spares[pool].pop();
      if (spare !== undefined) this.host.setNodeState(spare, 'ready');
    }
    // Out of service before the job goes, so that it can't come back to it.
    if (out) for (const node of struck.nodes) this.close(node, struck, job);
    if (action === 'fail') jobs.giveUp(job, reason);
    else if (action === 'shrink') jobs.dropWorkers(job, struck.nodes, reason);
    else if (alive) jobs.evacuate(job, notBeforeUs, reason);
    else jobs.takeOff(job, 'kill', notBeforeUs, reason);
  }

  /** Takes a node out of service, and other jobs off it as the stack does. */
  private close(node: number, struck: Open, except = -1): void {
    const { cluster, jobs, engine, recovery, scenario } = this.host;
    this.unfit.delete(node);
    if (!isUp(cluster.nodeState[node])) return;
    const spares = this.spares[scenario.nodes.pool[node]];
    if (spares.includes(node)) spares.splice(spares.indexOf(node), 1);
    if (!this.repairs.has(node)) {
      for (const job of struck.jobs) {
        jobs.observer?.(engine.now, 'unhealthy', job, -1, node, 0, `${scenario.nodes.names[node]} is out of service`);
      }
    }
    const rows = this.away.get(node) ?? [];
    if (!rows.includes(struck.row)) rows.push(struck.row);
    this.away.set(node, rows);
    this.repairs.open(node, struck.repair, struck.stream);
    const evacuates = recovery.settings.stack.neighbours === 'evacuate';
    for (const job of this.jobsOn(node)) {
      if (job === except) continue;
      const why = `${scenario.nodes.names[node]} has to be repaired`;
      if (jobs.status[job] === PENDING) jobs.kill(job, why);
      else if (jobs.halted[job] > 0) {
        // Its own fault, or another one, will be noticed.
      } else if (evacuates || scenario.jobs.durationUs[job] === Infinity) {
        if (!this.back.has(job)) this.back.set(job, struck.row);
        jobs.evacuate(job, engine.now, why);
      }
    }
  }

  private onReturned(node: number): boolean {
    const { engine, scenario, recovery } = this.host;
    for (const row of this.away.get(node) ?? []) this.rows[row].returnedUs = engine.now;
    this.away.delete(node);
    this.unfit.delete(node);
    const pool = scenario.nodes.pool[node];
    if (this.spares[pool].length >= (recovery.settings.spares[pool] ?? 0)) return true;
    // What was used up is filled again.
    this.spares[pool].push(node);
    return false;
  }

  private clearGauges(node: number): void {
    const { cluster, engine } = this.host;
    for (let gpu = cluster.gpuStart[node]; gpu < cluster.gpuStart[node + 1]; gpu++) this.gauge.clear(gpu, engine.now);
  }

  private setState(node: number, state: NodeState): void {
    const { cluster } = this.host;
    if (NODE_STATES[cluster.nodeState[node]] !== 'reclaimed') this.host.setNodeState(node, state);
  }

  // ── what happens to jobs meanwhile ──────────────────────────────────────────────────────────────────────────────

  /** A job that starts on a node that cannot be used dies there as the one before it did. */
  private onJobStart(job: number): void {
    if (this.unfit.size === 0) return;
    const { jobs, engine } = this.host;
    for (const [node, id] of this.unfit) {
      if (!this.jobsOn(node).includes(job)) continue;
      const struck = this.open.get(id);
      if (struck === undefined) continue;
      jobs.observer?.(engine.now, 'fault', job, -1, node, 0, `starts on a node that is broken and still in service`);
      jobs.halt(job, id);
      struck.jobs.push(job);
      this.rows[struck.row].jobs++;
      const { settings, personDoneUs } = this.host.recovery;
      const deathUs = engine.now + settings.stack.exitUs;
      if (this.byPerson(job)) this.step(id, struck, personDoneUs(deathUs), PERSON);
      else this.step(id, struck, deathUs, DEATH);
      return;
    }
  }

  private onJobStep(job: number): void {
    const { now } = this.host.engine;
    this.steppedUs[job] = now;
    this.stepping = job;
    this.noteUseOf(job);
    this.stepping = -1;
    const row = this.back.get(job);
    if (row === undefined) return;
    this.rows[row].recoveredUs = now;
    this.back.delete(job);
  }

  // ── what lasts for a while ──────────────────────────────────────────────────────────────────────────────────────

  private slowDown(id: number, struck: Open, kind: FaultKind): void {
    const { jobs, scenario, engine } = this.host;
    const { milli, meanUs } = SLOW[kind.name];
    jobs.nodeSpeed ??= new Int32Array(scenario.nodes.count).fill(1000);
    const lasts = Math.ceil(exponential(openStream(scenario.seed, `${struck.stream}/length`), meanUs));
    for (const node of struck.nodes) {
      jobs.nodeSpeed[node] = Math.min(jobs.nodeSpeed[node], milli);
      this.slowUntil.set(node, Math.max(this.slowUntil.get(node) ?? 0, engine.now + lasts));
      for (const job of this.jobsOn(node)) {
        this.rows[struck.row].jobs++;
        if (this.rows[struck.row].job < 0) this.rows[struck.row].job = job;
        jobs.changePace(job);
      }
    }
    this.endAfter(id, lasts);
  }

  private letCorruptionBeFound(id: number, struck: Open): void {
    const stream = openStream(this.host.scenario.seed, `${struck.stream}/found`);
    const { found: share, medianUs, sigma } = this.settings.corruption;
    const found = stream.next() < share;
    const after = Math.ceil(lognormalFromMedian(stream, medianUs, sigma));
    // What nobody ever finds changes nothing that a simulation counts.
    if (!found || struck.jobs.length === 0) return;
    for (const job of struck.jobs) this.host.jobs.corrupt(job);
    this.endAfter(id, after);
  }

  private draw(struck: Open, what: string, { medianUs, sigma }: { medianUs: number; sigma: number }): number {
    const stream = openStream(this.host.scenario.seed, `${struck.stream}/${what}`);
    return Math.ceil(lognormalFromMedian(stream, medianUs, sigma));
  }

  private endAfter(id: number, us: number): void {
    (this.open.get(id) as Open).steps++;
    this.host.engine.schedule(this.host.engine.now + us, PRIORITY.faultStep, KIND.faultOver, id);
  }

  private onOver(id: number): void {
    const struck = this.open.get(id) as Open;
    const { jobs, engine } = this.host;
    const { now } = engine;
    const row = this.rows[struck.row];
    struck.steps--;
    const { symptom } = FAULT_KINDS[struck.kind];
    if (symptom === 'slow') {
      for (const node of struck.nodes) {
        if ((this.slowUntil.get(node) ?? 0) > now) continue;
        this.slowUntil.delete(node);
        (jobs.nodeSpeed as Int32Array)[node] = 1000;
        for (const job of this.jobsOn(node)) jobs.changePace(job);
      }
      row.recoveredUs = now;
    } else if (symptom === 'pause') {
      for (const job of struck.jobs) if (jobs.halted[job] === id + 1) jobs.resume(job);
      row.recoveredUs = now;
    } else {
      row.detectedUs = now;
      for (const job of struck.jobs) {
        if (!jobs.isCorrupt(job)) continue;
        jobs.observer?.(now, 'detected', job, -1, struck.nodes[0], 0, 'its results are wrong');
        this.back.set(job, struck.row);
        jobs.rollBack(job, 'silent data corruption: back to the last clean checkpoint');
        if (!jobs.works(job)) this.back.delete(job);
      }
      for (const node of struck.nodes) this.close(node, struck);
    }
    if (struck.steps === 0) this.open.delete(id);
  }

  // ── what DCGM shows ───────────────────────────────────────────────────────────────────────────────────────────────

  private noteUseOf(job: number): void {
    if (this.readings === null) return;
    const { cluster, scenario } = this.host;
    const { taskStart } = scenario.jobs;
    for (let task = taskStart[job]; task < taskStart[job + 1]; task++) {
      if (cluster.taskNode[task] >= 0) this.noteUse(cluster.taskNode[task]);
    }
  }

  /** Every GPU of a node, by what is on it. */
  private noteUse(node: number): void {
    const { readings } = this;
    if (readings === null) return;
    const { cluster, scenario, jobs } = this.host;
    const from = cluster.gpuStart[node];
    const to = cluster.gpuStart[node + 1];
    busyOf.fill(0);
    heldOf.fill(0);
    for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
      const job = cluster.jobOfTask[task];
      const units = cluster.taskUnits[task];
      const works = jobs.status[job] >= RUNNING && jobs.works(job) && jobs.halted[job] === 0;
      const stepping = works || this.stepping === job;
      for (let gpu = 0; gpu < to - from; gpu++) {
        if ((cluster.taskMask[task] & (1 << gpu)) === 0) continue;
        heldOf[gpu] += units;
        if (stepping) busyOf[gpu] += Math.round((scenario.jobs.useMilli[job] * units) / 7000);
      }
    }
    for (let gpu = 0; gpu < to - from; gpu++) {
      readings.note(from + gpu, Math.min(1000, busyOf[gpu]), Readings.memoryOf(Math.min(7000, heldOf[gpu])));
    }
  }

  // ── small questions ─────────────────────────────────────────────────────────────────────────────────────────────

  private jobsOn(node: number): number[] {
    const { cluster } = this.host;
    const found = new Set<number>();
    for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
      found.add(cluster.jobOfTask[task]);
    }
    return [...found];
  }

  private isOn(job: number, { nodes, gpu }: Open): boolean {
    return this.victims('gpu', nodes, gpu, 0).includes(job);
  }

  private isSingle(job: number): boolean {
    const { taskStart } = this.host.scenario.jobs;
    return taskStart[job + 1] - taskStart[job] === 1;
  }
}

const HOW: Record<FaultKind['symptom'], How> = {
  crash: 'exit',
  silent: 'silence',
  hang: 'timeout',
  idle: 'timeout',
  slow: 'timeout',
  corrupt: 'timeout',
  pause: 'timeout',
  none: 'event',
};
const SEEN_AS: Record<How, string> = {
  event: 'the event code is in the telemetry',
  utilization: 'the mean utilisation has fallen below the threshold',
  exit: 'its process has ended',
  silence: 'its node does not answer',
  timeout: 'its collective has timed out',
};

function isUp(state: number): boolean {
  const name = NODE_STATES[state];
  return name === 'ready' || name === 'draining';
}

const isService = (scenario: Scenario, job: number) => scenario.jobs.class[job] === INFERENCE;

function spansNodes(cluster: Cluster, { jobs }: Scenario, job: number): boolean {
  let first = -1;
  for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
    const node = cluster.taskNode[t];
    if (node >= 0 && first >= 0 && node !== first) return true;
    if (node >= 0) first = node;
  }
  return false;
}
