/**
 * The compiled scenario: everything a run needs, as plain data and typed columns.
 *
 * `scenarios/` makes one out of YAML, a trace or a generator; `simulate()` runs it. It imports no other part of the
 * house, so that everything may import it. Times are integer microseconds since the start of the scenario, money is
 * integer micro-dollars, shares of a GPU are thousandths.
 * Its parts, by subject, are in `scenario/`; all are had from here.
 */

import type { MigLayout, NodeColumns, PoolSpec } from './scenario/cluster.ts';
import type { EnergySettings, FixedCost } from './scenario/costs.ts';
import type { FaultSettings } from './scenario/faults.ts';
import type { JobColumns, TypicalWorker } from './scenario/jobs.ts';
import type { NetworkSettings } from './scenario/network.ts';
import type { DepartmentSpec, ProjectSpec } from './scenario/projects.ts';
import type { ProvisioningSettings } from './scenario/provisioning.ts';
import type { RecoverySettings } from './scenario/recovery.ts';
import type { KueueSettings, PolicyChoice, SlurmSettings } from './scenario/schedulers.ts';
import type { ServingSpec } from './scenario/serving.ts';
import type { SpotSpec } from './scenario/spot.ts';
import type { ComparedStack } from './scenario/stacks.ts';
import type { StorageSettings } from './scenario/storage.ts';

export * from './scenario/cluster.ts';
export * from './scenario/costs.ts';
export * from './scenario/faults.ts';
export * from './scenario/jobs.ts';
export * from './scenario/jobs-builder.ts';
export * from './scenario/models.ts';
export * from './scenario/network.ts';
export * from './scenario/projects.ts';
export * from './scenario/provisioning.ts';
export * from './scenario/recovery.ts';
export * from './scenario/requests.ts';
export * from './scenario/schedulers.ts';
export * from './scenario/serving.ts';
export * from './scenario/spot.ts';
export * from './scenario/stacks.ts';
export * from './scenario/storage.ts';
export * from './scenario/units.ts';

export interface Scenario {
  name: string;
  /** One sentence: what it shows. */
  title: string;
  seed: string;
  /** Unix time of the scenario's time 0, seconds; 0 where the source has none. */
  startEpochSeconds: number;
  /** Offset of the scenario's time zone from UTC, minutes: where its hours begin. */
  utcOffsetMinutes: number;
  /** Simulated length, µs; Infinity = until the last job has ended. */
  durationUs: number;
  /** Jobs submitted before this are simulated but left out of job statistics, µs. */
  warmUpUs: number;
  policy: PolicyChoice;
  pools: PoolSpec[];
  nodes: NodeColumns;
  migLayouts: MigLayout[];
  migProfiles: string[];
  departments: DepartmentSpec[];
  projects: ProjectSpec[];
  users: string[];
  jobs: JobColumns;
  poolLists: number[][];
  /** Speed by pool, thousandths of reference speed; `speedProfiles[k][pool]`. */
  speedProfiles: number[][];
  fixedCosts: FixedCost[];
  kueue?: KueueSettings;
  slurm?: SlurmSettings;
  /** What breaks; absent = nothing. */
  faults?: FaultSettings;
  /** What is noticed of it, and done about it; absent = as the stack `runai`. */
  recovery?: RecoverySettings;
  /** Stacks that this scenario describes otherwise than simsup does; for comparisons only. */
  stacks?: ComparedStack[];
  /** File systems, and which of the jobs' checkpoints and data lie there. */
  storage?: StorageSettings;
  /** What communication costs; absent = a step takes the same time wherever a gang stands. */
  network?: NetworkSettings;
  /** Reclaim of spot capacity, by pool; null = nobody takes it away. */
  spot?: (SpotSpec | null)[];
  energy?: EnergySettings;
  /** How nodes come, are updated and leave; absent = all are there from the start to the end. */
  provisioning?: ProvisioningSettings;
  /** Deployments whose requests are simulated. */
  serving?: ServingSpec[];
  /** What is assumed and where from: shown by `run` and in reports. */
  assumptions: string[];
  /** What workers are known to ask for, for placement that looks ahead (`fgd`); counted from the jobs where not given. */
  typicalWorkers?: TypicalWorker[];
}
