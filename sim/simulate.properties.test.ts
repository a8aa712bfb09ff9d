/** What holds for every policy on every cluster, whatever happens to it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NODE_STATES } from './cluster/cluster.ts';
import type { Accounts } from './record/accounts.ts';
import { ALLOCATED, CATEGORIES } from './record/ledger.ts';
import { seriesOf } from './record/run.ts';
import type { Samples } from './record/samples.ts';
import { auditTrace, sumOf } from './record/testing.ts';
import {
  GPU_UNITS,
  JOB_STATUS,
  type JobSpec,
  POLICIES,
  type Policy,
  type Run,
  type Scenario,
  SECOND_US,
  Simulation,
  type SlurmSettings,
  type TraceRow,
} from './simulate.ts';
import { smallScenario } from './testing.ts';

/** The same cases on every machine; change it to look further. */
const SEED = 20_250_301;

interface NodeChange {
  atUs: number;
  node: number;
  state: number;
}

interface Case {
  scenario: Scenario;
  changes: NodeChange[];
  /** Moments to stop and look, shares of the run. */
  looks: number[];
}

const HORIZON_S = 600;

/** Mostly whole seconds, so that things coincide; sometimes any microsecond. */
const time = (most: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: most }).map((s) => s * SECOND_US) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: most * SECOND_US }) },
  );
const often = <T>(usual: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

const MIG_LAYOUTS = [
  { instances: ['3g', '3g'], sevenths: [3, 3] },
  { instances: ['2g', '2g', '3g'], sevenths: [2, 2, 3] },
  { instances: ['1g', '1g', '1g', '1g', '1g', '1g', '1g'], sevenths: [1, 1, 1, 1, 1, 1, 1] },
];
const MIG_PROFILES = ['1g', '2g', '3g'];

const node = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  gpus: fc.constantFrom(1, 2, 4, 8),
  cpuMilli: often(Infinity, fc.integer({ min: 2000, max: 16_000 })),
  memoryMiB: often(Infinity, fc.integer({ min: 2000, max: 16_000 })),
  migLayout: fc.constantFrom(-1, -1, -1, 0, 1, 2),
});

const job = fc.record({
  submitUs: time(300),
  durationUs: fc.oneof(
    { weight: 12, arbitrary: time(120).map((us) => us + 1) },
    { weight: 1, arbitrary: fc.constant(Infinity) },
  ),
  taskGpus: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom([1], [2], [4], [8]) },
    { weight: 2, arbitrary: fc.array(fc.constantFrom(1, 2, 3, 4), { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant([0]) },
  ),
  class: fc.constantFrom('training', 'training', 'interactive', 'inference', 'batch'),
  project: fc.integer({ min: 0, max: 2 }),
  poolList: fc.integer({ min: 0, max: 9 }),
  size: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 2, arbitrary: fc.record({ shareMilli: fc.constantFrom(1, 100, 250, 333, 500, 700, 999) }) },
    { weight: 1, arbitrary: fc.record({ gpuMemoryMiB: fc.integer({ min: 1, max: 150_000 }) }) },
    { weight: 1, arbitrary: fc.record({ migProfile: fc.integer({ min: 0, max: 2 }) }) },
  ),
  cpuMilli: often(0, fc.integer({ min: 1, max: 4000 })),
  memoryMiB: often(0, fc.integer({ min: 1, max: 4000 })),
  useMilli: often(1000, fc.integer({ min: 0, max: 1000 })),
  // A second at least: a write each microsecond would be millions of events and test nothing more.
  checkpointEveryUs: often(
    0,
    time(40).map((us) => us + SECOND_US),
  ),
  checkpointStallUs: often(0, time(5)),
  checkpointOnPreempt: fc.boolean(),
  startupUs: often(0, time(20)),
  restoreUs: often(0, time(10)),
  graceUs: often(0, time(20)),
  maxAttempts: often(0, fc.integer({ min: 1, max: 3 })),
  speedProfile: fc.integer({ min: -1, max: 1 }),
  limitUs: often(0, time(150)),
  after: fc.array(
    fc.record({ back: fc.integer({ min: 1, max: 4 }), condition: fc.constantFrom('completed', 'started', 'ended') }),
    { maxLength: 1 },
  ),
});

