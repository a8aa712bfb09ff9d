/** Inference deployments whose requests are simulated: time to first token and throughput against their targets, and why targets were missed. */

import { decimal, percent } from '../../reports/format.ts';
import { sloSummary } from '../../reports/serving.ts';
import { ACTIVITIES } from '../../sim/record/recorder.ts';
import type { ServingFigures } from '../../sim/record/slo.ts';
import { h, put, table } from '../dom.ts';
import { amountAxis, cursorLine, type Frame, frameOf, steps, timeAxis } from '../draw/axes.ts';
import { swatch } from '../draw/hatch.ts';
import type { Pen } from '../draw/pen.ts';
import { Plate } from '../draw/plate.ts';
import { timePointer } from '../draw/pointer.ts';
import type { RunModel } from '../model.ts';
import { themeNow } from '../palette.ts';
import type { Store } from '../store.ts';
import { clockOf } from '../time.ts';
import { emptyView, type Mount, redraw, type TableData } from './view.ts';

const CAUSES: Record<string, { text: string; fill: string; sign: string }> = {
  fault: { text: 'a fault of the replica', fill: '#b3261e', sign: '▼' },
  preempted: { text: 'a preempted replica', fill: '#8c564b', sign: '◆' },
  'cold-start': { text: 'a replica not up yet', fill: '#cc79a7', sign: '■' },
  'kv-pressure': { text: 'no free KV blocks', fill: '#e69f00', sign: '▲' },
  'stale-telemetry': { text: 'routed by old counts', fill: '#7a6fc4', sign: '✚' },
  queue: { text: 'the line before a batch', fill: '#d55e00', sign: '×' },
  prefill: { text: 'its own prefill', fill: '#b8ad1f', sign: '◇' },
  batch: { text: 'the batch it decoded in', fill: '#56b4e9', sign: '○' },
};

