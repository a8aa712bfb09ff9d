/** A study's points as the candidates of a plan: what each costs before it is run, and which has more than which. */
import { pathSteps } from '../scenarios/paths.ts';
import { ScenarioError } from '../scenarios/problem.ts';
import type { Study } from '../scenarios/study.ts';
import type { Point, Variants } from '../scenarios/variants.ts';
import { HOUR_US, type Scenario } from '../sim/simulate.ts';
import type { Candidate, PlanProblem } from './race.ts';
import type { Target } from './target.ts';

/** A cluster that some job can never run on does no job's waiting any harm: it must not win by that. */
const EVERY_JOB: Target = {
  text: 'every job can run',
  figure: 'unschedulable',
  unit: 'jobs',
  atMost: true,
  bound: 0,
};

export function withEveryJob(targets: readonly Target[]): Target[] {
  return targets.some(({ figure }) => figure === EVERY_JOB.figure) ? [...targets] : [...targets, EVERY_JOB];
}

/** Axes of which more never hurts, but in cost: nodes, and GPUs on them. */
export function isMoreOfIt(path: string): boolean {
  const steps = pathSteps(path);
  return steps[0] === 'pools' && ['nodes', 'gpusPerNode'].includes(steps.at(-1) ?? '');
}

export function planProblem(study: Study, variants: Variants, targets: readonly Target[]): PlanProblem {
  const values = new Map(
    study.axes.filter(isMoreOfIt).map((path) => {
      const all = [...new Set(study.points.map((point) => Number(point[path])))];
      return [path, all.sort((a, b) => a - b)] as const;
    }),
  );
  // A point that does not set an axis has what the scenario has, which is not compared.
  const ordered = [...values].filter(([, all]) => all.every(Number.isFinite)).map(([path]) => path);
  const candidates = study.points.map((point): Candidate => {
    const rest = Object.keys(point).filter((path) => !ordered.includes(path));
    const common = {
      point,
      levels: ordered.map((path) => (values.get(path) as number[]).indexOf(Number(point[path]))),
      group: JSON.stringify(rest.sort().map((path) => [path, point[path]])),
    };
    try {
      return { ...common, ...costBounds(variants, point) };
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error;
      const [{ found, expected }] = error.problems;
      return { ...common, costLow: 0, costHigh: 0, refused: `found ${found}, expected ${expected}` };
    }
  });
  return { candidates, seeds: study.seeds, targets };
}

/** $: spot GPUs cost nothing while they are reclaimed; a run until the work is done lasts nobody knows how long. */
function costBounds(variants: Variants, point: Point): { costLow: number; costHigh: number } {
  const { usdPerHour, spotUsdPerHour, durationUs } = variants.listCost(point);
  if (durationUs === Infinity) return { costLow: 0, costHigh: Infinity };
  const hours = durationUs / HOUR_US;
  return { costLow: usdPerHour * hours, costHigh: (usdPerHour + spotUsdPerHour) * hours };
}

/** Nodes of a pool against what the scenario has. */
const FACTORS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
const MOST_POINTS = 2000;

/** What is searched where no Study says it: the nodes of every pool, from a quarter to twice what is there. */
export function defaultPlanStudy(base: Scenario): Study {
  const nodes = base.pools.map((_, p) => base.nodes.pool.reduce((n, pool) => n + (pool === p ? 1 : 0), 0));
  let points: Point[] = [{}];
  const axes: string[] = [];
  base.pools.forEach((pool, p) => {
    const counts = [...new Set(FACTORS.map((f) => Math.max(1, Math.round(f * nodes[p]))))];
    if (points.length * counts.length > MOST_POINTS) return;
    const path = `pools[${pool.name}].nodes`;
    axes.push(path);
    points = points.flatMap((point) => counts.map((n) => ({ ...point, [path]: String(n) })));
  });
  return {
    name: '',
    axes,
    points,
    seeds: ['1', '2', '3', '4', '5'],
    figures: [],
    confidence: 0.95,
    scaleQuotas: true,
    targets: [],
  };
}
