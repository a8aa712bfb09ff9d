/**
 * A session: the scheduler's view of one node pool, compiled from plain data and then kept up to date.
 *
 *   const session = openSession(state, config);
 *   const decisions = runCycle(session);              // cycle.ts; applies its own decisions to the session
 *   upsertJob(session, jobState);                     // a new job, or a job whose tasks or minimums changed
 *   removeJob(session, 'job-7');                      // finished and gone
 *   setTask(session, 'job-7', 'job-7-0', { status: 'Running' });            // bound → running
 *   setTask(session, 'job-7', 'job-7-0', { status: 'Pending' });            // evicted, left, requeued
 *   setTask(session, 'job-7', 'job-7-0', { status: 'Running', node: 'n1', gpuGroups: ['gpu-0'] });
 *   setNode(session, 'n1', { schedulable: false });   // cordoned, repaired, provisioned (gpus 0 → 8)
 *   setJobTimes(session, 'job-7', { startedUs, staleSinceUs });
 *   setUsage(session, 'team-a', { gpu: 0.25, cpu: 0, memory: 0 });
 *   session.nowUs = now;
 *
 * After a cycle the tasks it decided on stand as Binding (bound), Pipelined (promised) or Releasing (evicted). The owner
 * says what becomes of them before the next cycle: a promise is not kept from cycle to cycle, so Pipelined tasks go back
 * (`releasePromises`), and Releasing ones stay so until `setTask` says they have gone. Names that do not exist throw.
 */
import {
  COLUMNS,
  CPU,
  forget,
  GPU,
  type Group,
  grow,
  isActiveUsed,
  type Job,
  MEMORY,
  MIG_FROM,
  NODE_IDLE,
  NODE_LEGACY_MIG,
  NODE_RELEASING,
  NODE_USED,
  openSlot,
  PENDING,
  PIPELINED,
  QUEUE_NON_PREEMPTIBLE,
  QUEUE_USED,
  RELEASING,
  SET_ALIVE,
  SET_ALLOCATED,
  SET_GATED,
  SET_PENDING,
  SET_USED,
  type Session,
  SHARED,
  SLOT_ALLOCATED,
  SLOT_MARKED,
  SLOT_RELEASING,
  SLOT_SETTLED,
  SLOT_USED,
  type Slots,
  statusCode,
  TASK_ACCEPTED_GPUS,
  TASK_BEFORE,
  TASK_GHOSTS,
  TASK_GROUPS,
  TASK_NODE,
  TASK_STATUS_COLUMN,
  TASK_VIRTUAL,
} from './columns.ts';
import { DEFAULT_CONFIG, type SchedulerConfig } from './config.ts';
import { factsOf, shapeOfJob } from './facts.ts';
import { constraintsOf } from './minimal.ts';
import { occupy, vacate } from './noderesources.ts';
import { compileNodes, DEFAULT_GPU_MEMORY_MIB, describeNode, measurePool, nodeState } from './pool.ts';
import { compileQueues } from './queues.ts';
import { gpusOfMigProfile, isShared } from './requests.ts';
import type { JobState, NodeState, QueueState, SchedulerState, SubGroupState, TaskState, TaskStatus } from './state.ts';
import { count, ghostsOf, groupsOf, internGroups, leavingFrom, NO_GROUPS, setStatus } from './statement.ts';
import { compileTopology } from './topology.ts';

/** Rows kept for shared GPUs before more are needed. */
const FIRST_SLOTS = 256;

