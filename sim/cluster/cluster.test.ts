import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smallScenario } from '../testing.ts';
import { Cluster, GPU_UNITS, NODE_STATES, READY } from './cluster.ts';
import { bitCount } from './idset.ts';

const MIG_LAYOUTS = [{ instances: ['3g', '2g', '2g'], sevenths: [3, 2, 2] }];

/** Two pools and a MIG node; jobs of every kind of request. */
function mixedCluster(): Cluster {
  const sizes = [
    {},
    { taskGpus: [2, 2, 1] },
    { taskGpus: [4] },
    { shareMilli: 333 },
    { shareMilli: 500, taskGpus: [2] },
    { shareMilli: 1 },
    { gpuMemoryMiB: 30_000 },
    { migProfile: 0 },
    { migProfile: 1, taskGpus: [2, 3] },
    { taskGpus: [0] },
    { taskGpus: [8] },
    { shareMilli: 700, taskGpus: [1, 1, 1] },
  ];
  const scenario = smallScenario({
    nodes: [
      { pool: 0, count: 3, gpus: 4, cpuMilli: 8000, memoryMiB: 64_000 },
      { pool: 1, count: 2, gpus: 8 },
      { pool: 1, count: 1, gpus: 2, migLayout: 0 },
      { pool: 1, count: 1, gpus: 0 },
    ],
    jobs: [...sizes, ...sizes, ...sizes].map((size, i) => ({
      durationUs: 1,
      cpuMilli: (i % 4) * 700,
      memoryMiB: (i % 3) * 9000,
      ...size,
    })),
    overrides: { migLayouts: MIG_LAYOUTS, migProfiles: ['3g', '2g'] },
  });
  return new Cluster(scenario);
}

/** What is asked of the cluster by way of its indexes, and the same by looking at every node and GPU. */
function expectIndexesTrue(cluster: Cluster): void {
  const { nodes, pools } = cluster.spec;
  pools.forEach((_, pool) => {
    const open = [...cluster.nodesOfPool[pool]].filter((node) => cluster.nodeState[node] === READY);
    const gpusOf = (node: number) => [...cluster.gpuFree.subarray(cluster.gpuStart[node], cluster.gpuStart[node + 1])];
    expect(cluster.openFreeUnits[pool]).toBe(open.flatMap(gpusOf).reduce((sum, free) => sum + free, 0));
    expect(cluster.openFreeGpus[pool]).toBe(open.reduce((sum, node) => sum + cluster.nodeFreeGpus[node], 0));
    for (let k = 0; k <= cluster.widestNode(pool); k++) {
      const seen: number[] = [];
      for (let node = cluster.firstNode(pool, k); node >= 0; node = cluster.nextNode(pool, k, node)) seen.push(node);
      expect(seen).toEqual(open.filter((node) => cluster.nodeFreeGpus[node] === k));
      expect(cluster.nodesWithFree(pool, k)).toBe(seen.length);
    }
    expect(cluster.widestFree(pool)).toBe(Math.max(0, ...open.map((node) => cluster.nodeFreeGpus[node])));
    const shared = open
      .filter((node) => nodes.migLayout[node] < 0)
      .flatMap((node) => gpusOf(node).flatMap((free) => (free > 0 && free < GPU_UNITS ? [{ node, free }] : [])));
    for (const units of [1, 7, 700, 2331, 3500, 6999]) {
      const enough = shared.filter(({ free }) => free >= units).sort((a, b) => a.free - b.free);
      const found = cluster.tightestShared(pool, units, () => true);
      if (enough.length === 0) expect(found).toBe(-1);
      else expect(enough.some(({ node, free }) => node === found && free === enough[0].free)).toBe(true);
      const below = shared.filter(({ free }) => free < units).reduce((sum, { free }) => sum + free, 0);
      expect(cluster.unitsOnSharedBelow(pool, units)).toBe(below);
    }
  });
  for (let node = 0; node < cluster.nodeCount; node++) {
    const held = new Array<number>(nodes.gpus[node]).fill(0);
    let tasks = 0;
    for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
      expect(cluster.taskNode[task]).toBe(node);
      tasks++;
      const instances = cluster.taskInstances.get(task);
      const start = cluster.gpuStart[node];
      if (instances !== undefined) for (const i of instances) held[(i >> 3) - start] += cluster.taskUnits[task];
      else
        for (let g = 0; g < held.length; g++)
          if ((cluster.taskMask[task] & (1 << g)) !== 0) held[g] += cluster.taskUnits[task];
    }
    expect(tasks).toBe(cluster.taskNode.reduce((count, at) => count + (at === node ? 1 : 0), 0));
    for (let g = 0; g < held.length; g++) {
      expect(GPU_UNITS - held[g]).toBe(cluster.gpuFree[cluster.gpuStart[node] + g]);
    }
  }
}

