/** What a plan's search found: the answer, how sure it is, what binds, what comes next, what else the money buys. */

import { counted, decimal, dollars, percent } from '../reports/format.ts';
import { shown } from '../scenarios/paths.ts';
import type { Study } from '../scenarios/study.ts';
import type { Point } from '../scenarios/variants.ts';
import { amount } from './compare.ts';
import type { FigureSpec } from './figures.ts';
import type { PlanSearch } from './plan.ts';
import { isMoreOfIt } from './plan-problem.ts';
import { limitOf, type PlanProblem, type RunMade } from './race.ts';
import { meanInterval, tProbability, valuesNeeded, variance } from './stats.ts';
import type { Target } from './target.ts';

export interface PlanInput {
  name: string;
  hash: string;
  version: string;
  command: string;
  study: Study;
  figures: readonly Omit<FigureSpec, 'of'>[];
  assumptions: readonly string[];
  /** Runs that were known before. */
  reused: number;
  risk: number;
  growth?: readonly GrowthRow[];
}

/** The answer with more work: `workload.scale` times this. */
export interface GrowthRow {
  factor: number;
  runs: number;
  missed: string[];
}

export interface TargetResult {
  target: string;
  figure: string;
  /** Means over the seeds run, with the interval; null where a run has no such figure. */
  mean: number | null;
  low: number | null;
  high: number | null;
  text: string;
  met: boolean;
  /** Room left, relative to the bound (of a share: to what may be missing); negative: missed by. */
  slack: number | null;
  /** Chance that the mean over ever more seeds meets it; null from one seed. */
  sure: number | null;
}

export interface PlanPoint {
  number: number;
  point: Point;
  text: string;
  cost: number | null;
  seeds: number;
  targets: TargetResult[];
}

export interface PlanReport {
  scenario: string;
  hash: string;
  version: string;
  seeds: readonly string[];
  targets: string[];
  /** null: none of the candidates meets the targets. */
  best: PlanPoint | null;
  /** Without a best: what comes closest. */
  nearest: PlanPoint | null;
  /** Tightest target of the answer, and the one after it. */
  binds: string | null;
  next: string | null;
  /** A step down along each axis of nodes. */
  steps: { axis: string; number: number; text: string; saves: number | null; sentence: string }[];
  frontier: { number: number; text: string; cost: number; wait: number; seeds: number; meets: boolean }[];
  frontierFigure: string;
  /** What a target asks of it, seconds. */
  waitBound: number | null;
  candidates: number;
  excluded: Record<'run' | 'dominated' | 'dearer' | 'refused', number>;
  runs: { made: number; reused: number; all: number };
  growth: readonly GrowthRow[] | null;
  sentences: string[];
  notes: string[];
}

export function planReport(input: PlanInput, problem: PlanProblem, search: PlanSearch): PlanReport {
  const { study } = input;
  const pointOf = (c: number): PlanPoint => planPoint(input, problem, search, c);
  const best = search.best < 0 ? null : pointOf(search.best);
  const nearest = best !== null || search.nearest < 0 ? null : pointOf(search.nearest);
  const tight = [...(best?.targets ?? [])]
    .filter(({ figure, slack }) => slack !== null && figure !== 'unschedulable')
    .sort((a, b) => (a.slack as number) - (b.slack as number));
  const excluded = { run: 0, dominated: 0, dearer: 0, refused: 0 };
  for (const why of search.excluded) if (why !== null) excluded[why]++;
  const figure = problem.targets.find((t) => t.figure.startsWith('queueing-delay'))?.figure ?? 'queueing-delay-p95';
  const report: PlanReport = {
    scenario: input.name,
    hash: input.hash,
    version: input.version,
    seeds: study.seeds,
    targets: problem.targets.map(({ text }) => text),
    best,
    nearest,
    binds: tight[0]?.target ?? null,
    next: tight[1]?.target ?? null,
    steps: best === null ? [] : stepsDown(input, problem, search),
    frontier: frontierOf(problem, search, figure, study),
    frontierFigure: figure,
    waitBound: problem.targets.find((t) => t.figure === figure)?.bound ?? null,
    candidates: problem.candidates.length,
    excluded,
    runs: {
      made: search.made - input.reused,
      reused: input.reused,
      all: problem.candidates.length * study.seeds.length,
    },
    growth: input.growth ?? null,
    sentences: [],
    notes: [],
  };
  report.sentences = sentencesOf(report, input, search);
  report.notes = notesOf(report, problem, search);
  return report;
}

