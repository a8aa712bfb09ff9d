/** A log with its recorded starts, compiled for a replay on the cluster it comes with or on one that is described. */

import type { PolicyFactory } from '../../sim/policy/policy.ts';
import type { Scenario } from '../../sim/scenario.ts';
import { memoryReader } from '../builtin/index.ts';
import type { ReadFile } from '../compile/read-file.ts';
import { secondsText, splitCsvLine } from '../jobs-csv.ts';
import { readDocuments, readScenario } from '../read.ts';
import type { Plain } from '../yaml.ts';
import { IMPORTERS, REQUEST_IMPORTERS } from './formats.ts';
import { type ImportOptions, type ImportResult, importTrace, UserError } from './import.ts';
import { columnsOf, missingColumns, unknownName } from './importer.ts';
import type { Chunks } from './text.ts';

export interface RecordedLog extends ImportResult {
  format: string;
  jobsCsv: string;
  /** How long a job waited by the log, µs, by its id in the jobs file; jobs whose start is not recorded are not in it. */
  waits: Map<string, number>;
}

/** Reads the whole log into memory. Throws `UserError`. */
export async function readLog(format: string, open: () => Chunks, options: ImportOptions): Promise<RecordedLog> {
  if (REQUEST_IMPORTERS.some(({ name }) => name === format))
    throw new UserError(`${format} is a log of inference requests: there are no jobs in it that could have waited`);
  const pieces: string[] = [];
  const waits = new Map<string, number>();
  const result = await importTrace(format, open, options, {
    jobsFile: JOBS,
    nodesFile: NODES,
    write: (text) => void pieces.push(text),
    taken: (id, waitUs) => {
      if (waitUs !== undefined) waits.set(id, waitUs);
    },
  });
  return { ...result, format, jobsCsv: pieces.join(''), waits };
}

const [JOBS, NODES] = ['log-jobs.csv', 'log-nodes.csv'];

/** The format whose header the first line is; undefined if it is none's. `csv` only for a column named `submit`. */
export function detectFormat(head: string): string | undefined {
  const line = head.split('\n', 1)[0].replace(/^\ufeff|\r$/g, '');
  if (line.startsWith(';') || /^\s*\d+(\s+-?[\d.]+){17}\s*$/.test(line)) return 'swf';
  let best: string | undefined;
  let most = 0;
  for (const importer of IMPORTERS) {
    if (importer.needs.length <= most) continue;
    if (missingColumns(importer, columnsOf(line.split(importer.delimiter))).length > 0) continue;
    [best, most] = [importer.name, importer.needs.length];
  }
  return best;
}

/** Work loads the cluster; everything else of a scenario describes it. */
const WORK = new Set(['Workload', 'TrainingWorkload', 'InferenceDeployment', 'Study', 'trainer']);

export interface ClusterText {
  text: string;
  file: string;
  readFile: ReadFile;
}

/** An added team: its jobs are those of `like` (a project; '' = all), `factor` times as many, half a log later. */
export interface AddedTeam {
  name: string;
  like: string;
  factor: number;
}

export interface ReplayOptions {
  /** Instead of the cluster that the import made. */
  cluster?: ClusterText;
  policies?: readonly PolicyFactory[];
  seed?: string;
  /** Times as many jobs as the log has. */
  scale?: number;
  teams?: readonly AddedTeam[];
}

/** The log's jobs on the described cluster, until the last has ended. Throws `ScenarioError`. */
export function compileLog(log: RecordedLog, options: ReplayOptions = {}): Scenario {
  const own = log.scenarioYaml;
  const file = options.cluster?.file ?? 'log.yaml';
  const documents = options.cluster === undefined ? plainDocuments(own) : describedBy(options.cluster, own);
  const files = { [JOBS]: withTeams(log.jobsCsv, options.teams ?? []), [NODES]: log.nodesCsv };
  const mine = memoryReader(files);
  const spec = { jobsFile: JOBS, whenTooLarge: 'skip', scale: options.scale ?? 1 };
  documents.push({ apiVersion: 'simsup.dev/v1', kind: 'Workload', metadata: { name: 'log' }, spec });
  return readScenario(documents.map((doc) => JSON.stringify(doc)).join('\n---\n'), {
    file,
    policies: options.policies,
    overrides: { seed: options.seed, durationUs: Infinity },
    readFile: (path) => (Object.hasOwn(files, path) ? mine(path) : (options.cluster?.readFile ?? mine)(path)),
  });
}

type Document = Record<string, unknown>;

function plainDocuments(yaml: string, file = 'log.yaml'): Document[] {
  return readDocuments(yaml, { file })
    .filter(({ kind }) => !WORK.has(kind))
    .map(({ source }) => source.value as { [key: string]: Plain });
}

/** The described cluster with the log's clock: its hours and days are those of the log. */
function describedBy({ text, file }: ClusterText, log: string): Document[] {
  const documents = plainDocuments(text, file);
  const specOf = (docs: readonly Document[]) =>
    (docs.find(({ kind }) => kind === 'Simulation')?.spec ?? {}) as Record<string, unknown>;
  const { warmUp: _w, duration: _d, start: _s, ...spec } = specOf(documents);
  const { start } = specOf(plainDocuments(log));
  const rest = documents.filter(({ kind }) => kind !== 'Simulation');
  const simulation = {
    apiVersion: 'simsup.dev/v1',
    kind: 'Simulation',
    spec: { ...spec, duration: 'until-done', ...(start === undefined ? {} : { start }) },
  };
  return [...rest, simulation];
}

/** The jobs file with copies for the added teams, which come half of the log's span later, or earlier. */
function withTeams(csv: string, teams: readonly AddedTeam[]): string {
  if (teams.length === 0) return csv;
  const [header, ...lines] = csv.trimEnd().split('\n');
  const names = header.split(',');
  const [id, project, user, submit] = ['job_id', 'project', 'user', 'submit'].map((name) => names.indexOf(name));
  const rows = lines.map(splitCsvLine);
  const spanS = rows.reduce((most, cells) => Math.max(most, Number(cells[submit])), 0) + 1;
  const added: string[] = [];
  for (const team of teams) {
    const like = rows.filter((cells) => team.like === '' || cells[project] === team.like);
    if (like.length === 0) {
      const known = [...new Set(rows.map((cells) => cells[project]))];
      throw unknownName('project to be like', team.like, known);
    }
    let due = 0;
    for (const cells of like) {
      due += team.factor;
      for (let copy = 1; due >= 1; due--, copy++) {
        const copied = [...cells];
        copied[id] = `${team.name}/${cells[id]}${copy === 1 ? '' : `~${copy}`}`;
        copied[project] = team.name;
        if (cells[user] !== '') copied[user] = `${team.name}/${cells[user]}`;
        // Each copy at another phase, so that no two come together; whole seconds, as the log's clock has.
        const shift = Math.round((spanS * copy) / (Math.ceil(team.factor) + 1));
        copied[submit] = secondsText((Number(cells[submit]) * 1e6 + shift * 1e6) % (spanS * 1e6));
        added.push(copied.map(quoted).join(','));
      }
    }
  }
  return `${[header, ...lines, ...added].join('\n')}\n`;
}

const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
