/**
 * Two or more ways of running the same work, judged seed by seed. Arrivals and candidate faults are equal for all of them
 * at one seed (common random numbers), so the difference within a seed is the treatment's, and the spread of those
 * differences over seeds says how sure it is.
 */
import { counted, decimal, dollars, percent, span } from '../reports/format.ts';
import type { FigureSpec } from './figures.ts';
import { type Interval, meanInterval, valuesNeeded } from './stats.ts';

/** The figures of one run by id; null where the run has none. */
export type Figures = Record<string, number | null>;

/** All runs of one variant, in the order of the seeds. */
export interface VariantRuns {
  name: string;
  runs: readonly Figures[];
}

export type Verdict = 'better' | 'worse' | 'no difference' | 'too few seeds' | 'not measured';

export interface Difference {
  figure: string;
  label: string;
  unit: FigureSpec['unit'];
  /** Mean over seeds. */
  baseline: number | null;
  variant: number | null;
  /** Paired: variant minus baseline within a seed. null where a run has no such figure. */
  difference: Interval | null;
  /** The same as a share of the baseline's mean; null where that is 0. */
  relative: Interval | null;
  verdict: Verdict;
  /** With too few seeds: about how many would tell a difference of this size; null where nothing can be said. */
  seedsNeeded: number | null;
  sentence: string;
}

export interface Comparison {
  baseline: string;
  seeds: string[];
  confidence: number;
  variants: { name: string; differences: Difference[] }[];
  notes: string[];
}

export function compareRuns(
  specs: readonly FigureSpec[],
  seeds: readonly string[],
  baseline: VariantRuns,
  variants: readonly VariantRuns[],
  confidence = 0.95,
): Comparison {
  const notes: string[] = [];
  if (seeds.length === 1)
    notes.push('One seed shows a difference but not whether it is chance: use --seeds 5 or more.');
  const alike = seeds.length > 1 && baseline.runs.every((run) => sameFigures(run, baseline.runs[0]));
  if (alike)
    notes.push(
      'All seeds gave the baseline the same figures: this scenario leaves nothing to chance, so differences are exact for this work and say nothing about other weeks.',
    );
  return {
    baseline: baseline.name,
    seeds: [...seeds],
    confidence,
    variants: variants.map((variant) => ({
      name: variant.name,
      differences: specs.map((spec) => differenceOf(spec, baseline.runs, variant.runs, confidence)),
    })),
    notes,
  };
}

function sameFigures(a: Figures, b: Figures): boolean {
  return Object.keys(a).every((id) => a[id] === b[id]);
}

function differenceOf(
  spec: FigureSpec,
  baseline: readonly Figures[],
  variant: readonly Figures[],
  confidence: number,
): Difference {
  const pairs = baseline.map((run, i) => [run[spec.id], variant[i][spec.id]] as const);
  const common = { figure: spec.id, label: spec.label, unit: spec.unit };
  const whole = pairs.filter((pair): pair is readonly [number, number] => pair[0] !== null && pair[1] !== null);
  if (whole.length < pairs.length || whole.length === 0) {
    const mean = (side: 0 | 1) => meanOf(pairs.map((pair) => pair[side]));
    const sentence = `${spec.label}: not every run has it`;
    const none = { difference: null, relative: null, seedsNeeded: null };
    return { ...common, baseline: mean(0), variant: mean(1), ...none, verdict: 'not measured', sentence };
  }
  const differences = whole.map(([before, after]) => after - before);
  const difference = meanInterval(differences, confidence);
  const before = meanOf(whole.map(([b]) => b)) as number;
  const after = meanOf(whole.map(([, a]) => a)) as number;
  const relative = before === 0 ? null : scaled(difference, 1 / Math.abs(before));
  const verdict = verdictOf(difference, spec.better);
  const seedsNeeded =
    verdict === 'too few seeds' ? finite(valuesNeeded(differences, Math.abs(difference.mean), confidence)) : null;
  const row = { ...common, baseline: before, variant: after, difference, relative, verdict, seedsNeeded };
  return { ...row, sentence: sentenceOf(row, confidence) };
}

/** No difference at all is a finding; an interval that holds 0 and more is not. */
function verdictOf(difference: Interval, better: FigureSpec['better']): Verdict {
  if (difference.mean === 0 && (difference.n === 1 || difference.low === difference.high)) return 'no difference';
  if (difference.low <= 0 && difference.high >= 0) return 'too few seeds';
  return difference.mean < 0 === (better === 'lower') ? 'better' : 'worse';
}

type Row = Omit<Difference, 'sentence'>;

function sentenceOf(row: Row, confidence: number): string {
  const { label, unit, difference, relative, verdict } = row;
  const from = `${amount(row.baseline as number, unit)} → ${amount(row.variant as number, unit)}`;
  if (verdict === 'no difference') return `${label}: the same in every run (${amount(row.baseline as number, unit)})`;
  const { mean, low, high, n } = difference as Interval;
  const direction = mean < 0 ? 'lower' : 'higher';
  const sure = `${Math.round(confidence * 100)} % CI`;
  if (n === 1) return `${label}: ${by(mean, relative?.mean ?? null, unit)} ${direction} in the one run (${from})`;
  if (verdict === 'too few seeds') {
    const needed = row.seedsNeeded === null ? '' : `; about ${counted(row.seedsNeeded, 'seed')} would tell`;
    return `${label}: ${n} seeds cannot tell (${from}, ${sure} of the difference ${signed(low, unit)} to ${signed(high, unit)}${needed})`;
  }
  const bounds =
    relative === null
      ? `${amount(Math.min(Math.abs(low), Math.abs(high)), unit)} to ${amount(Math.max(Math.abs(low), Math.abs(high)), unit)}`
      : `${percentRange(relative)}`;
  const better = verdict === 'better' ? 'better' : 'worse';
  return `${label}: ${by(mean, relative?.mean ?? null, unit)} ${direction}, ${sure} ${bounds} (${from}; ${better})`;
}

function by(mean: number, relative: number | null, unit: FigureSpec['unit']): string {
  return relative === null ? amount(Math.abs(mean), unit) : percent(Math.abs(relative));
}

function percentRange({ low, high }: Interval): string {
  const [least, most] = [Math.abs(low), Math.abs(high)].sort((a, b) => a - b);
  return `${(100 * least).toFixed(1)} to ${percent(most)}`;
}

/** A figure as a person reads it. */
export function amount(value: number, unit: FigureSpec['unit']): string {
  if (unit === 's') return span(value);
  if (unit === 'share') return percent(value);
  if (unit === '$') return dollars(value);
  return `${decimal(value, Math.abs(value) < 100 ? 1 : 0)}${unit === 'jobs' ? '' : ` ${unit}`}`;
}

function signed(value: number, unit: FigureSpec['unit']): string {
  return `${value < 0 ? '−' : '+'}${amount(Math.abs(value), unit)}`;
}

function scaled({ mean, low, high, n }: Interval, by: number): Interval {
  return { mean: mean * by, low: low * by, high: high * by, n };
}

function meanOf(values: readonly (number | null)[]): number | null {
  const there = values.filter((v): v is number => v !== null);
  return there.length === 0 ? null : there.reduce((sum, v) => sum + v, 0) / there.length;
}

function finite(n: number): number | null {
  return Number.isFinite(n) ? n : null;
}
