/** What is kept of requests: latencies, attainment by hour, tokens and busy time by minute, and why targets were missed. */
import {
  CAUSES,
  type Cause,
  HOUR_US,
  MINUTE_US,
  type PlacementRule,
  type PlacementVerdict,
  type RequestTrace,
  type Slo,
} from '../scenario.ts';
import { SKETCH_ERROR, Sketch, type SketchSummary } from './sketch.ts';

export { CAUSES, type Cause, type RequestTrace, type Slo } from '../scenario.ts';

export interface HourRow {
  /** Of arrival. */
  hour: number;
  requests: number;
  attained: number;
  /** Tokens given out in this hour; answered in it, and the mean of their times to the first token, µs. */
  tokens: number;
  answered: number;
  ttftUs: number;
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
    preempted: 0,
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
  /** By hour of the answer: how many, and the sum of their times to the first token, µs. */
  readonly hourAnswered = new Counts();
  readonly hourTtftUs = new Counts();
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
    const answerHour = Math.floor(doneUs / HOUR_US);
    this.hourAnswered.add(answerHour, 1);
    this.hourTtftUs.add(answerHour, ttft);
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
    return Array.from({ length: this.hourRequests.length }, (_, hour) => {
      const answered = this.hourAnswered.values[hour] ?? 0;
      let tokens = 0;
      for (let minute = 60 * hour; minute < 60 * (hour + 1); minute++) tokens += this.minuteTokens.values[minute] ?? 0;
      return {
        hour,
        requests: Math.round(this.hourRequests.values[hour]),
        attained: Math.round(this.hourAttained.values[hour] ?? 0),
        tokens: Math.round(tokens),
        answered: Math.round(answered),
        ttftUs: answered > 0 ? Math.round((this.hourTtftUs.values[hour] ?? 0) / answered) : 0,
      };
    });
  }
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

/** What happened to a deployment's replicas. */
export interface ReplicaCounts {
  starts: number;
  scaledUp: number;
  scaledDown: number;
  /** Moves off a node above the threshold; those to a node left within an hour; looks at which there was nowhere to go. */
  moves: number;
  flaps: number;
  stuck: number;
}

/** What a run keeps of a deployment: plain data. Times in µs, of tokens in ps. */
export interface ServingFigures {
  deployment: string;
  /** Every request and every batch, or closed form by replica and minute. */
  fidelity: 'requests' | 'rate';
  digest: string;
  events: number;
  iterations: number;
  preemptions: number;
  /** Held on average. */
  gpus: number;
  /** Active on average. */
  replicas: number;
  spanUs: number;
  busyUs: number;
  /** Replicas' time of being active, GPUs' of being held, and money for it. */
  activeUs: number;
  gpuUs: number;
  costMicroUsd: number;
  requests: number;
  completed: number;
  /** In the system when the run ends. */
  unfinished: number;
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
  lives: ReplicaCounts;
  traces: RequestTrace[];
  /** GPUs of all the replicas that it may have. */
  mostGpus: number;
  /** The rule by which its replicas were placed, and whether any placement can meet its targets. */
  rule?: PlacementRule;
  verdict?: PlacementVerdict;
}

/** Of the record and of what stands beside it. Of fidelity `rate` amounts are expected values, rounded here. */
export function servingFigures(
  r: ServingRecord,
  beside: Omit<ServingFigures, keyof ReturnType<typeof recordFigures> | 'quantileError' | 'targets' | 'tenants'>,
  tokensPerSecond: number,
  tenants: readonly string[],
): ServingFigures {
  return {
    ...beside,
    ...recordFigures(r),
    quantileError: SKETCH_ERROR,
    targets: { ...r.slo, tokensPerSecond },
    tenants: tenants.map((name, i) => ({
      name,
      requests: Math.round(r.tenants.values[i] ?? 0),
      attained: Math.round(r.tenantAttained.values[i] ?? 0),
    })),
  };
}

function recordFigures(r: ServingRecord) {
  const causes = { ...r.causes };
  for (const cause of CAUSES) causes[cause] = Math.round(causes[cause]);
  return {
    busyUs: Math.round(r.busyUs),
    requests: Math.round(r.requests),
    completed: Math.round(r.completed),
    refused: r.refused,
    shed: r.shed,
    attained: Math.round(r.attained),
    attainedTokens: Math.round(r.attainedTokens),
    promptTokens: Math.round(r.promptTokens),
    cachedTokens: r.cachedTokens,
    outputTokens: Math.round(r.outputTokens),
    ttftUs: r.ttft.summary(),
    itlUs: r.itl.summary(),
    e2eUs: r.e2e.summary(),
    queueUs: r.queue.summary(),
    tokenPs: r.token.summary(),
    missedTtft: Math.round(r.missedTtft),
    missedToken: Math.round(r.missedToken),
    causes,
    hours: r.hours(),
  };
}
