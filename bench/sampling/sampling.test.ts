import { expect, it } from 'vitest';
import { openStream } from '../../sim/engine/random.ts';
import { coverage, errorOverDraws, figuresOf, randomRegions, stratifiedRegions } from './estimate.ts';
import { type RegionSums, simulateRegion } from './regions.ts';

/** A fleet whose regions are used as much as is asked of them, and wait accordingly. */
const fleet = (count: number): RegionSums[] =>
  Array.from({ length: count }, (_, region) => {
    const offered = 0.6 + (0.4 * region) / count;
    const capacity = 1e6;
    return {
      offered,
      events: 100,
      capacity,
      allocated: offered * capacity,
      useful: offered * capacity,
      waits: [1e6 * offered],
    };
  });

it('adds regions up by what they have', () => {
  const [small, large] = [fleet(2)[0], { ...fleet(2)[1], capacity: 3e6, allocated: 3e6, waits: [5e6, 7e6] }];
  const { allocation, meanWait, p95Wait } = figuresOf([small, large]);
  expect(allocation).toBeCloseTo((0.6e6 + 3e6) / 4e6, 12);
  expect(meanWait).toBeCloseTo((0.6e6 + 12e6) / 3, 6);
  expect(p95Wait).toBe(7e6);
});

it('draws regions once each, and of every class one', () => {
  const stream = openStream('test', 'draws');
  for (let i = 0; i < 100; i++) {
    const random = randomRegions(20, 7, stream);
    expect(new Set(random).size).toBe(7);
    expect(Math.max(...random)).toBeLessThan(20);
    const offered = Array.from({ length: 20 }, (_, region) => (region * 7) % 20);
    const classes = stratifiedRegions(offered, 5, stream).map((region) => Math.floor(offered[region] / 4));
    expect(classes).toEqual([0, 1, 2, 3, 4]);
  }
});

it('finds the error of a random sample that theory gives', () => {
  const regions = fleet(100);
  const values = regions.map(({ offered }) => offered);
  const mean = values.reduce((sum, v) => sum + v, 0) / 100;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 99;
  const expected = Math.sqrt((variance / 10) * (1 - 10 / 100)) / mean;
  const { rms } = errorOverDraws(regions, (stream) => randomRegions(100, 10, stream), 4000);
  expect(rms.allocation / expected).toBeGreaterThan(0.95);
  expect(rms.allocation / expected).toBeLessThan(1.05);
  const stratified = errorOverDraws(regions, (stream) => stratifiedRegions(values, 10, stream), 1000);
  expect(stratified.rms.allocation).toBeLessThan(rms.allocation / 5);
  expect(coverage(values, 10, 4000)).toBeGreaterThan(0.93);
});

it('says nothing wrong where all regions are taken, or are alike', () => {
  const regions = fleet(8);
  expect(errorOverDraws(regions, (stream) => randomRegions(8, 8, stream), 5).p95.allocation).toBeLessThan(1e-12);
  const alike = regions.map(() => regions[0]);
  expect(errorOverDraws(alike, (stream) => randomRegions(8, 2, stream), 20).rms.p95Wait).toBe(0);
});

it('a region: the same each time, another than its neighbour, its GPU-time complete', () => {
  const way = { policy: 'fifo-backfill', gpus: 256, days: 15, warmUpDays: 0, part: 1 };
  const region = simulateRegion(3, way);
  expect(simulateRegion(3, way)).toEqual(region);
  expect(simulateRegion(4, way).allocated).not.toBe(region.allocated);
  expect(region.capacity).toBe(256 * 15 * 86_400e6);
  expect(region.useful).toBeLessThanOrEqual(region.allocated);
  // Of two weeks, the second: half the GPU-time, about half the jobs.
  const later = simulateRegion(3, { ...way, days: 14, warmUpDays: 7 });
  expect(later.capacity).toBe(256 * 7 * 86_400e6);
  expect(later.waits.length).toBeLessThan(region.waits.length);
});
