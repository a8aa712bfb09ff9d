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

/** Parts of the cluster a gang may wish to stay inside of, widest first. */
export const TOPOLOGY_LEVELS = ['block', 'rack', 'nvlinkDomain'] as const;
export type TopologyLevel = (typeof TOPOLOGY_LEVELS)[number];

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
  /** GPUs are paid for in whole multiples of this time, µs; absent or 0 = to the microsecond. */
  billingIncrementUs?: number;
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
  /** Where nodes change pools: the node whose hardware this one is, itself but for those that take over another's. */
  hardware?: Int32Array;
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
  /** As of a pool. */
  billingIncrementUs?: number;
}

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

/** Rates of one GPU's share of each kind of link, bytes per second, and time lost per message, µs. */
export interface NetworkSettings {
  algorithm: 'ring' | 'tree';
  nvlinkBytesPerSecond: number;
  railBytesPerSecond: number;
  spineBytesPerSecond: number;
  nvlinkLatencyUs: number;
  railLatencyUs: number;
  spineLatencyUs: number;
}

/** What a job's GPUs sum up over the whole gang in each step, and the step's time where they stand as close as they could. */
export interface AllReduce {
  bytes: number;
  stepUs: number;
}

/** How spot capacity of a pool is taken away and comes back. */
export interface SpotSpec {
  /** Warning before it goes, µs. */
  noticeUs: number;
  /** Mean time to reclaim of one node at factor 1, µs. */
  meanUs: number;
  /** Factor on the hazard by age of the node: from `fromUs` on; ascending, the first at 0. */
  byAge: { fromUs: number; factor: number }[];
  /** Nodes older than this are taken for certain, µs (GCP's preemptible VMs: a day); Infinity = no limit. */
  maxAgeUs: number;
  /** Factor on the hazard by hour of the day, 24 of them. */
  byHour: number[];
  /** Chance that a node of the pool goes along when another does. */
  batchShare: number;
  /** Within what time of it, µs. */
  batchWindowUs: number;
  /** Mean time until capacity that was taken returns, µs. */
  returnMeanUs: number;
}

/** Electric power of the nodes' GPUs with their share of the node, by pool, W a GPU. */
export interface EnergySettings {
  pue: number;
  /** Grams of CO2-equivalent per kWh. */
  gramsCo2PerKwh: number;
  /** Of electricity, integer micro-dollars; absent = not billed apart. */
  microUsdPerKwh?: number;
  pools: { idleWatts: number; busyWatts: number; offWatts: number; source: string }[];
  source: string;
}

/** What candidate faults are drawn for. `nvlink`: an NVLink or switch domain; `network`: a rack's leaf switch, or all. */
export const FAULT_UNITS = ['gpu', 'nvlink', 'node', 'rack', 'storage', 'network'] as const;
export type FaultUnit = (typeof FAULT_UNITS)[number];

/** How the times between a unit's candidate faults are distributed about their mean. */
export type Hazard =
  | { type: 'exponential' }
  | { type: 'weibull'; shape: number }
  /** `sigma`: standard deviation of the logarithm. */
  | { type: 'lognormal'; sigma: number }
  /** Gaps as recorded, each as likely as the others, stretched so that their mean is the unit's. */
  | { type: 'recorded'; gapsUs: number[] }
  /** Exponential, but more often while a unit is young and when it is old. */
  | { type: 'bathtub'; infantFactor: number; infantUs: number; wearOutFactor: number; wearOutAfterUs: number };

/** A source of faults, the same for every unit of its kind. */
export interface FaultProcess {
  name: string;
  unit: FaultUnit;
  /** Pools whose units it strikes; absent = all. */
  pools?: number[];
  /** Mean time between candidates of one unit that is no lemon, µs. */
  meanUs: number;
  hazard: Hazard;
  /** What it is, by weight: kinds are those of the catalogue (sim/world/faults/kinds.ts), `cause` is for reports. */
  mix: { kind: string; cause: string; weight: number }[];
  /** With this probability a candidate is followed by `count` more on other units of the same group, `withinUs`. */
  burst?: { probability: number; count: number; withinUs: number; among: 'rack' | 'nvlinkDomain' | 'cluster' };
}

