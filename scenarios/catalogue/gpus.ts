/**
 * GPU models: what their makers publish. FLOP/s are dense; many pages print the 2:4-sparse figure, twice as high, as if
 * it were dense. `null` = not published, or the format does not exist on that model.
 */

export interface GpuModel {
  name: string;
  /** Other names that logs and manifests use; compared without regard to case, dashes and spaces. */
  aliases: string[];
  /** Capacity as its sheet prints it; 0 = not published. */
  sheetGB: number;
  /** Memory a workload can use, MiB (the capacity on the sheet, read as GB = 10^9 bytes where the sheet says GB). */
  memoryMiB: number;
  /** Peak memory bandwidth, GB/s. */
  hbmGBs: number | null;
  /** Dense peak, TFLOP/s. FP16 stands in for BF16 on models without BF16 (`bf16Is`). */
  bf16Tflops: number | null;
  bf16Is?: 'fp16' | 'fp32';
  fp8Tflops: number | null;
  fp4Tflops: number | null;
  boardWatts: number | null;
  /** The most GPUs in one node's NVLink domain as sold; 0 = none. */
  nvlinkGpus: number;
  source: string;
}

/** 10^9 bytes in MiB, rounded. */
const gb = (n: number) => Math.round((n * 1e9) / 2 ** 20);
const gib = (n: number) => n * 1024;

const OPENB = 'alibaba/clusterdata cluster-trace-gpu-v2023: an anonymous model, only its name is published';
const SPOT_2026 = 'alibaba/clusterdata cluster-trace-v2026-spot-gpu: an anonymous model, only its name is published';

