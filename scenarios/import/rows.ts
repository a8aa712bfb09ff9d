/** A source → its jobs, row by row. Headers, comments and blank lines are no rows. */

import { wrongHeader } from './formats.ts';
import {
  columnsOf,
  type Importer,
  type ImportOptions,
  missingColumns,
  type RowNotes,
  type SourceFacts,
  type TraceJob,
  UserError,
  unknownName,
} from './importer.ts';
import { type Chunks, lineBatches, MAX_LINE, recordSplitter } from './text.ts';

export interface RowVisitor {
  /** Every row, before anything is said about it. */
  row?(line: number): void;
  /** Every job that the importer made of a row. */
  job(line: number, job: TraceJob): void;
  /** Between pieces of the source; `lines` have been read so far. */
  pause(lines: number): void | Promise<void>;
}

export async function eachRow(
  importer: Importer,
  chunks: Chunks,
  options: ImportOptions,
  facts: SourceFacts,
  notes: RowNotes,
  visit: RowVisitor,
): Promise<void> {
  let width = importer.fields ?? 0;
  const headless = importer.fields !== undefined;
  let read = headless ? importer.read(columnsOf([]), options) : undefined;
  /** Some line had NUL or undecodable bytes: from there on each record is looked through. */
  let dirty = false;
  /** The source ends inside the line at hand. */
  let open = false;

  const splitter = recordSplitter(
    importer.delimiter,
    () => width,
    (line, found, wrong) => {
      let cells = found;
      let [nul, undecoded] = [false, false];
      if (dirty && cells !== null) {
        nul = cells.some((c) => c.includes('\0'));
        undecoded = cells.some((c) => c.includes('\ufffd'));
        if (nul) cells = cells.map((c) => c.replaceAll('\0', ''));
      }
      if (read === undefined) {
        const columns = columnsOf(cells ?? []);
        const missing = missingColumns(importer, importer.name === 'csv' ? mapped(columns.names, options) : columns);
        if (missing.length > 0) throw wrongHeader(importer, (cells ?? [wrong]).join(importer.delimiter), missing);
        width = columns.names.length;
        read = importer.read(columns, options);
        return;
      }
      visit.row?.(line);
      const cut = open ? ' (the file ends inside this line)' : '';
      if (cells === null) {
        notes.refuse(wrong, wrong + cut);
        return;
      }
      if (cells.length !== width) {
        const whole = headless ? 'a line of this format has' : 'the header has';
        notes.refuse('field count', `has ${cells.length} fields, ${whole} ${width}${cells.length < width ? cut : ''}`);
        return;
      }
      if (nul) notes.mend('NUL', 'holds NUL bytes: removed');
      if (undecoded) notes.mend('encoding', 'holds bytes that are no UTF-8 text: replaced by U+FFFD');
      const job = read(cells, notes);
      if (job !== null) visit.job(line, job);
    },
  );

  const lone = (line: number, kind: string, what: string) => {
    if (read === undefined)
      throw new UserError(`line ${line} ${what}: this is no ${importer.name} file (expected ${importer.expects})`);
    visit.row?.(line);
    notes.refuse(kind, what);
  };
  for await (const batch of lineBatches(chunks)) {
    for (let i = 0; i < batch.lines.length; i++) {
      const text = batch.lines[i];
      const line = batch.first + i;
      open = batch.open && i === batch.lines.length - 1;
      if (text === null) {
        lone(line, 'long line', `is longer than ${MAX_LINE} characters`);
        continue;
      }
      const nul = text.includes('\0');
      if (nul && text.replaceAll('\0', '').trim() === '') {
        lone(line, 'only NUL', 'holds nothing but NUL bytes');
        continue;
      }
      if (nul || text.includes('\ufffd')) dirty = true;
      if (importer.comment !== undefined && text.startsWith(importer.comment)) {
        importer.readComment?.(text, facts);
        continue;
      }
      if (importer.delimiter !== ',' && text.trim() === '') continue;
      splitter.push(line, text);
    }
    await visit.pause(batch.first + batch.lines.length - 1);
  }
  splitter.end();
  if (read === undefined) throw new UserError(`the file is empty: expected ${importer.expects}`);
}

/** The columns of a generic CSV under the names that its map gives them as well. */
function mapped(names: readonly string[], options: ImportOptions) {
  const known = columnsOf(names);
  const map = Object.entries(options.map ?? {});
  for (const [to, from] of map) if (known.at(from) < 0) throw unknownName(`column in --map ${to}=`, from, names);
  return columnsOf([...names, ...map.map(([to]) => to)]);
}
