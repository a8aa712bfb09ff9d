/**
 * How far a replay of a log is from what happened: simulated against recorded waits, job by job, by project (or user) and
 * by size, and in one sentence whether the simulation can be trusted on this cluster. Waits in seconds.
 */
import { endedUs, gpusAsked } from '../reports/job-table.ts';
import { nearestRank } from '../reports/quantiles.ts';
import { type Run, type Scenario, SECOND_US } from '../sim/simulate.ts';
import { type Cause, findCauses, type RecordedJob } from './backtest-causes.ts';

/** One job that has both figures. */
export interface Pair {
  id: string;
  project: string;
  user: string;
  gpus: number;
  /** Seconds after the start of the log. */
  submit: number;
  recorded: number;
  simulated: number;
}

/** Errors are simulated minus recorded, seconds; shares 0..1. Figures are null where there is nothing to take them of. */
export interface Accuracy {
  name: string;
  jobs: number;
  recordedMean: number | null;
  simulatedMean: number | null;
  /** simulatedMean ÷ recordedMean; null where nobody waited by the log. */
  ratio: number | null;
  /** Mean error. */
  bias: number | null;
  medianError: number | null;
  medianAbsoluteError: number | null;
  /** Rank correlation of the waits, ties by mean rank; null below 3 jobs or where one side is all equal. */
  spearman: number | null;
  within10min: number | null;
  within1h: number | null;
  /** Off by at most a factor of two, or by ten minutes. */
  withinFactor2: number | null;
}

export interface QuantileRow {
  q: number;
  recorded: number | null;
  simulated: number | null;
}

export interface Growth {
  /** What was added: "1.3 times the jobs". */
  what: string;
  rows: {
    name: string;
    jobs: number;
    before: number | null;
    after: number | null;
    p95Before: number | null;
    p95After: number | null;
  }[];
  /** Jobs that had not started when nothing could happen any more. */
  neverStarted: number;
}

export interface Backtest {
  log: string;
  format: string;
  policy: string;
  seed: string;
  digest: string;
  nodes: number;
  gpus: number;
  clusterRule: string;
  jobs: {
    inLog: number;
    replayed: number;
    compared: number;
    warmUp: number;
    noStart: number;
    impossible: number;
    neverStarted: number;
  };
  warmUpSeconds: number;
  overall: Accuracy;
  groupedBy: 'project' | 'user';
  groups: Accuracy[];
  sizes: Accuracy[];
  quantiles: QuantileRow[];
  causes: Cause[];
  verdict: Verdict;
  growth: Growth[];
  assumptions: string[];
}

export interface Verdict {
  /** Of single jobs' waits, of who waits longer than whom, of mean waits: each `yes`, `with care` or `no`. */
  jobs: Trust;
  order: Trust;
  means: Trust;
  sentence: string;
}

export type Trust = 'yes' | 'with care' | 'no' | 'unknown';

export interface BacktestInput {
  log: string;
  format: string;
  clusterRule: string;
  /** Rows taken from the log; some may be too large for the described cluster. */
  inLog: number;
  run: Run;
  /** Recorded waits, µs, by job id. */
  waits: ReadonlyMap<string, number>;
  /** Jobs submitted before this are simulated and not judged, µs; undefined: a tenth of the log's span. */
  warmUpUs?: number;
}

const MOST_GROUPS = 15;

