/** Placers that score nodes, compared with looking at every node by the rule as it is published. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GPU_UNITS } from '../../cluster/cluster.ts';
import { exp } from '../../engine/math.ts';
import type { JobSpec, NodeGroup, Scenario, TypicalWorker } from '../../scenario.ts';
import { smallScenario } from '../../testing.ts';
import { bestfitWeighted } from './bestfit-weighted.ts';
import { dotprod } from './dotprod.ts';
import { fgd } from './fgd.ts';
import { gpuClustering } from './gpu-clustering.ts';
import { gpuPacking } from './gpu-packing.ts';
import { type Placement, type Placer, placeGang } from './placement.ts';
import { type Bench, openBench } from './testing.ts';
import { typicalWorkers } from './typical.ts';

/** A node as a published rule speaks of it. */
interface PlainNode {
  pool: number;
  cpu: number;
  /** Unallocated thousandths of each GPU. */
  free: number[];
  /** What runs there: thousandths per GPU and number of GPUs. */
  pods: PlainPod[];
}

interface PlainPod {
  cpu: number;
  n: number;
  m: number;
}

/** Higher is better; for a share that chooses its GPU by score, `gpu` is its index. */
type PlainScore = (node: PlainNode, pod: PlainPod) => { score: number; gpu?: number };

type Step =
  | { kind: 'place'; pod: number }
  /** Placed and taken back, or placed and the cluster restored to a snapshot from before. */
  | { kind: 'try'; pod: number; restored: boolean }
  | { kind: 'leave'; which: number }
  | { kind: 'turn'; node: number; state: number };

const SHARES = [50, 110, 230, 460, 500, 650, 810, 1000, 1000, 1000];

const case_ = fc.record({
  nodes: fc.array(
    fc.record({
      pool: fc.integer({ min: 0, max: 2 }),
      gpus: fc.constantFrom(1, 2, 4, 8),
      cpuMilli: fc.integer({ min: 4, max: 128 }).map((cores) => cores * 1000),
    }),
    { minLength: 2, maxLength: 8 },
  ),
  pods: fc.array(
    fc.record({
      gpus: fc.constantFrom(0, 1, 1, 1, 2, 4, 8),
      share: fc.constantFrom(...SHARES),
      cpuMilli: fc.integer({ min: 0, max: 32 }).map((cores) => cores * 1000),
      poolList: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 5, maxLength: 40 },
  ),
  steps: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('place' as const), pod: fc.nat(39) }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('try' as const), pod: fc.nat(39), restored: fc.boolean() }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat(99) }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('turn' as const), node: fc.nat(7), state: fc.nat(1) }),
      },
    ),
    { minLength: 10, maxLength: 120 },
  ),
});

/**
 * Runs random sequences of pods that come, go and are only tried, on nodes of three models that are drained and returned,
 * and compares each choice of node and GPUs with looking at every node by `scoreFor`. Gives the number compared.
 */
function compareWithPlain(placer: Placer, scoreFor: (scenario: Scenario) => PlainScore): number {
  let compared = 0;
  fc.assert(
    fc.property(case_, ({ nodes, pods, steps }) => {
      const bench = openBench(scenarioFor(nodes, pods));
      const plain = scoreFor(bench.scenario);
      const placed: number[] = [];
      for (const step of steps) compared += take(bench, placer, plain, placed, step);
    }),
    { seed: 20_260_101, numRuns: 150 },
  );
  return compared;
}

function scenarioFor(
  nodes: { pool: number; gpus: number; cpuMilli: number }[],
  pods: { gpus: number; share: number; cpuMilli: number; poolList: number }[],
): Scenario {
  const groups: NodeGroup[] = nodes.map((node) => ({ ...node, count: 1 }));
  const jobs: (Partial<JobSpec> & { durationUs: number })[] = pods.map(({ gpus, share, cpuMilli, poolList }) => ({
    durationUs: 1,
    taskGpus: [gpus],
    shareMilli: gpus === 1 ? share : 1000,
    cpuMilli,
    poolList,
  }));
  const scenario = smallScenario({ nodes: [...groups, { pool: 2, count: 1, gpus: 8, cpuMilli: 96_000 }], jobs });
  return { ...scenario, poolLists: [[0, 1, 2], [2], [1, 0], [0, 1, 2]] };
}

