/**
 * The order of the queue: jobs that can preempt, PriorityTier, priority, submit time, job number; and the priority, which
 * is the weighted sum of the factors of https://slurm.schedmd.com/priority_multifactor.html, cut to a whole number.
 *
 * Size and TRES factors are the job's GPUs over the cluster's. Left out: the association factor and nice, which
 * scenarios do not state.
 */
import type { Scenario } from '../../scenario.ts';
import { calculateFactors } from './fairshare.ts';
import type { Memory } from './memory.ts';
import type { SlurmArgs } from './settings.ts';

export function priorityOf(state: Memory, settings: SlurmArgs, scenario: Scenario, job: number, now: number): number {
  const { model, tree } = state;
  const eligible = Math.max(state.queuedAt[job], state.beginAt[job]);
  const age = Math.min(1, Math.max(0, now - eligible) / settings.priorityMaxAge);
  const size = model.sizeFactor[job];
  return Math.trunc(
    settings.priorityWeightAge * age +
      settings.priorityWeightFairshare * tree.factor[tree.leafOf[job]] +
      settings.priorityWeightJobSize * size +
      settings.priorityWeightPartition * model.partitions[model.partitionOf[job]].factor +
      settings.priorityWeightQos * model.qos[model.qosOf[job]].factor +
      settings.priorityWeightGpu * (settings.priorityFavorSmall ? 1 - size : size) +
      settings.sitePriority * scenario.jobs.priority[job],
  );
}

/** Below 0 if a comes before b. */
function order(state: Memory, a: number, b: number): number {
  const { model } = state;
  return (
    canPreempt(state, b) - canPreempt(state, a) ||
    model.partitions[model.partitionOf[b]].tier - model.partitions[model.partitionOf[a]].tier ||
    state.priority[b] - state.priority[a] ||
    state.queuedAt[a] - state.queuedAt[b] ||
    a - b
  );
}

function canPreempt(state: Memory, job: number): number {
  return state.model.qos[state.model.qosOf[job]].preempts.length > 0 ? 1 : 0;
}

export function placeInOrder(state: Memory, job: number): void {
  const { queue } = state;
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(state, queue[middle], job) < 0) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, job);
}

/** Whether priorities change by themselves as time passes. */
export function drifts(settings: SlurmArgs): boolean {
  return settings.priorityWeightAge > 0 || settings.priorityWeightFairshare > 0;
}

/** At each PriorityCalcPeriod; true if the order of the queue changed. */
export function recalculate(state: Memory, settings: SlurmArgs, scenario: Scenario, now: number): boolean {
  if (settings.priorityWeightFairshare > 0) {
    calculateFactors(state.tree, now, settings.priorityDecayHalfLife, settings.fairTree);
  }
  const { queue } = state;
  for (const job of queue) state.priority[job] = priorityOf(state, settings, scenario, job, now);
  let sorted = true;
  for (let i = 1; i < queue.length && sorted; i++) sorted = order(state, queue[i - 1], queue[i]) < 0;
  if (!sorted) queue.sort((a, b) => order(state, a, b));
  return !sorted;
}
