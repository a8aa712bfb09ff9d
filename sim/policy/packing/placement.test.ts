/** What holds for every placer on every cluster. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GPU_UNITS, NODE_STATES } from '../../cluster/cluster.ts';
import { bitCount } from '../../cluster/idset.ts';
import { smallScenario } from '../../testing.ts';
import { PLACERS, placerNamed } from './index.ts';
import type { Placement, Placer } from './placement.ts';
import { type Bench, openBench } from './testing.ts';

const MIG_LAYOUTS = [{ instances: ['3g', '2g', '2g'], sevenths: [3, 2, 2] }];

const case_ = fc.record({
  nodes: fc.array(
    fc.record({
      pool: fc.integer({ min: 0, max: 1 }),
      count: fc.integer({ min: 1, max: 2 }),
      gpus: fc.constantFrom(0, 1, 2, 4, 8),
      cpuMilli: fc.constantFrom(4000, 16_000, Number.POSITIVE_INFINITY),
      memoryMiB: fc.constantFrom(8000, Number.POSITIVE_INFINITY),
      migLayout: fc.constantFrom(-1, -1, 0),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  jobs: fc.array(
    fc.record({
      durationUs: fc.constant(1),
      taskGpus: fc.oneof(
        fc.constantFrom([0], [1], [2], [8], [8, 8, 4]),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }),
      ),
      size: fc.constantFrom<object>({}, {}, { shareMilli: 300 }, { gpuMemoryMiB: 50_000 }, { migProfile: 1 }),
      cpuMilli: fc.constantFrom(0, 0, 1500),
      memoryMiB: fc.constantFrom(0, 0, 3000),
      poolList: fc.integer({ min: 0, max: 2 }),
    }),
    { minLength: 1, maxLength: 25 },
  ),
  closed: fc.array(fc.nat(9), { maxLength: 2 }),
  avoided: fc.nat(9),
  leaving: fc.array(fc.nat(24), { maxLength: 10 }),
});
type Case = typeof case_ extends fc.Arbitrary<infer T> ? T : never;

function benchOf({ nodes, jobs, closed }: Case): Bench {
  const scenario = smallScenario({
    nodes: [...nodes, { pool: 1, count: 1, gpus: 2 }],
    jobs: jobs.map(({ size, ...job }) => ({ ...job, ...size })),
    overrides: { poolLists: [[0, 1], [1], [1, 0]], migLayouts: MIG_LAYOUTS, migProfiles: ['3g', '2g'] },
  });
  const bench = openBench(scenario);
  for (const node of closed) {
    bench.cluster.setNodeState(node % bench.cluster.nodeCount, NODE_STATES.indexOf('draining'));
  }
  bench.cluster.commit();
  return bench;
}

/** All of the gang, each worker on a ready node of one of its pools that suits, on GPUs of that node. */
function expectLegal({ cluster, scenario }: Bench, job: number, placement: Placement, avoided: number): void {
  const { jobs, nodes, poolLists } = scenario;
  const workers = Array.from(
    { length: jobs.taskStart[job + 1] - jobs.taskStart[job] },
    (_, i) => jobs.taskStart[job] + i,
  );
  expect([...placement.tasks].sort((a, b) => a - b)).toEqual(workers);
  expect(poolLists[jobs.poolList[job]]).toContain(placement.pool);
  placement.tasks.forEach((task, i) => {
    const node = placement.nodes[i];
    expect(node).not.toBe(avoided);
    expect(nodes.pool[node]).toBe(placement.pool);
    expect(NODE_STATES[cluster.nodeState[node]]).toBe('ready');
    expect(cluster.taskNode[task]).toBe(node);
    expect(placement.masks[i]).toBeLessThan(2 ** nodes.gpus[node]);
    if (jobs.migProfile[job] < 0) expect(bitCount(placement.masks[i])).toBe(jobs.taskGpus[task]);
  });
}

function nothingOverCommitted({ cluster, scenario }: Bench): void {
  const { jobs, nodes } = scenario;
  const used = new Float64Array(cluster.gpuCount);
  const cpu = new Float64Array(nodes.count);
  for (let task = 0; task < cluster.taskCount; task++) {
    const node = cluster.taskNode[task];
    if (node < 0) continue;
    cpu[node] += jobs.cpuMilli[cluster.jobOfTask[task]];
    if (cluster.taskInstances.has(task)) continue;
    for (let k = 0; k < nodes.gpus[node]; k++) {
      if ((cluster.taskMask[task] & (1 << k)) !== 0) used[cluster.gpuStart[node] + k] += cluster.taskUnits[task];
    }
  }
  used.forEach((units) => {
    expect(units).toBeLessThanOrEqual(GPU_UNITS);
  });
  cpu.forEach((milli, node) => {
    expect(milli).toBeLessThanOrEqual(nodes.cpuMilli[node]);
  });
}

/** Whether one worker fits any node it may use. */
function anyRoom({ cluster, scenario }: Bench, job: number, avoided: number): boolean {
  const { jobs, nodes, poolLists } = scenario;
  const gpus = jobs.taskGpus[jobs.taskStart[job]];
  return Array.from({ length: nodes.count }, (_, node) => node).some(
    (node) =>
      node !== avoided &&
      cluster.nodeState[node] === 0 &&
      poolLists[jobs.poolList[job]].includes(nodes.pool[node]) &&
      cluster.fits(job, gpus, node),
  );
}

function check(placer: Placer, given: Case): { placed: number; refused: number } {
  const bench = benchOf(given);
  const { cluster, scenario } = bench;
  const avoided = given.avoided % cluster.nodeCount;
  const counts = { placed: 0, refused: 0 };
  for (let job = 0; job < scenario.jobs.count; job++) {
    const before = cluster.snapshot();
    const single = scenario.jobs.taskStart[job + 1] - scenario.jobs.taskStart[job] === 1;
    const room = anyRoom(bench, job, avoided);
    const placement = bench.place(placer, job, (node) => node !== avoided);
    if (placement === null) {
      expect(cluster.snapshot()).toEqual(before);
      expect(single && room).toBe(false);
      counts.refused++;
    } else {
      expectLegal(bench, job, placement, avoided);
      counts.placed++;
    }
    nothingOverCommitted(bench);
    const leaving = given.leaving[job];
    if (leaving !== undefined && leaving <= job) bench.leave(leaving);
  }
  return counts;
}

describe.each(PLACERS.map((placer) => [placer.name, placer] as const))('%s', (_name, placer) => {
  it('places all of a gang or nothing, never more than there is, and whatever single worker fits', () => {
    let placed = 0;
    let refused = 0;
    fc.assert(
      fc.property(case_, (given) => {
        const counts = check(placer, given);
        placed += counts.placed;
        refused += counts.refused;
      }),
      { seed: 7, numRuns: 150 },
    );
    expect(placed).toBeGreaterThan(300);
    expect(refused).toBeGreaterThan(300);
  });

  it('chooses the same when all is the same', () => {
    fc.assert(
      fc.property(case_, (given) => {
        const runs = [0, 1].map(() => {
          const bench = benchOf(given);
          return given.jobs.map((_, job) => bench.place(placer, job));
        });
        expect(runs[0]).toEqual(runs[1]);
      }),
      { seed: 8, numRuns: 20 },
    );
  });
});

it('finds placers by name only', () => {
  expect(placerNamed('fgd').name).toBe('fgd');
  expect(() => placerNamed('worst')).toThrow("no placement policy 'worst'");
});
