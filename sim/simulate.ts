/**
 * The front door: `simulate(scenario)` runs a compiled scenario to its end and returns everything that was recorded.
 * `Simulation` is the same run held in the hand: step it, stop it, take a snapshot, fork it, change something, go on.
 */
import { ABSENT, Cluster, NODE_STATES, type NodeState, READY } from './cluster/cluster.ts';
import { type Action, PENDING, type Trial, type View } from './cluster/view.ts';
import { Engine } from './engine/engine.ts';
import type { EventId } from './engine/queue.ts';
import { Streams } from './engine/random.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from './engine/snapshot.ts';
import { POLICIES, policyNames } from './policy/index.ts';
import { checkedArgs, type Policy, PolicyArgumentError, type PolicyFactory } from './policy/policy.ts';
import { recoveryFor } from './policy/recovery/recovery.ts';
import { recoveryOf } from './policy/recovery/stacks.ts';
import { Accounts } from './record/accounts.ts';
import { Decisions } from './record/decisions.ts';
import { CATEGORIES, CATEGORY, Ledger } from './record/ledger.ts';
import type { Lives } from './record/lives.ts';
import { Presence } from './record/presence.ts';
import type { Recorder } from './record/recorder.ts';
import { type Run, recordRun, seriesOf } from './record/run.ts';
import { Samples } from './record/samples.ts';
import { jobRow, ledgerRow, type TraceSink } from './record/trace.ts';
import { WEEK_US, Weeks } from './record/weeks.ts';
import { HOUR_US, type Scenario } from './scenario.ts';
import { figuresOf, newServing, withOwnColumns } from './serving.ts';
import { Checkpoints } from './world/checkpoints/checkpoints.ts';
import { KIND, PRIORITY } from './world/events.ts';
import { Faults } from './world/faults/faults.ts';
import { handleFaultEvents } from './world/faults/life.ts';
import { Fragmentation } from './world/fragmentation.ts';
import { checkpointLanded } from './world/jobs/checkpointing.ts';
import { killJob, takeAway } from './world/jobs/endings.ts';
import { Jobs } from './world/jobs/jobs.ts';
import { handleJobEvents } from './world/jobs/life.ts';
import { spanUs } from './world/jobs/pace.ts';
import { scheduleArrival } from './world/jobs/queue.ts';
import { placeJob, stateLoaded } from './world/jobs/startup.ts';
import { giveNotice, preemptJob } from './world/jobs/stopping.ts';
import { shrinkJob } from './world/jobs/workers.ts';
import { Network } from './world/network.ts';
import { Provisioning } from './world/provisioning/provisioning.ts';
import { beginServing, followReplicas, replicaQueued } from './world/serving/operation.ts';
import type { Serving } from './world/serving/serving.ts';
import { Spot } from './world/spot/spot.ts';
import { Storage } from './world/storage/storage.ts';

export { GPU_UNITS } from './cluster/cluster.ts';
export type { FaultRow } from './cluster/recovery.ts';
export type { Action, View } from './cluster/view.ts';
export { JOB_STATUS } from './cluster/view.ts';
export { ForeignPolicyError, foreignPolicy } from './policy/foreign.ts';
export { POLICIES, policyNames } from './policy/index.ts';
export { type ArgSpec, type Decision, type Policy, PolicyArgumentError, type PolicyFactory } from './policy/policy.ts';
export { ALLOCATED, BUSY, CATEGORIES, type Category, USEFUL } from './record/ledger.ts';
export { type LifeEvent, type LifeRow, Lives } from './record/lives.ts';
export { ACTIVITIES, EVENT_KINDS, type RecordedColumns, Recorder } from './record/recorder.ts';
export type { LedgerEntry, Run } from './record/run.ts';
export type { TraceRow } from './record/trace.ts';
export * from './scenario.ts';

export interface SimulateOptions {
  /** A policy that is not built in, instead of the one the scenario names. Its arguments come from the scenario. */
  policy?: PolicyFactory;
  /** Keep the ledger by hour of the scenario's time zone; memory then grows with simulated time. */
  keepHours?: boolean;
  /** Called with every row of the event trace. */
  trace?: TraceSink;
  /** Notes what happens to each job, compactly. */
  lives?: Lives;
  /** Keeps what is drawn: who held which GPUs when, phases, states, sums over time. */
  recorder?: Recorder;
  /** Called now and then with the simulated time reached, µs; return false to stop the run there. */
  onProgress?: (nowUs: number, events: number) => boolean;
}

