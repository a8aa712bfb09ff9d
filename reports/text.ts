/** The plain summary of a run, as people paste it into a mail: at most 100 columns wide. */

import type { PolicyChoice } from '../sim/scenario.ts';
import { CATEGORIES, type Category, POLICIES } from '../sim/simulate.ts';
import { counted, decimal, dollars, percent, span } from './format.ts';
import { type ProvisioningSummary, provisioningSentences, weekCells } from './provisioning.ts';
import { sloText } from './serving.ts';
import type { QueueSummary, RunSummary } from './summary.ts';

export interface TextOptions {
  /** ANSI colours in the bar and the headings. */
  colour?: boolean;
}

const WIDTH = 100;
const BAR = 80;
const SHOWN_PROJECTS = 20;
const SHOWN_ASSUMPTIONS = 6;
const SHOWN_WAITING = 3;

/** A glyph that can be told from the others without colour, and its ANSI colour. */
export const MARKS: Record<Category, { glyph: string; ansi: number }> = {
  reclaimed: { glyph: 'R', ansi: 35 },
  unhealthy: { glyph: 'U', ansi: 31 },
  provisioning: { glyph: 'P', ansi: 35 },
  productive: { glyph: '█', ansi: 32 },
  lost: { glyph: '×', ansi: 31 },
  checkpoint: { glyph: 'c', ansi: 33 },
  restart: { glyph: 's', ansi: 33 },
  detecting: { glyph: '?', ansi: 31 },
  degraded: { glyph: 'd', ansi: 31 },
  serving: { glyph: '▓', ansi: 36 },
  'serving-idle': { glyph: '▒', ansi: 36 },
  'idle-allocated': { glyph: '░', ansi: 34 },
  terminating: { glyph: 't', ansi: 33 },
  reserved: { glyph: 'r', ansi: 35 },
  draining: { glyph: 'D', ansi: 35 },
  free: { glyph: '·', ansi: 90 },
};

export function textSummary(summary: RunSummary, options: TextOptions = {}): string {
  const paint = (ansi: number, text: string) => (options.colour ? `\x1b[${ansi}m${text}\x1b[0m` : text);
  const heading = (text: string) => ['', paint(1, text)];
  const lines = [
    ...wrap(`${plain(summary.scenario)}: ${plain(summary.title) || 'a simulated cluster'}`, '').map((line) =>
      paint(1, line),
    ),
    ...wrap(
      `${span(summary.simulatedSeconds)} simulated, policy ${plain(summary.policy)}, seed ${plain(summary.seed)}, digest ${summary.digest}`,
      '',
    ),
    ...warnings(summary)
      .flatMap((text) => wrap(`! ${text}`, '  '))
      .map((line) => paint(33, line)),
    '',
    ...figures(summary),
    ...heading(`Where ${decimal(summary.ledger.gpuHours.capacity)} GPU-hours went`),
    ...ledger(summary, paint),
    ...heading('Jobs'),
    ...jobs(summary),
    ...scheduling(summary),
    ...(summary.slo.deployments.length === 0 ? [] : heading('Requests')),
    ...summary.slo.deployments.flatMap(sloText).flatMap((line) => indented(line)),
    ...heading('Projects'),
    ...projects(summary.queues),
    ...heading(summary.cost.total > 0 ? `Cost ${dollars(summary.cost.total)}` : 'Cost: no prices are given'),
    ...cost(summary),
    ...surroundings(summary),
  ];
  if (summary.faults.candidates > 0) lines.push(...heading('Faults'), ...wrap(faultSentence(summary), '  '));
  if (summary.provisioning !== undefined) {
    lines.push(...heading('Provisioning'), ...provisioning(summary.provisioning));
    lines.push(...heading('Week by week'), ...weeks(summary.provisioning));
  }
  if (summary.assumptions.length > 0) {
    lines.push(...heading('Assumed'));
    for (const assumption of summary.assumptions.slice(0, SHOWN_ASSUMPTIONS))
      lines.push(...wrap(`- ${plain(assumption)}`, '  '));
    const more = summary.assumptions.length - SHOWN_ASSUMPTIONS;
    if (more > 0) lines.push(`  … and ${more} more; --json has them all`);
  }
  return `${lines.join('\n')}\n`;
}

