import { describe, expect, it } from 'vitest';
import { HOUR_US, MINUTE_US, type ServingSpec } from '../../scenario.ts';
import { minuteLoad } from './load.ts';

type Requests = ServingSpec['requests'][number];
const loadOf = (requests: Requests[], durationUs = 21 * 24 * HOUR_US) =>
  minuteLoad({ name: 'chat', requests, tenants: ['a', 'b'] } as unknown as ServingSpec, 'seed', durationUs);

const drawn = (process: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  ({
    ...{
      process: { perSecond: 2, ...process },
      prompt: 100,
      output: 10,
      tenant: 0,
      untilUs: Infinity,
      count: Infinity,
    },
    ...more,
  }) as unknown as Requests;
const DAY = { kind: 'diurnal', amplitude: 0.5, peakHour: 15, weekendFactor: 0.5, startEpochUs: 0 };

describe('what comes in a minute', () => {
  it('of a steady process is its rate; of several their sum', () => {
    const load = loadOf([drawn({ kind: 'poisson' }), drawn({ kind: 'poisson', perSecond: 3 }, { tenant: 1 })]);
    expect(load.perSecond(0)).toBeCloseTo(5, 12);
    expect(load.highest).toBeCloseTo(5, 12);
    expect(load.tenants[0]).toBeCloseTo(0.4, 12);
  });

  it('of a day follows its hours and its weekend, and has the stated mean over a week', () => {
    const load = loadOf([drawn(DAY)]);
    // 1970 began on a Thursday.
    const at = (day: number, hour: number) => load.perSecond((day * 24 + hour) * 60);
    expect(at(0, 15) / at(0, 3)).toBeCloseTo(3, 3);
    expect(at(2, 15) / at(1, 15)).toBeCloseTo(0.5, 12);
    expect(at(14, 15)).toBe(at(0, 15));
    let sum = 0;
    for (let minute = 0; minute < 7 * 24 * 60; minute++) sum += load.perSecond(minute);
    expect(sum / (7 * 24 * 60)).toBeCloseTo(2, 6);
  });

  it('ends when the requests do, by time or by number', () => {
    const until = loadOf([drawn({ kind: 'poisson' }, { untilUs: 10 * MINUTE_US })], HOUR_US);
    expect([until.perSecond(9), until.perSecond(10)]).toEqual([2, 0]);
    const count = loadOf([drawn({ kind: 'poisson' }, { count: 60 })], HOUR_US);
    expect(count.perSecond(0) * 3600).toBeCloseTo(60, 9);
  });

  it('of a trace is counted, faster by its factor', () => {
    const columns = {
      count: 4,
      timeUs: Float64Array.of(0, 30e6, 90e6, 200e6),
      prompt: Int32Array.of(10, 20, 30, 40),
      output: Int32Array.of(1, 2, 3, 4),
      tenant: Int32Array.of(0, 0, 1, 1),
      hashes: new Map(),
    };
    const load = loadOf([{ columns, rate: 2 }], HOUR_US);
    expect([0, 1, 2].map((minute) => 60 * load.perSecond(minute))).toEqual([3, 1, 0]);
    expect(load.lengths.prompt).toBe(25);
    expect(load.tenants).toEqual([0.5, 0.5]);
  });
});

it('lengths that stand for all add up to all, the longest for small shares', () => {
  const load = loadOf([drawn({ kind: 'gamma', cv: 3 }, { prompt: { quantiles: [0, 1000] }, output: 50 })], HOUR_US);
  expect(load.prompts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  expect(load.prompts.reduce((sum, { share, value }) => sum + share * value, 0)).toBeCloseTo(load.lengths.prompt, 0);
  expect(load.prompts[load.prompts.length - 1].share).toBeCloseTo(0.001, 9);
  // Bursts: the variance of gaps.
  expect(load.lengths.gapCv2).toBeCloseTo(9, 9);
});
