/** Workload documents → jobs: listed, from a file, from manifests' files, generated. */

import { openStream } from '../../sim/engine/random.ts';
import { HOUR_US } from '../../sim/scenario.ts';
import { type CheckedDocument, checkDocuments, documentsOf, type Report } from '../documents.ts';
import { expectedJobs, generateTeam } from '../generate.ts';
import { type JobRow, readJobsCsv } from '../jobs-csv.ts';
import { type Accepted, type JobInput, type JobTraits, MAX_JOBS, type WorkloadSpec } from '../schema.ts';
import type { UtcOffset } from '../time-zone.ts';
import type { SourceDocument } from '../yaml.ts';
import { readBcmLine } from './bcm.ts';
import type { JobDraft } from './draft.ts';
import { followers } from './follow.ts';
import type { JobSink } from './jobs.ts';
import { DEFAULT_STEP_US } from './jobs.ts';
import { manifestJobs } from './manifests.ts';
import { linesOf, type ReadFile } from './read-file.ts';
import { isSbatch } from './sbatch.ts';
import type { Schedulers } from './schedulers.ts';
import { readScript } from './script.ts';

export interface WorkloadContext {
  /** The scenario's file, for problems with the whole of it. */
  file: string;
  sink: JobSink;
  readFile: ReadFile;
  report: Report;
  seed: string;
  /** Until when teams submit jobs, µs. */
  horizonUs: number;
  startEpochSeconds: number;
  utcOffsets: readonly UtcOffset[];
  /** Names of the cluster's pools, and which of them each scheduler has. */
  pools: readonly string[];
  schedulers: Schedulers;
  assume(sentence: string): void;
}

type Loaded = { data: Accepted['Workload']; source: SourceDocument };

export function addWorkload({ data, source }: Loaded, number: number, context: WorkloadContext): void {
  const { spec } = data;
  const label = data.metadata.name ?? (number === 0 ? 'workload' : `workload-${number + 1}`);
  const before = context.report.problems.length;
  const follow = followers(spec, label, context.seed, context.pools, source, context.report);
  if (context.report.problems.length > before) return;
  const c = { ...context, sink: { ...context.sink, add: (draft: JobDraft) => context.sink.add(follow(draft)) } };
  const empty =
    spec.jobs.length + spec.teams.length + spec.manifestFiles.length + spec.requests.length === 0 &&
    spec.jobsFile === undefined;
  if (empty) c.report.at(source, ['spec'], 'no work', 'jobs, jobsFile, manifestFiles, teams or requests');
  const names = new Set<string>();
  spec.jobs.forEach((job, i) => {
    const item = typeof job === 'string' ? { bcm: job, submit: 0, gpus: 1 } : job;
    const draft =
      item.bcm === undefined
        ? listedJob(item, i, number, spec, source, c.report)
        : submittedJob(item, item.bcm, i, number, names, spec, source, c);
    if (draft !== undefined) c.sink.add(draft);
  });
  if (spec.jobsFile !== undefined) addJobsFile(spec.jobsFile, spec, label, source, c);
  spec.manifestFiles.forEach((file, i) => {
    addManifestFile(file, ['spec', 'manifestFiles', i], spec, source, c);
  });
  addTeams(spec, label, source, c);
  if (spec.scale !== 1 && c.report.problems.length === before) {
    c.assume(
      `Workload ${label}: ${spec.scale} times the load (arrival rates of teams; jobs of its file repeated or thinned at random).`,
    );
  }
}

/** The job's own traits over the workload's defaults. */
function withDefaults(own: JobTraits, defaults: JobTraits): JobTraits {
  const traits: Record<string, unknown> = { ...defaults };
  for (const [k, v] of Object.entries(own)) if (v !== undefined) traits[k] = v;
  return traits as JobTraits;
}

function listedJob(
  job: JobInput,
  i: number,
  number: number,
  spec: WorkloadSpec,
  source: SourceDocument,
  report: Report,
): JobDraft | undefined {
  const path = ['spec', 'jobs', i];
  const {
    id,
    project,
    user,
    submit,
    duration,
    steps,
    deadline,
    gpus,
    workers,
    minWorkers,
    after,
    bcm: _bcm,
    ...own
  } = job;
  const traits = withDefaults(own, spec.defaults);
  if (duration !== undefined && steps !== undefined && own.stepTime !== undefined) {
    report.at(source, [...path, 'duration'], 'a duration beside steps and stepTime', 'one or the other');
    return undefined;
  }
  const durationUs = duration ?? (steps === undefined ? HOUR_US : steps * (traits.stepTime ?? DEFAULT_STEP_US));
  if (!Number.isSafeInteger(durationUs)) {
    report.at(source, [...path, 'steps'], `${steps} steps`, 'work of at most 285 years');
    return undefined;
  }
  return {
    id: id ?? (number === 0 ? `job-${i + 1}` : `workload-${number + 1}/job-${i + 1}`),
    project: project ?? spec.project ?? '',
    user: user ?? '',
    submitUs: submit,
    durationUs,
    deadlineUs: deadline,
    steps,
    gpus,
    workers: workers ?? 0,
    minWorkers,
    after: (after ?? []).map((a) => (typeof a === 'string' ? { job: a, condition: 'completed' } : a)),
    traits,
    blame: (field, found, expected, nearest) => {
      const place = source.locate([...path, field]);
      report.add({
        file: source.file,
        ...place,
        path: `spec.jobs[${i}].${field}`,
        found,
        expected,
        ...(nearest && { nearest }),
      });
    },
  };
}

