/** Jobs on GPUs as a Gantt that stays readable from one node to a hundred thousand GPUs, with what happened marked. */

import { decimal, span } from '../../reports/format.ts';
import { NODE_STATES } from '../../sim/cluster/cluster.ts';
import { ACTIVITIES, EVENT_KINDS } from '../../sim/record/recorder.ts';
import { choice, h, put, replace, swatch } from '../dom.ts';
import { cursorLine, type Frame, frameOf, timeAxis } from '../draw/axes.ts';
import { drawGroup, drawNode, type GanttSource, GroupScratch, reachOf } from '../draw/gantt.ts';
import type { Pen } from '../draw/pen.ts';
import { Plate, type Size } from '../draw/plate.ts';
import { timePointer } from '../draw/pointer.ts';
import { lowerBound, type RunModel } from '../model.ts';
import { ACTIVITY_CATEGORY, categoryPaint, inkOn, pixel, projectPaint, STATE_PAINT, themeNow } from '../palette.ts';
import type { Store } from '../store.ts';
import { clockOf } from '../time.ts';
import { initialsOf, shortName } from './map.ts';
import { emptyView, type Mount, type MountedView, NO_INTERVALS, redraw } from './view.ts';

/** Time a frame may spend on rows that are sums of several nodes, ms. */
const BUDGET_MS = 7;
/** Fewest pixels of a GPU's row. */
const THIN = 2;

export const mount: Mount = (host, model, store) => {
  if (!model.hasIntervals) return emptyView(host, NO_INTERVALS);
  return mountTimeline(host, model, store, 480, true);
};

const MARKS: { kind: string; sign: string; about: string }[] = [
  { kind: 'fault', sign: '▼', about: 'fault' },
  { kind: 'preempt', sign: '×', about: 'preempted' },
  { kind: 'reclaim', sign: '◆', about: 'reclaimed' },
  { kind: 'kill', sign: '✚', about: 'dies' },
];

