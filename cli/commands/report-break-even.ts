/** `simsup report break-even`: does the licence pay; simulated on a scenario, or from figures that are typed in. */
import { Command } from 'commander';
import { type BreakEven, breakEven } from '../../reports/break-even.ts';
import { counted, dollars, percent } from '../../reports/format.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { builtin, builtins } from '../../scenarios/index.ts';
import { quote } from '../../scenarios/units.ts';
import { comparedStackNames } from '../../sim/policy/recovery/compared.ts';
import { POLICIES, type Scenario } from '../../sim/simulate.ts';
import {
  type BreakEvenReport,
  breakEvenDocument,
  breakEvenText,
  type LogHeadline,
} from '../../studies/break-even-report.ts';
import { type BreakEvenStudy, breakEvenStudy, type StudyInput } from '../../studies/break-even-study.ts';
import { stackAssumptions, stackOf } from '../../studies/stacks.ts';
import { commandLine, type DocumentFlags, withDocumentOptions, writeDocument } from '../host/documents.ts';
import { confidenceOption, durationOption, wholeOption } from '../host/options.ts';
import { packageVersion } from '../host/package-version.ts';
import { loadScenario, type ScenarioChoice } from '../host/scenario.ts';
import { scenarioText } from '../host/scenario-text.ts';
import { seedsFrom, withPool } from '../host/study.ts';

interface Flags extends DocumentFlags {
  gpus?: string;
  price?: string;
  hours?: string;
  utilisation?: string;
  licence?: string;
  json?: boolean;
  stack: string;
  seeds: number;
  firstSeed: number;
  confidence: number;
  duration?: number;
  threads?: number;
  allowRead: string[];
  sensitivity: boolean;
  logs: boolean;
}

const DEFAULT_SCENARIO = 'mission-control';
/** Real logs on which the headline is shown beside the default scenario's. */
const LOGS = ['philly-week', 'itp'];
/** The logs state no price: the guide's of an H200, 5 June 2026. */
const GUIDE_PRICE = 5.92;

export function breakEvenCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  const command = new Command('break-even')
    .description(
      'does Mission Control pay: the same work and faults simulated under each stack; or, with --gpus, from figures that are typed in',
    )
    .argument('[file]', 'a scenario, - for standard input, or the name of a built-in one (default: mission-control)')
    .option('--gpus <n>', 'typed in: GPUs that are paid for')
    .option('--price <usd>', 'typed in: $ per GPU-hour; simulated: of GPUs that the scenario gives no price')
    .option('--hours <h>', 'typed in: hours that are paid for (default 720, a month as the guide rounds it)')
    .option('--utilisation <shares>', 'useful share of the GPU-hours without and with it, such as 0.60,0.80')
    .option('--licence <usd>', '$ per GPU-year that is asked (simulated: default the list price, 4500)')
    .option(
      '--stack <list>',
      'the stacks, the first is the baseline and the last is judged',
      comparedStackNames().join(','),
    )
    .option('--seeds <n>', 'how many seeds, each run under every stack', wholeOption('--seeds', 1, 10_000), 5)
    .option('--first-seed <n>', 'seeds are this number and those after it', wholeOption('--first-seed', 0, 1e9), 1)
    .option('--confidence <share>', 'of the intervals, such as 0.95', confidenceOption, 0.95)
    .option('--duration <duration>', 'instead of the length the scenario sets', durationOption('--duration'))
    .option('--no-sensitivity', 'leaves out the curve over load and the tornado: faster')
    .option('--no-logs', 'leaves out the headline on the Philly and ITP logs')
    .option('--threads <n>', 'runs at the same time (default: all cores)', wholeOption('--threads', 1, 1024))
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .option('--json', 'the figures as JSON');
  return withDocumentOptions(command)
    .addHelpText(
      'after',
      `\nExamples:
  npx simsup report break-even my.yaml --html break-even.html
  npx simsup report break-even --gpus 32 --price 5.92 --hours 720 --utilisation 0.60,0.80 --licence 4500`,
    )
    .action(async (file: string | undefined, flags: Flags) => {
      if (flags.gpus === undefined) {
        await simulated(file, flags);
        return;
      }
      if (file !== undefined)
        throw new UserError(
          '--gpus is for figures that are typed in: leave it out to simulate a scenario, or leave out the file',
        );
      typedIn(flags);
    });
}

