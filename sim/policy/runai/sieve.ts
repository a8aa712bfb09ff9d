/**
 * Cheap tests that rule a set of victims out before it is simulated: too few GPUs on any nodes, in any domain of a required
 * topology level, or on nodes the tasks may use at all.
 */
import { type Group, type JobView, type Session, TASK_NODE } from './columns.ts';
import { matches } from './filters.ts';
import { acceptedGpus } from './requests.ts';

/** Victims so far, for the tasks that wait. */
export interface Tried {
  pending: readonly number[];
  recordedTasks: readonly number[];
  added: readonly number[];
}

export interface Sieve {
  /** GPUs each waiting task asks for, most first. */
  asked: number[];
  /** Free on a node with the victims so far gone. */
  room: Float64Array;
  /** The roomiest nodes, as many as there are tasks, most room first. */
  roomiest: number[];
  domains: DomainSieve[];
  /** Waiting tasks that name nodes, and the nodes open to the search. */
  choosy: number[];
  open: Set<number>;
  counted: Set<number>;
  /** How many of the added victims are counted. */
  upTo: number;
}

/** One level of one topology. */
interface DomainSieve {
  tree: string;
  level: string;
  asked: number[];
  room: Map<string, number>;
}

export function sieveFor(
  session: Session,
  preemptor: JobView,
  pending: readonly number[],
  feasible: ReadonlySet<number>,
  free: Float64Array,
): Sieve {
  const { nodes, facts } = session;
  const room = free.slice();
  const sieve: Sieve = {
    asked: pending.map((task) => facts[task].quotaGpus).sort((a, b) => b - a),
    room,
    roomiest: [],
    domains: [],
    choosy: pending.filter((task) => facts[task].state.nodeAffinity.length > 0),
    open: new Set(feasible),
    counted: new Set(),
    upTo: -1,
  };
  for (let node = 0; node < nodes.count; node++) {
    if (sieve.roomiest.length < pending.length || room[node] > room[sieve.roomiest[sieve.roomiest.length - 1]])
      insert(sieve, node, pending.length);
  }
  collectDomains(session, preemptor.root, sieve);
  return sieve;
}

function insert({ roomiest, room }: Sieve, node: number, most: number): void {
  const known = roomiest.indexOf(node);
  if (known >= 0) roomiest.splice(known, 1);
  let at = roomiest.length;
  while (at > 0 && room[roomiest[at - 1]] < room[node]) at--;
  roomiest.splice(at, 0, node);
  if (roomiest.length > most) roomiest.pop();
}

/** Inner groups with a required level; pod sets have only the simulation to say. */
function collectDomains(session: Session, group: Group, sieve: Sieve): void {
  if (group.leaf) return;
  const level = group.topology?.required ?? null;
  if (group.topology !== null && level !== null) {
    const { tree } = group.topology;
    let found = sieve.domains.find((each) => each.level === level && each.tree === tree);
    if (found === undefined) {
      found = { tree, level, asked: [], room: new Map() };
      sieve.domains.push(found);
      for (let node = 0; node < session.nodes.count; node++) addRoom(session, found, node, sieve.room[node]);
    }
    found.asked.push(gpusOf(session, group));
    found.asked.sort((a, b) => b - a);
  }
  for (const child of group.children) collectDomains(session, child, sieve);
}

function addRoom({ nodes }: Session, { level, room }: DomainSieve, node: number, gpus: number): void {
  const value = nodes.labels[node][level];
  if (value) room.set(value, (room.get(value) ?? 0) + gpus);
}

const gpusOf = (session: Session, group: Group): number =>
  group.leaf
    ? group.tasks.reduce((sum, task) => sum + session.facts[task].quotaGpus, 0)
    : group.children.reduce((sum, child) => sum + gpusOf(session, child), 0);

/** Scenarios must come in the order in which they grow. */
export function worthTrying(session: Session, sieve: Sieve, { recordedTasks, added, pending }: Tried): boolean {
  if (sieve.upTo < 0) for (const task of recordedTasks) count(session, sieve, task, pending.length);
  for (sieve.upTo = Math.max(0, sieve.upTo); sieve.upTo < added.length; sieve.upTo++) {
    count(session, sieve, added[sieve.upTo], pending.length);
  }
  if (sieve.choosy.some((task) => !mayRunSomewhere(session, sieve, task))) return false;
  for (const { asked, room } of sieve.domains) {
    if (
      !packs(
        asked,
        [...room.values()].sort((a, b) => b - a),
      )
    )
      return false;
  }
  const { asked, roomiest, room } = sieve;
  if (asked.length === 1) return asked[0] === 0 || (roomiest.length > 0 && room[roomiest[0]] >= asked[0]);
  if (asked[0] === asked[asked.length - 1] && Number.isInteger(asked[0]) && asked[0] > 0) {
    let fit = 0;
    for (const node of roomiest) fit += Math.max(0, Math.floor(room[node] / asked[0]));
    return fit >= asked.length;
  }
  return packs(
    asked,
    roomiest.map((node) => room[node]),
  );
}

function count(session: Session, sieve: Sieve, task: number, most: number): void {
  const node = session.columns[TASK_NODE][task];
  if (sieve.counted.has(task) || node < 0) return;
  sieve.counted.add(task);
  sieve.open.add(node);
  const facts = session.facts[task];
  const gpus = acceptedGpus(session, facts, node) + facts.migGpus;
  sieve.room[node] += gpus;
  const least = sieve.roomiest.length === 0 ? 0 : sieve.room[sieve.roomiest[sieve.roomiest.length - 1]];
  if (sieve.room[node] > least || sieve.roomiest.includes(node)) insert(sieve, node, most);
  for (const domain of sieve.domains) addRoom(session, domain, node, gpus);
}

function mayRunSomewhere({ facts, nodes }: Session, { open }: Sieve, task: number): boolean {
  const { nodeAffinity } = facts[task].state;
  for (const node of open) if (nodeAffinity.every((term) => matches(term, nodes.labels[node]))) return true;
  return false;
}

/** Each into the first place that still has room; places and amounts largest first. */
function packs(asked: readonly number[], room: readonly number[]): boolean {
  const taken = room.map(() => 0);
  for (const amount of asked) {
    if (amount === 0) return true;
    const at = room.findIndex((free, place) => free - taken[place] >= amount);
    if (at < 0) return false;
    taken[at] += amount;
  }
  return true;
}