export function mountTimeline(
  host: HTMLElement,
  model: RunModel,
  store: Store,
  height: number,
  tools: boolean,
): MountedView {
  const { run, recorded } = model;
  const { nodes } = run;
  let rows: [number, number] = [0, nodes.count];
  let colours: 'project' | 'job' = store.choices.get('timeline colour') === 'job' ? 'job' : 'project';
  const told = h('p', { class: 'told', role: 'status' });
  const reach = reachOf({ holds: recorded.holds, holdsOfNode: run.holdsOfNode, nodeCount: nodes.count });
  const jobOf = recorded.holds.values[0];
  const projectPixels = run.projects.map((_, p) => pixel(projectPaint(p).fill));
  const jobPixels = Array.from({ length: 64 }, (_, i) => shade(projectPaint(i % 8).fill, (i >> 3) - 3));
  const source: GanttSource = {
    holds: recorded.holds,
    holdsOfNode: run.holdsOfNode,
    gpuStart: nodes.gpuStart,
    nodeCount: nodes.count,
    colour(hold) {
      const job = jobOf[hold];
      if (colours === 'job') return jobPixels[(job * 37) & 63];
      return projectPixels[run.jobs.project[job]] ?? 0xff999999;
    },
  };
  const layer = new RasterLayer(source, reach, () => plate.draw());
  const frameFor = (size: Size) => frameOf(size, store.state.range, 10);
  const plate = new Plate({
    height,
    label: `Jobs on ${decimal(nodes.gpuCount)} GPUs over time`,
    paint(pen, size) {
      const frame = frameFor(size);
      const theme = themeNow();
      timeAxis(pen, frame, clockOf(run), theme);
      pen.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top, theme.empty);
      layer.draw(pen, frame, rows);
      drawGutter(pen, model, frame, rows);
      drawStates(pen, model, frame, rows);
      drawPhases(pen, model, frame, rows);
      drawMarks(pen, model, frame, rows);
      drawSelection(pen, model, store, frame, rows);
    },
    overlay(pen, size) {
      cursorLine(pen, frameFor(size), store.state.cursorUs, themeNow());
    },
  });
  const holdAt = ({ x, y }: { x: number; y: number }): number => {
    const frame = frameFor(plate.size);
    if (x < frame.left || x > frame.right || y < frame.top || y > frame.bottom) return -1;
    const place = placeAt(model, frame, rows, y);
    if (place === null) return -1;
    const us = frame.us(x);
    const { from, rows: list } = run.holdsOfNode;
    for (let i = from[place.node]; i < from[place.node + 1]; i++) {
      const hold = list[i];
      if (recorded.holds.start[hold] > us) break;
      if (recorded.holds.end[hold] > us && (place.gpu < 0 || (recorded.holds.values[2][hold] >>> place.gpu) & 1))
        return hold;
    }
    return -1;
  };
  timePointer(plate, store, {
    hover(at) {
      const hold = at === null ? -1 : holdAt(at);
      told.textContent = hold < 0 ? summary() : holdText(model, hold);
    },
    click(at) {
      const hold = holdAt(at);
      if (hold >= 0) store.set('selection', { selection: { kind: 'job', id: jobOf[hold] } });
    },
    wheelRows(delta, y) {
      const frame = frameFor(plate.size);
      const share = (y - frame.top) / (frame.bottom - frame.top);
      zoomRows(Math.exp(delta * 0.003), Math.max(0, Math.min(1, share)));
    },
  });
  const zoomRows = (factor: number, share = 0.5) => {
    const width = Math.max(1, Math.min(nodes.count, Math.round((rows[1] - rows[0]) * factor)));
    const middle = rows[0] + share * (rows[1] - rows[0]);
    const start = Math.round(Math.max(0, Math.min(nodes.count - width, middle - share * width)));
    rows = [start, start + width];
    plate.draw();
    told.textContent = summary();
  };
  const moveRows = (by: number) => {
    const width = rows[1] - rows[0];
    const start = Math.max(
      0,
      Math.min(nodes.count - width, rows[0] + Math.sign(by) * Math.max(1, Math.round(width / 2))),
    );
    rows = [start, start + width];
    plate.draw();
    told.textContent = summary();
  };
  const summary = () => {
    const { holds } = recorded;
    const nodesShown = rows[1] - rows[0] < nodes.count ? `Nodes ${rows[0] + 1} to ${rows[1]} of ${nodes.count}. ` : '';
    const left =
      holds.dropped > 0 ? ` ${decimal(holds.dropped)} shorter than ${span(holds.shortestUs / 1e6)} are left out.` : '';
    return `${nodesShown}${decimal(holds.count)} stays of jobs on nodes.${left}`;
  };
  told.textContent = summary();
  const legend = h('div', { class: 'legend' });
  const fillLegend = () => {
    const shown = run.projects
      .slice(0, 12)
      .map(({ name }, p) => h('span', { class: 'key' }, swatch(projectPaint(p).fill), name));
    replace(legend, ...(colours === 'project' ? shown : [h('span', { class: 'key muted' }, 'a colour for each job')]));
    const counts = model.eventCounts();
    for (const { kind, sign, about } of MARKS) {
      const count = counts.get(kind as (typeof EVENT_KINDS)[number]) ?? 0;
      if (count > 0) put(legend, h('span', { class: 'key' }, `${sign} ${about} (${decimal(count)})`));
    }
  };
  if (tools) {
    const button = (label: string, title: string, act: () => void) =>
      h('button', { type: 'button', title, 'aria-label': title, onclick: act }, label);
    host.append(
      h(
        'div',
        { class: 'tools' },
        choice(
          'Colour',
          [
            { id: 'project', title: 'By project' },
            { id: 'job', title: 'By job' },
          ],
          colours,
          (id) => {
            colours = id as typeof colours;
            store.choices.set('timeline colour', id);
            layer.forget();
            fillLegend();
            plate.draw();
          },
        ),
        h(
          'div',
          { class: 'choice', role: 'group', 'aria-label': 'Rows' },
          button('Rows +', 'Fewer nodes, thicker rows', () => zoomRows(0.5)),
          button('Rows −', 'More nodes, thinner rows', () => zoomRows(2)),
          button('↑', 'Nodes above', () => moveRows(-1)),
          button('↓', 'Nodes below', () => moveRows(1)),
        ),
      ),
    );
  }
  host.append(plate.element, told, legend);
  fillLegend();
  return {
    update(topics) {
      if (topics.has('theme')) layer.forget();
      redraw([plate], topics);
    },
    destroy() {
      layer.stop();
      plate.destroy();
    },
    plates: [plate],
    tables: () => [
      {
        name: 'holds',
        columns: [
          { name: 'job', values: Array.from(jobOf, (job) => model.jobName(job)) },
          { name: 'node', values: Array.from(recorded.holds.values[1], (node) => model.nodeName(node)) },
          { name: 'gpu_mask', values: Array.from(recorded.holds.values[2], (mask) => mask >>> 0) },
          { name: 'start', values: Array.from(recorded.holds.start, (us) => us / 1e6) },
          { name: 'end', values: Array.from(recorded.holds.end, (us) => us / 1e6) },
        ],
      },
    ],
  };
}

