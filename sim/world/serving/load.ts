/** What the requests of a deployment amount to, minute by minute: for fidelity `rate`, which draws none of them. */
import { openStream, type Stream } from '../../engine/random.ts';
import { diurnalRate } from '../../engine/samplers.ts';
import { type GeneratedRequests, MINUTE_US, type RequestLength, type ServingSpec } from '../../scenario.ts';
import { lengthSampler } from './arrivals.ts';
import type { Load } from './rate.ts';

export interface MinuteLoad {
  /** Requests per second in the minute that begins at so many minutes. */
  perSecond(minute: number): number;
  highest: number;
  /** Of one request; the same all the time. */
  lengths: Omit<Load, 'perSecond'>;
  /** Lengths that stand for all, rising, each for a share: the longest, which miss their targets first, for small ones. */
  prompts: LengthShare[];
  outputs: LengthShare[];
  /** Share of each tenant. */
  tenants: number[];
}

export interface LengthShare {
  value: number;
  share: number;
}

/** Lengths of each source to know their moments: so many drawn, or of quantiles evenly spaced; of replayed ones all are counted. */
const DRAWN = 4000;
const SPACED = 1000;
const WEEK_MINUTES = 7 * 24 * 60;
/** Cuts between the shares: twentieths up to nine tenths, hundredths up to 99, thousandths beyond. */
const CUTS = [
  ...Array.from({ length: 19 }, (_, i) => i / 20),
  ...Array.from({ length: 9 }, (_, i) => 0.91 + i / 100),
  ...Array.from({ length: 10 }, (_, i) => 0.991 + i / 1000),
];

export function minuteLoad(spec: ServingSpec, seed: string, durationUs: number): MinuteLoad {
  const minutes = Math.ceil(durationUs / MINUTE_US);
  const counts = new Float64Array(minutes);
  const prompts = new Weighted();
  const outputs = new Weighted();
  const tenants = new Array<number>(spec.tenants.length).fill(0);
  let gapSum = 0;
  let gapWeight = 0;
  spec.requests.forEach((part, i) => {
    let amount = 0;
    if ('columns' in part) {
      const { columns, rate } = part;
      for (let k = 0; k < columns.count; k++) {
        const minute = Math.floor(columns.timeUs[k] / rate / MINUTE_US);
        if (minute >= minutes) break;
        counts[minute]++;
        prompts.add(columns.prompt[k], 1);
        outputs.add(columns.output[k], 1);
        tenants[columns.tenant[k]]++;
        amount++;
      }
      gapSum += amount;
    } else {
      const rateAt = ratesOf(part);
      const last = Math.min(minutes, Math.ceil(part.untilUs / MINUTE_US));
      // A week is like the next, to the last bit.
      const week = Float64Array.from(
        { length: Math.min(last, WEEK_MINUTES) },
        (_, minute) => 60 * rateAt((minute + 0.5) * MINUTE_US),
      );
      for (let minute = 0; minute < last; minute++) {
        const n = week[minute % WEEK_MINUTES];
        counts[minute] += n;
        amount += n;
      }
      if (amount > part.count) {
        for (let minute = 0; minute < minutes; minute++) counts[minute] *= part.count / amount;
        amount = part.count;
      }
      tenants[part.tenant] += amount;
      const stream = openStream(seed, `requests/${spec.name}/${i}/moments`);
      prompts.addAll(part.prompt, amount, stream);
      outputs.addAll(part.output, amount, stream);
      gapSum += amount * (part.process.kind === 'gamma' ? part.process.cv * part.process.cv : 1);
    }
    gapWeight += amount;
  });
  let highest = 0;
  for (const count of counts) highest = Math.max(highest, count / 60);
  const total = tenants.reduce((sum, n) => sum + n, 0);
  return {
    perSecond: (minute) => (minute < minutes ? counts[minute] / 60 : 0),
    highest,
    lengths: {
      ...{ prompt: prompts.mean, promptCv2: prompts.cv2, output: outputs.mean, outputCv2: outputs.cv2 },
      gapCv2: gapWeight > 0 ? gapSum / gapWeight : 1,
    },
    prompts: prompts.shares(),
    outputs: outputs.shares(),
    tenants: tenants.map((n) => (total > 0 ? n / total : 0)),
  };
}

/** Requests per second at a time, µs. */
function ratesOf({ process }: GeneratedRequests): (us: number) => number {
  if (process.kind !== 'diurnal') return () => process.perSecond;
  const { rateAt } = diurnalRate({ ...process, meanPerUs: process.perSecond / 1e6 });
  return (us) => 1e6 * rateAt(us);
}

class Weighted {
  private readonly values: number[] = [];
  private readonly weights: number[] = [];
  private weight = 0;
  private sum = 0;
  private squares = 0;

  add(value: number, weight: number): void {
    if (weight === 0) return;
    this.values.push(value);
    this.weights.push(weight);
    this.weight += weight;
    this.sum += weight * value;
    this.squares += weight * value * value;
  }

  /** `amount` requests of that distribution. */
  addAll(length: RequestLength, amount: number, stream: Stream): void {
    if (typeof length === 'number') this.add(length, amount);
    else if ('quantiles' in length) {
      const { quantiles } = length;
      for (let k = 0; k < SPACED; k++) {
        const at = ((k + 0.5) / SPACED) * (quantiles.length - 1);
        const i = Math.min(quantiles.length - 2, Math.floor(at));
        this.add(quantiles[i] + (at - i) * (quantiles[i + 1] - quantiles[i]), amount / SPACED);
      }
    } else {
      const sample = lengthSampler(length);
      for (let k = 0; k < DRAWN; k++) this.add(sample(stream), amount / DRAWN);
    }
  }

  get mean(): number {
    return this.weight > 0 ? this.sum / this.weight : 1;
  }

  /** Variance ÷ mean². */
  get cv2(): number {
    return this.weight > 0 ? Math.max(0, this.squares / this.weight / (this.mean * this.mean) - 1) : 0;
  }

  /** The middle of what lies between each two cuts. */
  shares(): LengthShare[] {
    const order = Array.from(this.values.keys()).sort((a, b) => this.values[a] - this.values[b] || a - b);
    const found: LengthShare[] = [];
    let below = 0;
    for (const i of order) {
      below += this.weights[i];
      for (; found.length < CUTS.length - 1; ) {
        const [from, to] = [CUTS[found.length], CUTS[found.length + 1]];
        if (below < ((from + to) / 2) * this.weight) break;
        found.push({ value: this.values[i], share: to - from });
      }
    }
    return found.length > 0 ? found : [{ value: this.mean, share: 1 }];
  }
}
