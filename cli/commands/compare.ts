/** `simsup compare FILE --policy a,b,c`: the same arrivals and candidate faults, and whether a difference is real. */
import { Command } from 'commander';
import { UserError } from '../../scenarios/import/import.ts';
import { policyNames } from '../../sim/simulate.ts';
import { compareRuns } from '../../studies/compare.ts';
import { comparisonHtml, comparisonMarkdown, comparisonText } from '../../studies/compare-report.ts';
import { FIGURES, projectFigures } from '../../studies/figures.ts';
import { MOST_PROJECTS, runAll, type Task } from '../../studies/pool.ts';
import { durationOption } from '../host/options.ts';
import { writeWhole } from '../host/output.ts';
import { policyArgs, policyNamed } from '../host/policy.ts';
import { TaskError, threadPool } from '../host/pool.ts';
import { loadScenario, type ScenarioChoice } from '../host/scenario.ts';
import { scenarioText } from '../host/scenario-text.ts';

interface Flags {
  policy: string;
  seeds: number;
  firstSeed: number;
  confidence: number;
  json?: boolean;
  markdown?: string;
  html?: string;
  duration?: number;
  allowRead: string[];
  threads?: number;
}

const MOST_SEEDS = 10_000;

export function compareCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('compare')
    .description(
      'runs the same work under several policies, seed by seed, and says what is different and how sure it is',
    )
    .argument('[file]', 'a scenario, - for standard input, or the name of a built-in one', 'mission-control')
    .requiredOption(
      '--policy <list>',
      `policies, the first is the baseline: name or name:key=value:key=value, comma between (${policyNames().join(', ')})`,
    )
    .option('--seeds <n>', 'how many seeds, each run under every policy', whole('--seeds', 1, MOST_SEEDS), 5)
    .option('--first-seed <n>', 'seeds are this number and those after it', whole('--first-seed', 0, 1e9), 1)
    .option('--confidence <share>', 'of the intervals, such as 0.95', confidenceOption, 0.95)
    .option('--json', 'the comparison as JSON on stdout')
    .option('--markdown <file>', 'the same as a Markdown table, for a pull request')
    .option('--html <file>', 'the same as one self-contained page')
    .option(
      '--duration <duration>',
      'instead of the length the scenario sets, such as 7d',
      durationOption('--duration'),
    )
    .option('--threads <n>', 'runs at the same time (default: all cores)', whole('--threads', 1, 1024))
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup compare --policy kubernetes,runai\n  npx simsup compare my.yaml --policy runai,runai:kValue=1 --seeds 10 --markdown diff.md',
    )
    .action(compare);
}

async function compare(file: string, flags: Flags): Promise<void> {
  const policies = flags.policy.split(',').map(policyTask);
  if (policies.length < 2)
    throw new UserError(
      `--policy ${flags.policy}: name at least two, such as --policy kubernetes,${policies[0].label}`,
    );
  const labels = policies.map(({ label }) => label);
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) throw new UserError(`--policy: '${twice}' is named twice`);
  const { allowRead, duration } = flags;
  const choice: ScenarioChoice = { name: file, text: scenarioText(file), allowRead, durationUs: duration };
  // Errors of the scenario show before any thread starts.
  const scenario = loadScenario(choice);
  const seeds = Array.from({ length: flags.seeds }, (_, i) => String(flags.firstSeed + i));
  const tasks: Task[] = policies.flatMap(({ policy }) => seeds.map((seed) => ({ seed, policy })));
  const pool = threadPool(choice, flags.threads);
  const started = performance.now();
  let runs: Awaited<ReturnType<typeof runAll>>;
  try {
    runs = await runAll(pool, tasks, (done) => showProgress(done, tasks.length));
  } catch (error) {
    if (error instanceof TaskError && error.badInput) throw new UserError(error.message);
    throw error;
  } finally {
    await pool.close();
  }
  const variants = labels.map((name, i) => ({ name, runs: runs.slice(i * seeds.length, (i + 1) * seeds.length) }));
  const projects = scenario.projects.length <= MOST_PROJECTS ? scenario.projects.map(({ name }) => name) : [];
  const specs = [...FIGURES, ...projectFigures(projects)];
  const comparison = {
    scenario: scenario.name,
    ...compareRuns(specs, seeds, variants[0], variants.slice(1), flags.confidence),
  };
  if (flags.markdown !== undefined) writeWhole(flags.markdown, comparisonMarkdown(comparison));
  if (flags.html !== undefined) writeWhole(flags.html, comparisonHtml(comparison));
  if (flags.json) {
    const timings = { wallSeconds: (performance.now() - started) / 1000, threads: pool.size };
    process.stdout.write(`${JSON.stringify({ ...comparison, timings }, null, 2)}\n`);
  } else {
    process.stdout.write(comparisonText(comparison));
  }
}

/** `runai:kValue=1` → what a run is told, and what the table calls it. */
function policyTask(written: string): { label: string; policy: NonNullable<Task['policy']> } {
  const label = written.trim();
  const [name, ...args] = label.split(':');
  const factory = policyNamed(name);
  return { label, policy: { name: factory.name, args: policyArgs(factory, args) } };
}

function showProgress(done: number, of: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done === of ? '\r\x1b[K' : `\r${done} of ${of} runs\x1b[K`);
}

const whole = (option: string, min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new UserError(`${option} ${text}: expected a whole number from ${min} to ${max}`);
  return value;
};

function confidenceOption(text: string): number {
  const value = Number(text);
  if (!(value >= 0.5 && value < 1)) throw new UserError(`--confidence ${text}: expected a share such as 0.95`);
  return value;
}
