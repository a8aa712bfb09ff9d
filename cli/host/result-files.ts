/** The files of `run --out`. */
import { jobsCsv, ledgerCsv, samplesCsv } from '../../reports/csv.ts';
import { htmlReport } from '../../reports/html.ts';
import { jobsParquet, samplesParquet } from '../../reports/parquet.ts';
import type { RunSummary } from '../../reports/summary.ts';
import type { Run } from '../../sim/simulate.ts';
import type { Content } from './output.ts';

export function resultFiles(run: Run, summary: RunSummary): Record<string, () => Content> {
  return {
    'run.json': () => [`${JSON.stringify({ ...summary, samples: run.samples }, null, 1)}\n`],
    'jobs.csv': () => jobsCsv(run),
    'jobs.parquet': () => jobsParquet(run),
    'samples.csv': () => samplesCsv(run),
    'samples.parquet': () => samplesParquet(run),
    'ledger.csv': () => ledgerCsv(run),
    'report.html': () => [htmlReport(run, summary)],
  };
}