/** Runs a scenario to its end. Throws `PolicyArgumentError` for a policy or argument that does not exist. */
export function simulate(scenario: Scenario, options: SimulateOptions = {}): Run {
  const simulation = new Simulation(scenario, options);
  simulation.run();
  return simulation.result();
}

export interface SimulationSnapshot {
  engine: ReturnType<Engine['snapshot']>;
  streams: ReturnType<Streams['snapshot']>;
  parts: Record<string, Snapshot>;
  own: Snapshot;
}

/** A policy that changes its mind this often at one moment would do so for ever. */
const MOST_DECISIONS = 10_000;
/** Something that must never happen did. The message names the event and the seed that reproduce it. */
export class SimulationError extends Error {
  override name = 'SimulationError';
}

/** Events between two looks at the clock of whoever watches. */
const PROGRESS_EVERY = 500;

export class Simulation {
  readonly scenario: Scenario;
  readonly cluster: Cluster;
  readonly jobs: Jobs;
  readonly ledger: Ledger;
  private readonly accounts: Accounts;
  private readonly samples: Samples;
  private readonly fragmentation: Fragmentation;
  private readonly decisions: Decisions;
  /** File systems; null where the scenario states none. */
  readonly storage: Storage | null = null;
  private readonly checkpoints: Checkpoints | null = null;
  private readonly spot: Spot | null = null;
  /** Null where all nodes are there from the start to the end, and are not updated. */
  readonly provisioning: Provisioning | null = null;
  private readonly presence: Presence | null = null;
  private readonly weeks: Weeks | null = null;
  readonly faults: Faults;
  /** Inference deployments whose requests are simulated; null = there are none. */
  private readonly serving: Serving | null = null;
  private readonly engine = new Engine();
  private streams: Streams;
  private readonly policy: Policy;
  private readonly view: View;
  private options: SimulateOptions;
  private policyState: unknown;
  private decideEvent: EventId = -1;
  private decideAt = Infinity;
  private lastDecisionUs = -1;
  private decisionsNow = 0;
  /** When something last changed, other than the policy's own alarm clock ringing. */
  private idleSince = 0;
  private changedPools: number[] = [];
  private interrupted = false;
  private stalled = false;

