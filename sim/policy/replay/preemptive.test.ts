import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PENDING, TERMINATING, type View } from '../../cluster/view.ts';
import { type Action, type PolicyFactory, type Run, simulate } from '../../simulate.ts';
import { type SmallScenario, seconds, smallScenario } from '../../testing.ts';
import { placeBestFit, placeInPool } from '../packing/bestfit.ts';
import type { Placement } from '../packing/placement.ts';
import { las, srsf, srtf } from './preemptive.ts';

const run = (given: SmallScenario): Run => simulate(smallScenario(given));
const starts = (r: Run) => Array.from(r.jobs.firstStartUs, (us) => us / 1e6);
const ends = (r: Run) => Array.from(r.jobs.endUs, (us) => us / 1e6);
const preemptions = (r: Run) => [...r.jobs.preemptions];
const job = (at: number, length: number, gpus: number | number[] = 1, rest = {}) => ({
  submitUs: seconds(at),
  durationUs: seconds(length),
  taskGpus: typeof gpus === 'number' ? [gpus] : gpus,
  ...rest,
});

describe('choice: place', () => {
  it('takes what is free before it takes it from anybody', () => {
    // Eight GPUs each; on node 0 runs a long job on 4, and 4 are free there and 8 on node 1.
    const r = run({ policy: 'srtf', jobs: [job(0, 1000, 4), job(10, 10, 8)] });
    expect(starts(r)).toEqual([0, 10]);
    expect(preemptions(r)).toEqual([0, 0]);
  });

  it('sends away the last ranked, and only as many as it takes', () => {
    const nodes = [{ pool: 0, count: 1, gpus: 8 }];
    const long = [900, 800, 700, 600].map((length) => job(0, length, 2));
    const r = run({ nodes, policy: 'srtf', jobs: [...long, job(10, 10, 2), job(12, 5, 4)] });
    // At 10 s the 900 s job makes room for the first short one; at 12 s the 800 s and 700 s jobs for the second.
    expect(preemptions(r)).toEqual([1, 1, 1, 0, 0, 0]);
    expect(starts(r).slice(4)).toEqual([10, 12]);
  });

  it('spares a victim that turns out not to be needed', () => {
    // The last ranked is on the wrong node: its two GPUs do not help beside six that nobody may take.
    const jobs = [job(0, 1000, 2), job(0, 25, 6), job(1, 500, 8), job(20, 5, 8)];
    const r = run({ policy: 'srtf', jobs });
    expect(preemptions(r)).toEqual([0, 0, 1, 0]);
    expect(starts(r)).toEqual([0, 0, 1, 20]);
  });

  it('counts on those who were told to go, and takes from nobody else meanwhile', () => {
    const nodes = [{ pool: 0, count: 1, gpus: 2 }];
    const graceUs = seconds(30);
    const jobs = [job(0, 900, 1, { graceUs }), job(0, 800, 1, { graceUs }), job(10, 10), job(20, 500, 1)];
    const r = run({ nodes, policy: 'srtf', jobs });
    // The job of 20 s ranks ahead of the second long one and has it go too; the decisions between change nothing.
    expect(starts(r)).toEqual([0, 0, 40, 50]);
    expect(preemptions(r)).toEqual([1, 1, 0, 0]);
    const onlyOne = run({ nodes, policy: 'srtf', jobs: [...jobs.slice(0, 3), job(20, 870)] });
    expect(preemptions(onlyOne)).toEqual([1, 0, 0, 0]);
  });

  it('moves who had to go when there is room elsewhere, at the price of a preemption', () => {
    const jobs = [job(0, 100, 4), job(0, 300, 4), job(0, 200, 4), job(20, 5, 8), job(20, 1000, 4)];
    const r = run({ policy: 'srtf', jobs });
    expect(starts(r)[3]).toBe(20);
    expect(preemptions(r).reduce((a, b) => a + b)).toBeLessThanOrEqual(2);
  });
});

describe('choice: count', () => {
  it('keeps pools apart', () => {
    const nodes = [
      { pool: 0, count: 1, gpus: 2 },
      { pool: 1, count: 1, gpus: 2 },
    ];
    const jobs = [job(0, 100, 2, { poolList: 1 }), job(1, 50, 2, { poolList: 2 }), job(2, 10, 2, { poolList: 2 })];
    const overrides = { poolLists: [[0, 1], [0], [1]] };
    const r = run({ nodes, jobs, policy: 'srtf', args: { choice: 'count' }, overrides });
    // The short one may use the second pool only, where the 50 s job is: that one goes, the other is left alone.
    expect(starts(r)).toEqual([0, 1, 2]);
    expect(preemptions(r)).toEqual([0, 1, 0]);
  });

  it('lets a chosen job wait beside GPUs kept for it', () => {
    const jobs = [job(0, 1000, 6), job(0, 1000, 6), job(10, 20, 4), job(11, 2000, 1)];
    const r = run({ jobs, policy: 'srtf', args: { choice: 'count' } });
    // 4 GPUs are free, 2 on each node; counted, they are enough, and the one-GPU job finds none left.
    expect(starts(r)).toEqual([0, 0, 1000, 1000]);
  });
});

