import { describe, expect, it } from 'vitest';
import { simulate } from '../../simulate.ts';
import { type SmallScenario, seconds, smallScenario } from '../../testing.ts';

/** Node and GPUs of each worker, in the order of placing. */
function placements(given: SmallScenario): [number, number][] {
  const where: [number, number][] = [];
  simulate(smallScenario({ policy: 'fifo', ...given }), {
    trace: (row) => void (row.event === 'place' && where.push([row.node, row.mask])),
  });
  return where;
}
const job = (taskGpus: number[], rest = {}) => ({ durationUs: seconds(100), taskGpus, ...rest });
const nodes = (count: number, rest = {}) => [{ pool: 0, count, gpus: 8, ...rest }];
const nodesOf = (given: SmallScenario) => placements(given).map(([node]) => node);

describe('best fit', () => {
  it('takes the fullest node with room, ties to the lowest', () => {
    // 3 on node 0; 6 no longer fit there; then 2 fit exactly on node 1, and 5 on node 0.
    expect(nodesOf({ nodes: nodes(3), jobs: [[3], [6], [2], [5], [1]].map((tasks) => job(tasks)) })).toEqual([
      0, 1, 1, 0, 2,
    ]);
  });

  it('takes the lowest free GPUs of a node', () => {
    expect(placements({ nodes: nodes(1), jobs: [job([2]), job([3]), job([1])] })).toEqual([
      [0, 0b11],
      [0, 0b11100],
      [0, 0b100000],
    ]);
  });

  it('places the widest workers of a gang first, whole nodes in node order', () => {
    expect(nodesOf({ nodes: nodes(3), jobs: [job([2, 8, 8])] })).toEqual([0, 1, 2]);
  });

  it('places a gang whole or not at all, and never across pools', () => {
    const two = [
      { pool: 0, count: 1, gpus: 8 },
      { pool: 1, count: 2, gpus: 8 },
    ];
    expect(nodesOf({ nodes: two, jobs: [job([8, 8])] })).toEqual([1, 2]);
  });

  it('gives a share the GPU it fills tightest, and opens a new one only when none has room', () => {
    const shares = [700, 500, 300, 400, 100].map((shareMilli) => job([1], { shareMilli }));
    // 700 and 500 on a GPU each, 300 beside 700, 400 beside 500, 100 in what is left there.
    expect(placements({ nodes: nodes(1), jobs: shares }).map(([, mask]) => mask)).toEqual([1, 2, 1, 2, 2]);
  });

  it('gives devices of one worker different GPUs', () => {
    expect(placements({ nodes: nodes(1), jobs: [job([3], { shareMilli: 200 })] })).toEqual([[0, 0b111]]);
  });

  it('passes over nodes without the CPU or memory', () => {
    const given = { nodes: nodes(2, { cpuMilli: 8000, memoryMiB: 8000 }) };
    expect(nodesOf({ ...given, jobs: [job([1], { cpuMilli: 6000 }), job([1], { cpuMilli: 3000 })] })).toEqual([0, 1]);
    expect(nodesOf({ ...given, jobs: [job([1], { memoryMiB: 6000 }), job([1], { memoryMiB: 3000 })] })).toEqual([0, 1]);
  });
});
