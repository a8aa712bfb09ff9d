/**
 * Fair share: what each queue of a hierarchy may call its own, for one resource at a time.
 *
 * Top down: the queues at the top share the pool, the children of a queue share what it got. Among siblings:
 *   1. each gets min(deserved, requestable), requestable = min(request, limit);
 *   2. what remains goes by queue priority, highest first, and inside one priority in rounds by over-quota weight, in
 *      whole units; rounds go on while some queue asked for less than its part;
 *   3. what floors left over goes out one unit at a time, the largest remainder first, then the older queue.
 * Behaviour: KAI-Scheduler d5bc503a, pkg/scheduler/plugins/proportion/resource_division.
 */

/** The hierarchy, its siblings laid side by side in the order in which they are served. */
export interface QueueTree {
  count: number;
  /** Queue above, −1 at the top. */
  parent: Int32Array;
  /** Siblings are contiguous, parents before children; among siblings the higher priority first, then the older. */
  order: Int32Array;
  priority: Float64Array;
  /** Families in `order`: family f is order[familyStart[f]] .. order[familyStart[f+1]-1]. */
  familyStart: Int32Array;
  /** The queue whose children the family is, −1 = the top. */
  familyOf: Int32Array;
}

/** One resource of all queues; −1 = unlimited in `deserved` and `limit`. */
export interface ResourceColumns {
  deserved: Float64Array;
  limit: Float64Array;
  overQuotaWeight: Float64Array;
  /** Allocated and pending, of the queue and all below it. */
  request: Float64Array;
  /** Share of the pool's capacity it used lately, 0 … 1; all 0 = no time-based fair share. */
  usage: Float64Array;
  /** The answer. */
  fairShare: Float64Array;
}

export const UNLIMITED = -1;

export function resourceColumns(count: number): ResourceColumns {
  return {
    deserved: new Float64Array(count),
    limit: new Float64Array(count).fill(UNLIMITED),
    overQuotaWeight: new Float64Array(count),
    request: new Float64Array(count),
    usage: new Float64Array(count),
    fairShare: new Float64Array(count),
  };
}

/** `age`: place in the order of creation, ties by name; smaller is older. A parent may come before or after its children. */
export function queueTree(parent: Int32Array, priority: Float64Array, age: Int32Array): QueueTree {
  const count = parent.length;
  const depth = new Int32Array(count).fill(-1);
  for (let queue = 0; queue < count; queue++) {
    let steps = 0;
    for (let above = parent[queue]; above >= 0; above = parent[above]) {
      if (++steps > count) throw new Error(`invariant: queue ${queue} is above itself`);
    }
    depth[queue] = steps;
  }
  const order = Int32Array.from({ length: count }, (_, queue) => queue);
  order.sort(
    (a, b) => depth[a] - depth[b] || parent[a] - parent[b] || priority[b] - priority[a] || age[a] - age[b] || a - b,
  );
  const starts: number[] = [];
  order.forEach((queue, at) => {
    if (at === 0 || parent[queue] !== parent[order[at - 1]]) starts.push(at);
  });
  return {
    count,
    parent,
    order,
    priority,
    familyStart: Int32Array.from([...starts, count]),
    familyOf: Int32Array.from(starts, (at) => parent[order[at]]),
  };
}

/**
 * Fills `columns.fairShare`. `total`: what the pool has of the resource (GPUs, 1/1000 core, bytes); shares are whole
 * multiples of that unit beyond what is deserved. `k`: strength of time-based fairness, 0 = usage plays no part.
 */
export function divideFairShare(tree: QueueTree, columns: ResourceColumns, total: number, k: number): void {
  const { order, familyStart, familyOf } = tree;
  for (let family = 0; family < familyOf.length; family++) {
    const above = familyOf[family];
    const amount = above < 0 ? total : columns.fairShare[above];
    divideAmongSiblings(tree, order.subarray(familyStart[family], familyStart[family + 1]), columns, amount, k);
  }
}

