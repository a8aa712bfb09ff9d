/**
 * The main scheduler: jobs in strict order. Once a job of a partition must wait for nodes, no later job of that partition
 * is started in this pass, nor one of another partition on that partition's nodes. A job that a limit holds is passed
 * over and holds up nobody.
 */
import type { Action, View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';
import { mayFit } from '../packing/bestfit.ts';
import { type Placer, placeGang } from '../packing/placement.ts';
import { fitsNodesUp, limitOn } from './limits.ts';
import type { Memory } from './memory.ts';
import { preemptFor } from './preempt.ts';
import type { SlurmArgs } from './settings.ts';
import { begin, tell } from './state.ts';

export interface MainResult {
  started: number;
  /** Jobs were left that the pass did not get to. */
  partial: boolean;
}

/** `depth`: jobs it looks at, as on an event; Infinity for a full pass. */
export function mainPass(
  view: View,
  state: Memory,
  settings: SlurmArgs,
  placer: Placer,
  stream: Stream,
  now: number,
  depth: number,
  actions: Action[],
): MainResult {
  const { model } = state;
  const { scenario } = view;
  const { jobs, nodes, poolLists } = scenario;
  const waits = new Uint8Array(model.partitions.length);
  const tried = new Int32Array(model.partitions.length);
  const keptPools = new Uint8Array(scenario.pools.length);
  const started = new Set<number>();
  let untried = false;
  const end = Math.min(depth, state.queue.length);
  for (let i = 0; i < end; i++) {
    const job = state.queue[i];
    if (state.beginAt[job] > now) {
      tell(state, job, 'BeginTime', actions);
      continue;
    }
    const partition = model.partitionOf[job];
    if (waits[partition] === 1) {
      tell(state, job, 'Priority', actions);
      continue;
    }
    if (settings.partitionJobDepth > 0 && tried[partition]++ >= settings.partitionJobDepth) {
      untried = true;
      continue;
    }
    const limit = limitOn(state, job);
    if (limit !== null) {
      tell(state, job, limit, actions);
      continue;
    }
    const kept = poolLists[jobs.poolList[job]].some((pool) => keptPools[pool] === 1);
    const suits = kept ? (node: number) => keptPools[nodes.pool[node]] === 0 : undefined;
    const fits = mayFit(view, job, model.gpus[job], model.widest[job]);
    const placement = fits ? placeGang(placer, view, job, stream, suits) : null;
    if (placement !== null) {
      begin(state, settings, job, placement, now, 'started by the main scheduler', actions);
      started.add(job);
      continue;
    }
    if (!fitsNodesUp(state, view, job)) {
      tell(state, job, 'ReqNodeNotAvail', actions);
      continue;
    }
    preemptFor(view, state, settings, placer, stream, now, job, actions, suits);
    tell(state, job, kept ? 'Priority' : 'Resources', actions);
    waits[partition] = 1;
    for (const pool of model.partitions[partition].pools) keptPools[pool] = 1;
  }
  // Jobs left out by partition_job_depth come nearer only as others start.
  const partial = end < state.queue.length || (untried && started.size > 0);
  if (started.size > 0) state.queue = state.queue.filter((job) => !started.has(job));
  return { started: started.size, partial };
}
