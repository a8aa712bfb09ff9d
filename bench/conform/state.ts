/** A case as the scheduler is given it: its defaults filled in. */
import {
  DEFAULT_CONFIG,
  DEFAULT_QUEUE_PRIORITY,
  FIRST_NON_PREEMPTIBLE_PRIORITY,
  RANKING_PLUGINS,
  type SchedulerConfig,
} from '../../sim/policy/runai/config.ts';
import type {
  JobState,
  NodeState,
  QueueState,
  SchedulerState,
  SubGroupState,
  TaskState,
  TaskStatus,
  TopologyWish,
} from '../../sim/policy/runai/state.ts';
import { CaseError, type ConformanceCase, type JobCase, type SubGroupCase, type TaskCase } from './cases.ts';

const SECOND_US = 1e6;
const MINUTE_US = 60 * SECOND_US;
/** Any moment will do: a case speaks of ages only. */
const NOW_US = 1e15;
const OWN_NAME_LABEL = 'kai.scheduler/type';
const DEFAULT_DEPARTMENT = 'default';

/** Where a task is between rounds. */
export interface TaskPlace {
  state: TaskStatus;
  node: string | null;
  gpuGroups: string[];
}

export function initialPlaces(given: ConformanceCase): Map<string, TaskPlace> {
  return new Map(
    given.jobs.flatMap((job) =>
      job.tasks.map(({ state, node, gpuGroups }, at): [string, TaskPlace] => [
        `${job.name}-${at}`,
        { state, node: node || null, gpuGroups: gpuGroups ?? [] },
      ]),
    ),
  );
}

export function configOf(given: ConformanceCase): SchedulerConfig {
  const config: SchedulerConfig = {
    ...DEFAULT_CONFIG,
    actions: given.actions,
    maxConsolidationPreemptees: -1,
    skipHarderJobs: false,
    maxScenariosPerJob: 0,
  };
  if (given.schedulerConf === undefined) return config;
  const { plugins } = given.schedulerConf;
  const placement = plugins.find(({ name }) => name === 'nodeplacement')?.arguments ?? {};
  return {
    ...config,
    plugins: new Set(RANKING_PLUGINS.filter((name) => plugins.some((plugin) => plugin.name === name))),
    gpuPlacement: placement.gpu === 'spread' ? 'spread' : 'binpack',
    cpuPlacement: placement.cpu === 'spread' ? 'spread' : 'binpack',
  };
}

export function stateOf(given: ConformanceCase, places: ReadonlyMap<string, TaskPlace>): SchedulerState {
  const byPriority = [...given.jobs].sort((a, b) => b.priority - a.priority);
  const graceUs = (given.mode === 'single' ? 60 : 0) * SECOND_US;
  return {
    nowUs: NOW_US,
    nodes: Object.entries(given.nodes).map(([name, node]): NodeState => {
      return {
        name,
        gpus: node.gpus,
        // 0 stands for "not said" as it does in the tables the cases come from.
        cpuMilli: (node.cpus || 20_000) * 1000,
        memoryBytes: node.memoryBytes || 20e9,
        maxTasks: node.maxTasks ?? 110,
        gpuMemoryMiB: node.gpuMemoryMiB || 100,
        labels: { [OWN_NAME_LABEL]: name, ...node.labels },
        taints: [],
        schedulable: true,
        mig: node.migStrategy ?? 'none',
        migInstances: node.migInstances ?? {},
      };
    }),
    queues: queuesOf(given),
    topologies: given.topologies ?? [],
    jobs: byPriority.map((job, at) => {
      const ageUs = (job.ageMinutes || byPriority.length - at) * MINUTE_US;
      return jobOf(job, NOW_US - ageUs, graceUs, places);
    }),
  };
}

function queuesOf(given: ConformanceCase): QueueState[] {
  const byDefault = given.departments === undefined && !given.noDefaultDepartment;
  const departments = byDefault
    ? [{ name: DEFAULT_DEPARTMENT, deservedGpus: -1 }]
    : (given.departments ?? []).filter(({ name }) => !given.queues.some((queue) => queue.name === name));
  const share = (deserved = -1, limit = -1, overQuotaWeight = 1) => ({ deserved, limit: limit || -1, overQuotaWeight });
  const queue = (
    one: ConformanceCase['queues'][number],
    at: number,
    parent: string | null,
    weight: number,
  ): QueueState => ({
    name: one.name,
    parent,
    priority: one.priority ?? DEFAULT_QUEUE_PRIORITY,
    createdUs: at * MINUTE_US,
    gpu: share(one.deservedGpus, one.gpuLimit, weight),
    cpuMilli: share(one.deservedCpuMilli, one.cpuMilliLimit),
    memoryBytes: share(inBytes(one.deservedMemoryMB), inBytes(one.memoryLimitMB)),
    preemptMinRuntimeUs: one.preemptMinRuntimeSeconds === undefined ? null : one.preemptMinRuntimeSeconds * SECOND_US,
    reclaimMinRuntimeUs: one.reclaimMinRuntimeSeconds === undefined ? null : one.reclaimMinRuntimeSeconds * SECOND_US,
    usage: { gpu: 0, cpu: 0, memory: 0 },
  });
  return [
    ...given.queues.map((one, at) =>
      queue(one, at, byDefault ? DEFAULT_DEPARTMENT : one.parent || null, one.gpuOverQuotaWeight ?? 0),
    ),
    ...departments.map((one, at) => queue(one, at, null, one.deservedGpus)),
  ];
}

