/** What holds for Slurm on crowded little clusters, whatever its settings. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NODE_STATES } from '../../cluster/cluster.ts';
import { ALLOCATED, CATEGORIES } from '../../record/ledger.ts';
import { auditTrace, sumOf } from '../../record/testing.ts';
import { type JobSpec, type Scenario, SECOND_US, type SlurmSettings } from '../../scenario.ts';
import { type PolicyFactory, type Run, type SimulateOptions, Simulation, type TraceRow } from '../../simulate.ts';
import { smallScenario } from '../../testing.ts';
import type { Memory } from './memory.ts';
import { SLURM_TYPICAL } from './presets.ts';
import { slurmFactory } from './slurm.ts';

const SEED = 20_261_124;
const RUNS = 150;
const check = <T>(property: fc.IProperty<T>, numRuns = RUNS) =>
  fc.assert(property, { seed: SEED, numRuns, endOnFailure: true });
const S = SECOND_US;
const HORIZON_S = 4000;

const SETTINGS: SlurmSettings = {
  partitions: [
    { name: 'short', maxTimeUs: 200 * S, defaultTimeUs: 60 * S, priorityTier: 2 },
    { name: 'long', priorityJobFactor: 5 },
  ],
  qos: [
    { name: 'high', preempt: ['low', 'cheap'], priority: 100 },
    { name: 'low', maxGpusPerUser: 8, preemptExemptTimeUs: 40 * S },
    { name: 'cheap', preemptMode: 'cancel', graceTimeUs: 5 * S, grpJobs: 2 },
  ],
};

const job = fc.record({
  submitUs: fc.oneof(
    fc.integer({ min: 0, max: 600 }).map((s) => s * S),
    fc.integer({ min: 0, max: 600 * S }),
  ),
  durationUs: fc.integer({ min: 1, max: 400 }).map((s) => s * S),
  /** Limit as a share of the duration; 0 = none. */
  limit: fc.constantFrom(0, 0.5, 1, 1, 1.5, 4),
  taskGpus: fc.constantFrom([1], [1], [2], [4], [2, 2], [4, 4], [1, 1, 1], [4, 1], [0]),
  cpuMilli: fc.constantFrom(0, 0, 0, 1000),
  user: fc.constantFrom(-1, 0, 1),
  project: fc.integer({ min: 0, max: 1 }),
  partition: fc.constantFrom(undefined, undefined, 'short', 'long'),
  qos: fc.constantFrom(undefined, 'low', 'low', 'high', 'cheap'),
  poolList: fc.constantFrom(0, 0, 1),
  startupUs: fc.constantFrom(0, 3 * S),
  graceUs: fc.constantFrom(0, 4 * S, 40 * S),
  checkpointOnPreempt: fc.boolean(),
  checkpointEveryUs: fc.constantFrom(0, 30 * S),
});

const args = fc.record({
  bfWindow: fc.constantFrom(60, 300, 86_400),
  bfMaxJobTest: fc.constantFrom(2, 500),
  bfMaxJobUser: fc.constantFrom(0, 3),
  bfMaxJobStart: fc.constantFrom(0, 1),
  bfJobPartCountReserve: fc.constantFrom(0, 1),
  bfResolution: fc.constantFrom(1, 60),
  batchSchedDelay: fc.constantFrom(0, 3),
  defaultQueueDepth: fc.constantFrom(1, 5, 100),
  partitionJobDepth: fc.constantFrom(0, 0, 2),
  fairTree: fc.boolean(),
  priorityFavorSmall: fc.boolean(),
  priorityMaxAge: fc.constantFrom(120, 604_800),
  preemptType: fc.constantFrom('none', 'qos', 'qos'),
  preemptMode: fc.constantFrom('requeue', 'cancel', 'off'),
  jobRequeue: fc.constantFrom(true, true, false),
  overTimeLimit: fc.constantFrom(0, 7),
  killWait: fc.constantFrom(0, 30),
  credExpire: fc.constantFrom(0, 120),
});

interface Case {
  scenario: Scenario;
  changes: { atUs: number; node: number; state: number }[];
  look: number;
}