/** The pixels of the intervals. Rows that stand for several nodes are finished over several frames; until then the last picture is stretched. */
class RasterLayer {
  private readonly source: GanttSource;
  private readonly reach: ReturnType<typeof reachOf>;
  private readonly again: () => void;
  private readonly scratch = new GroupScratch();
  private shown = document.createElement('canvas');
  private shownOf: { range: [number, number]; rows: [number, number] } | null = null;
  private next: {
    canvas: HTMLCanvasElement;
    image: ImageData;
    row: number;
    key: string;
    range: [number, number];
    rows: [number, number];
  } | null = null;
  private key = '';
  private request = 0;

  constructor(source: GanttSource, reach: ReturnType<typeof reachOf>, again: () => void) {
    this.source = source;
    this.reach = reach;
    this.again = again;
  }

  forget(): void {
    this.key = '';
    this.next = null;
  }

  stop(): void {
    cancelAnimationFrame(this.request);
  }

  draw(pen: Pen, frame: Frame, rows: [number, number]): void {
    const width = Math.max(1, Math.round(frame.right - frame.left));
    const height = Math.max(1, Math.round(frame.bottom - frame.top));
    const range: [number, number] = [frame.from, frame.to];
    const key = `${range} ${rows} ${width} ${height}`;
    if (key !== this.key) {
      const { gpuStart } = this.source;
      const gpus = gpuStart[rows[1]] - gpuStart[rows[0]];
      if (gpus * THIN <= height) this.paintNodes(key, range, rows, width, height);
      else this.paintGroups(key, range, rows, width, height);
    }
    if (this.shownOf === null) return;
    // Where the last picture stands in what is to be shown now.
    const [from, to] = this.shownOf.range;
    const [first, last] = this.shownOf.rows;
    const perNode = height / (rows[1] - rows[0]);
    pen.clip(frame.left, frame.top, width, height, () => {
      pen.image(
        this.shown,
        frame.x(from),
        frame.top + (first - rows[0]) * perNode,
        frame.x(to) - frame.x(from),
        (last - first) * perNode,
      );
    });
  }

  private paintNodes(
    key: string,
    range: [number, number],
    rows: [number, number],
    width: number,
    height: number,
  ): void {
    const image = new ImageData(width, height);
    const picture = { width, height, pixels: new Uint32Array(image.data.buffer) };
    const { gpuStart } = this.source;
    const gpus = gpuStart[rows[1]] - gpuStart[rows[0]];
    for (let node = rows[0]; node < rows[1]; node++) {
      const own = gpuStart[node + 1] - gpuStart[node];
      if (own === 0) continue;
      const top = Math.round(((gpuStart[node] - gpuStart[rows[0]]) / gpus) * height);
      const thick = Math.max(1, Math.floor(height / gpus));
      drawNode(this.source, this.reach, node, range, picture, top, thick, thick > 5 ? 1 : 0);
    }
    this.show(image, key, range, rows);
  }

