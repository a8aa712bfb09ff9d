/** Gangs inside racks and zones: required, preferred, and the tightest fit first. */
import { describe, expect, it } from 'vitest';
import { runCycle } from './cycle.ts';
import { openSession } from './session.ts';
import type { TopologyWish } from './state.ts';
import { job, node, podSet, pool, queue } from './testing.ts';

const at = (name: string, zone: string, rack: string, gpus = 4) => node(name, gpus, { labels: { zone, rack } });
const NODES = [at('a', 'x', 'r1'), at('b', 'x', 'r2'), at('c', 'x', 'r2'), at('d', 'y', 'r3'), at('e', 'y', 'r3')];
const TOPOLOGIES = [{ name: 'site', levels: ['zone', 'rack'] }];

function placesOf(workers: number, gpus: number, wish: Partial<TopologyWish>, running: ReturnType<typeof job>[] = []) {
  const topology = { topology: 'site', required: null, preferred: null, ...wish };
  const gang = { ...job('gang', 'team', { workers, gpus }), subGroups: { ...podSet('default', workers), topology } };
  const state = pool(NODES, [queue('team', 64)], [...running, gang], { topologies: TOPOLOGIES });
  return runCycle(openSession(state)).map(({ node: where }) => where);
}

describe('a topology', () => {
  it('required: the whole gang in one domain, the one it fills most', () => {
    // Zone y has less to give than x, so it is filled first; inside x, rack r1 before r2.
    expect(placesOf(2, 4, { required: 'rack' })).toEqual(['d', 'e']);
    const taken = [job('old', 'team', { gpus: 1, on: 'd' }), job('old2', 'team', { gpus: 1, on: 'e' })];
    expect(placesOf(1, 4, { required: 'rack' }, taken)).toEqual(['a']);
  });

  it('required: nothing where no domain has room', () => {
    expect(placesOf(3, 4, { required: 'rack' })).toEqual([]);
    expect(placesOf(3, 4, { required: 'zone' }).sort()).toEqual(['a', 'b', 'c']);
  });

  it('preferred: that level if possible, else the next wider one', () => {
    expect(placesOf(2, 4, { preferred: 'rack' })).toEqual(['d', 'e']);
    expect(placesOf(3, 4, { preferred: 'rack' }).sort()).toEqual(['a', 'b', 'c']);
    expect(placesOf(4, 4, { preferred: 'rack' })).toHaveLength(4);
    expect(placesOf(4, 4, { preferred: 'rack', required: 'zone' })).toEqual([]);
  });

  it('that is not there: nothing is placed', () => {
    expect(placesOf(1, 1, { topology: 'none', required: 'rack' })).toEqual([]);
  });
});
