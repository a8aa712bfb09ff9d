/**
 * What tasks are promised from one cycle to the next: where they would go once others have left. A promise binds nobody; it keeps
 * a job that may use several pools in line in the pool that made it.
 */
import { PENDING, type View } from '../../cluster/view.ts';
import type { Memory } from './memory.ts';
import { moveHome, type Shard, type ShardRules, type Shards } from './shard.ts';

/** Replaces this pass's promises by those it made now; whether that changed any. */
export function keepPromises(
  view: View,
  memory: Memory,
  shards: Shards,
  rules: ShardRules,
  shard: Shard,
  pass: number,
  fresh: Map<number, number>,
): boolean {
  const { scenario, cluster, status } = view;
  const { nodes, poolLists, jobs } = scenario;
  const changed = new Set<number>();
  for (const [task, node] of [...memory.promises]) {
    const job = cluster.jobOfTask[task];
    if (nodes.pool[node] !== shard.pool) continue;
    if ((shards.poolOf[job] === shard.pool ? 0 : poolLists[jobs.poolList[job]].indexOf(shard.pool)) !== pass) continue;
    if (fresh.get(task) === node) {
      fresh.delete(task);
    } else {
      memory.promises.delete(task);
      changed.add(job);
    }
  }
  for (const [task, node] of fresh) {
    memory.promises.set(task, node);
    changed.add(cluster.jobOfTask[task]);
  }
  for (const job of [...changed].sort((a, b) => a - b)) {
    for (const pool of poolLists[jobs.poolList[job]]) shards.list[pool].version++;
    if (status[job] === PENDING && shards.roaming.has(job)) moveHome(view, memory, rules, shards, job);
  }
  return changed.size > 0;
}

/** The job is at an end. */
export function forgetPromises({ scenario }: View, memory: Memory, job: number): void {
  const { taskStart } = scenario.jobs;
  for (let task = taskStart[job]; task < taskStart[job + 1]; task++) memory.promises.delete(task);
}
