/** How many futures a forecast makes, and that each is the same future whatever else is made. */
import { expect, test } from 'vitest';
import { readScenario } from '../scenarios/index.ts';
import { POLICIES } from '../sim/simulate.ts';
import { FEWEST_SAMPLES, forecastWaits, type Present, sampledWaits } from './forecast.ts';

/** One node; a job that has run for an hour, and one that waits for it. */
const scenario = readScenario(
  `apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 60d, policy: fifo}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec: {controlPlane: {nodes: 0}, pools: [{name: a, gpuModel: H100, nodes: 1, gpusPerNode: 8}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {project: p, jobs: [{id: runs, gpus: 8, duration: 5h}, {id: waits, gpus: 8, duration: 1h}]}
`,
  { policies: POLICIES },
);
const present: Present = { scenario, ranUs: Float64Array.of(3600e6, -1), target: 1 };

test('stops once it has simulated as many jobs as it may, but not before ten futures', () => {
  const all = sampledWaits(present, { samples: 40, seed: 's' });
  expect(all).toHaveLength(40);
  // Two jobs a look, one look without a history.
  expect(sampledWaits(present, { samples: 40, seed: 's', mostJobs: 30 })).toEqual(all.slice(0, 15));
  expect(sampledWaits(present, { samples: 40, seed: 's', mostJobs: 1 })).toEqual(all.slice(0, FEWEST_SAMPLES));
  expect(forecastWaits(present, { samples: 40, seed: 's' })).toEqual(all.toSorted());
});

test('waits of a job that has run an hour are above none, and half of them above what it has run and the median of nobody known', () => {
  const waits = forecastWaits(present, { samples: 400, seed: 's' });
  expect(waits[0]).toBeGreaterThan(0);
  // Log-logistic: the median of what is left is 4 h and the hour it has run.
  expect(waits[200] / 3600e6).toBeGreaterThan(4);
  expect(waits[200] / 3600e6).toBeLessThan(6);
});
