/** `simsup backtest LOG`: a log replayed on the described cluster, against the starts it records. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Command } from 'commander';
import { folderReader } from '../../scenarios/files.ts';
import { FORMATS, type ImportOptions, UserError } from '../../scenarios/import/import.ts';
import {
  type AddedTeam,
  type ClusterText,
  compileLog,
  detectFormat,
  type RecordedLog,
  type ReplayOptions,
  readLog,
} from '../../scenarios/import/log.ts';
import { POLICIES, type Run, type Scenario, simulate } from '../../sim/simulate.ts';
import { type Backtest, backtest, growth } from '../../studies/backtest.ts';
import { accuracyCsv, backtestText, pairsCsv } from '../../studies/backtest-report.ts';
import { durationOption } from '../host/options.ts';
import { checkOutFolder, writeFolder } from '../host/output.ts';
import { policyArgs, policyNamed } from '../host/policy.ts';
import { Progress } from '../host/progress.ts';
import { scenarioText } from '../host/scenario-text.ts';

export interface LogFlags {
  format?: string;
  nodes?: string;
  cluster?: string;
  map?: Record<string, string>;
  units?: Record<string, string>;
  cpusPerGpu?: number;
  gpuModel?: string;
  gpusPerNode?: number;
  nodeCount?: number;
}

interface Flags extends LogFlags {
  policy?: string;
  arg: string[];
  seed?: string;
  warmUp?: number;
  scale?: number;
  addTeam: AddedTeam[];
  json?: boolean;
  out?: string;
  force?: boolean;
}

/** A log larger than this does not fit the memory as jobs. */
const MAX_LOG = 2 ** 31;

export function backtestCommand(): Command {
  const collect =
    <T>(read: (text: string) => T) =>
    (text: string, before: T[]) => [...before, read(text)];
  return logOptions(
    new Command('backtest')
      .description('replays a log on the described cluster: simulated against recorded waits, and whether to trust it')
      .argument('<log>', 'a log that records when jobs started: sacct, swf, helios, openb or csv'),
  )
    .option('--policy <name>', 'instead of fifo-backfill, or what --cluster names')
    .option('--arg <key=value>', 'an argument of the policy; may be repeated', collect(String), [])
    .option('--seed <text>', 'for what is left to chance (growth, faults)')
    .option('--warm-up <duration>', 'the first part is simulated, not judged (default a tenth of the log)', warmUp)
    .option('--scale <factor>', 'growth: also with so many times the jobs, such as 1.3', factorOption('--scale'))
    .option(
      '--add-team <name=project*factor>',
      'growth: also with a new team that works like a project of the log (* or nothing: all of them), such as ml=vision*0.5; may be repeated',
      collect(teamOption),
      [],
    )
    .option('--json', 'the report as JSON on stdout')
    .option('--out <dir>', 'writes report.html, backtest.json, jobs.csv and accuracy.csv')
    .option('--force', 'with --out: into a folder that is not empty')
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup backtest jobs.txt --nodes nodes.csv --policy slurm\n  npx simsup backtest hpc2n.swf --policy fifo-backfill --arg estimate=limit --scale 1.3 --out backtest',
    )
    .action(run);
}

/** How a log is read and which cluster it ran on: as for import. */
export function logOptions(command: Command): Command {
  return command
    .option(
      '--format <name>',
      `of the log (default: found from its first line): ${FORMATS.map((f) => f.name).join(', ')}`,
    )
    .option('--nodes <file>', 'the nodes: vc,node num or sn,cpu_milli,memory_mib,gpu,model')
    .option('--cluster <scenario>', 'a scenario whose cluster, quotas and policy are taken, and not its work')
    .option('--node-count <n>', 'nodes of the cluster', whole('--node-count', 1_000_000))
    .option('--gpus-per-node <n>', 'GPUs of a node (default 8)', whole('--gpus-per-node', 32))
    .option('--gpu-model <name>', 'model of the GPUs where the log has none')
    .option('--cpus-per-gpu <n>', 'swf: processors that count as one GPU', whole('--cpus-per-gpu', 1_000_000))
    .option('--map <pairs>', 'csv: COLUMN_OF_SIMSUP=COLUMN_OF_FILE, separated by commas', pairsOption('--map'))
    .option('--units <pairs>', 'csv: submit=ms,duration=min', pairsOption('--units'));
}

