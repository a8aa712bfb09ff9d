/**
 * A real cluster's snapshot → the state that the Run:ai policy decides on. Read as the scheduler itself reads its objects:
 * KAI-Scheduler d5bc503a, pkg/scheduler/cache/cluster_info.
 */
import type { JobState, NodeState, SchedulerState, TaskState } from '../../sim/policy/runai/state.ts';
import { nodeChoice, podSelectors, tolerationsOf } from './affinity.ts';
import { part, parts, textOr, time } from './fields.ts';
import {
  backsOff,
  byAge,
  DEFAULT_POD_SET,
  type Gang,
  gangOf,
  preemptible,
  priorities,
  readTopologies,
  SUBGROUP_LABEL,
  taskPriority,
  timingOf,
} from './jobs.ts';
import { readJson } from './json.ts';
import { keepLabels, poolAmong, readNodes, takeFrom } from './nodes.ts';
import { collectObjects, type KubeObject, LEFT_OUT, type RawSnapshot } from './objects.ts';
import { holds, type PodFacts, readBindRequests, readPod } from './pods.ts';
import { findings as collectFindings, type Findings, quoted, SnapshotError } from './problems.ts';
import { parseQuantity } from './quantity.ts';
import { readQueues } from './queues.ts';
import { NODE_POOL_LABEL, readSettings, type SchedulerSettings } from './settings.ts';
import { SNAPSHOT_SHAPE } from './shape.ts';
import { unpack } from './unpack.ts';

export interface SnapshotOptions {
  /** Which pool, where kubectl printed several; the scheduler's own snapshots are of one. */
  nodePool?: string;
  /** Time of the snapshot, Unix µs; default: the latest time that stands in it. */
  nowUs?: number;
  /** Leave out what refers to something missing, as the scheduler does, instead of refusing the snapshot. */
  skipDangling?: boolean;
  /** Most bytes it may unpack to. */
  limitBytes?: number;
}

export interface Snapshot {
  /** Times are Unix µs; jobs are named `namespace/podgroup`, tasks `namespace/pod`. */
  state: SchedulerState;
  settings: SchedulerSettings;
  /** Name of the pool; '' = the only one. */
  nodePool: string;
  /** Jobs that the scheduler does not even try, and why; none of them is in `state`. */
  untried: { job: string; queue: string; reason: string }[];
  /** When the pods of running tasks began, Unix µs, by task name. */
  startedUs: Map<string, number>;
  /** GPU model as the device plug-in names it, by node. */
  gpuProducts: Map<string, string>;
  warnings: string[];
  /** Pods that hold something but belong to no job of this scheduler; what they hold is taken off the nodes. */
  otherPods: number;
}

const GPU_WORKER_LABEL = 'node-role.kubernetes.io/gpu-worker';
const QUEUE_LABEL = 'kai.scheduler/queue';
const GPU_PRODUCT_LABEL = 'nvidia.com/gpu.product';
const CPU_WORKER_LABEL = 'node-role.kubernetes.io/cpu-worker';

/** `name` is what messages call the file. Throws `SnapshotError`. */
export function readSnapshot(bytes: Uint8Array, name: string, options: SnapshotOptions = {}): Snapshot {
  const unpacked = unpack(bytes, name, options.limitBytes);
  const found = collectFindings(options.skipDangling ?? false);
  const raw = collectObjects(readJson(unpacked.bytes, SNAPSHOT_SHAPE, unpacked.name), unpacked.name, found);
  try {
    const settings = readSettings(raw, found);
    const snapshot = assemble(raw, settings, unpacked.name, options, found);
    found.finish();
    return { ...snapshot, warnings: found.warnings };
  } catch (error) {
    // What is missing may have been there, under another scheduler's name.
    const leftOut = found.warnings.filter((warning) => warning.endsWith(LEFT_OUT));
    if (!(error instanceof SnapshotError) || leftOut.length === 0) throw error;
    throw new SnapshotError(`${error.message}\n${leftOut.join('\n')}`);
  }
}

/** Whether an object is of this scheduler's pool, by its labels. */
type InPool = (object: KubeObject) => boolean;

function poolOf(raw: RawSnapshot, settings: SchedulerSettings, wanted: string | undefined): InPool {
  const { labelKey, value } = settings.nodePool;
  if (raw.params !== undefined && part(raw.params, 'partitionParams') !== undefined) {
    if (labelKey === '') return () => true;
    if (wanted !== undefined && wanted !== (value || 'default'))
      throw new SnapshotError(
        `--node-pool: found '${wanted.slice(0, 60)}', but the scheduler's snapshot is of the pool '${value || 'default'}'`,
      );
    return ({ labels }) => (value === '' ? !labels.has(labelKey) : labels.get(labelKey) === value);
  }
  const pool = poolAmong(raw.objects.Node, NODE_POOL_LABEL, wanted);
  if (pool === undefined) return () => true;
  settings.nodePool = { labelKey: NODE_POOL_LABEL, value: pool };
  return ({ labels }) => (labels.get(NODE_POOL_LABEL) ?? '') === pool;
}

