/** Models that inference deployments name: how many GPUs one replica needs unless the deployment says so. */

export interface ServedModel {
  /** Matched against the start of the deployment's model name, without regard to case. */
  name: string;
  /** GPUs of one replica by precision; `*` for any other. */
  gpusPerReplica: Record<string, number>;
  source: string;
}

const FIT =
  'smallest tensor-parallel degree on H200 that leaves over 16,000 KV tokens: TP × (0.90 × HBM − 3 GB) − weights';

export const SERVED_MODELS: readonly ServedModel[] = [
  {
    name: 'llama-4-maverick',
    gpusPerReplica: { fp8: 8, fp4: 4, '*': 8 },
    source: 'Meta model card: the FP8 weights (about 400 GB) are sized for one node of 8 GPUs',
  },
  { name: 'llama-3.1-405b', gpusPerReplica: { fp8: 4, fp4: 4, '*': 8 }, source: FIT },
  { name: 'llama-3.1-70b', gpusPerReplica: { fp8: 1, fp4: 1, '*': 2 }, source: FIT },
  { name: 'llama-3.3-70b', gpusPerReplica: { fp8: 1, fp4: 1, '*': 2 }, source: FIT },
  { name: 'llama-3.1-8b', gpusPerReplica: { '*': 1 }, source: FIT },
  { name: 'mistral-7b', gpusPerReplica: { '*': 1 }, source: FIT },
  { name: 'qwen2.5-14b', gpusPerReplica: { '*': 1 }, source: FIT },
];

/** GPUs per replica of a model the table does not have. */
export const DEFAULT_GPUS_PER_REPLICA = 1;

/** Share of the time that a replica's GPUs are busy, thousandths: an assumption until requests are simulated. */
export const DEFAULT_SERVING_USE_MILLI = 500;

export function gpusPerReplica(model: string, precision: string): { gpus: number; source: string } {
  const name = model.toLowerCase();
  const known = SERVED_MODELS.find((m) => name.startsWith(m.name));
  if (known === undefined) return { gpus: DEFAULT_GPUS_PER_REPLICA, source: 'model not in the catalogue' };
  return { gpus: known.gpusPerReplica[precision.toLowerCase()] ?? known.gpusPerReplica['*'], source: known.source };
}
