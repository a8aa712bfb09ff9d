/** `simsup report chargeback RUN|FILE`: who pays for which GPU-hours, as tables, FOCUS, metrics, or posted hour by hour. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import {
  type ChargebackInput,
  type ChargebackRules,
  chargebackInput,
  chargeLines,
  type IdleRule,
  LINE_KINDS,
  readAccounts,
} from '../../reports/chargeback.ts';
import { chargebackDocument } from '../../reports/chargeback-report.ts';
import {
  chargebackCsv,
  chargebackMetrics,
  chargeRows,
  hourlySummaries,
  idempotencyKey,
  PERIODS,
  type Period,
  projectSums,
} from '../../reports/chargeback-tables.ts';
import { documentHtml, documentMarkdown } from '../../reports/document.ts';
import { focusCsv } from '../../reports/focus.ts';
import { decimal, dollars } from '../../reports/format.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { quote } from '../../scenarios/units.ts';
import { simulate } from '../../sim/simulate.ts';
import { commandLine } from '../host/documents.ts';
import { durationOption, wholeOption } from '../host/options.ts';
import { writeWhole } from '../host/output.ts';
import { packageVersion } from '../host/package-version.ts';
import { loadScenario } from '../host/scenario.ts';
import { scenarioText } from '../host/scenario-text.ts';
import { deliver, Outbox } from '../host/webhook.ts';

interface Flags {
  by: Period;
  borrowed: number;
  idle: IdleRule;
  csv?: string;
  focus?: string;
  metrics?: string;
  html?: string;
  markdown?: string;
  webhook?: string;
  secretFile?: string;
  outbox: string;
  attempts: number;
  seed?: string;
  duration?: number;
  allowRead: string[];
  json?: boolean;
}

const IDLE_RULES: readonly IdleRule[] = ['quota', 'use', 'separate'];

export function chargebackCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('chargeback')
    .description(
      'who pays: GPU-hours and money by department, project, label and category; adds up to the cost of the run',
    )
    .argument('[run]', 'a folder that run --out wrote, a scenario, or the name of a built-in one', 'mission-control')
    .option('--by <period>', `hour, day or month of the scenario's time zone`, oneOf('--by', PERIODS), 'month')
    .option(
      '--borrowed <share>',
      'what borrowed GPU-hours cost, of the price; the rest is paid by who lent them',
      borrowedOption,
      1000,
    )
    .option(
      '--idle <rule>',
      'who pays what nobody holds: owners of unused quota, users by use, or shown apart (quota, use, separate)',
      oneOf('--idle', IDLE_RULES),
      'quota',
    )
    .option('--csv <file>', 'all rows')
    .option('--focus <file>', 'all rows in the columns of FOCUS 1.2, tagged as simulated')
    .option('--metrics <file>', 'sums of the run as Prometheus text')
    .option('--html <file>', 'the report as one self-contained page')
    .option('--markdown <file>', 'the same as Markdown')
    .option('--webhook <url>', 'posts each project and hour there, signed, at least once')
    .option('--secret-file <file>', 'holds the key of the signature (HMAC-SHA256)')
    .option('--outbox <dir>', 'what is to be sent and was received: the same command goes on after a crash', 'outbox')
    .option('--attempts <n>', 'tries of a message, with growing pauses', wholeOption('--attempts', 1, 1000), 8)
    .option('--seed <text>', "instead of the scenario's")
    .option('--duration <duration>', 'instead of the length the scenario sets', durationOption('--duration'))
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .option('--json', 'the sums and all rows as JSON')
    .addHelpText(
      'after',
      `\nExamples:
  npx simsup report chargeback results --by month --csv chargeback.csv --focus focus.csv
  npx simsup report chargeback my.yaml --idle use --borrowed 50%
  npx simsup report chargeback results --webhook https://billing.example/hook --secret-file key --outbox outbox`,
    )
    .action(chargeback);
}

async function chargeback(source: string, flags: Flags): Promise<void> {
  const { webhook, secretFile, by, borrowed: borrowedMilli, idle } = flags;
  const secret = webhook === undefined ? undefined : secretOf(webhook, secretFile);
  const rules: ChargebackRules = { borrowedMilli, idle };
  const input = accountsOf(source, flags);
  const lines = chargeLines(input, rules);
  const rows = chargeRows(input, lines, by);
  const sums = projectSums(rows);
  const about = { version: packageVersion(), command: commandLine(process.argv.slice(2)), rules, period: by };
  if (flags.csv !== undefined) writeWhole(flags.csv, chargebackCsv(rows));
  // A month is no charge period of usage in FOCUS tools that cut by day.
  if (flags.focus !== undefined)
    writeWhole(flags.focus, focusCsv(input, by === 'month' ? chargeRows(input, lines, 'day') : rows, rules));
  if (flags.metrics !== undefined) writeWhole(flags.metrics, [chargebackMetrics(input, rows)]);
  const document = chargebackDocument(input, rows, sums, about);
  if (flags.html !== undefined) writeWhole(flags.html, [documentHtml(document)]);
  if (flags.markdown !== undefined) writeWhole(flags.markdown, [documentMarkdown(document)]);
  if (flags.json) {
    const total = sums.reduce((all, { totalUsd }) => all + totalUsd, 0);
    const whole = {
      run: input.run,
      scenario: input.scenario,
      simulated: true,
      rules,
      by,
      totalUsd: Math.round(total * 1e6) / 1e6,
    };
    const plain = rows.map(({ microUsd, ...row }) => ({ ...row, usd: Number(microUsd) / 1e6 }));
    process.stdout.write(`${JSON.stringify({ ...whole, projects: sums, rows: plain }, null, 1)}\n`);
  } else if (webhook === undefined) {
    process.stdout.write(text(input, sums, rules));
  }
  if (webhook !== undefined && secret !== undefined) await postAll(webhook, secret, flags, input, rules, lines);
}

async function postAll(
  url: string,
  secret: Uint8Array,
  flags: Flags,
  input: ChargebackInput,
  rules: ChargebackRules,
  lines: ReturnType<typeof chargeLines>,
): Promise<void> {
  const messages = hourlySummaries(input, rules, lines).map((summary) => ({
    key: idempotencyKey(summary),
    body: JSON.stringify(summary),
  }));
  const outbox = new Outbox(flags.outbox);
  outbox.fill(messages);
  const result = await deliver(outbox, messages, {
    ...{ url, secret, attempts: flags.attempts, backoffMs: 500, timeoutMs: 10_000 },
    onProgress: (done, of) => {
      if (process.stderr.isTTY) process.stderr.write(done === of ? '\r\x1b[K' : `\r${done} of ${of} posted\x1b[K`);
    },
  });
  const said = [
    `${result.sent} of ${messages.length} hourly summaries posted${result.before > 0 ? `, ${result.before} were received before` : ''}.`,
    ...result.refused.slice(0, 5).map(({ key, why }) => `Refused: ${key} (${why})`),
    ...(result.left > 0
      ? [
          `${result.left} are left (${result.why}): they are kept in ${flags.outbox}; the same command goes on with them.`,
        ]
      : []),
  ];
  process.stderr.write(`${said.join('\n')}\n`);
  if (result.left > 0 || result.refused.length > 0) process.exitCode = 1;
}

/** A folder of `run --out`, or a scenario that is run now. */
function accountsOf(source: string, { seed, duration, allowRead }: Flags): ChargebackInput {
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    const file = join(source, 'accounts.json');
    if (!existsSync(file))
      throw new UserError(`${source} has no accounts.json: name a folder that simsup run --out of this version wrote`);
    try {
      return readAccounts(readFileSync(file, 'utf8'));
    } catch (error) {
      if (error instanceof RangeError) throw new UserError(`${join(source, error.message)}`);
      throw error;
    }
  }
  const choice = { name: source, text: scenarioText(source), allowRead, durationUs: duration };
  return chargebackInput(simulate(loadScenario(choice, { seed }), { keepHours: true }));
}

