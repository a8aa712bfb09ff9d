import { expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { random } from './random.ts';
import { openBench } from './testing.ts';

/** Where a share of 300 goes, as `node/GPU`, how often in 4,000 draws. */
function draws(poolList: number): Map<string, number> {
  const jobs = [900, 500, 300].map((shareMilli) => ({ durationUs: 1, shareMilli, poolList }));
  const bench = openBench(
    smallScenario({
      nodes: [
        { pool: 0, count: 1, gpus: 2 },
        { pool: 1, count: 3, gpus: 1 },
      ],
      jobs,
      overrides: { poolLists: [[0, 1], [1]] },
    }),
  );
  bench.cluster.allocate(0, 3, 1);
  bench.cluster.allocate(1, 0, 2);
  const counts = new Map<string, number>();
  for (let i = 0; i < 4000; i++) {
    const placement = bench.place(random, 2);
    if (placement === null) throw new Error('refused');
    const where = `${placement.nodes[0]}/${placement.masks[0]}`;
    counts.set(where, (counts.get(where) ?? 0) + 1);
    bench.leave(2);
  }
  return counts;
}

it('gives each node with room in all pools the same chance, and each GPU on it', () => {
  // Node 3 has no room; node 0 has two GPUs that do. Four standard deviations of 4,000 draws are 0.03.
  const counts = draws(0);
  expect([...counts.keys()].sort()).toEqual(['0/1', '0/2', '1/1', '2/1']);
  const share = (where: string) => (counts.get(where) ?? 0) / 4000;
  expect(Math.abs(share('1/1') - 1 / 3)).toBeLessThan(0.03);
  expect(Math.abs(share('2/1') - 1 / 3)).toBeLessThan(0.03);
  expect(Math.abs(share('0/1') - 1 / 6)).toBeLessThan(0.03);
});

it('draws the same again from the same stream', () => {
  expect(draws(0)).toEqual(draws(0));
});

it('stays in the pools of the list', () => {
  expect([...draws(1).keys()].sort()).toEqual(['1/1', '2/1']);
});
