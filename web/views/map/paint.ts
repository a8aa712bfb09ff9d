/** The map's picture at a moment: each GPU's cell in the colour of who holds it, how busy it is, its health or its ledger category. */
import { NODE_STATES } from '../../../sim/cluster/cluster.ts';
import { ACTIVITIES } from '../../../sim/record/recorder.ts';
import { cutText, initialsOf, shortName } from '../../draw/names.ts';
import type { Pen } from '../../draw/pen.ts';
import type { RunModel } from '../../model.ts';
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
} from '../../palette.ts';
import type { Store } from '../../store.ts';
import { type Box, type Layout, NAMED } from './layout.ts';

export const MODES = [
  { id: 'project', title: 'Project' },
  { id: 'use', title: 'Utilisation' },
  { id: 'health', title: 'Health' },
  { id: 'ledger', title: 'Ledger' },
] as const;
export type Mode = (typeof MODES)[number]['id'];

/** Of a whole GPU. */
export const UNITS = 7000;
const READY = 0;
const RUNNING = ACTIVITIES.indexOf('running');
const INFERENCE = 2;

export function paintMap(
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
  for (const { x, y, text } of layout.headings)
    pen.text(x, y, cutText(pen, text, layout.width - x, 12), { fill: theme.muted, size: 12 });
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
  /** Whether a node is one area: cells without gaps between them, and none left over. */
  const inWhole = (gpus: number, across: number) => small && inner === cell && gpus > 0 && gpus % across === 0;
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
    if (inWhole(gpus, across)) fill(box.x, box.y, box.width, box.height, paint);
    else
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
      const gpus = nodes.gpuStart[node + 1] - nodes.gpuStart[node];
      const across = layout.columns(gpus);
      const top = box.y + (named ? 14 : 0);
      const paint = holdPaint(hold);
      const share = values[3][hold] / UNITS;
      if (share === 1 && values[2][hold] >>> 0 === 2 ** gpus - 1 && inWhole(gpus, across)) {
        fill(box.x, box.y, box.width, box.height, paint);
        return;
      }
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

export function outline(pen: Pen, { x, y, width, height }: Box, colour: string, thick: number): void {
  pen.line(
    [x - 2, y - 2, x + width + 1, y - 2, x + width + 1, y + height + 1, x - 2, y + height + 1, x - 2, y - 3],
    colour,
    thick,
  );
}
