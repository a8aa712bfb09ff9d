/**
 * The compiled scenario: everything a run needs, as plain data and typed columns.
 *
 * `scenarios/` makes one out of YAML, a trace or a generator; `simulate()` runs it. It imports no other part of the
 * house, so that everything may import it. Times are integer microseconds since the start of the scenario, money is
 * integer micro-dollars, shares of a GPU are thousandths.
 */

/** Microseconds in the units people write. */
export const SECOND_US = 1_000_000;
export const MINUTE_US = 60 * SECOND_US;
export const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;

/** What a job is for: decides the ledger's category while it runs (`serving` for inference) and its class in reports. */
export const JOB_CLASSES = ['training', 'interactive', 'inference', 'batch'] as const;
export type JobClass = (typeof JOB_CLASSES)[number];

/** When a job may be considered, relative to another job. */
export const AFTER_CONDITIONS = ['completed', 'started', 'ended'] as const;
export type AfterCondition = (typeof AFTER_CONDITIONS)[number];

/** A policy by name with its arguments; the policy itself checks the arguments. */
export interface PolicyChoice {
  name: string;
  args: Record<string, unknown>;
}

/** Nodes of one GPU model, price and kind; fair share, quotas and cycles run per pool. */
export interface PoolSpec {
  name: string;
  /** Catalogue name, e.g. `H200-SXM5`; empty for a pool without GPUs. */
  gpuModel: string;
  /** Memory of one GPU, MiB. */
  gpuMemoryMiB: number;
  /** Integer micro-dollars per GPU-hour. */
  priceMicroUsd: number;
  spot: boolean;
}

/** MIG instances of one GPU, e.g. `['3g.71gb', '3g.71gb']`; `sevenths[i]` is the compute share of instance i. */
export interface MigLayout {
  instances: string[];
  sevenths: number[];
}

/** Nodes as columns of length `count`, in the order that breaks ties ("lowest node number"). */
export interface NodeColumns {
  count: number;
  names: string[];
  /** Index into `pools`. */
  pool: Int32Array;
  /** GPUs on the node, 0..32. */
  gpus: Uint8Array;
  cpuMilli: Float64Array;
  memoryMiB: Float64Array;
  /** Ids of the rack, block and NVLink domain the node is in; -1 = none stated. */
  rack: Int32Array;
  block: Int32Array;
  nvlinkDomain: Int32Array;
  /** Index into `migLayouts`, -1 = MIG off. */
  migLayout: Int32Array;
}

export interface DepartmentSpec {
  name: string;
  /** Index of the parent department, -1 at the top. */
  parent: number;
}

/** A project (Run:ai: queue of the lowest level). Quotas are per pool, in GPUs; -1 = unlimited. */
export interface ProjectSpec {
  name: string;
  department: number;
  /** Deserved GPUs per pool, indexed by pool. */
  deservedGpus: number[];
  /** Weight in the division of what nobody deserves. */
  overQuotaWeight: number;
  /** Cap on borrowing summed over pools, GPUs; -1 = none. */
  maxOverQuotaGpus: number;
  priority: number;
  chargebackLabel: string;
}

/** Costs per hour that do not depend on GPUs (control plane). */
export interface FixedCost {
  name: string;
  microUsdPerHour: number;
}

/** One job as a person would state it. Missing fields take the defaults of `JobsBuilder.add`. */
export interface JobSpec {
  id: string;
  project: number;
  submitUs: number;
  /** Work at reference speed, µs; Infinity for a service. */
  durationUs: number;
  /** GPUs of each worker (task); length = workers. `[8, 8]` is a gang of two full nodes. */
  taskGpus: readonly number[];
  user?: number;
  class?: JobClass;
  /** Run:ai's numbers: inference 125, build 100, interactive-preemptible 75, train 50. */
  priority?: number;
  preemptible?: boolean;
  /** Requested time limit, µs; 0 = none. */
  limitUs?: number;
  /** Absolute time by which it should be done, µs; Infinity = none. */
  deadlineUs?: number;
  /** Index into `poolLists`: the pools it may use, in order of preference. */
  poolList?: number;
  /** Share of each GPU, thousandths; 1000 = whole GPUs. */
  shareMilli?: number;
  /** GPU memory per task, MiB, instead of a share; 0 = not by memory. */
  gpuMemoryMiB?: number;
  /** Index into `migProfiles`, -1 = none; taskGpus then counts instances. */
  migProfile?: number;
  cpuMilli?: number;
  memoryMiB?: number;
  /** Share of the time its GPUs are busy, thousandths. */
  useMilli?: number;
  /** Work between periodic checkpoints, µs; 0 = never. */
  checkpointEveryUs?: number;
  /** Stall while a checkpoint is written, µs. */
  checkpointStallUs?: number;
  /** Saves its state when preempted (inside its grace period) and so loses nothing. */
  checkpointOnPreempt?: boolean;
  /** From all workers placed to the first step, µs (image, NCCL, load). */
  startupUs?: number;
  /** Extra start-up when resuming from a checkpoint, µs. */
  restoreUs?: number;
  /** From the preemption to its GPUs being free, µs. */
  graceUs?: number;
  /** Attempts before a job that keeps dying is given up; 0 = unlimited. Preemptions do not count. */
  maxAttempts?: number;
  /** Fewest workers it can run with; default all of them. */
  minTasks?: number;
  /** Index into `speedProfiles`; -1 = runs at reference speed everywhere. */
  speedProfile?: number;
  /** Training steps in its work, 0 = not counted in steps. */
  steps?: number;
  /** Jobs that must have come so far before this one may be considered (numbers given by `add`). */
  after?: readonly { job: number; condition: AfterCondition }[];
  partition?: string;
  qos?: string;
}

