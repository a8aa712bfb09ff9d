/** What is kept of requests: latencies, attainment by hour, tokens and busy time by minute, and why targets were missed. */
import { HOUR_US, MINUTE_US } from '../scenario.ts';
import { SKETCH_ERROR, Sketch, type SketchSummary } from './sketch.ts';

/** Targets, µs; Infinity = none. */
export interface Slo {
  ttftUs: number;
  /** Time to generate a token, after the first. */
  tokenUs: number;
}

/** Why a request missed its target; the first that applies. */
export const CAUSES = ['fault', 'cold-start', 'kv-pressure', 'stale-telemetry', 'queue', 'prefill', 'batch'] as const;
export type Cause = (typeof CAUSES)[number];

export interface HourRow {
  /** Of arrival. */
  hour: number;
  requests: number;
  attained: number;
}

/** Grows by doubling; reads as 0 where nothing was added. */
export class Counts {
  values = new Float64Array(0);
  length = 0;

  add(i: number, amount: number): void {
    if (i >= this.values.length) {
      const wider = new Float64Array(Math.max(64, i + 1, 2 * this.values.length));
      wider.set(this.values);
      this.values = wider;
    }
    if (i >= this.length) this.length = i + 1;
    this.values[i] += amount;
  }
}

export class ServingRecord {
  readonly slo: Slo;
  /** µs: arrival to first token; first token to last ÷ tokens after the first; arrival to last token. */
  readonly ttft = new Sketch();
  readonly itl = new Sketch();
  readonly e2e = new Sketch();
  /** ps: gap between each token and the one before it. */
  readonly token = new Sketch();
  readonly queue = new Sketch();
  requests = 0;
  completed = 0;
  refused = 0;
  shed = 0;
  attained = 0;
  attainedTokens = 0;
  promptTokens = 0;
  cachedTokens = 0;
  outputTokens = 0;
  missedTtft = 0;
  missedToken = 0;
  readonly causes: Record<Cause, number> = {
    fault: 0,
    'cold-start': 0,
    'kv-pressure': 0,
    'stale-telemetry': 0,
    queue: 0,
    prefill: 0,
    batch: 0,
  };
  /** By hour of arrival. */
  readonly hourRequests = new Counts();
  readonly hourAttained = new Counts();
  /** By minute: tokens out, and µs in which replicas had a batch. */
  readonly minuteTokens = new Counts();
  readonly minuteBusyUs = new Counts();
  readonly tenants: Counts = new Counts();
  readonly tenantAttained: Counts = new Counts();
  busyUs = 0;
  lastUs = 0;

  constructor(slo: Slo) {
    this.slo = slo;
  }

  /** A replica worked from one time to another and gave out `tokens` tokens. */
  worked(fromUs: number, toUs: number, tokens: number): void {
    this.busyUs += toUs - fromUs;
    if (toUs > this.lastUs) this.lastUs = toUs;
    const first = Math.floor(fromUs / MINUTE_US);
    const last = Math.floor(toUs / MINUTE_US);
    if (first === last) {
      this.minuteBusyUs.add(first, toUs - fromUs);
      this.minuteTokens.add(first, tokens);
      return;
    }
    for (let minute = first; minute <= last; minute++) {
      const inside = Math.min(toUs, (minute + 1) * MINUTE_US) - Math.max(fromUs, minute * MINUTE_US);
      this.minuteBusyUs.add(minute, inside);
      this.minuteTokens.add(minute, (tokens * inside) / (toUs - fromUs));
    }
  }

  /** A request is over. */
  finished(
    tenant: number,
    arrivalUs: number,
    queueUs: number,
    firstUs: number,
    doneUs: number,
    output: number,
    cause: () => Cause,
  ): void {
    const ttft = firstUs - arrivalUs;
    const itl = output > 1 ? (doneUs - firstUs) / (output - 1) : 0;
    this.completed++;
    this.outputTokens += output;
    this.ttft.add(ttft);
    if (output > 1) this.itl.add(itl);
    this.e2e.add(doneUs - arrivalUs);
    this.queue.add(queueUs);
    if (doneUs > this.lastUs) this.lastUs = doneUs;
    const lateFirst = ttft > this.slo.ttftUs;
    const slow = itl > this.slo.tokenUs;
    if (lateFirst) this.missedTtft++;
    if (slow) this.missedToken++;
    if (lateFirst || slow) this.causes[cause()]++;
    else {
      this.attained++;
      this.attainedTokens += output;
      this.hourAttained.add(Math.floor(arrivalUs / HOUR_US), 1);
      this.tenantAttained.add(tenant, 1);
    }
  }

