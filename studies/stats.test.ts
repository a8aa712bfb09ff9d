import { describe, expect, it } from 'vitest';
import { openStream } from '../sim/engine/random.ts';
import { normal } from '../sim/engine/samplers.ts';
import { meanInterval, tQuantile, valuesNeeded } from './stats.ts';

describe('quantiles of Student’s t', () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
  it.each([
    [0.975, 1, 12.706],
    [0.975, 4, 2.776],
    [0.95, 10, 1.812],
    [0.995, 30, 2.75],
    [0.999, 100, 3.174],
  ])('p %s with %s degrees of freedom is %s', (p, freedom, t) => {
    expect(tQuantile(p, freedom)).toBeCloseTo(t, 3);
    expect(tQuantile(1 - p, freedom)).toBeCloseTo(-t, 3);
  });
});

describe('the confidence interval of a mean', () => {
  it('is what the textbook computes by hand', () => {
    // 1, 2, 3, 4, 5: mean 3, s² 2.5, t(0.975, 4) = 2.776, half width 2.776 × √(2.5/5) = 1.963.
    const { mean, low, high } = meanInterval([1, 2, 3, 4, 5]);
    expect(mean).toBe(3);
    expect(low).toBeCloseTo(3 - 1.963, 3);
    expect(high).toBeCloseTo(3 + 1.963, 3);
  });

  it('claims nothing from a single value', () => {
    expect(meanInterval([7])).toEqual({ mean: 7, low: -Infinity, high: Infinity, n: 1 });
  });

  it('covers the true mean of normal values in 95 of 100 cases', () => {
    const stream = openStream('1', 'coverage');
    let covered = 0;
    const trials = 2000;
    for (let trial = 0; trial < trials; trial++) {
      const { low, high } = meanInterval(Array.from({ length: 5 }, () => normal(stream, 10, 3)));
      if (low <= 10 && 10 <= high) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.93);
    expect(covered / trials).toBeLessThan(0.97);
  });

  it('says how many values a narrower one would take', () => {
    const values = [9, 11, 10, 12, 8];
    const n = valuesNeeded(values, 0.1);
    expect(n).toBeGreaterThan(900);
    expect(n).toBeLessThan(1100);
    expect(valuesNeeded([1], 0.1)).toBe(Infinity);
  });
});
