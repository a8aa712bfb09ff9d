/** Models that inference deployments name, and how many GPUs one replica needs unless the deployment says so. */

import { pow } from '../../sim/engine/math.ts';
import { KV_BYTES, type ModelShape, type Precision, WEIGHT_BYTES } from '../../sim/world/serving/cost.ts';
import { nearestName } from '../problem.ts';
import type { GpuModel } from './gpus.ts';

export interface ServedModel {
  name: string;
  /** 10^9 parameters. */
  paramsB: number;
  /** Key and value of one token at 16 bits, KiB: 2 × layers × KV heads × head size × 2 bytes. */
  kvKiB: number;
  shape: ModelShape;
  source: string;
}

interface Dense {
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ffn: number;
  vocab: number;
}

/** A dense transformer with gated feed-forward layers and grouped-query attention (Llama, Mistral, Qwen). */
function dense(name: string, paramsB: number, d: Dense, source: string): ServedModel {
  const attention = d.hidden * d.headDim * (2 * d.heads + 2 * d.kvHeads);
  const kvValues = 2 * d.layers * d.kvHeads * d.headDim;
  const { layers, hidden, heads, headDim } = d;
  return {
    name,
    paramsB,
    kvKiB: (kvValues * 2) / 1024,
    shape: {
      ...{ layers, hidden, heads, headDim, kvHeads: d.kvHeads, kvValues },
      denseParams: layers * (attention + 3 * hidden * d.ffn),
      headParams: d.vocab * hidden,
    },
    source,
  };
}

const LLAMA3 = 'Llama 3 Herd, arXiv 2407.21783, table 3';
const QWEN = 'Qwen2.5, arXiv 2412.15115, and its config';
const QWEN_VOCAB = 152_064;
const LLAMA_VOCAB = 128_256;
const of70b: Dense = {
  ...{ layers: 80, hidden: 8192, heads: 64, kvHeads: 8, headDim: 128 },
  ffn: 28_672,
  vocab: LLAMA_VOCAB,
};

/** Llama 4 Maverick: 48 layers, every second with 128 experts of which a token takes one, and one that all take. */
const MAVERICK: ServedModel = {
  name: 'llama-4-maverick',
  paramsB: 400,
  kvKiB: 192,
  shape: {
    ...{ layers: 48, hidden: 5120, heads: 40, kvHeads: 8, headDim: 128, kvValues: 2 * 48 * 8 * 128 },
    // Attention of 48 layers, feed-forward of 24 (16,384 wide), the shared expert of the other 24 (8,192 wide).
    denseParams: 48 * 5120 * 128 * (2 * 40 + 2 * 8) + 24 * 3 * 5120 * (16_384 + 8192),
    headParams: 202_048 * 5120,
    experts: { layers: 24, count: 128, chosen: 1, paramsEach: 3 * 5120 * 8192 },
  },
  source: 'Meta model card and config of Llama 4 Maverick',
};

/** DeepSeek-V3: multi-head latent attention keeps 512 + 64 values a token and layer, which every GPU of a replica holds. */
const DEEPSEEK_V3: ServedModel = {
  name: 'deepseek-v3',
  paramsB: 671,
  kvKiB: (61 * 576 * 2) / 1024,
  shape: {
    // Queries and keys have 192 values a head, values 128: 160 on average.
    ...{ layers: 61, hidden: 7168, heads: 128, kvHeads: 1, headDim: 160, kvValues: 61 * 576 },
    // Attention (query 1,536 and key-value 512 wide before they are spread), 3 dense layers, 58 shared experts.
    denseParams:
      61 * (7168 * 1536 + 1536 * 128 * 192 + 7168 * 576 + 512 * 128 * 256 + 128 * 128 * 7168) +
      3 * 3 * 7168 * 18_432 +
      58 * 3 * 7168 * 2048,
    headParams: 129_280 * 7168,
    experts: { layers: 58, count: 256, chosen: 8, paramsEach: 3 * 7168 * 2048 },
  },
  source: 'DeepSeek-V3, arXiv 2412.19437, section 4.2, and its config',
};

export const SERVED_MODELS: readonly ServedModel[] = [
  MAVERICK,
  dense(
    'llama-3.1-405b',
    405.853,
    { layers: 126, hidden: 16_384, heads: 128, kvHeads: 8, headDim: 128, ffn: 53_248, vocab: LLAMA_VOCAB },
    LLAMA3,
  ),
  dense('llama-3.1-70b', 70.554, of70b, LLAMA3),
  dense('llama-3.3-70b', 70.554, of70b, LLAMA3),
  dense('llama-2-70b', 68.977, { ...of70b, vocab: 32_000 }, 'Llama 2, arXiv 2307.09288, and its config'),
  dense(
    'llama-3.1-8b',
    8.03,
    { layers: 32, hidden: 4096, heads: 32, kvHeads: 8, headDim: 128, ffn: 14_336, vocab: LLAMA_VOCAB },
    LLAMA3,
  ),
  dense(
    'mistral-7b',
    7.248,
    { layers: 32, hidden: 4096, heads: 32, kvHeads: 8, headDim: 128, ffn: 14_336, vocab: 32_768 },
    'Mistral 7B, arXiv 2310.06825, table 1',
  ),
  dense(
    'qwen2.5-14b',
    14.77,
    { layers: 48, hidden: 5120, heads: 40, kvHeads: 8, headDim: 128, ffn: 13_824, vocab: QWEN_VOCAB },
    QWEN,
  ),
  dense(
    'qwen2.5-32b',
    32.764,
    { layers: 64, hidden: 5120, heads: 40, kvHeads: 8, headDim: 128, ffn: 27_648, vocab: QWEN_VOCAB },
    QWEN,
  ),
  DEEPSEEK_V3,
];

