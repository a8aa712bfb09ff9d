/**
 * The experiment of "Beware of Fragmentation" (Weng et al., USENIX ATC 2023) as a scenario: pods of Alibaba's openb trace
 * arrive one by one and stay; each is placed at once or never. Here it is only stated and its result read off:
 * the simulation runs it, and the policies under sim/ decide. A refused pod goes on waiting there, passed over by those
 * behind it; as nothing ever leaves, it never fits again, which is the same as being dropped.
 */
import type { Stream } from '../../sim/engine/random.ts';
import { typicalWorkers } from '../../sim/policy/packing/typical.ts';
import { JobsBuilder, nodeColumns, type Scenario, SECOND_US, Simulation } from '../../sim/simulate.ts';
import { numbersOf, readTable } from './files.ts';
import { bareScenario } from './scenario.ts';

/** Our placement policy for each of the authors' six. */
export const PLACEMENTS: Record<string, string> = {
  Random: 'random',
  DotProd: 'dotprod',
  GpuClustering: 'gpu-clustering',
  GpuPacking: 'gpu-packing',
  BestFit: 'bestfit-weighted',
  FGD: 'fgd',
};

export interface Pods {
  name: string[];
  cpuMilli: Float64Array;
  memoryMiB: Float64Array;
  gpus: Float64Array;
  /** Thousandths of each GPU; 0 without GPUs. */
  milli: Float64Array;
  /** GPU models it may use, `V100M16|V100M32`; '' = any. */
  spec: string[];
}

export interface Nodes {
  name: string[];
  cpuMilli: Float64Array;
  memoryMiB: Float64Array;
  gpus: Float64Array;
  model: string[];
}

/** One run: the pods (by their number in the trace) in order of arrival, and the nodes in the order that breaks ties. */
export interface Experiment {
  pods: Pods;
  nodes: Nodes;
  arrivals: ArrayLike<number>;
  nodeOrder: ArrayLike<number>;
  /** One of ours, e.g. `fgd`. */
  placement: string;
  seed: string;
}

export interface Outcome {
  /** Number of the node in `nodes` each arrival got, -1 = refused; and its GPUs as bits. */
  node: Int32Array;
  mask: Int32Array;
  wallSeconds: number;
}

export function readPods(path: string): Pods {
  const table = readTable(path);
  const gpus = numbersOf(table, 'num_gpu');
  return {
    name: table.column('name'),
    cpuMilli: numbersOf(table, 'cpu_milli'),
    memoryMiB: numbersOf(table, 'memory_mib'),
    gpus,
    milli: numbersOf(table, 'gpu_milli').map((milli, i) => (gpus[i] === 0 ? 0 : milli)),
    spec: (table.has('gpu_spec') ? table.column('gpu_spec') : table.column('name').map(() => '')).map((spec, i) =>
      gpus[i] === 0 ? '' : spec,
    ),
  };
}

export function readNodes(path: string): Nodes {
  const table = readTable(path);
  return {
    name: table.column('sn'),
    cpuMilli: numbersOf(table, 'cpu_milli'),
    memoryMiB: numbersOf(table, 'memory_mib'),
    gpus: numbersOf(table, 'gpu'),
    model: table.column('model'),
  };
}

/** GPU demand of a pod, thousandths. */
export const demandOf = (pods: Pods, pod: number) => pods.gpus[pod] * pods.milli[pod];

/** What the whole cluster has, thousandths of a GPU. */
export const capacityOf = (nodes: Nodes) => nodes.gpus.reduce((sum, gpus) => sum + gpus * 1000, 0);

export function run(experiment: Experiment): Outcome {
  const { arrivals, nodeOrder } = experiment;
  const scenario = scenarioOf(experiment);
  const began = performance.now();
  const simulation = new Simulation(scenario);
  simulation.run();
  const wallSeconds = (performance.now() - began) / 1000;
  // Nothing leaves, so at the end every pod that was placed is where it was put; job i has one worker, task i.
  const { taskNode, taskMask } = simulation.cluster;
  return {
    node: Int32Array.from(arrivals, (_, i) => (taskNode[i] < 0 ? -1 : nodeOrder[taskNode[i]])),
    mask: Int32Array.from(arrivals, (_, i) => taskMask[i]),
    wallSeconds,
  };
}

