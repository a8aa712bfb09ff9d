/** The cluster at one moment: pools, nodes and GPUs, coloured by who holds them, how busy they are, their health or the ledger. */
import { decimal } from '../../reports/format.ts';
import { NODE_STATES } from '../../sim/cluster/cluster.ts';
import { ACTIVITIES } from '../../sim/record/recorder.ts';
import { choice, h, replace, swatch } from '../dom.ts';
import type { Pen } from '../draw/pen.ts';
import { Plate, type Size } from '../draw/plate.ts';
import type { RunModel } from '../model.ts';
import {
  ACTIVITY_CATEGORY,
  categoryPaint,
  inkOn,
  type Paint,
  pixel,
  projectPaint,
  rampColour,
  STATE_PAINT,
  themeNow,
} from '../palette.ts';
import type { Store } from '../store.ts';
import { emptyView, type Mount, type MountedView, NO_INTERVALS } from './view.ts';

const MODES = [
  { id: 'project', title: 'Project' },
  { id: 'use', title: 'Utilisation' },
  { id: 'health', title: 'Health' },
  { id: 'ledger', title: 'Ledger' },
] as const;
type Mode = (typeof MODES)[number]['id'];

const UNITS = 7000;
const READY = 0;
const RUNNING = ACTIVITIES.indexOf('running');
const INFERENCE = 2;

export const mount: Mount = (host, model, store) => {
  if (!model.hasIntervals) return emptyView(host, NO_INTERVALS);
  return mountMap(host, model, store, true);
};

