/**
 * What happens to jobs: they arrive, wait for others, get their workers placed, start, run, checkpoint, are preempted,
 * resume and end. Decisions come in as actions; everything that takes time is an event.
 *
 * Work is measured in µs at reference speed. What a job has done is safe up to its last complete checkpoint.
 *
 * Where the policy enforces time limits, a job that has held its GPUs for longer than it asked for is told to stop and
 * fails: what it saved counts as done, the rest is lost.
 */
import { type Cluster, GPU_UNITS, NODE_STATES, type NodeState } from '../cluster/cluster.ts';
import {
  CHECKPOINTING,
  COMPLETED,
  FAILED,
  FUTURE,
  HELD,
  PENDING,
  type PlaceAction,
  type PreemptAction,
  RUNNING,
  type ShrinkAction,
  STARTING,
  TERMINATING,
  UNSCHEDULABLE,
} from '../cluster/view.ts';
import type { Engine } from '../engine/engine.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../engine/snapshot.ts';
import type { Scenario } from '../scenario.ts';
import { fitsEmptyCluster } from './capacity.ts';
import type { Checkpoints, Leaving } from './checkpoints/checkpoints.ts';
import { KIND, PRIORITY } from './events.ts';
import type { Network } from './network.ts';

/** What the world reports so that every GPU is accounted for; `record/accounts.ts` keeps the books. */
export interface JobAccounts {
  take(now: number, job: number, pool: number, units: number): void;
  turn(
    now: number,
    job: number,
    activity: 'reserved' | 'restart' | 'running' | 'checkpoint' | 'terminating' | 'detecting',
  ): void;
  saved(now: number, job: number): void;
  /** A checkpoint with this work in it begins; later it is safe up to that work, or work beyond `kept` is lost. */
  mark(now: number, job: number, work: number): void;
  safeTo(job: number, work: number): void;
  /** What was lost, GPU·µs/7000. */
  lose(now: number, job: number, kept?: number): number;
  /** From now on the job does so many thousandths of what it should. */
  slow(now: number, job: number, milli: number): void;
  /** What the job does from now on may turn out to be worth nothing. */
  taint(now: number, job: number, clean?: number): void;
  /** All that was done since `taint` is worth nothing; as `lose`. */
  loseTainted(now: number, job: number, kept?: number): number;
  give(now: number, job: number, pool: number, units: number, nodeState: NodeState): void;
}

/** As `TimeLimits` of a policy. */
export interface JobLimits {
  of(scenario: Scenario, job: number): number;
  killWaitUs: number;
}

/** Told of everything that happens to a job; task, node and mask are -1, -1 and 0 where they mean nothing. */
export type JobObserver = (
  now: number,
  what: string,
  job: number,
  task: number,
  node: number,
  mask: number,
  reason: string,
) => void;

const UNCHANGING = [
  'scenario',
  'cluster',
  'engine',
  'accounts',
  'observer',
  'onChange',
  'onPending',
  'onPool',
  'checkpoints',
  'network',
  'onStart',
  'onStep',
  'onFree',
  'onLost',
  'dependents',
  'limits',
  'requeues',
];

export class Jobs {
  readonly status: Uint8Array;
  /** Work done, and work safe in a checkpoint, µs at reference speed; `done` is as of the start of the phase. */
  readonly done: Float64Array;
  readonly savedWork: Float64Array;
  /** Work in the checkpoint begun last. */
  private readonly begunWork: Float64Array;
  /** Writing a checkpoint in the time they are given to stop. */
  private readonly saving = new Set<number>();
  /** Of the jobs whose checkpoints have a size; null = there are none. */
  checkpoints: Checkpoints | null = null;
  /** What placement costs; null = nothing. */
  network: Network | null = null;
  readonly phaseSince: Float64Array;
  /** Work that the present running phase ends with. */
  private readonly phaseWork: Float64Array;
  private readonly phaseEvent: Float64Array;
  private readonly limitEvent: Float64Array;
  /** Is stopping for good: why. */
  private readonly givenUp = new Map<number, string>();
  readonly speedMilli: Int32Array;
  readonly startedUs: Float64Array;
  readonly expectedEnd: Float64Array;
  readonly firstStartUs: Float64Array;
  readonly endUs: Float64Array;
  readonly pendingSince: Float64Array;
  readonly queuedUs: Float64Array;
  /** GPU-time up to `attainedSince`, GPU·µs. */
  readonly attained: Float64Array;
  private readonly attainedSince: Float64Array;
  readonly starts: Int32Array;
  readonly preemptions: Int32Array;
  readonly restarts: Int32Array;
  readonly placedTasks: Int32Array;
  private readonly unmet: Int32Array;
  private readonly nextActiveJob: Int32Array;
  private readonly previousActive: Int32Array;
  firstActive = -1;
  private lastActive = -1;
  private nextArrival = 0;
  /** Jobs that will still change: not completed, failed or unschedulable, and not services. */
  unfinished = 0;
  pendingCount = 0;
  /** Since the last decision; the host empties them. */
  pended: number[] = [];
  left: number[] = [];
  changed: number[] = [];
  changedNodes: number[] = [];
  freed = false;
  nodeReturned = false;
  /** Workers on their way out of a job that goes on, with the event that ends their grace period. */
  readonly leaving = new Map<number, number>();
  /** Jobs whose processes are dead or hang, by the number of what did it + 1: they hold their GPUs and get nowhere. */
  readonly halted: Int32Array;
  /** Write a checkpoint, then leave: why. */
  private readonly evacuating = new Map<number, string>();
  /** Not to be queued again before, µs. */
  private readonly heldUntil = new Map<number, number>();
  /** Work that was clean when a job was corrupted unseen, µs at reference speed. */
  private readonly cleanWork = new Map<number, number>();
  /** Thousandths of its speed at which a node works; null = all at full speed. */
  nodeSpeed: Int32Array | null = null;
  observer: JobObserver | null = null;
  /** Called when a job has begun to hold its GPUs, or has come to its first step. */
  onStart: (job: number) => void = () => {};
  onStep: (job: number) => void = () => {};
  /** Called when a worker has left a node. */
  onFree: (node: number) => void = () => {};
  /** Called when a job loses work, GPU·µs/7000. */
  onLost: (job: number, amount: number) => void = () => {};
  /** Of the policy; null = limits are not enforced. */
  limits: JobLimits | null = null;
  /** Whether a job that dies with its node is queued again. */
  requeues = true;
  /** Called when something changed that a scheduler would want to know. */
  onChange: () => void = () => {};
  /** Called when a job begins or ceases to be pending. */
  onPending: (job: number, by: 1 | -1) => void = () => {};
  /** Called when what is free in a pool changed. */
  onPool: (pool: number) => void = () => {};
  /** Conditions on job d: dependents[d] lists [job, condition]. */
  private readonly dependents = new Map<number, [number, number][]>();

