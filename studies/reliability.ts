/**
 * Reliability over seeds: how often work is interrupted, for how long, at what cost by XID; and what one more hot spare, or
 * half the time to notice, would save on the same faults.
 */
import { type Estimate, estimate, MONTH_HOURS } from './break-even.ts';
import type { Figures } from './compare.ts';
import type { Task } from './pool.ts';
import { kindFigure, kindsIn, STEPS, type Step } from './reliability-figures.ts';
import { categoryFigure, digestOf, stalledNotes } from './stack-figures.ts';
import type { Variation } from './vary.ts';

export interface ReliabilityInput {
  scenario: string;
  /** Absent = as the scenario says. */
  stack?: string;
  gpus: number;
  /** Of its FaultTolerancePolicy; null = it has none. */
  action: string | null;
  /** GPUs of the jobs for which a mean time to failure is given. */
  sizes: readonly number[];
  seeds: readonly string[];
  confidence: number;
}

export interface KindRow {
  kind: string;
  /** A run: faults that struck something, jobs interrupted, GPU-hours of work lost. */
  faults: Estimate;
  interruptions: Estimate;
  lostGpuHours: Estimate;
  /** Mean seconds over all runs; null where it never came to that. */
  seconds: Record<Step, number | null>;
}

export interface WhatIf {
  change: string;
  /** Differences, seed by seed, to the runs as they are or, where the change says "beyond that", with the change before. */
  ettr: Estimate;
  workGpuHours: Estimate;
  lostGpuHours: Estimate;
  detectingGpuHours: Estimate;
  /** $ a month of 720 h: worth of the work, what it costs more, and what is left. */
  worthPerMonth: Estimate;
  costPerMonth: Estimate;
  netPerMonth: Estimate;
}

export interface ReliabilityStudy {
  scenario: string;
  stack: string | null;
  gpus: number;
  seeds: string[];
  confidence: number;
  /** Mean length of a run, h. */
  hours: number;
  ettr: Estimate;
  /** Share of the installed GPU time that was neither broken nor being made ready. */
  availability: Estimate;
  faults: Estimate;
  per1000NodeDays: Estimate;
  interruptions: Estimate;
  /** Hours between interruptions of any job; null = there was none. */
  mttfHours: number | null;
  /** Hours between interruptions of one job of that size that always runs. */
  mttfBySize: { gpus: number; hours: number | null }[];
  seconds: Record<Step, number | null>;
  /** GPU-hours a run. */
  lostGpuHours: Estimate;
  detectingGpuHours: Estimate;
  restartGpuHours: Estimate;
  unhealthyGpuHours: Estimate;
  /** The costliest first. */
  byKind: KindRow[];
  whatIf: WhatIf[];
  digests: string[];
  notes: string[];
}

interface Question {
  change: string;
  vary: Variation;
  /** What it is set against; absent = the runs as they are. */
  against?: Variation;
}

const HOT: Variation = { action: 'HotSpare' };
const SPARE = 'one more node in each pool, kept as a hot spare';

/** What is asked of the same faults. A spare is of use to one action alone: what that action does without it is told apart. */
function questions(action: string | null): Question[] {
  const spare: Question[] =
    action === 'HotSpare'
      ? [{ change: SPARE, vary: { spares: 1 } }]
      : [
          {
            change:
              action === null ? 'a FaultTolerancePolicy with action HotSpare' : `action HotSpare instead of ${action}`,
            vary: HOT,
          },
          { change: `${SPARE}, beyond that`, vary: { ...HOT, spares: 1 }, against: HOT },
        ];
  return [...spare, { change: 'faults noticed in half the time', vary: { detection: 0.5 } }];
}

const ALLOCATION = 'allocation';
const CAPACITY = 'capacity-gpu-hours';
const figure = (run: Figures, id: string): number => run[id] ?? 0;

