import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PENDING, type View } from '../../cluster/view.ts';
import { type Action, type PolicyFactory, type Run, Simulation, simulate } from '../../simulate.ts';
import { type SmallScenario, seconds, smallScenario } from '../../testing.ts';
import { placeBestFit, placeInPool } from '../packing/bestfit.ts';
import type { Placement } from '../packing/placement.ts';
import { fifoBackfill } from './backfill.ts';

const run = (given: SmallScenario): Run => simulate(smallScenario({ policy: 'fifo-backfill', ...given }));
const starts = (r: Run) => Array.from(r.jobs.firstStartUs, (us) => us / 1e6);
const job = (at: number, length: number, gpus: number | number[], rest = {}) => ({
  submitUs: seconds(at),
  durationUs: seconds(length),
  taskGpus: typeof gpus === 'number' ? [gpus] : gpus,
  ...rest,
});
const nodes = (count: number) => [{ pool: 0, count, gpus: 8 }];

describe('EASY', () => {
  it('lets pass who ends before the head can start, and nobody who would delay it', () => {
    const r = run({ nodes: nodes(1), jobs: [job(0, 100, 6), job(1, 50, 8), job(2, 98, 2), job(2, 99, 2)] });
    // The head starts at 100 s; a job of 98 s from 2 s is out of its way, one of 99 s is not.
    expect(starts(r)).toEqual([0, 100, 2, 150]);
  });

  it('lets who runs longer have nodes that the head does not need', () => {
    const r = run({ nodes: nodes(2), jobs: [job(0, 100, 8), job(0, 200, 4), job(1, 50, 8), job(2, 500, 4)] });
    expect(starts(r)).toEqual([0, 0, 100, 2]);
  });

  it('lets who runs longer have room beside the head on its own node', () => {
    // The head asks for 6 of the node's 8 GPUs at 100 s; two stay over, and only two.
    const r = run({ nodes: nodes(1), jobs: [job(0, 100, 4), job(1, 50, 6), job(2, 500, 2), job(3, 500, 2)] });
    expect(starts(r)).toEqual([0, 100, 2, 150]);
  });

  it('lets the workers of a gang go to the nodes with room beside the head, one by one', () => {
    // The head takes a node of its own at 100 s; the gang finds two GPUs beside it nowhere but on the third node.
    const jobs = [job(0, 100, 8), job(0, 100, 4), job(1, 50, [8, 6]), job(2, 500, [2, 2])];
    expect(starts(run({ nodes: nodes(3), jobs }))).toEqual([0, 0, 100, 2]);
  });

  it('notices a node that comes back at the moment a job leaves', () => {
    const jobs = [job(0, 10, 8), job(0, 100, 8), job(1, 50, [8, 8]), job(2, 60, 8)];
    const simulation = new Simulation(smallScenario({ policy: 'fifo-backfill', nodes: nodes(3), jobs }));
    simulation.setNodeState(0, 2, 'draining');
    simulation.setNodeState(seconds(10), 2, 'ready');
    simulation.run();
    // With the third node back the head need not wait for the 100 s job.
    expect(starts(simulation.result())).toEqual([0, 0, 10, 60]);
  });

  it('believes the time limit if told to', () => {
    const jobs = [job(0, 100, 6), job(1, 50, 8), job(2, 10, 2, { limitUs: seconds(300) })];
    expect(starts(run({ nodes: nodes(1), jobs }))).toEqual([0, 100, 2]);
    expect(starts(run({ nodes: nodes(1), jobs, args: { estimate: 'limit' } }))).toEqual([0, 100, 150]);
  });

  it('keeps a reservation for the head of each pool, where jobs may use different ones', () => {
    const pools = [0, 1].map((pool) => ({ pool, count: 1, gpus: 8 }));
    const overrides = { poolLists: [[0, 1], [0], [1]] };
    const [either, a, b] = [0, 1, 2].map((poolList) => ({ poolList }));
    const jobs = [
      ...[job(0, 100, 6, a), job(0, 100, 6, b)],
      ...[job(1, 50, 8, a), job(2, 50, 8, b)],
      // Neither may delay the head of its pool; the last may use both, and ends in time for either.
      ...[job(3, 500, 2, b), job(3, 500, 2, a), job(4, 50, 2, either)],
    ];
    expect(starts(run({ nodes: pools, jobs, overrides }))).toEqual([0, 0, 100, 100, 150, 150, 4]);
  });

  it('places by any placement policy', () => {
    const jobs = [job(0, 100, 2), job(0, 100, 7), job(1, 10, 1)];
    const on = (placement: string) => {
      const rows: number[] = [];
      const scenario = smallScenario({ nodes: nodes(3), jobs, policy: 'fifo-backfill', args: { placement } });
      simulate(scenario, { trace: (row) => void (row.event === 'place' && rows.push(row.node)) });
      return rows;
    };
    expect(on('bestfit')).toEqual([0, 1, 1]);
    expect(on('yarn')).toEqual([0, 1, 0]);
  });
});

