/**
 * A statement: tentative evictions and placements that are committed whole or taken back whole.
 *
 * Evicting makes a task Releasing on its node; promising (pipelining) charges it to what is being released. A task that was
 * evicted and then finds its old place again was never disturbed: the eviction is undone.
 */
import {
  ALLOCATED,
  add,
  BINDING,
  CPU,
  forget,
  GATED,
  type Ghost,
  GPU,
  isActiveAllocated,
  isActiveUsed,
  isAlive,
  type Job,
  MEMORY,
  type Operation,
  PENDING,
  PIPELINED,
  QUEUE_NON_PREEMPTIBLE,
  QUEUE_USED,
  RELEASING,
  restore,
  SET_ALIVE,
  SET_ALLOCATED,
  SET_GATED,
  SET_PENDING,
  SET_USED,
  type Session,
  SHARED,
  TASK_ACCEPTED_GPUS,
  TASK_BEFORE,
  TASK_GHOSTS,
  TASK_GROUPS,
  TASK_NODE,
  TASK_STATUS_COLUMN,
  TASK_VIRTUAL,
  write,
} from './columns.ts';
import { occupy, vacate } from './noderesources.ts';
import { isShared } from './requests.ts';

/** A point to come back to. */
export interface Mark {
  journal: number;
  operations: number;
}

export function mark({ journal, operations }: Session): Mark {
  return { journal: journal.length, operations: operations.length };
}

export function takeBack(session: Session, to: Mark): void {
  restore(session, to.journal);
  session.operations.length = to.operations;
}

export const NO_GROUPS = 0;

export function groupsOf({ groupLists, columns }: Session, task: number): readonly number[] {
  return groupLists[columns[TASK_GROUPS][task]];
}

export function internGroups({ groupLists }: Session, slots: number[]): number {
  return slots.length === 0 ? NO_GROUPS : groupLists.push(slots) - 1;
}

export function setStatus(session: Session, task: number, status: number): void {
  const { set, job } = session.facts[task];
  const before = session.columns[TASK_STATUS_COLUMN][task];
  count(session, set.row, before, -1);
  count(session, set.row, status, 1);
  write(session, TASK_STATUS_COLUMN, task, status);
  forget(job);
}

export function count(session: Session, set: number, status: number, by: number): void {
  if (isActiveAllocated(status)) add(session, SET_ALLOCATED, set, by);
  if (isActiveUsed(status)) add(session, SET_USED, set, by);
  if (isAlive(status)) add(session, SET_ALIVE, set, by);
  if (status === GATED) add(session, SET_GATED, set, by);
  if (status === PENDING) add(session, SET_PENDING, set, by);
}

/** Charges the task to its queue and all above, or gives it back. */
function chargeQueues(session: Session, task: number, sign: number): void {
  const { job, asks, migGpus } = session.facts[task];
  const gpus = session.columns[TASK_ACCEPTED_GPUS][task] + migGpus;
  for (const queue of session.queues.path[job.queue]) {
    const at = queue * SHARED;
    session.queues.version[queue]++;
    add(session, QUEUE_USED, at + CPU, sign * asks[CPU]);
    add(session, QUEUE_USED, at + MEMORY, sign * asks[MEMORY]);
    add(session, QUEUE_USED, at + GPU, sign * gpus);
    if (job.preemptible) continue;
    add(session, QUEUE_NON_PREEMPTIBLE, at + CPU, sign * asks[CPU]);
    add(session, QUEUE_NON_PREEMPTIBLE, at + MEMORY, sign * asks[MEMORY]);
    add(session, QUEUE_NON_PREEMPTIBLE, at + GPU, sign * gpus);
  }
}

/** The same for tasks of one job that ask for whole amounts, at once; false = sums would not be exact, and nothing is charged. */
export function chargeTasks(session: Session, tasks: readonly number[], sign: number): boolean {
  const { facts, columns, queues } = session;
  const { job } = facts[tasks[0]];
  const amounts = [0, 0, 0];
  for (const task of tasks)
    for (let resource = 0; resource < SHARED; resource++) amounts[resource] += facts[task].asks[resource];
  const charged = job.preemptible ? [QUEUE_USED] : [QUEUE_USED, QUEUE_NON_PREEMPTIBLE];
  for (const queue of queues.path[job.queue]) {
    for (let at = queue * SHARED; at < (queue + 1) * SHARED; at++) {
      if (charged.some((column) => !Number.isInteger(columns[column][at]))) return false;
    }
  }
  for (const queue of queues.path[job.queue]) {
    queues.version[queue]++;
    for (const column of charged) {
      for (let resource = 0; resource < SHARED; resource++) {
        add(session, column, queue * SHARED + resource, sign * amounts[resource]);
      }
    }
  }
  return true;
}

export function evict(session: Session, task: number): void {
  const { columns } = session;
  const status = columns[TASK_STATUS_COLUMN][task];
  // A search may name a victim twice; the scheduler then gives its queue the resources back twice.
  if (status !== RELEASING) {
    const node = columns[TASK_NODE][task];
    write(session, TASK_BEFORE, task, status);
    setStatus(session, task, RELEASING);
    vacate(session, task, node, status, groupsOf(session, task));
    occupy(session, task, node, RELEASING, groupsOf(session, task));
    write(session, TASK_VIRTUAL, task, 1);
    session.operations.push({ kind: 'evict', task });
  }
  chargeQueues(session, task, -1);
}

