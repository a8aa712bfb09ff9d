/** The break-even as a whole: all stacks, the curve over load, the tornado, other prices, and why it is not as assumed. */
import { counted, decimal, percent } from '../reports/format.ts';
import { CATEGORIES, type Category, type ComparedStack } from '../sim/simulate.ts';
import {
  type AlternativeRow,
  alternativeRows,
  type Bar,
  byStack,
  CURVE_LOADS,
  type Estimate,
  estimate,
  licenceCurve,
  runToOneHorizon,
  type Sides,
  type StackResult,
  stackResult,
  TORNADO,
  tasksOf,
  type Uplift,
  uplift,
} from './break-even.ts';
import type { Figures } from './compare.ts';
import type { Task } from './pool.ts';
import { categoryFigure, digestOf, stalledNotes } from './stack-figures.ts';
import { valuesForHalfWidth, variance } from './stats.ts';
import type { Variation } from './vary.ts';

export interface StudyInput {
  scenario: string;
  /** The run ends when the work does. */
  openEnded: boolean;
  /** Of GPUs; 0 = none has one. */
  meanPriceUsd: number;
  gpus: number;
  stacks: readonly ComparedStack[];
  baseline: string;
  subject: string;
  seeds: readonly string[];
  confidence: number;
  /** $ per GPU-year asked. */
  licence: number;
  /** Useful shares that people assume without and with it. */
  assumed: readonly [number, number];
  /** Runs the curve over load and the tornado, too. */
  sensitivity: boolean;
  vary?: Variation;
}

export interface BreakEvenStudy {
  scenario: string;
  seeds: string[];
  confidence: number;
  gpus: number;
  /** $ per GPU-year. */
  licence: number;
  baseline: string;
  subject: string;
  stacks: StackResult[];
  uplift: Uplift;
  pays: boolean | null;
  /** A few sentences that answer the question, and say what the seeds leave open. */
  verdict: string;
  /** What the difference swings with from seed to seed, as a sentence; null where the seeds settle it, or are fewer than three. */
  swing: string | null;
  byLicence: { licence: number; netPerMonth: Estimate }[];
  /** Break-even of the licence and share of the installed GPU-hours asked for, at times the load. */
  byLoad: { load: number; asked: Estimate; licenceBreakEven: Estimate; netPerMonth: Estimate }[];
  tornado: Bar[];
  alternatives: AlternativeRow[];
  disagreement: { assumed: [number, number]; simulated: [Estimate, Estimate]; reasons: string[] };
  digests: string[];
  notes: string[];
}

type Run = (tasks: readonly Task[]) => Promise<Figures[]>;

export async function breakEvenStudy(run: Run, input: StudyInput): Promise<BreakEvenStudy> {
  const { stacks, seeds, confidence, licence, vary } = input;
  const names = stacks.map(({ name }) => name);
  const at = (name: string) => names.indexOf(name);
  const [b, a] = [at(input.baseline), at(input.subject)];
  const sides: Sides = { baseline: stacks[b], subject: stacks[a], confidence, licence };
  const runs = await runToOneHorizon(run, names, seeds, input.openEnded, vary);
  const gain = uplift(sides, runs[b], runs[a]);
  const results = stacks.map((stack, i) =>
    stackResult(stack, runs[i], i === a ? licence : stack.licenceMicroUsd / 1e6, confidence),
  );
  // Without GPUs or prices there is nothing that could move.
  const moving = input.sensitivity && input.gpus > 0 && input.meanPriceUsd > 0;
  const more = moving ? await sensitivity(run, input, sides, [runs[b], runs[a]], gain) : NOTHING;
  const notes = notesOf(input, runs);
  return {
    scenario: input.scenario,
    seeds: [...seeds],
    confidence,
    gpus: input.gpus,
    licence,
    baseline: input.baseline,
    subject: input.subject,
    stacks: results,
    uplift: gain,
    pays: gain.netPerMonth === null ? null : gain.netPerMonth.mean >= 0,
    verdict: verdictOf(input, sides, gain),
    swing: isSettled(gain.netPerMonth) ? null : swingOf(sides, runs[b], runs[a]),
    byLicence: input.meanPriceUsd > 0 ? licenceCurve(sides, runs[b], runs[a]) : [],
    ...more,
    alternatives: alternativeRows(sides, runs[b], runs[a]),
    disagreement: {
      assumed: [...input.assumed],
      simulated: [results[b].goodput, results[a].goodput],
      reasons: reasonsOf(input, sides, results[b], results[a], runs[b], runs[a]),
    },
    digests: [...runs[b], ...runs[a]].map(digestOf),
    notes,
  };
}