  constructor(scenario: Scenario, options: SimulateOptions = {}) {
    const factory = options.policy ?? policyNamed(scenario.policy.name);
    this.options = options;
    const loaded = scenario.serving === undefined ? scenario : withOwnColumns(scenario);
    const args = checkedArgs(factory, scenario.policy.args);
    const whole = factory.wholeGpusOnly ? () => true : factory.wholeGpusFor?.(loaded, args);
    this.scenario = whole === undefined ? loaded : withWholeGpus(loaded, whole);
    const { pools, nodes, jobs, migLayouts, migProfiles, seed } = this.scenario;
    this.policy = factory.create(args);
    this.streams = new Streams(seed);
    this.cluster = new Cluster({ pools, nodes, jobs, migLayouts, migProfiles });
    this.ledger = new Ledger(pools.length, options.keepHours ?? false, firstHourEnd(scenario));
    this.accounts = new Accounts(this.scenario, this.ledger);
    if (this.scenario.serving !== undefined) {
      const { cluster, engine, accounts } = this;
      const { telemetry } = recoveryOf(this.scenario);
      this.serving = newServing({
        ...{ scenario: this.scenario, cluster, engine, accounts, jobs: () => this.jobs, faults: () => this.faults },
        telemetryUs: telemetry.exporterUs,
        staleUs: telemetry.exporterUs + telemetry.scrapeUs,
        // The preset `seed` reads exporters itself: then their period is what counts.
        scrapeUs: telemetry.scrapeUs > 0 ? telemetry.scrapeUs : telemetry.exporterUs,
        // Other policies keep a job in line until they have placed it.
        withdraws: factory.name === 'runai',
      });
    }
    const books = this.serving === null ? this.accounts : followReplicas(this.serving, this.accounts);
    this.jobs = new Jobs(this.scenario, this.cluster, this.engine, books);
    handleJobEvents(this.jobs);
    const { network } = this.scenario;
    if (network !== undefined) this.jobs.network = new Network(this.scenario, this.cluster, network);
    if (this.scenario.storage !== undefined) {
      this.storage = new Storage(this.scenario.storage.fileSystems, this.engine);
      this.checkpoints = new Checkpoints(this.scenario, this.cluster, this.engine, this.storage);
      this.checkpoints.onLanded = (job, work, shared) => checkpointLanded(this.jobs, job, work, shared);
      this.checkpoints.onRead = (job) => stateLoaded(this.jobs, job);
      this.jobs.checkpoints = this.checkpoints;
    }
    if (this.scenario.spot?.some((spec) => spec !== null)) {
      this.spot = new Spot(this.scenario, this.cluster, this.engine, {
        setState: (node, state) => this.changeNode(node, NODE_STATES.indexOf(state)),
        giveNotice: (node, us) => this.giveNotice(node, us),
        streams: () => this.streams,
      });
    }
    this.faults = new Faults({
      scenario: this.scenario,
      cluster: this.cluster,
      jobs: this.jobs,
      engine: this.engine,
      streams: () => this.streams,
      setNodeState: (node, state) => this.changeNode(node, NODE_STATES.indexOf(state)),
      bookGpu: (node, units, unhealthy) => this.bookGpu(node, units, unhealthy),
      setStorageDown: (fileSystem, down) => this.storage?.setDown(fileSystem, down),
      recovery: recoveryFor(recoveryOf(this.scenario), this.scenario),
    });
    handleFaultEvents(this.faults);
    const { provisioning } = this.scenario;
    if (provisioning !== undefined) {
      for (const node of provisioning.absent) this.cluster.setNodeState(node, ABSENT);
      this.cluster.commit();
      this.presence = new Presence(this.cluster);
      const { cluster, jobs, engine, faults } = this;
      const setNodeState = (node: number, state: NodeState) => this.changeNode(node, NODE_STATES.indexOf(state));
      const host = { scenario: this.scenario, cluster, jobs, engine, faults, setNodeState };
      this.provisioning = new Provisioning(host, provisioning);
      this.weeks = new Weeks(pools.length, this.ledger);
      engine.on(KIND.week, () => this.endWeek());
    }
    this.fragmentation = new Fragmentation(this.scenario, this.cluster);
    this.decisions = new Decisions(this.scenario, this.cluster);
    this.samples = new Samples(seriesOf(this.scenario).count, bucketFor(scenario.durationUs));
    this.view = this.makeView();
    this.jobs.limits = this.policy.limits ?? null;
    this.jobs.requeues = this.policy.requeues ?? true;
    this.policyState = this.policy.init(this.scenario);
    this.engine.on(KIND.decide, () => this.decide());
    this.engine.on(KIND.nodeState, (node, state) => this.changeNode(node, state));
    this.jobs.onChange = () => this.askPolicy();
    this.jobs.onPool = (pool) => this.noteChanged(pool);
    this.jobs.onPending = (job, by) => {
      this.countPending(job, by);
      if (by > 0 && this.serving !== null) replicaQueued(this.serving, job);
    };
    this.options.recorder?.attach(this.scenario, this.cluster, this.ledger);
    this.watch();
    this.engine.digest.text(`${scenario.name} ${this.policy.name} ${seed}`);
    for (let pool = 0; pool < pools.length; pool++) {
      this.ledger.enter(0, this.ledger.account(pool, CATEGORY.free), this.cluster.openFreeUnits[pool]);
    }
    if (this.serving !== null) beginServing(this.serving);
    scheduleArrival(this.jobs);
    this.spot?.begin();
    this.faults.begin();
    this.provisioning?.start();
    if (this.weeks !== null) this.engine.schedule(WEEK_US, PRIORITY.provisioning, KIND.week);
  }

  get nowUs(): number {
    return this.engine.now;
  }

