/** The scheduler's memory: plain data. */
import type { ShareTree } from './fairshare.ts';
import type { Model } from './model.ts';

/** Why a job waits, in squeue's words. `Dependency` is the world's: such a job is not shown to a policy yet. */
export const REASONS = [
  'None',
  'Resources',
  'Priority',
  'BeginTime',
  'PartitionTimeLimit',
  'ReqNodeNotAvail',
  'QOSMaxWallDurationPerJobLimit',
  'QOSMaxJobsPerUserLimit',
  'QOSMaxGRESPerUser',
  'QOSGrpJobsLimit',
  'QOSGrpGRES',
] as const;
export type Reason = (typeof REASONS)[number];

export interface Memory {
  model: Model;
  tree: ShareTree;
  /** Pending jobs, first in line first. */
  queue: number[];
  priority: Float64Array;
  /** When it was queued (again), and before when it may not start, µs. */
  queuedAt: Float64Array;
  beginAt: Float64Array;
  /** Jobs that may not start yet. */
  delayed: number[];
  /** Has started: the next time it is queued it was requeued. */
  started: Uint8Array;
  /** Index into REASONS, as last told. */
  reason: Uint8Array;
  /** Jobs that hold GPUs by (believed end, job), and that end: start + limit, µs. */
  running: number[];
  endOf: Float64Array;
  startOf: Float64Array;
  /** Jobs and GPUs that run, by QOS and by QOS × users + user. */
  qosJobs: Float64Array;
  qosGpus: Float64Array;
  userJobs: Map<number, number>;
  userGpus: Map<number, number>;
  /** Jobs that wait for those they preempted. */
  victims: Map<number, number[]>;
  nodeState: Uint8Array;
  /** Whether a job fits its pools' ready nodes when they are empty, until a node changes. */
  fitsReady: Map<number, boolean>;
  /** Something changed since the last main pass; the last one did not get to all jobs. */
  mainDue: boolean;
  mainPartial: boolean;
  mainAt: number;
  /** A backfill pass could start something: from this time on even if nothing changes, µs. */
  backfillFrom: number;
  backfillAt: number;
  /** Planned starts of the last pass that planned, µs. */
  planned: Map<number, number>;
  /** When a job becomes old enough to be preempted, µs. */
  preemptFrom: number;
  calculatedAt: number;
}
