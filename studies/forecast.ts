/**
 * When a waiting job will start: a Monte Carlo forecast from the present state. Each sample draws how long everything that
 * runs and waits will take, and who else will come, and simulates the cluster's own policy until the job starts. The same
 * seed gives the same samples, and two variants of a job see the same futures (common random numbers). Times in µs.
 */
import { openStream, type Stream } from '../sim/engine/random.ts';
import {
  DAY_US,
  HOUR_US,
  JOB_CLASSES,
  type JobSpec,
  JobsBuilder,
  type PolicyFactory,
  type Scenario,
  Simulation,
} from '../sim/simulate.ts';
import { type AskedJob, type Durations, durationsOf } from './forecast-durations.ts';

/** A cluster at a moment. The scenario's time 0 is now; its jobs are those that run and those that wait. */
export interface Present {
  scenario: Scenario;
  /** By job: how long it has run; -1 = it waits. */
  ranUs: Float64Array;
  /** The job that is asked about; it waits. */
  target: number;
}

/** What is known of the past of the same cluster: a scenario with the same pools and projects. */
export interface Past {
  scenario: Scenario;
  /** Jobs that have ended, in the order in which they did. */
  durations: Durations;
  /** Jobs that were submitted before now, ascending by submission: who may come again. */
  arrivals: { from: number; to: number };
  /** Now on the past's clock, for the time of day. */
  nowUs: number;
  /** Share of the arrivals that come again, evenly thinned out; absent = all. */
  keep?: number;
}

export interface ForecastOptions {
  samples: number;
  seed: string;
  past?: Past;
  policy?: PolicyFactory;
  /** How far it looks, µs. */
  horizonUs?: number;
  /** Once so many jobs have been simulated, all samples together, no further sample is begun, if there are `FEWEST_SAMPLES`. */
  mostJobs?: number;
  /** Changes the job that is asked about, or the jobs beside it. */
  change?(spec: JobSpec, job: number): JobSpec | null;
  onSample?(done: number): void;
  /** For each sample in which the job starts: the job of the present whose end was the last before, -1 = nobody's. */
  onStart?(endedLast: number): void;
}

export const DEFAULT_HORIZON_US = 60 * DAY_US;
/** Waiting jobs come a moment later than running ones, which so take their places first. */
const WAITING_FROM_US = 1000;
/** How far ahead arrivals are drawn at first; if the job has not started by then, so many times as far. */
const [FIRST_LOOK_US, FURTHER] = [6 * HOUR_US, 4];

/** A band of fewer is a guess. */
export const FEWEST_SAMPLES = 10;

/** Waits of the job from now on, ascending, µs; Infinity = not within the horizon. */
export function forecastWaits(present: Present, options: ForecastOptions): Float64Array {
  return sampledWaits(present, options).sort();
}

/** The same by sample, as many as `mostJobs` allows: sample n of two forecasts sees the same future. */
export function sampledWaits(present: Present, options: ForecastOptions): Float64Array {
  const { samples, mostJobs = Infinity } = options;
  const waits: number[] = [];
  let jobs = 0;
  while (waits.length < samples && (jobs < mostJobs || waits.length < FEWEST_SAMPLES)) {
    const sampled = sampleWait(present, options, waits.length);
    waits.push(sampled.wait);
    jobs += sampled.jobs;
    options.onSample?.(waits.length);
  }
  return Float64Array.from(waits);
}

function sampleWait(present: Present, options: ForecastOptions, sample: number): { wait: number; jobs: number } {
  const horizonUs = options.horizonUs ?? DEFAULT_HORIZON_US;
  let simulated = 0;
  const hasArrivals = options.past !== undefined;
  for (let lookUs = hasArrivals ? Math.min(FIRST_LOOK_US, horizonUs) : horizonUs; ; lookUs *= FURTHER) {
    const untilUs = Math.min(lookUs, horizonUs);
    const { scenario, target } = future(present, options, sample, untilUs);
    const { wait, endedLast } = startOf(scenario, target, options.policy);
    simulated += scenario.jobs.count;
    if (wait === Infinity && untilUs < horizonUs) continue;
    if (wait !== Infinity) options.onStart?.(endedLast === '' ? -1 : present.scenario.jobs.ids.indexOf(endedLast));
    return { wait, jobs: simulated };
  }
}

