/**
 * The order in which the heads of the ClusterQueues are looked at within a cycle. Sources: kubernetes-sigs/kueue
 * pkg/scheduler/scheduler.go (classicalIterator), pkg/scheduler/fair_sharing_iterator.go.
 */
import { priorityOf } from './candidates.ts';
import type { Entry, Memory } from './memory.ts';
import { borrowsWith, give, NO_PARENT, take } from './quota.ts';
import { compareShares, type Share, shareOf } from './share.ts';

/** Within nominal quota before borrowing, then higher priority, then older; ties, which are random there, by number. */
export function compareEntries(memory: Memory, a: Entry, b: Entry): number {
  return a.assignment.borrows - b.assignment.borrows || compareSeniority(memory, a, b);
}

function compareSeniority(memory: Memory, a: Entry, b: Entry): number {
  const { queuedAt } = memory;
  return priorityOf(memory, b.job) - priorityOf(memory, a.job) || queuedAt[a.job] - queuedAt[b.job] || a.job - b.job;
}

/**
 * Fair sharing: a tournament from the ClusterQueues up to the root; in each cohort the child with the lowest share, its
 * workload counted in, goes on, after those that would not borrow what they ask for. Returns the winner's index.
 */
export function fairestEntry(memory: Memory, entries: readonly Entry[]): number {
  const { tree } = memory;
  const root = tree.root[entries[0].queue];
  if (root === entries[0].queue) return 0;
  const at = new Map<number, number>();
  const standing = new Map<number, Standing[]>();
  entries.forEach((entry, i) => {
    if (tree.root[entry.queue] !== root) return;
    at.set(entry.queue, i);
    standing.set(i, standingsOf(memory, entry));
  });
  const winner = (cohort: number, depth: number): number => {
    let best = -1;
    const consider = (i: number) => {
      if (i >= 0 && (best < 0 || compare(i, best, depth) < 0)) best = i;
    };
    for (const child of tree.childCohorts[cohort]) consider(winner(child, depth + 1));
    for (const queue of tree.childQueues[cohort]) consider(at.get(queue) ?? -1);
    return best;
  };
  const compare = (a: number, b: number, depth: number): number => {
    // Standings run from the root's child down.
    const mine = (standing.get(a) as Standing[])[depth];
    const theirs = (standing.get(b) as Standing[])[depth];
    return (
      Number(mine.borrows) - Number(theirs.borrows) ||
      compareShares(mine.share, theirs.share) ||
      compareSeniority(memory, entries[a], entries[b])
    );
  };
  return winner(root, 0);
}

interface Standing {
  share: Share;
  /** Whether the node would borrow any of what the workload asks for. */
  borrows: boolean;
}

/** Of every node from the root's child down to the ClusterQueue, the workload counted in. */
function standingsOf({ tree }: Memory, { queue, assignment }: Entry): Standing[] {
  const { asked } = assignment;
  take(tree, asked);
  const found: Standing[] = [];
  for (let node = queue; tree.parent[node] !== NO_PARENT; node = tree.parent[node]) {
    found.push({ share: shareOf(tree, node), borrows: asked.cells.some((cell) => borrowsWith(tree, node, cell, 0)) });
  }
  give(tree, asked);
  return found.reverse();
}
