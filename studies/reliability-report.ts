/** Reliability as a document, and as what a terminal shows. */
import { type Block, type ReportDocument, tableBlock } from '../reports/document.ts';
import { counted, decimal, percent, span } from '../reports/format.ts';
import type { Estimate } from './break-even.ts';
import { within } from './break-even-report.ts';
import { wholeUsd } from './break-even-study.ts';
import type { ReliabilityStudy, WhatIf } from './reliability.ts';

const hours = (value: number) => decimal(value, 1).replace('-', '−');
const share = (value: number) => percent(value, 2).replace('-', '−');

/** One sentence for each question. */
export function reliabilityVerdicts(study: ReliabilityStudy): string[] {
  const { mttfHours, seconds, ettr, byKind, lostGpuHours } = study;
  const [worst] = byKind;
  const first =
    mttfHours === null
      ? `In ${decimal(study.hours * study.seeds.length)} simulated hours no fault interrupted a job.`
      : `A job is interrupted every ${span(mttfHours * 3600)}; it takes ${span(seconds.detection)} to notice, and ${span(seconds.recovery)} until work goes on.`;
  const second =
    ettr === null
      ? []
      : [
          `Effective training time ratio ${within(ettr, share)}; faults cost ${within(lostGpuHours, hours)} GPU-hours of work a run${
            worst === undefined || (worst.lostGpuHours?.mean ?? 0) === 0 ? '' : `, ${worst.kind} most of all`
          }.`,
        ];
  return [first, ...second, ...study.whatIf.map(whatIfSentence)];
}

function whatIfSentence({ change, workGpuHours, netPerMonth, worthPerMonth }: WhatIf): string {
  if (workGpuHours === null) return `With ${change}: no figure.`;
  const { low, high } = workGpuHours;
  const still = workGpuHours.mean === 0 && low === 0 && high === 0;
  const open = low === null || high === null || (low <= 0 && high >= 0);
  const gain = workGpuHours.mean < 0 ? 'less' : 'more';
  const work = still ? 'the same work' : `${hours(Math.abs(workGpuHours.mean))} GPU-hours of work ${gain} a run`;
  const money =
    netPerMonth === null || worthPerMonth === null || (worthPerMonth.mean === 0 && netPerMonth.mean === 0)
      ? ''
      : `, ${within(netPerMonth, wholeUsd)} a month after what it costs`;
  return `With ${change}: ${work}${money}.${open && !still && low !== null ? ' The seeds do not settle it.' : ''}`;
}

export function reliabilityText(study: ReliabilityStudy): string {
  const rows = study.byKind.map(({ kind, faults, interruptions, lostGpuHours, seconds }) =>
    [
      `  ${kind.padEnd(20)}`,
      ...[faults?.mean, interruptions?.mean, lostGpuHours?.mean].map((v) =>
        (v === undefined ? '–' : decimal(v, 1)).padStart(12),
      ),
      ...[seconds.detection, seconds.recovery, seconds.repair].map((v) => span(v).padStart(12)),
    ].join(''),
  );
  const head = ['faults', 'interrupted', 'GPU-h lost', 'noticed', 'work again', 'node back']
    .map((text) => text.padStart(12))
    .join('');
  return `${[
    `${study.scenario}: reliability over ${counted(study.seeds.length, 'seed')}, a run each of ${decimal(study.hours)} h (simulated)`,
    '',
    ...reliabilityVerdicts(study),
    ...(rows.length === 0 ? [] : ['', `  ${'a run'.padEnd(20)}${head}`, ...rows]),
    ...study.notes.map((note) => `\nNote: ${note}`),
  ].join('\n')}\n`;
}

const ESTIMATE = [
  { name: 'mean', format: 'number2' },
  { name: 'low', format: 'number2' },
  { name: 'high', format: 'number2' },
] as const;
const cells = (e: Estimate) => ({ mean: e?.mean ?? null, low: e?.low ?? null, high: e?.high ?? null });
/** Shares as percent, so that one table holds both. */
const percents = (e: Estimate) =>
  cells(
    e && {
      mean: 100 * e.mean,
      low: e.low === null ? null : 100 * e.low,
      high: e.high === null ? null : 100 * e.high,
      n: e.n,
    },
  );

