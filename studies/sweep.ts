/**
 * A sweep: every point of a study with every seed, each run once. What has been run is kept by what decides it (the
 * scenario, the point, the seed, the version), so that a sweep goes on where it was, in whatever order, on whatever machine.
 */
import { pointKey, type Study } from '../scenarios/study.ts';
import type { Point } from '../scenarios/variants.ts';
import type { FigureSpec } from './figures.ts';
import type { PointOutcome, PointPool, PointTask } from './point.ts';
import { type Interval, meanInterval } from './stats.ts';

/** What decides the outcome of a run, apart from its point and seed. */
export interface RunsOf {
  /** Hash of everything of the scenario that a run depends on. */
  scenario: string;
  version: string;
}

/** A sweep as it is kept beside its runs: whoever has both can make the table. Plain data. */
export interface SweepPlan extends RunsOf {
  /** The scenario's name. */
  name: string;
  study: Study;
  figures: Omit<FigureSpec, 'of'>[];
  /** Of the scenario as it is written. */
  assumptions: string[];
  /** What makes the same tables again. */
  command: string;
}

/** Runs that are known, by `runKey`. */
export interface RunStore {
  get(key: string): PointOutcome | undefined;
  put(key: string, task: PointTask, outcome: PointOutcome): void;
}

export function runKey({ scenario, version }: RunsOf, { point, seed }: PointTask): string {
  return [scenario, version, pointKey(point), seed].join('\n');
}

/** Every point with every seed, seeds fastest. */
export function tasksOf({ points, seeds }: Pick<Study, 'points' | 'seeds'>): PointTask[] {
  return points.flatMap((point) => seeds.map((seed) => ({ point, seed })));
}

export interface Shard {
  index: number;
  of: number;
}

/** Every `of`-th task, so that all shards take about as long. */
export function shardTasks(tasks: readonly PointTask[], { index, of }: Shard): PointTask[] {
  return tasks.filter((_, i) => i % of === index);
}

/** Runs what the store does not have, as many at a time as the pool takes. */
export async function runTasks(
  runsOf: RunsOf,
  tasks: readonly PointTask[],
  store: RunStore,
  pool: PointPool,
  onDone?: (done: number) => void,
): Promise<void> {
  const left = tasks.filter((task) => store.get(runKey(runsOf, task)) === undefined);
  let done = tasks.length - left.length;
  let next = 0;
  onDone?.(done);
  const work = async () => {
    while (next < left.length) {
      const task = left[next++];
      const outcome = await pool.run(task);
      store.put(runKey(runsOf, task), task, outcome);
      onDone?.(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(pool.size, left.length) }, work));
}

// ── what came of it ───────────────────────────────────────────────────────────────────────────────────────────────────

export interface SweepRow {
  /** Number of the point in the study, from 1. */
  number: number;
  point: Point;
  seed: string;
  outcome: PointOutcome;
}

/** The rows in the study's order, and how many runs are missing. */
export function sweepRows(plan: SweepPlan, store: Pick<RunStore, 'get'>): { rows: SweepRow[]; missing: PointTask[] } {
  const rows: SweepRow[] = [];
  const missing: PointTask[] = [];
  plan.study.points.forEach((point, i) => {
    for (const seed of plan.study.seeds) {
      const outcome = store.get(runKey(plan, { point, seed }));
      if (outcome === undefined) missing.push({ point, seed });
      else rows.push({ number: i + 1, point, seed, outcome });
    }
  });
  return { rows, missing };
}

/** A point over its seeds. */
export interface PointSummary {
  number: number;
  point: Point;
  /** Why it could not be run, where it could not. */
  refused: string | null;
  /** By figure; null where a run has no such figure. */
  figures: Record<string, Interval | null>;
}

export function pointSummaries(plan: SweepPlan, rows: readonly SweepRow[]): PointSummary[] {
  const byPoint = new Map<number, SweepRow[]>();
  for (const row of rows) {
    const own = byPoint.get(row.number);
    if (own === undefined) byPoint.set(row.number, [row]);
    else own.push(row);
  }
  return [...byPoint.values()].map((own) => {
    const refused = own.map(({ outcome }) => ('refused' in outcome ? outcome.refused : null)).find((r) => r !== null);
    const mean = (id: string): Interval | null => {
      const values = own.map(({ outcome }) => ('figures' in outcome ? (outcome.figures[id] ?? null) : null));
      const there = values.filter((v): v is number => v !== null);
      return there.length < values.length || there.length === 0 ? null : meanInterval(there, plan.study.confidence);
    };
    return {
      number: own[0].number,
      point: own[0].point,
      refused: refused ?? null,
      figures: Object.fromEntries(plan.figures.map(({ id }) => [id, mean(id)])),
    };
  });
}
