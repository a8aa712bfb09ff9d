/** What lies over the timeline's intervals: names of nodes, their states, what jobs do, what happened, the selection. */
import { NODE_STATES } from '../../../sim/cluster/cluster.ts';
import { EVENT_KINDS } from '../../../sim/record/recorder.ts';
import type { Frame } from '../../draw/axes.ts';
import { initialsOf, shortName } from '../../draw/names.ts';
import type { Pen } from '../../draw/pen.ts';
import { lowerBound, type RunModel } from '../../model.ts';
import { ACTIVITY_CATEGORY, categoryPaint, inkOn, type Paint, STATE_PAINT, themeNow } from '../../palette.ts';
import type { Store } from '../../store.ts';
import { nodeTop, type Rows } from './rows.ts';

export const MARKS: { kind: string; sign: string; about: string }[] = [
  { kind: 'fault', sign: '▼', about: 'fault' },
  { kind: 'preempt', sign: '×', about: 'preempted' },
  { kind: 'reclaim', sign: '◆', about: 'reclaimed' },
  { kind: 'kill', sign: '✚', about: 'dies' },
];

export function drawGutter(pen: Pen, model: RunModel, frame: Frame, rows: Rows): void {
  const theme = themeNow();
  const { pool } = model.run.nodes;
  let lastLabel = -100;
  for (let node = rows[0]; node < rows[1]; node++) {
    const top = nodeTop(model, frame, rows, node);
    const newPool = node === rows[0] || pool[node] !== pool[node - 1];
    if (newPool && node > rows[0]) pen.line([frame.left - 4, top - 0.5, frame.right, top - 0.5], theme.text, 0.5);
    if (top - lastLabel < 14) continue;
    lastLabel = top;
    const text = shortName(pen, model.nodeName(node), frame.left - 8, 10);
    pen.text(frame.left - 6, top + 6, text, { fill: theme.muted, size: 10, align: 'right' });
  }
}

export function drawStates(pen: Pen, model: RunModel, frame: Frame, rows: Rows): void {
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
export function drawPhases(pen: Pen, model: RunModel, frame: Frame, rows: Rows, paintOf: (job: number) => Paint): void {
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
    // Up to where each GPU's row has names: several jobs may share it.
    const named: number[] = [];
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
      const width = pen.measure(text, 10);
      if (width > room || frame.x(start) < (named[low] ?? 0)) continue;
      named[low] = frame.x(start) + width + 8;
      const { fill } = paintOf(job);
      const middle = top + low * thick + tall / 2;
      // Not across the lines between GPUs.
      pen.rect(frame.x(start) + 1, middle - 6, width + 4, 12, fill);
      pen.text(frame.x(start) + 3, middle, text, { fill: inkOn(fill), size: 10 });
    }
  }
}

export function drawMarks(pen: Pen, model: RunModel, frame: Frame, rows: Rows): void {
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

export function drawSelection(pen: Pen, model: RunModel, store: Store, frame: Frame, rows: Rows): void {
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
