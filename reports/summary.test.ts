import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { builtin } from '../scenarios/index.ts';
import { readScenario } from '../scenarios/read.ts';
import { CATEGORIES, simulate } from '../sim/simulate.ts';
import { seconds, smallScenario } from '../sim/testing.ts';
import { distribution, nearestRank } from './quantiles.ts';
import { summarise } from './summary.ts';

const HOUR = 3600;

/** One node of 2 GPUs, one job at a time: a for 1 h from 0, b from 1 h (asked at 0) for 3 h, on both GPUs. */
function twoJobs() {
  return smallScenario({
    nodes: [{ pool: 0, count: 1, gpus: 2 }],
    projects: 2,
    jobs: [
      { id: 'a', taskGpus: [2], durationUs: seconds(HOUR) },
      { id: 'b', taskGpus: [2], durationUs: seconds(3 * HOUR), project: 1 },
    ],
    overrides: { durationUs: seconds(5 * HOUR), fixedCosts: [{ name: 'control plane', microUsdPerHour: 500_000 }] },
  });
}

/** A spot pool, file systems, faults, and nodes that come, are updated and go. */
const everything = () =>
  readScenario(`apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 10d, policy: fifo, stack: mission-control}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: a, gpuModel: H100-SXM5, nodes: 3}, {name: b, gpuModel: H100-SXM5, nodes: 2, spot: true, reclaim: {meanTime: 2d}}]}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {processes: [{name: p, unit: gpu, mtbf: 500h, kinds: {xid-79: 1, xid-31: 1, hang: 1, host-crash: 1, silent-corruption: 1}}]}
---
apiVersion: simsup.dev/v1
kind: Provisioning
spec: {rollouts: [{name: fw, at: 1d}, {name: later, at: 30d}], changes: [{at: 2d, pool: a, add: 1}, {at: 9d, pool: a, remove: 1}]}
---
apiVersion: simsup.dev/v1
kind: Storage
spec: {fileSystems: [{name: dsx}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {defaults: {checkpointEvery: 1h, checkpointSize: 1TB}, teams: [{name: t, sizes: [{gpus: 8}], arrivals: {perDay: 12}, duration: 5h}]}
`);

describe('summarise', () => {
  it('gives the figures one can work out by hand', () => {
    const summary = summarise(simulate(twoJobs()), 1.5);
    expect(summary.wallSeconds).toBe(1.5);
    expect(summary.simulatedSeconds).toBe(5 * HOUR);
    expect(summary.ledger.capacity).toBe(String(2n * 7000n * 18_000_000_000n));
    expect(summary.ledger.categories.productive).toBe(String(2n * 7000n * 14_400_000_000n));
    expect(summary.ledger.gpuHours.free).toBe(2);
    expect(summary.figures.goodput).toEqual({ value: 0.8, denominator: 'installed' });
    expect(summary.jobs.counts).toEqual({
      total: 2,
      notSubmitted: 0,
      completed: 2,
      failed: 0,
      running: 0,
      pending: 0,
      unschedulable: 0,
    });
    expect(summary.jobs.jct).toEqual({
      count: 2,
      mean: 2.5 * HOUR,
      p50: HOUR,
      p90: 4 * HOUR,
      p95: 4 * HOUR,
      p99: 4 * HOUR,
      max: 4 * HOUR,
    });
    expect(summary.jobs.queueingDelay.max).toBe(HOUR);
    expect(summary.jobs.slowdown.max).toBe(4 / 3);
    expect(
      summary.queues.map((queue) => [
        queue.jobs,
        queue.gpuHours.inQuota + queue.gpuHours.overQuota,
        queue.queueingDelay.p50,
      ]),
    ).toEqual([
      [1, 2, 0],
      [1, 6, HOUR],
    ]);
    expect(summary.queues[1].meanAllocatedGpus).toBeCloseTo(1.2, 12);
    // 10 GPU-hours at $5.92, idle or not, and 5 hours at $0.50.
    expect(summary.cost).toMatchObject({ gpus: 59.2, fixed: 2.5, total: 61.7 });
  });

  it('leaves jobs of the warm-up out of the distributions but not out of the counts', () => {
    const scenario = twoJobs();
    const late = { ...scenario, warmUpUs: 1 };
    const summary = summarise(simulate(late), 0);
    expect(summary.jobs.counts.completed).toBe(2);
    expect(summary.jobs.measured).toBe(0);
    expect(summary.jobs.jct).toEqual({ count: 0, mean: null, p50: null, p90: null, p95: null, p99: null, max: null });
  });

  it('counts waits so far of jobs that never got to run, and says why others never can', () => {
    const scenario = smallScenario({
      nodes: [{ pool: 0, count: 1, gpus: 2 }],
      jobs: [
        { durationUs: seconds(100), taskGpus: [2] },
        { durationUs: seconds(100), taskGpus: [1] },
        { id: 'huge', durationUs: seconds(100), taskGpus: [4] },
      ],
      overrides: { durationUs: seconds(60) },
    });
    const { jobs } = summarise(simulate(scenario), 0);
    expect(jobs.counts).toMatchObject({ running: 1, pending: 1, unschedulable: 1 });
    expect(jobs.queueingDelay).toMatchObject({ count: 2, p50: 0, max: 60 });
    expect(jobs.unschedulable).toEqual([
      { id: 'huge', gpus: 4, why: 'a worker of 4 GPUs, but no node of pool-0 has more than 2' },
    ]);
  });

  it('adds up to the capacity and is as its JSON Schema says, on a whole scenario', () => {
    const summary = summarise(simulate(builtin('mission-control')), 0.1);
    const { ledger } = summary;
    const sum = CATEGORIES.reduce((total, category) => total + BigInt(ledger.categories[category]), 0n);
    expect(String(sum)).toBe(ledger.capacity);
    const schema = z.fromJSONSchema(
      JSON.parse(readFileSync(new URL('../docs/schema/run.schema.json', import.meta.url), 'utf8')),
    );
    const json = JSON.parse(JSON.stringify(summary));
    schema.parse(json);
    // One with all that only some scenarios have.
    schema.parse(JSON.parse(JSON.stringify(summarise(simulate(everything()), 0.1))));
    expect(schema.safeParse({ ...json, digest: 7 }).success).toBe(false);
    expect(schema.safeParse({ ...json, ledger: { ...json.ledger, categories: {} } }).success).toBe(false);
  });
});

describe('quantiles', () => {
  it('are of nearest rank: at least that share does not exceed them, and nothing smaller will do', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 100 }),
        (values, percent) => {
          const ascending = [...values].sort((a, b) => a - b);
          const found = nearestRank(ascending, percent / 100) as number;
          const upTo = (limit: number) => values.filter((value) => value <= limit).length * 100;
          expect(values).toContain(found);
          expect(upTo(found)).toBeGreaterThanOrEqual(percent * values.length);
          expect(upTo(found - 1)).toBeLessThan(percent * values.length);
        },
      ),
    );
  });

  it('do not depend on the order of what is given', () => {
    expect(distribution([3, 1, 2])).toEqual(distribution([1, 2, 3]));
    expect(distribution([10, 9]).p50).toBe(9);
  });
});
