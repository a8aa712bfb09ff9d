/** The documents a scenario file may hold: kinds, fields, defaults. docs/scenario.md is the same for people. */

import { z } from 'zod';
import { JOB_CLASSES } from '../sim/scenario.ts';
import {
  count,
  cpu,
  decimal,
  duration,
  flag,
  instant,
  interval,
  name,
  oneOrMore,
  price,
  share,
  size,
  text,
  utcOffset,
} from './fields.ts';

/** Sizes beyond which a file is taken for a mistake. */
export const MAX_GPUS = 2_000_000;
export const MAX_JOBS = 20_000_000;
export const MAX_GPUS_PER_NODE = 32;

const metadata = z.looseObject({ name: name().optional(), namespace: name().optional() }).prefault({});
const labelled = z
  .looseObject({
    name: name().optional(),
    namespace: name().optional(),
    labels: z.record(z.string(), text()).prefault({}),
    annotations: z.record(z.string(), text()).prefault({}),
  })
  .prefault({});

function kind<T extends z.ZodType>(apiVersion: string, kindName: string, spec: T) {
  return z.strictObject({ apiVersion: z.literal(apiVersion), kind: z.literal(kindName), metadata, spec });
}

// --- simsup.dev/v1 -------------------------------------------------------------------------------------------------

const pool = z.strictObject({
  name: name(),
  gpuModel: name().optional(),
  gpuMemory: size().optional(),
  nodes: count(1, MAX_GPUS),
  gpusPerNode: count(0, MAX_GPUS_PER_NODE).optional(),
  cpu: cpu().optional(),
  memory: size().optional(),
  price: price().optional(),
  spot: flag().prefault('false'),
  billingIncrement: duration().optional(),
  nodesPerRack: count(0, MAX_GPUS).prefault('0'),
  racksPerBlock: count(0, MAX_GPUS).prefault('0'),
  nodesPerNvlinkDomain: count(0, MAX_GPUS).prefault('0'),
  mig: z
    .array(z.string().regex(/^[1-7]g\.\d+gb$/, { error: 'a MIG profile, such as 3g.71gb' }))
    .max(7)
    .optional(),
});
export type PoolInput = z.output<typeof pool>;

const controlPlane = z.strictObject({ nodes: count(0, 10_000).prefault('1'), price: price().optional() }).prefault({});

export const clusterKind = kind(
  'simsup.dev/v1',
  'Cluster',
  z.strictObject({
    pools: z.array(pool).optional(),
    nodesFile: z.string().optional(),
    price: price().optional(),
    borrowAcrossPools: flag().prefault('true'),
    poolPreference: z.record(z.string(), z.array(name())).prefault({}),
    controlPlane,
  }),
);
export type ClusterSpec = z.output<typeof clusterKind>['spec'];

const after = z.union([
  name(),
  z.strictObject({ job: name(), condition: z.enum(['completed', 'started', 'ended']).prefault('completed') }),
]);

/** What jobs of one source have in common; also the shape of `defaults`. */
const jobTraits = {
  class: z.enum(JOB_CLASSES).optional(),
  priority: count(-1_000_000, 1_000_000).optional(),
  preemptible: flag().optional(),
  pools: oneOrMore(name()).optional(),
  gpuModels: oneOrMore(name()).optional(),
  gpuShare: share().optional(),
  gpuMemory: size().optional(),
  migProfile: z.string().optional(),
  cpu: cpu().optional(),
  memory: size().optional(),
  use: share().optional(),
  timeLimit: duration().optional(),
  stepTime: duration().optional(),
  checkpointEvery: interval().optional(),
  checkpointStall: duration().optional(),
  checkpointOnPreempt: flag().optional(),
  startup: duration().optional(),
  restore: duration().optional(),
  grace: duration().optional(),
  maxAttempts: count(0, 1_000_000).optional(),
  referenceGpu: name().optional(),
  speed: z.record(z.string(), decimal(0.001, 1000)).optional(),
  partition: name().optional(),
  qos: name().optional(),
};
const traits = z.strictObject(jobTraits);
export type JobTraits = z.output<typeof traits>;

const job = z.strictObject({
  id: name().optional(),
  project: name().optional(),
  user: name().optional(),
  submit: duration().prefault('0'),
  duration: duration().optional(),
  steps: count(1).optional(),
  deadline: duration().optional(),
  gpus: count(0, MAX_GPUS).prefault('1'),
  workers: count(1, MAX_GPUS).optional(),
  minWorkers: count(1, MAX_GPUS).optional(),
  after: z.preprocess((v) => (Array.isArray(v) || v === undefined ? v : [v]), z.array(after)).optional(),
  ...jobTraits,
});
export type JobInput = z.output<typeof job>;

