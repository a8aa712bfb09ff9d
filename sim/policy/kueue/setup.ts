/**
 * From a scenario to ClusterQueues and cohorts: Kueue's own objects where the scenario states them; otherwise a project is
 * a ClusterQueue, its department the cohort, and node pools are the flavours in their order.
 */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import { KUEUE_RESOURCES, type KueueQuota, type KueueSettings, type Scenario } from '../../scenario.ts';
import { cellOf, type Memory, type Queue, RESOURCE_UNITS, type Settings } from './memory.ts';
import { emptyTree, NO_PARENT, type QuotaTree, settleTree } from './quota.ts';

/** Arguments that a ClusterQueue's manifest may state itself; 'stated' = as it does, or the preset's. */
export interface QueueArgs {
  queueingStrategy: string;
  reclaimWithinCohort: string;
  withinClusterQueue: string;
  borrowWithinCohort: string;
  whenCanBorrow: string;
  whenCanPreempt: string;
  flavorPreference: string;
  /** -1 = as stated, or none. */
  maxPriorityThreshold: number;
  /** Only where ClusterQueues are made of projects. */
  lendPercent: number;
  spareQuota: boolean;
  nodeAffinity: boolean;
}

export function openMemory(scenario: Scenario, args: QueueArgs, settings: Settings): Memory {
  const kueue = scenario.kueue ?? fromProjects(scenario, args);
  const tree = treeOf(kueue);
  const n = scenario.jobs.count;
  const queueOfProject = new Int32Array(scenario.projects.length).fill(-1);
  kueue.clusterQueues.forEach((queue, q) => {
    queueOfProject[queue.project] = q;
  });
  const queuesUnder = new Map<number, number[]>();
  for (let q = 0; q < tree.queues; q++) {
    const under = queuesUnder.get(tree.root[q]) ?? [];
    under.push(q);
    queuesUnder.set(tree.root[q], under);
  }
  return {
    tree,
    queues: kueue.clusterQueues.map((_, q) => queueOf(kueue, q, args, settings)),
    flavors: kueue.flavors,
    queueOfProject,
    nodeSizes: args.nodeAffinity ? nodeSizesOf(scenario) : null,
    counted: KUEUE_RESOURCES.map((r) => kueue.clusterQueues.some((q) => q.groups.some((g) => g.resources.includes(r)))),
    queuesUnder,
    shapes: [],
    shapeIds: new Map(),
    shapeOf: new Int32Array(n).fill(-1),
    queuedAt: Float64Array.from(scenario.jobs.submitUs),
    lines: kueue.clusterQueues.map(() => []),
    sticky: new Int32Array(tree.queues).fill(-1),
    admissions: new Map(),
    admittedIn: kueue.clusterQueues.map(() => []),
    dirty: [],
    isDirty: new Uint8Array(tree.nodes),
    calls: [],
    called: new Uint8Array(tree.nodes),
    callsMade: new Int32Array(tree.nodes),
    cycle: null,
    busyUntilUs: 0,
    awaited: [],
    notReady: 0,
    unbound: [],
    bindAgain: false,
    pods: { active: [], waiting: [], attempts: new Map(), nextStart: 0 },
    timeouts: new Map(),
    backingOff: [],
    said: new Uint8Array(n),
  };
}

function nodeSizesOf({ pools, nodes }: Scenario): [number, number, number][][] {
  const sizes = pools.map(() => new Map<string, [number, number, number]>());
  for (let n = 0; n < nodes.count; n++) {
    const size: [number, number, number] = [nodes.gpus[n], nodes.cpuMilli[n], nodes.memoryMiB[n]];
    sizes[nodes.pool[n]].set(size.join(), size);
  }
  return sizes.map((kinds) => [...kinds.values()]);
}

function queueOf(kueue: KueueSettings, q: number, args: QueueArgs, { preset }: Settings): Queue {
  const own = kueue.clusterQueues[q];
  const pick = <K extends keyof typeof own & keyof QueueArgs & keyof typeof preset>(field: K): string =>
    args[field] !== 'stated' ? String(args[field]) : String(own[field] ?? preset[field]);
  const threshold = args.maxPriorityThreshold >= 0 ? args.maxPriorityThreshold : (own.maxPriorityThreshold ?? Infinity);
  return {
    groups: own.groups.map((group) => ({
      resources: group.resources.map((name) => KUEUE_RESOURCES.indexOf(name)),
      flavors: group.flavors,
    })),
    rules: {
      strictFifo: pick('queueingStrategy') === 'StrictFIFO',
      reclaimWithinCohort: pick('reclaimWithinCohort') as Queue['rules']['reclaimWithinCohort'],
      withinClusterQueue: pick('withinClusterQueue') as Queue['rules']['withinClusterQueue'],
      borrowWithinCohort: pick('borrowWithinCohort') === 'LowerPriority',
      maxPriorityThreshold: threshold,
      triesNextBeforeBorrowing: pick('whenCanBorrow') === 'TryNextFlavor',
      triesNextBeforePreempting: pick('whenCanPreempt') === 'TryNextFlavor',
      preemptionOverBorrowing: pick('flavorPreference') === 'PreemptionOverBorrowing',
    },
  };
}

