/**
 * A trace → a scenario and its jobs. The source is read twice, row by row, and never kept: the first pass learns the first
 * submission, the load and which ids are not unique; the second writes the jobs and the report.
 */

import { jobsCsvHeader, jobsCsvLine, type JobRow } from '../jobs-csv.ts';
import { pseudonym } from './anonymise.ts';
import { importerNamed, wrongHeader } from './formats.ts';
import { idTable } from './ids.ts';
import { columnsOf, type Importer, type ImportOptions, missingColumns, type RowNotes, type SourceFacts, type TraceJob, UserError } from './importer.ts';
import { type NodeList, readNodes } from './nodes.ts';
import { type ImportReport, ReportBuilder } from './report.ts';
import { type PoolLoad, scenarioYaml, sizeCluster } from './scenario-file.ts';
import { type Chunks, lineBatches, MAX_LINE, recordSplitter } from './text.ts';
import { SECOND } from './values.ts';

export type { ImportOptions } from './importer.ts';
export { UserError } from './importer.ts';
export { IMPORTERS } from './formats.ts';
export type { ImportReport } from './report.ts';

const COLUMNS = [
  'job_id', 'project', 'user', 'submit', 'duration', 'num_gpu', 'workers', 'gpu_share', 'gpu_memory_mib', 'cpu_milli',
  'memory_mib', 'gpu_model', 'time_limit', 'priority', 'partition', 'qos',
] as const;
/** Longest name kept; the scenario's schema allows no longer one. */
const MAX_NAME = 253;
const MAX_POOLS = 10_000;
const WRITE_CHARS = 1 << 16;

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
  /** Called now and then with the share of both passes that is done, in source lines. */
  progress?(pass: 1 | 2, lines: number): void;
}

/** Reads `open()` twice. Throws UserError where the source is not of this format at all. */
export async function importTrace(format: string, open: () => Chunks, options: ImportOptions, target: ImportTarget): Promise<ImportResult> {
  const importer = importerNamed(format);
  const facts: SourceFacts = {};
  const rename = renamer(options);
  let nodes: NodeList | undefined;
  if (options.nodes !== undefined) {
    nodes = readNodes(options.nodes, options);
    for (const pool of nodes.pools) pool.key = rename.project(pool.key);
  }
  const capacity = capacityOf(nodes, options);

  const ids = idTable();
  const loads = new Map<string, PoolLoad>();
  let zeroUs = Infinity;
  await eachRow(importer, open(), options, facts, SILENT, (line, job) => {
    prepare(job, line, importer, rename, SILENT);
    if (job.pool === undefined || capacity(job) < job.gpus) return;
    ids.see(job.id);
    zeroUs = Math.min(zeroUs, job.submitUs);
    addLoad(loads, job, nodes);
  }, async (lines) => target.progress?.(1, lines));
  // Whole seconds: a scenario starts on one.
  zeroUs = Math.floor(zeroUs / SECOND) * SECOND;

  const report = new ReportBuilder();
  let row = 0;
  let mended = false;
  const notes: RowNotes = {
    mend(kind, what) {
      mended = true;
      report.problem(`mend ${kind}`, row, what);
    },
    refuse(kind, what) {
      if (what !== '') report.problem(`refuse ${kind}`, row, `refused: ${what}`);
      return null;
    },
    remark: (what) => report.problem(`remark ${what}`, row, what, true),
  };
  let out = `${jobsCsvHeader(COLUMNS)}\n`;
  let before = -Infinity;
  const onJob = (line: number, job: TraceJob) => {
    if (!prepare(job, line, importer, rename, notes)) return;
    const room = capacity(job);
    if (room < job.gpus) {
      notes.refuse('too large', room === UNLISTED ? `virtual cluster '${job.pool}' is not in the list of nodes` : `asks for ${job.gpus} GPUs, the ${job.pool === '' ? 'cluster' : `virtual cluster '${job.pool}'`} has ${room}`);
      return;
    }
    const id = ids.unique(job.id, line);
    if (id !== job.id) notes.mend('duplicate id', `job_id '${job.id.slice(0, 60)}' a second time: named '${id.slice(0, 80)}'`);
    if (job.submitUs < before) notes.remark('is submitted before the row above it; the jobs are sorted by submit time when read');
    before = job.submitUs;
    if (job.gpuModels !== undefined && job.gpuModels.length > 0 && (nodes === undefined || nodes.csv === '')) {
      notes.remark('names GPU models, but no list of nodes with models is given (--nodes): left out');
      job.gpuModels = [];
    }
    report.taken++;
    if (mended) report.mended++;
    const jobRow: Partial<JobRow> & { submitUs: number; durationUs: number } = job;
    jobRow.id = id;
    jobRow.submitUs = job.submitUs - zeroUs;
    out += `${jobsCsvLine(jobRow, COLUMNS)}\n`;
  };
  await eachRow(importer, open(), options, facts, notes, onJob, async (lines) => {
    if (out.length >= WRITE_CHARS) {
      await target.write(out);
      out = '';
    }
    target.progress?.(2, lines);
  }, (line) => {
    row = line;
    mended = false;
    report.rows++;
  });
  await target.write(out);

  const done = report.finish();
  if (done.taken === 0) return { report: done, scenarioYaml: '', nodesCsv: '', clusterRule: '' };
  const cluster = nodes === undefined ? sizeCluster(loads, facts, options) : { pools: nodes.pools, rule: `${nodes.gpus} GPUs, as the list of nodes says.` };
  const absolute = zeroUs >= 1e8 * SECOND;
  const startSeconds = facts.epochSeconds !== undefined ? facts.epochSeconds + zeroUs / SECOND : absolute ? zeroUs / SECOND : undefined;
  const yaml = scenarioYaml({
    format, name: target.name ?? format, report: done, cluster, nodes, poolName: (key) => (key === '' ? 'gpus' : key),
    jobsFile: target.jobsFile, nodesFile: target.nodesFile, startSeconds, zeroSeconds: zeroUs / SECOND, options,
  });
  return { report: done, scenarioYaml: yaml, nodesCsv: nodes?.csv ?? '', clusterRule: cluster.rule };
}

