/**
 * What a session holds: nodes, GPUs shared in parts, queues and tasks as columns, jobs as trees of pod sets.
 *
 * Whatever a decision may change lies in `columns`, arrays of doubles, and is changed by `write` alone, which notes the old
 * value in the journal: taking a statement back is writing the old values again, last first, so it is exact bit for bit.
 */
import { IdSet } from '../../cluster/idset.ts';
import type { SchedulerConfig } from './config.ts';
import { forgetDomain, type TopologyTree } from './domains.ts';
import type { QueueTree, ResourceColumns } from './fairshare.ts';
import { TASK_STATUS, type TaskState, type TaskStatus } from './state.ts';

export const PENDING = 0;
export const GATED = 1;
export const ALLOCATED = 2;
export const PIPELINED = 3;
export const BINDING = 4;
export const BOUND = 5;
export const RUNNING = 6;
export const RELEASING = 7;
export const STUCK_IN_RELEASING = 8;
export const SUCCEEDED = 9;
export const FAILED = 10;

export const statusCode = (status: TaskStatus): number => TASK_STATUS.indexOf(status);

const mask = (...codes: number[]): number => codes.reduce((all, code) => all | (1 << code), 0);
/** Holds something on a node. */
const ACTIVE_USED = mask(ALLOCATED, PIPELINED, BINDING, BOUND, RUNNING, RELEASING, STUCK_IN_RELEASING);
/** Holds or is promised something and is not leaving: counts towards a gang's minimum. */
const ACTIVE_ALLOCATED = mask(ALLOCATED, PIPELINED, BINDING, BOUND, RUNNING);
/** Counts as used by its queue. */
const QUEUE_ALLOCATED = mask(ALLOCATED, BINDING, BOUND, RUNNING);
const ALIVE = ACTIVE_ALLOCATED | mask(PENDING, GATED);
export const isActiveUsed = (status: number): boolean => (ACTIVE_USED & (1 << status)) !== 0;
export const isActiveAllocated = (status: number): boolean => (ACTIVE_ALLOCATED & (1 << status)) !== 0;
export const isQueueAllocated = (status: number): boolean => (QUEUE_ALLOCATED & (1 << status)) !== 0;
export const isAlive = (status: number): boolean => (ALIVE & (1 << status)) !== 0;

/** Resource dimensions of a vector; MIG profiles follow from `MIG_FROM` on. */
export const CPU = 0;
export const MEMORY = 1;
export const GPU = 2;
export const PODS = 3;
export const MIG_FROM = 4;
/** The first three are what queues share. */
export const SHARED = 3;

/** How a task asks for GPUs. */
export const WHOLE = 0;
export const FRACTION = 1;
export const GPU_MEMORY = 2;
export const MIG = 3;

/** Columns of `Session.columns`. */
export const NODE_IDLE = 0;
export const NODE_USED = 1;
export const NODE_RELEASING = 2;
export const NODE_LEGACY_MIG = 3;
/** Of a GPU shared in parts ("slot"): MiB in use, being released, held by placed tasks. */
export const SLOT_USED = 4;
export const SLOT_RELEASING = 5;
export const SLOT_ALLOCATED = 6;
/** Counted as a whole GPU being released. */
export const SLOT_MARKED = 7;
/** A task was placed on it, not only promised. */
export const SLOT_SETTLED = 8;
export const QUEUE_USED = 9;
export const QUEUE_NON_PREEMPTIBLE = 10;
export const TASK_STATUS_COLUMN = 11;
export const TASK_NODE = 12;
/** Status changed only in a statement not yet committed. */
export const TASK_VIRTUAL = 13;
/** Index into `groupLists`. */
export const TASK_GROUPS = 14;
export const TASK_ACCEPTED_GPUS = 15;
/** Status before it was evicted. */
export const TASK_BEFORE = 16;
/** Index into `ghostLists`: places it was evicted from in this cycle and promised another instead. */
export const TASK_GHOSTS = 17;
export const SET_ALLOCATED = 18;
export const SET_USED = 19;
export const SET_ALIVE = 20;
export const SET_GATED = 21;
export const SET_PENDING = 22;
export const COLUMNS = 23;
/** Journal entry: a slot was opened on the node. */
const SLOT_OPENED = -1;

