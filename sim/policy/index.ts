/** The policies a scenario can name. To add one: a file that exports a `PolicyFactory`, and a line here. */
import { kubernetes } from './kubernetes/kubernetes.ts';
import { kueue } from './kueue/kueue.ts';
import type { PolicyFactory } from './policy.ts';
import { fifoBackfill } from './replay/backfill.ts';
import { fifo, sjf } from './replay/ordered.ts';
import { las, srsf, srtf } from './replay/preemptive.ts';
import { runai } from './runai/runai.ts';
import { slurm, slurmTypical } from './slurm/slurm.ts';
import { splitOf } from './split.ts';

const ONE_FOR_ALL: readonly PolicyFactory[] = [
  fifo,
  fifoBackfill,
  sjf,
  srtf,
  srsf,
  las,
  kubernetes,
  kueue,
  runai,
  slurm,
  slurmTypical,
];

export const POLICIES: readonly PolicyFactory[] = [...ONE_FOR_ALL, splitOf(ONE_FOR_ALL)];

export function policyNames(): string[] {
  return POLICIES.map((policy) => policy.name);
}