function secretOf(url: string, file: string | undefined): Uint8Array {
  let protocol = '';
  try {
    protocol = new URL(url).protocol;
  } catch {
    // Said below.
  }
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new UserError(`--webhook ${quote(url)}: expected an address such as https://billing.example/hook`);
  if (file === undefined) throw new UserError('--webhook needs --secret-file: what is posted is signed');
  let secret: Buffer;
  try {
    secret = readFileSync(file);
  } catch (error) {
    throw new UserError(`--secret-file ${file}: ${(error as Error).message}`);
  }
  // An editor ends the file with a new line that is no part of the key.
  const key = Buffer.from(secret.toString('latin1').replace(/\r?\n$/, ''), 'latin1');
  if (key.length < 16)
    throw new UserError(`--secret-file ${file}: ${key.length} bytes are too short for a key, give 16 or more`);
  return key;
}

function text(input: ChargebackInput, sums: ReturnType<typeof projectSums>, rules: ChargebackRules): string {
  const all = sums.reduce((total, { totalUsd }) => total + totalUsd, 0);
  if (sums.length === 0) return `${input.scenario}: nothing is paid for: no GPU was in the cluster.\n`;
  const width = Math.max(7, ...sums.map(({ project }) => project.length));
  const head = ['GPU-hours', 'borrowed', 'lent', ...LINE_KINDS, 'total'].map((name) => name.padStart(13)).join('');
  return `${[
    `${input.scenario}: who pays ${dollars(all)} (simulated, run ${input.run})`,
    '',
    `  ${'project'.padEnd(width)}${head}`,
    ...sums.map((sum) =>
      [
        `  ${sum.project.padEnd(width)}`,
        ...[sum.gpuHours, sum.borrowedGpuHours, sum.lentGpuHours].map((hours) => decimal(hours, 1).padStart(13)),
        ...LINE_KINDS.map((kind) => money(sum.usd[kind]).padStart(13)),
        money(sum.totalUsd).padStart(13),
      ].join(''),
    ),
    '',
    `Borrowed hours cost ${rules.borrowedMilli / 10} % of the price; what nobody holds and fixed costs are ${IDLE_TEXT[rules.idle]}.`,
    'npx simsup report chargeback --help: by hour or day, CSV, FOCUS, Prometheus, a webhook',
  ].join('\n')}\n`;
}

const money = (usd: number) => (usd < 0 ? `−${dollars(-usd)}` : dollars(usd));

const IDLE_TEXT: Record<IdleRule, string> = {
  quota: 'paid by owners of unused quota',
  use: 'shared by use',
  separate: 'shown apart',
};

const oneOf =
  <T extends string>(option: string, among: readonly T[]) =>
  (given: string): T => {
    const found = among.find((name) => name === given);
    if (found === undefined) throw new UserError(`${option} ${quote(given)}: expected one of ${among.join(', ')}`);
    return found;
  };

function borrowedOption(given: string): number {
  const found = /^(\d+(?:\.\d+)?)(%?)$/.exec(given.trim());
  const milli = found === null ? Number.NaN : Math.round(Number(found[1]) * (found[2] === '%' ? 10 : 1000));
  if (!(milli >= 0 && milli <= 10_000))
    throw new UserError(`--borrowed ${quote(given)}: expected a share of the price from 0 to 10, such as 0.5 or 50%`);
  return milli;
}