  /** Runs up to and including `untilUs`, at most to the scenario's end. */
  run(untilUs = Infinity): void {
    const until = Math.min(untilUs, this.scenario.durationUs);
    const { engine, options } = this;
    this.interrupted = false;
    while (engine.queue.peekTime() <= until && !this.stalled) {
      if (this.scenario.durationUs === Infinity && this.jobs.unfinished === 0) break;
      if (this.scenario.durationUs === Infinity && engine.queue.size === this.background) {
        // Jobs wait, for others or for GPUs, and nothing will ever happen again.
        this.stalled = true;
        break;
      }
      this.runSome(until);
      if (options.onProgress?.(engine.now, engine.events) === false) {
        this.interrupted = true;
        return;
      }
    }
    const over = this.stalled || (this.scenario.durationUs === Infinity && this.jobs.unfinished === 0);
    if (until !== Infinity && !over) engine.now = Math.max(engine.now, until);
  }

  /** A defect, of the program or of a policy, stops the run and says where, so that it can be reproduced. */
  private runSome(until: number): void {
    const { engine, scenario, policy } = this;
    try {
      engine.run(until, PROGRESS_EVERY);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      const { kind, a, b } = engine.queue;
      throw new SimulationError(
        `${what}\n  at ${engine.now} µs, event ${engine.events} (kind ${kind}, ${a}, ${b}), scenario ${scenario.name}, ` +
          `seed ${scenario.seed}, policy ${policy.name} ${JSON.stringify(scenario.policy.args)}`,
        { cause: error },
      );
    }
  }

  /** Sets a node's state at a moment not before now, µs: `draining` lets its jobs end, anything else but `ready` kills them. */
  setNodeState(atUs: number, node: number, state: NodeState): void {
    this.engine.schedule(atUs, PRIORITY.nodeState, KIND.nodeState, node, NODE_STATES.indexOf(state));
  }

  /** A fault of the catalogue on a node's GPU, at a moment not before now, µs. */
  injectFault(atUs: number, kind: string, node: number, gpu = 0): void {
    this.faults.inject(atUs, kind, node, gpu);
  }

  /** What was recorded so far; the simulation can go on afterwards. */
  result(): Run {
    const { now } = this.engine;
    this.ledger.settle(now);
    this.samples.settleAll(now);
    const { scenario, ledger, cluster, jobs, samples, engine, policy, interrupted, stalled } = this;
    return recordRun({
      scenario,
      ledger,
      cluster,
      jobs,
      samples,
      engine,
      policyName: policy.name,
      decisions: this.decisions,
      interrupted,
      stalled,
      warnings: policy.warnings?.(scenario) ?? [],
      ...this.surroundings(),
      ...(this.serving && { serving: figuresOf(this.serving, now) }),
      faults: this.faults.rows,
    });
  }

  private surroundings() {
    const { storage, checkpoints, spot } = this;
    return {
      ...(storage && {
        storage: storage.report().map((row) => ({
          fileSystem: storage.fileSystems[row.fileSystem].name,
          direction: row.direction,
          bytes: row.landedBytes,
          brokenOffBytes: row.brokenBytes,
          busyUs: row.busyUs,
          fullUs: row.fullUs,
          mostTransfers: row.mostFlows,
          mostKeptBytes: storage.mostUsedBytes(row.fileSystem),
        })),
      }),
      ...(checkpoints && {
        checkpoints: {
          complete: checkpoints.complete,
          brokenOff: checkpoints.brokenOff,
          refused: checkpoints.refused,
        },
      }),
      ...(spot && { spot: { notices: spot.notices, taken: spot.taken, returned: spot.returned } }),
      ...this.provisioned(),
    };
  }

  private provisioned() {
    const { provisioning, presence, weeks, scenario, engine, jobs } = this;
    if (provisioning === null || presence === null || weeks === null) return {};
    return {
      capacity: presence.capacity(scenario.nodes.gpus, engine.now),
      provisioning: { ...provisioning.report(), weeks: weeks.rows(scenario, jobs, engine.now) },
    };
  }

  private endWeek(): void {
    this.ledger.settle(this.engine.now);
    this.weeks?.end();
    this.engine.schedule(this.engine.now + WEEK_US, PRIORITY.provisioning, KIND.week);
  }