const NOTHING: Pick<BreakEvenStudy, 'byLoad' | 'tornado'> = { byLoad: [], tornado: [] };

/** Prices moved by more than 30 % within a year. */
const PRICE_SWING = 0.3;
/** The guide expects 75–85 % useful with Mission Control: five points about the middle. */
const UTILISATION_POINTS = 0.05;

async function sensitivity(
  run: Run,
  input: StudyInput,
  sides: Sides,
  [before, after]: [Figures[], Figures[]],
  gain: Uplift,
): Promise<Pick<BreakEvenStudy, 'byLoad' | 'tornado'>> {
  const pair = [sides.baseline.name, sides.subject.name];
  const { seeds } = input;
  const variations = new Map<string, Variation>();
  for (const load of CURVE_LOADS) if (load !== 1) variations.set(`load ${load}`, { load });
  for (const { low, high } of TORNADO) {
    for (const [label, vary] of [low, high])
      if (vary.load === undefined) variations.set(`${Object.keys(vary)[0]} ${label}`, vary);
  }
  // Open-ended runs end where they did: what is done by then under another load tells nothing about money.
  const vary = (own: Variation) => ({ ...input.vary, ...own });
  const results = new Map<string, [Figures[], Figures[]]>([['load 1', [before, after]]]);
  if (input.openEnded) {
    for (const [name, own] of variations) {
      results.set(name, (await runToOneHorizon(run, pair, seeds, true, vary(own))) as [Figures[], Figures[]]);
    }
  } else {
    const tasks = [...variations.values()].flatMap((own) => tasksOf(pair, seeds, vary(own)));
    const all = await run(tasks);
    [...variations.keys()].forEach((name, i) => {
      const part = all.slice(i * pair.length * seeds.length, (i + 1) * pair.length * seeds.length);
      results.set(name, byStack(part, 2, seeds.length) as [Figures[], Figures[]]);
    });
  }
  const of = ([label, own]: [string, Variation]) =>
    results.get(own.load === undefined ? `${Object.keys(own)[0]} ${label}` : `load ${own.load}`) as [
      Figures[],
      Figures[],
    ];
  const asStated = [...before, ...after].map(digestOf);
  const bars: Bar[] = TORNADO.map(({ parameter, low, high }) => {
    const side = (changed: [string, Variation]) => {
      const [b, a] = of(changed);
      return { label: changed[0], netPerMonth: uplift(sides, b, a).netPerMonth };
    };
    const idle = [low, high].every((changed) =>
      of(changed)
        .flat()
        .every((run, i) => digestOf(run) === asStated[i]),
    );
    return { parameter, low: side(low), high: side(high), idle };
  });
  const priced = (factor: number) => uplift(sides, before, after, factor).netPerMonth;
  const licensed = (licence: number) => uplift({ ...sides, licence }, before, after).netPerMonth;
  const useful = (points: number) => uplift(sides, before, after, 1, points).netPerMonth;
  bars.push(
    {
      parameter: 'utilisation',
      low: { label: '−5 points', netPerMonth: useful(-UTILISATION_POINTS) },
      high: { label: '+5 points', netPerMonth: useful(UTILISATION_POINTS) },
      idle: false,
    },
    {
      parameter: 'price of a GPU-hour',
      low: { label: `−${percent(PRICE_SWING, 0)}`, netPerMonth: priced(1 - PRICE_SWING) },
      high: { label: `+${percent(PRICE_SWING, 0)}`, netPerMonth: priced(1 + PRICE_SWING) },
      idle: false,
    },
    {
      parameter: 'licence',
      low: { label: 'twice', netPerMonth: licensed(2 * input.licence) },
      high: { label: 'none', netPerMonth: licensed(0) },
      idle: false,
    },
  );
  const base = gain.netPerMonth?.mean ?? 0;
  const width = ({ low, high }: Bar) =>
    Math.max(Math.abs((low.netPerMonth?.mean ?? base) - base), Math.abs((high.netPerMonth?.mean ?? base) - base));
  bars.sort((p, q) => width(q) - width(p) || (p.parameter < q.parameter ? -1 : 1));
  return {
    tornado: bars,
    byLoad: CURVE_LOADS.map((load) => {
      const [b, a] = results.get(`load ${load}`) as [Figures[], Figures[]];
      const { licenceBreakEven, netPerMonth } = uplift(sides, b, a);
      return { load, asked: askedShare(a, input.confidence), licenceBreakEven, netPerMonth };
    }),
  };
}

