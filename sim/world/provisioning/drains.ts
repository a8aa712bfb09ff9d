/**
 * Nodes that are being emptied: they take no new work, and what runs on them may go on for a time. A service would never
 * end: it moves at once, as its next replica starts elsewhere.
 */
import { type Cluster, NODE_STATES, type NodeState, READY } from '../../cluster/cluster.ts';
import { PENDING, TERMINATING } from '../../cluster/view.ts';
import type { Engine } from '../../engine/engine.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import { type DrainRule, MINUTE_US, type Scenario } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { killJob, takeOff } from '../jobs/endings.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { evacuateJob } from '../jobs/stopping.ts';

interface Drain {
  rule: DrainRule;
  /** What jobs are told. */
  why: string;
  /** Ends the time its jobs were given; -1 = none. */
  event: number;
  /** That time was over before the node was empty. */
  forced: boolean;
}

export interface DrainHost {
  setState(node: number, state: NodeState): void;
  inRepair(node: number): boolean;
  /** It is empty. */
  onDrained(node: number, forced: boolean): void;
  /** It is let go: its jobs have not ended in time. */
  onSkipped(node: number): void;
  /** It has been taken out of service by somebody else. */
  onInterrupted(node: number): void;
}

const DRAINING = NODE_STATES.indexOf('draining');
const TIME_OVER = 0;
const EMPTY = 1;
/** A job that could not be moved (it hung, and came back) is told again after this long. */
const AGAIN_US = 10 * MINUTE_US;

export class Drains {
  private readonly open = new Map<number, Drain>();
  drains = 0;
  private readonly scenario: Scenario;
  private readonly cluster: Cluster;
  private readonly jobs: Jobs;
  private readonly engine: Engine;
  private readonly host: DrainHost;

  constructor(scenario: Scenario, cluster: Cluster, jobs: Jobs, engine: Engine, host: DrainHost) {
    this.scenario = scenario;
    this.cluster = cluster;
    this.jobs = jobs;
    this.engine = engine;
    this.host = host;
    engine.on(KIND.drain, (node, what) => (what === EMPTY ? this.whenEmpty(node) : this.timeOver(node)));
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, ['scenario', 'cluster', 'jobs', 'engine', 'host']);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  has(node: number): boolean {
    return this.open.has(node);
  }

  /** Of a node in service, or kept aside. */
  begin(node: number, rule: DrainRule, why: string): void {
    const drain: Drain = { rule, why, event: -1, forced: false };
    this.open.set(node, drain);
    this.drains++;
    if (this.cluster.nodeState[node] === READY) this.host.setState(node, 'draining');
    const { now } = this.engine;
    for (const job of this.jobsOn(node)) {
      this.jobs.observer?.(now, 'notice', job, -1, node, 0, why);
      if (this.jobs.status[job] === PENDING) killJob(this.jobs, job, why);
      else if (this.scenario.jobs.durationUs[job] === Infinity) evacuateJob(this.jobs, job, now, why);
    }
    if (this.isEmpty(node)) this.later(node);
    else if (rule.waitUs !== Infinity) this.arm(node, drain, rule.waitUs);
  }

  /** Something has left the node. */
  freed(node: number): void {
    if (this.open.has(node) && this.isEmpty(node)) this.later(node);
  }

  private later(node: number): void {
    this.engine.schedule(this.engine.now, PRIORITY.provisioning, KIND.drain, node, EMPTY);
  }

  private arm(node: number, drain: Drain, us: number): void {
    drain.event = this.engine.schedule(this.engine.now + us, PRIORITY.provisioning, KIND.drain, node, TIME_OVER);
  }

  /** The node's drain, unless somebody else has taken the node over. */
  private mine(node: number): Drain | undefined {
    const drain = this.open.get(node);
    if (drain === undefined) return undefined;
    if (this.cluster.nodeState[node] === DRAINING && !this.host.inRepair(node)) return drain;
    this.close(node, drain);
    this.host.onInterrupted(node);
    return undefined;
  }

  private close(node: number, drain: Drain): void {
    this.open.delete(node);
    if (drain.event >= 0) this.engine.queue.cancel(drain.event);
  }

  private whenEmpty(node: number): void {
    const drain = this.mine(node);
    if (drain === undefined || !this.isEmpty(node)) return;
    this.close(node, drain);
    this.host.onDrained(node, drain.forced);
  }

  private timeOver(node: number): void {
    const waits = this.open.get(node);
    if (waits !== undefined) waits.event = -1;
    const drain = this.mine(node);
    if (drain === undefined || this.isEmpty(node)) return;
    if (drain.rule.overdue === 'skip') {
      this.close(node, drain);
      this.host.setState(node, 'ready');
      this.host.onSkipped(node);
      return;
    }
    drain.forced = true;
    for (const job of this.jobsOn(node)) this.makeLeave(job, drain);
    if (!this.isEmpty(node)) this.arm(node, drain, AGAIN_US);
  }

  private makeLeave(job: number, { rule, why }: Drain): void {
    const { jobs, engine } = this;
    if (jobs.status[job] === PENDING) killJob(jobs, job, why);
    else if (jobs.status[job] === TERMINATING) return;
    else if (rule.overdue === 'kill') takeOff(jobs, job, 'preempt', engine.now, why);
    else evacuateJob(jobs, job, engine.now, why);
  }

  private isEmpty(node: number): boolean {
    return this.cluster.firstTaskOn[node] < 0;
  }

  private jobsOn(node: number): number[] {
    const { firstTaskOn, nextTask, jobOfTask } = this.cluster;
    const found = new Set<number>();
    for (let task = firstTaskOn[node]; task >= 0; task = nextTask[task]) found.add(jobOfTask[task]);
    return [...found];
  }
}
