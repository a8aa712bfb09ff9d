/** Charts as SVG that prints and follows the page's colours (`currentColor`); scales and shapes are d3's. */
import { area, line, max, min, scaleBand, scaleLinear } from 'd3';
import { escapeHtml } from './page.ts';

const WIDTH = 760;
const HEIGHT = 300;
const LEFT = 84;
const RIGHT = 24;
const TOP = 14;
const BOTTOM = 46;
const ACCENT = '#3f9142';
const BAD = '#c8402f';

export interface CurvePoint {
  x: number;
  y: number;
  /** Of the interval; not finite = not known. */
  low: number;
  high: number;
}

export interface CurveOptions {
  label: string;
  xTitle: string;
  yTitle: string;
  x(value: number): string;
  y(value: number): string;
  /** A level to be told apart from: 0, or a price asked. */
  mark?: { y?: number; x?: number; label: string };
}

const n = (value: number) => value.toFixed(1);
const sized = (height: number, label: string, body: string) =>
  `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(label)}" font-size="12" fill="currentColor">${body}</svg>`;

/** A line with its band. */
export function curveChart(points: readonly CurvePoint[], options: CurveOptions): string {
  if (points.length === 0) return '';
  const banded = points.filter((p) => Number.isFinite(p.low) && Number.isFinite(p.high));
  const ys = [...points.map((p) => p.y), ...banded.flatMap((p) => [p.low, p.high]), options.mark?.y ?? 0];
  const xs = [...points.map((p) => p.x), ...(options.mark?.x === undefined ? [] : [options.mark.x])];
  const [x0, x1] = spread(min(xs) as number, max(xs) as number);
  const [y0, y1] = spread(min(ys) as number, max(ys) as number);
  const x = scaleLinear([x0, x1], [LEFT, WIDTH - RIGHT]);
  const y = scaleLinear([y0, y1], [HEIGHT - BOTTOM, TOP]).nice();
  const band = area<CurvePoint>()
    .x((p) => x(p.x))
    .y0((p) => y(p.low))
    .y1((p) => y(p.high))
    .digits(1);
  const path = line<CurvePoint>()
    .x((p) => x(p.x))
    .y((p) => y(p.y))
    .digits(1);
  const parts = [
    ...y
      .ticks(6)
      .map(
        (t) =>
          `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${n(y(t))}" y2="${n(y(t))}" stroke="currentColor" stroke-opacity=".15"/>` +
          `<text x="${LEFT - 8}" y="${n(y(t) + 4)}" text-anchor="end">${escapeHtml(options.y(t))}</text>`,
      ),
    ...x
      .ticks(8)
      .map(
        (t) =>
          `<text x="${n(x(t))}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${escapeHtml(options.x(t))}</text>`,
      ),
    banded.length > 1 ? `<path d="${band(banded)}" fill="${ACCENT}" fill-opacity=".18"/>` : '',
    `<path d="${path(points)}" fill="none" stroke="${ACCENT}" stroke-width="2"/>`,
    ...points.map((p) => `<circle cx="${n(x(p.x))}" cy="${n(y(p.y))}" r="3" fill="${ACCENT}"/>`),
    markOf(options, x, y),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeHtml(options.xTitle)}</text>`,
    `<text transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(options.yTitle)}</text>`,
  ];
  return sized(HEIGHT, options.label, parts.join(''));
}

function markOf({ mark }: CurveOptions, x: (v: number) => number, y: (v: number) => number): string {
  if (mark === undefined) return '';
  const parts: string[] = [];
  const dashed = 'stroke="currentColor" stroke-dasharray="5 4"';
  if (mark.y !== undefined) {
    parts.push(`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${n(y(mark.y))}" y2="${n(y(mark.y))}" ${dashed}/>`);
    parts.push(`<text x="${WIDTH - RIGHT}" y="${n(y(mark.y) - 5)}" text-anchor="end">${escapeHtml(mark.label)}</text>`);
  }
  if (mark.x !== undefined) {
    parts.push(`<line x1="${n(x(mark.x))}" x2="${n(x(mark.x))}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" ${dashed}/>`);
    if (mark.y === undefined)
      parts.push(`<text x="${n(x(mark.x) + 5)}" y="${TOP + 10}">${escapeHtml(mark.label)}</text>`);
  }
  return parts.join('');
}

/** A single value still needs a scale. */
function spread(low: number, high: number): [number, number] {
  if (low < high) return [low, high];
  const by = Math.max(1, Math.abs(low) * 0.1);
  return [low - by, high + by];
}

export interface TornadoBar {
  label: string;
  low: number;
  high: number;
  lowLabel: string;
  highLabel: string;
}