export function reliabilityDocument(
  study: ReliabilityStudy,
  about: { version: string; command: string; assumptions: readonly string[]; scenarioText?: string },
): ReportDocument {
  const [first, ...others] = reliabilityVerdicts(study);
  const blocks: Block[] = [
    { kind: 'text', text: first, strong: true },
    ...others.map((text): Block => ({ kind: 'text', text })),
    ...study.notes.map((text): Block => ({ kind: 'warning', text })),
    { kind: 'heading', text: 'As it is' },
    tableBlock(
      'figures',
      [{ name: 'figure', title: 'a run' }, ...ESTIMATE],
      [
        { figure: 'ETTR, %', ...percents(study.ettr) },
        { figure: 'availability of GPUs, %', ...percents(study.availability) },
        { figure: 'faults that struck something', ...cells(study.faults) },
        { figure: 'the same in 1,000 node-days', ...cells(study.per1000NodeDays) },
        { figure: 'jobs interrupted', ...cells(study.interruptions) },
        { figure: 'work lost to faults, GPU-hours', ...cells(study.lostGpuHours) },
        { figure: 'dead and not noticed, GPU-hours', ...cells(study.detectingGpuHours) },
        { figure: 'starting and loading, GPU-hours', ...cells(study.restartGpuHours) },
        { figure: 'broken, GPU-hours', ...cells(study.unhealthyGpuHours) },
      ],
    ),
    { kind: 'heading', text: 'Mean time to failure and to repair' },
    tableBlock(
      'mttr',
      [
        { name: 'step', title: 'mean time from the fault until' },
        { name: 'seconds', format: 'number1' },
        { name: 'shown', title: '' },
      ],
      [
        { step: 'it is noticed', seconds: study.seconds.detection, shown: span(study.seconds.detection) },
        { step: 'work goes on', seconds: study.seconds.recovery, shown: span(study.seconds.recovery) },
        { step: 'the node is back in service', seconds: study.seconds.repair, shown: span(study.seconds.repair) },
      ],
    ),
    tableBlock(
      'mttf',
      [{ name: 'job' }, { name: 'hours', title: 'mean hours between interruptions', format: 'number1' }],
      [
        { job: 'any job of the cluster', hours: study.mttfHours },
        ...study.mttfBySize.map(({ gpus, hours: h }) => ({ job: `one job of ${counted(gpus, 'GPU')}`, hours: h })),
      ],
    ),
    { kind: 'heading', text: 'By XID' },
    tableBlock(
      'by kind',
      [
        { name: 'kind', title: 'fault' },
        { name: 'faults', title: 'a run', format: 'number1' },
        { name: 'interruptions', title: 'jobs interrupted', format: 'number1' },
        { name: 'lost', title: 'GPU-hours lost', format: 'number1' },
        { name: 'detection', title: 'noticed after, s', format: 'number1' },
        { name: 'recovery', title: 'work again after, s', format: 'number1' },
        { name: 'repair', title: 'node back after, s', format: 'number1' },
      ],
      study.byKind.map(({ kind, faults, interruptions, lostGpuHours, seconds }) => ({
        kind,
        faults: faults?.mean ?? null,
        interruptions: interruptions?.mean ?? null,
        lost: lostGpuHours?.mean ?? null,
        ...seconds,
      })),
    ),
    { kind: 'heading', text: 'What would help' },
    ...study.whatIf.map(whatIfTable),
    ...(about.scenarioText === undefined
      ? []
      : [{ kind: 'source', name: 'The scenario', text: about.scenarioText } as const]),
  ];
  return {
    title: `Reliability: ${study.scenario}`,
    subtitle: `${counted(study.gpus, 'GPU')}, ${counted(study.seeds.length, 'seed')}, ${percent(study.confidence, 0)} confidence${study.stack === null ? '' : `, as ${study.stack} deals with faults`}`,
    blocks,
    definitions: {
      ETTR: 'effective training time ratio (arXiv 2410.21680): undisturbed time of the work that was done ÷ time since it was submitted, jobs weighted by GPUs, training and batch',
      interruption:
        'a job that a fault stopped; a fault that stops two jobs interrupts twice. Stragglers and outages only hold jobs up',
      'mean time to failure':
        'simulated hours ÷ interruptions; of one job of n GPUs: allocated GPU-hours ÷ interruptions ÷ n',
      'mean time to repair': 'mean over faults for which it came to that in the run',
      'GPU-hours lost': 'work done since the last checkpoint that survived, by the fault that took it',
      'hot spare':
        'a node kept out of use; action HotSpare puts a struck job on it at once, and reschedules where no spare is left. Its own price counts. Where the scenario has another action, the change of the action is told apart from the spare',
      'half the time': 'exporter, scraper, exits, silent nodes and timeouts of collectives all at half their time',
      interval: "Student's t over seeds; differences are taken within each seed, on the same candidate faults",
    },
    assumptions: about.assumptions,
    provenance: {
      scenario: study.scenario,
      version: about.version,
      seeds: study.seeds,
      digests: study.digests,
      command: about.command,
    },
  };
}

function whatIfTable(w: WhatIf): Block {
  return tableBlock(
    w.change,
    [{ name: 'figure', title: w.change }, ...ESTIMATE],
    [
      { figure: 'ETTR, points', ...percents(w.ettr) },
      { figure: 'work, GPU-hours a run', ...cells(w.workGpuHours) },
      { figure: 'work lost to faults, GPU-hours a run', ...cells(w.lostGpuHours) },
      { figure: 'dead and not noticed, GPU-hours a run', ...cells(w.detectingGpuHours) },
      { figure: 'worth of the work, $ a month', ...cells(w.worthPerMonth) },
      { figure: 'costs more, $ a month', ...cells(w.costPerMonth) },
      { figure: 'net, $ a month', ...cells(w.netPerMonth) },
    ],
  );
}
