/**
 * The ledger of quota: a tree of ClusterQueues and cohorts, each with nominal quota, borrowing and lending limits and
 * usage per cell (a resource in a flavour). What a node may not lend is its local quota; usage beyond it counts in the
 * parent. Source: kubernetes-sigs/kueue pkg/cache/scheduler/resource_node.go, keps/79-hierarchical-cohorts.
 *
 * Amounts are integers (7000ths of a GPU, millicores, MiB), so that taking away what was added restores every sum.
 */

export const NO_PARENT = -1;

/** Nodes 0 … queues−1 are ClusterQueues, the rest cohorts. Columns by cell are indexed `node * cells + cell`. */
export interface QuotaTree {
  queues: number;
  nodes: number;
  cells: number;
  names: string[];
  parent: Int32Array;
  root: Int32Array;
  childQueues: number[][];
  childCohorts: number[][];
  /** Edges to the furthest leaf. */
  height: Int32Array;
  weight: Float64Array;
  nominal: Float64Array;
  borrowingLimit: Float64Array;
  lendingLimit: Float64Array;
  /** Own quota and what the children lend. */
  subtree: Float64Array;
  /** The part of `subtree` that is never lent to the parent. */
  local: Float64Array;
  usage: Float64Array;
  /** The most the node could ever use. */
  potential: Float64Array;
}

/** The tree before its sums: parents, names, limits and nominal quotas are filled in by the caller. */
export function emptyTree(queues: number, cohorts: number, cells: number): QuotaTree {
  const nodes = queues + cohorts;
  const column = (value = 0) => new Float64Array(nodes * cells).fill(value);
  return {
    queues,
    nodes,
    cells,
    names: Array(nodes).fill(''),
    parent: new Int32Array(nodes).fill(NO_PARENT),
    root: new Int32Array(nodes),
    childQueues: Array.from({ length: nodes }, () => []),
    childCohorts: Array.from({ length: nodes }, () => []),
    height: new Int32Array(nodes),
    weight: new Float64Array(nodes).fill(1),
    nominal: column(),
    borrowingLimit: column(Infinity),
    lendingLimit: column(Infinity),
    subtree: column(),
    local: column(),
    usage: column(),
    potential: column(),
  };
}

/** Fills in what follows from parents, quotas and limits. */
export function settleTree(tree: QuotaTree): void {
  const { queues, nodes, cells, parent } = tree;
  for (let node = 0; node < nodes; node++) {
    let root = node;
    while (parent[root] !== NO_PARENT) root = parent[root];
    tree.root[node] = root;
    if (parent[node] === NO_PARENT) continue;
    (node < queues ? tree.childQueues : tree.childCohorts)[parent[node]].push(node);
  }
  const sum = (node: number): void => {
    for (let cell = 0; cell < cells; cell++) tree.subtree[node * cells + cell] = tree.nominal[node * cells + cell];
    for (const child of [...tree.childCohorts[node], ...tree.childQueues[node]]) {
      sum(child);
      tree.height[node] = Math.max(tree.height[node], tree.height[child] + 1);
      for (let cell = 0; cell < cells; cell++) {
        const c = child * cells + cell;
        tree.subtree[node * cells + cell] += tree.subtree[c] - tree.local[c];
      }
    }
    for (let cell = 0; cell < cells; cell++) {
      const at = node * cells + cell;
      const lends = parent[node] === NO_PARENT ? Infinity : tree.lendingLimit[at];
      tree.local[at] = Math.max(0, tree.subtree[at] - lends);
    }
  };
  const reach = (node: number): void => {
    for (let cell = 0; cell < cells; cell++) {
      const at = node * cells + cell;
      if (parent[node] === NO_PARENT) tree.potential[at] = tree.subtree[at];
      else {
        const withParent = tree.local[at] + tree.potential[parent[node] * cells + cell];
        tree.potential[at] = Math.min(withParent, tree.subtree[at] + tree.borrowingLimit[at]);
      }
    }
    for (const child of [...tree.childCohorts[node], ...tree.childQueues[node]]) reach(child);
  };
  for (let node = 0; node < nodes; node++) {
    if (parent[node] !== NO_PARENT) continue;
    sum(node);
    reach(node);
  }
}

