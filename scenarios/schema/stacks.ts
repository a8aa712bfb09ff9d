/** A stack that is compared with others (`Stack`): what of simsup's own description a scenario changes. */

import { z } from 'zod';
import { decimal, duration, flag, name, price } from '../fields.ts';
import { kind } from './common.ts';
import { stackSettings, telemetryField } from './faults.ts';

const operations = z.strictObject({
  setUpHours: decimal(0, 1e6).optional(),
  engineers: decimal(0, 1e4).optional(),
  upkeepHoursPerMonth: decimal(0, 1e6).optional(),
  hourlyCost: price().optional(),
  setUpLasts: duration().optional(),
});

export const stackKind = kind(
  'simsup.dev/v1',
  'Stack',
  z
    .strictObject({
      /** The one it starts from; default: the one of its own name. */
      like: name().optional(),
      policy: z
        .union([name(), z.strictObject({ name: name(), args: z.record(z.string(), z.any()).prefault({}) })])
        .optional(),
      wholeGpus: flag().optional(),
      faults: z.strictObject(stackSettings).optional(),
      telemetry: telemetryField.optional(),
      faultTolerance: z.enum(['scenario', 'none']).optional(),
      servingPlacement: z.enum(['spread', 'bin-pack', 'slo-aware', 'none']).optional(),
      operations: operations.optional(),
      /** $ per GPU-year. */
      licence: decimal(0, 1e9).optional(),
    })
    .prefault({}),
);
export type StackSpec = z.output<typeof stackKind>['spec'];