const inBytes = (megabytes: number | undefined): number | undefined =>
  megabytes === undefined || megabytes < 0 ? megabytes : megabytes * 1e6;

function jobOf(job: JobCase, createdUs: number, graceUs: number, places: ReadonlyMap<string, TaskPlace>): JobState {
  const running = job.tasks.some((_, at) => {
    const { state } = places.get(`${job.name}-${at}`) as TaskPlace;
    return ['Allocated', 'Bound', 'Binding', 'Running'].includes(state);
  });
  const root = treeOf(job);
  const leaves = new Set(leavesOf(root));
  return {
    name: job.name,
    queue: job.queue,
    priority: job.priority,
    preemptible:
      job.preemptibility === undefined
        ? job.priority < FIRST_NON_PREEMPTIBLE_PRIORITY
        : !/^non/i.test(job.preemptibility),
    createdUs,
    startedUs: running ? NOW_US - MINUTE_US : null,
    staleSinceUs: job.staleSeconds === undefined ? null : NOW_US - job.staleSeconds * SECOND_US,
    stalenessGraceUs: job.stalenessGraceSeconds === undefined ? graceUs : job.stalenessGraceSeconds * SECOND_US,
    preemptionDelayUs: (job.preemptionDelaySeconds ?? 0) * SECOND_US,
    subGroups: root,
    tasks: job.tasks.map((task, at) => {
      const name = `${job.name}-${at}`;
      const subGroup = task.subGroup || 'default';
      if (!leaves.has(subGroup))
        throw new CaseError(`task ${name} belongs to subgroup '${subGroup}', which does not exist`);
      return taskOf(job, task, name, subGroup, places.get(name) as TaskPlace);
    }),
  };
}

/** A task that names no pod set makes one: all of the job's tasks must run together. */
function treeOf(job: JobCase): SubGroupState {
  const alone: SubGroupState = {
    name: 'default',
    minAvailable: job.tasks.length,
    minSubGroups: null,
    topology: null,
    children: [],
  };
  if (!job.subGroups) return alone;
  const root = groupOf(job.subGroups);
  if (job.tasks.some((task) => !task.subGroup) && !leavesOf(root).includes('default')) root.children.push(alone);
  return root;
}

function groupOf(group: SubGroupCase): SubGroupState {
  return {
    name: group.name ?? '',
    minAvailable: 0,
    minSubGroups: group.minSubGroups ?? null,
    topology: wishOf(group.topology),
    children: [
      ...(group.subGroups ?? []).map(groupOf),
      ...(group.podSets ?? []).map(({ name, minAvailable, topology }) => ({
        name,
        minAvailable,
        minSubGroups: null,
        topology: wishOf(topology),
        children: [],
      })),
    ],
  };
}

const leavesOf = (group: SubGroupState): string[] =>
  group.children.length === 0 ? [group.name] : group.children.flatMap(leavesOf);

function wishOf(wish: SubGroupCase['topology']): TopologyWish | null {
  if (!wish) return null;
  return {
    topology: wish.topology ?? wish.name ?? '',
    required: wish.required || null,
    preferred: wish.preferred || null,
  };
}

function taskOf(job: JobCase, task: TaskCase, name: string, subGroup: string, place: TaskPlace): TaskState {
  const labels = task.podAffinityLabels ?? {};
  const neighbour = (topologyKey: string | undefined) => (topologyKey === undefined ? [] : [{ topologyKey, labels }]);
  const byMemory = job.gpuMemoryMiBPerTask !== undefined && job.gpuMemoryMiBPerTask > 0;
  const mig = task.mig ?? {};
  return {
    name,
    status: place.state,
    node: place.node,
    subGroup,
    // Tasks with a priority go before those without.
    priority: task.priority ?? -Infinity,
    cpuMilli: job.bestEffort ? 0 : (job.cpusPerTask ?? 1) * 1000,
    memoryBytes: job.bestEffort ? 0 : (job.memoryBytesPerTask ?? 1e9),
    gpus: job.bestEffort || byMemory || task.mig !== undefined ? 0 : (task.gpus ?? job.gpusPerTask ?? 0),
    gpuMemoryMiB: byMemory ? (job.gpuMemoryMiBPerTask as number) : 0,
    gpuDevices: job.gpuDevicesPerTask ?? 1,
    migInstances: mig,
    legacyMig: task.legacyMig ?? false,
    gpuGroups: place.gpuGroups,
    labels,
    nodeAffinity:
      task.nodeAffinity === undefined ? [] : [{ key: OWN_NAME_LABEL, operator: 'In', values: task.nodeAffinity }],
    tolerations: [],
    podAffinity: neighbour(task.podAffinityTopologyKey),
    podAntiAffinity: neighbour(task.podAntiAffinityTopologyKey),
    nominatedNode: null,
  };
}
