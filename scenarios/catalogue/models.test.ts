import { describe, expect, it } from 'vitest';
import { type GpuModel, gpuModel } from './gpus.ts';
import { gpusPerReplica, kvTokens, servedModel } from './models.ts';

const on = (...names: string[]) => names.map((name) => gpuModel(name) as GpuModel);

describe('GPUs of a replica', () => {
  // Cells computed by hand from TP × (0.90 × HBM − 3 GB) − weights, with the HBM of the data sheets.
  it.each([
    ['llama-4-maverick', 'fp8', 'B200', 4],
    ['llama-4-maverick', 'fp8', 'H200', 4],
    ['llama-4-maverick', 'fp8', 'H100', 8],
    ['llama-4-maverick', 'bf16', 'B200', 8],
    ['llama-4-maverick', 'bf16', 'H100', 16],
    ['llama-4-maverick', 'fp4', 'B200', 2],
    ['llama-3.1-70b', 'bf16', 'A100', 4],
    ['llama-3.1-70b', 'bf16', 'H200', 2],
    ['llama-3.1-70b', 'fp16', 'B200', 1],
    ['llama-3.3-70b', 'fp8', 'H100', 2],
    ['llama-3.1-405b', 'bf16', 'B300', 4],
    ['llama-3.1-405b', 'bf16', 'H200', 8],
    ['llama-3.1-405b', 'fp8', 'B300', 2],
    ['llama-3.1-405b', 'nvfp4', 'B300', 1],
    ['qwen2.5-14b', 'bf16', 'H200', 1],
  ])('are the fewest that hold %s in %s on %s: %i', (model, precision, gpu, gpus) => {
    expect(gpusPerReplica(model, precision, on(gpu)).gpus).toBe(gpus);
  });

  it('leave as much context as the published table says', () => {
    const maverick = servedModel('Llama-4-Maverick-17B-128E-Instruct');
    expect(maverick?.name).toBe('llama-4-maverick');
    if (maverick === undefined) return;
    // 4 × 159 − 400 = 236 GB at 96 KiB a token.
    expect(kvTokens(maverick, 'fp8', 180, 4)).toBeCloseTo(236e9 / (96 * 1024), -1);
    expect(kvTokens(maverick, 'fp8', 180, 2)).toBeLessThan(0);
  });

  it('suit every GPU that it may come to stand on', () => {
    expect(gpusPerReplica('llama-4-maverick', 'fp8', on('B200', 'H100')).gpus).toBe(8);
    expect(gpusPerReplica('llama-4-maverick', 'fp8', on('unknown')).source).toMatch(/memory of its GPUs is not known/);
  });

  it('are one, and said, for a model that is not known', () => {
    const { gpus, source } = gpusPerReplica('lama-4-maverick', 'fp8', on('B200'));
    expect(gpus).toBe(1);
    expect(source).toMatch(/not in the catalogue, which has llama-4-maverick, .*; did you mean llama-4-maverick\?$/);
  });
});