  private readonly scenario: Scenario;
  private readonly cluster: Cluster;
  private readonly engine: Engine;
  private readonly accounts: JobAccounts;

  constructor(scenario: Scenario, cluster: Cluster, engine: Engine, accounts: JobAccounts) {
    this.scenario = scenario;
    this.cluster = cluster;
    this.engine = engine;
    this.accounts = accounts;
    const { jobs } = scenario;
    const n = jobs.count;
    const float = (value = 0) => new Float64Array(n).fill(value);
    const int = (value = 0) => new Int32Array(n).fill(value);
    this.status = new Uint8Array(n);
    this.done = float();
    this.savedWork = float();
    this.begunWork = float();
    this.phaseSince = float();
    this.phaseWork = float();
    this.phaseEvent = float(-1);
    this.limitEvent = float(-1);
    this.speedMilli = int(1000);
    this.startedUs = float(-1);
    this.expectedEnd = float(Infinity);
    this.firstStartUs = float(-1);
    this.endUs = float(-1);
    this.pendingSince = float();
    this.queuedUs = float();
    this.attained = float();
    this.attainedSince = float();
    this.starts = int();
    this.preemptions = int();
    this.restarts = int();
    this.placedTasks = int();
    this.unmet = int();
    this.halted = int();
    this.nextActiveJob = int(-1);
    this.previousActive = int(-1);
    for (let j = 0; j < n; j++) {
      if (jobs.durationUs[j] !== Infinity) this.unfinished++;
      for (let k = jobs.afterStart[j]; k < jobs.afterStart[j + 1]; k++) {
        const dependents = this.dependents.get(jobs.afterJob[k]) ?? [];
        dependents.push([j, jobs.afterCondition[k]]);
        this.dependents.set(jobs.afterJob[k], dependents);
        this.unmet[j]++;
      }
    }
    engine.on(KIND.arrive, () => this.arrive());
    engine.on(KIND.phase, (job) => this.endPhase(job));
    engine.on(KIND.leave, (job, task) => this.leaveAlone(job, task));
    engine.on(KIND.limit, (job) => this.reachLimit(job));
    engine.on(KIND.requeue, (job) => {
      if (this.status[job] === HELD && this.unmet[job] === 0) this.enqueue(job);
    });
  }

  /** Schedules the first arrival. */
  begin(): void {
    this.scheduleArrival();
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, UNCHANGING);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  // ── what a policy may ask ───────────────────────────────────────────────────────────────────────────────────────

  nextActive(job: number): number {
    return this.nextActiveJob[job];
  }

  /** Work done by now, at reference speed, µs. */
  progress(job: number): number {
    if (this.status[job] !== RUNNING || this.halted[job] > 0) return this.done[job];
    const since = this.engine.now - this.phaseSince[job];
    return this.done[job] + Math.min(this.phaseWork[job], workIn(since, this.speedMilli[job]));
  }

  remainingUs(job: number): number {
    return this.scenario.jobs.durationUs[job] - this.progress(job);
  }

  attainedGpuUs(job: number): number {
    const holding = this.status[job] >= STARTING && this.status[job] <= TERMINATING;
    return this.attained[job] + (holding ? (this.engine.now - this.attainedSince[job]) * this.gpusHeld(job) : 0);
  }

  /** From a placement in `pool` now to the end, undisturbed. */
  spanUs(job: number, pool: number): number {
    return this.span(job, this.speedIn(job, pool));
  }

