/** A job as any source states it, by names, before it is checked against the cluster. */

import type { AfterCondition, JobClass } from '../../sim/scenario.ts';
import type { JobTraits } from '../schema.ts';

/** Reports a problem of one job at the place that states it. `field` is the field to point at. */
export type Blame = (field: string, found: string, expected: string, nearest?: string) => void;

export interface JobDraft {
  /** The type of GPU that an sbatch script names: taken where the cluster has it, else any, and said. */
  modelIfAny?: string;
  id: string;
  /** Made by a generator, so its id is unique and nobody refers to it. */
  generated?: boolean;
  project: string;
  user: string;
  class?: JobClass;
  submitUs: number;
  durationUs: number;
  deadlineUs?: number;
  limitUs?: number;
  steps?: number;
  gpus: number;
  /** 0 = as few as the nodes allow. */
  workers: number;
  minWorkers?: number;
  after: readonly { job: string; condition: AfterCondition }[];
  traits: JobTraits;
  blame: Blame;
}