/** Policies to compare by name: one as shipped and another, or those between which `split` divides the cluster. */
function rivals(policy: PolicyChoice = { name: 'runai', args: {} }): string[] {
  const { pools } = policy.args as { pools?: Record<string, unknown> };
  if (policy.name === 'split') {
    const parts = Object.values(pools ?? {}).map((part) =>
      typeof part === 'string' ? part : (part as PolicyChoice).name,
    );
    const names = [...new Set(parts)];
    return names.length > 1 ? names : ['kubernetes', 'runai'];
  }
  const known = POLICIES.some(({ name }) => name === policy.name) && policy.name !== 'kubernetes';
  const shipped = known && Object.keys(policy.args).length === 0;
  return ['kubernetes', shipped ? policy.name : 'runai'];
}

/** What to type after a run; `scenario` is what was run, undefined = the default, and `policy` who decided. */
export function nextSteps(scenario?: string, policy?: PolicyChoice): string {
  const steps: [string, string][] = [
    [
      `npx simsup run ${scenario === undefined ? '' : `${scenario} `}--out results`,
      'jobs, samples, a report for the browser',
    ],
    [
      `npx simsup compare ${scenario === undefined ? '' : `${scenario} `}--policy ${rivals(policy).join(',')}`,
      'another scheduler: what differs, and is it real',
    ],
    ['npx simsup init my-cluster.yaml', 'a commented scenario to change and run'],
    ['npx simsup import sacct LOG --out mine', 'your own log (also csv, swf, philly, …)'],
    ['npx simsup run mine/scenario.yaml', 'and what it becomes'],
  ];
  const width = Math.max(...steps.map(([command]) => command.length));
  return ['Next', ...steps.map(([command, does]) => `  ${command.padEnd(width)}   ${does}`)].join('\n').concat('\n');
}

export function warnings(summary: RunSummary): string[] {
  const { jobs } = summary;
  const texts: string[] = [];
  if (summary.partial)
    texts.push(
      `Partial: stopped after ${span(summary.simulatedSeconds)} of simulated time; everything below is up to then.`,
    );
  if (summary.stalled) {
    texts.push(
      `Stalled: ${counted(jobs.counts.pending, 'job')} ${jobs.counts.pending === 1 ? 'waits' : 'wait'} for GPUs, and nothing can happen any more that would give them any.`,
    );
  }
  texts.push(...summary.warnings.map(plain));
  if (jobs.counts.unschedulable > 0) {
    const count = jobs.counts.unschedulable;
    texts.push(`${decimal(count)} ${count === 1 ? 'job' : 'jobs'} can never run on this cluster:`);
    for (const { id, why } of jobs.unschedulable.slice(0, 3)) texts.push(`${plain(id)} asks for ${why}`);
    if (count > 3) texts.push('(--json lists the first ten)');
  }
  return texts;
}

/** How a fault came to somebody's notice. */
const NOTICED = {
  event: 'in the telemetry',
  utilization: 'by low utilisation',
  exit: 'when the process ended',
  silence: 'when the node fell silent',
  timeout: 'when the collective timed out',
  check: 'by a health check',
  results: 'by wrong results',
};

