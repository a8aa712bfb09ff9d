/**
 * A job's tree of subgroups: which tasks come next, which may go first, whether a gang is ready, satisfied, elastic.
 *
 * A pod set is satisfied with `min` tasks placed, an inner group with `min` children satisfied. Below that everything of
 * the minimum is placed at once; above, one task (or subgroup) at a time. Evicting goes the other way: the surplus first,
 * then the gang whole.
 */
import {
  GPU,
  type Group,
  isActiveAllocated,
  isQueueAllocated,
  type Job,
  type JobView,
  PENDING,
  RELEASING,
  SET_ALIVE,
  SET_ALLOCATED,
  SET_GATED,
  SET_USED,
  type Session,
  SUCCEEDED,
  TASK_STATUS_COLUMN,
  TASK_VIRTUAL,
} from './columns.ts';
import { internVector } from './facts.ts';
import { memoryAsGpus } from './requests.ts';

export function placedIn(session: Session, set: Group): number {
  return set.frozenAllocated >= 0 ? set.frozenAllocated : session.columns[SET_ALLOCATED][set.row];
}

/** Tasks placed in a pod set; children satisfied in an inner group. */
function membersPlaced(session: Session, group: Group): number {
  if (group.leaf) return placedIn(session, group);
  let count = 0;
  for (const child of group.children) if (satisfied(session, child)) count++;
  return count;
}

function satisfied(session: Session, group: Group): boolean {
  return membersPlaced(session, group) >= group.min;
}

/** Below its minimum first; then those with a minimum; then by how far above it; then by name. */
export function compareGroups(session: Session, left: Group, right: Group): number {
  const byName = left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
  if (!session.config.plugins.has('subgrouporder')) return byName;
  const leftCount = membersPlaced(session, left);
  const rightCount = membersPlaced(session, right);
  const leftMet = leftCount >= left.min;
  const rightMet = rightCount >= right.min;
  if (!leftMet || !rightMet) return leftMet === rightMet ? byName : leftMet ? 1 : -1;
  if (left.min === 0 || right.min === 0) {
    if (left.min !== right.min) return left.min === 0 ? 1 : -1;
    return leftCount - rightCount || byName;
  }
  return leftCount / left.min - rightCount / right.min || byName;
}

/** In the order in which they are served. */
export function members(session: Session, group: Group): Group[] {
  return group.children.length < 2 ? group.children : [...group.children].sort((a, b) => compareGroups(session, a, b));
}

/** It, or a part of it, asks for a place in the topology. */
export const hasWishes = (group: Group): boolean => group.topology !== null || group.children.some(hasWishes);

/** Waiting, or evicted in the statement under way. */
export function mayPlace({ columns }: Session, task: number): boolean {
  const status = columns[TASK_STATUS_COLUMN][task];
  return status === PENDING || (status === RELEASING && columns[TASK_VIRTUAL][task] === 1);
}

/** The tasks to place next, all or none of them. */
export function tasksToAllocate(session: Session, view: JobView): number[] {
  view.toAllocate ??= nextOfGroup(session, view.root);
  return view.toAllocate;
}

function nextOfGroup(session: Session, group: Group): number[] {
  if (group.leaf) return nextOfSet(session, group);
  if (group.children.length === 1 && group.min === 1) return nextOfGroup(session, group.children[0]);
  const ordered = members(session, group);
  if (!satisfied(session, group)) {
    const tasks: number[] = [];
    for (const child of ordered.slice(0, group.min)) {
      if (!satisfied(session, child)) for (const task of nextOfGroup(session, child)) tasks.push(task);
    }
    return tasks;
  }
  for (const child of ordered) {
    const tasks = nextOfGroup(session, child);
    if (tasks.length > 0) return tasks;
  }
  return [];
}

function nextOfSet(session: Session, set: Group): number[] {
  const placed = placedIn(session, set);
  const most = placed >= set.min ? 1 : set.min - placed;
  const tasks: number[] = [];
  for (const task of set.tasks) {
    if (tasks.length === most) break;
    if (mayPlace(session, task)) tasks.push(task);
  }
  return tasks;
}

/** What the next tasks ask for together (one vector for all jobs that ask for the same); requests by memory as shares of the smallest GPU. */
export function asksOf(session: Session, view: JobView): Float64Array {
  if (view.asks === null) {
    const tasks = tasksToAllocate(session, view);
    const first = tasks.length === 1 ? session.facts[tasks[0]] : null;
    if (first !== null && first.memoryMiB === 0) {
      view.asks = first.asks;
      return view.asks;
    }
    const sum = new Float64Array(session.dims);
    for (const task of tasks) {
      const facts = session.facts[task];
      for (let dim = 0; dim < session.dims; dim++) sum[dim] += facts.asks[dim];
      sum[GPU] += memoryAsGpus(facts, session.minGpuMemoryMiB);
    }
    view.asks = internVector(session, sum);
  }
  return view.asks;
}

