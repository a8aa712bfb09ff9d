import { expect, it } from 'vitest';
import { POLICIES } from '../../sim/simulate.ts';
import { readScenario } from '../read.ts';

const read = (policy: string) =>
  readScenario(
    `apiVersion: simsup.dev/v1
kind: Simulation
spec: {policy: ${policy}}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: a, gpuModel: H100-SXM5, nodes: 1}, {name: b, gpuModel: H100-SXM5, nodes: 1}, {name: c, gpuModel: H100-SXM5, nodes: 1}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobs:
    - bcm submit --scheduler slurm --wrap "sbatch s.sh" --gpus 1
    - bcm submit --scheduler runai --wrap "sbatch r.sh" --gpus 1
`,
    { policies: POLICIES },
  );
const poolsOf = (policy: string) => {
  const { jobs, pools, poolLists } = read(policy);
  return ['s', 'r'].map((id) =>
    poolLists[jobs.poolList[jobs.ids.indexOf(id)]].map((pool) => pools[pool].name).join(''),
  );
};

it('has a scheduler by pool, by name or with arguments, and one for the rest', () => {
  expect(poolsOf('{name: split, args: {pools: {a: slurm-typical, b: {name: runai, args: {}}, c: slurm}}}')).toEqual([
    'ac',
    'b',
  ]);
  expect(poolsOf('{name: split, args: {pools: {a: slurm}, others: runai}}')).toEqual(['a', 'bc']);
  expect(poolsOf('runai')).toEqual(['abc', 'abc']);
});

it('says which pool or policy there is not, and which name is near', () => {
  for (const [policy, expected] of [
    [
      '{name: split, args: {pools: {d: slurm, b: runai}}}',
      /args\.pools\.d: found unknown pool 'd', expected one of a, b, c/,
    ],
    ['{name: split, args: {pools: {a: slrm}}}', /for pool 'a' unknown policy 'slrm'.*did you mean 'slurm'\?/],
    ['{name: split, args: {pools: {a: {name: slurm, args: {killWiat: 3}}}}}', /unknown argument 'killWiat' of slurm/],
    ['{name: split, args: {pools: {a: split}}}', /unknown policy 'split'/],
    [
      '{name: split, args: {pools: {a: kueue}, others: kueue}}',
      /--scheduler: found 'slurm', expected a scheduler that has a node pool/,
    ],
  ] as const) {
    expect(() => read(policy), policy).toThrow(expected);
  }
});
