import { expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { typicalWorkers } from './typical.ts';

const worker = (cpuMilli: number, shareMilli: number, gpus = 1) => ({
  durationUs: 1,
  cpuMilli,
  shareMilli,
  taskGpus: [gpus],
});
const times = <T>(n: number, value: T) => Array.from({ length: n }, () => value);

it('takes the most frequent kinds up to 95 % of the workers, the kind that crosses included', () => {
  const jobs = [
    ...times(60, worker(1000, 500)),
    ...times(34, worker(2000, 1000, 2)),
    ...times(3, worker(9, 1000)),
    ...times(3, worker(8, 1000)),
  ];
  const typical = typicalWorkers(smallScenario({ jobs }));
  // 94 % are not enough; of the two kinds of three, the one with more CPU comes first.
  expect(typical).toEqual([
    { weight: 0.6 / 0.97, cpuMilli: 1000, gpus: 1, milli: [500] },
    { weight: 0.34 / 0.97, cpuMilli: 2000, gpus: 2, milli: [1000] },
    { weight: 0.03 / 0.97, cpuMilli: 9, gpus: 1, milli: [1000] },
  ]);
});

it('leaves out memory, and the share of workers without GPUs', () => {
  const jobs = [
    { ...worker(1000, 300, 0), memoryMiB: 5 },
    { ...worker(1000, 1000, 0), memoryMiB: 7 },
  ];
  expect(typicalWorkers(smallScenario({ jobs }))).toEqual([{ weight: 1, cpuMilli: 1000, gpus: 0, milli: [0] }]);
});

it('says by pool what a request in memory, a MIG instance or a closed pool comes to', () => {
  const scenario = smallScenario({
    nodes: [0, 1].map((pool) => ({ pool, count: 1, gpus: 8 })),
    jobs: [
      { durationUs: 1, gpuMemoryMiB: 36_096 },
      { durationUs: 1, migProfile: 0 },
      { durationUs: 1, taskGpus: [4, 4], poolList: 1 },
    ],
    overrides: {
      poolLists: [[0, 1], [1]],
      migLayouts: [{ instances: ['3g', '2g'], sevenths: [3, 2] }],
      migProfiles: ['2g'],
    },
  });
  scenario.pools[1].gpuMemoryMiB = 72_192;
  expect(typicalWorkers(scenario).map(({ weight, milli }) => ({ weight, milli }))).toEqual([
    { weight: 0.5, milli: [-1, 1000] },
    { weight: 0.25, milli: [250, 500] },
    { weight: 0.25, milli: [2000 / 7, 2000 / 7] },
  ]);
});
