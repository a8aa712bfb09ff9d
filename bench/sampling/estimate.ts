/** What a part of the regions says about all of them, and how wrong that is. */
import { nearestRank } from '../../reports/quantiles.ts';
import { openStream, type Stream } from '../../sim/engine/random.ts';
import type { RegionSums } from './regions.ts';

export const FIGURES = ['allocation', 'goodput', 'meanWait', 'p95Wait'] as const;
/** Allocation and goodput are shares of the installed GPU-time, waits are in µs. */
export type Figures = Record<(typeof FIGURES)[number], number>;

export function figuresOf(regions: readonly RegionSums[]): Figures {
  let [capacity, allocated, useful, waited] = [0, 0, 0, 0];
  const waits: number[] = [];
  for (const region of regions) {
    capacity += region.capacity;
    allocated += region.allocated;
    useful += region.useful;
    for (const wait of region.waits) {
      waits.push(wait);
      waited += wait;
    }
  }
  return {
    allocation: allocated / capacity,
    goodput: useful / capacity,
    meanWait: waited / Math.max(1, waits.length),
    p95Wait: nearestRank(Float64Array.from(waits).sort(), 0.95) ?? 0,
  };
}

export const relativeError = (got: number, truth: number): number =>
  truth === 0 ? Number(got !== 0) : got / truth - 1;

export function errorsOf(got: Figures, truth: Figures): Figures {
  return Object.fromEntries(FIGURES.map((name) => [name, relativeError(got[name], truth[name])])) as Figures;
}

/** `m` of `n` without replacement. */
export function randomRegions(n: number, m: number, stream: Stream): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < m; i++) {
    const j = i + stream.integer(n - i);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all.slice(0, m);
}

/** One of each of `m` classes of equal size, by what the regions' jobs ask for. */
export function stratifiedRegions(offered: readonly number[], m: number, stream: Stream): number[] {
  const order = offered.map((_, i) => i).sort((a, b) => offered[a] - offered[b] || a - b);
  return Array.from({ length: m }, (_, k) => {
    const [from, to] = [Math.floor((k * order.length) / m), Math.floor(((k + 1) * order.length) / m)];
    return order[from + stream.integer(to - from)];
  });
}

export interface SampleError {
  /** Root of the mean square of the relative error over all draws, and what 95 % of the draws stay below. */
  rms: Figures;
  p95: Figures;
}

/** How wrong a sample is, over many draws of it. */
export function errorOverDraws(
  regions: readonly RegionSums[],
  draw: (stream: Stream) => number[],
  draws: number,
): SampleError {
  const truth = figuresOf(regions);
  const stream = openStream('sampling', 'draws');
  const errors = Array.from({ length: draws }, () => errorsOf(figuresOf(draw(stream).map((i) => regions[i])), truth));
  const over = (name: (typeof FIGURES)[number]) => Float64Array.from(errors, (error) => Math.abs(error[name])).sort();
  const each = (summary: (ascending: Float64Array) => number) =>
    Object.fromEntries(FIGURES.map((name) => [name, summary(over(name))])) as Figures;
  return {
    rms: each((list) => Math.sqrt(list.reduce((sum, e) => sum + e * e, 0) / list.length)),
    p95: each((list) => nearestRank(list, 0.95) ?? 0),
  };
}

/** Student's t of 97.5 % by degrees of freedom; 1.98 for more than 20. */
const T = [
  0, 12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09,
  2.09,
];

/**
 * Share of the draws of `m` regions whose own 95 % interval for the mean over regions holds the true one: what a user who has
 * nothing but the sample can say. The interval is Student's, with the correction for sampling from so few.
 */
export function coverage(values: readonly number[], m: number, draws: number): number {
  const n = values.length;
  const truth = values.reduce((sum, v) => sum + v, 0) / n;
  const stream = openStream('sampling', 'coverage');
  let held = 0;
  for (let d = 0; d < draws; d++) {
    const sample = randomRegions(n, m, stream).map((i) => values[i]);
    const mean = sample.reduce((sum, v) => sum + v, 0) / m;
    const variance = sample.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (m - 1);
    const half = (T[m - 1] ?? 1.98) * Math.sqrt((variance / m) * (1 - m / n));
    if (Math.abs(mean - truth) <= half) held++;
  }
  return held / draws;
}