export const GPU_MODELS: readonly GpuModel[] = [
  {
    name: 'A100-SXM4-40GB',
    aliases: ['A100-40', 'A100-40GB'],
    sheetGB: 40,
    memoryMiB: gib(40),
    hbmGBs: 1555,
    bf16Tflops: 312,
    fp8Tflops: null,
    fp4Tflops: null,
    boardWatts: 400,
    nvlinkGpus: 8,
    source: 'NVIDIA A100 40 GB SXM4 data sheet (2020), https://www.nvidia.com/en-us/data-center/a100/',
  },
  {
    name: 'A100-SXM4-80GB',
    aliases: ['A100', 'A100-80', 'A100-80GB', 'A100-SXM'],
    sheetGB: 80,
    memoryMiB: gib(80),
    hbmGBs: 2039,
    bf16Tflops: 312,
    fp8Tflops: null,
    fp4Tflops: null,
    boardWatts: 400,
    nvlinkGpus: 8,
    source: 'NVIDIA A100 data sheet, https://www.nvidia.com/en-us/data-center/a100/',
  },
  {
    // Compute and memory of the A100, NVLink cut from 600 to 400 GB/s.
    name: 'A800-SXM4-80GB',
    aliases: ['A800', 'A800-80GB', 'A800-SXM'],
    sheetGB: 80,
    memoryMiB: gib(80),
    hbmGBs: 2039,
    bf16Tflops: 312,
    fp8Tflops: null,
    fp4Tflops: null,
    boardWatts: 400,
    nvlinkGpus: 8,
    source:
      'as the A100-SXM4-80GB it is made from; compute and memory compared with https://hmc-tech.com/gpu/nvidia-a800-vs-nvidia-t40',
  },
  {
    name: 'H100-SXM5',
    aliases: ['H100', 'H100-80', 'H100-80GB', 'H100-SXM'],
    sheetGB: 80,
    memoryMiB: gib(80),
    hbmGBs: 3350,
    bf16Tflops: 989,
    fp8Tflops: 1979,
    fp4Tflops: null,
    boardWatts: 700,
    nvlinkGpus: 8,
    source: 'NVIDIA H100 data sheet, https://www.nvidia.com/en-us/data-center/h100/',
  },
  {
    // Compute and memory of the H100, NVLink cut from 900 to 400 GB/s and FP64 to 1 TFLOP/s (arXiv 2412.19437, §3.1, trains on it).
    name: 'H800-SXM5',
    aliases: ['H800', 'H800-80GB', 'H800-SXM'],
    sheetGB: 80,
    memoryMiB: gib(80),
    hbmGBs: 3350,
    bf16Tflops: 989,
    fp8Tflops: 1979,
    fp4Tflops: null,
    boardWatts: 700,
    nvlinkGpus: 8,
    source:
      'as the H100-SXM5 it is made from, https://www.philisun.com/technical-analysis/nvidia-h800-vs-h100-a-technical-deep-dive-into-politically-defined-ai-chips/',
  },
  {
    name: 'H200-SXM5',
    aliases: ['H200', 'H200-SXM', 'H200-141GB'],
    sheetGB: 141,
    memoryMiB: gb(141),
    hbmGBs: 4800,
    bf16Tflops: 989,
    fp8Tflops: 1979,
    fp4Tflops: null,
    boardWatts: 700,
    nvlinkGpus: 8,
    source: 'NVIDIA H200 data sheet, https://www.nvidia.com/en-us/data-center/h200/',
  },
  {
    name: 'B200-SXM6',
    aliases: ['B200', 'B200-SXM', 'B200-SXM-180GB'],
    sheetGB: 180,
    memoryMiB: gb(180),
    hbmGBs: 8000,
    bf16Tflops: 2250,
    fp8Tflops: 4500,
    fp4Tflops: 9000,
    boardWatts: 1000,
    nvlinkGpus: 8,
    source: 'NVIDIA DGX B200 data sheet (1,440 GB in 8 GPUs), https://www.nvidia.com/en-us/data-center/dgx-b200/',
  },
  {
    name: 'B300-SXM6',
    aliases: ['B300', 'B300-SXM'],
    // Sources differ on board power (1,100 to 1,400 W) and FP4 (12,600 to 14,000 TFLOP/s), so neither is stated.
    sheetGB: 270,
    memoryMiB: gb(270),
    hbmGBs: 8000,
    bf16Tflops: 2250,
    fp8Tflops: 4500,
    fp4Tflops: null,
    boardWatts: null,
    nvlinkGpus: 8,
    source: 'NVIDIA DGX B300 data sheet, https://www.nvidia.com/en-us/data-center/dgx-b300/',
  },
  {
    name: 'GB200',
    aliases: ['GB200-NVL72'],
    sheetGB: 186,
    memoryMiB: gb(186),
    hbmGBs: 8000,
    bf16Tflops: 2500,
    fp8Tflops: 5000,
    fp4Tflops: 10000,
    boardWatts: 1200,
    nvlinkGpus: 72,
    source:
      'NVIDIA GB200 NVL72 product page (a 72nd of the rack), https://www.nvidia.com/en-us/data-center/gb200-nvl72/',
  },
  {
    name: 'GB300',
    aliases: ['GB300-NVL72'],
    sheetGB: 279,
    memoryMiB: gb(279),
    hbmGBs: 8000,
    bf16Tflops: 2500,
    fp8Tflops: 5000,
    fp4Tflops: 15000,
    boardWatts: 1400,
    nvlinkGpus: 72,
    source:
      'NVIDIA GB300 NVL72 product page (a 72nd of the rack), https://www.nvidia.com/en-us/data-center/gb300-nvl72/',
  },
  {
    name: 'L40S',
    aliases: [],
    sheetGB: 48,
    memoryMiB: gib(48),
    hbmGBs: 864,
    bf16Tflops: 362,
    fp8Tflops: 733,
    fp4Tflops: null,
    boardWatts: 350,
    nvlinkGpus: 0,
    source: 'NVIDIA L40S data sheet, https://www.nvidia.com/en-us/data-center/l40s/',
  },
  {
    name: 'A10',
    aliases: [],
    sheetGB: 24,
    memoryMiB: gib(24),
    hbmGBs: 600,
    bf16Tflops: 125,
    fp8Tflops: null,
    fp4Tflops: null,
    boardWatts: 150,
    nvlinkGpus: 0,
    source: 'NVIDIA A10 data sheet, https://www.nvidia.com/en-us/data-center/products/a10-gpu/',
  },
  {
    name: 'T4',
    aliases: ['Tesla-T4'],
    sheetGB: 16,
    memoryMiB: gib(16),
    hbmGBs: 320,
    bf16Tflops: 65,
    bf16Is: 'fp16',
    fp8Tflops: null,
    fp4Tflops: null,
    boardWatts: 70,
    nvlinkGpus: 0,
    source: 'NVIDIA T4 data sheet, https://www.nvidia.com/en-us/data-center/tesla-t4/',
  },
  {
    name: 'V100M16',
    aliases: ['V100', 'V100-16', 'V100-16GB', 'V100-SXM2-16GB'],
    sheetGB: 16,
    memoryMiB: gib(16),
    hbmGBs: 900,
    bf16Tflops: 125,
    bf16Is: 'fp16',
    fp8Tflops: null,
    fp4Tflops: null,
    boardWatts: 300,
    nvlinkGpus: 8,
    source: 'NVIDIA V100 data sheet (SXM2), https://www.nvidia.com/en-us/data-center/v100/',
  },
  {
    name: 'V100M32',
    aliases: ['V100-32', 'V100-32GB', 'V100-SXM2-32GB'],
    sheetGB: 32,
    memoryMiB: gib(32),
    hbmGBs: 900,
    bf16Tflops: 125,
    bf16Is: 'fp16',
    fp8Tflops: null,
    fp4Tflops: null,
    boardWatts: 300,
    nvlinkGpus: 8,
    source: 'NVIDIA V100 data sheet (SXM2), https://www.nvidia.com/en-us/data-center/v100/',
  },
  {
    name: 'P100',
    aliases: ['P100-16', 'Tesla-P100'],
    sheetGB: 16,
    memoryMiB: gib(16),
    hbmGBs: 732,
    bf16Tflops: 18.7,
    bf16Is: 'fp16',
    fp8Tflops: null,
    fp4Tflops: null,
    boardWatts: 250,
    nvlinkGpus: 0,
    source: 'NVIDIA Tesla P100 data sheet (PCIe, 16 GB), https://www.nvidia.com/en-us/data-center/tesla-p100/',
  },
  ...['G1', 'G2', 'G3'].map((name) => anonymous(name, OPENB)),
  ...['GPU-series-1', 'GPU-series-2'].map((name) => anonymous(name, SPOT_2026)),
  // The Philly and ITP logs do not say which GPU; a name of their own keeps anyone from reading a speed into them.
  anonymous('unknown', 'the source of the log does not state the GPU model'),
];