export function openSession(state: SchedulerState, config: SchedulerConfig = DEFAULT_CONFIG): Session {
  const nodeStates = [...state.nodes].sort((a, b) => (a.name < b.name ? -1 : 1));
  const migNames = new Set(nodeStates.flatMap(({ migInstances }) => Object.keys(migInstances)));
  for (const job of state.jobs)
    for (const { migInstances } of job.tasks) for (const name of Object.keys(migInstances)) migNames.add(name);
  const migRow = new Map([...migNames].sort().map((name, at) => [name, MIG_FROM + at]));
  const dims = MIG_FROM + migRow.size;
  const gpusPerUnit = new Float64Array(dims);
  gpusPerUnit[GPU] = 1;
  for (const [name, dim] of migRow) gpusPerUnit[dim] = gpusOfMigProfile(name);
  const queues = compileQueues(state.queues);
  const session: Session = {
    config,
    nowUs: state.nowUs,
    dims,
    gpusPerUnit,
    migRow,
    nodes: compileNodes(nodeStates, dims),
    slots: { count: 0, label: [], node: [], free: [] },
    queues,
    jobs: new Map(),
    facts: [],
    freeTasks: [],
    freeSets: [],
    setCount: 0,
    columns: Array.from({ length: COLUMNS }, () => new Float64Array(0)),
    journal: { entries: new Float64Array(0), length: 0 },
    operations: [],
    groupLists: [[]],
    ghostLists: [[]],
    scope: { nodes: [], has: new Uint8Array(0) },
    disturbed: new Set(),
    shapes: new Map(),
    vectors: new Map(),
    total: new Float64Array(SHARED),
    largest: new Float64Array(dims),
    minGpuMemoryMiB: DEFAULT_GPU_MEMORY_MIB,
    maxGpuMemoryMiB: DEFAULT_GPU_MEMORY_MIB,
    topologies: new Map(),
    podAffinity: false,
    waits: new Map(),
    changes: 0,
    room: null,
    scratch: new Float64Array(nodeStates.length * dims),
    loose: new Set(),
  };
  const { columns, nodes } = session;
  for (const column of [NODE_IDLE, NODE_USED, NODE_RELEASING]) columns[column] = new Float64Array(nodes.count * dims);
  columns[NODE_LEGACY_MIG] = new Float64Array(nodes.count);
  for (const column of [QUEUE_USED, QUEUE_NON_PREEMPTIBLE]) columns[column] = new Float64Array(queues.count * SHARED);
  const slotColumns = [SLOT_USED, SLOT_RELEASING, SLOT_ALLOCATED, SLOT_MARKED, SLOT_SETTLED];
  for (const column of slotColumns) columns[column] = new Float64Array(FIRST_SLOTS);
  nodeStates.forEach((node, row) => {
    describeNode(session, row, node);
  });
  measurePool(session);
  for (const topology of state.topologies) session.topologies.set(topology.name, compileTopology(session, topology));
  for (const job of state.jobs) upsertJob(session, job);
  return session;
}

/** Adds a job, or puts it in place of the one of that name: there too in the order of jobs. */
export function upsertJob(session: Session, state: JobState): Job {
  session.changes++;
  const before = session.jobs.get(state.name);
  if (before !== undefined) liftJob(session, before);
  const sets: Group[] = [];
  const root = compileGroups(session, state.subGroups, sets);
  const job: Job = {
    // Refers to itself: a job is a view of all of itself.
    job: undefined as unknown as Job,
    root,
    sets,
    toAllocate: null,
    asks: null,
    holds: null,
    need: -1,
    name: state.name,
    queue: session.queues.row.get(state.queue) ?? -1,
    priority: state.priority,
    preemptible: state.preemptible,
    createdUs: state.createdUs,
    startedUs: state.startedUs,
    staleSinceUs: state.staleSinceUs,
    evictedUs: state.evictedUs ?? null,
    stalenessGraceUs: state.stalenessGraceUs,
    preemptionDelayUs: state.preemptionDelayUs,
    tasks: [],
    shape: '',
    uniform: true,
    constraints: '',
    inVain: new Map(),
    sums: null,
  };
  job.job = job;
  const bySet = new Map(sets.map((set) => [set.name, set]));
  for (const task of state.tasks) {
    const set = bySet.get(task.subGroup) ?? (sets.length === 1 ? sets[0] : undefined);
    if (set === undefined) throw new Error(`job ${state.name}: task ${task.name} names no subgroup '${task.subGroup}'`);
    addTask(session, job, set, task);
  }
  const { facts } = session;
  for (const set of sets) {
    const byPriority = session.config.plugins.has('taskorder');
    set.tasks.sort(
      (a, b) =>
        (byPriority ? facts[b].state.priority - facts[a].state.priority : 0) ||
        (facts[a].state.name < facts[b].state.name ? -1 : 1),
    );
  }
  job.shape = shapeOfJob(session, root);
  job.uniform = job.tasks.every((task) => facts[task].shape === facts[job.tasks[0]].shape);
  job.constraints = constraintsOf(session, job, () => true);
  admit(session, job);
  return job;
}

/** A job whose root is a pod set gets a group above it, so that every job is a tree. */
function compileGroups(session: Session, state: SubGroupState, sets: Group[]): Group {
  const compile = (from: SubGroupState, parent: Group | null): Group => {
    const leaf = from.children.length === 0;
    const group: Group = {
      name: from.name,
      parent,
      children: [],
      leaf,
      min: leaf ? from.minAvailable : (from.minSubGroups ?? from.children.length),
      minGiven: !leaf && from.minSubGroups !== null,
      topology:
        from.topology === null
          ? null
          : { tree: from.topology.topology, required: from.topology.required, preferred: from.topology.preferred },
      tasks: [],
      row: -1,
      frozenAllocated: -1,
    };
    if (leaf) {
      group.row = newSet(session);
      sets.push(group);
    }
    group.children = from.children.map((child) => compile(child, group));
    return group;
  };
  if (state.children.length > 0) return compile(state, null);
  const alone: SubGroupState = { ...state, name: state.name === '' ? 'default' : state.name, topology: null };
  return compile({ name: '', minAvailable: 0, minSubGroups: null, topology: state.topology, children: [alone] }, null);
}