const ARGS: Record<string, fc.Arbitrary<Record<string, unknown>>> = {
  fifo: fc.record({ blocked: fc.constantFrom('stop', 'skip') }),
  sjf: fc.record({ blocked: fc.constantFrom('stop', 'skip') }),
  'fifo-backfill': fc.record({
    estimate: fc.constantFrom('duration', 'limit'),
    placement: fc.constantFrom('bestfit', 'bestfit', 'yarn', 'consolidate'),
  }),
  kubernetes: fc.constant({}),
  runai: fc.record({
    schedulePeriod: fc.constantFrom(1, 1, 0.25, 7),
    decisionsPerSecond: fc.constantFrom(0, 0, 0, 1.5, 10),
    gpuPlacement: fc.constantFrom('binpack', 'spread'),
    preemptMinRuntime: fc.constantFrom(0, 20),
    reclaimMinRuntime: fc.constantFrom(0, 20),
    preemptionDelay: fc.constantFrom(0, 0, 15),
    timeBasedFairShare: fc.boolean(),
    usageWindow: fc.constantFrom(60, 300),
    halfLife: fc.constantFrom(0, 120),
  }),
};
const slurmArgs = fc.record({
  bfInterval: fc.constantFrom(5, 30),
  bfWindow: fc.constantFrom(60, 86_400),
  bfMaxJobTest: fc.constantFrom(3, 500),
  bfJobPartCountReserve: fc.constantFrom(0, 1),
  batchSchedDelay: fc.constantFrom(0, 3),
  defaultQueueDepth: fc.constantFrom(2, 100),
  schedInterval: fc.constantFrom(10, 60),
  priorityCalcPeriod: fc.constantFrom(60, 300),
  fairTree: fc.boolean(),
  preemptType: fc.constantFrom('none', 'qos', 'qos'),
  preemptMode: fc.constantFrom('requeue', 'cancel', 'off'),
  jobRequeue: fc.constantFrom(true, true, true, true, false),
  defaultTime: fc.constantFrom(0, 60),
  overTimeLimit: fc.constantFrom(0, 7),
  killWait: fc.constantFrom(0, 10, 30),
  credExpire: fc.constantFrom(0, 0, 20, 120),
});
const SLURM: SlurmSettings = {
  partitions: [
    { name: 'short', maxTimeUs: 140 * SECOND_US, defaultTimeUs: 90 * SECOND_US, priorityTier: 2 },
    { name: 'long', priorityJobFactor: 5 },
  ],
  qos: [
    { name: 'high', preempt: ['low'], priority: 100 },
    { name: 'low', maxGpusPerUser: 6, preemptExemptTimeUs: 5 * SECOND_US },
  ],
};
/** Jobs are of one of two partitions and QOS, or of none. */
function withSlurm(spec: Partial<JobSpec> & { durationUs: number }, i: number): typeof spec {
  const partition = ['short', 'long', undefined, undefined][i % 4];
  const qos = ['low', 'high', 'low', undefined, 'low'][i % 5];
  return { ...spec, ...(partition && { partition }), ...(qos && { qos }) };
}
const preemptiveArgs = fc.record({
  blocked: fc.constantFrom('stop', 'skip'),
  choice: fc.constantFrom('count', 'place', 'place', 'anew'),
  ties: fc.constantFrom('running', 'running', 'waiting', 'former'),
  quantum: fc.constantFrom(0.5, 10, 60),
  preempted: fc.constantFrom('suspended', 'killed'),
});

