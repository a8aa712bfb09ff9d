/**
 * A trace → a scenario and its jobs. The source is read twice, row by row, and never kept: the first pass learns the first
 * submission, the load and which ids are not unique; the second writes the jobs and the report.
 */

import { gpuModel, gpuModelNames } from '../catalogue/gpus.ts';
import { type JobRow, jobsCsvHeader, jobsCsvLine, LOG_COLUMNS } from '../jobs-csv.ts';
import { MAX_JOBS } from '../schema.ts';
import { importerNamed, isRequestFormat } from './formats.ts';
import { idTable } from './ids.ts';
import {
  type Importer,
  type ImportOptions,
  type ImportResult,
  type ImportTarget,
  type RowNotes,
  type SourceFacts,
  type TraceJob,
  UserError,
  unknownName,
} from './importer.ts';
import { cleanNames, type Namer, namer, poolName } from './names.ts';
import { type NodeList, readNodes, renamePools } from './nodes.ts';
import { ReportBuilder } from './report.ts';
import { importRequests } from './requests.ts';
import { type Rooms, roomsOf } from './room.ts';
import { eachRow } from './rows.ts';
import { type PoolLoad, scenarioYaml, sizeCluster } from './scenario-file.ts';
import type { Chunks } from './text.ts';
import { SECOND } from './values.ts';

export { FORMATS, IMPORTERS, isRequestFormat, REQUEST_IMPORTERS } from './formats.ts';
export type { ImportOptions, ImportResult, ImportTarget } from './importer.ts';
export { UserError } from './importer.ts';
export type { ImportReport } from './report.ts';

const MAX_POOLS = 10_000;
const WRITE_CHARS = 1 << 16;

/** Reads `open()` twice. Throws UserError where the source is not of this format at all. */
export async function importTrace(
  format: string,
  open: () => Chunks,
  options: ImportOptions,
  target: ImportTarget,
): Promise<ImportResult> {
  if (isRequestFormat(format)) return importRequests(format, open, options, target);
  const importer = importerNamed(format);
  const model = options.gpuModel ?? 'unknown';
  if (gpuModel(model) === undefined) throw unknownName('GPU model', model, gpuModelNames());
  const facts: SourceFacts = {};
  const name = namer(options);
  let nodes: NodeList | undefined;
  if (options.nodes !== undefined)
    nodes = renamePools(readNodes(options.nodes, options), (key) => name.project(poolName(key)));
  const rooms = roomsOf(nodes, options);

  const ids = idTable();
  const loads = new Map<string, PoolLoad>();
  let zeroUs = Infinity;
  const first = acceptance(importer, nodes, rooms, name, options, SILENT);
  await eachRow(importer, open(), options, facts, SILENT, {
    job(line, job) {
      const nodesNeeded = first(line, job);
      if (nodesNeeded === 0) return;
      ids.see(job.id);
      zeroUs = Math.min(zeroUs, job.submitUs);
      addLoad(loads, job, nodesNeeded, nodes);
    },
    pause() {},
  });
  // Whole seconds: a scenario starts on one.
  zeroUs = Math.floor(zeroUs / SECOND) * SECOND;

  const report = new ReportBuilder();
  const { notes } = report;
  const second = acceptance(importer, nodes, rooms, name, options, notes);
  let out = `${jobsCsvHeader(LOG_COLUMNS)}\n`;
  let before = -Infinity;
  await eachRow(importer, open(), options, facts, notes, {
    row: (line) => report.beginRow(line),
    job(line, job) {
      if (second(line, job) === 0) return;
      const id = ids.unique(job.id, line);
      if (id !== job.id)
        notes.mend('duplicate id', `job_id '${job.id.slice(0, 60)}' a second time: named '${id.slice(0, 80)}'`);
      if (job.submitUs < before)
        notes.remark('is submitted before the row above it; the jobs are sorted by submit time when read');
      before = job.submitUs;
      report.takeRow();
      target.taken?.(id, job.startUs === undefined ? undefined : job.startUs - job.submitUs);
      const jobRow: Partial<JobRow> & { submitUs: number; durationUs: number } = job;
      jobRow.id = id;
      jobRow.submitUs = job.submitUs - zeroUs;
      out += `${jobsCsvLine(jobRow, LOG_COLUMNS)}\n`;
    },
    async pause() {
      if (out.length < WRITE_CHARS) return;
      await target.write(out);
      out = '';
    },
  });
  await target.write(out);

  const done = report.finish();
  if (done.taken === 0) return { report: done, scenarioYaml: '', nodesCsv: '', clusterRule: '' };
  const cluster =
    nodes === undefined
      ? sizeCluster(loads, facts, options)
      : { pools: nodes.pools, rule: `${nodes.gpus} GPUs, as the list of nodes says.` };
  const absolute = zeroUs >= 1e8 * SECOND;
  const startSeconds =
    facts.epochSeconds !== undefined ? facts.epochSeconds + zeroUs / SECOND : absolute ? zeroUs / SECOND : undefined;
  const yaml = scenarioYaml({
    format,
    name: target.name ?? format,
    report: done,
    cluster,
    nodes,
    jobsFile: target.jobsFile,
    nodesFile: target.nodesFile,
    startSeconds,
    zeroSeconds: zeroUs / SECOND,
    options,
  });
  return { report: done, scenarioYaml: yaml, nodesCsv: nodes?.csv ?? '', clusterRule: cluster.rule };
}

