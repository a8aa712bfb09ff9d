/** Every group of claims there is. To add one: a file that exports a `ClaimGroup`, and its name here. */
import { arithmetic } from './arithmetic.ts';
import type { ClaimGroup } from './claim.ts';
import { conformance } from './conformance.ts';
import { daly } from './daly.ts';
import { forecast } from './forecast.ts';
import { peers } from './peers.ts';
import { queueing } from './queueing.ts';
import { reliability } from './reliability.ts';
import { serving } from './serving.ts';

export const GROUPS: readonly ClaimGroup[] = [
  queueing,
  daly,
  reliability,
  arithmetic,
  conformance,
  peers,
  serving,
  forecast,
];
