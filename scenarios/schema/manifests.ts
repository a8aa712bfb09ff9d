/** Manifests as people have them, of Mission Control, Run:ai, Kueue and Kubernetes: what is read of them is checked. */

import { z } from 'zod';
import { count, decimal, duration, name, text } from '../fields.ts';
import { kind, labelled, MAX_GPUS, metadata } from './common.ts';

// --- Mission Control -----------------------------------------------------------------------------------------------

export const MISSION_CONTROL = 'mission-control.nvidia.com/v1';
const unlimitedOr = (max: number) => count(-1, max);
const quota = z.union([unlimitedOr(MAX_GPUS), z.record(z.string(), unlimitedOr(MAX_GPUS))]);
const projectFields = {
  displayName: text().optional(),
  deservedGpus: quota.optional(),
  overQuotaWeight: decimal(0, 1e6).optional(),
  chargebackLabel: text().optional(),
  maxOverQuotaGpus: unlimitedOr(MAX_GPUS).optional(),
  priority: count(-1_000_000, 1_000_000).optional(),
};
const projectSpec = z.strictObject(projectFields);
export type ProjectInput = z.output<typeof projectSpec>;

export const departmentKind = kind(
  MISSION_CONTROL,
  'MissionControlDepartment',
  z.strictObject({
    displayName: text().optional(),
    parent: name().optional(),
    projects: z.array(z.strictObject({ name: name(), ...projectFields })).prefault([]),
  }),
);
export const projectKind = kind(MISSION_CONTROL, 'MissionControlProject', projectSpec.prefault({}));

export const faultToleranceKind = kind(
  MISSION_CONTROL,
  'FaultTolerancePolicy',
  z.strictObject({
    trigger: z
      .strictObject({
        dcgmEventCodes: z.array(text()).optional(),
        utilizationDropThreshold: decimal(0, 1).optional(),
      })
      .optional(),
    action: z
      .strictObject({
        type: text().optional(),
        checkpointPath: text().optional(),
        maxRescheduleAttempts: count(0, 1_000_000).optional(),
        rescheduleDelay: duration().optional(),
      })
      .optional(),
  }),
);

export const inferenceKind = z.strictObject({
  apiVersion: z.literal(MISSION_CONTROL),
  kind: z.literal('InferenceDeployment'),
  metadata: labelled,
  spec: z.strictObject({
    model: z.strictObject({ registry: text().optional(), name: text(), precision: text().prefault('fp16') }),
    replicas: count(1, 100_000).prefault('1'),
    slo: z
      .strictObject({
        targetTTFT: duration().optional(),
        minThroughput: decimal(0).optional(),
        p99Latency: duration().optional(),
      })
      .optional(),
    placement: z
      .strictObject({
        preferHardware: z.array(name()).optional(),
        avoidIfDCGMUtil: decimal(0, 1).optional(),
      })
      .optional(),
    project: name().optional(),
  }),
});
export type InferenceInput = z.output<typeof inferenceKind>;

/** NeMo's settings have no kind; any other trainer setting is let through. */
export const trainerKind = z.strictObject({
  trainer: z.looseObject({
    checkpoint_callback_params: z
      .looseObject({ save_top_k: count(-1).optional(), every_n_train_steps: count(1).optional() })
      .optional(),
  }),
});

// --- quotas of other schedulers ------------------------------------------------------------------------------------

const queueResource = z
  .looseObject({
    quota: decimal(-1, 1e9).optional(),
    limit: decimal(-1, 1e9).optional(),
    overQuotaWeight: decimal(0, 1e6).optional(),
  })
  .optional();
export const queueKind = z.looseObject({
  apiVersion: z.literal('scheduling.run.ai/v2'),
  kind: z.literal('Queue'),
  metadata,
  spec: z
    .looseObject({
      parentQueue: name().optional(),
      priority: count(-1_000_000, 1_000_000).optional(),
      resources: z.looseObject({ gpu: queueResource }).optional(),
    })
    .prefault({}),
});

