/**
 * Forecasts of waits (`when`) and replays of logs (`backtest`): against closed forms, against worlds of our own making whose
 * rules are known, and against the recorded starts of a real cluster, on parts of its log that the forecast has not seen.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { columnsOf } from '../../scenarios/import/importer.ts';
import { compileLog, type RecordedLog } from '../../scenarios/import/log.ts';
import { swf } from '../../scenarios/import/swf.ts';
import { jobsCsvHeader, jobsCsvLine, LOG_COLUMNS } from '../../scenarios/jobs-csv.ts';
import { openStream } from '../../sim/engine/random.ts';
import { exponential, lognormalFromMedian } from '../../sim/engine/samplers.ts';
import {
  HOUR_US,
  type JobSpec,
  jobColumns,
  MINUTE_US,
  nodeColumns,
  POLICIES,
  type Scenario,
  SECOND_US,
  simulate,
} from '../../sim/simulate.ts';
import { backtest, spearman } from '../../studies/backtest.ts';
import { forecastWaits, type Past, type Present, quantileOf } from '../../studies/forecast.ts';
import { durationsOf } from '../../studies/forecast-durations.ts';
import {
  BAND,
  backcasts,
  calibrationOf,
  type History,
  historyOf,
  pastBefore,
  presentAt,
  rolling,
  spread,
} from '../../studies/forecast-history.ts';
import { type Claim, type ClaimGroup, commandFor, type Effort } from './claim.ts';
import { shipped } from './shipped.ts';

type Row = Pick<Claim, 'id' | 'source' | 'unit' | 'expected' | 'got' | 'tolerance'>;

function claim({ id, expected, got, tolerance, ...row }: Row, pass?: boolean): Claim {
  const holds = Math.abs((got as number) - (expected as number)) <= (tolerance ?? 0);
  return {
    ...row,
    id: `forecast/${id}`,
    group: 'forecast',
    expected,
    got,
    tolerance,
    pass: pass ?? holds,
    command: commandFor('forecast'),
  };
}

// ── closed form ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Times with an exponential distribution of mean 1 h, as its own quantiles: no luck of a draw in them. */
const EXPONENTIAL = Array.from({ length: 1000 }, (_, i) => Math.round(-Math.log(1 - (i + 0.5) / 1000) * HOUR_US));

/** Quantiles of the Erlang distribution with mean k (k phases of mean 1): P(X ≤ x) = 1 − Σ e^−x x^i / i!. */
export function erlangQuantile(phases: number, q: number): number {
  let [low, high] = [0, 100];
  for (let step = 0; step < 60; step++) {
    const x = (low + high) / 2;
    let [term, sum] = [Math.exp(-x), 0];
    for (let i = 0; i < phases; i++) {
      sum += term;
      term *= x / (i + 1);
    }
    if (1 - sum < q) low = x;
    else high = x;
  }
  return low;
}

const PLAIN: Omit<Scenario, 'nodes' | 'jobs' | 'name' | 'policy' | 'seed'> = {
  title: '',
  startEpochSeconds: 0,
  utcOffsetMinutes: 0,
  durationUs: Infinity,
  warmUpUs: 0,
  pools: [{ name: 'gpus', gpuModel: '', gpuMemoryMiB: 0, priceMicroUsd: 0, spot: false }],
  migLayouts: [],
  migProfiles: [],
  departments: [{ name: 'all', parent: -1 }],
  projects: [
    {
      name: 'all',
      department: 0,
      deservedGpus: [-1],
      overQuotaWeight: 1,
      maxOverQuotaGpus: -1,
      priority: 100,
      chargebackLabel: '',
    },
  ],
  users: [],
  poolLists: [[0]],
  speedProfiles: [],
  fixedCosts: [],
  assumptions: [],
};

function world(name: string, gpus: number, jobs: JobSpec[], users: string[], policy: Scenario['policy']): Scenario {
  const nodes = nodeColumns([{ pool: 0, count: gpus, gpus: 1 }]);
  return { ...PLAIN, name, seed: '1', nodes, jobs: jobColumns(jobs), users, policy };
}