/**
 * A dense model of so many 10^9 parameters that is in no table: as wide and deep as Llama's are at that size (layers and
 * width grow with the cube root), with heads of 128 and one KV head for eight.
 */
export function genericModel(paramsB: number): ServedModel {
  const width = Math.max(1, Math.round((4096 / 1024) * pow(paramsB / 8, 1 / 3))) * 1024;
  const ffn = Math.round((3.5 * width) / 256) * 256;
  const heads = width / 128;
  const kvHeads = Math.max(1, heads / 8);
  const perLayer = width * 128 * (2 * heads + 2 * kvHeads) + 3 * width * ffn;
  const layers = Math.max(1, Math.round((paramsB * 1e9 - 2 * LLAMA_VOCAB * width) / perLayer));
  return dense(
    'generic',
    paramsB,
    { layers, hidden: width, heads, kvHeads, headDim: 128, ffn, vocab: LLAMA_VOCAB },
    `generic ${paramsB}B: in the proportions of Llama 3`,
  );
}

/** Share of the memory that vLLM takes (`gpu_memory_utilization`, long its default), and what context, graphs and activations need of it. */
export const MEMORY_SHARE = 0.9;
const OVERHEAD_GB = 3;
/** A replica without room for this many tokens of context serves nobody. */
const LEAST_KV_TOKENS = 16_000;
/** Tensor-parallel degrees; beyond a node, nodes of 8 in a pipeline. */
const DEGREES = [1, 2, 4, 8, 16, 32];

/** GPUs per replica of a model the table does not have. */
export const DEFAULT_GPUS_PER_REPLICA = 1;

/** Share of the time that a replica's GPUs are busy, thousandths: an assumption until requests are simulated. */
export const DEFAULT_SERVING_USE_MILLI = 500;

/** Matched against the start of the deployment's model name, without regard to case. */
export function servedModel(name: string): ServedModel | undefined {
  const lower = name.toLowerCase();
  return SERVED_MODELS.find((m) => lower.startsWith(m.name));
}

/** Precisions by the names that people write. */
export const PRECISIONS = ['fp16', 'bf16', 'fp8', 'int8', 'fp4', 'nvfp4', 'mxfp4', 'int4'] as const;

export const isPrecision = (text: string): boolean =>
  /^(float|bfloat|fp|bf)16$|^fp8|^int8$|^(nv|mx)?fp4$|^int4$/i.test(text);

/** What is not known counts as 16 bits. */
export function precisionOf(text: string): Precision {
  if (/^(nv|mx)?fp4$|^int4$/i.test(text)) return 'fp4';
  return /^fp8|^int8$/i.test(text) ? 'fp8' : 'fp16';
}

/**
 * Tokens of context that fit beside the weights on `gpus` GPUs of `sheetGB` each, of whose memory the engine may use
 * `share`; the KV cache has 8 bits where the weights have at most 8.
 */
export function kvTokens(
  model: ServedModel,
  precision: string,
  sheetGB: number,
  gpus: number,
  share = MEMORY_SHARE,
): number {
  const p = precisionOf(precision);
  const room = gpus * (share * sheetGB - OVERHEAD_GB) - model.paramsB * WEIGHT_BYTES[p];
  return (room * 1e9) / (model.shape.kvValues * KV_BYTES[p]);
}

/** The smallest degree that fits the model on each of these GPU models: a replica may come to stand on any of them. */
export function gpusPerReplica(
  name: string,
  precision: string,
  gpuModels: readonly GpuModel[],
): { gpus: number; source: string } {
  const model = servedModel(name);
  const sized = gpuModels.filter((gpu) => gpu.sheetGB > 0);
  if (model === undefined) {
    const near = nearestName(
      name.toLowerCase(),
      SERVED_MODELS.map((m) => m.name),
    );
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    const known = SERVED_MODELS.map((m) => m.name).join(', ');
    return { gpus: DEFAULT_GPUS_PER_REPLICA, source: `model not in the catalogue, which has ${known}${hint}` };
  }
  if (sized.length === 0) return { gpus: DEFAULT_GPUS_PER_REPLICA, source: 'the memory of its GPUs is not known' };
  const degree = (gpu: GpuModel) =>
    DEGREES.find((gpus) => kvTokens(model, precision, gpu.sheetGB, gpus) > LEAST_KV_TOKENS) ?? 32;
  const gpus = Math.max(...sized.map(degree));
  const on = [...new Set(sized.map((gpu) => gpu.name))].join(' and ');
  return {
    gpus,
    source: `smallest tensor-parallel degree on ${on} that leaves over 16,000 KV tokens: TP × (0.90 × HBM − 3 GB) − weights; ${model.source}`,
  };
}
