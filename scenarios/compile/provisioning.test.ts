import { describe, expect, it } from 'vitest';
import { DAY_US, HOUR_US, MINUTE_US } from '../../sim/scenario.ts';
import { simulate } from '../../sim/simulate.ts';
import { readScenario } from '../read.ts';

const CLUSTER = `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: old, gpuModel: H100-SXM5, nodes: 6, nodesPerRack: 2}
    - {name: new, gpuModel: H100-SXM5, nodes: 2, nodesPerRack: 2}
    - {name: b200, gpuModel: B200-SXM6, nodes: 2}
    - {name: spot, gpuModel: H100-SXM5, nodes: 2, spot: true}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {jobs: [{id: j, gpus: 1}]}
`;
const text = (spec: string, more = '') =>
  `${CLUSTER}${more}---\napiVersion: simsup.dev/v1\nkind: Provisioning\nspec: ${spec}\n`;
const read = (spec: string, more = '') => readScenario(text(spec, more));
const settings = (spec: string, more = '') =>
  read(spec, more).provisioning as NonNullable<ReturnType<typeof read>['provisioning']>;
const problem = (spec: string, more = '') => {
  try {
    read(spec, more);
  } catch (error) {
    return (error as Error).message.replace(/^scenario:\d+:\d+: /gm, '');
  }
  return '';
};

describe('a roll-out', () => {
  it('has the published times and a tenth of the nodes at most where it says no more, and leaves spot pools alone', () => {
    const [rollout] = settings('{rollouts: [{name: fw, at: 1d}]}').rollouts;
    expect(rollout).toMatchObject({
      name: 'fw',
      atUs: DAY_US,
      pools: [0, 1, 2],
      perWave: 0,
      maxUnavailable: { share: 0.1 },
      order: 'rack',
      drain: { waitUs: 4 * HOUR_US, overdue: 'preempt' },
      repair: 'reboot',
    });
    expect(rollout.steps.map(({ kind, time }) => [kind, time.medianUs / MINUTE_US])).toEqual([
      ['firmware', 90],
      ['reboot', 8],
      ['check', 15],
    ]);
    // What an update fails of shows when the node comes up again.
    expect(rollout.steps.map(({ failure }) => failure)).toEqual([0, expect.closeTo(0.02, 12), 0.015]);
  });

  it('takes what it states, else what the document states, else the default', () => {
    const [rollout] = settings(`{
      firmware: {median: 70m, sigma: 0.3}, check: {median: 10m, failure: 0},
      rollouts: [{name: all, at: 0, pools: [new], kind: both, firmware: {median: 2h}, failure: 5%, nodesPerWave: 2,
        betweenWaves: 1h, order: idle-first, drain: {wait: forever}, pause: {failures: 20%, for: 1d}, repair: rma}]}`).rollouts;
    expect(rollout.steps.map(({ kind, time }) => [kind, time.medianUs / MINUTE_US, time.sigma])).toEqual([
      ['image', 15, 0.2],
      ['firmware', 120, 0.3],
      ['reboot', 8, 0.4],
      ['check', 10, 0],
    ]);
    expect(rollout.steps.map(({ failure }) => failure)).toEqual([0, 0, expect.closeTo(0.05, 12), 0]);
    expect(rollout).toMatchObject({
      pools: [1],
      perWave: 2,
      betweenWavesUs: HOUR_US,
      // Waves that state no limit are taken whole.
      maxUnavailable: { count: 2 },
      drain: { waitUs: Infinity, overdue: 'preempt' },
      pause: { failures: { share: 0.2 }, forUs: DAY_US },
      repair: 'rma',
    });
  });
});

describe('changes of the cluster', () => {
  it('add nodes like those of the pool, in racks of their own, absent until then', () => {
    const { nodes, provisioning } = read('{changes: [{at: 2h, pool: old, add: 2}]}');
    expect(nodes.names.slice(12)).toEqual(['old-6', 'old-7']);
    expect([...nodes.gpus.slice(12)]).toEqual([8, 8]);
    expect(nodes.rack[12]).toBe(nodes.rack[13]);
    expect([...nodes.rack.slice(0, 12)]).not.toContain(nodes.rack[12]);
    expect(provisioning?.absent).toEqual([12, 13]);
    const [{ name, kind, steps }] = provisioning?.changes ?? [];
    expect([name, kind, steps.map((step) => step.kind)]).toEqual(['add to old', 'join', ['image', 'burn-in', 'check']]);
  });

  it('take the last nodes away, and the first over to another pool, where they are the same hardware', () => {
    const { nodes, provisioning } = read(
      '{changes: [{at: 5h, pool: old, remove: 1}, {name: wave, at: 1h, every: 1h, times: 2, from: old, to: new, nodes: 2}]}',
    );
    expect(nodes.names.slice(12)).toEqual(['old-0@new', 'old-1@new', 'old-2@new', 'old-3@new']);
    expect([...(nodes.hardware ?? [])].slice(12)).toEqual([0, 1, 2, 3]);
    expect(provisioning?.changes.map(({ name, nodes: going, becomes }) => [name, going, becomes])).toEqual([
      ['wave (1)', [0, 1], [12, 13]],
      ['wave (2)', [2, 3], [14, 15]],
      ['remove from old', [5], []],
    ]);
  });

  it('bring a pool up new, or all that are not spot', () => {
    const { absent, changes } = settings('{bringUp: new, burnIn: {median: 1h}}');
    expect(absent).toEqual([6, 7]);
    expect(changes).toMatchObject([{ name: 'bring up new', kind: 'join', atUs: 0, nodes: [6, 7] }]);
    expect(changes[0].steps[1]).toMatchObject({ kind: 'burn-in', time: { medianUs: HOUR_US }, failure: 0.1 });
    expect(settings('{bringUp: all}').changes.map(({ nodes }) => nodes.length)).toEqual([6, 2, 2]);
  });

  it('are what the run then does', () => {
    const run = simulate(
      read(
        '{bringUp: new, burnIn: {median: 1h, failure: 0}, check: {failure: 0}, changes: [{at: 2h, from: old, to: new, nodes: 1}]}',
        '---\napiVersion: simsup.dev/v1\nkind: Simulation\nspec: {duration: 1d, policy: fifo}\n',
      ),
    );
    expect(run.provisioning?.changes.map(({ done, nodes }) => [done, nodes])).toEqual([
      [2, 2],
      [1, 1],
    ]);
    expect(run.provisioning?.counts).toMatchObject({ imaged: 3, burnIns: 2, burnInsFailed: 0, checks: 3 });
  });
});