/** One GPU; one job runs, having run for a while, and `ahead` wait: without memory each phase begins anew. */
function erlangClaims({ quick }: Effort): Claim[] {
  const ended = EXPONENTIAL.map((durationUs) => ({ owner: 'all', gpus: 1, durationUs, limitUs: 0 }));
  return [0, 3].flatMap((ahead) => {
    const jobs = Array.from({ length: ahead + 2 }, (_, j) => ({
      id: `job-${j}`,
      project: 0,
      submitUs: 0,
      durationUs: HOUR_US,
      taskGpus: [1],
    }));
    const scenario = world('one server', 1, jobs, [], { name: 'fifo', args: {} });
    const ranUs = Float64Array.from(jobs, (_, j) => (j === 0 ? 1.5 * HOUR_US : -1));
    const past: Past = { scenario, durations: durationsOf(ended), arrivals: { from: 0, to: 0 }, nowUs: 0 };
    const waits = forecastWaits(
      { scenario, ranUs, target: ahead + 1 },
      { samples: quick ? 1000 : 2500, seed: 'erlang', past },
    );
    return BAND.map((q) => {
      const expected = erlangQuantile(ahead + 1, q);
      // Four standard errors of a sample's quantile, and a part for the past's being 1,000 jobs.
      const density = erlangDensity(ahead + 1, expected);
      const tolerance = (4 * Math.sqrt((q * (1 - q)) / waits.length)) / density + 0.02 * expected;
      return claim({
        id: `erlang-${ahead + 1}-p${Math.round(100 * q)}`,
        source: `one server, first come first served, exponential times: Erlang with ${ahead + 1} phase${ahead === 0 ? '' : 's'}`,
        unit: 'mean run times',
        expected,
        got: quantileOf(waits, q) / HOUR_US,
        tolerance,
      });
    });
  });
}

function erlangDensity(phases: number, x: number): number {
  let density = Math.exp(-x);
  for (let i = 1; i < phases; i++) density *= x / i;
  return density;
}

// ── a world whose rules are known ─────────────────────────────────────────────────────────────────────────────────

/** Users with habits of their own keep a cluster busy to 80 %; limits are one to four times what a job takes. */
function generatedLog(jobs: number): { scenario: Scenario; waits: Map<string, number> } {
  const stream = openStream('forecast', 'world');
  const users = Array.from({ length: 12 }, (_, u) => `user-${u}`);
  const habits = users.map(() => ({
    medianUs: lognormalFromMedian(stream, 40 * MINUTE_US, 1),
    gpus: 2 ** stream.integer(5),
  }));
  const specs: JobSpec[] = [];
  let at = 0;
  for (let job = 0; job < jobs; job++) {
    at += exponential(stream, 10.5 * MINUTE_US);
    const user = stream.integer(users.length);
    const durationUs = Math.round(
      Math.min(24 * HOUR_US, Math.max(MINUTE_US, lognormalFromMedian(stream, habits[user].medianUs, 1))),
    );
    const limitUs = Math.ceil((durationUs * (1 + 3 * stream.next())) / MINUTE_US) * MINUTE_US;
    specs.push({
      id: String(job),
      project: 0,
      user,
      submitUs: Math.round(at),
      durationUs,
      limitUs,
      taskGpus: Array(habits[user].gpus).fill(1),
    });
  }
  const gpuUs = specs.reduce((sum, { durationUs, taskGpus }) => sum + durationUs * taskGpus.length, 0);
  const scenario = world('world', Math.ceil(gpuUs / at / 0.8), specs, users, {
    name: 'fifo-backfill',
    args: { estimate: 'limit' },
  });
  const { firstStartUs } = simulate(scenario).jobs;
  const waits = new Map(scenario.jobs.ids.map((id, job) => [id, firstStartUs[job] - scenario.jobs.submitUs[job]]));
  return { scenario, waits };
}

/** Where the true wait falls in the forecast's distribution: uniform on 0..1 if the forecast is right; ties by lot. */
function positions(history: History, jobs: readonly number[], samples: number): number[] {
  const lots = openStream('forecast', 'ties');
  return jobs.map((job) => {
    const { submitUs } = history.scenario.jobs;
    const present: Present = presentAt(history, job);
    const waits = forecastWaits(present, { samples, seed: `world/${job}`, past: pastBefore(history, submitUs[job]) });
    const actual = history.startUs[job] - submitUs[job];
    const [below, equal] = [
      waits.filter((w) => w < actual - SECOND_US).length,
      waits.filter((w) => Math.abs(w - actual) <= SECOND_US).length,
    ];
    return (below + lots.next() * (equal + 1)) / (samples + 1);
  });
}

