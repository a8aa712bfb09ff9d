import { describe, expect, it } from 'vitest';
import { readScenario } from '../scenarios/index.ts';
import { POLICIES } from '../sim/simulate.ts';
import { stackOf, underStack } from './stacks.ts';
import { varied } from './vary.ts';

const plain = readScenario(
  `apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: p, gpuModel: H200, nodes: 2, gpusPerNode: 8, price: $0/h}, {name: login, nodes: 1, price: $1/h}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: d}
spec: {projects: [{name: a, deservedGpus: 11}, {name: b, deservedGpus: 5}]}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: none, processes: [{name: g, unit: gpu, mtbf: 100h, kinds: {xid-79: 1}}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {jobs: [{project: a}, {project: b}, {project: b}]}
`,
  { policies: POLICIES },
);
const scenario = underStack(plain, stackOf(plain, 'mission-control'));

describe('what a sensitivity study changes', () => {
  it('is one queue with all the quota, or twice the teams with half of it each', () => {
    const one = varied(scenario, { teams: 'one' });
    expect(one.projects.map(({ deservedGpus }) => deservedGpus)).toEqual([[16, 0]]);
    expect([...one.jobs.project]).toEqual([0, 0, 0]);
    const twice = varied(scenario, { teams: 'twice' });
    expect(twice.projects.map(({ name, deservedGpus }) => [name, deservedGpus[0]])).toEqual([
      ['a-a', 6],
      ['b-a', 3],
      ['a-b', 5],
      ['b-b', 2],
    ]);
    expect(twice.jobs.count).toBe(3);
  });

  it('is the rate of faults, and none of them at rate 0', () => {
    const mean = (faultRate: number) =>
      varied(scenario, { faultRate }).faults?.processes.map(({ meanUs }) => meanUs / 3.6e9);
    expect([mean(2), mean(0.5), mean(0)]).toEqual([[50], [200], []]);
  });

  it('is how soon faults are noticed, by preset or in part of the time', () => {
    const recovery = (vary: Parameters<typeof varied>[1]) => varied(scenario, vary).recovery;
    expect(recovery({ telemetry: 'seed' })?.telemetry).toMatchObject({ exporterUs: 10e6, scrapeUs: 0 });
    expect(recovery({ detection: 0.5 })).toMatchObject({
      telemetry: { exporterUs: 15e6, scrapeUs: 7.5e6 },
      stack: { exitUs: 5e6, nodeDownUs: 170e6, hangUs: 300e6 },
    });
  });

  it('is one more node in each pool with GPUs, kept aside by the action that uses it', () => {
    const { nodes, recovery } = varied(scenario, { action: 'HotSpare', spares: 1 });
    expect(nodes.count).toBe(scenario.nodes.count + 1);
    expect(nodes.names[nodes.count - 1]).toBe('p-1-spare-1');
    expect(nodes.gpus[nodes.count - 1]).toBe(8);
    expect(recovery).toMatchObject({ spares: [1, 0], faultTolerance: { action: 'HotSpare' } });
    // A scenario that says nothing of recovery gets the guide's policy with that action.
    expect(varied(plain, { action: 'HotSpare' }).recovery?.faultTolerance).toMatchObject({
      eventCodes: [79, 94, 95],
      action: 'HotSpare',
    });
    // The spare by itself changes no action.
    expect(varied(scenario, { spares: 1 }).recovery?.faultTolerance).toEqual(scenario.recovery?.faultTolerance);
  });

  it('is a price for GPUs that have none, and an earlier end', () => {
    const changed = varied(scenario, { priceMicroUsd: 2_350_000, untilUs: 7 });
    // A pool without GPUs costs a fixed sum an hour, and no price of GPUs.
    expect(changed.pools.map(({ priceMicroUsd }) => priceMicroUsd)).toEqual([2_350_000, 0]);
    expect(changed.durationUs).toBe(7);
  });
});
