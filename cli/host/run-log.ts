/**
 * Runs of a sweep as they are kept: a file of lines, each a run, only ever added to. Whoever is killed in the middle of a
 * line leaves a torn one, which the next reader passes over and the next writer ends.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileLines } from '../../scenarios/files.ts';
import { UserError } from '../../scenarios/import/import.ts';
import type { PointOutcome, PointTask } from '../../studies/point.ts';
import { type RunStore, type RunsOf, runKey } from '../../studies/sweep.ts';

/** Beyond this age what was written is put on the disk itself, where a power cut does not reach it. */
const SYNC_EVERY_MS = 1000;

type Line = RunsOf & PointTask & PointOutcome;

/** Runs that only this process knows. */
export class MemoryRuns implements RunStore {
  protected readonly known = new Map<string, PointOutcome>();

  get size(): number {
    return this.known.size;
  }

  get(key: string): PointOutcome | undefined {
    return this.known.get(key);
  }

  put(key: string, _task: PointTask, outcome: PointOutcome): void {
    this.known.set(key, outcome);
  }

  /** Runs of other scenarios and versions may be in the same folder; their keys are other ones. */
  protected read(file: string): void {
    for (const text of fileLines(file)) {
      const line = runLine(text);
      if (line === undefined) continue;
      const { scenario, version, point, seed, ...outcome } = line;
      this.known.set(runKey({ scenario, version }, { point, seed }), outcome as PointOutcome);
    }
  }
}

/** All runs of a folder (`*.jsonl`), and one file of it to add to. */
export class RunLog extends MemoryRuns {
  private readonly runsOf: RunsOf;
  private readonly fd: number;
  private synced = performance.now();

  /** Throws `UserError` where the folder cannot be written. */
  constructor(folder: string, file: string, runsOf: RunsOf) {
    super();
    this.runsOf = runsOf;
    try {
      mkdirSync(folder, { recursive: true });
      for (const other of logsOf(folder)) this.read(other);
      const path = join(folder, file);
      // Append: several writers of one file do not write over each other.
      this.fd = openSync(path, 'a+');
      if (!endsLine(this.fd)) writeSync(this.fd, '\n');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new UserError(
        `cannot keep runs in ${folder}: ${code === 'ENOTDIR' || code === 'EEXIST' ? 'it is no folder' : message}`,
      );
    }
  }

  override put(key: string, task: PointTask, outcome: PointOutcome): void {
    super.put(key, task, outcome);
    const { scenario, version } = this.runsOf;
    const { point, seed } = task;
    const bytes = Buffer.from(`${JSON.stringify({ scenario, version, point, seed, ...outcome } satisfies Line)}\n`);
    for (let from = 0; from < bytes.length; ) from += writeSync(this.fd, bytes, from);
    if (performance.now() - this.synced > SYNC_EVERY_MS) this.sync();
  }

  sync(): void {
    fdatasyncSync(this.fd);
    this.synced = performance.now();
  }

  close(): void {
    this.sync();
    closeSync(this.fd);
  }
}

/** The runs of a folder, to read only. */
export class FolderRuns extends MemoryRuns {
  constructor(folder: string) {
    super();
    for (const file of logsOf(folder)) this.read(file);
  }
}

function logsOf(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => join(folder, name));
}

function endsLine(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last[0] === 10;
}

/** undefined for a torn line, or one that is not a run. */
function runLine(text: string): Line | undefined {
  let line: Partial<Line & { refused: string; digest: string; figures: object }>;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof line !== 'object' || line === null) return undefined;
  const { scenario, version, point, seed, refused, digest, figures } = line;
  const who = typeof scenario === 'string' && typeof version === 'string' && typeof seed === 'string';
  const what =
    typeof refused === 'string' || (typeof digest === 'string' && typeof figures === 'object' && figures !== null);
  return who && what && typeof point === 'object' && point !== null ? (line as Line) : undefined;
}
