/** Charge lines as tables of an hour, a day or a month; as CSV, FOCUS and Prometheus text; as what a webhook posts. */
import { from } from 'arquero';
import {
  type ChargebackInput,
  type ChargebackRules,
  type ChargeLine,
  className,
  hourSpan,
  LINE_KINDS,
} from './chargeback.ts';
import { gpuHours } from './cost.ts';
import { csvField } from './csv.ts';

export const PERIODS = ['hour', 'day', 'month'] as const;
export type Period = (typeof PERIODS)[number];

export interface ChargeRow {
  period: string;
  department: string;
  project: string;
  label: string;
  pool: string;
  quota: '' | 'in' | 'over';
  class: string;
  line: string;
  category: string;
  gpuHours: number;
  /** Exact to the micro-dollar. */
  microUsd: bigint;
}

/** What stands where a line is nobody's, or of no pool. */
export const NOBODY = '(nobody)';

/** Local time of the scenario as ISO text; `offset` is what follows it. */
export function localTime(input: Pick<ChargebackInput, 'startEpochSeconds' | 'utcOffsetMinutes'>, us: number): string {
  const minutes = input.utcOffsetMinutes;
  const local = new Date((input.startEpochSeconds + us / 1e6 + minutes * 60) * 1000).toISOString().slice(0, 19);
  if (minutes === 0) return `${local}Z`;
  const size = Math.abs(minutes);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${local}${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Where a period that holds the hour begins, in the scenario's time zone. */
export function periodOf(input: ChargebackInput, hour: number, period: Period): string {
  const { fromUs, toUs } = hourSpan(input, hour);
  // The first hour may begin in its middle; its day is that of its end.
  const time = localTime(input, period === 'hour' ? fromUs : Math.max(fromUs, toUs - 3_600_000_000));
  return period === 'hour' ? time : period === 'day' ? time.slice(0, 10) : time.slice(0, 7);
}

/** Lines of a period with all names alike become one; in the order of periods, then of first appearance. */
export function chargeRows(input: ChargebackInput, lines: readonly ChargeLine[], period: Period): ChargeRow[] {
  const rows = new Map<string, ChargeRow & { amount: bigint }>();
  const names = new Map<number, string>();
  for (const line of lines) {
    let at = names.get(line.hour);
    if (at === undefined) {
      at = periodOf(input, line.hour, period);
      names.set(line.hour, at);
    }
    const key = `${at}|${line.kind}|${line.pool}|${line.project}|${line.overQuota}|${line.jobClass}|${line.category}`;
    let row = rows.get(key);
    if (row === undefined) {
      const owner = input.projects[line.project];
      row = {
        period: at,
        department: owner?.department ?? '',
        project: owner?.name ?? NOBODY,
        label: owner?.label ?? '',
        pool: input.pools[line.pool]?.name ?? '',
        quota: line.kind !== 'usage' ? '' : line.overQuota ? 'over' : 'in',
        class: className(line.jobClass),
        line: line.kind,
        category: line.category,
        ...{ gpuHours: 0, microUsd: 0n, amount: 0n },
      };
      rows.set(key, row);
    }
    row.amount += line.amount;
    row.microUsd += line.microUsd;
  }
  return [...rows.values()].map(({ amount, ...row }) => ({ ...row, gpuHours: gpuHours(amount) }));
}

/** `-0.000001` of micro-dollars, exact. */
export function usdText(microUsd: bigint): string {
  const size = microUsd < 0n ? -microUsd : microUsd;
  return `${microUsd < 0n ? '-' : ''}${size / 1_000_000n}.${String(size % 1_000_000n).padStart(6, '0')}`;
}

const COLUMNS = 'period,department,project,chargeback_label,pool,quota,class,line,category,gpu_hours,usd';

export function* chargebackCsv(rows: readonly ChargeRow[]): Generator<string> {
  yield `${COLUMNS}\n`;
  for (const row of rows) {
    const { period, department, project, label, pool, quota, class: job, line, category } = row;
    const names = [period, department, project, label, pool, quota, job, line, category].map(csvField);
    yield `${[...names, row.gpuHours.toFixed(6), usdText(row.microUsd)].join(',')}\n`;
  }
}

export interface ProjectSum {
  department: string;
  project: string;
  label: string;
  gpuHours: number;
  borrowedGpuHours: number;
  lentGpuHours: number;
  usd: Record<(typeof LINE_KINDS)[number], number>;
  totalUsd: number;
}

/** One row a project, and one for nobody where something is nobody's; each sum rounded once. */
export function projectSums(rows: readonly ChargeRow[]): ProjectSum[] {
  const grouped = from(
    rows.map((row, i) => ({ project: row.project, i })),
    ['project', 'i'] as never,
  )
    .groupby('project')
    .objects({ grouped: true }) as unknown as Map<string, { i: number }[]>;
  return [...grouped.values()].map((own) => {
    const all = own.map(({ i }) => rows[i]);
    const usd = (of: (row: ChargeRow) => boolean) =>
      Number(all.reduce((sum, row) => sum + (of(row) ? row.microUsd : 0n), 0n)) / 1e6;
    const hours = (of: (row: ChargeRow) => boolean) => all.reduce((sum, row) => sum + (of(row) ? row.gpuHours : 0), 0);
    const { department, project, label } = all[0];
    return {
      ...{ department, project, label },
      gpuHours: hours((row) => row.line === 'usage'),
      borrowedGpuHours: hours((row) => row.quota === 'over'),
      lentGpuHours: hours((row) => row.line === 'lending'),
      usd: Object.fromEntries(LINE_KINDS.map((kind) => [kind, usd((row) => row.line === kind)])) as ProjectSum['usd'],
      totalUsd: usd(() => true),
    };
  });
}

/** Exposition format 0.0.4: totals of the run, by project, pool and line. */
export function chargebackMetrics(input: ChargebackInput, rows: readonly ChargeRow[]): string {
  const label = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const sums = new Map<string, { hours: number; micro: bigint }>();
  for (const row of rows) {
    const names = Object.entries({
      scenario: input.scenario,
      department: row.department,
      project: row.project,
      chargeback_label: row.label,
      pool: row.pool,
      line: row.line,
      category: row.category,
      quota: row.quota,
    });
    const key = names.map(([name, value]) => `${name}="${label(value)}"`).join(',');
    const own = sums.get(key) ?? { hours: 0, micro: 0n };
    own.hours += row.gpuHours;
    own.micro += row.microUsd;
    sums.set(key, own);
  }
  const family = (name: string, help: string, value: (sum: { hours: number; micro: bigint }) => string) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...[...sums].map(([key, sum]) => `${name}{${key}} ${value(sum)}`),
  ];
  return `${[
    ...family('simsup_chargeback_gpu_hours', 'Simulated GPU-hours, over the run.', ({ hours }) => String(hours)),
    ...family('simsup_chargeback_usd', 'Simulated cost, US dollars, over the run.', ({ micro }) => usdText(micro)),
  ].join('\n')}\n`;
}

/** What is posted for one project and hour. Everything in it is simulated, and says so. */
export interface HourlySummary {
  schema: 'simsup.chargeback/1';
  simulated: true;
  run: string;
  scenario: string;
  project: string;
  department: string;
  chargebackLabel: string;
  /** Hours since the scenario's first, and when it began. */
  hour: number;
  from: string;
  to: string;
  revision: number;
  rules: ChargebackRules;
  gpuHours: Record<string, number>;
  borrowedGpuHours: number;
  lentGpuHours: number;
  /** $ as decimal text, exact; they add up to `total`. */
  usd: Record<string, string>;
  total: string;
}

/** A posted hour is final: what is found to be lost later stands, negative, in the hour in which it is found. */
export const REVISION = 0;

export function hourlySummaries(
  input: ChargebackInput,
  rules: ChargebackRules,
  lines: readonly ChargeLine[],
): HourlySummary[] {
  const groups = new Map<string, ChargeLine[]>();
  for (const line of lines) {
    const key = `${line.hour}|${line.project}`;
    const own = groups.get(key);
    if (own === undefined) groups.set(key, [line]);
    else own.push(line);
  }
  return [...groups.values()].map((own) => {
    const [{ hour, project }] = own;
    const { fromUs, toUs } = hourSpan(input, hour);
    const owner = input.projects[project];
    const amounts = new Map<string, bigint>();
    const sum = (of: (line: ChargeLine) => boolean) =>
      own.reduce((all, line) => all + (of(line) ? line.microUsd : 0n), 0n);
    for (const line of own)
      if (line.kind === 'usage') amounts.set(line.category, (amounts.get(line.category) ?? 0n) + line.amount);
    const held = (of: (line: ChargeLine) => boolean) =>
      gpuHours(own.reduce((all, line) => all + (of(line) ? line.amount : 0n), 0n));
    return {
      schema: 'simsup.chargeback/1',
      simulated: true,
      run: input.run,
      scenario: input.scenario,
      project: owner?.name ?? NOBODY,
      department: owner?.department ?? '',
      chargebackLabel: owner?.label ?? '',
      hour,
      from: localTime(input, fromUs),
      to: localTime(input, Math.min(toUs, input.simulatedUs)),
      revision: REVISION,
      rules,
      gpuHours: Object.fromEntries([...amounts].map(([category, amount]) => [category, gpuHours(amount)])),
      borrowedGpuHours: held((line) => line.overQuota),
      lentGpuHours: held((line) => line.kind === 'lending'),
      usd: Object.fromEntries(LINE_KINDS.map((kind) => [kind, usdText(sum((line) => line.kind === kind))])),
      total: usdText(sum(() => true)),
    };
  });
}

export const idempotencyKey = ({ run, project, hour, revision }: HourlySummary): string =>
  [run, encodeURIComponent(project), hour, revision].join('/');
