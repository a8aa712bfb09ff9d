/**
 * The interval between checkpoints at which a job loses least: simulated, beside Young's and Daly's.
 *
 * The curve is flat near its best: what is looked for is the efficiency, and the range of intervals that cost next to
 * nothing against it.
 */

import type { StartupSpread } from '../sim/scenario.ts';
import { DAY_US, type Scenario, SECOND_US } from '../sim/simulate.ts';
import { type Efficiency, type RenewalJob, renewalEfficiency } from '../sim/world/checkpoints/renewal.ts';
import { aloneUs } from '../sim/world/storage/storage.ts';
import { dalyEfficiency, dalyInterval, youngInterval } from './daly.ts';
import { noticeUsOf } from './interruptions.ts';

/** What decides the interval, µs. */
export interface CheckpointCosts {
  stallUs: number;
  behindUs: number;
  restartUs: number;
  mtbfUs: number;
}

export interface CurvePoint extends Efficiency {
  intervalUs: number;
  /** Daly's formula at this interval, where the checkpoint is complete when the job goes on; null where it is not. */
  daly: number | null;
}

export interface CheckpointStudy {
  costs: CheckpointCosts;
  points: CurvePoint[];
  best: CurvePoint;
  young: CurvePoint;
  daly: CurvePoint;
  /** What the job does now; null where it writes none. */
  present: CurvePoint | null;
  /** Intervals that cost less than half a percent against the best. */
  goodFromUs: number;
  goodToUs: number;
}

export interface SearchEffort {
  /** Relative standard error of each point. */
  accuracy: number;
  mostRuns: number;
  /** Mean failures in one run. */
  failures: number;
}

export const NORMAL_EFFORT: SearchEffort = { accuracy: 0.001, mostRuns: 300, failures: 100 };

/** Intervals on either side of Young's, each so much longer than the one before. */
const STEP = 2 ** 0.25;
const STEPS_EACH_SIDE = 12;
const FLAT = 0.005;

/** Evaluates a grid around Young's interval, then closes in on the best by a parabola in the logarithm. */
export function studyCheckpoints(
  costs: CheckpointCosts,
  presentUs: number,
  seed: string,
  effort: SearchEffort = NORMAL_EFFORT,
): CheckpointStudy {
  const { stallUs, behindUs, mtbfUs } = costs;
  const cost = Math.max(stallUs, 1);
  const young = youngInterval(cost, mtbfUs);
  const daly = Math.max(1, dalyInterval(cost, mtbfUs));
  const known = new Map<number, CurvePoint>();
  const at = (intervalUs: number): CurvePoint => {
    const interval = Math.max(SECOND_US / 1000, Math.round(intervalUs));
    let point = known.get(interval);
    if (point === undefined) {
      point = pointAt(costs, interval, seed, effort);
      known.set(interval, point);
    }
    return point;
  };
  for (let i = -STEPS_EACH_SIDE; i <= STEPS_EACH_SIDE; i++) at(young * STEP ** i);
  // A best at the edge of the grid (long writes behind) moves the grid along.
  for (let more = 0; more < STEPS_EACH_SIDE; more++) {
    const sorted = ordered(known);
    const best = bestOf(sorted);
    if (best === sorted[0] && best.intervalUs > SECOND_US / 100) at(best.intervalUs / STEP);
    else if (best === sorted[sorted.length - 1]) at(best.intervalUs * STEP);
    else break;
  }
  const youngPoint = at(young);
  const dalyPoint = at(daly);
  const present = presentUs > 0 ? at(presentUs) : null;
  const refined = vertex(ordered(known));
  if (refined > 0) at(refined);
  const points = ordered(known);
  const best = bestOf(points);
  const good = points.filter((p) => p.mean >= best.mean * (1 - FLAT));
  return {
    costs: { ...costs, behindUs },
    points,
    best,
    young: youngPoint,
    daly: dalyPoint,
    present,
    goodFromUs: good[0].intervalUs,
    goodToUs: good[good.length - 1].intervalUs,
  };
}

function pointAt(costs: CheckpointCosts, intervalUs: number, seed: string, effort: SearchEffort): CurvePoint {
  const { stallUs, behindUs, restartUs, mtbfUs } = costs;
  // An interval far beyond the MTBF would have the same work begun again e^(τ/M) times.
  const expected = dalyEfficiency(intervalUs, stallUs, mtbfUs, restartUs);
  const workUs = Math.max(intervalUs, Math.round(effort.failures * mtbfUs * expected));
  const job: RenewalJob = { workUs, intervalUs, stallUs, behindUs, restartUs, mtbfUs };
  const hopeless = expected < 0.001;
  const found = hopeless
    ? { mean: expected, error: 0, runs: 0 }
    : renewalEfficiency(job, seed, effort.accuracy, effort.mostRuns);
  return { intervalUs, ...found, daly: behindUs === 0 ? expected : null };
}

function ordered(known: ReadonlyMap<number, CurvePoint>): CurvePoint[] {
  return [...known.values()].sort((a, b) => a.intervalUs - b.intervalUs);
}

function bestOf(points: readonly CurvePoint[]): CurvePoint {
  return points.reduce((best, p) => (p.mean > best.mean ? p : best));
}

