/**
 * `simsup when`: when will a job of a real cluster start, what blocks it, and what would make it start sooner. The state is
 * a scheduler's snapshot, or the state a log had when the job was submitted; the figures are a Monte Carlo forecast.
 */
import { counted } from '../reports/format.ts';
import { JOB_STATUS, type JobSpec, type PolicyFactory, Simulation } from '../sim/simulate.ts';
import { DEFAULT_HORIZON_US, gpusOf, type Past, type Present, quantileOf, sampledWaits, specOf } from './forecast.ts';
import { BAND, type Backcast, corrected, FEWEST_TO_CALIBRATE } from './forecast-history.ts';

export interface WhenInput {
  present: Present;
  past?: Past;
  /** Forecasts of past jobs and what came of them, to correct this one by. */
  backcasts?: readonly Backcast[];
  samples: number;
  seed: string;
  policy?: PolicyFactory;
  horizonUs?: number;
  /** Unix µs of now; undefined = nobody knows. */
  nowUs?: number;
  /** What the scheduler itself would say, in one sentence. */
  blockedBy: string | null;
  assumptions: readonly string[];
  warnings: readonly string[];
  /** Told after every sample. */
  onSample?(done: number, of: number): void;
}

/** Seconds from now; null = not within the horizon. */
export interface Band {
  p10: number | null;
  p50: number | null;
  p90: number | null;
}

export interface Alternative {
  what: string;
  kind: 'fewer gpus' | 'lower minimum' | 'other queue' | 'other pool' | 'without' | 'as it is';
  band: Band;
  /** Seconds that the median is sooner; null where neither is within the horizon. */
  soonerSeconds: number | null;
}

export interface When {
  job: string;
  queue: string;
  gpus: number;
  workers: number;
  seed: string;
  samples: number;
  horizonSeconds: number;
  now: string | null;
  wait: Band;
  /** ISO 8601; null where now is not known or the wait is beyond the horizon. */
  start: { p10: string | null; p50: string | null; p90: string | null };
  /** Share of futures in which it has started by then; before correction. */
  startedWithin: { seconds: number; share: number }[];
  blockedBy: string | null;
  /** Whose end lets it start, the most frequent first: share of the futures in which it starts at all. */
  waitsFor: { job: string; queue: string; gpus: number; ranSeconds: number | null; share: number }[];
  alternatives: Alternative[];
  /** `none`: the band is the simulation's own. */
  correction: { pastForecasts: number; simulated: Band } | null;
  assumptions: string[];
  warnings: string[];
}

const SECOND = 1e6;
const STEPS_S = [60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400];
const MOST_CULPRITS = 5;
const MOST_QUEUES = 5;
/** Variants of the job are judged by at most so many futures. */
const MOST_VARIED = 100;
/** Jobs that the forecast may simulate, and all its variants together: some seconds. */
const MOST_JOBS = 20_000;

export function when(input: WhenInput): When {
  const { present, samples, seed, past, policy, horizonUs = DEFAULT_HORIZON_US } = input;
  const { scenario, target } = present;
  const { jobs } = scenario;
  const options = { samples, seed, past, policy, horizonUs, mostJobs: MOST_JOBS };
  const variants = variantsOf(present);
  const few = Math.min(samples, MOST_VARIED);
  const total = samples + few * (variants.length + MOST_REMOVED);
  let done = 0;
  const onSample = () => input.onSample?.(++done, total);

  const ends = new Map<number, number>();
  const bySample = sampledWaits(present, {
    ...options,
    onSample,
    onStart: (job) => void ends.set(job, (ends.get(job) ?? 0) + 1),
  });
  const waits = bySample.toSorted();
  const started = waits.filter((wait) => wait < Infinity).length;
  const simulated = BAND.map((q) => quantileOf(waits, q));
  const past20 = input.backcasts !== undefined && input.backcasts.length >= FEWEST_TO_CALIBRATE;
  const correct = (band: number[]) =>
    past20 && band.every(Number.isFinite) ? corrected(band, input.backcasts ?? []) : band;
  const band = correct(simulated);

  const culprits = [...ends]
    .filter(([job]) => job >= 0)
    .sort(([a, m], [b, n]) => n - m || a - b)
    .slice(0, MOST_CULPRITS);
  const removals = culprits.slice(0, MOST_REMOVED).map(([job]) => ({
    what: `were ${jobs.ids[job]} to end now`,
    kind: 'without' as const,
    change: (spec: JobSpec, other: number) => (other === job ? null : spec),
  }));
  const changes = [...variants, ...removals];
  const mostJobs = MOST_JOBS / Math.max(1, changes.length);
  const alternatives = changes.map(({ what, kind, change }): Alternative => {
    const changed = sampledWaits(present, { ...options, samples: few, mostJobs, change, onSample }).sort();
    const own = BAND.map((q) => quantileOf(changed, q));
    // The same futures, and as many of them, so that no gain comes of the number of samples.
    const base = quantileOf(bySample.slice(0, changed.length).sort(), 0.5);
    const sooner =
      base === Infinity && own[1] === Infinity ? null : base === Infinity ? horizonUs - own[1] : base - own[1];
    return { what, kind, band: bandOf(correct(own)), soonerSeconds: sooner === null ? null : sooner / SECOND };
  });

  const clock = (us: number) =>
    input.nowUs === undefined || !Number.isFinite(us) ? null : new Date((input.nowUs + us) / 1000).toISOString();
  return {
    job: jobs.ids[target],
    queue: scenario.projects[jobs.project[target]].name,
    gpus: gpusOf(scenario, target),
    workers: jobs.taskStart[target + 1] - jobs.taskStart[target],
    seed,
    samples: waits.length,
    horizonSeconds: horizonUs / SECOND,
    now: clock(0),
    wait: bandOf(band),
    start: { p10: clock(band[0]), p50: clock(band[1]), p90: clock(band[2]) },
    startedWithin: [...STEPS_S.filter((s) => s * SECOND < horizonUs), horizonUs / SECOND].map((seconds) => ({
      seconds,
      share: waits.filter((wait) => wait <= seconds * SECOND).length / waits.length,
    })),
    blockedBy: input.blockedBy,
    waitsFor: culprits.map(([job, count]) => ({
      job: jobs.ids[job],
      queue: scenario.projects[jobs.project[job]].name,
      gpus: gpusOf(scenario, job),
      ranSeconds: present.ranUs[job] < 0 ? null : present.ranUs[job] / SECOND,
      share: count / Math.max(1, started),
    })),
    alternatives,
    correction:
      past20 && simulated.every(Number.isFinite)
        ? { pastForecasts: input.backcasts?.length ?? 0, simulated: bandOf(simulated) }
        : null,
    assumptions: [
      ...input.assumptions,
      ...(waits.length < samples
        ? [
            `${counted(waits.length, 'future')} instead of ${samples}, as each takes long to simulate: the band is rough.`,
          ]
        : []),
    ],
    warnings: [...input.warnings, ...placementWarning(present, policy)],
  };
}

