/**
 * What the simulation of a set of victims would come to, told by counting instead of placing task by task: the order in which
 * the victims and the job are tried needs only what queues use, and how many tasks of so many GPUs fit can be bounded from
 * above and below whichever nodes they take.
 *
 * Says nothing where the bounds leave it open, or where more than whole GPUs is at stake.
 */
import { tooBig } from './allocate.ts';
import {
  GPU,
  isActiveAllocated,
  type Job,
  type JobView,
  type Session,
  TASK_ACCEPTED_GPUS,
  TASK_GHOSTS,
  TASK_NODE,
  TASK_STATUS_COLUMN,
  WHOLE,
} from './columns.ts';
import { internVector } from './facts.ts';
import { JobOrder } from './joborder.ts';
import { amongWaiting } from './lists.ts';
import { freeOf, isMigNode, ROUNDING } from './noderesources.ts';
import { leastQuota, overCapacity } from './queues.ts';
import type { Scenario } from './scenario.ts';
import type { Failure, Search } from './search.ts';
import { chargeTasks, type Mark, mark, takeBack } from './statement.ts';
import { BELOW, hasWishes, isElastic } from './subgroups.ts';

/** A victim as it stands once it has been evicted: all of it waits. */
interface Leaving {
  view: JobView;
  tasks: readonly number[];
  /** GPUs of each task. */
  size: number;
  /** Most that one of them asks for, by dimension. */
  most: Float64Array;
  /** One of them asks for more than any node has. */
  tooBig: boolean;
}

/** Of one probe of a search. */
export interface Forecast {
  search: Search;
  preemptor: JobView;
  pending: readonly number[];
  /** GPUs of each waiting task; 0 = not all the same whole number. */
  size: number;
  /** Nothing but GPUs decides where the waiting tasks go. */
  plain: boolean;
  open: ReadonlySet<number>;
  free: Float64Array;
  /** Victims that were asked for; null = not plain enough. */
  leaving: Map<Job, Leaving | null>;
  /** By size of task: how many fit the open nodes, at most and at least. */
  base: Map<number, Bounds>;
  /** By node and dimension: what victims at hand give back; all 0 in between. */
  given: Float64Array;
  /** Of the tasks that came up so far: most that one asks for, by dimension, and GPUs of the smallest. */
  most: Float64Array;
  smallest: number;
}

interface Bounds {
  size: number;
  atMost: number;
  atLeast: number;
}

export function openForecast(
  search: Search,
  preemptor: JobView,
  pending: readonly number[],
  open: ReadonlySet<number>,
  free: Float64Array,
): Forecast {
  const { session } = search;
  const size = sizeOf(session, pending);
  return {
    search,
    preemptor,
    pending,
    size,
    plain: !session.podAffinity && !hasWishes(preemptor.root) && pending.every((task) => isPlain(session, task)),
    open,
    free,
    leaving: new Map(),
    base: new Map(),
    given: session.scratch,
    most: mostOf(session, pending),
    smallest: size,
  };
}

/** How the simulation of the set would fail; null = it may not, or that cannot be told. */
export function foretell(forecast: Forecast, scenario: Scenario): Failure | null {
  const { size, pending } = forecast;
  if (size === 0) return null;
  const victims = leavingOf(forecast, scenario);
  const bounds = boundsWithout(forecast, scenario, victims);
  if (bounds[0].atMost < pending.length) return 'no-room';
  return victims === null ? null : inTurn(forecast, scenario, victims, bounds);
}

/** Null = some victim is not plain enough. */
function leavingOf(forecast: Forecast, { victims, preemptor }: Scenario): Map<Job, Leaving> | null {
  if (forecast.search.session.podAffinity) return null;
  const found = new Map<Job, Leaving>();
  for (const [job, tasks] of victims) {
    let own = forecast.leaving.get(job);
    if (own === undefined) {
      own = job === preemptor.job ? null : asLeaving(forecast.search.session, job);
      forecast.leaving.set(job, own);
    }
    if (own === null || tasks.length !== own.tasks.length) return null;
    found.set(job, own);
  }
  return found;
}

