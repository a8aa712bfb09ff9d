/** A session kept up to date: jobs come and go, tasks change, nodes close, and the columns say what is there. */
import { describe, expect, it } from 'vitest';
import { GPU, NODE_IDLE, NODE_RELEASING } from './columns.ts';
import { runCycle } from './cycle.ts';
import { openSession, releasePromises, removeJob, setNode, setTask, upsertJob } from './session.ts';
import { job, node, podSet, pool, queue, standing, task } from './testing.ts';

const open = () => openSession(pool([node('a', 4)], [queue('team', 4)], [job('one', 'team', { gpus: 2, on: 'a' })]));
const gpus = (session: ReturnType<typeof open>) => [
  session.columns[NODE_IDLE][GPU],
  session.columns[NODE_RELEASING][GPU],
];

describe('a session', () => {
  // proportion.go, getNodeResources, by utils.go, QuantifyVector.
  it('counts whole GPUs and MIG instances of one node as GPUs that queues share', () => {
    const cut = node('cut', 4, {
      mig: 'mixed',
      migInstances: { 'nvidia.com/mig-1g.10gb': 7, 'nvidia.com/mig-3g.40gb': 2 },
    });
    expect(openSession(pool([cut], [queue('team', 4)])).total[GPU]).toBe(4 + 7 + 6);
  });

  it('counts what tasks hold and release', () => {
    const session = open();
    expect(gpus(session)).toEqual([2, 0]);
    setTask(session, 'one', 'one-0', { status: 'Releasing' });
    expect(gpus(session)).toEqual([2, 2]);
    setTask(session, 'one', 'one-0', { status: 'Pending' });
    expect(gpus(session)).toEqual([4, 0]);
    setTask(session, 'one', 'one-0', { status: 'Running', node: 'a' });
    removeJob(session, 'one');
    expect(gpus(session)).toEqual([4, 0]);
  });

  it('takes a job that is there already as its new shape', () => {
    const session = open();
    upsertJob(session, job('one', 'team', { gpus: 1, on: 'a' }));
    expect(gpus(session)).toEqual([3, 0]);
  });

  it('closes a node to new tasks and keeps those it has', () => {
    const session = open();
    setNode(session, 'a', { schedulable: false });
    upsertJob(session, job('two', 'team'));
    expect(runCycle(session)).toEqual([]);
    setNode(session, 'a', { schedulable: true });
    expect(runCycle(session)).toHaveLength(1);
    expect(standing(session)).toEqual(['one-0: Running@a', 'two-0: Binding@a']);
  });

  it('grows a node', () => {
    const session = open();
    setNode(session, 'a', { gpus: 8 });
    expect(gpus(session)).toEqual([6, 0]);
  });

  it('keeps no promise from one cycle to the next', () => {
    const session = open();
    setTask(session, 'one', 'one-0', { status: 'Releasing' });
    upsertJob(session, job('two', 'team', { gpus: 4 }));
    runCycle(session);
    expect(standing(session)).toEqual(['one-0: Releasing@a', 'two-0: Pipelined@a']);
    releasePromises(session);
    expect(standing(session)).toEqual(['one-0: Releasing@a', 'two-0: Pending']);
    expect(gpus(session)).toEqual([2, 2]);
  });

  it('puts back what a search found but did not decide', () => {
    const root = { ...podSet('', 0), minSubGroups: 1, children: [podSet('left', 1), podSet('right', 1)] };
    const tasks = [task('high-0', 4, { subGroup: 'left' }), task('high-1', 4, { subGroup: 'right' })];
    const session = open();
    upsertJob(session, job('high', 'team', { priority: 75, subGroups: root, tasks }));
    expect(runCycle(session)).toEqual([]);
    expect(standing(session)).toEqual(['high-0: Pipelined@a', 'high-1: Pending', 'one-0: Releasing@a']);
    releasePromises(session);
    expect(standing(session)).toEqual(['high-0: Pending', 'high-1: Pending', 'one-0: Running@a']);
    expect(gpus(session)).toEqual([2, 0]);
  });

  it('knows no names it was not given', () => {
    expect(() => setTask(open(), 'one', 'none', { status: 'Pending' })).toThrow("no task 'none' in job 'one'");
    expect(() => removeJob(open(), 'none')).toThrow("no job 'none'");
    expect(() => setNode(open(), 'none', {})).toThrow("no node 'none'");
  });
});
