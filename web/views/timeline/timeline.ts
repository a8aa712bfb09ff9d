/** Jobs on GPUs as a Gantt that stays readable from one node to a hundred thousand GPUs, with what happened marked. */
import { decimal, span } from '../../../reports/format.ts';
import { NODE_STATES } from '../../../sim/cluster/cluster.ts';
import { ACTIVITIES, type EVENT_KINDS } from '../../../sim/record/recorder.ts';
import { choice, h, put, replace } from '../../dom.ts';
import { cursorLine, frameOf, timeAxis } from '../../draw/axes.ts';
import type { GanttSource } from '../../draw/gantt.ts';
import { swatch } from '../../draw/hatch.ts';
import { Plate, type Size } from '../../draw/plate.ts';
import { timePointer } from '../../draw/pointer.ts';
import type { RunModel } from '../../model.ts';
import { type Paint, pixel, projectPaint, STATE_PAINT, themeNow } from '../../palette.ts';
import type { Store } from '../../store.ts';
import { clockOf } from '../../time.ts';
import { jobText, nodeText } from '../map/words.ts';
import { emptyView, type Mount, type MountedView, NO_INTERVALS, redraw } from '../view.ts';
import { drawGutter, drawMarks, drawPhases, drawSelection, drawStates, MARKS } from './over.ts';
import { RasterLayer } from './raster.ts';
import { placeAt, type Rows } from './rows.ts';

export const mount: Mount = (host, model, store) => {
  if (!model.hasIntervals) return emptyView(host, NO_INTERVALS);
  return mountTimeline(host, model, store, Math.max(360, Math.min(900, window.innerHeight - 330)), true);
};