/** A time that is drawn: lognormal by its median and the standard deviation of its logarithm, µs. */
export interface DrawnTime {
  medianUs: number;
  sigma: number;
}

/** What repairs a node, step by step: each step that fails is tried again, then the next one up is taken. */
export interface RepairSettings {
  gpuReset: DrawnTime & { success: number };
  reboot: DrawnTime & { success: number };
  service: DrawnTime & { success: number };
  /** Replacement of hardware: triangular, µs. */
  rma: { leastUs: number; likeliestUs: number; mostUs: number };
  /** Tries beyond the first of each step. */
  retries: number;
  /** Two faults of one kind within this time skip a step, µs; 0 = never. */
  repeatWithinUs: number;
  /** People who can serve nodes at the same time; 0 = as many as needed. */
  crews: number;
  /** Health check before a node returns, µs; after service; after hardware was replaced (image and burn-in), µs. */
  checkUs: number;
  serviceCheckUs: number;
  burnInUs: number;
}

/** What is done to a node before it takes work. `image` takes one of the places for imaging. */
export const PROVISIONING_STEPS = ['image', 'firmware', 'reboot', 'burn-in', 'check'] as const;
export interface ProvisioningStep {
  kind: (typeof PROVISIONING_STEPS)[number];
  time: DrawnTime;
  /** Probability that the node fails it and goes to repair. */
  failure: number;
}

/** How a node that has jobs is emptied. */
export interface DrainRule {
  /** How long its jobs may go on, µs; Infinity = as long as they like. */
  waitUs: number;
  /** Those that have not ended then write a checkpoint, if they write any, and leave; or die; or the node is let go for this time. */
  overdue: 'preempt' | 'kill' | 'skip';
}

/** New firmware, or a new image, for all nodes of some pools, a few at a time. */
export interface RolloutSpec {
  name: string;
  atUs: number;
  pools: number[];
  steps: ProvisioningStep[];
  drain: DrainRule;
  /** Nodes taken together: the next wave begins when all of them are over, and this much later; 0 = no waves. */
  perWave: number;
  betweenWavesUs: number;
  /** Most nodes of its pools out of service at a time, for whatever reason; a share (0–1) of them, rounded down, at least 1. */
  maxUnavailable: { count: number } | { share: number };
  order: 'rack' | 'name' | 'idle-first';
  /** After so many failed updates, or such a share of the nodes, no more nodes are taken for this long, µs; Infinity = it stops. */
  pause?: { failures: { count: number } | { share: number }; forUs: number };
  /** With what the repair of a node begins whose update failed. */
  repair: 'reboot' | 'service' | 'rma';
}

/** Nodes that join, leave, or go over to another pool at a stated time. */
export interface NodeChange {
  name: string;
  kind: 'join' | 'leave' | 'move';
  atUs: number;
  nodes: number[];
  /** Of a move: what each of the nodes is in its new pool. */
  becomes: number[];
  drain: DrainRule;
  /** What is done to nodes that come. */
  steps: ProvisioningStep[];
}

/** How nodes come into the cluster, are updated and leave (BCM). */
export interface ProvisioningSettings {
  /** Nodes that are not there at the start. */
  absent: number[];
  /** Nodes that can be imaged at the same time. */
  parallelImaging: number;
  /** What a node goes through before it returns: after a reset or reboot, after service, with new hardware. */
  returns: { quick: ProvisioningStep[]; served: ProvisioningStep[]; renewed: ProvisioningStep[] };
  /** With what the repair of a node begins that fails its burn-in or a check when it is new. */
  newRepair: 'reboot' | 'service' | 'rma';
  /** A spare of its pool takes the place of every node that goes to repair. */
  sparesReplace: boolean;
  rollouts: RolloutSpec[];
  changes: NodeChange[];
  /** Of repairs, in place of those of the fault model. */
  repair?: RepairSettings;
}

