/**
 * The front door to serving alone: `serve(deployment, requests)` → latencies, attainment, cost, without a cluster around
 * it. Every request, every batch (fidelity `requests`); the closed form by minute is in world/serving/rate.ts.
 *
 * Replicas are independent between arrivals, so each is advanced only when somebody looks at it: without a listener for
 * completions (disaggregation, a closed loop) the arrivals are the only events.
 */
import { Engine } from './engine/engine.ts';
import {
  type Cause,
  type RequestTrace,
  type ServeResult,
  type ServingFigures,
  ServingRecord,
  type Slo,
  servingFigures,
} from './record/slo.ts';
import type { Scenario, ServingSpec } from './scenario.ts';
import { type Arrivals, emptyArrival, generated, mixed, replayed } from './world/serving/arrivals.ts';
import { roofline } from './world/serving/cost.ts';
import { Replica, type ReplicaSettings } from './world/serving/replica.ts';
import { MARK, Requests } from './world/serving/requests.ts';
import { Router, type Routing } from './world/serving/router.ts';

export type { RequestTrace, ServeResult } from './record/slo.ts';

export interface Deployment {
  name: string;
  replica: ReplicaSettings;
  replicas: number;
  gpusPerReplica: number;
  routing: Routing;
  /** How often the router reads the replicas' counts of outstanding requests, µs; 0 = always fresh. */
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
  /** The first `prefill` replicas only prefill; keys and values then go to one of the others. */
  disaggregated?: { prefill: number; transferPsPerToken: number; latencyUs: number };
}

export interface ServeOptions {
  /** Users who each send a new request once their last is answered; when each begins, µs. Times of arrival do not count. */
  closedLoop?: readonly number[];
  /** Every how many requests one is kept as a trace; 0 = none. At most 10,000. */
  sampleEvery?: number;
}

const KIND = { arrival: 0, wake: 1, handOver: 2, fault: 3 } as const;
const PRIORITY = { fault: 5, handOver: 8, arrival: 10, wake: 20 } as const;
const MAX_TRACES = 10_000;

