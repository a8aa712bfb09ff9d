/** File systems, and what jobs write to and read from them. */

/** A file system, shared by all nodes. Rates in bytes per second; Infinity = no limit. */
export interface FileSystemSpec {
  name: string;
  readBytesPerSecond: number;
  writeBytesPerSecond: number;
  /** Of one node. */
  nodeReadBytesPerSecond: number;
  nodeWriteBytesPerSecond: number;
  /** What pools that are not near it get in all, each way. */
  farBytesPerSecond: number;
  /** Pools that are near; absent = all. */
  near?: number[];
  capacityBytes: number;
  /** How long the last checkpoint of a job that has ended is kept, µs. */
  retentionUs: number;
  /** No file system but the nodes' own disks or memory: faults of storage pass it by. */
  ofNodes?: boolean;
}

/**
 * Where a checkpoint goes: `local` disks of the job's nodes (of use only to the same nodes), `peer-memory` (host memory
 * of other nodes of the job: survives one node, not a preemption), `shared` (a file system: survives all).
 */
export const CHECKPOINT_TIERS = ['local', 'peer-memory', 'shared'] as const;
export type CheckpointTier = (typeof CHECKPOINT_TIERS)[number];

/** How a job writes checkpoints that have a size. */
export interface CheckpointPlan {
  /** Of one checkpoint of the whole job. */
  bytes: number;
  /** Asynchronous: the job stalls for `stallUs`, the write goes on behind; else it stalls until the write has landed. */
  asynchronous: boolean;
  stallUs: number;
  tier: CheckpointTier;
  /** Of tiers below `shared`: every how many checkpoints one goes to the shared file system; 0 = none. */
  sharedEvery: number;
  /** Index into `fileSystems` for the shared tier. */
  fileSystem: number;
  /** Index into `fileSystems` of the tier's own where it is not shared. */
  tierFileSystem: number;
  /** Complete checkpoints kept in the shared file system. */
  keep: number;
}

/** What a job reads before its first step, each time it starts. */
export interface DatasetPlan {
  bytes: number;
  fileSystem: number;
}

export interface StorageSettings {
  fileSystems: FileSystemSpec[];
}