interface NaiveMemory {
  line: number[];
  ends: Map<number, number>;
  reserved: { head: number; at: number; left: Map<number, number> } | null;
}

/** EASY said as plainly as can be: the whole line is looked at, every time, one after the other. */
const naive: PolicyFactory = {
  ...fifoBackfill,
  create: () => ({
    name: 'fifo-backfill',
    periodUs: 0,
    init: (): NaiveMemory => ({ line: [], ends: new Map(), reserved: null }),
    decide(view: View, state: NaiveMemory, now) {
      const { jobs } = view.scenario;
      const { trial, cluster } = view;
      for (const j of view.left) {
        if (state.ends.get(j) !== now) state.reserved = null;
        state.ends.delete(j);
      }
      if (view.nodeReturned) state.reserved = null;
      state.line = [...new Set([...state.line, ...view.pended])]
        .filter((j) => view.status[j] === PENDING)
        .sort((a, b) => a - b);
      const actions: Action[] = [];
      const start = (j: number, { tasks, nodes, masks }: Placement) => {
        actions.push({ kind: 'place', job: j, tasks, nodes, masks, reason: '' });
        state.ends.set(j, now + view.spanUs(j, 0));
        state.line = state.line.filter((other) => other !== j);
      };
      const tasksOf = (j: number) =>
        Array.from({ length: jobs.taskStart[j + 1] - jobs.taskStart[j] }, (_, i) => jobs.taskStart[j] + i);
      while (state.line.length > 0) {
        const placement = placeBestFit(view, state.line[0]);
        if (placement === null) break;
        start(state.line[0], placement);
      }
      const head = state.line[0];
      if (state.reserved !== null && (state.reserved.head !== head || state.reserved.at < now)) state.reserved = null;
      for (const j of state.line.slice(1)) {
        if (state.reserved === null) {
          const begin = trial.mark();
          const order = [...state.ends].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
          state.reserved = { head, at: Infinity, left: new Map() };
          for (const at of [...new Set(order.map(([, end]) => end))]) {
            for (const [other] of order.filter(([, end]) => end === at)) trial.evict(other);
            const placement = placeBestFit(view, head);
            if (placement === null) continue;
            state.reserved.at = at;
            for (const node of placement.nodes) state.reserved.left.set(node, cluster.nodeFreeGpus[node]);
            break;
          }
          trial.takeBack(begin);
        }
        const { at, left } = state.reserved;
        if (now + view.spanUs(j, 0) <= at) {
          const placement = placeInPool(view, j, 0);
          if (placement !== null) start(j, placement);
          continue;
        }
        const each = jobs.taskGpus[jobs.taskStart[j]];
        const there = (node: number) => tasksOf(j).filter((task) => cluster.taskNode[task] === node).length;
        const placement = placeInPool(view, j, 0, (node) => (left.get(node) ?? Infinity) >= each * (1 + there(node)));
        if (placement === null) continue;
        for (const node of placement.nodes) if (left.has(node)) left.set(node, (left.get(node) as number) - each);
        start(j, placement);
      }
      return { actions, state, wakeAt: Infinity };
    },
  }),
};

describe('the quick way', () => {
  it('starts every job when looking at the whole line would', () => {
    const anyJob = fc.record({
      submitUs: fc.integer({ min: 0, max: 300 }).map(seconds),
      durationUs: fc.integer({ min: 1, max: 200 }).map(seconds),
      taskGpus: fc.constantFrom([1], [2], [4], [3], [8], [4, 4], [8, 8], [2, 2, 2], [6]),
    });
    let passed = 0;
    fc.assert(
      fc.property(
        fc.array(anyJob, { minLength: 5, maxLength: 60 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 2 }), fc.boolean()), {
          maxLength: 6,
        }),
        (jobs, changes) => {
          const scenario = smallScenario({ nodes: nodes(3), jobs, policy: 'fifo-backfill' });
          const [quick, slow] = [undefined, naive].map((policy) => {
            const simulation = new Simulation(scenario, { policy });
            for (const [at, node, ready] of changes) {
              simulation.setNodeState(seconds(at), node, ready ? 'ready' : 'unhealthy');
            }
            simulation.setNodeState(seconds(500), 0, 'ready');
            simulation.setNodeState(seconds(500), 1, 'ready');
            simulation.setNodeState(seconds(500), 2, 'ready');
            simulation.run();
            return simulation.result();
          });
          expect(quick.jobs).toEqual(slow.jobs);
          const order = [...quick.jobs.firstStartUs.keys()];
          passed += order.filter((j) =>
            order.some((k) => k < j && quick.jobs.firstStartUs[k] > quick.jobs.firstStartUs[j]),
          ).length;
        },
      ),
      { seed: 5, numRuns: 150 },
    );
    expect(passed).toBeGreaterThan(200);
  });
});
