/**
 * What both ways of preempting share: who may be preempted, in which order, and who is spared in the end.
 * Sources: kubernetes-sigs/kueue pkg/scheduler/preemption/preemption.go, common/ordering.go, common/preemption_policy.go.
 */
import type { Admission, Memory } from './memory.ts';
import { give, type QuotaTree, take } from './quota.ts';

export const priorityOf = (memory: Memory, job: number) => memory.shapes[memory.shapeOf[job]].priority;

/** Whether the queue's rules let the workload preempt this one, and it holds something that is short. */
export function mayPreempt(
  memory: Memory,
  job: number,
  candidate: Admission,
  queue: number,
  contested: readonly number[],
): boolean {
  const { withinClusterQueue, reclaimWithinCohort } = memory.queues[queue].rules;
  const rule = candidate.queue === queue ? withinClusterQueue : reclaimWithinCohort;
  if (rule === 'Never' || !candidate.cells.some((cell) => contested.includes(cell))) return false;
  if (rule === 'Any') return true;
  const mine = priorityOf(memory, job);
  const theirs = priorityOf(memory, candidate.job);
  if (mine > theirs) return true;
  const { queuedAt } = memory;
  return rule === 'LowerOrNewerEqualPriority' && mine === theirs && queuedAt[job] < queuedAt[candidate.job];
}

/** Those on their way out, then of other queues, lower priority, admitted later. */
export function compareCandidates(memory: Memory, queue: number, a: Admission, b: Admission): number {
  return (
    Number(b.evicted) - Number(a.evicted) ||
    Number(a.queue === queue) - Number(b.queue === queue) ||
    priorityOf(memory, a.job) - priorityOf(memory, b.job) ||
    b.atUs - a.atUs ||
    a.job - b.job
  );
}

/** Puts back, last taken first, what is not needed. The last one always is. Those that stay are given away still. */
export function fillBack<T extends { admission: Admission }>(tree: QuotaTree, targets: T[], fits: () => boolean): T[] {
  const needed = [...targets];
  for (let i = needed.length - 2; i >= 0; i--) {
    take(tree, needed[i].admission);
    if (fits()) {
      needed[i] = needed[needed.length - 1];
      needed.pop();
    } else {
      give(tree, needed[i].admission);
    }
  }
  return needed;
}
