/**
 * Allocate: the next job's minimum gang, subgroup by subgroup, each task on the best node it fits; or nothing.
 *
 * The same procedure places victims and the job they make room for in a search, where everything is a promise.
 */
import {
  GPU,
  type Group,
  isActiveAllocated,
  type Job,
  type JobView,
  PIPELINED,
  type Report,
  type Session,
  TASK_STATUS_COLUMN,
  type TaskFacts,
  type Wait,
  WHOLE,
} from './columns.ts';
import { FITS, reasonAgainst } from './filters.ts';
import { hasPending, hasPlaced, JobOrder } from './joborder.ts';
import { waitingJobs } from './lists.ts';
import { fitsNode } from './noderesources.ts';
import { leastQuota, overCapacity } from './queues.ts';
import { isShared } from './requests.ts';
import { rangeOf, scoreOf } from './score.ts';
import { chooseGpus, openSlots } from './sharing.ts';
import { allocate, commit, mark, pipeline, promiseAll, takeBack } from './statement.ts';
import { isReady, members, tasksToAllocate } from './subgroups.ts';
import { type NodeSet, nodeSetsFor, type TopologyScores } from './topology.ts';

/** What placing one job needs to know on its way down the tree. */
interface Attempt {
  session: Session;
  job: Job;
  promiseOnly: boolean;
  scores: TopologyScores;
}

/** Places what comes next of a job, all of it or nothing. `promiseOnly`: in a search, nothing starts now. */
export function allocateJob(session: Session, view: JobView, among: NodeSet, promiseOnly: boolean): boolean {
  const tasks = tasksToAllocate(session, view);
  if (tasks.length === 0) return false;
  const over = overCapacity(session, view.job, leastQuota(session, tasks));
  const attempt: Attempt = { session, job: view.job, promiseOnly, scores: new Map() };
  if (over !== null) {
    fail(attempt, over);
    return false;
  }
  return placeGroup(attempt, view.root, tasks, among);
}

function fail({ session, job, promiseOnly }: Attempt, wait: Wait): void {
  if (!promiseOnly) session.waits.set(job, wait);
}

function placeGroup(attempt: Attempt, group: Group, tasks: readonly number[], among: NodeSet): boolean {
  if (tasks.length === 0) return true;
  const { session, scores } = attempt;
  if (group.topology === null) return placeIn(attempt, group, tasks, among);
  const nodeSets = nodeSetsFor(session, scores, group, setsWith(session, group, tasks), tasks, among);
  if (typeof nodeSets === 'string') {
    const { tree, required, preferred } = group.topology;
    fail(attempt, { kind: 'topology', tree, required, preferred, group: group.name, why: nodeSets });
    return false;
  }
  for (const nodes of nodeSets) if (placeIn(attempt, group, tasks, nodes)) return true;
  return false;
}

function placeIn(attempt: Attempt, group: Group, tasks: readonly number[], nodes: NodeSet): boolean {
  const start = mark(attempt.session);
  if (group.leaf ? placeTasks(attempt, tasks, nodes) : placeMembers(attempt, group, tasks, nodes)) return true;
  takeBack(attempt.session, start);
  return false;
}

function placeMembers(attempt: Attempt, group: Group, tasks: readonly number[], nodes: NodeSet): boolean {
  if (group.children.length === 1) return placeGroup(attempt, group.children[0], tasks, nodes);
  for (const member of members(attempt.session, group)) {
    if (!placeGroup(attempt, member, tasksOf(attempt.session, member, tasks), nodes)) return false;
  }
  return true;
}

function placeTasks(attempt: Attempt, tasks: readonly number[], nodes: NodeSet): boolean {
  for (let at = 0; at < tasks.length; at++) {
    if (placeTask(attempt, tasks[at], nodes)) continue;
    if (attempt.session.waits.get(attempt.job)?.kind !== 'too-big' || attempt.promiseOnly) {
      fail(attempt, { kind: 'nodes', task: tasks[at], placed: at, wanted: tasks.length });
    }
    return false;
  }
  return true;
}