/** One node of a job's tree. A leaf is a pod set, which tasks belong to. */
export interface Group {
  name: string;
  parent: Group | null;
  children: Group[];
  leaf: boolean;
  /** Tasks a pod set needs, children an inner group needs. */
  min: number;
  /** Of an inner group: the minimum was stated, not simply all of its children. */
  minGiven: boolean;
  topology: { tree: string; required: string | null; preferred: string | null } | null;
  /** Of a pod set, in the order in which they are placed. */
  tasks: number[];
  /** Of a pod set: its row in the SET_… columns. */
  row: number;
  /** Of a copy's pod set: how many were placed when the copy was made; −1 = count now. */
  frozenAllocated: number;
}

/** A job, or a part of one as a search sees it. */
export interface JobView {
  job: Job;
  root: Group;
  sets: Group[];
  /** Caches, null when stale: what to place next; what that asks for (a vector); what its placed tasks ask for. */
  toAllocate: number[] | null;
  asks: Float64Array | null;
  holds: Float64Array | null;
  /** Where it stands to its minimum (`elasticity`), −1 = not known. */
  need: number;
}

export interface Job extends JobView {
  name: string;
  queue: number;
  priority: number;
  preemptible: boolean;
  createdUs: number;
  startedUs: number | null;
  staleSinceUs: number | null;
  /** When it was last a victim; its wait before it may displace others counts from then. */
  evictedUs: number | null;
  stalenessGraceUs: number;
  preemptionDelayUs: number;
  tasks: number[];
  /** Jobs of equal `shape` ask for the same things under the same constraints, as long as nothing of them is placed. */
  shape: string;
  /** All tasks are of one kind, so that where one gang of it does not fit, no other does. */
  uniform: boolean;
  /** What its tasks may be placed on, whatever they ask for, as long as nothing of it is placed. */
  constraints: string;
  /** By action: `Session.changes` when a search for room was last in vain. */
  inVain: Map<string, number>;
  /** What it uses of its queue, then what it still asks for, each CPU, MEMORY, GPU; null when stale. */
  sums: Float64Array | null;
}

/** What never changes of a task. */
export interface TaskFacts {
  state: TaskState;
  job: Job;
  set: Group;
  kind: number;
  /** GPUs it is spread over, the share it takes of each, or the MiB it takes of each. */
  devices: number;
  portion: number;
  memoryMiB: number;
  /** Vector, shared by all tasks that ask for the same; GPUs as the sum of shares to the hundredth, 0 where asked by memory. */
  asks: Float64Array;
  /** GPUs for quota, MIG instances by their size. */
  quotaGpus: number;
  /** GPUs that its MIG instances count for. */
  migGpus: number;
  cpuOnly: boolean;
  /** Equal where any node serves either as well. */
  shape: number;
  /** Equal where the same nodes are open to either, whatever the amounts. */
  constraints: number;
}

/** A place a task counts as leaving though its status says that it is promised another. */
export interface Ghost {
  node: number;
  slots: readonly number[];
  /** It runs there; otherwise it was only promised the place. */
  real: boolean;
}

export interface Nodes {
  count: number;
  /** In order of name, so that the smaller row wins a tie. */
  name: string[];
  row: Map<string, number>;
  /** Vectors, `dims` wide. */
  allocatable: Float64Array;
  /** Whole GPUs it offers. */
  gpus: Float64Array;
  gpuMemoryMiB: Float64Array;
  /** The node says how much memory its GPUs have; where it does not, nothing that asks by memory runs. */
  memoryKnown: Uint8Array;
  ready: Uint8Array;
  mig: ('none' | 'single' | 'mixed')[];
  labels: Record<string, string>[];
  taints: { key: string; value: string; effect: string }[][];
  slots: number[][];
  /** Rows with slots; some that have lost theirs may be left in it. */
  slotted: Set<number>;
  /** Every row. */
  all: readonly number[];
  /** Nodes with GPUs by how many are idle or being released. */
  byFree: IdSet[];
  /** Of those, the nodes with a GPU idle. */
  idleByFree: IdSet[];
  /** By node: where it is in `byFree`, −1 = nowhere; 1 = it is in `idleByFree` too. */
  filed: Int32Array;
  filedIdle: Uint8Array;
}

/** GPUs and MiB of GPUs idle or being released, all told and by node; parts of shared ones included. */
export interface Room {
  changes: number;
  /** On nodes that are ready. */
  gpus: number;
  memoryMiB: number;
  free: Float64Array;
  /** Nodes with something free, in order. */
  nodes: readonly number[];
}

export interface Slots {
  count: number;
  label: string[];
  node: number[];
  free: number[];
}

/** What a queue is compared by, as long as nothing changes what it uses. */
export interface QueueRank {
  queue: number;
  /** Of the queue, when this was made. */
  version: number;
  overShare: boolean;
  withinDeserved: boolean;
  usesWithoutShare: boolean;
  dominant: number;
  dominantBare: number;
}