export interface FaultSettings {
  processes: FaultProcess[];
  /** Faults that are told instead of drawn, by time. */
  listed: { atUs: number; node: number; gpu: number; kind: string }[];
  /** So many of the nodes are lemons, at so many times the rate of the others. */
  lemons: { share: number; factor: number };
  /** Spread of GPUs' own rates: standard deviation of the logarithm of a lognormal with mean 1. */
  gpuSpread: number;
  /** Age of all nodes at the start, µs. */
  ageUs: number;
  /** Silent corruption: the share that is ever found, and after how long. */
  corruption: DrawnTime & { found: number };
  repair: RepairSettings;
}

/** What the control plane sees is as old as its last sample. */
export interface TelemetrySettings {
  /** Between two readings of the GPUs by the exporter, µs. */
  exporterUs: number;
  /** Between two readings of the exporter by who acts on it, µs; 0 = at once. */
  scrapeUs: number;
}

/** What a stack does about faults by itself: docs/faults.md has each value's source. */
export interface StackSettings {
  name: string;
  /** From the death of a process to its being noticed, µs. */
  exitUs: number;
  /** From a node falling silent to its being given up, µs. */
  nodeDownUs: number;
  /** A gang that hangs is ended by its collective's timeout, µs. */
  hangUs: number;
  /** What is done with a dead job: its processes are started in place if it is a single pod, it is queued again, or a person has to do it. */
  gang: 'requeue' | 'person';
  single: 'requeue' | 'in-place';
  requeueDelayUs: number;
  /** From a GPU or node being unfit to its taking no new work, µs after it is noticed; -1 = when a person sees to it. */
  closeUs: number;
  /** Who repairs nodes and lets them return. */
  repairBy: 'person' | 'machine';
  /** What happens to healthy jobs on a node that has to be repaired. */
  neighbours: 'wait' | 'evacuate';
  /** Events of DCGM are seen and acted upon; otherwise only deaths are. */
  events: boolean;
  /** People: how long they take to find out what to do, and when they work (local hours; Monday to Friday unless `weekends`). */
  person: { takesUs: number; fromHour: number; toHour: number; weekends: boolean };
}

/** A FaultTolerancePolicy. */
export interface FaultToleranceSettings {
  name: string;
  /** XID codes. */
  eventCodes: number[];
  /** Mean of `utilizationField` over the window below which a job counts as stalled, 0..1; -1 = not watched. */
  utilizationDropThreshold: number;
  utilizationField: string;
  utilizationWindowUs: number;
  action: 'CheckpointAndReschedule' | 'RestartInPlace' | 'HotSpare' | 'ShrinkElastic' | 'Ignore';
  /** -1 = without limit. */
  maxRescheduleAttempts: number;
  rescheduleDelayUs: number;
  checkpointPath: string;
}

export interface RecoverySettings {
  stack: StackSettings;
  /** No stack was named: it is that of whichever policy is run. */
  stackOfPolicy?: boolean;
  telemetry: TelemetrySettings;
  /** Absent = what the stack does by itself. */
  faultTolerance?: FaultToleranceSettings;
  /** Nodes kept out of use for action `HotSpare`, by pool. */
  spares: number[];
}

/** What it takes to set a stack up and keep it running, in hours of people; simulated faults come on top. */
export interface OperationsEffort {
  /** Hours of each engineer until the first job runs, and how many engineers. */
  setUpHours: number;
  engineers: number;
  /** Hours of upgrades and care in a month of 720 h, all engineers together. */
  upkeepHoursPerMonth: number;
  microUsdPerHour: number;
  /** Time over which the set-up is written off, µs. */
  setUpLastsUs: number;
}

/** One of the ways to run a cluster that are compared; docs/break-even.md has each value's source. */
export interface ComparedStack {
  name: string;
  title: string;
  /** Decides order, quota and gangs. */
  policy: PolicyChoice;
  /** Work that asks for part of a GPU gets a whole one. */
  wholeGpus: boolean;
  /** How faults are noticed and what is done about them. */
  settings: StackSettings;
  /** Absent = as the scenario says, else as shipped. */
  telemetry?: TelemetrySettings;
  /** `scenario`: its FaultTolerancePolicy, else the guide's; other stacks have none. */
  faultTolerance: 'scenario' | 'none';
  /** Where replicas of inference deployments go. Stated; the policy decides what is simulated of it. */
  servingPlacement: 'spread' | 'bin-pack' | 'slo-aware' | 'none';
  operations: OperationsEffort;
  /** Integer micro-dollars per GPU-year of 8,760 h. */
  licenceMicroUsd: number;
}

