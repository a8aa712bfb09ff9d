/**
 * A model on GPUs as a serving replica: what fits, how fast. Efficiency factors are data, each with where it was
 * measured; none lies above what its source measured.
 */
import {
  type CostModel,
  type Efficiency,
  type GpuShape,
  kvBytesPerToken,
  type MeasuredTable,
  measured,
  type Parallelism,
  type Precision,
  roofline,
} from '../../sim/world/serving/cost.ts';
import type { ReplicaSettings } from '../../sim/world/serving/replica.ts';
import { nearestName } from '../problem.ts';
import { GPU_MODELS, type GpuModel } from './gpus.ts';
import {
  genericModel,
  kvTokens,
  MEMORY_SHARE,
  precisionOf,
  SERVED_MODELS,
  type ServedModel,
  servedModel,
} from './models.ts';

/** NVLink of one GPU, GB/s one way (its sheet's figure counts both); GPUs without it have PCIe. */
const LINK_GBS: Record<string, { gbs: number; source: string }> = {
  'A100-SXM4-40GB': { gbs: 300, source: 'NVIDIA A100 data sheet, NVLink 3: 600 GB/s both ways' },
  'A100-SXM4-80GB': { gbs: 300, source: 'NVIDIA A100 data sheet, NVLink 3: 600 GB/s both ways' },
  'A800-SXM4-80GB': { gbs: 200, source: 'NVLink cut to 400 GB/s both ways' },
  'H100-SXM5': { gbs: 450, source: 'NVIDIA H100 data sheet, NVLink 4: 900 GB/s both ways' },
  'H800-SXM5': { gbs: 200, source: 'NVLink cut to 400 GB/s both ways' },
  'H200-SXM5': { gbs: 450, source: 'NVIDIA H200 data sheet, NVLink 4: 900 GB/s both ways' },
  'B200-SXM6': { gbs: 900, source: 'NVIDIA DGX B200 data sheet, NVLink 5: 1,800 GB/s both ways' },
  'B300-SXM6': { gbs: 900, source: 'NVIDIA DGX B300 data sheet, NVLink 5: 1,800 GB/s both ways' },
  GB200: { gbs: 900, source: 'NVIDIA GB200 NVL72 product page, NVLink 5: 1,800 GB/s both ways' },
  GB300: { gbs: 900, source: 'NVIDIA GB300 NVL72 product page, NVLink 5: 1,800 GB/s both ways' },
};
/** PCIe 4 × 16, one way. */
const PCIE_GBS = 32;
/**
 * Tensor parallelism across nodes: InfiniBand of 400 Gb/s for each GPU (NVIDIA DGX H200 and B200 data sheets: 8 × ConnectX-7),
 * over which each of a node's GPUs carries its part of what NVLink has summed inside the node. An all-reduce then takes at
 * least the upper end of what network profiles show (11 to 40 µs): an assumption.
 */
const INFINIBAND_GBS = 50;
export const INFINIBAND_BYTES_PER_SECOND = INFINIBAND_GBS * 1e9;
const ACROSS_NODES_SECONDS = 40e-6;
/** Of B300 sources state 12,600 to 14,000 TFLOP/s; the lower is taken. */
const B300_FP4_TFLOPS = 12_600;

export const DEGREES_ACROSS = [16, 32];

export const linkGBs = (gpu: GpuModel): number => LINK_GBS[gpu.name]?.gbs ?? PCIE_GBS;

