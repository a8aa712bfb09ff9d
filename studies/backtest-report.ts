/** A backtest as text and as CSV. */
import { csvField } from '../reports/csv.ts';
import { counted, decimal, percent, span } from '../reports/format.ts';
import type { Accuracy, Backtest, Growth, Pair } from './backtest.ts';

export function backtestText(report: Backtest): string {
  const { jobs, overall } = report;
  const lines = [
    `Backtest of ${report.log} (${report.format}) on ${counted(report.nodes, 'node')} with ${counted(report.gpus, 'GPU')} under ${report.policy}`,
    `  ${counts(report)}`,
    `  Cluster: ${report.clusterRule}`,
  ];
  if (overall.jobs > 0) {
    lines.push('', ...table(accuracyTable('', [overall])));
    lines.push('', ...table(quantileTable(report)));
    if (report.groups.length > 1) lines.push('', ...table(accuracyTable(`by ${report.groupedBy}`, report.groups)));
    if (report.sizes.length > 1) lines.push('', ...table(accuracyTable('by size', report.sizes)));
    lines.push('', LEGEND);
  }
  if (report.causes.length > 0) {
    lines.push('', 'What a log cannot show, and what this one points at');
    for (const { found, sentence } of report.causes) lines.push(`  ${found ? '!' : '·'} ${sentence}`);
  }
  lines.push('', 'Can you trust it on your cluster?', `  ${report.verdict.sentence}`);
  if (jobs.neverStarted > 0)
    lines.push(`  ${decimal(jobs.neverStarted)} jobs that did start by the log never start in the simulation.`);
  for (const growth of report.growth) lines.push('', ...growthLines(growth));
  return `${lines.join('\n')}\n`;
}

export function counts({ jobs, warmUpSeconds }: Backtest): string {
  const parts = [
    `${decimal(jobs.compared)} jobs compared of ${decimal(jobs.inLog)} in the log`,
    jobs.warmUp > 0 ? `${decimal(jobs.warmUp)} of the first ${span(warmUpSeconds)} simulated, not judged` : '',
    jobs.noStart > 0 ? `${decimal(jobs.noStart)} without a recorded start` : '',
    jobs.impossible > 0 ? `${decimal(jobs.impossible)} that start before they are submitted` : '',
    jobs.inLog > jobs.replayed ? `${decimal(jobs.inLog - jobs.replayed)} that the described cluster cannot hold` : '',
  ];
  return `${parts.filter((part) => part !== '').join('; ')}.`;
}

export const LEGEND =
  'bias: mean of simulated − recorded wait; median |error|: half the jobs are nearer; rank: Spearman correlation of waits;\n±10 min, ±1 h: share of jobs this near; ×2: within a factor of two or ten minutes.';

export function accuracyTable(title: string, rows: readonly Accuracy[]): string[][] {
  const head = [title, 'jobs', 'recorded', 'simulated', 'bias', 'median |error|', 'rank', '±10 min', '±1 h', '×2'];
  const share = (value: number | null) => (value === null ? '–' : percent(value, 0));
  return [
    head,
    ...rows.map((row) => [
      row.name,
      decimal(row.jobs),
      span(row.recordedMean),
      span(row.simulatedMean),
      signedSpan(row.bias),
      span(row.medianAbsoluteError),
      row.spearman === null ? '–' : row.spearman.toFixed(2),
      share(row.within10min),
      share(row.within1h),
      share(row.withinFactor2),
    ]),
  ];
}

export function quantileTable({ quantiles }: Backtest): string[][] {
  return [
    ['wait', ...quantiles.map(({ q }) => `p${Math.round(100 * q)}`)],
    ['recorded', ...quantiles.map(({ recorded }) => span(recorded))],
    ['simulated', ...quantiles.map(({ simulated }) => span(simulated))],
  ];
}

export function growthTable({ rows }: Growth): string[][] {
  return [
    ['', 'jobs', 'mean wait', 'then', 'p95 wait', 'then'],
    ...rows.map((row) => [
      row.name,
      decimal(row.jobs),
      span(row.before),
      span(row.after),
      span(row.p95Before),
      span(row.p95After),
    ]),
  ];
}

function growthLines(growth: Growth): string[] {
  const lines = [`With ${growth.what} (simulated against simulated)`, ...table(growthTable(growth))];
  if (growth.neverStarted > 0) lines.push(`  ${decimal(growth.neverStarted)} jobs never start.`);
  return lines;
}

export function signedSpan(seconds: number | null): string {
  if (seconds === null || seconds === 0) return span(seconds);
  return `${seconds < 0 ? '−' : '+'}${span(Math.abs(seconds))}`;
}

/** Columns aligned, the first to the left. */
function table(rows: readonly string[][]): string[] {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((cells) => cells[i].length)));
  return rows.map((cells) =>
    `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}`.trimEnd(),
  );
}

/** One row a job that was compared, times in seconds. */
export function* pairsCsv(pairs: readonly Pair[]): Generator<string> {
  yield 'job_id,project,user,num_gpu,submit,recorded_wait,simulated_wait,error\n';
  for (const { id, project, user, gpus, submit, recorded, simulated } of pairs) {
    const names = [id, project, user].map(csvField);
    yield `${[...names, gpus, submit, recorded, simulated, simulated - recorded].join(',')}\n`;
  }
}

/** The rows of all tables, one under the other. */
export function* accuracyCsv(report: Backtest): Generator<string> {
  yield 'by,name,jobs,recorded_mean,simulated_mean,ratio,bias,median_error,median_absolute_error,spearman,within_10min,within_1h,within_factor_2\n';
  const rows = [
    ['all', [report.overall]],
    [report.groupedBy, report.groups],
    ['size', report.sizes],
  ] as const;
  for (const [by, of] of rows) {
    for (const { name, ...figures } of of) {
      yield `${[by, csvField(name), ...Object.values(figures).map((x) => x ?? '')].join(',')}\n`;
    }
  }
}
