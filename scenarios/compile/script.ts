/** A shell script as a scenario or in `manifestFiles`: lines for BCM's Slurm bridge, or a job for sbatch. */

import { type BcmContext, isBcm, readBcm } from './bcm.ts';
import type { JobDraft } from './draft.ts';
import { readSbatch } from './sbatch.ts';

export function readScript(text: string, file: string, context: BcmContext): JobDraft[] {
  return isBcm(text) ? readBcm(text, file, context) : readSbatch(text, file, context.add);
}