describe('las', () => {
  it('drops a job to the next queue at the very moment it has had its threshold', () => {
    const nodes = [{ pool: 0, count: 1, gpus: 1 }];
    const args = { thresholds: [40], quantum: 600 };
    const r = run({ nodes, policy: 'las', args, jobs: [job(0, 100), job(10, 100)] });
    expect(starts(r)).toEqual([0, 40]);
    expect(ends(r)).toEqual([200, 140]);
  });

  it('takes turns by the quantum when continuous', () => {
    const nodes = [{ pool: 0, count: 1, gpus: 1 }];
    const r = run({ nodes, policy: 'las', args: { quantum: 25 }, jobs: [job(0, 100), job(10, 100)] });
    expect(starts(r)).toEqual([0, 10]);
    expect(preemptions(r)[0]).toBeGreaterThan(2);
    expect(Math.max(...ends(r))).toBe(200);
  });
});

it('warns that jobs which save nothing may go round for ever', () => {
  const jobs = [job(0, 100), job(10, 100, 1, { checkpointEveryUs: seconds(5) }), job(20, 100)];
  const warned = (args: object, policy = 'las') => run({ policy, args: { ...args }, jobs }).warnings;
  expect(warned({ preempted: 'killed' })).toEqual([expect.stringMatching(/^2 jobs never checkpoint/)]);
  expect(warned({ preempted: 'killed', thresholds: [60] })).toEqual([]);
  expect(warned({ preempted: 'killed' }, 'srtf')).toEqual([]);
  expect(warned({})).toEqual([]);
});

describe('ties', () => {
  const nodes = [{ pool: 0, count: 1, gpus: 1 }];
  // At 10 s the first has 50 s left, as many as the second asks for.
  const jobs = [job(0, 60), job(10, 50)];
  it.each([
    ['running', [0, 60], 0],
    ['waiting', [0, 10], 1],
    ['former', [0, 60], 0],
  ] as const)('%s', (ties, expected, preempted) => {
    const r = run({ nodes, jobs, policy: 'srtf', args: { ties, quantum: 1 } });
    expect(starts(r)).toEqual(expected);
    expect(preemptions(r)[0]).toBe(preempted);
  });
});