const MOST_REMOVED = 2;

const bandOf = (us: readonly number[]): Band => {
  const [p10, p50, p90] = us.map((x) => (Number.isFinite(x) ? x / SECOND : null));
  return { p10, p50, p90 };
};

interface Variant {
  what: string;
  kind: Alternative['kind'];
  change(spec: JobSpec, job: number): JobSpec | null;
}

/** What its owner could ask for instead. */
function variantsOf({ scenario, target }: Present): Variant[] {
  const spec = specOf(scenario, target);
  const out: Variant[] = [];
  const add = (kind: Alternative['kind'], what: string, changes: Partial<JobSpec>) =>
    out.push({ kind, what, change: (own, job) => (job === target ? { ...own, ...changes } : own) });
  const workers = spec.taskGpus.length;
  const each = spec.taskGpus[0] ?? 0;
  for (const part of [2, 4]) {
    if (workers > 1 && workers / part >= 1) {
      const fewer = spec.taskGpus.slice(0, Math.ceil(workers / part));
      add('fewer gpus', `with ${fewer.length} of its ${workers} workers`, {
        taskGpus: fewer,
        minTasks: Math.min(spec.minTasks ?? workers, fewer.length),
      });
    } else if (workers === 1 && each / part >= 1) {
      const fewer = Math.ceil(each / part);
      add('fewer gpus', `with ${counted(fewer, 'GPU')} instead of ${each}`, { taskGpus: [fewer] });
    }
  }
  const minimum = spec.minTasks ?? workers;
  for (const least of new Set([Math.ceil(minimum / 2), 1]))
    if (least < minimum)
      add('lower minimum', `if it could begin with ${least} of its ${workers} workers`, { minTasks: least });
  const others = scenario.projects.map((_, p) => p).filter((p) => p !== spec.project);
  for (const project of others.slice(0, MOST_QUEUES))
    add('other queue', `in the queue ${scenario.projects[project].name}`, { project });
  const own = new Set(scenario.poolLists[spec.poolList ?? 0]);
  scenario.poolLists.forEach((pools, list) => {
    if (pools.some((pool) => !own.has(pool)))
      add('other pool', `on ${pools.map((pool) => scenario.pools[pool].name).join(' or ')}`, { poolList: list });
  });
  return out;
}

/** Jobs that run are placed anew at the start, by their sizes; if one finds no room the forecast is too late. */
function placementWarning({ scenario, ranUs }: Present, policy: PolicyFactory | undefined): string[] {
  const simulation = new Simulation(
    {
      ...scenario,
      jobs: { ...scenario.jobs, submitUs: scenario.jobs.submitUs.map((_, j) => (ranUs[j] >= 0 ? 0 : 1e12)) },
      durationUs: SECOND,
    },
    { policy },
  );
  simulation.run(0);
  const { status } = simulation.result().jobs;
  const waiting = JOB_STATUS.indexOf('pending');
  let [running, homeless] = [0, 0];
  ranUs.forEach((ran, job) => {
    if (ran < 0) return;
    running++;
    if (status[job] === waiting) homeless++;
  });
  return homeless === 0
    ? []
    : [
        `${homeless} of the ${running} running jobs find no room when they are placed anew from the largest free space on: they wait first in the simulation, and the forecast is rather late.`,
      ];
}
