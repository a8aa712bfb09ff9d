/**
 * Kueue's own performance suite for its scheduler, replayed: the generators of kubernetes-sigs/kueue
 * test/performance/scheduler/configs/{baseline,large-scale}/generator.yaml and the figures their maintainers measured
 * (rangespec.yaml beside them, August 2026). There is no cluster in that suite: a workload runs as soon as it is admitted
 * and a test runner ends it. Here it gets nodes enough that nobody ever waits for one.
 *
 * Both runs are bound by the speed of controller and runner. That one figure is fitted on the baseline's wall time, and
 * the large run is predicted with it. The runner also ends workloads at its own speed, so that they hold their quota far
 * longer than they run (39 % of quota on average in the large run, where running takes 0.3 %); that delay is the test's,
 * not the scheduler's, and is not modelled: usage is reported, not judged.
 */
import { JobsBuilder, nodeColumns, type Scenario } from '../../sim/scenario.ts';
import { GPU_UNITS, JOB_STATUS, type Run, simulate } from '../../sim/simulate.ts';
import type { PeerRow } from './rows.ts';

interface WorkloadClass {
  name: 'large' | 'medium' | 'small';
  count: number;
  everyMs: number;
  runtimeMs: number;
  priority: number;
  units: number;
}

interface Suite {
  name: string;
  cohorts: number;
  queuesPerCohort: number;
  nominal: number;
  borrowingLimit: number;
  classes: WorkloadClass[];
  /** As measured: mean wall time, mean time to admission by class, mean usage of nominal quota. */
  published: { wallSeconds: number; waitSeconds: Record<WorkloadClass['name'], number>; usagePercent: number };
}

export const BASELINE: Suite = {
  name: 'baseline',
  cohorts: 5,
  queuesPerCohort: 6,
  nominal: 20,
  borrowingLimit: 100,
  classes: [
    { name: 'small', count: 350, everyMs: 100, runtimeMs: 200, priority: 50, units: 1 },
    { name: 'medium', count: 100, everyMs: 500, runtimeMs: 500, priority: 100, units: 5 },
    { name: 'large', count: 50, everyMs: 1200, runtimeMs: 1000, priority: 200, units: 20 },
  ],
  published: {
    wallSeconds: 351.1164,
    waitSeconds: { large: 16.501, medium: 76.768, small: 215.468 },
    usagePercent: 55.9,
  },
};

export const LARGE: Suite = {
  name: 'large-scale',
  cohorts: 10,
  queuesPerCohort: 100,
  nominal: 20,
  borrowingLimit: 100,
  classes: [
    { name: 'small', count: 35, everyMs: 60, runtimeMs: 150, priority: 50, units: 1 },
    { name: 'medium', count: 11, everyMs: 300, runtimeMs: 350, priority: 100, units: 5 },
    { name: 'large', count: 4, everyMs: 700, runtimeMs: 700, priority: 200, units: 20 },
  ],
  published: {
    wallSeconds: 1179.411,
    waitSeconds: { large: 105.604, medium: 256.413, small: 700.379 },
    usagePercent: 38.64,
  },
};

/** GPUs of a node: room for a large workload and the widest that a scenario allows. */
const NODE_GPUS = 32;

/** The suite as a scenario; a unit of CPU there is a GPU here. */
export function suiteScenario(suite: Suite, admissionsPerSecond: number): Scenario {
  const queues = suite.cohorts * suite.queuesPerCohort;
  const names = Array.from({ length: queues }, (_, q) => `cq-${q}`);
  const jobs = new JobsBuilder();
  for (let q = 0; q < queues; q++) {
    for (const { name, count, everyMs, runtimeMs, priority, units } of suite.classes) {
      for (let i = 1; i <= count; i++) {
        jobs.add({
          id: `${name}-${q}-${i}`,
          project: q,
          submitUs: i * everyMs * 1000,
          durationUs: runtimeMs * 1000,
          taskGpus: [units],
          priority,
          preemptible: true,
        });
      }
    }
  }
  // Quota for all, and as much again, since a node may be left with too little room for a large one.
  const nodes = Math.ceil((2 * queues * suite.nominal) / NODE_GPUS);
  return {
    name: `kueue-${suite.name}`,
    title: "Kueue's performance suite",
    seed: '1',
    startEpochSeconds: 0,
    utcOffsetMinutes: 0,
    durationUs: Infinity,
    warmUpUs: 0,
    policy: { name: 'kueue', args: { admissionsPerSecond, placement: 'bestfit' } },
    pools: [{ name: 'default', gpuModel: '', gpuMemoryMiB: 1, priceMicroUsd: 0, spot: false }],
    nodes: nodeColumns([{ pool: 0, count: nodes, gpus: NODE_GPUS }]),
    migLayouts: [],
    migProfiles: [],
    departments: Array.from({ length: suite.cohorts }, (_, c) => ({ name: `cohort-${c}`, parent: -1 })),
    projects: names.map((name, q) => ({
      name,
      department: Math.floor(q / suite.queuesPerCohort),
      deservedGpus: [suite.nominal],
      overQuotaWeight: 1,
      maxOverQuotaGpus: suite.borrowingLimit,
      priority: 100,
      chargebackLabel: '',
    })),
    users: [],
    jobs: jobs.build(),
    poolLists: [[0]],
    speedProfiles: [],
    fixedCosts: [],
    assumptions: [],
    kueue: {
      flavors: [{ name: 'rf', pools: [0] }],
      cohorts: Array.from({ length: suite.cohorts }, (_, c) => ({
        name: `cohort-${c}`,
        parent: -1,
        quotas: [],
        weight: 1,
      })),
      clusterQueues: names.map((name, q) => ({
        name,
        project: q,
        cohort: Math.floor(q / suite.queuesPerCohort),
        groups: [{ resources: ['gpu'], flavors: [0] }],
        quotas: [
          {
            flavor: 0,
            resource: 'gpu',
            nominal: suite.nominal,
            borrowingLimit: suite.borrowingLimit,
            lendingLimit: Infinity,
          },
        ],
        weight: 1,
        reclaimWithinCohort: 'Any',
        withinClusterQueue: 'LowerPriority',
      })),
    },
  };
}

