import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GPU_MODELS, gpuModel, gpuModelNames, gpuModelSpellings, relativeSpeedMilli } from './gpus.ts';
import { ON_DEMAND, SPOT } from './prices.ts';

const TRACES = new URL('../../../shared/traces/', import.meta.url);
const NODE_LISTS: [string, string][] = [
  ['spot-2026/node_info.csv', 'gpu_model'],
  ['openb-2023/openb_node_list_gpu_node.csv', 'model'],
];

describe('the catalogue of GPUs', () => {
  it('has each name and spelling once', () => {
    const keys = gpuModelSpellings().map((name) => name.toLowerCase().replace(/[-_ ]/g, ''));
    expect(new Set(keys).size).toBe(keys.length);
    for (const model of GPU_MODELS)
      for (const name of [model.name, ...model.aliases]) expect(gpuModel(name)).toBe(model);
    expect(gpuModel('NVIDIA A100-SXM4-80GB')?.name).toBe('A100-SXM4-80GB');
  });

  it('gives a source for each model and price, and prices only what it has', () => {
    for (const model of GPU_MODELS) expect(model.source.length, model.name).toBeGreaterThan(20);
    for (const [name, price] of [...Object.entries(ON_DEMAND), ...Object.entries(SPOT)]) {
      expect(gpuModelNames()).toContain(name);
      expect(price.date).toMatch(/^20\d\d-\d\d/);
      expect(price.microUsd).toBeGreaterThan(0);
    }
  });

  it('prices a GPU of a superchip, not the superchip', () => {
    expect(ON_DEMAND.GB200.microUsd * 2).toBe(9_080_000);
  });

  it('takes export models for as fast as what they are cut down from, and anonymous ones for nothing', () => {
    const speed = (a: string, b: string) =>
      relativeSpeedMilli(gpuModel(a) ?? GPU_MODELS[0], gpuModel(b) ?? GPU_MODELS[0]);
    expect(speed('H800', 'H100')).toBe(1000);
    expect(speed('A800', 'A100')).toBe(1000);
    expect(speed('GPU-series-1', 'A100')).toBeUndefined();
  });
});

describe.skipIf(!existsSync(TRACES))('published lists of nodes', () => {
  it.each(NODE_LISTS)('name no model that it lacks: %s', (file, column) => {
    const [header, ...lines] = readFileSync(new URL(file, TRACES), 'utf8').trim().split(/\r?\n/);
    const at = header.split(',').indexOf(column);
    expect(at).toBeGreaterThanOrEqual(0);
    const models = new Set(lines.map((line) => line.split(',')[at]));
    for (const model of models) if (model !== '') expect(gpuModel(model), model).toBeDefined();
  });
});
