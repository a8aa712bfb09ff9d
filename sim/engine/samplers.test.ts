import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openStream, type Stream } from './random.ts';
import {
  type Diurnal,
  diurnalRate,
  empirical,
  exponential,
  gamma,
  lognormal,
  lognormalFromMedian,
  normal,
  poissonGap,
  quantileTable,
  thinned,
  uniform,
  weibull,
  zipf,
} from './samplers.ts';

const N = 20_000;
const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;

function sample(draw: (s: Stream) => number): number[] {
  const s = openStream('1', 'samplers');
  return Array.from({ length: N }, () => draw(s));
}

/** The sample's distance from a distribution function is within what chance explains (Kolmogorov–Smirnov, 1 % level). */
function expectDistribution(values: number[], cdf: (x: number) => number): void {
  const sorted = [...values].sort((x, y) => x - y);
  const n = sorted.length;
  const d = Math.max(...sorted.map((x, i) => Math.max(cdf(x) - i / n, (i + 1) / n - cdf(x))));
  expect(d).toBeLessThan(1.63 / Math.sqrt(n));
}

/** Mean and variance within four standard errors, the variance's given the distribution's excess kurtosis. */
function expectMoments(values: number[], mean: number, variance: number, kurtosis: number): void {
  const m = values.reduce((a, x) => a + x, 0) / values.length;
  const v = values.reduce((a, x) => a + (x - m) ** 2, 0) / values.length;
  expect(Math.abs(m - mean)).toBeLessThan(4 * Math.sqrt(variance / values.length));
  expect(Math.abs(v / variance - 1)).toBeLessThan(4 * Math.sqrt((kurtosis + 2) / values.length));
}

/** Normal distribution function: Marsaglia's Taylor series (J. Stat. Softw. 11(4), 2004). */
function phi(x: number): number {
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
  let sum = x;
  let term = x;
  for (let n = 3; Math.abs(term) > 1e-17; n += 2) {
    term *= (x * x) / n;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/** Gamma distribution function for scale 1: the lower incomplete gamma series; gammaOf = Γ(shape + 1). */
function gammaCdf(x: number, shape: number, gammaOf: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= x / (shape + n);
    sum += term;
  }
  return (sum * x ** shape * Math.exp(-x)) / gammaOf;
}

describe('continuous distributions', () => {
  it('uniform', () => {
    expectDistribution(
      sample((s) => uniform(s, 10, 30)),
      (x) => (x - 10) / 20,
    );
    expect(uniform(openStream('1', 'u'), 10, 30)).toBe(10 + 20 * openStream('1', 'u').next());
  });
  it('exponential', () => {
    const values = sample((s) => exponential(s, 5));
    expectDistribution(values, (x) => -Math.expm1(-x / 5));
    expectMoments(values, 5, 25, 6);
    const zero: Stream = { ...openStream('1', 'x'), next: () => 0 };
    expect(exponential(zero, 5)).toBe(0);
  });
  it('normal', () => {
    const values = sample((s) => normal(s, 3, 2));
    expectDistribution(values, (x) => phi((x - 3) / 2));
    expectMoments(values, 3, 4, 0);
    expect(normal(openStream('1', 'x'), 7, 0)).toBe(7);
  });
  it('lognormal, by mu and by median', () => {
    expectDistribution(
      sample((s) => lognormal(s, 1, 0.5)),
      (x) => phi((Math.log(x) - 1) / 0.5),
    );
    expectDistribution(
      sample((s) => lognormalFromMedian(s, 600, 2)),
      (x) => phi(Math.log(x / 600) / 2),
    );
  });
  it.each([0.5, 1, 3])('Weibull of shape %d', (shape) => {
    expectDistribution(
      sample((s) => weibull(s, shape, 7)),
      (x) => -Math.expm1(-((x / 7) ** shape)),
    );
  });
  it.each([
    [0.5, Math.sqrt(Math.PI) / 2],
    [1, 1],
    [2.5, (15 * Math.sqrt(Math.PI)) / 8],
    [9, 362880],
  ])('gamma of shape %d', (shape, gammaOf) => {
    const values = sample((s) => gamma(s, shape, 3));
    expectMoments(values, shape * 3, shape * 9, 6 / shape);
    expectDistribution(values, (x) => gammaCdf(x / 3, shape, gammaOf));
  });
  it('a quantile table, with an atom', () => {
    const values = sample(
      quantileTable([
        [0, 10],
        [0.5, 60],
        [0.6, 60],
        [1, 600],
      ]),
    );
    const cdf = (x: number) => (x < 60 ? (x - 10) / 100 : x === 60 ? 0.6 : 0.6 + ((x - 60) / 540) * 0.4);
    expectDistribution(
      values.filter((x) => x > 60),
      (x) => (cdf(x) - 0.6) / 0.4,
    );
    expectDistribution(
      values.filter((x) => x < 60),
      (x) => cdf(x) / 0.5,
    );
    expect(Math.abs(values.filter((x) => x === 60).length - N / 10)).toBeLessThan(4 * Math.sqrt(N * 0.09));
  });
});

describe('discrete distributions', () => {
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
  });
  it.each([0, 1, 1.8])('Zipf of exponent %d (chi-squared, 1 %% level)', (exponent) => {
    const counts = new Array<number>(10).fill(0);
    for (const k of sample(zipf(10, exponent))) counts[k - 1] = (counts[k - 1] as number) + 1;
    const weights = counts.map((_, i) => (i + 1) ** -exponent);
    const total = weights.reduce((a, w) => a + w, 0);
    const chi2 = counts.reduce((a, c, i) => {
      const expected = (N * (weights[i] as number)) / total;
      return a + (c - expected) ** 2 / expected;
    }, 0);
    expect(chi2).toBeLessThan(21.67); // 9 degrees of freedom
  });
  it('stays in range', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 1, max: 50 }), fc.nat(), (n, ranks, seed) => {
        const s = openStream(String(seed), 'range');
        const [i, k] = [s.integer(n), zipf(ranks, 1)(s)];
        expect(Number.isInteger(i) && i >= 0 && i < n).toBe(true);
        expect(Number.isInteger(k) && k >= 1 && k <= ranks).toBe(true);
      }),
    );
  });
});