function newSet(session: Session): number {
  const row = session.freeSets.pop() ?? session.setCount++;
  for (const column of [SET_ALLOCATED, SET_USED, SET_ALIVE, SET_GATED, SET_PENDING]) {
    if (row >= session.columns[column].length) grow(session.columns, column);
    session.columns[column][row] = 0;
  }
  return row;
}

const TASK_COLUMNS = [
  ...[TASK_STATUS_COLUMN, TASK_NODE, TASK_VIRTUAL, TASK_GROUPS, TASK_ACCEPTED_GPUS, TASK_BEFORE, TASK_GHOSTS],
];

function addTask(session: Session, job: Job, set: Group, state: TaskState): void {
  const task = session.freeTasks.pop() ?? session.facts.length;
  for (const column of TASK_COLUMNS) {
    if (task >= session.columns[column].length) grow(session.columns, column);
    session.columns[column][task] = 0;
  }
  session.columns[TASK_NODE][task] = -1;
  session.columns[TASK_STATUS_COLUMN][task] = PENDING;
  session.facts[task] = factsOf(session, job, set, state);
  if (state.podAffinity.length > 0 || state.podAntiAffinity.length > 0) session.podAffinity = true;
  job.tasks.push(task);
  set.tasks.push(task);
  count(session, set.row, PENDING, 1);
  place(session, task, statusCode(state.status), state.node, state.gpuGroups);
}

export function removeJob(session: Session, name: string): void {
  const job = session.jobs.get(name);
  if (job === undefined) throw new Error(`session: no job '${name}'`);
  session.changes++;
  liftJob(session, job);
  session.jobs.delete(name);
}

/** Takes a job out of everything but the list of jobs. */
function liftJob(session: Session, job: Job): void {
  setAside(session, job);
  freeRows(session, job);
}

/** The rows of a job that stands nowhere in the session can be another's. */
export function freeRows(session: Session, job: Job): void {
  for (const task of job.tasks) session.freeTasks.push(task);
  for (const set of job.sets) session.freeSets.push(set.row);
}

/** Puts a job that was set aside, or is new, into the session. */
export function admit(session: Session, job: Job): void {
  session.changes++;
  session.jobs.set(job.name, job);
  if (job.queue >= 0) session.queues.jobs[job.queue].add(job);
  session.journal.length = 0;
}

/** Takes a job out of the session, but for its rows and its name in the list of jobs. */
export function setAside(session: Session, job: Job): void {
  session.changes++;
  for (const task of job.tasks) lift(session, task);
  if (job.queue >= 0) session.queues.jobs[job.queue].delete(job);
  session.waits.delete(job);
  session.loose.delete(job);
  session.journal.length = 0;
}

export interface TaskChange {
  status: TaskStatus;
  /** Where it is now; absent = where it was. */
  node?: string;
  gpuGroups?: string[];
}

/** Says what has become of a task. */
export function setTask(session: Session, jobName: string, taskName: string, change: TaskChange): void {
  const job = session.jobs.get(jobName);
  const task = job?.tasks.find((row) => session.facts[row].state.name === taskName);
  if (task === undefined) throw new Error(`session: no task '${taskName}' in job '${jobName}'`);
  session.changes++;
  const node = session.columns[TASK_NODE][task];
  const labels = change.gpuGroups ?? groupsOf(session, task).map((slot) => session.slots.label[slot]);
  lift(session, task);
  place(session, task, statusCode(change.status), change.node ?? (node < 0 ? null : session.nodes.name[node]), labels);
  session.journal.length = 0;
}

/**
 * Promises do not outlast a cycle: what was promised a place waits again, or is still leaving the place it was to move from.
 * Nor does what a search left standing without deciding it: those tasks never heard of it.
 */
