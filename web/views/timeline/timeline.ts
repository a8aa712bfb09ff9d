/** Jobs on GPUs as a Gantt that stays readable from one node to a hundred thousand GPUs, with what happened marked. */
import { decimal, span } from '../../../reports/format.ts';
import { ACTIVITIES, type EVENT_KINDS } from '../../../sim/record/recorder.ts';
import { choice, h, put, replace, swatch } from '../../dom.ts';
import { cursorLine, frameOf, timeAxis } from '../../draw/axes.ts';
import { type GanttSource, reachOf } from '../../draw/gantt.ts';
import { Plate, type Size } from '../../draw/plate.ts';
import { timePointer } from '../../draw/pointer.ts';
import type { RunModel } from '../../model.ts';
import { pixel, projectPaint, themeNow } from '../../palette.ts';
import type { Store } from '../../store.ts';
import { clockOf } from '../../time.ts';
import { emptyView, type Mount, type MountedView, NO_INTERVALS, redraw } from '../view.ts';
import { drawGutter, drawMarks, drawPhases, drawSelection, drawStates, MARKS } from './over.ts';
import { RasterLayer } from './raster.ts';
import { placeAt, type Rows } from './rows.ts';

export const mount: Mount = (host, model, store) => {
  if (!model.hasIntervals) return emptyView(host, NO_INTERVALS);
  return mountTimeline(host, model, store, 480, true);
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
      layer.draw(pen, frame, rows, store.endUs);
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