function unevict(session: Session, task: number): void {
  const { columns } = session;
  const node = columns[TASK_NODE][task];
  const before = columns[TASK_BEFORE][task];
  setStatus(session, task, before);
  vacate(session, task, node, RELEASING, groupsOf(session, task));
  occupy(session, task, node, before, groupsOf(session, task));
  write(session, TASK_VIRTUAL, task, 0);
  chargeQueues(session, task, 1);
  session.operations.push({ kind: 'unevict', task });
}

/** Promises the task a place. `slots`: the shared GPUs it is to sit on. */
export function pipeline(session: Session, task: number, node: number, slots: number[]): void {
  const { columns, facts } = session;
  const status = columns[TASK_STATUS_COLUMN][task];
  const evicted = status === RELEASING;
  const there =
    evicted && (columns[TASK_NODE][task] === node || ghostsOf(session, task).some((ghost) => ghost.node === node));
  const otherGpu = there && slots.length > 0 && isShared(facts[task]) && !sameSlots(slots, groupsOf(session, task));
  if (there && !otherGpu) {
    unevict(session, task);
    return;
  }
  setStatus(session, task, PIPELINED);
  if (evicted) leaveGhost(session, task);
  settle(session, task, node, slots, PIPELINED);
  session.operations.push({ kind: 'pipeline', task });
}

/** Where it was goes on counting as being released. */
function leaveGhost(session: Session, task: number): void {
  const { columns, ghostLists } = session;
  const real = columns[TASK_BEFORE][task] !== PIPELINED;
  const ghost: Ghost = { node: columns[TASK_NODE][task], slots: groupsOf(session, task), real };
  write(session, TASK_GHOSTS, task, ghostLists.push([...ghostsOf(session, task), ghost]) - 1);
}

export function ghostsOf({ ghostLists, columns }: Session, task: number): readonly Ghost[] {
  return ghostLists[columns[TASK_GHOSTS][task]];
}

/** The node on which it still runs though it has been promised another place; −1 = none. */
export function leavingFrom(session: Session, task: number): number {
  return ghostsOf(session, task).find(({ real }) => real)?.node ?? -1;
}

export function allocate(session: Session, task: number, node: number, slots: number[]): void {
  setStatus(session, task, ALLOCATED);
  settle(session, task, node, slots, ALLOCATED);
  session.operations.push({ kind: 'allocate', task });
}

function settle(session: Session, task: number, node: number, slots: number[], status: number): void {
  write(session, TASK_NODE, task, node);
  write(session, TASK_GROUPS, task, internGroups(session, slots));
  occupy(session, task, node, status, slots);
  write(session, TASK_VIRTUAL, task, 1);
  chargeQueues(session, task, 1);
}

function sameSlots(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((slot, at) => slot === b[at]);
}

/** A gang starts as one: what was placed together with promised tasks is only promised too. */
export function promiseAll(session: Session, from: Mark, tasks: ReadonlySet<number>): void {
  const { operations, columns } = session;
  const placed = operations.slice(from.operations).filter(({ kind, task }) => kind === 'allocate' && tasks.has(task));
  const rest = operations.slice(from.operations).filter(({ kind, task }) => kind !== 'allocate' || !tasks.has(task));
  operations.length = from.operations;
  operations.push(...rest);
  for (const { task } of placed) {
    const node = columns[TASK_NODE][task];
    const slots = [...groupsOf(session, task)];
    setStatus(session, task, PENDING);
    vacate(session, task, node, ALLOCATED, slots);
    chargeQueues(session, task, -1);
    pipeline(session, task, node, slots);
  }
}

/** Makes the statement's outcome final and returns its operations, those undone on the way left out. */
export function commit(session: Session): Operation[] {
  const { operations } = session;
  const undone = new Set(operations.filter(({ kind }) => kind === 'unevict').map(({ task }) => task));
  const done = operations.filter(({ kind, task }) => kind !== 'unevict' && !(kind === 'evict' && undone.has(task)));
  for (const { kind, task } of done) {
    if (kind === 'allocate') setStatus(session, task, BINDING);
    if (kind !== 'evict') continue;
    // From now on it is leaving for good, and not to be placed again.
    write(session, TASK_VIRTUAL, task, 0);
    forget(session.facts[task].job);
  }
  operations.length = 0;
  session.journal.length = 0;
  if (done.length > 0) session.changes++;
  return done;
}

/**
 * Leaves the statement neither carried out nor taken back: its tasks stand as simulated until the cycle is over, and nobody
 * is told. Returns the jobs they belong to.
 */
export function letStand(session: Session): Set<Job> {
  const { operations, facts, loose } = session;
  const touched = new Set(operations.map(({ task }) => facts[task].job));
  for (const job of touched) loose.add(job);
  session.changes++;
  operations.length = 0;
  session.journal.length = 0;
  return touched;
}