/** Any cluster, any jobs, any changes of node states, under one policy with any of its arguments. */
function caseFor(policy: string): fc.Arbitrary<Case> {
  return fc
    .record({
      groups: fc.array(fc.record({ pool: fc.integer({ min: 0, max: 2 }), group: node }), {
        minLength: 1,
        maxLength: 3,
      }),
      jobs: fc.array(job, {
        minLength: 1,
        maxLength: ['srtf', 'srsf', 'las'].includes(policy) ? 28 : 16,
      }),
      deserved: fc.array(fc.constantFrom(-1, 0, 1, 2.5, 4, 8), { minLength: 9, maxLength: 9 }),
      fullUse: fc.boolean(),
      args: policy.startsWith('slurm')
        ? slurmArgs
        : (ARGS[policy] ?? (['srtf', 'srsf', 'las'].includes(policy) ? preemptiveArgs : fc.constant({}))),
      changes: fc.array(
        fc.record({
          atUs: time(500),
          node: fc.nat({ max: 8 }),
          state: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: NODE_STATES.indexOf('reclaimed') })),
        }),
        { maxLength: 8 },
      ),
      // Some runs are open-ended; services would keep those from ending.
      openEnded: fc.boolean(),
      looks: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }),
      offset: fc.constantFrom(0, 330, -210),
    })
    .map((given) => {
      const numbers = [...new Set(given.groups.map(({ pool }) => pool))].sort((a, b) => a - b);
      const nodes = given.groups.map(({ pool, group }) => ({ ...group, pool: numbers.indexOf(pool) }));
      const pools = numbers.length;
      const everywhere = Array.from({ length: pools }, (_, p) => p);
      const lists = [everywhere, [...everywhere].reverse(), ...everywhere.map((p) => [p])];
      const jobs = given.jobs.map(({ size, after, poolList, ...rest }, i) => {
        const spec: Partial<JobSpec> & { durationUs: number } = {
          ...(rest as Partial<JobSpec>),
          durationUs: given.openEnded && rest.durationUs === Infinity ? 10 * SECOND_US : rest.durationUs,
          ...size,
          poolList: poolList % lists.length,
          after: after.flatMap(({ back, condition }) =>
            i - back >= 0 ? [{ job: i - back, condition: condition as 'completed' | 'started' | 'ended' }] : [],
          ),
        };
        const used = given.fullUse ? { ...spec, useMilli: 1000 } : spec;
        return policy.startsWith('slurm') ? withSlurm(used, i) : used;
      });
      const base = smallScenario({ nodes, jobs, policy, args: given.args, projects: 3 });
      const scenario: Scenario = {
        ...base,
        slurm: policy.startsWith('slurm') ? SLURM : undefined,
        durationUs: given.openEnded ? Infinity : HORIZON_S * SECOND_US,
        utcOffsetMinutes: given.offset,
        startEpochSeconds: 3600 * 5 - 240,
        pools: base.pools.map((pool, p) => ({ ...pool, gpuMemoryMiB: [144_384, 81_920, 40_960][p] })),
        projects: base.projects.map((project, i) => ({
          ...project,
          deservedGpus: everywhere.map((p) => given.deserved[i * 3 + p]),
        })),
        poolLists: lists,
        migLayouts: MIG_LAYOUTS,
        migProfiles: MIG_PROFILES,
        speedProfiles: [everywhere.map((p) => [1000, 730, 1370][p]), everywhere.map((p) => [333, 1000, 2000][p])],
      };
      const changes = given.changes.filter(({ node }) => node < scenario.nodes.count);
      return { scenario, changes, looks: given.looks };
    });
}

/** A run in which nothing happens any more has to end by itself; one that does not would hang the test. */
function options() {
  let before = -1;
  const onProgress = (nowUs: number, events: number) => {
    if (events === before) throw new Error(`nothing happens any more at ${nowUs} µs`);
    before = events;
    return true;
  };
  return { keepHours: true, onProgress };
}

function begin({ scenario, changes }: Case, trace?: (row: TraceRow) => void): Simulation {
  const simulation = new Simulation(scenario, { trace, ...options() });
  for (const { atUs, node, state } of changes) simulation.setNodeState(atUs, node, NODE_STATES[state]);
  return simulation;
}

/** The parts of a simulation that only a test may look into. */
const inside = (simulation: Simulation) =>
  simulation as unknown as { accounts: Accounts; samples: Samples; policy: Policy };

