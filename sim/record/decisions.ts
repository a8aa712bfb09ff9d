/**
 * What is often complained of in schedulers, counted as it happens: how much was taken from running jobs, on how many
 * nodes a few GPUs lie idle beside busy ones, and what the policy last said of a job that waits.
 */
import type { Cluster } from '../cluster/cluster.ts';
import type { Action } from '../cluster/view.ts';
import type { Scenario } from '../scenario.ts';

export class Decisions {
  /** Jobs the policy stopped, and elastic jobs it took workers from. */
  evictions = 0;
  shrinks = 0;
  /** GPU·µs/7000 that those jobs had held since they last started; workers they kept are left out. */
  evicted = 0n;
  /** Nodes of each pool with some, but not all, of its largest node's GPUs wholly free; and the most there were at once. */
  private readonly partlyFree: Float64Array;
  mostPartlyFree = 0;
  /** Why a job waits, in the policy's last words about it. */
  readonly reasons = new Map<number, string>();
  private readonly scenario: Scenario;
  private readonly cluster: Cluster;

  constructor(scenario: Scenario, cluster: Cluster) {
    this.scenario = scenario;
    this.cluster = cluster;
    this.partlyFree = new Float64Array(scenario.pools.length);
  }

  /** Before the action is carried out; `startedUs`: when the job last took GPUs. */
  note(action: Action, startedUs: number, now: number): void {
    const { job } = action;
    if (action.kind === 'wait') this.reasons.set(job, action.reason);
    if (action.kind === 'place') this.reasons.delete(job);
    if (action.kind === 'shrink') {
      this.shrinks++;
      for (const task of action.tasks) this.takeFrom(task, now - startedUs);
    }
    if (action.kind === 'preempt') {
      this.evictions++;
      const { taskStart } = this.scenario.jobs;
      for (let task = taskStart[job]; task < taskStart[job + 1]; task++) this.takeFrom(task, now - startedUs);
    }
  }

  /** The number of partly free nodes in the cluster, after `pool` changed. */
  measure(pool: number): number {
    let partly = 0;
    for (let free = 1; free < this.cluster.widestNode(pool); free++) partly += this.cluster.nodesWithFree(pool, free);
    this.partlyFree[pool] = partly;
    let sum = 0;
    for (const nodes of this.partlyFree) sum += nodes;
    this.mostPartlyFree = Math.max(this.mostPartlyFree, sum);
    return sum;
  }

  private takeFrom(task: number, heldUs: number): void {
    const { taskNode, taskUnits } = this.cluster;
    if (taskNode[task] < 0) return;
    this.evicted += BigInt(taskUnits[task] * this.scenario.jobs.taskGpus[task]) * BigInt(heldUs);
  }
}
