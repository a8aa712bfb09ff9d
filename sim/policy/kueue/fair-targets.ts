/**
 * Whom to preempt under fair sharing: from the node with the highest share, as long as the strategy allows it.
 * LessThanOrEqualToFinalShare: the preemptor's share with its workload is at most the victim's without its own.
 * LessThanInitialShare: it is below what the victim's was. A workload within its queue's nominal quota needs neither.
 * Sources: kubernetes-sigs/kueue pkg/scheduler/preemption/preemption.go, fairsharing/ordering.go, fairsharing/strategy.go,
 * keps/1714-fair-sharing.
 */
import { compareCandidates, fillBack, mayPreempt } from './candidates.ts';
import type { Admission, Memory, Target, Turn } from './memory.ts';
import { borrowsWith, fitsQuota, give, type Holding, NO_PARENT, take } from './quota.ts';
import { compareShares, NO_SHARE, shareOf } from './share.ts';

interface Taken {
  admission: Admission;
  why: string;
}

const IN_QUEUE = 'prioritization in the ClusterQueue';
const RECLAIMED = 'reclamation within the cohort';
const FAIR = 'Fair Sharing within the cohort';

export function fairTargets(
  { memory, settings }: Turn,
  job: number,
  asked: Holding,
  contested: readonly number[],
): Target[] {
  const { tree } = memory;
  const { queue } = asked;
  const candidates = candidatesOf(memory, job, queue, contested);
  if (candidates.length === 0) return [];
  candidates.sort((a, b) => compareCandidates(memory, queue, a, b));
  const taken: Taken[] = [];
  const fits = () => fitsQuota(tree, asked);
  // Shares include the workload that would come in; whether it fits is asked without it.
  const fitsWithout = () => {
    give(tree, asked);
    const answer = fits();
    take(tree, asked);
    return answer;
  };
  take(tree, asked);
  const retry: Admission[] = [];
  let found = first();
  if (!found && settings.strategies.length > 1) found = second();
  give(tree, asked);
  const needed = found ? fillBack(tree, taken, fits) : taken;
  for (const { admission } of needed) take(tree, admission);
  return found ? needed.map(({ admission, why }) => ({ job: admission.job, why })) : [];

  function preempt(admission: Admission, why: string): boolean {
    give(tree, admission);
    taken.push({ admission, why });
    return fitsWithout();
  }

  function first(): boolean {
    const [strategy] = settings.strategies;
    const withinNominal = contested.every((cell) => !borrowsWith(tree, queue, cell, 0));
    const order = new Order(memory, queue, candidates);
    for (let victim = order.next(); victim >= 0; victim = order.next()) {
      if (victim === queue) {
        if (preempt(order.pop(victim), IN_QUEUE)) return true;
        continue;
      }
      if (withinNominal) {
        if (preempt(order.pop(victim), RECLAIMED)) return true;
        continue;
      }
      const [mine, theirs] = belowCommon(memory, queue, victim);
      const myShare = shareOf(tree, mine);
      const before = shareOf(tree, theirs);
      while (order.has(victim)) {
        const candidate = order.pop(victim);
        give(tree, candidate);
        const after = shareOf(tree, theirs);
        take(tree, candidate);
        const allowed =
          strategy === 'LessThanInitialShare' ? compareShares(myShare, before) < 0 : compareShares(myShare, after) <= 0;
        if (!allowed) {
          retry.push(candidate);
          continue;
        }
        if (preempt(candidate, FAIR)) return true;
        break;
      }
    }
    return false;
  }

  function second(): boolean {
    const order = new Order(memory, queue, retry);
    for (let victim = order.next(); victim >= 0; victim = order.next()) {
      const [mine, theirs] = belowCommon(memory, queue, victim);
      const allowed = compareShares(shareOf(tree, mine), shareOf(tree, theirs)) < 0;
      const candidate = order.pop(victim);
      if (allowed && preempt(candidate, FAIR)) return true;
      order.drop(victim);
    }
    return false;
  }
}

