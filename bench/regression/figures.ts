/** The figures that a bench compares: of the run as a whole, and of who is in it. */
import { gpusAsked, isMeasured, statusOf } from '../../reports/job-table.ts';
import { nearestRank } from '../../reports/quantiles.ts';
import type { RunSummary } from '../../reports/summary.ts';
import { JOB_CLASSES, type Run, SECOND_US } from '../../sim/simulate.ts';
import type { Figures } from '../../studies/compare.ts';
import { FIGURES, type FigureSpec } from '../../studies/figures.ts';

/** Of a run as a whole; `of` is null where more than the summary is needed. */
const own = (id: string, label: string, unit: FigureSpec['unit'], better: FigureSpec['better']): FigureSpec => ({
  id,
  label,
  unit,
  better,
  of: () => null,
});

const SHARED = [
  'queueing-delay-mean',
  'queueing-delay-p95',
  'jct-mean',
  'slowdown-mean',
  'completed',
  'allocation',
  'goodput',
  'lost-gpu-hours',
];

export const BENCH_FIGURES: readonly FigureSpec[] = [
  ...SHARED.map((id) => FIGURES.find((spec) => spec.id === id) as FigureSpec),
  own('evictions', 'running jobs stopped', 'jobs', 'lower'),
  own('needless-evictions', 'of these in vain', 'jobs', 'lower'),
  own('longest-wait', 'longest wait of a job', 's', 'lower'),
  own('starved', 'jobs that waited for over a quarter of the run', 'jobs', 'lower'),
  own('fairness-jain', "fairness (Jain's index of entitled shares)", 'share', 'higher'),
  own('fairness-worst', 'entitled share that the worst-off project got', 'share', 'higher'),
  own('slo-attainment', 'SLO attainment of the worst deployment', 'share', 'higher'),
];

const STARVED = 0.25;

/** From the jobs of a run: as the simulator has them, or as another version wrote them down. */
export interface JobFacts {
  project: string;
  /** Groups that the job is of besides: its class and its size. */
  groups: string[];
  waitSeconds: number;
}

export function jobFacts(run: Run): JobFacts[] {
  const { jobs, projects } = run.scenario;
  const facts: JobFacts[] = [];
  for (let job = 0; job < jobs.count; job++) {
    if (!isMeasured(run, job) || statusOf(run, job) === 'unschedulable') continue;
    const groups = groupsOf(JOB_CLASSES[jobs.class[job]], gpusAsked(run, job));
    facts.push({
      project: projects[jobs.project[job]].name,
      groups,
      waitSeconds: run.jobs.queuedUs[job] / SECOND_US,
    });
  }
  return facts;
}

export function groupsOf(jobClass: string, gpus: number): string[] {
  const size = gpus <= 1 ? '1 GPU or less' : gpus <= 8 ? '2 to 8 GPUs' : 'more than 8 GPUs';
  return [`class ${jobClass}`, `jobs of ${size}`];
}

/** Waits: how long the longest, how many too long. */
export function waitFigures(facts: readonly JobFacts[], simulatedSeconds: number): Figures {
  const most = simulatedSeconds * STARVED;
  return {
    'longest-wait': facts.length === 0 ? null : facts.reduce((longest, f) => Math.max(longest, f.waitSeconds), 0),
    starved: facts.filter(({ waitSeconds }) => waitSeconds > most).length,
  };
}

export function sloFigures({ slo }: RunSummary): Figures {
  const attained = slo.deployments.flatMap(({ attainment }) => (attainment === null ? [] : [attainment]));
  return { 'slo-attainment': attained.length === 0 ? null : Math.min(...attained) };
}

/** With more projects than this only the others are told apart. */
const MOST_PROJECTS = 30;

/** Who gains and who loses: `mean/project training`, `p95/class batch`, `gpu-hours/project training`. */
export function groupFigures(facts: readonly JobFacts[], queues: RunSummary['queues']): Figures {
  const figures: Figures = {};
  const waits = new Map<string, number[]>();
  for (const { project, groups, waitSeconds } of facts) {
    for (const group of queues.length <= MOST_PROJECTS ? [`project ${project}`, ...groups] : groups) {
      const list = waits.get(group);
      if (list === undefined) waits.set(group, [waitSeconds]);
      else list.push(waitSeconds);
    }
  }
  for (const [group, list] of [...waits].sort(([a], [b]) => (a < b ? -1 : 1))) {
    list.sort((a, b) => a - b);
    figures[`mean/${group}`] = list.reduce((sum, wait) => sum + wait, 0) / list.length;
    figures[`p95/${group}`] = nearestRank(list, 0.95);
  }
  if (queues.length <= MOST_PROJECTS)
    for (const { project, gpuHours } of queues)
      figures[`gpu-hours/project ${project}`] = gpuHours.inQuota + gpuHours.overQuota;
  return figures;
}

const GROUP_LABELS: Record<string, Pick<FigureSpec, 'unit' | 'better'> & { label: string }> = {
  mean: { label: 'mean wait', unit: 's', better: 'lower' },
  p95: { label: 'p95 wait', unit: 's', better: 'lower' },
  'gpu-hours': { label: 'GPU-hours held', unit: 'GPU-h', better: 'higher' },
};

/** Specifications of the group figures that some run has, a group's figures side by side. */
export function groupSpecs(runs: readonly Figures[]): FigureSpec[] {
  const group = (id: string) => id.slice(id.indexOf('/') + 1);
  const ids = [...new Set(runs.flatMap((run) => Object.keys(run)))];
  ids.sort((a, b) => (group(a) === group(b) ? 0 : group(a) < group(b) ? -1 : 1));
  return ids.map((id) => {
    const { label, unit, better } = GROUP_LABELS[id.slice(0, id.indexOf('/'))];
    return own(id, `${label}, ${group(id)}`, unit, better);
  });
}

/** How the ids of group figures begin. */
export const GROUP_PREFIXES: readonly string[] = Object.keys(GROUP_LABELS).map((what) => `${what}/`);