export interface Queues {
  count: number;
  name: string[];
  row: Map<string, number>;
  parent: Int32Array;
  leaf: boolean[];
  /** From the top down to the queue itself. */
  path: number[][];
  /** From the queue itself up to the top. */
  upward: number[][];
  priority: Float64Array;
  createdUs: Float64Array;
  preemptMinRuntimeUs: (number | null)[];
  reclaimMinRuntimeUs: (number | null)[];
  /** By resource: CPU, MEMORY, GPU. */
  shares: ResourceColumns[];
  tree: QueueTree;
  /** Goes up whenever what the queue uses changes. */
  version: Int32Array;
  /** By queue, its ranks as last made, by what its best job asks for (vectors are one and the same where they are equal). */
  ranked: Map<Float64Array, QueueRank>[];
  /** Its own jobs. */
  jobs: Set<Job>[];
}

/** Old values, to be written again: column, index, value, one after the other. */
export interface Journal {
  entries: Float64Array;
  /** Of `entries`, in use. */
  length: number;
}

/** What a statement did to a task, in order. */
export interface Operation {
  kind: 'evict' | 'unevict' | 'pipeline' | 'allocate';
  task: number;
}

export interface Session {
  config: SchedulerConfig;
  nowUs: number;
  /** Width of a vector. */
  dims: number;
  /** By dimension: GPUs a unit counts for; 0 below MIG_FROM but 1 for GPU. */
  gpusPerUnit: Float64Array;
  migRow: Map<string, number>;
  nodes: Nodes;
  slots: Slots;
  queues: Queues;
  jobs: Map<string, Job>;
  facts: TaskFacts[];
  freeTasks: number[];
  freeSets: number[];
  setCount: number;
  columns: Float64Array[];
  journal: Journal;
  operations: Operation[];
  groupLists: number[][];
  ghostLists: Ghost[][];
  /** The nodes a search is confined to, and the same as marks. */
  scope: { nodes: readonly number[]; has: Uint8Array };
  /** Nodes with shared GPUs on which tasks came or went outside a cycle: to be counted afresh. */
  disturbed: Set<number>;
  shapes: Map<string, number>;
  /** Vectors of amounts asked for, each kept once: equal ones are the same. */
  vectors: Map<string, Float64Array>;
  /** Capacity of the pool: cores/1000, bytes, GPUs. */
  total: Float64Array;
  /** Largest amount any one node has, by dimension. */
  largest: Float64Array;
  /** MiB of the smallest and largest GPU, among those above 100 MiB. */
  minGpuMemoryMiB: number;
  maxGpuMemoryMiB: number;
  topologies: Map<string, TopologyTree>;
  /** Some task has an affinity to other tasks, or an aversion. */
  podAffinity: boolean;
  waits: Map<Job, Wait>;
  /** Counts whatever may change what a search finds; nothing that is taken back does. */
  changes: number;
  /** What nodes had free when `changes` stood as it says. */
  room: Room | null;
  /** By node and dimension, for sums that are needed for a moment: all 0 in between. */
  scratch: Float64Array;
  /** Jobs whose tasks stand as a search left them, though nothing of it was decided; until the cycle is over. */
  loose: Set<Job>;
}

/** Told what was committed, right then, and for which job. */
export type Report = (operations: readonly Operation[], job: Job) => void;

/** Why a job waits: filled in as it fails, put into words by `reasons.ts`. */
export type Wait =
  | { kind: 'limit' | 'quota'; queue: number; resource: number; bound: number; used: number; asked: number }
  | { kind: 'nodes'; task: number; placed: number; wanted: number }
  | { kind: 'too-big'; task: number; resource: number; largest: number }
  | { kind: 'topology'; tree: string; required: string | null; preferred: string | null; group: string; why: string }
  | { kind: 'delay'; untilUs: number }
  | { kind: 'harder'; than: string };

function note({ journal }: Session, column: number, index: number, before: number): void {
  const { length } = journal;
  if (length + 3 > journal.entries.length) {
    const longer = new Float64Array(2 * journal.entries.length + 3 * 1024);
    longer.set(journal.entries);
    journal.entries = longer;
  }
  journal.entries[length] = column;
  journal.entries[length + 1] = index;
  journal.entries[length + 2] = before;
  journal.length = length + 3;
}

