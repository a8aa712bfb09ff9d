/** The `Study`: which scenarios to run, what to vary in them, what to compare, what must be met. */

import { z } from 'zod';
import { count, decimal, text } from '../fields.ts';
import { kind } from './common.ts';

/** Runs of one study; more is taken for a mistake. */
export const MAX_RUNS = 1_000_000;
export const QUOTAS = ['as-written', 'in-proportion'] as const;

const range = {
  from: text(),
  to: text(),
  scale: z.enum(['linear', 'log']).prefault('linear'),
};
const spread = z.strictObject({ ...range, step: text().optional(), steps: count(2, 10_000).optional() });
export type SpreadInput = z.output<typeof spread>;
const sampled = z.strictObject(range);
export type RangeInput = z.output<typeof sampled>;

/** A field's value as the scenario would have it: one value, a list or fields. */
const value = z.any();

export const studyKind = kind(
  'simsup.dev/v1',
  'Study',
  z
    .strictObject({
      /** Path → values: every combination is a point. */
      grid: z.record(z.string(), z.union([z.array(value).min(1), spread])).prefault({}),
      /** Points as they are. */
      list: z.array(z.record(z.string(), value)).prefault([]),
      /** Points spread evenly over ranges, each range used throughout. */
      latinHypercube: z
        .strictObject({
          points: count(1, MAX_RUNS),
          seed: text().prefault('1'),
          ranges: z.record(z.string(), sampled),
        })
        .optional(),
      /** How many, from 1; or the seeds themselves. */
      seeds: z.union([count(1, 10_000), z.array(text()).min(1)]).prefault('5'),
      /** Ids of figures to show; all by default. */
      figures: z.array(text()).prefault([]),
      confidence: decimal(0.5, 0.9999).prefault('0.95'),
      /** What becomes of quotas when pools change. */
      quotas: z.enum(QUOTAS).prefault('as-written'),
      /** What `plan` must meet: 'p95 wait nlp <= 2h'. */
      targets: z.array(text()).prefault([]),
    })
    .prefault({}),
);
export type StudySpec = z.output<typeof studyKind>['spec'];