const ROW = 30;

/** What each parameter does to one figure, the widest first. */
export function tornadoChart(
  bars: readonly TornadoBar[],
  base: number,
  options: { label: string; shown(value: number): string },
): string {
  const rows = bars.filter((bar) => Number.isFinite(bar.low) && Number.isFinite(bar.high));
  if (rows.length === 0 || !Number.isFinite(base)) return '';
  const values = [base, ...rows.flatMap((bar) => [bar.low, bar.high])];
  const [x0, x1] = spread(min(values) as number, max(values) as number);
  const x = scaleLinear([x0, x1], [250, WIDTH - 90]);
  const height = rows.length * ROW + 40;
  const y = scaleBand(
    rows.map((_, i) => i),
    [8, height - 32],
  ).padding(0.25);
  const parts = rows.map((bar, i) => {
    const top = y(i) ?? 0;
    const rect = (value: number) =>
      `<rect x="${n(Math.min(x(base), x(value)))}" y="${n(top)}" width="${n(Math.abs(x(value) - x(base)))}" height="${n(y.bandwidth())}" fill="${value < base ? BAD : ACCENT}" fill-opacity=".6"/>`;
    const label = (value: number, text: string) =>
      `<text x="${n(x(value) + (value < base ? -4 : 4))}" y="${n(top + y.bandwidth() / 2 + 4)}" text-anchor="${value < base ? 'end' : 'start'}" font-size="11">${escapeHtml(text)}</text>`;
    // Two ends on one side would be written over each other: both names then stand at the farther one, the nearer first.
    const ends = [
      { value: bar.low, text: bar.lowLabel },
      { value: bar.high, text: bar.highLabel },
    ].sort((p, q) => Math.abs(p.value - base) - Math.abs(q.value - base));
    const [near, far] = ends;
    const oneSide = near.value < base === far.value < base;
    return (
      `<text x="0" y="${n(top + y.bandwidth() / 2 + 4)}">${escapeHtml(bar.label)}</text>` +
      ends.map(({ value }) => rect(value)).join('') +
      (oneSide
        ? label(far.value, `${near.text}; ${far.text}`)
        : ends.map(({ value, text }) => label(value, text)).join(''))
    );
  });
  parts.push(
    `<line x1="${n(x(base))}" x2="${n(x(base))}" y1="0" y2="${height - 28}" stroke="currentColor"/>`,
    `<text x="${n(x(base))}" y="${height - 10}" text-anchor="middle">${escapeHtml(options.shown(base))}</text>`,
  );
  return sized(height, options.label, parts.join(''));
}

export interface StackedBar {
  label: string;
  parts: readonly { name: string; value: number; colour: string }[];
}

/** Where the whole of each row went. */
export function stackedBars(bars: readonly StackedBar[], label: string): string {
  const rows = bars.filter((bar) => bar.parts.some(({ value }) => value > 0));
  if (rows.length === 0) return '';
  const height = rows.length * ROW + 10;
  const svg = rows.map((bar, i) => {
    const total = bar.parts.reduce((sum, { value }) => sum + Math.max(0, value), 0);
    const x = scaleLinear([0, total], [150, WIDTH - RIGHT]);
    let from = 0;
    const pieces = bar.parts
      .filter(({ value }) => value > 0)
      .map(({ name, value, colour }) => {
        const piece = `<rect x="${n(x(from))}" y="${i * ROW + 5}" width="${n(x(from + value) - x(from))}" height="${ROW - 8}" fill="${colour}"><title>${escapeHtml(`${name}: ${((100 * value) / total).toFixed(1)} %`)}</title></rect>`;
        from += value;
        return piece;
      });
    return `<text x="0" y="${i * ROW + 22}">${escapeHtml(bar.label)}</text>${pieces.join('')}`;
  });
  const names = [...new Map(rows.flatMap(({ parts }) => parts).map((part) => [part.name, part])).values()].filter(
    ({ name }) => rows.some(({ parts }) => parts.some((part) => part.name === name && part.value > 0)),
  );
  const legend = names.map((part, i) => {
    const at = { x: (i % 5) * 150, y: height + 16 + Math.floor(i / 5) * 18 };
    return `<rect x="${at.x}" y="${at.y - 10}" width="11" height="11" fill="${part.colour}" stroke="currentColor" stroke-opacity=".4"/><text x="${at.x + 16}" y="${at.y}">${escapeHtml(part.name)}</text>`;
  });
  return sized(height + 24 + Math.ceil(names.length / 5) * 18, label, [...svg, ...legend].join(''));
}
