/** The decision matrix as a document, and as what a terminal shows. */
import { stackedBars } from '../reports/charts.ts';
import { type Block, type ColumnSpec, type ReportDocument, tableBlock } from '../reports/document.ts';
import { counted, decimal, percent } from '../reports/format.ts';
import type { ComparedStack } from '../sim/simulate.ts';
import { within } from './break-even-report.ts';
import { wholeUsd } from './break-even-study.ts';
import type { CellResult, Margin, Verdict } from './matrix.ts';

export interface MatrixReport {
  cells: readonly CellResult[];
  stacks: readonly ComparedStack[];
  subject: string;
  baseline: string;
  seeds: readonly string[];
  confidence: number;
  gpuModel: string;
  price: number;
  load: number;
  days: number;
  version: string;
  command: string;
}

const titleOf = ({ stacks }: MatrixReport, name: string) => stacks.find((s) => s.name === name)?.title ?? name;
const cellName = ({ gpus, teams, work }: CellResult) => `${counted(gpus, 'GPU')}, ${counted(teams, 'team')}, ${work}`;

const WORD: Record<Verdict, string> = { pays: 'pays', overkill: 'overkill', 'cannot tell': 'seeds cannot tell' };

/** When it is overkill, as found: against what the guide compares it with, and against the best there is. */
export function matrixVerdict(report: MatrixReport): string[] {
  const title = titleOf(report, report.subject);
  const count = (cells: readonly CellResult[]) =>
    cells.length === report.cells.length
      ? 'in every cell'
      : cells.length === 0
        ? 'nowhere'
        : `in ${cells.length} of ${counted(report.cells.length, 'cell')} (${cells.map(cellName).join('; ')})`;
  const against = (other: string, of: (cell: CellResult) => Margin) => {
    const which = (verdict: Verdict) => report.cells.filter((cell) => of(cell).verdict === verdict);
    const open = which('cannot tell');
    const unsure = open.length === 0 ? '' : `; the seeds cannot tell ${count(open)}`;
    return `Against ${other} ${title} pays ${count(which('pays'))} and is overkill ${count(which('overkill'))}${unsure}.`;
  };
  const judged = report.cells.filter(({ agrees }) => agrees !== null);
  const agreed = judged.filter(({ agrees }) => agrees).length;
  return [
    against(titleOf(report, report.baseline), ({ overBaseline }) => overBaseline),
    against('the best other stack', ({ overBest }) => overBest),
    `The guide gives advice in ${judged.length} of the cells; in ${agreed} of them it names the stack that is best for its price, or one that the seeds cannot tell from it.`,
  ];
}

export function matrixText(report: MatrixReport): string {
  const rows = report.cells.map((cell) => [
    cellName(cell),
    titleOf(report, cell.best),
    marginText(cell.overBaseline),
    marginText(cell.overBest),
    cell.advice.text,
  ]);
  const [subject, baseline] = [titleOf(report, report.subject), titleOf(report, report.baseline)];
  const head = ['cell', 'best for its price', `${subject} over ${baseline}`, '… over the best other', 'the guide'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]) => `  ${cells.map((text, i) => text.padEnd(widths[i])).join('  ')}`.trimEnd();
  return `${[
    `Decision matrix: ${counted(report.cells.length, 'cell')}, ${counted(report.seeds.length, 'seed')} of ${counted(report.days, 'day')} under each stack (simulated)`,
    `${report.gpuModel} at $${report.price} per GPU-hour; the work asks for ${percent(report.load, 0)} of each cluster. $ per GPU and month.`,
    '',
    line(head),
    ...rows.map(line),
    '',
    ...matrixVerdict(report),
  ].join('\n')}\n`;
}

const marginText = ({ usd, verdict }: Margin) => `${within(usd, wholeUsd)} ${WORD[verdict]}`;

