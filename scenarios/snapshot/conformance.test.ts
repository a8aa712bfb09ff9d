/**
 * The reader against the policy's own test cases: each state is written down as the API server would have it, read back as
 * a snapshot, and must lead to the same decisions.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCases } from '../../bench/conform/cases.ts';
import { configOf, initialPlaces, stateOf } from '../../bench/conform/state.ts';
import type { SchedulerConfig } from '../../sim/policy/runai/config.ts';
import { runCycle } from '../../sim/policy/runai/cycle.ts';
import { openSession } from '../../sim/policy/runai/session.ts';
import type {
  JobState,
  NodeState,
  QueueResource,
  QueueState,
  SchedulerState,
  SubGroupState,
  TaskState,
  TopologyWish,
} from '../../sim/policy/runai/state.ts';
import { readSnapshot } from './read.ts';
import { bytesOf } from './testing.ts';

const FOLDER = new URL('../../bench/conform/data/kai/', import.meta.url);
const NAMESPACE = 'ns';
const iso = (us: number) => new Date(us / 1000).toISOString();

type Json = Record<string, unknown>;

function nodeJson(node: NodeState): Json {
  return {
    metadata: {
      name: node.name,
      labels: {
        ...node.labels,
        'nvidia.com/gpu.memory': String(node.gpuMemoryMiB),
        ...(node.mig === 'none'
          ? {}
          : { 'nvidia.com/mig.strategy': node.mig, 'node-role.kubernetes.io/mig-enabled': 'true' }),
      },
    },
    spec: { unschedulable: !node.schedulable },
    status: {
      allocatable: {
        cpu: `${node.cpuMilli}m`,
        memory: String(node.memoryBytes),
        pods: node.maxTasks,
        'nvidia.com/gpu': node.gpus,
        ...node.migInstances,
      },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

function queueJson(queue: QueueState): Json {
  const resource = ({ deserved, limit, overQuotaWeight }: QueueResource, unit: number) => ({
    quota: deserved < 0 ? -1 : deserved / unit,
    limit: limit < 0 ? -1 : limit / unit,
    overQuotaWeight,
  });
  const seconds = (us: number | null) => (us === null ? undefined : `${us / 1e6}s`);
  return {
    metadata: { name: queue.name, creationTimestamp: iso(queue.createdUs) },
    spec: {
      parentQueue: queue.parent ?? undefined,
      priority: queue.priority,
      preemptMinRuntime: seconds(queue.preemptMinRuntimeUs),
      reclaimMinRuntime: seconds(queue.reclaimMinRuntimeUs),
      resources: {
        gpu: resource(queue.gpu, 1),
        cpu: resource(queue.cpuMilli, 1),
        memory: resource(queue.memoryBytes, 1e6),
      },
    },
  };
}

const wishJson = (wish: TopologyWish | null): Json | undefined =>
  wish === null
    ? undefined
    : {
        topology: wish.topology,
        requiredTopologyLevel: wish.required ?? '',
        preferredTopologyLevel: wish.preferred ?? '',
      };

function subGroupsJson(group: SubGroupState, parent: string | undefined, out: Json[] = []): Json[] {
  for (const child of group.children) {
    const leaf = child.children.length === 0;
    out.push({
      name: child.name,
      parent,
      ...(leaf ? { minMember: child.minAvailable } : { minSubGroup: child.minSubGroups ?? undefined }),
      topologyConstraint: wishJson(child.topology),
    });
    subGroupsJson(child, child.name, out);
  }
  return out;
}

function podGroupJson(job: JobState): Json {
  const tree = job.subGroups.children.length > 0;
  return {
    metadata: {
      name: job.name,
      namespace: NAMESPACE,
      creationTimestamp: iso(job.createdUs),
      annotations: {
        ...(job.startedUs === null ? {} : { 'kai.scheduler/last-start-timestamp': iso(job.startedUs) }),
        ...(job.staleSinceUs === null ? {} : { 'kai.scheduler/stale-podgroup-timestamp': iso(job.staleSinceUs) }),
      },
    },
    spec: {
      queue: job.queue,
      priorityClassName: `p${job.priority}`,
      preemptibility: job.preemptible ? 'preemptible' : 'non-preemptible',
      stalenessGracePeriod: `${job.stalenessGraceUs / 1e6}s`,
      preemptionDelay: `${job.preemptionDelayUs / 1e6}s`,
      topologyConstraint: wishJson(job.subGroups.topology),
      ...(tree
        ? { minSubGroup: job.subGroups.minSubGroups ?? undefined, subGroups: subGroupsJson(job.subGroups, undefined) }
        : { minMember: job.subGroups.minAvailable }),
    },
  };
}

function podJson(job: JobState, task: TaskState, at: number, nowUs: number): Json {
  const shared = task.gpuMemoryMiB > 0 || (task.gpus > 0 && task.gpus < 1);
  const placed = task.node !== null && !['Pending', 'Gated', 'Binding', 'Allocated'].includes(task.status);
  const leaving = { Releasing: 10e6, StuckInReleasing: 600e6 }[task.status as string];
  const requests = {
    ...(task.cpuMilli > 0 ? { cpu: `${task.cpuMilli}m`, memory: String(task.memoryBytes) } : {}),
    ...(shared || task.gpus === 0 ? {} : { 'nvidia.com/gpu': task.gpus }),
    ...(task.legacyMig ? {} : task.migInstances),
  };
  const affinity = (terms: TaskState['podAffinity']) => ({
    requiredDuringSchedulingIgnoredDuringExecution: terms.map(({ topologyKey, labels }) => ({
      topologyKey,
      labelSelector: { matchLabels: labels },
    })),
  });
  const mig = Object.entries(task.legacyMig ? task.migInstances : {}).map(([name, n]) => [name, String(n)]);
  return {
    metadata: {
      name: task.name,
      namespace: NAMESPACE,
      uid: String(at).padStart(6, '0'),
      ...(leaving === undefined ? {} : { deletionTimestamp: iso(nowUs - leaving) }),
      annotations: {
        'pod-group-name': job.name,
        ...(task.gpuMemoryMiB > 0 ? { 'gpu-memory': String(task.gpuMemoryMiB) } : {}),
        ...(shared && task.gpus > 0 ? { 'gpu-fraction': String(task.gpus) } : {}),
        ...(shared ? { 'gpu-fraction-num-devices': String(task.gpuDevices) } : {}),
        ...Object.fromEntries(mig),
      },
      labels: {
        ...task.labels,
        'kai.scheduler/subgroup-name': task.subGroup === 'default' ? '' : task.subGroup,
        ...(Number.isFinite(task.priority) ? { 'kai.scheduler/task-priority': String(task.priority) } : {}),
        ...Object.fromEntries(
          task.gpuGroups.map((group, i) => [i === 0 ? 'runai-gpu-group' : `runai-gpu-group/${group}`, group]),
        ),
      },
    },
    spec: {
      schedulerName: 'kai-scheduler',
      ...(placed ? { nodeName: task.node } : {}),
      ...(task.status === 'Gated' ? { schedulingGates: [{ name: 'gate' }] } : {}),
      containers: [{ resources: { requests } }],
      affinity: {
        nodeAffinity:
          task.nodeAffinity.length === 0
            ? undefined
            : {
                requiredDuringSchedulingIgnoredDuringExecution: {
                  nodeSelectorTerms: [{ matchExpressions: task.nodeAffinity }],
                },
              },
        podAffinity: affinity(task.podAffinity),
        podAntiAffinity: affinity(task.podAntiAffinity),
      },
    },
    status: {
      phase:
        { Succeeded: 'Succeeded', Failed: 'Failed' }[task.status as string] ??
        (placed && task.status !== 'Bound' ? 'Running' : 'Pending'),
    },
  };
}

function snapshotOf({ nowUs, nodes, queues, topologies, jobs }: SchedulerState): Json {
  const tasks = jobs.flatMap((job) => job.tasks.map((task) => [job, task] as const));
  return {
    schedulerParams: { partitionParams: { NodePoolLabelKey: '', NodePoolLabelValue: '' } },
    rawObjects: {
      nodes: nodes.map(nodeJson),
      queues: queues.map(queueJson),
      topologies: topologies.map(({ name, levels }) => ({
        metadata: { name },
        spec: { levels: levels.map((nodeLabel) => ({ nodeLabel })) },
      })),
      podGroups: jobs.map(podGroupJson),
      pods: tasks.map(([job, task], at) => podJson(job, task, at, nowUs)),
      priorityClasses: [...new Set(jobs.map((job) => job.priority))].map((value) => ({
        metadata: { name: `p${value}` },
        value,
      })),
      bindRequests: tasks
        .filter(([, { status }]) => status === 'Binding')
        .map(([, task]) => ({
          metadata: { name: task.name, namespace: NAMESPACE },
          spec: { podName: task.name, selectedNode: task.node, selectedGPUGroups: task.gpuGroups },
        })),
    },
  };
}

const decisionsOn = (state: SchedulerState, config: SchedulerConfig) =>
  runCycle(openSession(state, config)).map(({ kind, action, job, task, node }) => {
    const plain = (name: string) => name.replace(`${NAMESPACE}/`, '');
    return [kind, action, plain(job), plain(task), node];
  });

/**
 * What Kubernetes' objects cannot say: placed or promised in an earlier cycle without a trace, shares on no known GPU, old
 * MIG tasks without a profile. A cluster without nodes is refused.
 */
