/** A replica's life, as its job has it: given GPUs, starting, answering, draining, hung, gone. */
import { SECOND_US } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { coldStart } from './cold-start.ts';
import { type Deployed, PHASE } from './deployed.ts';
import type { Fleet } from './fleet.ts';
import { countCost, setLevel, setLevels } from './levels.ts';
import { standDown } from './parking.ts';
import { MARK } from './requests.ts';
import type { Serving } from './serving.ts';

const answers = (phase: number) => phase === PHASE.active || phase === PHASE.draining;

// --- what the jobs do ------------------------------------------------------------------------------------------------

export function onTake(s: Serving, now: number, job: number, pool: number, units: number): void {
  const one = s.deployed[s.deploymentOf[job]];
  const r = s.replicaOf[job];
  countCost(s, one, now);
  one.heldUnits[pool] += units;
  const nodes = s.nodesOf(job);
  one.node[r] = nodes[0];
  one.variant[r] = Math.max(
    0,
    one.spec.variants.findIndex((variant) => variant.pool === pool),
  );
  // Read when the job starts, which is right after its last worker is placed.
  s.host.scenario.jobs.startupUs[job] = planStart(s, one, job, nodes, now);
}

export function onGive(s: Serving, now: number, job: number, pool: number, units: number): void {
  const one = s.deployed[s.deploymentOf[job]];
  countCost(s, one, now);
  one.heldUnits[pool] -= units;
  gone(s, one, s.replicaOf[job], now);
  s.host.cluster.barred.delete(job);
}

export function onTurn(s: Serving, now: number, job: number, activity: string): void {
  const d = s.deploymentOf[job];
  const one = s.deployed[d];
  const r = s.replicaOf[job];
  switch (activity) {
    case 'restart':
      starts(s, one, d, r, now);
      break;
    case 'running':
      up(s, one, d, r, now);
      break;
    case 'detecting':
      if (!answers(one.phase[r])) break;
      countCost(s, one, now);
      one.fleet?.hang(r, now);
      downRate(s, one, r, now, 'fault');
      one.phase[r] = PHASE.hung;
      break;
    case 'terminating':
      if (answers(one.phase[r])) {
        countCost(s, one, now);
        one.fleet?.drain(r);
        downRate(s, one, r, now, 'preempted');
        s.tell(job, 'takes no more requests: it is told to stop');
      }
      one.phase[r] = PHASE.leaving;
  }
}

// --- from the GPUs' being given to the first request -----------------------------------------------------------------

function planStart(s: Serving, one: Deployed, job: number, nodes: readonly number[], now: number): number {
  const { spec } = one;
  const d = s.deploymentOf[job];
  if (spec.startsActive && now === 0) {
    s.stepUs.fill(0, 4 * job, 4 * job + 4);
    return 0;
  }
  s.loads = s.loads.filter(({ endUs }) => endUs > now);
  const has = nodes.every((node) => s.cached.has(node * s.deployed.length + d));
  const steps = coldStart(spec.coldStart, has, s.loads.length + 1, nodes.length);
  for (let i = 0; i < 4; i++) s.stepUs[4 * job + i] = now + steps[i];
  return steps[3];
}

function starts(s: Serving, one: Deployed, d: number, r: number, now: number): void {
  const { engine, scenario } = s.host;
  const { phase } = one;
  const job = one.spec.replicaJobs[r];
  if (answers(phase[r]) || phase[r] === PHASE.hung) {
    // Its processes start anew where they are: everything it needs is there.
    gone(s, one, r, now);
    const nodes = s.nodesOf(job);
    for (const node of nodes) s.cached.add(node * s.deployed.length + d);
    scenario.jobs.startupUs[job] = planStart(s, one, job, nodes, now);
  }
  phase[r] = PHASE.loading;
  one.serial[r]++;
  const from = s.stepUs[4 * job];
  if (s.stepUs[4 * job + 1] > from + 1) s.loads.push({ endUs: s.stepUs[4 * job + 1] });
  for (let step = 0; step < 3; step++)
    engine.schedule(
      s.stepUs[4 * job + step],
      PRIORITY.servingStep,
      KIND.servingStep,
      job,
      (one.serial[r] % 65_536) * 4 + step,
    );
}

/** A step of a start is done; those of a start that was broken off are told by its number. */
export function stepOver(s: Serving, job: number, packed: number): void {
  const one = s.deployed[s.deploymentOf[job]];
  const r = s.replicaOf[job];
  if (one.phase[r] !== PHASE.loading || packed >> 2 !== one.serial[r] % 65_536) return;
  const step = packed & 3;
  const at = (i: number) => s.stepUs[4 * job + i];
  const before = step === 0 ? s.host.jobs().startedUs[job] : at(step - 1);
  const took = `${((at(step) - before) / SECOND_US).toFixed(1)} s`;
  if (step === 0) s.tell(job, before === at(0) ? 'its node has the image' : `image pulled in ${took}`);
  else if (step === 1)
    s.tell(job, `${(one.spec.coldStart.weightBytes / 1e9).toFixed(1)} GB of weights loaded in ${took}`);
  else s.tell(job, `compiled and graphs captured in ${took}`);
}