/** What broke, how soon it was known and how soon work went on. */
export function faultSentence({ faults }: RunSummary): string {
  const { total, byKind, detection, noticedBy, recovery, jobsStruck, lostGpuHours } = faults;
  if (total === 0) return 'none took effect';
  const kinds = Object.entries(byKind);
  const most = kinds.slice(0, 3).map(([kind, n]) => `${plain(kind)} ${decimal(n)}`);
  const others = kinds.slice(3).reduce((sum, [, n]) => sum + n, 0);
  if (others > 0) most.push(`others ${decimal(others)}`);
  const took = ({ p50, p95 }: typeof detection, how = '') =>
    p50 === null || p95 === null ? '–' : `${span(p50)} (95 %: ${span(p95)}${how})`;
  const ways = Object.entries(noticedBy).map(([way, n]) => `${decimal(n)} ${NOTICED[way as keyof typeof NOTICED]}`);
  const struck = `${decimal(jobsStruck)} ${jobsStruck === 1 ? 'job' : 'jobs'} struck`;
  return `${decimal(total)} (${most.join(', ')}); ${struck}, ${decimal(lostGpuHours)} GPU-hours lost; noticed after ${took(detection, `; ${ways.join(', ')}`)}, first step again after ${took(recovery)}`;
}

function figures({ figures, ledger, cost }: RunSummary): string[] {
  const useful = ledger.gpuHours.productive + ledger.gpuHours.serving;
  const line = (name: string, value: number, means: string) =>
    `${name.padEnd(12)}${percent(value).padStart(7)}  ${means}`;
  return [
    line('Allocation', figures.allocation.value, 'of installed GPU time was held by jobs'),
    line('Utilisation', figures.utilisation.value, 'of installed GPU time was busy'),
    line(
      'Goodput',
      figures.goodput.value,
      `of installed GPU time did work that lasted${useful > 0 && cost.total > 0 ? `: ${dollars(cost.total / useful)} per useful GPU-hour` : ''}`,
    ),
  ];
}

function ledger({ ledger: { gpuHours } }: RunSummary, paint: (ansi: number, text: string) => string): string[] {
  const present = CATEGORIES.filter((category) => gpuHours[category] > 0);
  const cells = apportion(
    present.map((category) => gpuHours[category]),
    BAR,
  );
  const bar = present
    .map((category, i) => paint(MARKS[category].ansi, MARKS[category].glyph.repeat(cells[i])))
    .join('');
  const lines = [`  ${bar}`];
  const row = (glyph: string, name: string, hours: number) =>
    `  ${glyph} ${name.padEnd(15)}${decimal(hours, 1).padStart(16)} GPU-h ${percent(gpuHours.capacity === 0 ? 0 : hours / gpuHours.capacity).padStart(8)}`;
  for (const category of present) {
    const { glyph, ansi } = MARKS[category];
    lines.push(row(paint(ansi, glyph), category, gpuHours[category]));
  }
  if (gpuHours.fragmented > 0)
    lines.push(`${row(' ', ' fragmented', gpuHours.fragmented)}  of the free: no waiting job fits there`);
  return lines;
}

/** Cells of a bar in proportion, by largest remainder; whatever is above nothing gets at least one. */
export function apportion(amounts: readonly number[], cells: number): number[] {
  const total = amounts.reduce((sum, amount) => sum + amount, 0);
  if (total === 0) return amounts.map(() => 0);
  const shares = amounts.map((amount) => (amount / total) * cells);
  const given = shares.map((share, i) => (amounts[i] > 0 ? Math.max(1, Math.floor(share)) : 0));
  const sum = () => given.reduce((a, b) => a + b, 0);
  const byNeed = shares.map((_, i) => i);
  while (sum() < cells) given[byNeed.sort((a, b) => shares[b] - given[b] - (shares[a] - given[a]) || a - b)[0]]++;
  while (sum() > cells) given[byNeed.sort((a, b) => given[b] - given[a] || a - b)[0]]--;
  return given;
}

