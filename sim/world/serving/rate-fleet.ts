/**
 * The replicas of one deployment in fidelity `rate`: minute by minute each replica gets its part of the requests, in
 * proportion to what it can do, and the closed form says what becomes of them. Minutes alike are computed once.
 *
 * What comes faster than it is answered, or while nobody is up, stands in a line (a fluid queue, first come, first
 * served): as long as there is one all replicas work as fast as they can, and each request has waited for its turn.
 */
import { exp, log } from '../../engine/math.ts';
import { type Cause, HOUR_US, MINUTE_US, type ServingSpec, type Slo } from '../../scenario.ts';
import type { MinuteLoad } from './load.ts';
import { iteration, type Load, type Minute, rateMinute } from './rate.ts';
import type { ReplicaSettings } from './replica-settings.ts';

interface Values {
  add(value: number, weight?: number): void;
}

/** What is kept of it: the same figures as of single requests. */
export interface RateRecord {
  requests: number;
  completed: number;
  attained: number;
  attainedTokens: number;
  promptTokens: number;
  outputTokens: number;
  missedTtft: number;
  missedToken: number;
  busyUs: number;
  lastUs: number;
  readonly causes: Record<Cause, number>;
  readonly ttft: Values;
  readonly itl: Values;
  readonly e2e: Values;
  readonly token: Values;
  readonly queue: Values;
  readonly hourRequests: { add(hour: number, amount: number): void };
  readonly hourAttained: { add(hour: number, amount: number): void };
  readonly hourAnswered: { add(hour: number, amount: number): void };
  readonly hourTtftUs: { add(hour: number, amount: number): void };
  readonly tenants: { add(tenant: number, amount: number): void };
  readonly tenantAttained: { add(tenant: number, amount: number): void };
  readonly minuteTokens: { add(minute: number, amount: number): void };
  readonly minuteBusyUs: { add(minute: number, amount: number): void };
}

/** A way in which replicas work, as the closed form has it, with how requests fare: shares of all. */
export interface Fared {
  minute: Minute;
  /** Share of the time in which a replica has a batch. */
  busy: number;
  attained: number;
  lateFirst: number;
  slow: number;
  byPrefill: number;
  /** To the first token; `firsts`: the same, means by length of prompt. */
  latencies: { us: number; queueUs: number; weight: number }[];
  firsts: { us: number; weight: number }[];
  firstUs: number;
  /** Between tokens, ps; and the share of them beyond the target. */
  gaps: { ps: number; weight: number }[];
  slowGaps: number;
  /** Requests so far whose latencies are as these. */
  requests: number;
}

/** Requests that came together and wait: how many, when they came on average, and to what it is put down. */
interface Waiting {
  count: number;
  us: number;
  why: Cause;
}

/** Rates are taken in so many steps of the highest, so that a night like the last is computed once. */
const RATE_STEPS = 256;
/** Equally likely waits of those who wait, in means: middles of tenths of an exponential distribution. */
const WAITS = Array.from({ length: 10 }, (_, i) => -log(1 - (i + 0.5) / 10));
/** Rate at which every replica has more than it can do, per second. */
const ENDLESS = 1e9;

export class RateFleet {
  /** By replica: kind of replica, −1 = not up. */
  readonly variantOf: Int32Array;
  /** µs that each replica has had a batch, so far. */
  readonly busyUs: Float64Array;
  /** Why nobody is up. */
  absence: Cause = 'cold-start';
  private line: Waiting[] = [];
  private doneUs = 0;
  private present = 0;
  known = new Map<number, Fared>();
  /** Requests per second that a replica of each kind answers at most. */
  private readonly capacity: number[];
  private readonly load: MinuteLoad;
  private readonly variants: readonly ReplicaSettings[];
  private readonly record: RateRecord;
  private readonly slo: Slo;
  private readonly spreads: boolean;

  constructor(
    load: MinuteLoad,
    spec: Pick<ServingSpec, 'replicaJobs' | 'routing' | 'ttftUs' | 'tokenUs'>,
    variants: readonly ReplicaSettings[],
    record: RateRecord,
  ) {
    const { replicaJobs, routing, ttftUs, tokenUs } = spec;
    this.load = load;
    this.variants = variants;
    this.record = record;
    this.slo = { ttftUs, tokenUs };
    this.spreads = routing !== 'round-robin';
    this.variantOf = new Int32Array(replicaJobs.length).fill(-1);
    this.busyUs = new Float64Array(replicaJobs.length);
    this.capacity = variants.map((settings) => rateMinute(settings, { perSecond: ENDLESS, ...load.lengths }).perSecond);
  }

