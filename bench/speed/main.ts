/** `npm run speed`: how fast, as ratios against a named rival in the same run. Prints a table, or JSON with --json. */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { toldOrExit } from '../options.ts';
import { type CycleResult, cycleResults } from './cycle.ts';
import { engineAgainstSimpy, type HoldResult, holdResults } from './hold.ts';
import { isAskedFor } from './only.ts';
import { againstNLogN, REPLAYS, type ReplayResult, replay } from './replay.ts';
import { scaleText, YEAR_DAYS } from './scale.ts';
import { type ServingResult, servingResults } from './serving.ts';

const HELP = `Usage: npm run speed -- [--json] [--only NAME] [--quick]

Rates of the event queue against flatqueue, of the engine against SimPy, of trace replays, growth with cluster size, cycles of Run:ai's policy, and requests served.
  --json        one JSON object on standard output
  --only NAME   rows of that name, or whose name begins with NAME/: queue/ties, engine, replay/philly, growth, cycle, serving
  --quick       shorter and less exact
  --days N      of the year of the scale rows, which run only where NAME begins with scale (default 365)
  --scenario N  prints the scale rows' scenario of N GPUs, for simsup run, and measures nothing
Example: npm run speed -- --only queue --json
`;

type Row = HoldResult | ReplayResult | CycleResult | ServingResult;

function main(): number {
  const told = toldOrExit(
    {
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      only: { type: 'string' },
      days: { type: 'string' },
      scenario: { type: 'string' },
    },
    HELP,
  );
  if (typeof told === 'number') return told;
  const only = String(told.values.only ?? '');
  const quick = told.values.quick === true;
  const days = Number(told.values.days ?? YEAR_DAYS);
  const gpus = Number(told.values.scenario ?? 1000);
  if (!(days >= 1 && days <= YEAR_DAYS) || !(gpus >= 64 && gpus <= 2e6 && gpus % 8 === 0)) {
    process.stderr.write(`speed: --days is from 1 to ${YEAR_DAYS}, --scenario a multiple of 8 from 64\n\n${HELP}`);
    return 2;
  }
  if (told.values.scenario !== undefined) {
    process.stdout.write(scaleText(gpus, 'fifo', days));
    return 0;
  }
  const long = (name: string) => name.startsWith('scale/') && !only.startsWith('scale');
  const replays = Object.keys(REPLAYS).filter((name) => isAskedFor(name, only) && !long(name));
  // The n log n comparison needs its base.
  if (replays.some((name) => name.startsWith('growth/')) && !replays.includes('growth/1000'))
    replays.push('growth/1000');
  const results: Row[] = [
    ...holdResults({ only, quick }),
    ...engineAgainstSimpy({ only, quick, python: process.env.SIMSUP_PYTHON ?? 'python3' }),
    ...againstNLogN(replays.map((name) => inOwnProcess(name, days))),
    ...cycleResults({ only, quick }),
    ...servingResults({ only, quick }),
  ];
  if (results.length === 0) {
    process.stderr.write(`speed: no row is called '${only}'\n\n${HELP}`);
    return 2;
  }
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
  process.stdout.write(told.values.json ? `${JSON.stringify({ machine, results })}\n` : table(results, machine));
  return 0;
}

function inOwnProcess(name: string, days: number): ReplayResult {
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--one', name, String(days)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 24,
  });
  if (child.status !== 0) throw new Error(`speed: ${name} failed`);
  return JSON.parse(child.stdout) as ReplayResult;
}

function table(results: Row[], machine: { cpu: string; cores: number; node: string }): string {
  const lines = [`${machine.cpu}, ${machine.cores} cores, node ${machine.node}`, ''];
  const number = (x: number | null) => (x === null ? '–' : Math.round(x).toLocaleString('en'));
  lines.push(['name', 'size', 'ours', 'theirs', 'ratio', 'rival'].map((h, i) => pad(h, i)).join('  '));
  for (const row of results) {
    const ratio = row.ratio === null ? '–' : row.ratio.toFixed(2);
    const cells = [
      row.name,
      number(row.size),
      `${number(row.ours)} ${row.unit}`,
      number(row.theirs),
      ratio,
      row.skipped ?? row.rival,
    ];
    lines.push(cells.map((cell, i) => pad(cell, i)).join('  '));
    if ('milliseconds' in row)
      lines.push(`    ${row.milliseconds.toFixed(2)} ms each, ${number(row.decisions ?? 0)} decisions`);
    if ('wallSeconds' in row && row.wallSeconds !== undefined) {
      lines.push(
        `    ${row.wallSeconds.toFixed(2)} s${processors(row)}, ${number(row.eventsPerSecond ?? 0)} events/s, peak ${number(row.peakMiB ?? 0)} MiB`,
      );
    }
  }
  const ratios = results
    .filter((row) => row.rival.startsWith('flatqueue') && row.ratio !== null)
    .map((row) => row.ratio as number);
  if (ratios.length > 0) {
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    lines.push(
      '',
      `queue against flatqueue: geometric mean ${mean.toFixed(2)}, worst ${Math.min(...ratios).toFixed(2)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

const processors = (row: Row) =>
  'cpuSeconds' in row && row.cpuSeconds !== undefined ? ` (${row.cpuSeconds.toFixed(2)} s of processors)` : '';

const WIDTHS = [22, 9, 22, 12, 6, 0];
const pad = (text: string, i: number) => (i === 0 || i === 5 ? text.padEnd(WIDTHS[i]) : text.padStart(WIDTHS[i]));

if (process.argv[2] === '--one')
  process.stdout.write(JSON.stringify(await replay(process.argv[3], Number(process.argv[4]))));
else process.exitCode = main();