/** One way in which things may go on until `untilUs`. */
function future(
  { scenario, ranUs, target }: Present,
  { seed, past, change }: ForecastOptions,
  sample: number,
  untilUs: number,
): { scenario: Scenario; target: number } {
  const { jobs } = scenario;
  const builder = new JobsBuilder();
  const durations = past?.durations ?? durationsOf([]);
  let targetId = '';
  for (let job = 0; job < jobs.count; job++) {
    // A stream for each job: whatever changes about the others, it draws the same.
    const stream = openStream(seed, `forecast/${sample}/${jobs.ids[job]}`);
    const runs = ranUs[job] >= 0;
    const durationUs =
      jobs.durationUs[job] === Infinity ? Infinity : durations.draw(askedOf(scenario, job, ranUs[job]), stream);
    const spec = specOf(scenario, job);
    const left = runs
      ? {
          submitUs: 0,
          durationUs: durationUs - ranUs[job],
          limitUs: jobs.limitUs[job] > 0 ? Math.max(durationUs - ranUs[job], jobs.limitUs[job] - ranUs[job]) : 0,
        }
      : { submitUs: WAITING_FROM_US, durationUs };
    const changed = change === undefined ? { ...spec, ...left } : change({ ...spec, ...left }, job);
    if (changed === null) continue;
    if (job === target) targetId = changed.id;
    builder.add(changed);
  }
  // Numbers of pool lists and users are each scenario's own.
  const apart = past !== undefined && past.scenario.users !== scenario.users;
  const shift = apart ? { lists: scenario.poolLists.length, users: scenario.users.length } : { lists: 0, users: 0 };
  if (past !== undefined) addArrivals(builder, past, openStream(seed, `forecast/${sample}/arrivals`), untilUs, shift);
  const columns = builder.build();
  return {
    scenario: {
      ...scenario,
      ...(apart && {
        poolLists: [...scenario.poolLists, ...past.scenario.poolLists],
        users: [...scenario.users, ...past.scenario.users],
      }),
      jobs: columns,
      durationUs: untilUs,
      warmUpUs: 0,
      seed: `${seed}/${sample}`,
    },
    target: columns.ids.indexOf(targetId),
  };
}

/**
 * Arrivals as they came at this time of day on some day of the past (a block bootstrap): bursts, users and sizes stay
 * together. The past is a circle, so that a window may be longer than what is left of it.
 */
function addArrivals(
  builder: JobsBuilder,
  past: Past,
  stream: Stream,
  untilUs: number,
  shift: { lists: number; users: number },
): void {
  const { scenario, arrivals, nowUs, keep = 1 } = past;
  const { submitUs, ids } = scenario.jobs;
  if (arrivals.to - arrivals.from < 2) return;
  const first = submitUs[arrivals.from];
  // A gap as long as the mean one closes the circle.
  const count = arrivals.to - arrivals.from;
  const span = ((submitUs[arrivals.to - 1] - first) * count) / (count - 1) || HOUR_US;
  const days = Math.floor(span / DAY_US);
  const phase = (((nowUs - first) % DAY_US) + DAY_US) % DAY_US;
  const offset = days >= 2 ? (stream.integer(days) * DAY_US + phase) % span : stream.next() * span;
  let job = arrivals.from;
  while (job < arrivals.to && submitUs[job] < first + offset) job++;
  for (let round = 0, added = 0; added < MOST_ARRIVALS; job++, added++) {
    if (job === arrivals.to) {
      job = arrivals.from;
      round++;
    }
    const at = submitUs[job] - first + round * span - offset;
    if (at >= untilUs) return;
    if (Math.floor((job + 1) * keep) === Math.floor(job * keep)) continue;
    const spec = specOf(scenario, job);
    builder.add({
      ...spec,
      id: `arrival ${added} ${ids[job]}`,
      submitUs: Math.round(Math.max(at, WAITING_FROM_US + 1)),
      poolList: (spec.poolList ?? 0) + shift.lists,
      user: spec.user === undefined || spec.user < 0 ? -1 : spec.user + shift.users,
    });
  }
}

