/** Where every GPU-hour went: a stacked area over time, in hours or in money, above the exact sums. */

import { decimal, percent } from '../../reports/format.ts';
import { CATEGORIES, type Category } from '../../sim/record/ledger.ts';
import { choice, h, replace, table } from '../dom.ts';
import { amountAxis, cursorLine, frameOf, short, steps, timeAxis } from '../draw/axes.ts';
import { swatch } from '../draw/hatch.ts';
import type { Pen } from '../draw/pen.ts';
import { Plate, type Size } from '../draw/plate.ts';
import { timePointer } from '../draw/pointer.ts';
import type { RunModel } from '../model.ts';
import { categoryPaint, inkOn, themeNow } from '../palette.ts';
import type { Store } from '../store.ts';
import { clockOf, momentText } from '../time.ts';
import { type Mount, type MountedView, redraw, type TableData } from './view.ts';

/** Useful work lies at the bottom, what nobody used on top. */
const ORDER: Category[] = [
  ...(['productive', 'serving', 'serving-idle', 'checkpoint', 'restart', 'degraded', 'detecting', 'lost'] as const),
  ...([
    'idle-allocated',
    'terminating',
    'reserved',
    'draining',
    'provisioning',
    'unhealthy',
    'reclaimed',
    'free',
  ] as const),
];

type Unit = 'hours' | 'money';

/** Above the area: room for the unit. */
const TOP = 22;

export const mount: Mount = (host, model, store) => {
  let unit: Unit = store.choices.get('ledger unit') === 'money' ? 'money' : 'hours';
  const chart = ledgerChart(model, store, () => unit, 340);
  const note = h('p', { class: 'muted' });
  const sums = h('div');
  const switcher = choice(
    'Unit',
    [
      { id: 'hours', title: 'GPU-hours' },
      { id: 'money', title: 'Money' },
    ],
    unit,
    (id) => {
      unit = id as Unit;
      store.choices.set('ledger unit', id);
      chart.draw();
      fill();
    },
  );
  const fill = () => {
    replace(sums, sumsTable(model, unit));
    const lost = model.recorded.lost.count;
    note.textContent = `${unit === 'money' ? 'Installed GPUs at their pools’ prices, whatever they did.' : 'GPUs in each category at each moment.'}${
      lost > 0
        ? ` Work is drawn as it looked then; ${decimal(lost)} times some of it turned out to be lost, which the sums below know.`
        : ''
    }`;
  };
  host.append(h('div', { class: 'tools' }, switcher), chart.element, note, sums);
  fill();
  const view: MountedView = {
    update(topics) {
      redraw([chart], topics);
    },
    destroy() {
      chart.destroy();
    },
    plates: [chart],
    tables: () => [sumsData(model)],
  };
  return view;
};

/** The stacked area alone, also for the overview. */
export function ledgerChart(model: RunModel, store: Store, unit: () => Unit, height: number): Plate {
  const { run, recorded } = model;
  const series = new Map<Unit, { category: Category; values: Float64Array }[]>();
  const layers = () => {
    const known = series.get(unit());
    if (known !== undefined) return known;
    const weigh = unit() === 'money' ? (pool: number) => run.pools[pool]?.usdPerGpuHour ?? 0 : undefined;
    const made = ORDER.map((category) => ({
      category,
      values: model.categorySeries(CATEGORIES.indexOf(category), weigh),
    })).filter(({ values }) => values.some((value) => value > 0));
    series.set(unit(), made);
    return made;
  };
  const { bucketUs, count } = recorded.series;
  const paint = (pen: Pen, size: Size) => {
    const theme = themeNow();
    const frame = frameOf(size, store.state.range, TOP);
    if (count === 0) {
      pen.text(size.width / 2, size.height / 2, 'No GPU time was simulated.', { fill: theme.muted, align: 'center' });
      return;
    }
    let most = 0;
    const below = new Float64Array(count);
    for (const { values } of layers()) for (let i = 0; i < count; i++) below[i] += values[i];
    for (const total of below) most = Math.max(most, total);
    timeAxis(pen, frame, clockOf(run), theme);
    const y = amountAxis(pen, frame, most, unit() === 'money' ? '$ an hour' : 'GPUs', theme);
    below.fill(0);
    let bottom = steps(below, bucketUs, run.simulatedUs, frame, y);
    const labels: { x: number; y: number; text: string; fill: string }[] = [];
    pen.clip(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top, () => {
      for (const { category, values } of layers()) {
        for (let i = 0; i < count; i++) below[i] += values[i];
        const top = steps(below, bucketUs, run.simulatedUs, frame, y);
        const outline = [...top];
        for (let i = bottom.length - 2; i >= 0; i -= 2) outline.push(bottom[i], bottom[i + 1]);
        const colour = categoryPaint(category, theme);
        pen.area(outline, colour);
        const place = roomFor(top, bottom, pen.measure(category, 12) * 1.1 + 8);
        if (place !== null) labels.push({ ...place, text: category, fill: inkOn(colour.fill) });
        bottom = top;
      }
    });
    for (const { x, y: at, text, fill } of labels)
      pen.text(x, at, text, { fill, align: 'center', size: 12, bold: true });
  };
  const plate = new Plate({
    height,
    label: `GPUs by category over time: ${shares(model)}`,
    paint,
    overlay(pen, size) {
      const theme = themeNow();
      const frame = frameOf(size, store.state.range, TOP);
      const { cursorUs } = store.state;
      cursorLine(pen, frame, cursorUs, theme);
      if (cursorUs < frame.from || cursorUs > frame.to || count === 0) return;
      const bucket = Math.min(count - 1, Math.floor(cursorUs / bucketUs));
      const parts = layers()
        .map(({ category, values }) => ({ category, value: values[bucket] }))
        .filter(({ value }) => value > 0.005)
        .sort((a, b) => b.value - a.value)
        .slice(0, 4)
        .map(({ category, value }) => `${category} ${unit() === 'money' ? '$' : ''}${short(value)}`);
      legendBox(pen, frame.x(cursorUs), frame, [momentText(cursorUs, clockOf(run)), ...parts]);
    },
  });
  timePointer(plate, store);
  return plate;
}