  /** Plain data that `Simulation.resume` continues from, to the same digest as running through. */
  snapshot(): SimulationSnapshot {
    return {
      engine: this.engine.snapshot(),
      streams: this.streams.snapshot(),
      parts: {
        cluster: this.cluster.snapshot(),
        jobs: this.jobs.snapshot(),
        ledger: takeSnapshot(this.ledger, ['observer', 'onRebook']),
        accounts: this.accounts.snapshot(),
        samples: takeSnapshot(this.samples, []),
        fragmentation: takeSnapshot(this.fragmentation, ['cluster']),
        decisions: takeSnapshot(this.decisions, ['cluster', 'scenario']),
        faults: this.faults.snapshot(),
        ...(this.storage && { storage: this.storage.snapshot() }),
        ...(this.checkpoints && { checkpoints: this.checkpoints.snapshot() }),
        ...(this.spot && { spot: this.spot.snapshot() }),
        ...(this.serving && { serving: this.serving.snapshot() }),
        ...(this.provisioning && { provisioning: this.provisioning.snapshot() }),
        ...(this.presence && { presence: takeSnapshot(this.presence, []) }),
        ...(this.weeks && { weeks: takeSnapshot(this.weeks, ['ledger']) }),
      },
      own: takeSnapshot(this, OWN_SHARED),
    };
  }

  /** A simulation of the same scenario that goes on from a snapshot; the snapshot stays usable. */
  static resume(scenario: Scenario, snapshot: SimulationSnapshot, options: SimulateOptions = {}): Simulation {
    const simulation = new Simulation(scenario, { ...options, trace: undefined, recorder: undefined });
    simulation.engine.restore(structuredClone(snapshot.engine));
    simulation.streams = Streams.restore(structuredClone(snapshot.streams));
    simulation.cluster.restore(snapshot.parts.cluster);
    simulation.jobs.restore(snapshot.parts.jobs);
    restoreSnapshot(simulation.ledger, snapshot.parts.ledger);
    simulation.accounts.restore(snapshot.parts.accounts as Record<string, Snapshot>);
    restoreSnapshot(simulation.samples, snapshot.parts.samples);
    restoreSnapshot(simulation.fragmentation, snapshot.parts.fragmentation);
    restoreSnapshot(simulation.decisions, snapshot.parts.decisions);
    simulation.faults.restore(snapshot.parts.faults as Record<string, Snapshot>);
    if (snapshot.parts.storage) simulation.storage?.restore(snapshot.parts.storage);
    if (snapshot.parts.checkpoints) simulation.checkpoints?.restore(snapshot.parts.checkpoints);
    if (snapshot.parts.spot) simulation.spot?.restore(snapshot.parts.spot);
    if (snapshot.parts.serving) simulation.serving?.restore(snapshot.parts.serving);
    const { provisioning, presence, weeks } = snapshot.parts;
    if (provisioning) simulation.provisioning?.restore(provisioning as Record<string, Snapshot>);
    if (presence && simulation.presence) restoreSnapshot(simulation.presence, presence);
    if (weeks && simulation.weeks) restoreSnapshot(simulation.weeks, weeks);
    restoreSnapshot(simulation, snapshot.own);
    simulation.options = options;
    simulation.accounts.followQuotas(simulation.engine.now);
    options.recorder?.attach(simulation.scenario, simulation.cluster, simulation.ledger);
    simulation.watch();
    return simulation;
  }

  /** A second future from this moment on. */
  fork(options: SimulateOptions = this.options): Simulation {
    return Simulation.resume(this.scenario, this.snapshot(), options);
  }

  // ── deciding ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Pending events that by themselves help no job that waits. */
  private get background(): number {
    return this.faults.background + (this.spot?.background ?? 0) + (this.weeks === null ? 0 : 1);
  }

  private askPolicy(): void {
    const { now } = this.engine;
    this.idleSince = now;
    const period = this.policy.periodUs;
    // The last job is over: the run ends here, not at the next period.
    if (period > 0 && this.scenario.durationUs === Infinity && this.jobs.unfinished === 0) this.engine.stop();
    this.wakePolicy(period === 0 ? now : Math.ceil(now / period) * period);
  }

  private wakePolicy(at: number): void {
    if (at >= this.decideAt) return;
    if (this.decideAt === Infinity) this.decideEvent = this.engine.schedule(at, PRIORITY.decide, KIND.decide);
    else this.engine.queue.reschedule(this.decideEvent, at);
    this.decideAt = at;
  }