type Step = { what: number; task: number; node: number; state: number };
const steps = (most: number) =>
  fc.array(
    fc.record({
      what: fc.nat({ max: 9 }),
      task: fc.nat(),
      node: fc.nat(),
      state: fc.nat({ max: NODE_STATES.length - 1 }),
    }),
    { maxLength: most },
  );

/** Does what is possible; tells what it did. */
function take(cluster: Cluster, given: readonly Step[], did: Record<string, number>): void {
  for (const { what, task: anyTask, node: anyNode, state } of given) {
    const task = anyTask % cluster.taskCount;
    const node = anyNode % cluster.nodeCount;
    const job = cluster.jobOfTask[task];
    const gpus = cluster.spec.jobs.taskGpus[task];
    if (what === 0) {
      cluster.setNodeState(node, state);
      did.state = (did.state ?? 0) + 1;
    } else if (cluster.taskNode[task] >= 0 && what < 4) {
      cluster.release(task);
      did.release = (did.release ?? 0) + 1;
    } else if (cluster.taskNode[task] < 0 && cluster.fits(job, gpus, node)) {
      const mask = cluster.pickGpus(job, gpus, node);
      if (cluster.spec.jobs.migProfile[job] < 0) expect(bitCount(mask)).toBe(gpus);
      cluster.allocate(task, node, mask);
      did.allocate = (did.allocate ?? 0) + 1;
      if (cluster.taskInstances.has(task)) did.mig = (did.mig ?? 0) + 1;
    }
  }
}

describe('Cluster', () => {
  it('is bit for bit as before when a trial is taken back, nested trials too', () => {
    const did: Record<string, number> = {};
    fc.assert(
      fc.property(steps(60), steps(30), steps(30), (first, second, third) => {
        const cluster = mixedCluster();
        take(cluster, first, {});
        cluster.commit();
        const outer = cluster.snapshot();
        const outerMark = cluster.mark();
        take(cluster, second, did);
        // The log is part of a snapshot; the outer one is empty and the inner one is not.
        const inner = cluster.snapshot();
        const innerMark = cluster.mark();
        take(cluster, third, did);
        cluster.takeBack(innerMark);
        expect(cluster.snapshot()).toEqual(inner);
        expectIndexesTrue(cluster);
        cluster.takeBack(outerMark);
        expect(cluster.snapshot()).toEqual(outer);
        expectIndexesTrue(cluster);
      }),
      { seed: 1, numRuns: 200 },
    );
    for (const what of ['state', 'release', 'allocate', 'mig']) expect(did[what], what).toBeGreaterThan(20);
  });

  it('has indexes that agree with looking at every node, also after a snapshot is restored', () => {
    fc.assert(
      fc.property(steps(80), (given) => {
        const cluster = mixedCluster();
        take(cluster, given, {});
        expectIndexesTrue(cluster);
        const other = mixedCluster();
        other.restore(cluster.snapshot());
        expectIndexesTrue(other);
        expect(other.snapshot()).toEqual(cluster.snapshot());
      }),
      { seed: 2, numRuns: 60 },
    );
  });

  it('throws rather than over-commit', () => {
    const cluster = mixedCluster();
    const full = cluster.spec.jobs.taskStart[2]; // four whole GPUs
    cluster.allocate(full, 0, 0b1111);
    const again = cluster.spec.jobs.taskStart[14];
    expect(cluster.fits(14, 4, 0)).toBe(false);
    expect(() => cluster.allocate(again, 0, 0b1111)).toThrow('invariant: GPU 0 of node 0 is over-committed');
    expect(() => cluster.allocate(full, 1, 0b1111)).toThrow('placed twice');
    expect(() => cluster.release(again)).toThrow('holds nothing');
  });
});
