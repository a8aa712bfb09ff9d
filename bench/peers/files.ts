/** Reading the peers' tables: CSV with a header line, plain or gzipped. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Table {
  path: string;
  /** One array of texts a column, by the header's name. */
  column(name: string): string[];
  has(name: string): boolean;
  rows: number;
}

/** The file `name.csv` or `name.csv.gz` in `folder`; null if there is neither. */
export function findTable(folder: string, name: string): string | null {
  for (const ending of ['.csv', '.csv.gz']) {
    const path = join(folder, name + ending);
    if (existsSync(path)) return path;
  }
  return null;
}

/** The table `name` in `folder`; throws a sentence if there is none. */
export function tableIn(folder: string, name: string): Table {
  const path = findTable(folder, name);
  if (path === null) throw new Error(`${folder} has no ${name}.csv or ${name}.csv.gz`);
  return readTable(path);
}

/** Names without ending of all tables in a folder, sorted; none if there is no such folder. */
export function tableNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((file) => /\.csv(\.gz)?$/.test(file));
  return [...new Set(names.map((file) => file.replace(/\.csv(\.gz)?$/, '')))].sort();
}

/** Throws a sentence that names the file (and line) for one that cannot be read as a table. */
export function readTable(path: string): Table {
  const bytes = readFileSync(path);
  let text: string;
  try {
    text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new Error(`${path} is no gzip file: ${(error as Error).message}`);
  }
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  while (lines.length > 0 && lines[lines.length - 1] === '') lines.pop();
  if (lines.length === 0) throw new Error(`${path} is empty`);
  const header = lines[0].split(',');
  const columns = new Map(header.map((name) => [name, [] as string[]]));
  const arrays = header.map((name) => columns.get(name) as string[]);
  for (let i = 1; i < lines.length; i++) {
    const cells = lines[i].split(',');
    if (cells.length !== header.length) {
      throw new Error(`${path}, line ${i + 1}: ${cells.length} cells, but the header has ${header.length}`);
    }
    for (let c = 0; c < cells.length; c++) arrays[c].push(cells[c]);
  }
  return {
    path,
    rows: lines.length - 1,
    has: (name) => columns.has(name),
    column(name) {
      const column = columns.get(name);
      if (column === undefined) throw new Error(`${path} has no column '${name}'; it has ${header.join(', ')}`);
      return column;
    },
  };
}

/** A column of numbers; throws a sentence that names the line of a cell that is none. */
export function numbersOf(table: Table, name: string): Float64Array {
  return Float64Array.from(table.column(name), (cell, i) => {
    const value = Number(cell);
    if (cell === '' || !Number.isFinite(value)) {
      throw new Error(`${table.path}, line ${i + 2}: ${name} is '${cell}', which is no number`);
    }
    return value;
  });
}