function up(s: Serving, one: Deployed, d: number, r: number, now: number): void {
  const { phase, spec } = one;
  if (answers(phase[r])) return;
  if (phase[r] === PHASE.hung) gone(s, one, r, now);
  countCost(s, one, now);
  const job = spec.replicaJobs[r];
  const v = one.variant[r];
  one.rate?.advance(now);
  phase[r] = PHASE.active;
  one.counts.starts++;
  one.bookedUs[r] = one.busyUs(r);
  one.levelSince[r] = now;
  one.preemptions[r] = s.host.jobs().preemptions[job];
  for (const node of s.nodesOf(job)) s.cached.add(node * s.deployed.length + d);
  if (one.rate !== null) one.rate.variantOf[r] = v;
  else (one.fleet as Fleet).up(r, one.settings[v], now);
  const inService = spec.startsActive && now === 0 ? ', in service when the simulation begins' : '';
  s.tell(job, `endpoint registered: active on ${spec.variants[v].gpuModel}${inService}`);
  if (one.rate !== null) setLevels(s, one, now);
  else setLevel(s, one, r, 0, now);
  const old = one.replaces[r];
  if (old >= 0) {
    if (one.cameBack(r, now)) one.counts.flaps++;
    one.replaces[r] = -1;
    if (one.goal[old] === 1) {
      one.goal[old] = 0;
      letGo(s, d, old, 'its replacement is active');
    }
  }
  if (one.goal[r] === 0) letGo(s, d, r, 'it is no longer wanted');
}

// --- the end ---------------------------------------------------------------------------------------------------------

/** It answers no more; what it had goes elsewhere. */
function gone(s: Serving, one: Deployed, r: number, now: number): void {
  const { phase } = one;
  const was = phase[r];
  cancelDrain(s, one, r);
  phase[r] = one.goal[r] === 1 ? PHASE.called : PHASE.parked;
  if (!answers(was) && was !== PHASE.hung && was !== PHASE.leaving) return;
  countCost(s, one, now);
  const job = one.spec.replicaJobs[r];
  const preempted = s.host.jobs().preemptions[job] > one.preemptions[r] || one.goal[r] === 0;
  one.fleet?.lose(r, now, preempted ? MARK.preempted : MARK.fault);
  downRate(s, one, r, now, preempted ? 'preempted' : 'fault');
  one.leftNode[r] = one.node[r];
  one.leftUs[r] = now;
}

/** In fidelity `rate` it takes its part no more. `why`: to what a time without any replica is put down. */
function downRate(s: Serving, one: Deployed, r: number, now: number, why: 'fault' | 'preempted' | 'cold-start'): void {
  const { rate } = one;
  if (rate === null || rate.variantOf[r] < 0) return;
  rate.down(r, now, why);
  setLevels(s, one, now);
}

/** A replica that is not meant to be there: it drains if it answers, else it leaves at once. */
export function letGo(s: Serving, d: number, r: number, why: string): void {
  const one = s.deployed[d];
  const job = one.spec.replicaJobs[r];
  const { now } = s.host.engine;
  if (one.phase[r] === PHASE.active) {
    one.phase[r] = PHASE.draining;
    one.fleet?.drain(r);
    one.drainByUs[r] = now + one.spec.drainUs;
    s.tell(job, `drains: ${why}`);
    downRate(s, one, r, now, 'cold-start');
    lookLater(s, one, d, r, now);
  } else if (one.phase[r] !== PHASE.draining) {
    if (standDown(s.host.jobs(), job, why, s.host.withdraws) && one.phase[r] === PHASE.called)
      one.phase[r] = PHASE.parked;
  }
}

/** It takes requests again. */
export function reopen(s: Serving, one: Deployed, r: number): void {
  const { now } = s.host.engine;
  one.phase[r] = PHASE.active;
  cancelDrain(s, one, r);
  one.fleet?.reopen(r, now);
  if (one.rate === null) return;
  one.rate.advance(now);
  one.rate.variantOf[r] = one.variant[r];
  setLevels(s, one, now);
}

function cancelDrain(s: Serving, one: Deployed, r: number): void {
  if (one.drainEvent[r] >= 0) s.host.engine.queue.cancel(one.drainEvent[r]);
  one.drainEvent[r] = -1;
}

/** In fidelity `rate` nobody knows what a replica has left: its requests are taken to be over in 10 s. */
const RATE_DRAIN_US = 10 * SECOND_US;

function lookLater(s: Serving, one: Deployed, d: number, r: number, now: number): void {
  const replica = one.fleet?.replicas[r];
  replica?.advance(now);
  const isEmpty = replica?.outstanding === 0;
  const next = replica === undefined ? now + RATE_DRAIN_US : isEmpty ? now : replica.nextUs + 1;
  const at = Math.min(one.drainByUs[r], Math.max(now, next));
  one.drainEvent[r] = s.host.engine.schedule(at, PRIORITY.servingStep, KIND.servingDrain, d, r);
}

export function lookAtDrain(s: Serving, d: number, r: number): void {
  const one = s.deployed[d];
  const { now } = s.host.engine;
  one.drainEvent[r] = -1;
  if (one.phase[r] !== PHASE.draining) return;
  const replica = one.fleet?.replicas[r];
  replica?.advance(now);
  const empty = replica === undefined || replica.outstanding === 0;
  if (!empty && now < one.drainByUs[r]) {
    lookLater(s, one, d, r, now);
    return;
  }
  const job = one.spec.replicaJobs[r];
  standDown(s.host.jobs(), job, empty ? 'drained' : 'its time to drain is over', s.host.withdraws);
}
