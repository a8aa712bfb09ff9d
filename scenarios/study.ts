/** A `Study` → its points: every one a scenario with some fields changed, each to be run with every seed. */

import { exp, log } from '../sim/engine/math.ts';
import { openStream } from '../sim/engine/random.ts';
import { SECOND_US } from '../sim/scenario.ts';
import { documentsOf, newReport, type Report } from './documents.ts';
import { placesOf, shown } from './paths.ts';
import { ScenarioError } from './problem.ts';
import { readDocuments } from './read.ts';
import { type Accepted, MAX_RUNS, type RangeInput, type SpreadInput } from './schema.ts';
import { parseDuration, quote, UnitError } from './units.ts';
import type { Point, Variants } from './variants.ts';
import type { Plain, SourceDocument } from './yaml.ts';

export interface Study {
  name: string;
  /** Paths that are varied, in the order in which they are written. */
  axes: string[];
  /** No two alike. Each sets the axes it has. */
  points: Point[];
  seeds: string[];
  /** Ids; empty = all. */
  figures: string[];
  confidence: number;
  scaleQuotas: boolean;
  /** As written. */
  targets: string[];
}

export type StudyDocument = { data: Accepted['Study']; source: SourceDocument };

/** The one Study of a text, unread; undefined where it has none. Throws `ScenarioError` for two. */
export function studyDocument(text: string, file: string): StudyDocument | undefined {
  const studies = documentsOf(readDocuments(text, { file }), 'Study');
  const report = newReport();
  for (const { source } of studies.slice(1)) report.at(source, ['kind'], 'a second Study', 'one Study in a file');
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
  return studies[0];
}

/** The Study's points, checked against the scenario they change. Throws `ScenarioError` at the Study's own lines. */
export function compileStudy({ data, source }: StudyDocument, variants: Variants): Study {
  const { spec } = data;
  const report = newReport();
  const axes: string[] = [];
  const axis = (path: string, at: (string | number)[]) => {
    if (axes.includes(path)) return;
    axes.push(path);
    const places = placesOf(variants.docs, path);
    if (!Array.isArray(places)) report.add({ file: source.file, ...source.locate(at, true), path: 'spec', ...places });
  };
  /** Nodes come whole, loads need not: what lies between 1 and 2 is for the field to say. */
  const takesFractions = (path: string) => (value: string) => variants.check({ [path]: value }).length === 0;
  const gridAt = (path: string) => ['spec', 'grid', path];
  const grid = Object.entries(spec.grid).map(([path, values]) => {
    axis(path, gridAt(path));
    return {
      path,
      values: Array.isArray(values)
        ? (values as Plain[])
        : spreadValues(values, gridAt(path), source, report, takesFractions(path)),
    };
  });
  spec.list.forEach((point, i) => {
    for (const path of Object.keys(point)) axis(path, ['spec', 'list', i, path]);
  });
  const { latinHypercube } = spec;
  const sampled = Object.entries(latinHypercube?.ranges ?? {});
  for (const [path] of sampled) axis(path, ['spec', 'latinHypercube', 'ranges', path]);
  for (const path of axes) {
    const ways = [spec.grid, ...spec.list.slice(0, 1), latinHypercube?.ranges ?? {}].filter((w) =>
      Object.hasOwn(w, path),
    );
    if (ways.length > 1)
      report.at(
        source,
        ['spec'],
        `${quote(path)} varied in two ways`,
        'each path in one of grid, list and latinHypercube',
      );
  }
  if (axes.length === 0) report.at(source, ['spec'], 'nothing to vary', 'a grid, a list or a latinHypercube');
  const hypercube =
    latinHypercube === undefined
      ? [{}]
      : samplePoints(sampled, latinHypercube.points, latinHypercube.seed, source, report, takesFractions);
  if (sampled.length === 0 && latinHypercube !== undefined)
    report.at(source, ['spec', 'latinHypercube', 'ranges'], 'no ranges', 'at least one path with from and to');
  const seeds =
    typeof spec.seeds === 'number' ? Array.from({ length: spec.seeds }, (_, i) => String(i + 1)) : spec.seeds;
  const twice = seeds.find((seed, i) => seeds.indexOf(seed) !== i);
  if (twice !== undefined) report.at(source, ['spec', 'seeds'], `seed ${quote(twice)} twice`, 'each seed once');
  const list = spec.list.length === 0 ? [{}] : (spec.list as Point[]);
  const many = grid.reduce((n, { values }) => n * values.length, list.length * hypercube.length) * seeds.length;
  if (many > MAX_RUNS) report.at(source, ['spec'], `${many} runs`, `at most ${MAX_RUNS}: points times seeds`);
  if (report.problems.length > 0) throw new ScenarioError(report.problems);

  const points = crossed(grid, list, hypercube);
  checkValues(points, axes, spec, source, variants, report);
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
  return {
    name: data.metadata.name ?? '',
    axes,
    points,
    seeds,
    figures: spec.figures,
    confidence: spec.confidence,
    scaleQuotas: spec.quotas === 'in-proportion',
    targets: spec.targets,
  };
}