export function mountTimeline(
  host: HTMLElement,
  model: RunModel,
  store: Store,
  height: number,
  tools: boolean,
): MountedView {
  const { run, recorded } = model;
  const { nodes } = run;
  let rows: Rows = [0, nodes.count];
  let colours: 'project' | 'job' = store.choices.get('timeline colour') === 'job' ? 'job' : 'project';
  const told = h('p', { class: 'told', role: 'status' });
  const jobOf = recorded.holds.values[0];
  const projectPaints = run.projects.map((_, p) => projectPaint(p));
  const jobPaints = Array.from(
    { length: 64 },
    (_, i): Paint => ({
      fill: shade(projectPaint(i % 8).fill, (i >> 3) - 3),
      hatch: '',
    }),
  );
  const paintOf = (job: number): Paint =>
    (colours === 'job' ? jobPaints[(job * 37) & 63] : projectPaints[run.jobs.project[job]]) ?? projectPaint(-1);
  const pixels = new Map([...projectPaints, ...jobPaints, projectPaint(-1)].map(({ fill }) => [fill, pixel(fill)]));
  const source: GanttSource = {
    holds: recorded.holds,
    holdsOfNode: run.holdsOfNode,
    gpuStart: nodes.gpuStart,
    nodeCount: nodes.count,
    colour: (hold) => pixels.get(paintOf(jobOf[hold]).fill) ?? 0,
    hatch: (hold) => paintOf(jobOf[hold]).hatch,
  };
  const layer = new RasterLayer(source, model.lookup.reach, () => plate.draw());
  const frameFor = (size: Size) => frameOf(size, store.state.range, 10);
  const plate = new Plate({
    height,
    label: `Jobs on ${decimal(nodes.gpuCount)} GPUs over time`,
    paint(pen, size) {
      const frame = frameFor(size);
      const theme = themeNow();
      timeAxis(pen, frame, clockOf(run), theme);
      pen.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top, theme.empty);
      layer.draw(pen, frame, rows, store.endUs);
      drawGutter(pen, model, frame, rows);
      drawStates(pen, model, frame, rows);
      drawPhases(pen, model, frame, rows, paintOf);
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
      told.textContent = hold < 0 ? said() : holdText(model, hold);
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
  const showRows = (from: number, width: number) => {
    const start = Math.round(Math.max(0, Math.min(nodes.count - width, from)));
    rows = [start, start + width];
    plate.draw();
    told.textContent = said();
  };
  /** So many times as many nodes; the one at that share of the height stays where it is. */
  const zoomRows = (factor: number, share = 0.5) => {
    const before = rows[1] - rows[0];
    // At least one more or less, however few there are.
    const wish = factor > 1 ? Math.ceil(before * factor) : Math.floor(before * factor);
    const width = Math.max(1, Math.min(nodes.count, wish));
    showRows(rows[0] + share * (before - width), width);
  };
  const moveRows = (screens: number) => {
    const width = rows[1] - rows[0];
    showRows(rows[0] + Math.sign(screens) * Math.max(1, Math.round(Math.abs(screens) * width)), width);
  };
  const said = () => {
    const { selection, cursorUs } = store.state;
    if (selection?.kind === 'job' && selection.id < run.jobs.count) return jobText(model, selection.id, cursorUs);
    if (selection?.kind === 'node' && selection.id < nodes.count) return nodeText(model, selection.id, cursorUs);
    const { holds } = recorded;
    const nodesShown = rows[1] - rows[0] < nodes.count ? `Nodes ${rows[0] + 1} to ${rows[1]} of ${nodes.count}. ` : '';
    const left =
      holds.dropped > 0 ? ` ${decimal(holds.dropped)} shorter than ${span(holds.shortestUs / 1e6)} are left out.` : '';
    return `${nodesShown}${decimal(holds.count)} stays of jobs on nodes.${left}`;
  };
  told.textContent = said();
  const legend = h('div', { class: 'legend' });
  const fillLegend = () => {
    const shown = run.projects
      .slice(0, 12)
      .map(({ name }, p) => h('span', { class: 'key' }, swatch(projectPaint(p)), name));
    replace(legend, ...(colours === 'project' ? shown : [h('span', { class: 'key muted' }, 'a colour for each job')]));
    const more = run.projects.length - 12;
    if (colours === 'project' && more > 0) put(legend, h('span', { class: 'key muted' }, `and ${decimal(more)} more`));
    for (const state of model.nodeStates())
      put(legend, h('span', { class: 'key' }, swatch(STATE_PAINT[state]), NODE_STATES[state]));
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
          button('Rows +', 'Fewer nodes, thicker rows (>)', () => zoomRows(0.5)),
          button('Rows −', 'More nodes, thinner rows (<)', () => zoomRows(2)),
          button('↑', 'Nodes above (shift ↑)', () => moveRows(-0.5)),
          button('↓', 'Nodes below (shift ↓)', () => moveRows(0.5)),
        ),
      ),
    );
  }
  host.append(plate.element, told, legend);
  fillLegend();
  return {
    update(topics) {
      if (topics.has('theme')) layer.forget();
      const { selection } = store.state;
      if (topics.has('selection') || (topics.has('cursor') && selection !== null)) told.textContent = said();
      if (topics.has('selection') && selection?.kind === 'node' && (selection.id < rows[0] || selection.id >= rows[1]))
        showRows(selection.id - (rows[1] - rows[0]) / 2, rows[1] - rows[0]);
      redraw([plate], topics);
    },
    destroy() {
      layer.stop();
      plate.destroy();
    },
    plates: [plate],
    rows(screens, factor) {
      if (screens !== 0) moveRows(screens);
      if (factor !== 1) zoomRows(factor);
    },
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

/** A colour, lighter or darker. */
function shade(colour: string, by: number): string {
  const rgb = Number.parseInt(colour.slice(1), 16);
  const part = (shift: number) => Math.max(0, Math.min(255, ((rgb >> shift) & 255) + by * 14));
  return `#${((part(16) << 16) | (part(8) << 8) | part(0)).toString(16).padStart(6, '0')}`;
}