/** A line for BCM's Slurm bridge; fields beside it say what the line cannot. */
function submittedJob(
  job: JobInput,
  bcm: string,
  i: number,
  number: number,
  names: Set<string>,
  spec: WorkloadSpec,
  source: SourceDocument,
  c: WorkloadContext,
): JobDraft | undefined {
  const own = listedJob(job, i, number, spec, source, c.report);
  const { line, column } = source.locate(['spec', 'jobs', i]);
  const place = { file: source.file, line, column, path: `spec.jobs[${i}]` };
  const { readFile, schedulers, assume } = c;
  const draft = readBcmLine(bcm, place, [], { readFile, schedulers, assume, add: c.report.add });
  if (draft === undefined || own === undefined) return undefined;
  let id = job.id ?? draft.id;
  for (let n = 2; job.id === undefined && names.has(id); n++) id = `${draft.id}-${n}`;
  names.add(id);
  return {
    ...draft,
    id: job.id !== undefined || number === 0 ? id : `workload-${number + 1}/${id}`,
    project: (draft.project || job.project) ?? spec.project ?? '',
    user: own.user,
    submitUs: job.submit > 0 ? job.submit : draft.submitUs,
    durationUs: job.duration !== undefined || job.steps !== undefined ? own.durationUs : draft.durationUs,
    deadlineUs: own.deadlineUs,
    steps: own.steps,
    after: own.after.length > 0 ? own.after : draft.after,
    traits: withDefaults(draft.traits, own.traits),
  };
}

function addJobsFile(
  file: string,
  spec: WorkloadSpec,
  label: string,
  source: SourceDocument,
  c: WorkloadContext,
): void {
  let jobs = 0;
  try {
    const reader = readJobsCsv(c.readFile(file), file, c.report.add);
    if (reader === undefined) return;
    const thin = openStream(c.seed, `workload/${label}/scale`);
    const whole = Math.floor(spec.scale);
    for (const { row, line } of reader.rows) {
      if (++jobs > MAX_JOBS) {
        c.report.add({
          file,
          line,
          column: 1,
          path: '',
          found: `more than ${MAX_JOBS} jobs`,
          expected: `at most ${MAX_JOBS}`,
        });
        return;
      }
      const draft = fileJob(row, line, file, spec, c.report);
      // One draw per row and copy, whatever comes of it: a different scale leaves the other rows' draws alone.
      const copies = spec.scale === 1 ? 1 : whole + (thin.next() < spec.scale - whole ? 1 : 0);
      for (let k = 0; k < copies; k++) {
        if (k === 0) c.sink.add(draft);
        else {
          // Copies come up to an hour later: a log repeated at the very same instants would arrive in pairs.
          const submitUs = draft.submitUs + thin.integer(HOUR_US);
          const rename = (id: string) => `${id}~${k + 1}`;
          const after = draft.after.map((a) => ({ ...a, job: rename(a.job) }));
          c.sink.add({ ...draft, id: rename(draft.id), submitUs, after });
        }
      }
    }
  } catch (error) {
    c.report.at(
      source,
      ['spec', 'jobsFile'],
      `a file that cannot be read (${(error as Error).message})`,
      'a CSV of jobs',
    );
    return;
  }
  if (jobs === 0 && c.report.problems.length === 0) {
    c.report.add({ file, line: 0, column: 0, path: '', found: 'a file without jobs', expected: 'at least one job' });
  }
}

const CSV_FIELD: Record<string, string> = { gpus: 'num_gpu', id: 'job_id', gpuModels: 'gpu_model' };

