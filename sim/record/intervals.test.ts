import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Intervals } from './intervals.ts';

it('keeps everything while there is room', () => {
  const table = new Intervals(1, 4);
  for (const [start, end, value] of [
    [0, 5, 1],
    [1, 1, 2],
    [2, 9, 3],
  ])
    table.add(start, end, value);
  const { count, start, end, values, dropped } = table.columns();
  expect([count, dropped, [...start], [...end], [...values[0]]]).toEqual([3, 0, [0, 1, 2], [5, 1, 9], [1, 2, 3]]);
});

it('lets the shorter half go when it is full', () => {
  const table = new Intervals(1, 4);
  for (const [i, length] of [8, 1, 6, 2, 7, 1].entries()) table.add(i, i + length, i);
  const { values, dropped, shortestUs } = table.columns();
  expect([...values[0]]).toEqual([0, 2, 4]);
  expect([dropped, shortestUs]).toEqual([3, 6]);
});

it('thins out moments evenly over the run', () => {
  const table = new Intervals(1, 64);
  for (let i = 0; i < 10_000; i++) table.add(i, i, i);
  const { count, values, dropped } = table.columns();
  const kept = [...values[0]];
  expect(count + dropped).toBe(10_000);
  expect(count).toBeGreaterThan(30);
  const gaps = kept.slice(1).map((value, i) => value - kept[i]);
  expect(new Set(gaps).size).toBe(1);
});

it('never holds more than it may, and counts what it leaves out', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 600 }),
      fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 900 }),
      (most, lengths) => {
        const table = new Intervals(0, most);
        for (const [i, length] of lengths.entries()) table.add(i, i + length);
        const { count, dropped, start, end, shortestUs } = table.columns();
        expect(count).toBeLessThanOrEqual(most);
        expect(count + dropped).toBe(lengths.length);
        for (let i = 0; i < count; i++) expect(end[i] - start[i]).toBeGreaterThanOrEqual(shortestUs);
        if (lengths.length > 0) expect(count).toBeGreaterThan(0);
      },
    ),
  );
});

it('keeps nothing where it may keep one or none, however much comes', () => {
  const table = new Intervals(2, 1);
  for (let i = 0; i < 1000; i++) table.add(i, i + 1, i, i);
  expect(table.columns()).toMatchObject({ count: 0, dropped: 1000 });
});