/**
 * mfu, halfTokens: Vidur's kernel profiles of Llama 2 70B on H100 reach 0.46–0.62 of the peak at 256 tokens, 0.61–0.76 at
 * 512 and 0.69–0.76 at 4,096: 0.67 · n/(n + 64); the best large FP8 product anybody measured is at 0.73 (ml-engineering,
 * matmul table). fp4: MLPerf v5.1's best B200 run spends 39 µs of a GPU on a token, of which activations, attention and
 * cache take about 11, which leaves 0.54.
 * mbu: the same profiles, decode: 0.86–0.89 on one GPU, 0.78–0.87, 0.72–0.80 and 0.61–0.73 on 2, 4 and 8.
 * layerSeconds: the same, 17 to 35 µs a layer for norms, rotary and activations at few tokens; at 2,048 tokens 386 µs on
 * one GPU and 176 µs on each of 8: 72 bytes a token and unit of width, of which two thirds are divided.
 * allReduceSeconds, linkShare: same repository's network profiles: 11 to 40 µs at least, 60 to 65 % of one-way NVLink.
 * hostSeconds, sequenceSeconds, and the places of the others inside what was measured: fitted to the points that
 * bench/validate/serving-points.ts marks as fitted.
 */
export const EFFICIENCY: Efficiency = {
  mfu: { fp16: 0.67, fp8: 0.67, fp4: 0.5 },
  halfTokens: 64,
  attentionMfu: 0.5,
  mbu: [0.86, 0.8, 0.75, 0.67],
  linkShare: 0.65,
  allReduceSeconds: 12e-6,
  layerSeconds: 20e-6,
  activationBytes: 72,
  activationSplit: 2 / 3,
  hostSeconds: 1.5e-3,
  sequenceSeconds: 6e-6,
};

/**
 * Memory as the driver reports it (`nvidia-smi`, MiB): sheets print GB where they mean about 2^30 bytes. With it the KV
 * cache of NIM's 70B on two H100 comes out as measured; of other GPUs the sheet's GB are taken, which is cautious.
 */
const DRIVER_MIB: Record<string, number> = {
  'A100-SXM4-80GB': 81_920,
  'H100-SXM5': 81_559,
  'H200-SXM5': 143_771,
  'B200-SXM6': 183_359,
};
const memoryGB = (gpu: GpuModel): number => {
  const mib = DRIVER_MIB[gpu.name];
  return mib === undefined ? gpu.sheetGB : (mib * 2 ** 20) / 1e9;
};
/** vLLM's defaults of its server: on GPUs of 70 GiB and more that are no A100, and on others. */
const LARGE = { maxTokens: 8192, maxSequences: 1024 };
const SMALL = { maxTokens: 2048, maxSequences: 256 };
const BLOCK_TOKENS = 16;
/** Tokens a hash of the Mooncake traces stands for. */
export const TRACE_BLOCK_TOKENS = 512;
/** A replica without room for this many tokens of context serves nobody. */
const LEAST_KV_TOKENS = 16_000;
const TENSOR_DEGREES = [1, 2, 4, 8];
const PIPELINE_DEGREES = [1, 2, 4];

export interface ReplicaWish {
  model: string;
  /** 10^9 parameters of a model that is not in the catalogue. */
  paramsB?: number;
  precision: string;
  tensor?: number;
  pipeline?: number;
  maxTokens?: number;
  maxSequences?: number;
  chunkedPrefill?: boolean;
  reserveOutput?: boolean;
  prefixTokens?: number;
  /** Replaces the roofline by times somebody measured. */
  measured?: MeasuredTable;
  efficiency?: Efficiency;
  memoryShare?: number;
  /** Tensor parallelism may go beyond the GPUs that NVLink joins, over InfiniBand. */
  acrossNodes?: boolean;
}

export interface ReplicaPlan extends Parallelism {
  model: ServedModel;
  gpu: GpuModel;
  precision: Precision;
  gpus: number;
  kvTokens: number;
  kvBytesPerToken: number;
  cost: CostModel;
  settings: ReplicaSettings;
}

/** Why a replica cannot be, as the two halves of a problem: what was found, what would do. */
export class UnfitError extends Error {
  readonly found: string;
  readonly expected: string;

  constructor(found: string, expected: string) {
    super(`${found}; expected ${expected}`);
    this.found = found;
    this.expected = expected;
  }
}

