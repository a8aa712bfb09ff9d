/** The kinds of documents that a scenario file may hold. */

import { z } from 'zod';
import { faultModelKind } from './schema/faults.ts';
import {
  batchJobKind,
  clusterQueueKind,
  cohortKind,
  departmentKind,
  faultToleranceKind,
  type InferenceInput,
  inferenceKind,
  localQueueKind,
  MISSION_CONTROL,
  projectKind,
  pytorchJobKind,
  queueKind,
  resourceFlavorKind,
  runaiJobKind,
  trainerKind,
  trainingWorkloadKind,
} from './schema/manifests.ts';
import { provisioningKind } from './schema/provisioning.ts';
import { servingKind } from './schema/serving.ts';
import { clusterKind, pricesKind, simulationKind, workloadKind } from './schema/simsup.ts';
import { slurmKind } from './schema/slurm.ts';
import { stackKind } from './schema/stacks.ts';
import { energyKind, networkKind, storageKind } from './schema/storage.ts';
import { studyKind } from './schema/study.ts';

export * from './schema/common.ts';
export type { InferenceInput, PodTemplate, ProjectInput } from './schema/manifests.ts';
export type { MeasuredInput, ServingInput } from './schema/serving.ts';
export * from './schema/simsup.ts';
export { MAX_RUNS, type RangeInput, type SpreadInput, type StudySpec } from './schema/study.ts';

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
  entry('simsup.dev/v1', 'FaultModel', faultModelKind),
  entry('simsup.dev/v1', 'Serving', servingKind),
  entry('simsup.dev/v1', 'Slurm', slurmKind),
  entry('simsup.dev/v1', 'Stack', stackKind),
  entry('simsup.dev/v1', 'Storage', storageKind),
  entry('simsup.dev/v1', 'Network', networkKind),
  entry('simsup.dev/v1', 'Energy', energyKind),
  entry('simsup.dev/v1', 'Provisioning', provisioningKind),
  entry('simsup.dev/v1', 'Study', studyKind),
  entry(MISSION_CONTROL, 'MissionControlDepartment', departmentKind),
  entry(MISSION_CONTROL, 'MissionControlProject', projectKind),
  entry(MISSION_CONTROL, 'FaultTolerancePolicy', faultToleranceKind),
  entry(MISSION_CONTROL, 'InferenceDeployment', inferenceKind),
  entry('scheduling.run.ai/v2', 'Queue', queueKind),
  entry('kueue.x-k8s.io/', 'ClusterQueue', clusterQueueKind),
  entry('kueue.x-k8s.io/', 'Cohort', cohortKind),
  entry('kueue.x-k8s.io/', 'ResourceFlavor', resourceFlavorKind),
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
  FaultModel: z.output<typeof faultModelKind>;
  Serving: z.output<typeof servingKind>;
  Slurm: z.output<typeof slurmKind>;
  Stack: z.output<typeof stackKind>;
  Storage: z.output<typeof storageKind>;
  Network: z.output<typeof networkKind>;
  Energy: z.output<typeof energyKind>;
  Provisioning: z.output<typeof provisioningKind>;
  Study: z.output<typeof studyKind>;
  MissionControlDepartment: z.output<typeof departmentKind>;
  MissionControlProject: z.output<typeof projectKind>;
  FaultTolerancePolicy: z.output<typeof faultToleranceKind>;
  InferenceDeployment: InferenceInput;
  trainer: z.output<typeof trainerKind>;
  Queue: z.output<typeof queueKind>;
  ClusterQueue: z.output<typeof clusterQueueKind>;
  Cohort: z.output<typeof cohortKind>;
  ResourceFlavor: z.output<typeof resourceFlavorKind>;
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
