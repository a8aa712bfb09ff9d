/** What every importer is: it turns one row of a trace into a job, and says what it had to change. */

import { nearestName } from '../problem.ts';
import type { ImportReport, RowNotes } from './report.ts';

export type { RowNotes } from './report.ts';

/** Bad input that a person can fix: a sentence on stderr, exit code 2. */
export class UserError extends Error {
  readonly exitCode = 2;
}

/** A job as a log states it. Times are integer µs on the source's own clock; empty text and 0 mean "not stated". */
export interface TraceJob {
  /** Empty: the importer's name and the line number are used. */
  id: string;
  project: string;
  user?: string;
  submitUs: number;
  durationUs: number;
  /** When it started, where the log says, on the same clock as `submitUs`. */
  startUs?: number;
  gpus: number;
  workers?: number;
  /** Thousandths of each GPU. */
  shareMilli?: number;
  gpuMemoryMiB?: number;
  cpuMilli?: number;
  memoryMiB?: number;
  gpuModels?: string[];
  limitUs?: number;
  priority?: number;
  partition?: string;
  qos?: string;
  /** Virtual cluster: jobs of one run on nodes of their own. */
  pool?: string;
}

export interface ImportOptions {
  /** Duration of a job whose log has none, or none above zero, µs; default 1 s (arrival lists: 30 days). */
  missingDurationUs?: number;
  /** Time between arrivals where the log has no times at all, µs; default 1 s. */
  spacingUs?: number;
  /** swf: processors that count as one GPU; default 1. */
  cpusPerGpu?: number;
  /** csv: column of the jobs file → column of the source. */
  map?: Record<string, string>;
  /** csv: column of the jobs file → unit of the source (s, ms, min …; MiB, GiB …). */
  units?: Record<string, string>;
  gpuModel?: string;
  gpusPerNode?: number;
  nodeCount?: number;
  /** Text of a list of nodes. */
  nodes?: string;
  /** Replaces users, projects, virtual clusters, job ids and node names by pseudonyms made with this salt. */
  anonymiseSalt?: string;
  /** File name for the comment in the scenario. */
  source?: string;
}

export interface ImportResult {
  report: ImportReport;
  /** Empty when no row was taken. */
  scenarioYaml: string;
  /** Empty when the cluster needs no list of nodes. */
  nodesCsv: string;
  /** How the cluster was found, a sentence. */
  clusterRule: string;
}

export interface ImportTarget {
  jobsFile: string;
  nodesFile: string;
  /** Scenario's name. */
  name?: string;
  /** Takes the jobs file piece by piece. */
  write(text: string): void | Promise<void>;
  /** Told of each job that is taken: its id in the jobs file, and how long it waited for its start, µs (undefined: the log does not say). */
  taken?(id: string, waitUs: number | undefined): void;
}

export interface Importer {
  name: string;
  describe: string;
  /** Header as published, for messages. */
  expects: string;
  /** Columns without which the format is not this one; alternatives in one list. */
  needs: readonly (readonly string[])[];
  delimiter: ',' | '|' | ' ';
  /** Character that begins a comment line. */
  comment?: string;
  /** Fields of a line in a format without a header line. */
  fields?: number;
  read(columns: Columns, options: ImportOptions): (cells: readonly string[], notes: RowNotes) => TraceJob | null;
  /** What a comment line states. */
  readComment?(text: string, facts: SourceFacts): void;
}

/** What a log says about itself. */
export interface SourceFacts {
  /** Unix seconds of the source's time 0; undefined: the source has none. */
  epochSeconds?: number;
  gpus?: number;
  nodes?: number;
}

/** Columns by name, in whatever order the file has them; upper and lower case are the same. */
export interface Columns {
  names: readonly string[];
  /** Position of the first of these names, -1 = none. */
  at(...names: string[]): number;
}

export function columnsOf(header: readonly string[]): Columns {
  const names = header.map((n) => n.trim().toLowerCase());
  const at = (...wanted: string[]) => {
    for (const name of wanted) {
      const i = names.indexOf(name.toLowerCase());
      if (i >= 0) return i;
    }
    return -1;
  };
  return { names: header.map((n) => n.trim()), at };
}

/** Names of `needs` that the header lacks. */
export const missingColumns = (importer: Importer, columns: Columns): string[] =>
  importer.needs.filter((alternatives) => columns.at(...alternatives) < 0).map((alternatives) => alternatives[0]);

/** Cells with a trimmed text, or empty where the file lacks the column. */
export const cellAt = (cells: readonly string[], at: number): string => (at < 0 ? '' : cells[at].trim());

export function unknownName(what: string, name: string, known: readonly string[]): UserError {
  const near = nearestName(name, known);
  return new UserError(
    `unknown ${what} '${name.slice(0, 60)}': use one of ${known.join(', ')}${near ? `; did you mean '${near}'?` : ''}`,
  );
}
