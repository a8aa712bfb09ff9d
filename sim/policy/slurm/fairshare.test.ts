import { describe, expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { calculateFactors, charge, shareTree, usedBy } from './fairshare.ts';
import { modelOf } from './model.ts';
import { SLURM_DEFAULT } from './presets.ts';
import { inMicroseconds, type SlurmArgs } from './settings.ts';

const settings = inMicroseconds({
  ...SLURM_DEFAULT.values,
  placement: 'bestfit',
  shares: 'equal',
  sitePriority: 0,
} as SlurmArgs);
const DAY = 86_400_000_000;

/** Accounts with users: `[['a', 2]]` = two users of project 0; one job of each user. */
function treeOf(usersOf: number[]) {
  const jobs = usersOf.flatMap((count, project) =>
    Array.from({ length: count }, (_, user) => ({ project, user, durationUs: 1 })),
  );
  const scenario = smallScenario({ jobs, projects: usersOf.length, overrides: { users: ['u0', 'u1', 'u2'] } });
  return shareTree(scenario, modelOf(scenario, settings), 'equal');
}
const factors = (tree: ReturnType<typeof treeOf>) => Array.from(tree.leafOf, (leaf) => tree.factor[leaf]);

describe('usage', () => {
  it('counts half after a half-life, a quarter after two', () => {
    const tree = treeOf([1]);
    const [leaf] = tree.leafOf;
    charge(tree, 0, 8, 0, 0);
    charge(tree, 0, -8, 1000, 0);
    expect(usedBy(tree, leaf, 1000, 0)).toBe(8000);
    expect(usedBy(tree, leaf, 1000 + 7 * DAY, 7 * DAY)).toBeCloseTo(4000, 6);
    expect(usedBy(tree, leaf, 1000 + 14 * DAY, 7 * DAY)).toBeCloseTo(2000, 6);
  });

  it('of GPUs held all the time tends to GPUs × half-life / ln 2', () => {
    const tree = treeOf([1]);
    charge(tree, 0, 8, 0, DAY);
    expect(usedBy(tree, tree.leafOf[0], 100 * DAY, DAY) / ((8 * DAY) / Math.LN2)).toBeCloseTo(1, 12);
  });
});

describe('Fair Tree', () => {
  it('ranks all users of a better account above those of a worse one, and users within it', () => {
    const tree = treeOf([2, 2]);
    // Account 0 used 30, nearly all by its first user; account 1 used 70, by its second.
    for (const [job, gpus] of [29, 1, 10, 60].entries()) charge(tree, job, gpus, 0, 0);
    calculateFactors(tree, 1000, 0, true);
    expect(factors(tree)).toEqual([0.75, 1, 0.5, 0.25]);
  });

  it('users that tie share a rank, users of accounts that tie are ranked as siblings', () => {
    const tree = treeOf([2, 2]);
    calculateFactors(tree, 0, 0, true);
    expect(factors(tree)).toEqual([1, 1, 1, 1]);
    for (const [job, gpus] of [10, 40, 40, 10].entries()) charge(tree, job, gpus, 0, 0);
    calculateFactors(tree, 1000, 0, true);
    expect(factors(tree)).toEqual([1, 0.5, 0.5, 1]);
  });
});

describe('classic', () => {
  it('is ½ for one who used just the promised share, 1 for one who used nothing of an idle cluster', () => {
    const tree = treeOf([1, 1]);
    calculateFactors(tree, 0, 0, false);
    expect(factors(tree)).toEqual([1, 1]);
    charge(tree, 0, 5, 0, 0);
    charge(tree, 1, 5, 0, 0);
    calculateFactors(tree, 1000, 0, false);
    for (const factor of factors(tree)) expect(factor).toBeCloseTo(0.5, 12);
  });

  it('blends the use of a user with that of the account', () => {
    const tree = treeOf([2, 1]);
    // All use is user 0's. User 1: U = 0 + (1 − 0) · ½ of the account's, S = ¼: F = 2^−2.
    charge(tree, 0, 1, 0, 0);
    calculateFactors(tree, 1000, 0, false);
    const [first, second, other] = factors(tree);
    expect(first).toBeCloseTo(2 ** -4, 12);
    expect(second).toBeCloseTo(2 ** -2, 12);
    expect(other).toBe(1);
  });
});
