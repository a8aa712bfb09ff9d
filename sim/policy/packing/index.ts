/** The placement policies that a queue policy's argument `placement` can name. To add one: a file, and a line here. */
import type { ArgSpec } from '../policy.ts';
import { bestfit } from './bestfit.ts';
import type { Placer } from './placement.ts';

export const PLACERS: readonly Placer[] = [bestfit];

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