/** All in memory: for the browser and for tests. */
export async function importText(
  format: string,
  text: string | Uint8Array,
  options: ImportOptions = {},
): Promise<ImportResult & { jobsCsv: string }> {
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

const SILENT: RowNotes = { mend() {}, refuse: () => null, remark() {} };

/**
 * Brings a job into the form that the scenario's reader takes, and gives the number of nodes it needs; 0 after refusing
 * it. Both passes use it, each its own, and so agree.
 */
function acceptance(
  importer: Importer,
  nodes: NodeList | undefined,
  rooms: Rooms,
  name: Namer,
  options: ImportOptions,
  notes: RowNotes,
): (line: number, job: TraceJob) => number {
  const modelsKnown = nodes !== undefined && nodes.csv !== '';
  const model = options.gpuModel ?? 'unknown';
  const gpuMemoryKnown = modelsKnown || (gpuModel(model)?.memoryMiB ?? 0) > 0;
  let accepted = 0;
  return (line, job) => {
    if (!cleanNames(job, line, importer.name, name, notes)) return 0;
    if (job.gpuModels?.length && (!modelsKnown || job.gpus === 0)) {
      if (job.gpus > 0) notes.remark('names GPU models, but no list of nodes with models is given (--nodes): left out');
      job.gpuModels = [];
    }
    if (job.gpuMemoryMiB && (!gpuMemoryKnown || job.gpus === 0)) {
      if (job.gpus > 0)
        notes.remark(
          `asks for GPU memory, but GPUs of the model '${model}' have none stated (--gpu-model, --nodes): left out`,
        );
      job.gpuMemoryMiB = 0;
    }
    if (job.gpus === 0) job.shareMilli = 1000;
    if (job.workers && job.gpus / job.workers > rooms.widest(job)) {
      notes.remark('has more GPUs on each node than a node of this cluster has: spread over as many nodes as it needs');
      job.workers = 0;
    }
    const room = rooms.of(job);
    if ('why' in room) {
      notes.refuse('too large', room.why);
      return 0;
    }
    if (++accepted > MAX_JOBS) {
      notes.refuse('too many', `is beyond ${MAX_JOBS} jobs, the most of a scenario`);
      return 0;
    }
    return room.nodes;
  };
}

function addLoad(loads: Map<string, PoolLoad>, job: TraceJob, nodesNeeded: number, nodes: NodeList | undefined): void {
  const key = nodes !== undefined && nodes.csv !== '' ? '' : (job.pool ?? '');
  let load = loads.get(key);
  if (load === undefined) {
    if (loads.size >= MAX_POOLS)
      throw new UserError(`more than ${MAX_POOLS} virtual clusters: is that column the right one?`);
    loads.set(
      key,
      (load = { jobs: 0, gpuUs: 0, largest: 0, nodes: 0, first: Infinity, last: -Infinity, longestUs: 0 }),
    );
  }
  load.jobs++;
  load.gpuUs += (job.gpus * job.durationUs * (job.shareMilli ?? 1000)) / 1000;
  load.largest = Math.max(load.largest, job.gpus);
  load.nodes = Math.max(load.nodes, nodesNeeded);
  load.first = Math.min(load.first, job.submitUs);
  load.last = Math.max(load.last, job.submitUs);
  load.longestUs = Math.max(load.longestUs, job.durationUs);
}
