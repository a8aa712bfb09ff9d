/** The command line as a whole: which commands there are, and what becomes of their errors. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { UserError } from '../scenarios/import/import.ts';
import { nearestName } from '../scenarios/problem.ts';
import { BAD_INPUTS } from './bad-inputs.ts';
import { backtestCommand } from './commands/backtest.ts';
import { benchCommand } from './commands/bench.ts';
import { checkpointCommand } from './commands/checkpoint.ts';
import { compareCommand } from './commands/compare.ts';
import { conformCommand } from './commands/conform.ts';
import { decideCommand } from './commands/decide.ts';
import { explainCommand } from './commands/explain.ts';
import { importCommand } from './commands/import.ts';
import { initCommand } from './commands/init.ts';
import { mergeCommand } from './commands/merge.ts';
import { planCommand } from './commands/plan.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';
import { schemaCommand } from './commands/schema.ts';
import { serveMetricsCommand } from './commands/serve-metrics.ts';
import { startCommand } from './commands/start.ts';
import { sweepCommand } from './commands/sweep.ts';
import { webCommand } from './commands/web.ts';
import { whenCommand } from './commands/when.ts';
import { workerCommand } from './commands/worker.ts';

/** Bad input; a defect of simsup itself (EX_SOFTWARE of sysexits.h). */
const BAD_INPUT = 2;
const DEFECT = 70;

const WELCOME = `simsup simulates a GPU cluster run by NVIDIA Mission Control: rehearse the cluster before you buy it.

  npx simsup start                          what Mission Control would buy over vanilla Kubernetes, in seconds
  npx simsup run                            a month of 32 H200 and 16 B200: where every GPU-hour went
  npx simsup web                            the same in the browser: play it, change it, compare it
  npx simsup run --list                     other built-in scenarios
  npx simsup init my-cluster.yaml           a commented scenario to change, then: npx simsup run my-cluster.yaml
  npx simsup import sacct LOG --out mine    your own log (also csv, swf, philly, …), then: npx simsup run mine/scenario.yaml
  npx simsup compare --policy kubernetes,runai
                                            the same work under two schedulers, seed by seed
  npx simsup decide SNAPSHOT                what Run:ai's scheduler would do next on a real cluster, and why
  npx simsup bench --help                   what a change to a scheduler does, to whom, and whether it is real
  npx simsup report --help                  does it pay, who pays, what breaks: as documents

npx simsup --help lists all commands, npx simsup COMMAND --help their options.
`;

export function program(): Command {
  const simsup = new Command('simsup')
    .description('Rehearse the cluster before you buy it: simulates a GPU cluster run by NVIDIA Mission Control.')
    .version(version(), '--version')
    .helpOption('--help', 'shows help')
    .addHelpText('after', '\nExample:\n  npx simsup run')
    .action(() => {
      process.stdout.write(WELCOME);
    });
  for (const command of [
    startCommand(),
    runCommand(),
    compareCommand(),
    sweepCommand(),
    mergeCommand(),
    workerCommand(),
    planCommand(),
    checkpointCommand(),
    reportCommand(),
    importCommand(),
    decideCommand(),
    explainCommand(),
    backtestCommand(),
    whenCommand(),
    webCommand(),
    serveMetricsCommand(),
    initCommand(),
    schemaCommand(),
    conformCommand(),
    benchCommand(),
  ])
    simsup.addCommand(command);
  for (const command of [simsup, ...simsup.commands, ...simsup.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().allowExcessArguments(false).showSuggestionAfterError(true);
    command.configureHelp({ helpWidth: 100 });
  }
  return simsup;
}

/** Runs a command line; the exit code is the answer. Never throws. */
export async function main(given: readonly string[]): Promise<number> {
  const args = given[0] === 'help' ? [...given.slice(1), '--help'] : given;
  const simsup = program();
  try {
    refuseUnknownCommand(
      args[0],
      simsup.commands.map((command) => command.name()),
    );
    await simsup.parseAsync([...args], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return explain(error, args);
  }
}

/** With an action of its own, commander would take a mistyped command for an argument too many. */
function refuseUnknownCommand(name: string | undefined, known: readonly string[]): void {
  if (name === undefined || name.startsWith('-') || known.includes(name)) return;
  const nearest = nearestName(name, known);
  const hint = /[./]/.test(name)
    ? `; did you mean 'npx simsup run ${name}'?`
    : nearest === undefined
      ? ''
      : `; did you mean '${nearest}'?`;
  throw new UserError(
    `there is no command '${name}'${hint} There are: ${known.join(', ')}`.replace(/'( There)/, "'.$1"),
  );
}

/** Says what went wrong on stderr and gives the exit code for it. */
export function explain(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError) {
    // Commander has said it already.
    return error.exitCode === 0 ? 0 : BAD_INPUT;
  }
  if (BAD_INPUTS.some((kind) => error instanceof kind)) {
    process.stderr.write(`${(error as Error).message}\n`);
    return BAD_INPUT;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `simsup failed, and this is a defect of simsup, not of your input. Please report it with the scenario and these lines:\n` +
      `  ${message}\n  simsup ${version()}, Node ${process.version}: simsup ${args.join(' ')}\n`,
  );
  if (process.env.SIMSUP_DEBUG && error instanceof Error)
    process.stderr.write(`${((error.cause as Error | undefined) ?? error).stack}\n`);
  else process.stderr.write('  (SIMSUP_DEBUG=1 shows where it happened)\n');
  return DEFECT;
}

/** From package.json, which stands above cli/ in the sources and above dist/ in the package. */
function version(): string {
  for (const above of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(above, import.meta.url), 'utf8'));
      if (name === 'simsup') return version;
    } catch {
      // Not there: the next place.
    }
  }
  return 'unknown';
}
