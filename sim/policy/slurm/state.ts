/** What the scheduler notes when jobs come, start and leave. */
import type { Action, View } from '../../cluster/view.ts';
import type { Scenario } from '../../scenario.ts';
import type { Placement } from '../packing/placement.ts';
import { calculateFactors, charge, shareTree } from './fairshare.ts';
import { type Memory, REASONS, type Reason } from './memory.ts';
import { modelOf } from './model.ts';
import { placeInOrder, priorityOf } from './priority.ts';
import type { SlurmArgs } from './settings.ts';

export function initialMemory(scenario: Scenario, settings: SlurmArgs): Memory {
  const n = scenario.jobs.count;
  const model = modelOf(scenario, settings);
  const tree = shareTree(scenario, model, settings.shares);
  calculateFactors(tree, 0, settings.priorityDecayHalfLife, settings.fairTree);
  return {
    model,
    tree,
    queue: [],
    priority: new Float64Array(n),
    queuedAt: new Float64Array(n),
    beginAt: new Float64Array(n),
    delayed: [],
    started: new Uint8Array(n),
    reason: new Uint8Array(n),
    running: [],
    endOf: new Float64Array(n),
    startOf: new Float64Array(n),
    qosJobs: new Float64Array(model.qos.length),
    qosGpus: new Float64Array(model.qos.length),
    userJobs: new Map(),
    userGpus: new Map(),
    victims: new Map(),
    nodeState: new Uint8Array(scenario.nodes.count),
    fitsReady: new Map(),
    mainDue: false,
    mainPartial: false,
    mainAt: Number.NEGATIVE_INFINITY,
    backfillFrom: Number.POSITIVE_INFINITY,
    backfillAt: Number.NEGATIVE_INFINITY,
    planned: new Map(),
    preemptFrom: Number.POSITIVE_INFINITY,
    calculatedAt: 0,
  };
}

/** Takes note of what happened since the last decision; true if anything did. */
export function absorb(state: Memory, settings: SlurmArgs, view: View, now: number): boolean {
  let changed = view.freed;
  for (const job of view.left) {
    // A job may have left and been noted already, as it was placed and died between two decisions.
    if (!removeRunning(state, job)) continue;
    for (const [waiting, victims] of state.victims) {
      const left = victims.filter((victim) => victim !== job);
      if (left.length === 0) state.victims.delete(waiting);
      else if (left.length < victims.length) state.victims.set(waiting, left);
    }
    count(state, job, -1);
    charge(state.tree, job, -state.model.gpus[job], now, settings.priorityDecayHalfLife);
    changed = true;
  }
  for (const job of view.pended) {
    state.queuedAt[job] = now;
    state.beginAt[job] = state.started[job] === 1 ? now + settings.credExpire : 0;
    if (state.beginAt[job] > now) state.delayed.push(job);
    state.reason[job] = 0;
    state.priority[job] = priorityOf(state, settings, view.scenario, job, now);
    placeInOrder(state, job);
    changed = true;
  }
  for (let node = 0; node < state.nodeState.length; node++) {
    if (state.nodeState[node] === view.cluster.nodeState[node]) continue;
    state.nodeState.set(view.cluster.nodeState);
    state.fitsReady.clear();
    changed = true;
    break;
  }
  const delayed = state.delayed.filter((job) => state.beginAt[job] > now);
  if (delayed.length < state.delayed.length) changed = true;
  state.delayed = delayed;
  return changed;
}

/** Notes a start that was placed in the trial; the job leaves the queue when the pass is over. */
export function begin(
  state: Memory,
  settings: SlurmArgs,
  job: number,
  placement: Placement,
  now: number,
  reason: string,
  actions: Action[],
): void {
  const { tasks, nodes, masks } = placement;
  actions.push({ kind: 'place', job, tasks, nodes, masks, reason });
  state.started[job] = 1;
  state.startOf[job] = now;
  state.endOf[job] = now + limitFor(state, job);
  addRunning(state, job);
  state.victims.delete(job);
  count(state, job, 1);
  charge(state.tree, job, state.model.gpus[job], now, settings.priorityDecayHalfLife);
}

function placeAmongRunning({ running, endOf }: Memory, job: number): number {
  let low = 0;
  let high = running.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = running[middle];
    if (endOf[other] < endOf[job] || (endOf[other] === endOf[job] && other < job)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function addRunning(state: Memory, job: number): void {
  state.running.splice(placeAmongRunning(state, job), 0, job);
}

function removeRunning(state: Memory, job: number): boolean {
  const at = placeAmongRunning(state, job);
  if (state.running[at] !== job) return false;
  state.running.splice(at, 1);
  return true;
}

/** A running job will leave by then. */
export function leavesBy(state: Memory, job: number, us: number): void {
  removeRunning(state, job);
  state.endOf[job] = Math.min(state.endOf[job], us);
  addRunning(state, job);
}

/** An unlimited job is planned for a year, as in backfill.c. */
const YEAR_US = 365 * 86_400 * 1_000_000;

export function limitFor(state: Memory, job: number): number {
  return Math.min(state.model.limitUs[job], YEAR_US);
}

function count(state: Memory, job: number, by: 1 | -1): void {
  const { model } = state;
  const qos = model.qosOf[job];
  const gpus = by * model.gpus[job];
  const key = qos * model.users + model.userOf[job];
  state.qosJobs[qos] += by;
  state.qosGpus[qos] += gpus;
  state.userJobs.set(key, (state.userJobs.get(key) ?? 0) + by);
  state.userGpus.set(key, (state.userGpus.get(key) ?? 0) + gpus);
}

/** Tells why a job waits, if that is news. */
export function tell(state: Memory, job: number, reason: Reason, actions: Action[]): void {
  const index = REASONS.indexOf(reason);
  if (state.reason[job] === index) return;
  state.reason[job] = index;
  actions.push({ kind: 'wait', job, reason });
}
