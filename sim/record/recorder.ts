/**
 * What the visualizer draws: who held which GPUs when, in which phase each job was, the states of nodes, what happened,
 * and sums over projects and pools over time. Columns of numbers only, never an object per event, and bounded: tables
 * that are full keep their longest intervals, series coarsen as the run grows.
 */
import { type Cluster, GPU_UNITS, NODE_STATES, type NodeState } from '../cluster/cluster.ts';
import type { Scenario } from '../scenario.ts';
import { type IntervalColumns, Intervals, MOST_INTERVALS } from './intervals.ts';
import { BUSY, CATEGORIES, CATEGORY, type Ledger } from './ledger.ts';
import { Samples } from './samples.ts';

/** What a job's GPUs do, as the ledger's books know it. */
export const ACTIVITIES = ['reserved', 'restart', 'running', 'checkpoint', 'terminating', 'detecting'] as const;

/** Things that happen at a moment and are worth stopping at. */
export const EVENT_KINDS = [
  'fault',
  'detected',
  'preempt',
  'reclaim',
  'kill',
  'restart',
  'shrink',
  'fail',
  'unschedulable',
  'notice',
  'unhealthy',
  'unsaved',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Series of each project, and those that do not belong to one. */
export const PROJECT_SERIES = ['allocated', 'overQuota', 'busy', 'pending'] as const;

export interface RecordedColumns {
  /** Values: job, node, GPUs of the node as bits, units of 1/7000 held of each. */
  holds: IntervalColumns;
  /** Values: job, index into ACTIVITIES. */
  phases: IntervalColumns;
  /** Values: node, index into NODE_STATES; times at which a node is ready are left out. */
  nodes: IntervalColumns;
  /** Values: index into EVENT_KINDS, job, node; −1 = none. Start and end are equal. */
  events: IntervalColumns;
  /** Means over buckets. */
  series: {
    bucketUs: number;
    count: number;
    /** GPUs, [pool × categories + category][bucket]. */
    pools: Float32Array[];
    /** GPUs, [project × 4 + series][bucket] in the order of PROJECT_SERIES; empty where there are too many projects. */
    projects: Float32Array[];
    /** Jobs that wait. */
    pendingJobs: Float32Array;
  };
  /** Work found to be lost, when it was found. Values: pool × 4096 + project, thousandths of GPU-hours. */
  lost: IntervalColumns;
}

/** Cells of series that are kept at most: buckets × series. */
const MOST_CELLS = 2 ** 21;
const MOST_PROJECTS = 200;
const MOST_POOLS = 64;
const P = PROJECT_SERIES.length;
const C = CATEGORIES.length;
const IS_BUSY = CATEGORIES.map((name) => BUSY.includes(name));
const NOBODYS = new Set(['reclaimed', 'unhealthy', 'provisioning', 'draining', 'free']);
const IS_ALLOCATED = CATEGORIES.map((name) => !NOBODYS.has(name));

export class Recorder {
  private scenario: Scenario | null = null;
  private cluster: Cluster | null = null;
  private ledger: Ledger | null = null;
  private readonly holds: Intervals;
  private readonly phases: Intervals;
  private readonly nodes: Intervals;
  private readonly events: Intervals;
  private readonly lost: Intervals;
  private samples = new Samples(1, 1, 2);
  /** When each task took its GPUs, −1 = it has none; by job, when its phase began and which it is, −1 = none. */
  private taskSince = new Float64Array(0);
  private taskHeld = new Int32Array(0);
  private jobSince = new Float64Array(0);
  private jobPhase = new Int8Array(0);
  private jobTasks = new Int32Array(0);
  private jobGpus = new Float64Array(0);
  private nodeSince = new Float64Array(0);
  private nodeState = new Uint8Array(0);
  private keepsProjects = false;
  private keptPools = 0;

  constructor(most = MOST_INTERVALS) {
    this.holds = new Intervals(4, most);
    this.phases = new Intervals(2, most);
    this.nodes = new Intervals(2, most);
    this.events = new Intervals(3, most);
    this.lost = new Intervals(2, most);
  }

  /** To a simulation at its start, or to one that goes on from where the recorded one stands. */
  attach(scenario: Scenario, cluster: Cluster, ledger: Ledger): void {
    const first = this.scenario === null;
    this.scenario = scenario;
    this.cluster = cluster;
    this.ledger = ledger;
    if (!first) return;
    const { jobs, pools, projects } = scenario;
    this.taskSince = new Float64Array(cluster.taskCount).fill(-1);
    this.taskHeld = new Int32Array(cluster.taskCount);
    this.jobSince = new Float64Array(jobs.count);
    this.jobPhase = new Int8Array(jobs.count).fill(-1);
    this.jobTasks = new Int32Array(jobs.count);
    this.jobGpus = new Float64Array(jobs.count);
    for (let job = 0; job < jobs.count; job++) {
      let devices = 0;
      for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) devices += jobs.taskGpus[task];
      const pool = scenario.poolLists[jobs.poolList[job]]?.[0] ?? 0;
      this.jobGpus[job] = devices === 0 ? 0 : devices * cluster.unitsPerGpu(job, pool);
    }
    this.nodeSince = new Float64Array(cluster.nodeCount);
    this.nodeState = cluster.nodeState.slice();
    this.keepsProjects = projects.length <= MOST_PROJECTS;
    this.keptPools = Math.min(pools.length, MOST_POOLS);
    const series = 1 + this.keptPools * C + (this.keepsProjects ? projects.length * P : 0);
    let buckets = 4096;
    while (buckets > 256 && buckets * series > MOST_CELLS) buckets /= 2;
    const { durationUs } = scenario;
    this.samples = new Samples(
      series,
      durationUs === Infinity ? 1_000_000 : Math.max(1, Math.ceil(durationUs / buckets)),
      buckets,
    );
  }

  /** As `Jobs.observer`. */
  observe(now: number, what: string, job: number, task: number, node: number, mask: number, reason: string): void {
    if (what === 'place') {
      this.taskSince[task] = now;
      this.taskHeld[task] = (this.cluster as Cluster).taskUnits[task];
      this.jobTasks[job]++;
      if (this.jobPhase[job] < 0) this.begin(now, job, 0);
      return;
    }
    if (what === 'release') {
      const since = this.taskSince[task];
      if (since < 0) return;
      if (now > since) this.holds.add(since, now, job, node, mask, this.taskHeld[task]);
      this.taskSince[task] = -1;
      if (--this.jobTasks[job] === 0) this.end(now, job);
      return;
    }
    if (what === 'node') {
      this.turnNode(now, node, reason);
      return;
    }
    const kind = EVENT_KINDS.indexOf(what as EventKind);
    if (kind >= 0) this.events.add(now, now, kind, job, node);
  }

  /** The job's GPUs now do something else. */
  turn(now: number, job: number, activity: string): void {
    const phase = (ACTIVITIES as readonly string[]).indexOf(activity);
    if (phase < 0 || this.jobPhase[job] === phase) return;
    this.end(now, job);
    this.begin(now, job, phase);
  }

  /** As `Ledger.observer`. */
  moved(now: number, from: number, to: number, units: number): void {
    if (from >= 0) this.count(now, from, -units);
    if (to >= 0) this.count(now, to, units);
  }

  /** As `Ledger.onRebook`, for work that turns out to be lost. */
  rebooked(now: number, _from: number, to: number, amount: bigint): void {
    if (to % C !== CATEGORY.lost || this.ledger === null) return;
    const { pool, project } = this.ledger.owners[Math.floor(to / C)];
    // Thousandths of a GPU-hour fit an integer.
    const milliHours = Number(amount / BigInt(GPU_UNITS)) / 3_600_000;
    this.lost.add(
      now,
      now,
      pool * 4096 + Math.max(0, Math.min(4095, project)),
      Math.min(2 ** 31 - 1, Math.round(milliHours)),
    );
  }

  /** A job begins or ceases to wait. */
  pending(now: number, job: number, by: 1 | -1): void {
    this.samples.add(0, now, by);
    if (!this.keepsProjects || this.scenario === null) return;
    const { project } = this.scenario.jobs;
    this.samples.add(this.projectSeries(project[job]) + 3, now, by * this.jobGpus[job]);
  }

  /** What was recorded up to `now`; recording can go on afterwards. */
  columns(now: number): RecordedColumns {
    const { scenario, cluster, samples } = this;
    if (scenario === null || cluster === null) throw new Error('invariant: nothing was recorded');
    samples.settleAll(now);
    const means = (i: number, unit: number) => Float32Array.from(samples.means(i, now), (value) => value / unit);
    const pools: Float32Array[] = [];
    for (let i = 0; i < this.keptPools * C; i++) pools.push(means(1 + i, GPU_UNITS));
    const projects: Float32Array[] = [];
    if (this.keepsProjects) {
      const from = this.projectSeries(0);
      for (let i = 0; i < scenario.projects.length * P; i++) projects.push(means(from + i, GPU_UNITS));
    }
    const pendingJobs = means(0, 1);
    return {
      holds: withOpen(this.holds, (add) => {
        for (let task = 0; task < this.taskSince.length; task++) {
          const since = this.taskSince[task];
          const node = cluster.taskNode[task];
          if (since < 0 || since >= now || node < 0) continue;
          add(since, now, cluster.jobOfTask[task], node, cluster.taskMask[task], this.taskHeld[task]);
        }
      }),
      phases: withOpen(this.phases, (add) => {
        for (let job = 0; job < this.jobPhase.length; job++)
          if (this.jobPhase[job] >= 0 && this.jobSince[job] < now)
            add(this.jobSince[job], now, job, this.jobPhase[job]);
      }),
      nodes: withOpen(this.nodes, (add) => {
        for (let node = 0; node < this.nodeState.length; node++)
          if (this.nodeState[node] > 0 && this.nodeSince[node] < now)
            add(this.nodeSince[node], now, node, this.nodeState[node]);
      }),
      events: this.events.columns(),
      lost: this.lost.columns(),
      series: { bucketUs: samples.bucketUs, count: pendingJobs.length, pools, projects, pendingJobs },
    };
  }

  private projectSeries(project: number): number {
    return 1 + this.keptPools * C + project * P;
  }

  private count(now: number, account: number, units: number): void {
    const category = account % C;
    const { pool, project, overQuota } = (this.ledger as Ledger).owners[Math.floor(account / C)];
    if (pool < this.keptPools) this.samples.add(1 + pool * C + category, now, units);
    if (project < 0 || !this.keepsProjects) return;
    const series = this.projectSeries(project);
    if (IS_ALLOCATED[category]) {
      this.samples.add(series, now, units);
      if (overQuota) this.samples.add(series + 1, now, units);
    }
    if (IS_BUSY[category]) this.samples.add(series + 2, now, units);
  }

  private begin(now: number, job: number, phase: number): void {
    this.jobPhase[job] = phase;
    this.jobSince[job] = now;
  }

  private end(now: number, job: number): void {
    const phase = this.jobPhase[job];
    if (phase >= 0 && now > this.jobSince[job]) this.phases.add(this.jobSince[job], now, job, phase);
    this.jobPhase[job] = -1;
  }

  private turnNode(now: number, node: number, name: string): void {
    const state = NODE_STATES.indexOf(name as NodeState);
    const before = this.nodeState[node];
    if (before > 0 && now > this.nodeSince[node]) this.nodes.add(this.nodeSince[node], now, node, before);
    this.nodeState[node] = Math.max(0, state);
    this.nodeSince[node] = now;
  }
}

/** The columns with what is still open at the end of them. */
function withOpen(
  closed: Intervals,
  each: (add: (start: number, end: number, ...values: number[]) => void) => void,
): IntervalColumns {
  const open = new Intervals(closed.values.length);
  each((start, end, ...values) => open.add(start, end, ...values));
  const [a, b] = [closed.columns(), open.columns()];
  const f64 = (x: Float64Array, y: Float64Array) => {
    const both = new Float64Array(x.length + y.length);
    both.set(x);
    both.set(y, x.length);
    return both;
  };
  return {
    count: a.count + b.count,
    start: f64(a.start, b.start),
    end: f64(a.end, b.end),
    values: a.values.map((column, k) => {
      const both = new Int32Array(a.count + b.count);
      both.set(column);
      both.set(b.values[k], a.count);
      return both;
    }),
    dropped: a.dropped + b.dropped,
    shortestUs: Math.max(a.shortestUs, b.shortestUs),
  };
}
