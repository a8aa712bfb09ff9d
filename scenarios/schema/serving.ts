/** What Mission Control's `InferenceDeployment` cannot say of its replicas and is more than a word: `Serving`. */

import { z } from 'zod';
import { bandwidth, count, decimal, duration, name } from '../fields.ts';
import { kind } from './common.ts';

const MOST_TOKENS = 10_000_000;
const milliseconds = () => decimal(0, 1e6);

/** Times of an engine as somebody measured them, in place of the roofline. */
const measured = z.strictObject({
  /** Of replicas on these GPUs; absent = on any. */
  gpuModel: name().optional(),
  batches: z.array(count(1, 100_000)).min(1),
  /** Tokens of context a sequence. */
  contexts: z.array(count(0, MOST_TOKENS)).min(1),
  /** Of a decode iteration, a row a batch size, a column a context. */
  decodeMs: z.array(z.array(milliseconds()).min(1)).min(1),
  prefillTokens: z.array(count(1, MOST_TOKENS)).min(1),
  prefillMs: z.array(milliseconds()).min(1),
});
export type MeasuredInput = z.output<typeof measured>;

export const servingKind = kind(
  'simsup.dev/v1',
  'Serving',
  z.strictObject({
    deployment: name(),
    measured: z.array(measured).prefault([]),
    /** So many of the replicas only prefill, the others decode. */
    disaggregated: z
      .strictObject({
        prefill: count(1, 100_000),
        /** At which keys and values of a prompt go from one replica to another. */
        bandwidth: bandwidth().optional(),
        latency: duration().prefault('1ms'),
      })
      .optional(),
  }),
);
export type ServingInput = z.output<typeof servingKind>['spec'];