  hours(): HourRow[] {
    return Array.from({ length: this.hourRequests.length }, (_, hour) => ({
      hour,
      requests: this.hourRequests.values[hour],
      attained: this.hourAttained.values[hour] ?? 0,
    }));
  }
}

/** One request's life, µs. */
export interface RequestTrace {
  number: number;
  tenant: number;
  replica: number;
  prompt: number;
  output: number;
  cachedTokens: number;
  arrivalUs: number;
  admittedUs: number;
  firstTokenUs: number;
  doneUs: number;
  preemptions: number;
  /** Undefined where the target was met. */
  missed?: Cause;
}

export interface ReplicaFigures {
  iterations: number;
  plans: number;
  preemptions: number;
}

export interface ServeResult {
  name: string;
  digest: string;
  /** Arrivals and whatever else the queue of events handled, and ends of plans other than those an arrival brought about. */
  events: number;
  /** Changes of a batch that were computed; decode and prefill iterations they stand for. */
  plans: number;
  iterations: number;
  preemptions: number;
  record: ServingRecord;
  gpus: number;
  replicas: ReplicaFigures[];
  traces: RequestTrace[];
  /** From 0 to the last token, µs. */
  spanUs: number;
  costMicroUsd: number;
}

/** What a run keeps of a deployment: plain data. Times in µs, of tokens in ps. */
export interface ServingFigures {
  deployment: string;
  /** Every request, every batch. */
  fidelity: 'requests';
  digest: string;
  events: number;
  iterations: number;
  preemptions: number;
  gpus: number;
  replicas: number;
  spanUs: number;
  busyUs: number;
  requests: number;
  completed: number;
  refused: number;
  shed: number;
  /** Requests that met both targets, and tokens of their outputs. */
  attained: number;
  attainedTokens: number;
  promptTokens: number;
  cachedTokens: number;
  outputTokens: number;
  ttftUs: SketchSummary;
  itlUs: SketchSummary;
  e2eUs: SketchSummary;
  queueUs: SketchSummary;
  tokenPs: SketchSummary;
  quantileError: number;
  targets: Slo & { tokensPerSecond: number };
  missedTtft: number;
  missedToken: number;
  causes: Record<Cause, number>;
  hours: HourRow[];
  tenants: { name: string; requests: number; attained: number }[];
  costMicroUsd: number;
  traces: RequestTrace[];
}

export function servingFigures(
  result: ServeResult,
  { replicas, tokensPerSecond }: { replicas: number; tokensPerSecond: number },
  tenants: readonly string[],
): ServingFigures {
  const { record: r } = result;
  return {
    deployment: result.name,
    fidelity: 'requests',
    digest: result.digest,
    events: result.events,
    iterations: result.iterations,
    preemptions: result.preemptions,
    gpus: result.gpus,
    replicas,
    spanUs: result.spanUs,
    busyUs: r.busyUs,
    requests: r.requests,
    completed: r.completed,
    refused: r.refused,
    shed: r.shed,
    attained: r.attained,
    attainedTokens: r.attainedTokens,
    promptTokens: r.promptTokens,
    cachedTokens: r.cachedTokens,
    outputTokens: r.outputTokens,
    ttftUs: r.ttft.summary(),
    itlUs: r.itl.summary(),
    e2eUs: r.e2e.summary(),
    queueUs: r.queue.summary(),
    tokenPs: r.token.summary(),
    quantileError: SKETCH_ERROR,
    targets: { ...r.slo, tokensPerSecond },
    missedTtft: r.missedTtft,
    missedToken: r.missedToken,
    causes: { ...r.causes },
    hours: r.hours(),
    tenants: tenants.map((name, i) => ({
      name,
      requests: r.tenants.values[i] ?? 0,
      attained: r.tenantAttained.values[i] ?? 0,
    })),
    costMicroUsd: result.costMicroUsd,
    traces: result.traces,
  };
}