/** Every list entry with every sample with every combination of the grid, the last axis fastest; equal ones once. */
function crossed(
  grid: readonly { path: string; values: readonly Plain[] }[],
  list: readonly Point[],
  hypercube: readonly Point[],
): Point[] {
  let points: Point[] = list.flatMap((entry) => hypercube.map((sample) => ({ ...entry, ...sample })));
  for (const { path, values } of grid) points = points.flatMap((p) => values.map((value) => ({ ...p, [path]: value })));
  const seen = new Set<string>();
  return points.filter((point) => {
    const key = pointKey(point);
    return !seen.has(key) && seen.add(key);
  });
}

/** The same text for the same point, in whatever order its paths were written. */
export function pointKey(point: Point): string {
  return JSON.stringify(
    Object.keys(point)
      .sort()
      .map((path) => [path, point[path]]),
  );
}

/** Each value by itself in the scenario: one that no field takes is found here, at its own line. */
function checkValues(
  points: readonly Point[],
  axes: readonly string[],
  spec: Accepted['Study']['spec'],
  source: SourceDocument,
  variants: Variants,
  report: Report,
): void {
  for (const path of axes) {
    const seen = new Set<string>();
    for (const point of points) {
      const value = point[path];
      if (value === undefined || seen.has(shown(value))) continue;
      seen.add(shown(value));
      const [problem] = variants.check({ [path]: value });
      if (problem === undefined) continue;
      const values = spec.grid[path];
      const inList = spec.list.findIndex((p) => p[path] === value);
      const at = Array.isArray(values)
        ? ['spec', 'grid', path, values.indexOf(value)]
        : inList >= 0
          ? ['spec', 'list', inList, path]
          : values !== undefined
            ? ['spec', 'grid', path]
            : ['spec', 'latinHypercube', 'ranges', path];
      const { found, expected, nearest } = problem;
      report.add({ file: source.file, ...source.locate(at), path, found, expected, ...(nearest && { nearest }) });
    }
  }
}

// ── ranges ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A range of numbers of one unit: `2` to `8`, `10m` to `2h`, `$2/h` to `$6/h`. */
interface NumberRange {
  from: number;
  to: number;
  /** Both ends are whole and the field takes no fraction, so that what lies between is whole, too. */
  whole: boolean;
  write(x: number): string;
}

const WITH_UNIT = /^(\$?)(-?(?:\d+(?:\.\d*)?|\.\d+))(.*)$/;

function numberRange(
  { from, to, scale }: RangeInput,
  at: (string | number)[],
  source: SourceDocument,
  report: Report,
  takes: (fraction: string) => boolean,
): NumberRange | undefined {
  const a = WITH_UNIT.exec(from.trim());
  const b = WITH_UNIT.exec(to.trim());
  let range: NumberRange | undefined;
  if (a !== null && b !== null && a[1] === b[1] && a[3] === b[3]) {
    const integers = a[3] === '' && a[1] === '' && /^-?\d+$/.test(a[2]) && /^-?\d+$/.test(b[2]);
    const whole = integers && !takes(plainNumber(Number(a[2]) + 0.5));
    range = { from: Number(a[2]), to: Number(b[2]), whole, write: (x) => `${a[1]}${plainNumber(x)}${a[3]}` };
  } else {
    try {
      const seconds = (text: string) => parseDuration(text) / SECOND_US;
      range = { from: seconds(from), to: seconds(to), whole: true, write: (x) => `${plainNumber(x)}s` };
    } catch (error) {
      if (!(error instanceof UnitError)) throw error;
      report.at(source, at, `a range from ${quote(from)} to ${quote(to)}`, 'two numbers of the same unit');
      return undefined;
    }
  }
  if (!(range.to > range.from)) {
    report.at(source, at, `a range from ${quote(from)} to ${quote(to)}`, 'a range that ends above where it begins');
    return undefined;
  }
  if (scale === 'log' && range.from <= 0) {
    report.at(source, at, `a logarithmic range from ${quote(from)}`, 'a range that begins above 0');
    return undefined;
  }
  return range;
}