/** `tall`: with a switch for colours and a legend, filling its place; else a strip for the overview. */
export function mountMap(host: HTMLElement, model: RunModel, store: Store, tall: boolean): MountedView {
  const { run } = model;
  let mode = (tall && (store.choices.get('map colour') as Mode)) || 'project';
  const legend = h('div', { class: 'legend' });
  const told = h('p', { class: 'told', role: 'status' });
  const raster = document.createElement('canvas');
  let hovered = -1;
  const most = tall ? MOST_CELL : MOST_CELL_STRIP;
  let layout = layoutOf(model, { width: 1, height: 1 }, 1);
  const room = tall ? 460 : mapHeight(model);
  const plate = new Plate({
    height: room,
    label: 'Map of the cluster',
    paint(pen, size) {
      if (layout.width !== size.width) {
        layout = layoutOf(model, { width: size.width, height: room }, most);
        plate.setHeight(layout.height);
      }
      paintMap(pen, model, store, layout, mode, raster);
    },
    overlay(pen) {
      const box = hovered < 0 ? null : layout.boxes[hovered];
      if (box) outline(pen, box, themeNow().text, 1.5);
      const { selection } = store.state;
      if (selection?.kind === 'node' && layout.boxes[selection.id])
        outline(pen, layout.boxes[selection.id], themeNow().accent, 2.5);
    },
  });
  const nodeAt = (event: PointerEvent) => {
    const box = plate.element.getBoundingClientRect();
    return layout.nodeAt(event.clientX - box.left, event.clientY - box.top);
  };
  plate.element.addEventListener('pointermove', (event) => {
    const node = nodeAt(event);
    if (node === hovered) return;
    hovered = node;
    tell();
    plate.drawAbove();
  });
  plate.element.addEventListener('pointerleave', () => {
    hovered = -1;
    tell();
    plate.drawAbove();
  });
  plate.element.addEventListener('click', (event) => {
    const node = nodeAt(event as PointerEvent);
    if (node >= 0) store.set('selection', { selection: { kind: 'node', id: node } });
  });
  const tell = () => {
    const { selection } = store.state;
    const node = hovered >= 0 ? hovered : selection?.kind === 'node' ? selection.id : -1;
    told.textContent =
      node >= 0 && node < run.nodes.count
        ? nodeText(model, node, store.state.cursorUs)
        : momentSummary(model, store.state.cursorUs);
  };
  const fillLegend = () => replace(legend, ...legendItems(model, mode));
  const tools = tall
    ? h(
        'div',
        { class: 'tools' },
        choice('Colour', MODES, mode, (id) => {
          mode = id as Mode;
          store.choices.set('map colour', id);
          fillLegend();
          plate.draw();
        }),
      )
    : null;
  if (tools) host.append(tools);
  host.append(plate.element, told, legend);
  fillLegend();
  tell();
  return {
    update(topics) {
      if (topics.has('theme')) fillLegend();
      if (topics.has('cursor') || topics.has('theme') || topics.has('runs') || topics.has('selection')) {
        plate.draw();
        tell();
      }
    },
    destroy() {
      plate.destroy();
    },
    plates: [plate],
    tables: () => [mapTable(model, store.state.cursorUs)],
  };
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Layout {
  width: number;
  height: number;
  /** Of each node. */
  boxes: Box[];
  headings: { x: number; y: number; text: string }[];
  /** Around nodes in one rack that stand in a row. */
  racks: Box[];
  /** Side of a GPU's cell, and columns of cells in a node. */
  cell: number;
  columns(gpus: number): number;
  nodeAt(x: number, y: number): number;
}

const HEADING = 20;
/** Smallest cells under which nodes are named, and largest ones. */
const NAMED = 15;
const MOST_CELL = 52;
const MOST_CELL_STRIP = 30;

function mapHeight(model: RunModel): number {
  return model.run.nodes.gpuCount <= 64 ? 104 : 220;
}

/** The largest cells, up to a size, with which everything has room. */
function layoutOf(model: RunModel, { width, height }: Size, most: number): Layout {
  for (let cell = most; ; cell = cell > 4 ? cell - 1 : cell - 0.5) {
    const made = laidOut(model, width, cell);
    if (made.bottom <= height || cell <= 0.5) {
      const { boxes } = made;
      return {
        ...{ width, height: Math.min(height, Math.ceil(made.bottom) + 6), cell, columns: columnsOf, ...made },
        nodeAt: (px, py) =>
          boxes.findIndex(
            (box) =>
              box && px >= box.x - 1 && px <= box.x + box.width + 1 && py >= box.y - 1 && py <= box.y + box.height + 1,
          ),
      };
    }
  }
}

const columnsOf = (gpus: number) => (gpus <= 4 ? Math.max(1, gpus) : gpus <= 8 ? 4 : gpus <= 16 ? 8 : 12);

/** Pools one after the other, beside each other where two fit; a frame around the nodes of a rack. */
function laidOut(model: RunModel, width: number, cell: number) {
  const { nodes, pools } = model.run;
  const gap = cell >= 12 ? 8 : cell >= 6 ? 4 : cell >= 3 ? 2 : 1;
  const name = cell >= NAMED ? 14 : 0;
  const boxes: Box[] = new Array(nodes.count);
  const headings: Layout['headings'] = [];
  const racks: Box[] = [];
  let left = 2;
  let top = 2;
  let bottom = 2;
  pools.forEach((facts, pool) => {
    const text = `${facts.name}: ${facts.nodes} nodes, ${facts.gpus} ${facts.gpuModel || 'GPUs'}${facts.spot ? ', spot' : ''}`;
    // How wide it would like to be; a heading is about so wide.
    let wish = 0;
    for (let n = 0; n < nodes.count; n++)
      if (nodes.pool[n] === pool)
        wish += Math.max(1, columnsOf(nodes.gpuStart[n + 1] - nodes.gpuStart[n])) * cell + gap;
    wish = Math.max(wish, text.length * 6.6);
    if (left > 2 && left + wish > width) {
      left = 2;
      top = bottom + 8;
    }
    headings.push({ x: left, y: top + HEADING / 2, text });
    let x = left;
    let y = top + HEADING;
    let row = 0;
    let rack = -2;
    for (let n = 0; n < nodes.count; n++) {
      if (nodes.pool[n] !== pool) continue;
      const gpus = nodes.gpuStart[n + 1] - nodes.gpuStart[n];
      const across = columnsOf(gpus);
      const w = Math.max(cell, across * cell);
      const t = Math.max(1, Math.ceil(gpus / across)) * cell + name;
      const newRack = nodes.rack[n] !== rack;
      if (newRack && rack !== -2 && x > left) x += gap;
      if (x + w > width && x > left) {
        x = left;
        y += row + gap;
        row = 0;
      }
      boxes[n] = { x, y, width: w, height: t };
      const last = racks.at(-1);
      if (newRack || last === undefined || last.y !== y) racks.push({ x, y, width: w, height: t });
      else {
        last.width = x + w - last.x;
        last.height = Math.max(last.height, t);
      }
      rack = nodes.rack[n];
      row = Math.max(row, t);
      x += w + gap;
    }
    bottom = Math.max(bottom, y + row);
    left += wish + 2.5 * gap + 8;
  });
  return { boxes, headings, racks, bottom };
}

function paintMap(
  pen: Pen,
  model: RunModel,
  store: Store,
  layout: Layout,
  mode: Mode,
  raster: HTMLCanvasElement,
): void {
  const { run, recorded } = model;
  const { nodes, jobs } = run;
  const theme = themeNow();
  const us = store.state.cursorUs;
  const { cell } = layout;
  const named = cell >= NAMED;
  if (cell >= 6 && layout.racks.length < nodes.count)
    for (const { x, y, width, height } of layout.racks)
      pen.line(
        [x - 3, y - 2, x + width + 1, y - 2, x + width + 1, y + height + 1, x - 3, y + height + 1, x - 3, y - 2],
        theme.line,
      );
  for (const { x, y, text } of layout.headings) pen.text(x, y, text, { fill: theme.muted, size: 12 });
  const holdPaint = (hold: number): Paint => {
    const job = recorded.holds.values[0][hold];
    if (mode === 'project') return projectPaint(jobs.project[job]);
    const phase = model.phaseAt(job, us);
    if (mode === 'use') return { fill: rampColour(phase === RUNNING ? jobs.useMilli[job] / 1000 : 0), hatch: '' };
    const category =
      phase < 0
        ? 'reserved'
        : phase === RUNNING && jobs.class[job] === INFERENCE
          ? 'serving'
          : ACTIVITY_CATEGORY[phase];
    return categoryPaint(category, theme);
  };
  const small = cell < 5;
  const free: Paint = { fill: theme.empty, hatch: '' };
  let buffer: Uint32Array | null = null;
  let image: ImageData | null = null;
  const [w, t] = [Math.ceil(layout.width), Math.ceil(layout.height)];
  if (small) {
    image = new ImageData(Math.max(1, w), Math.max(1, t));
    buffer = new Uint32Array(image.data.buffer);
  }
  const fill = (x: number, y: number, width: number, height: number, paint: Paint) => {
    if (buffer === null) {
      pen.rect(x, y, width, height, paint);
      return;
    }
    const colour = pixel(paint.fill);
    const right = Math.min(w, Math.max(Math.floor(x) + 1, Math.round(x + width)));
    const bottom = Math.min(t, Math.max(Math.floor(y) + 1, Math.round(y + height)));
    for (let py = Math.floor(y); py < bottom; py++) buffer.fill(colour, py * w + Math.floor(x), py * w + right);
  };
  const inner = cell >= 6 ? cell - 1.5 : cell >= 3 ? cell - 0.5 : cell;
  const down = new Uint8Array(nodes.count);
  for (let n = 0; n < nodes.count; n++) {
    const box = layout.boxes[n];
    if (!box) continue;
    const state = model.nodeStateAt(n, us);
    down[n] = state;
    const gpus = nodes.gpuStart[n + 1] - nodes.gpuStart[n];
    const across = layout.columns(gpus);
    const paint =
      mode === 'health' || state !== READY
        ? STATE_PAINT[state]
        : mode === 'ledger'
          ? categoryPaint('free', theme)
          : free;
    if (NODE_STATES[state] === 'absent') continue;
    const top = box.y + (named ? 14 : 0);
    if (named)
      pen.text(box.x, box.y + 6, shortName(pen, model.nodeName(n), box.width, 11), { fill: theme.text, size: 11 });
    for (let g = 0; g < gpus; g++)
      fill(box.x + (g % across) * cell, top + Math.floor(g / across) * cell, inner, inner, paint);
  }
  if (mode !== 'health') {
    const used = new Int32Array(nodes.gpuCount);
    const { values } = recorded.holds;
    model.heldAt(us, (hold) => {
      const node = values[1][hold];
      const box = layout.boxes[node];
      if (!box || down[node] > 1) return;
      const across = layout.columns(nodes.gpuStart[node + 1] - nodes.gpuStart[node]);
      const top = box.y + (named ? 14 : 0);
      const paint = holdPaint(hold);
      const share = values[3][hold] / UNITS;
      for (let rest = values[2][hold], g = 0; rest !== 0; rest >>>= 1, g++) {
        if ((rest & 1) === 0) continue;
        const gpu = nodes.gpuStart[node] + g;
        // Several on one GPU stand beside each other, each as wide as its share.
        const from = small ? 0 : used[gpu] / UNITS;
        used[gpu] += values[3][hold];
        const width = small ? inner : Math.max(1, inner * Math.min(1 - from, share));
        fill(box.x + (g % across) * cell + from * inner, top + Math.floor(g / across) * cell, width, inner, paint);
      }
    });
  }
  if (cell >= 24 && mode !== 'health') labelGangs(pen, model, store, layout);
  if (image !== null) {
    raster.width = image.width;
    raster.height = image.height;
    (raster.getContext('2d') as CanvasRenderingContext2D).putImageData(image, 0, 0);
    pen.image(raster, 0, 0, image.width, image.height);
  }
}

/** Initial letters of the project in cells with room, so that colour alone does not carry the meaning. */
function labelGangs(pen: Pen, model: RunModel, store: Store, layout: Layout): void {
  const { run, recorded } = model;
  const { values } = recorded.holds;
  const initials = run.projects.map(({ name }) => initialsOf(name));
  model.heldAt(store.state.cursorUs, (hold) => {
    const node = values[1][hold];
    const box = layout.boxes[node];
    if (!box || values[3][hold] < UNITS) return;
    const project = run.jobs.project[values[0][hold]];
    const across = layout.columns(run.nodes.gpuStart[node + 1] - run.nodes.gpuStart[node]);
    for (let rest = values[2][hold], g = 0; rest !== 0; rest >>>= 1, g++) {
      if ((rest & 1) === 0) continue;
      const x = box.x + (g % across) * layout.cell + layout.cell / 2 - 0.75;
      const y = box.y + 14 + Math.floor(g / across) * layout.cell + layout.cell / 2 - 0.75;
      pen.text(x, y, initials[project] ?? '', {
        fill: inkOn(projectPaint(project).fill),
        size: 10,
        align: 'center',
        bold: true,
      });
    }
  });
}

export function initialsOf(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
  const letters = words.length > 1 ? words.map((word) => [...word][0]).join('') : (words[0] ?? '?').slice(0, 2);
  return letters.slice(0, 2).toUpperCase();
}

/** A name in little room: its last parts, as what nodes of a pool share stands in front; else its end. */
export function shortName(pen: Pen, name: string, width: number, size: number): string {
  if (pen.measure(name, size) <= width) return name;
  const parts = name.split(/(?<=[-._/])/);
  for (let from = 1; from < parts.length; from++) {
    const rest = parts.slice(from).join('');
    if (pen.measure(rest, size) <= width) return rest;
  }
  let kept = name.slice(1);
  while (kept.length > 1 && pen.measure(`…${kept}`, size) > width) kept = kept.slice(1);
  return `…${kept}`;
}

function outline(pen: Pen, { x, y, width, height }: Box, colour: string, thick: number): void {
  pen.line(
    [x - 2, y - 2, x + width + 1, y - 2, x + width + 1, y + height + 1, x - 2, y + height + 1, x - 2, y - 3],
    colour,
    thick,
  );
}

function nodeText(model: RunModel, node: number, us: number): string {
  const { run, recorded } = model;
  const { values } = recorded.holds;
  const holders: string[] = [];
  model.heldAt(us, (hold) => {
    if (values[1][hold] !== node) return;
    const job = values[0][hold];
    let gpus = 0;
    for (let rest = values[2][hold]; rest !== 0; rest &= rest - 1) gpus++;
    const phase = model.phaseAt(job, us);
    const amount = (gpus * values[3][hold]) / UNITS;
    holders.push(
      `${model.jobName(job)} of ${model.projectName(run.jobs.project[job])} (${Number(amount.toFixed(2))} GPU${amount === 1 ? '' : 's'}, ${phase < 0 ? 'held' : ACTIVITIES[phase]})`,
    );
  });
  const state = NODE_STATES[model.nodeStateAt(node, us)];
  const what =
    holders.length === 0
      ? 'nobody on it'
      : holders.slice(0, 6).join(', ') + (holders.length > 6 ? ` and ${holders.length - 6} more` : '');
  const rack = run.nodes.rack[node];
  const where = rack >= 0 ? `, rack ${rack + 1}` : '';
  return `${model.nodeName(node)}${where}: ${state}; ${what}.`;
}

function momentSummary(model: RunModel, us: number): string {
  const { run, recorded } = model;
  const { values } = recorded.holds;
  let units = 0;
  const jobs = new Set<number>();
  model.heldAt(us, (hold) => {
    jobs.add(values[0][hold]);
    let gpus = 0;
    for (let rest = values[2][hold]; rest !== 0; rest &= rest - 1) gpus++;
    units += gpus * values[3][hold];
  });
  return `${decimal(jobs.size)} jobs hold ${decimal(units / UNITS, 1)} of ${decimal(run.nodes.gpuCount)} GPUs.`;
}

function legendItems({ run }: RunModel, mode: Mode): Node[] {
  const theme = themeNow();
  const item = (colour: string, text: string) => h('span', { class: 'key' }, swatch(colour), text);
  if (mode === 'project') {
    const shown = run.projects
      .slice(0, 24)
      .map(({ name }, p) => item(projectPaint(p).fill, `${initialsOf(name)} ${name}`));
    if (run.projects.length > 24) shown.push(h('span', { class: 'key muted' }, `and ${run.projects.length - 24} more`));
    return [...shown, item(theme.empty, 'free')];
  }
  if (mode === 'use') return [0, 0.25, 0.5, 0.75, 1].map((share) => item(rampColour(share), `${100 * share} %`));
  if (mode === 'health') return NODE_STATES.slice(0, 5).map((name, i) => item(STATE_PAINT[i].fill, name));
  return (
    ['productive', 'serving', 'checkpoint', 'restart', 'reserved', 'terminating', 'detecting', 'free'] as const
  ).map((category) => item(categoryPaint(category, theme).fill, category));
}

function mapTable(model: RunModel, us: number) {
  const { nodes } = model.run;
  const held = new Float64Array(nodes.count);
  const { values } = model.recorded.holds;
  model.heldAt(us, (hold) => {
    let gpus = 0;
    for (let rest = values[2][hold]; rest !== 0; rest &= rest - 1) gpus++;
    held[values[1][hold]] += (gpus * values[3][hold]) / UNITS;
  });
  const each = <T>(value: (n: number) => T) => Array.from({ length: nodes.count }, (_, n) => value(n));
  return {
    name: 'nodes',
    columns: [
      { name: 'node', values: each((n) => model.nodeName(n)) },
      { name: 'pool', values: each((n) => model.run.pools[nodes.pool[n]].name) },
      { name: 'gpus', values: each((n) => nodes.gpuStart[n + 1] - nodes.gpuStart[n]) },
      { name: 'held', values: each((n) => held[n]) },
      { name: 'state', values: each((n) => NODE_STATES[model.nodeStateAt(n, us)]) },
    ],
  };
}
