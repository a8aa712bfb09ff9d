import { expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { bestfitWeighted } from './bestfit-weighted.ts';
import { openBench } from './testing.ts';

it('takes the node with the least left, GPU and CPU together', () => {
  const nodes = [
    { pool: 0, count: 1, gpus: 4, cpuMilli: 128_000 },
    { pool: 0, count: 1, gpus: 6, cpuMilli: 16_000 },
  ];
  const bench = openBench(smallScenario({ nodes, jobs: [{ durationUs: 1, cpuMilli: 1000 }] }));
  // Node 0 has fewer GPUs, but node 1 so little CPU that less is left in all: (3 + 8) against (5 + 1) of 16.
  expect(bench.place(bestfitWeighted, 0)?.nodes).toEqual([1]);
});

it('looks at GPUs alone where CPU is not counted', () => {
  const nodes = [4, 2].map((gpus) => ({ pool: 0, count: 1, gpus }));
  const bench = openBench(smallScenario({ nodes, jobs: [{ durationUs: 1, cpuMilli: 1000 }] }));
  expect(bench.place(bestfitWeighted, 0)?.nodes).toEqual([1]);
});
