/** Values as logs write them: numbers, times, durations. Each mend and each refusal is told to the row's notes. */

import { gpuModel } from '../catalogue/gpus.ts';
import { parseInstant, quote, UnitError } from '../units.ts';
import type { ImportOptions, RowNotes } from './importer.ts';

export const SECOND = 1_000_000;
/** Beyond it a value is a mistake: 100 years for a duration, the year 2255 for a point in time. */
const MAX_DURATION_S = 3.2e9;
const MAX_TIME_S = 9e9;
export const MAX_GPUS_OF_A_JOB = 2_000_000;

const MISSING = new Set(['', 'nan', 'none', 'null', 'n/a', 'na', 'unknown', 'invalid', '\\n']);
export const isMissing = (text: string): boolean => text === '' || MISSING.has(text.toLowerCase());

/** A decimal number; undefined for anything else (hexadecimal, infinity, text). */
export function decimal(text: string): number | undefined {
  const n = Number(text);
  if (text === '' || !Number.isFinite(n)) return undefined;
  // Digits and signs alone need no closer look; that is almost every number of a log.
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 43 || c > 57) return /[xXbBoO\s]/.test(text) ? undefined : n;
  }
  return n;
}

/** Seconds or a date and time, as µs on the source's clock; null after refusing the row. */
export function submitTime(text: string, notes: RowNotes, unitUs = SECOND): number | null {
  if (isMissing(text)) return notes.refuse('no submit time', 'has no submit time');
  const n = decimal(text);
  if (n === undefined) {
    const instant = dateTime(text);
    if (instant === undefined)
      return notes.refuse('bad submit time', `submit time ${quote(text)} is neither a number nor a date`);
    if (instant / SECOND > MAX_TIME_S)
      return notes.refuse('far submit time', `submit time ${quote(text)} is after the year 2255`);
    return instant;
  }
  const seconds = (n * unitUs) / SECOND;
  if (seconds < 0) return notes.refuse('negative submit time', `submit time ${quote(text)} is negative`);
  if (seconds > MAX_TIME_S)
    return notes.refuse('far submit time', `submit time ${quote(text)} is after the year 2255: is it in milliseconds?`);
  return Math.round(n * unitUs);
}

/** `2017-10-09 07:01:55`, `2017-10-09T07:01:55.25Z`: µs since 1970 (a time without a zone is UTC); undefined if it is none. */
export function dateTime(text: string): number | undefined {
  try {
    const seconds = parseInstant(text);
    if (seconds < 0) return undefined;
    const fraction = /:\d\d(\.\d+)/.exec(text);
    return seconds * SECOND + (fraction ? Math.round(Number(fraction[1]) * SECOND) : 0);
  } catch (error) {
    if (error instanceof UnitError) return undefined;
    throw error;
  }
}

/** When a job started, as `submitTime` reads times; undefined where the log does not say: that is no problem of the row. */
export function recordedStart(text: string, unitUs = SECOND): number | undefined {
  if (isMissing(text)) return undefined;
  const n = decimal(text);
  if (n === undefined) return dateTime(text);
  return n < 0 || (n * unitUs) / SECOND > MAX_TIME_S ? undefined : Math.round(n * unitUs);
}

/** A duration in seconds as µs; missing, zero and negative ones are mended, text and absurd lengths refused. */
export function durationOf(text: string, notes: RowNotes, options: ImportOptions, unitUs = SECOND): number | null {
  if (isMissing(text)) return mendDuration('duration is missing', notes, options);
  const n = decimal(text);
  if (n === undefined) return notes.refuse('bad duration', `duration ${quote(text)} is not a number`);
  if ((n * unitUs) / SECOND > MAX_DURATION_S)
    return notes.refuse('long duration', `duration ${quote(text)} is over 100 years`);
  return checkDuration(Math.round(n * unitUs), `duration ${quote(text)}`, notes, options);
}

export function checkDuration(us: number, what: string, notes: RowNotes, options: ImportOptions): number {
  if (us > 0) return us;
  return mendDuration(us < 0 ? `${what} is negative` : `${what} is zero`, notes, options);
}

export function mendDuration(why: string, notes: RowNotes, options: ImportOptions): number {
  const us = options.missingDurationUs ?? SECOND;
  notes.mend(`duration ${why.split(' ').pop()}`, `${why}: taken as ${us / SECOND} s`);
  return us;
}

/** A whole number of GPUs; null after refusing the row. */
export function gpuCount(text: string, notes: RowNotes): number | null {
  if (isMissing(text)) return notes.refuse('no gpu count', 'has no number of GPUs');
  const n = decimal(text);
  if (n === undefined || !Number.isInteger(n) || n < 0 || n > MAX_GPUS_OF_A_JOB) {
    return notes.refuse('bad gpu count', `${quote(text)} is not a number of GPUs`);
  }
  return n;
}

/** As gpuCount, for logs of GPU jobs only: a job without GPUs is told. */
export function someGpus(text: string, notes: RowNotes): number | null {
  const n = gpuCount(text, notes);
  if (n === 0) notes.remark('asks for 0 GPUs: taken as a job without GPUs');
  return n;
}

/** An optional amount (CPU, memory), in whole units of the jobs file; what is not a number ≥ 0 is left out, and told. */
export function optionalAmount(text: string, name: string, notes: RowNotes, unit = 1, max = 1e12): number {
  if (isMissing(text)) return 0;
  const n = decimal(text);
  if (n !== undefined && n >= 0 && n * unit <= max) return Math.round(n * unit);
  return leftOut(text, name, 'an amount', notes);
}

/** An optional time limit in µs, 0 = none; what is not a time above zero is left out, and told. */
export function optionalLimit(text: string, name: string, notes: RowNotes, unitUs = SECOND): number {
  if (isMissing(text)) return 0;
  const n = decimal(text);
  if (n !== undefined && n > 0 && (n * unitUs) / SECOND <= MAX_DURATION_S) return Math.round(n * unitUs);
  return leftOut(text, name, 'a time of at most 100 years', notes);
}

/** Tells that an optional value cannot be read; 0 stands for "not stated". */
export function leftOut(text: string, name: string, expected: string, notes: RowNotes): 0 {
  notes.mend(`bad ${name}`, `${name} ${quote(text)} is not ${expected}: left out`);
  return 0;
}

/** Slurm's `D-HH:MM:SS`, `HH:MM:SS`, `MM:SS.mmm`: µs; undefined if it is none. */
export function slurmTime(text: string): number | undefined {
  const match = /^(?:(\d{1,6})-)?(?:(\d{1,8}):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)$/.exec(text);
  if (match === null) return undefined;
  const [, d, h, m, s] = match;
  return Math.round((Number(d ?? 0) * 86400 + Number(h ?? 0) * 3600 + Number(m) * 60 + Number(s)) * SECOND);
}

/** GPU models of `A10|T4`, each once; those not in the catalogue are left out, and told. */
export function knownModels(text: string, column: string, notes: RowNotes): string[] {
  if (isMissing(text)) return [];
  const models = [
    ...new Set(
      text
        .split('|')
        .map((m) => m.trim())
        .filter((m) => m !== ''),
    ),
  ];
  const known = models.filter((m) => gpuModel(m) !== undefined);
  if (known.length < models.length)
    notes.mend(`unknown ${column}`, `${column} ${quote(text)} names models not in the catalogue: left out`);
  return known;
}
