/** What a comparison of stacks and the break-even need of a run, beyond the figures of every comparison. */
import { counted } from '../reports/format.ts';
import type { RunSummary } from '../reports/summary.ts';
import { CATEGORIES, type Category, HOUR_US, type Run, type Simulation } from '../sim/simulate.ts';
import type { FigureSpec } from './figures.ts';
import { workDone } from './work.ts';

/** Shown by `compare`, with those of `FIGURES`. */
export const STACK_FIGURES: readonly FigureSpec[] = [
  {
    id: 'work-gpu-hours',
    label: 'work done, in GPU-hours of the reference GPU',
    unit: 'GPU-h',
    better: 'higher',
    of: () => null,
  },
  { id: 'unfinished', label: 'jobs unfinished at the end', unit: 'jobs', better: 'lower', of: () => null },
  {
    id: 'reserved-gpu-hours',
    label: 'GPU-hours held by half-started gangs',
    unit: 'GPU-h',
    better: 'lower',
    of: () => null,
  },
  {
    id: 'detecting-gpu-hours',
    label: 'GPU-hours of dead jobs nobody noticed',
    unit: 'GPU-h',
    better: 'lower',
    of: () => null,
  },
  { id: 'unhealthy-gpu-hours', label: 'GPU-hours of broken GPUs', unit: 'GPU-h', better: 'lower', of: () => null },
  {
    id: 'idle-allocated-gpu-hours',
    label: 'GPU-hours held and not used',
    unit: 'GPU-h',
    better: 'lower',
    of: () => null,
  },
  { id: 'fault-hours', label: 'hours that people spend on faults', unit: 'h', better: 'lower', of: () => null },
];

export const categoryFigure = (category: Category) => `${category}-gpu-hours`;

export function stackFigures(simulation: Simulation, run: Run, summary: RunSummary): Record<string, number> {
  const work = workDone(simulation, run);
  const hours = summary.ledger.gpuHours;
  return {
    ...Object.fromEntries(CATEGORIES.map((category) => [categoryFigure(category), hours[category]])),
    'fragmented-gpu-hours': hours.fragmented,
    'capacity-gpu-hours': hours.capacity,
    'simulated-hours': run.simulatedUs / HOUR_US,
    'compute-cost': summary.cost.total,
    'gpu-cost': summary.cost.gpus,
    'work-gpu-hours': work.gpuHours,
    'work-usd': work.usd,
    'asked-gpu-hours': work.askedGpuHours,
    'useful-usd': usefulUsd(run),
    unfinished: work.unfinished,
    stalled: run.stalled ? 1 : 0,
    faults: summary.faults.total,
    'fault-hours': faultHours(run),
    attainment: meanAttainment(summary),
    // A digest has 64 bits, a figure holds 53.
    'digest-high': Number.parseInt(run.digest.slice(0, 8), 16),
    'digest-low': Number.parseInt(run.digest.slice(8), 16),
  };
}

/** Useful GPU-hours of the ledger, each at its pool's price. */
function usefulUsd({ entries, scenario }: Run): number {
  const micros = entries
    .filter(({ category }) => category === 'productive' || category === 'serving')
    .reduce((sum, { pool, amount }) => sum + amount * BigInt(scenario.pools[pool].priceMicroUsd), 0n);
  return Number(micros / 1_000_000n) / (7000 * HOUR_US);
}

/** People see to gangs that died and nodes that must return, where the stack leaves that to them. */
function faultHours({ scenario, faults }: Run): number {
  const stack = scenario.recovery?.stack;
  if (stack === undefined) return 0;
  const { taskStart } = scenario.jobs;
  const seen = faults.filter(
    ({ effective, job, returnedUs }) =>
      effective &&
      ((stack.gang === 'person' && job >= 0 && taskStart[job + 1] - taskStart[job] > 1) ||
        (stack.repairBy === 'person' && returnedUs >= 0)),
  );
  return (seen.length * stack.person.takesUs) / HOUR_US;
}

/** Over deployments whose requests are simulated; 1 where there are none, as nothing was missed. */
function meanAttainment({ slo }: RunSummary): number {
  const shares = slo.deployments.map(({ attainment }) => attainment).filter((share) => share !== null);
  return shares.length === 0 ? 1 : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** Says of runs that ended because nothing could happen any more that they did; nothing where none did. */
export function stalledNotes(who: string, runs: readonly Record<string, number | null>[]): string[] {
  const stuck = runs.filter((run) => run.stalled === 1).length;
  if (stuck === 0) return [];
  return [
    `${who} never finishes its work in ${stuck} of ${counted(runs.length, 'seed')}: jobs wait for each other and nothing can happen any more.`,
  ];
}

/** The run's digest as `run --json` shows it. */
export function digestOf(figures: Record<string, number | null>): string {
  const half = (id: string) => (figures[id] ?? 0).toString(16).padStart(8, '0');
  return half('digest-high') + half('digest-low');
}
