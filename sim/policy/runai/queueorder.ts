/**
 * Which queue is served next, and which gives up resources first (the same order backwards).
 *
 * Under its fair share; within what it deserves with its next job; priority; a share at all; the smaller dominant share
 * counting that job and without its victims so far; the smaller without either; the smaller allocatable share; the older.
 */
import { CPU, GPU, MEMORY, MIG_FROM, type QueueRank, type Session, SHARED } from './columns.ts';
import { UNLIMITED } from './fairshare.ts';
import { allocatable, used, within } from './queues.ts';

/** Using a resource one has no share of weighs this much a unit. */
const NO_SHARE_PENALTY = 1000;

/** Vectors, null = none. `asks`: of the queue's best waiting job; `taken` and `next`: held by its victims so far and the next one. */
export function rankQueue(
  session: Session,
  queue: number,
  asks: Float64Array | null,
  taken: Float64Array | null,
  next: Float64Array | null,
  rank: QueueRank,
): void {
  const { shares } = session.queues;
  rank.queue = queue;
  rank.overShare = true;
  rank.withinDeserved = true;
  rank.usesWithoutShare = false;
  rank.dominant = 0;
  rank.dominantBare = 0;
  for (let resource = 0; resource < SHARED; resource++) {
    const holds = used(session, queue, resource);
    const more = asks === null ? 0 : sharedAmount(session, asks, resource);
    if (shares[resource].fairShare[queue] >= holds) rank.overShare = false;
    if (!within(holds + more, shares[resource].deserved[queue])) rank.withinDeserved = false;
    let share = allocatable(session, queue, resource);
    if (share === 0 && holds + more > 0) rank.usesWithoutShare = true;
    if (share === UNLIMITED) share = session.total[resource];
    let left = holds + more;
    if (taken !== null) left -= sharedAmount(session, taken, resource);
    if (next !== null) left -= sharedAmount(session, next, resource);
    rank.dominant = Math.max(rank.dominant, share === 0 ? left * NO_SHARE_PENALTY : left / share);
    rank.dominantBare = Math.max(rank.dominantBare, share === 0 ? holds * NO_SHARE_PENALTY : holds / share);
  }
}

/** A resource of a vector as queues count it: MIG instances are GPUs. */
function sharedAmount({ dims, gpusPerUnit }: Session, vector: Float64Array, resource: number): number {
  if (resource === CPU || resource === MEMORY) return vector[resource];
  let sum = vector[GPU];
  for (let dim = MIG_FROM; dim < dims; dim++) sum += vector[dim] * gpusPerUnit[dim];
  return sum;
}

/** Negative: `left` goes first. */
export function compareRanks(session: Session, left: QueueRank, right: QueueRank): number {
  const { queues, config } = session;
  if (!config.plugins.has('proportion')) return byAge(session, left.queue, right.queue);
  if (left.overShare !== right.overShare) return left.overShare ? 1 : -1;
  if (left.withinDeserved !== right.withinDeserved) return left.withinDeserved ? -1 : 1;
  const byPriority = queues.priority[right.queue] - queues.priority[left.queue];
  if (byPriority !== 0) return byPriority;
  if (left.usesWithoutShare !== right.usesWithoutShare) return left.usesWithoutShare ? 1 : -1;
  if (left.dominant !== right.dominant) return left.dominant < right.dominant ? -1 : 1;
  if (left.dominantBare !== right.dominantBare) return left.dominantBare < right.dominantBare ? -1 : 1;
  return byAllocatable(session, left.queue, right.queue) || byAge(session, left.queue, right.queue);
}

function byAge({ queues }: Session, left: number, right: number): number {
  return queues.createdUs[left] - queues.createdUs[right] || (queues.name[left] < queues.name[right] ? -1 : 1);
}

function byAllocatable(session: Session, left: number, right: number): number {
  let leftFits = true;
  let rightFits = true;
  for (let resource = 0; resource < SHARED; resource++) {
    const l = allocatable(session, left, resource);
    const r = allocatable(session, right, resource);
    leftFits &&= within(l, r);
    rightFits &&= within(r, l);
  }
  return leftFits === rightFits ? 0 : leftFits ? -1 : 1;
}