function planPoint({ study }: PlanInput, { targets, seeds }: PlanProblem, { runs }: PlanSearch, c: number): PlanPoint {
  const own = runs[c];
  const costs = own.map((run) => run?.cost ?? null).filter((x): x is number => x !== null);
  return {
    number: c + 1,
    point: study.points[c],
    text: textOf(study, study.points[c]),
    cost: costs.length === 0 ? null : costs.reduce((sum, x) => sum + x, 0) / costs.length,
    seeds: own.length,
    targets: targets.map((target) => targetResult(target, own, study.confidence, own.length === seeds.length)),
  };
}

function targetResult(target: Target, own: readonly RunMade[], confidence: number, all: boolean): TargetResult {
  const limit = limitOf(target);
  const values = own.map((run) => run?.[target.figure] ?? null);
  const there = values.filter((v): v is number => v !== null);
  const common = { target: target.text, figure: target.figure };
  if (there.length === 0 || there.length < values.length) {
    return {
      ...common,
      mean: null,
      low: null,
      high: null,
      text: 'no such figure in every run',
      met: false,
      slack: null,
      sure: null,
    };
  }
  const { mean, low, high } = meanInterval(there, confidence);
  const missing = own.map((run) => limit.of(run));
  const average = missing.reduce((sum, v) => sum + v, 0) / missing.length;
  const finite = (x: number) => (Number.isFinite(x) ? x : null);
  return {
    ...common,
    mean,
    low: finite(low),
    high: finite(high),
    text: `${amount(mean, target.unit)}${Number.isFinite(low) ? ` (${amount(Math.max(0, low), target.unit)} to ${amount(target.unit === 'share' ? Math.min(1, high) : high, target.unit)})` : ''}`,
    met: average <= limit.bound * (1 + 1e-12),
    slack: limit.bound > 0 ? (limit.bound - average) / limit.bound : average > 0 ? null : 0,
    sure: all ? chanceMet(missing, limit.bound) : null,
  };
}

/** By Student's t: the seeds are a sample of all the months that may come. */
function chanceMet(values: readonly number[], bound: number): number | null {
  if (values.length < 2) return null;
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const error = Math.sqrt(variance(values, mean) / values.length);
  if (error === 0) return mean <= bound ? 1 : 0;
  return tProbability((bound - mean) / error, values.length - 1);
}

/** `pools.h200.nodes 4, policy runai`. */
export function textOf({ axes }: Pick<Study, 'axes'>, point: Point): string {
  return axes.flatMap((path) => (point[path] === undefined ? [] : [`${path} ${shown(point[path])}`])).join(', ');
}

/** One step less along each axis of nodes: what would be missed. */
function stepsDown(input: PlanInput, problem: PlanProblem, search: PlanSearch): PlanReport['steps'] {
  const { candidates } = problem;
  const here = candidates[search.best];
  const axes = input.study.axes.filter(isMoreOfIt);
  return here.levels.flatMap((level, i) => {
    const below = candidates.findIndex(
      (c) => c.group === here.group && c.levels.every((l, k) => l === (k === i ? level - 1 : here.levels[k])),
    );
    if (below < 0) return [];
    const point = planPoint(input, problem, search, below);
    const saves = here.costLow === here.costHigh ? here.costLow - candidates[below].costLow : null;
    const missed = point.targets.filter((t) => !t.met);
    const why = search.excluded[below];
    const said =
      point.seeds > 0 && missed.length > 0
        ? `misses ${missed.map((t) => `'${t.target}': ${t.text}`).join(', ')}`
        : why === 'refused' || search.runs[below].includes(null)
          ? 'cannot be: the scenario is refused (quotas or jobs that do not fit)'
          : why === 'dominated'
            ? 'was not run: a bigger one misses already'
            : why === 'run'
              ? 'was given up before all seeds: it cannot be expected to meet them'
              : 'was not run';
    return [
      {
        axis: axes[i] ?? '',
        number: below + 1,
        text: point.text,
        saves,
        sentence: `${axes[i]} ${shown(point.point[axes[i]])}: ${said}`,
      },
    ];
  });
}

/** Of what was run: points of which no cheaper one waits less. */
function frontierOf(problem: PlanProblem, { runs }: PlanSearch, figure: string, study: Study): PlanReport['frontier'] {
  const rows = runs.flatMap((own, c) => {
    const costs = own.map((run) => run?.cost ?? null);
    const waits = own.map((run) => run?.[figure] ?? null);
    if (own.length === 0 || costs.includes(null) || waits.includes(null)) return [];
    const mean = (values: (number | null)[]) =>
      values.reduce((sum: number, v) => sum + (v as number), 0) / values.length;
    const meets = problem.targets.every((target) => {
      const limit = limitOf(target);
      return own.reduce((sum, run) => sum + limit.of(run), 0) / own.length <= limit.bound * (1 + 1e-12);
    });
    return [
      {
        number: c + 1,
        text: textOf(study, study.points[c]),
        cost: mean(costs),
        wait: mean(waits),
        seeds: own.length,
        meets,
      },
    ];
  });
  rows.sort((a, b) => a.cost - b.cost || a.wait - b.wait || a.number - b.number);
  let least = Infinity;
  return rows.filter((row) => {
    if (row.wait >= least) return false;
    least = row.wait;
    return true;
  });
}

