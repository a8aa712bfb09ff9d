/**
 * Fidelity `rate`: one replica in the steady state, closed form. Requests come at a rate with mean lengths; the batch they
 * make follows from Little's law: sequences = rate × tokens each × time a token takes, and that time grows with the batch.
 * The line in which requests stand beyond what it can answer is rate-fleet.ts'. bench/validate shows its error against
 * `requests`.
 */
import { exp } from '../../engine/math.ts';
import type { Line } from './cost.ts';
import type { ReplicaSettings } from './replica-settings.ts';

/** Requests of one replica. `…Cv2`: variance ÷ mean². */
export interface Load {
  perSecond: number;
  prompt: number;
  promptCv2: number;
  output: number;
  outputCv2: number;
  /** Of the gaps between requests; absent = 1, as of independent ones. */
  gapCv2?: number;
}

/** What a replica does at a rate. */
export interface Minute {
  /** Requests answered a second. */
  perSecond: number;
  /** Share of the time in which it has a batch, thousandths. */
  busyMilli: number;
  /** Requests there on average, running or being prefilled. */
  present: number;
  /** Sequences in the batch while it has one. */
  batch: number;
  /** Means, µs: arrival to first token, and from token to token. */
  ttftUs: number;
  /** Of that, the wait for other prompts; how likely there is any. */
  waitUs: number;
  waitShare: number;
  itlUs: number;
  /** Of the tokens after the first, the share that comes while a prompt is prefilled; one of the others takes so long, µs. */
  besideShare: number;
  decodeUs: number;
  tokensPerSecond: number;
  /** More comes than it can answer: it answers what it can, and the line grows. */
  saturated: boolean;
}

const SECOND_PS = 1e12;

export function rateMinute(settings: ReplicaSettings, load: Load): Minute {
  const { perSecond: offered, prompt, output } = load;
  if (!(offered > 0)) return { ...IDLE };
  // A sequence seen at random has a long output rather than a short one: E[n²] / 2 E[n] of it is out.
  const live = prompt + (output * (1 + load.outputCv2)) / 2;
  const steps = Math.max(0, output - 1);
  const capacity = Math.max(
    1,
    Math.min(settings.maxSequences, (settings.blocks * settings.blockTokens) / (live + settings.blockTokens / 2)),
  );
  const at = (batch: number) => iteration(settings, batch, live, prompt);

  // Each of them sees the others and itself.
  const inBatch = (rate: number, batch: number) => {
    const { tokenPs, prefillPs } = at(1 + batch);
    const prefilling = (rate * prefillPs) / SECOND_PS;
    return prefilling >= 1 ? Infinity : (rate * steps * tokenPs) / SECOND_PS / (1 - prefilling);
  };
  let rate = offered;
  let batch = capacity;
  const saturated = inBatch(offered, capacity - 1) > capacity;
  if (saturated) {
    // rate × steps × token = batch × (1 − rate × prefill)
    const { tokenPs, prefillPs } = at(capacity);
    rate = Math.min(offered, (capacity * SECOND_PS) / (steps * tokenPs + capacity * prefillPs));
  } else {
    let low = 0;
    let high = capacity;
    for (let i = 0; i < 40; i++) {
      const middle = (low + high) / 2;
      if (inBatch(offered, middle) > middle) low = middle;
      else high = middle;
    }
    batch = high;
  }
  const { tokenPs, prefillPs, wholePs, chunks } = at(1 + (saturated ? capacity - 1 : batch));
  const prefilling = Math.min(0.999, (rate * prefillPs) / SECOND_PS);
  const itl = tokenPs / (1 - prefilling);
  const present = saturated ? capacity : batch + (rate * wholePs) / SECOND_PS;
  const busy = saturated ? 1 : 1 - exp(-present);
  // Waiting for the iteration at hand and for prompts ahead (M/G/1). For other gaps than independent ones Kingman's bound,
  // which then is an approximation.
  const spread = (load.gapCv2 ?? 1) + load.promptCv2;
  const wait = saturated ? 0 : (prefilling * prefillPs * spread) / (2 * (1 - prefilling));
  // Who waits is prefilled together with those who came during the same iteration, before and after: as long again, twice.
  const together = 2 * prefilling * wait;
  return {
    perSecond: rate,
    busyMilli: Math.round(1000 * busy),
    present,
    batch: saturated ? capacity : batch / Math.max(busy, 1e-9),
    ttftUs: (wholePs + wait + together + (busy * tokenPs) / 2) / 1e6,
    waitUs: wait / 1e6,
    waitShare: saturated ? 0 : prefilling,
    itlUs: itl / 1e6,
    besideShare: steps > 0 ? Math.min(1, (chunks * (saturated ? capacity : batch)) / steps) : 0,
    decodeUs: tokenPs / 1e6,
    tokensPerSecond: rate * output,
    saturated,
  };
}

const IDLE: Minute = {
  perSecond: 0,
  busyMilli: 0,
  present: 0,
  batch: 0,
  ttftUs: 0,
  waitUs: 0,
  waitShare: 0,
  itlUs: 0,
  besideShare: 0,
  decodeUs: 0,
  tokensPerSecond: 0,
  saturated: false,
};

/**
 * Times at a batch, which may be a fraction: one decode iteration; what one prompt adds to iterations; the iterations in
 * which that prompt is prefilled, as a whole and how many.
 */
export function iteration(settings: ReplicaSettings, batch: number, live: number, prompt: number) {
  const { cost, maxTokens, chunkedPrefill } = settings;
  const line: Line = { a: 0, b: 0, until: 0 };
  const decode = (n: number) => {
    cost.decode(n, n * live, line);
    return line.a + line.b * n * live;
  };
  const below = Math.max(1, Math.floor(batch));
  const part = Math.max(0, batch - below);
  const tokenPs = decode(below) * (1 - part) + (part > 0 ? decode(below + 1) * part : 0);
  const others = Math.max(0, Math.round(batch) - 1);
  const budget = chunkedPrefill ? Math.max(1, maxTokens - others) : prompt;
  let wholePs = 0;
  let addedPs = 0;
  let chunks = 0;
  for (let done = 0; done < prompt; ) {
    const tokens = Math.max(1, Math.round(Math.min(budget, prompt - done)));
    const ps = cost.mixed(others, others * live, tokens, 1, cost.chunk(done, tokens));
    wholePs += ps;
    addedPs += others > 0 ? Math.max(0, ps - decode(others)) : ps;
    done += tokens;
    chunks++;
  }
  return { tokenPs, prefillPs: addedPs, wholePs, chunks };
}
