/** `simsup report matrix`: which stack for which size, teams and work; where Mission Control is overkill. */
import { Command } from 'commander';
import { UserError } from '../../scenarios/import/import.ts';
import { quote } from '../../scenarios/units.ts';
import { COMPARED_STACKS } from '../../sim/policy/recovery/compared.ts';
import { type CellResult, cellStudy } from '../../studies/matrix.ts';
import { type Cell, cellScenario, WORKS, type Work } from '../../studies/matrix-cell.ts';
import { type MatrixReport, matrixDocument, matrixText } from '../../studies/matrix-report.ts';
import { commandLine, type DocumentFlags, withDocumentOptions, writeDocument } from '../host/documents.ts';
import { confidenceOption, wholeOption } from '../host/options.ts';
import { packageVersion } from '../host/package-version.ts';
import { seedsFrom, withPool } from '../host/study.ts';

interface Flags extends DocumentFlags {
  sizes: number[];
  teams: number[];
  work: Work[];
  load: number;
  price: number;
  licence?: number;
  days: number;
  seeds: number;
  firstSeed: number;
  confidence: number;
  threads?: number;
  scenario?: string;
  json?: boolean;
}

const SUBJECT = 'mission-control';
const BASELINE = 'vanilla-kubernetes';
const GPU_MODEL = 'H200-SXM5';

export function matrixCommand(): Command {
  const command = new Command('matrix')
    .description(
      'the decision matrix, computed: which stack gives most for its price at each size, number of teams and kind of work',
    )
    .option('--sizes <list>', 'GPUs, multiples of 8', wholeList('--sizes', 8, 1024, 8), [8, 32, 128])
    .option('--teams <list>', 'how many teams share it', wholeList('--teams', 1, 64), [1, 3])
    .option('--work <list>', 'training, mixed', workList, [...WORKS])
    .option('--load <share>', 'of the GPU-hours that the work asks for', decimalOption('--load', 2), 0.77)
    .option('--price <usd>', '$ per GPU-hour', decimalOption('--price', 1000), 5.92)
    .option(
      '--licence <usd>',
      '$ per GPU-year of Mission Control (default the list price, 4500)',
      decimalOption('--licence', 1e6),
    )
    .option('--days <n>', 'length of each run', wholeOption('--days', 1, 365), 30)
    .option('--seeds <n>', 'how many seeds, each run under every stack', wholeOption('--seeds', 1, 10_000), 4)
    .option('--first-seed <n>', 'seeds are this number and those after it', wholeOption('--first-seed', 0, 1e9), 1)
    .option('--confidence <share>', 'of the intervals, such as 0.95', confidenceOption, 0.95)
    .option('--threads <n>', 'runs at the same time (default: all cores)', wholeOption('--threads', 1, 1024))
    .option('--scenario <cell>', 'prints the scenario of one cell instead, such as 32,3,mixed')
    .option('--json', 'the cells as JSON');
  return withDocumentOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup report matrix --html matrix.html\n  npx simsup report matrix --scenario 32,3,mixed > cell.yaml',
    )
    .action(report);
}

async function report(flags: Flags): Promise<void> {
  const { price, load, days } = flags;
  const cellOptions = { gpuModel: GPU_MODEL, price, load, days };
  if (flags.scenario !== undefined) {
    process.stdout.write(cellScenario(cellNamed(flags.scenario), cellOptions));
    return;
  }
  const stacks = COMPARED_STACKS.map((stack) =>
    stack.name === SUBJECT && flags.licence !== undefined
      ? { ...stack, licenceMicroUsd: Math.round(flags.licence * 1e6) }
      : stack,
  );
  const seeds = seedsFrom(flags.firstSeed, flags.seeds);
  const grid: Cell[] = flags.sizes.flatMap((gpus) =>
    flags.teams.flatMap((teams) => flags.work.map((work) => ({ gpus, teams, work }))),
  );
  const cells: CellResult[] = [];
  for (const cell of grid) {
    const choice = { name: 'matrix', text: cellScenario(cell, cellOptions), allowRead: [] };
    const { confidence } = flags;
    cells.push(
      await withPool(choice, flags.threads, (run) =>
        cellStudy(run, { ...cell, seeds, confidence, stacks, subject: SUBJECT, baseline: BASELINE }),
      ),
    );
  }
  const result: MatrixReport = {
    ...cellOptions,
    cells,
    stacks,
    subject: SUBJECT,
    baseline: BASELINE,
    seeds,
    confidence: flags.confidence,
    version: packageVersion(),
    command: commandLine(process.argv.slice(2)),
  };
  writeDocument(flags, matrixDocument(result));
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ ...cellOptions, seeds, confidence: flags.confidence, cells }, null, 2)}\n`
      : matrixText(result),
  );
}

function cellNamed(text: string): Cell {
  const [gpus, teams, work] = text.split(',').map((part) => part.trim());
  if (!WORKS.includes(work as Work))
    throw new UserError(`--scenario ${quote(text)}: expected GPUs, teams and work, such as 32,3,mixed`);
  return {
    gpus: wholeList('--scenario', 8, 1024, 8)(gpus)[0],
    teams: wholeList('--scenario', 1, 64)(teams)[0],
    work: work as Work,
  };
}

const wholeList =
  (option: string, least: number, most: number, step = 1) =>
  (text: string): number[] => {
    const values = text.split(',').map((part) => (/^\s*\d{1,6}\s*$/.test(part) ? Number(part) : Number.NaN));
    if (!values.every((n) => n >= least && n <= most && n % step === 0)) {
      const multiples = step > 1 ? `multiples of ${step}` : 'whole numbers';
      throw new UserError(`${option} ${quote(text)}: expected ${multiples} from ${least} to ${most}, comma between`);
    }
    return [...new Set(values)];
  };

function workList(text: string): Work[] {
  const named = text.split(',').map((part) => part.trim());
  const wrong = named.find((name) => !WORKS.includes(name as Work));
  if (wrong !== undefined) throw new UserError(`--work ${quote(wrong)}: expected one or both of ${WORKS.join(', ')}`);
  return [...new Set(named)] as Work[];
}

const decimalOption =
  (option: string, most: number) =>
  (text: string): number => {
    const value = /^\d{1,9}(\.\d{1,6})?$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!(value <= most)) throw new UserError(`${option} ${quote(text)}: expected a decimal number from 0 to ${most}`);
    return value;
  };
