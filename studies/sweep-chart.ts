/** One figure of a sweep as a picture: against the first axis that is a number, a line for each value of the others. */
import { escapeHtml } from '../reports/page.ts';
import { shown } from '../scenarios/paths.ts';
import { amount } from './compare.ts';
import type { FigureSpec } from './figures.ts';
import type { PointSummary } from './sweep.ts';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [1000, 260, 90, 40, 24];
const COLOURS = [
  { name: 'blue', hex: '#2a6fb0' },
  { name: 'red', hex: '#c8402f' },
  { name: 'green', hex: '#3f9142' },
  { name: 'violet', hex: '#a779c9' },
  { name: 'orange', hex: '#d98f2b' },
  { name: 'turquoise', hex: '#1f8f9e' },
  { name: 'grey', hex: '#777777' },
  { name: 'pink', hex: '#d45b96' },
];
/** Lines beyond this many cannot be told apart. */
const MOST_LINES = 8;

/** The drawing with what its colours mean; null where there is no number to draw against. */
export function sweepChart(
  axes: readonly string[],
  points: readonly PointSummary[],
  spec: Omit<FigureSpec, 'of'>,
): { svg: string; caption: string } | null {
  const drawn = points.filter((p) => p.figures[spec.id] !== null && p.figures[spec.id] !== undefined);
  const axis = axes.find((path) => {
    const values = new Set(drawn.map((p) => leadingNumber(p, path)));
    return values.size > 1 && !values.has(Number.NaN);
  });
  if (axis === undefined) return null;
  const lines = new Map<string, PointSummary[]>();
  for (const p of drawn) {
    const others = axes.flatMap((path) =>
      path === axis || p.point[path] === undefined ? [] : [`${path} ${shown(p.point[path])}`],
    );
    const key = others.join(', ');
    const own = lines.get(key);
    if (own === undefined) lines.set(key, [p]);
    else own.push(p);
  }
  const single = [...lines.values()].every((own) => own.length === 1);
  const xs = drawn.map((p) => leadingNumber(p, axis));
  const bounds = drawn.map((p) => interval(p, spec.id));
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const [y0, y1] = [Math.min(0, ...bounds.map((b) => b.low)), Math.max(...bounds.map((b) => b.high))];
  const x = (value: number) => (LEFT + ((value - x0) / (x1 - x0)) * (WIDTH - LEFT - 20)).toFixed(1);
  const y = (value: number) =>
    (HEIGHT - BOTTOM - (y1 === y0 ? 0 : (value - y0) / (y1 - y0)) * (HEIGHT - BOTTOM - TOP)).toFixed(1);
  const parts: string[] = [];
  const entries = [...lines].slice(0, single ? lines.size : MOST_LINES);
  entries.forEach(([key, own], i) => {
    const colour = COLOURS[single ? 0 : i % COLOURS.length].hex;
    const sorted = [...own].sort((a, b) => leadingNumber(a, axis) - leadingNumber(b, axis));
    const at = sorted.map((p) => ({ p, x: x(leadingNumber(p, axis)), ...interval(p, spec.id) }));
    if (at.length > 1)
      parts.push(
        `<polyline points="${at.map((a) => `${a.x},${y(a.mean)}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
      );
    for (const a of at) {
      if (a.high > a.low)
        parts.push(`<line x1="${a.x}" x2="${a.x}" y1="${y(a.low)}" y2="${y(a.high)}" stroke="${colour}"/>`);
      const said = `${axis} ${shown(a.p.point[axis])}${key === '' ? '' : `, ${key}`}: ${amount(a.mean, spec.unit)}`;
      parts.push(
        `<circle cx="${a.x}" cy="${y(a.mean)}" r="3.5" fill="${colour}"><title>${escapeHtml(said)}</title></circle>`,
      );
    }
  });
  const label = (value: number) =>
    `<text x="${LEFT - 6}" y="${Number(y(value)) + 4}" font-size="12" text-anchor="end" fill="currentColor">${escapeHtml(amount(value, spec.unit))}</text>`;
  const tick = (value: number, text: string, anchor: string) =>
    `<text x="${x(value)}" y="${HEIGHT - 18}" font-size="12" text-anchor="${anchor}" fill="currentColor">${escapeHtml(text)}</text>`;
  const textOf = (value: number) => shown(drawn[xs.indexOf(value)].point[axis]);
  const frame =
    `<line x1="${LEFT}" x2="${WIDTH - 20}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM}" stroke="#999"/>` +
    label(y0) +
    label(y1) +
    tick(x0, textOf(x0), 'start') +
    tick(x1, textOf(x1), 'end') +
    `<text x="${WIDTH / 2}" y="${HEIGHT - 4}" font-size="12" text-anchor="middle" fill="currentColor">${escapeHtml(axis)}</text>`;
  const keys =
    single || lines.size < 2
      ? ''
      : `: ${legend(
          entries.map(([key]) => key),
          lines.size,
        )}`;
  return {
    svg: `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(`${spec.label} by ${axis}`)}">${frame}${parts.join('')}</svg>`,
    caption: `${spec.label} by ${axis}${keys}`,
  };
}

function legend(keys: readonly string[], all: number): string {
  const items = keys.map((key, i) => `${COLOURS[i % COLOURS.length].name} ${key}`);
  return `${items.join('; ')}${all > keys.length ? `; ${all - keys.length} more lines are in the table` : ''}`;
}

/** `30m` → 30 as long as a path's values all have the unit; durations of several units are told apart by their text alone. */
function leadingNumber(p: PointSummary, path: string): number {
  const value = p.point[path];
  const match = typeof value === 'string' ? /^\$?(-?(?:\d+(?:\.\d*)?|\.\d+))(s|m|h|d|w|ms|\/h|%)?$/.exec(value) : null;
  if (match === null) return Number.NaN;
  const scale: Record<string, number> = { ms: 0.001, m: 60, h: 3600, d: 86_400, w: 604_800 };
  return Number(match[1]) * (scale[match[2] ?? ''] ?? 1);
}

function interval(p: PointSummary, id: string): { mean: number; low: number; high: number } {
  const { mean, low, high } = p.figures[id] as NonNullable<PointSummary['figures'][string]>;
  return Number.isFinite(low) ? { mean, low, high } : { mean, low: mean, high: mean };
}
