/**
 * Making room: finds victims for a job that does not fit, by trying sets of them until one lets the whole gang in.
 *
 * The gang is grown: victims found needed for one task, two, four … are the start for more. Every set is simulated as it
 * would happen: the victims leave, then they and the job are placed in the usual order of queues and jobs. So a victim that
 * would win its place back is no victim, and one that finds another place is moved.
 */

import { allocateJob } from './allocate.ts';
import {
  GPU,
  isActiveAllocated,
  type Job,
  PIPELINED,
  RELEASING,
  type Session,
  TASK_ACCEPTED_GPUS,
  TASK_NODE,
  TASK_STATUS_COLUMN,
  WHOLE,
} from './columns.ts';
import { foretell, openForecast } from './forecast.ts';
import { holdsForAlike, likeness, type Tried } from './interchangeable.ts';
import { JobOrder } from './joborder.ts';
import { amongWaiting, sortWaiting } from './lists.ts';
import { ROUNDING, roomNow } from './noderesources.ts';
import {
  gather,
  nextGathered,
  nodeByNode,
  nodesTogether,
  type Part,
  partOf,
  type Scenario,
  type Source,
  TriedSets,
} from './scenario.ts';
import type { Failure, Search } from './search.ts';
import { evict, mark, takeBack } from './statement.ts';
import { gangSatisfied, part, tasksToAllocate, usedTasks } from './subgroups.ts';

interface Solution {
  tasks: number[];
  parts: Part[];
}

/**
 * `solved`: the statement stands, to be committed. `loose`: room was found for all that was asked, but some pod set of the
 * job is still below its minimum (a group may need only some of its members); the scheduler then neither carries the
 * statement out nor takes it back. `none`: everything is as it was.
 */
export type Room = 'solved' | 'loose' | 'none';

export function makeRoom(search: Search, job: Job): Room {
  const { session } = search;
  const tasks = tasksToAllocate(session, job).slice();
  if (tasks.length === 0) return 'none';
  sortWaiting(session, search.lists);
  const start = mark(session);
  const usedBefore = usedTasks(session, job);
  const failed = new TriedSets();
  const budget = { left: session.config.maxScenariosPerJob || Infinity };
  const { free, nodes } = roomNow(session);
  const feasible = job.tasks.some((task) => session.facts[task].cpuOnly) ? session.nodes.all : nodes;
  const source: Attempt['source'] = { current: null };
  for (const way of [nodeByNode, nodesTogether]) {
    const recorded: Solution = { tasks: [], parts: [] };
    const attempt = { search, job, way, failed, budget, feasible, free, source };
    const probe = (count: number): Solution | null => solve(attempt, recorded, tasks.slice(0, count));
    const most = largestSolvable(tasks.length, (count) => {
      const solution = probe(count);
      takeBack(session, start);
      if (solution !== null) Object.assign(recorded, solution);
      return solution !== null;
    });
    if (most === 0) continue;
    if (probe(tasks.length) === null) continue;
    return gangSatisfied(session, job) && usedTasks(session, job) > usedBefore ? 'solved' : 'loose';
  }
  return 'none';
}

/** Doubles until one fails, then halves the gap. */
function largestSolvable(count: number, solvable: (tasks: number) => boolean): number {
  let low = 0;
  let high = 0;
  for (let tasks = 1; ; tasks = Math.min(tasks * 2, count)) {
    if (!solvable(tasks)) {
      high = tasks;
      break;
    }
    low = tasks;
    if (tasks === count) return count;
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (solvable(middle)) low = middle;
    else high = middle;
  }
  return low;
}

interface Attempt {
  search: Search;
  job: Job;
  way: typeof nodeByNode | typeof nodesTogether;
  failed: TriedSets;
  budget: { left: number };
  feasible: readonly number[];
  free: Float64Array;
  /** Where victims come from as long as none is recorded; null = not opened yet. */
  source: { current: Source | null };
}

/** Finds victims for some of the job's tasks; the statement is left standing. */
function solve(
  { search, job, way, failed, budget, feasible, free, source }: Attempt,
  recorded: Solution,
  tasks: number[],
): Solution | null {
  const { session } = search;
  const { columns } = session;
  const placed = job.tasks.filter((task) => isActiveAllocated(columns[TASK_STATUS_COLUMN][task]));
  const preemptor = part(session, job, [...placed, ...tasks], true);
  const open = new Set(feasible);
  for (const task of recorded.tasks) open.add(columns[TASK_NODE][task]);
  const openInOrder = open.size === feasible.length ? feasible : [...open].sort((a, b) => a - b);
  const tried: Tried = { session, lists: search.lists, open: openInOrder, failures: new Set() };
  const opened = (): Source => ({ order: new JobOrder(session, true, search.victims()), taken: [] });
  // A victim recorded already is passed over, which changes who comes next.
  const victims = recorded.tasks.length > 0 ? opened() : (source.current ??= opened());
  const gathering = gather(session, preemptor, recorded.parts, victims, open, free);
  const most = recorded.tasks.length > 0 ? 0 : needsOnOneNode(session, gathering.scenario?.pending ?? [], free, open);
  const forecast = openForecast(search, preemptor, gathering.scenario?.pending ?? [], open, free);
  for (let base = nextGathered(session, gathering); base !== null; base = nextGathered(session, gathering)) {
    for (const scenario of way(session, base, open, free, most)) {
      if (!largestFits(session, scenario, free, open)) continue;
      if (search.legalIfGone && noneMoves(session, scenario, free, open) && !search.legalIfGone(scenario)) continue;
      if (failed.has(scenario)) continue;
      if (budget.left-- <= 0) return null;
      const like = likeness(tried, scenario);
      if (like !== null && tried.failures.has(like)) continue;
      const outcome = foretell(forecast, scenario) ?? simulate(search, scenario, openInOrder);
      if (typeof outcome !== 'string') return outcome;
      failed.add(scenario);
      if (like !== null && holdsForAlike(tried, scenario, outcome)) tried.failures.add(like);
    }
  }
  return null;
}

