/** How many replicas a deployment has: its controller is asked at its ticks, and what it wants is made so. */
import { PENDING } from '../../cluster/view.ts';
import { MINUTE_US, type ServingSpec } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { wantedReplicas } from './autoscale.ts';
import { type Deployed, PHASE } from './deployed.ts';
import { letGo, reopen } from './life.ts';
import { minuteLoad } from './load.ts';
import { callIn } from './parking.ts';
import { RateFleet } from './rate-fleet.ts';
import type { Serving } from './serving.ts';

/** Between ticks; fidelity `rate` knows nothing within a minute. */
export function scaleEvery(spec: ServingSpec): number {
  const tickUs = spec.autoscaling?.tickUs ?? MINUTE_US;
  return spec.fidelity === 'rate' ? Math.max(MINUTE_US, tickUs) : tickUs;
}

export function scale(s: Serving, d: number): void {
  const one = s.deployed[d];
  const { engine } = s.host;
  const { now } = engine;
  const { autoscaling } = one.spec;
  if (autoscaling === undefined) return;
  one.advance(now);
  const { requests } = one.record;
  const perSecond = ((requests - one.seenRequests) * 1e6) / Math.max(1, now - one.seenUs);
  one.seenRequests = requests;
  one.seenUs = now;
  const { wanted } = one;
  const seen = { nowUs: now, present: one.present, perSecond, ready: one.count(PHASE.active), wanted };
  const n = wantedReplicas(autoscaling, one.memory, seen, (rate, most) => sufficient(s, one, rate, most));
  if (n !== wanted) {
    const what = n > wanted ? 'more' : 'fewer';
    want(s, d, n, `${what} replicas (${wanted} → ${n}) at ${perSecond.toFixed(1)} requests/s`);
  }
  engine.schedule(now + scaleEvery(one.spec), PRIORITY.servingTick, KIND.servingScale, d);
}

/** The fewest replicas with which the share that is aimed at, of requests and of tokens, meets the targets: by the closed form. */
function sufficient(s: Serving, one: Deployed, perSecond: number, most: number): number {
  const { autoscaling } = one.spec;
  const goal = autoscaling?.kind === 'slo' ? autoscaling.attainment : 1;
  const planner = plannerOf(s, one);
  let best = 0;
  let share = -1;
  for (let n = 1; n <= most; n++) {
    const fares = planner.wouldFare(perSecond, n);
    const attained = Math.min(fares.attained, 1 - fares.slowGaps);
    if (attained >= goal) return n;
    // Where more replicas do not help (a prompt too long for the target) they are not asked for.
    if (attained > share + 0.001) {
      share = attained;
      best = n;
    }
  }
  return best;
}

function plannerOf(s: Serving, one: Deployed): RateFleet {
  if (one.rate !== null) return one.rate;
  const { spec, settings, record } = one;
  let planner = s.planners.get(spec.name);
  if (planner === undefined) {
    const { seed, durationUs } = s.host.scenario;
    planner = new RateFleet(minuteLoad(spec, seed, durationUs), spec, settings, record);
    s.planners.set(spec.name, planner);
  }
  return planner;
}

/** From now on so many replicas are meant to be there. */
export function want(s: Serving, d: number, n: number, why: string): void {
  const one = s.deployed[d];
  const { goal, phase, replaces } = one;
  let have = one.wanted;
  for (let r = 0; r < goal.length && have < n; r++) {
    if (goal[r] === 1 || phase[r] !== PHASE.draining) continue;
    goal[r] = 1;
    reopen(s, one, r);
    have++;
    one.counts.scaledUp++;
  }
  for (let r = 0; r < goal.length && have < n; r++) {
    if (goal[r] === 1 || phase[r] !== PHASE.parked) continue;
    call(s, one, r, why);
    have++;
    one.counts.scaledUp++;
  }
  // The youngest in their life go first: those that wait, those that load, then the highest number.
  while (have > n) {
    let victim = -1;
    for (let r = goal.length - 1; r >= 0; r--) {
      if (goal[r] === 0 || replaces[r] >= 0) continue;
      if (victim < 0 || phase[r] < phase[victim]) victim = r;
    }
    if (victim < 0) break;
    goal[victim] = 0;
    one.counts.scaledDown++;
    letGo(s, d, victim, why);
    have--;
  }
}

export function call(s: Serving, one: Deployed, r: number, why: string): void {
  one.goal[r] = 1;
  const job = one.spec.replicaJobs[r];
  s.tell(job, `called for: ${why}`);
  const jobs = s.host.jobs();
  if (one.phase[r] === PHASE.parked) one.phase[r] = PHASE.called;
  // One that stood down in a line which could not let go of it never left it.
  if (jobs.status[job] !== PENDING) callIn(jobs, job);
}