const MOST_ARRIVALS = 200_000;

/** When the job starts, less its moment of submission (Infinity = not by the scenario's end), and who ended last before. */
function startOf(
  scenario: Scenario,
  target: number,
  policy: PolicyFactory | undefined,
): { wait: number; endedLast: string } {
  const simulation = new Simulation(scenario, { policy });
  const { firstStartUs, endUs } = simulation.jobs;
  for (let until = HOUR_US; ; until = Math.ceil(until * 1.3)) {
    simulation.run(until);
    const start = firstStartUs[target];
    if (start >= 0) {
      let last = -1;
      for (let job = 0; job < scenario.jobs.count; job++)
        if (endUs[job] >= 0 && endUs[job] <= start && (last < 0 || endUs[job] > endUs[last])) last = job;
      return { wait: start <= WAITING_FROM_US ? 0 : start, endedLast: last < 0 ? '' : scenario.jobs.ids[last] };
    }
    if (until >= scenario.durationUs) return { wait: Infinity, endedLast: '' };
  }
}

// ── jobs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export function gpusOf({ jobs }: Scenario, job: number): number {
  let gpus = 0;
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) gpus += jobs.taskGpus[task];
  return gpus;
}

export function ownerOf({ jobs, users, projects }: Scenario, job: number): string {
  return jobs.user[job] < 0 ? projects[jobs.project[job]].name : users[jobs.user[job]];
}

export function askedOf(scenario: Scenario, job: number, ranUs: number): AskedJob {
  return {
    owner: ownerOf(scenario, job),
    gpus: gpusOf(scenario, job),
    limitUs: scenario.jobs.limitUs[job],
    ranUs: Math.max(0, ranUs),
  };
}

/** A job of a compiled scenario as it would be stated. Its duration is from start to end: start-up is not added. */
export function specOf({ jobs }: Scenario, job: number): JobSpec {
  const spec: JobSpec = {
    id: jobs.ids[job],
    project: jobs.project[job],
    user: jobs.user[job],
    class: JOB_CLASSES[jobs.class[job]],
    priority: jobs.priority[job],
    preemptible: jobs.preemptible[job] === 1,
    submitUs: jobs.submitUs[job],
    durationUs: jobs.durationUs[job],
    taskGpus: Array.from(jobs.taskGpus.subarray(jobs.taskStart[job], jobs.taskStart[job + 1])),
    limitUs: jobs.limitUs[job],
    poolList: jobs.poolList[job],
    shareMilli: jobs.shareMilli[job],
    gpuMemoryMiB: jobs.gpuMemoryMiB[job],
    migProfile: jobs.migProfile[job],
    cpuMilli: jobs.cpuMilli[job],
    memoryMiB: jobs.memoryMiB[job],
    useMilli: jobs.useMilli[job],
    checkpointEveryUs: jobs.checkpointEveryUs[job],
    checkpointOnPreempt: jobs.checkpointOnPreempt[job] === 1,
    restoreUs: jobs.restoreUs[job],
    graceUs: jobs.graceUs[job],
    maxAttempts: jobs.maxAttempts[job],
    minTasks: jobs.minTasks[job],
  };
  const sparse = {
    partition: jobs.partition.get(job),
    qos: jobs.qos.get(job),
    topologyRequired: jobs.topologyRequired.get(job),
    topologyPreferred: jobs.topologyPreferred.get(job),
  };
  for (const [key, value] of Object.entries(sparse)) if (value !== undefined) Object.assign(spec, { [key]: value });
  return spec;
}

/** The value that at least `q` of the ascending samples do not exceed. */
export function quantileOf(ascending: Float64Array, q: number): number {
  return ascending[Math.max(0, Math.ceil(q * ascending.length - 1e-9) - 1)];
}