function asLeaving(session: Session, job: Job): Leaving | null {
  const { columns, facts, dims } = session;
  const { root, sets, tasks } = job;
  const size = sizeOf(session, tasks);
  if (size === 0 || isElastic(job) || hasWishes(root)) return null;
  const asks = new Float64Array(dims);
  for (const task of tasks) {
    // What is leaving one place and was promised another may go back to either.
    const settled = isActiveAllocated(columns[TASK_STATUS_COLUMN][task]) && columns[TASK_GHOSTS][task] === 0;
    if (!settled || !isPlain(session, task)) return null;
    for (let dim = 0; dim < dims; dim++) asks[dim] += facts[task].asks[dim];
  }
  const view: JobView = {
    ...{ job, root, sets, toAllocate: tasks, holds: null, need: BELOW },
    asks: tasks.length === 1 ? facts[tasks[0]].asks : internVector(session, asks),
  };
  return { view, tasks, size, most: mostOf(session, tasks), tooBig: tasks.some((task) => tooBig(session, task) >= 0) };
}

function mostOf({ facts, dims }: Session, tasks: readonly number[]): Float64Array {
  const most = new Float64Array(dims);
  for (const task of tasks) for (let dim = 0; dim < dims; dim++) most[dim] = Math.max(most[dim], facts[task].asks[dim]);
  return most;
}

/** How many tasks of each size at hand fit once the victims have gone; first those of the job. */
function boundsWithout(forecast: Forecast, scenario: Scenario, victims: Map<Job, Leaving> | null): Bounds[] {
  const { search, size, open, free, given } = forecast;
  const { columns, facts, dims, nodes } = search.session;
  const sizes = [size];
  for (const own of victims?.values() ?? []) {
    widen(forecast, own);
    if (!sizes.includes(own.size)) sizes.push(own.size);
  }
  const bounds = sizes.map((each) => ({ ...openBounds(forecast, each) }));
  const touched = new Set<number>();
  for (const tasks of [scenario.recordedTasks, scenario.added]) {
    for (const task of tasks) {
      const node = columns[TASK_NODE][task];
      const { asks } = facts[task];
      touched.add(node);
      for (let dim = 0, at = node * dims; dim < dims; dim++, at++) {
        given[at] += dim === GPU ? columns[TASK_ACCEPTED_GPUS][task] : asks[dim];
      }
    }
  }
  for (const node of touched) {
    // Nobody is placed on a node that is not ready.
    if (nodes.ready[node] === 0) continue;
    const shared = nodes.slots[node].length;
    const before = open.has(node) ? free[node] : 0;
    const after = free[node] + given[node * dims + GPU];
    const suits = victims !== null && hasPlenty(forecast, node, after, given);
    const suited = open.has(node) && hasPlenty(forecast, node, before, null);
    for (const bound of bounds) {
      bound.atMost += fitting(after + shared, bound.size) - (open.has(node) ? fitting(before + shared, bound.size) : 0);
      bound.atLeast += (suits ? fitting(after, bound.size) : 0) - (suited ? fitting(before, bound.size) : 0);
    }
  }
  for (const node of touched) given.fill(0, node * dims, (node + 1) * dims);
  return bounds;
}

const fitting = (gpus: number, size: number): number => Math.max(0, Math.floor((gpus + ROUNDING) / size));

/** Tasks of one more kind may come to lie on a node. */
function widen(forecast: Forecast, { size, most }: Pick<Leaving, 'size' | 'most'>): void {
  const larger = most.some((amount, dim) => amount > forecast.most[dim]);
  if (!larger && size >= forecast.smallest) return;
  most.forEach((amount, dim) => {
    forecast.most[dim] = Math.max(forecast.most[dim], amount);
  });
  forecast.smallest = Math.min(forecast.smallest, size);
  forecast.base.clear();
}