/** The GPU as the cost model wants it; throws where its sheet is not published. */
export function gpuShape(gpu: GpuModel): GpuShape {
  const { hbmGBs, bf16Tflops, fp8Tflops } = gpu;
  if (hbmGBs === null || bf16Tflops === null || gpu.sheetGB === 0) {
    const known = GPU_MODELS.filter((g) => g.hbmGBs !== null && (g.fp8Tflops ?? 0) > 0).map((g) => g.name);
    throw new UnfitError(`${gpu.name}, whose bandwidth and arithmetic are not published`, `one of ${known.join(', ')}`);
  }
  const fp4Tflops = gpu.name === 'B300-SXM6' ? B300_FP4_TFLOPS : gpu.fp4Tflops;
  const flops = (tflops: number | null) => (tflops === null ? null : tflops * 1e12);
  return {
    hbmBytesPerSecond: hbmGBs * 1e9,
    flops: { fp16: flops(bf16Tflops), fp8: flops(fp8Tflops), fp4: flops(fp4Tflops) },
    linkBytesPerSecond: linkGBs(gpu) * 1e9,
  };
}

/** Tokens that fit; beyond its KV heads a replica's GPUs hold the same keys and values again. */
function tokensOn(model: ServedModel, precision: Precision, gpu: GpuModel, p: Parallelism, share: number): number {
  const copies = Math.max(1, p.tensor / model.shape.kvHeads);
  return kvTokens(model, precision, memoryGB(gpu), p.tensor * p.pipeline, share) / copies;
}

const divides = (model: ServedModel, { tensor, pipeline }: Parallelism) =>
  model.shape.heads % tensor === 0 && pipeline <= model.shape.layers;

/** Degrees that fit, the smallest first: tensor parallelism inside a node, then a pipeline of nodes. */
export function degreesThatFit(
  model: ServedModel,
  precision: Precision,
  gpu: GpuModel,
  share = MEMORY_SHARE,
): Parallelism[] {
  const widest = Math.max(1, Math.min(8, gpu.nvlinkGpus === 0 ? 8 : gpu.nvlinkGpus));
  return PIPELINE_DEGREES.flatMap((pipeline) =>
    TENSOR_DEGREES.filter((tensor) => (pipeline === 1 ? tensor <= widest : tensor === widest)).map((tensor) => ({
      tensor,
      pipeline,
    })),
  ).filter((p) => divides(model, p) && tokensOn(model, precision, gpu, p, share) > LEAST_KV_TOKENS);
}

/** Whether NVLink does not reach that far. */
const isAcross = ({ tensor }: Parallelism, gpu: GpuModel) => gpu.nvlinkGpus > 0 && tensor > gpu.nvlinkGpus;

export const degreeText = ({ tensor, pipeline }: Parallelism) =>
  pipeline === 1 ? `TP${tensor}` : `TP${tensor} × PP${pipeline}`;