  /** Requests that wait because they came faster than they were answered, or while nobody was up. */
  get backlog(): number {
    return this.line.reduce((sum, { count }) => sum + count, 0);
  }

  /** Requests in the system. */
  get inSystem(): number {
    return this.present + this.backlog;
  }

  /** A replica takes its part no more from `us` on. `why`: to what a time without any is put down. */
  down(r: number, us: number, why: Cause): void {
    this.advance(us);
    this.variantOf[r] = -1;
    if (this.variantOf.every((v) => v < 0)) this.absence = why;
  }

  /** Share of the coming time until `untilUs` in which a replica will have a batch if nothing changes. */
  forecast(r: number, untilUs: number): number {
    const v = this.variantOf[r];
    if (v < 0 || untilUs <= this.doneUs) return 0;
    const { replicas, perSecond: most } = this.together();
    let busy = 0;
    for (let from = this.doneUs; from < untilUs; ) {
      const minute = Math.floor(from / MINUTE_US);
      const to = Math.min(untilUs, (minute + 1) * MINUTE_US);
      const rate = this.load.perSecond(minute);
      busy += (to - from) * (rate >= most ? 1 : this.fareOf(v, (rate * this.capacity[v]) / most, replicas).busy);
      from = to;
    }
    return busy / (untilUs - this.doneUs);
  }

  /** Of `n` replicas of the first kind: the share of requests in time, and of times between tokens beyond the target. */
  wouldFare(perSecond: number, n: number): { attained: number; slowGaps: number } {
    return perSecond >= n * this.capacity[0] ? { attained: 0, slowGaps: 1 } : this.fareOf(0, perSecond / n, n);
  }

  advance(us: number): void {
    while (this.doneUs < us) {
      const to = Math.min(us, (Math.floor(this.doneUs / MINUTE_US) + 1) * MINUTE_US);
      this.pass(this.doneUs, to);
      this.doneUs = to;
    }
  }

  /** Replicas that are up, and what all of them answer at most. */
  private together(): { replicas: number; perSecond: number } {
    let replicas = 0;
    let perSecond = 0;
    for (const v of this.variantOf) {
      if (v < 0) continue;
      replicas++;
      perSecond += this.capacity[v];
    }
    return { replicas, perSecond };
  }

  /** Part of a minute, in which requests come at one rate and the same replicas are up. */
  private pass(fromUs: number, toUs: number): void {
    const { record, load } = this;
    const seconds = (toUs - fromUs) / 1e6;
    const minute = Math.floor(fromUs / MINUTE_US);
    const rate = load.perSecond(minute);
    const came = rate * seconds;
    record.requests += came;
    record.hourRequests.add(Math.floor(fromUs / HOUR_US), came);
    record.promptTokens += came * load.lengths.prompt;
    load.tenants.forEach((share, tenant) => {
      record.tenants.add(tenant, share * came);
    });
    const { replicas, perSecond: most } = this.together();
    this.present = 0;
    if (replicas === 0) {
      if (came > 0) this.line.push({ count: came, us: (fromUs + toUs) / 2, why: this.absence });
      return;
    }
    const waiting = this.backlog;
    // As long as somebody stands in line everybody works as fast as they can.
    const fullUs =
      rate >= most ? toUs - fromUs : waiting > 0 ? Math.min(toUs - fromUs, (waiting / (most - rate)) * 1e6) : 0;
    if (fullUs > 0) this.passFull(fromUs, fullUs, rate, most, replicas);
    if (fromUs + fullUs < toUs) this.passSettled(fromUs + fullUs, toUs, rate, most, replicas);
  }

  /** Nobody is in line and nobody will be. */
  private passSettled(fromUs: number, toUs: number, rate: number, most: number, replicas: number): void {
    const { variants, variantOf, load, capacity } = this;
    const us = toUs - fromUs;
    for (let v = 0; v < variants.length; v++) {
      let n = 0;
      for (const kind of variantOf) if (kind === v) n++;
      if (n === 0) continue;
      const each = (rate * capacity[v]) / most;
      const fared = this.fareOf(v, each, replicas);
      const { minute: m } = fared;
      const done = (n * each * us) / 1e6;
      fared.requests += done;
      this.present += n * each * ((m.ttftUs + m.itlUs * load.lengths.output) / 1e6);
      for (let r = 0; r < variantOf.length; r++) if (variantOf[r] === v) this.busyUs[r] += fared.busy * us;
      this.count(done, fromUs, toUs, n * fared.busy * us);
      const { attained, lateFirst, slow, byPrefill } = fared;
      this.firstTokens(done, fromUs, fared.firstUs);
      this.judge(done * attained, done * lateFirst, done * slow, fromUs);
      const { causes } = this.record;
      causes.prefill += done * byPrefill;
      causes.queue += done * (lateFirst - byPrefill);
      causes.batch += done * (1 - attained - lateFirst);
    }
  }

