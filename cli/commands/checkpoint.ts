/** `simsup checkpoint FILE [JOB]`: how often a job should write a checkpoint, and what it costs to do otherwise. */
import { Command } from 'commander';
import { UserError } from '../../scenarios/import/import.ts';
import { DAY_US } from '../../sim/simulate.ts';
import {
  checkpointJob,
  costsOf,
  NODE_FAULTS_ASSUMED,
  NORMAL_EFFORT,
  studyCheckpoints,
} from '../../studies/checkpoint.ts';
import { checkpointHtml, checkpointJson, checkpointText } from '../../studies/checkpoint-report.ts';
import { nodeFaultsOf } from '../../studies/interruptions.ts';
import { durationOption } from '../host/options.ts';
import { writeWhole } from '../host/output.ts';
import { loadScenario, type ScenarioChoice } from '../host/scenario.ts';
import { scenarioText } from '../host/scenario-text.ts';

interface Flags {
  mtbf?: number;
  perNodeDay?: number;
  cost?: number;
  restart?: number;
  target: number;
  seed: string;
  json?: boolean;
  html?: string;
  allowRead: string[];
}

export function checkpointCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('checkpoint')
    .description("finds the interval between checkpoints at which a job loses least, beside Young's and Daly's")
    .argument('[file]', 'a scenario, - for standard input, or the name of a built-in one', 'mission-control')
    .argument('[job]', 'its id (default: the training job with the most GPU time)')
    .option('--mtbf <duration>', 'mean time between interruptions of the whole job', durationOption('--mtbf'))
    .option('--per-node-day <rate>', 'failures of one node in a day, instead, such as 0.005', rateOption)
    .option('--cost <duration>', 'how long a checkpoint stalls the job', durationOption('--cost'))
    .option('--restart <duration>', 'from a failure to the first step', durationOption('--restart'))
    .option('--target <percent>', 'says what it takes to be useful for so much of the time', targetOption, 0.9)
    .option('--seed <text>', 'another draw of the failures', '1')
    .option('--json', 'the curve as JSON on stdout')
    .option('--html <file>', 'the same as one self-contained page')
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup checkpoint\n  npx simsup checkpoint my.yaml pretrain --mtbf 3h --html checkpoint.html',
    )
    .action(checkpoint);
}

function checkpoint(file: string, id: string | undefined, flags: Flags): void {
  const choice: ScenarioChoice = { name: file, text: scenarioText(file), allowRead: flags.allowRead };
  const scenario = loadScenario(choice);
  const job = checkpointJob(scenario, id);
  if (typeof job === 'string') throw new UserError(job);
  if (flags.mtbf !== undefined && flags.perNodeDay !== undefined)
    throw new UserError('--mtbf and --per-node-day say the same thing: give one of them');
  const stated = nodeFaultsOf(scenario, job);
  const perNodeDay = flags.perNodeDay ?? stated ?? NODE_FAULTS_ASSUMED;
  const costs = costsOf(scenario, job, perNodeDay, { mtbfUs: flags.mtbf });
  if (flags.cost !== undefined) {
    costs.stallUs = flags.cost;
    costs.behindUs = 0;
  }
  if (flags.restart !== undefined) {
    costs.restartUs = flags.restart;
    costs.noticeUs = 0;
    costs.varies = false;
  }
  const name = scenario.jobs.ids[job];
  if (costs.stallUs === 0 && costs.behindUs === 0) {
    throw new UserError(
      `checkpoints of ${name} cost nothing, so that the best interval is none at all: state checkpointSize, modelParams or checkpointStall, or give --cost`,
    );
  }
  if (costs.stallUs > 100 * costs.mtbfUs || costs.restartUs > 20 * costs.mtbfUs)
    throw new UserError(
      `${name} fails every ${Math.round(costs.mtbfUs / 1e6)} s on average and needs ${Math.round((costs.stallUs + costs.restartUs) / 1e6)} s for a checkpoint and a restart: it never ends`,
    );
  const mtbfFrom =
    flags.mtbf !== undefined
      ? 'as given'
      : flags.perNodeDay !== undefined
        ? `${perNodeDay} failures a node and day, as given`
        : stated !== undefined
          ? `${perNodeDay.toPrecision(3)} interruptions a node and day by the FaultModel`
          : `${perNodeDay} failures a node and day assumed; RSC-1 had 0.0065, RSC-2 0.0023: arXiv 2410.21680`;
  const study = studyCheckpoints(costs, costs.presentUs, flags.seed, NORMAL_EFFORT);
  const report = { scenario: scenario.name, job: name, costs, mtbfFrom, study, target: flags.target };
  if (flags.html !== undefined) writeWhole(flags.html, checkpointHtml(report));
  if (flags.json) process.stdout.write(`${JSON.stringify(checkpointJson(report), null, 2)}\n`);
  else process.stdout.write(checkpointText(report));
}

function targetOption(text: string): number {
  const percent = Number(text.replace(/\s*%$/, ''));
  if (!(percent > 0 && percent < 100))
    throw new UserError(`--target ${text}: expected a percentage between 0 and 100, such as 90`);
  return percent / 100;
}

function rateOption(text: string): number {
  const rate = Number(text);
  if (!(rate > 0 && rate <= DAY_US))
    throw new UserError(`--per-node-day ${text}: expected a number above zero, such as 0.005`);
  return rate;
}
