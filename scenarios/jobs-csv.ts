/**
 * simsup's own file of jobs: what `simsup import` writes beside a scenario and a Workload's `jobsFile` reads.
 *
 * A header line names the columns, in any order; only `submit` and `duration` are needed. Times are seconds with up to
 * six decimals. `num_gpu` counts all GPUs of the job; `workers` says over how many nodes they spread, else a job wider
 * than a node becomes workers of full nodes and one for the remainder. A name that begins with `= + - @ #` stands behind
 * a `'`.
 */

import { AFTER_CONDITIONS, type AfterCondition, JOB_CLASSES, type JobClass } from '../sim/scenario.ts';
import { linesOf } from './compile/read-file.ts';
import { nameList, nearestName, type Problem } from './problem.ts';
import { quote } from './units.ts';

export const JOBS_CSV_COLUMNS = [
  'job_id',
  'project',
  'user',
  'class',
  'submit',
  'duration',
  'num_gpu',
  'workers',
  'gpu_share',
  'gpu_memory_mib',
  'cpu_milli',
  'memory_mib',
  'gpu_model',
  'time_limit',
  'priority',
  'partition',
  'qos',
  'after',
] as const;
export type JobsCsvColumn = (typeof JOBS_CSV_COLUMNS)[number];

/** Those that a scheduler's log can state: what importers write. */
export const LOG_COLUMNS: readonly JobsCsvColumn[] = JOBS_CSV_COLUMNS.filter((c) => c !== 'class' && c !== 'after');

/** One row. Empty text and undefined mean "not stated". */
export interface JobRow {
  id: string;
  project: string;
  user: string;
  class: JobClass | undefined;
  submitUs: number;
  durationUs: number;
  gpus: number;
  /** 0 = as few as the nodes allow. */
  workers: number;
  shareMilli: number;
  gpuMemoryMiB: number;
  /** Of each worker. */
  cpuMilli: number;
  memoryMiB: number;
  gpuModels: string[];
  /** 0 = none. */
  limitUs: number;
  priority: number | undefined;
  partition: string;
  qos: string;
  after: { job: string; condition: AfterCondition }[];
}

const MAX_LINE = 100_000;
/** 285 years in µs: beyond it time is no longer exact. */
const MAX_US = Number.MAX_SAFE_INTEGER;

/** Cells of one CSV line; a cell in double quotes may hold commas, and `""` for a quote. */
export function splitCsvLine(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (line[i + 1] === '"') {
        cell += '"';
        i++;
      } else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ',') {
      cells.push(cell);
      cell = '';
    } else cell += c;
  }
  cells.push(cell);
  return cells;
}

/** A row, or the problems of its line. `after` holds whether the file has that column at all. */
export interface JobsCsvReader {
  hasAfter: boolean;
  rows: Generator<{ row: JobRow; line: number }>;
}

/** Rows one by one, in bounded memory; what is wrong goes to `onProblem` and its row is left out. */
export function readJobsCsv(
  input: string | Iterable<string>,
  file: string,
  onProblem: (problem: Problem) => void,
): JobsCsvReader | undefined {
  const lines = linesOf(input);
  let lineNumber = 0;
  let header: string | undefined;
  for (let next = lines.next(); !next.done; next = lines.next()) {
    lineNumber++;
    if (next.value.trim() === '' || next.value.startsWith('#')) continue;
    header = next.value;
    break;
  }
  const bad = (line: number, column: number, found: string, expected: string, nearest?: string) =>
    onProblem({ file, line, column, path: '', found, expected, ...(nearest === undefined ? {} : { nearest }) });
  if (header === undefined) {
    bad(0, 0, 'an empty file', 'a header line and at least one job');
    return undefined;
  }
  if (header.length > MAX_LINE) {
    bad(lineNumber, 1, 'a very long line', `lines of at most ${MAX_LINE} characters`);
    return undefined;
  }
  const names = splitCsvLine(header).map((c) => c.trim());
  let good = true;
  for (const [i, name] of names.entries()) {
    const known = (JOBS_CSV_COLUMNS as readonly string[]).includes(name);
    if (known && names.indexOf(name) === i) continue;
    good = false;
    const expected = known ? 'each column once' : `one of ${nameList(JOBS_CSV_COLUMNS, 40)}`;
    bad(lineNumber, i + 1, `column ${quote(name)}`, expected, known ? undefined : nearestName(name, JOBS_CSV_COLUMNS));
  }
  for (const needed of ['submit', 'duration']) {
    if (names.includes(needed) || !good) continue;
    good = false;
    bad(
      lineNumber,
      1,
      `no column '${needed}'`,
      `columns submit and duration, and any of ${nameList(JOBS_CSV_COLUMNS, 40)}`,
    );
  }
  if (!good) return undefined;
  return { hasAfter: names.includes('after'), rows: readRows(lines, names, lineNumber, bad) };
}

