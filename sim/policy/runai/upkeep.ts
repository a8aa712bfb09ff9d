/**
 * What a session that lives from cycle to cycle needs before each: shared GPUs counted afresh, rows and lists given back.
 * Only where something changed: most nodes and jobs stand as they did.
 *
 * A node's count of idle GPUs follows its shared ones by rules that are right from a fresh start (`noderesources.ts`), not for
 * any order of coming and going. The scheduler starts every cycle from a snapshot; so do, here, the nodes that changed.
 */
import {
  isActiveUsed,
  NODE_IDLE,
  NODE_LEGACY_MIG,
  NODE_RELEASING,
  NODE_USED,
  nodeChanged,
  RELEASING,
  SET_USED,
  type Session,
  SLOT_ALLOCATED,
  SLOT_MARKED,
  SLOT_RELEASING,
  SLOT_SETTLED,
  SLOT_USED,
  TASK_GHOSTS,
  TASK_GROUPS,
  TASK_NODE,
  TASK_STATUS_COLUMN,
} from './columns.ts';
import { occupy } from './noderesources.ts';
import { ghostsOf, groupsOf, internGroups } from './statement.ts';

/** Between cycles only. */
export function tidy(session: Session): void {
  // Shared GPUs may stand otherwise once they are counted afresh.
  if (session.nodes.slotted.size > 0 || session.disturbed.size > 0) session.changes++;
  countAfresh(session);
  dropSlots(session);
  dropLists(session);
  session.journal.length = 0;
}

function countAfresh(session: Session): void {
  const { disturbed, columns, facts, nodes, dims } = session;
  if (disturbed.size === 0) return;
  const slotColumns = [SLOT_USED, SLOT_RELEASING, SLOT_ALLOCATED, SLOT_MARKED, SLOT_SETTLED];
  for (const node of disturbed) {
    for (let at = node * dims; at < (node + 1) * dims; at++) {
      columns[NODE_IDLE][at] = nodes.allocatable[at];
      columns[NODE_USED][at] = 0;
      columns[NODE_RELEASING][at] = 0;
    }
    columns[NODE_LEGACY_MIG][node] = 0;
    for (const slot of nodes.slots[node]) for (const column of slotColumns) columns[column][slot] = 0;
    nodeChanged(session, node);
  }
  const there: number[] = [];
  for (const { sets, tasks } of session.jobs.values()) {
    // Only what holds something stands anywhere, or is still leaving.
    if (sets.every(({ row }) => columns[SET_USED][row] === 0)) continue;
    for (const task of tasks) {
      if (disturbed.has(columns[TASK_NODE][task]) || columns[TASK_GHOSTS][task] !== 0) there.push(task);
    }
  }
  there.sort((a, b) => (facts[a].state.name < facts[b].state.name ? -1 : 1));
  for (const task of there) {
    for (const { node, slots } of ghostsOf(session, task)) {
      if (disturbed.has(node)) occupy(session, task, node, RELEASING, slots);
    }
    const node = columns[TASK_NODE][task];
    const status = columns[TASK_STATUS_COLUMN][task];
    if (isActiveUsed(status) && disturbed.has(node)) occupy(session, task, node, status, groupsOf(session, task));
  }
  disturbed.clear();
}

/** Shared GPUs that nothing sits on any more go; the others stand in order of name, however they came: ties go by order. */
function dropSlots(session: Session): void {
  const { nodes, slots, columns } = session;
  for (const node of [...nodes.slotted].sort((a, b) => a - b)) {
    nodes.slots[node] = nodes.slots[node].filter((slot) => {
      const held = [SLOT_USED, SLOT_RELEASING, SLOT_ALLOCATED, SLOT_MARKED];
      const busy = held.some((column) => columns[column][slot] !== 0);
      if (!busy) slots.free.push(slot);
      return busy;
    });
    if (nodes.slots[node].length === 0) nodes.slotted.delete(node);
    nodes.slots[node].sort((a, b) => (slots.label[a] < slots.label[b] ? -1 : 1));
  }
}

/** Lists that no task refers to any more. */
function dropLists(session: Session): void {
  const { columns, groupLists, ghostLists, facts } = session;
  if (groupLists.length + ghostLists.length < 2 * facts.length + 1000) return;
  session.groupLists = [[]];
  session.ghostLists = [[]];
  for (let task = 0; task < facts.length; task++) {
    columns[TASK_GROUPS][task] = internGroups(session, groupLists[columns[TASK_GROUPS][task]]);
    const own = ghostLists[columns[TASK_GHOSTS][task]];
    columns[TASK_GHOSTS][task] = own.length === 0 ? 0 : session.ghostLists.push(own) - 1;
  }
}
