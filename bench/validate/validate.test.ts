import { describe, expect, it } from 'vitest';
import { runPoint } from '../../studies/point.ts';
import type { Claim } from './claim.ts';
import { meanWait } from './coverage.ts';
import { meanWithin } from './estimate.ts';
import { erlangC, exponentialService, kieferWolfowitz, queueing, queueScenario } from './queueing.ts';
import { markdownOf, tableOf, verdict } from './table.ts';

describe('queueing claims', () => {
  it('hold on a smaller sample', () => {
    const claims = queueing.run({ quick: true });
    expect(claims.length).toBeGreaterThan(15);
    expect(claims.filter(({ pass }) => pass !== true)).toEqual([]);
    expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
    // Not satisfied by nothing having happened.
    for (const { expected, got, id } of claims)
      if (!id.includes('differs')) expect(Math.min(expected!, got!), id).toBeGreaterThan(0);
  });

  it("have Erlang's formula right: one server, two servers, and a printed table's value", () => {
    expect(erlangC(1, 0.7)).toBeCloseTo(0.7, 12);
    // M/M/2: C = 2ρ² / (1 + ρ).
    expect(erlangC(2, 0.5)).toBeCloseTo((2 * 0.25) / 1.5, 12);
    expect(erlangC(10, 0.8)).toBeCloseTo(0.4092, 4);
  });

  it('have the recursion right on a case done by hand', () => {
    expect([...kieferWolfowitz([0, 1, 2, 3], [10, 4, 3, 1], 2)]).toEqual([0, 0, 3, 5]);
  });
});

describe('the waits that intervals are tested with', () => {
  it('are those that a study gets of a simulation', () => {
    const jobs = 400;
    for (const seed of ['1', '2', '3']) {
      const scenario = queueScenario({ servers: 4, load: 0.7, service: exponentialService }, jobs, seed);
      const outcome = runPoint({ ...scenario, warmUpUs: scenario.jobs.submitUs[40] });
      const wait = (outcome as { figures: Record<string, number> }).figures['queueing-delay-mean'] / 3600;
      // The simulation's times are whole microseconds of an hour.
      expect(wait).toBeCloseTo(meanWait({ servers: 4, load: 0.7, jobs, warmUp: 40 }, seed), 6);
    }
  });
});

describe('meanWithin', () => {
  const noise = (r: number) => ((r * 7919) % 31) / 31 - 0.5;

  it('is the plain mean and t interval without controls', () => {
    const values = Array.from({ length: 31 }, (_, r) => 5 + noise(r));
    const mean = values.reduce((sum, v) => sum + v, 0) / 31;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 30;
    const estimate = meanWithin(
      values,
      values.map(() => []),
    );
    expect(estimate.mean).toBeCloseTo(mean, 12);
    expect(estimate.halfWidth).toBeCloseTo(3.646 * Math.sqrt(variance / 31), 12);
  });

  it('takes out what a control explains', () => {
    const values = Array.from({ length: 31 }, (_, r) => 5 + 3 * (noise(r) + 0.2));
    const estimate = meanWithin(
      values,
      values.map((_, r) => [noise(r) + 0.2]),
    );
    expect(estimate.mean).toBeCloseTo(5, 12);
    expect(estimate.halfWidth).toBeLessThan(1e-6);
  });

  it('refuses an interval from too few replications', () => {
    expect(() => meanWithin([1, 2, 3], [[], [], []])).toThrow('would mean nothing');
  });
});

describe('the tables', () => {
  const claim: Claim = {
    id: 'g/a',
    group: 'g',
    source: 'a | paper',
    expected: 1 / 3,
    got: 7,
    tolerance: 0,
    pass: true,
    command: '',
    unit: 'jobs',
  };

  it('say what holds, fails and was not run', () => {
    const claims: Claim[] = [claim, { ...claim, pass: false }, { ...claim, got: null, pass: null, reason: 'no trace' }];
    expect(verdict([claim])).toBe('all 1 claims hold');
    expect(verdict(claims)).toBe('1 of 3 claims hold, 1 not run here');
    const table = tableOf(claims);
    expect(table).toContain('0.3333');
    expect(table).toContain('NO');
    expect(table).toContain('not run');
    expect(markdownOf(claims).split('\n')[2]).toContain('a \\| paper');
  });
});
