/** What a run means: summaries, tables and pages made from a `Run`. */

export { type Cost, costOf, gpuHours } from './cost.ts';
export { csvField, jobsCsv, ledgerCsv, samplesCsv, TRACE_HEADER, traceLine } from './csv.ts';
export { htmlReport } from './html.ts';
export { jobsParquet, samplesParquet } from './parquet.ts';
export { type Distribution, distribution, nearestRank } from './quantiles.ts';
export {
  type JobsSummary,
  LEGEND,
  type LedgerSummary,
  type QueueSummary,
  type RunSummary,
  summarise,
} from './summary.ts';
export { nextSteps, type TextOptions, textSummary } from './text.ts';