function worldClaims({ quick }: Effort): Claim[] {
  const { scenario, waits } = generatedLog(quick ? 700 : 1500);
  const history = historyOf(scenario, waits);
  const { submitUs, count } = scenario.jobs;
  const jobs = spread(history, quick ? 60 : 300, submitUs[Math.floor(count / 2)], Infinity);
  const found = positions(history, jobs, quick ? 15 : 19);
  const source = `${jobs.length} jobs of a world of our own under EASY backfill, forecast from what was known, uncorrected`;
  // Neighbouring jobs wait behind the same others: as if a third of them were independent.
  const spreadOf = (p: number) => 3 * Math.sqrt((p * (1 - p)) / (jobs.length / 3));
  const row = (id: string, expected: number, holds: (position: number) => boolean) =>
    claim({
      id: `world-${id}`,
      source,
      unit: 'share of jobs',
      expected,
      got: found.filter(holds).length / jobs.length,
      tolerance: spreadOf(expected),
    });
  const report = backtest({ log: '', format: '', clusterRule: '', inLog: count, run: simulate(scenario), waits });
  const exact = 'the log that a simulation made, replayed: nothing is left to differ';
  return [
    row('inside-p10-p90', 0.8, (p) => p >= 0.1 && p <= 0.9),
    row('below-p50', 0.5, (p) => p <= 0.5),
    claim({
      id: 'backtest-own-log-error',
      source: exact,
      unit: 's, largest',
      expected: 0,
      tolerance: 0,
      got: report.pairs.reduce((most, p) => Math.max(most, Math.abs(p.simulated - p.recorded)), 0),
    }),
    claim({
      id: 'backtest-own-log-rank',
      source: exact,
      unit: 'Spearman',
      expected: 1,
      tolerance: 1e-12,
      got: report.overall.spearman,
    }),
    claim({
      id: 'backtest-spearman',
      source: 'Spearman, American Journal of Psychology 15, 1904: 1 − 6 Σ d² / (n (n² − 1)) without ties',
      unit: 'Spearman',
      expected: 1 - (6 * 194) / (10 * 99),
      tolerance: 1e-12,
      got: spearman([106, 100, 86, 101, 99, 103, 97, 113, 112, 110], [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]),
    }),
  ];
}

// ── a real cluster ────────────────────────────────────────────────────────────────────────────────────────────────

const NOMINAL =
  'its own meaning, on recorded starts of HPC2N (Parallel Workloads Archive) that the forecast had not seen';
/** For about 100 forecasts that are not independent: two standard errors of a share of 0.8 as if of 75. */
const TOLERANCE = 0.09;

export function realClaims(name: string, text: string, count: number, samples: number): Claim[] {
  const log = recordedSwf(text);
  const compiled = compileLog(log, { policies: POLICIES });
  // The cluster ran Maui, which backfills by requested times.
  const scenario = { ...compiled, policy: { name: 'fifo-backfill', args: { estimate: 'limit' } } };
  const history = historyOf(scenario, log.waits);
  const { submitUs, count: jobs } = scenario.jobs;
  const made = backcasts(history, spread(history, count, submitUs[Math.floor(jobs / 10)], Infinity), {
    samples,
    seed: 'hpc2n',
  });
  const { made: corrected, reference } = rolling(made, 60);
  const of = calibrationOf(corrected, reference);
  const share = (id: string, expected: number, got: number) =>
    claim({
      id: `${name}-${id}`,
      source: NOMINAL,
      unit: `share of ${of.jobs} jobs`,
      expected,
      got,
      tolerance: TOLERANCE,
    });
  return [
    share('inside-p10-p90', 0.8, of.inside),
    ...BAND.map((q, i) => share(`below-p${Math.round(100 * q)}`, q, of.below[i])),
    claim(
      {
        id: `${name}-loss`,
        source: 'pinball loss of the bands against that of the quantiles of past waits: below 1 is better',
        unit: 'ratio',
        expected: 1,
        got: 1 - of.skill,
        tolerance: null,
      },
      of.skill > 0,
    ),
  ];
}

/** A log of 240 processors as the importer reads it, without its files. */
export function recordedSwf(text: string): RecordedLog {
  const read = swf.read(columnsOf([]), {});
  const silent = { mend() {}, refuse: () => null, remark() {} };
  const lines = [jobsCsvHeader(LOG_COLUMNS)];
  const waits = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line.startsWith(';') || line.trim() === '') continue;
    const job = read(line.trim().split(/\s+/), silent);
    if (job === null) continue;
    lines.push(jobsCsvLine(job, LOG_COLUMNS));
    if (job.startUs !== undefined) waits.set(job.id, job.startUs - job.submitUs);
  }
  const taken = lines.length - 1;
  const report = { rows: taken, taken, mended: 0, refused: 0, problemCount: 0, problems: [] };
  const scenarioYaml = `apiVersion: simsup.dev/v1
kind: Cluster
spec: {controlPlane: {nodes: 0}, pools: [{name: gpus, gpuModel: unknown, nodes: 240, gpusPerNode: 1}]}
`;
  return {
    format: 'swf',
    report,
    scenarioYaml,
    nodesCsv: '',
    jobsCsv: `${lines.join('\n')}\n`,
    clusterRule: '',
    waits,
  };
}

export const forecast: ClaimGroup = {
  name: 'forecast',
  about: 'when jobs will start, against closed forms and against recorded starts that the forecast has not seen',
  run(effort: Effort): Claim[] {
    const { quick } = effort;
    const excerpt = gunzipSync(
      readFileSync(new URL('hpc2n-first-1500.swf.gz', shipped('bench/validate/data/hpc2n'))),
    ).toString('utf8');
    return [
      ...erlangClaims(effort),
      ...worldClaims(effort),
      ...realClaims('hpc2n-1500', excerpt, quick ? 60 : 120, quick ? 6 : 12),
    ];
  },
};
