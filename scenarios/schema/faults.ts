/** What breaks (`FaultModel`), and what a stack does about it: kinds, fields, defaults. */

import { z } from 'zod';
import { FAULT_UNITS } from '../../sim/scenario.ts';
import { count, decimal, duration, flag, name, oneOrMore, text, wordAmong } from '../fields.ts';
import { kind } from './common.ts';

export const STACKS = ['kubernetes', 'kueue', 'slurm', 'runai', 'mission-control'] as const;
export const FAULT_PRESETS = ['default', 'llama3', 'rsc-1', 'rsc-2', 'delta-a100', 'delta-h100', 'none'] as const;

/** Each hazard but the exponential has fields: what to write. */
const HAZARDS = {
  weibull: '{weibull: {shape: 0.7}}',
  lognormal: '{lognormal: {sigma: 1}}',
  bathtub: '{bathtub: {infantFactor: 3, infant: 30d, wearOutFactor: 2, wearOutAfter: 1825d}}',
  recorded: '{recorded: {gaps: [10h, 30h]}}',
};

const hazard = z.union([
  wordAmong('exponential', HAZARDS),
  z.strictObject({ weibull: z.strictObject({ shape: decimal(0.1, 20) }) }),
  z.strictObject({ lognormal: z.strictObject({ sigma: decimal(0, 10) }) }),
  /** Gaps as they were recorded; each is as likely as the others. Their mean is `mtbf`'s. */
  z.strictObject({ recorded: z.strictObject({ gaps: z.array(duration()).min(1).max(100_000) }) }),
  z.strictObject({
    bathtub: z.strictObject({
      infantFactor: decimal(0, 1000).prefault('3'),
      infant: duration().prefault('30d'),
      wearOutFactor: decimal(0, 1000).prefault('1'),
      wearOutAfter: duration().prefault('1825d'),
    }),
  }),
]);
export type HazardInput = z.output<typeof hazard>;

const process = z.strictObject({
  name: name(),
  unit: z.enum(FAULT_UNITS),
  pools: oneOrMore(name()).optional(),
  /** Mean time between faults of one unit. */
  mtbf: duration(),
  hazard: hazard.prefault('exponential'),
  /** Kind → weight. */
  kinds: z.record(z.string(), decimal(0, 1e12)),
  burst: z
    .strictObject({
      probability: decimal(0, 1),
      count: count(1, 1000).prefault('3'),
      within: duration().prefault('10m'),
      among: z.enum(['rack', 'nvlinkDomain', 'cluster']).prefault('rack'),
    })
    .optional(),
});
export type ProcessInput = z.output<typeof process>;

const drawn = z
  .strictObject({ median: duration().optional(), sigma: decimal(0, 10).optional(), success: decimal(0, 1).optional() })
  .optional();
export const repair = z.strictObject({
  gpuReset: drawn,
  reboot: drawn,
  service: drawn,
  rma: z.strictObject({ least: duration(), likeliest: duration(), most: duration() }).optional(),
  retries: count(0, 100).optional(),
  repeatWithin: duration().optional(),
  crews: count(0, 1_000_000).optional(),
  check: duration().optional(),
  serviceCheck: duration().optional(),
  burnIn: duration().optional(),
});
export type RepairInput = z.output<typeof repair>;

export const faultModelKind = kind(
  'simsup.dev/v1',
  'FaultModel',
  z
    .strictObject({
      preset: z.enum(FAULT_PRESETS).optional(),
      /** All rates are multiplied by this. */
      rateFactor: decimal(0, 1e9).prefault('1'),
      processes: z.array(process).prefault([]),
      trace: z
        .array(
          z.strictObject({
            at: duration(),
            /** What is struck, one of them, by its name in faults.csv (`rack-2`, `leaf-0`, `nvlink-5`, a file system's). */
            node: name().optional(),
            nvlink: name().optional(),
            rack: name().optional(),
            network: name().optional(),
            storage: name().optional(),
            gpu: count(0, 31).prefault('0'),
            kind: text(),
          }),
        )
        .prefault([]),
      /** The same in a file. */
      traceFile: text().optional(),
      lemons: z.strictObject({ share: decimal(0, 1), factor: decimal(1, 1e6).prefault('15') }).optional(),
      gpuSpread: decimal(0, 5).optional(),
      age: duration().optional(),
      corruption: z
        .strictObject({
          found: decimal(0, 1).optional(),
          median: duration().optional(),
          sigma: decimal(0, 10).optional(),
        })
        .prefault({}),
      repair: repair.prefault({}),
    })
    .prefault({}),
);
export type FaultModelSpec = z.output<typeof faultModelKind>['spec'];

/** What a stack does about faults, each value as `StackSettings`. */
export const stackSettings = {
  exit: duration().optional(),
  nodeDown: duration().optional(),
  hang: duration().optional(),
  gang: z.enum(['requeue', 'person']).optional(),
  single: z.enum(['requeue', 'in-place']).optional(),
  requeueDelay: duration().optional(),
  close: z.union([z.literal('by-person'), duration()]).optional(),
  repairBy: z.enum(['person', 'machine']).optional(),
  neighbours: z.enum(['wait', 'evacuate']).optional(),
  events: flag().optional(),
  person: z
    .strictObject({
      takes: duration().optional(),
      fromHour: decimal(0, 23).optional(),
      toHour: decimal(1, 24).optional(),
      weekends: flag().optional(),
    })
    .optional(),
};
const settingsSchema = z.strictObject(stackSettings);
export type StackSettingsInput = z.output<typeof settingsSchema>;

export const stackField = z.union([z.enum(STACKS), z.strictObject({ name: z.enum(STACKS), ...stackSettings })]);
export type StackInput = z.output<typeof stackField>;

export const telemetryField = z.union([
  z.enum(['shipped', 'seed']),
  z.strictObject({
    exporter: duration().optional(),
    scrape: duration().optional(),
    utilizationField: text().optional(),
    utilizationWindow: duration().optional(),
  }),
]);
export type TelemetryInput = z.output<typeof telemetryField>;

/** Nodes kept aside for hot spares, by pool. */
export const sparesField = z.record(z.string(), count(0, 1_000_000));
