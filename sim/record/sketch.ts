/**
 * Quantiles of any number of values in fixed memory, within 1 % of the value (DDSketch: Masson, Rim, Lee, VLDB 2019):
 * counts in buckets whose bounds grow by a constant factor. Sketches of parts add up to the sketch of the whole, exactly.
 */
import { log, pow } from '../engine/math.ts';

/** Largest relative error of a quantile. */
export const SKETCH_ERROR = 0.01;
const GROWTH = (1 + SKETCH_ERROR) / (1 - SKETCH_ERROR);
const PER_LOG = 1 / log(GROWTH);
/** Values below 1 count as 0; those beyond GROWTH^LAST (6·10¹⁵) as that. */
const LAST = 1820;

/** `lowest` and `highest` are exact; so is `mean` to rounding. */
export interface SketchSummary {
  count: number;
  mean: number;
  lowest: number;
  highest: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
}

export class Sketch {
  count = 0;
  sum = 0;
  lowest = Infinity;
  highest = 0;
  /** Bucket 0 holds what is below 1, bucket i + 1 what is above GROWTH^(i − 1) and at most GROWTH^i. */
  private readonly buckets = new Float64Array(LAST + 2);
  /** The bucket met last, with its bounds: values that follow one another are often alike. */
  private last = 0;
  private above = 0;
  private upTo = 0;

  add(value: number, weight = 1): void {
    if (weight === 0) return;
    this.count += weight;
    this.sum += value * weight;
    if (value < this.lowest) this.lowest = value;
    if (value > this.highest) this.highest = value;
    this.buckets[this.bucketOf(value)] += weight;
  }

  /** `n` values, each `step` more than the one before, each `weight` times. */
  addRising(first: number, step: number, n: number, weight: number): void {
    if (n === 0 || weight === 0) return;
    const end = first + step * (n - 1);
    this.count += n * weight;
    this.sum += n * weight * ((first + end) / 2);
    if (first < this.lowest) this.lowest = first;
    if (end > this.highest) this.highest = end;
    for (let i = 0; i < n; ) {
      const bucket = this.bucketOf(first + step * i);
      // All up to the bucket's bound; at least the one at hand.
      const within = step > 0 && bucket <= LAST ? Math.floor((this.upTo - first) / step) + 1 : n;
      const next = Math.min(n, Math.max(i + 1, within));
      this.buckets[bucket] += (next - i) * weight;
      i = next;
    }
  }

  merge(other: Sketch): void {
    this.count += other.count;
    this.sum += other.sum;
    this.lowest = Math.min(this.lowest, other.lowest);
    this.highest = Math.max(this.highest, other.highest);
    for (let i = 0; i < this.buckets.length; i++) this.buckets[i] += other.buckets[i];
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** The value with a share `q` of all values below it. */
  quantile(q: number): number {
    if (this.count === 0) return 0;
    if (q <= 0) return this.lowest;
    if (q >= 1) return this.highest;
    const rank = q * (this.count - 1);
    let below = 0;
    for (let i = 0; i < this.buckets.length; i++) {
      below += this.buckets[i];
      if (below > rank) {
        const middle = i === 0 ? 0 : (2 * pow(GROWTH, i - 1)) / (GROWTH + 1);
        return Math.min(this.highest, Math.max(this.lowest, middle));
      }
    }
    return this.highest;
  }

  summary(): SketchSummary {
    return {
      count: this.count,
      mean: this.mean,
      lowest: this.count === 0 ? 0 : this.lowest,
      highest: this.highest,
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p95: this.quantile(0.95),
      p99: this.quantile(0.99),
    };
  }

  private bucketOf(value: number): number {
    if (value > this.above && value <= this.upTo) return this.last;
    if (value < 1) return 0;
    const i = Math.min(LAST, Math.ceil(log(value) * PER_LOG));
    this.last = i + 1;
    this.above = i === 0 ? 1 - Number.EPSILON : pow(GROWTH, i - 1);
    this.upTo = pow(GROWTH, i);
    return i + 1;
  }
}
