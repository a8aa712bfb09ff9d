/** Roll-outs, changes of the cluster and its weeks, for `run --json`, the summary, the page and `weeks.csv`. */
import { HOUR_US, type Run, SECOND_US } from '../sim/simulate.ts';
import { gpuHours } from './cost.ts';
import { csvField } from './csv.ts';
import { counted, decimal, dollars, percent, span } from './format.ts';
import { type Distribution, distribution } from './quantiles.ts';

type Reported = NonNullable<Run['provisioning']>;

/** As `RolloutRow`, times in seconds after the start; null = not yet. */
export type RolloutSummary = Omit<Reported['rollouts'][number], 'startedUs' | 'finishedUs'> & {
  startedSeconds: number | null;
  finishedSeconds: number | null;
};

export type ChangeSummary = Omit<Reported['changes'][number], 'plannedUs' | 'finishedUs'> & {
  plannedSeconds: number;
  finishedSeconds: number | null;
};

/** One pool in one week (7 × 24 h from the start; the last one may be shorter). */
export interface WeekSummary {
  /** From 1. */
  week: number;
  pool: string;
  /** In the cluster and paid for, on average. */
  meanGpus: number;
  usd: number;
  allocatedGpuHours: number;
  /** Work that lasted, as far as was known at the week's end. */
  usefulGpuHours: number;
  paidGpuHours: number;
  /** Submitted in the week with this pool as their first choice, and those of them that had not started by the end of the run. */
  jobs: number;
  notStarted: number;
  /** Seconds from submission to the first start, of those that have started. */
  wait: Distribution;
}

export interface ProvisioningSummary {
  rollouts: RolloutSummary[];
  changes: ChangeSummary[];
  counts: Omit<Reported['counts'], 'imagingWaitUs'> & { imagingWaitSeconds: number };
  weeks: WeekSummary[];
}

const WEEK_US = 7 * 24 * HOUR_US;
const SHOWN_WEEKS = 24;
const SHOWN_CHANGES = 12;

const seconds = (us: number) => (us < 0 ? null : us / SECOND_US);

export function provisioningSummary(run: Run, provisioning: Reported): ProvisioningSummary {
  const { pools } = run.scenario;
  const { imagingWaitUs, ...counts } = provisioning.counts;
  return {
    rollouts: provisioning.rollouts.map(({ startedUs, finishedUs, ...row }) => ({
      ...row,
      startedSeconds: seconds(startedUs),
      finishedSeconds: seconds(finishedUs),
    })),
    changes: provisioning.changes.map(({ plannedUs, finishedUs, ...row }) => ({
      ...row,
      plannedSeconds: plannedUs / SECOND_US,
      finishedSeconds: seconds(finishedUs),
    })),
    counts: { ...counts, imagingWaitSeconds: imagingWaitUs / SECOND_US },
    weeks: provisioning.weeks.map(({ week, pool, paid, allocated, useful, submitted, waitsUs }) => {
      const hours = Math.min(WEEK_US, run.simulatedUs - week * WEEK_US) / HOUR_US;
      return {
        week: week + 1,
        pool: pools[pool].name,
        meanGpus: hours === 0 ? 0 : gpuHours(paid) / hours,
        usd: Math.round(gpuHours(paid) * pools[pool].priceMicroUsd) / 1e6,
        allocatedGpuHours: gpuHours(allocated),
        usefulGpuHours: gpuHours(useful),
        paidGpuHours: gpuHours(paid),
        jobs: submitted,
        notStarted: submitted - waitsUs.length,
        wait: distribution(waitsUs.map((us) => us / SECOND_US)),
      };
    }),
  };
}

/** A sentence for each roll-out and change, and one for all nodes that were prepared. Names as the scenario has them. */
export function provisioningSentences({ rollouts, changes, counts }: ProvisioningSummary): string[] {
  const shown = changes.slice(0, SHOWN_CHANGES).map(changeSentence);
  if (changes.length > shown.length) shown.push(`… and ${changes.length - shown.length} more changes; --json has them`);
  return [...rollouts.map(rolloutSentence), ...shown, preparedSentence(counts)];
}

