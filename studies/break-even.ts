/**
 * What one stack gives over another, simulated: the same work on the same faults, seed by seed. Useful work is worth what
 * its GPU-hours cost; the licence breaks even where it takes all of that, less what people cost more.
 */
import { ALTERNATIVES, type Alternative, usdPerGpuHour } from '../scenarios/catalogue/alternatives.ts';
import { CATEGORIES, type Category, type ComparedStack, HOUR_US } from '../sim/simulate.ts';
import type { Figures } from './compare.ts';
import type { Task } from './pool.ts';
import { categoryFigure } from './stack-figures.ts';
import { type Interval, meanInterval } from './stats.ts';
import type { Variation } from './vary.ts';

/** A GPU-year and the guide's month, h. */
export const GPU_YEAR_HOURS = 8760;
export const MONTH_HOURS = 720;

/** An interval, or null where there is no such figure. With one seed its ends are null. */
export type Estimate = { mean: number; low: number | null; high: number | null; n: number } | null;

export interface StackResult {
  name: string;
  title: string;
  /** GPU-hours useful in the ledger; the same work in GPU-hours of the reference GPU; what that is worth, $. */
  usefulGpuHours: Estimate;
  workGpuHours: Estimate;
  workUsd: Estimate;
  /** Shares of installed GPU-hours. */
  allocation: Estimate;
  utilisation: Estimate;
  goodput: Estimate;
  meanWaitSeconds: Estimate;
  p95WaitSeconds: Estimate;
  unfinishedJobs: Estimate;
  /** $ over the simulated time. */
  cost: { compute: Estimate; people: Estimate; licence: Estimate; total: Estimate };
  usdPerUsefulGpuHour: Estimate;
  /** GPU-hours by category of the ledger, mean over seeds. */
  categories: Record<Category, number>;
  fragmentedGpuHours: number;
  faults: number;
  /** Seeds in which nothing could happen any more though jobs still waited. */
  stalledSeeds: number;
}

export interface Uplift {
  workGpuHours: Estimate;
  usd: Estimate;
  /** The same by the ledger's useful GPU-hours at their pools' prices: biased where GPU models differ in speed. */
  ledgerUsd: Estimate;
  /** What people cost more, $. */
  peopleUsd: Estimate;
  /** $ per GPU-year at which the licence takes all that is gained; without and with people. */
  licenceWithoutPeople: Estimate;
  licenceBreakEven: Estimate;
  /** At the licence asked, $ per month of 720 h. */
  netPerMonth: Estimate;
}

export interface Bar {
  parameter: string;
  low: { label: string; netPerMonth: Estimate };
  high: { label: string; netPerMonth: Estimate };
  /** Every run of it is one of those as stated, to the digest: nothing that happened depends on it. */
  idle: boolean;
}

export interface AlternativeRow {
  alternative: Alternative;
  usdPerGpuHour: number;
  /** The same cluster at this price, $ per month; a useful GPU-hour of each side. */
  costPerMonth: number;
  baselineUsdPerUseful: number | null;
  subjectUsdPerUseful: number | null;
  licenceBreakEven: Estimate;
}

export interface Sides {
  baseline: ComparedStack;
  subject: ComparedStack;
  confidence: number;
  /** $ per GPU-year that is asked. */
  licence: number;
}

/** What changes one at a time for the tornado; utilisation, price and licence need no run. */
export const TORNADO: readonly { parameter: string; low: [string, Variation]; high: [string, Variation] }[] = [
  { parameter: 'load', low: ['0.75 ×', { load: 0.75 }], high: ['1.25 ×', { load: 1.25 }] },
  { parameter: 'fault rate', low: ['0.5 ×', { faultRate: 0.5 }], high: ['2 ×', { faultRate: 2 }] },
  { parameter: 'teams', low: ['one queue', { teams: 'one' }], high: ['twice as many', { teams: 'twice' }] },
  {
    parameter: 'telemetry',
    low: ['30 s + 15 s', { telemetry: 'shipped' }],
    high: ['10 s', { telemetry: 'seed' }],
  },
];

/** Loads of the curve, times the scenario's. */
export const CURVE_LOADS = [0.5, 0.75, 1, 1.25, 1.5] as const;

export function estimate(values: readonly (number | null)[], confidence: number): Estimate {
  const there = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (there.length === 0 || there.length < values.length) return null;
  return bounded(meanInterval(there, confidence));
}