function jobs({ jobs }: RunSummary): string[] {
  const { counts } = jobs;
  const parts = [`${decimal(counts.completed)} completed`];
  const others: [number, string][] = [
    [counts.failed, 'failed'],
    [counts.running, 'running'],
    [counts.pending - counts.notSubmitted, 'pending'],
    [counts.unschedulable, 'unschedulable'],
    [counts.notSubmitted, 'not yet submitted'],
  ];
  for (const [count, what] of others) if (count > 0) parts.push(`${decimal(count)} ${what}`);
  const lines = wrap(
    `${counted(counts.total, 'job')}: ${parts.join(', ')}; ${counted(jobs.preemptions, 'preemption')}, ${counted(jobs.restarts, 'restart')}`,
    '  ',
  ).map((line) => (line.startsWith('  ') ? line : `  ${line}`));
  const cell = (value: string) => value.padStart(13);
  lines.push(`  ${''.padEnd(18)}${['mean', 'p50', 'p90', 'p95', 'p99', 'max'].map(cell).join('')}`);
  const times = (x: number | null) => (x === null ? '–' : `${decimal(x, x < 100 ? 2 : 0)} ×`);
  for (const [name, of, show] of [
    ['completion time', jobs.jct, span],
    ['queueing delay', jobs.queueingDelay, span],
    ['slowdown', jobs.slowdown, times],
  ] as const) {
    lines.push(
      `  ${name.padEnd(18)}${[of.mean, of.p50, of.p90, of.p95, of.p99, of.max].map((x) => cell(show(x))).join('')}`,
    );
  }
  return lines;
}

/** What the scheduler wasted, and of whom it says why he waits; nothing where there is nothing to complain of. */
function scheduling({ scheduling: s }: RunSummary): string[] {
  const lines: string[] = [];
  const say = (text: string) => lines.push(...wrap(text, '  '));
  if (s.evictions + s.shrinks > 0)
    say(
      `evicted ${decimal(s.evictions)} times${s.shrinks > 0 ? `, took workers back ${decimal(s.shrinks)} times` : ''}: ` +
        `${decimal(s.evictedGpuHours)} GPU-hours held until then, ${decimal(s.evictedPerGranted, 3)} per GPU-hour granted`,
    );
  if (s.halfStartedGpuHours > 0) say(`half-started gangs held ${decimal(s.halfStartedGpuHours)} GPU-hours`);
  if (s.partlyFreeNodes.max > 0)
    say(
      `nodes partly free: ${decimal(s.partlyFreeNodes.mean, 1)} on average, ${decimal(s.partlyFreeNodes.max)} at most`,
    );
  for (const { id, gpus, seconds, reason } of s.waiting.slice(0, SHOWN_WAITING))
    if (reason !== null)
      say(
        `${plain(id)} (${decimal(gpus)} ${gpus === 1 ? 'GPU' : 'GPUs'}) waits for ${span(seconds)}: ${plain(reason)}`,
      );
  if (s.waiting.length > 0) say('simsup explain tells why a job waited, moved or died');
  return lines.length === 0 ? [] : ['', ...lines.map((line) => (line.startsWith('  ') ? line : `  ${line}`))];
}

