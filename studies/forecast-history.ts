/**
 * Forecasts learnt from a log, and judged by it: the state as it was when a job of the log was submitted, what was known by
 * then, and how forecasts made so compare with the recorded starts. Times in µs.
 */
import { HOUR_US, MINUTE_US, type PolicyFactory, type Scenario } from '../sim/simulate.ts';
import { forecastWaits, gpusOf, ownerOf, type Past, type Present, quantileOf } from './forecast.ts';
import { durationsOf, type EndedJob } from './forecast-durations.ts';

export interface History {
  /** The log compiled on the cluster. */
  scenario: Scenario;
  /** By job: its recorded start on the scenario's clock; NaN = not recorded. */
  startUs: Float64Array;
}

export function historyOf(scenario: Scenario, waits: ReadonlyMap<string, number>): History {
  const { jobs } = scenario;
  const startUs = Float64Array.from(jobs.ids, (id, job) => {
    const wait = waits.get(id);
    return wait === undefined || wait < 0 ? Number.NaN : jobs.submitUs[job] + wait;
  });
  return { scenario, startUs };
}

/** When a job ended by the log; a job whose start is not recorded counts as started at once. */
const endOf = ({ scenario, startUs }: History, job: number): number =>
  (Number.isNaN(startUs[job]) ? scenario.jobs.submitUs[job] : startUs[job]) + scenario.jobs.durationUs[job];

/** What was known at a moment: jobs ended by then, arrivals until then. */
export function pastBefore(history: History, nowUs: number): Past {
  const { scenario } = history;
  const { jobs } = scenario;
  const ended: { at: number; job: EndedJob }[] = [];
  let to = 0;
  for (let job = 0; job < jobs.count && jobs.submitUs[job] < nowUs; job++) {
    to = job + 1;
    const at = endOf(history, job);
    if (at > nowUs) continue;
    ended.push({
      at,
      job: {
        owner: ownerOf(scenario, job),
        gpus: gpusOf(scenario, job),
        durationUs: jobs.durationUs[job],
        limitUs: jobs.limitUs[job],
      },
    });
  }
  ended.sort((a, b) => a.at - b.at);
  return { scenario, durations: durationsOf(ended.map(({ job }) => job)), arrivals: { from: 0, to }, nowUs };
}

/** The cluster as it was when `job` was submitted, by the log: what ran, what waited, and the job itself, last in line. */
export function presentAt({ scenario, startUs }: History, job: number): Present {
  const { jobs } = scenario;
  const nowUs = jobs.submitUs[job];
  const chosen: number[] = [];
  for (let other = 0; other < job; other++) {
    const start = startUs[other];
    // Without a start nobody knows whether it ran or waited.
    if (Number.isNaN(start)) continue;
    if (start > nowUs || start + jobs.durationUs[other] > nowUs) chosen.push(other);
  }
  chosen.push(job);
  const runs = (other: number) => other !== job && startUs[other] <= nowUs;
  const order = [...chosen.filter(runs), ...chosen.filter((other) => !runs(other))];
  return {
    scenario: { ...scenario, jobs: picked(scenario, order) },
    ranUs: Float64Array.from(order, (other) => (runs(other) ? nowUs - startUs[other] : -1)),
    target: order.length - 1,
  };
}

/** Only these jobs, in this order. */
function picked({ jobs }: Scenario, order: readonly number[]): Scenario['jobs'] {
  const taskStart = new Int32Array(order.length + 1);
  const tasks: number[] = [];
  order.forEach((job, i) => {
    tasks.push(...jobs.taskGpus.subarray(jobs.taskStart[job], jobs.taskStart[job + 1]));
    taskStart[i + 1] = tasks.length;
  });
  const out: Record<string, unknown> = { ...jobs };
  for (const [key, column] of Object.entries(jobs)) {
    if (column instanceof Map) {
      const kept = order.flatMap((job, i) => (column.has(job) ? [[i, column.get(job)] as const] : []));
      out[key] = new Map(kept);
    } else if (Array.isArray(column) && column.length === jobs.count) out[key] = order.map((job) => column[job]);
    else if (ArrayBuffer.isView(column) && (column as Float64Array).length === jobs.count) {
      const typed = column as Float64Array;
      out[key] = (typed.constructor as Float64ArrayConstructor).from(order, (job) => typed[job]);
    }
  }
  const none = {
    afterStart: new Int32Array(order.length + 1),
    afterJob: new Int32Array(0),
    afterCondition: new Uint8Array(0),
  };
  return {
    ...(out as unknown as Scenario['jobs']),
    ...none,
    count: order.length,
    taskStart,
    taskGpus: Uint8Array.from(tasks),
  };
}

// ── judged by the log ─────────────────────────────────────────────────────────────────────────────────────────────

export const BAND = [0.1, 0.5, 0.9] as const;

/** A forecast of a job of the log and what came of it; waits in µs. */
export interface Backcast {
  job: number;
  submitUs: number;
  /** When it was known. */
  startedUs: number;
  /** p10, p50, p90. */
  band: number[];
  actual: number;
}

export interface BackcastOptions {
  samples: number;
  seed: string;
  policy?: PolicyFactory;
  /** Of each forecast, as `ForecastOptions` has it. */
  mostJobs?: number;
  onDone?(done: number): void;
}

