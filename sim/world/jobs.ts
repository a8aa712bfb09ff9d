/**
 * What happens to jobs: they arrive, wait for others, get their workers placed, start, run, checkpoint, are preempted,
 * resume and end. Decisions come in as actions; everything that takes time is an event.
 *
 * Work is measured in µs at reference speed. What a job has done is safe up to its last complete checkpoint.
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
  RUNNING,
  STARTING,
  TERMINATING,
  UNSCHEDULABLE,
} from '../cluster/view.ts';
import type { Engine } from '../engine/engine.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../engine/snapshot.ts';
import type { Scenario } from '../scenario.ts';
import { fitsEmptyCluster } from './capacity.ts';
import { KIND, PRIORITY } from './events.ts';

/** What the world reports so that every GPU is accounted for; `record/accounts.ts` keeps the books. */
export interface JobAccounts {
  take(now: number, job: number, pool: number, units: number): void;
  turn(now: number, job: number, activity: 'reserved' | 'restart' | 'running' | 'checkpoint' | 'terminating'): void;
  saved(now: number, job: number): void;
  lose(now: number, job: number): void;
  give(now: number, job: number, pool: number, units: number, nodeState: NodeState): void;
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
  'dependents',
];

export class Jobs {
  readonly status: Uint8Array;
  /** Work done, and work safe in a checkpoint, µs at reference speed; `done` is as of the start of the phase. */
  readonly done: Float64Array;
  readonly savedWork: Float64Array;
  readonly phaseSince: Float64Array;
  /** Work that the present running phase ends with. */
  private readonly phaseWork: Float64Array;
  private readonly phaseEvent: Float64Array;
  readonly speedMilli: Int32Array;
  readonly startedUs: Float64Array;
  readonly expectedEnd: Float64Array;
  readonly firstStartUs: Float64Array;
  readonly endUs: Float64Array;
  readonly pendingSince: Float64Array;
  readonly queuedUs: Float64Array;
  readonly attained: Float64Array;
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
  freed = false;
  observer: JobObserver | null = null;
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
    this.phaseSince = float();
    this.phaseWork = float();
    this.phaseEvent = float(-1);
    this.speedMilli = int(1000);
    this.startedUs = float(-1);
    this.expectedEnd = float(Infinity);
    this.firstStartUs = float(-1);
    this.endUs = float(-1);
    this.pendingSince = float();
    this.queuedUs = float();
    this.attained = float();
    this.starts = int();
    this.preemptions = int();
    this.restarts = int();
    this.placedTasks = int();
    this.unmet = int();
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
    if (this.status[job] !== RUNNING) return this.done[job];
    const since = this.engine.now - this.phaseSince[job];
    return this.done[job] + Math.min(this.phaseWork[job], workIn(since, this.speedMilli[job]));
  }

  remainingUs(job: number): number {
    return this.scenario.jobs.durationUs[job] - this.progress(job);
  }

  attainedGpuUs(job: number): number {
    const holding = this.status[job] >= STARTING && this.status[job] <= TERMINATING;
    return this.attained[job] + (holding ? (this.engine.now - this.startedUs[job]) * this.gpusHeld(job) : 0);
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
    if (this.status[job] !== PENDING) throw new Error(`invariant: job ${jobs.ids[job]} is placed but not pending`);
    for (let i = 0; i < tasks.length; i++) {
      const task = tasks[i];
      this.cluster.allocate(task, nodes[i], masks[i]);
      const pool = this.cluster.spec.nodes.pool[nodes[i]];
      this.onPool(pool);
      this.accounts.take(now, job, pool, this.cluster.taskUnits[task] * jobs.taskGpus[task]);
      this.observer?.(now, 'place', job, task, nodes[i], masks[i], action.reason);
    }
    this.placedTasks[job] += tasks.length;
    if (this.placedTasks[job] === jobs.taskStart[job + 1] - jobs.taskStart[job]) this.start(job);
  }

  /** `saves`: its work is kept even if the job does not save itself when preempted. */
  preempt(job: number, reason: string, saves = false): void {
    const status = this.status[job];
    if (status === PENDING && this.placedTasks[job] > 0) {
      this.observer?.(this.engine.now, 'preempt', job, -1, -1, 0, reason);
      this.freeTasks(job);
      this.pended.push(job);
      return;
    }
    if (status !== STARTING && status !== RUNNING && status !== CHECKPOINTING) {
      throw new Error(`invariant: job ${this.scenario.jobs.ids[job]} is preempted but does not run`);
    }
    this.preemptions[job]++;
    this.interrupt(
      job,
      saves || this.scenario.jobs.checkpointOnPreempt[job] === 1,
      this.scenario.jobs.graceUs[job],
      'preempt',
      reason,
    );
  }

  /** The job's processes die without warning: work since the last checkpoint is lost, it goes back to the queue. */
  kill(job: number, reason: string): void {
    const status = this.status[job];
    if (status === PENDING) {
      if (this.placedTasks[job] > 0) this.preempt(job, reason);
      return;
    }
    if (status === TERMINATING) {
      this.engine.queue.cancel(this.phaseEvent[job]);
      this.leave(job);
      return;
    }
    this.restarts[job]++;
    this.interrupt(job, false, 0, 'kill', reason);
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
    this.pendingSince[job] = this.engine.now;
    this.pendingCount++;
    this.pended.push(job);
    this.onPending(job, 1);
    this.onChange();
  }

  private start(job: number): void {
    const { now } = this.engine;
    const { jobs } = this.scenario;
    let speed = Infinity;
    for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
      speed = Math.min(speed, this.speedIn(job, this.cluster.spec.nodes.pool[this.cluster.taskNode[t]]));
    }
    this.speedMilli[job] = speed;
    this.pendingCount--;
    this.onPending(job, -1);
    this.queuedUs[job] += now - this.pendingSince[job];
    const startup = this.startupUs(job);
    this.expectedEnd[job] = now + this.span(job, speed);
    this.starts[job]++;
    this.startedUs[job] = now;
    this.linkActive(job);
    this.observer?.(now, 'start', job, -1, -1, 0, '');
    if (this.firstStartUs[job] < 0) {
      this.firstStartUs[job] = now;
      this.release(job, 'started');
    }
    this.status[job] = STARTING;
    if (startup > 0) {
      this.accounts.turn(now, job, 'restart');
      this.timePhase(job, startup);
    } else {
      this.run(job);
    }
  }

  private run(job: number): void {
    const { jobs } = this.scenario;
    const { now } = this.engine;
    this.status[job] = RUNNING;
    this.accounts.turn(now, job, 'running');
    const toEnd = jobs.durationUs[job] - this.done[job];
    const every = jobs.checkpointEveryUs[job];
    const toCheckpoint = every > 0 ? this.savedWork[job] + every - this.done[job] : Infinity;
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
      this.run(job);
    } else if (status === RUNNING) {
      this.done[job] += this.phaseWork[job];
      if (this.done[job] >= jobs.durationUs[job]) {
        this.accounts.saved(now, job);
        this.savedWork[job] = this.done[job];
        this.unlinkActive(job);
        this.freeTasks(job);
        this.finish(job, COMPLETED, '');
      } else {
        this.status[job] = CHECKPOINTING;
        this.observer?.(now, 'checkpoint', job, -1, -1, 0, '');
        this.accounts.turn(now, job, 'checkpoint');
        if (jobs.checkpointStallUs[job] > 0) this.timePhase(job, jobs.checkpointStallUs[job]);
        else this.save(job);
      }
    } else if (status === CHECKPOINTING) {
      this.save(job);
    } else {
      this.leave(job);
    }
  }

  private save(job: number): void {
    this.savedWork[job] = this.done[job];
    this.accounts.saved(this.engine.now, job);
    this.observer?.(this.engine.now, 'saved', job, -1, -1, 0, '');
    this.run(job);
  }

  private interrupt(job: number, saves: boolean, graceUs: number, what: string, reason: string): void {
    const { now } = this.engine;
    this.engine.queue.cancel(this.phaseEvent[job]);
    this.observer?.(now, what, job, -1, -1, 0, reason);
    this.done[job] = this.progress(job);
    if (saves) {
      this.savedWork[job] = this.done[job];
      this.accounts.saved(now, job);
    } else {
      this.accounts.lose(now, job);
      this.done[job] = this.savedWork[job];
    }
    this.status[job] = TERMINATING;
    if (graceUs > 0) {
      this.accounts.turn(now, job, 'terminating');
      this.timePhase(job, graceUs);
    } else {
      this.leave(job);
    }
  }

  /** Frees its GPUs after a preemption or a death and queues again, if it may. */
  private leave(job: number): void {
    this.unlinkActive(job);
    this.freeTasks(job);
    const { jobs } = this.scenario;
    // Being preempted is no failure: only deaths use up attempts.
    if (jobs.maxAttempts[job] > 0 && this.restarts[job] >= jobs.maxAttempts[job]) {
      this.finish(job, FAILED, `${jobs.maxAttempts[job]} attempts are used up`);
    } else {
      this.enqueue(job);
    }
  }

  private finish(job: number, status: number, reason: string): void {
    this.status[job] = status;
    this.endUs[job] = this.engine.now;
    this.phaseEvent[job] = -1;
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
    if (this.status[job] !== PENDING) this.attained[job] += (now - this.startedUs[job]) * this.gpusHeld(job);
    for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
      const node = this.cluster.taskNode[task];
      if (node < 0) continue;
      const pool = this.cluster.spec.nodes.pool[node];
      const units = this.cluster.taskUnits[task] * jobs.taskGpus[task];
      this.observer?.(now, 'release', job, task, node, this.cluster.taskMask[task], '');
      this.cluster.release(task);
      this.onPool(pool);
      this.accounts.give(now, job, pool, units, NODE_STATES[this.cluster.nodeState[node]]);
    }
    this.placedTasks[job] = 0;
    this.left.push(job);
    this.freed = true;
    this.onChange();
  }

  // ── times ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private timePhase(job: number, us: number): void {
    this.phaseSince[job] = this.engine.now;
    this.phaseEvent[job] = this.engine.schedule(this.engine.now + us, PRIORITY.phase, KIND.phase, job, 0);
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