function projects(queues: readonly QueueSummary[]): string[] {
  const shown = [...queues].sort((a, b) => total(b) - total(a)).slice(0, SHOWN_PROJECTS);
  const width = Math.min(26, Math.max(7, ...shown.map((queue) => plain(queue.project).length)));
  const row = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(width)}${cells.map((text, i) => text.padStart(i === 0 ? 9 : 12)).join('')}`;
  const lines = [row('', ['jobs', 'deserves', 'GPU-hours', 'borrowed', 'wait p50', 'wait p95'])];
  for (const queue of shown) {
    const name = plain(queue.project);
    lines.push(
      row(name.length > width ? `${name.slice(0, width - 1)}…` : name, [
        decimal(queue.jobs),
        queue.deservedGpus === null ? '–' : `${decimal(queue.deservedGpus)} GPUs`,
        decimal(total(queue)),
        decimal(queue.gpuHours.overQuota),
        span(queue.queueingDelay.p50),
        span(queue.queueingDelay.p95),
      ]),
    );
  }
  if (queues.length > shown.length)
    lines.push(`  … and ${queues.length - shown.length} more with fewer GPU-hours; --json has them all`);
  return lines;
}

function total(queue: QueueSummary): number {
  return queue.gpuHours.inQuota + queue.gpuHours.overQuota;
}

function cost({ cost }: RunSummary): string[] {
  const lines = cost.byPool
    .filter((pool) => pool.usd > 0)
    .map((pool) =>
      costRow(
        plain(pool.pool),
        pool.usd,
        `${decimal(pool.gpuHours)} GPU-h ${plain(pool.gpuModel)} at $${pool.usdPerGpuHour}/h, used or not`,
      ),
    );
  for (const fixed of cost.byFixedCost) lines.push(costRow(plain(fixed.name), fixed.usd, `at $${fixed.usdPerHour}/h`));
  return lines.length > SHOWN_PROJECTS
    ? [...lines.slice(0, SHOWN_PROJECTS), `  … and ${lines.length - SHOWN_PROJECTS} more; --json has them all`]
    : lines;
}

function surroundings(summary: RunSummary): string[] {
  const sentences = surroundingSentences(summary);
  return sentences.length === 0 ? [] : ['', ...sentences.flatMap((line) => wrap(line, '  '))];
}

/** What moved, was taken and was drawn: a sentence each. */
export function surroundingSentences({ energy, storage, spot }: RunSummary): string[] {
  const lines: string[] = [];
  if (energy !== null && energy.kWh > 0) {
    const usd = energy.usd === null ? '' : `, ${dollars(energy.usd)}`;
    lines.push(
      `Energy ${decimal(energy.kWh)} kWh at PUE ${energy.pue}, ${decimal(energy.meanKw, 1)} kW on average, ${decimal(energy.kgCo2 / 1000, 1)} t CO2${usd}`,
    );
  }
  if (storage !== undefined) {
    const { complete, brokenOff, refused } = storage.checkpoints;
    const moved = (direction: string) =>
      storage.transfers.reduce((sum, t) => sum + (t.direction === direction ? Number(t.bytes) : 0), 0) / 1e12;
    const most = storage.transfers.reduce((max, t) => Math.max(max, t.mostTransfers), 0);
    lines.push(
      `Storage: ${decimal(complete)} checkpoints complete, ${decimal(brokenOff)} broken off, ${decimal(refused)} without room; ${decimal(moved('write'), 1)} TB written, ${decimal(moved('read'), 1)} TB read, at most ${most} at once`,
    );
  }
  if (spot !== undefined) {
    lines.push(
      `Spot: ${decimal(spot.notices)} notices, ${decimal(spot.taken)} nodes taken, ${decimal(spot.returned)} returned`,
    );
  }
  return lines;
}

function provisioning(summary: ProvisioningSummary): string[] {
  return provisioningSentences(summary).flatMap((text) => indented(plain(text)));
}

function weeks(summary: ProvisioningSummary): string[] {
  const { head, rows, more } = weekCells(summary);
  const name = (text: string) => (plain(text).length > 20 ? `${plain(text).slice(0, 19)}…` : plain(text));
  const width = Math.max(4, ...rows.map(([, pool]) => name(pool).length));
  const line = ([week, pool, ...cells]: readonly string[]) =>
    `  ${week.padStart(4)}  ${name(pool).padEnd(width)}${cells.map((text, i) => text.padStart([7, 13, 8, 7, 10, 10, 13][i])).join('')}`;
  return [line(head), ...rows.map(line), ...(more > 0 ? [`  … and ${more} more; --json has them all`] : [])];
}

function costRow(name: string, usd: number, why: string): string {
  return `  ${(name.length > 24 ? `${name.slice(0, 23)}…` : name).padEnd(24)}${dollars(usd).padStart(16)}  ${why}`.slice(
    0,
    WIDTH,
  );
}

/** A sentence as a block of its own, two columns further in than it is. */
function indented(text: string): string[] {
  const own = ' '.repeat(text.length - text.trimStart().length);
  return wrap(text.trimStart(), `${own}    `, `${own}  `);
}

/** Words in lines no wider than a mail; the first begins with `first`, the others with `indent`. */
function wrap(text: string, indent: string, first = ''): string[] {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(' ')) {
    if (line !== '' && line.trim() !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = indent + word;
    } else {
      line = lines.length === 0 && line === first ? first + word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Text from a scenario without what would steer a terminal. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ').trim();
}
