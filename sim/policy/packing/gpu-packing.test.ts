import { describe, expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { gpuPacking } from './gpu-packing.ts';
import { openBench } from './testing.ts';

describe('gpu-packing', () => {
  it('opens a GPU or a node only when it must', () => {
    const share = { durationUs: 1, shareMilli: 400 };
    const bench = openBench(
      smallScenario({
        nodes: [{ pool: 0, count: 2, gpus: 2 }],
        jobs: [share, share, share, share, { durationUs: 1, taskGpus: [2] }, share],
      }),
    );
    const places = [0, 1, 2, 3, 4, 5].map((job) => {
      const placement = bench.place(gpuPacking, job);
      return placement && [placement.nodes[0], placement.masks[0]];
    });
    // Two shares fill GPU 0, two more open GPU 1 of the same node; whole GPUs open the other; then none has 400 left.
    expect(places).toEqual([[0, 1], [0, 1], [0, 2], [0, 2], [1, 3], null]);
  });
});
