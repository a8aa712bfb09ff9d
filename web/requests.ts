/** What the page asks of a worker, and what it gets back. */
import type { RunColumns } from '../reports/columns.ts';
import type { Problem } from '../scenarios/problem.ts';
import type { Lookup } from './lookup.ts';

/** A scenario with everything that its run depends on. */
export interface ScenarioSource {
  /** As errors show it. */
  file: string;
  text: string;
  /** Files that the text names, by name; those of built-in scenarios are known to the worker. */
  files: Readonly<Record<string, string>>;
}

/** Another future from a moment on. */
export type Change =
  | { kind: 'kill'; node: number }
  | { kind: 'add'; pool: number; nodes: number }
  | { kind: 'quota'; project: number; gpus: number };

export interface Branch {
  atUs: number;
  changes: Change[];
}

export interface RunRequest {
  source: ScenarioSource;
  /** Instead of the scenario's. */
  policy?: string;
  seed?: string;
  branch?: Branch;
  /** Nothing is shown yet: progress now and then comes with what there is so far. */
  early?: boolean;
}

/** A run as the page shows it. */
export interface ShownRun {
  columns: RunColumns;
  lookup: Lookup;
}

export interface Progress {
  nowUs: number;
  events: number;
  /** 0..1, NaN where the end is not known. */
  share: number;
  /** Where `early` was asked for. */
  early?: ShownRun;
}

export type Outcome =
  | ({ kind: 'run' } & ShownRun)
  | { kind: 'cancelled' }
  | { kind: 'problems'; problems: Problem[] }
  | { kind: 'failed'; message: string };

/** What a file that was dropped turned out to be. */
export type Opened =
  | { kind: 'scenario'; source: ScenarioSource; note: string }
  | ({ kind: 'run'; note: string } & ShownRun)
  | { kind: 'refused'; message: string };

/** The figures that studies compare, by id; or why there are none. */
export type FiguresAnswer = { figures: Record<string, number | null> } | { failed: string };

export interface PolicyFacts {
  name: string;
  about: string;
}

/** A thing that people change most, as found in a scenario's text. */
export interface Control {
  id: string;
  /** Under which heading. */
  group: string;
  label: string;
  kind: 'number' | 'text' | 'choice';
  choices?: string[];
  /** As written; '' = not stated, `placeholder` holds then. */
  value: string;
  placeholder: string;
}

/** Tables that are written as the command line writes them. */
export const FILES = [
  'jobs.csv',
  'samples.csv',
  'ledger.csv',
  'faults.csv',
  'jobs.parquet',
  'samples.parquet',
  'report.html',
] as const;
export type FileName = (typeof FILES)[number];