/** Forecasts of these jobs, each from what was known when it was submitted. */
export function backcasts(history: History, jobs: readonly number[], options: BackcastOptions): Backcast[] {
  const { scenario, startUs } = history;
  return jobs.map((job, i) => {
    const submitUs = scenario.jobs.submitUs[job];
    const waits = forecastWaits(presentAt(history, job), {
      samples: options.samples,
      seed: `${options.seed}/${job}`,
      policy: options.policy,
      mostJobs: options.mostJobs,
      past: pastBefore(history, submitUs),
    });
    options.onDone?.(i + 1);
    return {
      job,
      submitUs,
      startedUs: startUs[job],
      band: BAND.map((q) => Math.min(quantileOf(waits, q), FAR_US)),
      actual: startUs[job] - submitUs,
    };
  });
}

/** Beyond the horizon. */
const FAR_US = 60 * 24 * HOUR_US;

/** Jobs of the log with a recorded start, `count` of them evenly spread between two moments. */
export function spread({ scenario, startUs }: History, count: number, fromUs: number, toUs: number): number[] {
  const { submitUs } = scenario.jobs;
  const able: number[] = [];
  for (let job = 0; job < submitUs.length; job++)
    if (submitUs[job] >= fromUs && submitUs[job] < toUs && !Number.isNaN(startUs[job])) able.push(job);
  if (able.length <= count) return able;
  return Array.from({ length: count }, (_, i) => able[Math.floor(((i + 0.5) * able.length) / count)]);
}

// ── calibration ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Waits below this are all short: errors are ratios of waits with it added. */
const SHORT_US = 5 * MINUTE_US;
const toLog = (us: number) => Math.log(us + SHORT_US);
const fromLog = (x: number) => Math.max(0, Math.exp(x) - SHORT_US);

/** Fewer forecasts than this cannot correct others. */
export const FEWEST_TO_CALIBRATE = 20;

/**
 * Corrects a forecast by how far forecasts of the past were off: each quantile is moved, on a logarithmic scale, by as much
 * as makes it hold for the share of past jobs that it should (conformalized quantile regression, Romano et al., NeurIPS
 * 2019, each quantile by itself). What no simulation can know of a cluster (holds, limits, work that is in no log) shows in
 * its past forecasts' errors, and so is in the band. Returns the band as it is where there are too few.
 */
export function corrected(band: readonly number[], past: readonly Backcast[]): number[] {
  if (past.length < FEWEST_TO_CALIBRATE) return [...band];
  const moved = band.map((value, i) => {
    const errors = Float64Array.from(past, (p) => toLog(p.actual) - toLog(p.band[i])).sort();
    return fromLog(toLog(value) + conformal(errors, BAND[i]));
  });
  return moved.sort((a, b) => a - b);
}

/** The quantile of n values and the one to come: outwards by one rank, as n values are too few to be sure. */
function conformal(ascending: Float64Array, q: number): number {
  const n = ascending.length;
  const rank = q < 0.5 ? Math.floor(q * (n + 1)) : Math.ceil(q * (n + 1));
  return ascending[Math.min(n - 1, Math.max(0, rank - 1))];
}

export interface Calibration {
  jobs: number;
  /** Share of recorded waits at most p10, p50, p90, and inside the band. */
  below: number[];
  inside: number;
  /** Mean pinball loss over the three quantiles on a logarithmic scale, less than that of the past's own quantiles as a share; 0 = no better. */
  skill: number;
}

/** Of forecasts in the order of submission; `reference` are bands that know nothing but past waits. */
export function calibrationOf(made: readonly Backcast[], reference: readonly number[][]): Calibration {
  const n = made.length;
  const share = (holds: (b: Backcast) => boolean) => made.filter(holds).length / n;
  const loss = (bands: readonly (readonly number[])[]) =>
    made.reduce(
      (sum, { actual }, i) =>
        sum + bands[i].reduce((s, value, k) => s + pinball(toLog(actual) - toLog(value), BAND[k]), 0),
      0,
    );
  return {
    jobs: n,
    below: BAND.map((_, i) => share(({ actual, band }) => actual <= band[i])),
    inside: share(({ actual, band }) => actual >= band[0] && actual <= band[2]),
    skill: 1 - loss(made.map(({ band }) => band)) / loss(reference),
  };
}

const pinball = (error: number, q: number) => (error >= 0 ? q * error : (q - 1) * error);

/**
 * Each of the forecasts corrected by those before it whose start was known when it was made, the latest `window` of them;
 * those with too few before them are left out. Beside it the band of the waits that were known by then.
 */
export function rolling(made: readonly Backcast[], window: number): { made: Backcast[]; reference: number[][] } {
  const out: Backcast[] = [];
  const reference: number[][] = [];
  for (const forecast of made) {
    const known = made.filter(({ startedUs }) => startedUs <= forecast.submitUs).slice(-window);
    if (known.length < FEWEST_TO_CALIBRATE) continue;
    out.push({ ...forecast, band: corrected(forecast.band, known) });
    const waits = Float64Array.from(known, ({ actual }) => actual).sort();
    reference.push(BAND.map((q) => quantileOf(waits, q)));
  }
  return { made: out, reference };
}