/** Jobs as columns, ascending by submit time; ties keep input order. */
export interface JobColumns {
  count: number;
  ids: string[];
  project: Int32Array;
  user: Int32Array;
  class: Uint8Array;
  priority: Int32Array;
  preemptible: Uint8Array;
  submitUs: Float64Array;
  durationUs: Float64Array;
  limitUs: Float64Array;
  deadlineUs: Float64Array;
  poolList: Int32Array;
  /** Tasks of job j are taskStart[j] .. taskStart[j+1]-1 in `taskGpus`. */
  taskStart: Int32Array;
  taskGpus: Uint8Array;
  shareMilli: Int32Array;
  gpuMemoryMiB: Float64Array;
  migProfile: Int32Array;
  cpuMilli: Float64Array;
  memoryMiB: Float64Array;
  useMilli: Int32Array;
  checkpointEveryUs: Float64Array;
  checkpointStallUs: Float64Array;
  checkpointOnPreempt: Uint8Array;
  startupUs: Float64Array;
  restoreUs: Float64Array;
  graceUs: Float64Array;
  maxAttempts: Int32Array;
  minTasks: Int32Array;
  speedProfile: Int32Array;
  steps: Float64Array;
  /** Conditions of job j are afterStart[j] .. afterStart[j+1]-1 in `afterJob`, `afterCondition`. */
  afterStart: Int32Array;
  afterJob: Int32Array;
  afterCondition: Uint8Array;
  /** Sparse, by job index. */
  partition: Map<number, string>;
  qos: Map<number, string>;
}

export interface Scenario {
  name: string;
  /** One sentence: what it shows. */
  title: string;
  seed: string;
  /** Unix time of the scenario's time 0, seconds; 0 where the source has none. */
  startEpochSeconds: number;
  /** Offset of the scenario's time zone from UTC, minutes: where its hours begin. */
  utcOffsetMinutes: number;
  /** Simulated length, µs; Infinity = until the last job has ended. */
  durationUs: number;
  /** Jobs submitted before this are simulated but left out of job statistics, µs. */
  warmUpUs: number;
  policy: PolicyChoice;
  pools: PoolSpec[];
  nodes: NodeColumns;
  migLayouts: MigLayout[];
  migProfiles: string[];
  departments: DepartmentSpec[];
  projects: ProjectSpec[];
  users: string[];
  jobs: JobColumns;
  poolLists: number[][];
  /** Speed by pool, thousandths of reference speed; `speedProfiles[k][pool]`. */
  speedProfiles: number[][];
  fixedCosts: FixedCost[];
  /** What is assumed and where from: shown by `run` and in reports. */
  assumptions: string[];
}

const growF64 = (a: Float64Array, n: number) => (n <= a.length ? a : copyInto(new Float64Array(2 * n), a));
const growI32 = (a: Int32Array, n: number) => (n <= a.length ? a : copyInto(new Int32Array(2 * n), a));
const growU8 = (a: Uint8Array, n: number) => (n <= a.length ? a : copyInto(new Uint8Array(2 * n), a));
function copyInto<T extends Float64Array | Int32Array | Uint8Array>(to: T, from: T): T {
  to.set(from);
  return to;
}

const F64 = [
  'submitUs',
  'durationUs',
  'limitUs',
  'deadlineUs',
  'gpuMemoryMiB',
  'cpuMilli',
  'memoryMiB',
  'checkpointEveryUs',
  'checkpointStallUs',
  'startupUs',
  'restoreUs',
  'graceUs',
  'steps',
] as const;
const I32 = [
  'project',
  'user',
  'priority',
  'poolList',
  'shareMilli',
  'migProfile',
  'useMilli',
  'maxAttempts',
  'minTasks',
  'speedProfile',
] as const;
const U8 = ['class', 'preemptible', 'checkpointOnPreempt'] as const;

