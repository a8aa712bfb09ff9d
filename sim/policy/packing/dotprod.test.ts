import { expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { dotprod } from './dotprod.ts';
import { openBench } from './testing.ts';

it('sends a worker where least is free of what it asks for', () => {
  const bench = openBench(
    smallScenario({
      nodes: [
        { pool: 0, count: 1, gpus: 8, cpuMilli: 32_000 },
        { pool: 0, count: 1, gpus: 2, cpuMilli: 128_000 },
      ],
      jobs: [
        { durationUs: 1, taskGpus: [2], cpuMilli: 1000 },
        { durationUs: 1, taskGpus: [0], cpuMilli: 30_000 },
      ],
    }),
  );
  // GPUs go to the node with few GPUs, cores to the one with few cores.
  expect([0, 1].map((job) => bench.place(dotprod, job)?.nodes[0])).toEqual([1, 0]);
});
