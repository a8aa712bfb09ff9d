/** What holds whatever breaks, whenever it does, and whatever is done about it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NODE_STATES } from '../../cluster/cluster.ts';
import { stackNamed, TELEMETRY } from '../../policy/recovery/stacks.ts';
import {
  type CheckpointPlan,
  DAY_US,
  type FaultRow,
  type FaultSettings,
  type FileSystemSpec,
  GPU_UNITS,
  HOUR_US,
  JOB_STATUS,
  type JobSpec,
  POLICIES,
  type RecoverySettings,
  type Run,
  type Scenario,
  Simulation,
} from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';
import { evacuateJob, preemptJob } from '../jobs/stopping.ts';
import { provisioning, rollout, step } from '../provisioning/testing.ts';
import { NO_FAULTS } from './faults.ts';
import { FAULT_KINDS } from './kinds.ts';
import { REPAIR_DEFAULTS } from './repair.ts';

const ACTIONS = ['CheckpointAndReschedule', 'RestartInPlace', 'HotSpare', 'ShrinkElastic', 'Ignore'] as const;
const EVERY_XID = FAULT_KINDS.filter((kind) => kind.xid > 0).map((kind) => kind.xid);

function policy(action: (typeof ACTIONS)[number], eventCodes = EVERY_XID): RecoverySettings {
  return {
    stack: stackNamed('mission-control'),
    telemetry: TELEMETRY.shipped,
    spares: [action === 'HotSpare' ? 1 : 0],
    faultTolerance: {
      name: 'ft',
      eventCodes,
      utilizationDropThreshold: 0.05,
      utilizationField: 'DCGM_FI_DEV_GPU_UTIL',
      utilizationWindowUs: seconds(300),
      action,
      maxRescheduleAttempts: 3,
      rescheduleDelayUs: seconds(60),
      checkpointPath: '',
    },
  };
}
const stack = (name: string): RecoverySettings => ({
  stack: stackNamed(name),
  telemetry: TELEMETRY.shipped,
  spares: [],
});
const RECOVERIES: [string, RecoverySettings][] = [
  ...ACTIONS.map((action): [string, RecoverySettings] => [action, policy(action)]),
  ...['kubernetes', 'kueue', 'slurm', 'runai', 'mission-control'].map((name): [string, RecoverySettings] => [
    name,
    stack(name),
  ]),
];

/** A gang over two nodes, two jobs that share a node, and one that waits for room; three nodes of four GPUs. */
const JOBS: (Partial<JobSpec> & { durationUs: number })[] = [
  { taskGpus: [4, 2], durationUs: seconds(100), minTasks: 1 },
  { taskGpus: [2], durationUs: seconds(140) },
  { taskGpus: [2], durationUs: seconds(90), checkpointOnPreempt: true },
  { taskGpus: [4], durationUs: seconds(30), submitUs: seconds(20) },
].map((job) => ({
  checkpointEveryUs: seconds(30),
  checkpointStallUs: seconds(5),
  startupUs: seconds(10),
  restoreUs: seconds(5),
  graceUs: seconds(8),
  ...job,
}));

function scenarioWith(recovery: RecoverySettings, given: Partial<Scenario> = {}, jobs = JOBS): Scenario {
  return smallScenario({
    nodes: [{ pool: 0, count: 3, gpus: 4 }],
    jobs,
    overrides: {
      startEpochSeconds: 4 * 86_400 + 9 * 3600,
      durationUs: 120 * DAY_US,
      recovery,
      ...given,
    },
  });
}

/** Everything that must be so when all is over. */
function check(run: Run, simulation: Simulation, exact: boolean, what: string): void {
  const { jobs } = run.scenario;
  let work = 0;
  for (let job = 0; job < jobs.count; job++) {
    const status = JOB_STATUS[run.jobs.status[job]];
    // No job is lost: it is done, or it was given up.
    expect(['completed', 'failed'], `${what}, job ${job}: ${status}`).toContain(status);
    let gpus = 0;
    for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) gpus += jobs.taskGpus[t];
    work += simulation.jobs.savedWork[job] * gpus * GPU_UNITS;
    if (status === 'completed') expect(simulation.jobs.savedWork[job]).toBe(jobs.durationUs[job]);
  }
  // Nothing is done twice: what counts as productive is what was to be done. (The run itself has added the ledger up.)
  const productive = run.entries.filter(({ category }) => category === 'productive');
  if (exact) expect(Number(productive.reduce((sum, { amount }) => sum + amount, 0n)), what).toBe(work);
  for (let gpu = 0; gpu < simulation.cluster.gpuCount; gpu++) expect(simulation.cluster.gpuFree[gpu]).toBe(GPU_UNITS);
  // All nodes come back (one is a spare).
  expect(
    [...simulation.cluster.nodeState].filter((state) => state > 1),
    what,
  ).toEqual([]);
  for (const row of run.faults) {
    if (row.detectedUs >= 0) expect(row.detectedUs).toBeGreaterThanOrEqual(row.timeUs);
    expect(row.lost).toBeGreaterThanOrEqual(0);
  }
}

