import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SKETCH_ERROR, Sketch } from './sketch.ts';

const values = fc.array(fc.double({ min: 1, max: 1e12, noNaN: true }), { minLength: 1, maxLength: 200 });

it('gives every quantile within its error', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (xs, q) => {
      const sketch = new Sketch();
      for (const x of xs) sketch.add(x);
      const exact = [...xs].sort((x, y) => x - y)[Math.floor(q * (xs.length - 1))];
      expect(Math.abs(sketch.quantile(q) - exact)).toBeLessThanOrEqual(SKETCH_ERROR * exact * (1 + 1e-9));
    }),
  );
});

it('of parts adds up to that of the whole', () => {
  fc.assert(
    fc.property(values, values, (xs, ys) => {
      const [whole, left, right] = [new Sketch(), new Sketch(), new Sketch()];
      for (const x of xs) left.add(x);
      for (const y of ys) right.add(y);
      for (const z of [...xs, ...ys]) whole.add(z);
      left.merge(right);
      for (const q of [0, 0.1, 0.5, 0.9, 0.99, 1]) expect(left.quantile(q)).toBe(whole.quantile(q));
      expect(left.count).toBe(whole.count);
      expect(left.mean).toBeCloseTo(whole.mean, -3);
    }),
  );
});

it('takes a rising sequence as its members', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e9 }),
      fc.nat(1e6),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 5 }),
      (first, step, n, weight) => {
        const [once, each] = [new Sketch(), new Sketch()];
        once.addRising(first, step, n, weight);
        for (let i = 0; i < n; i++) each.add(first + step * i, weight);
        expect(once.count).toBe(each.count);
        for (const q of [0, 0.25, 0.5, 0.75, 0.99, 1]) {
          expect(Math.abs(once.quantile(q) - each.quantile(q))).toBeLessThanOrEqual(
            3 * SKETCH_ERROR * each.quantile(q),
          );
        }
        expect(once.mean / each.mean).toBeCloseTo(1, 9);
      },
    ),
  );
});

it('keeps what is below one apart, and says nothing of nothing', () => {
  const sketch = new Sketch();
  expect(sketch.summary()).toEqual({ count: 0, mean: 0, lowest: 0, highest: 0, p50: 0, p90: 0, p95: 0, p99: 0 });
  sketch.add(0);
  sketch.add(5);
  expect([sketch.quantile(0), sketch.quantile(0.4), sketch.quantile(1)]).toEqual([0, 0, 5]);
});
