/** simsup's own documents (`simsup.dev/v1`): kinds, fields, defaults. docs/scenario.md is the same for people. */

import { z } from 'zod';
import { JOB_CLASSES, TOPOLOGY_LEVELS } from '../../sim/scenario.ts';
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
  timeZone,
  utcOffset,
} from '../fields.ts';
import { kind, MAX_GPUS, MAX_GPUS_PER_NODE } from './common.ts';
import { sparesField, stackField, telemetryField } from './faults.ts';
import { storageTraits } from './storage.ts';

const reclaim = z.union([
  z.literal('none'),
  z.strictObject({
    cloud: z.enum(['aws', 'gcp', 'azure']).prefault('aws'),
    notice: duration().optional(),
    /** Part of the nodes taken in a month (730 h). */
    perMonth: share()
      .refine((milli) => milli > 0 && milli < 1000, { error: 'a share above 0 and below 1' })
      .optional(),
    /** Mean time to reclaim of a node, instead. */
    meanTime: duration()
      .refine((us) => us > 0, { error: 'a duration above 0' })
      .optional(),
    byHour: z.array(decimal(0.001, 1000)).length(24).optional(),
    batchShare: share().optional(),
    batchWindow: duration().optional(),
    returnAfter: duration()
      .refine((us) => us > 0, { error: 'a duration above 0' })
      .optional(),
  }),
]);
export type ReclaimInput = z.output<typeof reclaim>;

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
  reclaim: reclaim.optional(),
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
  ...storageTraits,
  startup: z
    .union([
      duration(),
      z.strictObject({
        lognormal: z.strictObject({ median: duration(), sigma: decimal(0, 10) }),
        max: duration().optional(),
      }),
    ])
    .optional(),
  restore: duration().optional(),
  grace: duration().optional(),
  maxAttempts: count(0, 1_000_000).optional(),
  referenceGpu: name().optional(),
  speed: z.record(z.string(), decimal(0.001, 1000)).optional(),
  partition: name().optional(),
  qos: name().optional(),
  topologyRequired: z.enum(TOPOLOGY_LEVELS).optional(),
  topologyPreferred: z.enum(TOPOLOGY_LEVELS).optional(),
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
  bcm: z.string().optional(),
  ...jobTraits,
});
export type JobInput = z.output<typeof job>;
/** What BCM's Slurm bridge is given, as it is. */
const bcmLine = z.string().regex(/^\s*bcm\s+submit\b/, {
  error: "fields (name: value), or a line such as bcm submit --scheduler runai --wrap 'sbatch train.sh' --gpus 8",
});

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

const tokenLength = z.union([
  count(1, 10_000_000),
  z.strictObject({
    median: count(1, 10_000_000),
    sigma: decimal(0, 10),
    max: count(1, 10_000_000).prefault('131072'),
  }),
  z.strictObject({ quantiles: z.array(count(1, 10_000_000)).min(2) }),
]);
export type TokenLengthInput = z.output<typeof tokenLength>;

/** Requests for an inference deployment: of a file, or drawn. */
const requests = z.strictObject({
  deployment: name(),
  tenant: name().prefault('default'),
  file: z.string().optional(),
  /** Of a file: times as fast. */
  rateFactor: decimal(0.001, 10_000).prefault('1'),
  perSecond: decimal(0, 1e6).optional(),
  pattern: z.enum(['poisson', 'gamma', 'diurnal']).prefault('poisson'),
  /** gamma: coefficient of variation of the gaps. */
  cv: decimal(0.05, 100).prefault('3'),
  peakHour: decimal(0, 24).prefault('15'),
  peakToTrough: decimal(1, 1000).prefault('3'),
  weekend: decimal(0, 10).prefault('1'),
  prompt: tokenLength.prefault('1024'),
  output: tokenLength.prefault('256'),
});
export type RequestsInput = z.output<typeof requests>;

export const workloadKind = kind(
  'simsup.dev/v1',
  'Workload',
  z.strictObject({
    project: name().optional(),
    jobs: z.array(z.union([job, bcmLine])).prefault([]),
    jobsFile: z.string().optional(),
    manifestFiles: z.array(z.string()).prefault([]),
    teams: z.array(team).prefault([]),
    requests: z.array(requests).prefault([]),
    scale: decimal(0.001, 10_000).prefault('1'),
    /** A share of the jobs, growing from `from` to `until`, goes to other pools. */
    follow: z
      .strictObject({ to: oneOrMore(name()), from: duration(), until: duration(), share: share().prefault('1') })
      .optional(),
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

export const simulationKind = kind(
  'simsup.dev/v1',
  'Simulation',
  z.strictObject({
    title: text().prefault(''),
    seed: text().prefault('1'),
    duration: z.union([z.literal('until-done'), duration()]).prefault('30d'),
    warmUp: duration().prefault('0'),
    start: instant().prefault('2026-06-01T00:00:00Z'),
    utcOffset: utcOffset().optional(),
    timeZone: timeZone().optional(),
    policy: z
      .union([name(), z.strictObject({ name: name(), args: z.record(z.string(), z.any()).prefault({}) })])
      .prefault('fifo-backfill'),
    stack: stackField.optional(),
    telemetry: telemetryField.optional(),
    spares: sparesField.optional(),
  }),
);
