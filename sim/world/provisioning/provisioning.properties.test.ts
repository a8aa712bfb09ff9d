/** What holds whatever joins, leaves, breaks and is updated, under whichever policy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CATEGORIES,
  DAY_US,
  type FaultSettings,
  HOUR_US,
  JOB_STATUS,
  MINUTE_US,
  type NodeChange,
  type RolloutSpec,
  type Run,
  type Scenario,
  Simulation,
} from '../../simulate.ts';
import { smallScenario } from '../../testing.ts';
import { NO_FAULTS } from '../faults/faults.ts';
import { REPAIR_DEFAULTS } from '../faults/repair.ts';
import { change, idleByState, provisioning, rollout, step, watched } from './testing.ts';

/** Pool 0: nodes 0–4, of which 4 comes later; pool 1: nodes 5–8, of which 7 and 8 are what 0 and 1 may become. */
const NODES = [
  { pool: 0, count: 5, gpus: 4, nodesPerRack: 2 },
  { pool: 1, count: 4, gpus: 4, nodesPerRack: 2 },
];
const ABSENT = [4, 7, 8];

const drain = fc.record({
  waitUs: fc.constantFrom(0, 30 * MINUTE_US, 5 * HOUR_US, Infinity),
  overdue: fc.constantFrom('preempt' as const, 'kill' as const),
});
const failure = fc.constantFrom(0, 0, 0.4);

const anyRollout = fc
  .record({
    at: fc.integer({ min: 0, max: 40 }),
    pools: fc.constantFrom<number[][]>([0], [1], [0, 1]),
    rule: fc.oneof(drain, fc.constant({ waitUs: HOUR_US, overdue: 'skip' as const })),
    perWave: fc.integer({ min: 0, max: 3 }),
    between: fc.constantFrom(0, 3),
    most: fc.integer({ min: 1, max: 3 }),
    order: fc.constantFrom('rack' as const, 'name' as const, 'idle-first' as const),
    failure,
    pause: fc.option(fc.constantFrom(2 * HOUR_US, Infinity), { nil: undefined }),
  })
  .map(
    (r): RolloutSpec =>
      rollout({
        ...{ atUs: r.at * HOUR_US, pools: r.pools, drain: r.rule, perWave: r.perWave, order: r.order },
        ...{ betweenWavesUs: r.between * HOUR_US, maxUnavailable: { count: r.most } },
        steps: [step('image', 20, 0, 0.3), step('firmware', 60, r.failure, 0.3), step('check', 5)],
        ...(r.pause !== undefined && { pause: { failures: { count: 1 }, forUs: r.pause } }),
      }),
  );

const anyChanges = fc
  .record({
    join: fc.boolean(),
    leave: fc.boolean(),
    move: fc.boolean(),
    at: fc.integer({ min: 0, max: 50 }),
    drain,
    failure,
  })
  .map(({ join, leave, move, at, drain: rule, failure: chance }): NodeChange[] => {
    const common = { atUs: at * HOUR_US, drain: rule };
    const steps = [step('image', 15, 0, 0.5), step('burn-in', 90, chance), step('check', 5, chance)];
    return [
      ...(join ? [change({ kind: 'join', nodes: [4], ...common, steps })] : []),
      ...(leave ? [change({ kind: 'leave', nodes: [3], ...common })] : []),
      ...(move ? [change({ kind: 'move', nodes: [0, 1], becomes: [7, 8], ...common, steps })] : []),
    ];
  });

const anyJob = fc.record({
  submitUs: fc.integer({ min: 0, max: 60 }).map((h) => h * HOUR_US),
  durationUs: fc.integer({ min: 1, max: 1200 }).map((m) => m * MINUTE_US),
  taskGpus: fc.constantFrom([1], [2], [4], [4, 4], [2, 2, 2]),
  poolList: fc.integer({ min: 0, max: 1 }),
  checkpointEveryUs: fc.constantFrom(0, HOUR_US),
  checkpointStallUs: fc.constantFrom(0, MINUTE_US),
  checkpointOnPreempt: fc.boolean(),
  graceUs: fc.constantFrom(0, MINUTE_US),
  startupUs: fc.constantFrom(0, 3 * MINUTE_US),
});

const anyCase = fc.record({
  rollouts: fc.array(anyRollout, { maxLength: 2 }),
  changes: anyChanges,
  jobs: fc.array(anyJob, { maxLength: 14 }),
  service: fc.boolean(),
  // Not las: under it two jobs may take turns for ever where a start takes longer than a turn.
  policy: fc.constantFrom<string[]>('fifo', 'fifo-backfill', 'runai', 'slurm', 'kubernetes', 'srtf'),
  faults: fc.boolean(),
  sparesReplace: fc.boolean(),
});
type Case = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;

const FAULTS: FaultSettings = {
  ...NO_FAULTS,
  processes: [
    {
      ...{ name: 'node', unit: 'node', meanUs: 3 * DAY_US, hazard: { type: 'exponential' } },
      // One that takes the node away: where a GPU alone is reset, its node's state says less than the ledger.
      mix: [{ kind: 'xid-79', cause: '', weight: 1 }],
    },
  ],
};

