import { describe, expect, it } from 'vitest';
import type { NetworkSettings } from '../scenario.ts';
import { simulate } from '../simulate.ts';
import { seconds, smallScenario } from '../testing.ts';
import { allReduceUs } from './network.ts';

const GB = 1e9;
const network: NetworkSettings = {
  algorithm: 'ring',
  nvlinkBytesPerSecond: 450 * GB,
  railBytesPerSecond: 50 * GB,
  spineBytesPerSecond: 25 * GB,
  nvlinkLatencyUs: 1,
  railLatencyUs: 5,
  spineLatencyUs: 10,
};

describe('allReduceUs', () => {
  it('is the textbook formula for ring and tree', () => {
    // 2 · 7/8 · 45 GB / 450 GB/s = 0.175 s, and 14 µs.
    expect(allReduceUs(network, 'nvlink', 8, 45 * GB)).toBe(175_014);
    expect(allReduceUs(network, 'rail', 16, 50 * GB)).toBe(1_875_000 + 30 * 5);
    expect(allReduceUs({ ...network, algorithm: 'tree' }, 'spine', 1000, 25 * GB)).toBe(2_000_000 + 20 * 10);
    expect(allReduceUs(network, 'rail', 1, 50 * GB)).toBe(0);
  });
});

describe('placement', () => {
  /** A gang of four workers with 2 GPUs each on four nodes; `taken` GPUs of each node are not to be had. */
  const duration = (taken: number, nodesPerRack: number, settings: NetworkSettings | undefined) => {
    const scenario = smallScenario({
      nodes: [{ pool: 0, count: 4, gpus: 8, nodesPerRack }],
      jobs: [
        ...(taken > 0 ? [1, 2, 3, 4].map(() => ({ durationUs: seconds(9000), taskGpus: [taken] })) : []),
        {
          submitUs: seconds(1),
          durationUs: seconds(1000),
          taskGpus: [2, 2, 2, 2],
          allReduce: { bytes: 5 * GB, stepUs: seconds(1) },
        },
      ],
      overrides: { ...(settings && { network: settings }), durationUs: seconds(5000) },
    });
    const { jobs } = simulate(scenario);
    return (jobs.endUs.at(-1) ?? 0) - seconds(1);
  };

  it('costs nothing where all stand on one node, or where no network is stated', () => {
    expect(duration(0, 4, network)).toBe(seconds(1000));
    expect(duration(6, 2, undefined)).toBe(seconds(1000));
  });

  it('costs what the slowest link takes beyond the best', () => {
    const us = (span: 'nvlink' | 'rail' | 'spine') => allReduceUs(network, span, 8, 5 * GB);
    const expected = (span: 'rail' | 'spine') => {
      const milli = Math.floor(1e9 / (1e6 + us(span) - us('nvlink')));
      return Math.ceil((seconds(1000) * 1000) / milli);
    };
    expect(us('spine')).toBeGreaterThan(us('rail'));
    expect(duration(6, 4, network)).toBe(expected('rail'));
    expect(duration(6, 2, network)).toBe(expected('spine'));
  });
});
