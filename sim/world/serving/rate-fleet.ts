/**
 * The replicas of one deployment in fidelity `rate`: minute by minute each replica gets its part of the requests, in
 * proportion to what it can do, and the closed form says what becomes of them. Minutes alike are computed once.
 */
import { exp, log } from '../../engine/math.ts';
import { type Cause, HOUR_US, MINUTE_US, type Slo } from '../../scenario.ts';
import type { MinuteLoad } from './load.ts';
import { iteration, type Minute, rateMinute } from './rate.ts';
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
  readonly tenants: { add(tenant: number, amount: number): void };
  readonly tenantAttained: { add(tenant: number, amount: number): void };
  readonly minuteTokens: { add(minute: number, amount: number): void };
  readonly minuteBusyUs: { add(minute: number, amount: number): void };
}

/** A minute's closed form with how its requests fare, each share of all. */
export interface Fared {
  minute: Minute;
  /** What it answers. */
  perSecond: number;
  attained: number;
  lateFirst: number;
  slow: number;
  byPrefill: number;
  latencies: { us: number; queueUs: number; weight: number }[];
  /** Requests so far whose latencies are as these. */
  requests: number;
}

/** Rates are taken in steps of a thousandth of the highest, so that a night like the last is computed once. */
const RATE_STEPS = 1000;
/** Equally likely waits of those who wait, in means: middles of tenths of an exponential distribution. */
const WAITS = Array.from({ length: 10 }, (_, i) => -log(1 - (i + 0.5) / 10));

export class RateFleet {
  /** By replica: kind of replica, −1 = not up. */
  readonly variantOf: Int32Array;
  /** µs that each replica has had a batch, so far. */
  readonly busyUs: Float64Array;
  /** Requests that wait because they came faster than they were answered, or while nobody was up. */
  backlog = 0;
  /** Why nobody is up. */
  absence: Cause = 'cold-start';
  private doneUs = 0;
  private present = 0;
  known = new Map<number, Fared>();
  private readonly capacity: number[];
  private readonly load: MinuteLoad;
  private readonly variants: readonly ReplicaSettings[];
  private readonly record: RateRecord;
  private readonly slo: Slo;

  constructor(load: MinuteLoad, variants: readonly ReplicaSettings[], replicas: number, record: RateRecord, slo: Slo) {
    this.load = load;
    this.variants = variants;
    this.record = record;
    this.slo = slo;
    this.variantOf = new Int32Array(replicas).fill(-1);
    this.busyUs = new Float64Array(replicas);
    // More than any replica answers.
    this.capacity = variants.map(
      (settings) => rateMinute(settings, { perSecond: 1e9, ...load.lengths }).completed / 60,
    );
  }

  /** Requests in the system. */
  get inSystem(): number {
    return this.present + this.backlog;
  }

  /** Share of the coming time until `untilUs` in which a replica will have a batch if nothing changes. */
  forecast(r: number, untilUs: number): number {
    if (this.variantOf[r] < 0 || untilUs <= this.doneUs) return 0;
    let busy = 0;
    for (let from = this.doneUs; from < untilUs; ) {
      const to = Math.min(untilUs, (Math.floor(from / MINUTE_US) + 1) * MINUTE_US);
      const perSecond = this.load.perSecond(Math.floor(from / MINUTE_US));
      const fared = this.fareOf(this.variantOf[r], perSecond * this.partOf(r), 0, 60);
      busy += ((to - from) * fared.minute.busyMilli) / 1000;
      from = to;
    }
    return busy / (untilUs - this.doneUs);
  }

  /** The share of requests that `n` replicas of the first kind would answer in time. */
  attainedBy(perSecond: number, n: number): number {
    const { minute, attained } = this.fareOf(0, perSecond / n, 0, 60);
    return minute.saturated ? 0 : attained;
  }

  advance(us: number): void {
    while (this.doneUs < us) {
      const to = Math.min(us, (Math.floor(this.doneUs / MINUTE_US) + 1) * MINUTE_US);
      this.pass(this.doneUs, to);
      this.doneUs = to;
    }
  }

  private partOf(r: number): number {
    const { variantOf, capacity } = this;
    let sum = 0;
    for (const v of variantOf) if (v >= 0) sum += capacity[v];
    return capacity[variantOf[r]] / sum;
  }

