/** What Kueue's controller remembers between decisions: plain data, copied when a simulation forks. */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import type { Action, View } from '../../cluster/view.ts';
import { KUEUE_RESOURCES } from '../../scenario.ts';
import type { PodQueue } from '../kubernetes/kubernetes.ts';
import type { KueuePreset } from './presets.ts';
import type { Holding, QuotaTree } from './quota.ts';

export const RESOURCES = KUEUE_RESOURCES.length;
export const RESOURCE_NAMES = ['nvidia.com/gpu', 'cpu', 'memory'] as const;
/** What one of a resource is counted as in the tree. */
export const RESOURCE_UNITS = [GPU_UNITS, 1, 1] as const;

/** A ClusterQueue's own rules, after defaults and arguments. */
export interface QueueRules {
  strictFifo: boolean;
  reclaimWithinCohort: 'Never' | 'LowerPriority' | 'Any';
  withinClusterQueue: 'Never' | 'LowerPriority' | 'LowerOrNewerEqualPriority';
  borrowWithinCohort: boolean;
  maxPriorityThreshold: number;
  triesNextBeforeBorrowing: boolean;
  triesNextBeforePreempting: boolean;
  preemptionOverBorrowing: boolean;
}

export interface Queue {
  /** Resources that share a flavour, and the flavours in order. */
  groups: { resources: number[]; flavors: number[] }[];
  rules: QueueRules;
}

/** Pending workloads of one ClusterQueue that differ only in age: what is decided of the oldest holds for all. */
export interface Line {
  shape: number;
  /** A heap by (queueing time, job). */
  jobs: number[];
  /** Found not to fit; waits for quota to be released in its cohort. */
  parked: boolean;
  /** Why, as told to those who join it. */
  code: WaitCode;
  text: string;
  /** Who joined since the line was last told why it waits. */
  untold: number[];
}

/** What Kueue sees of a workload. */
export interface Shape {
  priority: number;
  /** Per resource, in the tree's units. */
  requests: number[];
  /** Pools its nodes may be in. */
  pools: readonly number[];
}

/** An admitted workload: its quota, and how far its pods are. */
export interface Admission extends Holding {
  job: number;
  /** Pools that its flavours allow, in the job's order. */
  pools: number[];
  atUs: number;
  /** Told to go; holds its quota until it is gone. */
  evicted: boolean;
  ready: boolean;
  boundPods: number;
  /** Why it was admitted. */
  why: string;
}

export interface Target {
  job: number;
  why: string;
}

export interface Assignment {
  mode: 'fit' | 'preempt' | 'noFit';
  asked: Holding;
  pools: number[];
  /** Names of the flavours, for people. */
  flavors: string[];
  /** Cells in which something would have to be preempted. */
  contested: number[];
  /** Whom to preempt in the cell tried last: the answer where there is only one. */
  targets: Target[];
  /** Height in the tree of the furthest quota borrowed. */
  borrows: number;
  code: WaitCode;
  text: string;
}

export interface Entry {
  job: number;
  queue: number;
  assignment: Assignment;
  targets: Target[];
}

/** A scheduling cycle under way: with a limited speed, or while admission is blocked, it lasts. */
export interface Cycle {
  entries: Entry[];
  /** Usage that stands in this cycle only: of workloads that wait for their victims, or hold back others. */
  reserved: Holding[];
  /** Workloads preempted in this cycle. */
  preempted: number[];
  /** Roots looked at, how often their parked workloads had been called back by then, and whether anything came of it. */
  roots: number[];
  callsBefore: number[];
  progress: number[];
  /** Workloads whose quota comes back at the end of the cycle, as its snapshot does not know it. */
  released: number[];
}

