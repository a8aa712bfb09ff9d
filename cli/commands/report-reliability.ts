/** `simsup report reliability FILE`: how often work is interrupted, at what cost by XID, and what would help. */
import { statSync } from 'node:fs';
import { Command } from 'commander';
import { UserError } from '../../scenarios/import/import.ts';
import { builtins } from '../../scenarios/index.ts';
import { comparedStackNames } from '../../sim/policy/recovery/compared.ts';
import { recoveryOf } from '../../sim/policy/recovery/stacks.ts';
import type { Scenario } from '../../sim/simulate.ts';
import { taskScenario } from '../../studies/pool.ts';
import { reliabilityStudy } from '../../studies/reliability.ts';
import { reliabilityDocument, reliabilityText } from '../../studies/reliability-report.ts';
import { stackOf } from '../../studies/stacks.ts';
import { commandLine, type DocumentFlags, withDocumentOptions, writeDocument } from '../host/documents.ts';
import { confidenceOption, durationOption, wholeOption } from '../host/options.ts';
import { packageVersion } from '../host/package-version.ts';
import { loadScenario, type ScenarioChoice } from '../host/scenario.ts';
import { scenarioText } from '../host/scenario-text.ts';
import { seedsFrom, withPool } from '../host/study.ts';

interface Flags extends DocumentFlags {
  stack?: string;
  seeds: number;
  firstSeed: number;
  confidence: number;
  duration?: number;
  threads?: number;
  allowRead: string[];
  json?: boolean;
}

export function reliabilityCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  const command = new Command('reliability')
    .description(
      'ETTR, mean time to failure and repair, GPU-hours lost by XID; what a hot spare or half the detection time would save',
    )
    .argument('[file]', 'a scenario, - for standard input, or the name of a built-in one', 'mission-control')
    .option('--stack <name>', `as this stack deals with faults: ${comparedStackNames().join(', ')}`)
    .option('--seeds <n>', 'how many seeds', wholeOption('--seeds', 1, 10_000), 5)
    .option('--first-seed <n>', 'seeds are this number and those after it', wholeOption('--first-seed', 0, 1e9), 1)
    .option('--confidence <share>', 'of the intervals, such as 0.95', confidenceOption, 0.95)
    .option('--duration <duration>', 'instead of the length the scenario sets', durationOption('--duration'))
    .option('--threads <n>', 'runs at the same time (default: all cores)', wholeOption('--threads', 1, 1024))
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .option('--json', 'the figures as JSON');
  return withDocumentOptions(command)
    .addHelpText('after', '\nExample:\n  npx simsup report reliability fault-storm --html reliability.html')
    .action(report);
}

async function report(name: string, flags: Flags): Promise<void> {
  if (statSync(name, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(
      `${name} is a folder: name the scenario, as its faults are run again with a spare more and noticed sooner`,
    );
  const text = scenarioText(name);
  const choice: ScenarioChoice = { name, text, allowRead: flags.allowRead, durationUs: flags.duration };
  const scenario = loadScenario(choice);
  const stack = flags.stack === undefined ? undefined : stackNameOf(scenario, flags.stack);
  const { gpus } = scenario.nodes;
  const installed = gpus.reduce((sum, n) => sum + n, 0);
  const study = await withPool(choice, flags.threads, (run) =>
    reliabilityStudy(run, {
      scenario: scenario.name,
      stack,
      gpus: installed,
      action: recoveryOf(taskScenario(scenario, { stack })).faultTolerance?.action ?? null,
      sizes: [...new Set([8, 64, 512, installed])].filter((n) => n > 0 && n <= installed).sort((a, b) => a - b),
      seeds: seedsFrom(flags.firstSeed, flags.seeds),
      confidence: flags.confidence,
    }),
  );
  const about = {
    version: packageVersion(),
    command: commandLine(process.argv.slice(2)),
    assumptions: scenario.assumptions,
    scenarioText: text ?? builtins.find((b) => b.name === name)?.text,
  };
  writeDocument(flags, reliabilityDocument(study, about));
  process.stdout.write(flags.json ? `${JSON.stringify(study, null, 2)}\n` : reliabilityText(study));
}

function stackNameOf(scenario: Scenario, written: string): string {
  try {
    return stackOf(scenario, written).name;
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(`--stack: ${error.message}`);
    throw error;
  }
}