export async function reliabilityStudy(
  run: (tasks: readonly Task[]) => Promise<Figures[]>,
  input: ReliabilityInput,
): Promise<ReliabilityStudy> {
  const { seeds, confidence, stack } = input;
  const asked = questions(input.action);
  const variations = [undefined, ...asked.map(({ vary }) => vary)];
  const tasks = variations.flatMap((vary) =>
    seeds.map((seed): Task => ({ seed, ...(stack !== undefined && { stack }), ...(vary && { vary }) })),
  );
  const all = await run(tasks);
  const runsWith = (vary: Variation | undefined) => {
    const at = variations.indexOf(vary) * seeds.length;
    return all.slice(at, at + seeds.length);
  };
  const base = runsWith(undefined);
  const over = (of: (r: Figures) => number | null) => estimate(base.map(of), confidence);
  const total = (id: string) => base.reduce((sum, r) => sum + figure(r, id), 0);
  const interruptions = total('interruptions');
  const allocated = base.reduce((sum, r) => sum + figure(r, ALLOCATION) * figure(r, CAPACITY), 0);
  const hours = total('simulated-hours');
  return {
    scenario: input.scenario,
    stack: stack ?? null,
    gpus: input.gpus,
    seeds: [...seeds],
    confidence,
    hours: hours / seeds.length,
    ettr: over((r) => r.ettr ?? null),
    availability: over((r) => {
      const out = figure(r, categoryFigure('unhealthy')) + figure(r, categoryFigure('provisioning'));
      return figure(r, CAPACITY) > 0 ? 1 - out / figure(r, CAPACITY) : null;
    }),
    faults: over((r) => figure(r, 'faults')),
    per1000NodeDays: over((r) =>
      figure(r, 'node-days') > 0 ? (1000 * figure(r, 'faults')) / figure(r, 'node-days') : null,
    ),
    interruptions: over((r) => figure(r, 'interruptions')),
    mttfHours: interruptions > 0 ? hours / interruptions : null,
    mttfBySize: input.sizes.map((gpus) => ({
      gpus,
      hours: interruptions > 0 ? allocated / interruptions / gpus : null,
    })),
    seconds: meanSeconds(base, (what) => what),
    lostGpuHours: over((r) => figure(r, 'fault-lost-gpu-hours')),
    detectingGpuHours: over((r) => figure(r, categoryFigure('detecting'))),
    restartGpuHours: over((r) => figure(r, categoryFigure('restart'))),
    unhealthyGpuHours: over((r) => figure(r, categoryFigure('unhealthy'))),
    byKind: kindsIn(base)
      .map((kind) => ({
        kind,
        faults: over((r) => figure(r, kindFigure(kind, 'count'))),
        interruptions: over((r) => figure(r, kindFigure(kind, 'interruptions'))),
        lostGpuHours: over((r) => figure(r, kindFigure(kind, 'lost'))),
        seconds: meanSeconds(base, (what) => kindFigure(kind, what)),
      }))
      .sort(
        (a, b) =>
          (b.lostGpuHours?.mean ?? 0) - (a.lostGpuHours?.mean ?? 0) ||
          (b.faults?.mean ?? 0) - (a.faults?.mean ?? 0) ||
          (a.kind < b.kind ? -1 : 1),
      ),
    whatIf: asked.map(({ change, vary, against }) => difference(change, runsWith(against), runsWith(vary), confidence)),
    digests: base.map(digestOf),
    notes: [...notesOf(input, total('faults'), interruptions), ...stalledNotes(stack ?? input.scenario, base)],
  };
}

function meanSeconds(runs: readonly Figures[], name: (what: string) => string): Record<Step, number | null> {
  return Object.fromEntries(
    STEPS.map((step) => {
      const n = runs.reduce((sum, run) => sum + figure(run, name(`${step}-n`)), 0);
      const seconds = runs.reduce((sum, run) => sum + figure(run, name(`${step}-seconds`)), 0);
      return [step, n > 0 ? seconds / n : null];
    }),
  ) as Record<Step, number | null>;
}

function difference(change: string, before: readonly Figures[], after: readonly Figures[], confidence: number): WhatIf {
  const paired = (of: (a: Figures, b: Figures) => number | null) =>
    estimate(
      before.map((b, i) => of(after[i], b)),
      confidence,
    );
  const by = (id: string) => (a: Figures, b: Figures) => figure(a, id) - figure(b, id);
  const aMonth = (of: (a: Figures, b: Figures) => number) => (a: Figures, b: Figures) => {
    const months = figure(b, 'simulated-hours') / MONTH_HOURS;
    return months > 0 ? of(a, b) / months : null;
  };
  const worth = by('work-usd');
  const cost = by('compute-cost');
  return {
    change,
    ettr: paired((a, b) => (a.ettr === null || b.ettr === null ? null : figure(a, 'ettr') - figure(b, 'ettr'))),
    workGpuHours: paired(by('work-gpu-hours')),
    lostGpuHours: paired(by('fault-lost-gpu-hours')),
    detectingGpuHours: paired(by(categoryFigure('detecting'))),
    worthPerMonth: paired(aMonth(worth)),
    costPerMonth: paired(aMonth(cost)),
    netPerMonth: paired(aMonth((a, b) => worth(a, b) - cost(a, b))),
  };
}

function notesOf({ seeds, gpus }: ReliabilityInput, faults: number, interruptions: number): string[] {
  const notes: string[] = [];
  if (gpus === 0) notes.push('The cluster has no GPUs: there is nothing that could fail.');
  else if (faults === 0)
    notes.push('Nothing failed in any run: the scenario has no FaultModel, or is too short for its rates.');
  else if (interruptions === 0) notes.push('No fault interrupted a job in any run, so there is no time to failure.');
  if (seeds.length === 1) notes.push('One seed says nothing about chance: use --seeds 5 or more.');
  return notes;
}