interface Phase {
  name: string;
  /** When the fault comes, s. */
  at: number;
  /** Whose phase it is. */
  job: number;
  status: string;
  /** Brought about at this moment, s. */
  after?: number;
  how?: (simulation: Simulation) => void;
  given?: Partial<Scenario>;
}

const preempted = (simulation: Simulation) => preemptJob(simulation.jobs, { job: 0, reason: 'a test' });
const evacuated = (simulation: Simulation) => evacuateJob(simulation.jobs, 0, 0, 'a test');
/** All nodes are drained at once: jobs have so long to end. */
const drained = (waitS: number): Partial<Scenario> => ({
  provisioning: provisioning({
    rollouts: [
      rollout({
        ...{ atUs: seconds(20), maxUnavailable: { count: 3 }, drain: { waitUs: seconds(waitS), overdue: 'preempt' } },
        steps: [step('firmware', 2), step('check', 1)],
      }),
    ],
  }),
});

/** The phases of a job under `fifo`, undisturbed but for what is stated. */
const PHASES: Phase[] = [
  { name: 'queued', at: 21, job: 3, status: 'pending' },
  { name: 'starting', at: 5, job: 0, status: 'starting' },
  { name: 'stepping', at: 25, job: 0, status: 'running' },
  { name: 'checkpointing', at: 42, job: 0, status: 'checkpointing' },
  { name: 'evacuating', at: 37, job: 0, status: 'checkpointing', after: 35, how: evacuated },
  { name: 'terminating', at: 56, job: 0, status: 'terminating', after: 50, how: preempted },
  { name: 'restoring', at: 70, job: 0, status: 'starting', after: 50, how: preempted },
  { name: 'draining', at: 25, job: 0, status: 'running', given: drained(60) },
];

/** The same where checkpoints are written to, and read from, a file system: 20 s each. */
const FILES: FileSystemSpec = {
  name: 'scratch',
  readBytesPerSecond: 20e9,
  writeBytesPerSecond: 20e9,
  nodeReadBytesPerSecond: 10e9,
  nodeWriteBytesPerSecond: 10e9,
  farBytesPerSecond: Infinity,
  capacityBytes: Infinity,
  retentionUs: 0,
};
const plan = (asynchronous: boolean): CheckpointPlan => ({
  ...{ bytes: 400e9, asynchronous, stallUs: asynchronous ? seconds(1) : 0, tier: 'shared', sharedEvery: 0 },
  ...{ fileSystem: 0, tierFileSystem: 0, keep: 3 },
});
const FILED_PHASES: Phase[] = [
  { name: 'reading its data', at: 15, job: 0, status: 'starting' },
  { name: 'writing', at: 85, job: 0, status: 'checkpointing' },
  { name: 'saving itself', at: 75, job: 0, status: 'terminating', after: 70, how: preempted },
  { name: 'evacuating', at: 75, job: 0, status: 'checkpointing', after: 70, how: evacuated },
  { name: 'reading its checkpoint', at: 190, job: 0, status: 'starting', after: 150, how: evacuated },
  { name: 'draining', at: 25, job: 0, status: 'starting', given: drained(10) },
];

function filed(recovery: RecoverySettings, asynchronous: boolean, given: Partial<Scenario> = {}): Scenario {
  const dataset = { bytes: 400e9, fileSystem: 0 };
  const job = { checkpoint: plan(asynchronous), dataset, checkpointOnPreempt: true, graceUs: seconds(30) };
  const jobs = [{ ...JOBS[0], ...job }, { ...JOBS[1], ...job }, JOBS[3]];
  return { ...scenarioWith(recovery, { storage: { fileSystems: [FILES] }, ...given }, jobs) };
}

