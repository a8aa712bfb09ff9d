/**
 * The replicas of one deployment in fidelity `rate`: minute by minute each replica gets its part of the requests, in
 * proportion to what it can do, and the closed form says what becomes of them. Minutes alike are computed once.
 *
 * What comes faster than it is answered, or while nobody is up, stands in a line (a fluid queue, first come, first
 * served): as long as there is one all replicas work as fast as they can, and each request has waited for its turn.
 */
import { type Cause, HOUR_US, MINUTE_US, type ServingSpec, type Slo } from '../../scenario.ts';
import { Fares } from './fare.ts';
import type { MinuteLoad } from './load.ts';
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

/** Requests that came together and wait: how many, when they came on average, and to what it is put down. */
interface Waiting {
  count: number;
  us: number;
  why: Cause;
}

/** Replicas that are up: of each kind, all, and the requests per second that they answer at most. */
interface Up {
  kinds: number[];
  replicas: number;
  perSecond: number;
}

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
  readonly fares: Fares;
  private readonly load: MinuteLoad;
  private readonly record: RateRecord;
  private readonly slo: Slo;

  constructor(
    load: MinuteLoad,
    spec: Pick<ServingSpec, 'replicaJobs' | 'routing' | 'ttftUs' | 'tokenUs'>,
    variants: readonly ReplicaSettings[],
    record: RateRecord,
  ) {
    const { replicaJobs, routing, ttftUs, tokenUs } = spec;
    this.load = load;
    this.record = record;
    this.slo = { ttftUs, tokenUs };
    this.fares = new Fares(load, variants, this.slo, routing !== 'round-robin');
    this.variantOf = new Int32Array(replicaJobs.length).fill(-1);
    this.busyUs = new Float64Array(replicaJobs.length);
  }

  /** Requests that wait because they came faster than they were answered, or while nobody was up. */
  get backlog(): number {
    let sum = 0;
    for (const { count } of this.line) sum += count;
    return sum;
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

  /** By kind: share of the coming time until `untilUs` in which a replica that is up will have a batch if nothing changes. */
  forecast(untilUs: number): number[] {
    const { fares, load } = this;
    const { kinds, replicas, perSecond: most } = this.together();
    return kinds.map((n, v) => {
      if (n === 0 || untilUs <= this.doneUs) return 0;
      let busy = 0;
      for (let from = this.doneUs; from < untilUs; ) {
        const minute = Math.floor(from / MINUTE_US);
        const to = Math.min(untilUs, (minute + 1) * MINUTE_US);
        const rate = load.perSecond(minute);
        busy += (to - from) * (rate >= most ? 1 : fares.of(v, (rate * fares.capacity[v]) / most, replicas).busy);
        from = to;
      }
      return busy / (untilUs - this.doneUs);
    });
  }

  /** Of `n` replicas of the first kind: the share of requests in time, and of times between tokens beyond the target. */
  wouldFare(perSecond: number, n: number): { attained: number; slowGaps: number } {
    return perSecond >= n * this.fares.capacity[0] ? { attained: 0, slowGaps: 1 } : this.fares.of(0, perSecond / n, n);
  }

  advance(us: number): void {
    if (this.doneUs >= us) return;
    const up = this.together();
    while (this.doneUs < us) {
      const to = Math.min(us, (Math.floor(this.doneUs / MINUTE_US) + 1) * MINUTE_US);
      this.pass(this.doneUs, to, up);
      this.doneUs = to;
    }
  }

  /** Replicas that are up, and what all of them answer at most. */
  private together(): Up {
    const { capacity } = this.fares;
    const up: Up = { kinds: new Array<number>(capacity.length).fill(0), replicas: 0, perSecond: 0 };
    for (const v of this.variantOf) {
      if (v < 0) continue;
      up.kinds[v]++;
      up.replicas++;
      up.perSecond += capacity[v];
    }
    return up;
  }

  /** Part of a minute, in which requests come at one rate and the same replicas are up. */
  private pass(fromUs: number, toUs: number, up: Up): void {
    const { record, load } = this;
    const seconds = (toUs - fromUs) / 1e6;
    const minute = Math.floor(fromUs / MINUTE_US);
    const rate = load.perSecond(minute);
    const came = rate * seconds;
    record.requests += came;
    record.hourRequests.add(Math.floor(fromUs / HOUR_US), came);
    record.promptTokens += came * load.lengths.prompt;
    for (let tenant = 0; tenant < load.tenants.length; tenant++)
      record.tenants.add(tenant, load.tenants[tenant] * came);
    const { replicas, perSecond: most } = up;
    this.present = 0;
    if (replicas === 0) {
      if (came > 0) this.line.push({ count: came, us: (fromUs + toUs) / 2, why: this.absence });
      return;
    }
    const waiting = this.backlog;
    // As long as somebody stands in line everybody works as fast as they can.
    const fullUs =
      rate >= most ? toUs - fromUs : waiting > 0 ? Math.min(toUs - fromUs, (waiting / (most - rate)) * 1e6) : 0;
    if (fullUs > 0) this.passFull(fromUs, fullUs, rate, up);
    if (fromUs + fullUs < toUs) this.passSettled(fromUs + fullUs, toUs, rate, up);
  }

  /** Nobody is in line and nobody will be. */
  private passSettled(fromUs: number, toUs: number, rate: number, { kinds, replicas, perSecond: most }: Up): void {
    const { variantOf, load, fares } = this;
    const us = toUs - fromUs;
    for (let v = 0; v < kinds.length; v++) {
      const n = kinds[v];
      if (n === 0) continue;
      const each = (rate * fares.capacity[v]) / most;
      const fared = fares.of(v, each, replicas);
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
  private passFull(fromUs: number, us: number, rate: number, { replicas, perSecond: most }: Up): void {
    const { record, slo, variantOf, line, load } = this;
    const came = (rate * us) / 1e6;
    const answered = Math.min((most * us) / 1e6, this.backlog + came);
    if (came > 0) line.push({ count: came, us: fromUs + us / 2, why: 'queue' });
    for (let r = 0; r < variantOf.length; r++) if (variantOf[r] >= 0) this.busyUs[r] += us;
    this.count(answered, fromUs, fromUs + us, replicas * us);
    const { minute, gaps } = this.fares.full(variantOf.find((v) => v >= 0) as number);
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
    for (let tenant = 0; tenant < load.tenants.length; tenant++)
      record.tenantAttained.add(tenant, load.tenants[tenant] * attained);
    record.missedTtft += late;
    record.missedToken += slow;
  }

  /** The latencies of all that was answered without a line so far, into these sketches. */
  summarise(record: Pick<RateRecord, 'ttft' | 'itl' | 'e2e' | 'token' | 'queue'>): void {
    const { load } = this;
    for (const { minute, latencies, firsts, gaps, requests } of this.fares.all()) {
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
}
