/** One run of a study: a scenario with a point's changes and a seed, and every figure that sweeps and plans look at. */
import { endedUs, idealUs, isMeasured, statusOf } from '../reports/job-table.ts';
import { nearestRank } from '../reports/quantiles.ts';
import { type RunSummary, summarise } from '../reports/summary.ts';
import type { Point } from '../scenarios/variants.ts';
import { JOB_CLASSES, type Run, type Scenario, SECOND_US, Simulation } from '../sim/simulate.ts';
import type { Figures } from './compare.ts';
import { FIGURES, type FigureSpec, figuresOf } from './figures.ts';

/** Plain data, so that it can be sent to a thread or another machine. */
export interface PointTask {
  point: Point;
  seed: string;
}

/** What became of it: figures, or why there is no such cluster (a quota that does not fit, a job too large). */
export type PointOutcome = { digest: string; figures: Figures } | { refused: string };

/** Runs points of one study, `size` at a time. */
export interface PointPool {
  readonly size: number;
  run(task: PointTask): Promise<PointOutcome>;
  close(): Promise<void>;
}

/** Projects, deployments and jobs with a deadline beyond this many get no figures of their own. */
const MOST_NAMED = 50;
const QUANTILES = ['mean', 'p50', 'p90', 'p95', 'p99'] as const;

/** A figure that `pointFigures` takes from more than the summary. */
const taken = (id: string, label: string, unit: FigureSpec['unit'], better: FigureSpec['better']): FigureSpec => ({
  id,
  label,
  unit,
  better,
  of: () => null,
});

/** The figures that runs of this scenario have, whatever is varied, in the order of their columns. */
export function pointFigures(scenario: Scenario): FigureSpec[] {
  const waits = (
    suffix: string,
    of: string,
    pick: (s: RunSummary) => RunSummary['jobs']['queueingDelay'] | undefined,
  ) =>
    QUANTILES.map(
      (q): FigureSpec => ({
        id: `queueing-delay-${q}${suffix}`,
        label: `${q === 'mean' ? 'mean' : q} queueing delay${of}`,
        unit: 's',
        better: 'lower',
        of: (s) => pick(s)?.[q] ?? null,
      }),
    );
  const listed = new Set(FIGURES.map(({ id }) => id));
  return [
    ...FIGURES,
    ...waits('', '', (s) => s.jobs.queueingDelay).filter(({ id }) => !listed.has(id)),
    taken('unschedulable', 'jobs that can never run', 'jobs', 'lower'),
    taken('ettr', 'effective training time ratio', 'share', 'higher'),
    taken('deadlines-met', 'jobs done by their deadline', 'share', 'higher'),
    taken('slo-attainment', 'SLO attainment of the worst deployment', 'share', 'higher'),
    ...named(scenario.projects.map((p) => p.name)).flatMap((name) =>
      waits(`/${name}`, ` of ${name}`, (s) => s.queues.find((q) => q.project === name)?.queueingDelay),
    ),
    ...named((scenario.serving ?? []).map(({ name }) => name)).map((name) =>
      taken(`slo-attainment/${name}`, `SLO attainment of ${name}`, 'share', 'higher'),
    ),
    ...named(withDeadline(scenario).map((job) => scenario.jobs.ids[job])).map((id) =>
      taken(`end/${id}`, `end of ${id}`, 's', 'lower'),
    ),
  ];
}

const named = (names: readonly string[]) => (names.length <= MOST_NAMED ? names : []);

function withDeadline({ jobs }: Scenario): number[] {
  const found: number[] = [];
  for (let job = 0; job < jobs.count; job++) if (jobs.deadlineUs[job] < Infinity) found.push(job);
  return found;
}

/** Simulates it. Same scenario, same outcome, wherever it runs. */
export function runPoint(scenario: Scenario): PointOutcome {
  const simulation = new Simulation(scenario);
  simulation.run();
  const run = simulation.result();
  const summary = summarise(run, 0);
  const specs = pointFigures(scenario);
  const figures: Figures = {
    ...figuresOf(summary, specs),
    // Where nothing can happen any more, what waits can never run either.
    unschedulable: summary.jobs.counts.unschedulable + (run.stalled ? summary.jobs.counts.pending : 0),
    ettr: ettrOf(run, (job) => simulation.jobs.remainingUs(job)),
    ...deadlineFigures(run),
    ...attainments(summary),
  };
  for (const id of Object.keys(figures)) if (!Number.isFinite(figures[id])) figures[id] = null;
  return { digest: run.digest, figures };
}

const TRAINING = [JOB_CLASSES.indexOf('training'), JOB_CLASSES.indexOf('batch')];

/**
 * Effective training time ratio (arXiv 2410.21680): the time that a job's work takes undisturbed, as far as it is done,
 * over the time since it was submitted; summed over training jobs, each with its GPUs as its weight.
 */
export function ettrOf(run: Run, remainingUs: (job: number) => number): number | null {
  const { jobs } = run.scenario;
  let productive = 0;
  let wall = 0;
  for (let job = 0; job < jobs.count; job++) {
    const whole = jobs.durationUs[job];
    if (!TRAINING.includes(jobs.class[job]) || !Number.isFinite(whole) || whole <= 0) continue;
    if (!isMeasured(run, job) || statusOf(run, job) === 'unschedulable') continue;
    let gpus = 0;
    for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) gpus += jobs.taskGpus[task];
    const ended = endedUs(run, job);
    const done = 1 - Math.max(0, Math.min(1, remainingUs(job) / whole));
    productive += gpus * idealUs(run, job) * done;
    wall += gpus * ((ended < 0 ? run.simulatedUs : ended) - jobs.submitUs[job]);
  }
  return wall > 0 ? productive / wall : null;
}

/** A job that has not ended has no end; one without an end by its deadline is late. */
function deadlineFigures(run: Run): Figures {
  const { scenario } = run;
  const { jobs } = scenario;
  const all = withDeadline(scenario);
  const completed = (job: number) => (statusOf(run, job) === 'completed' ? run.jobs.endUs[job] : Infinity);
  // A deadline after the end of the simulation is judged by nobody.
  const due = all.filter((job) => jobs.deadlineUs[job] <= run.simulatedUs || completed(job) < Infinity);
  const met = due.filter((job) => completed(job) <= jobs.deadlineUs[job]).length;
  const ends = named(all.map((job) => jobs.ids[job])).map((id, i) => [`end/${id}`, completed(all[i]) / SECOND_US]);
  return { 'deadlines-met': due.length === 0 ? null : met / due.length, ...Object.fromEntries(ends) };
}

function attainments({ slo }: RunSummary): Figures {
  const rows = slo.deployments.filter(({ attainment }) => attainment !== null);
  const worst = nearestRank(
    rows.map(({ attainment }) => attainment as number).sort((a, b) => a - b),
    0,
  );
  return {
    'slo-attainment': worst,
    ...Object.fromEntries(rows.map(({ deployment, attainment }) => [`slo-attainment/${deployment}`, attainment])),
  };
}
