import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunColumns } from '../reports/columns.ts';
import { keyframesOf } from './lookup.ts';
import { RunModel } from './model.ts';

function modelOf(list: readonly (readonly [number, number])[]): RunModel {
  const sorted = [...list].sort((a, b) => a[0] - b[0]);
  const holds = {
    count: sorted.length,
    start: Float64Array.from(sorted, ([start]) => start),
    end: Float64Array.from(sorted, ([start, length]) => start + length),
  };
  const columns = { nodes: { count: 1 }, recorded: { holds } } as unknown as RunColumns;
  return new RunModel(1, { columns, lookup: { keyframes: keyframesOf(holds), reach: null as never } });
}

test('who holds GPUs at a moment is found as looking at everyone would find it', () => {
  const interval = fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 400 }));
  const many = fc.array(interval, { minLength: 0, maxLength: 60 });
  fc.assert(
    // Up to a few keyframes.
    fc.property(many, fc.integer({ min: 1, max: 100 }), fc.integer({ min: -1, max: 1500 }), (list, times, us) => {
      const model = modelOf(Array.from({ length: times }, () => list).flat());
      const { start, end, count } = model.recorded.holds;
      const naive: number[] = [];
      for (let i = 0; i < count; i++) if (start[i] <= us && end[i] > us) naive.push(i);
      const found: number[] = [];
      model.heldAt(us, (hold) => found.push(hold));
      expect(found.sort((a, b) => a - b)).toEqual(naive);
    }),
    { numRuns: 200 },
  );
});

test('keyframes stay bounded where everything overlaps', () => {
  const count = 30_000;
  const start = Float64Array.from({ length: count }, (_, i) => i);
  const { from, rows, every } = keyframesOf({ count, start, end: start.map((us) => us + count) });
  expect(rows.length).toBeLessThanOrEqual(4_000_000);
  expect(from[1]).toBe(0);
  expect(from[2] - from[1]).toBe(every);
});