function candidatesOf(memory: Memory, job: number, queue: number, contested: readonly number[]): Admission[] {
  const { tree } = memory;
  const found: Admission[] = [];
  for (const other of memory.queuesUnder.get(tree.root[queue]) ?? []) {
    if (other !== queue && !contested.some((cell) => borrowsWith(tree, other, cell, 0))) continue;
    for (const candidate of memory.admittedIn[other]) {
      const admission = memory.admissions.get(candidate) as Admission;
      if (mayPreempt(memory, job, admission, queue, contested)) found.push(admission);
    }
  }
  return found;
}

/** The nodes above the two queues that are children of the lowest cohort above both: whose shares are compared. */
function belowCommon({ tree }: Memory, a: number, b: number): [number, number] {
  const above = new Set<number>();
  for (let node = tree.parent[a]; node !== NO_PARENT; node = tree.parent[node]) above.add(node);
  let theirs = b;
  while (!above.has(tree.parent[theirs])) theirs = tree.parent[theirs];
  let mine = a;
  while (tree.parent[mine] !== tree.parent[theirs]) mine = tree.parent[mine];
  return [mine, theirs];
}

/** Queues to take victims from, the one with the highest share first, looked for anew each time from the root down. */
class Order {
  private readonly memory: Memory;
  private readonly queue: number;
  private readonly waiting = new Map<number, Admission[]>();
  private readonly done = new Set<number>();
  private readonly onPath = new Set<number>();

  constructor(memory: Memory, queue: number, candidates: readonly Admission[]) {
    this.memory = memory;
    this.queue = queue;
    const { parent } = memory.tree;
    for (let node = parent[queue]; node !== NO_PARENT; node = parent[node]) this.onPath.add(node);
    for (const candidate of candidates) {
      const list = this.waiting.get(candidate.queue) ?? [];
      list.push(candidate);
      this.waiting.set(candidate.queue, list);
    }
    for (const list of this.waiting.values()) list.reverse();
  }

  has(queue: number): boolean {
    return (this.waiting.get(queue)?.length ?? 0) > 0;
  }

  pop(queue: number): Admission {
    return this.waiting.get(queue)?.pop() as Admission;
  }

  drop(queue: number): void {
    this.done.add(queue);
  }

  /** -1 when nobody is left. */
  next(): number {
    const root = this.memory.tree.root[this.queue];
    if (root === this.queue) return this.has(root) && !this.done.has(root) ? root : -1;
    while (!this.done.has(root)) {
      const found = this.highest(root);
      if (found >= 0) return found;
    }
    return -1;
  }

  private highest(cohort: number): number {
    const { tree } = this.memory;
    let bestQueue = -1;
    let queueShare = NO_SHARE;
    for (const queue of tree.childQueues[cohort]) {
      if (this.done.has(queue)) continue;
      const share = shareOf(tree, queue);
      if ((!share.borrowing && queue !== this.queue) || !this.has(queue)) {
        this.done.add(queue);
        continue;
      }
      const order = compareShares(share, queueShare);
      if (order > 0 || (order === 0 && this.compareHeads(queue, bestQueue) < 0)) {
        bestQueue = queue;
        queueShare = share;
      }
    }
    let bestCohort = -1;
    let cohortShare = NO_SHARE;
    for (const child of tree.childCohorts[cohort]) {
      if (this.done.has(child)) continue;
      const share = shareOf(tree, child);
      if (!share.borrowing && !this.onPath.has(child)) this.done.add(child);
      else if (compareShares(share, cohortShare) >= 0) {
        bestCohort = child;
        cohortShare = share;
      }
    }
    if (bestQueue < 0 && bestCohort < 0) {
      this.done.add(cohort);
      return -1;
    }
    return bestCohort >= 0 && compareShares(cohortShare, queueShare) >= 0 ? this.highest(bestCohort) : bestQueue;
  }

  private compareHeads(a: number, b: number): number {
    const head = (queue: number) => this.waiting.get(queue)?.at(-1) as Admission;
    return compareCandidates(this.memory, this.queue, head(a), head(b));
  }
}