function anonymous(name: string, source: string): GpuModel {
  return {
    name,
    aliases: [],
    sheetGB: 0,
    memoryMiB: 0,
    hbmGBs: null,
    bf16Tflops: null,
    fp8Tflops: null,
    fp4Tflops: null,
    boardWatts: null,
    nvlinkGpus: 0,
    source,
  };
}

const key = (name: string) =>
  name
    .toLowerCase()
    .replace(/^nvidia[-_ ]/, '')
    .replace(/[-_ ]/g, '');

const BY_KEY = new Map<string, GpuModel>();
for (const model of GPU_MODELS) for (const name of [model.name, ...model.aliases]) BY_KEY.set(key(name), model);

/** A GPU model by its name or one of the names people use for it. */
export function gpuModel(name: string): GpuModel | undefined {
  return BY_KEY.get(key(name));
}

export const gpuModelNames = (): string[] => GPU_MODELS.map((m) => m.name);

/** All names that are understood: where a slip of the pen looks for what was meant. */
export const gpuModelSpellings = (): string[] => GPU_MODELS.flatMap((m) => [m.name, ...m.aliases]);

/**
 * Speed of a GPU against a reference, in thousandths: the ratio of dense BF16 peaks. A first-order assumption for
 * compute-bound training; a scenario overrides it with measured ratios (`speed`). Undefined where either is unpublished.
 */
export function relativeSpeedMilli(model: GpuModel, reference: GpuModel): number | undefined {
  if (model.name === reference.name) return 1000;
  if (model.bf16Tflops === null || reference.bf16Tflops === null) return undefined;
  return Math.max(1, Math.round((1000 * model.bf16Tflops) / reference.bf16Tflops));
}
