/** What documents of all kinds have in common. */

import { z } from 'zod';
import { name, text } from '../fields.ts';

/** Sizes beyond which a file is taken for a mistake. */
export const MAX_GPUS = 2_000_000;
export const MAX_JOBS = 20_000_000;
/** Workers of all jobs together: a few dozen bytes each. */
export const MAX_TASKS = 50_000_000;
export const MAX_GPUS_PER_NODE = 32;

export const metadata = z.looseObject({ name: name().optional(), namespace: name().optional() }).prefault({});
/** Of manifests, whose labels and annotations are read. */
export const labelled = z
  .looseObject({
    name: name().optional(),
    namespace: name().optional(),
    labels: z.record(z.string(), text()).prefault({}),
    annotations: z.record(z.string(), text()).prefault({}),
  })
  .prefault({});

export function kind<T extends z.ZodType>(apiVersion: string, kindName: string, spec: T) {
  return z.strictObject({ apiVersion: z.literal(apiVersion), kind: z.literal(kindName), metadata, spec });
}
