/** The figures that studies compare: a number each, taken from a run's summary. */
import type { RunSummary } from '../reports/summary.ts';

export interface FigureSpec {
  id: string;
  /** As a sentence's subject: "queueing delay, p95". */
  label: string;
  unit: 's' | 'share' | 'GPU-h' | 'h' | '$' | 'jobs' | '×';
  /** Which direction a planner wants. */
  better: 'lower' | 'higher';
  /** null where the run has no such figure (nothing completed, no project of that name). */
  of(summary: RunSummary): number | null;
}

export const FIGURES: readonly FigureSpec[] = [
  share('allocation', 'allocation', (s) => s.figures.allocation.value),
  share('utilisation', 'utilisation', (s) => s.figures.utilisation.value),
  share('goodput', 'goodput', (s) => s.figures.goodput.value),
  seconds('queueing-delay-mean', 'mean queueing delay', (s) => s.jobs.queueingDelay.mean),
  seconds('queueing-delay-p50', 'median queueing delay', (s) => s.jobs.queueingDelay.p50),
  seconds('queueing-delay-p95', 'p95 queueing delay', (s) => s.jobs.queueingDelay.p95),
  seconds('jct-mean', 'mean completion time', (s) => s.jobs.jct.mean),
  seconds('jct-p95', 'p95 completion time', (s) => s.jobs.jct.p95),
  { id: 'slowdown-mean', label: 'mean slowdown', unit: '×', better: 'lower', of: (s) => s.jobs.slowdown.mean },
  { id: 'completed', label: 'jobs completed', unit: 'jobs', better: 'higher', of: (s) => s.jobs.counts.completed },
  {
    id: 'useful-gpu-hours',
    label: 'useful GPU-hours',
    unit: 'GPU-h',
    better: 'higher',
    of: (s) => s.ledger.gpuHours.productive + s.ledger.gpuHours.serving,
  },
  {
    id: 'productive-gpu-hours',
    label: 'productive GPU-hours',
    unit: 'GPU-h',
    better: 'higher',
    of: (s) => s.ledger.gpuHours.productive,
  },
  { id: 'lost-gpu-hours', label: 'lost GPU-hours', unit: 'GPU-h', better: 'lower', of: (s) => s.ledger.gpuHours.lost },
  share('attainment', 'requests within their targets', attainmentOf),
  { id: 'preemptions', label: 'preemptions', unit: 'jobs', better: 'lower', of: (s) => s.jobs.preemptions },
  { id: 'cost', label: 'cost', unit: '$', better: 'lower', of: (s) => s.cost.total },
  {
    id: 'cost-per-useful-gpu-hour',
    label: 'cost per useful GPU-hour',
    unit: '$',
    better: 'lower',
    of: (s) => {
      const useful = s.ledger.gpuHours.productive + s.ledger.gpuHours.serving;
      return useful > 0 ? s.cost.total / useful : null;
    },
  },
];

/** The p95 wait of each project: who gains and who loses. */
export function projectFigures(projects: readonly string[]): FigureSpec[] {
  return projects.map((project) =>
    seconds(`queueing-delay-p95/${project}`, `p95 queueing delay of ${project}`, (s) => {
      const queue = s.queues.find((q) => q.project === project);
      return queue?.queueingDelay.p95 ?? null;
    }),
  );
}

/** Over all deployments that state targets. */
function attainmentOf({ slo }: RunSummary): number | null {
  const judged = slo.deployments.filter(({ attainment }) => attainment !== null);
  const requests = judged.reduce((sum, d) => sum + d.requests, 0);
  return requests > 0 ? judged.reduce((sum, d) => sum + (d.attainment ?? 0) * d.requests, 0) / requests : null;
}

function share(id: string, label: string, of: FigureSpec['of']): FigureSpec {
  return { id, label, unit: 'share', better: 'higher', of };
}

function seconds(id: string, label: string, of: FigureSpec['of']): FigureSpec {
  return { id, label, unit: 's', better: 'lower', of };
}

/** A run's figures by id. */
export function figuresOf(summary: RunSummary, specs: readonly FigureSpec[] = FIGURES): Record<string, number | null> {
  return Object.fromEntries(specs.map((spec) => [spec.id, spec.of(summary)]));
}
