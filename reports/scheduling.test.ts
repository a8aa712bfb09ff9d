import { describe, expect, it } from 'vitest';
import { readScenario } from '../scenarios/index.ts';
import { simulate } from '../sim/simulate.ts';
import { samplesCsv } from './csv.ts';
import { schedulingSummary } from './scheduling.ts';
import { summarise } from './summary.ts';
import { textSummary } from './text.ts';

/** Two nodes of 8; what `jobs` are is the test's matter. */
const run = (policy: string, jobs: string, extra = '') =>
  simulate(
    readScenario(`apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: gpus, gpuModel: H100-SXM5, nodes: 2, gpusPerNode: 8}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {jobs: [${jobs}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {policy: ${policy}, duration: 10h${extra}}
`),
  );

describe('what people complain of in schedulers', () => {
  it('counts the GPU-hours that half-started gangs hold', () => {
    // A pod-by-pod scheduler starts three of four workers, which wait an hour for the fourth.
    const jobs = '{id: a, gpus: 4, duration: 1h}, {id: gang, workers: 4, gpus: 16, duration: 1h}';
    expect(schedulingSummary(run('kubernetes', jobs)).halfStartedGpuHours).toBeCloseTo(12, 1);
    expect(schedulingSummary(run('fifo', jobs)).halfStartedGpuHours).toBe(0);
  });

  it('counts what an eviction took, and per GPU-hour granted', () => {
    // srtf stops the long job after an hour for the short one: 16 GPU-hours were held until then.
    const summary = schedulingSummary(
      run(
        'srtf',
        '{id: long, workers: 2, gpus: 16, duration: 5h}, {id: short, workers: 2, gpus: 16, duration: 1h, submit: 1h}',
      ),
    );
    expect(summary.evictions).toBe(1);
    expect(summary.evictedGpuHours).toBeCloseTo(16, 6);
    expect(summary.evictedPerGranted).toBeGreaterThan(0.1);
    expect(summary.evictedPerGranted).toBeLessThan(0.25);
  });

  it('follows the nodes that are partly free', () => {
    const result = run('fifo', '{id: a, gpus: 3, duration: 5h}');
    const { partlyFreeNodes } = schedulingSummary(result);
    expect(partlyFreeNodes.max).toBe(1);
    expect(partlyFreeNodes.mean).toBeCloseTo(0.5, 1);
    const [head, first] = [...samplesCsv(result)];
    expect(first.split(',')[head.split(',').indexOf('partly_free_nodes')]).toBe('1');
  });

  it('says of the jobs that waited longest why', () => {
    const result = run(
      'runai',
      '{id: a, workers: 2, gpus: 16, duration: 20h}, {id: b, gpus: 1, duration: 1h, submit: 1h}',
    );
    const { waiting } = schedulingSummary(result);
    expect(waiting).toHaveLength(1);
    expect(waiting[0]).toMatchObject({ id: 'b', gpus: 1, seconds: 9 * 3600 });
    expect(waiting[0].reason).toMatch(/GPU/);
    expect(textSummary(summarise(result, 0))).toMatch(/b \(1 GPU\) waits for 9(\.0)? h:/);
    expect(
      schedulingSummary(run('fifo', '{id: a, workers: 2, gpus: 16, duration: 20h}, {id: b, gpus: 1, duration: 1h}'))
        .waiting[0].reason,
    ).toBeNull();
  });
});
