/** `simsup run [FILE]`: simulates a scenario and says what came of it. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { jobsCsv, TRACE_HEADER, traceLine } from '../../reports/csv.ts';
import { summarise } from '../../reports/summary.ts';
import { nextSteps, textSummary } from '../../reports/text.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { builtins } from '../../scenarios/index.ts';
import {
  ForeignPolicyError,
  Lives,
  PolicyArgumentError,
  type PolicyFactory,
  policyNames,
  Recorder,
  type Run,
  type Scenario,
  Simulation,
  type TraceRow,
} from '../../sim/simulate.ts';
import { externalProgram } from '../host/external.ts';
import { MetricsFile, PerfettoFile } from '../host/monitoring.ts';
import { durationOption } from '../host/options.ts';
import { checkOutFolder, GrowingFile, writeFolder, writeWhole } from '../host/output.ts';
import { policyArgs, policyModule, policyNamed } from '../host/policy.ts';
import { Progress } from '../host/progress.ts';
import { resultFiles } from '../host/result-files.ts';
import { loadScenario } from '../host/scenario.ts';

/** What changes the scenario that is run. */
interface ScenarioFlags {
  policy?: string;
  policyModule?: string;
  policyProgram?: string;
  /** Longest one of the program's answers may take, µs. */
  timeLimit?: number;
  arg: string[];
  seed?: string;
  duration?: number;
  allowRead: string[];
}

interface Flags extends ScenarioFlags {
  json?: boolean;
  out?: string;
  force?: boolean;
  jobsCsv?: string;
  trace?: string;
  metrics?: string;
  metricsStep?: number;
  perfetto?: string;
  list?: boolean;
}

const DEFAULT = 'mission-control';
/** Wall time between two looks at signals, ms. */
const SLICE_MS = 50;

export function runCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('run')
    .description('simulates a scenario and prints where every GPU-hour went')
    .argument(
      '[file]',
      `a scenario, a manifest, an sbatch script, - for standard input, or the name of a built-in one (default ${DEFAULT})`,
    )
    .option('--list', 'the built-in scenarios, and what each shows')
    .option('--json', 'the summary as JSON on stdout (docs/schema/run.schema.json)')
    .option('--out <dir>', 'writes run.json, jobs, their lives, samples and ledger (CSV, Parquet) and report.html')
    .option('--force', 'with --out: into a folder that is not empty')
    .option('--jobs-csv <file>', 'one row a job')
    .option('--trace <file>', 'every event and every movement in the ledger, as CSV; large')
    .option('--metrics <file>', 'monitoring as OpenMetrics with timestamps, to fill a Prometheus with')
    .option(
      '--metrics-step <duration>',
      'between two readings (default 15s to 5m, by the size)',
      durationOption('--metrics-step'),
    )
    .option('--perfetto <file>', 'who was on which GPU when, for ui.perfetto.dev; large')
    .option('--policy <name>', `instead of the scenario's: ${policyNames().join(', ')}`)
    .option('--policy-module <path>', 'a policy of your own: a module that exports one as default')
    .option('--policy-program <command>', 'a scheduler in any language, asked over a pipe (docs/external.md)')
    .option(
      '--time-limit <duration>',
      'longest one of its answers may take, such as 500ms',
      durationOption('--time-limit'),
    )
    .option('--arg <key=value>', 'an argument of the policy; may be repeated', collect, [])
    .option('--seed <text>', "instead of the scenario's")
    .option(
      '--duration <duration>',
      'instead of the length the scenario sets, such as 7d',
      durationOption('--duration'),
    )
    .option(
      '--allow-read <dir>',
      'lets the scenario name files here, outside its own folder; may be repeated',
      collect,
      [],
    )
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup run\n  npx simsup run philly-week --policy las --json\n  npx simsup run my-cluster.yaml --seed 7 --out results\n  generate-scenario | npx simsup run -',
    )
    .action(run);
}

/** Two outputs in one file, or an output over the scenario, would lose one of them. */
function refuseClashes(file: string | undefined, { jobsCsv, trace, metrics, perfetto }: Flags): void {
  const taken = new Map<string, string>(file === undefined ? [] : [[resolve(file), 'the scenario']]);
  for (const [option, path] of Object.entries({
    '--jobs-csv': jobsCsv,
    '--trace': trace,
    '--metrics': metrics,
    '--perfetto': perfetto,
  })) {
    if (path === undefined) continue;
    const other = taken.get(resolve(path));
    if (other !== undefined) throw new UserError(`${option} ${path} is ${other}: name another file`);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw new UserError(`${option} ${path} is a folder: name a file to write`);
    taken.set(resolve(path), `the file of ${option}`);
  }
}

async function run(file: string | undefined, flags: Flags): Promise<void> {
  if (flags.list) {
    const width = Math.max(...builtins.map(({ name }) => name.length));
    const list = builtins.map(({ name, sentence }) => `${name.padEnd(width)}  ${sentence}`).join('\n');
    process.stdout.write(
      flags.json
        ? `${JSON.stringify(
            builtins.map(({ name, sentence }) => ({ name, sentence })),
            null,
            2,
          )}\n`
        : `${list}\n`,
    );
    return;
  }
  refuseClashes(file, flags);
  for (const [option, value] of Object.entries(flags)) {
    if (value === '') throw new UserError(`--${option.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} needs a value`);
  }
  if (flags.out !== undefined) checkOutFolder(flags.out, flags.force === true);
  const { scenario, policy, close } = await prepared(file ?? DEFAULT, flags);
  if (!flags.json && process.stderr.isTTY)
    process.stderr.write(`Simulating ${scenario.name}: ${scenario.nodes.count} nodes, ${scenario.jobs.count} jobs …\n`);
  const started = performance.now();
  const signals = watchSignals();
  try {
    const lives = flags.out === undefined ? undefined : new Lives(scenario);
    const recorder = flags.out === undefined ? undefined : new Recorder();
    const result = await simulated(scenario, policy, flags, signals, lives, recorder).catch((error) => {
      throw blamed(error, scenario, flags);
    });
    show(result, lives, recorder, (performance.now() - started) / 1000, file, flags);
  } finally {
    signals.end();
    await close();
  }
}

