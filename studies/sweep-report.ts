/** A sweep as text and as a document: a line a point, means over its seeds with their intervals. */
import { type Block, type ColumnSpec, type ReportDocument, tableBlock } from '../reports/document.ts';
import { counted, decimal } from '../reports/format.ts';
import { LEGEND } from '../reports/summary.ts';
import { shown } from '../scenarios/paths.ts';
import { amount } from './compare.ts';
import type { FigureSpec } from './figures.ts';
import { type PointSummary, pointSummaries, type SweepPlan, type SweepRow } from './sweep.ts';
import { sweepChart } from './sweep-chart.ts';

type Shown = Omit<FigureSpec, 'of'>;

/** What a planner asks first, where the study names no figures. */
const FIRST = ['cost', 'queueing-delay-p95', 'utilisation', 'goodput', 'completed', 'cost-per-useful-gpu-hour'];

function shownFigures(plan: SweepPlan): Shown[] {
  const wanted = plan.study.figures.length > 0 ? plan.study.figures : FIRST;
  return wanted.flatMap((id) => plan.figures.filter((spec) => spec.id === id));
}

export interface SweepReport {
  plan: SweepPlan;
  points: PointSummary[];
  runs: number;
  refused: number;
  /** Best point by figure: the mean over seeds. */
  best: { figure: string; label: string; number: number; text: string }[];
  notes: string[];
}

export function sweepReport(plan: SweepPlan, rows: readonly SweepRow[]): SweepReport {
  const points = pointSummaries(plan, rows);
  const refused = points.filter((p) => p.refused !== null).length;
  const notes: string[] = [];
  if (plan.study.seeds.length === 1)
    notes.push('One seed a point shows differences but not whether they are chance: give the Study seeds: 5 or more.');
  if (refused > 0) {
    const first = points.find((p) => p.refused !== null) as PointSummary;
    const hint =
      first.refused?.includes('deserved') && !plan.study.scaleQuotas
        ? ' (quotas: in-proportion in the Study makes quotas follow their pools)'
        : '';
    notes.push(
      `${refused} of ${counted(points.length, 'point')} cannot be: point ${first.number}, ${first.refused}${hint}.`,
    );
  }
  const stuck = points.filter((p) => (p.figures.unschedulable?.mean ?? 0) > 0);
  if (stuck.length > 0)
    notes.push(
      `In ${stuck.length} of ${counted(points.length, 'point')} some jobs never run: larger than any pool, or half-started gangs wait for each other (figure unschedulable; first at point ${stuck[0].number}).`,
    );
  const best = shownFigures(plan).flatMap((spec) => {
    const there = points.filter((p) => p.figures[spec.id] !== null);
    if (there.length < 2) return [];
    const sign = spec.better === 'lower' ? 1 : -1;
    const value = (p: PointSummary) => sign * (p.figures[spec.id]?.mean as number);
    const top = there.reduce((a, b) => (value(b) < value(a) ? b : a));
    const equal = there.filter((p) => value(p) === value(top)).length;
    // What is the same everywhere recommends nothing.
    if (equal === there.length) return [];
    const others = equal === 1 ? '' : ` and ${counted(equal - 1, 'other')}`;
    const text = `${spec.label}: ${meanText(top, spec)} at ${pointText(top, plan)}${others}`;
    return [{ figure: spec.id, label: spec.label, number: top.number, text }];
  });
  return { plan, points, runs: rows.length, refused, best, notes };
}

/** `pools.h200.nodes 4, policy runai`. */
export function pointText({ point }: Pick<PointSummary, 'point'>, { study }: Pick<SweepPlan, 'study'>): string {
  return study.axes.flatMap((path) => (point[path] === undefined ? [] : [`${path} ${shown(point[path])}`])).join(', ');
}

function meanText(point: PointSummary, { id, unit }: Shown): string {
  const figure = point.figures[id];
  return figure === null || figure === undefined ? '–' : amount(figure.mean, unit);
}

