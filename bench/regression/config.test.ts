import { describe, expect, it } from 'vitest';
import { ScenarioError } from '../../scenarios/problem.ts';
import { DEFAULT_CONFIG, readConfig } from './config.ts';

function problems(text: string): string {
  try {
    readConfig(text, 'bench.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as Error).message;
  }
  return '';
}

describe('the settings of a bench', () => {
  it('have defaults, and keep those that are not named', () => {
    expect(readConfig('', 'x')).toEqual(DEFAULT_CONFIG);
    const config = readConfig(
      'seeds: 3\nthresholds: {goodput: 0.25%, evictions: off, mean/project a b: 0.1}\nallow: [gang-halves]',
      'x',
    );
    expect(config).toMatchObject({ seeds: 3, confidence: 0.95, allow: ['gang-halves'] });
    expect(config.thresholds).toEqual({
      ...DEFAULT_CONFIG.thresholds,
      goodput: 0.0025,
      evictions: Infinity,
      'mean/project a b': 0.1,
    });
  });

  it.each([
    [
      'seads: 3',
      "bench.yaml:1:1: seads: found unknown field 'seads', expected one of baseline, change, cases, seeds, confidence, thresholds, allow; did you mean 'seeds'?",
    ],
    ['seeds: many', "bench.yaml:1:8: seeds: found 'many', expected"],
    ['thresholds:\n  godput: 1%', "bench.yaml:2:3: thresholds.godput: found unknown figure 'godput'"],
    [
      'thresholds:\n  goodput: a lot',
      "bench.yaml:2:12: thresholds.goodput: found 'a lot', expected a share such as 2% or 0.02, or 'off'",
    ],
    ['allow: [gang-halfs]', "allow[0]: found unknown rule 'gang-halfs', expected one of gang-halves"],
    ['cases: tenants', "cases: found 'tenants', expected a list of names"],
    ['[a, b]', 'found a list of 2, expected fields: baseline'],
    ['a: 1\n---\nb: 2', 'found a second document'],
    ['a: [', 'bad YAML'],
  ])('are refused with place, what was found and what was expected: %#', (text, message) => {
    expect(problems(text)).toContain(message);
  });

  it('names every mistake at once', () => {
    expect(problems('seeds: x\nconfidence: 7\nallow: [y]').split('\n')).toHaveLength(3);
  });
});