  // ── actions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  place(action: PlaceAction): void {
    const { job, tasks, nodes, masks } = action;
    const { jobs } = this.scenario;
    const { now } = this.engine;
    const status = this.status[job];
    const joins = this.goesOn(job) && this.placedTasks[job] < jobs.taskStart[job + 1] - jobs.taskStart[job];
    if (status !== PENDING && !joins) throw new Error(`invariant: job ${jobs.ids[job]} is placed but not pending`);
    if (joins) this.pauseWork(job);
    this.changed.push(job);
    for (let i = 0; i < tasks.length; i++) {
      const task = tasks[i];
      this.cluster.allocate(task, nodes[i], masks[i]);
      const pool = this.cluster.spec.nodes.pool[nodes[i]];
      this.onPool(pool);
      this.accounts.take(now, job, pool, this.cluster.taskUnits[task] * jobs.taskGpus[task]);
      this.observer?.(now, 'place', job, task, nodes[i], masks[i], action.reason);
    }
    this.placedTasks[job] += tasks.length;
    this.checkpoints?.moved(job);
    if (joins) this.resumeWork(job);
    else if (this.placedTasks[job] >= jobs.minTasks[job]) this.start(job);
  }

  /** Workers of an elastic job leave it after its grace period; until then they work on. */
  shrink({ job, tasks, reason }: ShrinkAction): void {
    const { jobs } = this.scenario;
    const { now } = this.engine;
    let leaving = 0;
    for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) if (this.leaving.has(t)) leaving++;
    if (!this.goesOn(job) || this.placedTasks[job] - leaving - tasks.length < jobs.minTasks[job]) {
      throw new Error(`invariant: job ${jobs.ids[job]} does not run or would fall below its minimum`);
    }
    this.changed.push(job);
    for (const task of tasks) {
      this.observer?.(now, 'shrink', job, task, this.cluster.taskNode[task], this.cluster.taskMask[task], reason);
      this.leaving.set(task, this.engine.schedule(now + jobs.graceUs[job], PRIORITY.phase, KIND.leave, job, task));
    }
  }

  preempt({ job, reason, saves = false, cancels = false, graceUs = Infinity }: Omit<PreemptAction, 'kind'>): void {
    const status = this.status[job];
    if (status === PENDING && this.placedTasks[job] > 0) {
      this.observer?.(this.engine.now, 'preempt', job, -1, -1, 0, reason);
      this.freeTasks(job);
      this.pended.push(job);
      this.changed.push(job);
      return;
    }
    if (status !== STARTING && status !== RUNNING && status !== CHECKPOINTING) {
      throw new Error(`invariant: job ${this.scenario.jobs.ids[job]} is preempted but does not run`);
    }
    this.preemptions[job]++;
    if (cancels) this.givenUp.set(job, reason);
    this.stop(job, saves, graceUs, 'preempt', reason);
  }

  /** The job's processes die without warning: work since the last checkpoint is lost, it goes back to the queue. */
  kill(job: number, reason: string): void {
    const status = this.status[job];
    if (status === PENDING) {
      if (this.placedTasks[job] > 0) this.preempt({ job, reason });
      return;
    }
    if (status === TERMINATING) {
      this.engine.queue.cancel(this.phaseEvent[job]);
      this.leave(job);
      return;
    }
    this.restarts[job]++;
    if (!this.requeues) this.givenUp.set(job, reason);
    this.interrupt(job, false, 0, 'kill', reason);
  }

  /** Tells a job to stop. It saves itself if it does so at all and is given the time it takes. */
  private stop(job: number, saves: boolean, mostUs: number, what: string, reason: string): void {
    const { checkpointOnPreempt, graceUs } = this.scenario.jobs;
    const grace = Math.min(graceUs[job], mostUs);
    const writes = checkpointOnPreempt[job] === 1 && this.checkpoints?.plan(job) !== undefined;
    if (writes && !saves && grace > 0 && this.halted[job] === 0) {
      this.saveWithin(job, grace, what, reason);
      return;
    }
    const own = !writes && checkpointOnPreempt[job] === 1 && graceUs[job] <= mostUs;
    this.interrupt(job, saves || own, grace, what, reason);
  }

  private reachLimit(job: number): void {
    const { killWaitUs } = this.limits as JobLimits;
    this.limitEvent[job] = -1;
    this.givenUp.set(job, 'time limit');
    this.stop(job, false, killWaitUs, 'limit', 'time limit');
  }

  // ── the life of a job ───────────────────────────────────────────────────────────────────────────────────────────

  private arrive(): void {
    const job = this.nextArrival++;
    const { jobs } = this.scenario;
    this.observer?.(this.engine.now, 'submit', job, -1, -1, 0, '');
    if (this.status[job] === FAILED) {
      // A job it had to wait for has failed already.
    } else if (!fitsEmptyCluster(this.cluster, this.scenario, job)) {
      this.finish(job, UNSCHEDULABLE, `asks for more than any of its pools has`);
    } else if (this.unmet[job] > 0) {
      this.status[job] = HELD;
    } else {
      this.enqueue(job);
    }
    if (this.nextArrival < jobs.count) this.scheduleArrival();
  }

  private scheduleArrival(): void {
    const { jobs } = this.scenario;
    if (this.nextArrival < jobs.count) {
      this.engine.schedule(jobs.submitUs[this.nextArrival], PRIORITY.arrive, KIND.arrive, this.nextArrival, 0);
    }
  }

  private enqueue(job: number): void {
    this.status[job] = PENDING;
    this.changed.push(job);
    this.pendingSince[job] = this.engine.now;
    this.pendingCount++;
    this.pended.push(job);
    this.onPending(job, 1);
    this.onChange();
  }

  private start(job: number): void {
    const { now } = this.engine;
    const speed = this.speedNow(job);
    this.speedMilli[job] = speed;
    this.pendingCount--;
    this.onPending(job, -1);
    this.queuedUs[job] += now - this.pendingSince[job];
    if (this.checkpoints?.plan(job) !== undefined) this.reach(job, this.checkpoints.reachable(job));
    const startup = this.launchUs(job, this.starts[job] > 0);
    this.expectedEnd[job] = now + this.span(job, speed);
    this.starts[job]++;
    this.startedUs[job] = now;
    this.attainedSince[job] = now;
    this.linkActive(job);
    const limit = this.limits?.of(this.scenario, job) ?? Infinity;
    if (limit !== Infinity) this.limitEvent[job] = this.engine.schedule(now + limit, PRIORITY.limit, KIND.limit, job);
    this.observer?.(now, 'start', job, -1, -1, 0, '');
    this.evacuating.delete(job);
    if (this.firstStartUs[job] < 0) {
      this.firstStartUs[job] = now;
      this.release(job, 'started');
    }
    this.status[job] = STARTING;
    if (startup > 0) {
      this.accounts.turn(now, job, 'restart');
      this.timePhase(job, startup);
    } else {
      this.load(job);
    }
    this.onStart(job);
  }

  /** It is up; what has a size is read over the storage before the first step. */
  private load(job: number): void {
    if (this.checkpoints?.read(job, this.savedWork[job])) {
      this.accounts.turn(this.engine.now, job, 'restart');
      this.phaseEvent[job] = -1;
    } else {
      this.step(job);
    }
  }

  /** Its first step since it started. */
  private step(job: number): void {
    if (this.starts[job] > 1) this.observer?.(this.engine.now, 'step', job, -1, -1, 0, '');
    this.onStep(job);
    this.run(job);
  }

  private run(job: number): void {
    const { jobs } = this.scenario;
    const { now } = this.engine;
    this.status[job] = RUNNING;
    this.accounts.turn(now, job, 'running');
    const toEnd = jobs.durationUs[job] - this.done[job];
    const every = jobs.checkpointEveryUs[job];
    const toCheckpoint = every > 0 ? Math.max(0, this.begunWork[job] + every - this.done[job]) : Infinity;
    this.phaseWork[job] = Math.min(toEnd, toCheckpoint);
    if (this.phaseWork[job] === Infinity) {
      this.phaseSince[job] = now;
      this.phaseEvent[job] = -1;
    } else {
      this.timePhase(job, wallFor(this.phaseWork[job], this.speedMilli[job]));
    }
  }

  private endPhase(job: number): void {
    const { jobs } = this.scenario;
    const { now } = this.engine;
    const status = this.status[job];
    if (status === STARTING) {
      this.load(job);
    } else if (status === RUNNING) {
      this.done[job] += this.phaseWork[job];
      if (this.done[job] >= jobs.durationUs[job]) {
        this.cleanWork.delete(job);
        this.accounts.saved(now, job);
        this.savedWork[job] = this.done[job];
        this.checkpoints?.stop(job);
        this.dropLimit(job);
        this.unlinkActive(job);
        this.freeTasks(job);
        this.finish(job, COMPLETED, '');
      } else {
        this.beginCheckpoint(job);
      }
    } else if (status === CHECKPOINTING) {
      if (this.checkpoints?.plan(job) !== undefined) this.write(job);
      else this.save(job);
    } else {
      this.leave(job);
    }
  }

  private beginCheckpoint(job: number): void {
    const { checkpointStallUs } = this.scenario.jobs;
    const { now } = this.engine;
    this.status[job] = CHECKPOINTING;
    this.observer?.(now, 'checkpoint', job, -1, -1, 0, '');
    this.accounts.turn(now, job, 'checkpoint');
    if (this.checkpoints?.plan(job) !== undefined) this.stall(job);
    else if (checkpointStallUs[job] > 0) this.timePhase(job, checkpointStallUs[job]);
    else this.save(job);
  }

  // ── checkpoints that have a size ────────────────────────────────────────────────────────────────────────────────

  /** Copies its state aside, or waits for the last checkpoint to land first. */
  private stall(job: number): void {
    const checkpoints = this.checkpoints as Checkpoints;
    const stallUs = checkpoints.plan(job)?.asynchronous ? (checkpoints.plan(job)?.stallUs ?? 0) : 0;
    if (checkpoints.isWriting(job)) this.phaseEvent[job] = -1;
    else if (stallUs > 0) this.timePhase(job, stallUs);
    else this.write(job);
  }

  private write(job: number): void {
    const checkpoints = this.checkpoints as Checkpoints;
    const { now } = this.engine;
    this.accounts.mark(now, job, this.done[job]);
    this.begunWork[job] = this.done[job];
    this.phaseEvent[job] = -1;
    const reason = this.evacuating.get(job);
    if (!checkpoints.write(job, this.done[job], reason !== undefined)) {
      this.observer?.(now, 'unsaved', job, -1, -1, 0, 'its file system is full');
      if (reason === undefined) this.run(job);
      else this.departUnsaved(job, reason);
    } else if (reason === undefined && checkpoints.plan(job)?.asynchronous) {
      this.run(job);
    }
  }

  /** A checkpoint is complete. */
  landed(job: number, work: number, shared: boolean): void {
    const { now } = this.engine;
    if (shared) this.accounts.safeTo(job, work);
    this.savedWork[job] = Math.max(this.savedWork[job], work);
    this.observer?.(now, 'saved', job, -1, -1, 0, '');
    if (this.saving.delete(job)) {
      this.engine.queue.cancel(this.phaseEvent[job]);
      this.fallBack(job, 'preempted');
      this.leave(job);
    } else if (this.status[job] === CHECKPOINTING && this.halted[job] === 0 && this.phaseEvent[job] < 0) {
      const reason = this.evacuating.get(job);
      if (this.checkpoints?.isWriting(job)) return;
      if (work < this.done[job]) this.stall(job);
      else if (reason !== undefined && !shared) this.write(job);
      else if (reason === undefined) this.run(job);
      else this.departUnsaved(job, reason);
    }
  }

  /** What it needs for its first step has been read. */
  loaded(job: number): void {
    if (this.status[job] === STARTING && this.halted[job] === 0) this.step(job);
  }

  /** Told to stop, it writes a checkpoint; one that has not landed when its time is over is lost. */
  private saveWithin(job: number, graceUs: number, what: string, reason: string): void {
    const checkpoints = this.checkpoints as Checkpoints;
    const { now } = this.engine;
    this.engine.queue.cancel(this.phaseEvent[job]);
    this.dropLimit(job);
    this.observer?.(now, what, job, -1, -1, 0, reason);
    this.done[job] = this.progress(job);
    this.evacuating.delete(job);
    this.status[job] = TERMINATING;
    this.changed.push(job);
    if (this.done[job] > this.savedWork[job]) {
      checkpoints.stop(job);
      this.accounts.mark(now, job, this.done[job]);
      if (checkpoints.write(job, this.done[job], true)) {
        this.saving.add(job);
        this.accounts.turn(now, job, 'checkpoint');
        this.timePhase(job, graceUs);
        return;
      }
      this.observer?.(now, 'unsaved', job, -1, -1, 0, 'its file system is full');
    }
    this.fallBack(job, 'preempted');
    this.leave(job);
  }

  /** It goes on from this work: what it did beyond is lost. */
  private reach(job: number, work: number): void {
    if (work === this.done[job]) return;
    this.noCleanerThan(job, work);
    this.onLost(job, this.accounts.lose(this.engine.now, job, work));
    this.done[job] = work;
    this.savedWork[job] = work;
    this.begunWork[job] = work;
  }

  /** Leaves with what has landed. */
  private departUnsaved(job: number, reason: string): void {
    this.preemptions[job]++;
    this.interrupt(job, false, this.scenario.jobs.graceUs[job], 'preempt', reason);
  }

  /**
   * Its GPUs will be taken in `noticeUs`: a job that saves itself when preempted writes a checkpoint and leaves, if that
   * time suffices for it; else it works on to the end.
   */
  giveNotice(job: number, noticeUs: number, reason: string): void {
    const { checkpointOnPreempt, checkpointEveryUs, checkpointStallUs, graceUs } = this.scenario.jobs;
    if (!this.goesOn(job) || this.halted[job] > 0 || checkpointOnPreempt[job] === 0) return;
    const planned = this.checkpoints?.plan(job) !== undefined;
    const writeUs = planned
      ? (this.checkpoints as Checkpoints).lastWriteUs(job)
      : checkpointEveryUs[job] > 0
        ? checkpointStallUs[job]
        : 0;
    if (planned) {
      if (writeUs > noticeUs || this.status[job] === STARTING) return;
      this.preemptions[job]++;
      this.saveWithin(job, noticeUs, 'preempt', reason);
    } else if (writeUs + graceUs[job] <= noticeUs) {
      this.evacuate(job, 0, reason);
    }
  }

  /** Its node is taken away: it dies, through no fault of its own. */
  takeAway(job: number, reason: string): void {
    if (!this.goesOn(job)) {
      this.kill(job, reason);
      return;
    }
    this.preemptions[job]++;
    this.interrupt(job, false, 0, 'reclaim', reason);
  }

  private save(job: number): void {
    this.savedWork[job] = this.done[job];
    this.begunWork[job] = this.done[job];
    this.accounts.saved(this.engine.now, job);
    this.observer?.(this.engine.now, 'saved', job, -1, -1, 0, '');
    const reason = this.evacuating.get(job);
    if (reason === undefined) this.run(job);
    else this.depart(job, reason);
  }

  private interrupt(job: number, saves: boolean, graceUs: number, what: string, reason: string): void {
    const { now } = this.engine;
    this.engine.queue.cancel(this.phaseEvent[job]);
    this.dropLimit(job);
    this.observer?.(now, what, job, -1, -1, 0, reason);
    this.done[job] = this.progress(job);
    this.evacuating.delete(job);
    // Dead processes have nothing left to save.
    if (saves && this.halted[job] === 0) {
      this.savedWork[job] = this.done[job];
      this.begunWork[job] = this.done[job];
      this.checkpoints?.stop(job);
      this.checkpoints?.saved(job, this.done[job]);
      this.accounts.saved(now, job);
    } else {
      this.fallBack(job, what === 'kill' ? 'dies' : 'preempted');
    }
    this.halted[job] = 0;
    this.status[job] = TERMINATING;
    this.changed.push(job);
    if (graceUs > 0) {
      this.accounts.turn(now, job, 'terminating');
      this.timePhase(job, graceUs);
    } else {
      this.leave(job);
    }
  }

  /** Frees its GPUs after a preemption or a death and queues again, if it may. */
  private leave(job: number): void {
    if (this.saving.delete(job)) this.fallBack(job, 'preempted');
    this.unlinkActive(job);
    this.freeTasks(job);
    const { jobs } = this.scenario;
    const givenUp = this.givenUp.get(job);
    // Being preempted is no failure: only deaths use up attempts.
    if (givenUp !== undefined) {
      this.givenUp.delete(job);
      this.finish(job, FAILED, givenUp);
    } else if (jobs.maxAttempts[job] > 0 && this.restarts[job] >= jobs.maxAttempts[job]) {
      this.finish(job, FAILED, `${jobs.maxAttempts[job]} attempts are used up`);
    } else {
      const until = this.heldUntil.get(job) ?? 0;
      if (until > this.engine.now) {
        this.status[job] = HELD;
        this.changed.push(job);
        this.engine.schedule(until, PRIORITY.arrive, KIND.requeue, job);
      } else {
        this.enqueue(job);
      }
    }
    this.heldUntil.delete(job);
  }

  private finish(job: number, status: number, reason: string): void {
    this.status[job] = status;
    this.changed.push(job);
    this.endUs[job] = this.engine.now;
    this.phaseEvent[job] = -1;
    this.checkpoints?.end(job);
    if (this.scenario.jobs.durationUs[job] !== Infinity) this.unfinished--;
    const what = status === COMPLETED ? 'complete' : status === FAILED ? 'fail' : 'unschedulable';
    this.observer?.(this.engine.now, what, job, -1, -1, 0, reason);
    this.release(job, status === COMPLETED ? 'completed' : 'failed');
    this.onChange();
  }

  /** Jobs that wait for this one may come a step nearer, or can never come. */
  private release(job: number, what: 'started' | 'completed' | 'failed'): void {
    for (const [dependent, condition] of this.dependents.get(job) ?? []) {
      // Conditions in the order of AFTER_CONDITIONS: completed, started, ended.
      const met = what === 'started' ? condition === 1 : condition === 2 || (condition === 0 && what === 'completed');
      const never = what === 'failed' && (condition === 0 || (condition === 1 && this.firstStartUs[job] < 0));
      if (never && (this.status[dependent] === HELD || this.status[dependent] === FUTURE)) {
        this.finish(dependent, FAILED, `waits for ${this.scenario.jobs.ids[job]}, which failed`);
      } else if (met) {
        this.unmet[dependent]--;
        if (this.unmet[dependent] === 0 && this.status[dependent] === HELD) this.enqueue(dependent);
      }
    }
  }

  private freeTasks(job: number): void {
    const { jobs } = this.scenario;
    const { now } = this.engine;
    if (this.status[job] !== PENDING) this.attain(job);
    for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
      if (this.cluster.taskNode[task] < 0) continue;
      const leaves = this.leaving.get(task);
      if (leaves !== undefined) this.engine.queue.cancel(leaves);
      this.freeTask(job, task, now);
    }
    this.placedTasks[job] = 0;
    this.left.push(job);
    this.freed = true;
    this.onChange();
  }

  private freeTask(job: number, task: number, now: number): void {
    const { cluster } = this;
    const node = cluster.taskNode[task];
    const pool = cluster.spec.nodes.pool[node];
    const units = cluster.taskUnits[task] * this.scenario.jobs.taskGpus[task];
    this.observer?.(now, 'release', job, task, node, cluster.taskMask[task], '');
    this.leaving.delete(task);
    cluster.release(task);
    this.checkpoints?.moved(job);
    this.onPool(pool);
    this.accounts.give(now, job, pool, units, NODE_STATES[cluster.nodeState[node]]);
    this.onFree(node);
  }

  /** A worker's grace period is over; the job goes on without it. */
  private leaveAlone(job: number, task: number): void {
    this.pauseWork(job);
    this.freeTask(job, task, this.engine.now);
    this.placedTasks[job]--;
    this.resumeWork(job);
    this.left.push(job);
    this.changed.push(job);
    this.freed = true;
    this.onChange();
  }

  // ── elastic jobs ────────────────────────────────────────────────────────────────────────────────────────────────

  /** It has its workers and is not on its way out. */
  private goesOn(job: number): boolean {
    const status = this.status[job];
    return status === STARTING || status === RUNNING || status === CHECKPOINTING;
  }

  /** Books what was done with the workers it had. */
  private pauseWork(job: number): void {
    this.attain(job);
    if (this.status[job] !== RUNNING || this.halted[job] > 0) return;
    const done = this.progress(job) - this.done[job];
    this.done[job] += done;
    this.phaseWork[job] -= done;
    this.phaseSince[job] = this.engine.now;
    if (this.phaseEvent[job] >= 0) this.engine.queue.cancel(this.phaseEvent[job]);
  }

  /** Goes on with the workers it has now. */
  private resumeWork(job: number): void {
    const speed = this.speedNow(job);
    this.speedMilli[job] = speed;
    if (!this.goesOn(job) || this.halted[job] > 0) return;
    if (this.status[job] === RUNNING && this.phaseWork[job] !== Infinity) {
      this.timePhase(job, wallFor(this.phaseWork[job], speed));
    }
    const { jobs } = this.scenario;
    const every = jobs.checkpointEveryUs[job];
    const work = this.remainingUs(job);
    const writes = every > 0 && work !== Infinity ? Math.max(0, Math.ceil(work / every) - 1) : 0;
    this.expectedEnd[job] = this.engine.now + wallFor(work, speed) + writes * jobs.checkpointStallUs[job];
  }

  private attain(job: number): void {
    const { now } = this.engine;
    this.attained[job] += (now - this.attainedSince[job]) * this.gpusHeld(job);
    this.attainedSince[job] = now;
  }

  /** Thousandths of reference speed: as the slowest pool lets it, in proportion to the GPUs it has of those it wants. */
  private speedNow(job: number): number {
    const { jobs } = this.scenario;
    const { taskNode, spec } = this.cluster;
    let speed = Infinity;
    let shortfall = 1000;
    let have = 0;
    let want = 0;
    for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
      // A gang without GPUs counts its workers.
      const gpus = jobs.taskGpus[t] + 1 / 64;
      want += gpus;
      if (taskNode[t] < 0) continue;
      have += gpus;
      speed = Math.min(speed, this.speedIn(job, spec.nodes.pool[taskNode[t]]));
      if (this.nodeSpeed !== null) shortfall = Math.min(shortfall, this.nodeSpeed[taskNode[t]]);
    }
    if (this.nodeSpeed !== null) {
      // A gang goes at the pace of its slowest member.
      this.accounts.slow(this.engine.now, job, shortfall);
      if (shortfall < 1000) speed = Math.max(1, Math.floor((speed * shortfall) / 1000));
    }
    if (this.network !== null) speed = Math.max(1, Math.floor((speed * this.network.paceMilli(job)) / 1000));
    return have === want ? speed : Math.max(1, Math.floor((speed * have) / want));
  }

  // ── what faults do to jobs ──────────────────────────────────────────────────────────────────────────────────────

  /** Whether it holds its GPUs to work on them. */
  works(job: number): boolean {
    return this.goesOn(job);
  }

  /** Its processes die or hang and nobody has noticed yet. `by`: a number from 0 that says what did it. */
  halt(job: number, by: number): void {
    if (!this.goesOn(job) || this.halted[job] > 0) return;
    this.pauseWork(job);
    if (this.phaseEvent[job] >= 0) this.engine.queue.cancel(this.phaseEvent[job]);
    this.phaseEvent[job] = -1;
    this.evacuating.delete(job);
    this.checkpoints?.stop(job);
    // What was being written is written anew as soon as it goes on.
    if (this.checkpoints?.plan(job) !== undefined) this.begunWork[job] = this.savedWork[job];
    this.halted[job] = by + 1;
    this.accounts.turn(this.engine.now, job, 'detecting');
  }

  /** What held it up is over: it goes on where it stood; a start or a checkpoint begins anew. */
  resume(job: number): void {
    this.halted[job] = 0;
    const { now } = this.engine;
    const status = this.status[job];
    if (status === RUNNING) {
      this.run(job);
    } else if (status === CHECKPOINTING) {
      this.beginCheckpoint(job);
    } else {
      this.accounts.turn(now, job, 'restart');
      this.timePhase(job, this.launchUs(job, this.starts[job] > 1));
    }
  }

  /** A dead job is taken off its GPUs and queued again, at `notBeforeUs` at the earliest. */
  takeOff(job: number, what: 'kill' | 'preempt', notBeforeUs: number, reason: string): void {
    if (!this.goesOn(job)) return;
    this.heldUntil.set(job, notBeforeUs);
    if (what === 'kill') this.restarts[job]++;
    else this.preemptions[job]++;
    if (!this.requeues) this.givenUp.set(job, reason);
    this.interrupt(job, false, 0, what, reason);
  }

  giveUp(job: number, reason: string): void {
    if (!this.goesOn(job)) return;
    this.restarts[job]++;
    this.givenUp.set(job, reason);
    this.interrupt(job, false, 0, 'kill', reason);
  }

  /** A job that is well leaves for elsewhere: it writes a checkpoint first, if it writes any. */
  evacuate(job: number, notBeforeUs: number, reason: string): void {
    if (!this.goesOn(job) || this.halted[job] > 0 || this.evacuating.has(job)) return;
    this.heldUntil.set(job, notBeforeUs);
    const { checkpointEveryUs, checkpointOnPreempt } = this.scenario.jobs;
    const status = this.status[job];
    if (status === CHECKPOINTING) {
      this.evacuating.set(job, reason);
    } else if (status === RUNNING && (checkpointEveryUs[job] > 0 || this.checkpoints?.plan(job) !== undefined)) {
      this.pauseWork(job);
      this.evacuating.set(job, reason);
      this.beginCheckpoint(job);
    } else {
      this.preemptions[job]++;
      this.stop(job, checkpointOnPreempt[job] === 1, Infinity, 'preempt', reason);
    }
  }

  /** Starts its processes anew where they are. */
  restart(job: number, reason: string): void {
    if (!this.goesOn(job)) return;
    const { now } = this.engine;
    if (this.phaseEvent[job] >= 0) this.engine.queue.cancel(this.phaseEvent[job]);
    this.pauseWork(job);
    this.fallBack(job);
    this.evacuating.delete(job);
    this.halted[job] = 0;
    this.restarts[job]++;
    this.starts[job]++;
    this.changed.push(job);
    this.status[job] = STARTING;
    this.observer?.(now, 'restart', job, -1, -1, 0, reason);
    this.resumeWork(job);
    this.accounts.turn(now, job, 'restart');
    this.timePhase(job, this.launchUs(job, true));
    this.onChange();
  }

  /** Whether an elastic job can go on without its workers on these nodes. */
  canDrop(job: number, nodes: readonly number[]): boolean {
    const { jobs } = this.scenario;
    let stay = 0;
    for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
      if (this.cluster.taskNode[t] >= 0 && !nodes.includes(this.cluster.taskNode[t])) stay++;
    }
    return this.goesOn(job) && stay >= jobs.minTasks[job] && stay > 0;
  }

  /** Its workers on these nodes are gone; the others start anew. Ask `canDrop` first. */
  dropWorkers(job: number, nodes: readonly number[], reason: string): void {
    const { jobs } = this.scenario;
    const { now } = this.engine;
    this.pauseWork(job);
    this.fallBack(job);
    for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
      const node = this.cluster.taskNode[t];
      if (node < 0 || !nodes.includes(node)) continue;
      this.observer?.(now, 'shrink', job, t, node, this.cluster.taskMask[t], reason);
      const leaves = this.leaving.get(t);
      if (leaves !== undefined) this.engine.queue.cancel(leaves);
      this.freeTask(job, t, now);
      this.placedTasks[job]--;
    }
    this.left.push(job);
    this.freed = true;
    this.restart(job, reason);
  }

  /** From now on it computes wrong results, and nobody sees it. */
  corrupt(job: number): void {
    if (this.cleanWork.has(job)) return;
    // What it had done since its last checkpoint is in memory with the rest: only the checkpoint is clean.
    this.cleanWork.set(job, this.savedWork[job]);
    this.accounts.taint(this.engine.now, job, this.savedWork[job]);
  }

  isCorrupt(job: number): boolean {
    return this.cleanWork.has(job);
  }

  /** The corruption is found: the job starts anew from its last clean checkpoint, wherever it is now. */
  rollBack(job: number, reason: string): void {
    const clean = this.cleanWork.get(job);
    if (clean === undefined) return;
    this.cleanWork.delete(job);
    this.checkpoints?.rollBack(job, clean);
    this.onLost(job, this.accounts.loseTainted(this.engine.now, job, clean));
    this.savedWork[job] = clean;
    this.begunWork[job] = clean;
    if (this.goesOn(job)) {
      // A dead one falls back when it is taken off or started anew.
      if (this.halted[job] === 0) this.restart(job, reason);
    } else {
      this.done[job] = clean;
    }
  }

  /** Nodes got slower or faster. */
  changePace(job: number): void {
    if (!this.goesOn(job)) return;
    this.pauseWork(job);
    this.resumeWork(job);
  }

  private fallBack(job: number, leaving: Leaving = 'stays'): void {
    this.checkpoints?.stop(job);
    const planned = this.checkpoints?.plan(job) !== undefined;
    const kept = planned ? (this.checkpoints as Checkpoints).fallBack(job, leaving) : this.savedWork[job];
    this.noCleanerThan(job, kept);
    this.onLost(job, this.accounts.lose(this.engine.now, job, kept));
    this.done[job] = kept;
    this.savedWork[job] = kept;
    this.begunWork[job] = kept;
  }

  /** Its last clean checkpoint is gone; it goes on from an older one. */
  private noCleanerThan(job: number, work: number): void {
    if ((this.cleanWork.get(job) ?? -1) > work) this.cleanWork.set(job, work);
  }

  private depart(job: number, reason: string): void {
    this.preemptions[job]++;
    this.interrupt(job, true, this.scenario.jobs.graceUs[job], 'preempt', reason);
  }

  // ── times ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private timePhase(job: number, us: number): void {
    this.phaseSince[job] = this.engine.now;
    this.phaseEvent[job] = this.engine.schedule(this.engine.now + us, PRIORITY.phase, KIND.phase, job, 0);
  }

  private dropLimit(job: number): void {
    if (this.limitEvent[job] >= 0) this.engine.queue.cancel(this.limitEvent[job]);
    this.limitEvent[job] = -1;
  }

  /** To being up, and to the first step where that takes a stated time. */
  private launchUs(job: number, again: boolean): number {
    const { startupUs, restoreUs } = this.scenario.jobs;
    return startupUs[job] + (again && !this.checkpoints?.reads(job) ? restoreUs[job] : 0);
  }

  private startupUs(job: number): number {
    const { jobs } = this.scenario;
    return jobs.startupUs[job] + (this.starts[job] > 0 ? jobs.restoreUs[job] : 0);
  }

  private span(job: number, speedMilli: number): number {
    const { jobs } = this.scenario;
    const work = jobs.durationUs[job] - this.done[job];
    const every = jobs.checkpointEveryUs[job];
    const writes = every > 0 && work !== Infinity ? Math.max(0, Math.ceil(work / every) - 1) : 0;
    return this.startupUs(job) + wallFor(work, speedMilli) + writes * jobs.checkpointStallUs[job];
  }

  private speedIn(job: number, pool: number): number {
    const profile = this.scenario.jobs.speedProfile[job];
    return profile < 0 ? 1000 : this.scenario.speedProfiles[profile][pool];
  }

  /** Whole GPUs' worth of what it holds. */
  private gpusHeld(job: number): number {
    const { jobs } = this.scenario;
    let units = 0;
    for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
      units += this.cluster.taskUnits[t] * jobs.taskGpus[t];
    }
    return units / GPU_UNITS;
  }

  private linkActive(job: number): void {
    this.previousActive[job] = this.lastActive;
    this.nextActiveJob[job] = -1;
    if (this.lastActive >= 0) this.nextActiveJob[this.lastActive] = job;
    else this.firstActive = job;
    this.lastActive = job;
  }

  private unlinkActive(job: number): void {
    const next = this.nextActiveJob[job];
    const previous = this.previousActive[job];
    if (previous >= 0) this.nextActiveJob[previous] = next;
    else this.firstActive = next;
    if (next >= 0) this.previousActive[next] = previous;
    else this.lastActive = previous;
  }
}

/** Wall time for work at a speed, rounded up; thousandths of reference speed. */
function wallFor(work: number, speedMilli: number): number {
  return speedMilli === 1000 ? work : Math.ceil((work * 1000) / speedMilli);
}

/** Work done in a wall time at a speed, rounded down. */
function workIn(wall: number, speedMilli: number): number {
  return speedMilli === 1000 ? wall : Math.floor((wall * speedMilli) / 1000);
}