export interface Replay {
  wallSeconds: number;
  waitSeconds: Record<WorkloadClass['name'], number>;
  usagePercent: number;
  preemptions: number;
  unfinished: number;
  /** Ours. */
  ownSeconds: number;
}

export function replay(suite: Suite, admissionsPerSecond: number): Replay {
  const scenario = suiteScenario(suite, admissionsPerSecond);
  const from = performance.now();
  const run = simulate(scenario);
  const ownSeconds = (performance.now() - from) / 1000;
  return { ...measured(suite, scenario, run), ownSeconds };
}

/** From the first workload's creation on; time to admission of the last admission, as the suite's recorder has it. */
function measured(suite: Suite, scenario: Scenario, run: Run): Omit<Replay, 'ownSeconds'> {
  const { jobs } = scenario;
  const sum = { large: 0, medium: 0, small: 0 };
  const count = { large: 0, medium: 0, small: 0 };
  let preemptions = 0;
  let unfinished = 0;
  for (let j = 0; j < jobs.count; j++) {
    const name = jobs.ids[j].split('-')[0] as WorkloadClass['name'];
    // Without start-up, what is left of its last run is all of its work.
    sum[name] += run.jobs.endUs[j] - jobs.durationUs[j] - jobs.submitUs[j];
    count[name]++;
    preemptions += run.jobs.preemptions[j];
    if (JOB_STATUS[run.jobs.status[j]] !== 'completed') unfinished++;
  }
  const wallUs = run.simulatedUs - jobs.submitUs[0];
  let busy = 0n;
  for (const entry of run.entries) if (entry.project >= 0) busy += entry.amount;
  const quota = suite.cohorts * suite.queuesPerCohort * suite.nominal;
  return {
    wallSeconds: wallUs / 1e6,
    waitSeconds: {
      large: sum.large / count.large / 1e6,
      medium: sum.medium / count.medium / 1e6,
      small: sum.small / count.small / 1e6,
    },
    usagePercent: (Number(busy) / GPU_UNITS / wallUs / quota) * 100,
    preemptions,
    unfinished,
  };
}

/**
 * The slowest controller that is through with the suite in the published time, admissions a second. The baseline's wall
 * time does not tell faster ones apart: from 47 to 54 a second it stays between 338 and 366 s, as quota binds by then.
 */
export function fittedSpeed(suite: Suite): number {
  let slow = suite.classes.reduce((sum, { count }) => sum + count, 0) * suite.cohorts * suite.queuesPerCohort;
  // Slower than this and the admissions alone take longer than the whole run did.
  slow /= suite.published.wallSeconds;
  let fast = 2 * slow;
  for (const step = 0.5; slow + step < fast; ) {
    if (replay(suite, slow + step).wallSeconds <= suite.published.wallSeconds) {
      fast = slow + step;
      break;
    }
    slow += step;
  }
  for (let i = 0; i < 3; i++) {
    const middle = (slow + fast) / 2;
    if (replay(suite, middle).wallSeconds <= suite.published.wallSeconds) fast = middle;
    else slow = middle;
  }
  return fast;
}

/** What the issue asks of the prediction, in percent of the published wall time. */
const TOLERANCE_PERCENT = 15;

export function kueueRows(): PeerRow[] {
  const speed = fittedSpeed(BASELINE);
  return [rowOf(BASELINE, speed, 'fitted'), rowOf(LARGE, speed, 'predicted')];
}

function rowOf(suite: Suite, speed: number, how: 'fitted' | 'predicted'): PeerRow {
  const ours = replay(suite, speed);
  const { published } = suite;
  const { large, medium, small } = ours.waitSeconds;
  const off = Math.abs(ours.wallSeconds / published.wallSeconds - 1) * 100;
  const seconds = (value: number) => `${Math.round(value * 10) / 10}`;
  const waits = (of: Replay['waitSeconds']) => `${seconds(of.large)}/${seconds(of.medium)}/${seconds(of.small)} s`;
  return {
    peer: 'kueue',
    case: suite.name,
    policy: 'kueue',
    jobs: suite.cohorts * suite.queuesPerCohort * suite.classes.reduce((sum, { count }) => sum + count, 0),
    equal: null,
    maxDifference: off,
    unit: '% of wall time',
    modules: ['sim/policy/kueue', 'sim/policy/packing/bestfit', 'sim/cluster'],
    wallSeconds: ours.ownSeconds,
    peerWallSeconds: published.wallSeconds,
    pass: off <= TOLERANCE_PERCENT && large < medium && medium < small && ours.unfinished === 0,
    note:
      `${how} at ${seconds(speed)} admissions/s: simulated wall ${seconds(ours.wallSeconds)} s; waits large/medium/small ` +
      `${waits(ours.waitSeconds)}, published ${waits(published.waitSeconds)}; quota in use ` +
      `${seconds(ours.usagePercent)} %, published ${published.usagePercent} % with the test runner's own delays`,
  };
}