function simulated(scenario: Scenario, { after, how }: Phase): Simulation {
  const simulation = new Simulation(scenario);
  if (after !== undefined) {
    simulation.run(seconds(after));
    how?.(simulation);
  }
  return simulation;
}

describe('every kind of fault × every action × every phase of a job', () => {
  for (const [name, recovery] of RECOVERIES) {
    it(`adds up, and no job is lost or run twice: ${name}`, () => {
      for (const [k, kind] of FAULT_KINDS.entries()) {
        for (const [p, phase] of PHASES.entries()) {
          const node = (k + p) % 2;
          const simulation = simulated(scenarioWith(recovery, phase.given), phase);
          const what = `${name}, ${kind.name}, ${phase.name}, node ${node}`;
          simulation.injectFault(seconds(phase.at), kind.name, node, 1);
          simulation.run();
          const elastic = name === 'ShrinkElastic';
          check(simulation.result(), simulation, kind.symptom !== 'slow' && !elastic, what);
        }
      }
    }, 60_000);
  }

  for (const [name, recovery] of [RECOVERIES[0], RECOVERIES[1], RECOVERIES[6]]) {
    it(`also while bytes move: ${name}`, () => {
      for (const [k, kind] of FAULT_KINDS.entries()) {
        for (const [p, phase] of FILED_PHASES.entries()) {
          const simulation = simulated(filed(recovery, (k + p) % 2 === 1, phase.given), phase);
          const what = `${name}, ${kind.name}, ${phase.name}`;
          simulation.injectFault(seconds(phase.at), kind.name, 0, 1);
          simulation.run();
          check(simulation.result(), simulation, kind.symptom !== 'slow', what);
          expect(simulation.storage?.usedBytes(0), what).toBe(0n);
        }
      }
    }, 60_000);
  }

  it('strikes in the phases that it says', () => {
    const here = (scenario: Scenario, phase: Phase) => {
      const simulation = simulated(scenario, phase);
      simulation.run(seconds(phase.at));
      const node = simulation.cluster.nodeState[0];
      return [phase.name, JOB_STATUS[simulation.jobs.status[phase.job]], NODE_STATES[node]];
    };
    const nodeIn = ({ given }: Phase) => (given === undefined ? 'ready' : 'draining');
    for (const phase of PHASES) {
      expect(here(scenarioWith(stack('runai'), phase.given), phase)).toEqual([phase.name, phase.status, nodeIn(phase)]);
    }
    for (const phase of FILED_PHASES) {
      expect(here(filed(stack('runai'), false, phase.given), phase)).toEqual([phase.name, phase.status, nodeIn(phase)]);
    }
  });
});

describe('a fault at every event of a small scenario', () => {
  for (const [name, recovery] of [RECOVERIES[0], RECOVERIES[5], RECOVERIES[8]]) {
    it(`leaves everything in order: ${name}`, () => {
      const times = new Set<number>();
      const plain = new Simulation(scenarioWith(recovery), { trace: ({ timeUs }) => times.add(timeUs) });
      plain.run();
      const moments = [...times].sort((a, b) => a - b).flatMap((t) => (t > 0 ? [t - 1, t, t + 1] : [t, t + 1]));
      expect(moments.length).toBeGreaterThan(30);
      for (const kind of [
        'xid-79',
        'xid-94',
        'xid-63',
        'xid-74',
        'host-crash',
        'hang',
        'link-failure',
        'storage-outage',
        'silent-corruption',
      ]) {
        for (const at of moments) {
          const simulation = new Simulation(scenarioWith(recovery));
          simulation.injectFault(at, kind, 0, 0);
          simulation.run();
          check(simulation.result(), simulation, true, `${name}, ${kind} at ${at} µs`);
        }
      }
    }, 60_000);
  }
});

const many: FaultSettings = {
  ...NO_FAULTS,
  processes: [
    {
      name: 'gpu',
      unit: 'gpu',
      meanUs: 30 * HOUR_US,
      hazard: { type: 'bathtub', infantFactor: 3, infantUs: 30 * DAY_US, wearOutFactor: 1, wearOutAfterUs: 1e15 },
      mix: ['xid-79', 'xid-94', 'xid-95', 'xid-122', 'xid-63', 'straggler', 'hang', 'utilization-drop'].map((kind) => ({
        kind,
        cause: kind,
        weight: 1,
      })),
    },
    {
      name: 'host',
      unit: 'node',
      meanUs: 50 * HOUR_US,
      hazard: { type: 'weibull', shape: 0.7 },
      mix: [{ kind: 'host-crash', cause: '', weight: 1 }],
      burst: { probability: 0.5, count: 2, withinUs: HOUR_US, among: 'cluster' },
    },
    {
      name: 'files',
      unit: 'storage',
      meanUs: 200 * HOUR_US,
      hazard: { type: 'lognormal', sigma: 1 },
      mix: [{ kind: 'storage-outage', cause: '', weight: 1 }],
    },
  ],
  lemons: { share: 0.3, factor: 5 },
  gpuSpread: 1,
  ageUs: 10 * DAY_US,
  repair: { ...REPAIR_DEFAULTS, crews: 1 },
};