/** The categories that the run has, for pictures that have no table below. */
export function ledgerLegend(model: RunModel): HTMLElement {
  const { categories } = model.run.summary.ledger;
  const theme = themeNow();
  return h(
    'div',
    { class: 'legend' },
    ...ORDER.filter((category) => categories[category] !== '0').map((category) =>
      h('span', { class: 'key' }, swatch(categoryPaint(category, theme)), category),
    ),
  );
}

/** Lowest band of an area in which a name can be read, px. */
const NAME_HEIGHT = 14;

/** The middle of the thickest place of an area that is as wide as a name; both outlines have the same points. */
function roomFor(top: number[], bottom: number[], width: number): { x: number; y: number } | null {
  let best = NAME_HEIGHT;
  let place: { x: number; y: number } | null = null;
  for (let i = 0; i < top.length; i += 4) {
    // Down from the highest lower edge to the lowest upper edge, as far as the name reaches.
    let low = -Infinity;
    let high = Infinity;
    let k = i;
    for (; k < top.length && top[k] < top[i] + width && high - low > best; k += 2) {
      low = Math.max(low, top[k + 1]);
      high = Math.min(high, bottom[k + 1]);
    }
    if (k >= top.length || high - low <= best) continue;
    best = high - low;
    place = { x: top[i] + width / 2, y: (low + high) / 2 };
  }
  return place;
}

/** Lines in a box beside the cursor, on the side with more room. */
export function legendBox(
  pen: Pen,
  x: number,
  frame: { left: number; right: number; top: number },
  lines: string[],
): void {
  const theme = themeNow();
  const width = Math.max(...lines.map((line, i) => pen.measure(line, 11) * (i === 0 ? 1.08 : 1))) + 14;
  const right = x + 8 + width < frame.right;
  const left = right ? x + 8 : Math.max(frame.left, x - 8 - width);
  const height = lines.length * 15 + 8;
  pen.rect(left - 1, frame.top + 1, width + 2, height + 2, theme.line);
  pen.rect(left, frame.top + 2, width, height, theme.page);
  lines.forEach((line, i) => {
    pen.text(left + 6, frame.top + 13 + i * 15, line, { fill: theme.text, size: 11, bold: i === 0 });
  });
}

function shares(model: RunModel): string {
  const { gpuHours } = model.run.summary.ledger;
  if (gpuHours.capacity === 0) return 'nothing';
  return CATEGORIES.filter((category) => gpuHours[category] > 0)
    .map((category) => `${category} ${percent(gpuHours[category] / gpuHours.capacity)}`)
    .join(', ');
}

function sumsData({ run }: RunModel): TableData {
  const { gpuHours, categories } = run.summary.ledger;
  const names = CATEGORIES.filter((category) => categories[category] !== '0');
  return {
    name: 'ledger',
    columns: [
      { name: 'category', values: names },
      { name: 'gpu_hours', values: names.map((name) => gpuHours[name]) },
      { name: 'share_of_installed', values: names.map((name) => gpuHours[name] / gpuHours.capacity) },
      { name: 'gpu_us_7000', values: names.map((name) => categories[name]) },
    ],
  };
}

function sumsTable(model: RunModel, unit: Unit): HTMLElement {
  const { gpuHours, categories } = model.run.summary.ledger;
  const { cost } = model.run.summary;
  const theme = themeNow();
  const usdPerHour =
    gpuHours.capacity === 0 ? 0 : cost.byPool.reduce((sum, { usd }) => sum + usd, 0) / gpuHours.capacity;
  const rows = ORDER.filter((category) => categories[category] !== '0').map((category) => {
    const name = h('span', {}, swatch(categoryPaint(category, theme)), category);
    const hours = gpuHours[category];
    return [
      name,
      unit === 'money' ? `$${decimal(hours * usdPerHour)}` : decimal(hours, 1),
      percent(gpuHours.capacity === 0 ? 0 : hours / gpuHours.capacity),
    ];
  });
  if (gpuHours.fragmented > 0)
    rows.push([
      h('span', { class: 'muted' }, 'of the free, fragmented'),
      decimal(gpuHours.fragmented, 1),
      percent(gpuHours.fragmented / gpuHours.capacity),
    ]);
  rows.push([
    h('strong', {}, 'installed'),
    unit === 'money' ? `$${decimal(gpuHours.capacity * usdPerHour)}` : decimal(gpuHours.capacity, 1),
    percent(gpuHours.capacity === 0 ? 0 : 1),
  ]);
  const head = ['Category', unit === 'money' ? 'At mean prices' : 'GPU-hours', 'Share of installed'];
  return table(head, rows, 'Where every GPU-hour went');
}
