/** The decision matrix as a document, and as what a terminal shows. */
import { stackedBars } from '../reports/charts.ts';
import { type Block, type ColumnSpec, type ReportDocument, tableBlock } from '../reports/document.ts';
import { decimal, percent } from '../reports/format.ts';
import type { ComparedStack } from '../sim/simulate.ts';
import { within } from './break-even-report.ts';
import { wholeUsd } from './break-even-study.ts';
import type { CellResult, Verdict } from './matrix.ts';

export interface MatrixReport {
  cells: readonly CellResult[];
  stacks: readonly ComparedStack[];
  subject: string;
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
const cellName = ({ gpus, teams, work }: CellResult) => `${gpus} GPUs, ${teams} team${teams === 1 ? '' : 's'}, ${work}`;

const WORD: Record<Verdict, string> = { pays: 'pays', overkill: 'overkill', 'cannot tell': 'seeds cannot tell' };

/** When it is overkill, as found. */
export function matrixVerdict(report: MatrixReport): string {
  const title = titleOf(report, report.subject);
  const of = (verdict: Verdict) => report.cells.filter((cell) => cell.verdict === verdict);
  const named = (cells: readonly CellResult[]) => cells.map(cellName).join('; ');
  const said = (verdict: Verdict, before: string) =>
    of(verdict).length === 0 ? [] : [`${before}: ${named(of(verdict))}.`];
  const judged = report.cells.filter(({ agrees }) => agrees !== null);
  return [
    ...said('overkill', `${title} is overkill (another stack gives more for its price)`),
    ...said('pays', `It gives most for its price`),
    ...said('cannot tell', `The seeds cannot tell`),
    `Of ${judged.length} cells in which the guide gives advice, ${judged.filter(({ agrees }) => agrees).length} agree with it.`,
  ].join(' ');
}

export function matrixText(report: MatrixReport): string {
  const rows = report.cells.map((cell) => [
    cellName(cell),
    titleOf(report, cell.best),
    within(cell.lead, wholeUsd),
    `${within(cell.margin, wholeUsd)} ${WORD[cell.verdict]}`,
    cell.advice.text,
  ]);
  const head = ['cell', 'best for its price', 'leads by', `${titleOf(report, report.subject)} over the best other`, 'the guide'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]) => `  ${cells.map((text, i) => text.padEnd(widths[i])).join('  ')}`.trimEnd();
  return `${[
    `Decision matrix: ${report.cells.length} cells, ${report.seeds.length} seeds of ${report.days} days under each stack (simulated)`,
    `${report.gpuModel} at $${report.price} per GPU-hour; the work asks for ${percent(report.load, 0)} of each cluster. $ per GPU and month.`,
    '',
    line(head),
    ...rows.map(line),
    '',
    matrixVerdict(report),
  ].join('\n')}\n`;
}

export function matrixDocument(report: MatrixReport): ReportDocument {
  const title = titleOf(report, report.subject);
  const usd = (name: string, heading?: string): ColumnSpec => ({ name, title: heading, format: 'number1' });
  const blocks: Block[] = [
    { kind: 'text', text: matrixVerdict(report), strong: true },
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
    tableBlock(
      'overkill',
      [
        { name: 'gpus', title: 'GPUs', format: 'number' },
        { name: 'teams', format: 'number' },
        { name: 'work' },
        { name: 'verdict' },
        usd('margin', `${title} over the best other, $ per GPU-month`),
        usd('low'),
        usd('high'),
        { name: 'rival', title: 'best other' },
        { name: 'days', title: 'set-up earned back after, days', format: 'number' },
      ],
      report.cells.map((cell) => ({
        gpus: cell.gpus,
        teams: cell.teams,
        work: cell.work,
        verdict: WORD[cell.verdict],
        margin: cell.margin?.mean ?? null,
        low: cell.margin?.low ?? null,
        high: cell.margin?.high ?? null,
        rival: titleOf(report, cell.rival),
        days: cell.earnsBackDays,
      })),
    ),
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
    subtitle: `${report.gpuModel} at $${report.price} per GPU-hour; ${report.seeds.length} seeds of ${report.days} days in each cell; ${percent(report.confidence, 0)} confidence`,
    blocks,
    definitions: {
      'best for its price':
        'the stack with the largest worth of work less licence less people; GPUs cost the same under all of them',
      margin: `${title} less the best other stack, seed by seed (same arrivals, same candidate faults)`,
      overkill: 'the whole confidence interval of the margin is below zero',
      pays: 'the whole interval is above zero',
      'set-up earned back': `days until ${title} has made good its longer set-up: people’s hours, and GPUs that are paid for while they wait. Empty: never`,
      'agrees': 'the guide names the best stack, or one that the seeds cannot tell from it',
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