/** What a queue may hold at most without a claim on it: max(fair share, deserved) up to its limit; −1 = unlimited. */
export function allocatableShare(columns: ResourceColumns, queue: number): number {
  const limit = columns.limit[queue];
  if (columns.deserved[queue] === UNLIMITED) return limit;
  const share = Math.max(columns.deserved[queue], columns.fairShare[queue]);
  return limit === UNLIMITED ? share : Math.min(limit, share);
}

function divideAmongSiblings(
  tree: QueueTree,
  siblings: Int32Array,
  columns: ResourceColumns,
  total: number,
  k: number,
): void {
  const { deserved, fairShare } = columns;
  let remaining = total;
  let asksForMore = false;
  for (const queue of siblings) {
    const quota = deserved[queue] === UNLIMITED ? total : deserved[queue];
    const asked = requestable(columns, queue);
    fairShare[queue] = Math.min(quota, asked);
    remaining -= fairShare[queue];
    asksForMore ||= asked > quota;
  }
  // Deserved is given even where it sums to more than there is.
  if (remaining <= 0 || !asksForMore) return;
  const leftOvers: { queue: number; remainder: number }[][] = [];
  for (let from = 0; from < siblings.length; ) {
    let to = from + 1;
    while (to < siblings.length && tree.priority[siblings[to]] === tree.priority[siblings[from]]) to++;
    const remainder = new Map<number, number>();
    remaining = divideInRounds(siblings.subarray(from, to), columns, remaining, k, remainder);
    leftOvers.push(
      Array.from(siblings.subarray(from, to), (queue) => ({ queue, remainder: remainder.get(queue) ?? 0 })),
    );
    from = to;
  }
  for (const band of leftOvers) {
    if (remaining <= 0) return;
    // Siblings come oldest first and the sort is stable: the older queue wins a tie.
    const owed = band.filter(({ remainder }) => remainder > 0).sort((a, b) => b.remainder - a.remainder);
    for (const { queue } of owed) {
      if (remaining === 0) return;
      const unit = Math.min(1, remaining);
      fairShare[queue] += unit;
      remaining -= unit;
    }
  }
}

/** Hands out `amount` among queues of one priority; returns what is left and notes who was cut off by rounding down. */
function divideInRounds(
  queues: Int32Array,
  columns: ResourceColumns,
  amount: number,
  k: number,
  remainder: Map<number, number>,
): number {
  const { overQuotaWeight, usage, fairShare } = columns;
  let asking = Array.from(queues);
  const weight = new Float64Array(queues.length);
  for (;;) {
    asking = asking.filter((queue) => requestable(columns, queue) > fairShare[queue]);
    let overQuotaSum = 0;
    for (const queue of asking) overQuotaSum += overQuotaWeight[queue];
    if (overQuotaSum === 0) return amount;
    let weightSum = 0;
    for (let i = 0; i < asking.length; i++) {
      const normal = overQuotaWeight[asking[i]] / overQuotaSum;
      weight[i] = Math.max(0, normal + k * (normal - usage[asking[i]]));
      weightSum += weight[i];
    }
    if (weightSum === 0) return amount;
    const toShare = amount;
    let another = false;
    for (let i = 0; i < asking.length && amount !== 0; i++) {
      const queue = asking[i];
      if (overQuotaWeight[queue] === 0) continue;
      const asked = requestable(columns, queue) - fairShare[queue];
      const part = toShare * (weight[i] / weightSum);
      let given = asked;
      if (asked <= part) {
        remainder.delete(queue);
      } else {
        // Rounding errors may have left a hair less than nothing.
        given = Math.max(0, Math.floor(part));
        if (part > given) remainder.set(queue, part - given);
      }
      if (given === 0) continue;
      fairShare[queue] += given;
      amount -= given;
      if (asked < part) another = true;
    }
    if (!another || amount === 0) return amount;
  }
}

function requestable({ request, limit }: ResourceColumns, queue: number): number {
  return limit[queue] === UNLIMITED ? request[queue] : Math.min(limit[queue], request[queue]);
}