  private paintGroups(
    key: string,
    range: [number, number],
    rows: [number, number],
    width: number,
    height: number,
  ): void {
    if (this.next?.key !== key) {
      this.next = {
        canvas: document.createElement('canvas'),
        image: new ImageData(width, height),
        row: 0,
        key,
        range,
        rows,
      };
    }
    const { next } = this;
    const picture = { width, height, pixels: new Uint32Array(next.image.data.buffer) };
    const stop = performance.now() + BUDGET_MS;
    // A row of pixels, or one of two or three where there are more rows than nodes.
    const groups = Math.min(height, rows[1] - rows[0]);
    while (next.row < groups && performance.now() < stop) {
      const at = (i: number) => rows[0] + Math.floor((i * (rows[1] - rows[0])) / groups);
      const top = Math.floor((next.row * height) / groups);
      const thick = Math.floor(((next.row + 1) * height) / groups) - top;
      drawGroup(this.source, this.reach, [at(next.row), at(next.row + 1)], range, this.scratch, picture, top, thick);
      next.row++;
    }
    if (next.row >= groups) {
      this.show(next.image, key, range, rows);
      this.next = null;
    } else {
      if (this.shownOf === null) this.show(next.image, '', range, rows);
      cancelAnimationFrame(this.request);
      this.request = requestAnimationFrame(this.again);
    }
  }

  private show(image: ImageData, key: string, range: [number, number], rows: [number, number]): void {
    this.shown.width = image.width;
    this.shown.height = image.height;
    (this.shown.getContext('2d') as CanvasRenderingContext2D).putImageData(image, 0, 0);
    this.shownOf = { range, rows };
    this.key = key;
  }
}

/** Row of pixels at which a node begins. */
function nodeTop({ run }: RunModel, frame: Frame, rows: [number, number], node: number): number {
  const { gpuStart } = run.nodes;
  const gpus = Math.max(1, gpuStart[rows[1]] - gpuStart[rows[0]]);
  const height = frame.bottom - frame.top;
  // As the raster has it: rows of GPUs if they have room, else rows of nodes.
  if (gpus * THIN <= Math.round(height))
    return frame.top + Math.round(((gpuStart[node] - gpuStart[rows[0]]) / gpus) * height);
  return frame.top + ((node - rows[0]) / (rows[1] - rows[0])) * height;
}

function placeAt(
  model: RunModel,
  frame: Frame,
  rows: [number, number],
  y: number,
): { node: number; gpu: number } | null {
  const { gpuStart } = model.run.nodes;
  const gpus = gpuStart[rows[1]] - gpuStart[rows[0]];
  const height = frame.bottom - frame.top;
  if (gpus * THIN <= Math.round(height)) {
    for (let node = rows[0]; node < rows[1]; node++) {
      const top = nodeTop(model, frame, rows, node);
      const thick = Math.max(1, Math.floor(height / gpus));
      const own = gpuStart[node + 1] - gpuStart[node];
      if (y >= top && y < top + own * thick) return { node, gpu: Math.floor((y - top) / thick) };
    }
    return null;
  }
  const node = rows[0] + Math.floor(((y - frame.top) / height) * (rows[1] - rows[0]));
  return node >= rows[0] && node < rows[1] ? { node, gpu: -1 } : null;
}

function drawGutter(pen: Pen, model: RunModel, frame: Frame, rows: [number, number]): void {
  const theme = themeNow();
  const { pool } = model.run.nodes;
  let lastLabel = -100;
  for (let node = rows[0]; node < rows[1]; node++) {
    const top = nodeTop(model, frame, rows, node);
    const newPool = node === rows[0] || pool[node] !== pool[node - 1];
    if (newPool && node > rows[0]) pen.line([frame.left - 60, top - 0.5, frame.right, top - 0.5], theme.text, 0.5);
    if (top - lastLabel < 14) continue;
    lastLabel = top;
    const text = shortName(pen, model.nodeName(node), frame.left - 8, 10);
    pen.text(frame.left - 6, top + 6, text, { fill: theme.muted, size: 10, align: 'right' });
  }
}

