/** `simsup decide SNAPSHOT`: what Run:ai's scheduler would do next on a real cluster, and why. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command } from 'commander';
import { decide } from '../../reports/decide.ts';
import { decideText } from '../../reports/decide-text.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { parseTime } from '../../scenarios/snapshot/quantity.ts';
import { readSnapshot, type Snapshot, type SnapshotOptions } from '../../scenarios/snapshot/read.ts';
import { MAX_SNAPSHOT_BYTES } from '../../scenarios/snapshot/unpack.ts';
import { parseCount, quote, UnitError } from '../../scenarios/units.ts';
import { durationOption } from '../host/options.ts';

interface Flags {
  cycles: number;
  json?: boolean;
  nodePool?: string;
  at?: number;
  checkpointEvery?: number;
  skipDangling?: boolean;
}

const MOST_CYCLES = 1000;

export function decideCommand(): Command {
  return new Command('decide')
    .description("what Run:ai's scheduler would do next on a real cluster's snapshot, and why the rest waits")
    .argument(
      '<snapshot>',
      "the ZIP of the scheduler's /get-snapshot, its JSON, or kubectl's JSON of nodes, pods, queues and podgroups",
    )
    .option('--cycles <n>', 'scheduling cycles to look ahead', cycles, 1)
    .option('--json', 'as JSON on stdout (docs/schema/decide.schema.json)')
    .option('--node-pool <name>', 'of a cluster with several: the one to decide about')
    .option(
      '--checkpoint-every <duration>',
      'how often running work is assumed to save itself (default never)',
      durationOption('--checkpoint-every'),
    )
    .option('--at <time>', 'when the snapshot was taken (default the latest time that stands in it)', instant)
    .option('--skip-dangling', 'leave out what refers to something missing, as the scheduler does')
    .addHelpText(
      'after',
      '\nExamples:\n  curl -sSf localhost:8081/get-snapshot -o snapshot.zip   # of the scheduler, port-forwarded\n  npx simsup decide snapshot.zip\n\n  kubectl get nodes,pods,queues.scheduling.run.ai,podgroups.scheduling.run.ai,topologies.kai.scheduler,priorityclasses -A -o json > cluster.json\n  npx simsup decide cluster.json --cycles 5 --checkpoint-every 1h',
    )
    .action(run);
}

function cycles(text: string): number {
  try {
    return parseCount(text, 1, MOST_CYCLES);
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    throw new UserError(`--cycles: ${error.message}`);
  }
}

function instant(text: string): number {
  const us = parseTime(text);
  if (us === undefined) throw new UserError(`--at ${quote(text)}: expected a time such as 2026-06-01T08:00:00Z`);
  return us;
}

function run(file: string, flags: Flags): void {
  const snapshot = readSnapshotFile(file, {
    nodePool: flags.nodePool,
    nowUs: flags.at,
    skipDangling: flags.skipDangling,
  });
  for (const warning of snapshot.warnings) process.stderr.write(`${warning}\n`);
  const decided = decide({
    ...snapshot,
    config: snapshot.settings.config,
    periodUs: snapshot.settings.schedulePeriodUs,
    cycles: flags.cycles,
    checkpointEveryUs: flags.checkpointEvery ?? 0,
    timeGiven: flags.at !== undefined,
  });
  process.stdout.write(flags.json ? `${JSON.stringify(decided, null, 2)}\n` : decideText(decided));
}

/** Throws `UserError` for a file that cannot be read or is too large to be a snapshot. */
export function readSnapshotFile(file: string, options: SnapshotOptions): Snapshot {
  return readSnapshot(snapshotBytes(file), basename(file), options);
}

export function snapshotBytes(file: string): Uint8Array {
  let fd: number | undefined;
  try {
    fd = openSync(file, 'r');
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new UserError(`${file} is a folder: name the snapshot in it`);
    if (stat.size > MAX_SNAPSHOT_BYTES)
      throw new UserError(
        `${file} has ${Math.ceil(stat.size / 2 ** 20)} MiB: a snapshot has at most ${MAX_SNAPSHOT_BYTES / 2 ** 20} MiB`,
      );
    return readFileSync(fd);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot read ${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