const whole = (option: string, max: number) => (text: string) => {
  const n = Number(text);
  if (!/^\d+$/.test(text) || n < 1 || n > max)
    throw new UserError(`${option} '${text.slice(0, 40)}': expected a whole number from 1 to ${max}`);
  return n;
};

const factorOption = (option: string) => (text: string) => {
  const n = Number(text);
  if (!/^[\d.]+$/.test(text) || !(n > 0 && n <= 1000))
    throw new UserError(`${option} '${text.slice(0, 40)}': expected a factor above 0 and at most 1000, such as 1.3`);
  return n;
};

const pairsOption =
  (option: string) =>
  (text: string, before: Record<string, string> = {}): Record<string, string> => {
    const out = { ...before };
    for (const pair of text.split(',')) {
      const at = pair.indexOf('=');
      if (at <= 0 || at === pair.length - 1) throw new UserError(`${option}: '${pair.slice(0, 40)}' is not NAME=VALUE`);
      out[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
    }
    return out;
  };

function warmUp(text: string): number {
  return /^0+$/.test(text) ? 0 : durationOption('--warm-up')(text);
}

function teamOption(text: string): AddedTeam {
  const match = /^([^=,"\s]+)=(.*?)(?:\*([\d.]+))?$/.exec(text);
  if (match === null || text.endsWith('='))
    throw new UserError(
      `--add-team '${text.slice(0, 60)}': expected NAME=PROJECT or NAME=PROJECT*FACTOR, such as ml=vision*0.5`,
    );
  const factor = match[3] === undefined ? 1 : factorOption('--add-team')(match[3]);
  return { name: match[1], like: match[2] === '*' ? '' : match[2], factor };
}

// ── the log ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Reads a log and how it is to be replayed. */
export async function loadLog(file: string, flags: LogFlags): Promise<RecordedLog> {
  const bytes = fileBytes(file);
  const format = flags.format ?? detectFormat(headOf(file)) ?? (flags.map === undefined ? undefined : 'csv');
  if (format === undefined)
    throw new UserError(`${file}: its first line is no known log's header: name the format with --format`);
  const options: ImportOptions = {
    map: flags.map,
    units: flags.units,
    cpusPerGpu: flags.cpusPerGpu,
    gpuModel: flags.gpuModel,
    gpusPerNode: flags.gpusPerNode,
    nodeCount: flags.nodeCount,
    nodes: flags.nodes === undefined ? undefined : Buffer.from(fileBytes(flags.nodes)).toString('utf8'),
  };
  const log = await readLog(format, () => [bytes], options);
  if (log.report.taken === 0) throw new UserError(`no row of ${file} can be taken as ${format}: ${firstProblem(log)}`);
  return log;
}

const firstProblem = ({ report }: RecordedLog) =>
  report.problems.length === 0 ? 'it has none' : `line ${report.problems[0].line} ${report.problems[0].what}`;

export function fileBytes(file: string): Uint8Array {
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw new UserError(`${file} is a folder: name the file in it that is to be read`);
    if (stat.size > MAX_LOG)
      throw new UserError(
        `${file} has ${Math.ceil(stat.size / 2 ** 20)} MiB: a log of at most 2048 MiB can be replayed`,
      );
    return readFileSync(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot read ${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  }
}

function headOf(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const head = Buffer.alloc(4096);
    return head.toString('utf8', 0, readSync(fd, head, 0, head.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** The described cluster's text, from a file or a built-in scenario. */
export function clusterText(name: string | undefined): ClusterText | undefined {
  if (name === undefined) return undefined;
  const text = scenarioText(name);
  if (text === undefined)
    throw new UserError(
      `--cluster ${name}: name a file; a built-in scenario can be written to one with npx simsup init`,
    );
  return { text, file: name, readFile: folderReader(dirname(name)) };
}

/** The policy as the flags name it, over what the scenario says. */
export function withPolicy(scenario: Scenario, name: string | undefined, args: readonly string[]): Scenario {
  const factory = policyNamed(name ?? scenario.policy.name);
  const before = factory.name === scenario.policy.name ? scenario.policy.args : {};
  return { ...scenario, policy: { name: factory.name, args: { ...before, ...policyArgs(factory, args) } } };
}

// ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────

async function run(file: string, flags: Flags): Promise<void> {
  if (flags.out !== undefined) checkOutFolder(flags.out, flags.force === true);
  const log = await loadLog(file, flags);
  if (log.waits.size === 0) {
    throw new UserError(
      `${file}: the log does not record when jobs started, so there is nothing to compare with (${STARTS[log.format] ?? 'this format has no column for it'}). It can still be simulated: npx simsup import ${log.format} ${basename(file)} --out FOLDER`,
    );
  }
  const replay: ReplayOptions = { cluster: clusterText(flags.cluster), policies: POLICIES, seed: flags.seed };
  const scenario = withPolicy(compileLog(log, replay), flags.policy, flags.arg);
  const base = replayed(scenario);
  const report = backtest({
    log: basename(file),
    format: log.format,
    clusterRule: flags.cluster === undefined ? log.clusterRule : `as ${basename(flags.cluster)} describes it.`,
    inLog: log.report.taken,
    run: base,
    waits: log.waits,
    warmUpUs: flags.warmUp,
  });
  const { pairs, ...rest } = report;
  const whole: Backtest = { ...rest, growth: grown(log, replay, flags, base, report.warmUpSeconds * 1e6) };
  if (flags.out !== undefined) {
    const { backtestHtml } = await import('../../studies/backtest-page.ts');
    writeFolder(flags.out, {
      'report.html': () => [backtestHtml(whole, pairs)],
      'backtest.json': () => [`${JSON.stringify(whole, null, 1)}\n`],
      'jobs.csv': () => pairsCsv(pairs),
      'accuracy.csv': () => accuracyCsv(whole),
    });
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(whole, null, 2)}\n`);
  else {
    process.stdout.write(backtestText(whole));
    if (flags.out !== undefined)
      process.stdout.write(`\nWritten to ${flags.out}: open ${flags.out}/report.html in a browser.\n`);
    else
      process.stdout.write(
        '\nNext: --out FOLDER draws every job; --scale 1.3 shows growth; --policy tries another scheduler.\n',
      );
  }
}

const STARTS: Record<string, string> = {
  sacct: 'add the column Start to its --format',
  csv: 'name the column with --map start=COLUMN',
  swf: 'its third field, the wait time, is −1 everywhere',
  helios: 'it needs the column start_time',
  openb: 'it needs the column scheduled_time',
};

function replayed(scenario: Scenario): Run {
  const progress = new Progress(scenario);
  try {
    return simulate(scenario, {
      onProgress: (nowUs, events) => {
        progress.show(nowUs, events);
        return true;
      },
    });
  } finally {
    progress.clear();
  }
}

function grown(log: RecordedLog, replay: ReplayOptions, flags: Flags, base: Run, warmUpUs: number): Backtest['growth'] {
  const { scale, addTeam: teams } = flags;
  if (scale === undefined && teams.length === 0) return [];
  const scenario = withPolicy(compileLog(log, { ...replay, scale, teams }), flags.policy, flags.arg);
  const added = teams.map(
    ({ name, like, factor }) =>
      `a team ${name} that works like ${like === '' ? 'all together' : like}${factor === 1 ? '' : ` × ${factor}`}`,
  );
  const what = [...(scale === undefined ? [] : [`${scale} times the jobs`]), ...added].join(' and ');
  return [growth(what, base, replayed(scenario), warmUpUs)];
}
