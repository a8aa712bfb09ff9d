/** A small cluster as its API server would print it, with secrets in every place where real clusters have some. */
import { strToU8, zipSync } from 'fflate';

/** Stands in environments, commands, annotations, volumes …: no output may ever contain it. */
export const SECRET = 'hunter2-do-not-print';

type Json = Record<string, unknown>;

/** Everything in an object's metadata that is nobody's business. */
const privateMetadata = {
  annotations: {
    'kubectl.kubernetes.io/last-applied-configuration': `{"env":"${SECRET}"}`,
    'example.com/token': SECRET,
  } as Record<string, string>,
  managedFields: [{ manager: SECRET, fieldsV1: { 'f:spec': SECRET } }],
  ownerReferences: [{ kind: 'Job', name: SECRET, uid: SECRET }],
};

const metadata = (name: string, more: Json = {}): Json => ({
  name,
  uid: `uid-${name}`,
  creationTimestamp: '2026-06-01T08:00:00Z',
  ...more,
  annotations: { ...privateMetadata.annotations, ...(more.annotations as Json | undefined) },
  managedFields: privateMetadata.managedFields,
  ownerReferences: privateMetadata.ownerReferences,
});

export function node(name: string, gpus: number, more: Json = {}): Json {
  return {
    metadata: metadata(name, {
      labels: {
        'nvidia.com/gpu.memory': '81559',
        'kubernetes.io/hostname': name,
        ...(more.labels as Json | undefined),
      },
    }),
    spec: { podCIDR: SECRET, taints: more.taints ?? [], unschedulable: more.unschedulable ?? false },
    status: {
      allocatable: {
        cpu: '64',
        memory: '512Gi',
        pods: '110',
        'nvidia.com/gpu': String(gpus),
        ...(more.allocatable as Json | undefined),
      },
      conditions: [
        { type: 'Ready', status: 'True', message: SECRET, lastHeartbeatTime: '2026-06-01T12:00:00Z' },
        { type: 'MemoryPressure', status: 'False', lastHeartbeatTime: '2026-06-01T12:00:00Z' },
      ],
      images: [{ names: [SECRET], sizeBytes: 1 }],
      addresses: [{ type: 'InternalIP', address: SECRET }],
    },
  };
}

/** Quota in GPUs; CPU and memory without limits. */
export function queue(name: string, parent: string | null, quota: number, more: Json = {}): Json {
  const free = { quota: -1, limit: -1, overQuotaWeight: 1 };
  return {
    metadata: metadata(name, more.metadata as Json | undefined),
    spec: {
      ...(parent === null ? {} : { parentQueue: parent }),
      resources: { gpu: { quota, limit: -1, overQuotaWeight: 1 }, cpu: free, memory: free },
      ...(more.spec as Json | undefined),
    },
    status: { allocated: { 'nvidia.com/gpu': '1' } },
  };
}

export function podGroup(name: string, queueName: string, more: Json = {}): Json {
  return {
    metadata: metadata(name, { namespace: 'team', ...(more.metadata as Json | undefined) }),
    spec: { minMember: 1, queue: queueName, priorityClassName: 'train', ...(more.spec as Json | undefined) },
    status: {},
  };
}

/** A pod of `group` that asks for whole GPUs; running on `on` if that is given. */
export function pod(name: string, group: string | null, gpus: number, on: string | null = null, more: Json = {}): Json {
  return {
    metadata: metadata(name, {
      namespace: 'team',
      ...(more.metadata as Json | undefined),
      annotations: {
        ...(group === null ? {} : { 'pod-group-name': group }),
        ...((more.metadata as Json | undefined)?.annotations as Json | undefined),
      },
    }),
    spec: {
      schedulerName: 'kai-scheduler',
      serviceAccountName: SECRET,
      imagePullSecrets: [{ name: SECRET }],
      volumes: [{ name: 'v', secret: { secretName: SECRET }, csi: { volumeAttributes: { password: SECRET } } }],
      containers: [
        {
          name: 'main',
          image: SECRET,
          command: ['sh', '-c', SECRET],
          args: [`--token=${SECRET}`],
          env: [{ name: 'PASSWORD', value: SECRET }],
          envFrom: [{ secretRef: { name: SECRET } }],
          resources: { requests: { cpu: '1', memory: '1Gi', 'nvidia.com/gpu': String(gpus) } },
          livenessProbe: { exec: { command: [SECRET] } },
        },
      ],
      ...(on === null ? {} : { nodeName: on }),
      ...(more.spec as Json | undefined),
    },
    status: {
      phase: on === null ? 'Pending' : 'Running',
      ...(on === null ? {} : { startTime: '2026-06-01T09:00:00Z' }),
      message: SECRET,
      podIP: SECRET,
      ...(more.status as Json | undefined),
    },
  };
}

export interface Cluster {
  pods?: Json[];
  nodes?: Json[];
  queues?: Json[];
  podGroups?: Json[];
  [list: string]: Json[] | undefined;
}

export const PRIORITY_CLASSES: Json[] = [
  { metadata: metadata('train'), value: 50, description: SECRET },
  { metadata: metadata('build'), value: 100 },
];

