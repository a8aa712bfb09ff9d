/** Jobs as stated → columns. */

import type { TopologyLevel } from './cluster.ts';
import {
  AFTER_CONDITIONS,
  JOB_CLASSES,
  type JobClass,
  type JobColumns,
  type JobSpec,
  type StartupSpread,
} from './jobs.ts';
import type { AllReduce } from './network.ts';
import type { CheckpointPlan, DatasetPlan } from './storage.ts';

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
  private topologyRequired = new Map<number, TopologyLevel>();
  private topologyPreferred = new Map<number, TopologyLevel>();
  private checkpointKeep = new Map<number, number>();
  private startupSpread = new Map<number, StartupSpread>();
  private checkpoint = new Map<number, CheckpointPlan>();
  private dataset = new Map<number, DatasetPlan>();
  private allReduce = new Map<number, AllReduce>();

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
    if (spec.topologyRequired !== undefined) this.topologyRequired.set(j, spec.topologyRequired);
    if (spec.topologyPreferred !== undefined) this.topologyPreferred.set(j, spec.topologyPreferred);
    if (spec.checkpointKeep !== undefined) this.checkpointKeep.set(j, spec.checkpointKeep);
    if (spec.startupSpread !== undefined) this.startupSpread.set(j, spec.startupSpread);
    if (spec.checkpoint !== undefined) this.checkpoint.set(j, spec.checkpoint);
    if (spec.dataset !== undefined) this.dataset.set(j, spec.dataset);
    if (spec.allReduce !== undefined) this.allReduce.set(j, spec.allReduce);
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
    const moved = <T>(m: Map<number, T>) => new Map([...m].map(([j, v]) => [place[j], v] as [number, T]));
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
      topologyRequired: moved(this.topologyRequired),
      topologyPreferred: moved(this.topologyPreferred),
      checkpointKeep: moved(this.checkpointKeep),
      startupSpread: moved(this.startupSpread),
      checkpoint: moved(this.checkpoint),
      dataset: moved(this.dataset),
      allReduce: moved(this.allReduce),
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
