/**
 * Fidelity `rate`: how requests fare with a replica at a rate, from its closed form (rate.ts) and their lengths. Rates are
 * taken in steps, so that a minute like an earlier one is computed once.
 */
import { exp, log } from '../../engine/math.ts';
import type { Slo } from '../../scenario.ts';
import type { MinuteLoad } from './load.ts';
import { iteration, type Minute, rateMinute } from './rate.ts';
import type { ReplicaSettings } from './replica-settings.ts';

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

/** Rates are taken in so many steps of the highest, so that a night like the last is computed once. */
const RATE_STEPS = 256;
/** Equally likely waits of those who wait, in means: middles of tenths of an exponential distribution. */
const WAITS = Array.from({ length: 10 }, (_, i) => -log(1 - (i + 0.5) / 10));
/** Rate at which every replica has more than it can do, per second. */
const ENDLESS = 1e9;

export class Fares {
  /** By kind of replica × 4096 + how many there are (0: as fast as it can), then by step of the rate. */
  known = new Map<number, (Fared | undefined)[]>();
  /** Requests per second that a replica of each kind answers at most. */
  readonly capacity: readonly number[];
  private readonly load: MinuteLoad;
  private readonly variants: readonly ReplicaSettings[];
  private readonly slo: Slo;
  private readonly spreads: boolean;

  /** `spreads`: the router sends new requests to the emptiest replica. */
  constructor(load: MinuteLoad, variants: readonly ReplicaSettings[], slo: Slo, spreads: boolean) {
    this.load = load;
    this.variants = variants;
    this.slo = slo;
    this.spreads = spreads;
    this.capacity = variants.map((settings) => rateMinute(settings, { perSecond: ENDLESS, ...load.lengths }).perSecond);
  }

  /** A replica of that kind with more than it can do. */
  full(v: number): Fared {
    return this.kept(v, 0, 0, ENDLESS, 1);
  }

  /** A replica of that kind among `replicas`, at so many requests per second. */
  of(v: number, perSecond: number, replicas: number): Fared {
    const { highest } = this.load;
    const step = highest === 0 ? 0 : Math.round((perSecond / highest) * RATE_STEPS);
    return this.kept(v, replicas, step, (step / RATE_STEPS) * highest, replicas);
  }

  /** All that were met so far. */
  *all(): Generator<Fared> {
    for (const steps of this.known.values()) for (const fared of steps) if (fared !== undefined) yield fared;
  }

  private kept(v: number, group: number, step: number, perSecond: number, replicas: number): Fared {
    const key = v * 4096 + group;
    let steps = this.known.get(key);
    if (steps === undefined) {
      steps = [];
      this.known.set(key, steps);
    }
    let fared = steps[step];
    if (fared === undefined) {
      const { lengths } = this.load;
      // Every n-th request comes to one of n replicas, or one that is chosen as well: the gaps of these vary less.
      const gapCv2 = (lengths.gapCv2 ?? 1) / replicas;
      fared = this.fare(v, rateMinute(this.variants[v], { perSecond, ...lengths, gapCv2 }), replicas);
      while (steps.length < step) steps.push(undefined);
      steps[step] = fared;
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