function assemble(
  raw: RawSnapshot,
  given: SchedulerSettings,
  file: string,
  options: SnapshotOptions,
  findings: Findings,
): Omit<Snapshot, 'warnings'> {
  const settings = { ...given };
  const { objects } = raw;
  const inPool = poolOf(raw, settings, options.nodePool);
  const worker = ({ labels }: KubeObject) => labels.has(GPU_WORKER_LABEL) || labels.has(CPU_WORKER_LABEL);
  const nodes = readNodes(
    objects.Node.filter((node) => inPool(node) && (!settings.restrictSchedulingNodes || worker(node))),
    findings,
  );
  if (nodes.length === 0) {
    const where = objects.Node.length === 0 ? 'none at all' : `${objects.Node.length}, none of them of this node pool`;
    throw new SnapshotError(
      `${file}: Node: found ${where}, expected the nodes of the cluster (kubectl get nodes,… -o json)`,
    );
  }
  const queues = readQueues(objects.Queue.filter(inPool), settings.fullHierarchyFairness, findings);
  if (queues.length === 0 && objects.PodGroup.some(inPool)) {
    throw new SnapshotError(
      `${file}: Queue: found none, expected the queues that the pod groups name (kubectl get …,queues.scheduling.run.ai,… -o json)`,
    );
  }
  const nowUs = options.nowUs ?? latestTime(objects);
  const groups = groupsOf(objects.PodGroup, inPool);
  const nodeByName = new Map(nodes.map((node) => [node.name, node]));
  const binds = readBindRequests(objects.BindRequest, new Set(nodeByName.keys()));
  const untried: Snapshot['untried'] = [];
  const members = new Map<KubeObject, PodFacts[]>();
  const others: PodFacts[] = [];
  const partitioned = settings.nodePool.labelKey !== '' || settings.restrictSchedulingNodes;
  for (const pod of objects.Pod) {
    const bind = binds.get(`${pod.namespace}/${pod.name}`);
    const facts = readPod(pod, bind, nowUs, settings.stuckInReleasingUs, findings);
    if (facts.status === null) continue;
    const group = groups.of(facts);
    const ours = inPool(pod) && [settings.schedulerName, ''].includes(textOr(pod, 'spec.schedulerName'));
    const lives = facts.status !== 'Succeeded' && facts.status !== 'Failed';
    if (group === undefined && facts.group !== '' && ours && lives) {
      findings.dangling(
        pod.object,
        "metadata.annotations['pod-group-name']",
        facts.group,
        'the name of a PodGroup in the snapshot',
      );
    }
    if (group === undefined && ours && (facts.status === 'Pending' || facts.status === 'Gated')) {
      untried.push({
        job: `${pod.namespace}/${pod.name}`,
        queue: pod.labels.get(QUEUE_LABEL) ?? '',
        reason:
          facts.group === ''
            ? 'it belongs to no pod group (annotation pod-group-name), and the scheduler places nothing else'
            : `its pod group ${quoted(facts.group)} does not exist`,
      });
    }
    const nodeMissing = holds(facts.status) && !nodeByName.has(facts.node ?? '');
    const member = group !== undefined && inPool(group);
    if (nodeMissing && (member || !partitioned)) {
      findings.dangling(pod.object, 'spec.nodeName', facts.node ?? '', 'the name of a Node in the snapshot');
    }
    if (nodeMissing) continue;
    if (!member) others.push(facts);
    else {
      const known = members.get(group);
      if (known === undefined) members.set(group, [facts]);
      else known.push(facts);
    }
  }

  const jobs: { state: JobState; tasks: [PodFacts, TaskState][] }[] = [];
  const topologies = readTopologies(objects.Topology);
  const priority = priorities(objects.PriorityClass, findings);
  const leaves = new Set(queues.map((q) => q.name));
  for (const queue of queues) if (queue.parent !== null) leaves.delete(queue.parent);
  const stated = new Set(objects.Queue.filter(inPool).map((q) => q.name));
  for (const podGroup of objects.PodGroup.filter(inPool)) {
    const job = `${podGroup.namespace}/${podGroup.name}`;
    const queue = textOr(podGroup, 'spec.queue');
    const gang = gangOf(podGroup, topologies, findings);
    const pods = members.get(podGroup) ?? [];
    if (!stated.has(queue))
      findings.dangling(podGroup.object, 'spec.queue', queue, 'the name of a Queue in the snapshot');
    const why = whyUntried(podGroup, queue, gang, leaves, stated, settings);
    if (why !== null) {
      others.push(...pods);
      untried.push({ job, queue, reason: why });
      continue;
    }
    jobs.push(jobOf(podGroup, job, queue, gang, pods, priority.of(podGroup), settings, findings, others));
  }

  const startedUs = new Map<string, number>();
  const groupsCounted = new Set<string>();
  for (const { tasks } of jobs)
    for (const [pod, task] of tasks) {
      if (pod.startedUs !== null) startedUs.set(task.name, pod.startedUs);
      for (const group of pod.gpuGroups) groupsCounted.add(`${pod.node}/${group}`);
    }
  const held = others.filter((pod) => holds(pod.status));
  for (const pod of held) takeFrom(nodeByName.get(pod.node as string) as NodeState, pod, groupsCounted);

  const tasks = jobs.flatMap((job) => job.tasks);
  placeSharesWithoutGroup(tasks, nodeByName, findings);
  addWishes(tasks, nodes, objects.Node, settings, findings);
  const used = new Set([...topologies.values()].flatMap(({ state }) => state.levels));
  for (const [, task] of tasks) {
    for (const { key } of task.nodeAffinity) used.add(key);
    for (const { topologyKey } of [...task.podAffinity, ...task.podAntiAffinity]) used.add(topologyKey);
  }
  keepLabels(nodes, used);

  return {
    state: {
      nowUs,
      nodes,
      queues,
      topologies: [...topologies.values()].map(({ state }) => state),
      jobs: jobs.map(({ state }) => state).sort(byCreation),
    },
    settings,
    nodePool: settings.nodePool.labelKey === '' ? '' : settings.nodePool.value || 'default',
    untried,
    startedUs,
    gpuProducts: new Map(
      objects.Node.filter((node) => nodeByName.has(node.name)).map((node) => [
        node.name,
        node.labels.get(GPU_PRODUCT_LABEL) ?? '',
      ]),
    ),
    otherPods: held.length,
  };
}