export function serve(deployment: Deployment, arrivals: Arrivals, options: ServeOptions = {}): ServeResult {
  const engine = new Engine();
  const { digest } = engine;
  const requests = new Requests();
  const record = new ServingRecord(deployment.slo);
  const traces: RequestTrace[] = [];
  const { sampleEvery = 0, closedLoop } = options;
  const split = deployment.disaggregated;
  const pools = split?.prefill ?? 0;
  if (split !== undefined && !(split.prefill >= 1 && split.prefill < deployment.replicas))
    throw new Error(
      `of ${deployment.replicas} replicas ${split.prefill} cannot be for prefill alone: at least one, and one must be left`,
    );
  /** Output of requests that are with a prefill replica, which sees one token. */
  const wholeOutput = new Map<number, number>();

  const causeOf = (slot: number, doneUs: number): Cause => {
    const marks = requests.marks[slot];
    if (marks & MARK.fault) return 'fault';
    if (marks & MARK.coldStart) return 'cold-start';
    const first = requests.firstTokenUs[slot];
    if (first - requests.arrivalUs[slot] > deployment.slo.ttftUs) {
      const waited = requests.admittedUs[slot] - requests.arrivalUs[slot];
      if (waited < first - requests.admittedUs[slot])
        return requests.preemptions[slot] > 0 && doneUs === first ? 'kv-pressure' : 'prefill';
      if (marks & MARK.kvPressure) return 'kv-pressure';
      return marks & MARK.staleTelemetry ? 'stale-telemetry' : 'queue';
    }
    return requests.preemptions[slot] > 0 || (split !== undefined && marks & MARK.kvPressure) ? 'kv-pressure' : 'batch';
  };

  const listener = (r: number) => ({
    firstToken() {},
    finished(slot: number, us: number) {
      if (split !== undefined && r < pools) {
        handOver(slot, us);
        return;
      }
      digest.time(us);
      digest.word(slot);
      const arrival = requests.arrivalUs[slot];
      const output = requests.output[slot];
      const first = requests.firstTokenUs[slot];
      const queued = requests.admittedUs[slot] - arrival;
      let missed: Cause | undefined;
      record.finished(requests.tenant[slot], arrival, queued, first, us, output, () => {
        missed = causeOf(slot, us);
        return missed;
      });
      record.cachedTokens += requests.hitTokens[slot];
      const number = requests.number[slot];
      if (sampleEvery > 0 && number % sampleEvery === 0 && traces.length < MAX_TRACES) {
        traces.push({
          number,
          tenant: requests.tenant[slot],
          replica: r,
          prompt: requests.prompt[slot],
          output,
          cachedTokens: requests.hitTokens[slot],
          arrivalUs: arrival,
          admittedUs: requests.admittedUs[slot],
          firstTokenUs: first,
          doneUs: us,
          preemptions: requests.preemptions[slot],
          ...(missed === undefined ? {} : { missed }),
        });
      }
      requests.remove(slot);
      if (closedLoop !== undefined) again(us);
    },
    decoded(
      fromUs: number,
      toUs: number,
      iterations: number,
      batch: number,
      firstPs: number,
      growthPs: number,
      prompts: number,
    ) {
      record.worked(fromUs, toUs, iterations * batch + prompts);
      record.token.addRising(firstPs, growthPs, iterations, batch);
    },
    resumed(_slot: number, gapUs: number) {
      record.token.add(gapUs * 1e6);
    },
  });
  const replicas = Array.from(
    { length: deployment.replicas },
    (_, r) => new Replica(deployment.replica, requests, listener(r), deployment.readyUs?.[r] ?? 0),
  );
  const front = new Router(
    split === undefined ? replicas : replicas.slice(0, pools),
    deployment.routing,
    deployment.telemetryUs,
  );
  const back = new Router(replicas.slice(pools), 'least-outstanding', 0);

  // --- who must be woken when something of theirs ends ---
  const pushed = closedLoop !== undefined || split !== undefined;
  const wakes: number[] = replicas.map(() => -1);
  const wakeAt = (r: number) => {
    if (!pushed) return;
    const { nextUs } = replicas[r];
    if (wakes[r] >= 0) engine.queue.cancel(wakes[r]);
    // The end lies within the microsecond that begins at nextUs; what comes in it is heard first.
    wakes[r] =
      nextUs === Infinity ? -1 : engine.schedule(Math.max(engine.now, nextUs + 1), PRIORITY.wake, KIND.wake, r);
  };
  engine.on(KIND.wake, (r) => {
    wakes[r] = -1;
    replicas[r].advance(engine.now);
    wakeAt(r);
  });

  // --- arrivals ---
  const arrival = emptyArrival();
  let number = 0;
  const pull = (atUs?: number) => {
    if (!arrivals(arrival)) return;
    if (!(arrival.prompt >= 1 && arrival.output >= 1))
      throw new Error(
        `request ${number + 1} has ${arrival.prompt} prompt and ${arrival.output} output tokens; it needs one of each`,
      );
    const timeUs = Math.max(engine.now, atUs ?? arrival.timeUs);
    if (atUs === undefined && arrival.timeUs < engine.now)
      throw new Error(`request ${number + 2} comes at ${arrival.timeUs} µs, before the one ahead of it`);
    queue.push({ ...arrival, timeUs });
    engine.schedule(timeUs, PRIORITY.arrival, KIND.arrival);
  };
  /** In an open loop one, in a closed loop those whose arrival is an event of this very moment. */
  const queue: (typeof arrival)[] = [];
  const again = (us: number) => pull(Math.max(engine.now, us));

  const place = (slot: number, us: number): void => {
    const r = front.choose(slot, us);
    if (front.fresh !== r) requests.marks[slot] |= MARK.staleTelemetry;
    const replica = replicas[r];
    replica.advance(us);
    if (replica.outstanding >= deployment.maxOutstanding) {
      record.shed++;
      wholeOutput.delete(slot);
      requests.remove(slot);
      if (closedLoop !== undefined) again(us);
      return;
    }
    requests.replica[slot] = r;
    replica.receive(slot, us);
    wakeAt(r);
  };
  engine.on(KIND.arrival, () => {
    const one = queue.shift() as typeof arrival;
    const us = one.timeUs;
    record.requests++;
    record.hourRequests.add(Math.floor(us / 3_600_000_000), 1);
    record.tenants.add(one.tenant, 1);
    if (!replicas[0].holds(one.prompt, one.output)) {
      record.refused++;
      number++;
      if (closedLoop !== undefined) again(us);
    } else {
      record.promptTokens += one.prompt;
      const slot = requests.add(us, one.prompt, split === undefined ? one.output : 1, one.tenant, one.hashes);
      if (split !== undefined) wholeOutput.set(slot, one.output);
      requests.number[slot] = number++;
      place(slot, us);
    }
    if (closedLoop === undefined) pull();
  });

  // --- from prefill to decode ---
  const handOver = (slot: number, us: number) => {
    requests.output[slot] = wholeOutput.get(slot) as number;
    wholeOutput.delete(slot);
    const { transferPsPerToken, latencyUs } = split as NonNullable<typeof split>;
    const transferUs = latencyUs + Math.ceil((requests.prompt[slot] * transferPsPerToken) / 1e6);
    engine.schedule(Math.max(engine.now, us + transferUs), PRIORITY.handOver, KIND.handOver, slot);
  };
  engine.on(KIND.handOver, (slot) => {
    const us = engine.now;
    const r = pools + back.choose(slot, us);
    if (requests.output[slot] === 1) {
      // The first token is the last.
      listener(r).finished(slot, requests.firstTokenUs[slot]);
      return;
    }
    requests.replica[slot] = r;
    requests.shared[slot] = 0;
    requests.hashes[slot] = null;
    replicas[r].advance(us);
    replicas[r].receive(slot, us);
    wakeAt(r);
  });

  // --- faults ---
  const faults = deployment.faults ?? [];
  faults.forEach(({ atUs }, i) => {
    engine.schedule(atUs, PRIORITY.fault, KIND.fault, i);
  });
  engine.on(KIND.fault, (i) => {
    const { replica: r, backUs } = faults[i];
    replicas[r].advance(engine.now);
    for (const slot of replicas[r].fail(backUs)) {
      if (split !== undefined) {
        if (r >= pools) wholeOutput.set(slot, requests.output[slot]);
        requests.output[slot] = 1;
      }
      place(slot, engine.now);
    }
    wakeAt(r);
  });

  if (closedLoop === undefined) pull();
  else for (const startUs of [...closedLoop].sort((x, y) => x - y)) pull(startUs);
  engine.run(Infinity);
  for (const replica of replicas) replica.advance(Infinity);

  const spanUs = record.lastUs;
  const gpus = deployment.replicas * deployment.gpusPerReplica;
  const sum = (f: (replica: Replica) => number) => replicas.reduce((total, replica) => total + f(replica), 0);
  return {
    name: deployment.name,
    digest: digest.hex(),
    events: engine.events + sum((replica) => replica.plans - replica.cuts),
    plans: sum((replica) => replica.plans),
    iterations: sum((replica) => replica.iterations),
    preemptions: sum((replica) => replica.preempted),
    record,
    gpus,
    replicas: replicas.map(({ iterations, plans, preempted }) => ({ iterations, plans, preemptions: preempted })),
    traces,
    spanUs,
    costMicroUsd: Math.round((deployment.priceMicroUsd * gpus * spanUs) / 3_600_000_000),
  };
}

