/** The folder of a sweep: what it is (sweep.json), the runs made so far (runs*.jsonl), and at the end the tables. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { documentHtml, documentMarkdown } from '../../reports/document.ts';
import { UserError } from '../../scenarios/import/import.ts';
import type { Shard, SweepPlan, SweepRow } from '../../studies/sweep.ts';
import { sweepDocument, sweepReport } from '../../studies/sweep-report.ts';
import { sweepCsv, sweepParquet } from '../../studies/sweep-table.ts';
import { writeWhole } from './output.ts';
import { RunLog } from './run-log.ts';
import { readJson } from './study-file.ts';

const PLAN = 'sweep.json';

/** Shards write side by side, each to its own file. */
export const logName = (shard?: Shard) =>
  shard === undefined ? 'runs.jsonl' : `runs-${shard.index}-of-${shard.of}.jsonl`;

/** Opens the folder to add runs, which whoever is first to do so gives its sweep. Shards must all be of the same one. */
export function openSweepFolder(folder: string, plan: SweepPlan, shard?: Shard): RunLog {
  const log = new RunLog(folder, logName(shard), plan);
  const file = join(folder, PLAN);
  const text = `${JSON.stringify(plan, null, 1)}\n`;
  if (existsSync(file)) {
    const there = `${JSON.stringify(readJson(file), null, 1)}\n`;
    if (there === text) return log;
    // The runs of the other one stay: those that both have need not be made again.
    if (shard !== undefined)
      throw new UserError(
        `${folder} holds another sweep (another scenario, Study or version of simsup): give these shards a folder of their own`,
      );
  }
  writeWhole(file, [text]);
  return log;
}

/** The sweep that a folder holds. Throws `UserError` where there is none. */
export function readSweepPlan(folder: string): SweepPlan {
  const file = join(folder, PLAN);
  if (!existsSync(file))
    throw new UserError(`${folder} holds no sweep: there is no ${PLAN} in it, which simsup sweep --out writes`);
  const plan = readJson(file) as SweepPlan;
  if (typeof plan?.scenario !== 'string' || !Array.isArray(plan.study?.points) || !Array.isArray(plan.figures))
    throw new UserError(`${file} is not what simsup sweep writes`);
  return plan;
}

/** Writes the tables; the names of the files. They are the same for the same runs, whenever and wherever these were made. */
export function writeSweep(folder: string, plan: SweepPlan, rows: readonly SweepRow[]): string[] {
  const document = sweepDocument(sweepReport(plan, rows));
  const files = {
    'sweep.parquet': sweepParquet(plan, rows),
    'sweep.csv': sweepCsv(plan, rows),
    'sweep.html': [documentHtml(document)],
    'sweep.md': [documentMarkdown(document)],
  };
  for (const [name, content] of Object.entries(files)) writeWhole(join(folder, name), content);
  return Object.keys(files).map((name) => join(folder, name));
}