function scenarioOf({ rollouts, changes, jobs, service, policy, faults, sparesReplace }: Case): Scenario {
  const chat = { durationUs: Infinity, taskGpus: [2], poolList: 1, class: 'inference' as const };
  return smallScenario({
    ...{ nodes: NODES, policy, deserved: [-1, -1] },
    jobs: [...(service ? [chat] : []), ...jobs],
    overrides: {
      ...{ poolLists: [[0], [1]], durationUs: 30 * DAY_US, ...(faults && { faults: FAULTS }) },
      provisioning: provisioning({
        ...{ absent: ABSENT, parallelImaging: 1, sparesReplace, changes },
        rollouts: rollouts.map((spec, i) => ({ ...spec, name: `rollout-${i}` })),
        repair: { ...REPAIR_DEFAULTS, crews: 1 },
      }),
    },
  });
}

/** The categories of GPUs that nobody holds are, to the unit, what node states and placements say. */
function checkLedger(run: Run, idle: Record<string, bigint>): void {
  const sum = (category: string) =>
    run.entries.reduce((total, entry) => total + (entry.category === category ? entry.amount : 0n), 0n);
  for (const state of ['provisioning', 'draining', 'unhealthy', 'reclaimed']) {
    expect(sum(state), state).toBe(idle[state] ?? 0n);
  }
  expect(sum('free')).toBe(idle.ready ?? 0n);
  expect(CATEGORIES.reduce((total, category) => total + sum(category), 0n)).toBe(run.capacity);
}

describe('provisioning', () => {
  it('keeps the ledger exact, loses no job, and takes no more nodes than allowed', () => {
    let taken = 0;
    fc.assert(
      fc.property(anyCase, (given) => {
        const { run, rows } = watched(scenarioOf(given));
        checkLedger(run, idleByState(run, rows));
        const { jobs } = run.scenario;
        for (let job = 0; job < jobs.count; job++) {
          const status = JOB_STATUS[run.jobs.status[job]];
          if (jobs.durationUs[job] === Infinity || given.policy === 'kubernetes') continue;
          // A service holds room that a gang may need.
          const undisturbed = given.changes.length === 0 && !given.faults && !given.service;
          const stopped = run.provisioning?.rollouts.some((row) => row.stopped || row.failed > 0);
          if (undisturbed && !stopped) expect(status).toBe('completed');
          // A stack that leaves gangs to a person may be a weekend late, and a pool that is gone can't run them.
          expect(['completed', 'pending', 'unschedulable', 'failed', 'held'], status).toContain(status);
        }
        run.provisioning?.rollouts.forEach((row, i) => {
          taken += row.done;
          const most = given.rollouts[i].maxUnavailable;
          if (given.faults || given.changes.length > 0 || given.rollouts.length > 1) return;
          const failures = row.failed > 0;
          if ('count' in most && !failures) expect(row.mostUnavailable).toBeLessThanOrEqual(most.count);
          if (row.stopped || given.rollouts[i].drain.waitUs === Infinity || failures) return;
          if (given.rollouts[i].drain.overdue !== 'skip') expect(row.done).toBe(row.nodes);
        });
        for (const row of run.provisioning?.changes ?? []) expect(row.done).toBeLessThanOrEqual(row.nodes);
      }),
      { numRuns: 60 },
    );
    expect(taken).toBeGreaterThan(20);
  });

  it('goes on from a snapshot at any moment to the same end', () => {
    fc.assert(
      fc.property(anyCase, fc.integer({ min: 0, max: 90 }), (given, hour) => {
        const scenario = scenarioOf({ ...given, faults: true });
        const whole = new Simulation(scenario);
        whole.run();
        const stopped = new Simulation(scenario);
        stopped.run(hour * HOUR_US);
        const resumed = Simulation.resume(scenario, structuredClone(stopped.snapshot()));
        resumed.run();
        stopped.run();
        const { digest, provisioning: report } = whole.result();
        expect(stopped.result().digest).toBe(digest);
        expect(resumed.result().digest).toBe(digest);
        expect(resumed.result().provisioning).toEqual(report);
      }),
      { numRuns: 12 },
    );
  });

  it('draws the same times for every policy', () => {
    const joined = (policy: string) => {
      const steps = [step('image', 15, 0, 0.8), step('burn-in', 90, 0.5, 0.8)];
      const changes = [change({ kind: 'join', nodes: [4], steps })];
      const given = { rollouts: [], changes, jobs: [], service: false, faults: false, sparesReplace: false };
      return watched(scenarioOf({ ...given, policy }))
        .rows.filter(({ event, node }) => event === 'node' && node === 4)
        .map(({ timeUs, reason }) => `${timeUs} ${reason}`);
    };
    expect(joined('fifo').length).toBeGreaterThan(1);
    expect(joined('sjf')).toEqual(joined('fifo'));
  });
});