  /** Everybody works as fast as they can for so long; who has waited longest is answered first. */
  private passFull(fromUs: number, us: number, rate: number, most: number, replicas: number): void {
    const { record, slo, variantOf, line, load } = this;
    const came = (rate * us) / 1e6;
    const answered = Math.min((most * us) / 1e6, this.backlog + came);
    if (came > 0) line.push({ count: came, us: fromUs + us / 2, why: 'queue' });
    for (let r = 0; r < variantOf.length; r++) if (variantOf[r] >= 0) this.busyUs[r] += us;
    this.count(answered, fromUs, fromUs + us, replicas * us);
    const { minute, gaps } = this.fullOf(variantOf.find((v) => v >= 0) as number);
    const slow = minute.itlUs > slo.tokenUs;
    record.itl.add(minute.itlUs, answered);
    for (const { ps, weight } of gaps) record.token.add(ps, answered * Math.max(0, load.lengths.output - 1) * weight);
    for (let out = 0; out < answered && line.length > 0; ) {
      const first = line[0];
      const n = Math.min(first.count, answered - out);
      // Of those that came together the first came earlier than the last.
      const spread = first.why === 'queue' && first.us > fromUs ? (first.count - n) / (first.count || 1) : 0;
      const atUs = fromUs + ((out + n / 2) / answered) * us;
      const queueUs = Math.max(0, atUs - (first.us - (spread * us) / 2));
      const ttftUs = queueUs + minute.ttftUs;
      record.queue.add(queueUs, n);
      record.ttft.add(ttftUs, n);
      this.firstTokens(n, fromUs, ttftUs);
      record.e2e.add(ttftUs + (load.lengths.output - 1) * minute.itlUs, n);
      const late = ttftUs > slo.ttftUs;
      this.judge(late || slow ? 0 : n, late ? n : 0, slow ? n : 0, fromUs);
      if (late || slow) record.causes[late ? first.why : 'batch'] += n;
      out += n;
      if (first.count - n < 1e-9) line.shift();
      else line[0] = { ...first, count: first.count - n, us: first.us + (spread > 0 ? ((1 - spread) * us) / 2 : 0) };
    }
    this.present = this.backlog;
  }

  /** Answered in that time. */
  private count(done: number, fromUs: number, toUs: number, busyUs: number): void {
    const { record, load } = this;
    const minute = Math.floor(fromUs / MINUTE_US);
    const tokens = done * load.lengths.output;
    record.completed += done;
    record.outputTokens += tokens;
    record.minuteTokens.add(minute, tokens);
    record.busyUs += busyUs;
    record.minuteBusyUs.add(minute, busyUs);
    record.lastUs = Math.max(record.lastUs, toUs);
  }

  private firstTokens(count: number, us: number, ttftUs: number): void {
    const hour = Math.floor(us / HOUR_US);
    this.record.hourAnswered.add(hour, count);
    this.record.hourTtftUs.add(hour, count * ttftUs);
  }

  private judge(attained: number, late: number, slow: number, us: number): void {
    const { record, load } = this;
    record.attained += attained;
    record.attainedTokens += attained * load.lengths.output;
    record.hourAttained.add(Math.floor(us / HOUR_US), attained);
    load.tenants.forEach((share, tenant) => {
      record.tenantAttained.add(tenant, share * attained);
    });
    record.missedTtft += late;
    record.missedToken += slow;
  }

  /** The latencies of all that was answered without a line so far, into these sketches. */
  summarise(record: Pick<RateRecord, 'ttft' | 'itl' | 'e2e' | 'token' | 'queue'>): void {
    const { load } = this;
    for (const { minute, latencies, firsts, gaps, requests } of this.known.values()) {
      if (requests === 0) continue;
      const steps = Math.max(0, load.lengths.output - 1);
      record.itl.add(minute.itlUs, requests);
      for (const { ps, weight } of gaps) record.token.add(ps, requests * steps * weight);
      for (const { us, queueUs, weight } of latencies) {
        record.ttft.add(us, requests * weight);
        record.queue.add(queueUs, requests * weight);
      }
      for (const { us, weight } of firsts)
        for (const { value, share } of load.outputs)
          record.e2e.add(us + (value - 1) * minute.itlUs, requests * weight * share);
    }
  }