/** What the work asks for, of the installed GPU-hours. */
const askedShare = (runs: readonly Figures[], confidence: number) =>
  estimate(
    runs.map((r) => {
      const capacity = r['capacity-gpu-hours'] ?? 0;
      return capacity > 0 ? (r['asked-gpu-hours'] ?? 0) / capacity : null;
    }),
    confidence,
  );

/** `$1,234`: whole dollars, as nobody decides by cents. */
export const wholeUsd = (usd: number): string => `${Math.round(usd) < 0 ? '−' : ''}$${decimal(Math.abs(usd))}`;

function verdictOf({ gpus, meanPriceUsd, licence, confidence }: StudyInput, sides: Sides, gain: Uplift): string {
  const { baseline, subject } = sides;
  if (gpus === 0) return 'The cluster has no GPUs: there is nothing to license and nothing to gain.';
  if (meanPriceUsd === 0)
    return 'No GPU has a price, so useful work has no value in dollars: give pools a price, or --price.';
  const { licenceBreakEven: even, netPerMonth: net, usd } = gain;
  if (even === null || net === null || usd === null)
    return `Not every run has the figures: whether ${subject.title} pays cannot be said.`;
  const sure = `${percent(confidence, 0)} CI`;
  const bounds = (e: NonNullable<Estimate>) =>
    e.low === null || e.high === null ? 'one seed, no interval' : `${sure} ${wholeUsd(e.low)} to ${wholeUsd(e.high)}`;
  const unsettled = !isSettled(net);
  const chance = unsettled
    ? ` ${counted(net.n, 'seed')} do not settle it: the interval holds both signs${wouldSettle(net, confidence)}. ${known(even, subject)}`
    : '';
  if (even.mean <= 0) {
    const less = Math.round(usd.mean) < 0 ? 'less ' : '';
    return (
      `${subject.title} does not pay here at any licence price: against ${baseline.title} it gives ${wholeUsd(Math.abs(usd.mean))} ${less}of useful work ` +
      `and its people cost ${wholeUsd(gain.peopleUsd?.mean ?? 0)} more over the simulated time (break-even ${wholeUsd(even.mean)} per GPU-year, ${bounds(even)}).${chance}`
    );
  }
  const on = unsettled ? ' on average' : '';
  const pays = net.mean >= 0 ? `pays${on}` : `does not pay${on}`;
  return (
    `At ${wholeUsd(licence)} per GPU-year ${subject.title} ${pays}: ${wholeUsd(net.mean)} a month (${bounds(net)}); ` +
    `it breaks even with ${baseline.title} at ${wholeUsd(even.mean)} per GPU-year (${bounds(even)}).${chance}`
  );
}

/** Its interval does not hold both signs. */
const isSettled = (net: Estimate) =>
  net === null || net.low === null || net.high === null || net.low >= 0 || net.high <= 0;

/** What the interval of the break-even rules out. */
function known({ low, high }: NonNullable<Estimate>, { title }: ComparedStack): string {
  if (low === null || high === null) return '';
  return low > 0
    ? `What they tell: ${title} pays up to ${wholeUsd(low)} per GPU-year, and no longer from ${wholeUsd(high)} on.`
    : `They do not even tell whether ${title} gives more than its people cost; from ${wholeUsd(Math.max(0, high))} per GPU-year on it does not pay.`;
}

/** About how many seeds would tell the mean from nothing, judged by the spread of those at hand. */
function wouldSettle({ mean, low, high, n }: NonNullable<Estimate>, confidence: number): string {
  if (low === null || high === null || mean === 0) return '';
  const needed = valuesForHalfWidth((high - low) / 2, n, Math.abs(mean), confidence);
  return needed > MOST_SEEDS ? `; even ${decimal(MOST_SEEDS)} would hardly do` : `; about ${decimal(needed)} would do`;
}

const MOST_SEEDS = 2000;

function notesOf({ openEnded, seeds, stacks }: StudyInput, runs: readonly (readonly Figures[])[]): string[] {
  const notes: string[] = [];
  if (seeds.length === 1) notes.push('One seed says nothing about chance: use --seeds 5 or more.');
  if (openEnded)
    notes.push(
      'The scenario runs until its work is done; stacks are compared at the moment at which the first of them has done all of it.',
    );
  stacks.forEach(({ title }, i) => {
    notes.push(...stalledNotes(title, runs[i]));
  });
  return notes;
}

