import { describe, expect, it } from 'vitest';
import { type Run, type Scenario, simulate, type TraceRow } from '../../simulate.ts';
import { type SmallScenario, seconds, smallScenario } from '../../testing.ts';
import { fail, nextTry, type PodQueue, requeue } from './kubernetes.ts';

const scenarioOf = (given: SmallScenario): Scenario => smallScenario({ policy: 'kubernetes', ...given });
const run = (given: SmallScenario): Run => simulate(scenarioOf(given));
const starts = (r: Run) => Array.from(r.jobs.firstStartUs, (us) => us / 1e6);
const nodes = (count: number, gpus = 8, rest = {}) => [{ pool: 0, count, gpus, ...rest }];
const job = (at: number, length: number, taskGpus: number[], rest = {}) => ({
  submitUs: seconds(at),
  durationUs: seconds(length),
  taskGpus,
  ...rest,
});

/** Where each pod went, in the order of binding. */
function bindings(scenario: Scenario): { atSeconds: number; job: number; node: number }[] {
  const rows: TraceRow[] = [];
  simulate(scenario, { trace: (row) => void (row.event === 'place' && rows.push(row)) });
  return rows.map((row) => ({ atSeconds: row.timeUs / 1e6, job: row.job, node: row.node }));
}

describe('a pod that was not bound', () => {
  it('is tried again at the end of its back-off when GPUs were freed meanwhile', () => {
    // It fails at 10 s and backs off for 1 s; the GPUs are free at 10.5 s.
    const r = run({ nodes: nodes(1), jobs: [job(0, 10.5, [8]), job(10, 5, [8])] });
    expect(starts(r)).toEqual([0, 11]);
  });

  it('is tried at once when its back-off is over by the time GPUs are freed', () => {
    const r = run({ nodes: nodes(1), jobs: [job(0, 20, [8]), job(10, 5, [8])] });
    expect(starts(r)).toEqual([0, 20]);
  });

  const args = { initialBackoff: 1, maxBackoff: 10, flushAfter: 300 };
  const empty = (): PodQueue => ({ active: [], waiting: [], attempts: new Map(), nextStart: 0 });

  it('backs off twice as long each time it fails, up to the maximum', () => {
    const queue = empty();
    for (let i = 0; i < 6; i++) fail(queue, 7, 0, args);
    expect(queue.waiting.map(({ backoffUntil }) => backoffUntil / 1e6)).toEqual([1, 2, 4, 8, 10, 10]);
  });

  it('is flushed at the first look, each 30 s, after more than five minutes even if nothing happened', () => {
    const queue = empty();
    fail(queue, 7, seconds(2), args);
    expect(nextTry(queue, args)).toBe(seconds(330));
    requeue(queue, false, seconds(329.999), args);
    expect(queue.active).toEqual([]);
    requeue(queue, false, seconds(330), args);
    expect(queue.active).toEqual([7]);
  });
});

describe('the scores', () => {
  it('spread by CPU and memory', () => {
    const each = { cpuMilli: 4000, memoryMiB: 4000 };
    const jobs = Array.from({ length: 4 }, (_, i) => job(i, 100, [1], each));
    const where = bindings(scenarioOf({ nodes: nodes(4, 8, { cpuMilli: 32_000, memoryMiB: 32_000 }), jobs }));
    expect(new Set(where.map(({ node }) => node)).size).toBe(4);
  });

  it('do not look at GPUs', () => {
    // The node whose GPUs are nearly all taken by pods that ask for little CPU is the emptier one by CPU and memory.
    const given = [
      job(0, 100, [7], { cpuMilli: 1000, memoryMiB: 1000 }),
      job(0, 100, [1], { cpuMilli: 16_000, memoryMiB: 16_000 }),
      job(1, 100, [1], { cpuMilli: 1000, memoryMiB: 1000 }),
    ];
    const where = bindings(scenarioOf({ nodes: nodes(2, 8, { cpuMilli: 32_000, memoryMiB: 32_000 }), jobs: given }));
    expect(where[1].node).not.toBe(where[0].node);
    expect(where[2].node).toBe(where[0].node);
  });

  it('prefer a balance of CPU and memory', () => {
    const pool = nodes(2, 8, { cpuMilli: 20_000, memoryMiB: 20_000 });
    const given = [
      job(0, 100, [1], { cpuMilli: 10_000, memoryMiB: 100 }),
      job(0, 100, [1], { cpuMilli: 100, memoryMiB: 2000 }),
      // 51 + 97 beside the first, whose CPU its memory balances; 72 + 73 beside the second, on the emptier node.
      job(1, 100, [1], { cpuMilli: 100, memoryMiB: 9000 }),
    ];
    const where = bindings(scenarioOf({ nodes: pool, jobs: given }));
    expect(where[2].node).toBe(where[0].node);
  });
});

describe('gangs', () => {
  it('are bound pod by pod, and hold GPUs while they wait for the rest: reserved', () => {
    const r = run({ nodes: nodes(2), jobs: [job(0, 100, [8]), job(0, 50, [8, 8])] });
    expect(starts(r)).toEqual([0, 100]);
    // One node, eight GPUs, for 100 s.
    const reserved = r.entries.find(({ category }) => category === 'reserved');
    expect(reserved?.amount).toBe(BigInt(8 * 7000 * seconds(100)));
  });

  it('wait for each other for ever when two are half started, which the run says', () => {
    const r = run({
      nodes: [...nodes(2), { pool: 0, count: 1, gpus: 4 }],
      jobs: [
        job(0, 15, [8]),
        job(0, 15.2, [8]),
        // Each of these wakes the first gang in vain and makes it back off for longer, at last until 15.5 s.
        ...[6, 11.5].map((length) => job(0, length, [1])),
        job(1, 100, [8, 8]),
        job(12, 100, [8, 8]),
      ],
    });
    // At 15 s the first gang still backs off, and the second gets a node; then that one backs off as the other is freed.
    expect(r.stalled).toBe(true);
    expect(starts(r).slice(-2)).toEqual([-1 / 1e6, -1 / 1e6]);
    const reserved = r.entries.filter(({ category }) => category === 'reserved');
    const held = reserved.reduce((sum, { amount }) => sum + amount, 0n);
    const until = r.simulatedUs;
    expect(held).toBe(BigInt(8 * 7000) * BigInt(until - seconds(15) + (until - seconds(15.5))));
  });
});
