/** The files of `run --out`. */
import { jobsCsv, ledgerCsv, samplesCsv } from '../../reports/csv.ts';
import type { RunSummary } from '../../reports/summary.ts';
import type { Run } from '../../sim/simulate.ts';
import type { Content } from './output.ts';

export async function resultFiles(run: Run, summary: RunSummary): Promise<Record<string, () => Content>> {
  return {
    'run.json': () => [`${JSON.stringify({ ...summary, samples: run.samples }, null, 1)}\n`],
    'jobs.csv': () => jobsCsv(run),
    'samples.csv': () => samplesCsv(run),
    'ledger.csv': () => ledgerCsv(run),
  };
}