export function backtest(input: BacktestInput): Backtest & { pairs: Pair[] } {
  const { run, waits } = input;
  const { scenario } = run;
  const { jobs } = scenario;
  const spanUs = jobs.count === 0 ? 0 : jobs.submitUs[jobs.count - 1] - jobs.submitUs[0];
  const warmUpUs = input.warmUpUs ?? Math.floor(spanUs / 10);
  const counts = { warmUp: 0, noStart: 0, impossible: 0, neverStarted: 0 };
  const pairs: Pair[] = [];
  const recorded: RecordedJob[] = [];
  for (let job = 0; job < jobs.count; job++) {
    const waitUs = waits.get(jobs.ids[job]);
    if (waitUs === undefined) {
      counts.noStart++;
      continue;
    }
    if (waitUs < 0) {
      counts.impossible++;
      continue;
    }
    recorded.push(recordedJob(scenario, job, waitUs));
    if (jobs.submitUs[job] < warmUpUs) {
      counts.warmUp++;
      continue;
    }
    const startUs = run.jobs.firstStartUs[job];
    if (startUs < 0) {
      counts.neverStarted++;
      continue;
    }
    pairs.push({
      id: jobs.ids[job],
      project: scenario.projects[jobs.project[job]].name,
      user: jobs.user[job] < 0 ? '' : scenario.users[jobs.user[job]],
      gpus: gpusAsked(run, job),
      submit: jobs.submitUs[job] / SECOND_US,
      recorded: waitUs / SECOND_US,
      simulated: (startUs - jobs.submitUs[job]) / SECOND_US,
    });
  }
  const projects = new Set(pairs.map(({ project }) => project));
  const users = new Set(pairs.map(({ user }) => user));
  const groupedBy = projects.size < 2 && users.size > 1 ? 'user' : 'project';
  const overall = accuracy('all', pairs);
  return {
    log: input.log,
    format: input.format,
    policy: run.policyName,
    seed: scenario.seed,
    digest: run.digest,
    nodes: scenario.nodes.count,
    gpus: scenario.nodes.gpus.reduce((sum, n) => sum + n, 0),
    clusterRule: input.clusterRule,
    jobs: { inLog: input.inLog, replayed: jobs.count, compared: pairs.length, ...counts },
    warmUpSeconds: warmUpUs / SECOND_US,
    overall,
    groupedBy,
    groups: largestGroups(pairs, groupedBy),
    sizes: bySize(pairs),
    quantiles: quantiles(pairs),
    causes: findCauses(scenario, recorded, input.inLog),
    verdict: judge(overall),
    growth: [],
    assumptions: scenario.assumptions,
    pairs,
  };
}

function recordedJob({ jobs, users, projects }: Scenario, job: number, waitUs: number): RecordedJob {
  let devices = 0;
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) devices += jobs.taskGpus[task];
  const user = jobs.user[job] < 0 ? '' : users[jobs.user[job]];
  return {
    id: jobs.ids[job],
    owner: user === '' ? `project ${projects[jobs.project[job]].name}` : `user ${user}`,
    pools: jobs.poolList[job],
    gpus: (devices * jobs.shareMilli[job]) / 1000,
    submitUs: jobs.submitUs[job],
    startUs: jobs.submitUs[job] + waitUs,
    endUs: jobs.submitUs[job] + waitUs + jobs.durationUs[job],
    limitUs: jobs.limitUs[job],
  };
}

// ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────

export function accuracy(name: string, pairs: readonly Pair[]): Accuracy {
  const n = pairs.length;
  const mean = (of: (pair: Pair) => number) => (n === 0 ? null : pairs.reduce((sum, pair) => sum + of(pair), 0) / n);
  const errors = pairs.map(({ recorded, simulated }) => simulated - recorded);
  const share = (holds: (pair: Pair) => boolean) => (n === 0 ? null : pairs.filter(holds).length / n);
  const off = ({ recorded, simulated }: Pair) => Math.abs(simulated - recorded);
  const recordedMean = mean(({ recorded }) => recorded);
  const simulatedMean = mean(({ simulated }) => simulated);
  return {
    name,
    jobs: n,
    recordedMean,
    simulatedMean,
    ratio: recordedMean ? (simulatedMean as number) / recordedMean : null,
    bias: mean(({ recorded, simulated }) => simulated - recorded),
    medianError: median(errors),
    medianAbsoluteError: median(errors.map(Math.abs)),
    spearman: spearman(
      pairs.map(({ recorded }) => recorded),
      pairs.map(({ simulated }) => simulated),
    ),
    within10min: share((pair) => off(pair) <= 600),
    within1h: share((pair) => off(pair) <= 3600),
    withinFactor2: share(
      (pair) =>
        off(pair) <= 600 || Math.max(pair.recorded, pair.simulated) <= 2 * Math.min(pair.recorded, pair.simulated),
    ),
  };
}