function drawStates(pen: Pen, model: RunModel, frame: Frame, rows: [number, number]): void {
  const { nodes: states } = model.recorded;
  if (states.count > 200_000) return;
  for (let i = 0; i < states.count; i++) {
    const node = states.values[0][i];
    if (node < rows[0] || node >= rows[1] || states.end[i] <= frame.from || states.start[i] >= frame.to) continue;
    const x0 = Math.max(frame.left, frame.x(states.start[i]));
    const x1 = Math.min(frame.right, frame.x(states.end[i]));
    const top = nodeTop(model, frame, rows, node);
    const bottom = node + 1 < rows[1] ? nodeTop(model, frame, rows, node + 1) : frame.bottom;
    if (NODE_STATES[states.values[1][i]] === 'absent') continue;
    pen.rect(x0, top, Math.max(1, x1 - x0), Math.max(1, bottom - top), STATE_PAINT[states.values[1][i]]);
  }
}

/** What a job does besides running, and its name, where its interval is wide enough to show it. */
function drawPhases(pen: Pen, model: RunModel, frame: Frame, rows: [number, number]): void {
  const { run, recorded } = model;
  const { gpuStart } = run.nodes;
  const gpus = gpuStart[rows[1]] - gpuStart[rows[0]];
  const thick = Math.floor((frame.bottom - frame.top) / Math.max(1, gpus));
  if (thick < 4) return;
  const theme = themeNow();
  const { holds, phases } = recorded;
  const { from, rows: list } = run.holdsOfNode;
  const wide = 26 / Math.max(1e-9, frame.right - frame.left);
  const least = (frame.to - frame.from) * wide;
  let drawn = 0;
  for (let node = rows[0]; node < rows[1]; node++) {
    const top = nodeTop(model, frame, rows, node);
    for (let i = from[node]; i < from[node + 1] && drawn < 1500; i++) {
      const hold = list[i];
      const start = Math.max(frame.from, holds.start[hold]);
      const end = Math.min(frame.to, holds.end[hold]);
      if (start >= frame.to) break;
      if (end - start < least) continue;
      drawn++;
      const job = holds.values[0][hold];
      const mask = holds.values[2][hold];
      const low = 31 - Math.clz32(mask & -mask);
      const high = 31 - Math.clz32(mask);
      const contiguous = mask >>> low === (high - low === 31 ? 0xffffffff : (1 << (high - low + 1)) - 1);
      const { from: first, rows: own } = run.phasesOfJob;
      let shown = 0;
      for (let p = first[job]; p < first[job + 1] && shown < 200; p++) {
        const phase = own[p];
        const category = ACTIVITY_CATEGORY[phases.values[1][phase]];
        if (category === 'productive' || phases.end[phase] <= start || phases.start[phase] >= end) continue;
        shown++;
        const x0 = frame.x(Math.max(start, phases.start[phase]));
        const x1 = frame.x(Math.min(end, phases.end[phase]));
        // Thinner than a pixel, and many of them, they would look like another colour.
        if (x1 - x0 < 1) continue;
        for (let g = low; g <= high; g++)
          if ((mask >>> g) & 1)
            pen.rect(x0, top + g * thick, x1 - x0, thick - (thick > 5 ? 1 : 0), categoryPaint(category, theme));
      }
      const room = frame.x(end) - frame.x(start) - 6;
      const tall = (contiguous ? high - low + 1 : 1) * thick;
      if (tall < 11) continue;
      const name = model.jobName(job);
      const text = pen.measure(name, 10) <= room ? name : initialsOf(model.projectName(run.jobs.project[job]));
      if (pen.measure(text, 10) <= room)
        pen.text(frame.x(start) + 3, top + low * thick + tall / 2, text, {
          fill: inkOn(projectPaint(run.jobs.project[job]).fill),
          size: 10,
        });
    }
  }
}