/** Once the job is placed, too few GPUs are left for even the smallest victim. Whole GPUs only. */
function noneMoves(session: Session, scenario: Scenario, free: Float64Array, open: ReadonlySet<number>): boolean {
  const { facts, columns } = session;
  let left = 0;
  for (const task of scenario.pending) {
    if (facts[task].kind !== WHOLE) return false;
    left -= facts[task].asks[GPU];
  }
  let smallest = Infinity;
  const others = new Set<number>();
  for (const tasks of [scenario.recordedTasks, scenario.added]) {
    for (const task of tasks) {
      const gpus = facts[task].asks[GPU];
      if (facts[task].kind !== WHOLE || gpus === 0) return false;
      left += gpus;
      smallest = Math.min(smallest, gpus);
      const node = columns[TASK_NODE][task];
      if (!open.has(node)) others.add(node);
    }
  }
  for (const node of others) left += free[node];
  for (const node of open) left += free[node];
  return left < smallest;
}

/** GPUs that the largest task asks for; shares are left to the simulation. */
function mostAsked({ facts }: Session, pending: readonly number[]): number {
  let asked = 0;
  for (const task of pending) if (facts[task].kind === WHOLE) asked = Math.max(asked, facts[task].asks[GPU]);
  return asked;
}

/** What the largest task asks for, less rounding; 0 where some node has it already. */
function needsOnOneNode(
  session: Session,
  pending: readonly number[],
  free: Float64Array,
  open: ReadonlySet<number>,
): number {
  const asked = mostAsked(session, pending) - ROUNDING;
  for (const node of open) if (free[node] >= asked) return 0;
  return Math.max(0, asked);
}

/** With all its victims gone, some node has as many GPUs as the largest task asks for. */
function largestFits(session: Session, scenario: Scenario, free: Float64Array, open: ReadonlySet<number>): boolean {
  const { columns } = session;
  const asked = mostAsked(session, scenario.pending);
  if (asked === 0) return true;
  const freed = new Map<number, number>();
  for (const tasks of [scenario.recordedTasks, scenario.added]) {
    for (const task of tasks) {
      const node = columns[TASK_NODE][task];
      const sum = (freed.get(node) ?? free[node]) + columns[TASK_ACCEPTED_GPUS][task];
      if (sum >= asked - ROUNDING) return true;
      freed.set(node, sum);
    }
  }
  for (const node of open) if (free[node] >= asked - ROUNDING) return true;
  return false;
}

function simulate(search: Search, scenario: Scenario, open: readonly number[]): Solution | Failure {
  const { session, legal } = search;
  const { columns } = session;
  const victims = [...scenario.recordedTasks, ...scenario.added];
  if (victims.length === 0) return 'no-room';
  let failure: Failure = 'no-room';
  const start = mark(session);
  session.scope = scopeOf(session, open, victims);
  for (const task of victims) evict(session, task);
  if (placeAll(search, scenario, session.scope.nodes)) {
    const status = columns[TASK_STATUS_COLUMN];
    const gone = victims.filter((task) => status[task] === RELEASING);
    const moved = victims.filter((task) => status[task] === PIPELINED);
    failure = 'not-allowed';
    if (legal(scenario, (task) => isActiveAllocated(status[task]))) {
      const tasks = [...gone, ...moved];
      const parts = new Set<Part>();
      for (const task of tasks) {
        const found = partOf(session, scenario, task);
        if (found !== undefined) parts.add(found);
      }
      return { tasks, parts: [...parts] };
    }
  }
  takeBack(session, start);
  return failure;
}

/** The nodes open to the search and those of the victims, in order. */
function scopeOf({ nodes, columns }: Session, open: readonly number[], victims: readonly number[]): Session['scope'] {
  const has = new Uint8Array(nodes.count);
  for (const node of open) has[node] = 1;
  const more: number[] = [];
  for (const task of victims) {
    const node = columns[TASK_NODE][task];
    if (has[node] === 1) continue;
    has[node] = 1;
    more.push(node);
  }
  if (more.length === 0) return { nodes: open, has };
  more.sort((a, b) => a - b);
  const merged: number[] = [];
  let at = 0;
  for (const node of more) {
    while (at < open.length && open[at] < node) merged.push(open[at++]);
    merged.push(node);
  }
  while (at < open.length) merged.push(open[at++]);
  return { nodes: merged, has };
}

/** The victims and the job, in the order in which they would be tried among all that waits. */
function placeAll({ session, lists }: Search, { preemptor, victims }: Scenario, nodes: readonly number[]): boolean {
  const order = new JobOrder(session, false, amongWaiting(session, lists, preemptor, victims.keys()));
  let left = victims.size + (victims.has(preemptor.job) ? 0 : 1);
  while (left > 0 && !order.empty) {
    const view = order.pop();
    if (view === preemptor) {
      if (!allocateJob(session, view, nodes, true)) return false;
      left--;
    } else if (victims.has(view.job)) {
      allocateJob(session, view, nodes, true);
      left--;
    }
  }
  return left === 0;
}
