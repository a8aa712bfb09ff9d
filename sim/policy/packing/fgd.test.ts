import { describe, expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { fgd } from './fgd.ts';
import { openBench } from './testing.ts';

describe('fgd', () => {
  it('fills the GPU that leaves no rest a typical worker cannot use', () => {
    // Typical workers take 600 or 400: a 400 beside a 600 leaves nothing over, on an idle GPU it leaves 600.
    const jobs = [600, 500, 400].map((shareMilli) => ({ durationUs: 1, shareMilli }));
    const scenario = smallScenario({ nodes: [{ pool: 0, count: 3, gpus: 1 }], jobs });
    const bench = openBench({
      ...scenario,
      typicalWorkers: [600, 400].map((milli) => ({ weight: 0.5, cpuMilli: 0, gpus: 1, milli: [milli] })),
    });
    bench.cluster.allocate(0, 2, 1);
    bench.cluster.allocate(1, 0, 1);
    expect(bench.place(fgd, 2)?.nodes).toEqual([2]);
  });

  it('keeps a node whose CPU is used up from being filled with GPUs that need CPU elsewhere', () => {
    const scenario = smallScenario({
      nodes: [{ pool: 0, count: 2, gpus: 1, cpuMilli: 10_000 }],
      jobs: [
        { durationUs: 1, taskGpus: [0], cpuMilli: 9000 },
        { durationUs: 1, taskGpus: [1], cpuMilli: 1000 },
      ],
    });
    const bench = openBench({
      ...scenario,
      typicalWorkers: [{ weight: 1, cpuMilli: 4000, gpus: 1, milli: [1000] }],
    });
    bench.cluster.allocate(0, 1, 0);
    // Node 1 lacks the CPU for a typical worker: its GPU is a fragment already, and using it makes none.
    expect(bench.place(fgd, 1)?.nodes).toEqual([1]);
  });
});
