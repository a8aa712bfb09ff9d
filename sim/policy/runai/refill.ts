/**
 * A node of a session written anew from what stands on it in the world, task by task in the order of their numbers: what the
 * session holds of a node then does not depend on the way it got there.
 */
import type { View } from '../../cluster/view.ts';
import {
  NODE_IDLE,
  NODE_LEGACY_MIG,
  NODE_RELEASING,
  NODE_USED,
  nodeChanged,
  openSlot,
  type Session,
  TASK_GHOSTS,
  TASK_GROUPS,
  TASK_NODE,
  TASK_STATUS_COLUMN,
} from './columns.ts';
import { taskName } from './fromview.ts';
import { occupy } from './noderesources.ts';
import { isShared } from './requests.ts';
import { internGroups } from './statement.ts';

/** Lists that no task refers to any more are dropped when there are this many. */
const MOST_LISTS = 10_000;

/** `node`: the simulation's number of the session's row. */
export function refill(view: View, session: Session, row: number, node: number): void {
  const before = freeOn(session, row);
  empty(session, row);
  const { jobOfTask, firstTaskOn, nextTask } = view.cluster;
  const tasks: number[] = [];
  for (let task = firstTaskOn[node]; task >= 0; task = nextTask[task]) tasks.push(task);
  for (const task of tasks.sort((a, b) => a - b)) {
    const job = jobOfTask[task];
    const own = session.jobs.get(view.scenario.jobs.ids[job]);
    const name = taskName(view.scenario, task, job);
    const at = own?.tasks.find((other) => session.facts[other].state.name === name);
    if (at !== undefined) stand(session, at, row);
  }
  const after = freeOn(session, row);
  if (after.some((amount, at) => amount !== before[at])) session.changes++;
  session.journal.length = 0;
  if (session.groupLists.length > MOST_LISTS || session.ghostLists.length > MOST_LISTS) compact(session);
}

/** Idle, then being released. */
function freeOn({ columns, dims }: Session, row: number): number[] {
  const part = (column: number) => columns[column].subarray(row * dims, (row + 1) * dims);
  return [...part(NODE_IDLE), ...part(NODE_RELEASING)];
}

function empty(session: Session, row: number): void {
  const { columns, nodes, slots, dims } = session;
  for (let at = row * dims; at < (row + 1) * dims; at++) {
    columns[NODE_IDLE][at] = nodes.allocatable[at];
    columns[NODE_USED][at] = 0;
    columns[NODE_RELEASING][at] = 0;
  }
  columns[NODE_LEGACY_MIG][row] = 0;
  nodeChanged(session, row);
  slots.free.push(...nodes.slots[row]);
  nodes.slots[row] = [];
}

function stand(session: Session, task: number, row: number): void {
  const { columns, facts } = session;
  const labels = isShared(facts[task]) ? facts[task].state.gpuGroups : [];
  const known = (label: string) => session.nodes.slots[row].find((slot) => session.slots.label[slot] === label);
  const slots = labels.map((label) => known(label) ?? openSlot(session, row, label));
  columns[TASK_NODE][task] = row;
  columns[TASK_GROUPS][task] = internGroups(session, slots);
  occupy(session, task, row, columns[TASK_STATUS_COLUMN][task], slots);
}

function compact(session: Session): void {
  session.groupLists = used(session, TASK_GROUPS, session.groupLists);
  session.ghostLists = used(session, TASK_GHOSTS, session.ghostLists);
}

function used<T>(session: Session, column: number, lists: T[][]): T[][] {
  const kept: T[][] = [[]];
  const indices = session.columns[column];
  for (const { tasks } of session.jobs.values()) {
    for (const task of tasks) if (indices[task] !== 0) indices[task] = kept.push(lists[indices[task]]) - 1;
  }
  return kept;
}