const bounds = { min: duration().optional(), max: duration().optional() };
const durations = z.union([
  duration(),
  z.strictObject({ lognormal: z.strictObject({ median: duration(), sigma: decimal(0, 10) }), ...bounds }),
  z.strictObject({ exponential: z.strictObject({ mean: duration() }), ...bounds }),
  z.strictObject({ weibull: z.strictObject({ scale: duration(), shape: decimal(0.01, 100) }), ...bounds }),
  z.strictObject({ uniform: z.strictObject({ from: duration(), to: duration() }), ...bounds }),
  z.strictObject({ quantiles: z.array(duration()).min(2), ...bounds }),
]);
export type DurationInput = z.output<typeof durations>;

const arrivals = z.strictObject({
  perDay: decimal(0, 1e9),
  pattern: z.enum(['poisson', 'diurnal']).prefault('poisson'),
  /** Local hour of the most arrivals. */
  peakHour: decimal(0, 24).prefault('15'),
  /** Rate at the peak over rate at the trough. */
  peakToTrough: decimal(1, 1000).prefault('3'),
  /** Rate on Saturday and Sunday over the rate of a weekday. */
  weekend: decimal(0, 10).prefault('1'),
});
export type ArrivalsInput = z.output<typeof arrivals>;

const team = z.strictObject({
  name: name(),
  project: name().optional(),
  users: count(1, 1_000_000).prefault('1'),
  arrivals,
  /** Jobs submitted together at each arrival (a sweep). */
  together: count(1, 10_000).prefault('1'),
  sizes: z
    .array(
      z.strictObject({
        gpus: count(0, MAX_GPUS),
        weight: decimal(0, 1e9).prefault('1'),
        workers: count(1, MAX_GPUS).optional(),
        duration: durations.optional(),
      }),
    )
    .min(1)
    .prefault([{ gpus: '1' }]),
  duration: durations.prefault('1h'),
  /** Time limit as a multiple of the true duration; 0 = no limit. */
  timeLimitFactor: decimal(0, 1000).prefault('0'),
  ...jobTraits,
});
export type TeamInput = z.output<typeof team>;

export const workloadKind = kind(
  'simsup.dev/v1',
  'Workload',
  z.strictObject({
    project: name().optional(),
    jobs: z.array(job).prefault([]),
    jobsFile: z.string().optional(),
    manifestFiles: z.array(z.string()).prefault([]),
    teams: z.array(team).prefault([]),
    scale: decimal(0.001, 10_000).prefault('1'),
    defaults: traits.prefault({}),
    whenTooLarge: z.enum(['error', 'skip']).prefault('error'),
  }),
);
export type WorkloadSpec = z.output<typeof workloadKind>['spec'];

export const pricesKind = kind(
  'simsup.dev/v1',
  'Prices',
  z.strictObject({
    gpuHour: z.record(z.string(), price()).prefault({}),
    spotGpuHour: z.record(z.string(), price()).prefault({}),
    controlPlane: price().optional(),
  }),
);

export const STACKS = ['kubernetes', 'kueue', 'slurm', 'runai', 'mission-control'] as const;

export const simulationKind = kind(
  'simsup.dev/v1',
  'Simulation',
  z.strictObject({
    title: text().prefault(''),
    seed: text().prefault('1'),
    duration: z.union([z.literal('until-done'), duration()]).prefault('30d'),
    warmUp: duration().prefault('0'),
    start: instant().prefault('2026-06-01T00:00:00Z'),
    utcOffset: utcOffset().prefault('+00:00'),
    policy: z
      .union([name(), z.strictObject({ name: name(), args: z.record(z.string(), z.any()).prefault({}) })])
      .prefault('fifo-backfill'),
    stack: z.enum(STACKS).optional(),
  }),
);

/** Accepted now, simulated later; their fields are not checked yet. */
const LATER = ['FaultModel', 'Storage', 'Provisioning', 'Study'] as const;
const laterKinds = LATER.map((k) => kind('simsup.dev/v1', k, z.looseObject({}).prefault({})));

// --- Mission Control -----------------------------------------------------------------------------------------------

const MISSION_CONTROL = 'mission-control.nvidia.com/v1';
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

const departmentKind = kind(
  MISSION_CONTROL,
  'MissionControlDepartment',
  z.strictObject({
    displayName: text().optional(),
    parent: name().optional(),
    projects: z.array(z.strictObject({ name: name(), ...projectFields })).prefault([]),
  }),
);
const projectKind = kind(MISSION_CONTROL, 'MissionControlProject', projectSpec.prefault({}));

