/** Runs a study's tasks on all cores, with progress on stderr. */
import { UserError } from '../../scenarios/import/import.ts';
import type { Figures } from '../../studies/compare.ts';
import { runAll, type Task } from '../../studies/pool.ts';
import { TaskError, threadPool } from './pool.ts';
import type { ScenarioChoice } from './scenario.ts';

export interface StudyRuns {
  results: Figures[];
  threads: number;
}

export type RunTasks = (tasks: readonly Task[]) => Promise<Figures[]>;

/** Opens a pool for one scenario, lets `study` run tasks on it as often as it wants, and closes it. */
export async function withPool<T>(
  choice: ScenarioChoice,
  threads: number | undefined,
  study: (run: RunTasks, threads: number) => Promise<T>,
): Promise<T> {
  const pool = threadPool(choice, threads);
  let before = 0;
  try {
    return await study(async (tasks) => {
      const results = await runAll(pool, tasks, (done) => showProgress(before + done, before + tasks.length));
      before += tasks.length;
      return results;
    }, pool.size);
  } catch (error) {
    if (error instanceof TaskError && error.badInput) throw new UserError(error.message);
    throw error;
  } finally {
    await pool.close();
  }
}

export function showProgress(done: number, of: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done === of ? '\r\x1b[K' : `\r${done} of ${of} runs\x1b[K`);
}

/** Seeds as the options say: this number and those after it. */
export const seedsFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => String(first + i));