/** An invariant that fails under the user's own policy is more likely the policy's doing than ours. */
function blamed(error: unknown, scenario: Scenario, flags: Flags): unknown {
  if (error instanceof UserError || error instanceof PolicyArgumentError || error instanceof ForeignPolicyError)
    return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && error.cause instanceof ForeignPolicyError) return new UserError(message);
  if (flags.policyModule !== undefined)
    return new UserError(`the simulation failed under the policy module ${flags.policyModule}: ${message}`);
  return new Error(`${message} (scenario ${scenario.name}, policy ${scenario.policy.name}, seed ${scenario.seed})`, {
    cause: error,
  });
}

function show(
  result: Run,
  lives: Lives | undefined,
  recorder: Recorder | undefined,
  wallSeconds: number,
  file: string | undefined,
  flags: Flags,
): void {
  const summary = summarise(result, wallSeconds);
  if (flags.jobsCsv !== undefined) writeWhole(flags.jobsCsv, jobsCsv(result));
  if (flags.out !== undefined) writeFolder(flags.out, resultFiles(result, summary, lives, recorder));
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  } else {
    const colour = process.stdout.isTTY === true && !process.env.NO_COLOR;
    process.stdout.write(textSummary(summary, { colour }));
    if (flags.out !== undefined)
      process.stdout.write(`\nWritten to ${flags.out}: open ${flags.out}/report.html in a browser.\n`);
    process.stdout.write(`\n${nextSteps(file, result.scenario.policy)}`);
  }
  if (result.partial) {
    process.stderr.write('Interrupted: this is the result so far, not of the whole scenario.\n');
    process.exitCode = 130;
  }
}

/** The scenario as the flags change it, and the policy if it is not a built-in one. */
export async function prepared(
  name: string,
  flags: ScenarioFlags,
): Promise<{ scenario: Scenario; policy?: PolicyFactory; close: () => Promise<void> }> {
  const given = [flags.policy, flags.policyModule, flags.policyProgram].filter((policy) => policy !== undefined);
  if (given.length > 1) throw new UserError('--policy, --policy-module and --policy-program exclude each other');
  const program = flags.policyProgram === undefined ? undefined : externalProgram(flags.policyProgram, flags.timeLimit);
  const own = flags.policyModule === undefined ? program?.policy : await policyModule(flags.policyModule);
  const named = flags.policy === undefined ? own : policyNamed(flags.policy);
  const { allowRead, duration: durationUs, seed } = flags;
  const scenario = loadScenario({ name, allowRead, durationUs }, { seed }, own);
  const factory = named ?? policyNamed(scenario.policy.name);
  const before = factory.name === scenario.policy.name ? scenario.policy.args : {};
  const args = { ...before, ...policyArgs(factory, flags.arg) };
  const close = async () => program?.close();
  return { scenario: { ...scenario, policy: { name: factory.name, args } }, policy: own, close };
}

interface Signals {
  readonly seen: boolean;
  end(): void;
}

/** The first Ctrl-C stops the simulation, and what there is gets written whole; the second one kills. */
function watchSignals(): Signals {
  let seen = false;
  const end = () => {
    process.removeListener('SIGINT', note);
    process.removeListener('SIGTERM', note);
  };
  const note = () => {
    seen = true;
    end();
  };
  process.on('SIGINT', note);
  process.on('SIGTERM', note);
  return {
    get seen() {
      return seen;
    },
    end,
  };
}

/** Runs in slices, so that signals are seen between them. */
async function simulated(
  scenario: Scenario,
  policy: PolicyFactory | undefined,
  flags: Flags,
  signals: Signals,
  lives: Lives | undefined,
  recorder: Recorder | undefined,
): Promise<Run> {
  let progress: Progress | undefined;
  const trace = flags.trace === undefined ? undefined : new GrowingFile(flags.trace);
  let perfetto: PerfettoFile | undefined;
  let more = false;
  let paused = false;
  let sliceEnd = 0;
  try {
    trace?.write(TRACE_HEADER);
    if (flags.perfetto !== undefined) perfetto = new PerfettoFile(flags.perfetto, scenario);
    const note = (row: TraceRow) => {
      trace?.write(traceLine(scenario, row));
      perfetto?.write(row);
    };
    const simulation = new Simulation(scenario, {
      policy,
      keepHours: flags.out !== undefined,
      lives,
      recorder,
      trace: trace === undefined && perfetto === undefined ? undefined : note,
      onProgress: (nowUs, events) => {
        progress?.show(nowUs, events);
        paused = performance.now() >= sliceEnd || signals.seen;
        return !paused;
      },
    });
    progress = new Progress(scenario);
    const metrics =
      flags.metrics === undefined ? undefined : new MetricsFile(flags.metrics, simulation, flags.metricsStep);
    do {
      if (performance.now() >= sliceEnd) {
        await new Promise(setImmediate);
        sliceEnd = performance.now() + SLICE_MS;
      }
      paused = false;
      simulation.run(metrics?.nextUs);
      more = paused || (metrics?.take(simulation) ?? false);
    } while (more && !(paused && signals.seen));
    trace?.finish();
    perfetto?.finish(simulation.nowUs);
    metrics?.finish();
    return simulation.result();
  } finally {
    trace?.discard();
    perfetto?.discard();
    progress?.clear();
  }
}
