/** A plan as text, and as a document: a page, Markdown or CSV. */
import { curveChart } from '../reports/charts.ts';
import { type Block, type ReportDocument, tableBlock } from '../reports/document.ts';
import { counted, dollars, percent } from '../reports/format.ts';
import { LEGEND } from '../reports/summary.ts';
import { amount } from './compare.ts';
import type { PlanInput, PlanReport } from './plan-report.ts';

/** Of a point that was not run with every seed only what its runs say. */
const meetsText = ({ meets, seeds }: PlanReport['frontier'][number], report: PlanReport): string =>
  seeds < report.seeds.length ? (meets ? 'so far' : 'not so far') : meets ? 'yes' : 'no';
const chanceText = (sure: number | null) => (sure === null ? '–' : sure > 0.995 ? '> 99 %' : percent(sure, 0));

export function planText(report: PlanReport): string {
  const lines = [title(report), ''];
  lines.push(...report.sentences, '');
  const point = report.best ?? report.nearest;
  if (point !== null) {
    const rows = [
      ['target', 'mean over seeds (interval)', 'room', 'sure'],
      ...point.targets.map((t) => [t.target, t.text, t.slack === null ? '–' : percent(t.slack), chanceText(t.sure)]),
    ];
    lines.push(...aligned(rows), '');
  }
  if (report.frontier.length > 1) {
    lines.push('What the money buys (of what was run):');
    lines.push(
      ...aligned([
        ['cost', report.frontierFigure, 'seeds', 'meets all', 'point'],
        ...report.frontier.map((row) => [
          dollars(row.cost),
          amount(row.wait, 's'),
          String(row.seeds),
          meetsText(row, report),
          row.text,
        ]),
      ]),
      '',
    );
  }
  for (const note of report.notes) lines.push(`Note: ${note}`);
  return `${lines.join('\n').trimEnd()}\n`;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`.trimEnd());
}

function title({ scenario, candidates, seeds }: PlanReport): string {
  return `${scenario}: the cheapest of ${counted(candidates, 'candidate')}, ${counted(seeds.length, 'seed')}`;
}

export function planDocument(
  report: PlanReport,
  { command, assumptions }: Pick<PlanInput, 'command' | 'assumptions'>,
): ReportDocument {
  const point = report.best ?? report.nearest;
  const [headline, ...rest] = report.sentences;
  const curve = report.frontier.map(({ cost, wait }) => ({ x: cost, y: wait, low: wait, high: wait }));
  const bound = report.waitBound;
  const blocks: Block[] = [
    { kind: 'text', text: headline, strong: true },
    { kind: 'list', items: rest },
    ...report.notes.map((text): Block => ({ kind: 'warning', text })),
  ];
  if (point !== null) {
    blocks.push(
      { kind: 'heading', text: report.best === null ? 'What comes closest' : 'The answer' },
      tableBlock(
        'targets',
        [
          { name: 'target' },
          { name: 'mean', title: 'mean over seeds (interval)' },
          { name: 'met' },
          { name: 'room', format: 'share' },
          { name: 'sure' },
        ],
        point.targets.map((t) => ({
          target: t.target,
          mean: t.text,
          met: t.met ? 'yes' : 'no',
          room: t.slack,
          sure: chanceText(t.sure),
        })),
      ),
    );
  }
  blocks.push({ kind: 'heading', text: 'What the money buys' });
  if (curve.length > 1) {
    blocks.push({
      kind: 'chart',
      svg: curveChart(curve, {
        label: 'cost and wait',
        xTitle: 'cost',
        yTitle: report.frontierFigure,
        x: dollars,
        y: (value) => amount(value, 's'),
        ...(bound !== null && { mark: { y: bound, label: 'target' } }),
      }),
      caption: `Points of which no cheaper one was found to wait less (${report.frontierFigure}), of those that were run.`,
    });
  }
  blocks.push(
    tableBlock(
      'frontier',
      [
        { name: 'cost', format: 'usd' },
        { name: 'wait', title: report.frontierFigure },
        { name: 'seeds', format: 'number' },
        { name: 'meets', title: 'meets all' },
        { name: 'point' },
      ],
      report.frontier.map((row) => ({
        cost: row.cost,
        wait: amount(row.wait, 's'),
        seeds: row.seeds,
        meets: meetsText(row, report),
        point: row.text,
      })),
    ),
  );
  return {
    title: title(report),
    subtitle: `Targets: ${report.targets.join('; ')}.`,
    blocks,
    definitions: {
      room: 'how far the mean is from the bound, as a share of it (of a share such as attainment: of what may be missing)',
      sure: "the chance, by Student's t over the seeds, that the mean of ever more months meets the target",
      ...LEGEND,
    },
    assumptions,
    provenance: {
      scenario: `${report.scenario}, hash ${report.hash}`,
      version: report.version,
      seeds: report.seeds,
      digests: [],
      command,
    },
  };
}
