/** How nodes come into the cluster, are updated and leave (`Provisioning`): docs/provisioning.md is the same for people. */

import { z } from 'zod';
import { count, decimal, duration, name, oneOrMore, share } from '../fields.ts';
import { kind } from './common.ts';
import { repair } from './faults.ts';

const MAX_NODES = 2_000_000;

/** A step's time: its median, and the standard deviation of its logarithm; and how often it fails. */
const step = z
  .strictObject({ median: duration().optional(), sigma: decimal(0, 10).optional(), failure: share().optional() })
  .optional();
export type StepInput = z.output<typeof step>;

const drain = z
  .strictObject({
    wait: z.union([z.literal('forever'), duration()]).optional(),
    overdue: z.enum(['preempt', 'kill', 'skip']).optional(),
  })
  .optional();
export type DrainInput = z.output<typeof drain>;

/** A number of nodes, or a share of them. */
const some = () =>
  z
    .string()
    .regex(/^\s*(\d{1,7}|\d{1,3}(\.\d+)?\s*%|0?\.\d+)\s*$/, {
      error: 'a number of nodes, or a share of them such as 10%',
    })
    .meta({ type: ['integer', 'string'], description: 'a number of nodes, or a share of them: 4 or 10%' });

const repairFrom = z.enum(['reboot', 'service', 'rma']);
const steps = { image: step, firmware: step, reboot: step, burnIn: step, check: step };

const rollout = z.strictObject({
  name: name(),
  at: duration(),
  pools: oneOrMore(name()).optional(),
  kind: z.enum(['firmware', 'image', 'both']).prefault('firmware'),
  image: step,
  firmware: step,
  reboot: step,
  check: step,
  /** Of the update, beside those of its steps. */
  failure: share().optional(),
  nodesPerWave: count(1, MAX_NODES).optional(),
  betweenWaves: duration().optional(),
  maxUnavailable: some().optional(),
  order: z.enum(['rack', 'name', 'idle-first']).prefault('rack'),
  drain,
  pause: z
    .strictObject({ failures: some(), for: z.union([z.literal('stop'), duration()]).prefault('stop') })
    .optional(),
  repair: repairFrom.prefault('reboot'),
});
export type RolloutInput = z.output<typeof rollout>;

const change = z.strictObject({
  name: name().optional(),
  at: duration(),
  pool: name().optional(),
  add: count(1, MAX_NODES).optional(),
  remove: count(1, MAX_NODES).optional(),
  from: name().optional(),
  to: name().optional(),
  nodes: count(1, MAX_NODES).optional(),
  /** The same again after this time, so many times in all. */
  every: duration().optional(),
  times: count(1, 10_000).optional(),
  drain,
  ...steps,
});
export type ChangeInput = z.output<typeof change>;

export const provisioningKind = kind(
  'simsup.dev/v1',
  'Provisioning',
  z
    .strictObject({
      parallelImaging: count(1, MAX_NODES).prefault('10'),
      /** Pools that are brought up new at the start; `all`. */
      bringUp: oneOrMore(name()).optional(),
      ...steps,
      /** With what the repair of a node begins that fails before its first work. */
      newRepair: repairFrom.prefault('service'),
      spares: z.enum(['replace', 'by-policy']).prefault('by-policy'),
      repair: repair.optional(),
      rollouts: z.array(rollout).prefault([]),
      changes: z.array(change).prefault([]),
    })
    .prefault({}),
);
export type ProvisioningSpec = z.output<typeof provisioningKind>['spec'];
