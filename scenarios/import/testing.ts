/** What the importers' tests share. */

import { type Run, type Scenario, simulate } from '../../sim/simulate.ts';
import { memoryReader } from '../builtin/index.ts';
import { readScenario } from '../read.ts';
import { type ImportOptions, type ImportResult, importText } from './import.ts';

/** Rows of a jobs file without quotes as objects, only the columns that are not blank. */
export function jobsOf(csv: string): Record<string, string>[] {
  const [header, ...lines] = csv
    .trimEnd()
    .split('\n')
    .map((l) => l.split(','));
  return lines.map((cells) => Object.fromEntries(cells.map((c, i) => [header[i], c]).filter(([, c]) => c !== '')));
}

export type Imported = ImportResult & { jobsCsv: string };

/** What was written, as `simsup run` would read it. */
export function readBack(imported: Imported): Scenario {
  const files = { 'jobs.csv': imported.jobsCsv, 'nodes.csv': imported.nodesCsv };
  return readScenario(imported.scenarioYaml, { file: 'scenario.yaml', readFile: memoryReader(files) });
}

/** Log → import → scenario → run. */
export async function roundTrip(
  format: string,
  text: string | Uint8Array,
  options: ImportOptions = {},
): Promise<{ imported: Imported; scenario: Scenario; run: Run }> {
  const imported = await importText(format, text, options);
  const scenario = readBack(imported);
  return { imported, scenario, run: simulate(scenario) };
}

/** The published traces, where they are at hand. */
export const TRACES = new URL('../../../shared/traces/', import.meta.url);
