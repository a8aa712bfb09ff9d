import { expect, it } from 'vitest';
import { openStream } from './random.ts';
import { empirical, uniform } from './samplers.ts';

it('draws table values by weight and never one of weight zero', () => {
  const draw = empirical(['never', 'a', 'b', 'no'], [0, 1, 3, 0]);
  const s = openStream('1', 'table');
  const counts = new Map<string, number>();
  for (let i = 0; i < 10_000; i++) {
    const v = draw(s);
    counts.set(v, (counts.get(v) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(['a', 'b']);
  expect(Math.abs((counts.get('a') as number) - 2500)).toBeLessThan(130); // 3 standard deviations
  expect(() => empirical([1], [0])).toThrow('add up');
  expect(() => empirical([1], [-1])).toThrow('negative');
  expect(() => empirical([], [])).toThrow('one weight');
});

it('stretches a uniform draw over its bounds', () => {
  expect(uniform(openStream('1', 'u'), 10, 30)).toBe(10 + 20 * openStream('1', 'u').next());
  expect(() => uniform(openStream('1', 'u'), 3, 1)).toThrow('bounds');
});