/** The scheduler knows a pod group by its name alone; where two namespaces have one, the pod's own is meant. */
function groupsOf(objects: readonly KubeObject[], inPool: InPool) {
  const full = new Map(objects.map((group) => [`${group.namespace}/${group.name}`, group]));
  const byName = new Map<string, KubeObject>();
  for (const group of objects) if (!byName.has(group.name) || inPool(group)) byName.set(group.name, group);
  return {
    of: ({ pod, group }: PodFacts) =>
      group === '' ? undefined : (full.get(`${pod.namespace}/${group}`) ?? byName.get(group)),
  };
}

function whyUntried(
  podGroup: KubeObject,
  queue: string,
  gang: Gang,
  leaves: ReadonlySet<string>,
  stated: ReadonlySet<string>,
  settings: SchedulerSettings,
): string | null {
  if (!stated.has(queue)) return `its queue ${quoted(queue)} does not exist`;
  if (gang.broken !== null) return gang.broken;
  if (!leaves.has(queue)) {
    return `its queue ${quoted(queue)} is no project that jobs can run in: other queues hang below it, or what is above it is missing`;
  }
  if (backsOff(podGroup, settings))
    return 'it failed on this node pool and asks not to be tried here again (schedulingBackoff)';
  return null;
}

function jobOf(
  podGroup: KubeObject,
  name: string,
  queue: string,
  gang: Gang,
  pods: readonly PodFacts[],
  priority: number,
  settings: SchedulerSettings,
  findings: Findings,
  others: PodFacts[],
): { state: JobState; tasks: [PodFacts, TaskState][] } {
  const tasks: [PodFacts, TaskState][] = [];
  for (const facts of [...pods].sort(byAge)) {
    const subGroup = facts.pod.labels.get(SUBGROUP_LABEL) || DEFAULT_POD_SET;
    if (!gang.podSets.has(subGroup)) {
      const expected = `one of the subgroups of ${podGroup.object}: ${[...gang.podSets].slice(0, 12).join(', ')}`;
      findings.dangling(facts.pod.object, `metadata.labels['${SUBGROUP_LABEL}']`, subGroup, expected);
      others.push(facts);
      continue;
    }
    tasks.push([facts, taskOf(facts, subGroup)]);
  }
  return {
    state: {
      name,
      queue,
      priority,
      preemptible: preemptible(podGroup, priority),
      ...timingOf(podGroup, settings, findings),
      subGroups: gang.root,
      tasks: tasks.map(([, task]) => task),
    },
    tasks,
  };
}

