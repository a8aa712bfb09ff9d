/** `simsup compare FILE --policy a,b,c` or `--stack a,b,c`: the same arrivals and candidate faults, and whether a difference is real. */

import { Command } from 'commander';
import { UserError } from '../../scenarios/import/import.ts';
import { comparedStackNames } from '../../sim/policy/recovery/compared.ts';
import { policyNames, type Scenario } from '../../sim/simulate.ts';
import { compareRuns } from '../../studies/compare.ts';
import { comparisonHtml, comparisonMarkdown, comparisonText } from '../../studies/compare-report.ts';
import { FIGURES, projectFigures } from '../../studies/figures.ts';
import { MOST_PROJECTS, type Task } from '../../studies/pool.ts';
import { STACK_FIGURES, stalledNotes } from '../../studies/stack-figures.ts';
import { stackAssumptions, stackOf } from '../../studies/stacks.ts';
import { confidenceOption, durationOption, wholeOption } from '../host/options.ts';
import { writeWhole } from '../host/output.ts';
import { policyArgs, policyNamed } from '../host/policy.ts';
import { loadScenario, type ScenarioChoice } from '../host/scenario.ts';
import { scenarioText } from '../host/scenario-text.ts';
import { seedsFrom, withPool } from '../host/study.ts';

interface Flags {
  policy?: string;
  stack?: string;
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
      'runs the same work under several policies or stacks, seed by seed, and says what is different and how sure it is',
    )
    .argument('[file]', 'a scenario, - for standard input, or the name of a built-in one', 'mission-control')
    .option(
      '--policy <list>',
      `policies, the first is the baseline: name or name:key=value:key=value, comma between (${policyNames().join(', ')})`,
    )
    .option(
      '--stack <list>',
      `whole stacks instead: scheduler, faults, people (${comparedStackNames().join(', ')}, or a Stack of the scenario)`,
    )
    .option('--seeds <n>', 'how many seeds, each run under every policy', wholeOption('--seeds', 1, MOST_SEEDS), 5)
    .option('--first-seed <n>', 'seeds are this number and those after it', wholeOption('--first-seed', 0, 1e9), 1)
    .option('--confidence <share>', 'of the intervals, such as 0.95', confidenceOption, 0.95)
    .option('--json', 'the comparison as JSON on stdout')
    .option('--markdown <file>', 'the same as a Markdown table, for a pull request')
    .option('--html <file>', 'the same as one self-contained page')
    .option(
      '--duration <duration>',
      'instead of the length the scenario sets, such as 7d',
      durationOption('--duration'),
    )
    .option('--threads <n>', 'runs at the same time (default: all cores)', wholeOption('--threads', 1, 1024))
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup compare --policy kubernetes,runai\n  npx simsup compare my.yaml --policy runai,runai:kValue=1 --seeds 10 --markdown diff.md\n  npx simsup compare --stack vanilla-kubernetes,kueue,slurm,runai,mission-control',
    )
    .action(compare);
}

async function compare(file: string, flags: Flags): Promise<void> {
  const listed = flags.policy ?? flags.stack;
  if (listed === undefined || (flags.policy !== undefined && flags.stack !== undefined))
    throw new UserError(
      'compare: name either policies, such as --policy kubernetes,runai, or stacks, such as --stack vanilla-kubernetes,mission-control',
    );
  const { allowRead, duration } = flags;
  const choice: ScenarioChoice = { name: file, text: scenarioText(file), allowRead, durationUs: duration };
  // Errors of the scenario show before any thread starts.
  const scenario = loadScenario(choice);
  const stacks = flags.stack !== undefined;
  const variants = variantsOf(stacks ? '--stack' : '--policy', listed, stacks ? stackTask(scenario) : policyTask);
  const seeds = seedsFrom(flags.firstSeed, flags.seeds);
  const tasks: Task[] = variants.flatMap(({ task }) => seeds.map((seed) => ({ ...task, seed })));
  const started = performance.now();
  const { runs, threads } = await withPool(choice, flags.threads, async (run, threads) => ({
    runs: await run(tasks),
    threads,
  }));
  const all = variants.map(({ label }, i) => ({
    name: label,
    runs: runs.slice(i * seeds.length, (i + 1) * seeds.length),
  }));
  const projects = scenario.projects.length <= MOST_PROJECTS ? scenario.projects.map(({ name }) => name) : [];
  const specs = [...FIGURES, ...(stacks ? STACK_FIGURES : []), ...projectFigures(projects)];
  const compared = compareRuns(specs, seeds, all[0], all.slice(1), flags.confidence);
  const comparison = {
    scenario: scenario.name,
    ...compared,
    notes: [
      ...compared.notes,
      ...(stacks
        ? stackAssumptions(
            scenario,
            variants.map(({ label }) => stackOf(scenario, label)),
          )
        : []),
      ...all.flatMap(({ name, runs: own }) => stalledNotes(name, own)),
    ],
  };
  if (flags.markdown !== undefined) writeWhole(flags.markdown, comparisonMarkdown(comparison));
  if (flags.html !== undefined) writeWhole(flags.html, comparisonHtml(comparison));
  if (flags.json) {
    const timings = { wallSeconds: (performance.now() - started) / 1000, threads };
    process.stdout.write(`${JSON.stringify({ ...comparison, timings }, null, 2)}\n`);
  } else {
    process.stdout.write(comparisonText(comparison));
  }
}

interface Variant {
  label: string;
  task: Task;
}

function variantsOf(option: string, listed: string, read: (written: string) => Variant): Variant[] {
  const variants = listed.split(',').map((written) => read(written.trim()));
  const labels = variants.map(({ label }) => label);
  if (labels.length < 2) {
    const other = option === '--stack' ? 'vanilla-kubernetes' : 'kubernetes';
    throw new UserError(`${option} ${listed}: name at least two, such as ${option} ${other},${labels[0]}`);
  }
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) throw new UserError(`${option}: '${twice}' is named twice`);
  return variants;
}

/** `runai:kValue=1` → what a run is told, and what the table calls it. */
function policyTask(label: string): Variant {
  const [name, ...args] = label.split(':');
  const factory = policyNamed(name);
  return { label, task: { policy: { name: factory.name, args: policyArgs(factory, args) } } };
}

function stackTask(scenario: Scenario): (written: string) => Variant {
  return (written) => {
    try {
      const { name } = stackOf(scenario, written);
      return { label: name, task: { stack: name } };
    } catch (error) {
      if (error instanceof RangeError) throw new UserError(`--stack: ${error.message}`);
      throw error;
    }
  };
}
