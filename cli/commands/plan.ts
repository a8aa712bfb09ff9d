/** `simsup plan FILE`: the cheapest cluster that meets the targets, how sure that is, and what breaks first. */
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { documentCsv, documentHtml, documentMarkdown } from '../../reports/document.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { placesOf, valueAt } from '../../scenarios/paths.ts';
import { compileStudy, type Study } from '../../scenarios/study.ts';
import type { Point } from '../../scenarios/variants.ts';
import { searchPlan } from '../../studies/plan.ts';
import { planDocument, planText } from '../../studies/plan-page.ts';
import { defaultPlanStudy, planProblem, withEveryJob } from '../../studies/plan-problem.ts';
import { type GrowthRow, type PlanInput, planReport } from '../../studies/plan-report.ts';
import { type PointOutcome, type PointPool, type PointTask, pointFigures } from '../../studies/point.ts';
import { limitOf, type PlanProblem, type RunMade } from '../../studies/race.ts';
import { type RunsOf, runKey } from '../../studies/sweep.ts';
import { parseTarget, type Target } from '../../studies/target.ts';
import { durationOption, wholeOption } from '../host/options.ts';
import { writeWhole } from '../host/output.ts';
import { pointThreads, TaskError } from '../host/pool.ts';
import { MemoryRuns, RunLog } from '../host/run-log.ts';
import { RunProgress } from '../host/run-progress.ts';
import { onStop } from '../host/stop.ts';
import { openStudyFile, type StudyFile } from '../host/study-file.ts';

interface Flags {
  study?: string;
  target: string[];
  seeds?: number;
  duration?: number;
  threads?: number;
  out?: string;
  growth?: boolean;
  html?: string;
  markdown?: string;
  csv?: string;
  json?: boolean;
  allowRead: string[];
}

/** Chance at most that one look gives a candidate up wrongly. */
const RISK = 0.01;
/** Work is made to grow by these factors, with so many seeds, until a target is missed. */
const GROWTH = [1.1, 1.25, 1.5, 2];
const GROWTH_SEEDS = 3;

export function planCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('plan')
    .description('finds the cheapest cluster that meets stated targets, says how sure that is and what binds')
    .argument('[file]', 'a scenario, - for standard input, or the name of a built-in one', 'mission-control')
    .option('--target <target>', "such as 'p95 wait nlp <= 2h'; may be repeated; instead of the Study's", collect, [])
    .option('--study <file>', 'the Study with the candidates (default: of the scenario, else the nodes of each pool)')
    .option('--seeds <n>', 'seeds 1 to n, instead of those of the Study', wholeOption('--seeds', 1, 10_000))
    .option(
      '--duration <duration>',
      'instead of the length the scenario sets, such as 7d',
      durationOption('--duration'),
    )
    .option('--threads <n>', 'runs at the same time (default: all cores)', wholeOption('--threads', 1, 1024))
    .option('--out <dir>', 'keeps the runs here and uses those that are there, of a sweep as well')
    .option('--growth', 'also how much more work the answer takes before it misses a target')
    .option('--html <file>', 'the plan as one self-contained page')
    .option('--markdown <file>', 'the same as Markdown')
    .option('--csv <file>', 'its tables as CSV')
    .option('--json', 'the plan as JSON on stdout')
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .addHelpText(
      'after',
      "\nExamples:\n  npx simsup plan --target 'p95 wait research <= 2h' --target 'cost <= $250000'\n  npx simsup plan my.yaml --out results --html plan.html\nTargets: [mean|p50|p90|p95|p99] wait [PROJECT], jct, slowdown, slo [DEPLOYMENT], deadline JOB, deadlines, ettr, cost, or a figure of simsup sweep.",
    )
    .action(plan);
}

async function plan(file: string, flags: Flags): Promise<void> {
  const asked = openStudyFile(file, flags);
  // Nodes alone are varied then, and quotas have to follow them.
  const opened = asked.study === undefined ? openStudyFile(file, flags, true) : asked;
  const read = opened.study === undefined ? defaultPlanStudy(opened.base) : compileStudy(opened.study, opened.variants);
  const { seeds } = flags;
  const study: Study =
    seeds === undefined ? read : { ...read, seeds: Array.from({ length: seeds }, (_, i) => String(i + 1)) };
  const specs = pointFigures(opened.base);
  const problem = planProblem(
    study,
    opened.variants,
    withEveryJob(targetsOf(flags.target.length > 0 ? flags.target : study.targets, specs)),
  );
  const runsOf = { scenario: opened.hash, version: opened.version };
  const log = flags.out === undefined ? undefined : new RunLog(flags.out, 'runs.jsonl', runsOf);
  const runner = new Runner(opened, runsOf, log ?? new MemoryRuns(), flags.threads);
  const started = performance.now();
  const listening = onStop(() => runner.state, flags.out !== undefined);
  let report: ReturnType<typeof planReport>;
  let input: PlanInput;
  try {
    const all = problem.candidates.length * study.seeds.length;
    const search = await searchPlan(
      problem,
      (runs) =>
        runner.run(
          runs.map(({ candidate, seed }) => ({ point: study.points[candidate], seed: study.seeds[seed] })),
          all,
        ),
      { risk: RISK, batch: batchFor(all) },
    );
    const { reused } = runner;
    const growth =
      flags.growth && search.best >= 0
        ? await grow(opened, problem, study, study.points[search.best], runner)
        : undefined;
    const { hash, version, base } = opened;
    const command = commandOf(file, flags);
    input = {
      name: base.name,
      hash,
      version,
      command,
      study,
      figures: specs,
      assumptions: base.assumptions,
      reused,
      risk: RISK,
      growth,
    };
    report = planReport(input, problem, search);
  } finally {
    listening.end();
    log?.close();
    await runner.close();
  }
  const document = planDocument(report, input);
  if (flags.html !== undefined) writeWhole(flags.html, [documentHtml(document)]);
  if (flags.markdown !== undefined) writeWhole(flags.markdown, [documentMarkdown(document)]);
  if (flags.csv !== undefined) writeWhole(flags.csv, [documentCsv(document)]);
  if (flags.json) {
    const timings = { wallSeconds: (performance.now() - started) / 1000, threads: runner.threads };
    process.stdout.write(`${JSON.stringify({ ...report, timings }, null, 2)}\n`);
  } else process.stdout.write(planText(report));
  // A plan that cannot be made is an answer that fails.
  if (report.best === null) process.exitCode = 1;
}

