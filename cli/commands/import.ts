/** `simsup import FORMAT FILE`: a trace becomes a scenario with its jobs beside it. */

import { randomBytes } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Command } from 'commander';
import { counted, decimal } from '../../reports/format.ts';
import {
  FORMATS,
  IMPORTERS,
  type ImportOptions,
  type ImportResult,
  type ImportTarget,
  importTrace,
  isRequestFormat,
  REQUEST_IMPORTERS,
  UserError,
} from '../../scenarios/import/import.ts';
import { importSnapshot, KAI_SNAPSHOT } from '../../scenarios/import/kai-snapshot.ts';
import { durationOption } from '../host/options.ts';
import { snapshotBytes } from './decide.ts';

/** A list of nodes larger than this is no list of nodes. */
const MAX_NODES_FILE = 64 * 2 ** 20;
const SHOWN_PROBLEMS = 10;

interface Flags {
  nodes?: string;
  out?: string;
  force?: boolean;
  json?: boolean;
  anonymise?: boolean;
  salt?: string;
  map?: Record<string, string>;
  units?: Record<string, string>;
  missingDuration?: number;
  spacing?: number;
  cpusPerGpu?: number;
  gpuModel?: string;
  gpusPerNode?: number;
  nodeCount?: number;
  remaining?: number;
  nodePool?: string;
  skipDangling?: boolean;
}

export function importCommand(): Command {
  const whole = (max: number) => (text: string) => {
    const n = Number(text);
    if (!/^\d+$/.test(text) || n < 1 || n > max)
      throw new UserError(`'${text}' is not a whole number from 1 to ${max}`);
    return n;
  };
  const formats = FORMATS.map((f) => `  ${f.name.padEnd(12)} ${f.describe}`).join('\n');
  return new Command('import')
    .description("turns a cluster's log into a scenario and its jobs")
    .argument('<format>', FORMATS.map((f) => f.name).join(', '))
    .argument('<file>', 'the log')
    .option(
      '--nodes <file>',
      'the nodes: vc,node num or sn,cpu_milli,memory_mib,gpu,model; without it the cluster is sized by the load',
    )
    .option('--out <scenario>', 'a folder, or a file ending in .yaml; without it the log is only checked')
    .option('--force', 'overwrite what is there')
    .option('--json', 'the report as JSON on stdout')
    .option(
      '--anonymise',
      'replace users, projects, jobs and nodes by pseudonyms; times, partitions and QOS stay as they are',
    )
    .option('--salt <text>', 'with --anonymise: the same salt gives the same pseudonyms (default: a new one each time)')
    .option('--map <pairs>', 'csv: COLUMN_OF_SIMSUP=COLUMN_OF_FILE, separated by commas', pairs)
    .option('--units <pairs>', 'csv: submit=ms,duration=min,memory_mib=GiB,cpu_milli=cores', pairs)
    .option(
      '--missing-duration <duration>',
      'of jobs whose log has none above zero (default 1s; 30d in lists without times)',
      durationOption('--missing-duration'),
    )
    .option(
      '--spacing <duration>',
      'openb: between arrivals in lists without times (default 1s)',
      durationOption('--spacing'),
    )
    .option('--cpus-per-gpu <n>', 'swf: processors that count as one GPU (default 1)', whole(1_000_000))
    .option('--gpu-model <name>', 'model of the GPUs where the log has none (default unknown)')
    .option('--gpus-per-node <n>', 'GPUs of a node (default 8)', whole(32))
    .option(
      '--remaining <duration>',
      'kai-snapshot: time that running jobs have left (default 4h)',
      durationOption('--remaining'),
    )
    .option('--node-pool <name>', 'kai-snapshot: of a cluster with several, the one to take')
    .option('--skip-dangling', 'kai-snapshot: leave out what refers to something missing, as the scheduler does')
    .option('--node-count <n>', 'nodes of the cluster, instead of sizing it by the load', whole(1_000_000))
    .addHelpText(
      'after',
      `\nFormats:\n${formats}\n\nExample:\n  npx simsup import philly philly.csv --nodes philly_vc_gpus.csv --out philly && npx simsup run philly/scenario.yaml`,
    )
    .action(runImport);
}