  private decide(): void {
    const { cluster, engine, jobs, policy } = this;
    this.decideAt = Infinity;
    if (engine.now > this.lastDecisionUs) this.decisionsNow = 0;
    this.lastDecisionUs = engine.now;
    if (++this.decisionsNow > MOST_DECISIONS) {
      throw new Error(
        `invariant: policy ${policy.name} does not settle: ${MOST_DECISIONS} decisions at ${engine.now} µs (seed ${this.scenario.seed})`,
      );
    }
    cluster.commit();
    const streamOf = (name: string) => this.streams.get(`policy/${name}`);
    const { actions, state, wakeAt } = policy.decide(
      this.view,
      this.policyState,
      engine.now,
      streamOf(policy.name),
      streamOf,
    );
    cluster.takeBack(0);
    this.policyState = state;
    jobs.pended = [];
    jobs.left = [];
    jobs.changed = [];
    jobs.changedNodes = [];
    jobs.freed = false;
    jobs.nodeReturned = false;
    for (const action of actions) this.commit(action);
    cluster.commit();
    for (const pool of this.changedPools) {
      this.ledger.setFragmented(engine.now, pool, this.fragmentation.measure(pool));
      this.samples.set(seriesOf(this.scenario).partlyFreeNodes, engine.now, this.decisions.measure(pool));
    }
    this.changedPools = [];
    if (wakeAt !== Infinity) this.wakePolicy(Math.max(wakeAt, engine.now + 1));
    if (actions.some((action) => action.kind !== 'wait')) this.idleSince = engine.now;
    // Nothing but the policy's own alarm clock is left, and for long it had nothing to do: without a set length, that is
    // the end. Not at the first alarm: another one may still let a job in that backs off now.
    const onlyAlarms = engine.queue.size === this.background + (this.decideAt === Infinity ? 0 : 1);
    const idle = engine.now - this.idleSince >= HOUR_US;
    if (this.scenario.durationUs === Infinity && onlyAlarms && idle && jobs.unfinished > 0) {
      this.stalled = true;
      engine.stop();
    }
    if (this.scenario.durationUs === Infinity && jobs.unfinished === 0) engine.stop();
  }

  private commit(action: Action): void {
    const { digest } = this.engine;
    this.decisions.note(action, this.jobs.startedUs[action.job], this.engine.now);
    if (action.kind === 'wait') {
      this.jobs.observer?.(this.engine.now, 'wait', action.job, -1, -1, 0, action.reason);
      return;
    }
    digest.word(action.job);
    if (action.kind === 'preempt') {
      digest.word(action.saves ? -2 : action.cancels ? -3 : -1);
      preemptJob(this.jobs, action);
      return;
    }
    if (action.kind === 'shrink') {
      digest.word(-4);
      for (const task of action.tasks) digest.word(task);
      shrinkJob(this.jobs, action);
      return;
    }
    for (let i = 0; i < action.tasks.length; i++) {
      digest.word(action.tasks[i]);
      digest.word(action.nodes[i]);
      digest.word(action.masks[i]);
    }
    placeJob(this.jobs, action);
  }

  private makeView(): View {
    const { cluster, jobs } = this;
    const trial: Trial = {
      mark: () => cluster.mark(),
      place: (task, node, mask) => cluster.allocate(task, node, mask),
      evict: (job) => {
        const { taskStart } = this.scenario.jobs;
        for (let task = taskStart[job]; task < taskStart[job + 1]; task++) {
          if (cluster.taskNode[task] >= 0) cluster.release(task);
        }
      },
      takeBack: (mark) => cluster.takeBack(mark),
    };
    return {
      ...(this.faults.readings && { telemetry: this.faults.readings }),
      scenario: this.scenario,
      cluster,
      trial,
      get status() {
        return jobs.status;
      },
      get pended() {
        // A job may have pended and been placed again since, or pended twice.
        return [...new Set(jobs.pended)].filter((job) => jobs.status[job] === PENDING);
      },
      get left() {
        return jobs.left;
      },
      get freed() {
        return jobs.freed;
      },
      get nodeReturned() {
        return jobs.nodeReturned;
      },
      get changedJobs() {
        return jobs.changed;
      },
      get changedNodes() {
        return jobs.changedNodes;
      },
      isLeaving: (task) => jobs.leaving.has(task),
      firstActive: () => jobs.firstActive,
      nextActive: (job) => jobs.nextActive(job),
      remainingUs: (job) => jobs.remainingUs(job),
      attainedGpuUs: (job) => jobs.attainedGpuUs(job),
      startedUs: (job) => jobs.startedUs[job],
      expectedEndUs: (job) => jobs.expectedEnd[job],
      spanUs: (job, pool) => spanUs(jobs, job, pool),
    };
  }