function month(policyName: string, recovery: RecoverySettings, seed = '1'): Scenario {
  const jobs = Array.from({ length: 60 }, (_, i) => ({
    ...JOBS[i % JOBS.length],
    submitUs: i * 8 * HOUR_US,
    durationUs: seconds(40_000 + 1000 * (i % 7)),
    checkpointEveryUs: seconds(3600),
  }));
  const base = smallScenario({ nodes: [{ pool: 0, count: 3, gpus: 4 }], jobs, policy: policyName });
  return { ...base, seed, durationUs: 30 * DAY_US, recovery, faults: many };
}

const drawnOf = (rows: FaultRow[]) =>
  rows.map((row) => [
    row.timeUs,
    row.unit,
    row.process,
    row.cause,
    row.kind,
    row.gpu,
    row.with,
    row.choice,
    row.stream,
  ]);

describe('candidate faults', () => {
  it('are the same whatever the policy, the stack and the action; what takes effect is a thinning of them', () => {
    const runs = [
      month('fifo', policy('CheckpointAndReschedule')),
      month('kubernetes', stack('kubernetes')),
      month('runai', policy('HotSpare')),
      month('slurm', stack('slurm')),
      month('las', policy('Ignore')),
    ].map((scenario) => {
      const simulation = new Simulation(scenario);
      simulation.run();
      return simulation.result();
    });
    const [first, ...others] = runs.map(({ faults }) => drawnOf(faults));
    expect(first.length).toBeGreaterThan(200);
    for (const other of others) expect(other).toEqual(first);
    for (const { faults } of runs) {
      const struck = faults.filter((row) => row.effective).length;
      expect(struck).toBeGreaterThan(30);
      expect(struck).toBeLessThan(faults.length);
    }
  });

  it('and their repairs suit every policy', () => {
    for (const { name } of POLICIES) {
      const simulation = new Simulation(month(name, policy('CheckpointAndReschedule')));
      simulation.run();
      expect(
        simulation.result().faults.some(({ kind, returnedUs }) => kind === 'xid-95' && returnedUs > 0),
        name,
      ).toBe(true);
    }
  }, 60_000);

  it('do not change when a node or another process is added', () => {
    const rows = (scenario: Scenario) => {
      const simulation = new Simulation(scenario);
      simulation.run();
      return drawnOf(
        simulation.result().faults.filter(({ process, unit }) => process === 'gpu' && unit.startsWith('pool0-0')),
      );
    };
    const base = month('fifo', stack('runai'));
    const wider = smallScenario({ nodes: [{ pool: 0, count: 5, gpus: 4 }], jobs: JOBS });
    const one = { ...base, faults: { ...many, processes: [many.processes[0]] } };
    expect(rows({ ...base, nodes: wider.nodes })).toEqual(rows(base));
    expect(rows(one)).toEqual(rows(base));
  });

  it('go on the same in a run that is forked, to the same digest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat({ max: 9 }),
        (seed, part, k) => {
          const scenario = month('fifo', RECOVERIES[k][1], String(seed));
          const through = new Simulation(scenario);
          through.run();
          const stopped = new Simulation(scenario);
          stopped.run(Math.round(part * scenario.durationUs));
          const fork = stopped.fork();
          fork.run();
          stopped.run();
          const expected = through.result();
          for (const run of [fork.result(), stopped.result()]) {
            expect(run.digest).toBe(expected.digest);
            expect(run.faults).toEqual(expected.faults);
            expect(run.entries).toEqual(expected.entries);
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);

  it('keep a run without an end from ending no longer than its jobs', () => {
    const scenario = { ...month('fifo', stack('runai')), durationUs: Infinity };
    const simulation = new Simulation(scenario);
    simulation.run();
    expect(simulation.result().jobs.endUs.every((us) => us > 0)).toBe(true);
  });
});
