import { describe, expect, it } from 'vitest';
import type { PolicyFactory } from '../sim/policy/policy.ts';
import { POLICIES } from '../sim/simulate.ts';
import { readPolicyArgs } from './policy-args.ts';
import { readScenario } from './read.ts';

const policy: Pick<PolicyFactory, 'name' | 'args'> = {
  name: 'p',
  args: {
    mode: { type: 'choice', of: ['stop', 'skip'], default: 'skip', about: '' },
    count: { type: 'number', min: 1, max: 9, default: 2, about: '' },
    every: { type: 'duration', min: 0, max: 3600, default: 60, about: '' },
    on: { type: 'boolean', default: true, about: '' },
    steps: { type: 'numbers', ascending: true, default: [], about: '' },
  },
};

describe('policy arguments', () => {
  it('are read by type, as text or lists of text', () => {
    const { args, problems } = readPolicyArgs(policy, {
      mode: 'stop',
      count: '3',
      every: '2m30s',
      on: 'false',
      steps: ['1', '2.5'],
    });
    expect(problems).toEqual([]);
    expect(args).toEqual({ mode: 'stop', count: 3, every: 150, on: false, steps: [1, 2.5] });
    expect(readPolicyArgs(policy, { every: '90', steps: '1,2e3' }).args).toEqual({ every: 90, steps: [1, 2000] });
    expect(readPolicyArgs(policy, { every: '500ms' }).args).toEqual({ every: 0.5 });
  });

  it.each([
    [{ mode: 'stp' }, { name: 'mode', expected: 'one of stop, skip', nearest: 'stop' }],
    [{ cuont: '1' }, { name: 'cuont', unknown: true, nearest: 'count' }],
    [{ count: '10' }, { name: 'count', found: '10', expected: 'a number from 1 to 9' }],
    [{ count: ' ' }, { name: 'count', found: '" "' }],
    [{ count: '0x2' }, { name: 'count', found: '"0x2"' }],
    [{ count: ['1'] }, { name: 'count', found: '["1"]' }],
    [{ every: '2h' }, { name: 'every', found: '7200', expected: expect.stringContaining('a duration from 0s to 1h') }],
    [{ every: 'soon' }, { name: 'every', expected: expect.stringContaining('a bare number is seconds') }],
    [{ on: 'yes' }, { name: 'on', expected: 'true or false' }],
    [{ steps: '9,3' }, { name: 'steps', expected: expect.stringContaining('each above the one before') }],
    [{ steps: '3,3' }, { name: 'steps' }],
    [{ steps: '3,,4' }, { name: 'steps' }],
    [{ steps: { a: '1' } }, { name: 'steps' }],
    [{ constructor: '1' }, { name: 'constructor', unknown: true }],
  ])('are refused: %j', (written, problem) => {
    expect(readPolicyArgs(policy, written).problems).toMatchObject([problem]);
  });

  it('say their line in a scenario', () => {
    const read = (args: string) =>
      readScenario(
        `apiVersion: simsup.dev/v1\nkind: Simulation\nspec:\n  policy:\n    name: las\n    args:\n      ${args}\n`,
        { file: 's.yaml', policies: POLICIES },
      );
    expect(read('quantum: 5m').policy).toEqual({ name: 'las', args: { quantum: 300 } });
    expect(read('thresholds: [3600, 36000]').policy.args).toEqual({ thresholds: [3600, 36000] });
    expect(() => read('quantm: 5m')).toThrow(
      /^s\.yaml:7:7: spec\.policy\.args: found unknown argument 'quantm', expected for las one of .*; did you mean 'quantum'\?$/,
    );
    expect(() => read('quantum: 5y')).toThrow(
      /^s\.yaml:7:16: spec\.policy\.args\.quantum: found "5y", expected a duration from 0\.5s to 1d/,
    );
    expect(() => read('thresholds: [9, 3]')).toThrow(/^s\.yaml:7:19: .*found \[9,3\], expected .*\(GPU-seconds\)$/);
    expect(() => read('blocked: sotp')).toThrow(/expected one of stop, skip; did you mean 'stop'\?$/);
  });
});