function fileJob(row: JobRow, line: number, file: string, spec: WorkloadSpec, report: Report): JobDraft {
  const own: JobTraits = {};
  if (row.gpuModels.length > 0) own.gpuModels = row.gpuModels;
  if (row.shareMilli !== 1000) own.gpuShare = row.shareMilli;
  if (row.gpuMemoryMiB > 0) own.gpuMemory = row.gpuMemoryMiB;
  if (row.cpuMilli > 0) own.cpu = row.cpuMilli;
  if (row.memoryMiB > 0) own.memory = row.memoryMiB;
  if (row.priority !== undefined) own.priority = row.priority;
  if (row.partition !== '') own.partition = row.partition;
  if (row.qos !== '') own.qos = row.qos;
  if (row.class !== undefined) own.class = row.class;
  return {
    id: row.id,
    project: row.project || (spec.project ?? ''),
    user: row.user,
    submitUs: row.submitUs,
    durationUs: row.durationUs,
    limitUs: row.limitUs > 0 ? row.limitUs : undefined,
    gpus: row.gpus,
    workers: row.workers,
    after: row.after,
    traits: withDefaults(own, spec.defaults),
    blame: (field, found, expected, nearest) => {
      const path = CSV_FIELD[field] ?? field;
      report.add({ file, line, column: 1, path, found, expected, ...(nearest && { nearest }) });
    },
  };
}

function addManifestFile(
  file: string,
  path: (string | number)[],
  spec: WorkloadSpec,
  source: SourceDocument,
  c: WorkloadContext,
): void {
  let text: string;
  try {
    const content = c.readFile(file);
    text = typeof content === 'string' ? content : [...linesOf(content)].join('\n');
  } catch (error) {
    c.report.at(
      source,
      path,
      `a file that cannot be read (${(error as Error).message})`,
      'a manifest of a job, or an sbatch script',
    );
    return;
  }
  for (const draft of manifestText(text, file, c)) {
    c.sink.add({
      ...draft,
      project: draft.project || (spec.project ?? ''),
      traits: withDefaults(draft.traits, spec.defaults),
    });
  }
}

function manifestText(text: string, file: string, c: WorkloadContext): JobDraft[] {
  if (isSbatch(text, file)) {
    const { readFile, schedulers, assume } = c;
    return readScript(text, file, { readFile, schedulers, assume, add: c.report.add });
  }
  const docs = checkDocuments(text, file, c.report);
  const jobs = manifestJobs(docs, c.report, c.assume);
  if (jobs.length < docs.length) {
    c.report.add({
      file,
      line: 1,
      column: 1,
      path: '',
      found: 'documents that are not jobs',
      expected: 'only manifests of jobs in manifestFiles',
    });
  }
  return jobs;
}

function addTeams(spec: WorkloadSpec, label: string, source: SourceDocument, c: WorkloadContext): void {
  const names = new Set<string>();
  spec.teams.forEach((team, i) => {
    const path = ['spec', 'teams', i];
    if (names.has(team.name))
      c.report.at(source, [...path, 'name'], `team '${team.name}' a second time`, 'each team once');
    names.add(team.name);
    const many = expectedJobs(team, spec.scale, c.horizonUs);
    if (many > MAX_JOBS) {
      c.report.at(source, [...path, 'arrivals', 'perDay'], `about ${Math.round(many)} jobs`, `at most ${MAX_JOBS}`);
      return;
    }
    const traits = withDefaults(teamTraits(team), spec.defaults);
    const blamed = new Set<string>();
    const blame: JobDraft['blame'] = (field, found, expected, nearest) => {
      const at = field === 'gpus' || field === 'workers' ? 'sizes' : field;
      if (blamed.has(`${at} ${found}`)) return;
      blamed.add(`${at} ${found}`);
      const text = `spec.teams[${i}].${at}`;
      c.report.add({
        file: source.file,
        ...source.locate([...path, at]),
        path: text,
        found,
        expected,
        ...(nearest && { nearest }),
      });
    };
    const jobs = generateTeam(team, {
      seed: c.seed,
      stream: `workload/${label}/${team.name}`,
      scale: spec.scale,
      horizonUs: c.horizonUs,
      startEpochSeconds: c.startEpochSeconds,
      utcOffsets: c.utcOffsets,
    });
    for (const job of jobs) {
      c.sink.add({
        ...job,
        project: team.project ?? spec.project ?? team.name,
        generated: true,
        after: [],
        traits,
        blame,
      });
    }
  });
}

function teamTraits(team: WorkloadSpec['teams'][number]): JobTraits {
  const {
    name: _n,
    project: _p,
    users: _u,
    arrivals: _a,
    together: _t,
    sizes: _s,
    duration: _d,
    timeLimitFactor: _l,
    ...traits
  } = team;
  return traits;
}

export const workloadsOf = (docs: readonly CheckedDocument[]) => documentsOf(docs, 'Workload');
