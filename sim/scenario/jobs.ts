/** Work: a job as a person would state it, and all jobs as columns. */

import type { TopologyLevel } from './cluster.ts';
import type { AllReduce } from './network.ts';
import type { CheckpointPlan, DatasetPlan } from './storage.ts';

/** What a job is for: decides the ledger's category while it runs (`serving` for inference) and its class in reports. */
export const JOB_CLASSES = ['training', 'interactive', 'inference', 'batch'] as const;
export type JobClass = (typeof JOB_CLASSES)[number];

/** When a job may be considered, relative to another job. */
export const AFTER_CONDITIONS = ['completed', 'started', 'ended'] as const;
export type AfterCondition = (typeof AFTER_CONDITIONS)[number];

/** Of start-up times: lognormal, σ of the logarithm, and the longest there is, µs. */
export interface StartupSpread {
  sigma: number;
  mostUs: number;
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
  /** Complete checkpoints that are kept; absent = all of them. With a plan, the plan says. */
  checkpointKeep?: number;
  /** Saves its state when preempted (inside its grace period) and so loses nothing. */
  checkpointOnPreempt?: boolean;
  /** From all workers placed to the first step, µs (image, NCCL, load). */
  startupUs?: number;
  /** It differs from start to start; `startupUs` is then the median. */
  startupSpread?: StartupSpread;
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
  /** All workers inside one of these; `preferred`: if there is room, else wherever it fits. */
  topologyRequired?: TopologyLevel;
  topologyPreferred?: TopologyLevel;
  /** Checkpoints that have a size, instead of a stated stall; needs file systems. */
  checkpoint?: CheckpointPlan;
  dataset?: DatasetPlan;
  allReduce?: AllReduce;
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
  topologyRequired: Map<number, TopologyLevel>;
  topologyPreferred: Map<number, TopologyLevel>;
  checkpointKeep?: Map<number, number>;
  startupSpread?: Map<number, StartupSpread>;
  checkpoint?: Map<number, CheckpointPlan>;
  dataset?: Map<number, DatasetPlan>;
  allReduce?: Map<number, AllReduce>;
}

/** One kind of worker among those that make up most of a workload. */
export interface TypicalWorker {
  /** Part of the workload, the parts of all kinds add up to 1. */
  weight: number;
  cpuMilli: number;
  /** Devices. */
  gpus: number;
  /** Thousandths of a GPU that each device takes, by pool; -1 in a pool it may not use. */
  milli: number[];
}
