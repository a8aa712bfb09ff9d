/** `simsup bench`: what a change to a scheduler does, to whom, and whether it is real; the exit code is the verdict. */

import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import {
  judgeSuite,
  type OpenSide,
  runSide,
  type SideResult,
  type SideTimings,
  type Suite,
} from '../../bench/regression/bench.ts';
import { BUILTIN_CASES, fingerprint } from '../../bench/regression/cases.ts';
import { type BenchConfig, DEFAULT_CONFIG, MOST_SEEDS, readConfig } from '../../bench/regression/config.ts';
import { benchHtml } from '../../bench/regression/report-html.ts';
import { benchJunit } from '../../bench/regression/report-junit.ts';
import { benchMarkdown, benchText } from '../../bench/regression/report-text.ts';
import { timingsOf, timingsText } from '../../bench/regression/timings.ts';
import { counted } from '../../reports/format.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { isStored, openSide, SIDE_HELP, STORED_FORMAT, STORED_KIND } from '../host/bench-sides.ts';
import { openCases } from '../host/bench-suite.ts';
import { confidenceOption, durationOption, wholeOption } from '../host/options.ts';
import { writeWhole } from '../host/output.ts';
import { seedsFrom, showProgress } from '../host/study.ts';

interface Flags {
  baseline?: string;
  change?: string;
  config?: string;
  seeds?: number;
  firstSeed: number;
  confidence?: number;
  record?: string;
  fuzz?: boolean;
  fuzzRuns: number;
  fuzzSeed: number;
  out: string;
  json?: boolean;
  markdown?: string;
  html?: string;
  junit?: string;
  timeLimit?: number;
  threads?: number;
  allowRead: string[];
  list?: boolean;
}

const DEFAULT_SEEDS = 8;

export function benchCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('bench')
    .description(
      'runs a suite of work under a baseline and a change, and says what changed, for whom, and whether it is real',
    )
    .argument('[cases...]', 'built-in cases (--list), built-in scenarios, or your own; without any all built-in cases')
    .option('--list', 'the built-in cases, and what each shows')
    .option('--baseline <what>', SIDE_HELP)
    .option('--change <what>', 'what is to be judged; named as the baseline is')
    .option('--config <file>', 'thresholds, cases and the rest as YAML (docs/bench.md)')
    .option('--seeds <n>', `how many seeds (default ${DEFAULT_SEEDS})`, wholeOption('--seeds', 1, MOST_SEEDS))
    .option('--first-seed <n>', 'seeds are this number and those after it', wholeOption('--first-seed', 0, 1e9), 1)
    .option('--confidence <share>', 'that nothing is called real that is not (default 0.95)', confidenceOption)
    .option('--record <file>', 'runs the change alone, and stores its result as a baseline for later')
    .option('--fuzz', 'searches small scenarios in which the change breaks a rule or is much worse, and writes them')
    .option('--fuzz-runs <n>', 'scenarios that are tried', wholeOption('--fuzz-runs', 1, 1e6), 300)
    .option('--fuzz-seed <n>', 'where the search begins', wholeOption('--fuzz-seed', 0, 2 ** 31 - 1), 1)
    .option('--out <dir>', 'with --fuzz: where scenarios are written', 'fuzz')
    .option('--json', 'the report as JSON on stdout')
    .option('--markdown <file>', 'the report for a pull request')
    .option('--html <file>', 'the report as one self-contained page')
    .option('--junit <file>', 'the report as JUnit XML, a test for each threshold and rule')
    .option('--time-limit <duration>', 'longest an answer of a program may take', durationOption('--time-limit'))
    .option('--threads <n>', 'runs at the same time (default: all cores)', wholeOption('--threads', 1, 1024))
    .option('--allow-read <dir>', 'lets scenarios name files here; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nExit code: 0 no regression, 1 a regression, 2 bad input.\n\nExamples:\n  npx simsup bench --baseline runai --change runai:kValue=2\n  npx simsup bench tenants my.yaml --baseline runai --change ./mine.mjs --markdown diff.md --junit bench.xml\n  npx simsup bench --record base.json --change version:../simsup-main\n  npx simsup bench --baseline runai --change ./mine.mjs --fuzz',
    )
    .action(bench);
}

