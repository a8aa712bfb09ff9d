/** The files of `run --out`. */
import { accountsJson, chargebackInput } from '../../reports/chargeback.ts';
import { jobsCsv, ledgerCsv, samplesCsv } from '../../reports/csv.ts';
import { livesCsv } from '../../reports/explain.ts';
import { faultsCsv } from '../../reports/faults.ts';
import { htmlReport } from '../../reports/html.ts';
import { otlpTraces } from '../../reports/otlp.ts';
import { jobsParquet, samplesParquet } from '../../reports/parquet.ts';
import { weeksCsv } from '../../reports/provisioning.ts';
import type { RunSummary } from '../../reports/summary.ts';
import type { Lives, Run } from '../../sim/simulate.ts';
import type { Content } from './output.ts';

export function resultFiles(run: Run, summary: RunSummary, lives?: Lives): Record<string, () => Content> {
  return {
    'run.json': () => [`${JSON.stringify({ ...summary, samples: run.samples }, null, 1)}\n`],
    'jobs.csv': () => jobsCsv(run),
    'jobs.parquet': () => jobsParquet(run),
    ...(lives === undefined ? {} : { 'lives.csv': () => livesCsv(lives.rows(), run.scenario) }),
    ...(run.provisioning && { 'weeks.csv': () => weeksCsv(run, run.provisioning as NonNullable<Run['provisioning']>) }),
    ...(run.faults.length === 0 ? {} : { 'faults.csv': () => faultsCsv(run) }),
    'samples.csv': () => samplesCsv(run),
    'samples.parquet': () => samplesParquet(run),
    'ledger.csv': () => ledgerCsv(run),
    ...(run.hours.length > 0 && { 'accounts.json': () => [accountsJson(chargebackInput(run))] }),
    ...Object.fromEntries(
      (run.serving ?? []).map(({ deployment, traces }) => [
        `otlp-${deployment.replace(/[^\w.-]/g, '_')}.json`,
        () => [`${JSON.stringify(otlpTraces(deployment, deployment, traces, run.scenario.startEpochSeconds))}\n`],
      ]),
    ),
    'report.html': () => [htmlReport(run, summary)],
  };
}
