/**
 * Quantities over time in a fixed amount of memory. Each series keeps the exact integral of a step function in buckets;
 * when the run outgrows them, neighbours are added together and the buckets become twice as long.
 */
import { addExact, addProduct, type ExactColumn, exactBigInt, exactColumn, exactNumber } from '../engine/exact.ts';

export class Samples {
  /** Length of a bucket now, µs. */
  bucketUs: number;
  private readonly count: number;
  private readonly value: Float64Array;
  private readonly since: Float64Array;
  private readonly integrals: ExactColumn[];

  /** `series` quantities in `count` buckets (an even number) of at first `bucketUs` each. */
  constructor(series: number, bucketUs: number, count = 1024) {
    this.bucketUs = bucketUs;
    this.count = count;
    this.value = new Float64Array(series);
    this.since = new Float64Array(series);
    this.integrals = Array.from({ length: series }, () => exactColumn(count));
  }

  /** The quantity is `value` (an integer, not negative) from now on. */
  set(series: number, now: number, value: number): void {
    if (value === this.value[series]) return;
    this.settle(series, now);
    this.value[series] = value;
  }

  add(series: number, now: number, by: number): void {
    this.set(series, now, this.value[series] + by);
  }

  settleAll(now: number): void {
    for (let series = 0; series < this.value.length; series++) this.settle(series, now);
  }

  /** Exact ∫ value dt since the start, value·µs; call `settleAll` first. */
  integral(series: number): bigint {
    let sum = 0n;
    for (let i = 0; i < this.count; i++) sum += exactBigInt(this.integrals[series], i);
    return sum;
  }

  /** Mean value in each bucket up to `now`. */
  means(series: number, now: number): number[] {
    const used = Math.min(this.count, Math.ceil(now / this.bucketUs));
    return Array.from({ length: used }, (_, i) => {
      const length = Math.min(this.bucketUs, now - i * this.bucketUs);
      return exactNumber(this.integrals[series], i) / length;
    });
  }

  private settle(series: number, now: number): void {
    while (now > this.bucketUs * this.count) this.halve();
    let from = this.since[series];
    const value = this.value[series];
    this.since[series] = now;
    if (value === 0) return;
    while (from < now) {
      const bucket = Math.floor(from / this.bucketUs);
      const to = Math.min(now, (bucket + 1) * this.bucketUs);
      addProduct(this.integrals[series], bucket, value, to - from);
      from = to;
    }
  }

  private halve(): void {
    for (const column of this.integrals) {
      for (let i = 0; i < this.count; i++) {
        const hi = column.hi[i];
        const lo = column.lo[i];
        column.hi[i] = 0;
        column.lo[i] = 0;
        addExact(column, i >> 1, hi, lo);
      }
    }
    this.bucketUs *= 2;
  }
}