/** Of the nodes open to the search as they are. */
function openBounds(forecast: Forecast, size: number): Bounds {
  const { base, open, free, search } = forecast;
  let bounds = base.get(size);
  if (bounds === undefined) {
    bounds = { size, atMost: 0, atLeast: 0 };
    for (const node of open) {
      if (search.session.nodes.ready[node] === 0) continue;
      bounds.atMost += fitting(free[node] + search.session.nodes.slots[node].length, size);
      if (hasPlenty(forecast, node, free[node], null)) bounds.atLeast += fitting(free[node], size);
    }
    base.set(size, bounds);
  }
  return bounds;
}

/** A node (that is ready) takes any task at hand, and as many as its GPUs are enough for. `given`: given back there. */
function hasPlenty(
  { search, most, smallest }: Forecast,
  node: number,
  gpus: number,
  given: Float64Array | null,
): boolean {
  const { session } = search;
  const { slots, taints } = session.nodes;
  if (slots[node].length > 0 || taints[node].length > 0 || isMigNode(session, node)) return false;
  const tasks = fitting(gpus, smallest);
  for (let dim = 0, at = node * session.dims; dim < session.dims; dim++, at++) {
    if (dim !== GPU && freeOf(session, node, dim) + (given === null ? 0 : given[at]) < tasks * most[dim]) return false;
  }
  return true;
}

/** The victims and the job one after the other, as the simulation would try them. */
function inTurn(
  { search, preemptor, pending, plain }: Forecast,
  scenario: Scenario,
  victims: Map<Job, Leaving>,
  bounds: Bounds[],
): Failure | null {
  const { session, lists, legal } = search;
  const start = mark(session);
  for (const { tasks } of victims.values()) if (!chargeTasks(session, tasks, -1)) return undone(session, start, null);
  const views = Array.from(victims.values(), ({ view }) => view);
  const order = new JobOrder(session, false, amongWaiting(session, lists, preemptor, views));
  const gone = new Set<Job>();
  let left = victims.size + 1;
  while (left > 0 && !order.empty) {
    const view = order.pop();
    const own = view === preemptor ? null : victims.get(view.job);
    if (own === undefined) continue;
    const tasks = own?.tasks ?? pending;
    const bound = bounds.find(({ size }) => size === (own?.size ?? bounds[0].size)) as Bounds;
    const over = own?.tooBig || overCapacity(session, view.job, leastQuota(session, tasks)) !== null;
    if (over || bound.atMost < tasks.length) {
      if (own === null) return undone(session, start, 'no-room');
      gone.add(view.job);
    } else if (bound.atLeast < tasks.length || (own === null && !plain) || !chargeTasks(session, tasks, 1)) {
      return undone(session, start, null);
    } else {
      for (const each of bounds) take(each, bound.size, tasks.length);
    }
    left--;
  }
  if (left > 0) return undone(session, start, 'no-room');
  takeBack(session, start);
  return legal(scenario, (task) => !gone.has(session.facts[task].job)) ? null : 'not-allowed';
}

/** So many tasks of that size have found a place, whichever. */
function take(bounds: Bounds, size: number, tasks: number): void {
  bounds.atMost -= tasks * Math.floor(size / bounds.size);
  bounds.atLeast -= tasks * Math.ceil(size / bounds.size);
}

function undone<T>(session: Session, start: Mark, answer: T): T {
  takeBack(session, start);
  return answer;
}

/** GPUs that each of the tasks asks for; 0 = not all the same, or no whole ones. */
function sizeOf({ facts }: Session, tasks: readonly number[]): number {
  const size = tasks.length === 0 ? 0 : facts[tasks[0]].asks[GPU];
  return tasks.every((task) => facts[task].kind === WHOLE && facts[task].asks[GPU] === size) ? size : 0;
}

/** Whole numbers of everything, on any node. */
function isPlain({ facts }: Session, task: number): boolean {
  const { state, asks, migGpus } = facts[task];
  return migGpus === 0 && !state.legacyMig && state.nodeAffinity.length === 0 && asks.every(Number.isInteger);
}