// --- LLM serving by requests ---------------------------------------------------------------------------------------

export type Precision = 'fp16' | 'fp8' | 'fp4';
/** A transformer, as far as its speed depends on it. */
export interface ModelShape {
  layers: number;
  hidden: number;
  heads: number;
  /** Beyond so many GPUs tensor parallelism copies keys and values instead of dividing them. */
  kvHeads: number;
  headDim: number;
  /** Values (of keys and values together) that one token leaves in the cache, over all layers. */
  kvValues: number;
  /** Parameters multiplied for every token, without experts, input embedding and output head. */
  denseParams: number;
  /** Output head: vocabulary × hidden; kept at 16 bits. */
  headParams: number;
  /** `count` experts in each of `layers` layers, of which a token uses `chosen`. */
  experts?: { layers: number; count: number; chosen: number; paramsEach: number };
}

/** One GPU, by its sheet. FLOP/s are dense; `null` = the format does not exist on it. */
export interface GpuShape {
  hbmBytesPerSecond: number;
  flops: Record<Precision, number | null>;
  /** NVLink (or PCIe) of one GPU, one way, bytes per second. */
  linkBytesPerSecond: number;
}

/** What of the sheet is reached, each as measured by somebody; see `scenarios/catalogue/serving.ts` for the values. */
export interface Efficiency {
  /** Share of the dense peak that the largest matrix products reach. */
  mfu: Record<Precision, number>;
  /** Tokens at which a matrix product reaches half of that: small ones leave multiprocessors idle. */
  halfTokens: number;
  /** Of prefill attention, which computes at 16 bits. */
  attentionMfu: number;
  /** Share of memory bandwidth, by tensor-parallel degree 1, 2, 4, 8 and more. */
  mbu: readonly [number, number, number, number];
  /** Of one-way link bandwidth, in an all-reduce; and what one all-reduce takes at least, seconds. */
  linkShare: number;
  allReduceSeconds: number;
  /** Norms, rotary embedding, activations: per layer, seconds; and bytes moved per token, layer and unit of width. */
  layerSeconds: number;
  activationBytes: number;
  /** Of these, the share that tensor parallelism divides. */
  activationSplit: number;
  /** The host's share of an iteration, and of each running sequence in it (sampling, detokenising), seconds. */
  hostSeconds: number;
  sequenceSeconds: number;
}

export interface Parallelism {
  tensor: number;
  pipeline: number;
}

/** Tokens of a prompt or an output. */
export type RequestLength =
  | number
  /** Lognormal; `sigma` is of the logarithm. */
  | { median: number; sigma: number; max: number }
  /** Equally spaced quantiles, straight lines between them. */
  | { quantiles: readonly number[] };

/** What decides when requests come. Rates are per second, means over the whole time. */
export type RequestProcess =
  | { kind: 'poisson'; perSecond: number }
  /** Gaps are gamma distributed with this coefficient of variation; above 1 they come in bursts. */
  | { kind: 'gamma'; perSecond: number; cv: number }
  | {
      kind: 'diurnal';
      perSecond: number;
      amplitude: number;
      peakHour: number;
      weekendFactor: number;
      startEpochUs: number;
    };

export interface GeneratedRequests {
  process: RequestProcess;
  prompt: RequestLength;
  output: RequestLength;
  tenant: number;
  /** No request comes at or after this, µs. */
  untilUs: number;
  /** At most so many; Infinity = no limit. */
  count: number;
}

/** Requests known beforehand, as columns in the order of time. */
export interface RequestColumns {
  count: number;
  timeUs: Float64Array;
  prompt: Int32Array;
  output: Int32Array;
  tenant: Int32Array;
  /** Sparse. */
  hashes: Map<number, readonly number[]>;
}

/** Targets of a deployment, µs; Infinity = none. */
export interface Slo {
  ttftUs: number;
  /** Time to generate a token, after the first. */
  tokenUs: number;
}

