/**
 * One node pool of a running simulation in the scheduler's own terms: its nodes, departments and projects as queues, and
 * jobs with their workers as tasks.
 *
 * A GPU's memory is given in thousandths, which is what the simulation cuts GPUs into: a request in MiB becomes a share of
 * the pool's GPU, rounded up. Sizes that a scenario does not state are larger than anything that could ask for them.
 */
import { READY } from '../../cluster/cluster.ts';
import { CHECKPOINTING, PENDING, STARTING, TERMINATING, type View } from '../../cluster/view.ts';
import { type Scenario, TOPOLOGY_LEVELS } from '../../scenario.ts';
import { DEFAULT_QUEUE_PRIORITY, DEFAULT_STALENESS_GRACE_US } from './config.ts';
import { UNLIMITED } from './fairshare.ts';
import type { Memory } from './memory.ts';
import type {
  JobState,
  NodeSelectorTerm,
  NodeState,
  QueueResource,
  QueueState,
  TaskState,
  TaskStatus,
  TopologyState,
} from './state.ts';

const MIB = 1_048_576;
const UNSTATED_CPU_MILLI = 1e9;
const UNSTATED_MEMORY_BYTES = 1e15;
const GPU_THOUSANDTHS = 1000;
const MOST_TASKS = 1e6;
/** Kubernetes' label of a node's name. */
const HOSTNAME = 'kubernetes.io/hostname';

/** The levels of topology that the scenario speaks of, widest first: those its nodes state and those its jobs ask for. */
export function topologyState({ nodes, jobs }: Scenario): TopologyState {
  const asked = new Set([...jobs.topologyRequired.values(), ...jobs.topologyPreferred.values()]);
  return {
    name: TOPOLOGY,
    levels: TOPOLOGY_LEVELS.filter((level) => asked.has(level) || nodes[level].some((domain) => domain >= 0)),
  };
}

const TOPOLOGY = 'cluster';

const namesOf = new WeakMap<Scenario, string[]>();

/** Names of all nodes, those that are not unique made so. */
export function nodeNames(scenario: Scenario): string[] {
  let names = namesOf.get(scenario);
  if (names === undefined) {
    const seen = new Set<string>();
    names = scenario.nodes.names.map((name, node) => {
      const own = seen.has(name) ? `${name} (node ${node})` : name;
      seen.add(own);
      return own;
    });
    namesOf.set(scenario, names);
  }
  return names;
}

/** GPUs that the node offers: one that is out of use is not among them once its job is gone. */
function gpusOffered({ cluster, scenario }: View, node: number): number {
  let gpus = scenario.nodes.gpus[node];
  for (let gpu = cluster.gpuStart[node]; gpu < cluster.gpuStart[node + 1]; gpu++) {
    if (cluster.gpuShut[gpu] === 1 && cluster.shutFree[gpu] > 0) gpus--;
  }
  return gpus;
}

export function nodeState(view: View, node: number): NodeState {
  const { nodes, pools, migLayouts } = view.scenario;
  const layout = migLayouts[nodes.migLayout[node]];
  const migInstances: Record<string, number> = {};
  for (const [i, name] of (layout?.instances ?? []).entries()) {
    const resource = migResource(view.scenario, name, layout.sevenths[i]);
    migInstances[resource] = (migInstances[resource] ?? 0) + nodes.gpus[node];
  }
  const labels: Record<string, string> = { [HOSTNAME]: nodeNames(view.scenario)[node] };
  for (const level of TOPOLOGY_LEVELS) {
    if (nodes[level][node] >= 0) labels[level] = `${level}-${nodes[level][node]}`;
  }
  const cpu = nodes.cpuMilli[node];
  const memory = nodes.memoryMiB[node];
  return {
    name: nodeNames(view.scenario)[node],
    // What is cut into instances is no whole GPU to a kubelet.
    gpus: layout === undefined ? gpusOffered(view, node) : 0,
    cpuMilli: cpu === Infinity ? UNSTATED_CPU_MILLI : cpu,
    memoryBytes: memory === Infinity ? UNSTATED_MEMORY_BYTES : memory * MIB,
    maxTasks: MOST_TASKS,
    gpuMemoryMiB: pools[nodes.pool[node]].gpuModel === '' ? 0 : GPU_THOUSANDTHS,
    labels,
    taints: [],
    schedulable: view.cluster.nodeState[node] === READY,
    mig: layout === undefined ? 'none' : 'mixed',
    migInstances,
  };
}

