import { describe, expect, it } from 'vitest';
import {
  bestInterval,
  dalyEfficiency,
  dalyInterval,
  dalyStretch,
  ettrFormula,
  ettrInterval,
  longestInterval,
  longestRestart,
  youngInterval,
} from './daly.ts';

/** Minutes. */
const DAY = 1440;

describe("Daly's and Young's intervals", () => {
  it('are what Daly prints for δ 5 min, R 10 min', () => {
    expect(youngInterval(5, DAY)).toBeCloseTo(120, 10);
    expect(dalyInterval(5, DAY)).toBeCloseTo(116.69, 2);
    expect(dalyStretch(dalyInterval(5, DAY), 5, DAY, 10)).toBeCloseTo(1.0958, 4);
    expect(dalyInterval(5, 360)).toBeCloseTo(56.71, 2);
    expect(dalyInterval(5, 15)).toBeCloseTo(9.14, 2);
    expect(dalyStretch(dalyInterval(5, 360), 5, 360, 10)).toBeCloseTo(1.2204, 4);
    expect(dalyStretch(dalyInterval(5, 15), 5, 15, 10)).toBeCloseTo(5.008, 3);
    expect(dalyInterval(40, 15)).toBe(15);
  });

  it('are what follows for Llama 3: MTBF 185.585 min', () => {
    const m = 185.585;
    expect(youngInterval(1, m)).toBeCloseTo(19.27, 2);
    expect(dalyInterval(1, m)).toBeCloseTo(18.6, 2);
    expect(dalyInterval(5, m)).toBeCloseTo(39.81, 2);
    const at = (cost: number, restart: number) => dalyEfficiency(dalyInterval(cost, m), cost, m, restart);
    expect([at(1, 5), at(1, 10), at(5, 5), at(5, 10)].map((x) => x.toFixed(4))).toEqual([
      '0.8758',
      '0.8526',
      '0.7646',
      '0.7443',
    ]);
  });

  it('come near the exact optimum, Daly nearer than Young', () => {
    // Off by, at δ/M of 0.01, 0.1 and 1.
    const off = (share: number) => {
      const best = bestInterval(share, 1);
      return [youngInterval(share, 1) / best - 1, dalyInterval(share, 1) / best - 1];
    };
    expect(off(0.01)[0]).toBeCloseTo(0.049, 3);
    expect(off(0.1)[0]).toBeCloseTo(0.167, 3);
    expect(off(1)[0]).toBeCloseTo(0.68, 2);
    expect(off(0.1)[1]).toBeCloseTo(-0.0004, 4);
    expect(off(1)[1]).toBeCloseTo(-0.018, 3);
  });
});

describe('the linear estimate of ETTR', () => {
  it('gives the published points, and Daly what is lost beyond', () => {
    const perMinute = (perDay: number) => perDay / DAY;
    const r = perMinute(6.5e-3);
    expect(ettrFormula(2000, r, 5, 60, 0)).toBeCloseTo(0.684, 3);
    expect(ettrFormula(2000, r, 5, 5, 0)).toBeCloseTo(0.932, 3);
    expect(dalyEfficiency(60, 0, 1 / (2000 * r), 5)).toBeCloseTo(0.7202, 4);
    expect(dalyEfficiency(5, 0, 1 / (2000 * r), 5)).toBeCloseTo(0.9345, 4);
    const rare = perMinute(1e-3);
    expect(ettrInterval(1500, r, 5)).toBeCloseTo(38.43, 2);
    expect(ettrInterval(1500, rare, 5)).toBeCloseTo(97.98, 2);
    expect(ettrFormula(1500, r, 5, ettrInterval(1500, r, 5), 5)).toBeCloseTo(0.74, 3);
    expect(ettrFormula(1500, rare, 5, ettrInterval(1500, rare, 5), 5)).toBeCloseTo(0.898, 3);
    expect(dalyEfficiency(ettrInterval(1500, r, 5), 5, 1 / (1500 * r), 5)).toBeCloseTo(0.7358, 4);
    expect(dalyEfficiency(ettrInterval(1500, rare, 5), 5, 1 / (1500 * rare), 5)).toBeCloseTo(0.8966, 4);
    const w = 1 / 6;
    expect(ettrInterval(1500, r, w)).toBeCloseTo(7.02, 2);
    expect(ettrFormula(1500, r, 5, ettrInterval(1500, r, w), w)).toBeCloseTo(0.921, 3);
    const many = perMinute(2.34e-3);
    expect(ettrFormula(12_500, many, 2, 2, 0)).toBeCloseTo(0.939, 3);
    expect(dalyEfficiency(2, 0, 1 / (12_500 * many), 2)).toBeCloseTo(0.9408, 4);
  });
});

describe('what a target needs', () => {
  it('is reached there, and not beyond', () => {
    for (const [target, cost, mtbf, restart] of [
      [0.9, 1 / 3600, 3.09, 0.1],
      [0.7, 1, 30, 2],
      [0.4, 5, 20, 1],
    ]) {
      const interval = longestInterval(target, cost, mtbf, restart);
      expect(dalyEfficiency(interval, cost, mtbf, restart)).toBeCloseTo(target, 8);
      expect(dalyEfficiency(1.001 * interval, cost, mtbf, restart)).toBeLessThan(target);
      const longest = longestRestart(target, interval, cost, mtbf);
      expect(longest).toBeCloseTo(restart, 6);
    }
    expect(longestInterval(0.99, 1, 10, 1)).toBe(0);
    expect(longestRestart(0.99, 4, 1, 10)).toBeLessThan(0);
  });
});
