import { expect, it } from 'vitest';
import { readScenario } from '../read.ts';

const head = `apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: cpu, nodes: 1}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {jobs: [`;

it('workers of all jobs are bounded, so that a few lines cannot fill the memory', () => {
  const job = '{gpus: 0, workers: 2000000}';
  const { jobs } = readScenario(`${head}${job}]}\n`);
  expect(jobs.taskStart[1]).toBe(2_000_000);
  expect(() => readScenario(`${head}${Array(26).fill(job).join(', ')}]}\n`)).toThrow(
    'found more than 50000000 workers, expected at most 50000000 workers of all jobs',
  );
});

it('jobs of different shapes one after the other keep theirs', () => {
  const { jobs } = readScenario(`apiVersion: simsup.dev/v1
kind: Workload
spec: {jobs: [{gpus: 3, workers: 2}, {gpus: 3, workers: 2}, {gpus: 16}, {gpus: 9}, {gpus: 3, workers: 3}]}
`);
  const tasks = Array.from({ length: jobs.count }, (_, job) => [
    ...jobs.taskGpus.slice(jobs.taskStart[job], jobs.taskStart[job + 1]),
  ]);
  expect(tasks).toEqual([
    [2, 1],
    [2, 1],
    [8, 8],
    [8, 1],
    [1, 1, 1],
  ]);
});