  private pass(fromUs: number, toUs: number): void {
    const { record, load, variantOf } = this;
    const seconds = (toUs - fromUs) / 1e6;
    const minute = Math.floor(fromUs / MINUTE_US);
    const hour = Math.floor(fromUs / HOUR_US);
    const perSecond = load.perSecond(minute);
    const came = perSecond * seconds;
    record.requests += came;
    record.hourRequests.add(hour, came);
    record.promptTokens += came * load.lengths.prompt;
    load.tenants.forEach((share, tenant) => {
      record.tenants.add(tenant, share * came);
    });
    let up = 0;
    for (const v of variantOf) if (v >= 0) up++;
    if (up === 0) {
      this.backlog += came;
      this.present = 0;
      return;
    }
    const waiting = this.backlog;
    let left = 0;
    let present = 0;
    const counted = new Array<number>(this.variants.length).fill(0);
    for (const v of variantOf) if (v >= 0) counted[v]++;
    counted.forEach((n, v) => {
      if (n === 0) return;
      const part = this.partOf(variantOf.indexOf(v));
      const fared = this.fareOf(v, perSecond * part, waiting * part, seconds);
      const { minute: m } = fared;
      // What came and was there either is answered or stays, whatever was rounded above.
      const offered = (perSecond * seconds + waiting) * part;
      const answered = m.saturated ? Math.min(offered, fared.perSecond * seconds) : offered;
      const done = n * answered;
      left += n * (offered - answered);
      present += n * (answered / seconds) * (m.ttftUs / 1e6 + (m.itlUs / 1e6) * load.lengths.output);
      fared.requests += done;
      this.book(fared, done, minute, hour, toUs, n * (m.busyMilli / 1000) * (toUs - fromUs));
      for (let r = 0; r < variantOf.length; r++)
        if (variantOf[r] === v) this.busyUs[r] += (m.busyMilli / 1000) * (toUs - fromUs);
    });
    this.backlog = left;
    this.present = present;
  }

  private book(fared: Fared, done: number, minute: number, hour: number, toUs: number, busyUs: number): void {
    const { record, load } = this;
    const { attained, lateFirst, slow, byPrefill, minute: m } = fared;
    record.completed += done;
    record.outputTokens += done * load.lengths.output;
    record.minuteTokens.add(minute, done * load.lengths.output);
    record.busyUs += busyUs;
    record.minuteBusyUs.add(minute, busyUs);
    record.lastUs = Math.max(record.lastUs, toUs);
    record.attained += done * attained;
    record.attainedTokens += done * attained * load.lengths.output;
    record.hourAttained.add(hour, done * attained);
    load.tenants.forEach((share, tenant) => {
      record.tenantAttained.add(tenant, share * done * attained);
    });
    record.missedTtft += done * lateFirst;
    record.missedToken += done * slow;
    record.causes.prefill += done * byPrefill;
    record.causes[m.lineUs > 0 && !m.saturated ? this.absence : 'queue'] += done * (lateFirst - byPrefill);
    record.causes.batch += done * (1 - attained - lateFirst);
  }

  /** The latencies of all that was answered so far, into these sketches. */
  summarise(record: Pick<RateRecord, 'ttft' | 'itl' | 'e2e' | 'token' | 'queue'>): void {
    const { load } = this;
    for (const { minute, latencies, requests } of this.known.values()) {
      if (requests === 0) continue;
      const steps = Math.max(0, load.lengths.output - 1);
      record.itl.add(minute.itlUs, requests);
      record.token.add(minute.itlUs * 1e6, requests * steps);
      for (const { us, queueUs, weight } of latencies) {
        record.ttft.add(us, requests * weight);
        record.queue.add(queueUs, requests * weight);
        for (const output of load.outputs)
          record.e2e.add(us + (output - 1) * minute.itlUs, (requests * weight) / load.outputs.length);
      }
    }
  }

  private fareOf(v: number, perSecond: number, backlog: number, seconds: number): Fared {
    const step = this.load.highest === 0 ? 0 : Math.round((perSecond / this.load.highest) * RATE_STEPS);
    const settled = backlog < 0.5;
    // Backlogs are told apart to a twentieth.
    const line = settled ? 0 : Math.round(20 * log(1 + backlog));
    const length = settled ? 60 : Math.max(1, Math.round(seconds));
    const key = ((v * 4096 + line) * 100 + length) * 65_536 + step;
    let fared = this.known.get(key);
    if (fared === undefined) {
      const load = { perSecond: (step / RATE_STEPS) * this.load.highest, ...this.load.lengths };
      const left = settled ? 0 : exp(line / 20) - 1;
      fared = this.fare(v, rateMinute(this.variants[v], load, left, length), length);
      this.known.set(key, fared);
    }
    return fared;
  }

  private fare(v: number, minute: Minute, seconds: number): Fared {
    const { load, slo } = this;
    const settings = this.variants[v];
    const { lengths } = load;
    const live = lengths.prompt + (lengths.output * (1 + lengths.outputCv2)) / 2;
    const batch = Math.max(1, minute.batch);
    const slow = minute.itlUs > slo.tokenUs;
    const latencies: Fared['latencies'] = [];
    let late = 0;
    let byPrefill = 0;
    for (const prompt of load.prompts) {
      const weight = 1 / load.prompts.length;
      const bareUs = iteration(settings, batch, live, prompt).wholePs / 1e6;
      const meets = (waitUs: number, share: number) => {
        const us = bareUs + waitUs + minute.lineUs;
        latencies.push({ us, queueUs: waitUs + minute.lineUs, weight: weight * share });
        if (us <= slo.ttftUs) return;
        late += weight * share;
        if (bareUs > waitUs + minute.lineUs) byPrefill += weight * share;
      };
      const { waitShare, waitUs } = minute;
      meets(0, 1 - waitShare);
      if (waitShare > 0) for (const times of WAITS) meets((times * waitUs) / waitShare, waitShare / WAITS.length);
    }
    return {
      minute,
      perSecond: minute.completed / seconds,
      attained: slow ? 0 : 1 - late,
      lateFirst: late,
      slow: slow ? 1 : 0,
      byPrefill,
      latencies,
      requests: 0,
    };
  }
}