/** Where a parabola through the points near the best (least squares, in the logarithm) is highest; 0 = nowhere. */
function vertex(points: readonly CurvePoint[]): number {
  const best = bestOf(points);
  const near = points.filter((p) => Math.abs(Math.log(p.intervalUs / best.intervalUs)) < 1);
  const s = [0, 0, 0, 0, 0];
  const t = [0, 0, 0];
  for (const p of near) {
    const x = Math.log(p.intervalUs / best.intervalUs);
    for (let k = 0; k < 5; k++) s[k] += x ** k;
    for (let k = 0; k < 3; k++) t[k] += p.mean * x ** k;
  }
  const det = (m: number[][]) =>
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
    m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
    m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  const b = det([
    [s[0], t[0], s[2]],
    [s[1], t[1], s[3]],
    [s[2], t[2], s[4]],
  ]);
  const c = det([
    [s[0], s[1], t[0]],
    [s[1], s[2], t[1]],
    [s[2], s[3], t[2]],
  ]);
  // The common determinant is positive: a maximum has c < 0.
  const x = c < 0 ? -b / (2 * c) : Number.NaN;
  return Math.abs(x) < 1 ? best.intervalUs * Math.exp(x) : 0;
}

// ── a scenario's job ────────────────────────────────────────────────────────────────────────────────────────────────

/** Failures of one node: the facts' default for a scenario that states none (arXiv 2410.21680: 2.34 to 6.5 per 1,000 node-days). */
export const NODE_FAULTS_ASSUMED = 0.005;

export interface JobCosts extends CheckpointCosts {
  job: number;
  gpus: number;
  nodes: number;
  /** Part of the restart: until the interruption is noticed and the job may start again. */
  noticeUs: number;
  /** What the job has now; 0 = none. */
  presentUs: number;
  /** Restarts differ; `restartUs` is the fixed time that costs as much. */
  varies: boolean;
}

/** The job named, or the training job with the most GPU-time. Gives a sentence if there is no such job. */
export function checkpointJob(scenario: Scenario, id: string | undefined): number | string {
  const { jobs } = scenario;
  if (id !== undefined) {
    const job = jobs.ids.indexOf(id);
    return job >= 0 ? job : `there is no job '${id}' in ${scenario.name}`;
  }
  let best = -1;
  let most = 0;
  for (let j = 0; j < jobs.count; j++) {
    if (jobs.class[j] !== 0 || jobs.durationUs[j] === Infinity) continue;
    const work = gpusOf(scenario, j) * jobs.durationUs[j];
    if (work > most) {
      most = work;
      best = j;
    }
  }
  return best >= 0 ? best : `${scenario.name} has no training job`;
}

function gpusOf({ jobs }: Scenario, job: number): number {
  let gpus = 0;
  for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) gpus += jobs.taskGpus[t];
  return gpus;
}

/** What a job's checkpoints cost by themselves, with a mean time between its failures that `perNodeDay` gives. */
export function costsOf(scenario: Scenario, job: number, perNodeDay: number, stated?: { mtbfUs?: number }): JobCosts {
  const { jobs, nodes, poolLists, storage } = scenario;
  const gpus = gpusOf(scenario, job);
  const pool = poolLists[jobs.poolList[job]][0];
  const perNode = nodes.gpus.reduce((most, g, n) => (nodes.pool[n] === pool ? Math.max(most, g) : most), 1);
  // A worker may fill a node or share it.
  const count = Math.max(1, Math.ceil(gpus / perNode));
  const plan = jobs.checkpoint?.get(job);
  let stallUs = jobs.checkpointStallUs[job];
  let behindUs = 0;
  let restartUs = jobs.startupUs[job] + jobs.restoreUs[job];
  if (plan !== undefined && storage !== undefined) {
    const spec = storage.fileSystems[plan.tier === 'shared' ? plan.fileSystem : plan.tierFileSystem];
    const far = spec.near !== undefined && !spec.near.includes(pool);
    const writeUs = aloneUs(spec, 'write', plan.bytes, count, far);
    stallUs = plan.asynchronous ? plan.stallUs : writeUs;
    behindUs = plan.asynchronous ? writeUs : 0;
    restartUs = jobs.startupUs[job] + aloneUs(spec, 'read', plan.bytes, count, far);
  }
  const noticeUs = noticeUsOf(scenario, job);
  restartUs += noticeUs;
  const mtbfUs = stated?.mtbfUs ?? Math.round(DAY_US / (perNodeDay * count));
  const spread = jobs.startupSpread?.get(job);
  if (spread !== undefined) restartUs = asFixed(restartUs - jobs.startupUs[job], jobs.startupUs[job], spread, mtbfUs);
  const presentUs = jobs.checkpointEveryUs[job];
  return {
    job,
    gpus,
    nodes: count,
    stallUs,
    behindUs,
    restartUs,
    mtbfUs,
    noticeUs,
    presentUs,
    varies: spread !== undefined,
  };
}

/**
 * The fixed restart time that costs as much as one of `fixedUs` + a lognormal start-up, drawn anew at each attempt: where
 * failures strike restarts, M·(e^(R/M) − 1) becomes M·(1/E[e^(−R/M)] − 1).
 */
function asFixed(fixedUs: number, medianUs: number, { sigma, mostUs }: StartupSpread, mtbfUs: number): number {
  let sum = 0;
  let weights = 0;
  for (let i = -1600; i <= 1600; i++) {
    const z = i / 200;
    const weight = Math.exp((-z * z) / 2);
    weights += weight;
    sum += weight * Math.exp(-(fixedUs + Math.min(mostUs, medianUs * Math.exp(sigma * z))) / mtbfUs);
  }
  return Math.round(-mtbfUs * Math.log(sum / weights));
}