function targetsOf(written: readonly string[], specs: ReturnType<typeof pointFigures>): Target[] {
  if (written.length === 0) {
    throw new UserError(
      "plan needs targets: --target 'p95 wait PROJECT <= 2h' (may be repeated), or targets: in the Study; npx simsup plan --help has more",
    );
  }
  try {
    return written.map((text) => parseTarget(text, specs));
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(error.message);
    throw error;
  }
}

/** Enough to keep cores busy in a large study without running much that turns out to be needless in a small one. */
function batchFor(runs: number): number {
  return Math.max(2, Math.min(32, Math.round(runs / 100)));
}

/** Runs points that are not known yet, on threads that start when the first is asked for. */
class Runner {
  reused = 0;
  readonly threads: number;
  private readonly opened: StudyFile;
  private readonly runsOf: RunsOf;
  private readonly store: MemoryRuns;
  private readonly progress = new RunProgress();
  private pool: PointPool | undefined;
  private done = 0;

  constructor(opened: StudyFile, runsOf: RunsOf, store: MemoryRuns, threads = availableParallelism()) {
    this.opened = opened;
    this.runsOf = runsOf;
    this.store = store;
    this.threads = threads;
  }

  get state(): string {
    return `${this.done} runs are made`;
  }

  async run(tasks: readonly PointTask[], of: number): Promise<RunMade[]> {
    const results: PointOutcome[] = new Array(tasks.length);
    let next = 0;
    const work = async () => {
      while (next < tasks.length) {
        const at = next++;
        results[at] = await this.one(tasks[at]);
        this.progress.show(++this.done, of);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.threads, tasks.length) }, work));
    return results.map((outcome) => ('refused' in outcome ? null : outcome.figures));
  }

  private async one(task: PointTask): Promise<PointOutcome> {
    const key = runKey(this.runsOf, task);
    const known = this.store.get(key);
    if (known !== undefined) {
      this.reused++;
      return known;
    }
    this.pool ??= pointThreads(this.opened.choice, this.threads);
    try {
      const outcome = await this.pool.run(task);
      this.store.put(key, task, outcome);
      return outcome;
    } catch (error) {
      if (error instanceof TaskError && error.badInput) throw new UserError(error.message);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.progress.clear();
    await this.pool?.close();
  }
}

/** More and more of the same work on the answer, until it misses a target. */
async function grow(
  opened: StudyFile,
  problem: PlanProblem,
  study: Study,
  best: Point,
  runner: Runner,
): Promise<GrowthRow[]> {
  const places = placesOf(opened.variants.docs, 'workload.scale');
  if (!Array.isArray(places) || best['workload.scale'] !== undefined) return [];
  const [{ doc, path }] = places;
  const now = Number(valueAt(opened.variants.docs[doc].value, path) ?? 1);
  const seeds = study.seeds.slice(0, GROWTH_SEEDS);
  const rows: GrowthRow[] = [];
  for (const factor of GROWTH) {
    const point = { ...best, 'workload.scale': String(Number((now * factor).toFixed(6))) };
    const runs = await runner.run(
      seeds.map((seed) => ({ point, seed })),
      0,
    );
    const missed = problem.targets.filter((target) => {
      const limit = limitOf(target);
      return (
        runs.reduce((sum, run) => sum + (run === null ? Infinity : limit.of(run)), 0) / runs.length >
        limit.bound * (1 + 1e-12)
      );
    });
    rows.push({ factor, runs: runs.length, missed: missed.map(({ text }) => text) });
    if (missed.length > 0) break;
  }
  return rows;
}

function commandOf(file: string, { study, seeds, duration, target }: Flags): string {
  const parts = ['npx simsup plan', file];
  if (study !== undefined) parts.push('--study', study);
  if (seeds !== undefined) parts.push('--seeds', String(seeds));
  if (duration !== undefined) parts.push('--duration', `${duration / 1e6}s`);
  for (const text of target) parts.push('--target', `'${text}'`);
  return parts.join(' ');
}