async function bench(names: string[], flags: Flags): Promise<void> {
  if (flags.list) return list(flags.json === true);
  const config = flags.config === undefined ? DEFAULT_CONFIG : configOf(flags.config);
  const { confidence = config.confidence } = flags;
  const settings: BenchConfig = { ...config, confidence };
  const changeName = flags.change ?? config.change;
  const baselineName = flags.baseline ?? config.baseline;
  if (changeName === undefined)
    throw new UserError('bench: name what is to be judged, such as --change ./mine.mjs or --change runai:kValue=2');
  if (baselineName === undefined && flags.record === undefined)
    throw new UserError(
      'bench: name what it is judged against, such as --baseline runai, or store a result with --record base.json',
    );
  const own = names.length > 0;
  const listed = own ? names : (config.cases ?? BUILTIN_CASES.map(({ name }) => name));
  const folder = own || flags.config === undefined ? '.' : dirname(flags.config);
  const suite: Suite = {
    cases: openCases(listed, folder, flags.allowRead),
    seeds: seedsFrom(flags.firstSeed, flags.seeds ?? config.seeds ?? DEFAULT_SEEDS),
  };
  const options = { threads: flags.threads, limitUs: flags.timeLimit };
  const change = await openSide('--change', changeName, options);
  const open = [change];
  // Ctrl-C ends programs of the user's, too: they go when this process exits in order.
  const leave = () => process.exit(130);
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    if (flags.record !== undefined) return await record(suite, change, flags.record);
    const baseline = await openSide('--baseline', baselineName as string, options);
    open.push(baseline);
    if (flags.fuzz) return await fuzz(baseline, change, flags);
    await judge(suite, settings, baseline, change, flags);
  } finally {
    process.removeListener('SIGINT', leave).removeListener('SIGTERM', leave);
    for (const side of open) if (!isStored(side)) await side.close();
  }
}

function list(json: boolean): void {
  const width = Math.max(...BUILTIN_CASES.map(({ name }) => name.length));
  const cases = BUILTIN_CASES.map(({ name, about }) => ({ name, about }));
  const lines = cases.map(({ name, about }) => `${name.padEnd(width)}  ${about}`).join('\n');
  process.stdout.write(json ? `${JSON.stringify(cases, null, 2)}\n` : `${lines}\n`);
}

