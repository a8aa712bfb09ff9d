/** What a file dropped on the page is, and what becomes of it: a scenario, a log, a scheduler's snapshot, or a run. */
import { lookupOf } from './lookup.ts';
import type { Opened } from './requests.ts';
import { savedRun } from './saved.ts';

export interface DroppedFile {
  name: string;
  bytes: Uint8Array;
}

/** Largest file, bytes. */
export const MOST_BYTES = 512 * 2 ** 20;

/** Several files are a scenario and what it names. Says why where nothing can be made of them. */
export async function openFiles(files: DroppedFile[]): Promise<Opened> {
  try {
    const large = files.find(({ bytes }) => bytes.length > MOST_BYTES);
    if (large !== undefined) return refused(`${large.name} is larger than ${MOST_BYTES / 2 ** 20} MiB`);
    const main = files.find((file) => isScenario(file)) ?? files[0];
    if (main === undefined) return refused('there is no file in what was dropped');
    const others = Object.fromEntries(
      files.filter((file) => file !== main).map(({ name, bytes }) => [name, textOf(bytes)]),
    );
    return await openOne(main, others);
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error));
  }
}

const refused = (message: string): Opened => ({ kind: 'refused', message });
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const isScenario = ({ name, bytes }: DroppedFile) =>
  /\.(ya?ml|sbatch|sh)$/i.test(name) || /^(apiVersion|kind):|^#SBATCH/m.test(textOf(bytes.subarray(0, 4096)));

async function openOne(file: DroppedFile, files: Record<string, string>): Promise<Opened> {
  const { name, bytes } = file;
  if (isPacked(bytes)) return snapshot(file);
  const start = textOf(bytes.subarray(0, 65_536));
  if (/^\s*[{[]/.test(start)) {
    const value: unknown = JSON.parse(textOf(bytes));
    const columns = savedRun(value);
    if (columns !== null) {
      const note = columns.nodes.count === 0 ? 'This run was written without what the map and the timeline draw.' : '';
      return { kind: 'run', columns, lookup: lookupOf(columns), note };
    }
    return snapshot(file);
  }
  if (isScenario(file)) return { kind: 'scenario', source: { file: name, text: textOf(bytes), files }, note: '' };
  return log(file);
}

const isPacked = (bytes: Uint8Array) =>
  (bytes[0] === 0x50 && bytes[1] === 0x4b) || (bytes[0] === 0x1f && bytes[1] === 0x8b);

async function snapshot({ name, bytes }: DroppedFile): Promise<Opened> {
  const { importSnapshot } = await import('../scenarios/import/kai-snapshot.ts');
  const made = importSnapshot(bytes, name, { source: name, jobsFile: 'jobs.csv', nodesFile: 'nodes.csv' });
  if (made.scenarioYaml === '') return refused(`${name}: nothing in this snapshot can be simulated`);
  return {
    kind: 'scenario',
    source: {
      file: `${name}.yaml`,
      text: made.scenarioYaml,
      files: { 'jobs.csv': made.jobsCsv, 'nodes.csv': made.nodesCsv },
    },
    note: told(made.report),
  };
}

async function log({ name, bytes }: DroppedFile): Promise<Opened> {
  const [{ importText }, { detectFormat }] = await Promise.all([
    import('../scenarios/import/import.ts'),
    import('../scenarios/import/log.ts'),
  ]);
  const text = textOf(bytes);
  const head = text.slice(0, 10_000).trimStart();
  const [line] = head.split(/\r?\n/, 1);
  const format = detectFormat(head) ?? (/\bTIMESTAMP\b/i.test(line) && /token/i.test(line) ? 'azure-llm' : 'csv');
  const made = await importText(format, text, { source: name });
  if (made.scenarioYaml === '') {
    const why = made.report.problems[0]?.what ?? 'no row of it can be used';
    return refused(`${name}, read as ${format}: ${why}`);
  }
  const jobs = /jobsFile/.test(made.scenarioYaml) ? 'jobs.csv' : 'requests.csv';
  return {
    kind: 'scenario',
    source: {
      file: `${name}.yaml`,
      text: made.scenarioYaml,
      files: { 'jobs.csv': made.jobsCsv, [jobs]: made.jobsCsv, 'nodes.csv': made.nodesCsv },
    },
    note: `Read as ${format}. ${told(made.report)}`,
  };
}

const told = ({
  rows,
  taken,
  mended,
  refused: left,
}: {
  rows: number;
  taken: number;
  mended: number;
  refused: number;
}) => `${rows} rows: ${taken} taken (${mended} of them mended), ${left} refused.`;
