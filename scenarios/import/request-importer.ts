/** What an importer of inference requests is: it turns one line of a trace into a request, and says what it had to change. */

import type { RowNotes } from './importer.ts';

export interface TraceRequest {
  /** On the source's own clock, µs. */
  timeUs: number;
  /** Tokens, at least 1 each. */
  prompt: number;
  output: number;
  /** Hashes of the prompt's leading blocks; null where the log has none. */
  hashes: readonly number[] | null;
}

export interface RequestImporter {
  name: string;
  describe: string;
  /** As published, for messages. */
  expects: string;
  /** Whether the first line is a header; throws `UserError` where it is another format's. */
  header: boolean;
  /** Reads the header, or undefined in a format without one, and gives the reader of lines. */
  read(header: string | undefined): (line: string, notes: RowNotes) => TraceRequest | null;
}

/** A number of tokens: whole and at least 1. Null after refusing the row. */
export function tokens(value: number | undefined, what: string, shown: string, notes: RowNotes): number | null {
  if (value === undefined || !Number.isFinite(value))
    return notes.refuse(`bad ${what}`, `${what} '${shown.slice(0, 40)}' is not a number of tokens`);
  if (value < 0 || value > 1e7 || !Number.isInteger(value))
    return notes.refuse(`bad ${what}`, `${what} ${shown.slice(0, 40)} cannot be a number of tokens`);
  if (value > 0) return value;
  notes.mend(`no ${what}`, `${what} is 0: taken as 1`);
  return 1;
}