function rolloutSentence(row: RolloutSummary): string {
  const { name, nodes, done, waves, failed, pauses, stopped, drainedByForce, mostUnavailable } = row;
  if (row.startedSeconds === null) return `${name}: has not begun`;
  const many = (n: number, one: string, more: string) => `${decimal(n)} ${n === 1 ? one : more}`;
  const until =
    row.finishedSeconds === null ? 'not finished' : `finished after ${span(row.finishedSeconds - row.startedSeconds)}`;
  return [
    `${name}: ${decimal(done)} of ${many(nodes, 'node', 'nodes')} updated in ${many(waves, 'wave', 'waves')}, ${until}`,
    `at most ${decimal(mostUnavailable)} out of service at once`,
    `the jobs of ${decimal(drainedByForce)} had to move or end`,
    `${many(failed, 'update', 'updates')} failed`,
    ...(stopped ? ['stopped for good'] : pauses > 0 ? [`paused ${many(pauses, 'time', 'times')}`] : []),
  ].join('; ');
}

const WENT = { join: 'have come', leave: 'have left', move: 'have gone over' } as const;

function changeSentence({ name, kind, nodes, done, plannedSeconds, finishedSeconds }: ChangeSummary): string {
  const when =
    finishedSeconds === null
      ? `due ${span(plannedSeconds)} after the start`
      : `${span(finishedSeconds - plannedSeconds)} after ${span(plannedSeconds)}`;
  return `${name}: ${decimal(done)} of ${decimal(nodes)} nodes ${WENT[kind]}, ${when}`;
}

function preparedSentence(counts: ProvisioningSummary['counts']): string {
  const { imaged, mostImaging, imagingWaitSeconds, burnIns, burnInsFailed, checks, checksFailed, drains } = counts;
  const spares = counts.sparesUsed > 0 ? `; ${decimal(counts.sparesUsed)} spares taken` : '';
  const turn =
    imaged === 0 ? '' : ` (${decimal(mostImaging)} at once, ${span(imagingWaitSeconds / imaged)} for a place)`;
  return `${counted(drains, 'node')} drained, ${decimal(imaged)} imaged${turn}; ${decimal(burnInsFailed)} of ${decimal(burnIns)} burn-ins and ${decimal(checksFailed)} of ${decimal(checks)} checks failed${spares}`;
}

const WEEK_COLUMNS = ['week', 'pool', 'GPUs', 'cost', 'held', 'jobs', 'wait p50', 'wait p95', 'not started'];

/** What each side cost and how long its jobs waited, a row a week and pool that had anything in it. */
export function weekCells({ weeks }: ProvisioningSummary): { head: string[]; rows: string[][]; more: number } {
  const lived = weeks.filter(({ paidGpuHours, jobs }) => paidGpuHours > 0 || jobs > 0);
  const rows = lived
    .slice(0, SHOWN_WEEKS)
    .map((row) => [
      String(row.week),
      row.pool,
      decimal(row.meanGpus),
      dollars(row.usd),
      row.paidGpuHours === 0 ? '–' : percent(row.allocatedGpuHours / row.paidGpuHours),
      decimal(row.jobs),
      span(row.wait.p50),
      span(row.wait.p95),
      decimal(row.notStarted),
    ]);
  return { head: WEEK_COLUMNS, rows, more: lived.length - rows.length };
}

/** `run --out`: exact sums, a row a week and pool; waits in seconds. */
export function* weeksCsv(run: Run, provisioning: Reported): Generator<string> {
  yield 'week,pool,paid_gpu_hours,usd,allocated_gpu_hours,useful_gpu_hours,jobs,not_started,wait_mean,wait_p50,wait_p95,wait_max\n';
  for (const row of provisioningSummary(run, provisioning).weeks) {
    const { week, pool, paidGpuHours, usd, allocatedGpuHours, usefulGpuHours, jobs, notStarted, wait } = row;
    const waits = [wait.mean, wait.p50, wait.p95, wait.max].map((value) => value ?? '');
    yield `${[week, csvField(pool), paidGpuHours, usd, allocatedGpuHours, usefulGpuHours, jobs, notStarted, ...waits].join(',')}\n`;
  }
}