function pairs(text: string, before: Record<string, string> = {}): Record<string, string> {
  const out = { ...before };
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    if (at <= 0 || at === pair.length - 1) throw new UserError(`'${pair}' is not NAME=VALUE`);
    out[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
  }
  return out;
}

/** Where the files go. */
interface Place {
  folder: string;
  scenario: string;
  jobs: string;
  nodes: string;
}

function placeOf(out: string, format: string): Place {
  const rows = isRequestFormat(format) ? 'requests' : 'jobs';
  if (!/\.ya?ml$/i.test(out))
    return { folder: out, scenario: 'scenario.yaml', jobs: `${rows}.csv`, nodes: 'nodes.csv' };
  const scenario = basename(out);
  const stem = scenario.replace(/\.ya?ml$/i, '');
  return { folder: dirname(out), scenario, jobs: `${stem}-${rows}.csv`, nodes: `${stem}-nodes.csv` };
}

async function runImport(format: string, file: string, flags: Flags): Promise<void> {
  if (flags.out === '') throw new UserError('--out needs a folder, or a file ending in .yaml');
  const place = flags.out === undefined ? undefined : placeOf(flags.out, format);
  if (place !== undefined && !flags.force) {
    for (const name of [place.scenario, place.jobs, place.nodes]) {
      if (existsSync(join(place.folder, name)))
        throw new UserError(`${join(place.folder, name)} exists: choose another --out, or add --force`);
    }
  }
  if (place !== undefined && existsSync(place.folder) && !statSync(place.folder).isDirectory()) {
    throw new UserError(`${place.folder} is a file: --out needs a folder, or a file ending in .yaml`);
  }
  const size = sizeOf(file);
  if (flags.salt !== undefined && !flags.anonymise) throw new UserError('--salt needs --anonymise');
  const options: ImportOptions = {
    map: flags.map,
    units: flags.units,
    missingDurationUs: flags.missingDuration,
    spacingUs: flags.spacing,
    cpusPerGpu: flags.cpusPerGpu,
    gpuModel: flags.gpuModel,
    gpusPerNode: flags.gpusPerNode,
    nodeCount: flags.nodeCount,
    nodes: flags.nodes === undefined ? undefined : nodesText(flags.nodes),
    anonymiseSalt: flags.anonymise ? (flags.salt ?? randomBytes(16).toString('hex')) : undefined,
    source: flags.anonymise ? undefined : basename(file),
  };

  const suffix = `.part-${process.pid}`;
  const parts: string[] = [];
  let madeFolder = false;
  const cleanUp = () => {
    for (const part of parts) rmSync(part, { force: true });
    try {
      if (madeFolder && place !== undefined) rmdirSync(place.folder);
    } catch {
      // It holds the scenario.
    }
  };
  const interrupted = () => {
    cleanUp();
    process.stderr.write('\nStopped: nothing was written.\n');
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  let handle: FileHandle | undefined;
  try {
    if (place !== undefined) {
      madeFolder = mkdirSync(place.folder, { recursive: true }) !== undefined;
      parts.push(join(place.folder, place.jobs + suffix));
      handle = await open(parts[0], 'w');
    }
    const target: ImportTarget = {
      jobsFile: place?.jobs ?? 'jobs.csv',
      nodesFile: place?.nodes ?? 'nodes.csv',
      name: format,
      write: async (text) => {
        await handle?.writeFile(text);
      },
    };
    const result =
      format === KAI_SNAPSHOT.name
        ? await fromSnapshot(file, flags, options, target)
        : await importTrace(format, progressing(file, size), options, target);
    await handle?.close();
    handle = undefined;
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    if (place !== undefined && result.report.taken > 0) {
      const files: [string, string][] = [[place.scenario, result.scenarioYaml]];
      if (result.nodesCsv !== '') files.unshift([place.nodes, result.nodesCsv]);
      for (const [name, text] of files) {
        parts.push(join(place.folder, name + suffix));
        writeFileSync(join(place.folder, name + suffix), text);
      }
      // The scenario last: once it is there, all it names is there.
      for (const name of [place.jobs, ...files.map((f) => f[0])])
        renameSync(join(place.folder, name + suffix), join(place.folder, name));
    }
    if (flags.json) process.stdout.write(`${JSON.stringify(result.report, null, 2)}\n`);
    else process.stdout.write(summary(format, result, place));
    if (result.report.taken === 0) {
      const expects =
        [...IMPORTERS, ...REQUEST_IMPORTERS].find(({ name }) => name === format)?.expects ?? KAI_SNAPSHOT.describe;
      throw new UserError(`no row of ${file} can be taken; ${format} is: ${expects}`);
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof UserError || code === undefined) throw error;
    throw new UserError(`cannot read or write (${(error as Error).message})`);
  } finally {
    await handle?.close();
    cleanUp();
    process.removeListener('SIGINT', interrupted);
    process.removeListener('SIGTERM', interrupted);
  }
}

/** A snapshot is read whole, not row by row. */
async function fromSnapshot(
  file: string,
  flags: Flags,
  { gpuModel, anonymiseSalt, source }: ImportOptions,
  target: ImportTarget,
): Promise<ImportResult> {
  const { jobsFile, nodesFile } = target;
  const { jobsCsv, ...result } = importSnapshot(snapshotBytes(file), basename(file), {
    jobsFile,
    nodesFile,
    gpuModel,
    anonymiseSalt,
    source,
    remainingUs: flags.remaining,
    durationUs: flags.missingDuration,
    nodePool: flags.nodePool,
    skipDangling: flags.skipDangling,
  });
  await target.write(jobsCsv);
  return result;
}

/** Opens the file anew for each pass; says on a terminal how far it is. */
function progressing(file: string, size: number): () => AsyncGenerator<Uint8Array> {
  let pass = 0;
  return async function* () {
    pass++;
    let done = 0;
    let shown = -1;
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 })) {
      yield chunk as Uint8Array;
      done += (chunk as Uint8Array).length;
      const percent = Math.floor(50 * (pass - 1 + done / Math.max(1, size)));
      if (process.stderr.isTTY && percent !== shown) process.stderr.write(`\rReading ${basename(file)}: ${percent} %`);
      shown = percent;
    }
  };
}

