/** `simsup report slo RUN|FILE`: attainment of the deployments' targets, and why they were missed. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { sloText } from '../../reports/serving.ts';
import { NOTHING_SERVED, type SloInput, sloDocument, sloVerdict, violationsOf } from '../../reports/slo-report.ts';
import { summarise } from '../../reports/summary.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { simulate } from '../../sim/simulate.ts';
import { commandLine, type DocumentFlags, withDocumentOptions, writeDocument } from '../host/documents.ts';
import { durationOption } from '../host/options.ts';
import { packageVersion } from '../host/package-version.ts';
import { loadScenario } from '../host/scenario.ts';
import { scenarioText } from '../host/scenario-text.ts';

interface Flags extends DocumentFlags {
  seed?: string;
  duration?: number;
  allowRead: string[];
  json?: boolean;
}

export function sloCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  const command = new Command('slo')
    .description('service levels of inference deployments: attainment, and every violation by its reason')
    .argument('[run]', 'a folder that run --out wrote, a scenario, or the name of a built-in one', 'mission-control')
    .option('--seed <text>', "instead of the scenario's")
    .option('--duration <duration>', 'instead of the length the scenario sets', durationOption('--duration'))
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .option('--json', 'the figures and violations as JSON');
  return withDocumentOptions(command)
    .addHelpText('after', '\nExample:\n  npx simsup report slo serve-azure --html slo.html')
    .action(report);
}

function report(source: string, flags: Flags): void {
  const input = inputOf(source, flags);
  const { deployments, note } = input.slo;
  writeDocument(flags, sloDocument(input, { version: packageVersion(), command: commandLine(process.argv.slice(2)) }));
  if (flags.json) {
    const { scenario, seed, digest, policy } = input;
    const violations = deployments.flatMap(violationsOf);
    process.stdout.write(
      `${JSON.stringify({ scenario, policy, seed, digest, note, deployments, violations }, null, 2)}\n`,
    );
    return;
  }
  const lines = deployments.flatMap((s) => ['', sloVerdict(s), ...sloText(s).slice(1)]);
  process.stdout.write(
    `${[`${input.scenario}: service levels under ${input.policy}, seed ${input.seed} (simulated)`, ...(deployments.length === 0 ? [NOTHING_SERVED] : lines)].join('\n')}\n`,
  );
}

/** A folder of `run --out`, or a scenario that is run now. */
function inputOf(source: string, { seed, duration, allowRead }: Flags): SloInput {
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    const choice = { name: source, text: scenarioText(source), allowRead, durationUs: duration };
    return summarise(simulate(loadScenario(choice, { seed })), 0);
  }
  if (seed !== undefined || duration !== undefined)
    throw new UserError(`${source} has been run already: --seed and --duration are for a scenario`);
  const file = join(source, 'run.json');
  if (!existsSync(file)) throw new UserError(`${source} has no run.json: name a folder that simsup run --out wrote`);
  let run: SloInput;
  try {
    run = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new UserError(`${file}: found no JSON, expected what simsup run --out writes`);
  }
  if (!Array.isArray(run?.slo?.deployments) || typeof run.digest !== 'string')
    throw new UserError(`${file}: found no part 'slo', expected what simsup run --out of this version writes`);
  return run;
}
