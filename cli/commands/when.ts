/** `simsup when SNAPSHOT JOB`: when will this job start, what blocks it, what would make it start sooner. */
import { basename } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../../scenarios/import/import.ts';
import { parseTime } from '../../scenarios/snapshot/quantity.ts';
import { DAY_US } from '../../sim/simulate.ts';
import { DEFAULT_HORIZON_US } from '../../studies/forecast.ts';
import { type Backcast, backcasts, FEWEST_TO_CALIBRATE, type History, spread } from '../../studies/forecast-history.ts';
import { type When, when } from '../../studies/when.ts';
import { whenText } from '../../studies/when-report.ts';
import { PRIOR_ASSUMPTIONS, snapshotPast, snapshotState } from '../../studies/when-snapshot.ts';
import { durationOption } from '../host/options.ts';
import { type LogFlags, loadLog, logOptions } from './backtest.ts';
import { snapshotBytes } from './decide.ts';

interface Flags extends LogFlags {
  history?: string;
  samples: number;
  calibrate: number;
  seed: string;
  horizon?: number;
  at?: number;
  nodePool?: string;
  skipDangling?: boolean;
  json?: boolean;
}

/** Samples of each forecast of a past job. */
const BACKCAST_SAMPLES = 12;
/** Jobs that one of them may simulate. */
const BACKCAST_JOBS = 4000;
/** Beyond two weeks nobody plans on who else may come; without a history nobody does, and looking far costs nothing. */
const HORIZON_WITH_HISTORY_US = 14 * DAY_US;

export function whenCommand(): Command {
  return logOptions(
    new Command('when')
      .description('when will a waiting job start, what blocks it, and what would make it start sooner')
      .argument('<snapshot>', "of a Run:ai scheduler, or kubectl's JSON, as decide reads it")
      .argument('<job>', 'namespace/podgroup, or its name alone')
      .option('--history <log>', 'a log of the same cluster: how long jobs take, who arrives, how good forecasts were')
      .option('--samples <n>', 'simulated futures', whole('--samples', 10, 10_000), 100)
      .option(
        '--calibrate <n>',
        'past jobs whose forecasts correct this one; 0 = none',
        whole('--calibrate', 0, 2000),
        60,
      )
      .option('--seed <text>', 'the same seed gives the same forecast', '1')
      .option(
        '--horizon <duration>',
        'how far to look ahead (default 60d, with --history 14d)',
        durationOption('--horizon'),
      )
      .option('--at <time>', 'when the snapshot was taken (default the latest time that stands in it)', instant)
      .option('--node-pool <name>', 'of a cluster with several: the one to look at')
      .option('--skip-dangling', 'leave out what refers to something missing, as the scheduler does')
      .option('--json', 'as JSON on stdout'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup when snapshot.zip team/train-7\n  npx simsup when snapshot.zip team/train-7 --history sacct.txt --samples 400',
    )
    .action(run);
}

const whole = (option: string, least: number, most: number) => (text: string) => {
  const n = Number(text);
  if (!/^\d+$/.test(text) || n < least || n > most)
    throw new UserError(`${option} '${text.slice(0, 40)}': expected a whole number from ${least} to ${most}`);
  return n;
};

function instant(text: string): number {
  const us = parseTime(text);
  if (us === undefined)
    throw new UserError(`--at '${text.slice(0, 60)}': expected a time such as 2026-06-01T08:00:00Z`);
  return us;
}

async function run(file: string, job: string, flags: Flags): Promise<void> {
  if (flags.cluster !== undefined || flags.nodes !== undefined || flags.nodeCount !== undefined)
    throw new UserError('--cluster, --nodes and --node-count: the cluster is that of the snapshot');
  const state = snapshotState(snapshotBytes(file), basename(file), job, {
    nodePool: flags.nodePool,
    nowUs: flags.at,
    skipDangling: flags.skipDangling,
    gpuModel: flags.gpuModel,
  });
  for (const warning of state.warnings) process.stderr.write(`${warning}\n`);
  const log = flags.history === undefined ? undefined : await loadLog(flags.history, flags);
  const known = log === undefined ? undefined : snapshotPast(state, log);
  const past = known?.ofThisCluster ? pastForecasts(known.history, flags) : [];
  const found: When = when({
    present: state.present,
    past: known?.past,
    backcasts: past,
    samples: flags.samples,
    seed: flags.seed,
    horizonUs: flags.horizon ?? (known === undefined ? DEFAULT_HORIZON_US : HORIZON_WITH_HISTORY_US),
    nowUs: state.nowUs,
    blockedBy: state.blockedBy || null,
    assumptions: [
      ...(known?.assumptions ?? PRIOR_ASSUMPTIONS),
      ...(known?.ofThisCluster ? corrections(past, flags) : []),
      ...state.assumptions,
    ],
    warnings: [],
    onSample: (done, of) => progress(`${done} of ${of} futures`),
  });
  progress('');
  process.stdout.write(flags.json ? `${JSON.stringify(found, null, 2)}\n` : whenText(found));
}

/** Of jobs of the log's second half, each from what the first part told. */
function pastForecasts(history: History, { calibrate, seed }: Flags): Backcast[] {
  const { submitUs, count } = history.scenario.jobs;
  const recorded = history.startUs.reduce((sum, us) => sum + (Number.isNaN(us) ? 0 : 1), 0);
  if (calibrate === 0 || count === 0 || recorded < FEWEST_TO_CALIBRATE) return [];
  const jobs = spread(history, calibrate, submitUs[count - 1] / 2, Infinity);
  return backcasts(history, jobs, {
    samples: BACKCAST_SAMPLES,
    seed: `past/${seed}`,
    mostJobs: BACKCAST_JOBS,
    onDone: (done) => progress(`${done} of ${jobs.length} past forecasts`),
  });
}

function corrections(past: readonly Backcast[], { history, calibrate }: Flags): string[] {
  if (history === undefined || past.length >= FEWEST_TO_CALIBRATE) return [];
  return calibrate === 0
    ? ['The band is not corrected by past forecasts (--calibrate 0).']
    : [
        `The log has too few jobs with a recorded start (${FEWEST_TO_CALIBRATE} are needed in its second half) to correct the band by past forecasts.`,
      ];
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`);
}
