/** The simulated break-even as a document, and as what a terminal shows. */
import { type CurvePoint, curveChart, stackedBars, tornadoChart } from '../reports/charts.ts';
import { type Block, type ColumnSpec, type ReportDocument, tableBlock } from '../reports/document.ts';
import { counted, decimal, percent, span } from '../reports/format.ts';
import { COLOURS } from '../reports/html.ts';
import { CATEGORIES, type ComparedStack } from '../sim/simulate.ts';
import type { Estimate } from './break-even.ts';
import { type BreakEvenStudy, wholeUsd } from './break-even-study.ts';

export interface LogHeadline {
  scenario: string;
  title: string;
  study: Pick<BreakEvenStudy, 'verdict' | 'uplift' | 'stacks' | 'notes' | 'baseline' | 'subject'>;
  priceUsd: number;
}

export interface BreakEvenReport {
  study: BreakEvenStudy;
  logs: readonly LogHeadline[];
  stacks: readonly ComparedStack[];
  assumptions: readonly string[];
  version: string;
  command: string;
  scenarioText?: string;
}

/** `1,234 (1,100 to 1,368)`; without an interval the mean alone. */
export function within(e: Estimate, show: (value: number) => string): string {
  if (e === null) return '–';
  return e.low === null || e.high === null ? show(e.mean) : `${show(e.mean)} (${show(e.low)} to ${show(e.high)})`;
}

const hours = (value: number) => decimal(value).replace('-', '−');
const share = (value: number) => percent(value).replace('-', '−');

export function breakEvenText({ study, logs, assumptions }: BreakEvenReport): string {
  const width = Math.max(...study.stacks.map(({ title }) => title.length));
  const lines = [
    `${study.scenario}: ${counted(study.seeds.length, 'seed')} under each of ${counted(study.stacks.length, 'stack')}; the same work, the same candidate faults`,
    '',
    study.verdict,
    ...(study.swing === null ? [] : [study.swing]),
    '',
    `${' '.repeat(width)}  ${['useful', 'work done', 'useful share', 'mean wait', 'cost in all', '$ per useful'].map((t) => t.padStart(14)).join('')}`,
    ...study.stacks.map((s) =>
      [
        s.title.padEnd(width),
        ...[
          mean(s.usefulGpuHours, (v) => `${hours(v)} h`),
          mean(s.workGpuHours, (v) => `${hours(v)} h`),
          mean(s.goodput, share),
          mean(s.meanWaitSeconds, span),
          mean(s.cost.total, wholeUsd),
          mean(s.usdPerUsefulGpuHour, (v) => `$${v.toFixed(2)}`),
        ].map((t) => t.padStart(14)),
      ].join(''),
    ),
    '',
    `useful: GPU-hours of the ledger; work done: the same in GPU-hours of the reference GPU, which is what money counts`,
  ];
  if (study.byLoad.length > 0) {
    lines.push('', 'The licence price at which it pays, by load ($ per GPU-year):');
    for (const { load, asked, licenceBreakEven } of study.byLoad) {
      const wanted = asked === null ? '' : `, asks for ${percent(asked.mean, 0)} of the cluster`;
      lines.push(`  ${String(load).padStart(4)} × the load${wanted}: ${within(licenceBreakEven, wholeUsd)}`);
    }
  }
  if (study.tornado.length > 0) {
    lines.push('', `What moves the result (net $ a month, now ${mean(study.uplift.netPerMonth, wholeUsd)}):`);
    for (const { parameter, low, high, idle } of study.tornado) {
      const moved = idle
        ? `nothing: ${low.label} or ${high.label}, ${NO_RUN_DEPENDS}`
        : `${low.label}: ${mean(low.netPerMonth, wholeUsd)}, ${high.label}: ${mean(high.netPerMonth, wholeUsd)}`;
      lines.push(`  ${parameter.padEnd(20)} ${moved}`);
    }
  }
  if (study.disagreement.reasons.length > 0) {
    lines.push('', 'Against what is usually assumed');
    for (const reason of study.disagreement.reasons) lines.push(`- ${reason}`);
  }
  if (logs.length > 0) {
    lines.push('', 'On real logs');
    for (const { title, study: s } of logs) lines.push(`- ${title} ${s.verdict}`);
  }
  const ofLogs = logs.flatMap(({ scenario, study: s }) => s.notes.map((note) => `${scenario}: ${note}`));
  for (const note of [...study.notes, ...ofLogs]) lines.push('', `Note: ${note}`);
  if (assumptions.length > 0) lines.push('', 'Assumed', ...assumptions.map((text) => `- ${text}`));
  return `${lines.join('\n')}\n`;
}

