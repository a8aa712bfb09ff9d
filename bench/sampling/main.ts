/** `npm run sampling`: how far a sampled run of a fleet of many regions is from the whole. Prints Markdown, or JSON with --json. */
import { toldOrExit } from '../options.ts';
import {
  coverage,
  errorOverDraws,
  errorsOf,
  FIGURES,
  type Figures,
  figuresOf,
  randomRegions,
  type SampleError,
  stratifiedRegions,
} from './estimate.ts';
import { type RegionSums, simulateRegion, type Way } from './regions.ts';

const HELP = `Usage: npm run sampling -- [--regions N] [--gpus N] [--days N] [--policy NAME] [--json]

Simulates a fleet of regions whole, then as one would who cannot: some regions, some weeks, smaller regions. Prints how far
each is from the whole.
  --regions N    default 100
  --gpus N       of each region, default 1000
  --days N       default 56
  --policy NAME  default fifo-backfill
Example: npm run sampling -- --regions 20 --days 28
`;

const DRAWS = 400;
const WARM_UP_DAYS = 7;

interface Row {
  way: string;
  /** Events simulated, over those of the whole. */
  work: number;
  /** Relative; of samples of regions over all draws, of the rest the one there is. */
  rms: Figures;
  p95: Figures | null;
}

function main(): number {
  const option = { type: 'string' } as const;
  const told = toldOrExit(
    { json: { type: 'boolean' }, regions: option, gpus: option, days: option, policy: option },
    HELP,
  );
  if (typeof told === 'number') return told;
  const { policy = 'fifo-backfill' } = told.values;
  const [count, gpus, days] = [told.values.regions ?? 100, told.values.gpus ?? 1000, told.values.days ?? 56].map(
    Number,
  );
  if (!(count >= 4 && count <= 10_000 && gpus >= 256 && gpus <= 1e6 && gpus % 8 === 0 && days >= 15 && days <= 365)) {
    console.error(`--regions is from 4, --gpus a multiple of 8 from 256, --days from 15 to 365\n\n${HELP}`);
    return 2;
  }
  const whole: Way = { policy: String(policy), gpus, days, warmUpDays: 0, part: 1 };
  const fleet = (way: Way): RegionSums[] =>
    Array.from({ length: count }, (_, region) => {
      if (process.stderr.isTTY) process.stderr.write(`\rpart ${way.part}, ${way.days} days: region ${region + 1} `);
      return simulateRegion(region, way);
    });
  const regions = fleet(whole);
  const truth = figuresOf(regions);
  const events = (list: readonly RegionSums[]) => list.reduce((sum, region) => sum + region.events, 0);
  const ofRegions = (way: string, m: number, error: SampleError): Row => ({ way, work: m / count, ...error });
  const once = (way: string, list: readonly RegionSums[]): Row => ({
    way,
    work: events(list) / events(regions),
    rms: errorsOf(figuresOf(list), truth),
    p95: null,
  });
  const offered = regions.map((region) => region.offered);
  const sizes = [0.05, 0.1, 0.25].map((part) => Math.max(2, Math.round(part * count)));
  const rows = [
    ...sizes.map((m) =>
      ofRegions(
        `${m} regions at random`,
        m,
        errorOverDraws(regions, (s) => randomRegions(count, m, s), DRAWS),
      ),
    ),
    ...sizes.map((m) =>
      ofRegions(
        `${m} regions, one of each class of load`,
        m,
        errorOverDraws(regions, (s) => stratifiedRegions(offered, m, s), DRAWS),
      ),
    ),
    once('all regions, the second week only', fleet({ ...whole, days: 2 * WARM_UP_DAYS, warmUpDays: WARM_UP_DAYS })),
    once('all regions at half their size', fleet({ ...whole, part: 1 / 2 })),
    once('all regions at a quarter of their size', fleet({ ...whole, part: 1 / 4 })),
  ];
  const covers = [1, 2].map((k) => ({
    regions: sizes[k],
    allocation: coverage(
      regions.map((r) => r.allocated / r.capacity),
      sizes[k],
      10 * DRAWS,
    ),
    meanWait: coverage(
      regions.map((r) => figuresOf([r]).meanWait),
      sizes[k],
      10 * DRAWS,
    ),
  }));
  if (process.stderr.isTTY) process.stderr.write('\n');
  const settings = { regions: count, gpus, days, policy, jobs: regions.reduce((sum, r) => sum + r.waits.length, 0) };
  if (told.values.json) console.log(JSON.stringify({ settings, truth, rows, covers }));
  else console.log(markdown(settings, truth, rows, covers));
  return 0;
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const minutes = (us: number) => `${(us / 60e6).toFixed(1)} min`;

function markdown(
  settings: Record<string, unknown>,
  truth: Figures,
  rows: readonly Row[],
  covers: readonly { regions: number; allocation: number; meanWait: number }[],
): string {
  const { regions, gpus, days, policy, jobs } = settings;
  const error = (row: Row, name: (typeof FIGURES)[number]) =>
    row.p95 === null
      ? `${row.rms[name] < 0 ? '−' : '+'}${percent(Math.abs(row.rms[name]))}`
      : `${percent(row.rms[name])} (${percent(row.p95[name])})`;
  return [
    `${regions} regions of ${gpus} GPUs, ${days} days under ${policy}, ${jobs} jobs. The whole: allocation ${percent(truth.allocation)}, goodput ${percent(truth.goodput)}, mean wait ${minutes(truth.meanWait)}, p95 ${minutes(truth.p95Wait)}.`,
    '',
    '| what is simulated | part of the work | allocation | goodput | mean wait | p95 wait |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(
      (row) => `| ${row.way} | ${percent(row.work)} | ${FIGURES.map((name) => error(row, name)).join(' | ')} |`,
    ),
    '',
    ...covers.map(
      (c) =>
        `A 95 % interval from ${c.regions} regions at random held the fleet's mean of regions in ${percent(c.allocation)} of the draws for allocation, ${percent(c.meanWait)} for the mean wait.`,
    ),
  ].join('\n');
}

process.exitCode = main();