/** The mean, and the half width of its interval where there is one. */
function withInterval(point: PointSummary, spec: Shown): string {
  const figure = point.figures[spec.id];
  if (figure === null || figure === undefined) return '–';
  const half = figure.high - figure.mean;
  return Number.isFinite(half) && half > 0
    ? `${amount(figure.mean, spec.unit)} ± ${amount(half, spec.unit)}`
    : amount(figure.mean, spec.unit);
}

const MOST_LINES = 40;

export function sweepText(report: SweepReport): string {
  const { plan, points } = report;
  const lines = [title(report), ''];
  const figures = shownFigures(plan);
  const shownPoints = points.slice(0, MOST_LINES);
  const cells = [
    ['point', ...plan.study.axes, ...figures.map(({ id }) => id)],
    ...shownPoints.map((p) => [
      String(p.number),
      ...axisCells(p, plan),
      ...(p.refused === null ? figures.map((spec) => meanText(p, spec)) : ['cannot be: see below']),
    ]),
  ];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)));
  for (const row of cells)
    lines.push(row.map((cell, i) => cell.padStart(row.length < widths.length ? 0 : widths[i])).join('  '));
  if (points.length > MOST_LINES)
    lines.push(`… and ${decimal(points.length - MOST_LINES)} more points, in the table (--out).`);
  lines.push('');
  for (const { text } of report.best) lines.push(`Best ${text}`);
  for (const note of report.notes) lines.push(`Note: ${note}`);
  lines.push(
    `Means over ${counted(plan.study.seeds.length, 'seed')}, the same for every point (same arrivals, same candidate faults).`,
  );
  return `${lines.join('\n')}\n`;
}

/** The same as a document: a page, Markdown or CSV. */
export function sweepDocument(report: SweepReport): ReportDocument {
  const { plan, points, best, notes } = report;
  const { study } = plan;
  const figures = shownFigures(plan);
  const columns: ColumnSpec[] = [
    { name: 'point', format: 'number' },
    ...study.axes.map((name) => ({ name })),
    ...figures.map(({ id, label }) => ({ name: id, title: label })),
    ...(report.refused > 0 ? [{ name: 'cannot be' }] : []),
  ];
  const rows = points.map((p) => ({
    point: p.number,
    ...Object.fromEntries(axisCells(p, plan).map((cell, i) => [study.axes[i], cell])),
    ...Object.fromEntries(figures.map((spec) => [spec.id, withInterval(p, spec)])),
    'cannot be': p.refused,
  }));
  return {
    title: title(report),
    subtitle: `Means over the same ${counted(study.seeds.length, 'seed')} for every point, ± half the ${Math.round(100 * study.confidence)} % interval (Student's t).`,
    blocks: [
      ...notes.map((text): Block => ({ kind: 'warning', text })),
      ...(best.length === 0 ? [] : [{ kind: 'list' as const, items: best.map(({ text }) => `Best ${text}`) }]),
      ...figures.flatMap((spec): Block[] => {
        const drawn = sweepChart(study.axes, points, spec);
        return drawn === null
          ? []
          : [
              { kind: 'heading', text: spec.label },
              { kind: 'chart', ...drawn },
            ];
      }),
      { kind: 'heading', text: 'Points' },
      tableBlock('points', columns, rows),
    ],
    definitions: LEGEND,
    assumptions: plan.assumptions,
    provenance: {
      scenario: `${plan.name}, hash ${plan.scenario}`,
      version: plan.version,
      seeds: study.seeds,
      digests: [],
      command: plan.command,
    },
  };
}

function axisCells(p: PointSummary, { study }: SweepPlan): string[] {
  return study.axes.map((path) => (p.point[path] === undefined ? '' : shown(p.point[path])));
}

function title({ plan, points, runs }: SweepReport): string {
  const name = plan.study.name === '' ? plan.name : `${plan.name}, ${plan.study.name}`;
  const { seeds } = plan.study;
  return `${name}: ${counted(points.length, 'point')} × ${counted(seeds.length, 'seed')} = ${counted(runs, 'run')}`;
}