export const mount: Mount = (host, model, store) => {
  const { serving, summary } = model.run;
  if (serving.length === 0)
    return emptyView(
      host,
      summary.slo.deployments.length > 0
        ? 'This file has only the sums of its deployments; they are in the report.'
        : 'No deployment of this scenario states its requests. The scenario serve-azure does: a Workload with requests for an InferenceDeployment.',
    );
  const plates: Plate[] = [];
  const tables: TableData[] = [];
  for (const figures of serving) {
    const slo = sloSummary(figures);
    const own = [
      figures.traces.length > 0 ? ttftPlate(model, store, figures) : hourlyTtftPlate(model, store, figures),
      ratePlate(model, store, figures),
      throughputPlate(model, store, figures),
      ...(model.hasIntervals ? [replicasPlate(model, store, figures)] : []),
    ];
    plates.push(...own);
    const met = (value: boolean | null) => (value === null ? '' : value ? ' (met)' : ' (missed)');
    const causes = Object.entries(slo.missed.causes)
      .filter(([, count]) => count > 0)
      .sort((a, b) => b[1] - a[1]);
    const facts: [string, string][] = [
      [
        'Replicas',
        `${decimal(figures.replicas, 1)} on average, on ${decimal(figures.gpus, 1)} GPUs, busy ${percent(slo.busyShare, 0)} of the time`,
      ],
      [
        'Requests',
        `${decimal(slo.completed)} of ${decimal(slo.requests)} answered${slo.refused + slo.shed > 0 ? `, ${decimal(slo.refused + slo.shed)} turned away` : ''}`,
      ],
      [
        'Attainment',
        slo.attainment === null ? 'no target is stated' : `${percent(slo.attainment)} of requests met their targets`,
      ],
      [
        'First token',
        `p50 ${ms(slo.ttftMs.p50)}, p99 ${ms(slo.ttftMs.p99)}${slo.targets.ttftMs === null ? '' : `; target ${ms(slo.targets.ttftMs)}${met(slo.met.ttft)}`}`,
      ],
      [
        'Each token',
        `p50 ${ms(slo.tokenMs.p50)}, p99 ${ms(slo.tokenMs.p99)}${slo.targets.tokenP99Ms === null ? '' : `; target ${ms(slo.targets.tokenP99Ms)}${met(slo.met.tokenP99)}`}`,
      ],
      [
        'Throughput',
        `${decimal(slo.tokensPerSecond)} tokens/s${slo.targets.tokensPerSecond === null ? '' : `; target ${decimal(slo.targets.tokensPerSecond)}${met(slo.met.throughput)}`}`,
      ],
    ];
    const list = h('dl', { class: 'facts' });
    for (const [term, value] of facts) put(list, h('div', {}, h('dt', {}, term), h('dd', {}, value)));
    const how =
      figures.fidelity === 'rate'
        ? 'By rate: in closed form, by replica and minute.'
        : 'Every request and every batch is simulated.';
    host.append(
      h('h3', {}, figures.deployment),
      h('p', { class: 'muted' }, how),
      list,
      ...own.map(({ element }) => element),
    );
    if (causes.length > 0) {
      host.append(
        h('h3', {}, 'Why targets were missed'),
        table(
          ['Because of', 'Requests', 'Share of misses'],
          causes.map(([cause, count]) => [
            h(
              'span',
              {},
              swatch(CAUSES[cause]?.fill ?? '#888888'),
              `${CAUSES[cause]?.sign ?? ''} ${CAUSES[cause]?.text ?? cause}`,
            ),
            decimal(count),
            percent(count / causes.reduce((sum, [, each]) => sum + each, 0)),
          ]),
          `Why targets of ${figures.deployment} were missed`,
        ),
      );
    }
    tables.push({
      name: `requests of ${figures.deployment}`,
      columns: [
        { name: 'arrival', values: figures.traces.map(({ arrivalUs }) => arrivalUs / 1e6) },
        { name: 'first_token', values: figures.traces.map(({ firstTokenUs }) => firstTokenUs / 1e6) },
        { name: 'done', values: figures.traces.map(({ doneUs }) => doneUs / 1e6) },
        { name: 'prompt', values: figures.traces.map(({ prompt }) => prompt) },
        { name: 'output', values: figures.traces.map(({ output }) => output) },
        { name: 'replica', values: figures.traces.map(({ replica }) => replica) },
        { name: 'missed', values: figures.traces.map(({ missed }) => missed ?? null) },
      ],
    });
  }
  return {
    update: (topics) => redraw(plates, topics),
    destroy() {
      for (const plate of plates) plate.destroy();
    },
    plates,
    tables: () => tables,
  };
};

/** µs. */
const HOUR = 3.6e9;
const USEFUL = '#0a7f5a';

const ms = (x: number) => (x >= 1000 ? `${(x / 1000).toFixed(2)} s` : `${x.toFixed(x < 10 ? 1 : 0)} ms`);

/** Sampled requests: a dot each at its arrival, those that missed with the sign of the cause. */
function ttftPlate(model: RunModel, store: Store, figures: ServingFigures): Plate {
  const { traces, targets } = figures;
  const most = topOf(
    traces.map((trace) => trace.firstTokenUs - trace.arrivalUs),
    targets.ttftUs,
  );
  const plate = new Plate({
    height: 240,
    label: `Time to first token of ${figures.deployment}: ${decimal(traces.length)} sampled requests`,
    paint(pen, size) {
      const theme = themeNow();
      const frame = frameOf(size, store.state.range, 26);
      pen.text(4, 10, `Time to first token, ms (${decimal(traces.length)} sampled requests)`, {
        fill: theme.text,
        size: 12,
        bold: true,
      });
      timeAxis(pen, frame, clockOf(model.run), theme);
      const y = amountAxis(pen, frame, most / 1000, '', theme);
      pen.clip(frame.left, frame.top - 4, frame.right - frame.left, frame.bottom - frame.top + 8, () => {
        for (const trace of traces) {
          if (trace.arrivalUs < frame.from || trace.arrivalUs > frame.to) continue;
          const x = frame.x(trace.arrivalUs);
          // What is above the scale stands at its upper edge.
          const at = y(Math.min(most, trace.firstTokenUs - trace.arrivalUs) / 1000);
          const cause = trace.missed === undefined ? undefined : CAUSES[trace.missed];
          if (cause) pen.text(x, at, cause.sign, { fill: cause.fill, size: 11, align: 'center', bold: true });
          else pen.rect(x - 1.5, at - 1.5, 3, 3, USEFUL);
        }
        if (Number.isFinite(targets.ttftUs)) {
          const at = y(targets.ttftUs / 1000);
          pen.line([frame.left, at, frame.right, at], theme.bad, 1.5, [7, 4]);
          pen.text(frame.right - 4, at - 8, 'target', { fill: theme.bad, size: 11, align: 'right' });
        }
      });
    },
    overlay: (pen, size) => cursorLine(pen, frameOf(size, store.state.range, 26), store.state.cursorUs, themeNow()),
  });
  timePointer(plate, store);
  return plate;
}