const crowded: fc.Arbitrary<Case> = fc
  .record({
    jobs: fc.array(job, { minLength: 2, maxLength: 30 }),
    args,
    nodes: fc.array(fc.constantFrom(2, 4, 4), { minLength: 1, maxLength: 3 }),
    changes: fc.array(
      fc.record({
        atUs: fc.integer({ min: 0, max: 800 }).map((s) => s * S),
        node: fc.nat(2),
        state: fc.constantFrom(0, 0, 1, 2),
      }),
      { maxLength: 3 },
    ),
    look: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map((given) => {
    const jobs = given.jobs.map(({ limit, ...spec }) => ({
      ...(spec as Partial<JobSpec> & { durationUs: number }),
      limitUs: Math.round(spec.durationUs * limit),
    }));
    const groups = given.nodes.map((gpus) => ({ pool: 0, count: 1, gpus, cpuMilli: 3000 }));
    const nodes = [...groups, { pool: 1, count: 1, gpus: 4 }];
    const scenario = smallScenario({ nodes, jobs, policy: 'slurm-typical', args: given.args, projects: 2 });
    return {
      scenario: {
        ...scenario,
        durationUs: HORIZON_S * S,
        users: ['ada', 'bob'],
        poolLists: [[0], [1, 0]],
        slurm: SETTINGS,
      },
      changes: given.changes.filter(({ node }) => node < nodes.length),
      look: given.look,
    };
  });

function begin({ scenario, changes }: Case, options: SimulateOptions): Simulation {
  const simulation = new Simulation(scenario, options);
  for (const { atUs, node, state } of changes) simulation.setNodeState(atUs, node, NODE_STATES[state]);
  return simulation;
}

const typical = slurmFactory(SLURM_TYPICAL);
const seen: Record<string, number> = {};

describe('slurm on crowded clusters', () => {
  it('stands up to an independent audit: gangs whole, limits kept, every GPU-second accounted for', () => {
    check(
      fc.property(crowded, (given) => {
        const rows: TraceRow[] = [];
        const simulation = begin(given, { policy: typical, trace: (row) => rows.push(row) });
        simulation.run();
        const run = simulation.result();
        const killWaitUs = Number(given.scenario.policy.args.killWait) * S;
        const overUs = Number(given.scenario.policy.args.overTimeLimit) * S;
        const audit = auditTrace(simulation.scenario, rows, run, {
          gangs: true,
          suspends: false,
          limits: { of: (scenario, j) => limitOf(scenario, j) + overUs, killWaitUs },
          graceUs: killWaitUs,
        });
        for (const category of CATEGORIES) expect(sumOf(run, [category])).toBe(audit.byMovement[category] ?? 0n);
        expect(sumOf(run, ALLOCATED)).toBe(audit.allocated);
        for (const row of rows) if (row.event === 'wait') seen[row.reason] = (seen[row.reason] ?? 0) + 1;
        for (const [what, count] of Object.entries(audit.seen)) seen[what] = (seen[what] ?? 0) + count;
        for (const { event, reason } of rows) {
          if (event === 'place') seen[reason.slice(0, 19)] = (seen[reason.slice(0, 19)] ?? 0) + 1;
        }
      }),
    );
  });

  it('a fork and a resumed run equal the run through', () => {
    check(
      fc.property(crowded, (given) => {
        const through = begin(given, { policy: typical });
        through.run();
        const stepped = begin(given, { policy: typical });
        stepped.run(Math.floor(given.look * 1500 * S));
        const fork = stepped.fork();
        stepped.run();
        fork.run();
        expect(stepped.result().digest).toBe(through.result().digest);
        expect(fork.result().digest).toBe(through.result().digest);
      }),
      RUNS / 3,
    );
  });

  it('skips only passes that would have changed nothing', () => {
    check(
      fc.property(crowded, (given) => {
        const [skipping, every] = [typical, slurmFactory(SLURM_TYPICAL, true)].map((policy) => {
          const simulation = begin(given, { policy });
          simulation.run();
          return simulation.result();
        });
        expect(tableOf(skipping)).toEqual(tableOf(every));
      }),
    );
  });

  it('never starts the head of the line later than backfill planned, where limits are exact', () => {
    let plans = 0;
    check(
      fc.property(crowded, fc.constantFrom(0, 1), ({ scenario }, reserve) => {
        const { jobs } = scenario;
        const exact: Scenario = {
          ...scenario,
          slurm: undefined,
          policy: { name: 'slurm', args: { bfJobPartCountReserve: reserve, batchSchedDelay: 0, schedMinInterval: 0 } },
          poolLists: [[0], [0]],
          jobs: {
            ...jobs,
            limitUs: jobs.durationUs,
            startupUs: new Float64Array(jobs.count),
            checkpointEveryUs: new Float64Array(jobs.count),
            partition: new Map(),
          },
        };
        const planned = new Map<number, number>();
        const simulation = new Simulation(exact, { policy: watched(slurmFactory(SLURM_TYPICAL), planned) });
        simulation.run();
        const { jobs: table } = simulation.result();
        for (const [head, at] of planned) {
          plans++;
          expect(table.firstStartUs[head]).toBeGreaterThanOrEqual(0);
          expect(table.firstStartUs[head]).toBeLessThanOrEqual(at);
        }
      }),
    );
    expect(plans).toBeGreaterThan(50);
  });

  it('met all of this', () => {
    for (const what of [
      'limit',
      'preempt',
      'kill',
      'start again',
      'started by the mai',
      'started by backfil',
      'Resources',
      'Priority',
      'BeginTime',
      'PartitionTimeLimit',
      'ReqNodeNotAvail',
      'QOSMaxGRESPerUser',
      'QOSGrpJobsLimit',
    ]) {
      const found = Object.entries(seen).some(([name, count]) => name.startsWith(what) && count > 0);
      expect(found, `${what} in ${JSON.stringify(seen)}`).toBe(true);
    }
  });
});

/** What the scenario's settings say, told apart from the policy's own reading of them. */
function limitOf({ jobs }: Scenario, j: number): number {
  if (jobs.limitUs[j] > 0) return jobs.limitUs[j];
  return jobs.partition.get(j) === 'short' ? 60 * S : Infinity;
}

function tableOf({ jobs }: Run) {
  return jobs;
}

/** Notes what each backfill pass plans for the first job in line. */
function watched(factory: PolicyFactory, planned: Map<number, number>): PolicyFactory {
  return {
    ...factory,
    create: (given) => {
      const policy = factory.create({ ...given, priorityWeightFairshare: 0, priorityWeightJobSize: 0 });
      return {
        ...policy,
        decide(view, state: Memory, now, stream) {
          const decision = policy.decide(view, state, now, stream);
          const head = state.queue[0];
          const at = state.planned.get(head);
          if (state.backfillAt === now && at !== undefined) planned.set(head, Math.min(at, planned.get(head) ?? at));
          return decision;
        },
      };
    },
  };
}