function sizeOf(file: string): number {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(file);
  } catch (error) {
    throw new UserError(
      `cannot read ${file}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
    );
  }
  if (stat.isDirectory()) throw new UserError(`${file} is a folder: name the file in it that is to be read`);
  if (!stat.isFile())
    throw new UserError(`${file} is a pipe or a device: it is read twice, so save it as a file first`);
  return stat.size;
}

function nodesText(file: string): string {
  if (sizeOf(file) > MAX_NODES_FILE) throw new UserError(`${file} is too large for a list of nodes`);
  return readFileSync(file, 'utf8');
}

export function summary(
  format: string,
  result: ImportResult,
  place: { folder: string; scenario: string; jobs: string } | undefined,
): string {
  const { report } = result;
  const unit = format === KAI_SNAPSHOT.name ? 'workload' : 'line';
  const lines = [
    `${format}: ${counted(report.rows, 'row')}, ${decimal(report.taken)} taken (${decimal(report.mended)} of them mended), ${decimal(report.refused)} refused.`,
  ];
  if (report.problemCount > 0) {
    lines.push('', `${counted(report.problemCount, 'problem')}:`);
    for (const p of report.problems.slice(0, SHOWN_PROBLEMS))
      lines.push(`  ${p.line > 0 ? `${unit} ${p.line}: ` : ''}${p.what}`);
    if (report.problemCount > SHOWN_PROBLEMS)
      lines.push(`  … and ${decimal(report.problemCount - SHOWN_PROBLEMS)} more; --json lists the first 100`);
  }
  if (report.taken > 0) {
    lines.push('', `Cluster: ${result.clusterRule}`);
    if (place === undefined) lines.push('Nothing was written: add --out FOLDER.');
    else
      lines.push(
        `Written: ${join(place.folder, place.scenario)} and ${place.jobs} beside it.`,
        '',
        `Next: npx simsup run ${join(place.folder, place.scenario)}`,
      );
  }
  return `${lines.join('\n')}\n`;
}