/** A chart of the hours of a deployment, drawn between its axes. */
function hourlyPlate(
  model: RunModel,
  store: Store,
  title: string,
  most: number,
  draw: (pen: Pen, frame: Frame, y: (value: number) => number) => void,
): Plate {
  const plate = new Plate({
    height: 150,
    label: title,
    paint(pen, size) {
      const theme = themeNow();
      const frame = frameOf(size, store.state.range, 26);
      pen.text(4, 10, title, { fill: theme.text, size: 12, bold: true });
      timeAxis(pen, frame, clockOf(model.run), theme);
      const y = amountAxis(pen, frame, most, '', theme);
      pen.clip(frame.left, frame.top - 4, frame.right - frame.left, frame.bottom - frame.top + 8, () =>
        draw(pen, frame, y),
      );
    },
    overlay: (pen, size) => cursorLine(pen, frameOf(size, store.state.range, 26), store.state.cursorUs, themeNow()),
  });
  timePointer(plate, store);
  return plate;
}

function targetLine(pen: Pen, frame: Frame, y: number): void {
  const theme = themeNow();
  pen.line([frame.left, y, frame.right, y], theme.bad, 1.5, [7, 4]);
  pen.rect(frame.right - 42, y - 15, 40, 13, theme.page);
  pen.text(frame.right - 4, y - 8, 'target', { fill: theme.bad, size: 11, align: 'right' });
}

/** Upper end of a scale: of most of the values and the target, where a few are far above all others, as while a replica starts. */
function topOf(values: ArrayLike<number>, target: number): number {
  const sorted = Float64Array.from(values).sort();
  const stated = Number.isFinite(target) ? target * 1.3 : 0;
  const usual = Math.max(stated, 1.3 * (sorted[Math.floor(0.99 * (sorted.length - 1))] ?? 0));
  const most = Math.max(stated, sorted.at(-1) ?? 0);
  return most > 3 * usual && usual > 0 ? usual : most;
}

/** Where requests are not simulated one by one: the mean of each hour. */
function hourlyTtftPlate(model: RunModel, store: Store, { hours, targets, deployment }: ServingFigures): Plate {
  const values = Float64Array.from(hours, ({ ttftUs }) => ttftUs / 1000);
  const target = Number.isFinite(targets.ttftUs) ? targets.ttftUs / 1000 : 0;
  const most = topOf(values, target);
  const title = `Time to first token of ${deployment}, ms: mean of each hour`;
  return hourlyPlate(model, store, title, most, (pen, frame, y) => {
    pen.line(
      steps(
        values.map((value) => Math.min(value, most)),
        HOUR,
        model.run.simulatedUs,
        frame,
        y,
      ),
      USEFUL,
      1.8,
    );
    if (target > 0) targetLine(pen, frame, y(target));
    let labelled = Number.NEGATIVE_INFINITY;
    values.forEach((value, i) => {
      const x = Math.max(frame.left, frame.x(hours[i].hour * HOUR));
      if (value <= most || frame.x((hours[i].hour + 1) * HOUR) < frame.left || x > frame.right || x < labelled + 70)
        return;
      labelled = x;
      pen.text(x + 4, frame.top + 6, `▲ ${ms(value)}`, { fill: themeNow().text, size: 11 });
    });
  });
}

