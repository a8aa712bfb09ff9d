/**
 * What Run:ai's scheduler is given at the start of a cycle, as plain data: the nodes, queues and jobs of one node pool.
 *
 * Made out of a running simulation (`runai.ts`), of a conformance case (`bench/conform`) or of a real cluster's snapshot
 * (`scenarios/snapshot`); `session.ts` compiles it into columns. Names are unique among their kind. Sizes are GPUs,
 * 1/1000 core, bytes, MiB where the name says so; times are µs on the clock of `now`, durations are µs.
 */

/** Status of a task, as the scheduler's own words have it. */
export const TASK_STATUS = [
  'Pending',
  'Gated', // held back by a scheduling gate: not to be placed, does not count
  'Allocated', // placed in an earlier cycle, not yet bound
  'Pipelined', // promised resources that are being released
  'Binding',
  'Bound',
  'Running',
  'Releasing', // told to leave; its resources become free soon
  'StuckInReleasing', // leaving, but its resources cannot be counted on
  'Succeeded',
  'Failed',
] as const;
export type TaskStatus = (typeof TASK_STATUS)[number];

export interface NodeState {
  name: string;
  /** Whole GPUs that the kubelet offers; those cut into MIG instances are not among them. */
  gpus: number;
  cpuMilli: number;
  memoryBytes: number;
  /** Most tasks it may hold (Kubernetes: pods). */
  maxTasks: number;
  /** Memory of one GPU, whole MiB; 0 = not known. */
  gpuMemoryMiB: number;
  labels: Record<string, string>;
  taints: { key: string; value: string; effect: string }[];
  /** Open to new tasks; a cordoned or not-ready node keeps the tasks it has. */
  schedulable: boolean;
  /** `mixed` takes only MIG requests; on `single` an instance is asked for as a whole GPU. */
  mig: 'none' | 'single' | 'mixed';
  /** MIG resource name → instances, e.g. `nvidia.com/mig-1g.5gb` → 7. */
  migInstances: Record<string, number>;
}

/** One resource of a queue; −1 = unlimited. */
export interface QueueResource {
  deserved: number;
  limit: number;
  overQuotaWeight: number;
}

export interface QueueState {
  name: string;
  /** Name of the queue above, null at the top. */
  parent: string | null;
  priority: number;
  /** Older queues (smaller) come first among equals. */
  createdUs: number;
  gpu: QueueResource;
  /** 1/1000 core. */
  cpuMilli: QueueResource;
  memoryBytes: QueueResource;
  /** Victims younger than this are spared by preempt, by reclaim; 0 = not, null = as the queue above says. */
  preemptMinRuntimeUs: number | null;
  reclaimMinRuntimeUs: number | null;
  /** Share of the pool's capacity it used lately, 0 … 1, by resource; for time-based fair share. */
  usage: { gpu: number; cpu: number; memory: number };
}

/** Node labels name the levels, outermost first. */
export interface TopologyState {
  name: string;
  levels: string[];
}

export interface TopologyWish {
  topology: string;
  /** A node label, or null. */
  required: string | null;
  preferred: string | null;
}

/** A node of a job's tree of subgroups; a leaf (no children) is a pod set that tasks belong to. */
export interface SubGroupState {
  name: string;
  /** Leaf: tasks that must run together. */
  minAvailable: number;
  /** Inner node: children that must be met; null = all. */
  minSubGroups: number | null;
  topology: TopologyWish | null;
  children: SubGroupState[];
}

/** Required at scheduling: tasks with all these labels in the same (or in no same) domain of a node label. */
export interface PodAffinity {
  topologyKey: string;
  labels: Record<string, string>;
}

export interface NodeSelectorTerm {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values: string[];
}

export interface TaskState {
  name: string;
  status: TaskStatus;
  /** Where it is; null while it is nowhere. Means nothing for a pending task. */
  node: string | null;
  /** Leaf of the job's subgroup tree it belongs to. */
  subGroup: string;
  /** Higher first inside its job. */
  priority: number;
  cpuMilli: number;
  memoryBytes: number;
  /** Per device: 1 = a whole GPU, less = a share of one; more than 1 only with `gpuDevices` 1 (that many whole GPUs). */
  gpus: number;
  /** Per device, instead of `gpus`; 0 = not by memory. */
  gpuMemoryMiB: number;
  /** GPUs the share or memory is taken on. */
  gpuDevices: number;
  /** MIG resource name → count; then no `gpus`. */
  migInstances: Record<string, number>;
  legacyMig: boolean;
  /** Labels of the shared GPUs it sits on: tasks of a node with the same label share that GPU. */
  gpuGroups: string[];
  labels: Record<string, string>;
  /** All terms must hold. */
  nodeAffinity: NodeSelectorTerm[];
  tolerations: { key: string; operator: 'Equal' | 'Exists'; value: string; effect: string }[];
  podAffinity: PodAffinity[];
  podAntiAffinity: PodAffinity[];
  /** A node named by an earlier decision, preferred over all others; null = none. */
  nominatedNode: string | null;
}

export interface JobState {
  name: string;
  queue: string;
  priority: number;
  preemptible: boolean;
  createdUs: number;
  /** When it last began to run; for minRuntime. null = not running. */
  startedUs: number | null;
  /** Since when it is below its gang minimum though running; null = it is not. */
  staleSinceUs: number | null;
  /** Negative = a stale gang is never evicted. */
  stalenessGraceUs: number;
  /** When it was last evicted; absent or null = never. */
  evictedUs?: number | null;
  /** It may displace others only after having waited this long. */
  preemptionDelayUs: number;
  /** Root of the tree; a plain gang is a leaf with minAvailable = number of tasks. */
  subGroups: SubGroupState;
  tasks: TaskState[];
}

export interface SchedulerState {
  nowUs: number;
  nodes: NodeState[];
  queues: QueueState[];
  topologies: TopologyState[];
  jobs: JobState[];
}