/** To the digest: not one event or decision is another. */
const NO_RUN_DEPENDS = 'the runs are the same, event for event';

const mean = (e: Estimate, show: (value: number) => string) => (e === null ? '–' : show(e.mean));

export const DEFINITIONS: Readonly<Record<string, string>> = {
  'useful GPU-hours': 'productive and serving time of the ledger, work later lost left out',
  'work done':
    'the same work in GPU-hours of the GPU it was measured on: on a faster GPU it takes fewer GPU-hours of the ledger. A deployment with requests counts half of the time of its replicas (a service is busy that much) × the share of requests that met their targets',
  uplift:
    'difference of the work done, within each seed (same arrivals, same candidate faults), each GPU-hour at the price of its reference pool',
  'break-even': 'uplift less what people cost more, ÷ installed GPU-years (8,760 h): the licence that takes all of it',
  net: 'uplift less what people cost more less the licence, in a month of 720 h',
  'useful share': 'useful GPU-hours ÷ installed GPU-hours',
  interval: "Student's t over seeds, paired where two stacks are compared",
  people: 'set-up written off over its life, upkeep by the month, and the time of people for each fault they see to',
};

export function breakEvenDocument(report: BreakEvenReport): ReportDocument {
  const { study, logs, stacks, assumptions, version, command } = report;
  const subject = study.stacks.find(({ name }) => name === study.subject)?.title ?? study.subject;
  const baseline = study.stacks.find(({ name }) => name === study.baseline)?.title ?? study.baseline;
  const blocks: Block[] = [
    { kind: 'text', text: study.verdict, strong: true },
    ...(study.swing === null ? [] : [{ kind: 'text', text: study.swing } as const]),
    ...study.notes.map((text): Block => ({ kind: 'warning', text })),
    { kind: 'heading', text: 'The same work under each stack' },
    stackTable(study),
    {
      kind: 'chart',
      svg: stackedBars(
        study.stacks.map(({ title, categories }) => ({
          label: title,
          parts: CATEGORIES.map((name) => ({ name, value: categories[name], colour: COLOURS[name] })),
        })),
        'where the GPU-hours went, by stack',
      ),
      caption: 'Where every installed GPU-hour went, mean over seeds.',
    },
    { kind: 'heading', text: `What ${subject} gives over ${baseline}` },
    upliftTable(study),
  ];
  if (study.byLicence.length > 0) {
    blocks.push(
      { kind: 'heading', text: 'At which licence price it pays' },
      {
        kind: 'chart',
        svg: curveChart(
          study.byLicence.flatMap(({ licence, netPerMonth }) => point(licence, netPerMonth)),
          {
            label: 'net a month by licence price',
            xTitle: 'licence, $ per GPU-year',
            yTitle: 'net, $ a month',
            x: wholeUsd,
            y: wholeUsd,
            mark: {
              y: 0,
              x: study.licence,
              label: `below this line it does not pay; asked ${wholeUsd(study.licence)}`,
            },
          },
        ),
        caption: 'Net gain a month by licence price, with the confidence interval over seeds.',
      },
      estimatesTable('by licence', 'licence', 'licence, $ per GPU-year', 'net, $ a month', study.byLicence),
    );
  }
  if (study.byLoad.length > 0) blocks.push(...loadBlocks(study));
  if (study.tornado.length > 0) blocks.push(...tornadoBlocks(study));
  blocks.push({ kind: 'heading', text: 'The same cluster elsewhere' }, ...alternativeTables(study));
  if (study.disagreement.reasons.length > 0)
    blocks.push(
      { kind: 'heading', text: 'Where the simulation disagrees with what is assumed, and why' },
      { kind: 'list', items: study.disagreement.reasons },
    );
  if (logs.length > 0)
    blocks.push(
      { kind: 'heading', text: 'On real logs' },
      { kind: 'list', items: logs.map(({ title, study: s }) => [`${title} ${s.verdict}`, ...s.notes].join(' ')) },
    );
  blocks.push({ kind: 'heading', text: 'What the stacks are' }, parametersTable(stacks));
  if (report.scenarioText !== undefined)
    blocks.push({ kind: 'source', name: 'The scenario', text: report.scenarioText });
  return {
    title: `Does ${subject} pay? ${study.scenario}`,
    subtitle: `${counted(study.gpus, 'GPU')}, ${counted(study.seeds.length, 'seed')}, ${counted(stacks.length, 'stack')}; ${percent(study.confidence, 0)} confidence`,
    blocks,
    definitions: DEFINITIONS,
    assumptions: [...assumptions, ...ALWAYS_ASSUMED],
    provenance: { scenario: study.scenario, version, seeds: study.seeds, digests: study.digests, command },
  };
}

