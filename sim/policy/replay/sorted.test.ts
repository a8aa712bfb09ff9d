import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addSorted, removeSorted, type SortedJobs } from './sorted.ts';

it('keeps jobs in order of key and number through any additions and removals', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1500, maxLength: 1500 });
  fc.assert(
    fc.property(keys, fc.array(fc.integer({ min: 0, max: 1499 }), { maxLength: 300 }), (values, removals) => {
      const key = Float64Array.from(values);
      const sorted: SortedJobs = [];
      for (let job = 0; job < values.length; job++) addSorted(sorted, key, job);
      const left = new Set(values.keys());
      for (const job of removals) expect(removeSorted(sorted, key, job)).toBe(left.delete(job));
      expect(sorted.flat()).toEqual([...left].sort((a, b) => key[a] - key[b] || a - b));
      expect(sorted.every((chunk) => chunk.length > 0)).toBe(true);
    }),
    { numRuns: 20 },
  );
});