const bounded = ({ mean, low, high, n }: Interval): Estimate => ({
  mean,
  low: Number.isFinite(low) ? low : null,
  high: Number.isFinite(high) ? high : null,
  n,
});

const figure = (run: Figures, id: string): number => run[id] ?? 0;
const ratio = (a: number, b: number) => (b > 0 ? a / b : null);

/** What people cost over a run, $: upkeep, the set-up's part, and the faults they saw to. */
export function peopleUsd({ operations }: ComparedStack, run: Figures): number {
  const hours = figure(run, 'simulated-hours');
  const setUp = operations.setUpHours * operations.engineers * ((hours * HOUR_US) / operations.setUpLastsUs);
  const upkeep = (operations.upkeepHoursPerMonth * hours) / MONTH_HOURS;
  return ((setUp + upkeep + figure(run, 'fault-hours')) * operations.microUsdPerHour) / 1e6;
}

/** $ over a run. The capacity is all that was installed. */
const licenceUsd = (perGpuYear: number, run: Figures) =>
  (perGpuYear * figure(run, 'capacity-gpu-hours')) / GPU_YEAR_HOURS;

export function stackResult(
  stack: ComparedStack,
  runs: readonly Figures[],
  licence: number,
  confidence: number,
): StackResult {
  const over = (of: (run: Figures) => number | null) => estimate(runs.map(of), confidence);
  const mean = (id: string) => runs.reduce((sum, run) => sum + figure(run, id), 0) / runs.length;
  const total = (run: Figures) => figure(run, 'compute-cost') + peopleUsd(stack, run) + licenceUsd(licence, run);
  return {
    name: stack.name,
    title: stack.title,
    usefulGpuHours: over((run) => run['useful-gpu-hours']),
    workGpuHours: over((run) => run['work-gpu-hours']),
    workUsd: over((run) => run['work-usd']),
    allocation: over((run) => run.allocation),
    utilisation: over((run) => run.utilisation),
    goodput: over((run) => run.goodput),
    meanWaitSeconds: over((run) => run['queueing-delay-mean']),
    p95WaitSeconds: over((run) => run['queueing-delay-p95']),
    unfinishedJobs: over((run) => run.unfinished),
    cost: {
      compute: over((run) => run['compute-cost']),
      people: over((run) => peopleUsd(stack, run)),
      licence: over((run) => licenceUsd(licence, run)),
      total: over(total),
    },
    usdPerUsefulGpuHour: over((run) => ratio(total(run), figure(run, 'work-gpu-hours'))),
    categories: Object.fromEntries(CATEGORIES.map((c) => [c, mean(categoryFigure(c))])) as Record<Category, number>,
    fragmentedGpuHours: mean('fragmented-gpu-hours'),
    faults: mean('faults'),
    stalledSeeds: runs.filter((run) => run.stalled === 1).length,
  };
}

/**
 * Paired by seed. `price` multiplies the worth of a GPU-hour; `points` is added to the useful share of the subject, at the
 * mean price of a GPU-hour.
 */
export function uplift(
  { baseline, subject, confidence, licence }: Sides,
  before: readonly Figures[],
  after: readonly Figures[],
  price = 1,
  points = 0,
): Uplift {
  const paired = (of: (b: Figures, a: Figures) => number | null) =>
    estimate(
      before.map((b, i) => of(b, after[i])),
      confidence,
    );
  const worth = (b: Figures, a: Figures) =>
    price * (figure(a, 'work-usd') - figure(b, 'work-usd') + points * figure(a, 'gpu-cost'));
  const people = (b: Figures, a: Figures) => peopleUsd(subject, a) - peopleUsd(baseline, b);
  const perGpuYear = (usd: number, a: Figures) => {
    const gpuYears = figure(a, 'capacity-gpu-hours') / GPU_YEAR_HOURS;
    return gpuYears > 0 ? usd / gpuYears : null;
  };
  const asked = (licence * 1e6 - baseline.licenceMicroUsd) / 1e6;
  return {
    workGpuHours: paired((b, a) => figure(a, 'work-gpu-hours') - figure(b, 'work-gpu-hours')),
    usd: paired(worth),
    ledgerUsd: paired((b, a) => price * (figure(a, 'useful-usd') - figure(b, 'useful-usd'))),
    peopleUsd: paired(people),
    licenceWithoutPeople: paired((b, a) => perGpuYear(worth(b, a), a)),
    licenceBreakEven: paired((b, a) => perGpuYear(worth(b, a) - people(b, a), a)),
    netPerMonth: paired((b, a) => {
      const months = figure(a, 'simulated-hours') / MONTH_HOURS;
      return months > 0 ? (worth(b, a) - people(b, a) - licenceUsd(asked, a)) / months : null;
    }),
  };
}