/** Reasons of Kueue's QuotaReserved condition, and what can hold up a workload after that. */
export const WAIT_CODES = [
  'PendingEvaluation',
  'WaitingForQuota',
  'ExceedsMaxQuota',
  'NoMatchingFlavor',
  'WaitingForPreemptedWorkloads',
  'Misconfigured',
  'WaitingForPodsReady',
  'Unschedulable',
  'Requeued',
  'Deactivated',
  'Preempted',
] as const;
export type WaitCode = (typeof WAIT_CODES)[number];

export interface Memory {
  tree: QuotaTree;
  queues: Queue[];
  flavors: { name: string; pools: number[] }[];
  queueOfProject: Int32Array;
  /** [GPUs, millicores, MiB] of each kind of node, by pool; null if workloads have no node affinity. */
  nodeSizes: [number, number, number][][] | null;
  /** Whether any ClusterQueue has quota for the resource. */
  counted: boolean[];
  /** ClusterQueues under each root. */
  queuesUnder: Map<number, number[]>;
  shapes: Shape[];
  shapeIds: Map<string, number>;
  shapeOf: Int32Array;
  /** When the workload was created, or evicted for not being ready: what the queue is ordered by, µs. */
  queuedAt: Float64Array;
  lines: Line[][];
  /** Workload that waits for its victims and stays at the head of its BestEffortFIFO queue, -1 = none. */
  sticky: Int32Array;
  admissions: Map<number, Admission>;
  admittedIn: number[][];
  /** Roots in which something changed that a cycle should look at. */
  dirty: number[];
  isDirty: Uint8Array;
  /** Roots whose parked workloads are called back, in order of time. */
  calls: { root: number; atUs: number }[];
  called: Uint8Array;
  callsMade: Int32Array;
  cycle: Cycle | null;
  /** When the controller is done with the last admission, µs. */
  busyUntilUs: number;
  /** With waitForPodsReady: admitted, in order; ready ones leave in time. */
  awaited: { job: number; atUs: number }[];
  notReady: number;
  /** Workloads whose pods are not bound, in order of admission: for placement policies that bind them together. */
  unbound: number[];
  bindAgain: boolean;
  pods: PodQueue;
  /** Evictions for not being ready, and when the workload may queue again. */
  timeouts: Map<number, number>;
  backingOff: { job: number; atUs: number }[];
  /** Index into WAIT_CODES of what was last said. */
  said: Uint8Array;
}

/** The settings that hold for all queues. */
export interface Settings {
  preset: KueuePreset;
  fairSharing: boolean;
  strategies: KueuePreset['preemptionStrategies'];
  waitForPodsReady: boolean;
  podsReadyTimeoutUs: number;
  blockAdmission: boolean;
  backoffBaseSeconds: number;
  backoffMaxSeconds: number;
  backoffLimitCount: number;
  /** Time the controller takes for an admission, µs; 0 = none. */
  admissionUs: number;
  /** Name of the placement policy; '' = pods are bound one by one, as kube-scheduler does. */
  placement: string;
}

/** One decision: what is known, and what is answered. */
export interface Turn {
  view: View;
  memory: Memory;
  settings: Settings;
  now: number;
  actions: Action[];
}

/** Tells why a workload waits, if that is news. */
export function say({ memory, actions }: Turn, job: number, code: WaitCode, text: string): void {
  const index = WAIT_CODES.indexOf(code);
  if (memory.said[job] === index) return;
  memory.said[job] = index;
  actions.push({ kind: 'wait', job, reason: `${code}: ${text}` });
}

export const cellOf = (flavor: number, resource: number) => flavor * RESOURCES + resource;
export const flavorOfCell = (cell: number) => Math.floor(cell / RESOURCES);

/** An amount as people write it, e.g. `4 nvidia.com/gpu in flavor h200`. */
export function amountText(memory: Memory, cell: number, amount: number): string {
  const resource = cell % RESOURCES;
  const count = Math.round((amount / RESOURCE_UNITS[resource]) * 1000) / 1000;
  return `${count} ${RESOURCE_NAMES[resource]} in flavor ${memory.flavors[flavorOfCell(cell)].name}`;
}
