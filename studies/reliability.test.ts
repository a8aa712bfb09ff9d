import { describe, expect, it } from 'vitest';
import { documentCsv, documentHtml, documentMarkdown } from '../reports/document.ts';
import { readScenario } from '../scenarios/index.ts';
import { POLICIES } from '../sim/simulate.ts';
import { runTask, type Task, taskScenario } from './pool.ts';
import { reliabilityStudy } from './reliability.ts';
import { reliabilityDocument, reliabilityText } from './reliability-report.ts';

/** A job of 8 GPUs that checkpoints every hour, on one of two nodes, and what is to break. */
const scenario = (faults: string) => `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools: [{name: n, gpuModel: H100, nodes: 2, gpusPerNode: 8, price: $2/h}]
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 240h, policy: runai, stack: runai}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: none, repair: {gpuReset: {success: 1}, reboot: {success: 1}}, ${faults}}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  project: p
  jobs: [{id: train, gpus: 8, duration: 200h, checkpointEvery: 1h, checkpointStall: 0s}]
`;

const TRACE = `trace: [
    {at: 10h30m, node: n-0, gpu: 0, kind: xid-31}, {at: 50h15m, node: n-0, gpu: 1, kind: xid-31},
    {at: 100h, node: n-1, gpu: 1, kind: xid-31}, {at: 120h, node: n-0, kind: straggler}]`;

const study = (
  text: string,
  seeds = ['1'],
  stack?: string,
  action: string | null = stack === undefined ? null : 'CheckpointAndReschedule',
) =>
  reliabilityStudy(
    async (tasks: readonly Task[]) =>
      tasks.map((task) =>
        runTask(taskScenario(readScenario(text, { policies: POLICIES, overrides: { seed: task.seed } }), task)),
      ),
    { scenario: '<i>s</i>', gpus: 16, action, sizes: [8], seeds, confidence: 0.95, ...(stack && { stack }) },
  );

const about = { version: '1', command: 'c', assumptions: [], scenarioText: '</pre><script>' };

describe('a reliability report', () => {
  it('counts interruptions, the work that each took, and how long it was until work went on', async () => {
    const found = await study(scenario(TRACE));
    // Two faults stop the job; the third meets an empty node, the straggler only slows it.
    expect(found.interruptions?.mean).toBe(2);
    expect(found.mttfHours).toBe(120);
    const [first] = found.byKind;
    expect(first.kind).toBe('xid-31');
    // Half an hour since the checkpoint at 10 h; then from there at 10 h 30 min 10 s, so 45 min less 10 s since the last.
    expect(first.lostGpuHours?.mean).toBeCloseTo(8 * (0.5 + 0.75 - 10 / 3600), 9);
    // The kubelet looks every 10 s.
    expect(found.seconds.detection).toBe(10);
    expect(found.seconds.recovery).toBeGreaterThanOrEqual(10);
    expect(found.ettr?.mean).toBeGreaterThan(0.98);
    expect(found.detectingGpuHours?.mean).toBeCloseTo((2 * 10 * 8) / 3600, 6);
  });

  it('says what half the time to notice, and one more spare, would save on the same faults', async () => {
    const text = scenario('processes: [{name: g, unit: gpu, mtbf: 300h, kinds: {hang: 1, xid-79: 1}}]');
    const { whatIf } = await study(text, ['1', '2', '3'], 'mission-control');
    expect(whatIf.map(({ change }) => change)).toEqual([
      'action HotSpare instead of CheckpointAndReschedule',
      'one more node in each pool, kept as a hot spare, beyond that',
      'faults noticed in half the time',
    ]);
    const [action, spare, sooner] = whatIf;
    // Without a spare the action reschedules, too, and costs nothing.
    expect(action).toMatchObject({ workGpuHours: { mean: 0 }, costPerMonth: { mean: 0 } });
    expect(sooner.detectingGpuHours?.mean).toBeLessThan(0);
    expect(sooner.costPerMonth?.mean).toBe(0);
    // A node of 8 at $2 in a pool: for 720 h.
    expect(spare.costPerMonth?.mean).toBeCloseTo(8 * 2 * 720, 6);
    expect(spare.netPerMonth?.mean).toBeCloseTo((spare.worthPerMonth?.mean ?? 0) - 8 * 2 * 720, 6);
  });

  it('tells the spare apart from the action that uses it: where that is the action already there is nothing to tell', async () => {
    const text = scenario('processes: [{name: g, unit: gpu, mtbf: 300h, kinds: {hang: 1, xid-79: 1}}]');
    const hot = `${text}---
apiVersion: mission-control.nvidia.com/v1
kind: FaultTolerancePolicy
metadata: {name: hot}
spec: {trigger: {dcgmEventCodes: [XID 79]}, action: {type: HotSpare}}
`;
    const { whatIf } = await study(hot, ['1', '2'], 'mission-control', 'HotSpare');
    expect(whatIf.map(({ change }) => change)).toEqual([
      'one more node in each pool, kept as a hot spare',
      'faults noticed in half the time',
    ]);
    const { whatIf: bare } = await study(text, ['1']);
    expect(bare[0].change).toBe('a FaultTolerancePolicy with action HotSpare');
  });

  it.each([
    ['nothing fails', scenario('processes: []'), 'Nothing failed in any run'],
    [
      'there are no GPUs',
      scenario('processes: []')
        .replace(/pools: .*/, 'pools: [{name: n, nodes: 1, price: $0/h}]')
        .replace('gpus: 8', 'gpus: 0'),
      'no fault interrupted a job',
    ],
  ])('says so where %s, without a figure that is none', async (_, text, said) => {
    const found = await study(text);
    const document = reliabilityDocument(found, about);
    const forms = [reliabilityText(found), documentHtml(document), documentMarkdown(document), documentCsv(document)];
    expect(forms[0]).toContain(said);
    for (const form of forms) expect(form).not.toMatch(/NaN|undefined|Infinity|null/);
    expect(forms[1]).not.toMatch(/<script|<i>/);
  });
});