function sayable(state: SchedulerState): boolean {
  if (state.nodes.length === 0) return false;
  return state.jobs.every((job) =>
    job.tasks.every((task) => {
      const shared = task.gpuMemoryMiB > 0 || (task.gpus > 0 && task.gpus < 1);
      const lost = shared && task.node !== null && task.status !== 'Pending' && task.gpuGroups.length === 0;
      const profileless = task.legacyMig && Object.keys(task.migInstances).length === 0;
      return !profileless && task.status !== 'Allocated' && task.status !== 'Pipelined' && !lost;
    }),
  );
}

let told = 0;
describe.each(readdirSync(FOLDER).sort())('%s', (file) => {
  for (const given of readCases(readFileSync(new URL(file, FOLDER), 'utf8'), file)) {
    const state = stateOf(given, initialPlaces(given));
    if (!sayable(state)) continue;
    told++;
    it(given.id, () => {
      const config = configOf(given);
      const read = readSnapshot(bytesOf(snapshotOf(state)), 'snapshot.json', {
        nowUs: state.nowUs,
        skipDangling: true,
      });
      expect(decisionsOn(read.state, config)).toEqual(decisionsOn(state, config));
    });
  }
});

it('most of the cases can be told as objects', () => {
  expect(told).toBeGreaterThan(200);
});
