/** The placement policies that a queue policy's argument `placement` can name. To add one: a file, and a line here. */
import type { ArgSpec } from '../policy.ts';
import { bestfit } from './bestfit.ts';
import { bestfitWeighted } from './bestfit-weighted.ts';
import { consolidate } from './consolidate.ts';
import { dotprod } from './dotprod.ts';
import { fgd } from './fgd.ts';
import { gpuClustering } from './gpu-clustering.ts';
import { gpuPacking } from './gpu-packing.ts';
import type { Placer } from './placement.ts';
import { random } from './random.ts';
import { yarn } from './yarn.ts';

export const PLACERS: readonly Placer[] = [
  bestfit,
  bestfitWeighted,
  consolidate,
  dotprod,
  fgd,
  gpuClustering,
  gpuPacking,
  random,
  yarn,
];

/** The argument with which a queue policy takes any of them. */
export const placementArg: ArgSpec = {
  type: 'choice',
  of: PLACERS.map((placer) => placer.name),
  default: 'bestfit',
  about: 'which nodes a job goes to',
};

export function placerNamed(name: string): Placer {
  const placer = PLACERS.find((p) => p.name === name);
  if (placer === undefined) throw new Error(`invariant: there is no placement policy '${name}'`);
  return placer;
}