function configOf(path: string): BenchConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read --config ${path}: ${(error as Error).message}`);
  }
  return readConfig(text, path);
}

type Ran = { result: SideResult; timings: SideTimings };

async function ran(suite: Suite, side: OpenSide | SideResult, done: () => void): Promise<Ran> {
  if (!isStored(side)) return runSide(suite, side, done);
  return { result: storedFor(suite, side), timings: [] };
}

/** The stored runs of this very suite. */
function storedFor({ cases, seeds }: Suite, stored: SideResult): SideResult {
  const at = seeds.map((seed) => {
    const found = stored.seeds.indexOf(seed);
    if (found < 0)
      throw new UserError(
        `the stored result has seeds ${stored.seeds.join(', ')}, not ${seed}: store it anew, or use --seeds and --first-seed`,
      );
    return found;
  });
  return {
    name: stored.name,
    seeds: [...seeds],
    cases: cases.map((one) => {
      const found = stored.cases.find(({ name }) => name === one.name);
      if (found === undefined)
        throw new UserError(
          `the stored result has no case '${one.name}'; it has ${stored.cases.map(({ name }) => name).join(', ')}`,
        );
      if (found.fingerprint !== fingerprint(one))
        throw new UserError(`case '${one.name}' is not the work that the stored result was made on: store it anew`);
      return { ...found, runs: found.failed === null ? at.map((s) => found.runs[s]) : [] };
    }),
  };
}

async function record(suite: Suite, side: OpenSide | SideResult, path: string): Promise<void> {
  if (isStored(side)) throw new UserError('--record: --change is a stored result already');
  const all = suite.cases.length * suite.seeds.length;
  let done = 0;
  const { result, timings } = await runSide(suite, side, () => showProgress(++done, all));
  const failed = result.cases.find((one) => one.failed !== null);
  if (failed?.failed)
    throw new UserError(`${failed.name}, seed ${failed.failed.seed}: ${side.name} fails: ${failed.failed.why}`);
  writeWhole(path, [`${JSON.stringify({ kind: STORED_KIND, format: STORED_FORMAT, result })}\n`]);
  process.stderr.write(timingsText([{ name: side.name, timings: timingsOf(timings) }]));
  process.stdout.write(`Stored ${all} runs of ${side.name} in ${path}.\n`);
}

async function judge(
  suite: Suite,
  config: BenchConfig,
  baseline: OpenSide | SideResult,
  change: OpenSide | SideResult,
  flags: Flags,
): Promise<void> {
  const all = suite.cases.length * suite.seeds.length * [baseline, change].filter((side) => !isStored(side)).length;
  let done = 0;
  const note = () => showProgress(++done, all);
  const before = await ran(suite, baseline, note);
  const broken = before.result.cases.find(({ failed }) => failed !== null);
  // Nothing can be judged against it.
  if (broken?.failed)
    throw new UserError(
      `${broken.name}, seed ${broken.failed.seed}: the baseline ${before.result.name} fails: ${broken.failed.why}`,
    );
  const after = await ran(suite, change, note);
  const report = judgeSuite(suite, config, before.result, after.result);
  if (flags.markdown !== undefined) writeWhole(flags.markdown, [benchMarkdown(report)]);
  if (flags.html !== undefined) writeWhole(flags.html, [benchHtml(report)]);
  if (flags.junit !== undefined) writeWhole(flags.junit, [benchJunit(report)]);
  const timings = { baseline: timingsOf(before.timings), change: timingsOf(after.timings) };
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...report, timings }, null, 2)}\n`);
  else {
    process.stdout.write(benchText(report));
    process.stderr.write(
      timingsText([
        { name: before.result.name, timings: timings.baseline },
        { name: after.result.name, timings: timings.change },
      ]),
    );
  }
  if (report.verdict === 'regression') process.exitCode = 1;
}

async function fuzz(baseline: OpenSide | SideResult, change: OpenSide | SideResult, flags: Flags): Promise<void> {
  if (isStored(baseline) || isStored(change))
    throw new UserError('--fuzz makes new work: a stored result cannot run it');
  // Only here, as it takes its time to load.
  const { hunt } = await import('../../bench/regression/fuzz.ts');
  const options = { runs: flags.fuzzRuns, seed: flags.fuzzSeed };
  const findings = await hunt(baseline, change, options, (done) => showProgress(done, flags.fuzzRuns));
  const files = findings.map(({ kind, sentence, case: { name, text } }) => ({
    kind,
    sentence,
    file: join(flags.out, `${name}.yaml`),
    text,
  }));
  if (files.length > 0) mkdirSync(flags.out, { recursive: true });
  for (const { file, text } of files) writeWhole(file, [text]);
  if (flags.json)
    process.stdout.write(
      `${JSON.stringify({ ...options, findings: files.map(({ text: _, ...found }) => found) }, null, 2)}\n`,
    );
  else {
    const how = runOptions(change.name);
    for (const { kind, sentence, file } of files)
      process.stdout.write(`${kind}: ${sentence}\n  npx simsup run ${file} ${how}\n`);
    const found = files.length === 0 ? 'nothing' : `${counted(files.length, 'kind')} of trouble`;
    process.stdout.write(`Searched ${flags.fuzzRuns} small scenarios (seed ${flags.fuzzSeed}): found ${found}.\n`);
  }
  if (files.length > 0) process.exitCode = 1;
}

/** How `simsup run` names the same policy. */
function runOptions(side: string): string {
  if (side.startsWith('program:')) return `--policy-program ${JSON.stringify(side.slice('program:'.length))}`;
  const [name, ...args] = side.split(':');
  const option = /\.[cm]?[jt]s$|[/\\]/.test(name) ? '--policy-module' : '--policy';
  return [`${option} ${name}`, ...args.map((arg) => `--arg ${arg}`)].join(' ');
}