// ── typed in ──────────────────────────────────────────────────────────────────────────────────────────────────────

function typedIn({ gpus, price, hours = '720', utilisation, licence, json }: Flags): void {
  if (gpus === undefined || price === undefined || utilisation === undefined)
    throw new UserError(
      'figures that are typed in need --gpus, --price and --utilisation, such as --utilisation 0.60,0.80',
    );
  let result: BreakEven;
  try {
    result = breakEven({ gpus, price, hours, licence, utilisation: utilisation.split(',') });
  } catch (error) {
    if (error instanceof RangeError) throw new UserError(`--${error.message}`);
    throw error;
  }
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : typedInText(result, { gpus, price, hours }));
}

function typedInText(result: BreakEven, { gpus, price, hours }: Record<'gpus' | 'price' | 'hours', string>): string {
  const lines = [
    `${gpus} ${gpus === '1' ? 'GPU' : 'GPUs'} × $${price} × ${hours} h = ${dollars(result.computeCost)}`,
    ...result.useful.map((usd, i) => `useful at ${percent(result.utilisation[i], 0)}: ${dollars(usd)}`),
    result.uplift < 0
      ? `That is ${dollars(-result.uplift)} less useful work, so no licence price pays.`
      : `Uplift ${dollars(result.uplift)}: a licence pays up to ${dollars(result.licenceBreakEvenPerGpuYear)} per GPU-year (8,760 h).`,
  ];
  if (result.licence !== null && result.licenceCost !== null && result.net !== null) {
    const verdict = result.pays ? `leaves ${dollars(result.net)}` : `costs ${dollars(-result.net)} more than it gives`;
    lines.push(
      `At ${dollars(result.licence)} per GPU-year it costs ${dollars(result.licenceCost)} over these hours and ${verdict}.`,
    );
  }
  lines.push('Utilisation is assumed here, not simulated: npx simsup report break-even FILE simulates your own work.');
  return `${lines.join('\n')}\n`;
}

// ── simulated ─────────────────────────────────────────────────────────────────────────────────────────────────────

async function simulated(file: string | undefined, flags: Flags): Promise<void> {
  if (flags.hours !== undefined)
    throw new UserError(
      '--hours is for figures that are typed in; of a simulated scenario set the length with --duration 30d',
    );
  const name = file ?? DEFAULT_SCENARIO;
  const text = scenarioText(name);
  const choice: ScenarioChoice = { name, text, allowRead: flags.allowRead, durationUs: flags.duration };
  const scenario = loadScenario(choice);
  const started = performance.now();
  const options = studyOptions(scenario, flags);
  const { study, threads } = await withPool(choice, flags.threads, async (run, threads) => ({
    study: await breakEvenStudy(run, options),
    threads,
  }));
  const logs = file === undefined && flags.logs ? await logHeadlines(flags) : [];
  const report: BreakEvenReport = {
    study,
    logs,
    stacks: options.stacks,
    assumptions: [...stackAssumptions(scenario, options.stacks), ...scenario.assumptions],
    version: packageVersion(),
    command: commandLine(process.argv.slice(2)),
    scenarioText: text ?? builtins.find((b) => b.name === name)?.text,
  };
  writeDocument(flags, breakEvenDocument(report));
  if (flags.json) {
    const timings = { wallSeconds: (performance.now() - started) / 1000, threads };
    process.stdout.write(`${JSON.stringify({ ...study, logs, assumptions: report.assumptions, timings }, null, 2)}\n`);
  } else {
    process.stdout.write(breakEvenText(report));
  }
}