/** The deployment of a scenario; its replicas are up from the start to the end. */
export function deploymentOf(spec: ServingSpec): Deployment {
  const { blockTokens, blocks, maxTokens, maxSequences, prefixTokens } = spec;
  return {
    name: spec.name,
    replica: {
      cost: roofline(spec.model, spec.gpu, spec.precision, spec.parallelism, spec.efficiency),
      ...{ blockTokens, blocks, maxTokens, maxSequences, prefixTokens },
      chunkedPrefill: true,
      reserveOutput: false,
    },
    replicas: spec.replicas,
    gpusPerReplica: spec.parallelism.tensor * spec.parallelism.pipeline,
    routing: spec.routing,
    telemetryUs: 0,
    slo: { ttftUs: spec.ttftUs, tokenUs: spec.tokenUs },
    priceMicroUsd: spec.priceMicroUsd,
    maxOutstanding: Infinity,
  };
}

/** Its requests, until `untilUs`. */
export function requestsOf(spec: ServingSpec, seed: string, untilUs: number): Arrivals {
  const parts = spec.requests.map((part, i) =>
    'columns' in part
      ? replayed(part.columns, part.rate, false, untilUs)
      : generated({ ...part, untilUs: Math.min(part.untilUs, untilUs) }, seed, `requests/${spec.name}/${i}`),
  );
  return parts.length === 1 ? parts[0] : mixed(parts);
}

/** Of how many requests one is kept as a trace. */
const SAMPLE_EVERY = 100;

/** Every deployment of a scenario that states its requests. */
export function serveScenario(scenario: Scenario): ServingFigures[] {
  return (scenario.serving ?? []).map((spec) => {
    const requests = requestsOf(spec, scenario.seed, scenario.durationUs);
    const result = serve(deploymentOf(spec), requests, { sampleEvery: SAMPLE_EVERY });
    return servingFigures(result, spec, spec.tenants);
  });
}
