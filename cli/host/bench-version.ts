/**
 * Another installed version of simsup as a side of the bench: each run is a process of its own, and what it wrote
 * (`run --json`, `--jobs-csv`, `--trace`) is read. What needs a look inside (fairness, broken rules) is not measured.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import type { OpenSide, RunTask } from '../../bench/regression/bench.ts';
import { caseScenario } from '../../bench/regression/cases.ts';
import { groupFigures, groupsOf, type JobFacts, waitFigures } from '../../bench/regression/figures.ts';
import { type Outcome, summaryFigures } from '../../bench/regression/outcome.ts';
import type { DecisionRow } from '../../bench/regression/watch.ts';
import type { RunSummary } from '../../reports/summary.ts';
import { fileLines } from '../../scenarios/files.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { splitCsvLine } from '../../scenarios/jobs-csv.ts';
import { JOB_CLASSES, POLICIES, type Scenario } from '../../sim/simulate.ts';

/** Of its JSON. */
const MOST_OUTPUT = 256 * 2 ** 20;

export function versionSide(option: string, path: string, policy: string, threads = availableParallelism()): OpenSide {
  const { main, version } = installed(option, path);
  const [name, ...args] = policy.split(':');
  const folder = mkdtempSync(join(tmpdir(), 'simsup-bench-'));
  let runs = 0;
  return {
    name: `simsup ${version}#${policy}`,
    size: threads,
    run: (task) => {
      const own = join(folder, String(runs++));
      return oneRun(main, own, task, ['--policy', name, ...args.flatMap((arg) => ['--arg', arg])]).finally(() =>
        rmSync(own, { recursive: true, force: true }),
      );
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** `path`: the package's folder, one in which it is installed, or its main program. */
function installed(option: string, path: string): { main: string; version: string } {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile()) return { main: resolve(path), version: path };
  for (const folder of [path, join(path, 'node_modules/simsup')]) {
    try {
      const { name, version, bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const main = resolve(folder, typeof bin === 'string' ? bin : bin.simsup);
      if (name === 'simsup' && existsSync(main)) return { main, version };
    } catch {
      // Not there: the next place.
    }
  }
  throw new UserError(
    `${option} version:${path}: found no simsup there, expected the folder of an installed (and built) package, or its dist/cli/main.js`,
  );
}

async function oneRun(
  main: string,
  folder: string,
  { case: one, seed, keepDecisions }: RunTask,
  policy: string[],
): Promise<Outcome> {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(one.files)) {
    const target = resolve(folder, name);
    if (relative(folder, target).startsWith('..'))
      throw new UserError(`case ${one.name}: ${name} is outside the scenario's folder`);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  const at = (name: string) => join(folder, name);
  writeFileSync(at('scenario.yaml'), one.text);
  const outputs = ['--jobs-csv', at('jobs.out'), ...(keepDecisions ? ['--trace', at('trace.out')] : [])];
  const started = performance.now();
  const { failed, stdout } = await called(main, [
    'run',
    at('scenario.yaml'),
    '--seed',
    seed,
    '--json',
    ...outputs,
    ...policy,
  ]);
  if (failed !== undefined) return { failed: failed.replaceAll(`${folder}/`, '') };
  const summary = JSON.parse(stdout) as RunSummary;
  const facts = factsOf(caseScenario(one, seed, POLICIES), at('jobs.out'), summary.simulatedSeconds);
  return {
    run: {
      digest: summary.digest,
      figures: { ...summaryFigures(summary), ...waitFigures(facts, summary.simulatedSeconds) },
      groups: groupFigures(facts, summary.queues),
      breaks: [],
      stalled: summary.stalled,
      ...(keepDecisions && { decisions: decisionsOf(at('trace.out')) }),
    },
    timings: {
      wallSeconds: (performance.now() - started) / 1000,
      decisions: null,
      decideSeconds: null,
      heapMiB: null,
    },
  };
}

function called(main: string, args: string[]): Promise<{ failed?: string; stdout: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [main, ...args], { maxBuffer: MOST_OUTPUT }, (error, stdout, stderr) => {
      const said = stderr.trim().split('\n').slice(-3).join('; ');
      done(error === null ? { stdout } : { failed: said || error.message, stdout });
    });
  });
}

/** The columns of a CSV file by name, line by line. */
function* rowsOf(path: string): Generator<(column: string) => string> {
  let columns: string[] | null = null;
  for (const line of fileLines(path)) {
    const cells = splitCsvLine(line);
    if (columns === null) columns = cells;
    else {
      const known = columns;
      yield (column) => cells[known.indexOf(column)] ?? '';
    }
  }
}

function factsOf({ jobs, warmUpUs }: Scenario, path: string, simulatedSeconds: number): JobFacts[] {
  const classes = new Map<string, string>();
  for (let job = 0; job < jobs.count; job++) classes.set(jobs.ids[job], JOB_CLASSES[jobs.class[job]]);
  const facts: JobFacts[] = [];
  for (const cell of rowsOf(path)) {
    const submit = Number(cell('submit'));
    if (submit < warmUpUs / 1e6 || submit > simulatedSeconds || cell('status') === 'unschedulable') continue;
    const jobClass = classes.get(cell('job_id')) ?? 'training';
    facts.push({
      project: cell('project'),
      groups: groupsOf(jobClass, Number(cell('num_gpu'))),
      waitSeconds: Number(cell('queue_seconds')),
    });
  }
  return facts;
}

/** From an event trace: a gang's workers, a row each, are one placement. */
function decisionsOf(path: string): DecisionRow[] {
  const rows: DecisionRow[] = [];
  let on = new Map<string, number>();
  for (const cell of rowsOf(path)) {
    const kind = cell('event');
    if (kind !== 'place' && kind !== 'preempt' && kind !== 'shrink' && kind !== 'wait') continue;
    const row: DecisionRow = {
      atUs: Math.round(Number(cell('time')) * 1e6),
      kind,
      job: cell('job_id'),
      where: '',
      reason: cell('reason'),
    };
    const last = rows.at(-1);
    const joins = kind === 'place' && last?.kind === 'place' && last.job === row.job && last.atUs === row.atUs;
    if (!joins) {
      on = new Map();
      rows.push(row);
    }
    if (kind !== 'place') continue;
    on.set(cell('node'), (on.get(cell('node')) ?? 0) | Number(cell('gpu_mask')));
    (joins ? last : row).where = [...on].map(([node, mask]) => `${node}:${(mask >>> 0).toString(16)}`).join(' ');
  }
  return rows;
}