type Bad = (line: number, column: number, found: string, expected: string, nearest?: string) => void;

function* readRows(
  lines: Iterable<string>,
  names: string[],
  headerLine: number,
  bad: Bad,
): Generator<{ row: JobRow; line: number }> {
  const at = Object.fromEntries(JOBS_CSV_COLUMNS.map((c) => [c, names.indexOf(c)])) as Record<JobsCsvColumn, number>;
  let lineNumber = headerLine;
  let jobs = 0;
  let cells: string[] = [];
  let good = true;
  const cell = (c: JobsCsvColumn) => (at[c] < 0 ? '' : cells[at[c]].trim());
  const name = (c: JobsCsvColumn) => withoutGuard(cell(c));
  const number = (c: JobsCsvColumn, blank: number, max: number, scale: number, expected: string): number => {
    const text = cell(c);
    if (text === '') return blank;
    const value = Math.round(Number(text) * scale);
    if (value >= 0 && value <= max && !/[^\d.eE+-]/.test(text)) return value;
    good = false;
    bad(lineNumber, at[c] + 1, `${c} ${quote(text)}`, expected);
    return blank;
  };
  for (const line of lines) {
    lineNumber++;
    if (line === '' || line.startsWith('#') || line.trim() === '') continue;
    if (line.length > MAX_LINE) {
      bad(lineNumber, 1, 'a very long line', `lines of at most ${MAX_LINE} characters`);
      continue;
    }
    cells = splitCsvLine(line);
    good = true;
    if (cells.length !== names.length) {
      bad(lineNumber, 1, `${cells.length} cells`, `${names.length}, as in the header`);
      continue;
    }
    const seconds = 'a number of seconds that is not negative';
    const whole = 'a whole number';
    for (const needed of ['submit', 'duration'] as const) {
      if (cell(needed) !== '') continue;
      good = false;
      bad(lineNumber, at[needed] + 1, `no ${needed}`, seconds);
    }
    const klass = cell('class');
    if (klass !== '' && !(JOB_CLASSES as readonly string[]).includes(klass)) {
      good = false;
      bad(
        lineNumber,
        at.class + 1,
        `class ${quote(klass)}`,
        `one of ${JOB_CLASSES.join(', ')}`,
        nearestName(klass, JOB_CLASSES),
      );
    }
    const priority = cell('priority');
    if (!/^-?\d{0,9}$/.test(priority)) {
      good = false;
      bad(lineNumber, at.priority + 1, `priority ${quote(priority)}`, whole);
    }
    const models = name('gpu_model');
    const row: JobRow = {
      id: name('job_id') || `job-${jobs + 1}`,
      project: name('project'),
      user: name('user'),
      class: klass === '' ? undefined : (klass as JobClass),
      submitUs: number('submit', 0, MAX_US, 1e6, seconds),
      durationUs: number('duration', 0, MAX_US, 1e6, seconds),
      gpus: number('num_gpu', 1, 2_000_000, 1, `${whole} of GPUs`),
      workers: number('workers', 0, 2_000_000, 1, `${whole} of workers`),
      shareMilli: number('gpu_share', 1000, 1000, 1, 'thousandths of a GPU, 1 to 1000'),
      gpuMemoryMiB: number('gpu_memory_mib', 0, 1e9, 1, 'MiB'),
      cpuMilli: number('cpu_milli', 0, 1e12, 1, 'thousandths of a core'),
      memoryMiB: number('memory_mib', 0, 1e12, 1, 'MiB'),
      gpuModels:
        models === ''
          ? []
          : models
              .split('|')
              .map((m) => m.trim())
              .filter((m) => m !== ''),
      limitUs: number('time_limit', 0, MAX_US, 1e6, seconds),
      priority: priority === '' || priority === '-' ? undefined : Number(priority),
      partition: name('partition'),
      qos: name('qos'),
      after: parseAfter(name('after')),
    };
    if (!good) continue;
    jobs++;
    yield { row, line: lineNumber };
  }
}

