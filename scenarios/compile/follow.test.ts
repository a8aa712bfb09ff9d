import { describe, expect, it } from 'vitest';
import { DAY_US } from '../../sim/scenario.ts';
import { readScenario } from '../read.ts';

const scenario = (follow: string, more = '', seed = 1) =>
  readScenario(`apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 40d, seed: ${seed}}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: old, gpuModel: H100-SXM5, nodes: 8}, {name: new, gpuModel: H100-SXM5, nodes: 8}]}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: users}
spec:
  follow: ${follow}
  defaults: {pools: [old]}
  teams: [{name: t, arrivals: {perDay: 100}, duration: 1h}${more}]
`);
/** Jobs by the day of their submission, and whether they went over. */
const went = (follow: string, more = '') => {
  const { jobs, pools, poolLists } = scenario(follow, more);
  return Array.from({ length: jobs.count }, (_, j) => ({
    id: jobs.ids[j],
    day: jobs.submitUs[j] / DAY_US,
    over: pools[poolLists[jobs.poolList[j]][0]].name === 'new',
  }));
};
const shareOf = (rows: { over: boolean }[]) => rows.filter(({ over }) => over).length / rows.length;

describe('users who follow to other pools', () => {
  const rows = went('{to: [new], from: 10d, until: 30d}');
  const between = (from: number, to: number) => rows.filter(({ day }) => day >= from && day < to);

  it('stay before, go after, and go more and more in between', () => {
    expect(shareOf(between(0, 10))).toBe(0);
    expect(shareOf(between(30, 40))).toBe(1);
    const weeks = [10, 15, 20, 25].map((day) => between(day, day + 5));
    weeks.forEach((jobs, i) => {
      const expected = (i + 0.5) / 4;
      expect(Math.abs(shareOf(jobs) - expected)).toBeLessThan(4 * Math.sqrt(0.25 / jobs.length));
    });
  });

  it('go at once where there is no time in between, and only a share where it says so', () => {
    const half = went('{to: new, from: 10d, until: 10d, share: 40%}').filter(({ day }) => day > 10);
    expect(Math.abs(shareOf(half) - 0.4)).toBeLessThan(4 * Math.sqrt(0.25 / half.length));
  });

  it('decide each for themselves: another team changes nothing', () => {
    const others = went('{to: [new], from: 10d, until: 30d}', ', {name: u, arrivals: {perDay: 50}, duration: 1h}');
    const own = new Map(others.map(({ id, over }) => [id, over]));
    for (const { id, over } of rows) expect(own.get(id)).toBe(over);
  });

  it('cannot go to what there is not, nor have arrived before they left', () => {
    expect(() => scenario('{to: [nwe], from: 1d, until: 2d}')).toThrow(
      /follow\.to\[0\]: found unknown pool 'nwe', expected one of old, new; did you mean 'new'\?/,
    );
    expect(() => scenario('{to: nwe, from: 1d, until: 2d}')).toThrow(/spec\.follow\.to: found unknown pool/);
    expect(() => scenario('{to: new, from: 2d, until: 1d}')).toThrow(/until: found an end before the beginning/);
  });
});
