/** Serving in operation: its events, its requests, and what happens to its jobs, passed on to whom it concerns. */
import { KIND, PRIORITY } from '../events.ts';
import type { JobAccounts } from '../jobs/jobs.ts';
import { PHASE } from './deployed.ts';
import type { Fleet } from './fleet.ts';
import { countCost, keepLevels } from './levels.ts';
import { lookAtDrain, onGive, onTake, onTurn, stepOver } from './life.ts';
import { directReplica, look } from './moving.ts';
import { park } from './parking.ts';
import { scale, scaleEvery, want } from './scaling.ts';
import type { Serving } from './serving.ts';

export function handleServingEvents(s: Serving): void {
  const { engine } = s.host;
  engine.on(KIND.request, (d) => arrive(s, d));
  engine.on(KIND.servingStep, (job, step) => stepOver(s, job, step));
  engine.on(KIND.servingDrain, (d, r) => lookAtDrain(s, d, r));
  engine.on(KIND.servingLevel, (d) => keepLevels(s, d));
  engine.on(KIND.servingScale, (d) => scale(s, d));
  engine.on(KIND.servingLook, () => look(s));
  engine.on(KIND.servingWake, (d, r) => {
    const { fleet, wakeEvent } = s.deployed[d];
    wakeEvent[r] = -1;
    fleet?.replicas[r].advance(engine.now);
    s.wakeLater(d, r);
  });
  engine.on(KIND.servingHandOver, (d, slot) => s.deployed[d].fleet?.handOver(slot, engine.now));
}

/** Before the first job arrives. */
export function beginServing(s: Serving): void {
  const { engine, onUse } = s.host;
  const jobs = s.host.jobs();
  s.deployed.forEach((one, d) => {
    const { spec } = one;
    spec.replicaJobs.forEach((job, r) => {
      if (r < spec.replicas) {
        one.goal[r] = 1;
        one.phase[r] = PHASE.called;
      } else park(jobs, job);
    });
    if (one.fleet !== null) awaitRequest(s, d);
    engine.schedule(one.levelEveryUs, PRIORITY.servingTick, KIND.servingLevel, d);
    if (spec.autoscaling) engine.schedule(scaleEvery(spec), PRIORITY.servingTick, KIND.servingScale, d);
  });
  if (s.deployed.some(({ spec }) => spec.placement !== undefined)) onUse((node) => s.looking.changed(node));
}

/** Accounts that hear of replicas first. */
export function followReplicas(s: Serving, accounts: JobAccounts): JobAccounts {
  const isReplica = (job: number) => s.deploymentOf[job] >= 0;
  return {
    take: (now, job, pool, units) => {
      if (isReplica(job)) onTake(s, now, job, pool, units);
      accounts.take(now, job, pool, units);
    },
    turn: (now, job, activity) => {
      if (isReplica(job)) onTurn(s, now, job, activity);
      accounts.turn(now, job, activity);
    },
    saved: (now, job, work) => accounts.saved(now, job, work),
    forget: (job) => accounts.forget(job),
    mark: (now, job, work) => accounts.mark(now, job, work),
    safeTo: (job, work) => accounts.safeTo(job, work),
    lose: (now, job, kept) => accounts.lose(now, job, kept),
    slow: (now, job, milli) => accounts.slow(now, job, milli),
    taint: (now, job, clean) => accounts.taint(now, job, clean),
    loseTainted: (now, job, kept) => accounts.loseTainted(now, job, kept),
    give: (now, job, pool, units, state) => {
      accounts.give(now, job, pool, units, state);
      if (isReplica(job)) onGive(s, now, job, pool, units);
    },
  };
}

/** A job queues for GPUs: of a replica the control plane checks the quota, reads telemetry and picks nodes. */
export function replicaQueued(s: Serving, job: number): void {
  const d = s.deploymentOf[job];
  if (d < 0) return;
  const r = s.replicaOf[job];
  const one = s.deployed[d];
  one.phase[r] = PHASE.called;
  const { project, pool, deserved, held } = s.host.quotaOf(job);
  const gpus = one.gpusPerReplica;
  const deserves = deserved < 0 ? 'any number of' : deserved;
  const beyond = deserved < 0 || held + gpus <= deserved ? '' : ', beyond its quota';
  s.tell(
    job,
    `quota validated: ${project} deserves ${deserves} GPUs of ${pool} and holds ${held}, this replica asks for ${gpus}${beyond}`,
  );
  if (one.spec.placement !== undefined) directReplica(s, d, r);
}

/** Brings everything up to now. */
export function settleServing(s: Serving, now: number): void {
  for (const one of s.deployed) {
    one.advance(now);
    countCost(s, one, now);
  }
}

// --- requests --------------------------------------------------------------------------------------------------------

function awaitRequest(s: Serving, d: number): void {
  const { engine, scenario } = s.host;
  const next = s.deployed[d].pull(engine.now);
  if (next !== null && next.timeUs < scenario.durationUs)
    engine.schedule(next.timeUs, PRIORITY.request, KIND.request, d);
}

function arrive(s: Serving, d: number): void {
  const one = s.deployed[d];
  const fleet = one.fleet as Fleet;
  const arrival = one.next;
  const { now } = s.host.engine;
  if (arrival !== null) {
    const slot = fleet.offer(arrival, now);
    if (slot >= 0) fleet.place(slot, now);
    // Knative's activator asks for the first replica as soon as somebody waits for it.
    if (fleet.waiting > 0 && one.spec.autoscaling && one.wanted === 0) want(s, d, 1, 'a request waits');
  }
  awaitRequest(s, d);
}