function drawMarks(pen: Pen, model: RunModel, frame: Frame, rows: [number, number]): void {
  const { recorded, run } = model;
  const { events, holds } = recorded;
  const theme = themeNow();
  const signs = EVENT_KINDS.map((kind) => MARKS.find((mark) => mark.kind === kind)?.sign ?? '');
  const first = lowerBound(events.start, events.count, frame.from);
  const perPixel = new Set<number>();
  let drawn = 0;
  for (let i = first; i < events.count && events.start[i] < frame.to && drawn < 3000; i++) {
    const sign = signs[events.values[0][i]];
    if (sign === '') continue;
    let node = events.values[2][i];
    const job = events.values[1][i];
    if (node < 0 && job >= 0) {
      // Where it was: its last hold that began before.
      const hold = model.lastBefore(run.holdsOfJob, job, holds.start, events.start[i]);
      if (hold >= 0) node = holds.values[1][hold];
    }
    if (node < rows[0] || node >= rows[1]) continue;
    const x = Math.round(frame.x(events.start[i]));
    const y = Math.round(nodeTop(model, frame, rows, node));
    // One mark in a place is enough.
    const place = Math.round(x / 4) * 100_000 + Math.round(y / 6);
    if (perPixel.has(place)) continue;
    perPixel.add(place);
    drawn++;
    pen.text(x, y + 5, sign, { fill: theme.page, size: 13, align: 'center', bold: true });
    pen.text(x, y + 5, sign, { fill: sign === '▼' ? theme.bad : theme.text, size: 10, align: 'center', bold: true });
  }
}

function drawSelection(pen: Pen, model: RunModel, store: Store, frame: Frame, rows: [number, number]): void {
  const { selection } = store.state;
  const theme = themeNow();
  if (selection?.kind === 'node' && selection.id >= rows[0] && selection.id < rows[1]) {
    const top = nodeTop(model, frame, rows, selection.id);
    const bottom = selection.id + 1 < rows[1] ? nodeTop(model, frame, rows, selection.id + 1) : frame.bottom;
    pen.line(
      [frame.left, top, frame.right, top, frame.right, bottom, frame.left, bottom, frame.left, top],
      theme.accent,
      2,
    );
  }
  if (selection?.kind !== 'job' || selection.id >= model.run.jobs.count) return;
  const { holdsOfJob } = model.run;
  const { holds } = model.recorded;
  for (let i = holdsOfJob.from[selection.id]; i < holdsOfJob.from[selection.id + 1]; i++) {
    const hold = holdsOfJob.rows[i];
    const node = holds.values[1][hold];
    if (node < rows[0] || node >= rows[1] || holds.end[hold] < frame.from || holds.start[hold] > frame.to) continue;
    const x0 = Math.max(frame.left, frame.x(holds.start[hold]));
    const x1 = Math.min(frame.right, frame.x(holds.end[hold]));
    const top = nodeTop(model, frame, rows, node);
    const bottom = node + 1 < rows[1] ? nodeTop(model, frame, rows, node + 1) : frame.bottom;
    pen.line([x0, top, x1, top, x1, bottom - 1, x0, bottom - 1, x0, top], theme.text, 2);
  }
}

function holdText(model: RunModel, hold: number): string {
  const { run, recorded } = model;
  const { start, end, values } = recorded.holds;
  const job = values[0][hold];
  let gpus = 0;
  for (let rest = values[2][hold]; rest !== 0; rest &= rest - 1) gpus++;
  const phase = model.phaseAt(job, start[hold]);
  const what = phase >= 0 ? `, at first ${ACTIVITIES[phase]}` : '';
  return `${model.jobName(job)} of ${model.projectName(run.jobs.project[job])}: ${gpus} of its ${run.jobs.gpus[job]} GPUs on ${model.nodeName(values[1][hold])} for ${span((end[hold] - start[hold]) / 1e6)}${what}.`;
}

/** A lighter or darker pixel of a colour. */
function shade(colour: string, by: number): number {
  const rgb = Number.parseInt(colour.slice(1), 16);
  const part = (shift: number) => Math.max(0, Math.min(255, ((rgb >> shift) & 255) + by * 14));
  return ((255 << 24) | (part(0) << 16) | (part(8) << 8) | part(16)) >>> 0;
}