/** Net $ per month at licences from 0 to twice the larger of asked and break-even: a line whose band is the seeds'. */
export function licenceCurve(
  sides: Sides,
  before: readonly Figures[],
  after: readonly Figures[],
): { licence: number; netPerMonth: Estimate }[] {
  const breakEven = uplift(sides, before, after).licenceBreakEven?.mean ?? 0;
  const most = 2 * Math.max(sides.licence, breakEven, 1000);
  return Array.from({ length: 9 }, (_, i) => (most * i) / 8).map((licence) => ({
    licence,
    netPerMonth: uplift({ ...sides, licence }, before, after).netPerMonth,
  }));
}

/** The same cluster bought elsewhere: all its GPU-hours, and all its useful work, at that price. */
export function alternativeRows(sides: Sides, before: readonly Figures[], after: readonly Figures[]): AlternativeRow[] {
  const mean = (runs: readonly Figures[], of: (run: Figures) => number) =>
    runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  const months = mean(after, (run) => figure(run, 'simulated-hours')) / MONTH_HOURS;
  const capacity = mean(after, (run) => figure(run, 'capacity-gpu-hours'));
  return ALTERNATIVES.map((alternative) => {
    const price = usdPerGpuHour(alternative);
    const perUseful = (stack: ComparedStack, runs: readonly Figures[], licence: number) =>
      ratio(
        mean(
          runs,
          (run) => price * figure(run, 'capacity-gpu-hours') + peopleUsd(stack, run) + licenceUsd(licence, run),
        ),
        mean(runs, (run) => figure(run, 'work-gpu-hours')),
      );
    // At this price for every hour, whatever the pools' own prices.
    const priced = (runs: readonly Figures[]) =>
      runs.map((run) => ({ ...run, 'work-usd': price * figure(run, 'work-gpu-hours') }));
    return {
      alternative,
      usdPerGpuHour: price,
      costPerMonth: months > 0 ? (price * capacity) / months : 0,
      baselineUsdPerUseful: perUseful(sides.baseline, before, sides.baseline.licenceMicroUsd / 1e6),
      subjectUsdPerUseful: perUseful(sides.subject, after, sides.licence),
      licenceBreakEven: uplift(sides, priced(before), priced(after)).licenceBreakEven,
    };
  });
}

/** One task a seed for each of the stacks. */
export const tasksOf = (stacks: readonly string[], seeds: readonly string[], vary?: Variation): Task[] =>
  stacks.flatMap((stack) => seeds.map((seed) => ({ seed, stack, ...(vary && { vary }) })));

/** A figure's runs by stack, as `tasksOf` ordered them. */
export function byStack(results: readonly Figures[], stacks: number, seeds: number): Figures[][] {
  return Array.from({ length: stacks }, (_, i) => results.slice(i * seeds, (i + 1) * seeds));
}

/**
 * Runs until all is done take different times under each stack. They are compared at the moment at which the first of them
 * has done it all: how far had the others come?
 */
export async function runToOneHorizon(
  run: (tasks: readonly Task[]) => Promise<Figures[]>,
  stacks: readonly string[],
  seeds: readonly string[],
  openEnded: boolean,
  vary?: Variation,
): Promise<Figures[][]> {
  const tasks = tasksOf(stacks, seeds, vary);
  const results = await run(tasks);
  if (!openEnded) return byStack(results, stacks.length, seeds.length);
  const again: { at: number; task: Task }[] = [];
  const hours = (i: number) => figure(results[i], 'simulated-hours');
  seeds.forEach((_, s) => {
    const all = stacks.map((_, k) => k * seeds.length + s);
    const done = all.filter((i) => results[i].stalled !== 1);
    if (done.length === 0) return;
    const horizon = Math.min(...done.map(hours));
    for (const i of all) {
      if (hours(i) <= horizon && results[i].stalled !== 1) continue;
      const untilUs = Math.max(1, Math.round(horizon * HOUR_US));
      again.push({ at: i, task: { ...tasks[i], vary: { ...vary, untilUs } } });
    }
  });
  const cut = await run(again.map(({ task }) => task));
  again.forEach(({ at }, k) => {
    // That it would have stalled later is still so.
    results[at] = { ...cut[k], stalled: results[at].stalled };
  });
  return byStack(results, stacks.length, seeds.length);
}