export function write(session: Session, column: number, index: number, value: number): void {
  const array = session.columns[column];
  note(session, column, index, array[index]);
  array[index] = value;
  if (column <= NODE_RELEASING) amountChanged(session, index);
}

export function add(session: Session, column: number, index: number, amount: number): void {
  const array = session.columns[column];
  note(session, column, index, array[index]);
  array[index] += amount;
  if (column <= NODE_RELEASING) amountChanged(session, index);
}

/** What a node has free changed in the place given. */
function amountChanged(session: Session, index: number): void {
  const node = Math.trunc(index / session.dims);
  if (index === node * session.dims + GPU) refile(session, node);
  forgetDomains(session, node);
}

/** What a node offers or has free was written past `write`. */
export function nodeChanged(session: Session, node: number): void {
  refile(session, node);
  forgetDomains(session, node);
}

function forgetDomains(session: Session, node: number): void {
  for (const { leafOf } of session.topologies.values()) if (leafOf[node] !== undefined) forgetDomain(leafOf[node]);
}

/** Files a node by the GPUs it has idle or being released. */
function refile({ nodes, columns, dims }: Session, node: number): void {
  const at = node * dims + GPU;
  const free = columns[NODE_IDLE][at] + columns[NODE_RELEASING][at];
  const file = nodes.allocatable[at] === 0 ? -1 : Math.max(0, Math.trunc(free));
  const idle = columns[NODE_IDLE][at] > 0 ? 1 : 0;
  const before = nodes.filed[node];
  if (file === before && idle === nodes.filedIdle[node]) return;
  if (before >= 0) {
    nodes.byFree[before].delete(node);
    nodes.idleByFree[before].delete(node);
  }
  while (nodes.byFree.length <= file) {
    nodes.byFree.push(new IdSet(nodes.count));
    nodes.idleByFree.push(new IdSet(nodes.count));
  }
  if (file >= 0) {
    nodes.byFree[file].add(node);
    if (idle === 1) nodes.idleByFree[file].add(node);
  }
  nodes.filed[node] = file;
  nodes.filedIdle[node] = idle;
}

/** Opens a slot for a GPU to be shared in parts; `label` null = the next free name on the node. */
export function openSlot(session: Session, node: number, label: string | null): number {
  const { slots, nodes, columns } = session;
  const slot = slots.free.length > 0 ? (slots.free.pop() as number) : slots.count++;
  if (slot >= columns[SLOT_USED].length) {
    for (const column of [SLOT_USED, SLOT_RELEASING, SLOT_ALLOCATED, SLOT_MARKED, SLOT_SETTLED]) grow(columns, column);
  }
  for (const column of [SLOT_USED, SLOT_RELEASING, SLOT_ALLOCATED, SLOT_MARKED, SLOT_SETTLED]) {
    columns[column][slot] = 0;
  }
  slots.node[slot] = node;
  slots.label[slot] = label ?? freshLabel(session, node);
  nodes.slots[node].push(slot);
  nodes.slotted.add(node);
  note(session, SLOT_OPENED, node, slot);
  return slot;
}

function freshLabel({ nodes, slots }: Session, node: number): string {
  const taken = new Set(nodes.slots[node].map((slot) => slots.label[slot]));
  for (let n = 0; ; n++) {
    if (!taken.has(`gpu-${n}`)) return `gpu-${n}`;
  }
}

export function grow(columns: Float64Array[], column: number): void {
  const wider = new Float64Array(Math.max(16, columns[column].length * 2));
  wider.set(columns[column]);
  columns[column] = wider;
}

/** Takes everything back that was written since the journal was `length` long. */
export function restore(session: Session, length: number): void {
  const { journal, columns, nodes, slots, facts } = session;
  const { entries } = journal;
  for (let at = journal.length - 3; at >= length; at -= 3) {
    const column = entries[at];
    const index = entries[at + 1];
    if (column === SLOT_OPENED) {
      nodes.slots[index].pop();
      slots.free.push(entries[at + 2]);
      continue;
    }
    columns[column][index] = entries[at + 2];
    if (column === TASK_STATUS_COLUMN) forget(facts[index].job);
    else if (column === QUEUE_USED) session.queues.version[Math.trunc(index / SHARED)]++;
    else if (column === TASK_ACCEPTED_GPUS) facts[index].job.sums = null;
    else if (column <= NODE_RELEASING) amountChanged(session, index);
  }
  journal.length = length;
}

/** A job's caches no longer hold. */
export function forget(job: Job): void {
  job.toAllocate = null;
  job.asks = null;
  job.holds = null;
  job.need = -1;
  job.sums = null;
}
