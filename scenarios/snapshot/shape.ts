/**
 * The fields that are read, of a Run:ai scheduler's snapshot and of what kubectl prints. Nothing else of the file is ever
 * kept: no environment, command, volume, secret or other people's annotation. Field names are those of
 * github.com/kai-scheduler/KAI-Scheduler (pkg/apis, pkg/scheduler/conf, plugins/snapshot) and of Kubernetes' API.
 */
import type { Shape } from './json.ts';

/** Annotations that the scheduler reads; of pods also `nvidia.com/mig-…`, an old way to ask for MIG instances. */
const ANNOTATIONS = new Set([
  'pod-group-name',
  'gpu-fraction',
  'gpu-fraction-num-devices',
  'gpu-memory',
  'received-resource-type',
  'kai.scheduler/stale-podgroup-timestamp',
  'kai.scheduler/last-start-timestamp',
  'kai.scheduler/last-eviction-timestamp',
]);
export const MIG_PREFIX = 'nvidia.com/mig-';

/** Arguments of the scheduler's plug-ins that are understood. */
const ARGUMENTS = new Set([
  'kValue',
  'relcaimerSaturationMultiplier',
  'cpu',
  'gpu',
  'defaultReclaimMinRuntime',
  'defaultPreemptMinRuntime',
  'reclaimResolveMethod',
]);

const all = () => true;
const labelMap: Shape = { map: all };
const quantities: Shape = { map: all };
const listOf = (...names: string[]): Shape => ({ list: object(...names) });
const texts: Shape = { list: 'value' };

function object(...names: string[]): { fields: Record<string, Shape> } {
  return { fields: Object.fromEntries(names.map((name) => [name, 'value' as Shape])) };
}

const selector: Shape = {
  fields: {
    matchLabels: labelMap,
    matchExpressions: { list: { fields: { key: 'value', operator: 'value', values: texts } } },
  },
};
const nodeTerm: Shape = {
  fields: {
    matchExpressions: { list: { fields: { key: 'value', operator: 'value', values: texts } } },
    matchFields: { list: { fields: { key: 'value', operator: 'value', values: texts } } },
  },
};
const podTerms: Shape = {
  list: {
    fields: { topologyKey: 'value', namespaces: texts, namespaceSelector: selector, labelSelector: selector },
  },
};
const podTermsRequired: Shape = { fields: { requiredDuringSchedulingIgnoredDuringExecution: podTerms } };
const resources: Shape = { fields: { requests: quantities, limits: quantities } };
const queueResource = object('quota', 'limit', 'overQuotaWeight');
const topologyConstraint = object('topology', 'requiredTopologyLevel', 'preferredTopologyLevel');

/** One object of any kind: their fields do not clash. */
const item: { fields: Record<string, Shape> } = {
  fields: {
    apiVersion: 'value',
    kind: 'value',
    metadata: {
      fields: {
        ...object('name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp').fields,
        labels: labelMap,
        annotations: { map: (key) => ANNOTATIONS.has(key) || key.startsWith(MIG_PREFIX) },
      },
    },
    // PriorityClass
    value: 'value',
    globalDefault: 'value',
    // ConfigMap: the scheduler's own configuration; those of other ConfigMaps are dropped by their name.
    data: { map: (key) => key === 'config.yaml' },
    spec: {
      fields: {
        // Pod
        nodeName: 'value',
        schedulerName: 'value',
        containers: { list: { fields: { resources } } },
        initContainers: { list: { fields: { restartPolicy: 'value', resources } } },
        overhead: quantities,
        nodeSelector: labelMap,
        affinity: {
          fields: {
            nodeAffinity: {
              fields: {
                requiredDuringSchedulingIgnoredDuringExecution: { fields: { nodeSelectorTerms: { list: nodeTerm } } },
              },
            },
            podAffinity: podTermsRequired,
            podAntiAffinity: podTermsRequired,
          },
        },
        tolerations: listOf('key', 'operator', 'value', 'effect'),
        schedulingGates: listOf('name'),
        resourceClaims: listOf('name'),
        // Node
        unschedulable: 'value',
        taints: listOf('key', 'value', 'effect'),
        // Queue
        parentQueue: 'value',
        priority: 'value',
        resources: { fields: { gpu: queueResource, cpu: queueResource, memory: queueResource } },
        preemptMinRuntime: 'value',
        reclaimMinRuntime: 'value',
        // PodGroup
        queue: 'value',
        minMember: 'value',
        minSubGroup: 'value',
        priorityClassName: 'value',
        preemptibility: 'value',
        schedulingBackoff: 'value',
        preemptionDelay: 'value',
        stalenessGracePeriod: 'value',
        topologyConstraint,
        subGroups: {
          list: { fields: { ...object('name', 'minMember', 'minSubGroup', 'parent').fields, topologyConstraint } },
        },
        // Topology
        levels: listOf('nodeLabel', 'alias'),
        // BindRequest
        podName: 'value',
        selectedNode: 'value',
        receivedResourceType: 'value',
        selectedGPUGroups: texts,
        backoffLimit: 'value',
      },
    },
    status: {
      fields: {
        phase: 'value',
        startTime: 'value',
        nominatedNodeName: 'value',
        allocatable: quantities,
        capacity: quantities,
        conditions: listOf('type', 'status', 'lastHeartbeatTime', 'lastTransitionTime'),
        failedAttempts: 'value',
        schedulingConditions: listOf('nodePool', 'transitionID'),
      },
    },
  },
};

/** Lists of the snapshot's `rawObjects` that are read, and the kind of their items. */
export const RAW_LISTS = {
  pods: 'Pod',
  nodes: 'Node',
  queues: 'Queue',
  podGroups: 'PodGroup',
  bindRequests: 'BindRequest',
  priorityClasses: 'PriorityClass',
  topologies: 'Topology',
} as const;
export type Kind = (typeof RAW_LISTS)[keyof typeof RAW_LISTS] | 'ConfigMap';

/** Go reads these in any case, and older schedulers wrote them with capitals. */
const anyCase = (fields: Record<string, Shape>): Shape => ({ fields, anyCase: true });

/** The scheduler's configuration, inside a snapshot or in its ConfigMap. What connects it to other services is left out. */
const config = anyCase({
  actions: 'value',
  tiers: {
    list: anyCase({
      plugins: { list: anyCase({ name: 'value', arguments: { map: (key) => ARGUMENTS.has(key) } }) },
    }),
  },
  queueDepthPerAction: { map: all },
  usageDBConfig: anyCase({ usageParams: anyCase({ halfLifePeriod: 'value' }) }),
});

export const SNAPSHOT_SHAPE: Shape = {
  fields: {
    ...item.fields,
    version: 'value',
    schemaVersion: 'value',
    snapshotVersion: 'value',
    config,
    schedulerParams: anyCase({
      ...object(
        'schedulerName',
        'restrictSchedulingNodes',
        'maxNumberConsolidationPreemptees',
        'useSchedulingSignatures',
        'fullHierarchyFairness',
        'allowConsolidatingReclaim',
        'numOfStatusRecordingWorkers',
        'globalDefaultStalenessGracePeriod',
        'schedulePeriod',
        'stuckInReleasingThreshold',
      ).fields,
      partitionParams: anyCase(object('nodePoolLabelKey', 'nodePoolLabelValue').fields),
    }),
    rawObjects: { fields: Object.fromEntries(Object.keys(RAW_LISTS).map((name) => [name, { list: item }])) },
    items: { list: item },
  },
};