/** Every profile as a resource of its own, with the sevenths it takes, whatever it is called in the scenario. */
function migResource(scenario: Scenario, profile: string, sevenths: number): string {
  if (/^\d+g\.\d+gb$/.test(profile)) return `nvidia.com/mig-${profile}`;
  const known = scenario.migProfiles.indexOf(profile);
  return `nvidia.com/mig-${sevenths}g.${10_000 + known}gb`;
}

/**
 * Departments, then projects. A department deserves what its projects do and weighs as much: the guide's departments
 * have no quota of their own, and so none of them changes how projects share.
 */
export function queueStates(scenario: Scenario, pool: number): QueueState[] {
  const { departments, projects } = scenario;
  const taken = new Set(projects.map(({ name }) => name));
  const departmentName = (d: number) => departments[d].name + (taken.has(departments[d].name) ? ' (department)' : '');
  const deserved = departments.map(() => 0);
  const weight = departments.map(() => 0);
  for (const project of projects) {
    for (let d = project.department; d >= 0; d = departments[d].parent) {
      const own = project.deservedGpus[pool] ?? 0;
      deserved[d] = own < 0 || deserved[d] < 0 ? UNLIMITED : deserved[d] + own;
      weight[d] += project.overQuotaWeight;
    }
  }
  const queue = (name: string, parent: number, age: number, priority: number, gpu: QueueResource): QueueState => ({
    name,
    parent: parent < 0 ? null : departmentName(parent),
    priority,
    createdUs: age,
    gpu,
    cpuMilli: { deserved: UNLIMITED, limit: UNLIMITED, overQuotaWeight: 1 },
    memoryBytes: { deserved: UNLIMITED, limit: UNLIMITED, overQuotaWeight: 1 },
    preemptMinRuntimeUs: null,
    reclaimMinRuntimeUs: null,
    usage: { gpu: 0, cpu: 0, memory: 0 },
  });
  return [
    ...departments.map(({ parent }, d) =>
      queue(departmentName(d), parent, d, DEFAULT_QUEUE_PRIORITY, {
        deserved: deserved[d],
        limit: UNLIMITED,
        overQuotaWeight: weight[d],
      }),
    ),
    ...projects.map(({ name, department, priority, deservedGpus, overQuotaWeight, maxOverQuotaGpus }, i) => {
      const own = deservedGpus[pool] ?? 0;
      const limit = own < 0 || maxOverQuotaGpus < 0 ? UNLIMITED : own + maxOverQuotaGpus;
      return queue(name, department, departments.length + i, priority, { deserved: own, limit, overQuotaWeight });
    }),
  ];
}

/** By name in the order of numbers, as the scheduler sorts them. */
export function taskName({ jobs }: Scenario, task: number, job: number): string {
  const last = jobs.taskStart[job + 1] - jobs.taskStart[job] - 1;
  const number = String(task - jobs.taskStart[job]).padStart(String(last).length, '0');
  return `${jobs.ids[job]}/${number}`;
}

export function taskOfName({ jobs }: Scenario, job: number, name: string): number {
  return jobs.taskStart[job] + Number(name.slice(name.lastIndexOf('/') + 1));
}

/** A GPU of a node that tasks share, by its number on the node. */
export const gpuLabel = (gpu: number): string => `gpu-${gpu}`;
export const gpuOfLabel = (label: string): number => Number(label.slice(label.lastIndexOf('-') + 1));

