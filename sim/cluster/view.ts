/**
 * What a policy sees and what it may answer: the contract between decisions (`policy/`) and what happens (`world/`).
 */
import type { Scenario } from '../scenario.ts';
import type { Cluster } from './cluster.ts';

export const JOB_STATUS = [
  'future', // not submitted yet
  'held', // submitted, waits for other jobs (`after`)
  'pending', // waits for resources; a gang partly placed by a pod-by-pod scheduler is still pending
  'starting', // all workers placed, first step not reached
  'running',
  'checkpointing', // stalled while it writes
  'terminating', // told to stop, still holds its GPUs
  'completed',
  'failed',
  'unschedulable', // larger than anything the cluster could ever give it
] as const;
export type JobStatus = (typeof JOB_STATUS)[number];

export const FUTURE = 0;
export const HELD = 1;
export const PENDING = 2;
export const STARTING = 3;
export const RUNNING = 4;
export const CHECKPOINTING = 5;
export const TERMINATING = 6;
export const COMPLETED = 7;
export const FAILED = 8;
export const UNSCHEDULABLE = 9;

/** The read-only half of the cluster. */
export type ClusterReader = Pick<
  Cluster,
  | 'spec'
  | 'nodeCount'
  | 'nodesOfPool'
  | 'rankOfNode'
  | 'gpuStart'
  | 'jobOfTask'
  | 'unitsPerGpu'
  | 'fits'
  | 'pickGpus'
  | 'widestFree'
  | 'widestNode'
  | 'nodesWithFree'
  | 'firstNode'
  | 'nextNode'
  | 'tightestShared'
> & {
  readonly barred: ReadonlyMap<number, ReadonlySet<number>>;
  readonly gpuFree: Readonly<Int32Array>;
  /** 1: out of use though its node is in service. */
  readonly gpuShut: Readonly<Uint8Array>;
  readonly shutFree: Readonly<Int32Array>;
  readonly cpuFree: Readonly<Float64Array>;
  readonly memoryFree: Readonly<Float64Array>;
  readonly nodeState: Readonly<Uint8Array>;
  readonly nodeFreeGpus: Readonly<Uint8Array>;
  readonly taskNode: Readonly<Int32Array>;
  readonly taskMask: Readonly<Int32Array>;
  readonly firstTaskOn: Readonly<Int32Array>;
  readonly nextTask: Readonly<Int32Array>;
  readonly changes: number;
  readonly changedAt: Readonly<Float64Array>;
  readonly openFreeUnits: Readonly<Float64Array>;
  readonly openFreeGpus: Readonly<Int32Array>;
};

/** One tentative statement on the cluster: try, look, take back. The host takes back whatever is left of it. */
export interface Trial {
  mark(): number;
  place(task: number, node: number, mask: number): void;
  /** Frees everything a job holds, as preempting it would. */
  evict(job: number): void;
  takeBack(mark: number): void;
}

/** A reading of a GPU by DCGM: its value, and when it was taken, µs. */
export interface TelemetrySample {
  takenUs: number;
  value: number;
}

export interface TelemetryReader {
  /** The last reading of a field such as `DCGM_FI_DEV_GPU_UTIL` that has arrived; null where there is none. */
  read(field: string, node: number, gpu: number): TelemetrySample | null;
}

export interface View {
  /** What DCGM shows, as old as it is; absent where a snapshot of a cluster is decided on. */
  readonly telemetry?: TelemetryReader;
  readonly scenario: Scenario;
  readonly cluster: ClusterReader;
  readonly trial: Trial;
  /** Index into JOB_STATUS. */
  readonly status: Readonly<Uint8Array>;
  /** Jobs that became pending since the last decision, in that order; a preempted job comes again. */
  readonly pended: readonly number[];
  /** Jobs that freed GPUs for good or for now since the last decision. */
  readonly left: readonly number[];
  /** Whether GPUs were freed or a node came back since the last decision. */
  readonly freed: boolean;
  /** Whether a node came back since the last decision. */
  readonly nodeReturned: boolean;
  /** Jobs whose status or workers changed since the last decision's actions were taken, those actions included. */
  readonly changedJobs: readonly number[];
  /** Nodes whose state changed since the last decision. */
  readonly changedNodes: readonly number[];
  /** Workers that were told to leave a job that goes on without them, and still hold their GPUs. */
  isLeaving(task: number): boolean;
  /** Jobs that hold GPUs as a whole gang, in order of their start: the first of them, -1 if none. */
  firstActive(): number;
  nextActive(job: number): number;
  /** Work left at reference speed, µs; overheads of coming back included once they are owed. */
  remainingUs(job: number): number;
  /** GPU-time it has held its GPUs for so far, GPU·µs of whole GPUs (a share counts as its share). */
  attainedGpuUs(job: number): number;
  /** When it started this time, µs. */
  startedUs(job: number): number;
  /** When it will free its GPUs if nothing disturbs it, from its true duration, µs. */
  expectedEndUs(job: number): number;
  /** Time a placement in `pool` would take from now to the end, µs, from its true duration. */
  spanUs(job: number, pool: number): number;
}

/**
 * Workers `tasks[i]` go to `nodes[i]` and take the GPUs in the bits of `masks[i]`. An elastic job starts with its minimum;
 * workers placed after that join it as it runs.
 */
export interface PlaceAction {
  kind: 'place';
  job: number;
  tasks: number[];
  nodes: number[];
  masks: number[];
  reason: string;
}

export interface PreemptAction {
  kind: 'preempt';
  job: number;
  reason: string;
  /** Its work is saved whatever the job itself would do when preempted. */
  saves?: boolean;
  /** It is given up instead of queued again. */
  cancels?: boolean;
  /** Its grace period is cut to this, µs; a job that needs longer to save itself loses what it had. */
  graceUs?: number;
}

/** Some workers of an elastic job leave after its grace period; at least its minimum stays. Nothing is lost. */
export interface ShrinkAction {
  kind: 'shrink';
  job: number;
  tasks: number[];
  reason: string;
}

/** Why a job goes on waiting, for `explain`; changes nothing. */
export interface WaitAction {
  kind: 'wait';
  job: number;
  reason: string;
}

export type Action = PlaceAction | PreemptAction | ShrinkAction | WaitAction;
