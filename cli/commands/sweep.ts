/** `simsup sweep FILE`: the Study's points × seeds over all cores, or over machines. */

import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { counted } from '../../reports/format.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { listPaths } from '../../scenarios/paths.ts';
import { nearestName } from '../../scenarios/problem.ts';
import { compileStudy, type Study } from '../../scenarios/study.ts';
import { type PointPool, pointFigures } from '../../studies/point.ts';
import { runTasks, type Shard, type SweepPlan, shardTasks, sweepRows, tasksOf } from '../../studies/sweep.ts';
import { sweepReport, sweepText } from '../../studies/sweep-report.ts';
import { durationOption, wholeOption } from '../host/options.ts';
import { pointThreads, TaskError } from '../host/pool.ts';
import { redisUrl } from '../host/redis.ts';
import { redisPool } from '../host/redis-pool.ts';
import { MemoryRuns, type RunLog } from '../host/run-log.ts';
import { RunProgress } from '../host/run-progress.ts';
import { onStop } from '../host/stop.ts';
import { openStudyFile, type StudyFile } from '../host/study-file.ts';
import { openSweepFolder, writeSweep } from '../host/sweep-folder.ts';

interface Flags {
  study?: string;
  out?: string;
  seeds?: number;
  duration?: number;
  threads?: number;
  shard?: Shard;
  redis?: string;
  paths?: boolean;
  dryRun?: boolean;
  json?: boolean;
  allowRead: string[];
}

export function sweepCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('sweep')
    .description("runs every point of the scenario's Study with every seed, over all cores or many machines")
    .argument('[file]', 'a scenario, - for standard input, or the name of a built-in one', 'mission-control')
    .option('--study <file>', 'the Study, where the scenario has none of its own')
    .option('--out <dir>', 'the folder for the runs and the tables; a sweep that was stopped goes on from it')
    .option('--seeds <n>', 'seeds 1 to n, instead of those of the Study', wholeOption('--seeds', 1, 10_000))
    .option(
      '--duration <duration>',
      'instead of the length the scenario sets, such as 7d',
      durationOption('--duration'),
    )
    .option('--threads <n>', 'runs at the same time (default: all cores)', wholeOption('--threads', 1, 1024))
    .option('--shard <i/n>', 'only every n-th run, from the i-th on; then: simsup merge DIR', shardOption)
    .option('--redis <url>', 'leaves the runs to workers (simsup worker) that take them from this Redis')
    .option('--paths', 'lists what can be varied in this scenario, and stops')
    .option('--dry-run', 'lists the points, and stops')
    .option('--json', 'the points as JSON on stdout')
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup sweep mission-control --paths\n  npx simsup sweep my.yaml --out results\n  npx simsup sweep my.yaml --out results --shard 0/8    (then: npx simsup merge results)\n  npx simsup sweep my.yaml --out results --redis redis://queue:6379',
    )
    .action(sweep);
}

async function sweep(file: string, flags: Flags): Promise<void> {
  const opened = openStudyFile(file, flags);
  if (flags.paths) {
    printPaths(opened, flags.json === true);
    return;
  }
  const plan = planOf(opened, flags, commandOf(file, flags));
  const tasks = tasksOf(plan.study);
  if (flags.dryRun) {
    printPoints(plan, flags.json === true);
    return;
  }
  if (flags.shard !== undefined && flags.out === undefined)
    throw new UserError('--shard needs --out DIR: a folder that all shards share, where simsup merge finds their runs');
  const mine = flags.shard === undefined ? tasks : shardTasks(tasks, flags.shard);
  const log = flags.out === undefined ? undefined : openSweepFolder(flags.out, plan, flags.shard);
  const store = log ?? new MemoryRuns();
  const url = flags.redis === undefined ? undefined : redisUrl(flags.redis);
  const started = performance.now();
  const pool =
    url === undefined
      ? pointThreads(opened.choice, Math.min(flags.threads ?? availableParallelism(), Math.max(1, mine.length)))
      : await redisPool(url, opened, mine.length);
  await runOn(pool, plan, mine, store, log, flags.out);
  const wallSeconds = (performance.now() - started) / 1000;

  if (flags.shard !== undefined) {
    const { index, of } = flags.shard;
    const done = { shard: `${index}/${of}`, runs: mine.length, of: tasks.length, out: flags.out as string };
    process.stdout.write(
      flags.json
        ? `${JSON.stringify(done, null, 2)}\n`
        : `Shard ${index}/${of}: its ${mine.length} of ${counted(tasks.length, 'run')} are made. When all shards are: npx simsup merge ${flags.out}\n`,
    );
    return;
  }
  const { rows } = sweepRows(plan, store);
  const files = flags.out === undefined ? [] : writeSweep(flags.out, plan, rows);
  const report = sweepReport(plan, rows);
  if (report.refused === report.points.length) {
    throw new UserError(
      `none of the ${counted(report.points.length, 'point')} can be run: ${report.points[0].refused}`,
    );
  }
  if (flags.json) {
    const { name, scenario, version, study } = plan;
    const { points, best, notes } = report;
    const timings = { wallSeconds, threads: pool.size };
    process.stdout.write(
      `${JSON.stringify({ name, scenario, version, axes: study.axes, seeds: study.seeds, runs: rows.length, points, best, notes, files, timings }, null, 2)}\n`,
    );
    return;
  }
  process.stdout.write(sweepText(report));
  if (files.length > 0) process.stdout.write(`Written: ${files.join(', ')}\n`);
  else process.stdout.write('The tables (Parquet, CSV, HTML): --out DIR\n');
}