function throughputPlate(model: RunModel, store: Store, { hours, targets, deployment }: ServingFigures): Plate {
  const { simulatedUs } = model.run;
  const values = Float64Array.from(hours, ({ hour, tokens }) => {
    const seconds = Math.min(HOUR, simulatedUs - hour * HOUR) / 1e6;
    return seconds > 0 ? tokens / seconds : 0;
  });
  const target = targets.tokensPerSecond;
  const most = values.reduce((a, b) => Math.max(a, b), target * 1.15);
  const title = `Throughput of ${deployment}, tokens a second: mean of each hour`;
  return hourlyPlate(model, store, title, most, (pen, frame, y) => {
    const line = steps(values, HOUR, simulatedUs, frame, y);
    if (line.length > 0) pen.area([line[0], y(0), ...line, line[line.length - 2], y(0)], '#2b8cbe');
    if (target > 0) targetLine(pen, frame, y(target));
  });
}

/** Replicas that are up, from the phases of their jobs. */
function replicasPlate(model: RunModel, store: Store, { deployment }: ServingFigures): Plate {
  const { run, recorded } = model;
  const changes: { us: number; by: number }[] = [];
  for (let job = 0; job < run.jobs.count; job++) {
    if (!model.jobName(job).startsWith(`${deployment}-`)) continue;
    for (let i = run.phasesOfJob.from[job]; i < run.phasesOfJob.from[job + 1]; i++) {
      const phase = run.phasesOfJob.rows[i];
      if (ACTIVITIES[recorded.phases.values[1][phase]] !== 'running') continue;
      changes.push({ us: recorded.phases.start[phase], by: 1 }, { us: recorded.phases.end[phase], by: -1 });
    }
  }
  changes.sort((a, b) => a.us - b.us);
  const course: { us: number; up: number }[] = [{ us: 0, up: 0 }];
  for (const { us, by } of changes) {
    const last = course[course.length - 1];
    if (last.us === us) last.up += by;
    else course.push({ us, up: last.up + by });
  }
  const most = course.reduce((a, { up }) => Math.max(a, up), 1);
  return hourlyPlate(model, store, `Replicas of ${deployment} that are up`, most, (pen, frame, y) => {
    const points = [frame.x(0), y(0)];
    course.forEach(({ us, up }, i) => {
      const end = Math.min(run.simulatedUs, course[i + 1]?.us ?? run.simulatedUs);
      if (end < frame.from || us > frame.to) return;
      points.push(frame.x(us), y(up), frame.x(end), y(up));
    });
    points.push(points[points.length - 2], y(0), points[0], y(0));
    pen.area(points, '#7b6fc4');
  });
}

/** Requests by hour of arrival, and how many of them met the targets. */
function ratePlate(model: RunModel, store: Store, figures: ServingFigures): Plate {
  const { hours } = figures;
  const most = Math.max(1, ...hours.map(({ requests }) => requests));
  const plate = new Plate({
    height: 150,
    label: `Requests of ${figures.deployment} by hour, and how many met their targets`,
    paint(pen, size) {
      const theme = themeNow();
      const frame = frameOf(size, store.state.range, 26);
      pen.text(4, 10, 'Requests an hour; full: met their targets, hatched: missed', {
        fill: theme.text,
        size: 12,
        bold: true,
      });
      timeAxis(pen, frame, clockOf(model.run), theme);
      const y = amountAxis(pen, frame, most, '', theme);
      pen.clip(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top, () => {
        for (const { hour, requests, attained } of hours) {
          const x0 = Math.round(frame.x(hour * HOUR));
          const x1 = Math.round(frame.x(Math.min((hour + 1) * HOUR, model.run.simulatedUs)));
          if (x1 < frame.left || x0 > frame.right || requests === 0) continue;
          const width = Math.max(1, x1 - x0 - (x1 - x0 > 4 ? 1 : 0));
          pen.rect(x0, y(attained), width, y(0) - y(attained), USEFUL);
          pen.rect(x0, y(requests), width, y(attained) - y(requests), { fill: '#d55e00', hatch: 'rise' });
        }
      });
    },
    overlay: (pen, size) => cursorLine(pen, frameOf(size, store.state.range, 26), store.state.cursorUs, themeNow()),
  });
  timePointer(plate, store);
  return plate;
}
