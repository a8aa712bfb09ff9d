import { describe, expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { gpuClustering } from './gpu-clustering.ts';
import { openBench } from './testing.ts';

describe('gpu-clustering', () => {
  it('keeps sizes apart while there is an idle node', () => {
    const bench = openBench(
      smallScenario({
        nodes: [{ pool: 0, count: 2, gpus: 8 }],
        jobs: [[1], [2], [1], [2], [4]].map((taskGpus) => ({ durationUs: 1, taskGpus })),
      }),
    );
    expect([0, 1, 2, 3].map((job) => bench.place(gpuClustering, job)?.nodes[0])).toEqual([0, 1, 0, 1]);
    // The 4-GPU worker is a stranger on both; the fuller one is taken.
    expect(bench.place(gpuClustering, 4)?.nodes[0]).toBe(1);
  });
});
