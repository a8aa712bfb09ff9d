/** A chargeback as a document. */
import type { ChargebackInput, ChargebackRules } from './chargeback.ts';
import type { ChargeRow, Period, ProjectSum } from './chargeback-tables.ts';
import { stackedBars } from './charts.ts';
import { type Block, type ReportDocument, tableBlock } from './document.ts';
import { counted, dollars } from './format.ts';

export interface ChargebackAbout {
  version: string;
  command: string;
  rules: ChargebackRules;
  period: Period;
}

/** More rows than this are in the CSV only. */
const MOST_ROWS = 2000;
const COLOURS = { usage: '#3f9142', lending: '#1f8f9e', idle: '#c9b458', fixed: '#8aa7d6', increment: '#a779c9' };

export function chargebackDocument(
  input: ChargebackInput,
  rows: readonly ChargeRow[],
  sums: readonly ProjectSum[],
  { version, command, rules, period }: ChargebackAbout,
): ReportDocument {
  const total = sums.reduce((all, { totalUsd }) => all + totalUsd, 0);
  const usd = (name: string, title: string) => ({ name, title, format: 'usd' as const });
  const hours = (name: string, title: string) => ({ name, title, format: 'number1' as const });
  const blocks: Block[] = [
    { kind: 'text', text: `${dollars(total)} in all; the lines add up to the cost of the run.`, strong: true },
    { kind: 'heading', text: 'By project' },
    tableBlock(
      'projects',
      [
        { name: 'project' },
        usd('usage', 'held'),
        usd('lending', 'lent'),
        usd('idle', 'share of idle'),
        usd('fixed', 'share of fixed'),
        usd('increment', 'rounding up'),
        usd('total', 'total'),
      ],
      sums.map(({ project, usd: parts, totalUsd }) => ({ project, ...parts, total: totalUsd })),
    ),
    tableBlock(
      'hours',
      [
        { name: 'project' },
        { name: 'department' },
        { name: 'label', title: 'chargeback label' },
        hours('gpuHours', 'GPU-hours held'),
        hours('borrowed', 'of them borrowed'),
        hours('lent', 'lent'),
      ],
      sums.map(({ project, department, label, gpuHours, borrowedGpuHours, lentGpuHours }) => ({
        ...{ project, department, label, gpuHours, borrowed: borrowedGpuHours, lent: lentGpuHours },
      })),
    ),
    {
      kind: 'chart',
      svg: stackedBars(
        sums.map(({ project, usd: parts }) => ({
          label: project,
          parts: Object.entries(parts).map(([name, value]) => ({
            name,
            value: Math.max(0, value),
            colour: COLOURS[name as keyof typeof COLOURS],
          })),
        })),
        'what each project pays for',
      ),
      caption: 'What each project pays for.',
    },
    { kind: 'heading', text: 'By category' },
    categoryTable(rows),
    { kind: 'heading', text: `By ${period}` },
    ...(rows.length > MOST_ROWS
      ? [{ kind: 'text', text: `${counted(rows.length, 'row')}: the CSV has them.` } as const]
      : [rowTable(rows)]),
  ];
  return {
    title: `Who pays: ${input.scenario}`,
    subtitle: `simulated; by ${period} of the scenario's time zone`,
    blocks,
    definitions: {
      held: 'GPU-hours that the project held, at the price of their pool; borrowed ones at the rate for borrowed hours',
      borrowed: 'held over what the project deserves in the pool at that moment',
      lent: "quota that its owner left unused and others held in that hour; it pays or gets what the borrower's rate leaves",
      idle: `GPU-hours that nobody holds: ${rules.idle === 'quota' ? 'paid by owners of unused quota, by how much they left' : rules.idle === 'use' ? 'shared by GPU-hours held in that hour' : 'shown apart, as nobody’s'}`,
      fixed: 'costs that do not depend on GPUs, shared by the same rule',
      'rounding up': 'what billing in increments adds to the time that was there',
      lost: 'work done and lost is paid by who did it; found later, it is moved in the hour in which it is found',
    },
    assumptions: [
      `Borrowed hours cost ${rules.borrowedMilli / 10} % of the price; who lent them pays the rest.`,
      'Every figure is simulated; none is a bill.',
    ],
    provenance: { scenario: input.scenario, version, seeds: [], digests: [input.run], command },
  };
}

/** What was held, by the ledger's categories; what was shared, by the name of its line. */
function categoryTable(rows: readonly ChargeRow[]): Block {
  const sums = new Map<string, { hours: number; micro: bigint }>();
  for (const { line, category, gpuHours, microUsd } of rows) {
    const name = line === 'usage' ? category : `${line}: ${category}`;
    const sum = sums.get(name) ?? { hours: 0, micro: 0n };
    sums.set(name, { hours: sum.hours + gpuHours, micro: sum.micro + microUsd });
  }
  return tableBlock(
    'categories',
    [
      { name: 'category' },
      { name: 'gpuHours', title: 'GPU-hours', format: 'number1' },
      { name: 'usd', title: '$', format: 'usd' },
    ],
    [...sums]
      .sort(([a, p], [b, q]) => (p.micro === q.micro ? (a < b ? -1 : 1) : p.micro > q.micro ? -1 : 1))
      .map(([category, { hours, micro }]) => ({ category, gpuHours: hours, usd: Number(micro) / 1e6 })),
  );
}

/** Department and label of a project stand in the table above. */
function rowTable(rows: readonly ChargeRow[]): Block {
  return tableBlock(
    'rows',
    [
      ...['period', 'project', 'pool', 'quota', 'class', 'line', 'category'].map((name) => ({
        name,
      })),
      { name: 'gpuHours', title: 'GPU-hours', format: 'number1' },
      { name: 'usd', title: '$', format: 'usd' },
    ],
    rows.map(({ microUsd, ...row }) => ({ ...row, usd: Number(microUsd) / 1e6 })),
  );
}