/** Pod sets of the group that some of the tasks belong to. */
function setsWith({ facts }: Session, group: Group, tasks: readonly number[]): Group[] {
  const rows = new Set(tasks.map((task) => facts[task].set.row));
  return leavesOf(group).filter(({ row }) => rows.has(row));
}

function tasksOf({ facts }: Session, group: Group, tasks: readonly number[]): number[] {
  const rows = new Set(leavesOf(group).map(({ row }) => row));
  return tasks.filter((task) => rows.has(facts[task].set.row));
}

const leavesOf = (group: Group): Group[] => (group.leaf ? [group] : group.children.flatMap(leavesOf));

/** The resource of which the task asks for more than any node has; −1 = none. */
export function tooBig({ largest, dims, facts }: Session, task: number): number {
  for (let dim = 0; dim < dims; dim++) if (facts[task].asks[dim] > largest[dim]) return dim;
  return -1;
}

function placeTask(attempt: Attempt, task: number, nodes: NodeSet): boolean {
  const { session, scores } = attempt;
  const facts = session.facts[task];
  const resource = tooBig(session, task);
  if (resource >= 0) {
    fail(attempt, { kind: 'too-big', task, resource, largest: session.largest[resource] });
    return false;
  }
  const confined = nodes === session.scope.nodes;
  if ((confined || nodes === session.nodes.all) && packsWholeGpus(session, facts, scores)) {
    const among = confined ? session.scope.has : null;
    const named = nominatedFor(session, task, among);
    const node = named >= 0 ? named : tightestNode(session, task, among);
    return node >= 0 && placeOn(attempt, task, node);
  }
  const candidates = nodes.filter((node) => reasonAgainst(session, task, node) === FITS);
  while (candidates.length > 0) {
    const at = bestOf(session, facts, candidates, nodes, scores);
    if (at < 0) return false;
    if (placeOn(attempt, task, candidates[at])) return true;
    candidates.splice(at, 1);
  }
  return false;
}

/** Where the best candidate stands in the list; −1 = none may be used. */
function bestOf(
  session: Session,
  facts: TaskFacts,
  candidates: readonly number[],
  nodes: NodeSet,
  scores: TopologyScores,
): number {
  if (candidates.length === 1 && scores.size === 0) return 0;
  const range = rangeOf(session, facts, nodes);
  let best = -1;
  let bestScore = -Infinity;
  candidates.forEach((node, at) => {
    const score = scoreOf(session, facts, node, range, scores);
    // Equal scores: by name, which is by row.
    if (score === null || score < bestScore || (score === bestScore && node > candidates[best])) return;
    best = at;
    bestScore = score;
  });
  return best;
}

/** The scores come down to: the node named before, room now before room later, then the node with the fewest free GPUs. */
export function packsWholeGpus({ config }: Session, facts: TaskFacts, scores: TopologyScores): boolean {
  const { plugins, gpuPlacement } = config;
  return (
    facts.kind === WHOLE &&
    !facts.cpuOnly &&
    gpuPlacement === 'binpack' &&
    plugins.has('nodeplacement') &&
    plugins.has('nodeavailability') &&
    scores.size === 0
  );
}

/** The node an earlier decision named, which outweighs all other scores, if the task may run there; −1 = none. */
function nominatedFor(session: Session, task: number, among: Uint8Array | null): number {
  const { nominatedNode } = session.facts[task].state;
  if (nominatedNode === null || !session.config.plugins.has('nominatednode')) return -1;
  const node = session.nodes.row.get(nominatedNode) ?? -1;
  if (node < 0 || (among !== null && among[node] === 0)) return -1;
  return reasonAgainst(session, task, node) === FITS ? node : -1;
}