describe('arrivals', () => {
  it('a constant rate, thinned, is the Poisson process', () => {
    let t = 0;
    const gaps = sample((s) => {
      const next = thinned(s, t, 3e-6, () => 1e-6);
      const gap = next - t;
      t = next;
      return gap;
    });
    expectDistribution(gaps, (x) => -Math.expm1(-x * 1e-6));
    expectDistribution(
      sample((s) => poissonGap(s, 1e-6)),
      (x) => -Math.expm1(-x * 1e-6),
    );
    expect(poissonGap(openStream('1', 'x'), 0)).toBe(Infinity);
    expect(thinned(openStream('1', 'x'), 0, 0, () => 0)).toBe(Infinity);
    expect(thinned(openStream('1', 'x'), 0, 1e-6, () => 0, DAY)).toBe(Infinity);
  });

  // Time 0 is Monday 2024-01-01 06:00 local.
  const week: Diurnal = {
    meanPerUs: 1000 / DAY,
    amplitude: 0.8,
    peakHour: 15,
    weekendFactor: 0.4,
    startEpochUs: (1_704_067_200 + 6 * 3600) * 1e6,
  };

  it('a diurnal rate has its peak, its week and its mean', () => {
    const { rateAt, maxRatePerUs } = diurnalRate(week);
    const rates = Array.from({ length: 7 * 24 * 4 }, (_, i) => rateAt((i * HOUR) / 4));
    expect(rates.reduce((a, r) => a + r, 0) / rates.length).toBeCloseTo(week.meanPerUs, 18);
    expect(Math.max(...rates)).toBeCloseTo(maxRatePerUs, 18);
    expect(rateAt(9 * HOUR)).toBe(maxRatePerUs); // Monday 15:00
    expect(rateAt(21 * HOUR) / rateAt(9 * HOUR)).toBeCloseTo(0.2 / 1.8, 12); // Tuesday 03:00
    expect(rateAt(9 * HOUR + 5 * DAY) / rateAt(9 * HOUR)).toBeCloseTo(0.4, 12); // Saturday
    expect(rateAt(18 * HOUR + 6 * DAY) / rateAt(18 * HOUR)).toBeCloseTo(1, 12); // the next Monday, 00:00
    expect(rateAt(18 * HOUR + 6 * DAY - 1) / rateAt(18 * HOUR)).toBeCloseTo(0.4, 6);
  });
  it('diurnal arrivals follow the integral of the rate', () => {
    const { rateAt, maxRatePerUs } = diurnalRate(week);
    const s = openStream('1', 'diurnal');
    const times: number[] = [];
    for (let t = 0; t < Infinity; ) {
      t = thinned(s, t, maxRatePerUs, rateAt, 14 * DAY);
      if (t < Infinity) times.push(t);
    }
    expect(Math.abs(times.length - 14_000)).toBeLessThan(4 * Math.sqrt(14_000));
    const cells = 14 * 24 * 60;
    const cumulative = [0];
    for (let i = 0; i < cells; i++) cumulative.push((cumulative[i] as number) + rateAt((i + 0.5) * (DAY / 1440)));
    const total = cumulative[cells] as number;
    expectDistribution(times, (t) => (cumulative[Math.round(t / (DAY / 1440))] as number) / total);
  });
});