const WHY: Partial<Record<Category, string>> = {
  reserved: 'half-started gangs that hold GPUs',
  'idle-allocated': 'GPUs held and not used',
  lost: 'work done and lost',
  detecting: 'dead jobs that nobody has noticed',
  restart: 'starting and loading',
  unhealthy: 'GPUs that wait for repair',
  free: 'GPUs that nobody holds',
  draining: 'GPUs closed to new work',
  checkpoint: 'writing checkpoints',
  'serving-idle': 'replicas without requests',
};

/** The category of the ledger whose difference between the two is the most uneven from seed to seed. */
function swingOf({ baseline, subject }: Sides, before: readonly Figures[], after: readonly Figures[]): string | null {
  if (before.length < 3) return null;
  const [most] = CATEGORIES.filter((c) => WHY[c] !== undefined && c !== 'free')
    .map((c) => {
      const more = before.map((b, i) => (b[categoryFigure(c)] ?? 0) - (after[i][categoryFigure(c)] ?? 0));
      const mean = more.reduce((sum, x) => sum + x, 0) / more.length;
      return { c, more, spread: variance(more, mean) };
    })
    .sort((p, q) => q.spread - p.spread);
  if (most.spread === 0) return null;
  const [least, greatest] = [Math.min(...most.more), Math.max(...most.more)].map((h) => decimal(h).replace('-', '−'));
  return `From seed to seed the difference swings most with ${WHY[most.c]} (${most.c}): under ${baseline.title} ${least} to ${greatest} GPU-hours more than under ${subject.title}.`;
}

/** Why the simulated shares are not the assumed ones, largest first. */
function reasonsOf(
  { assumed, confidence, gpus }: StudyInput,
  { baseline, subject }: Sides,
  b: StackResult,
  a: StackResult,
  before: readonly Figures[],
  after: readonly Figures[],
): string[] {
  const capacity = after.reduce((sum, r) => sum + (r['capacity-gpu-hours'] ?? 0), 0) / after.length;
  if (gpus === 0 || capacity === 0 || b.goodput === null || a.goodput === null) return [];
  const reasons: string[] = [];
  const shown = `${percent(b.goodput.mean)} → ${percent(a.goodput.mean)}`;
  reasons.push(
    `Assumed: ${percent(assumed[0], 0)} useful under ${baseline.title}, ${percent(assumed[1], 0)} under ${subject.title}. Simulated: ${shown} of the installed GPU-hours.`,
  );
  const asked = askedShare(after, confidence);
  if (asked !== null && asked.mean < assumed[1])
    reasons.push(
      `The work asks for ${percent(asked.mean)} of the installed GPU-hours (at reference speed): no scheduler can make more useful than is asked for. What is not asked for stays free under every stack, and a licence is paid for it all the same.`,
    );
  const ledger = (a.usefulGpuHours?.mean ?? 0) - (b.usefulGpuHours?.mean ?? 0);
  const work = (a.workGpuHours?.mean ?? 0) - (b.workGpuHours?.mean ?? 0);
  if (Math.abs(ledger - work) > 0.005 * capacity)
    reasons.push(
      `Of the difference in useful GPU-hours (${signed(ledger)}) only ${signed(work)} is work: the rest is the same work done on slower GPUs, which takes more GPU-hours. Money counts the work.`,
    );
  const moved = CATEGORIES.filter((c) => WHY[c] !== undefined)
    .map((c) => ({ c, from: b.categories[c] / capacity, to: a.categories[c] / capacity }))
    .filter(({ from, to }) => Math.abs(to - from) >= 0.005)
    .sort((p, q) => Math.abs(q.to - q.from) - Math.abs(p.to - p.from));
  for (const { c, from, to } of moved.slice(0, 4))
    reasons.push(`${capital(WHY[c] as string)} (${c}): ${percent(from)} → ${percent(to)} of the installed GPU-hours.`);
  const faulty = (runs: readonly Figures[]) =>
    runs.reduce((sum, r) => sum + (r[categoryFigure('unhealthy')] ?? 0) + (r[categoryFigure('detecting')] ?? 0), 0) /
    runs.length;
  reasons.push(
    `Faults: ${decimal(a.faults, 1)} a run struck something; broken and unnoticed GPUs took ${decimal(faulty(before), 0)} → ${decimal(faulty(after), 0)} GPU-hours of ${decimal(capacity, 0)}.`,
  );
  return reasons;
}

const signed = (hours: number) => `${hours < 0 ? '−' : '+'}${decimal(Math.abs(hours))} GPU-h`;
const capital = (text: string) => text[0].toUpperCase() + text.slice(1);