const kueueGroup = z.string().regex(/^kueue\.x-k8s\.io\//);
const flavor = z.looseObject({
  name: name(),
  resources: z.array(
    z.looseObject({
      name: text(),
      nominalQuota: text(),
      borrowingLimit: text().optional(),
      lendingLimit: text().optional(),
    }),
  ),
});
const resourceGroups = z.array(z.looseObject({ flavors: z.array(flavor) })).prefault([]);
const fairSharing = z.looseObject({ weight: decimal(0, 1e6).optional() }).optional();
/** v1beta1 says what ends the search, v1beta2 that it may end. */
const searching = (ends: string) => z.enum(['MayStopSearch', 'TryNextFlavor', ends]).optional();
export const clusterQueueKind = z.looseObject({
  apiVersion: kueueGroup,
  kind: z.literal('ClusterQueue'),
  metadata,
  spec: z.looseObject({
    cohort: name().optional(),
    cohortName: name().optional(),
    resourceGroups,
    fairSharing,
    queueingStrategy: z.enum(['StrictFIFO', 'BestEffortFIFO']).optional(),
    preemption: z
      .looseObject({
        reclaimWithinCohort: z.enum(['Never', 'LowerPriority', 'Any']).optional(),
        withinClusterQueue: z.enum(['Never', 'LowerPriority', 'LowerOrNewerEqualPriority']).optional(),
        borrowWithinCohort: z
          .looseObject({
            policy: z.enum(['Never', 'LowerPriority']).optional(),
            maxPriorityThreshold: count(-2_147_483_648, 2_147_483_647).optional(),
          })
          .optional(),
      })
      .optional(),
    flavorFungibility: z
      .looseObject({
        whenCanBorrow: searching('Borrow'),
        whenCanPreempt: searching('Preempt'),
        preference: z.enum(['BorrowingOverPreemption', 'PreemptionOverBorrowing']).optional(),
      })
      .optional(),
  }),
});
export const cohortKind = z.looseObject({
  apiVersion: kueueGroup,
  kind: z.literal('Cohort'),
  metadata,
  spec: z
    .looseObject({ parentName: name().optional(), parent: name().optional(), resourceGroups, fairSharing })
    .prefault({}),
});
export const resourceFlavorKind = z.looseObject({
  apiVersion: kueueGroup,
  kind: z.literal('ResourceFlavor'),
  metadata,
  spec: z.looseObject({ nodeLabels: z.record(z.string(), text()).prefault({}) }).prefault({}),
});
export const localQueueKind = z.looseObject({
  apiVersion: kueueGroup,
  kind: z.literal('LocalQueue'),
  metadata,
  spec: z.looseObject({ clusterQueue: name() }),
});

// --- jobs' own manifests: only what is read is checked, the rest is Kubernetes' business ---------------------------

const resources = z
  .looseObject({ limits: z.record(z.string(), text()).optional(), requests: z.record(z.string(), text()).optional() })
  .optional();
const podTemplate = z.looseObject({
  metadata: labelled,
  spec: z.looseObject({ containers: z.array(z.looseObject({ resources })).min(1) }),
});
export type PodTemplate = z.output<typeof podTemplate>;

const loose = <A extends z.ZodType, K extends z.ZodType, S extends z.ZodType>(apiVersion: A, kindName: K, spec: S) =>
  z.looseObject({ apiVersion, kind: kindName, metadata: labelled, spec });

export const batchJobKind = loose(
  z.literal('batch/v1'),
  z.literal('Job'),
  z.looseObject({ parallelism: count(1, MAX_GPUS).prefault('1'), template: podTemplate }),
);
const replicaSpec = z.looseObject({ replicas: count(0, MAX_GPUS).prefault('1'), template: podTemplate });
export const pytorchJobKind = loose(
  z.literal('kubeflow.org/v1'),
  z.literal('PyTorchJob'),
  z.looseObject({ pytorchReplicaSpecs: z.record(z.string(), replicaSpec) }),
);
export const runaiJobKind = loose(
  z.literal('run.ai/v1'),
  z.literal('RunaiJob'),
  z.looseObject({ parallelism: count(1, MAX_GPUS).prefault('1'), template: podTemplate }),
);
const runaiValue = z.looseObject({ value: text() }).optional();
export const trainingWorkloadKind = loose(
  z.string().regex(/^run\.ai\/v2alpha1$/),
  z.enum(['TrainingWorkload', 'InteractiveWorkload', 'DistributedWorkload']),
  z.looseObject({
    gpu: runaiValue,
    gpuDevices: runaiValue,
    gpuMemory: runaiValue,
    cpu: runaiValue,
    memory: runaiValue,
    workers: runaiValue,
    completions: runaiValue,
    parallelism: runaiValue,
  }),
);
