/**
 * The dominant resource share of fair sharing: the largest, over resources, of what a node borrows per thousand of what
 * its parent could lend, divided by the node's weight. A weight of 0 makes any borrowing an infinite share.
 * Source: kubernetes-sigs/kueue pkg/cache/scheduler/fair_sharing.go, keps/1714-fair-sharing.
 */
import { KUEUE_RESOURCES } from '../../scenario.ts';
import { NO_PARENT, type QuotaTree } from './quota.ts';

export interface Share {
  /** Borrowed per thousand lendable, before the weight. */
  ratio: number;
  weight: number;
  borrowing: boolean;
}

/** Below every share there is: where a search for the highest begins. */
export const NO_SHARE: Share = { ratio: -1, weight: 1, borrowing: false };

/** Cells are numbered flavour by flavour, in the order of KUEUE_RESOURCES within each. */
const PER_FLAVOR = KUEUE_RESOURCES.length;

export function shareOf(tree: QuotaTree, node: number): Share {
  const share: Share = { ratio: 0, weight: tree.weight[node], borrowing: false };
  const up = tree.parent[node];
  if (up === NO_PARENT) return share;
  for (let resource = 0; resource < PER_FLAVOR; resource++) {
    let borrowed = 0;
    let lendable = 0;
    for (let cell = resource; cell < tree.cells; cell += PER_FLAVOR) {
      borrowed += Math.max(0, tree.usage[node * tree.cells + cell] - tree.subtree[node * tree.cells + cell]);
      lendable += tree.potential[up * tree.cells + cell];
    }
    if (borrowed === 0) continue;
    share.borrowing = true;
    if (lendable > 0) share.ratio = Math.max(share.ratio, (borrowed * 1000) / lendable);
  }
  return share;
}

/** Negative if `a` is the smaller share: first to be admitted, last to be preempted. */
export function compareShares(a: Share, b: Share): number {
  const aInfinite = a.weight === 0 && a.ratio !== 0;
  const bInfinite = b.weight === 0 && b.ratio !== 0;
  if (aInfinite && bInfinite) return a.ratio - b.ratio;
  if (aInfinite !== bInfinite) return aInfinite ? 1 : -1;
  return weighted(a) - weighted(b);
}

function weighted(share: Share): number {
  return share.ratio === 0 ? 0 : share.ratio / share.weight;
}
