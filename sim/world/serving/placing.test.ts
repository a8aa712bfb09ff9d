import { describe, expect, it } from 'vitest';
import { builtin } from '../../../scenarios/builtin/index.ts';
import { Cluster } from '../../cluster/cluster.ts';
import type { TelemetryReader } from '../../cluster/view.ts';
import type { ServingPlacement } from '../../scenario.ts';
import { chooseNodes, NodeUse } from './placing.ts';

// Four nodes of H200, numbers 0 to 3, and three of B200, 4 to 6.
const scenario = builtin('slo-placement');
const { pools, nodes, jobs, migLayouts, migProfiles } = scenario;
const cluster = new Cluster({ pools, nodes, jobs, migLayouts, migProfiles });
const PERIOD_US = 30e6;
const placement = (more: Partial<ServingPlacement> = {}): ServingPlacement => ({
  ...{ rule: 'preferred', pools: [0, 1], avoidUtil: 0.8, clearUtil: 0.7 },
  ...{ field: 'DCGM_FI_DEV_GPU_UTIL', windowUs: 60e6, rebalances: false, ...more },
});
const AT: (percent: number) => TelemetryReader = (percent) => ({ read: () => ({ takenUs: 0, value: percent }) });

/** Readings of one node at ticks 0, 1, 2 …: percent, the same of all its GPUs. */
function read(node: number, percents: readonly number[], use = new NodeUse(scenario, cluster)) {
  percents.forEach((percent, tick) => {
    use.sample(node, tick, AT(percent), () => -1, 10);
  });
  return use;
}

describe('what is read of a node', () => {
  it('is the mean over the window', () => {
    const use = read(0, [100, 100, 40, 20]);
    const mean = (windowUs: number) => use.mean(0, 3 * PERIOD_US, PERIOD_US, placement({ windowUs }));
    expect([mean(30e6), mean(60e6), mean(120e6)]).toEqual([0.2, 0.3, 0.65]);
  });

  it('is nothing where nobody has read it: such a node is not avoided', () => {
    const avoided = new Set<number>();
    read(0, []).follow(avoided, PERIOD_US, PERIOD_US, placement());
    expect(avoided.size).toBe(0);
  });

  it('of tensor pipes is a share of it: of training what training reaches', () => {
    const use = read(0, [100, 100]);
    // Nothing runs there as far as the scheduler knows.
    expect(use.mean(0, PERIOD_US, PERIOD_US, placement({ field: 'DCGM_FI_PROF_PIPE_TENSOR_ACTIVE' }))).toBe(0);
  });
});

it('a node is avoided once it passes the threshold, and until it has fallen well below it', () => {
  const avoided = new Set<number>();
  const use = new NodeUse(scenario, cluster);
  const seen = [79, 81, 79, 71, 69, 79].map((percent, tick) => {
    use.sample(0, tick, AT(percent), () => -1, 10);
    use.follow(avoided, tick * PERIOD_US, PERIOD_US, placement({ windowUs: PERIOD_US }));
    return avoided.has(0);
  });
  expect(seen).toEqual([false, true, true, true, false, false]);
});

describe('nodes are picked', () => {
  const choose = (
    p: ServingPlacement,
    avoided: number[],
    more: { leaving?: number; depths?: number[]; free?: number[] } = {},
  ) => {
    const { leaving, depths = [], free = [] } = more;
    const use = new NodeUse(scenario, cluster);
    for (let node = 0; node < 7; node++) read(node, [10 * node, 10 * node, 10 * node], use);
    const asked = { depth: (node: number) => depths[node] ?? 0, freeGpus: (node: number) => free[node] ?? 8 };
    const readable = { use, now: 2 * PERIOD_US, periodUs: PERIOD_US };
    const choice = chooseNodes(scenario, p, new Set(avoided), readable, 1, asked, leaving);
    return { ...choice, open: [0, 1, 2, 3, 4, 5, 6].filter((node) => !choice.barred.has(node)) };
  };

  it('in the order of the pools, those above the threshold left out', () => {
    const { open, pools: order, sentence } = choose(placement({ pools: [1, 0] }), [5]);
    expect(order).toEqual([1, 0]);
    expect(open).toEqual([0, 1, 2, 3, 4, 6]);
    expect(sentence).toMatch(/avoids b200-1 \(50 %\)/);
  });

  it('where all are above it, the least busy of them', () => {
    const { open, sentence } = choose(placement({ pools: [1] }), [4, 5, 6]);
    expect(open.filter((node) => node >= 4)).toEqual([4]);
    expect(sentence).toMatch(/every node is above 0\.8, b200-0 is the least busy \(40 %\)/);
  });

  it('not the one that a replica is to leave', () => {
    expect(choose(placement(), [], { leaving: 2 }).open).toEqual([0, 1, 3, 4, 5, 6]);
  });

  it('by the rule for people who wait: the one with the lowest queue depth, if it has room', () => {
    const p = placement({ rule: 'interactive' });
    const depths = [9, 4, 2, 7, 5, 6, 8];
    expect(choose(p, [], { depths }).open).toEqual([2]);
    expect(choose(p, [], { depths, free: [8, 8, 0] }).open).toEqual([1]);
    expect(choose(p, [1, 2], { depths }).sentence).toMatch(/b200-0 has the lowest queue depth \(5 requests\)/);
  });
});