describe('how nodes come back from repair', () => {
  it('is as the FaultModel says, or the document where there is none; never both', () => {
    const model =
      '---\napiVersion: simsup.dev/v1\nkind: FaultModel\nspec: {repair: {check: 5m, serviceCheck: 1h, burnIn: 3h}}\n';
    const { returns, repair } = settings('{}', model);
    expect(repair).toBeUndefined();
    expect(returns.quick).toMatchObject([{ kind: 'check', time: { medianUs: 5 * MINUTE_US } }]);
    expect(returns.served).toMatchObject([{ kind: 'check', time: { medianUs: HOUR_US } }]);
    // New hardware: image, burn-in and check; the first two take the three hours.
    expect(returns.renewed.map(({ kind, time }) => [kind, time.medianUs / MINUTE_US])).toEqual([
      ['image', 15],
      ['burn-in', 165],
      ['check', 60],
    ]);
    expect(settings('{repair: {crews: 5}}').repair?.crews).toBe(5);
    expect(problem('{repair: {crews: 5}}', model)).toContain('found repair beside a FaultModel');
  });
});

it('says what is wrong, where, and what would be right', () => {
  for (const [spec, expected] of [
    ['{rollouts: [{name: fw, at: 1h, pools: [odl]}]}', "spec.rollouts[0].pools[0]: found unknown pool 'odl'"],
    ['{rollouts: [{name: fw, at: 1h, pools: [odl]}]}', "did you mean 'old'?"],
    ['{rollouts: [{name: fw, at: 1h, pools: spot}]}', 'spec.rollouts[0].pools: found a spot pool'],
    [
      '{rollouts: [{name: fw, at: 1h, maxUnavailable: 0}]}',
      'maxUnavailable: found no node at all, expected at least 1',
    ],
    ['{rollouts: [{name: fw, at: 1h, maxUnavailable: 0%}]}', 'maxUnavailable: found no node at all'],
    ['{rollouts: [{name: fw, at: 1h, maxUnavailable: 101%}]}', "maxUnavailable: found '101%', expected at most 100%"],
    ['{rollouts: [{name: fw, at: 1h, maxUnavailable: lots}]}', 'a number of nodes, or a share of them such as 10%'],
    ['{rollouts: [{name: fw, at: 1h, pause: {failures: 0}}]}', 'pause.failures: found no node at all'],
    ['{rollouts: [{name: fw, at: 1h, kind: firmwar}]}', "did you mean 'firmware'?"],
    ['{rollouts: [{name: a, at: 0}, {name: a, at: 0}]}', "spec.rollouts[1].name: found 'a' a second time"],
    ['{rolouts: []}', "unknown field 'rolouts'"],
    ['{bringUp: [new, new]}', "spec.bringUp[1]: found 'new' a second time, expected each pool once"],
    ['{bringUp: spot}', "spec.bringUp[0]: found spot pool 'spot'"],
    ['{changes: [{at: 1h, pool: old}]}', 'expected {at, pool, add}, {at, pool, remove} or {at, from, to, nodes}'],
    ['{changes: [{at: 1h, pool: old, remove: 7}]}', 'found 7 nodes, expected at most the 6 that old has then'],
    ['{changes: [{at: 1h, from: old, to: new, nodes: 4, every: 1d, times: 2}]}', 'at most the 2 that old has then'],
    ['{changes: [{at: 1h, from: old, to: b200, nodes: 1}]}', 'found a pool of B200-SXM6, expected a pool of H100-SXM5'],
    ['{changes: [{at: 1h, from: old, to: old, nodes: 1}]}', "found 'old' again, expected another pool"],
    ['{changes: [{at: 1h, from: old, to: new, nodes: 1, every: 1d}]}', 'every: found every without times'],
    ['{changes: [{at: 1h, from: old, to: new, nodes: 1, drain: {overdue: skip}}]}', 'a node that leaves does leave'],
    ['{repair: {rma: {least: 5d, likeliest: 1d, most: 9d}}}', 'expected least ≤ likeliest ≤ most'],
    ['{}\n---\napiVersion: simsup.dev/v1\nkind: Provisioning\nspec: {}', 'a second Provisioning'],
  ]) {
    expect(problem(spec), spec).toContain(expected);
  }
});