it('refuses parameters that make no sense, with a sentence', () => {
  const s = openStream('1', 'x');
  for (const bad of [0, -1, Number.NaN, Infinity]) {
    expect(() => exponential(s, bad)).toThrow(`The mean of an exponential distribution must be above 0, got ${bad}.`);
    expect(() => weibull(s, bad, 1)).toThrow('shape of a Weibull');
    expect(() => weibull(s, 1, bad)).toThrow('scale of a Weibull');
    expect(() => gamma(s, bad, 1)).toThrow('shape of a gamma');
    expect(() => gamma(s, 1, bad)).toThrow('scale of a gamma');
    expect(() => lognormalFromMedian(s, bad, 1)).toThrow('median');
    expect(() => zipf(bad, 1)).toThrow('ranks');
  }
  for (const bad of [-1, Number.NaN, Infinity]) {
    expect(() => normal(s, 0, bad)).toThrow('standard deviation');
    expect(() => lognormal(s, 0, bad)).toThrow('sigma');
    expect(() => zipf(3, bad)).toThrow('exponent');
    expect(() => poissonGap(s, bad)).toThrow('rate');
  }
  expect(() => normal(s, Number.NaN, 1)).toThrow('mean');
  expect(() => lognormal(s, Infinity, 1)).toThrow('mu');
  expect(() => zipf(1.5, 1)).toThrow('whole number');
  expect(() => uniform(s, 3, 1)).toThrow('bounds');
  expect(() => empirical([1], [0])).toThrow('add up');
  expect(() => empirical([1], [-1])).toThrow('negative');
  expect(() => empirical([], [])).toThrow('one weight');
  expect(() => quantileTable([[0, 1]])).toThrow('from probability 0 to 1');
  expect(() =>
    quantileTable([
      [0, 1],
      [0.9, 2],
    ]),
  ).toThrow('from probability 0 to 1');
  expect(() =>
    quantileTable([
      [0, 2],
      [1, 1],
    ]),
  ).toThrow('rises, but [1, 1] comes after [0, 2]');
  expect(() =>
    quantileTable([
      [0, 2],
      [0, 3],
      [1, 4],
    ]),
  ).toThrow('rises');
  expect(() => thinned(s, 0, 1, () => 2)).toThrow('not between 0 and the maximum, 1');
  const d: Diurnal = { meanPerUs: 1, amplitude: 0.5, peakHour: 12, weekendFactor: 1, startEpochUs: 0 };
  expect(() => diurnalRate({ ...d, amplitude: 1.1 })).toThrow('amplitude');
  expect(() => diurnalRate({ ...d, peakHour: 25 })).toThrow('peak hour');
  expect(() => diurnalRate({ ...d, weekendFactor: -1 })).toThrow('weekend factor');
});