/** The rule of `choice: place`, said as plainly as can be: everybody is looked at, every time, one after the other. */
function naive(
  factory: PolicyFactory,
  key: (view: View, job: number, gpus: number) => number,
  rate: number,
): PolicyFactory {
  return {
    ...factory,
    create: (args: { blocked: string; quantum: number }) => ({
      name: factory.name,
      periodUs: 0,
      init: () => ({ line: [] as number[] }),
      decide(view, state: { line: number[] }, now) {
        const { trial, scenario, cluster } = view;
        const { jobs } = scenario;
        const begin = trial.mark();
        state.line = [...state.line, ...view.pended].filter((j) => view.status[j] === PENDING);
        const active: number[] = [];
        for (let j = view.firstActive(); j >= 0; j = view.nextActive(j)) active.push(j);
        const leaving = active.filter((j) => view.status[j] === TERMINATING);
        const running = active.filter((j) => view.status[j] !== TERMINATING);
        const gpus = (j: number) =>
          jobs.taskGpus.slice(jobs.taskStart[j], jobs.taskStart[j + 1]).reduce((a, b) => a + b, 0);
        const keys = new Map([...active, ...state.line].map((j) => [j, key(view, j, gpus(j))]));
        const keyOf = (j: number) => keys.get(j) as number;
        const place = new Map([...running, ...state.line].map((j, i) => [j, i]));
        const rank = (a: number, b: number) =>
          keyOf(a) - keyOf(b) || (place.get(a) as number) - (place.get(b) as number);
        const homeOf = (j: number): Placement => {
          const tasks = Array.from(
            { length: jobs.taskStart[j + 1] - jobs.taskStart[j] },
            (_, i) => jobs.taskStart[j] + i,
          );
          return {
            pool: 0,
            tasks,
            nodes: tasks.map((t) => cluster.taskNode[t]),
            masks: tasks.map((t) => cluster.taskMask[t]),
          };
        };
        const back = ({ tasks, nodes, masks }: Placement) =>
          tasks.forEach((t, i) => void trial.place(t, nodes[i], masks[i]));
        const left = new Map<number, Placement>();
        const placed: [number, Placement][] = [];
        let queue = state.line.toSorted(rank);
        const later = new Set<number>();
        let counted = false;
        while (queue.length > 0) {
          const [j] = queue;
          queue = queue.slice(1);
          const free = () => placeInPool(view, j, 0, (node) => !later.has(node)) ?? placeBestFit(view, j);
          let found = free();
          if (found === null && !counted) {
            counted = true;
            for (const other of leaving) {
              for (const node of homeOf(other).nodes) later.add(node);
              trial.evict(other);
            }
            found = free();
          }
          if (found === null) {
            const behind = running.filter((r) => !left.has(r) && rank(j, r) < 0).sort((a, b) => rank(b, a));
            const mark = trial.mark();
            const victims: [number, Placement][] = [];
            for (const r of behind) {
              victims.push([r, homeOf(r)]);
              trial.evict(r);
              found = placeBestFit(view, j);
              if (found !== null) break;
            }
            if (found === null) trial.takeBack(mark);
            else {
              for (const [r, home] of victims.slice(0, -1).reverse()) {
                trial.evict(j);
                back(home);
                const without = placeBestFit(view, j);
                if (without !== null) {
                  found = without;
                  victims.splice(
                    victims.findIndex(([v]) => v === r),
                    1,
                  );
                } else {
                  trial.evict(r);
                  back(found);
                }
              }
              for (const [r, home] of victims) {
                left.set(r, home);
                if (jobs.graceUs[r] > 0) for (const node of home.nodes) later.add(node);
              }
              queue = [...queue, ...victims.map(([r]) => r)].sort(rank);
            }
          }
          if (found !== null) placed.push([j, found]);
          else if (args.blocked === 'stop') break;
        }
        trial.takeBack(begin);
        const actions: Action[] = [...left.keys()].map((j) => ({ kind: 'preempt', job: j, reason: '', saves: true }));
        for (const j of left.keys()) if (jobs.graceUs[j] === 0) trial.evict(j);
        const started = new Set<number>();
        for (const [j, { tasks, nodes, masks }] of placed) {
          const free = tasks.every(
            (t, i) =>
              cluster.taskNode[t] < 0 &&
              Array.from({ length: 8 }, (_, g) => g).every(
                (g) => (masks[i] & (1 << g)) === 0 || cluster.gpuFree[cluster.gpuStart[nodes[i]] + g] === 7000,
              ),
          );
          if (!free) continue;
          back({ pool: 0, tasks, nodes, masks });
          started.add(j);
          actions.push({ kind: 'place', job: j, tasks, nodes, masks, reason: '' });
        }
        trial.takeBack(begin);
        let wake = Infinity;
        if (rate > 0) {
          for (const r of [...running.filter((j) => !left.has(j)), ...started]) {
            for (const w of [...state.line, ...left.keys()]) {
              if (started.has(w) || keyOf(w) < keyOf(r)) continue;
              wake = Math.min(wake, Math.floor((keyOf(w) - keyOf(r)) / gpus(r)) + 1);
            }
          }
          wake = now + Math.max(wake, seconds(args.quantum));
        }
        return { actions, state, wakeAt: wake };
      },
    }),
  };
}

describe('the quick way', () => {
  const anyJob = fc.record({
    submitUs: fc.integer({ min: 0, max: 200 }).map(seconds),
    durationUs: fc.integer({ min: 1, max: 120 }).map(seconds),
    taskGpus: fc.constantFrom([1], [1], [2], [4], [3], [8], [4, 4], [8, 8], [2, 2, 2]),
    graceUs: fc.constantFrom(0, 0, 0, seconds(7), seconds(20)),
    startupUs: fc.constantFrom(0, 0, seconds(3)),
  });
  it.each([
    ['srtf', srtf, (view: View, j: number) => view.remainingUs(j), 0],
    ['srsf', srsf, (view: View, j: number, gpus: number) => view.remainingUs(j) * gpus, 0],
    ['las', las, (view: View, j: number) => view.attainedGpuUs(j), 1],
  ] as const)('decides under %s as looking at everybody would', (name, factory, key, rate) => {
    let preempted = 0;
    fc.assert(
      fc.property(
        fc.array(anyJob, { minLength: 5, maxLength: 30 }),
        fc.integer({ min: 2, max: 3 }),
        fc.constantFrom('skip', 'stop'),
        (jobs, count, blocked) => {
          const scenario = smallScenario({
            nodes: [{ pool: 0, count, gpus: 8 }],
            jobs,
            policy: name,
            args: { blocked, quantum: 15 },
          });
          const quick = simulate(scenario);
          const slow = simulate(scenario, { policy: naive(factory, key, rate) });
          expect(quick.jobs).toEqual(slow.jobs);
          preempted += quick.jobs.preemptions.reduce((a, b) => a + b, 0);
        },
      ),
      { seed: 7, numRuns: 150 },
    );
    expect(preempted).toBeGreaterThan(200);
  });
});
