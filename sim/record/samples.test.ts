import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Samples } from './samples.ts';

/** A step function: at each step it waits, then becomes the value. */
const steps = fc.array(
  fc.record({
    waitUs: fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 10_000 }), fc.nat({ max: 1_000_000_000 })),
    value: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 700_000_000 })),
  }),
  { minLength: 1, maxLength: 40 },
);

describe('Samples', () => {
  it('keep the exact integral however often the buckets double', () => {
    let halvings = 0;
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 1000 }), fc.constantFrom(2, 4, 16), (given, bucketUs, count) => {
        const samples = new Samples(2, bucketUs, count);
        let now = 0;
        let value = 0;
        let expected = 0n;
        for (const step of given) {
          now += step.waitUs;
          expected += BigInt(value) * BigInt(step.waitUs);
          value = step.value;
          samples.set(1, now, value);
        }
        now += 17;
        expected += BigInt(value) * 17n;
        samples.settleAll(now);
        expect(samples.integral(1)).toBe(expected);
        expect(samples.integral(0)).toBe(0n);
        expect(samples.bucketUs * count).toBeGreaterThanOrEqual(now);
        while (bucketUs * 2 ** halvings < samples.bucketUs) halvings++;
      }),
      { seed: 1, numRuns: 300 },
    );
    expect(halvings).toBeGreaterThan(10);
  });

  it('keep each bucket apart: its mean is that of the step function there', () => {
    fc.assert(
      fc.property(steps, (given) => {
        const samples = new Samples(1, 3, 4);
        let now = 0;
        const changes: [number, number][] = [];
        for (const { waitUs, value } of given) {
          now += waitUs % 50;
          changes.push([now, value]);
          samples.set(0, now, value);
        }
        now += 1;
        samples.settleAll(now);
        const valueAt = (us: number) => changes.findLast(([from]) => from <= us)?.[1] ?? 0;
        const means = samples.means(0, now);
        expect(means.length).toBe(Math.ceil(now / samples.bucketUs));
        means.forEach((mean, bucket) => {
          const from = bucket * samples.bucketUs;
          const to = Math.min(now, from + samples.bucketUs);
          let sum = 0;
          for (let us = from; us < to; us++) sum += valueAt(us);
          expect(mean).toBeCloseTo(sum / (to - from), 4);
        });
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('pass 2⁵³ without losing a unit', () => {
    const samples = new Samples(1, 1_000_000, 1024);
    const year = 365 * 86_400_000_000;
    samples.set(0, 0, 699_999_999);
    samples.settleAll(year + 1);
    expect(samples.integral(0)).toBe(699_999_999n * BigInt(year + 1));
  });
});