/** Collects jobs in any order, without an object kept per job; `build()` sorts them by submit time (stable). */
export class JobsBuilder {
  readonly ids: string[] = [];
  private f64 = Object.fromEntries(F64.map((k) => [k, new Float64Array(16)])) as Record<
    (typeof F64)[number],
    Float64Array
  >;
  private i32 = Object.fromEntries(I32.map((k) => [k, new Int32Array(16)])) as Record<(typeof I32)[number], Int32Array>;
  private u8 = Object.fromEntries(U8.map((k) => [k, new Uint8Array(16)])) as Record<(typeof U8)[number], Uint8Array>;
  private taskStart: Int32Array = new Int32Array(16);
  private taskGpus: Uint8Array = new Uint8Array(16);
  private tasks = 0;
  private after: { from: number; job: number; condition: number }[] = [];
  private partition = new Map<number, string>();
  private qos = new Map<number, string>();

  get count(): number {
    return this.ids.length;
  }

  /** Adds a job and returns its number in order of adding, which `after` of later jobs refers to. */
  add(spec: JobSpec): number {
    const j = this.ids.length;
    const klass = spec.class ?? 'training';
    for (const k of F64) this.f64[k] = growF64(this.f64[k], j + 1);
    for (const k of I32) this.i32[k] = growI32(this.i32[k], j + 1);
    for (const k of U8) this.u8[k] = growU8(this.u8[k], j + 1);
    this.taskStart = growI32(this.taskStart, j + 2);
    this.taskGpus = growU8(this.taskGpus, this.tasks + spec.taskGpus.length);
    this.ids.push(spec.id);
    const { f64, i32, u8 } = this;
    f64.submitUs[j] = spec.submitUs;
    f64.durationUs[j] = spec.durationUs;
    f64.limitUs[j] = spec.limitUs ?? 0;
    f64.deadlineUs[j] = spec.deadlineUs ?? Infinity;
    f64.gpuMemoryMiB[j] = spec.gpuMemoryMiB ?? 0;
    f64.cpuMilli[j] = spec.cpuMilli ?? 0;
    f64.memoryMiB[j] = spec.memoryMiB ?? 0;
    f64.checkpointEveryUs[j] = spec.checkpointEveryUs ?? 0;
    f64.checkpointStallUs[j] = spec.checkpointStallUs ?? 0;
    f64.startupUs[j] = spec.startupUs ?? 0;
    f64.restoreUs[j] = spec.restoreUs ?? 0;
    f64.graceUs[j] = spec.graceUs ?? 0;
    f64.steps[j] = spec.steps ?? 0;
    i32.project[j] = spec.project;
    i32.user[j] = spec.user ?? -1;
    i32.priority[j] = spec.priority ?? DEFAULT_PRIORITY[klass];
    i32.poolList[j] = spec.poolList ?? 0;
    i32.shareMilli[j] = spec.shareMilli ?? 1000;
    i32.migProfile[j] = spec.migProfile ?? -1;
    i32.useMilli[j] = spec.useMilli ?? (klass === 'interactive' ? 100 : 1000);
    i32.maxAttempts[j] = spec.maxAttempts ?? 0;
    i32.minTasks[j] = spec.minTasks ?? spec.taskGpus.length;
    i32.speedProfile[j] = spec.speedProfile ?? -1;
    u8.class[j] = JOB_CLASSES.indexOf(klass);
    u8.preemptible[j] = (spec.preemptible ?? (spec.priority ?? DEFAULT_PRIORITY[klass]) < 100) ? 1 : 0;
    u8.checkpointOnPreempt[j] = spec.checkpointOnPreempt ? 1 : 0;
    for (const g of spec.taskGpus) this.taskGpus[this.tasks++] = g;
    this.taskStart[j + 1] = this.tasks;
    for (const a of spec.after ?? []) {
      this.after.push({ from: j, job: a.job, condition: AFTER_CONDITIONS.indexOf(a.condition) });
    }
    if (spec.partition !== undefined) this.partition.set(j, spec.partition);
    if (spec.qos !== undefined) this.qos.set(j, spec.qos);
    return j;
  }