type Options = Pick<
  Flags,
  'stack' | 'licence' | 'utilisation' | 'price' | 'seeds' | 'firstSeed' | 'confidence' | 'sensitivity'
>;

export function studyOptions(scenario: Scenario, flags: Options): StudyInput {
  const names = flags.stack.split(',').map((written) => written.trim());
  const stacks = names.map((name) => {
    try {
      return stackOf(scenario, name);
    } catch (error) {
      if (error instanceof RangeError) throw new UserError(`--stack: ${error.message}`);
      throw error;
    }
  });
  const twice = stacks.find((stack, i) => stacks.indexOf(stack) !== i);
  if (twice !== undefined) throw new UserError(`--stack: '${twice.name}' is named twice`);
  if (stacks.length < 2) throw new UserError(`--stack ${flags.stack}: name a baseline and the stack that is judged`);
  const subject = stacks[stacks.length - 1];
  const price = flags.price === undefined ? undefined : number('--price', flags.price);
  const prices = scenario.pools.map((pool) => (pool.priceMicroUsd > 0 ? pool.priceMicroUsd : 1e6 * (price ?? 0)));
  let gpus = 0;
  let usd = 0;
  for (let n = 0; n < scenario.nodes.count; n++) {
    gpus += scenario.nodes.gpus[n];
    usd += (scenario.nodes.gpus[n] * prices[scenario.nodes.pool[n]]) / 1e6;
  }
  return {
    scenario: scenario.name,
    openEnded: scenario.durationUs === Infinity,
    meanPriceUsd: gpus > 0 ? usd / gpus : 0,
    gpus,
    stacks,
    baseline: stacks[0].name,
    subject: subject.name,
    seeds: seedsFrom(flags.firstSeed, flags.seeds),
    confidence: flags.confidence,
    licence: flags.licence === undefined ? subject.licenceMicroUsd / 1e6 : number('--licence', flags.licence),
    assumed: assumedShares(flags.utilisation ?? '0.60,0.80'),
    sensitivity: flags.sensitivity,
    ...(price !== undefined && { vary: { priceMicroUsd: Math.round(price * 1e6) } }),
  };
}

function assumedShares(text: string): [number, number] {
  const shares = text.split(',').map(Number);
  if (shares.length !== 2 || !shares.every((share) => share >= 0 && share <= 1) || text.includes(',,'))
    throw new UserError(`--utilisation ${quote(text)}: expected two shares from 0 to 1, such as 0.60,0.80`);
  return [shares[0], shares[1]];
}

function number(option: string, text: string): number {
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text.trim()))
    throw new UserError(`${option} ${quote(text)}: expected dollars, such as 5.92`);
  return Number(text);
}

/** The baseline and the last stack alone, on work that nobody made up. */
async function logHeadlines(flags: Flags): Promise<LogHeadline[]> {
  const headlines: LogHeadline[] = [];
  const names = flags.stack.split(',');
  for (const name of LOGS) {
    const scenario = builtin(name, { policies: POLICIES });
    const price = flags.price ?? String(GUIDE_PRICE);
    const options = studyOptions(scenario, {
      ...flags,
      price,
      stack: `${names[0]},${names[names.length - 1]}`,
      seeds: Math.min(3, flags.seeds),
      sensitivity: false,
    });
    const choice: ScenarioChoice = { name, allowRead: [] };
    const study: BreakEvenStudy = await withPool(choice, flags.threads, (run) => breakEvenStudy(run, options));
    const title = `${scenario.title} ${counted(options.gpus, 'GPU')} at $${price}/h (the log has no price), ${counted(options.seeds.length, 'seed')} of faults:`;
    headlines.push({ scenario: name, title, study, priceUsd: Number(price) });
  }
  return headlines;
}
