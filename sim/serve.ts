/**
 * The front door to serving alone: `serve(deployment, requests)` → latencies, attainment, cost, without a cluster around
 * it. Every request, every batch (fidelity `requests`); the closed form by minute is in world/serving/rate.ts.
 *
 * Replicas are independent between arrivals, so each is advanced only when somebody looks at it: without a listener for
 * completions (disaggregation, a closed loop) the arrivals are the only events.
 */
import { Engine } from './engine/engine.ts';
import { type ServeResult, ServingRecord } from './record/slo.ts';
import type { Disaggregation, Slo } from './scenario.ts';
import { type Arrival, type Arrivals, checkArrival, emptyArrival } from './world/serving/arrivals.ts';
import { Fleet } from './world/serving/fleet.ts';
import type { ReplicaSettings } from './world/serving/replica.ts';
import { MARK } from './world/serving/requests.ts';
import type { Routing } from './world/serving/router.ts';

export type { RequestTrace, ServeResult } from './record/slo.ts';

export interface Deployment {
  name: string;
  replica: ReplicaSettings;
  replicas: number;
  gpusPerReplica: number;
  routing: Routing;
  /** Routing `reported-load`: how often what replicas report of their load is read, µs; 0 = always fresh. */
  telemetryUs: number;
  slo: Slo;
  /** Integer micro-dollars per GPU-hour. */
  priceMicroUsd: number;
  /** Requests a replica may have, running and waiting, before more are turned away; Infinity = no limit. */
  maxOutstanding: number;
  /** From start to ready (image, weights, graphs), µs, by replica; absent = all are up at 0. */
  readyUs?: readonly number[];
  /** A replica loses everything at `atUs` and is up again at `backUs`. */
  faults?: readonly { replica: number; atUs: number; backUs: number }[];
  disaggregated?: Disaggregation;
}

export interface ServeOptions {
  /** Users who each send a new request once their last is answered; when each begins, µs. Times of arrival do not count. */
  closedLoop?: readonly number[];
  /** Every how many requests one is kept as a trace; 0 = none. At most 10,000. */
  sampleEvery?: number;
}

const KIND = { arrival: 0, wake: 1, handOver: 2, fault: 3 } as const;
const PRIORITY = { fault: 5, handOver: 8, arrival: 10, wake: 20 } as const;
export function serve(deployment: Deployment, arrivals: Arrivals, options: ServeOptions = {}): ServeResult {
  const engine = new Engine();
  const record = new ServingRecord(deployment.slo);
  const { sampleEvery = 0, closedLoop } = options;
  const split = deployment.disaggregated;
  // --- who must be woken when something of theirs ends ---
  const pushed = closedLoop !== undefined || split !== undefined;
  const wakes: number[] = Array.from({ length: deployment.replicas }, () => -1);
  const wakeAt = (r: number) => {
    if (!pushed) return;
    const { nextUs } = fleet.replicas[r];
    if (wakes[r] >= 0) engine.queue.cancel(wakes[r]);
    // The end lies within the microsecond that begins at nextUs; what comes in it is heard first.
    wakes[r] =
      nextUs === Infinity ? -1 : engine.schedule(Math.max(engine.now, nextUs + 1), PRIORITY.wake, KIND.wake, r);
  };
  const { replica, replicas, routing, telemetryUs, slo, maxOutstanding } = deployment;
  const reportUs = routing === 'reported-load' ? telemetryUs : Infinity;
  const fleet = new Fleet(
    { replica, replicas, routing, reportUs, slo, maxOutstanding, sampleEvery, ...(split && { split }) },
    record,
    {
      transfer(slot, us) {
        engine.schedule(Math.max(engine.now, us), PRIORITY.handOver, KIND.handOver, slot);
      },
      over(us) {
        if (closedLoop !== undefined) again(us);
      },
      touched: wakeAt,
    },
    deployment.readyUs,
    engine.digest,
  );
  engine.on(KIND.wake, (r) => {
    wakes[r] = -1;
    fleet.replicas[r].advance(engine.now);
    wakeAt(r);
  });

  // --- arrivals ---
  const arrival = emptyArrival();
  let count = 0;
  const pull = (atUs?: number) => {
    if (!arrivals(arrival)) return;
    checkArrival(arrival, ++count, atUs === undefined ? engine.now : 0);
    const timeUs = Math.max(engine.now, atUs ?? arrival.timeUs);
    queue.push({ ...arrival, timeUs });
    engine.schedule(timeUs, PRIORITY.arrival, KIND.arrival);
  };
  /** In an open loop one, in a closed loop those whose arrival is an event of this very moment. */
  const queue: Arrival[] = [];
  const again = (us: number) => pull(Math.max(engine.now, us));
  engine.on(KIND.arrival, () => {
    const one = queue.shift() as Arrival;
    const slot = fleet.offer(one, one.timeUs);
    if (slot >= 0) fleet.place(slot, one.timeUs);
    if (closedLoop === undefined) pull();
  });

  engine.on(KIND.handOver, (slot) => fleet.handOver(slot, engine.now));

  // --- faults ---
  const faults = deployment.faults ?? [];
  faults.forEach(({ atUs }, i) => {
    engine.schedule(atUs, PRIORITY.fault, KIND.fault, i);
  });
  engine.on(KIND.fault, (i) => {
    fleet.lose(faults[i].replica, engine.now, MARK.fault, faults[i].backUs);
  });

  if (closedLoop === undefined) pull();
  else for (const startUs of [...closedLoop].sort((x, y) => x - y)) pull(startUs);
  engine.run(Infinity);
  fleet.advance(Infinity);

  const spanUs = record.lastUs;
  const gpus = deployment.replicas * deployment.gpusPerReplica;
  return {
    name: deployment.name,
    digest: fleet.digest.hex(),
    events: engine.events + fleet.total('plans') - fleet.total('cuts'),
    plans: fleet.total('plans'),
    iterations: fleet.total('iterations'),
    preemptions: fleet.total('preempted'),
    record,
    gpus,
    replicas: fleet.replicas.map(({ iterations, plans, preempted }) => ({ iterations, plans, preemptions: preempted })),
    traces: fleet.traces,
    spanUs,
    costMicroUsd: Math.round((deployment.priceMicroUsd * gpus * spanUs) / 3_600_000_000),
  };
}
