import { describe, expect, it } from 'vitest';
import {
  type Action,
  JOB_STATUS,
  type PolicyFactory,
  type Run,
  Simulation,
  SimulationError,
  simulate,
} from './simulate.ts';
import { seconds, smallScenario } from './testing.ts';

/** GPU-seconds by category, those that are not zero. */
function gpuSeconds(run: Run): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { category, amount } of run.entries) sums[category] = (sums[category] ?? 0) + Number(amount) / 7000 / 1e6;
  return sums;
}

const starts = (run: Run) => Array.from(run.jobs.firstStartUs, (us) => us / 1e6);
const ends = (run: Run) => Array.from(run.jobs.endUs, (us) => us / 1e6);

describe('simulate', () => {
  it('runs two gangs one after the other on one node, and accounts for every GPU-second', () => {
    const scenario = smallScenario({
      nodes: [{ pool: 0, count: 1, gpus: 8 }],
      jobs: [
        { taskGpus: [6], durationUs: seconds(100) },
        { taskGpus: [4], durationUs: seconds(50) },
      ],
    });
    const run = simulate(scenario);
    expect(starts(run)).toEqual([0, 100]);
    expect(ends(run)).toEqual([100, 150]);
    expect(run.jobs.queuedUs[1]).toBe(seconds(100));
    // 8 GPUs × 150 s = 600 + 200 of work and 400 free; while job 1 waited, 2 GPUs were free and it needed 4 on a node,
    // more than the total free: nothing was fragmented.
    expect(gpuSeconds(run)).toEqual({ productive: 800, free: 400 });
    expect(run.fragmented).toEqual([0n]);
  });

  it('lets a later job pass only if the head of the line does not notice (EASY)', () => {
    const jobs = [
      { taskGpus: [6], durationUs: seconds(100) },
      { taskGpus: [8], durationUs: seconds(10) }, // head: must wait until 100
      { taskGpus: [2], durationUs: seconds(100) }, // ends at 100: does not delay the head
      { taskGpus: [2], durationUs: seconds(101) }, // would
    ];
    const scenario = smallScenario({ nodes: [{ pool: 0, count: 1, gpus: 8 }], jobs, policy: 'fifo-backfill' });
    expect(starts(simulate(scenario))).toEqual([0, 100, 0, 110]);
    expect(starts(simulate({ ...scenario, policy: { name: 'fifo', args: {} } }))).toEqual([0, 100, 110, 110]);
  });

  it('takes the loss back to the last checkpoint when a job is preempted without warning', () => {
    const scenario = smallScenario({
      nodes: [{ pool: 0, count: 1, gpus: 8 }],
      policy: 'srtf',
      args: { preempted: 'killed' },
      jobs: [
        { taskGpus: [8], durationUs: seconds(1000), checkpointEveryUs: seconds(60), checkpointStallUs: seconds(5) },
        { taskGpus: [8], durationUs: seconds(10), submitUs: seconds(100) },
      ],
    });
    const run = simulate(scenario);
    // At 100 s it has worked 60 s, stalled 5 s and worked 35 s more, which are lost.
    expect(run.jobs.preemptions[0]).toBe(1);
    expect(gpuSeconds(run).lost).toBe(35 * 8);
    expect(gpuSeconds(run).productive).toBe((1000 + 10) * 8);
    // 16 writes in 1,000 s of work: after each 60 s but not at the end.
    expect(gpuSeconds(run).checkpoint).toBe(16 * 5 * 8);
    expect(ends(run)[0]).toBe(1000 + 35 + 10 + 16 * 5);
  });

  it('shows half-started gangs that wait for each other under vanilla Kubernetes', () => {
    const scenario = smallScenario({
      nodes: [{ pool: 0, count: 2, gpus: 8 }],
      policy: 'kubernetes',
      jobs: [
        { taskGpus: [4], durationUs: seconds(60) },
        { taskGpus: [4, 4, 4, 4], durationUs: seconds(60), submitUs: seconds(1) },
        { taskGpus: [4, 4, 4, 4], durationUs: seconds(60), submitUs: seconds(1) },
      ],
    });
    const run = simulate(scenario);
    expect(gpuSeconds(run).reserved).toBeGreaterThan(0);
  });

  it('stops and says so when nothing can happen any more', () => {
    const jobs = [
      { taskGpus: [8], durationUs: Infinity, class: 'inference' as const },
      { taskGpus: [8], durationUs: seconds(60) },
    ];
    const run = simulate(smallScenario({ nodes: [{ pool: 0, count: 1, gpus: 8 }], jobs, policy: 'kubernetes' }));
    expect(run.stalled).toBe(true);
    expect(JOB_STATUS[run.jobs.status[1]]).toBe('pending');
  });

  it('ends when jobs wait for one another and nothing will happen any more, and says so', () => {
    const jobs = [
      { taskGpus: [8], durationUs: Number.POSITIVE_INFINITY, class: 'inference' as const },
      { taskGpus: [8], durationUs: seconds(60) },
      { durationUs: seconds(60), after: [{ job: 1, condition: 'completed' as const }] },
    ];
    const run = simulate(smallScenario({ nodes: [{ pool: 0, count: 1, gpus: 8 }], jobs }));
    expect(run.stalled).toBe(true);
    expect(Array.from(run.jobs.status, (s) => JOB_STATUS[s])).toEqual(['running', 'pending', 'held']);
  });

  it('runs a gang of unlike workers that only fits with the narrow ones beside the wide ones', () => {
    const run = simulate(smallScenario({ jobs: [{ taskGpus: [5, 5, 3, 3], durationUs: seconds(60) }] }));
    expect(JOB_STATUS[run.jobs.status[0]]).toBe('completed');
  });

  it('gives the same digest run through, in steps, resumed from a snapshot and forked', () => {
    const jobs = Array.from({ length: 60 }, (_, i) => ({
      taskGpus: i % 7 === 0 ? [8, 8] : [1 + (i % 4)],
      durationUs: seconds(50 + ((i * 37) % 200)),
      submitUs: seconds(i * 5),
      shareMilli: i % 5 === 1 ? 500 : 1000,
      checkpointEveryUs: seconds(20),
    }));
    for (const policy of ['fifo', 'fifo-backfill', 'sjf', 'srtf', 'srsf', 'las', 'kubernetes']) {
      const scenario = smallScenario({ jobs, policy });
      const through = simulate(scenario);
      const stepped = new Simulation(scenario);
      stepped.run(seconds(100));
      const snapshot = stepped.snapshot();
      const fork = stepped.fork();
      stepped.run();
      fork.run();
      const resumed = Simulation.resume(scenario, structuredClone(snapshot));
      resumed.run();
      expect(stepped.result().digest, policy).toBe(through.digest);
      expect(fork.result().digest, policy).toBe(through.digest);
      expect(resumed.result().digest, policy).toBe(through.digest);
      expect(resumed.result().entries, policy).toEqual(through.entries);
    }
  });
});