/** All in memory: for the browser and for tests. */
export async function importText(format: string, text: string | Uint8Array, options: ImportOptions = {}): Promise<ImportResult & { jobsCsv: string }> {
  let jobsCsv = '';
  const result = await importTrace(format, () => [text], options, {
    jobsFile: 'jobs.csv',
    nodesFile: 'nodes.csv',
    write(piece) {
      jobsCsv += piece;
    },
  });
  return { ...result, jobsCsv };
}

/** Less than any job asks for. */
const UNLISTED = -1;

const SILENT: RowNotes = { mend() {}, refuse: () => null, remark() {} };

async function eachRow(
  importer: Importer,
  chunks: Chunks,
  options: ImportOptions,
  facts: SourceFacts,
  notes: RowNotes,
  onJob: (line: number, job: TraceJob) => void,
  afterBatch: (lines: number) => Promise<void>,
  onRow: (line: number) => void = () => {},
): Promise<void> {
  const headless = importer.needs.length === 0;
  let width = 0;
  let read = headless ? importer.read(columnsOf([]), options) : undefined;
  /** Lines of the batch at hand that held NUL bytes. */
  const withNul = new Set<number>();
  let truncated = false;
  const splitter = recordSplitter(importer.delimiter, () => width, (line, cells, wrong) => {
    if (read === undefined) {
      const columns = columnsOf(cells ?? []);
      const missing = missingColumns(importer, importer.name === 'csv' ? mapped(columns.names, options) : columns);
      if (missing.length > 0) throw wrongHeader(importer, (cells ?? [wrong]).join(importer.delimiter), missing);
      width = columns.names.length;
      read = importer.read(columns, options);
      return;
    }
    onRow(line);
    if (cells === null) {
      notes.refuse(wrong, wrong);
      return;
    }
    if (!headless && cells.length !== width) {
      notes.refuse('field count', `has ${cells.length} fields, the header has ${width}${truncated ? ' (the file ends inside this line)' : ''}`);
      return;
    }
    if (withNul.size > 0 && withNul.delete(line)) notes.mend('NUL', 'holds NUL bytes: removed');
    const job = read(cells, notes);
    if (job !== null) onJob(line, job);
  });
  for await (const { first, lines } of lineBatches(chunks)) {
    for (let i = 0; i < lines.length; i++) {
      let text = lines[i];
      const line = first + i;
      if (text === null) {
        if (read === undefined) throw new UserError(`line ${line} is longer than ${MAX_LINE} characters: this is no ${importer.name} file (expected ${importer.expects})`);
        onRow(line);
        notes.refuse('long line', `is longer than ${MAX_LINE} characters`);
        continue;
      }
      if (text.includes('\0')) {
        text = text.replaceAll('\0', '');
        if (text.trim() === '') {
          if (read === undefined) throw new UserError(`line ${line} holds nothing but NUL bytes: this is no ${importer.name} file`);
          onRow(line);
          notes.refuse('only NUL', 'holds nothing but NUL bytes');
          continue;
        }
        withNul.add(line);
      }
      if (importer.comment !== undefined && text.startsWith(importer.comment)) {
        importer.readComment?.(text, facts);
        continue;
      }
      if (importer.delimiter !== ',' && text.trim() === '') continue;
      splitter.push(line, text);
    }
    await afterBatch(first + lines.length - 1);
  }
  truncated = true;
  splitter.end();
  if (read === undefined) throw new UserError(`the file is empty: expected ${importer.expects}`);
}

