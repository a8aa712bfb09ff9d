import { describe, expect, it } from 'vitest';
import { FAULT_MODELS, LLAMA3_MIX } from '../../scenarios/catalogue/fault-models.ts';
import { DAY_US, HOUR_US } from '../../sim/simulate.ts';
import { gammaFunction, weibullScale } from '../../sim/world/faults/hazards.ts';
import { reliability } from './reliability.ts';

describe('reliability claims', () => {
  it('hold on a smaller sample', () => {
    const claims = reliability.run({ quick: true });
    expect(claims.filter(({ pass }) => pass !== true)).toEqual([]);
    expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
    for (const { expected, got, tolerance, id } of claims) {
      expect(Math.min(expected!, got!), id).toBeGreaterThan(0);
      expect(tolerance!, id).toBeLessThan(0.9 * expected!);
    }
  });

  it('rest on arithmetic that is right', () => {
    expect(50_700 / 16_384).toBeCloseTo(3.0945, 4);
    expect(LLAMA3_MIX.reduce((sum, { weight }) => sum + weight, 0)).toBe(419);
    expect((54 * 24) / 419).toBeCloseTo(3.0931, 4);
    expect(FAULT_MODELS.llama3.processes[0].meanUs / HOUR_US).toBeCloseTo(50_677, 0);
    for (const [gpus, hours] of [
      [4096, 7.21],
      [8192, 3.606],
      [16_384, 1.803],
      [131_072, 0.2254],
    ]) {
      expect(FAULT_MODELS['rsc-1'].processes[0].meanUs / HOUR_US / (gpus / 8)).toBeCloseTo(hours, hours < 1 ? 4 : 2);
    }
    expect(FAULT_MODELS['rsc-2'].processes[0].meanUs / DAY_US / 2048).toBeCloseTo(5.008 / 24, 4);
    expect(Math.exp((-1024 * 24) / 50_677)).toBeCloseTo(0.616, 3);
  });

  it('have the gamma function, and so the scale of a Weibull distribution, right', () => {
    for (const [x, value] of [
      [1, 1],
      [5, 24],
      [0.5, Math.sqrt(Math.PI)],
      [0.25, 3.625609908221908],
      [10, 362_880],
    ]) {
      expect(Math.abs(gammaFunction(x) / value - 1)).toBeLessThan(1e-12);
    }
    expect(weibullScale(1, 0.7)).toBeCloseTo(0.79, 3);
    expect(weibullScale(1, 0.78)).toBeCloseTo(0.866, 3);
  });
});