/** What its placed tasks asked for. */
export function holdsOf(session: Session, view: JobView): Float64Array {
  if (view.holds === null) {
    const only = view.sets.length === 1 && view.sets[0].tasks.length === 1 ? view.sets[0].tasks[0] : -1;
    if (only >= 0 && isQueueAllocated(session.columns[TASK_STATUS_COLUMN][only])) {
      view.holds = session.facts[only].asks;
      return view.holds;
    }
    const sum = new Float64Array(session.dims);
    const status = session.columns[TASK_STATUS_COLUMN];
    for (const set of view.sets) {
      for (const task of set.tasks) {
        if (!isQueueAllocated(status[task])) continue;
        for (let dim = 0; dim < session.dims; dim++) sum[dim] += session.facts[task].asks[dim];
      }
    }
    view.holds = sum;
  }
  return view.holds;
}

export interface Eviction {
  tasks: number[];
  /** Placed tasks remain afterwards. */
  more: boolean;
}

/** The tasks of a victim that go first. */
export function tasksToEvict(session: Session, view: JobView): Eviction {
  const { sets } = view;
  if (sets.length === 1 && sets[0].tasks.length === 1) return { tasks: placedTasks(session, sets[0]), more: false };
  let tasks = surplus(session, view.root);
  if (tasks.length === 0) tasks = allPlaced(session, view.root);
  let placed = 0;
  for (const set of view.sets) placed += placedIn(session, set);
  return { tasks, more: tasks.length < placed };
}

function surplus(session: Session, group: Group): number[] {
  if (group.leaf) {
    return placedIn(session, group) > group.min ? placedTasks(session, group).slice(0, 1) : [];
  }
  const met = membersPlaced(session, group);
  if (met === 0) return [];
  const ordered = members(session, group).toReversed();
  if (hasSurplus(session, group)) {
    for (const child of ordered) {
      const tasks = surplus(session, child);
      if (tasks.length > 0) return tasks;
    }
  }
  if (met > group.min) {
    for (const child of ordered) {
      const tasks = allPlaced(session, child);
      if (tasks.length > 0) return tasks;
    }
  }
  return [];
}

function hasSurplus(session: Session, group: Group): boolean {
  if (membersPlaced(session, group) > group.min) return true;
  return group.children.some((child) => hasSurplus(session, child));
}

function allPlaced(session: Session, group: Group): number[] {
  return group.leaf ? placedTasks(session, group) : group.children.flatMap((child) => allPlaced(session, child));
}

/** Last placed, first to go. */
function placedTasks({ columns }: Session, set: Group): number[] {
  const status = columns[TASK_STATUS_COLUMN];
  return set.tasks.filter((task) => isActiveAllocated(status[task])).toReversed();
}

export const BELOW = 0;
export const EXACTLY = 1;
export const ABOVE = 2;

/** Where a job stands to its minimum: below in any pod set, exactly at it in all, else above. */
export function elasticity(session: Session, view: JobView): number {
  if (view.need < 0) view.need = measureNeed(session, view);
  return view.need;
}

function measureNeed(session: Session, view: JobView): number {
  let state = EXACTLY;
  for (const set of view.sets) {
    const placed = placedIn(session, set);
    if (placed < set.min) return BELOW;
    if (placed > set.min) state = ABOVE;
  }
  return state;
}

export const isElastic = (view: JobView): boolean => view.sets.some((set) => set.min < set.tasks.length);

/** Enough tasks exist, and are not held back, to make up the minimum. */
export function isReady(session: Session, group: Group): boolean {
  const { columns } = session;
  if (group.leaf) return columns[SET_ALIVE][group.row] - columns[SET_GATED][group.row] >= group.min;
  let ready = 0;
  for (const child of group.children) if (isReady(session, child)) ready++;
  return ready >= group.min;
}

export function usedTasks({ columns }: Session, job: Job): number {
  let sum = 0;
  for (const set of job.sets) sum += columns[SET_USED][set.row];
  return sum;
}

export function gangSatisfied({ columns }: Session, job: Job): boolean {
  return job.sets.every((set) => columns[SET_USED][set.row] >= set.min);
}

/** Part of it runs but not enough of it, and none has finished. */
export function isStale(session: Session, job: Job): boolean {
  if (usedTasks(session, job) === 0 || gangSatisfied(session, job)) return false;
  const status = session.columns[TASK_STATUS_COLUMN];
  return !job.tasks.some((task) => status[task] === SUCCEEDED);
}

/** A copy of a job that has only the tasks given. `fit`: minimums come down to what the copy has. */
export function part(session: Session, job: Job, tasks: readonly number[], fit: boolean): JobView {
  const chosen = new Set(tasks);
  const status = session.columns[TASK_STATUS_COLUMN];
  const sets: Group[] = [];
  const copy = (group: Group, parent: Group | null): Group => {
    const twin: Group = { ...group, parent, tasks: [], children: [], frozenAllocated: 0 };
    twin.tasks = group.tasks.filter((task) => chosen.has(task));
    twin.children = group.children.map((child) => copy(child, twin));
    if (group.leaf) {
      sets.push(twin);
      twin.frozenAllocated = twin.tasks.reduce((sum, task) => sum + (isActiveAllocated(status[task]) ? 1 : 0), 0);
      if (fit && twin.tasks.length > 0) twin.min = Math.min(twin.min, twin.tasks.length);
    } else if (fit && group.minGiven) {
      twin.min = Math.min(twin.min, twin.children.filter(hasTasks).length);
    }
    return twin;
  };
  const root = copy(job.root, null);
  return { job, root, sets, toAllocate: null, asks: null, holds: null, need: -1 };
}

const hasTasks = (group: Group): boolean => group.tasks.length > 0 || group.children.some(hasTasks);