/** At most six digits after the point, and no exponent. */
function plainNumber(x: number): string {
  return x.toFixed(6).replace(/\.?0+$/, '');
}

/** The value a share of the way from the beginning of a range to its end. */
function between({ from, to }: NumberRange, scale: 'linear' | 'log', share: number): number {
  return scale === 'log' ? exp(log(from) + (log(to) - log(from)) * share) : from + (to - from) * share;
}

const MOST_VALUES = 10_000;

function spreadValues(
  spread: SpreadInput,
  at: (string | number)[],
  source: SourceDocument,
  report: Report,
  takes: (fraction: string) => boolean,
): string[] {
  const range = numberRange(spread, at, source, report, takes);
  if (range === undefined) return [];
  const { step, steps, scale } = spread;
  if ((step === undefined) === (steps === undefined)) {
    report.at(
      source,
      at,
      step === undefined ? 'neither step nor steps' : 'step and steps',
      'one of them: how far apart, or how many values',
    );
    return [];
  }
  if (steps !== undefined) {
    const values = Array.from({ length: steps }, (_, i) => between(range, scale, i / (steps - 1)));
    return [...new Set(values.map((x) => range.write(range.whole ? Math.round(x) : x)))];
  }
  const width = stepWidth(step as string, range);
  if (!(width > 0) || (range.to - range.from) / width > MOST_VALUES || scale === 'log') {
    const expected =
      scale === 'log'
        ? 'steps (how many values) for a logarithmic range'
        : `a step of the range's unit that makes at most ${MOST_VALUES} values`;
    report.at(source, [...at, 'step'], `a step of ${quote(step as string)}`, expected);
    return [];
  }
  const values: string[] = [];
  // Counted, so that rounding does not add up.
  for (let i = 0; range.from + i * width <= range.to * (1 + 1e-12); i++)
    values.push(range.write(range.from + i * width));
  return values;
}

function stepWidth(step: string, range: NumberRange): number {
  const match = WITH_UNIT.exec(step.trim());
  if (match !== null && (match[3] === '' || range.write(1) === `${match[1]}1${match[3]}`)) return Number(match[2]);
  try {
    // Of durations, whatever their units.
    return range.write(1) === '1s' ? parseDuration(step) / SECOND_US : Number.NaN;
  } catch {
    return Number.NaN;
  }
}

/**
 * Latin hypercube (McKay, Beckman and Conover 1979): of `count` points, each range's `count` equal parts hold one. Each path
 * has its own stream, so that another range does not shift the others.
 */
function samplePoints(
  ranges: readonly (readonly [string, RangeInput])[],
  count: number,
  seed: string,
  source: SourceDocument,
  report: Report,
  takesFractions: (path: string) => (value: string) => boolean,
): Point[] {
  const columns = ranges.map(([path, given]) => {
    const range = numberRange(given, ['spec', 'latinHypercube', 'ranges', path], source, report, takesFractions(path));
    if (range === undefined) return [];
    const stream = openStream(seed, `latin-hypercube/${path}`);
    const part = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = stream.integer(i + 1);
      [part[i], part[j]] = [part[j], part[i]];
    }
    return part.map((p) => {
      const share = (p + stream.next()) / count;
      // Whole values: each as wide a part of the range as any other.
      if (range.whole && given.scale === 'linear')
        return range.write(Math.min(range.to, Math.floor(range.from + share * (range.to - range.from + 1))));
      const x = between(range, given.scale, share);
      return range.write(range.whole ? Math.round(x) : x);
    });
  });
  if (columns.some((column) => column.length === 0)) return [{}];
  return Array.from({ length: count }, (_, i) => Object.fromEntries(ranges.map(([path], k) => [path, columns[k][i]])));
}