  build(): JobColumns {
    const n = this.ids.length;
    const submit = this.f64.submitUs;
    const order = Int32Array.from({ length: n }, (_, i) => i);
    let sorted = true;
    for (let i = 1; i < n && sorted; i++) sorted = submit[i - 1] <= submit[i];
    if (!sorted) order.sort((a, b) => submit[a] - submit[b] || a - b);
    const place = new Int32Array(n);
    for (let i = 0; i < n; i++) place[order[i]] = i;

    const taskStart = new Int32Array(n + 1);
    const taskGpus = new Uint8Array(this.tasks);
    for (let i = 0; i < n; i++) {
      const from = this.taskStart[order[i]];
      const to = this.taskStart[order[i] + 1];
      taskGpus.set(this.taskGpus.subarray(from, to), taskStart[i]);
      taskStart[i + 1] = taskStart[i] + to - from;
    }
    const after = this.after
      .map((a) => ({ from: place[a.from], job: place[a.job], condition: a.condition }))
      .sort((a, b) => a.from - b.from);
    const afterStart = new Int32Array(n + 1);
    for (const a of after) afterStart[a.from + 1]++;
    for (let i = 0; i < n; i++) afterStart[i + 1] += afterStart[i];
    const pickF64 = (a: Float64Array) => Float64Array.from(order, (i) => a[i]);
    const pickI32 = (a: Int32Array) => Int32Array.from(order, (i) => a[i]);
    const pickU8 = (a: Uint8Array) => Uint8Array.from(order, (i) => a[i]);
    const moved = (m: Map<number, string>) => new Map([...m].map(([j, v]) => [place[j], v] as [number, string]));
    return {
      count: n,
      ids: Array.from(order, (i) => this.ids[i]),
      ...(Object.fromEntries(F64.map((k) => [k, pickF64(this.f64[k])])) as Record<(typeof F64)[number], Float64Array>),
      ...(Object.fromEntries(I32.map((k) => [k, pickI32(this.i32[k])])) as Record<(typeof I32)[number], Int32Array>),
      ...(Object.fromEntries(U8.map((k) => [k, pickU8(this.u8[k])])) as Record<(typeof U8)[number], Uint8Array>),
      taskStart,
      taskGpus,
      afterStart,
      afterJob: Int32Array.from(after, (a) => a.job),
      afterCondition: Uint8Array.from(after, (a) => a.condition),
      partition: moved(this.partition),
      qos: moved(this.qos),
    };
  }
}

/** Run:ai's priority classes: https://run-ai-docs.nvidia.com (train 50, build 100, inference 125). */
const DEFAULT_PRIORITY: Record<JobClass, number> = { training: 50, interactive: 100, inference: 125, batch: 50 };

/** All jobs given at once; a convenience for tests and small scenarios. */
export function jobColumns(specs: Iterable<JobSpec>): JobColumns {
  const builder = new JobsBuilder();
  for (const spec of specs) builder.add(spec);
  return builder.build();
}

/** A pool's nodes, all alike. */
export interface NodeGroup {
  pool: number;
  count: number;
  gpus: number;
  cpuMilli?: number;
  memoryMiB?: number;
  /** Nodes per rack, racks per block, nodes per NVLink domain; 0 = not stated. */
  nodesPerRack?: number;
  racksPerBlock?: number;
  nodesPerNvlinkDomain?: number;
  migLayout?: number;
  /** Node n of the group is `prefix-n`. */
  prefix?: string;
}

/** Nodes from groups of like nodes, numbered in the order given. */
export function nodeColumns(groups: readonly NodeGroup[]): NodeColumns {
  const count = groups.reduce((sum, g) => sum + g.count, 0);
  const nodes: NodeColumns = {
    count,
    names: [],
    pool: new Int32Array(count),
    gpus: new Uint8Array(count),
    cpuMilli: new Float64Array(count),
    memoryMiB: new Float64Array(count),
    rack: new Int32Array(count).fill(-1),
    block: new Int32Array(count).fill(-1),
    nvlinkDomain: new Int32Array(count).fill(-1),
    migLayout: new Int32Array(count).fill(-1),
  };
  let n = 0;
  let rackBase = 0;
  let blockBase = 0;
  let domainBase = 0;
  for (const g of groups) {
    const perRack = g.nodesPerRack ?? 0;
    const perBlock = perRack * (g.racksPerBlock ?? 0);
    const perDomain = g.nodesPerNvlinkDomain ?? 0;
    for (let i = 0; i < g.count; i++, n++) {
      nodes.names.push(`${g.prefix ?? `pool${g.pool}`}-${i}`);
      nodes.pool[n] = g.pool;
      nodes.gpus[n] = g.gpus;
      nodes.cpuMilli[n] = g.cpuMilli ?? Infinity;
      nodes.memoryMiB[n] = g.memoryMiB ?? Infinity;
      if (perRack > 0) nodes.rack[n] = rackBase + Math.floor(i / perRack);
      if (perBlock > 0) nodes.block[n] = blockBase + Math.floor(i / perBlock);
      if (perDomain > 0) nodes.nvlinkDomain[n] = domainBase + Math.floor(i / perDomain);
      nodes.migLayout[n] = g.migLayout ?? -1;
    }
    if (perRack > 0) rackBase += Math.ceil(g.count / perRack);
    if (perBlock > 0) blockBase += Math.ceil(g.count / perBlock);
    if (perDomain > 0) domainBase += Math.ceil(g.count / perDomain);
  }
  return nodes;
}