/** The sweep that a scenario's Study makes, or the command line changes. */
export function planOf(opened: StudyFile, { seeds }: Pick<Flags, 'seeds'>, command: string): SweepPlan {
  const { study: document, variants, base, choice, hash, version } = opened;
  if (document === undefined) throw new UserError(noStudy(choice.name));
  const read = compileStudy(document, variants);
  const study: Study =
    seeds === undefined ? read : { ...read, seeds: Array.from({ length: seeds }, (_, i) => String(i + 1)) };
  const figures = pointFigures(base).map(({ of: _, ...spec }) => spec);
  for (const id of study.figures) {
    const ids = figures.map((spec) => spec.id);
    if (ids.includes(id)) continue;
    const nearest = nearestName(id, ids);
    const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
    throw new UserError(`the Study's figures: there is no figure '${id}'${hint} There are: ${ids.join(', ')}`);
  }
  return { name: base.name, scenario: hash, version, study, figures, assumptions: base.assumptions, command };
}

function noStudy(name: string): string {
  return `${name} has no Study: add one to the scenario, or in a file of its own (--study FILE), such as

apiVersion: simsup.dev/v1
kind: Study
spec:
  grid:
    workload.scale: [0.8, 1, 1.2]
  seeds: 5

npx simsup sweep ${name} --paths lists what can be varied.`;
}

async function runOn(
  pool: PointPool,
  plan: SweepPlan,
  tasks: ReturnType<typeof tasksOf>,
  store: MemoryRuns,
  log: RunLog | undefined,
  folder: string | undefined,
) {
  const progress = new RunProgress();
  let made = 0;
  const listening = onStop(
    () => `${made} of ${counted(tasks.length, 'run')} are made${folder === undefined ? '' : ` and kept in ${folder}`}`,
    folder !== undefined,
  );
  try {
    await runTasks(plan, tasks, store, pool, (done) => {
      made = done;
      progress.show(done, tasks.length);
    });
  } catch (error) {
    if (error instanceof TaskError && error.badInput) throw new UserError(error.message);
    throw error;
  } finally {
    listening.end();
    progress.clear();
    log?.close();
    await pool.close();
  }
}

/** `0/8` … `7/8`; counted from 1 (`1/8` … `8/8`), they are the same eight. */
function shardOption(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [index, of] = match === null ? [Number.NaN, Number.NaN] : [Number(match[1]), Number(match[2])];
  if (!(of >= 1 && of <= 1_000_000 && index <= of))
    throw new UserError(`--shard ${text}: expected i/n, such as 0/8 for the first of eight`);
  return { index: index % of, of };
}

function printPaths({ variants }: StudyFile, json: boolean): void {
  const paths = listPaths(variants.docs);
  if (json) {
    process.stdout.write(`${JSON.stringify(paths, null, 2)}\n`);
    return;
  }
  const width = Math.max(...paths.map(({ path }) => path.length));
  for (const { path, value } of paths) process.stdout.write(`${path.padEnd(width)}  ${value === '' ? '–' : value}\n`);
}

function printPoints({ study }: SweepPlan, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ points: study.points, seeds: study.seeds }, null, 2)}\n`);
    return;
  }
  study.points.forEach((point, i) => {
    process.stdout.write(
      `${i + 1}  ${Object.entries(point)
        .map(([path, value]) => `${path} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
        .join(', ')}\n`,
    );
  });
  process.stdout.write(
    `${counted(study.points.length, 'point')} × ${counted(study.seeds.length, 'seed')} = ${counted(study.points.length * study.seeds.length, 'run')}\n`,
  );
}

/** What makes the same tables again, on whatever machine. */
function commandOf(file: string, { study, seeds, duration }: Flags): string {
  const parts = ['npx simsup sweep', file];
  if (study !== undefined) parts.push('--study', study);
  if (seeds !== undefined) parts.push('--seeds', String(seeds));
  if (duration !== undefined) parts.push('--duration', `${duration / 1e6}s`);
  return `${parts.join(' ')} --out DIR`;
}
