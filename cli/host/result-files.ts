/** The files of `run --out`. */
import { accountsJson, chargebackInput } from '../../reports/chargeback.ts';
import { jobsCsv, ledgerCsv, samplesCsv } from '../../reports/csv.ts';
import { livesCsv } from '../../reports/explain.ts';
import { faultsCsv } from '../../reports/faults.ts';
import { htmlReport } from '../../reports/html.ts';
import { otlpTraces } from '../../reports/otlp.ts';
import { packed } from '../../reports/packed.ts';
import { jobsParquet, samplesParquet } from '../../reports/parquet.ts';
import { weeksCsv } from '../../reports/provisioning.ts';
import { runColumns } from '../../reports/run-columns.ts';
import type { RunSummary } from '../../reports/summary.ts';
import type { Lives, Recorder, Run } from '../../sim/simulate.ts';
import type { Content } from './output.ts';

/** Name of the model that a deployment serves. */
const modelOf = ({ scenario }: Run, deployment: string) =>
  scenario.serving?.find(({ name }) => name === deployment)?.modelName ?? deployment;

/** `recorder`: run.json then holds all that the web page draws. */
export function resultFiles(
  run: Run,
  summary: RunSummary,
  lives?: Lives,
  recorder?: Recorder,
): Record<string, () => Content> {
  return {
    'run.json': () => runJson(run, summary, lives, recorder),
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
        () => [
          `${JSON.stringify(otlpTraces(deployment, modelOf(run, deployment), traces, run.scenario.startEpochSeconds))}\n`,
        ],
      ]),
    ),
    'report.html': () => [htmlReport(run, summary)],
  };
}

/** A piece for each table, as all of them may be more than one string can hold. */
function* runJson(run: Run, summary: RunSummary, lives?: Lives, recorder?: Recorder): Generator<string> {
  const figures = JSON.stringify({ ...summary, samples: run.samples }, null, 1);
  if (recorder === undefined) {
    yield `${figures}\n`;
    return;
  }
  yield `${figures.slice(0, -2)},\n "columns": {`;
  const { summary: _, ...columns } = runColumns(run, recorder.columns(run.simulatedUs), lives ?? null, 0);
  let between = '\n';
  for (const [name, table] of Object.entries(columns)) {
    yield `${between}  ${JSON.stringify(name)}: ${JSON.stringify(packed(table))}`;
    between = ',\n';
  }
  yield '\n }\n}\n';
}
