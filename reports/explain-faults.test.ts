/** The loop of a fault as `explain` tells it: every stage with its delay, and what was lost. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readScenario } from '../scenarios/read.ts';
import { Lives, SECOND_US, Simulation } from '../sim/simulate.ts';
import { explainJob } from './explain.ts';
import { exactDuration } from './format.ts';

const SCENARIO = `apiVersion: simsup.dev/v1
kind: Simulation
spec: {policy: fifo, duration: 6h, stack: mission-control}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: gpus, gpuModel: H100-SXM5, nodes: 3, gpusPerNode: 8, nodesPerNvlinkDomain: 1}]}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: none, trace: [{at: 50m, node: gpus-0, gpu: 3, kind: KIND}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: FaultTolerancePolicy
metadata: {name: ft}
spec:
  trigger: {dcgmEventCodes: ["XID 63", "XID 79"]}
  action: {type: CheckpointAndReschedule, maxRescheduleAttempts: 3, rescheduleDelay: 90s}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobs:
    - {id: train, gpus: 16, workers: 2, duration: 3h, checkpointEvery: 20m, checkpointStall: 4s, startup: 100s, restore: 30s, grace: 7s}
`;

function explained(kind: string) {
  const scenario = readScenario(SCENARIO.replace('KIND', kind));
  const lives = new Lives(scenario, 0);
  const simulation = new Simulation(scenario, { lives });
  simulation.run();
  const [row] = simulation.result().faults;
  const entries = [...lives.rows()].map((entry) => ({ ...entry, seconds: entry.timeUs / SECOND_US }));
  const facts = { id: 'train', project: 'default', gpus: 16, workers: 2, policy: 'fifo', status: 'completed' };
  const counts = { submitSeconds: 0, endSeconds: 6 * 3600, preemptions: 0, restarts: 1, queueSeconds: 0 };
  const { life } = explainJob({ ...facts, ...counts }, entries);
  return { life, row, seen: simulation.faults.telemetry.seenUs('gpus-0', row.timeUs) / SECOND_US };
}

test('a dead GPU: the stages are told in order, and their delays add up to the whole', () => {
  const { life, row, seen } = explained('xid-79');
  const from = life.findIndex(({ event }) => event === 'fault');
  expect(life.slice(from, from + 10).map(({ event }) => event)).toEqual([
    'fault',
    'detected',
    'policy',
    'unhealthy',
    'kill',
    'lose',
    'requeue',
    'start',
    'restored',
    'step',
  ]);
  const step = life[from + 9];
  expect(step.delays).toEqual({
    noticed: seen - 3000,
    left: 0,
    requeued: 90,
    started: 0,
    stepped: 130,
    total: seen - 3000 + 90 + 130,
  });
  const { noticed, left, requeued, started, stepped, total } = step.delays as NonNullable<typeof step.delays>;
  expect(noticed + left + requeued + started + stepped).toBe(total);
  expect(step.seconds - life[from].seconds).toBe(total);
  // Stages that took no time are not told.
  expect(step.text).toBe(
    `takes its first step again, 2 min 10 s after it was started, ${exactDuration(total)} after the fault: ` +
      `${exactDuration(noticed)} until it was noticed, then 1 min 30 s until it was back in the queue, then 2 min 10 s until this step.`,
  );
  // Up after 100 s; two checkpoints of 20 min and 4 s: 3000 − 100 − 2 × 1204 = 492 s since, on 16 GPUs.
  expect(life[from + 5].text).toBe('loses: 8.2 min of work since its last checkpoint that counts, 2.2 GPU-hours.');
  expect(row.lost).toBe(492 * 16 * 7000e6);
  expect(life[from + 8].text).toContain('40 min of work');
});

/** `1 d 2 h 3 min 4.5 s` in µs. */
function usOf(text: string): number {
  const units: Record<string, number> = { d: 86_400e6, h: 3600e6, min: 60e6, s: 1e6 };
  const parts = [...text.matchAll(/([\d.]+) (d|h|min|s)\b/g)];
  return parts.reduce((sum, [, n, unit]) => sum + Math.round(Number(n) * units[unit]), 0);
}

test('delays are told to the microsecond, so that those of a loop can be added up by hand', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3e11 }), (us) => {
      expect(usOf(exactDuration(us / 1e6))).toBe(us);
    }),
  );
  const { life } = explained('xid-79');
  const [, total, stages] =
    /, ([^,]*) after the fault: (.*)\./.exec(life.find(({ event }) => event === 'step')?.text ?? '') ?? [];
  expect(stages.split(', then ').reduce((sum, stage) => sum + usOf(stage), 0)).toBe(usOf(total));
});

test('a warning: a checkpoint is written first, and nothing is lost', () => {
  const { life, row, seen } = explained('xid-63');
  const from = life.findIndex(({ event }) => event === 'fault');
  const events = life.slice(from).map(({ event }) => event);
  expect(events.slice(0, 9)).toEqual([
    'fault',
    'detected',
    'policy',
    'unhealthy',
    'saved',
    'preempt',
    'requeue',
    'start',
    'restored',
  ]);
  expect(events).not.toContain('lose');
  // 4 s to write, 7 s of grace inside the policy's 90 s.
  const step = life.find(({ event }) => event === 'step');
  expect(step?.delays).toEqual({
    noticed: seen - 3000,
    left: 4,
    requeued: 86,
    started: 0,
    stepped: 130,
    total: seen - 3000 + 220,
  });
  expect(row.lost).toBe(0);
});