  /** A replica of that kind with more than it can do. */
  private fullOf(v: number): Fared {
    return this.kept(v, v * 4096, () => ({ perSecond: ENDLESS, ...this.load.lengths }), 1);
  }

  /** A replica of that kind among `replicas`, at so many requests per second. */
  private fareOf(v: number, perSecond: number, replicas: number): Fared {
    const { highest, lengths } = this.load;
    const step = highest === 0 ? 0 : Math.round((perSecond / highest) * RATE_STEPS);
    const key = (v * 4096 + replicas) * 65_536 + step;
    return this.kept(v, key, () => ({ perSecond: (step / RATE_STEPS) * highest, ...lengths }), replicas);
  }

  private kept(v: number, key: number, load: () => Load, replicas: number): Fared {
    let fared = this.known.get(key);
    if (fared === undefined) {
      fared = this.fare(v, rateMinute(this.variants[v], load()), replicas);
      this.known.set(key, fared);
    }
    return fared;
  }

  private fare(v: number, minute: Minute, replicas: number): Fared {
    const { load, slo } = this;
    const settings = this.variants[v];
    const { lengths } = load;
    const live = lengths.prompt + (lengths.output * (1 + lengths.outputCv2)) / 2;
    const batch = Math.max(1, minute.batch);
    const slow = minute.itlUs > slo.tokenUs;
    const busy = minute.saturated ? 1 : busyShare(minute.present, this.spreads ? replicas : 1);
    const latencies: Fared['latencies'] = [];
    const firsts: Fared['firsts'] = [];
    const { waitShare, waitUs, besideShare } = minute;
    const gaps: Fared['gaps'] = [{ ps: minute.decodeUs * 1e6, weight: 1 - besideShare }];
    let late = 0;
    let byPrefill = 0;
    for (const { value: prompt, share: weight } of load.prompts) {
      const { wholePs, chunks } = iteration(settings, batch, live, prompt);
      const bareUs = wholePs / 1e6;
      gaps.push({ ps: wholePs / chunks, weight: besideShare * weight });
      const meets = (thisUs: number, share: number) => {
        // It begins with the next iteration of whoever decodes, together with those who came during the one before.
        const queueUs = thisUs + (busy * minute.itlUs) / 2;
        const us = bareUs + queueUs + (thisUs > 0 ? waitShare * (thisUs + waitUs / waitShare) : 0);
        latencies.push({ us, queueUs, weight: weight * share });
        if (us <= slo.ttftUs) return;
        late += weight * share;
        if (bareUs > queueUs) byPrefill += weight * share;
      };
      firsts.push({ us: bareUs + waitUs * (1 + 2 * waitShare) + (busy * minute.itlUs) / 2, weight });
      meets(0, 1 - waitShare);
      if (waitShare > 0) for (const times of WAITS) meets((times * waitUs) / waitShare, waitShare / WAITS.length);
    }
    return {
      ...{ minute, busy, attained: slow ? 0 : 1 - late, lateFirst: late, slow: slow ? 1 : 0, byPrefill },
      ...{ latencies, firsts, gaps, requests: 0 },
      firstUs: firsts.reduce((sum, { us, weight }) => sum + us * weight, 0),
      slowGaps: gaps.reduce((sum, { ps, weight }) => sum + (ps > slo.tokenUs * 1e6 ? weight : 0), 0),
    };
  }
}

/**
 * Share of the time in which one of `replicas` has a request, if each has `present` on average and their number in all is
 * Poisson distributed (M/G/∞). Sent anywhere: 1 − e^−present. Were they always spread evenly: E min(K, n) ÷ n. New ones go
 * to the emptiest, but those there do not move: half-way between the two, which bench/validate compares with requests.
 */
export function busyShare(present: number, replicas: number): number {
  const apart = 1 - exp(-present);
  if (replicas === 1 || present > 40) return apart;
  const mean = present * replicas;
  let p = exp(-mean);
  let more = 1;
  let even = 0;
  for (let k = 0; k < replicas; k++) {
    more -= p;
    even += Math.max(0, more) / replicas;
    p *= mean / (k + 1);
  }
  return Math.min(1, (apart + even) / 2);
}