/** Each GPU model is a pool; nodes are numbered by rank, so that the lowest wins a tie. */
export function scenarioOf({ pods, nodes, arrivals, nodeOrder, placement, seed }: Experiment): Scenario {
  const models = [...new Set(nodes.model)].sort();
  // In the order of their text, by which the authors break ties between typical pods.
  const specs = [...new Set(['', ...pods.spec])].sort();
  const shared = {
    pools: models.map((model) => ({ name: model, gpuModel: model, gpuMemoryMiB: 0, priceMicroUsd: 0, spot: false })),
    poolLists: specs.map((spec) => {
      const allowed = spec.split('|');
      return models.flatMap((model, pool) => (spec === '' || allowed.includes(model) ? [pool] : []));
    }),
    migLayouts: [],
    migProfiles: [],
  };
  const jobsOf = (list: Iterable<number>) => {
    const builder = new JobsBuilder();
    for (const pod of list) {
      builder.add({
        id: `${builder.count}`,
        project: 0,
        class: 'batch',
        submitUs: builder.count * SECOND_US,
        durationUs: Number.POSITIVE_INFINITY,
        taskGpus: [pods.gpus[pod]],
        shareMilli: pods.gpus[pod] === 0 ? 1000 : pods.milli[pod],
        cpuMilli: pods.cpuMilli[pod],
        memoryMiB: pods.memoryMiB[pod],
        poolList: specs.indexOf(pods.spec[pod]),
      });
    }
    return builder.build();
  };
  const order = Array.from(nodeOrder);
  const columns = nodeColumns(
    order.map((n) => ({
      pool: models.indexOf(nodes.model[n]),
      count: 1,
      gpus: nodes.gpus[n],
      cpuMilli: nodes.cpuMilli[n],
      memoryMiB: nodes.memoryMiB[n],
    })),
  );
  const bare = bareScenario(0, 0, [], { name: 'fifo', args: { blocked: 'skip', placement } });
  return {
    ...bare,
    ...shared,
    name: `fgd-${placement}`,
    seed,
    durationUs: arrivals.length * SECOND_US,
    nodes: { ...columns, names: order.map((n) => nodes.name[n]) },
    projects: bare.projects.map((project) => ({ ...project, deservedGpus: models.map(() => -1) })),
    jobs: jobsOf(Array.from(arrivals)),
    // Counted in the trace before it was shuffled and pods were drawn again from it.
    typicalWorkers: typicalWorkers({ ...shared, jobs: jobsOf(pods.name.keys()) }),
  };
}

/**
 * An arrival list of 130 % of the cluster's GPUs: the trace shuffled, then pods drawn from it again until the next draw
 * would pass the target (by one GPU's worth, as the authors test); or pods taken out where the trace asks for more.
 */
export function drawArrivals(pods: Pods, nodes: Nodes, stream: Stream): number[] {
  const byName = [...pods.name.keys()].sort((a, b) => (pods.name[a] < pods.name[b] ? -1 : 1));
  const arrivals = shuffled(byName, stream);
  const target = 1.3 * capacityOf(nodes);
  let total = arrivals.reduce((sum, pod) => sum + demandOf(pods, pod), 0);
  while (total > target) {
    const [out] = arrivals.splice(stream.integer(arrivals.length), 1);
    total -= demandOf(pods, out);
    if (total <= target) return arrivals;
  }
  while (total < target) {
    const pod = byName[stream.integer(byName.length)];
    if (total + pods.milli[pod] > target) break;
    arrivals.push(pod);
    total += demandOf(pods, pod);
  }
  return arrivals;
}

export function drawNodeOrder(nodes: Nodes, stream: Stream): number[] {
  return shuffled([...nodes.name.keys()], stream);
}

function shuffled(list: readonly number[], stream: Stream): number[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = stream.integer(i + 1);
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

/**
 * Mean allocation, % of the cluster's GPUs, over the arrivals at which `percent` (rounded) of its GPUs have been asked for;
 * NaN if that is never so.
 */
export function allocationAt(experiment: Experiment, outcome: Outcome, percent: number): number {
  const { pods, nodes, arrivals } = experiment;
  const capacity = capacityOf(nodes);
  let arrived = 0;
  let used = 0;
  const at = { sum: 0, count: 0 };
  const around = { sum: 0, count: 0 };
  for (let i = 0; i < arrivals.length; i++) {
    const demand = demandOf(pods, arrivals[i]);
    arrived += demand;
    if (outcome.node[i] >= 0) used += demand;
    const off = Math.abs(halfToEven((100 * arrived) / capacity) - percent);
    if (off > 1) continue;
    const window = off === 0 ? at : around;
    window.sum += Math.round((10_000 * used) / capacity) / 100;
    window.count++;
  }
  // Where no arrival falls on the point, the authors take its neighbours.
  const { sum, count } = at.count > 0 ? at : around;
  return Math.round((100 * sum) / count) / 100;
}

function halfToEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}