/** Halfway between the two middle values of an even number. */
function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const ascending = Float64Array.from(values).sort();
  const half = ascending.length >> 1;
  return ascending.length % 2 === 1 ? ascending[half] : (ascending[half - 1] + ascending[half]) / 2;
}

/** Spearman's rank correlation: Pearson's of the ranks, equal values sharing the mean of theirs. */
export function spearman(xs: readonly number[], ys: readonly number[]): number | null {
  const n = xs.length;
  if (n < 3) return null;
  const [rx, ry] = [ranks(xs), ranks(ys)];
  // Ranks add up to n(n+1)/2 whatever the ties.
  const middle = (n + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    xy += (rx[i] - middle) * (ry[i] - middle);
    xx += (rx[i] - middle) ** 2;
    yy += (ry[i] - middle) ** 2;
  }
  return xx === 0 || yy === 0 ? null : xy / Math.sqrt(xx * yy);
}

function ranks(values: readonly number[]): Float64Array {
  const order = Int32Array.from(values.keys()).sort((a, b) => values[a] - values[b] || a - b);
  const rank = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) rank[order[i]] = (from + 1 + to) / 2;
    from = to;
  }
  return rank;
}

function largestGroups(pairs: readonly Pair[], by: 'project' | 'user'): Accuracy[] {
  const groups = new Map<string, Pair[]>();
  for (const pair of pairs) {
    const key = pair[by] || '(none)';
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [pair]);
    else known.push(pair);
  }
  const all = [...groups].sort(([a, p], [b, q]) => q.length - p.length || (a < b ? -1 : 1));
  const rows = all.slice(0, MOST_GROUPS).map(([name, members]) => accuracy(name, members));
  const rest = all.slice(MOST_GROUPS);
  if (rest.length > 0)
    rows.push(
      accuracy(
        `${rest.length} others`,
        rest.flatMap(([, members]) => members),
      ),
    );
  return rows;
}

/** Upper ends of the size classes, in GPUs; above the last by powers of two. */
const SIZES = [0, 1, 2, 4, 8, 16, 32, 64, 128];

function bySize(pairs: readonly Pair[]): Accuracy[] {
  const classOf = ({ gpus }: Pair) => {
    let top = SIZES.find((size) => gpus <= size) ?? 256;
    while (top < gpus) top *= 2;
    return top;
  };
  const tops = [...new Set(pairs.map(classOf))].sort((a, b) => a - b);
  return tops.map((top) => {
    const name = top <= 2 ? `${top} GPU${top === 1 ? '' : 's'}` : `${top / 2 + 1}–${top} GPUs`;
    return accuracy(
      name,
      pairs.filter((pair) => classOf(pair) === top),
    );
  });
}

function quantiles(pairs: readonly Pair[]): QuantileRow[] {
  const recorded = Float64Array.from(pairs, (pair) => pair.recorded).sort();
  const simulated = Float64Array.from(pairs, (pair) => pair.simulated).sort();
  return [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99].map((q) => ({
    q,
    recorded: nearestRank(recorded, q),
    simulated: nearestRank(simulated, q),
  }));
}

// ── judgement ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Fewer jobs than this say nothing. */
const FEWEST = 30;

/**
 * The bounds are a convention, stated in docs/studies.md: a factor of 1.25 in the mean and four jobs in five within a
 * factor of two can be planned with; beyond a factor of two, or with waits ranked no better than 0.5, not.
 */