/** `12|13:started`: other jobs, each with a condition (default: completed). */
function parseAfter(text: string): JobRow['after'] {
  if (text === '') return [];
  return text.split('|').map((part) => {
    const colon = part.lastIndexOf(':');
    const condition = part.slice(colon + 1) as AfterCondition;
    if (colon > 0 && AFTER_CONDITIONS.includes(condition)) return { job: part.slice(0, colon), condition };
    return { job: part, condition: 'completed' };
  });
}

/** The header line, without its end. */
export const jobsCsvHeader = (columns: readonly JobsCsvColumn[] = JOBS_CSV_COLUMNS): string => columns.join(',');

/** One job as a line, without its end. Blank where a value is not stated or is the default. */
export function jobsCsvLine(
  row: Partial<JobRow> & { submitUs: number; durationUs: number },
  columns: readonly JobsCsvColumn[] = JOBS_CSV_COLUMNS,
): string {
  return columns.map((c) => csvCell(VALUE[c](row))).join(',');
}

type Given = Partial<JobRow> & { submitUs: number; durationUs: number };
const positive = (n: number | undefined) => (n ? String(n) : '');
const VALUE: Record<JobsCsvColumn, (row: Given) => string> = {
  job_id: (r) => guarded(r.id),
  project: (r) => guarded(r.project),
  user: (r) => guarded(r.user),
  class: (r) => r.class ?? '',
  submit: (r) => secondsText(r.submitUs),
  duration: (r) => secondsText(r.durationUs),
  num_gpu: (r) => String(r.gpus ?? 1),
  workers: (r) => positive(r.workers),
  gpu_share: (r) => (r.shareMilli === undefined || r.shareMilli === 1000 ? '' : String(r.shareMilli)),
  gpu_memory_mib: (r) => positive(r.gpuMemoryMiB),
  cpu_milli: (r) => positive(r.cpuMilli),
  memory_mib: (r) => positive(r.memoryMiB),
  gpu_model: (r) => guarded((r.gpuModels ?? []).join('|')),
  time_limit: (r) => (r.limitUs ? secondsText(r.limitUs) : ''),
  priority: (r) => (r.priority === undefined ? '' : String(r.priority)),
  partition: (r) => guarded(r.partition),
  qos: (r) => guarded(r.qos),
  after: (r) => guarded((r.after ?? []).map((a) => `${a.job}:${a.condition}`).join('|')),
};

/** Integer µs as seconds, exactly, without trailing zeros. */
export function secondsText(us: number): string {
  const whole = Math.floor(us / 1e6);
  const rest = us - whole * 1e6;
  return rest === 0 ? String(whole) : `${whole}.${String(rest).padStart(6, '0').replace(/0+$/, '')}`;
}

/**
 * A name that a spreadsheet would run as a formula, or that would begin a comment here, is written behind a `'`; reading
 * takes one off again. https://owasp.org/www-community/attacks/CSV_Injection
 */
const guarded = (text = '') => (/^'*[=+\-@#]/.test(text) ? `'${text}` : text);
const withoutGuard = (text: string) => (/^'+[=+\-@#]/.test(text) ? text.slice(1) : text);

const csvCell = (text: string) =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""').replace(/[\r\n]+/g, ' ')}"` : text;
