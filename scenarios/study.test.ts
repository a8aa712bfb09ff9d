import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POLICIES } from '../sim/simulate.ts';
import { builtin, builtins } from './builtin/index.ts';
import { ScenarioError } from './problem.ts';
import { compileStudy, pointKey, type Study, studyDocument } from './study.ts';
import { openVariants } from './variants.ts';

const own = builtins.find(({ name }) => name === 'small-team') as (typeof builtins)[number];
const variants = openVariants(own.text, { file: 'small-team.yaml', policies: POLICIES });

function study(spec: string): Study {
  const document = studyDocument(`apiVersion: simsup.dev/v1\nkind: Study\nspec: ${spec}\n`, 'study.yaml');
  return compileStudy(document as NonNullable<typeof document>, variants);
}
function refusal(spec: string): string {
  try {
    study(spec);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  return '';
}

describe('the points of a Study', () => {
  it('are every combination of a grid, the last axis fastest, and no two alike', () => {
    const { points, seeds } = study('{grid: {workload.scale: [1, 2], policy: [fifo, runai]}, seeds: 2}');
    expect(points.map((p) => `${p['workload.scale']} ${p.policy}`)).toEqual(['1 fifo', '1 runai', '2 fifo', '2 runai']);
    expect(seeds).toEqual(['1', '2']);
    expect(study('{list: [{policy: fifo, workload.scale: 2}, {workload.scale: 2, policy: fifo}]}').points).toHaveLength(
      1,
    );
    expect(pointKey({ a: '1', b: '2' })).toBe(pointKey({ b: '2', a: '1' }));
  });

  it('are spread by steps of the unit in which a range is written', () => {
    const values = (spread: string, path = 'checkpoint.interval') =>
      study(`{grid: {${path}: ${spread}}}`).points.map((p) => p[path]);
    expect(values('{from: 10m, to: 40m, step: 10m}')).toEqual(['10m', '20m', '30m', '40m']);
    expect(values('{from: 10m, to: 2h, step: 30m}')).toEqual(['600s', '2400s', '4200s', '6000s']);
    expect(values('{from: 1, to: 8, steps: 4, scale: log}', 'pools.h100.nodes')).toEqual(['1', '2', '4', '8']);
    // Of nodes only whole ones, of a load what lies between as well.
    expect(values('{from: 1, to: 3, steps: 5}', 'pools.h100.nodes')).toEqual(['1', '2', '3']);
    expect(values('{from: 1, to: 2, steps: 5}', 'workload.scale')).toEqual(['1', '1.25', '1.5', '1.75', '2']);
    expect(values('{from: 0.1, to: 0.5, step: 0.1}', 'workload.scale')).toEqual(['0.1', '0.2', '0.3', '0.4', '0.5']);
  });

  it('of a Latin hypercube use each equal part of each range once, and are the same for the same seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(1000), (points, seed) => {
        const cube = `{latinHypercube: {points: ${points}, seed: ${seed}, ranges: {workload.scale: {from: 1, to: 5}, checkpoint.interval: {from: 10m, to: 100m}}}}`;
        const { points: drawn } = study(cube);
        const parts = drawn.map((p) => Math.floor(((Number(p['workload.scale']) - 1) / 4) * points));
        expect(parts.sort((a, b) => a - b)).toEqual(Array.from({ length: points }, (_, i) => i));
        expect(study(cube).points).toEqual(drawn);
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it('are refused at their own line, with the nearest name', () => {
    expect(refusal('{grid: {workload.scal: [1]}}')).toMatch(/^study\.yaml:3:15: .*did you mean 'workload\.scale'/);
    expect(refusal('{grid: {policy: [fifo, runia]}}')).toMatch(/^study\.yaml:3:\d+: policy: .*did you mean 'runai'/);
    expect(refusal('{grid: {pools.h100.nodes: [0]}}')).toMatch(/found '0', expected a whole number/);
    expect(refusal('{grid: {pools.h100.nodes: {from: 1, to: 3}}}')).toContain('neither step nor steps');
    expect(refusal('{grid: {workload.scale: [1]}, list: [{workload.scale: 2}]}')).toContain('varied in two ways');
    expect(refusal('{grid: {workload.scale: [1]}, seeds: [a, a]}')).toContain("seed 'a' twice");
    expect(refusal('{grid: {workload.scale: {from: 1, to: 2, steps: 10000}}, seeds: 10000}')).toContain(
      '100000000 runs',
    );
    expect(refusal('{}')).toContain('nothing to vary');
  });
});

describe('a variant', () => {
  it('without changes is the scenario, and what is changed is what its own text would say', () => {
    expect(variants.base()).toEqual(builtin('small-team', { policies: POLICIES }));
    expect(variants.base('7').seed).toBe('7');
    const written = openVariants(own.text.replace('nodes: 1, gpusPerNode', 'nodes: 3, gpusPerNode'), {
      policies: POLICIES,
    });
    expect(variants.compile({ 'pools.h100.nodes': '3' }).nodes).toEqual(written.base().nodes);
  });

  it('is known by what decides its runs: comments and studies do not', () => {
    const commented = openVariants(
      `# a note\n${own.text}---\napiVersion: simsup.dev/v1\nkind: Study\nspec: {grid: {policy: [fifo]}}\n`,
    );
    expect(commented.canonical).toBe(variants.canonical);
    expect(openVariants(own.text.replace('nodes: 1, gpusPerNode', 'nodes: 2, gpusPerNode')).canonical).not.toBe(
      variants.canonical,
    );
  });

  it('costs what its list prices say, before it is run', () => {
    const { usdPerHour, gpus } = variants.listCost({ 'pools.h100.nodes': '2', 'prices.h100': '$2/h' });
    expect([usdPerHour, gpus]).toEqual([32, 16]);
  });
});