  // ── what is noted as it happens ─────────────────────────────────────────────────────────────────────────────────

  /** Samples follow the ledger; the trace, if one is asked for, gets a row for each movement. */
  private watch(trace = this.options.trace): void {
    const { ledger, samples, jobs } = this;
    const { lives, recorder } = this.options;
    const n = CATEGORIES.length;
    const { projectSeries } = seriesOf(this.scenario);
    ledger.observer = (now, from, to, units) => {
      if (from >= 0) {
        samples.add(from % n, now, -units);
        const { project } = ledger.owners[Math.floor(from / n)];
        if (project >= 0 && projectSeries >= 0) samples.add(projectSeries + project, now, -units);
      }
      if (to >= 0) {
        samples.add(to % n, now, units);
        const { project } = ledger.owners[Math.floor(to / n)];
        if (project >= 0 && projectSeries >= 0) samples.add(projectSeries + project, now, units);
      }
      recorder?.moved(now, from, to, units);
      trace?.(ledgerRow(ledger, now, 'ledger', from, to, String(units)));
    };
    const rebooked: typeof ledger.onRebook = (now, from, to, amount) => {
      recorder?.rebooked(now, from, to, amount);
      trace?.(ledgerRow(ledger, now, 'lost', from, to, String(amount)));
    };
    ledger.onRebook = trace || recorder ? rebooked : null;
    const observer = (...row: Parameters<typeof jobRow>) => {
      trace?.(jobRow(...row));
      lives?.note(...row);
      recorder?.observe(...row);
    };
    jobs.observer = trace || lives || recorder ? observer : null;
    this.accounts.onTurn = recorder ? (now, job, activity) => recorder.turn(now, job, activity) : null;
  }

  private countPending(job: number, by: 1 | -1): void {
    const { jobs, poolLists } = this.scenario;
    const { pendingJobs, pendingGpus } = seriesOf(this.scenario);
    this.fragmentation.count(job, by);
    this.options.recorder?.pending(this.engine.now, job, by);
    const shape = this.fragmentation.shapes[this.fragmentation.shapeOf[job]];
    this.samples.add(pendingJobs, this.engine.now, by);
    this.samples.add(pendingGpus, this.engine.now, by * shape.gang);
    for (const pool of poolLists[jobs.poolList[job]]) this.noteChanged(pool);
  }

  private noteChanged(pool: number): void {
    if (!this.changedPools.includes(pool)) this.changedPools.push(pool);
  }