/** Local quota that is free: seen by the node, not by its parent. */
export function localAvailable(tree: QuotaTree, node: number, cell: number): number {
  const at = node * tree.cells + cell;
  return Math.max(0, tree.local[at] - tree.usage[at]);
}

/** What the node could use now without preempting anybody; never below 0. */
export function available(tree: QuotaTree, node: number, cell: number): number {
  return Math.max(0, signedAvailable(tree, node, cell));
}

function signedAvailable(tree: QuotaTree, node: number, cell: number): number {
  const at = node * tree.cells + cell;
  const up = tree.parent[node];
  if (up === NO_PARENT) return tree.subtree[at] - tree.usage[at];
  const lent = tree.subtree[at] - tree.local[at];
  const usedInParent = Math.max(0, tree.usage[at] - tree.local[at]);
  const limit = lent - usedInParent + tree.borrowingLimit[at];
  return localAvailable(tree, node, cell) + Math.min(limit, signedAvailable(tree, up, cell));
}

/** Whether the node would use more than its own quota with `amount` more. */
export function borrowsWith(tree: QuotaTree, node: number, cell: number, amount: number): boolean {
  const at = node * tree.cells + cell;
  return tree.usage[at] + amount > tree.subtree[at];
}

export function addUsage(tree: QuotaTree, node: number, cell: number, amount: number): void {
  const free = localAvailable(tree, node, cell);
  tree.usage[node * tree.cells + cell] += amount;
  if (tree.parent[node] !== NO_PARENT && amount > free) addUsage(tree, tree.parent[node], cell, amount - free);
}

export function removeUsage(tree: QuotaTree, node: number, cell: number, amount: number): void {
  const at = node * tree.cells + cell;
  const inParent = tree.usage[at] - tree.local[at];
  tree.usage[at] -= amount;
  if (inParent > 0 && tree.parent[node] !== NO_PARENT) {
    removeUsage(tree, tree.parent[node], cell, Math.min(amount, inParent));
  }
}

/** Quota that some ClusterQueue holds: `amounts[i]` of `cells[i]`. */
export interface Holding {
  queue: number;
  cells: number[];
  amounts: number[];
}

export function take(tree: QuotaTree, held: Holding): void {
  for (let i = 0; i < held.cells.length; i++) addUsage(tree, held.queue, held.cells[i], held.amounts[i]);
}

export function give(tree: QuotaTree, held: Holding): void {
  for (let i = 0; i < held.cells.length; i++) removeUsage(tree, held.queue, held.cells[i], held.amounts[i]);
}

/** Whether there is quota for all of it now. */
export function fitsQuota(tree: QuotaTree, asked: Holding): boolean {
  for (let i = 0; i < asked.cells.length; i++) {
    if (asked.amounts[i] > available(tree, asked.queue, asked.cells[i])) return false;
  }
  return true;
}

/** Whether the node is within its own quota in every one of the cells. */
export function withinNominal(tree: QuotaTree, node: number, cells: readonly number[]): boolean {
  for (const cell of cells) if (borrowsWith(tree, node, cell, 0)) return false;
  return true;
}

/**
 * How far up the tree quota for `amount` would come from: height of the lowest subtree that has it, 0 = the
 * ClusterQueue's own; and whether that subtree is less than the whole tree, so that something could be reclaimed.
 */
export function borrowingHeight(
  tree: QuotaTree,
  queue: number,
  cell: number,
  amount: number,
): { height: number; below: boolean } {
  const { parent, height } = tree;
  if (parent[queue] === NO_PARENT) return { height: 0, below: false };
  if (!borrowsWith(tree, queue, cell, amount)) return { height: 0, below: true };
  let left = amount - localAvailable(tree, queue, cell);
  for (let node = parent[queue]; node !== NO_PARENT; node = parent[node]) {
    if (!borrowsWith(tree, node, cell, left)) return { height: height[node], below: parent[node] !== NO_PARENT };
    left -= localAvailable(tree, node, cell);
  }
  return { height: height[tree.root[queue]], below: false };
}