/** A replica of that model on that GPU. Throws `UnfitError` with what would fit. */
export function planReplica(wish: ReplicaWish, gpu: GpuModel): ReplicaPlan {
  const model = servedModel(wish.model) ?? (wish.paramsB === undefined ? undefined : genericModel(wish.paramsB));
  if (model === undefined) {
    const names = SERVED_MODELS.map((m) => m.name);
    const near = nearestName(wish.model.toLowerCase(), names);
    throw new UnfitError(
      `the model '${wish.model}'`,
      `one of ${names.join(', ')}, or a number of parameters for another${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  const precision = precisionOf(wish.precision);
  const shape = gpuShape(gpu);
  const share = wish.memoryShare ?? MEMORY_SHARE;
  if (shape.flops[precision] === null) {
    const has = (['fp16', 'fp8', 'fp4'] as const).filter((p) => shape.flops[p] !== null);
    const others = GPU_MODELS.filter((g) => (precision === 'fp8' ? g.fp8Tflops : g.fp4Tflops) !== null);
    throw new UnfitError(
      `${precision}, which ${gpu.name} does not compute`,
      `${has.join(' or ')} there, or one of ${others.map((g) => g.name).join(', ')}`,
    );
  }
  const all = degreesThatFit(model, precision, gpu, share);
  // A pipeline of nodes only where one node is too small.
  const fitting = all.some((p) => p.pipeline === 1) ? all.filter((p) => p.pipeline === 1) : all;
  const would = () =>
    fitting.length > 0
      ? `${fitting.map(degreeText).join(', ')} on ${gpu.name}`
      : elsewhere(model, share) || 'a smaller model';
  let degrees: Parallelism | undefined = fitting[0];
  if (wish.tensor !== undefined || wish.pipeline !== undefined) {
    degrees = { tensor: wish.tensor ?? 1, pipeline: wish.pipeline ?? 1 };
    if (model.shape.heads % degrees.tensor !== 0)
      throw new UnfitError(
        `tensor parallelism of ${degrees.tensor}, which does not divide the ${model.shape.heads} heads of ${model.name}`,
        would(),
      );
    if (isAcross(degrees, gpu) && !wish.acrossNodes)
      throw new UnfitError(
        `tensor parallelism of ${degrees.tensor} beyond the ${gpu.nvlinkGpus} GPUs that ${gpu.name} joins by NVLink`,
        would(),
      );
    if (tokensOn(model, precision, gpu, degrees, share) <= LEAST_KV_TOKENS) degrees = undefined;
  }
  if (degrees === undefined) {
    const asked = wish.tensor === undefined ? 'any number of' : String(wish.tensor * (wish.pipeline ?? 1));
    throw new UnfitError(
      `${model.name} in ${precision} on ${asked} ${gpu.name}, which leave no room for 16,000 tokens of context`,
      would(),
    );
  }
  const tokens = Math.floor(tokensOn(model, precision, gpu, degrees, share));
  const large = gpu.sheetGB >= 70 && !gpu.name.startsWith('A100');
  const defaults = large ? LARGE : SMALL;
  let efficiency = wish.efficiency ?? EFFICIENCY;
  if (isAcross(degrees, gpu)) {
    shape.linkBytesPerSecond = 1e9 / (1 / linkGBs(gpu) + 1 / (gpu.nvlinkGpus * INFINIBAND_GBS));
    efficiency = { ...efficiency, allReduceSeconds: ACROSS_NODES_SECONDS };
  }
  const cost =
    wish.measured === undefined
      ? roofline(model.shape, shape, precision, degrees, efficiency)
      : measured(wish.measured);
  return {
    model,
    gpu,
    precision,
    ...degrees,
    gpus: degrees.tensor * degrees.pipeline,
    kvTokens: tokens,
    kvBytesPerToken: kvBytesPerToken(model.shape, precision),
    cost,
    settings: {
      cost,
      blockTokens: BLOCK_TOKENS,
      blocks: Math.floor(tokens / BLOCK_TOKENS),
      maxTokens: wish.maxTokens ?? defaults.maxTokens,
      maxSequences: wish.maxSequences ?? defaults.maxSequences,
      chunkedPrefill: wish.chunkedPrefill ?? true,
      reserveOutput: wish.reserveOutput ?? false,
      prefixTokens: wish.prefixTokens ?? 0,
    },
  };
}

/** Where else the model would run: for each GPU sold in nodes, the first precision and degree that fit. */
export function elsewhere(model: ServedModel, share = MEMORY_SHARE): string {
  const places: string[] = [];
  for (const name of ['H100-SXM5', 'H200-SXM5', 'B200-SXM6', 'B300-SXM6']) {
    const gpu = GPU_MODELS.find((g) => g.name === name) as GpuModel;
    const shape = gpuShape(gpu);
    for (const precision of ['fp16', 'fp8', 'fp4'] as const) {
      if (shape.flops[precision] === null) continue;
      const [first] = degreesThatFit(model, precision, gpu, share);
      if (first === undefined) continue;
      places.push(`${precision} with ${degreeText(first)} on ${name}`);
      break;
    }
  }
  return places.join(', or ');
}