const ALWAYS_ASSUMED = [
  'Elsewhere, the same GPU-hours are bought at another price; that other GPU models do the work at another speed is not counted.',
  'Hours of people and $100 an hour are assumptions, not measurements: change them with a Stack document. Mission Control takes a week longer to set up (the guide).',
  'The licence is NVIDIA AI Enterprise’s list price ($4,500 per GPU-year, NVIDIA, Q3 FY24 call) where none is given.',
];

const point = (x: number, e: Estimate): CurvePoint[] =>
  e === null ? [] : [{ x, y: e.mean, low: e.low ?? Number.NaN, high: e.high ?? Number.NaN }];

function stackTable(study: BreakEvenStudy): Block {
  const columns: ColumnSpec[] = [
    { name: 'stack' },
    { name: 'useful', title: 'useful GPU-hours', format: 'number' },
    { name: 'work', title: 'work done, GPU-hours', format: 'number' },
    { name: 'allocation', format: 'share' },
    { name: 'utilisation', format: 'share' },
    { name: 'goodput', title: 'useful share', format: 'share' },
    { name: 'wait', title: 'mean wait, h', format: 'hours' },
    { name: 'unfinished', title: 'jobs unfinished', format: 'number1' },
    { name: 'compute', title: 'compute, $', format: 'number' },
    { name: 'people', title: 'people, $', format: 'number' },
    { name: 'licence', title: 'licence, $', format: 'number' },
    { name: 'perUseful', title: '$ per GPU-hour of work', format: 'usd' },
  ];
  const value = (e: Estimate) => e?.mean ?? null;
  return tableBlock(
    'stacks',
    columns,
    study.stacks.map((s) => ({
      stack: s.title,
      useful: value(s.usefulGpuHours),
      work: value(s.workGpuHours),
      allocation: value(s.allocation),
      utilisation: value(s.utilisation),
      goodput: value(s.goodput),
      wait: s.meanWaitSeconds === null ? null : s.meanWaitSeconds.mean / 3600,
      unfinished: value(s.unfinishedJobs),
      compute: value(s.cost.compute),
      people: value(s.cost.people),
      licence: value(s.cost.licence),
      perUseful: value(s.usdPerUsefulGpuHour),
    })),
  );
}

const ESTIMATE: ColumnSpec[] = [
  { name: 'mean', format: 'number' },
  { name: 'low', format: 'number' },
  { name: 'high', format: 'number' },
];
const cells = (e: Estimate) => ({ mean: e?.mean ?? null, low: e?.low ?? null, high: e?.high ?? null });