/** Why a request missed its target; the first that applies. */
export const CAUSES = [
  'fault',
  'preempted',
  'cold-start',
  'kv-pressure',
  'stale-telemetry',
  'queue',
  'prefill',
  'batch',
] as const;
export type Cause = (typeof CAUSES)[number];

/** One request's life, µs. */
export interface RequestTrace {
  number: number;
  tenant: number;
  replica: number;
  prompt: number;
  output: number;
  cachedTokens: number;
  arrivalUs: number;
  admittedUs: number;
  firstTokenUs: number;
  doneUs: number;
  preemptions: number;
  /** Undefined where the target was met. */
  missed?: Cause;
}

/** A replica on the GPUs of one pool: one deployment may come to stand on several kinds. */
export interface ReplicaVariant {
  pool: number;
  gpuModel: string;
  gpu: GpuShape;
  parallelism: Parallelism;
  /** KV blocks, and what one iteration may hold. */
  blocks: number;
  maxTokens: number;
  maxSequences: number;
}

/** From its GPUs' being given to a replica until it answers. */
export interface ColdStart {
  /** Pull of the image where the node does not have it, µs. */
  imageUs: number;
  /** Weights, read from a store that all replicas loading at the time share, or from the node's own disk if it has them. */
  weightBytes: number;
  storeBytesPerSecond: number;
  diskBytesPerSecond: number;
  /** Compilation, graph capture; then until the endpoint is probed and registered, µs. */
  warmUpUs: number;
  registerUs: number;
}

export type Autoscaling = { min: number; max: number; tickUs: number } & (
  | {
      /** Knative's (KServe): concurrent requests a replica, over a stable and a panic window. */
      kind: 'concurrency';
      /** What a replica is meant to have, the share of it aimed at in. */
      target: number;
      stableUs: number;
      panicUs: number;
      /** Times what the replicas are meant to have that begins a panic. */
      panicFactor: number;
      maxUpFactor: number;
      maxDownFactor: number;
      /** Idle for so long before the last one goes, µs. */
      toZeroUs: number;
    }
  | {
      /** Kubernetes' HorizontalPodAutoscaler on the mean number of requests a replica. */
      kind: 'hpa';
      target: number;
      tolerance: number;
      downStabilisationUs: number;
      upPods: number;
      upFactor: number;
    }
  | {
      /** The fewest replicas that meet the targets at the rate seen, by the closed form. */
      kind: 'slo';
      /** Share of requests that are to meet them. */
      attainment: number;
      /** Times the rate seen that is planned for. */
      headroom: number;
      /** Fewer replicas must have sufficed for so long, µs. */
      downUs: number;
    }
);

/** Row of the guide's table that a deployment falls under. */
export const PLACEMENT_RULES = ['long-context', 'throughput', 'interactive', 'nvlink-group', 'preferred'] as const;
export type PlacementRule = (typeof PLACEMENT_RULES)[number];

/** How a control plane picks nodes for replicas, and when it moves them. */
export interface ServingPlacement {
  rule: PlacementRule;
  /** Pools that are acceptable, best first; nodes elsewhere are never picked. */
  pools: number[];
  /** No new replica on a node, and replicas move away from one, above this mean of the field over the window; 0..1. */
  avoidUtil: number;
  /** A node that was passed over is taken again below this. */
  clearUtil: number;
  field: UtilField;
  windowUs: number;
  /** Whether replicas that stand on a node above the threshold are moved. */
  rebalances: boolean;
}

/** `DCGM_FI_DEV_GPU_UTIL`: any kernel runs. `DCGM_FI_PROF_PIPE_TENSOR_ACTIVE`: share of the peak arithmetic done. */
export const UTIL_FIELDS = ['DCGM_FI_DEV_GPU_UTIL', 'DCGM_FI_PROF_PIPE_TENSOR_ACTIVE'] as const;
export type UtilField = (typeof UTIL_FIELDS)[number];

