/**
 * Quantiles of any number of values in fixed memory, within 1 % of the value (DDSketch: Masson, Rim, Lee, VLDB 2019):
 * counts in buckets whose bounds grow by a constant factor. Sketches of parts add up to the sketch of the whole, exactly.
 */
import { pow } from '../engine/math.ts';

/** Largest relative error of a quantile. */
export const SKETCH_ERROR = 0.01;
const GROWTH = (1 + SKETCH_ERROR) / (1 - SKETCH_ERROR);
/** Values below 1 count as 0; those beyond GROWTH^LAST (6·10¹⁵) as that. */
const LAST = 1820;
const BOUNDS = Float64Array.from({ length: LAST + 1 }, (_, i) => pow(GROWTH, i));

/** A value is found among the bounds by the upper bits of its double, in a fraction of the time of a logarithm. */
const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
double[0] = 1;
const HIGH = words[1] === 0x3ff00000 ? 1 : 0;
/** Of 20 bits of the fraction these are left out: 32 cells in each power of two, of at most three buckets each. */
const CELL_BITS = 15;
const FIRST_CELL = 0x3ff00000 >> CELL_BITS;
/** The first bound that is not below the least value of each cell. */
const CELLS = new Int16Array(32 * 53);
for (let cell = 0, i = 0; cell < CELLS.length; cell++) {
  words[1 - HIGH] = 0;
  words[HIGH] = (FIRST_CELL + cell) << CELL_BITS;
  while (i < LAST && BOUNDS[i] < double[0]) i++;
  CELLS[cell] = i;
}

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
        const middle = i === 0 ? 0 : (2 * BOUNDS[i - 1]) / (GROWTH + 1);
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
    double[0] = value;
    const cell = (words[HIGH] >> CELL_BITS) - FIRST_CELL;
    let i = cell < CELLS.length ? CELLS[cell] : LAST;
    while (i < LAST && BOUNDS[i] < value) i++;
    this.last = i + 1;
    this.above = i === 0 ? 1 - Number.EPSILON : BOUNDS[i - 1];
    this.upTo = BOUNDS[i];
    return i + 1;
  }
}