describe('a policy that does what cannot be', () => {
  const broken = (actions: (now: number) => Action[]): PolicyFactory => ({
    name: 'broken',
    about: 'over-commits',
    args: {},
    create: () => ({
      name: 'broken',
      periodUs: 0,
      init: () => null,
      decide: (_view, state, now) => ({ actions: actions(now), state, wakeAt: Number.POSITIVE_INFINITY }),
    }),
  });
  const jobs = [{ durationUs: seconds(10) }, { durationUs: seconds(10) }];
  const on = (job: number): Action => ({ kind: 'place', job, tasks: [job], nodes: [0], masks: [1], reason: '' });

  it('stops the run and names the event and the seed', () => {
    const policy = broken(() => [on(0), on(1)]);
    const run = () => simulate(smallScenario({ jobs }), { policy });
    expect(run).toThrow(SimulationError);
    expect(run).toThrow(/GPU 0 of node 0 is over-committed[\s\S]*at 0 µs, event 3 .*seed 1, policy broken/);
  });

  it('is told when it never settles', () => {
    const preempt: Action = { kind: 'preempt', job: 0, reason: '' };
    // Placing a job changes nothing that a policy is asked about again, so this one takes and gives in one decision.
    const both = broken(() => [on(0), preempt]);
    expect(() => simulate(smallScenario({ jobs }), { policy: both })).toThrow(/does not settle/);
  });
});