export function matrixDocument(report: MatrixReport): ReportDocument {
  const title = titleOf(report, report.subject);
  const usd = (name: string, heading?: string): ColumnSpec => ({ name, title: heading, format: 'number1' });
  const blocks: Block[] = [
    ...matrixVerdict(report).map((text, i): Block => ({ kind: 'text', text, strong: i === 0 })),
    { kind: 'heading', text: 'What each cell should run' },
    tableBlock(
      'matrix',
      [
        { name: 'gpus', title: 'GPUs', format: 'number' },
        { name: 'teams', format: 'number' },
        { name: 'work' },
        { name: 'best', title: 'best for its price' },
        usd('lead', 'leads the next by, $ per GPU-month'),
        usd('leadLow', 'low'),
        usd('leadHigh', 'high'),
        { name: 'next', title: 'next' },
        { name: 'guide', title: 'the guide says' },
        { name: 'agrees', title: 'agrees' },
      ],
      report.cells.map((cell) => ({
        gpus: cell.gpus,
        teams: cell.teams,
        work: cell.work,
        best: titleOf(report, cell.best),
        lead: cell.lead?.mean ?? null,
        leadLow: cell.lead?.low ?? null,
        leadHigh: cell.lead?.high ?? null,
        next: titleOf(report, cell.next),
        guide: cell.advice.text,
        agrees: cell.agrees === null ? '' : cell.agrees ? 'yes' : 'no',
      })),
    ),
    { kind: 'heading', text: `Where ${title} is overkill` },
    marginTable(report, `over ${titleOf(report, report.baseline)}`, ({ overBaseline }) => overBaseline),
    marginTable(report, 'over the best other stack', ({ overBest }) => overBest),
    { kind: 'heading', text: 'What each stack gives and costs' },
    tableBlock(
      'stacks',
      [
        { name: 'cell' },
        { name: 'stack' },
        usd('work', 'work, $ per GPU-month'),
        usd('people'),
        usd('licence'),
        usd('net'),
        usd('low'),
        usd('high'),
      ],
      report.cells.flatMap((cell) =>
        cell.stacks.map((s) => ({
          cell: cellName(cell),
          stack: s.title,
          work: s.work?.mean ?? null,
          people: s.people?.mean ?? null,
          licence: s.licence?.mean ?? null,
          net: s.net?.mean ?? null,
          low: s.net?.low ?? null,
          high: s.net?.high ?? null,
        })),
      ),
    ),
    {
      kind: 'chart',
      svg: stackedBars(
        report.cells.map((cell) => {
          const s = cell.stacks.find(({ name }) => name === report.subject);
          return {
            label: cellName(cell),
            parts: [
              { name: 'licence', value: s?.licence?.mean ?? 0, colour: '#a779c9' },
              { name: 'people', value: s?.people?.mean ?? 0, colour: '#e6b33d' },
              { name: 'left of the work', value: Math.max(0, s?.net?.mean ?? 0), colour: '#3f9142' },
            ],
          };
        }),
        `what becomes of the worth of the work under ${title}`,
      ),
      caption: `What becomes of the worth of the work under ${title}.`,
    },
  ];
  return {
    title: `Decision matrix: what should which cluster run?`,
    subtitle: `${report.gpuModel} at $${report.price} per GPU-hour; ${counted(report.seeds.length, 'seed')} of ${counted(report.days, 'day')} in each cell; ${percent(report.confidence, 0)} confidence`,
    blocks,
    definitions: {
      'best for its price':
        'the stack with the largest worth of work less licence less people; GPUs cost the same under all of them',
      margin: `${title} less the other stack, seed by seed (same arrivals, same candidate faults)`,
      overkill: 'the whole confidence interval of the margin is below zero',
      pays: 'the whole interval is above zero',
      'set-up earned back': `days until ${title} has made good its longer set-up: people’s hours, and GPUs that are paid for while they wait. Empty: never`,
      agrees: 'the guide names the best stack, or one that the seeds cannot tell from it',
    },
    assumptions: [
      `Every cell asks for ${percent(report.load, 0)} of its GPU-hours, in equal parts from all teams, each with an equal quota: change it with --load.`,
      'Sizes and durations are the Philly and ITP logs’, as in the default scenario; gangs only where two of them fit.',
      'Mixed work adds replicas of one GPU that hold a sixth of the cluster, and notebooks on half a GPU.',
      'Slurm serves nothing, so it is no candidate for mixed work.',
      'Run:ai alone has no public list price and counts as $0, which its open scheduler (KAI) costs. Any price it has makes Mission Control better by that much.',
      `Hours of people are assumptions (docs/reports.md); the licence is ${decimal((report.stacks.find(({ name }) => name === report.subject)?.licenceMicroUsd ?? 0) / 1e6)} $ per GPU-year.`,
    ],
    provenance: {
      scenario: 'made for each cell; --scenario CELL prints one',
      version: report.version,
      seeds: report.seeds,
      digests: [],
      command: report.command,
    },
  };
}

function marginTable(report: MatrixReport, name: string, of: (cell: CellResult) => Margin): Block {
  const number = (column: string, title?: string): ColumnSpec => ({ name: column, title, format: 'number1' });
  return tableBlock(
    name,
    [
      { name: 'gpus', title: 'GPUs', format: 'number' },
      { name: 'teams', format: 'number' },
      { name: 'work' },
      { name: 'verdict' },
      number('margin', `${name}, $ per GPU-month`),
      number('low'),
      number('high'),
      { name: 'rival', title: 'against' },
      { name: 'days', title: 'set-up earned back after, days', format: 'number' },
    ],
    report.cells.map((cell) => {
      const { usd, verdict, rival, earnsBackDays } = of(cell);
      const { gpus, teams, work } = cell;
      return {
        ...{ gpus, teams, work },
        verdict: WORD[verdict],
        margin: usd?.mean ?? null,
        low: usd?.low ?? null,
        high: usd?.high ?? null,
        rival: titleOf(report, rival),
        days: earnsBackDays,
      };
    }),
  );
}