/** The columns of a generic CSV under the names that its map gives them as well. */
function mapped(names: readonly string[], options: ImportOptions) {
  const known = columnsOf(names);
  return columnsOf([...names, ...Object.entries(options.map ?? {}).flatMap(([to, from]) => (known.at(from) >= 0 ? [to] : []))]);
}

interface Renamer {
  id(text: string): string;
  user(text: string): string;
  project(text: string): string;
}

function renamer(options: ImportOptions): Renamer {
  const salt = options.anonymiseSalt;
  if (salt === undefined) return { id: (t) => t, user: (t) => t, project: (t) => (/[\s\u0000-\u001f]/.test(t) ? t.replace(/[\s\u0000-\u001f]+/g, '-') : t) };
  const kept = new Map<string, string>();
  const remember = (kind: string, text: string) => {
    const key = kind + text;
    let name = kept.get(key);
    if (name === undefined && kept.size < 1_000_000) kept.set(key, (name = pseudonym(kind, text, salt)));
    return name ?? pseudonym(kind, text, salt);
  };
  return { id: (t) => pseudonym('job', t, salt), user: (t) => remember('user', t), project: (t) => remember('project', t) };
}

const NAMES = ['id', 'project', 'user', 'partition', 'qos'] as const;

/** Brings a job's names into the form the jobs file can hold; false after refusing it (its `pool` is then undefined). */
function prepare(job: TraceJob, line: number, importer: Importer, rename: Renamer, notes: RowNotes): boolean {
  job.pool ??= '';
  if (job.id === '') job.id = `${importer.name}-${line}`;
  else job.id = rename.id(job.id);
  job.user = rename.user(job.user ?? '');
  job.project = rename.project(job.project);
  job.pool = rename.project(job.pool);
  for (const key of NAMES) {
    let text = job[key] ?? '';
    if (text.length > MAX_NAME) {
      notes.refuse('long name', `its ${key} is ${text.length} characters long, at most ${MAX_NAME} are kept`);
      job.pool = undefined;
      return false;
    }
    // Whatever begins like a formula would be run by a spreadsheet; '#' would make the row a comment.
    if (/^[=+\-@#]/.test(text)) {
      text = `'${text}`;
      notes.mend('formula', `its ${key} begins with ${text[1]}: written with a ' before it, so that no spreadsheet runs it`);
    }
    if (/[\u0000-\u001f\u007f]/.test(text)) {
      text = text.replace(/[\u0000-\u001f\u007f]+/g, ' ');
      notes.mend('control characters', `its ${key} holds control characters: replaced by spaces`);
    }
    job[key] = text;
  }
  if (job.pool !== '') job.pool = job.project;
  return true;
}

/** GPUs that a job may have at most: of its virtual cluster or all, where nodes are given. */
function capacityOf(nodes: NodeList | undefined, options: ImportOptions): (job: TraceJob) => number {
  if (nodes === undefined) {
    const all = options.nodeCount === undefined ? Infinity : options.nodeCount * (options.gpusPerNode ?? 8);
    return () => all;
  }
  const byPool = new Map(nodes.pools.map((p) => [p.key, p.nodes * p.gpusPerNode]));
  // A job of no virtual cluster may use any pool, but a gang stays within one; a node list's pools are its GPU models.
  const largest = nodes.csv === '' ? Math.max(...byPool.values()) : nodes.gpus;
  return (job) => (nodes.csv !== '' || job.pool === '' ? largest : (byPool.get(job.pool ?? '') ?? UNLISTED));
}

function addLoad(loads: Map<string, PoolLoad>, job: TraceJob, nodes: NodeList | undefined): void {
  const key = nodes !== undefined && nodes.csv !== '' ? '' : (job.pool ?? '');
  let load = loads.get(key);
  if (load === undefined) {
    if (loads.size >= MAX_POOLS) throw new UserError(`more than ${MAX_POOLS} virtual clusters: is that column the right one?`);
    loads.set(key, (load = { jobs: 0, gpuUs: 0, largest: 0, first: Infinity, last: -Infinity, longestUs: 0 }));
  }
  load.jobs++;
  load.gpuUs += (job.gpus * job.durationUs * (job.shareMilli ?? 1000)) / 1000;
  load.largest = Math.max(load.largest, job.gpus);
  load.first = Math.min(load.first, job.submitUs);
  load.last = Math.max(load.last, job.submitUs);
  load.longestUs = Math.max(load.longestUs, job.durationUs);
}