/** The best node by those scores, found in the files of nodes by free GPUs; −1 = it fits nowhere. */
function tightestNode(session: Session, task: number, among: Uint8Array | null): number {
  const { nodes, facts } = session;
  const mayGo = (node: number): boolean =>
    (among === null || among[node] === 1) && reasonAgainst(session, task, node) === FITS;
  let later = -1;
  for (let free = facts[task].asks[GPU]; free < nodes.byFree.length; free++) {
    const idle = nodes.idleByFree[free];
    for (let node = idle.first(); node >= 0; node = idle.next(node)) {
      if (fitsNode(session, facts[task], node, true) && mayGo(node)) return node;
    }
    if (later >= 0) continue;
    const file = nodes.byFree[free];
    for (let node = file.first(); node >= 0 && later < 0; node = file.next(node)) if (mayGo(node)) later = node;
  }
  return later;
}

function placeOn({ session, promiseOnly }: Attempt, task: number, node: number): boolean {
  const facts = session.facts[task];
  if (isShared(facts)) {
    const place = chooseGpus(session, task, node, promiseOnly);
    if (place === null) return false;
    const slots = openSlots(session, node, place.slots);
    if (promiseOnly || place.later) pipeline(session, task, node, slots);
    else allocate(session, task, node, slots);
  } else if (!promiseOnly && fitsNode(session, facts, node, true)) {
    allocate(session, task, node, []);
  } else {
    pipeline(session, task, node, []);
  }
  return true;
}

/** The action: every ready job that waits, in order; elastic jobs come again for one task more at a time. */
export function allocateAction(session: Session, report: Report): void {
  // Nodes only get fuller in this action: what has not fitted does not fit later.
  const failed = new Map<string, Wait>();
  const order = new JobOrder(
    session,
    false,
    waitingJobs(session, 'allocate', (job) => isReady(session, job.root)),
  );
  while (!order.empty) {
    const { job } = order.pop();
    const known = failed.get(failsWith(session, job));
    if (known !== undefined && !hasPlaced(session, job)) {
      const over = overCapacity(session, job, leastQuota(session, tasksToAllocate(session, job)));
      session.waits.set(job, over ?? known);
      continue;
    }
    const start = mark(session);
    const wasPlaced = job.tasks.some((task) => isActiveAllocated(session.columns[TASK_STATUS_COLUMN][task]));
    if (!allocateJob(session, job, session.nodes.all, false)) {
      takeBack(session, start);
      const wait = session.waits.get(job);
      if (wait !== undefined && failsAlike(session, job, wait)) failed.set(failsWith(session, job), wait);
      continue;
    }
    const pipelined = shouldPipeline(session, job);
    if (pipelined) promiseAll(session, start, new Set(job.tasks));
    else if (!wasPlaced) job.startedUs = session.nowUs;
    report(commit(session), job);
    session.waits.delete(job);
    if (hasPending(session, job)) order.push(job);
  }
}

/** Jobs of which one does not fit where another did not. A share of a GPU is weighed against its queue's bounds node by node. */
function failsWith({ facts }: Session, { tasks, shape, queue, preemptible }: Job): string {
  return tasks.length > 0 && isShared(facts[tasks[0]]) ? `${queue}:${preemptible}:${shape}` : shape;
}

/** Whatever queue it is of, another job of the same shape will not fit either. */
function failsAlike(session: Session, job: Job, wait: Wait): boolean {
  if (wait.kind !== 'nodes' && wait.kind !== 'topology') return false;
  const byMemory = session.facts[job.tasks[0]].memoryMiB > 0;
  return job.uniform && !byMemory && !session.podAffinity && !hasPlaced(session, job);
}

/** A pod set below its minimum without its promised tasks: it cannot start yet, so none of the job starts. */
function shouldPipeline(session: Session, job: Job): boolean {
  const status = session.columns[TASK_STATUS_COLUMN];
  return job.sets.some((set) => {
    let promised = false;
    let placed = 0;
    for (const task of set.tasks) {
      if (status[task] === PIPELINED) promised = true;
      else if (isActiveAllocated(status[task])) placed++;
    }
    return promised && placed < set.min;
  });
}
