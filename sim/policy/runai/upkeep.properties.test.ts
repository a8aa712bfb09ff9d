/** What a session keeps from cycle to cycle, sums of jobs and what domains have free, equals what is counted anew. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GPU,
  isQueueAllocated,
  QUEUE_NON_PREEMPTIBLE,
  QUEUE_USED,
  type Session,
  TASK_NODE,
  TASK_STATUS_COLUMN,
} from './columns.ts';
import { DEFAULT_CONFIG } from './config.ts';
import { type Decision, runCycle } from './cycle.ts';
import { nodeState } from './pool.ts';
import { divideShares } from './queues.ts';
import { openSession, removeJob, setNode, setTask, upsertJob } from './session.ts';
import type { JobState, SchedulerState } from './state.ts';
import { groupsOf } from './statement.ts';
import { job, node, podSet, pool, queue, settle, standing, task } from './testing.ts';

const QUEUES = [queue('d', 8), queue('a', 4, { parent: 'd' }), queue('b', 2, { parent: 'd' }), queue('c', 1)];
const TOPOLOGIES = [{ name: 'site', levels: ['row', 'rack'] }];
const NODES = Array.from({ length: 6 }, (_, at) =>
  node(`n${at}`, at === 5 ? 4 : 8, { labels: { row: `row-${at >> 2}`, rack: `rack-${at >> 1}` } }),
);

const arrival = fc.record({
  kind: fc.constant('arrives' as const),
  name: fc.nat(9),
  queue: fc.constantFrom('a', 'b', 'c'),
  gpus: fc.constantFrom(1, 2, 4, 8),
  workers: fc.integer({ min: 1, max: 4 }),
  min: fc.integer({ min: 1, max: 4 }),
  priority: fc.constantFrom(50, 50, 75, 100),
  required: fc.constantFrom(null, null, 'rack', 'row'),
  preferred: fc.constantFrom(null, null, 'rack'),
});
const step = fc.oneof(
  { arbitrary: arrival, weight: 5 },
  { arbitrary: fc.record({ kind: fc.constant('leaves' as const), name: fc.nat(9) }), weight: 2 },
  {
    arbitrary: fc.record({
      kind: fc.constant('node' as const),
      at: fc.nat(5),
      // Not to none: a node that loses all its GPUs under a task owes them, one opened without any does not.
      gpus: fc.constantFrom(2, 4, 8),
      schedulable: fc.boolean(),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ kind: fc.constant('stops' as const), name: fc.nat(9) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('cycle' as const) }), weight: 3 },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function jobOf(wish: Extract<Step, { kind: 'arrives' }>, createdUs: number): JobState {
  const { required, preferred, workers, gpus, priority } = wish;
  const topology = required === null && preferred === null ? null : { topology: 'site', required, preferred };
  return {
    ...job(`j${wish.name}`, wish.queue, { workers, gpus, priority }),
    createdUs,
    subGroups: { ...podSet('default', Math.min(wish.min, workers)), topology },
  };
}

/** A session that lived through the steps, and the jobs it was told of. */
function live(
  steps: readonly Step[],
  after: (session: Session) => void = () => {},
): { session: Session; told: Map<string, JobState> } {
  const session = openSession(pool(NODES, QUEUES, [], { topologies: TOPOLOGIES }), DEFAULT_CONFIG);
  const told = new Map<string, JobState>();
  steps.forEach((each, at) => {
    if (each.kind === 'cycle') {
      settle(session, runCycle(session));
    } else if (each.kind === 'node') {
      setNode(session, `n${each.at}`, { gpus: each.gpus, schedulable: each.schedulable });
    } else if (each.kind === 'stops') {
      const name = `j${each.name}`;
      for (const { name: own } of told.get(name)?.tasks ?? []) setTask(session, name, own, { status: 'Pending' });
    } else if (each.kind === 'leaves') {
      if (told.delete(`j${each.name}`)) removeJob(session, `j${each.name}`);
    } else {
      const state = jobOf(each, at + 1);
      told.set(state.name, state);
      upsertJob(session, state);
    }
    after(session);
  });
  return { session, told };
}

/** The same as plain data. */
function worldOf(session: Session, told: ReadonlyMap<string, JobState>): SchedulerState {
  const { columns, nodes, jobs, slots } = session;
  const states = [...jobs.values()].map(({ name, tasks }): JobState => {
    const state = told.get(name) as JobState;
    return {
      ...state,
      tasks: state.tasks.map((each, n) => {
        const runs = isQueueAllocated(columns[TASK_STATUS_COLUMN][tasks[n]]);
        const where = runs ? standingAt(session, tasks[n]) : null;
        const gpuGroups = groupsOf(session, tasks[n]).map((slot) => slots.label[slot]);
        return task(each.name, each.gpus, { status: runs ? 'Running' : 'Pending', node: where, gpuGroups });
      }),
    };
  });
  return pool(
    nodes.all.map((row) => nodeState(session, row)),
    QUEUES,
    states,
    { topologies: TOPOLOGIES },
  );
}

const standingAt = (session: Session, row: number): string => session.nodes.name[session.columns[TASK_NODE][row]];

function shares(session: Session): number[][] {
  divideShares(session);
  const { columns, queues } = session;
  const divided = queues.shares.flatMap(({ request, fairShare }) => [[...request], [...fairShare]]);
  return [[...columns[QUEUE_USED]], [...columns[QUEUE_NON_PREEMPTIBLE]], ...divided];
}

const brief = (decisions: readonly Decision[]): string[] =>
  decisions.map(({ kind, action, task: name, node: at }) => `${action} ${kind} ${name} ${at}`);

const RUNS = { numRuns: 300 };

describe('a session that lived long', () => {
  it('sums up and divides as if every task were looked at', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        live(steps, (session) => {
          const kept = shares(session);
          for (const each of session.jobs.values()) each.sums = null;
          expect(kept).toEqual(shares(session));
        });
      }),
      RUNS,
    );
  });

  it('decides with topologies and changing nodes as one that was opened afresh', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { session, told } = live(steps);
        const fresh = openSession(worldOf(session, told), DEFAULT_CONFIG);
        expect(brief(runCycle(session))).toEqual(brief(runCycle(fresh)));
        expect(standing(session)).toEqual(standing(fresh));
      }),
      RUNS,
    );
  });

  it('counts requests by memory on the smallest GPU there is now', () => {
    const byMemory = job('m', 'a', { tasks: [task('m-0', 0, { gpuMemoryMiB: 40_000 })] });
    const session = openSession(pool([node('n', 8)], QUEUES, [byMemory]), DEFAULT_CONFIG);
    divideShares(session);
    expect(session.queues.shares[GPU].request[1]).toBe(0.5);
    setNode(session, 'n', { gpuMemoryMiB: 160_000 });
    divideShares(session);
    expect(session.queues.shares[GPU].request[1]).toBe(0.25);
  });
});
