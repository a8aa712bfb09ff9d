import { describe, expect, it } from 'vitest';
import { simulate } from '../simulate.ts';
import { smallScenario } from '../testing.ts';
import { POLICIES } from './index.ts';
import { argProblems, checkedArgs, PolicyArgumentError, type PolicyFactory } from './policy.ts';

const policy: Pick<PolicyFactory, 'name' | 'args'> = {
  name: 'p',
  args: {
    mode: { type: 'choice', of: ['stop', 'skip'], default: 'skip', about: '' },
    count: { type: 'number', min: 1, max: 9, default: 2, about: '', unit: 'jobs' },
    every: { type: 'duration', min: 0.5, max: 5400, default: 60, about: '' },
    on: { type: 'boolean', default: true, about: '' },
    steps: { type: 'numbers', default: [], about: '' },
    rising: { type: 'numbers', ascending: true, unit: 'GPU-seconds', default: [1, 2], about: '' },
  },
};

describe('arguments of a policy', () => {
  it('take their defaults where they are not given', () => {
    expect(checkedArgs(policy, {})).toEqual({ mode: 'skip', count: 2, every: 60, on: true, steps: [], rising: [1, 2] });
    const given = { mode: 'stop', count: 9, every: 0.5, on: false, steps: [3, 1, 1], rising: [0, 5, 6] };
    expect(checkedArgs(policy, given)).toEqual(given);
  });

  it.each([
    [{ mode: 'stp' }, `policy p, argument 'mode': found "stp", expected one of stop, skip`],
    [{ count: 0 }, "policy p, argument 'count': found 0, expected a number from 1 to 9 (jobs)"],
    [{ count: Number.NaN }, /'count': found null, expected a number/],
    [{ every: 6000 }, /found 6000, expected a duration from 0\.5s to 90m, such as .* \(a bare number is seconds\)$/],
    [{ every: '1m' }, /found "1m", expected a duration/],
    [{ on: 'true' }, /found "true", expected true or false$/],
    [{ steps: [-1] }, /expected a list of numbers that are not negative$/],
    [{ steps: [Infinity] }, /expected a list of numbers/],
    [{ steps: 3 }, /found 3, expected a list/],
    [{ rising: [9, 3] }, /found \[9,3\], expected .*, each above the one before \(GPU-seconds\)$/],
    [{ rising: [3, 3] }, /each above the one before/],
    [{ cuont: 1 }, "policy p has no argument 'cuont'; it takes: mode, count, every, on, steps, rising"],
    [{ toString: 1 }, /has no argument 'toString'/],
    [{ steps: 'x'.repeat(1000) }, /^.{0,300}$/],
  ])('are refused with a sentence: %j', (given, message) => {
    expect(() => checkedArgs(policy, given)).toThrow(PolicyArgumentError);
    expect(() => checkedArgs(policy, given)).toThrow(message);
  });

  it('are all looked at', () => {
    expect(argProblems(policy, { count: 0, on: 1, x: 2 }).map(({ name }) => name)).toEqual(['count', 'on', 'x']);
    expect(argProblems({ name: 'q', args: {} }, { x: 2 })[0].expected).toBe('none: the policy takes no arguments');
  });

  it('have defaults that suit their own specification, in every policy', () => {
    for (const factory of POLICIES) {
      const defaults = Object.fromEntries(Object.entries(factory.args).map(([name, spec]) => [name, spec.default]));
      expect(argProblems(factory, defaults), factory.name).toEqual([]);
    }
  });

  it('are checked before anything is simulated', () => {
    const scenario = smallScenario({ jobs: [{ durationUs: 1 }], args: { blocked: 'maybe' } });
    expect(() => simulate(scenario)).toThrow(PolicyArgumentError);
    expect(() => simulate({ ...scenario, policy: { name: 'fito', args: {} } })).toThrow(/there is no policy 'fito'/);
  });
});
