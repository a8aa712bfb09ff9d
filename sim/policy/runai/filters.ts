/** Which nodes a task may run on. The first reason against one is given as a code, so that asking costs little. */
import {
  CPU,
  isActiveUsed,
  MEMORY,
  MIG,
  NODE_LEGACY_MIG,
  PODS,
  type Session,
  TASK_NODE,
  TASK_STATUS_COLUMN,
  type TaskFacts,
  WHOLE,
} from './columns.ts';
import { fitsNode, freeOf, isMigNode } from './noderesources.ts';
import { overCapacity } from './queues.ts';
import { isShared, quotaOnNode } from './requests.ts';
import { needsHolder } from './sharing.ts';
import type { NodeSelectorTerm, PodAffinity, TaskState } from './state.ts';
import { leavingFrom } from './statement.ts';

export const FITS = 0;
export const NO_ROOM = 1;
export const OVER_CAPACITY = 2;
export const WRONG_MIG = 3;
export const TOO_MANY_TASKS = 4;
export const NOT_READY = 5;
export const TAINTED = 6;
export const WRONG_LABELS = 7;
export const WRONG_NEIGHBOURS = 8;
export const UNKNOWN_MEMORY = 9;

/** Why the task may not run on the node; FITS = it may, now or when what leaves has left. */
export function reasonAgainst(session: Session, task: number, node: number): number {
  const facts = session.facts[task];
  const { nodes } = session;
  if (!fitsNode(session, facts, node, false)) return NO_ROOM;
  // Whole GPUs and MIG instances count the same on any node, and so were checked with the job.
  if (isShared(facts)) {
    const charge = [facts.asks[CPU], facts.asks[MEMORY], quotaOnNode(session, facts, node)];
    if (overCapacity(session, facts.job, charge) !== null) return OVER_CAPACITY;
  }
  if (!suitsMig(session, facts, node)) return WRONG_MIG;
  // plugins/predicates/predicates.go: a request by memory goes only where the node's memory is known.
  if (facts.memoryMiB > 0 && nodes.memoryKnown[node] === 0) return UNKNOWN_MEMORY;
  const room = freeOf(session, node, PODS);
  if (isShared(facts) ? needsHolder(session, task, node) && room < 2 : room <= 0) return TOO_MANY_TASKS;
  if (nodes.ready[node] === 0) return NOT_READY;
  if (nodes.taints[node].length > 0 && !tolerates(facts.state, nodes.taints[node])) return TAINTED;
  if (!facts.state.nodeAffinity.every((term) => matches(term, nodes.labels[node]))) return WRONG_LABELS;
  if (session.podAffinity && !suitsNeighbours(session, facts.state, node)) return WRONG_NEIGHBOURS;
  return FITS;
}

function suitsMig(session: Session, facts: TaskFacts, node: number): boolean {
  if (facts.state.legacyMig) return false;
  if (facts.cpuOnly) return true;
  const mig = session.nodes.mig[node];
  const wantsMig = facts.kind === MIG;
  if (!isMigNode(session, node)) return !wantsMig;
  if (wantsMig && session.columns[NODE_LEGACY_MIG][node] > 0) return false;
  // A node that is cut into instances but says nothing of how takes either.
  return mig === 'none' || (mig === 'single' ? facts.kind === WHOLE : wantsMig);
}

type Taint = { key: string; value: string; effect: string };

export function tolerates({ tolerations }: TaskState, taints: readonly Taint[]): boolean {
  return taints.every(
    ({ key, value, effect }) =>
      (effect !== 'NoSchedule' && effect !== 'NoExecute') ||
      tolerations.some(
        (one) =>
          (one.effect === '' || one.effect === effect) &&
          (one.key === key || (one.key === '' && one.operator === 'Exists')) &&
          (one.operator === 'Exists' || one.value === value),
      ),
  );
}

export function matches({ key, operator, values }: NodeSelectorTerm, labels: Record<string, string>): boolean {
  const has = Object.hasOwn(labels, key);
  switch (operator) {
    case 'In':
      return has && values.includes(labels[key]);
    case 'NotIn':
      return !has || !values.includes(labels[key]);
    case 'Exists':
      return has;
    case 'DoesNotExist':
      return !has;
  }
}

/** Required affinity and anti-affinity to other tasks, as Kubernetes has them; the others' anti-affinity counts too. */
function suitsNeighbours(session: Session, state: TaskState, node: number): boolean {
  const { nodes, facts, columns } = session;
  const here = nodes.labels[node];
  const sameDomain = (key: string, other: number): boolean =>
    Object.hasOwn(here, key) && nodes.labels[other][key] === here[key];
  const found = state.podAffinity.map(() => ({ here: false, anywhere: false }));
  for (let other = 0; other < facts.length; other++) {
    // A task to be moved meets itself where it still is, so that one averse to its own kind cannot just stay.
    if (!isActiveUsed(columns[TASK_STATUS_COLUMN][other])) continue;
    const theirs = facts[other].state;
    for (const at of [columns[TASK_NODE][other], leavingFrom(session, other)]) {
      if (at < 0) continue;
      for (let n = 0; n < state.podAffinity.length; n++) {
        if (!carries(theirs.labels, state.podAffinity[n])) continue;
        found[n].anywhere = true;
        if (sameDomain(state.podAffinity[n].topologyKey, at)) found[n].here = true;
      }
      if (state.podAntiAffinity.some((term) => carries(theirs.labels, term) && sameDomain(term.topologyKey, at)))
        return false;
      if (theirs.podAntiAffinity.some((term) => carries(state.labels, term) && sameDomain(term.topologyKey, at)))
        return false;
    }
  }
  // The first of a group that wants each other's company may start where nobody is yet.
  const first =
    found.every(({ anywhere }) => !anywhere) && state.podAffinity.every((term) => carries(state.labels, term));
  return state.podAffinity.every((term, n) => Object.hasOwn(here, term.topologyKey) && (found[n].here || first));
}

function carries(labels: Record<string, string>, { labels: wanted }: PodAffinity): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