/** Everything two equal runs have in common. */
const essence = ({ digest, events, simulatedUs, entries, hours, jobs, samples, fragmented, stalled }: Run) => ({
  digest,
  events,
  simulatedUs,
  entries,
  hours,
  jobs,
  samples,
  fragmented,
  stalled,
});

const RUNS = 100;
const totals: Record<string, Record<string, number>> = {};
const check = <T>(property: fc.IProperty<T>, numRuns = RUNS) => fc.assert(property, { seed: SEED, numRuns });

function auditCase(given: Case): void {
  const rows: TraceRow[] = [];
  const simulation = begin(given, (row) => rows.push(row));
  simulation.run();
  const run = simulation.result();
  const policy = run.policyName;
  const { scenario } = simulation;
  const audit = auditTrace(scenario, rows, run, {
    gangs: policy !== 'kubernetes',
    suspends: scenario.policy.args.preempted === 'suspended',
    limits: inside(simulation).policy.limits,
    graceUs: inside(simulation).policy.limits?.killWaitUs,
  });

  // The ledger against its own movements, against placements and against what jobs did, to the unit.
  for (const category of CATEGORIES) {
    expect(sumOf(run, [category]), category).toBe(audit.byMovement[category] ?? 0n);
  }
  expect(sumOf(run, ALLOCATED)).toBe(audit.allocated);
  for (const category of ['restart', 'checkpoint', 'terminating', 'reserved'] as const) {
    expect(sumOf(run, [category]), category).toBe(audit.byActivity[category] ?? 0n);
  }
  expect(sumOf(run, ['productive', 'lost', 'idle-allocated'])).toBe(audit.byActivity.work ?? 0n);
  expect(sumOf(run, ['serving', 'serving-idle'])).toBe(audit.byActivity.service ?? 0n);
  if (scenario.jobs.useMilli.every((use) => use === 1000)) expect(sumOf(run, ['lost'])).toBe(audit.lostWork);
  // Hours are the ledger, cut.
  const hours: Record<string, bigint> = {};
  for (const { category, amount } of run.hours) hours[category] = (hours[category] ?? 0n) + amount;
  for (const category of CATEGORIES) expect(hours[category] ?? 0n, category).toBe(sumOf(run, [category]));

  // Little's law for the line, exactly, and the sampled allocation against the ledger before losses were found.
  const { samples } = inside(simulation);
  const queued = run.jobs.queuedUs.reduce((sum, us) => sum + BigInt(us), 0n);
  expect(samples.integral(seriesOf(scenario).pendingJobs)).toBe(queued);
  expect(samples.integral(CATEGORIES.indexOf('free'))).toBe(sumOf(run, ['free']));
  const work = samples.integral(CATEGORIES.indexOf('productive'));
  expect(work).toBe(sumOf(run, ['productive', 'lost']));

  // Nobody is lost: in the end each job is over, or can say what it waits for or does.
  const seen = (totals[policy] ??= {});
  run.jobs.status.forEach((status, j) => {
    const name = JOB_STATUS[status];
    seen[name] = (seen[name] ?? 0) + 1;
    if (['completed', 'failed', 'unschedulable'].includes(name)) expect(run.jobs.endUs[j]).toBeGreaterThanOrEqual(0);
    else expect(run.jobs.endUs[j]).toBe(-1);
    if (name === 'future') expect(scenario.jobs.submitUs[j]).toBeGreaterThanOrEqual(run.simulatedUs);
    if (run.jobs.queuedUs[j] > 0) seen.queued = (seen.queued ?? 0) + 1;
  });
  for (const [what, count] of Object.entries(audit.seen)) seen[what] = (seen[what] ?? 0) + count;
  for (const { category, overQuota } of run.entries) {
    const what = overQuota ? `${category} over quota` : category;
    seen[what] = (seen[what] ?? 0) + 1;
  }
}