export function judge({ jobs, ratio, recordedMean, simulatedMean, spearman: rank, withinFactor2 }: Accuracy): Verdict {
  if (jobs < FEWEST) {
    const sentence = `Only ${jobs} jobs can be compared: too few to say whether the simulation can be trusted on your cluster.`;
    return { jobs: 'unknown', order: 'unknown', means: 'unknown', sentence };
  }
  const graded = (value: number | null, yes: number, care: number): Trust =>
    value === null ? 'unknown' : value >= yes ? 'yes' : value >= care ? 'with care' : 'no';
  const single = graded(withinFactor2, 0.8, 0.6);
  // Hardly anybody waited: then there is no order to find, and no ratio.
  const idle = (recordedMean as number) < 60 && (simulatedMean as number) < 60;
  const order = idle ? 'unknown' : graded(rank ?? 0, 0.75, 0.5);
  const closeness = ratio === null || ratio === 0 ? 0 : Math.min(ratio, 1 / ratio);
  const means = idle ? 'yes' : graded(closeness, 0.8, 0.5);
  const named: [string, Trust][] = [
    ['how long waits are on average', means],
    ['which jobs wait longer than others', order],
    ['the wait of a single job', single],
  ];
  const of = (trust: Trust) => named.filter(([, t]) => t === trust).map(([what]) => what);
  const parts = [
    of('yes').length > 0 ? `it can be trusted for ${list(of('yes'))}` : '',
    of('with care').length > 0 ? `used with care for ${list(of('with care'))}` : '',
    of('no').length > 0 ? `not trusted for ${list(of('no'))}` : '',
  ].filter((part) => part !== '');
  const direction =
    ratio === null || idle || closeness >= 0.8
      ? ''
      : ` It makes waits ${ratio < 1 ? 'shorter' : 'longer'} than they were, by a factor of ${(ratio < 1 ? 1 / Math.max(ratio, 1e-3) : ratio).toFixed(1)} on average.`;
  const start = of('yes').length > 0 ? 'On this cluster ' : 'On this cluster the simulation should be ';
  return { jobs: single, order, means, sentence: `${start}${parts.join('; ')}.${direction}` };
}

function list(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
}

// ── growth ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Waits of the replay against those with more work, over jobs that came after the warm-up. Those still waiting count with their wait so far. */
export function growth(what: string, before: Run, after: Run, warmUpUs: number): Growth {
  const table = (run: Run) => {
    const { jobs, projects } = run.scenario;
    const rows = new Map<string, number[]>([['all', []]]);
    let never = 0;
    for (let job = 0; job < jobs.count; job++) {
      if (jobs.submitUs[job] < warmUpUs) continue;
      const started = run.jobs.firstStartUs[job] >= 0;
      if (!started) never++;
      const until = started ? run.jobs.firstStartUs[job] : endedUs(run, job) >= 0 ? endedUs(run, job) : run.simulatedUs;
      const wait = (until - jobs.submitUs[job]) / SECOND_US;
      const { name } = projects[jobs.project[job]];
      rows.get('all')?.push(wait);
      const known = rows.get(name);
      if (known === undefined) rows.set(name, [wait]);
      else known.push(wait);
    }
    return { rows, never };
  };
  const [old, grown] = [table(before), table(after)];
  const mean = (waits: readonly number[] | undefined) =>
    waits === undefined || waits.length === 0 ? null : waits.reduce((sum, w) => sum + w, 0) / waits.length;
  const p95 = (waits: readonly number[] | undefined) => nearestRank(Float64Array.from(waits ?? []).sort(), 0.95);
  const names = [...grown.rows.keys()].sort((a, b) => {
    const [m, n] = [grown.rows.get(a)?.length ?? 0, grown.rows.get(b)?.length ?? 0];
    return Number(b === 'all') - Number(a === 'all') || n - m || (a < b ? -1 : 1);
  });
  return {
    what,
    rows: names.slice(0, 1 + MOST_GROUPS).map((name) => {
      const [was, is] = [old.rows.get(name), grown.rows.get(name)];
      return {
        name,
        jobs: is?.length ?? 0,
        before: mean(was),
        after: mean(is),
        p95Before: p95(was),
        p95After: p95(is),
      };
    }),
    neverStarted: grown.never,
  };
}