/** The job as it is now, seen from `pool`. */
export function jobState(
  view: View,
  { evictedUs }: Memory,
  job: number,
  pool: number,
  preemptionDelayUs: number,
): JobState {
  const { scenario, cluster } = view;
  const { jobs, projects } = scenario;
  const names = nodeNames(scenario);
  const status = view.status[job];
  const first = jobs.taskStart[job];
  const last = jobs.taskStart[job + 1];
  const placed = status >= STARTING && status <= TERMINATING;
  const request = requestOf(scenario, job, pool);
  const tasks: TaskState[] = [];
  for (let task = first; task < last; task++) {
    const node = cluster.taskNode[task];
    let own: TaskStatus = 'Pending';
    if (node >= 0) own = status === TERMINATING || view.isLeaving(task) ? 'Releasing' : 'Running';
    // What a job on its way out has not placed is not asked for: it comes back as a whole.
    else if (status === TERMINATING) continue;
    const gpus = jobs.taskGpus[task];
    const shared = request.portion < 1 || request.memory > 0;
    tasks.push({
      name: taskName(scenario, task, job),
      status: own,
      node: node < 0 ? null : names[node],
      subGroup: 'default',
      priority: 0,
      cpuMilli: jobs.cpuMilli[job],
      memoryBytes: jobs.memoryMiB[job] * MIB,
      gpus: request.mig !== null || request.memory > 0 ? 0 : shared && gpus > 0 ? request.portion : gpus,
      gpuMemoryMiB: gpus > 0 ? request.memory : 0,
      gpuDevices: shared && gpus > 0 ? gpus : 1,
      migInstances: request.mig !== null && gpus > 0 ? { [request.mig]: gpus } : {},
      legacyMig: false,
      gpuGroups: node >= 0 && shared && gpus > 0 ? labelsOf(cluster.taskMask[task]) : [],
      labels: {},
      nodeAffinity: affinityOf(view, job),
      tolerations: [],
      podAffinity: [],
      podAntiAffinity: [],
      nominatedNode: null,
    });
  }
  const required = jobs.topologyRequired.get(job) ?? null;
  const preferred = jobs.topologyPreferred.get(job) ?? null;
  return {
    name: jobs.ids[job],
    queue: projects[jobs.project[job]].name,
    priority: jobs.priority[job],
    preemptible: jobs.preemptible[job] === 1,
    createdUs: jobs.submitUs[job],
    startedUs: placed ? view.startedUs(job) : null,
    staleSinceUs: null,
    stalenessGraceUs: DEFAULT_STALENESS_GRACE_US,
    evictedUs: evictedUs.get(job) ?? null,
    preemptionDelayUs,
    subGroups: {
      name: 'default',
      minAvailable: jobs.minTasks[job],
      minSubGroups: null,
      topology: required === null && preferred === null ? null : { topology: TOPOLOGY, required, preferred },
      children: [],
    },
    tasks,
  };
}

/** Away from the nodes that it is barred from. */
function affinityOf({ cluster, scenario }: View, job: number): NodeSelectorTerm[] {
  const barred = cluster.barred.get(job);
  if (barred === undefined || barred.size === 0) return [];
  return [{ key: HOSTNAME, operator: 'NotIn', values: [...barred].map((node) => nodeNames(scenario)[node]) }];
}

/** Whether the job waits or holds something: then it belongs in the scheduler's snapshot. */
export function isAlive(view: View, job: number): boolean {
  const status = view.status[job];
  return status === PENDING || (status >= STARTING && status <= CHECKPOINTING) || status === TERMINATING;
}

/** What one device of the job's tasks asks for in the pool: a share, thousandths of GPU memory, or a MIG resource. */
function requestOf(scenario: Scenario, job: number, pool: number) {
  const { jobs, pools, migProfiles, migLayouts } = scenario;
  if (jobs.migProfile[job] >= 0) {
    const profile = migProfiles[jobs.migProfile[job]];
    const layout = migLayouts.find(({ instances }) => instances.includes(profile));
    const sevenths = layout === undefined ? 7 : layout.sevenths[layout.instances.indexOf(profile)];
    return { portion: 1, memory: 0, mig: migResource(scenario, profile, sevenths) };
  }
  const memory = jobs.gpuMemoryMiB[job];
  if (memory > 0) {
    const thousandths = Math.ceil((memory * GPU_THOUSANDTHS) / pools[pool].gpuMemoryMiB);
    return { portion: 1, memory: Math.min(GPU_THOUSANDTHS, thousandths), mig: null };
  }
  return { portion: jobs.shareMilli[job] / 1000, memory: 0, mig: null };
}

function labelsOf(mask: number): string[] {
  const labels: string[] = [];
  for (let gpu = 0; gpu < 32; gpu++) if ((mask & (1 << gpu)) !== 0) labels.push(gpuLabel(gpu));
  return labels;
}