function upliftTable({ uplift }: BreakEvenStudy): Block {
  const rows: [string, Estimate][] = [
    ['more work, GPU-hours', uplift.workGpuHours],
    ['worth, $', uplift.usd],
    ['by the ledger, $ (see below)', uplift.ledgerUsd],
    ['people cost more, $', uplift.peopleUsd],
    ['licence breaks even without people, $ per GPU-year', uplift.licenceWithoutPeople],
    ['licence breaks even, $ per GPU-year', uplift.licenceBreakEven],
    ['net at the licence asked, $ a month', uplift.netPerMonth],
  ];
  return tableBlock(
    'uplift',
    [{ name: 'figure', title: 'over the simulated time' }, ...ESTIMATE],
    rows.map(([figure, e]) => ({ figure, ...cells(e) })),
  );
}

function estimatesTable(
  name: string,
  key: 'licence',
  title: string,
  value: string,
  rows: readonly { licence: number; netPerMonth: Estimate }[],
): Block {
  const [mean, ...bounds] = ESTIMATE;
  return tableBlock(
    name,
    [{ name: key, title, format: 'number' }, { ...mean, title: value }, ...bounds],
    rows.map((row) => ({ [key]: row[key], ...cells(row.netPerMonth) })),
  );
}

function loadBlocks(study: BreakEvenStudy): Block[] {
  return [
    { kind: 'heading', text: 'By load' },
    {
      kind: 'chart',
      svg: curveChart(
        study.byLoad.flatMap(({ load, licenceBreakEven }) => point(load, licenceBreakEven)),
        {
          label: 'break-even of the licence by load',
          xTitle: 'times the load of the scenario',
          yTitle: 'breaks even at, $ per GPU-year',
          x: (v) => `${v} ×`,
          y: wholeUsd,
          mark: { y: study.licence, label: `asked: ${wholeUsd(study.licence)}` },
        },
      ),
      caption: 'The licence price at which it pays, by load, with the confidence interval over seeds.',
    },
    tableBlock(
      'by load',
      [
        { name: 'load', title: 'times the load', format: 'number2' },
        { name: 'asked', title: 'asked for, of the cluster', format: 'share' },
        { name: 'mean', title: 'breaks even at, $ per GPU-year', format: 'number' },
        { name: 'low', format: 'number' },
        { name: 'high', format: 'number' },
        { name: 'net', title: 'net, $ a month', format: 'number' },
      ],
      study.byLoad.map(({ load, asked, licenceBreakEven, netPerMonth }) => ({
        load,
        asked: asked?.mean ?? null,
        ...cells(licenceBreakEven),
        net: netPerMonth?.mean ?? null,
      })),
    ),
  ];
}

function tornadoBlocks(study: BreakEvenStudy): Block[] {
  const nan = Number.NaN;
  return [
    { kind: 'heading', text: 'What moves the result' },
    {
      kind: 'chart',
      svg: tornadoChart(
        study.tornado.map(({ parameter, low, high, idle }) => ({
          label: idle ? `${parameter} (changes no run)` : parameter,
          low: low.netPerMonth?.mean ?? nan,
          high: high.netPerMonth?.mean ?? nan,
          lowLabel: low.label,
          highLabel: high.label,
        })),
        study.uplift.netPerMonth?.mean ?? nan,
        { label: 'sensitivity of the net a month', shown: wholeUsd },
      ),
      caption: 'Net $ a month when one thing changes, all else as stated.',
    },
    ...study.tornado
      .filter(({ idle }) => idle)
      .map(
        ({ parameter, low, high }): Block => ({
          kind: 'text',
          text: `${parameter} moves nothing here: with ${low.label} and with ${high.label} ${NO_RUN_DEPENDS}.`,
        }),
      ),
    tableBlock(
      'tornado',
      [
        { name: 'parameter' },
        { name: 'change' },
        { name: 'mean', title: 'net, $ a month', format: 'number' },
        { name: 'low', format: 'number' },
        { name: 'high', format: 'number' },
      ],
      study.tornado.flatMap(({ parameter, low, high }) =>
        [low, high].map(({ label, netPerMonth }) => ({ parameter, change: label, ...cells(netPerMonth) })),
      ),
    ),
  ];
}