function take(bench: Bench, placer: Placer, plain: PlainScore, placed: number[], step: Step): number {
  const { cluster, scenario, view, stream } = bench;
  if (step.kind === 'leave') {
    if (placed.length > 0) bench.leave(placed.splice(step.which % placed.length, 1)[0]);
    return 0;
  }
  if (step.kind === 'turn') {
    cluster.setNodeState(step.node % cluster.nodeCount, step.state);
    cluster.commit();
    return 0;
  }
  const job = step.pod % scenario.jobs.count;
  if (placed.includes(job)) return 0;
  const expected = chooseByLooking(bench, plain, job);
  if (step.kind === 'try') {
    const before = cluster.snapshot();
    expectSame(placeGang(placer, view, job, stream), expected, scenario);
    if (step.restored) cluster.restore(before);
    else cluster.takeBack(0);
  } else {
    const got = bench.place(placer, job);
    expectSame(got, expected, scenario);
    if (got !== null) placed.push(job);
  }
  return 1;
}

function expectSame(got: Placement | null, expected: { node: number; mask: number } | null, scenario: Scenario): void {
  const ours = got === null ? 'refused' : `node ${got.nodes[0]} GPUs ${got.masks[0].toString(2)}`;
  const theirs = expected === null ? 'refused' : `node ${expected.node} GPUs ${expected.mask.toString(2)}`;
  if (ours !== theirs) throw new Error(`${ours}, by looking at every node: ${theirs} (of ${scenario.nodes.count})`);
}

function chooseByLooking({ cluster, scenario }: Bench, plain: PlainScore, job: number) {
  const { jobs, nodes, poolLists } = scenario;
  const podOf = (j: number): PlainPod => {
    const n = jobs.taskGpus[jobs.taskStart[j]];
    return { cpu: jobs.cpuMilli[j], n, m: n === 0 ? 0 : jobs.shareMilli[j] };
  };
  const pod = podOf(job);
  let best: { node: number; mask: number; score: number } | null = null;
  for (let node = 0; node < nodes.count; node++) {
    const free = [...cluster.gpuFree.subarray(cluster.gpuStart[node], cluster.gpuStart[node + 1])].map(
      (units) => (units * 1000) / GPU_UNITS,
    );
    const pods: PlainPod[] = [];
    for (let j = 0; j < jobs.count; j++) if (cluster.taskNode[jobs.taskStart[j]] === node) pods.push(podOf(j));
    const cpu = nodes.cpuMilli[node] - pods.reduce((sum, p) => sum + p.cpu, 0);
    const allowed = poolLists[jobs.poolList[job]].includes(nodes.pool[node]) && cluster.nodeState[node] === 0;
    const gpus = free.filter((g) => (pod.m === 1000 ? g === 1000 : g >= pod.m)).length;
    if (!allowed || cpu < pod.cpu || gpus < pod.n) continue;
    const { score, gpu } = plain({ pool: nodes.pool[node], cpu, free, pods }, pod);
    if (best === null || score > best.score) best = { node, score, mask: gpuMask(free, pod, gpu) };
  }
  return best;
}

function gpuMask(free: number[], { n, m }: PlainPod, gpu?: number): number {
  if (gpu !== undefined) return 1 << gpu;
  if (n === 1 && m < 1000) return 1 << free.indexOf(Math.min(...free.filter((g) => g >= m)));
  const idle = free.flatMap((g, k) => (g === 1000 ? [k] : [])).slice(0, n);
  return idle.reduce((mask, k) => mask | (1 << k), 0);
}

