/** The policy that decides, and objects of Kueue and Slurm that a scenario states as they are. */

/** A policy by name with its arguments; the policy itself checks the arguments. */
export interface PolicyChoice {
  name: string;
  args: Record<string, unknown>;
}

/** What Kueue's quotas are counted in: GPUs, millicores of CPU, MiB of memory. */
export const KUEUE_RESOURCES = ['gpu', 'cpu', 'memory'] as const;
export type KueueResource = (typeof KUEUE_RESOURCES)[number];

/** Quota of one resource in one flavour. Limits are Infinity where none is stated. */
export interface KueueQuota {
  /** Index into `flavors`. */
  flavor: number;
  resource: KueueResource;
  nominal: number;
  borrowingLimit: number;
  lendingLimit: number;
}

export interface KueueCohort {
  name: string;
  /** Index of the parent cohort, -1 at the top. */
  parent: number;
  quotas: KueueQuota[];
  /** Weight in fair sharing. */
  weight: number;
}

/** A ClusterQueue; what it does not state takes the defaults of the policy's preset. */
export interface KueueClusterQueue {
  name: string;
  /** Index of the project whose jobs queue here. */
  project: number;
  /** Index into `cohorts`, -1 = none. */
  cohort: number;
  /** Resources that share a flavour, and the flavours in the order in which they are tried. */
  groups: { resources: KueueResource[]; flavors: number[] }[];
  quotas: KueueQuota[];
  weight: number;
  queueingStrategy?: string;
  reclaimWithinCohort?: string;
  withinClusterQueue?: string;
  borrowWithinCohort?: string;
  /** Highest priority that a borrowing workload may preempt in other queues. */
  maxPriorityThreshold?: number;
  whenCanBorrow?: string;
  whenCanPreempt?: string;
  flavorPreference?: string;
}

/** Kueue's own objects, where a scenario states them; otherwise the policy makes them of projects and departments. */
export interface KueueSettings {
  /** A flavour is the node pools whose nodes carry its labels. */
  flavors: { name: string; pools: number[] }[];
  cohorts: KueueCohort[];
  clusterQueues: KueueClusterQueue[];
}

/** A partition as slurm.conf states it; what is not stated takes the defaults of the policy's arguments. */
export interface SlurmPartition {
  name: string;
  /** Limit of jobs that ask for none, µs. */
  defaultTimeUs?: number;
  /** Longest limit a job may ask for, µs. */
  maxTimeUs?: number;
  priorityTier?: number;
  priorityJobFactor?: number;
}

/** A quality of service as `sacctmgr` states it; what is not stated does not limit. */
export interface SlurmQos {
  name: string;
  priority?: number;
  /** Names of those whose jobs this one's may preempt. */
  preempt?: string[];
  /** What happens to this one's jobs when they are preempted. */
  preemptMode?: 'cancel' | 'requeue' | 'off';
  /** Time a preempted job is given to stop, and time it may run before it can be preempted, µs. */
  graceTimeUs?: number;
  preemptExemptTimeUs?: number;
  /** Longest limit a job may ask for, µs. */
  maxWallUs?: number;
  maxJobsPerUser?: number;
  maxGpusPerUser?: number;
  grpJobs?: number;
  grpGpus?: number;
}

/** Slurm's own objects, where a scenario states them; partitions and QOS that jobs name need not be listed. */
export interface SlurmSettings {
  partitions: SlurmPartition[];
  qos: SlurmQos[];
}