function alternativeTables(study: BreakEvenStudy): Block[] {
  const prices = tableBlock(
    'alternatives',
    [
      { name: 'what' },
      { name: 'kind' },
      { name: 'gpu', title: 'GPU' },
      { name: 'price', title: '$ per GPU-hour', format: 'usd' },
      { name: 'month', title: 'all GPUs, $ a month', format: 'number' },
      { name: 'before', title: '$ per GPU-hour of work, baseline', format: 'usd' },
      { name: 'after', title: '… with the licence', format: 'usd' },
      { name: 'even', title: 'licence breaks even at, $ per GPU-year', format: 'number' },
      { name: 'low', format: 'number' },
      { name: 'high', format: 'number' },
    ],
    study.alternatives.map((row) => ({
      what: row.alternative.name,
      kind: row.alternative.kind,
      gpu: row.alternative.gpu,
      price: row.usdPerGpuHour,
      month: row.costPerMonth,
      before: row.baselineUsdPerUseful,
      after: row.subjectUsdPerUseful,
      even: row.licenceBreakEven?.mean ?? null,
      low: row.licenceBreakEven?.low ?? null,
      high: row.licenceBreakEven?.high ?? null,
    })),
  );
  const sources = tableBlock(
    'sources of the prices',
    [{ name: 'what' }, { name: 'date' }, { name: 'source' }],
    study.alternatives.map(({ alternative: { name, date, source } }) => ({ what: name, date, source })),
  );
  return [prices, sources];
}

/** Every value that a Stack document can change, a row each. */
function parametersTable(stacks: readonly ComparedStack[]): Block {
  const seconds = (us: number) => (us < 0 ? 'by a person' : us % 60e6 === 0 ? span(us / 1e6) : `${us / 1e6} s`);
  const rows: [string, (s: ComparedStack) => string][] = [
    ['policy', (s) => s.policy.name],
    ['part of a GPU', (s) => (s.wholeGpus ? 'rounded up' : 'shared')],
    ['an exit is seen after', (s) => seconds(s.settings.exitUs)],
    ['a silent node after', (s) => seconds(s.settings.nodeDownUs)],
    ['a hang after', (s) => seconds(s.settings.hangUs)],
    ['DCGM events', (s) => (s.settings.events ? 'acted on' : 'not used')],
    ['a dead gang', (s) => GANG[s.settings.gang]],
    ['FaultTolerancePolicy', (s) => (s.faultTolerance === 'scenario' ? 'yes' : 'no')],
    ['a broken node', (s) => (s.settings.repairBy === 'person' ? 'a person' : 'BCM')],
    ['a person takes, for each fault', (s) => seconds(s.settings.person.takesUs)],
    ['serving placement', (s) => s.servingPlacement],
    ['set-up', (s) => `${s.operations.setUpHours} h × ${s.operations.engineers}`],
    ['written off over', (s) => span(s.operations.setUpLastsUs / 1e6)],
    ['upkeep a month', (s) => `${s.operations.upkeepHoursPerMonth} h`],
    ['an hour of a person', (s) => `$${s.operations.microUsdPerHour / 1e6}`],
    ['licence per GPU-year', (s) => `$${s.licenceMicroUsd / 1e6}`],
  ];
  return tableBlock(
    'stack parameters',
    [{ name: 'parameter', title: '' }, ...stacks.map(({ name, title }) => ({ name, title }))],
    rows.map(([parameter, of]) => ({ parameter, ...Object.fromEntries(stacks.map((s) => [s.name, of(s)])) })),
  );
}

const GANG: Record<ComparedStack['settings']['gang'], string> = {
  person: 'submitted again by a person',
  requeue: 'requeued',
};
