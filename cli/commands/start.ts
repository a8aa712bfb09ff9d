/** `simsup start`: the headline, for somebody who has typed nothing yet. */
import { relative } from 'node:path';
import { Command } from 'commander';
import { documentHtml } from '../../reports/document.ts';
import { counted, decimal, percent, span } from '../../reports/format.ts';
import { builtins } from '../../scenarios/index.ts';
import { CATEGORIES } from '../../sim/simulate.ts';
import { type BreakEvenReport, breakEvenDocument } from '../../studies/break-even-report.ts';
import { type BreakEvenStudy, breakEvenStudy } from '../../studies/break-even-study.ts';
import { stackAssumptions } from '../../studies/stacks.ts';
import { wholeOption } from '../host/options.ts';
import { writeWhole } from '../host/output.ts';
import { packageVersion } from '../host/package-version.ts';
import { loadScenario, type ScenarioChoice } from '../host/scenario.ts';
import { withPool } from '../host/study.ts';
import { studyOptions } from './report-break-even.ts';

interface Flags {
  seeds: number;
  out: string;
  json?: boolean;
  threads?: number;
}

const SCENARIO = 'mission-control';

export function startCommand(): Command {
  return new Command('start')
    .description('what Mission Control would buy over vanilla Kubernetes on the example cluster, in a few seconds')
    .option('--seeds <n>', 'how many months, drawn anew, under each stack', wholeOption('--seeds', 1, 1000), 12)
    .option('--out <file>', 'where the report goes', 'simsup-report.html')
    .option('--threads <n>', 'runs at the same time (default: all cores)', wholeOption('--threads', 1, 1024))
    .option('--json', 'the figures as JSON')
    .addHelpText('after', '\nExample:\n  npx simsup start')
    .action(start);
}

async function start({ seeds, out, json, threads }: Flags): Promise<void> {
  const choice: ScenarioChoice = { name: SCENARIO, allowRead: [] };
  const scenario = loadScenario(choice);
  const options = studyOptions(scenario, {
    stack: 'vanilla-kubernetes,mission-control',
    seeds,
    firstSeed: 1,
    confidence: 0.95,
    sensitivity: false,
  });
  const study = await withPool(choice, threads, (run) => breakEvenStudy(run, options));
  const report: BreakEvenReport = {
    study,
    logs: [],
    stacks: options.stacks,
    assumptions: [...stackAssumptions(scenario, options.stacks), ...scenario.assumptions],
    version: packageVersion(),
    command: `npx simsup start --seeds ${seeds}`,
    scenarioText: builtins.find(({ name }) => name === SCENARIO)?.text,
  };
  writeWhole(out, [documentHtml(breakEvenDocument(report))]);
  process.stdout.write(json ? `${JSON.stringify(study, null, 2)}\n` : text(study, scenario.title, out));
}

function text(study: BreakEvenStudy, title: string, out: string): string {
  const [before, after] = study.stacks;
  const capacity = CATEGORIES.reduce((sum, c) => sum + after.categories[c], 0);
  const shown = (hours: number) => `${decimal(hours).padStart(9)} ${percent(hours / capacity).padStart(7)}`;
  const rows = CATEGORIES.filter((c) => before.categories[c] >= 0.5 || after.categories[c] >= 0.5);
  const wait = (s: typeof before) => (s.meanWaitSeconds === null ? '–' : span(s.meanWaitSeconds.mean));
  return `${[
    'What would Mission Control buy over vanilla Kubernetes?',
    `The example cluster (32 H200, 16 B200): ${title}`,
    `${counted(study.seeds.length, 'month')} drawn anew, each under both; the same jobs, the same faults.`,
    '',
    study.verdict,
    ...(study.swing === null ? [] : [study.swing]),
    `Jobs wait ${wait(before)} on average under ${before.title}, ${wait(after)} under ${after.title}.`,
    '',
    `Where ${decimal(capacity)} GPU-hours a month went`,
    `  ${''.padEnd(17)}${before.title.padStart(18)}  ${after.title.padStart(18)}`,
    ...rows.map(
      (c) => `  ${c.padEnd(17)}${shown(before.categories[c]).padStart(18)}  ${shown(after.categories[c]).padStart(18)}`,
    ),
    ...study.notes.map((note) => `\nNote: ${note}`),
    '',
    `The report, with what is assumed and why it is not the 60 % → 80 % of the brochure: ${relative('.', out) || out}`,
    '',
    'Next, for your own cluster',
    '  npx simsup init my-cluster.yaml                      a commented scenario to change',
    '  npx simsup import sacct LOG --out mine               or your own log (also csv, swf, philly, …)',
    '  npx simsup report break-even my-cluster.yaml --html break-even.html',
    '  npx simsup compare my-cluster.yaml --stack vanilla-kubernetes,kueue,slurm,runai,mission-control',
    '  npx simsup --help                                    all that it can do',
  ].join('\n')}\n`;
}