function sentencesOf(report: PlanReport, input: PlanInput, search: PlanSearch): string[] {
  const { best, nearest, runs, excluded, candidates } = report;
  const sentences: string[] = [];
  if (best === null) {
    sentences.push(
      nearest === null
        ? `None of the ${decimal(candidates)} candidates runs every job: some are larger than any pool, or half-started gangs wait for each other.`
        : `None of the ${decimal(candidates)} candidates meets all targets. Closest: ${nearest.text}, which misses ${nearest.targets
            .filter((t) => !t.met)
            .map((t) => `'${t.target}' (${t.text})`)
            .join(', ')}.`,
    );
  } else {
    sentences.push(`Cheapest that meets all targets: ${best.text}, for ${dollars(best.cost ?? 0)}.`);
    if (report.binds !== null) {
      const binding = best.targets.find((t) => t.target === report.binds) as TargetResult;
      sentences.push(`What binds: '${report.binds}', with ${percent(binding.slack as number)} of room.`);
    }
    if (report.next !== null) {
      const next = best.targets.find((t) => t.target === report.next) as TargetResult;
      sentences.push(`The next bottleneck: '${report.next}', with ${percent(next.slack as number)} of room.`);
    }
    for (const step of report.steps) {
      const saving = step.saves === null ? '' : ` (saves ${dollars(step.saves)})`;
      sentences.push(`One step less${saving}: ${step.sentence}.`);
    }
  }
  for (const { factor, missed } of report.growth ?? []) {
    const work = `With ${decimal(factor, 2)} × the work`;
    sentences.push(
      missed.length === 0
        ? `${work} it still meets them.`
        : `${work} it misses ${missed.map((t) => `'${t}'`).join(', ')}.`,
    );
  }
  const parts = [
    `${decimal(excluded.run)} by their own runs`,
    `${decimal(excluded.dearer)} because they cost at least as much`,
  ];
  if (excluded.dominated > 0) parts.push(`${decimal(excluded.dominated)} unrun, because a bigger one clearly misses`);
  if (excluded.refused > 0) parts.push(`${decimal(excluded.refused)} because the scenario is refused`);
  sentences.push(
    `${counted(runs.made + runs.reused, 'run')} of ${decimal(runs.all)} (${percent((runs.made + runs.reused) / runs.all)})${runs.reused > 0 ? `, ${decimal(runs.reused)} of them known before` : ''}; ruled out: ${parts.join(', ')}.`,
  );
  if (search.givenUpEarly > 0) {
    sentences.push(
      `${decimal(search.givenUpEarly)} cheaper ones were given up before all seeds, each with a chance of at most ${percent(input.risk)} that it would have met them after all.`,
    );
  }
  return sentences;
}

/** What a planner must not overlook. */
function notesOf(report: PlanReport, problem: PlanProblem, search: PlanSearch): string[] {
  const notes: string[] = [];
  if (problem.seeds.length === 1)
    notes.push('One seed says nothing of how sure this is: give the Study seeds: 5 or more.');
  const own = search.best < 0 ? [] : search.runs[search.best];
  report.best?.targets.forEach((result, t) => {
    if (result.sure === null || result.sure >= 0.95) return;
    const limit = limitOf(problem.targets[t]);
    const missing = own.map((run) => limit.of(run));
    const room = Math.abs(limit.bound - missing.reduce((sum, v) => sum + v, 0) / missing.length);
    const needed = valuesNeeded(missing, room);
    const advice = Number.isFinite(needed) ? `; about ${decimal(needed)} seeds would tell` : '';
    notes.push(
      `That it meets '${result.target}' is sure to ${percent(result.sure, 0)} only, over the months that may come${advice}.`,
    );
  });
  if (report.excluded.dominated > 0)
    notes.push(
      `That less of everything does no better was assumed for ${decimal(report.excluded.dominated)} candidates; a sweep of the same Study runs them all.`,
    );
  const values =
    report.steps.length === 0 && report.best !== null && problem.candidates[search.best].levels.some((l) => l === 0);
  if (values) notes.push('The answer is the smallest cluster of the Study: an even smaller one may do.');
  return notes;
}