function taskOf(facts: PodFacts, subGroup: string): TaskState {
  const { pod } = facts;
  return {
    name: `${pod.namespace}/${pod.name}`,
    status: facts.status as TaskState['status'],
    node: holds(facts.status) ? facts.node : null,
    subGroup,
    priority: taskPriority(pod),
    cpuMilli: facts.cpuMilli,
    memoryBytes: facts.memoryBytes,
    gpus: facts.gpus,
    gpuMemoryMiB: facts.gpuMemoryMiB,
    gpuDevices: facts.gpuDevices,
    migInstances: facts.migInstances,
    legacyMig: facts.legacyMig,
    gpuGroups: holds(facts.status) && facts.shared ? facts.gpuGroups : [],
    labels: {},
    nodeAffinity: [],
    tolerations: tolerationsOf(pod),
    podAffinity: [],
    podAntiAffinity: [],
    nominatedNode: textOr(pod, 'status.nominatedNodeName') || null,
  };
}

/** A share whose GPU is not written down (the label `runai-gpu-group`) is put on the first GPU with room for it. */
function placeSharesWithoutGroup(
  tasks: readonly [PodFacts, TaskState][],
  nodes: ReadonlyMap<string, NodeState>,
  findings: Findings,
): void {
  const guessed = new Map<string, number[]>();
  for (const [facts, task] of tasks) {
    if (!facts.shared || !holds(task.status) || task.gpuGroups.length > 0) continue;
    findings.warn(
      'gpu group',
      facts.pod.object,
      'shares a GPU, and no label runai-gpu-group says which one: put on the first with room',
    );
    const memory = nodes.get(task.node as string)?.gpuMemoryMiB || 1;
    const share = facts.gpuMemoryMiB > 0 ? Math.min(1, facts.gpuMemoryMiB / memory) : facts.gpus;
    const gpus = guessed.get(task.node as string) ?? [];
    guessed.set(task.node as string, gpus);
    for (let device = 0, at = 0; device < facts.gpuDevices; at++) {
      if (at === gpus.length) gpus.push(0);
      if (gpus[at] + share > 1 + 1e-9) continue;
      gpus[at] += share;
      task.gpuGroups.push(`unnamed-${at + 1}`);
      device++;
    }
  }
}

/** Node affinity, pods near and far, worker nodes, and other resources a node must have. */
function addWishes(
  tasks: readonly [PodFacts, TaskState][],
  nodes: readonly NodeState[],
  objects: readonly KubeObject[],
  settings: SchedulerSettings,
  findings: Findings,
): void {
  const choice = nodeChoice(nodes);
  const selectors = podSelectors(findings);
  const objectByName = new Map(objects.map((node) => [node.name, node]));
  const amounts = new Set<string>();
  for (const [facts, task] of tasks) {
    task.nodeAffinity = choice.termsOf(facts.pod);
    task.podAffinity = selectors.wishes(facts.pod, 'podAffinity');
    task.podAntiAffinity = selectors.wishes(facts.pod, 'podAntiAffinity');
    if (settings.restrictSchedulingNodes) {
      const gpu = task.gpus > 0 || task.gpuMemoryMiB > 0 || Object.keys(task.migInstances).length > 0;
      task.nodeAffinity.push({ key: gpu ? GPU_WORKER_LABEL : CPU_WORKER_LABEL, operator: 'Exists', values: [] });
    }
    if (task.status !== 'Pending' && task.status !== 'Running') continue;
    for (const [resource, amount] of facts.extended) {
      // Whether a node has as much at all: what others use of it is not counted.
      const label = `${resource} ${amount} or more`;
      if (!amounts.has(label)) {
        amounts.add(label);
        for (const node of nodes) {
          const json = objectByName.get(node.name)?.json.status as { allocatable?: Record<string, string | number> };
          if ((parseQuantity(json?.allocatable?.[resource] ?? 0) ?? 0) >= amount) node.labels[label] = 'yes';
        }
      }
      task.nodeAffinity.push({ key: label, operator: 'In', values: ['yes'] });
    }
  }
  for (const [facts, task] of tasks) task.labels = selectors.labelsOf(facts.pod);
}

/** The snapshot does not say when it was taken; a node's heartbeat is at most minutes older. */
function latestTime(objects: RawSnapshot['objects']): number {
  let latest = 0;
  const see = (us: number | undefined) => {
    if (us !== undefined && us > latest) latest = us;
  };
  for (const list of Object.values(objects)) {
    for (const object of list) {
      see(time(object, 'metadata.creationTimestamp'));
      see(time(object, 'status.startTime'));
      for (const condition of parts(object, 'status.conditions')) {
        see(time(condition, 'lastHeartbeatTime'));
        see(time(condition, 'lastTransitionTime'));
      }
    }
  }
  return latest;
}

const byCreation = (a: JobState, b: JobState) =>
  a.createdUs - b.createdUs || (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : a.name < b.name ? -1 : 1);
const nameOf = ({ name }: JobState) => name.slice(name.indexOf('/') + 1);
