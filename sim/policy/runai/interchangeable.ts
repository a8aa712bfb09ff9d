/**
 * Sets of victims that are one as good as the other: as many jobs of the same shapes and queues, in the same order among all
 * that waits, on a node with the same amounts. Where one was tried in vain, so would the other be.
 *
 * Only the plainest sets are compared, which are nearly all that a large pool brings up: whole GPUs, no wishes as to nodes,
 * neighbours or topology, jobs that leave as a whole, all of them on one node.
 */
import { packsWholeGpus } from './allocate.ts';
import { GPU, type JobView, NODE_IDLE, NODE_RELEASING, type Session, TASK_NODE, WHOLE } from './columns.ts';
import { jobComparison } from './joborder.ts';
import { placeIn, type WorkLists } from './lists.ts';
import { freeOf, isMigNode } from './noderesources.ts';
import type { Scenario } from './scenario.ts';
import type { Failure } from './search.ts';
import { BELOW, hasWishes, isElastic } from './subgroups.ts';

/** What was tried in vain for one job as things stand. */
export interface Tried {
  session: Session;
  lists: WorkLists;
  open: readonly number[];
  failures: Set<string>;
}

/** A description that sets as good as each other share; null = this one is not plain enough. */
export function likeness({ session, lists }: Tried, scenario: Scenario): string | null {
  const { columns, nodes, dims } = session;
  const { added, recordedTasks, pending, preemptor, victims } = scenario;
  if (recordedTasks.length > 0 || added.length === 0 || session.podAffinity || hasWishes(preemptor.root)) return null;
  for (const task of pending) if (!isPlain(session, task)) return null;
  const node = columns[TASK_NODE][added[0]];
  if (!isPlainNode(session, node)) return null;
  for (const task of added) if (columns[TASK_NODE][task] !== node || !isPlain(session, task)) return null;
  const views: JobView[] = [];
  for (const [job, tasks] of victims) {
    if (job === preemptor.job || isElastic(job) || tasks.length !== job.tasks.length || hasWishes(job.root))
      return null;
    const { root, sets } = job;
    views.push({ job, root, sets, toAllocate: null, asks: null, holds: null, need: BELOW });
  }
  const inLine = views.length === 1 ? views : [...views].sort(jobComparison(session));
  const plenty = hasPlenty(session, node, askedBy(session, scenario));
  let text = plenty ? 'plenty' : '';
  for (let dim = 0, at = node * dims; dim < dims; dim++, at++) {
    if (plenty && dim !== GPU) continue;
    text += ` ${columns[NODE_IDLE][at]} ${columns[NODE_RELEASING][at]} ${nodes.allocatable[at]}`;
  }
  for (const view of views) {
    const { queue, priority, shape } = view.job;
    const place = placeIn(session, lists, queue, view);
    text += `|${queue} ${priority} ${shape} ${place} ${inLine.indexOf(view)}`;
  }
  return text;
}

/** Whether what became of one holds for all of its likeness. */
export function holdsForAlike({ session, open }: Tried, scenario: Scenario, failure: Failure): boolean {
  const { facts, nodes } = session;
  const asked = askedBy(session, scenario);
  let least = Infinity;
  for (const task of scenario.pending) least = Math.min(least, facts[task].asks[GPU]);
  for (const task of scenario.added) least = Math.min(least, facts[task].asks[GPU]);
  for (const node of open) {
    // Nobody goes there.
    if (nodes.filed[node] < least) continue;
    // Which of two nodes with as many GPUs is taken goes by their names; it makes no difference to how many fit in the end.
    if (failure === 'not-allowed' || !isPlainNode(session, node) || !hasPlenty(session, node, asked)) return false;
  }
  return open.every((node) => nodes.filed[node] < least) || hasPlenty(session, onNode(session, scenario.added), asked);
}

/** Of the job and the victims together. */
function askedBy({ facts, dims }: Session, { pending, added }: Scenario): Float64Array {
  const asked = new Float64Array(dims);
  for (const tasks of [pending, added]) {
    for (const task of tasks) for (let dim = 0; dim < dims; dim++) asked[dim] += facts[task].asks[dim];
  }
  return asked;
}

const onNode = ({ columns }: Session, tasks: readonly number[]): number => columns[TASK_NODE][tasks[0]];

/** Of everything but GPUs. */
function hasPlenty(session: Session, node: number, asked: Float64Array): boolean {
  for (let dim = 0; dim < asked.length; dim++) {
    if (dim !== GPU && freeOf(session, node, dim) < asked[dim]) return false;
  }
  return true;
}

function isPlain(session: Session, task: number): boolean {
  const { kind, cpuOnly, state, migGpus } = session.facts[task];
  return (
    kind === WHOLE &&
    !cpuOnly &&
    migGpus === 0 &&
    !state.legacyMig &&
    state.nominatedNode === null &&
    state.nodeAffinity.length === 0 &&
    packsWholeGpus(session, session.facts[task], NO_SCORES)
  );
}

const NO_SCORES = new Map();

function isPlainNode(session: Session, node: number): boolean {
  const { slots, taints, ready } = session.nodes;
  return slots[node].length === 0 && taints[node].length === 0 && ready[node] === 1 && !isMigNode(session, node);
}