/** A way to place a deployment, judged by the closed form of fidelity `rate`. Times in µs. */
export interface PlacementOption extends Parallelism {
  gpuModel: string;
  precision: Precision;
  /** What carries the sums of tensor parallelism. */
  link: 'none' | 'PCIe' | 'NVLink' | 'InfiniBand';
  /** Pools of this cluster with room for a replica of it, and whether they have room for all that are needed. */
  pools: string[];
  fits: boolean;
  /** Micro-dollars per replica and hour; null = no price is known. */
  microUsd: number | null;
  /** With nobody else there: first token of the longest of 99 % of the prompts, and each token after it. */
  ttftUs: number;
  tokenUs: number;
  /** Longest prompt whose first token is in time with nobody else there, tokens; 0 = none. */
  longestPrompt: number;
  /** Fewest replicas with which 99 % of requests meet both targets in the busiest hour; 0 = no number of them does. */
  replicas: number;
}

/** Whether the targets of a deployment can be met at all, and where. */
export interface PlacementVerdict {
  /** Tokens of the longest of 99 % of the prompts; requests per second in the busiest hour. */
  promptTokens: number;
  perSecond: number;
  /** Those it may stand on in this scenario, the preferred one first. */
  here: PlacementOption[];
  /** All others, of the cluster and the catalogue, that meet the targets: the fewest GPUs first. */
  elsewhere: PlacementOption[];
  /** Where nothing does: the quickest of all. */
  quickest?: PlacementOption;
}

/** An inference deployment whose requests are simulated. */
export interface ServingSpec {
  name: string;
  /** Jobs that hold GPUs, one a replica; those beyond `replicas` wait until they are called for. */
  replicaJobs: number[];
  /** Replicas at the start. */
  replicas: number;
  /** Every request and every batch, or closed form by replica and minute. */
  fidelity: 'requests' | 'rate';
  /** In service when the simulation begins; else deployed at its start. */
  startsActive: boolean;
  /** By pool that its replicas may stand in, the preferred one first. */
  variants: ReplicaVariant[];
  model: ModelShape;
  modelName: string;
  precision: Precision;
  efficiency: Efficiency;
  blockTokens: number;
  prefixTokens: number;
  routing: 'round-robin' | 'least-outstanding' | 'prefix-aware';
  /** Requests a replica may have before more are turned away; Infinity = no limit. */
  maxOutstanding: number;
  /** How long a replica that is to go may finish what it has, µs. */
  drainUs: number;
  coldStart: ColdStart;
  autoscaling?: Autoscaling;
  placement?: ServingPlacement;
  /** Absent where no target of a request is stated. */
  verdict?: PlacementVerdict;
  /** Targets, µs; Infinity = none. `tokensPerSecond`: of the whole deployment, 0 = none. */
  ttftUs: number;
  tokenUs: number;
  tokensPerSecond: number;
  tenants: string[];
  /** Drawn, or replayed `rate` times as fast; mixed by time. */
  requests: (GeneratedRequests | { columns: RequestColumns; rate: number })[];
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
  kueue?: KueueSettings;
  slurm?: SlurmSettings;
  /** What breaks; absent = nothing. */
  faults?: FaultSettings;
  /** What is noticed of it, and done about it; absent = as the stack `runai`. */
  recovery?: RecoverySettings;
  /** Stacks that this scenario describes otherwise than simsup does; for comparisons only. */
  stacks?: ComparedStack[];
  /** File systems, and which of the jobs' checkpoints and data lie there. */
  storage?: StorageSettings;
  /** What communication costs; absent = a step takes the same time wherever a gang stands. */
  network?: NetworkSettings;
  /** Reclaim of spot capacity, by pool; null = nobody takes it away. */
  spot?: (SpotSpec | null)[];
  energy?: EnergySettings;
  /** How nodes come, are updated and leave; absent = all are there from the start to the end. */
  provisioning?: ProvisioningSettings;
  /** Deployments whose requests are simulated. */
  serving?: ServingSpec[];
  /** What is assumed and where from: shown by `run` and in reports. */
  assumptions: string[];
  /** What workers are known to ask for, for placement that looks ahead (`fgd`); counted from the jobs where not given. */
  typicalWorkers?: TypicalWorker[];
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
