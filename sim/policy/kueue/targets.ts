/**
 * Whom to preempt. Candidates in order are taken away until the workload fits, then put back in reverse where it still
 * does. Classical: first workloads over which the queue has the advantage of quota, then those of other borrowing queues
 * by priority, then the queue's own. Sources: kubernetes-sigs/kueue pkg/scheduler/preemption/preemption.go,
 * classical/candidate_generator.go, classical/hierarchical_preemption.go, common/ordering.go.
 */
import { compareCandidates, fillBack, mayPreempt, priorityOf } from './candidates.ts';
import { fairTargets } from './fair-targets.ts';
import type { Admission, Memory, QueueRules, Target, Turn } from './memory.ts';
import { borrowsWith, fitsQuota, give, type Holding, localAvailable, NO_PARENT, take, withinNominal } from './quota.ts';

const IN_QUEUE = 'prioritization in the ClusterQueue';
const RECLAIMED = 'reclamation within the cohort';
const RECLAIMED_BORROWING = 'reclamation within the cohort while borrowing';

interface Candidate {
  admission: Admission;
  why: string;
  /** The lowest cohort that holds both queues; NO_PARENT within one queue. */
  common: number;
  /** Only for a workload that then fits without borrowing. */
  onlyWithoutBorrowing: boolean;
}

export function targetsFor(turn: Turn, job: number, asked: Holding, contested: readonly number[]): Target[] {
  return turn.settings.fairSharing ? fairTargets(turn, job, asked, contested) : classical(turn, job, asked, contested);
}

function classical({ memory }: Turn, job: number, asked: Holding, contested: readonly number[]): Target[] {
  const { tree } = memory;
  const { queue } = asked;
  const { rules } = memory.queues[queue];
  const own = rules.withinClusterQueue === 'Never' ? [] : candidatesIn(memory, queue, job, contested, NO_PARENT, false);
  const { hierarchical, byPriority } = candidatesAbove(memory, job, asked, contested);
  const lists = [hierarchical, byPriority, own];
  if (lists.every((list) => list.length === 0)) return [];
  const candidates: Candidate[] = [];
  for (const list of lists) {
    list.sort((a, b) => compareCandidates(memory, queue, a.admission, b.admission));
    for (const candidate of list) if (candidate.admission.evicted) candidates.push(candidate);
  }
  for (const list of lists) for (const candidate of list) if (!candidate.admission.evicted) candidates.push(candidate);
  for (const mayBorrow of attempts()) {
    const targets: { admission: Admission; why: string }[] = [];
    for (const candidate of candidates) {
      if (!isValid(candidate, mayBorrow)) continue;
      give(tree, candidate.admission);
      targets.push(candidate);
      if (!fits(mayBorrow)) continue;
      const needed = fillBack(tree, targets, () => fits(mayBorrow));
      for (const { admission } of needed) take(tree, admission);
      return needed.map(({ admission, why }) => ({ job: admission.job, why }));
    }
    for (const { admission } of targets) take(tree, admission);
  }
  return [];

  function attempts(): boolean[] {
    const othersNone = hierarchical.length === 0 && byPriority.length === 0;
    const underNominal = contested.every((cell) => tree.nominal[at(cell)] > tree.usage[at(cell)]);
    if (othersNone || (!rules.borrowWithinCohort && !underNominal)) return [true];
    return !rules.borrowWithinCohort && hierarchical.length === 0 ? [false, true] : [true, false];
  }

  function at(cell: number): number {
    return queue * tree.cells + cell;
  }

  function fits(mayBorrow: boolean): boolean {
    if (!mayBorrow && asked.cells.some((cell, i) => borrowsWith(tree, queue, cell, asked.amounts[i]))) return false;
    return fitsQuota(tree, asked);
  }

  /** A candidate ceases to be one when preempting others has brought its queue, or a cohort above it, within quota. */
  function isValid({ admission, common, onlyWithoutBorrowing }: Candidate, mayBorrow: boolean): boolean {
    if (admission.queue === queue) return true;
    if (mayBorrow && onlyWithoutBorrowing) return false;
    for (let node = admission.queue; node !== common; node = tree.parent[node]) {
      if (withinNominal(tree, node, contested)) return false;
    }
    return true;
  }
}

function candidatesAbove(memory: Memory, job: number, asked: Holding, contested: readonly number[]) {
  const { tree, queues } = memory;
  const hierarchical: Candidate[] = [];
  const byPriority: Candidate[] = [];
  if (queues[asked.queue].rules.reclaimWithinCohort === 'Never') return { hierarchical, byPriority };
  const left = [...asked.amounts];
  let advantage = fitsIn(asked.queue);
  let done = asked.queue;
  for (let cohort = tree.parent[asked.queue]; cohort !== NO_PARENT; cohort = tree.parent[cohort]) {
    collect(cohort, cohort, advantage ? hierarchical : byPriority);
    // Once a subtree has quota for the workload, it comes before everybody outside of it.
    advantage = fitsIn(cohort) || advantage;
    done = cohort;
  }
  return { hierarchical, byPriority };

  function fitsIn(node: number): boolean {
    let fits = true;
    asked.cells.forEach((cell, i) => {
      if (borrowsWith(tree, node, cell, left[i])) fits = false;
      left[i] = Math.max(0, left[i] - localAvailable(tree, node, cell));
    });
    return fits;
  }

  function collect(cohort: number, common: number, into: Candidate[]): void {
    for (const child of tree.childCohorts[cohort]) {
      if (child !== done && !withinNominal(tree, child, contested)) collect(child, common, into);
    }
    for (const other of tree.childQueues[cohort]) {
      if (other === asked.queue || withinNominal(tree, other, contested)) continue;
      into.push(...candidatesIn(memory, asked.queue, job, contested, common, advantage, other));
    }
  }
}

function candidatesIn(
  memory: Memory,
  queue: number,
  job: number,
  contested: readonly number[],
  common: number,
  advantage: boolean,
  other = queue,
): Candidate[] {
  const { rules } = memory.queues[queue];
  const found: Candidate[] = [];
  for (const candidate of memory.admittedIn[other]) {
    const admission = memory.admissions.get(candidate) as Admission;
    if (!mayPreempt(memory, job, admission, queue, contested)) continue;
    if (other === queue) found.push({ admission, why: IN_QUEUE, common, onlyWithoutBorrowing: false });
    else if (advantage) found.push({ admission, why: RECLAIMED, common, onlyWithoutBorrowing: false });
    else if (mayPreemptWhileBorrowing(memory, rules, job, candidate)) {
      found.push({ admission, why: RECLAIMED_BORROWING, common, onlyWithoutBorrowing: false });
    } else found.push({ admission, why: RECLAIMED, common, onlyWithoutBorrowing: true });
  }
  return found;
}

function mayPreemptWhileBorrowing(memory: Memory, rules: QueueRules, job: number, candidate: number): boolean {
  const priority = priorityOf(memory, candidate);
  return rules.borrowWithinCohort && priority < priorityOf(memory, job) && priority <= rules.maxPriorityThreshold;
}