/** As the scheduler's plug-in writes it. */
export function snapshotJson(cluster: Cluster, more: Json = {}): Json {
  return {
    config: {
      actions: 'allocate, consolidation, reclaim, preempt, stalegangeviction',
      tiers: [
        {
          plugins: [
            { name: 'proportion', arguments: { kValue: '2.5', apiKey: SECRET } },
            { name: 'priority' },
            { name: 'elastic' },
            { name: 'nodeavailability' },
            { name: 'gpusharingorder' },
            { name: 'gpupack' },
            { name: 'resourcetype' },
            { name: 'nodeplacement', arguments: { gpu: 'binpack', cpu: 'spread' } },
            { name: 'minruntime', arguments: { defaultReclaimMinRuntime: '10m' } },
            { name: 'topology' },
            { name: 'snapshot' },
          ],
        },
      ],
      ...(more.config as Json | undefined),
    },
    schedulerParams: {
      schedulerName: 'kai-scheduler',
      partitionParams: { NodePoolLabelKey: 'kai.scheduler/node-pool', NodePoolLabelValue: '' },
      maxNumberConsolidationPreemptees: 16,
      useSchedulingSignatures: true,
      fullHierarchyFairness: true,
      allowConsolidatingReclaim: true,
      numOfStatusRecordingWorkers: 5,
      globalDefaultStalenessGracePeriod: 60_000_000_000,
      schedulePeriod: 1_000_000_000,
      stuckInReleasingThreshold: 120_000_000_000,
      ...(more.schedulerParams as Json | undefined),
    },
    rawObjects: {
      bindRequests: null,
      priorityClasses: PRIORITY_CLASSES,
      configMaps: [{ metadata: metadata('app'), data: { 'config.yaml': SECRET, password: SECRET } }],
      persistentVolumeClaims: [{ metadata: metadata('pvc'), spec: { volumeName: SECRET } }],
      topologies: [],
      ...cluster,
    },
    discovery: { serverVersion: { gitVersion: 'v1.33.0' }, resources: [] },
  };
}

const KINDS: Record<string, [apiVersion: string, kind: string]> = {
  pods: ['v1', 'Pod'],
  nodes: ['v1', 'Node'],
  queues: ['scheduling.run.ai/v2', 'Queue'],
  podGroups: ['scheduling.run.ai/v2alpha2', 'PodGroup'],
  topologies: ['kai.scheduler/v1alpha1', 'Topology'],
  bindRequests: ['scheduling.run.ai/v1alpha2', 'BindRequest'],
  priorityClasses: ['scheduling.k8s.io/v1', 'PriorityClass'],
  configMaps: ['v1', 'ConfigMap'],
  secrets: ['v1', 'Secret'],
};

/** As `kubectl get … -o json` prints it. */
export function kubectlJson(cluster: Cluster): Json {
  const items = Object.entries(cluster).flatMap(([list, objects]) => {
    const [apiVersion, kind] = KINDS[list];
    return (objects ?? []).map((object) => ({ apiVersion, kind, ...object }));
  });
  return { apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } };
}

export const bytesOf = (json: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(json));

export const zipOf = (json: unknown, name = 'snapshot.json'): Uint8Array =>
  zipSync({ [name]: strToU8(typeof json === 'string' ? json : JSON.stringify(json)) });

/**
 * Two nodes of 8 GPUs. `research` and `product` deserve 8 each, `lab` nothing. Research runs three jobs on 14.5 GPUs; a job
 * of product waits for 8, and one of lab that may not be displaced for 16.
 */
export function smallCluster(): Cluster {
  return {
    nodes: [node('node-b', 8), node('node-a', 8)],
    queues: [
      queue('company', null, -1),
      queue('research', 'company', 8),
      queue('product', 'company', 8),
      queue('lab', 'company', 0),
    ],
    podGroups: [
      podGroup('train-1', 'research'),
      podGroup('train-2', 'research'),
      podGroup('share', 'research'),
      podGroup('urgent', 'product', { metadata: { creationTimestamp: '2026-06-01T11:00:00Z' } }),
      podGroup('huge', 'lab', {
        metadata: { creationTimestamp: '2026-06-01T11:30:00Z' },
        spec: { minMember: 2, priorityClassName: 'build' },
      }),
    ],
    pods: [
      pod('train-1-0', 'train-1', 8, 'node-a'),
      pod('train-2-0', 'train-2', 6, 'node-b'),
      pod('share-0', 'share', 0, 'node-b', {
        metadata: { annotations: { 'gpu-fraction': '0.5' }, labels: { 'runai-gpu-group': 'gpu-7' } },
      }),
      pod('reservation', null, 1, 'node-b', {
        metadata: { namespace: 'kai-resource-reservation', labels: { app: 'kai-resource-reservation' } },
      }),
      pod('urgent-0', 'urgent', 8),
      pod('huge-0', 'huge', 8),
      pod('huge-1', 'huge', 8),
      pod('daemon', null, 0, 'node-a', {
        metadata: { namespace: 'kube-system' },
        spec: { schedulerName: 'default-scheduler' },
      }),
    ],
  };
}