function treeOf(kueue: KueueSettings): QuotaTree {
  const { cohorts, clusterQueues } = kueue;
  const queues = clusterQueues.length;
  const tree = emptyTree(queues, cohorts.length, cellOf(kueue.flavors.length, 0));
  const fill = (node: number, name: string, weight: number, parent: number, quotas: readonly KueueQuota[]) => {
    tree.names[node] = name;
    tree.weight[node] = weight;
    tree.parent[node] = parent < 0 ? NO_PARENT : queues + parent;
    for (const quota of quotas) {
      const resource = KUEUE_RESOURCES.indexOf(quota.resource);
      const at = node * tree.cells + cellOf(quota.flavor, resource);
      const unit = RESOURCE_UNITS[resource];
      tree.nominal[at] = quota.nominal * unit;
      tree.borrowingLimit[at] = quota.borrowingLimit * unit;
      tree.lendingLimit[at] = quota.lendingLimit * unit;
    }
  };
  clusterQueues.forEach((queue, q) => {
    fill(q, queue.name, queue.weight, queue.cohort, queue.quotas);
  });
  cohorts.forEach((cohort, c) => {
    fill(queues + c, cohort.name, cohort.weight, cohort.parent, cohort.quotas);
  });
  settleTree(tree);
  return tree;
}

/**
 * Deserved GPUs are nominal quota, `maxOverQuotaGpus` is the borrowing limit of each flavour (Kueue knows no limit over
 * several), departments are cohorts under one root. Unlimited quota, which Kueue does not know, becomes none of its own
 * and borrowing without limit; what no project deserves is the root cohort's own quota.
 */
export function fromProjects(scenario: Scenario, args: Pick<QueueArgs, 'lendPercent' | 'spareQuota'>): KueueSettings {
  const { pools, nodes, projects, departments } = scenario;
  const spare = pools.map(() => 0);
  for (let n = 0; n < nodes.count; n++) spare[nodes.pool[n]] += nodes.gpus[n];
  for (const project of projects) {
    project.deservedGpus.forEach((gpus, p) => {
      spare[p] -= Math.max(0, gpus);
    });
  }
  const roots = departments.filter((department) => department.parent < 0).length;
  const top = roots === 1 ? departments.findIndex((department) => department.parent < 0) : departments.length;
  const cohorts: KueueSettings['cohorts'] = departments.map(({ name, parent }, d) => ({
    name,
    parent: d === top ? -1 : parent < 0 ? top : parent,
    quotas: [],
    weight: 1,
  }));
  if (top === departments.length) cohorts.push({ name: 'cluster', parent: -1, quotas: [], weight: 1 });
  if (args.spareQuota) {
    cohorts[top].quotas = spare.map((gpus, flavor) => ({
      flavor,
      resource: 'gpu',
      nominal: Math.max(0, gpus),
      borrowingLimit: Infinity,
      lendingLimit: Infinity,
    }));
  }
  return {
    flavors: pools.map(({ name }, p) => ({ name, pools: [p] })),
    cohorts,
    clusterQueues: projects.map((project, p) => ({
      name: project.name,
      project: p,
      cohort: project.department,
      groups: [{ resources: ['gpu'], flavors: pools.map((_, pool) => pool) }],
      weight: project.overQuotaWeight,
      quotas: project.deservedGpus.map((gpus, flavor) => ({
        flavor,
        resource: 'gpu',
        nominal: Math.max(0, gpus),
        borrowingLimit: gpus < 0 || project.maxOverQuotaGpus < 0 ? Infinity : project.maxOverQuotaGpus,
        // Whole units of the ledger.
        lendingLimit:
          args.lendPercent === 100
            ? Infinity
            : Math.floor((Math.max(0, gpus) * GPU_UNITS * args.lendPercent) / 100) / GPU_UNITS,
      })),
    })),
  };
}
