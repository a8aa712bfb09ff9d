/**
 * Fair share: use with a half-life against promised shares, along the tree root → departments (if there are several) →
 * projects → users.
 *
 * Sources: https://slurm.schedmd.com/fair_tree.html, https://slurm.schedmd.com/classic_fair_share.html. Use is GPU-time
 * (a site with GPUs bills by TRESBillingWeights). It is decayed continuously, which the real one does in steps of
 * PriorityCalcPeriod; factors are calculated at those steps, as there.
 */
import { exp } from '../../engine/math.ts';
import type { Scenario } from '../../scenario.ts';
import type { Model } from './model.ts';
import type { SlurmArgs } from './settings.ts';

// biome-ignore lint/suspicious/noApproximativeNumericConstant: of Math only exactly rounded functions are used here
const LN2 = 0.6931471805599453;

/** Node 0 is the root; then departments, projects and, as leaves, those users of each project that have jobs. Plain data. */
export interface ShareTree {
  parent: Int32Array;
  shares: Float64Array;
  children: number[][];
  /** First leaf; nodes from here on are users. */
  firstUser: number;
  /** Leaf of each job. */
  leafOf: Int32Array;
  /** Of each leaf: decayed use as of `at`, GPU·µs, and the GPUs it holds since. Indexed by node. */
  used: Float64Array;
  at: Float64Array;
  gpus: Float64Array;
  /** Fair-share factor of each leaf as last calculated. */
  factor: Float64Array;
}

export function shareTree(scenario: Scenario, model: Model, rule: SlurmArgs['shares']): ShareTree {
  const { departments, projects, jobs } = scenario;
  const parents = [-1];
  const shares = [1];
  // A single department is no level of its own: it would only blur the use of its projects in the classic algorithm.
  const levels = departments.length > 1 ? departments : [];
  const firstProject = 1 + levels.length;
  const firstUser = firstProject + projects.length;
  for (const { parent } of levels) {
    parents.push(parent + 1);
    shares.push(0);
  }
  for (const project of projects) {
    parents.push(levels.length > 0 ? project.department + 1 : 0);
    const quota = project.deservedGpus.some((gpus) => gpus < 0) ? 1 : project.deservedGpus.reduce((a, b) => a + b, 0);
    const share = rule === 'equal' ? 1 : rule === 'weight' ? project.overQuotaWeight : quota;
    shares.push(share);
    // A department has the shares of its projects.
    if (levels.length > 0) for (let d = project.department; d >= 0; d = levels[d].parent) shares[d + 1] += share;
  }
  const leaves = new Map<number, number>();
  const leafOf = new Int32Array(jobs.count);
  for (let j = 0; j < jobs.count; j++) {
    const key = jobs.project[j] * model.users + model.userOf[j];
    let leaf = leaves.get(key);
    if (leaf === undefined) {
      leaf = parents.push(firstProject + jobs.project[j]) - 1;
      shares.push(1);
      leaves.set(key, leaf);
    }
    leafOf[j] = leaf;
  }
  const children: number[][] = parents.map(() => []);
  for (let node = 1; node < parents.length; node++) children[parents[node]].push(node);
  const n = parents.length;
  const tree: ShareTree = {
    parent: Int32Array.from(parents),
    shares: Float64Array.from(shares),
    children,
    firstUser,
    leafOf,
    used: new Float64Array(n),
    at: new Float64Array(n),
    gpus: new Float64Array(n),
    factor: new Float64Array(n),
  };
  return tree;
}

/** The job begins (+) or ceases (−) to use GPUs. */
export function charge(tree: ShareTree, job: number, gpus: number, now: number, halfLifeUs: number): void {
  const leaf = tree.leafOf[job];
  tree.used[leaf] = usedBy(tree, leaf, now, halfLifeUs);
  tree.at[leaf] = now;
  tree.gpus[leaf] += gpus;
}

/** Decayed use of a leaf: U·2^(−t/h) + GPUs · ∫ 2^(−s/h) ds. */
export function usedBy(tree: ShareTree, leaf: number, now: number, halfLifeUs: number): number {
  const passed = now - tree.at[leaf];
  if (passed === 0) return tree.used[leaf];
  if (halfLifeUs === 0) return tree.used[leaf] + tree.gpus[leaf] * passed;
  const left = exp((-LN2 * passed) / halfLifeUs);
  return tree.used[leaf] * left + tree.gpus[leaf] * (halfLifeUs / LN2) * (1 - left);
}

/** Calculates every user's factor, 0 to 1, as of now. */
export function calculateFactors(tree: ShareTree, now: number, halfLifeUs: number, fairTree: boolean): void {
  const use = new Float64Array(tree.parent.length);
  // A department may come before or after its parent: sum from the leaves up each path.
  for (let leaf = tree.firstUser; leaf < use.length; leaf++) {
    const own = usedBy(tree, leaf, now, halfLifeUs);
    for (let node = leaf; node >= 0; node = tree.parent[node]) use[node] += own;
  }
  if (fairTree) rankTree(tree, use);
  else classic(tree, use);
}

/** Fair Tree: depth first in order of level fair share; a user's factor is its rank over the number of users. */
function rankTree(tree: ShareTree, use: Float64Array): void {
  const level = new Float64Array(use.length);
  for (let node = 0; node < use.length; node++) {
    const among = tree.children[node];
    let shares = 0;
    for (const child of among) shares += tree.shares[child];
    for (const child of among) {
      const share = shares > 0 ? tree.shares[child] / shares : 0;
      level[child] = share === 0 ? 0 : use[child] > 0 ? share / (use[child] / use[node]) : Infinity;
    }
  }
  const users = use.length - tree.firstUser;
  let rank = users;
  const descend = (siblings: readonly number[]) => {
    const ordered = siblings.toSorted((a, b) => (level[a] === level[b] ? a - b : level[b] > level[a] ? 1 : -1));
    for (let i = 0; i < ordered.length; ) {
      // Those that tie share a rank; the children of accounts that tie are ranked as if they were siblings.
      const below: number[] = [];
      const shared = rank;
      const tied = level[ordered[i]];
      for (; i < ordered.length && level[ordered[i]] === tied; i++) {
        if (ordered[i] < tree.firstUser) {
          for (const child of tree.children[ordered[i]]) below.push(child);
        } else {
          tree.factor[ordered[i]] = shared / users;
          rank--;
        }
      }
      if (below.length > 0) descend(below);
    }
  };
  descend(tree.children[0]);
}

/** Classic: F = 2^(−U/S), U the use along the path to the root as the documentation blends it. */
function classic(tree: ShareTree, use: Float64Array): void {
  const total = use[0];
  const visit = (node: number, share: number, effective: number) => {
    if (node >= tree.firstUser) tree.factor[node] = share > 0 ? exp((-LN2 * effective) / share) : 0;
    let shares = 0;
    for (const child of tree.children[node]) shares += tree.shares[child];
    for (const child of tree.children[node]) {
      const part = shares > 0 ? tree.shares[child] / shares : 0;
      const actual = total > 0 ? use[child] / total : 0;
      visit(child, share * part, node === 0 ? actual : actual + (effective - actual) * part);
    }
  };
  visit(0, 1, 1);
}