/** The paper's fragmentation of a node, case by case, summed in the order of the authors' program. */
function fragmentOf({ cpu, free, pool }: PlainNode, typical: readonly TypicalWorker[]): number {
  const room = free.reduce((sum, g) => sum + g, 0);
  const buckets = new Array(7).fill(0);
  for (const t of typical) {
    const enough = free.filter((g) => g >= t.milli[pool]).length >= t.gpus;
    if (t.gpus === 0) buckets[cpu >= t.cpuMilli ? 4 : 5] += t.weight * room;
    else if (t.milli[pool] < 0) buckets[6] += t.weight * room;
    else if (!enough) buckets[cpu < t.cpuMilli ? 0 : 1] += t.weight * room;
    else if (cpu < t.cpuMilli) buckets[3] += t.weight * room;
    else buckets[1] += t.weight * free.filter((g) => g < t.milli[pool]).reduce((sum, g) => sum + g, 0);
  }
  return buckets.reduce((sum, f) => sum + f, 0);
}

function scoreByPaper(node: PlainNode, pod: PlainPod, typical: readonly TypicalWorker[]) {
  const before = fragmentOf(node, typical);
  const scoreWith = (taken: number[]) => {
    const free = node.free.map((g, k) => (taken.includes(k) ? g - pod.m : g));
    const after = fragmentOf({ ...node, cpu: node.cpu - pod.cpu, free }, typical);
    return Math.trunc(100 * (1 / (1 + exp(-(before - after) / 1000))));
  };
  if (pod.n !== 1 || pod.m === 1000) {
    const idle = node.free.flatMap((g, k) => (g === 1000 ? [k] : []));
    return { score: scoreWith(pod.n === 0 ? [] : idle.slice(0, pod.n)) };
  }
  return node.free
    .flatMap((g, gpu) => (g >= pod.m ? [{ gpu, score: scoreWith([gpu]) }] : []))
    .reduce((best, choice) => (choice.score > best.score ? choice : best));
}

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** The rules of the authors of FGD for the policies they compare (Weng et al., USENIX ATC 2023). */
const PUBLISHED: [Placer, (scenario: Scenario) => PlainScore][] = [
  [
    dotprod,
    () =>
      ({ cpu, free }, pod) => {
        const d = (cpu / 128_000) * (pod.cpu / 128_000) + (total(free) / 8000) * ((pod.n * pod.m) / 8000);
        return { score: Math.trunc(100 * (1 - d / 2)) };
      },
  ],
  [
    bestfitWeighted,
    () =>
      ({ cpu, free }, pod) => {
        const s = ((cpu - pod.cpu) / 128_000) * 0.5 + ((total(free) - pod.n * pod.m) / 8000) * 0.5;
        return { score: Math.trunc((1 - s) * 100) };
      },
  ],
  [
    gpuPacking,
    () =>
      ({ free }, { n, m }) => {
        if (n === 0) return { score: 0 };
        const idle = free.filter((g) => g === 1000).length;
        if (idle === free.length) return { score: Math.max(33 - idle, idle) };
        const fit = free.filter((g) => g >= m).sort((a, b) => a - b);
        const taken = fit.slice(0, n);
        const opened = taken.filter((g) => g === 1000).length;
        if (opened > 0) return { score: Math.max(50 - opened, 33) };
        return { score: Math.max(100 - Math.trunc(total(taken.map((g) => Math.trunc(g / 10))) / 10), 50) };
      },
  ],
  [
    gpuClustering,
    () =>
      ({ free, pods }, pod) => {
        if (pod.n === 0) return { score: 0 };
        const classOf = ({ n, m }: PlainPod) => (m < 1000 ? 'share' : `${n}`);
        const present = new Set(pods.filter(({ n }) => n > 0).map(classOf));
        const u = Math.trunc((25 * (8000 - total(free))) / 8000);
        if (present.size === 0) return { score: 25 + u };
        if (!present.has(classOf(pod))) return { score: u };
        return { score: (present.size === 1 ? 75 : 50) + u };
      },
  ],
  [
    fgd,
    (scenario) => {
      const typical = typicalWorkers(scenario);
      return (node, pod) => scoreByPaper(node, pod, typical);
    },
  ],
];

describe.each(PUBLISHED.map(([placer, rule]) => [placer.name, placer, rule] as const))('%s', (_name, placer, rule) => {
  it('chooses node and GPUs as published, ties to the lowest', () => {
    expect(compareWithPlain(placer, rule)).toBeGreaterThan(1000);
  });
});
