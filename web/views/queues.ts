/** Per project: what it deserves, its fair share, what it holds, borrows and waits for, over time. */
import { decimal, span } from '../../reports/format.ts';
import { PROJECT_SERIES } from '../../sim/record/recorder.ts';
import { h, table } from '../dom.ts';
import { amountAxis, cursorLine, frameOf, short, steps, timeAxis } from '../draw/axes.ts';
import { swatch } from '../draw/hatch.ts';
import { cutText } from '../draw/names.ts';
import { Plate } from '../draw/plate.ts';
import { timePointer } from '../draw/pointer.ts';
import { projectPaint, themeNow } from '../palette.ts';
import { clockOf, momentText } from '../time.ts';
import { legendBox } from './ledger.ts';
import { emptyView, type Mount, redraw } from './view.ts';

const S = PROJECT_SERIES.length;
/** Charts that are shown; the others are in the table. */
const MOST = 16;
/** Stands for the colour of any project. */
const ANY = '#8a929b';

export const mount: Mount = (host, model, store) => {
  const { run, recorded } = model;
  const { series } = recorded;
  if (run.projects.length === 0) return emptyView(host, 'This scenario has no projects.');
  if (series.projects.length === 0)
    return emptyView(
      host,
      `${decimal(run.projects.length)} projects are too many to keep over time; the table of queues is in the report.`,
    );
  const total = (p: number, kind: number) => series.projects[p * S + kind].reduce((sum, value) => sum + value, 0);
  const order = run.projects
    .map((_, p) => p)
    .sort((a, b) => total(b, 0) + total(b, 3) - total(a, 0) - total(a, 3) || a - b);
  const plates = order.slice(0, MOST).map((p) => {
    const facts = run.projects[p];
    const [held, over, , pending] = [0, 1, 2, 3].map((kind) => series.projects[p * S + kind]);
    const fair = run.fairShare[p];
    const inQuota = held.map((value, i) => value - over[i]);
    let most = facts.deserved > 0 ? facts.deserved : 1;
    for (let i = 0; i < series.count; i++)
      most = Math.max(most, held[i], Math.min(pending[i], 4 * Math.max(held[i], 1) + most), fair?.[i] ?? 0);
    const paint = projectPaint(p);
    const plate = new Plate({
      height: 170,
      label: `${facts.name}: GPUs over time`,
      paint(pen, size) {
        const theme = themeNow();
        const frame = frameOf(size, store.state.range, 26);
        timeAxis(pen, frame, clockOf(run), theme);
        const y = amountAxis(pen, frame, most, '', theme);
        pen.rect(frame.left, 5, 10, 10, paint);
        const quota = facts.deserved < 0 ? 'no limit' : `deserves ${short(facts.deserved)}`;
        const room = frame.right - frame.left - 28 - pen.measure(quota, 11);
        // Bold letters are a little wider.
        const name = cutText(pen, facts.name, room, 14);
        pen.text(frame.left + 16, 10, name, { fill: theme.text, size: 13, bold: true });
        pen.text(frame.right, 10, quota, { fill: theme.muted, size: 11, align: 'right' });
        pen.clip(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top, () => {
          const base = y(0);
          const lower = steps(inQuota, series.bucketUs, run.simulatedUs, frame, y);
          const upper = steps(held, series.bucketUs, run.simulatedUs, frame, y);
          if (lower.length > 0) {
            pen.area([lower[0], base, ...lower, lower[lower.length - 2], base], paint);
            const borrowed = [...upper];
            for (let i = lower.length - 2; i >= 0; i -= 2) borrowed.push(lower[i], lower[i + 1]);
            pen.area(borrowed, { fill: paint.fill, hatch: 'rise' });
          }
          if (fair) pen.line(steps(fair, series.bucketUs, run.simulatedUs, frame, y), theme.text, 1.2, [2, 2]);
          pen.line(steps(pending, series.bucketUs, run.simulatedUs, frame, y), theme.bad, 1.5);
          if (facts.deserved >= 0)
            pen.line([frame.left, y(facts.deserved), frame.right, y(facts.deserved)], theme.text, 1.5, [7, 4]);
        });
      },
      overlay(pen, size) {
        const theme = themeNow();
        const frame = frameOf(size, store.state.range, 26);
        const { cursorUs } = store.state;
        cursorLine(pen, frame, cursorUs, theme);
        if (cursorUs < frame.from || cursorUs > frame.to || series.count === 0) return;
        const i = Math.min(series.count - 1, Math.floor(cursorUs / series.bucketUs));
        legendBox(pen, frame.x(cursorUs), frame, [
          momentText(cursorUs, clockOf(run)),
          `holds ${short(held[i])}, ${short(over[i])} borrowed`,
          `waits for ${short(pending[i])}${fair ? `; fair share ${short(fair[i])}` : ''}`,
        ]);
      },
    });
    timePointer(plate, store);
    return plate;
  });
  const sign = (draw: string, text: string) =>
    h('span', { class: 'key' }, h('span', { class: `sign ${draw}`, 'aria-hidden': 'true' }), text);
  const legend = h(
    'div',
    { class: 'legend' },
    h('span', { class: 'key' }, swatch(ANY), 'held within quota'),
    h('span', { class: 'key' }, swatch({ fill: ANY, hatch: 'rise' }), 'borrowed'),
    sign('dashed', 'deserved'),
    sign('dotted', 'fair share of what was held and waited for'),
    sign('red', 'waited for'),
  );
  host.append(legend, h('div', { class: 'multiples' }, ...plates.map(({ element }) => element)));
  if (order.length > MOST)
    host.append(
      h('p', { class: 'muted' }, `The ${MOST} largest of ${order.length} projects are drawn; all are in the table.`),
    );
  const queues = run.summary.queues;
  host.append(
    table(
      ['Project', 'Jobs', 'Deserves', 'GPU-hours in quota', 'borrowed', 'Half waited at most', '95 % waited at most'],
      queues.map(({ project, jobs, deservedGpus, gpuHours, queueingDelay }) => [
        project,
        decimal(jobs),
        deservedGpus === null ? 'no limit' : decimal(deservedGpus),
        decimal(gpuHours.inQuota, 1),
        decimal(gpuHours.overQuota, 1),
        span(queueingDelay.p50),
        span(queueingDelay.p95),
      ]),
      'Queues',
    ),
  );
  return {
    update: (topics) => redraw(plates, topics),
    destroy() {
      for (const plate of plates) plate.destroy();
    },
    plates,
    tables: () => [
      {
        name: 'queues',
        columns: [
          { name: 'project', values: queues.map(({ project }) => project) },
          { name: 'jobs', values: queues.map(({ jobs }) => jobs) },
          { name: 'deserved_gpus', values: queues.map(({ deservedGpus }) => deservedGpus) },
          { name: 'in_quota_gpu_hours', values: queues.map(({ gpuHours }) => gpuHours.inQuota) },
          { name: 'over_quota_gpu_hours', values: queues.map(({ gpuHours }) => gpuHours.overQuota) },
          { name: 'wait_p50_seconds', values: queues.map(({ queueingDelay }) => queueingDelay.p50) },
          { name: 'wait_p95_seconds', values: queues.map(({ queueingDelay }) => queueingDelay.p95) },
        ],
      },
    ],
  };
};