describe.each(POLICIES.map(({ name }) => name))('under %s, whatever happens', (policy) => {
  it('the ledger, GPUs and jobs stand up to an independent audit of the trace', () => {
    check(fc.property(caseFor(policy), auditCase));
  });

  it('the ledger adds up and in quota = min(held, deserved) at any moment', () => {
    check(
      fc.property(caseFor(policy), (given) => {
        const simulation = begin(given);
        const { accounts } = inside(simulation);
        const held = new Float64Array(9);
        for (const look of given.looks.toSorted((a, b) => a - b)) {
          simulation.run(Math.floor(look * HORIZON_S * SECOND_US));
          simulation.result(); // throws if the ledger does not add up
          const { cluster, scenario } = simulation;
          const { jobs, nodes, pools, projects } = scenario;
          held.fill(0);
          for (let task = 0; task < cluster.taskCount; task++) {
            if (cluster.taskNode[task] < 0) continue;
            const cell = jobs.project[cluster.jobOfTask[task]] * 3 + nodes.pool[cluster.taskNode[task]];
            held[cell] += cluster.taskUnits[task] * jobs.taskGpus[task];
          }
          projects.forEach((project, i) => {
            pools.forEach((_, p) => {
              const deserved = project.deservedGpus[p] < 0 ? Infinity : Math.round(project.deservedGpus[p] * GPU_UNITS);
              const inQuota = Math.min(held[i * 3 + p], deserved);
              expect(accounts.held(i, p)).toEqual([inQuota, held[i * 3 + p] - inQuota]);
            });
          });
        }
      }),
      RUNS / 2,
    );
  });

  it('a replay, a run resumed from a snapshot and a fork are equal in every figure', () => {
    check(
      fc.property(caseFor(policy), (given) => {
        const through = begin(given);
        through.run();
        const expected = essence(through.result());
        const stepped = begin(given);
        stepped.run(Math.floor(given.looks[0] * expected.simulatedUs));
        const snapshot = structuredClone(stepped.snapshot());
        const fork = stepped.fork(options());
        stepped.run();
        fork.run();
        const resumed = Simulation.resume(given.scenario, snapshot, options());
        resumed.run();
        for (const simulation of [stepped, fork, resumed]) expect(essence(simulation.result())).toEqual(expected);
      }),
      RUNS / 2,
    );
  });
});

describe('the cases above', () => {
  it('contain what they are about', () => {
    const everywhere = [
      'completed',
      'queued',
      'kill',
      'start again',
      'mig',
      'checkpoint',
      'work lost',
      'lost',
      'productive over quota',
    ];
    for (const { name, wholeGpusOnly } of POLICIES) {
      const seen = totals[name];
      expect(seen, name).toBeDefined();
      for (const what of everywhere) {
        // Here a requeued job rarely comes to start again; sim/policy/slurm has crowded cases where it does.
        if (what === 'start again' && name.startsWith('slurm')) continue;
        // A node that goes takes its jobs with it: it dies or is reclaimed.
        const times = what === 'kill' ? (seen.kill ?? 0) + (seen.reclaim ?? 0) : (seen[what] ?? 0);
        expect(times, `${what} under ${name}`).toBeGreaterThan(0);
      }
      if (wholeGpusOnly !== true)
        for (const what of ['share', 'gpu memory']) expect(seen[what] ?? 0, `${what} under ${name}`).toBeGreaterThan(0);
      if (['srtf', 'srsf', 'las'].includes(name)) {
        for (const what of ['preempt', 'terminating'])
          expect(seen[what] ?? 0, `${what} under ${name}`).toBeGreaterThan(0);
      }
    }
    for (const what of ['limit', 'terminating']) {
      expect(totals.slurm[what], `${what} under slurm`).toBeGreaterThan(0);
    }
    expect(totals.kubernetes.reserved).toBeGreaterThan(0);
    const all = (what: string) => Object.values(totals).reduce((sum, seen) => sum + (seen[what] ?? 0), 0);
    for (const what of [
      'after completed',
      'after started',
      'after ended',
      'failed',
      'unschedulable',
      'held',
      'pending',
      'serving',
      'serving-idle',
      'idle-allocated',
      'unhealthy',
      'provisioning',
      'reclaimed',
      'draining',
      'restart',
      'saved',
    ].filter((what) => what !== 'saved')) {
      expect(all(what), what).toBeGreaterThan(0);
    }
  });
});