  /** The node's jobs will lose it; each is told once. */
  private giveNotice(node: number, noticeUs: number): void {
    const { cluster, jobs } = this;
    const told = new Set<number>();
    for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task])
      told.add(cluster.jobOfTask[task]);
    const name = this.scenario.nodes.names[node];
    jobs.observer?.(this.engine.now, 'notice', -1, -1, node, 0, 'spot capacity is reclaimed');
    for (const job of told) giveNotice(jobs, job, noticeUs, `node ${name} will be reclaimed`);
  }

  /** Units that nobody holds of a node in service: of a GPU that is out of use, or in use again. */
  private bookGpu(node: number, units: number, unhealthy: boolean): void {
    const { cluster, jobs, engine } = this;
    const pool = this.scenario.nodes.pool[node];
    const state = NODE_STATES[cluster.nodeState[node]];
    const [from, to]: NodeState[] = unhealthy ? [state, 'unhealthy'] : ['unhealthy', state];
    this.accounts.idle(engine.now, pool, units, from, to);
    jobs.changedNodes.push(node);
    if (!unhealthy) {
      jobs.freed = true;
      jobs.nodeReturned = true;
    }
    this.noteChanged(pool);
    this.askPolicy();
  }

  private changeNode(node: number, state: number): void {
    const { cluster, jobs, engine } = this;
    const before = cluster.nodeState[node];
    if (before === state) return;
    const pool = this.scenario.nodes.pool[node];
    this.faults.resets.nodeChanges(node, NODE_STATES[state] === 'draining');
    let free = 0;
    for (let gpu = cluster.gpuStart[node]; gpu < cluster.gpuStart[node + 1]; gpu++) free += cluster.gpuFree[gpu];
    if (state === ABSENT) {
      if (cluster.firstTaskOn[node] >= 0) throw new Error(`invariant: node ${node} leaves the cluster with jobs on it`);
      this.presence?.leave(node, engine.now);
    } else if (before === ABSENT) {
      this.presence?.join(node, engine.now);
      this.faults.candidates.arrived(node);
    }
    cluster.setNodeState(node, state);
    this.accounts.idle(engine.now, pool, free, NODE_STATES[before], NODE_STATES[state]);
    jobs.observer?.(engine.now, 'node', -1, -1, node, 0, NODE_STATES[state]);
    if (NODE_STATES[state] !== 'ready' && NODE_STATES[state] !== 'draining') {
      for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.firstTaskOn[node]) {
        const reason = `node ${this.scenario.nodes.names[node]} is ${NODE_STATES[state]}`;
        if (NODE_STATES[state] === 'reclaimed') takeAway(jobs, cluster.jobOfTask[task], reason);
        else killJob(jobs, cluster.jobOfTask[task], reason);
      }
    }
    jobs.changedNodes.push(node);
    if (state === READY) {
      jobs.freed = true;
      jobs.nodeReturned = true;
    }
    this.noteChanged(pool);
    this.provisioning?.onNodeState(node, NODE_STATES[state]);
    this.askPolicy();
  }
}

const OWN_SHARED = [
  'scenario',
  'cluster',
  'jobs',
  'ledger',
  'accounts',
  'samples',
  'fragmentation',
  'decisions',
  'storage',
  'checkpoints',
  'spot',
  'provisioning',
  'presence',
  'weeks',
  'faults',
  'serving',
  'engine',
  'streams',
  'policy',
  'view',
  'options',
];

function policyNamed(name: string): PolicyFactory {
  const factory = POLICIES.find((policy) => policy.name === name);
  if (factory === undefined) {
    throw new PolicyArgumentError(`there is no policy '${name}'; built in are ${policyNames().join(', ')}`);
  }
  return factory;
}

/** As a scheduler sees it that knows no shares: a whole GPU each, used as much as the share was. */
function withWholeGpus(scenario: Scenario, isWhole: (job: number) => boolean): Scenario {
  const { jobs, poolLists, pools } = scenario;
  const useMilli = jobs.useMilli.map((use, j) => {
    if (!isWhole(j)) return use;
    const pool = pools[poolLists[jobs.poolList[j]][0]];
    const share =
      jobs.gpuMemoryMiB[j] > 0 ? Math.min(1, jobs.gpuMemoryMiB[j] / pool.gpuMemoryMiB) : jobs.shareMilli[j] / 1000;
    return Math.round(use * share);
  });
  return {
    ...scenario,
    jobs: {
      ...jobs,
      useMilli,
      shareMilli: jobs.shareMilli.map((share, j) => (isWhole(j) ? 1000 : share)),
      gpuMemoryMiB: jobs.gpuMemoryMiB.map((memory, j) => (isWhole(j) ? 0 : memory)),
    },
  };
}

function firstHourEnd(scenario: Scenario): number {
  const localSeconds = scenario.startEpochSeconds + scenario.utcOffsetMinutes * 60;
  const intoHour = ((localSeconds % 3600) + 3600) % 3600;
  return HOUR_US - Math.round(intoHour * 1_000_000);
}

/** About a thousand buckets over the run; an open-ended one begins with minutes and doubles them as it grows. */
function bucketFor(durationUs: number): number {
  return durationUs === Infinity ? 60_000_000 : Math.max(1, Math.ceil(durationUs / 1024));
}