export function releasePromises(session: Session): void {
  const { columns, nodes, slots, loose } = session;
  session.changes++;
  for (const job of session.jobs.values()) {
    for (const task of job.tasks) {
      const status = columns[TASK_STATUS_COLUMN][task];
      const before = columns[TASK_BEFORE][task];
      const withdrawn = status === RELEASING && before === PIPELINED;
      const runs = ghostsOf(session, task).find(({ real }) => real);
      if (loose.has(job) && isLoose(session, task)) {
        const node = runs?.node ?? columns[TASK_NODE][task];
        const labels = labelsOf(slots, runs?.slots ?? groupsOf(session, task));
        lift(session, task);
        place(session, task, before, nodes.name[node], labels);
        continue;
      }
      if (status !== PIPELINED && !withdrawn) continue;
      lift(session, task);
      if (runs === undefined) place(session, task, PENDING, null, []);
      else place(session, task, RELEASING, nodes.name[runs.node], labelsOf(slots, runs.slots));
    }
  }
  loose.clear();
  session.journal.length = 0;
}

/** Evicted, or to move, only in what a search left standing. */
function isLoose(session: Session, task: number): boolean {
  const { columns } = session;
  if (columns[TASK_VIRTUAL][task] !== 1 || columns[TASK_BEFORE][task] === PIPELINED) return false;
  const status = columns[TASK_STATUS_COLUMN][task];
  return status === RELEASING || (status === PIPELINED && leavingFrom(session, task) >= 0);
}

const labelsOf = ({ label }: Slots, slots: readonly number[]): string[] => slots.map((slot) => label[slot]);

/** Takes a task off its node, and off the node it is still leaving. */
export function lift(session: Session, task: number): void {
  const { columns } = session;
  const status = columns[TASK_STATUS_COLUMN][task];
  const node = columns[TASK_NODE][task];
  if (node >= 0 && isActiveUsed(status)) vacate(session, task, node, status, groupsOf(session, task));
  if (isShared(session.facts[task]) && node >= 0) session.disturbed.add(node);
  for (const ghost of ghostsOf(session, task)) session.disturbed.add(ghost.node);
  for (const ghost of ghostsOf(session, task)) vacate(session, task, ghost.node, RELEASING, ghost.slots);
  setStatus(session, task, PENDING);
  columns[TASK_NODE][task] = -1;
  columns[TASK_GROUPS][task] = NO_GROUPS;
  columns[TASK_VIRTUAL][task] = 0;
  columns[TASK_GHOSTS][task] = 0;
}

export function place(session: Session, task: number, status: number, nodeName: string | null, labels: string[]): void {
  const { columns, facts, nodes } = session;
  setStatus(session, task, status);
  const node = nodeName === null ? undefined : nodes.row.get(nodeName);
  if (status === PENDING || node === undefined) return;
  columns[TASK_NODE][task] = node;
  if (!isActiveUsed(status)) return;
  const slots: number[] = [];
  if (isShared(facts[task])) {
    for (const label of labels) slots.push(findSlot(session, node, label) ?? openSlot(session, node, label));
    while (slots.length < facts[task].devices) slots.push(openSlot(session, node, null));
    session.disturbed.add(node);
  }
  columns[TASK_GROUPS][task] = internGroups(session, slots);
  occupy(session, task, node, status, slots);
}

function findSlot({ nodes, slots }: Session, node: number, label: string): number | undefined {
  return nodes.slots[node].find((slot) => slots.label[slot] === label);
}

/** Changes what a node offers or whether it is open; its tasks stay. */
export function setNode(session: Session, name: string, change: Partial<Omit<NodeState, 'name'>>): void {
  const row = session.nodes.row.get(name);
  if (row === undefined) throw new Error(`session: no node '${name}'`);
  session.changes++;
  describeNode(session, row, { ...nodeState(session, row), ...change });
  const { minGpuMemoryMiB } = session;
  measurePool(session);
  // Requests by memory count as parts of the smallest GPU.
  if (session.minGpuMemoryMiB !== minGpuMemoryMiB) for (const job of session.jobs.values()) job.sums = null;
}

/** When a job last started, since when its gang is broken; what is not named stays. */
export function setJobTimes(
  session: Session,
  name: string,
  times: { startedUs?: number | null; staleSinceUs?: number | null; createdUs?: number },
): void {
  const job = session.jobs.get(name);
  if (job === undefined) throw new Error(`session: no job '${name}'`);
  session.changes++;
  Object.assign(job, times);
  forget(job);
}

export function setUsage(session: Session, queue: string, usage: QueueState['usage']): void {
  const row = session.queues.row.get(queue);
  if (row === undefined) throw new Error(`session: no queue '${queue}'`);
  const { shares } = session.queues;
  session.changes++;
  shares[CPU].usage[row] = usage.cpu;
  shares[MEMORY].usage[row] = usage.memory;
  shares[GPU].usage[row] = usage.gpu;
}
