/** Which nodes a task may run on, and the first reason against one. */
import { describe, expect, it } from 'vitest';
import {
  FITS,
  NO_ROOM,
  NOT_READY,
  reasonAgainst,
  TAINTED,
  TOO_MANY_TASKS,
  WRONG_LABELS,
  WRONG_MIG,
  WRONG_NEIGHBOURS,
} from './filters.ts';
import { openSession } from './session.ts';
import type { NodeState, TaskState } from './state.ts';
import { job, node, pool, queue, task } from './testing.ts';

const MIG = 'nvidia.com/mig-1g.10gb';

function against(nodeWish: Partial<NodeState>, taskWish: Partial<TaskState> = {}, gpus = 1): number {
  const wanting = job('new', 'team', { tasks: [task('new-0', gpus, taskWish)] });
  const session = openSession(pool([node('a', 2, nodeWish)], [queue('team', 4)], [wanting]));
  return reasonAgainst(session, session.jobs.get('new')?.tasks[0] as number, 0);
}

describe('a node', () => {
  it('must have room', () => {
    expect(against({})).toBe(FITS);
    expect(against({}, {}, 3)).toBe(NO_ROOM);
    expect(against({ cpuMilli: 500 })).toBe(NO_ROOM);
    expect(against({ maxTasks: 0 }, {}, 0)).toBe(NO_ROOM);
  });

  it('must be open and its taints tolerated', () => {
    expect(against({ schedulable: false })).toBe(NOT_READY);
    const taints = [{ key: 'gpu', value: 'h100', effect: 'NoSchedule' }];
    expect(against({ taints })).toBe(TAINTED);
    const tolerations: TaskState['tolerations'] = [{ key: 'gpu', operator: 'Equal', value: 'h100', effect: '' }];
    expect(against({ taints }, { tolerations })).toBe(FITS);
    expect(against({ taints: [{ ...taints[0], effect: 'PreferNoSchedule' }] })).toBe(FITS);
  });

  it('must have the labels asked for', () => {
    const nodeAffinity: TaskState['nodeAffinity'] = [{ key: 'gpu', operator: 'In', values: ['h100', 'h200'] }];
    expect(against({ labels: { gpu: 'h200' } }, { nodeAffinity })).toBe(FITS);
    expect(against({ labels: { gpu: 'a100' } }, { nodeAffinity })).toBe(WRONG_LABELS);
    expect(against({}, { nodeAffinity: [{ key: 'gpu', operator: 'DoesNotExist', values: [] }] })).toBe(FITS);
  });

  it('must serve the kind of request: MIG instances only where GPUs are cut, whole GPUs where they are not', () => {
    const cut: Partial<NodeState> = { mig: 'mixed', migInstances: { [MIG]: 7 } };
    expect(against(cut, { migInstances: { [MIG]: 1 } }, 0)).toBe(FITS);
    expect(against(cut, { migInstances: { [MIG]: 8 } }, 0)).toBe(NO_ROOM);
    expect(against({ mig: 'single' })).toBe(FITS);
    expect(against({ mig: 'single' }, {}, 0.5)).toBe(WRONG_MIG);
    expect(against({}, { legacyMig: true, migInstances: {} }, 0)).toBe(WRONG_MIG);
  });

  it('must have room for the task that holds a newly shared GPU', () => {
    expect(against({ maxTasks: 2 }, {}, 0.5)).toBe(FITS);
    expect(against({ maxTasks: 1 }, {}, 0.5)).toBe(TOO_MANY_TASKS);
  });
});

describe('neighbours', () => {
  const LABELS = { app: 'db' };
  const affinity = [{ topologyKey: 'zone', labels: LABELS }];
  const other = job('other', 'team', { tasks: [task('other-0', 1, { status: 'Running', node: 'a', labels: LABELS })] });

  const reasons = (wish: Partial<TaskState>, running = [other]): number[] => {
    const wanting = job('new', 'team', { tasks: [task('new-0', 1, wish)] });
    const nodes = [node('a', 2, { labels: { zone: 'x' } }), node('b', 2, { labels: { zone: 'y' } })];
    const session = openSession(pool(nodes, [queue('team', 4)], [...running, wanting]));
    const row = session.jobs.get('new')?.tasks[0] as number;
    return [0, 1].map((at) => reasonAgainst(session, row, at));
  };

  it('are wanted in the same domain, or in no case', () => {
    expect(reasons({ podAffinity: affinity })).toEqual([FITS, WRONG_NEIGHBOURS]);
    expect(reasons({ podAntiAffinity: affinity })).toEqual([WRONG_NEIGHBOURS, FITS]);
  });

  it('need not be there yet for the first of a group', () => {
    expect(reasons({ podAffinity: affinity, labels: LABELS }, [])).toEqual([FITS, FITS]);
    expect(reasons({ podAffinity: affinity }, [])).toEqual([WRONG_NEIGHBOURS, WRONG_NEIGHBOURS]);
  });
});