const faultToleranceKind = kind(
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

const inferenceKind = z.strictObject({
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
const trainerKind = z.strictObject({
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
const queueKind = z.looseObject({
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

const flavor = z.looseObject({
  name: name(),
  resources: z.array(z.looseObject({ name: text(), nominalQuota: text(), borrowingLimit: text().optional() })),
});
const clusterQueueKind = z.looseObject({
  apiVersion: z.string().regex(/^kueue\.x-k8s\.io\//),
  kind: z.literal('ClusterQueue'),
  metadata,
  spec: z.looseObject({
    cohort: name().optional(),
    cohortName: name().optional(),
    resourceGroups: z.array(z.looseObject({ flavors: z.array(flavor) })).prefault([]),
    fairSharing: z.looseObject({ weight: decimal(0, 1e6).optional() }).optional(),
  }),
});
const localQueueKind = z.looseObject({
  apiVersion: z.string().regex(/^kueue\.x-k8s\.io\//),
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

const batchJobKind = loose(
  z.literal('batch/v1'),
  z.literal('Job'),
  z.looseObject({ parallelism: count(1, MAX_GPUS).prefault('1'), template: podTemplate }),
);
const replicaSpec = z.looseObject({ replicas: count(0, MAX_GPUS).prefault('1'), template: podTemplate });
const pytorchJobKind = loose(
  z.literal('kubeflow.org/v1'),
  z.literal('PyTorchJob'),
  z.looseObject({ pytorchReplicaSpecs: z.record(z.string(), replicaSpec) }),
);
const runaiJobKind = loose(
  z.literal('run.ai/v1'),
  z.literal('RunaiJob'),
  z.looseObject({ parallelism: count(1, MAX_GPUS).prefault('1'), template: podTemplate }),
);
const runaiValue = z.looseObject({ value: text() }).optional();
const trainingWorkloadKind = loose(
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

/** One kind of document: how it is recognised, and its schema. */
export interface KindEntry {
  /** `simsup.dev/v1`, or a group such as `kueue.x-k8s.io/` that ends in a slash: any version of it. */
  apiVersion: string;
  kind: string;
  schema: z.ZodType;
}

const entry = (apiVersion: string, kindName: string, schema: z.ZodType): KindEntry => ({
  apiVersion,
  kind: kindName,
  schema,
});

export const KINDS: readonly KindEntry[] = [
  entry('simsup.dev/v1', 'Cluster', clusterKind),
  entry('simsup.dev/v1', 'Workload', workloadKind),
  entry('simsup.dev/v1', 'Prices', pricesKind),
  entry('simsup.dev/v1', 'Simulation', simulationKind),
  ...LATER.map((k, i) => entry('simsup.dev/v1', k, laterKinds[i])),
  entry(MISSION_CONTROL, 'MissionControlDepartment', departmentKind),
  entry(MISSION_CONTROL, 'MissionControlProject', projectKind),
  entry(MISSION_CONTROL, 'FaultTolerancePolicy', faultToleranceKind),
  entry(MISSION_CONTROL, 'InferenceDeployment', inferenceKind),
  entry('scheduling.run.ai/v2', 'Queue', queueKind),
  entry('kueue.x-k8s.io/', 'ClusterQueue', clusterQueueKind),
  entry('kueue.x-k8s.io/', 'LocalQueue', localQueueKind),
  entry('batch/v1', 'Job', batchJobKind),
  entry('kubeflow.org/v1', 'PyTorchJob', pytorchJobKind),
  entry('run.ai/v1', 'RunaiJob', runaiJobKind),
  entry('run.ai/v2alpha1', 'TrainingWorkload', trainingWorkloadKind),
  entry('run.ai/v2alpha1', 'InteractiveWorkload', trainingWorkloadKind),
  entry('run.ai/v2alpha1', 'DistributedWorkload', trainingWorkloadKind),
];
export const TRAINER: z.ZodType = trainerKind;

/** A document after its own schema has accepted it, by kind. */
export interface Accepted {
  Cluster: z.output<typeof clusterKind>;
  Workload: z.output<typeof workloadKind>;
  Prices: z.output<typeof pricesKind>;
  Simulation: z.output<typeof simulationKind>;
  MissionControlDepartment: z.output<typeof departmentKind>;
  MissionControlProject: z.output<typeof projectKind>;
  FaultTolerancePolicy: z.output<typeof faultToleranceKind>;
  InferenceDeployment: InferenceInput;
  trainer: z.output<typeof trainerKind>;
  Queue: z.output<typeof queueKind>;
  ClusterQueue: z.output<typeof clusterQueueKind>;
  LocalQueue: z.output<typeof localQueueKind>;
  Job: z.output<typeof batchJobKind>;
  PyTorchJob: z.output<typeof pytorchJobKind>;
  RunaiJob: z.output<typeof runaiJobKind>;
  TrainingWorkload: z.output<typeof trainingWorkloadKind>;
  InteractiveWorkload: z.output<typeof trainingWorkloadKind>;
  DistributedWorkload: z.output<typeof trainingWorkloadKind>;
}

/** JSON Schema of one document, for editors and `simsup schema`. */
export function scenarioJsonSchema(): Record<string, unknown> {
  const all = z.union([...KINDS.map((k) => k.schema), TRAINER] as unknown as [z.ZodType, z.ZodType]);
  const schema = z.toJSONSchema(all, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
  return { title: 'A document of a simsup scenario', ...schema };
}
