/**
 * Jobs as the run knows them: how far each has come, what it holds, and who is told of what happens to it. The other files
 * of this folder are what happens: jobs arrive, wait for others, get their workers placed, start, run, checkpoint, are
 * preempted, resume and end. Decisions come in as actions; everything that takes time is an event.
 *
 * Work is measured in µs at reference speed. What a job has done is safe up to its last complete checkpoint.
 *
 * Where the policy enforces time limits, a job that has held its GPUs for longer than it asked for is told to stop and
 * fails: what it saved counts as done, the rest is lost.
 */
import { type Cluster, GPU_UNITS, type NodeState } from '../../cluster/cluster.ts';
import { CHECKPOINTING, RUNNING, STARTING, TERMINATING } from '../../cluster/view.ts';
import type { Engine } from '../../engine/engine.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import type { Scenario } from '../../scenario.ts';
import type { Checkpoints } from '../checkpoints/checkpoints.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Network } from '../network.ts';
import { tenths, workText } from './words.ts';

/** What the world reports so that every GPU is accounted for; `record/accounts.ts` keeps the books. */
export interface JobAccounts {
  take(now: number, job: number, pool: number, units: number): void;
  turn(
    now: number,
    job: number,
    activity: 'reserved' | 'restart' | 'running' | 'checkpoint' | 'terminating' | 'detecting',
  ): void;
  /** All it has done so far, `work` in all, is safe. */
  saved(now: number, job: number, work: number): void;
  /** A checkpoint with this work in it begins; later it is safe up to that work, or work beyond `kept` is lost. */
  mark(now: number, job: number, work: number): void;
  safeTo(job: number, work: number): void;
  /** What was lost, GPU·µs/7000. */
  lose(now: number, job: number, kept?: number): number;
  /** From now on the job does so many thousandths of what it should. */
  slow(now: number, job: number, milli: number): void;
  /** What the job does from now on may turn out to be worth nothing. */
  taint(now: number, job: number, clean?: number): void;
  /** All that was done since `taint` is worth nothing, and what was safe beyond `kept`; as `lose`. */
  loseTainted(now: number, job: number, kept?: number): number;
  /** It is over: nothing of it can be lost any more. */
  forget(job: number): void;
  give(now: number, job: number, pool: number, units: number, nodeState: NodeState): void;
}

/** As `TimeLimits` of a policy. */
export interface JobLimits {
  of(scenario: Scenario, job: number): number;
  killWaitUs: number;
  killWaitOf?(scenario: Scenario, job: number): number;
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
  readonly begunWork: Float64Array;
  /** Writing a checkpoint in the time they are given to stop. */
  readonly saving = new Set<number>();
  /** Of the jobs whose checkpoints have a size; null = there are none. */
  checkpoints: Checkpoints | null = null;
  /** What placement costs; null = nothing. */
  network: Network | null = null;
  readonly phaseSince: Float64Array;
  /** Work that the present running phase ends with. */
  readonly phaseWork: Float64Array;
  readonly phaseEvent: Float64Array;
  readonly limitEvent: Float64Array;
  /** Is stopping for good: why. */
  readonly givenUp = new Map<number, string>();
  readonly speedMilli: Int32Array;
  readonly startedUs: Float64Array;
  readonly expectedEnd: Float64Array;
  readonly firstStartUs: Float64Array;
  readonly endUs: Float64Array;
  readonly pendingSince: Float64Array;
  readonly queuedUs: Float64Array;
  /** GPU-time up to `attainedSince`, GPU·µs. */
  readonly attained: Float64Array;
  readonly attainedSince: Float64Array;
  readonly starts: Int32Array;
  readonly preemptions: Int32Array;
  readonly restarts: Int32Array;
  readonly placedTasks: Int32Array;
  readonly unmet: Int32Array;
  readonly nextActiveJob: Int32Array;
  readonly previousActive: Int32Array;
  firstActive = -1;
  lastActive = -1;
  nextArrival = 0;
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
  readonly evacuating = new Map<number, string>();
  /** Not to be queued again before, µs. */
  readonly heldUntil = new Map<number, number>();
  /** Work that was clean when a job was corrupted unseen, µs at reference speed. */
  readonly cleanWork = new Map<number, number>();
  /** Checkpoints of a corrupted job since, where their number is what counts. */
  readonly savedSince = new Map<number, number>();
  /** Thousandths of their speed at which GPUs of the cluster, and links of nodes, go now; null = all at full speed so far. */
  gpuSpeed: Int32Array | null = null;
  linkSpeed: Int32Array | null = null;
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
  readonly dependents = new Map<number, [number, number][]>();

  readonly scenario: Scenario;
  readonly cluster: Cluster;
  readonly engine: Engine;
  readonly accounts: JobAccounts;

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
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, UNCHANGING);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

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

  /** Whether it holds its GPUs to work on them: it has its workers and is not on its way out. */
  works(job: number): boolean {
    const status = this.status[job];
    return status === STARTING || status === RUNNING || status === CHECKPOINTING;
  }

  timePhase(job: number, us: number): void {
    this.phaseSince[job] = this.engine.now;
    this.phaseEvent[job] = this.engine.schedule(this.engine.now + us, PRIORITY.phase, KIND.phase, job, 0);
  }

  dropLimit(job: number): void {
    if (this.limitEvent[job] >= 0) this.engine.queue.cancel(this.limitEvent[job]);
    this.limitEvent[job] = -1;
  }

  /** Whole GPUs' worth of what it holds. */
  gpusHeld(job: number): number {
    const { jobs } = this.scenario;
    let units = 0;
    for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
      units += this.cluster.taskUnits[t] * jobs.taskGpus[t];
    }
    return units / GPU_UNITS;
  }

  linkActive(job: number): void {
    this.previousActive[job] = this.lastActive;
    this.nextActiveJob[job] = -1;
    if (this.lastActive >= 0) this.nextActiveJob[this.lastActive] = job;
    else this.firstActive = job;
    this.lastActive = job;
  }

  unlinkActive(job: number): void {
    const next = this.nextActiveJob[job];
    const previous = this.previousActive[job];
    if (previous >= 0) this.nextActiveJob[previous] = next;
    else this.firstActive = next;
    if (next >= 0) this.previousActive[next] = previous;
    else this.lastActive = previous;
  }

  /** It has lost so much, GPU·µs/7000, which was so much work, µs at reference speed. */
  tellLost(job: number, amount: number, workUs: number): void {
    this.onLost(job, amount);
    if (amount <= 0 || this.observer === null) return;
    const gpuHours = tenths(amount / GPU_UNITS / 3600e6);
    const reason = `${workText(workUs)} of work since its last checkpoint that counts, ${gpuHours} GPU-hours`;
    this.observer(this.engine.now, 'lose', job, -1, -1, 0, reason);
  }

  /** It computes wrong results, and nobody has found out. */
  isCorrupt(job: number): boolean {
    return this.cleanWork.has(job);
  }
}

/** Wall time for work at a speed, rounded up; thousandths of reference speed. */
export function wallFor(work: number, speedMilli: number): number {
  return speedMilli === 1000 ? work : Math.ceil((work * 1000) / speedMilli);
}

/** Work done in a wall time at a speed, rounded down. */
export function workIn(wall: number, speedMilli: number): number {
  return speedMilli === 1000 ? wall : Math.floor((wall * speedMilli) / 1000);
}
