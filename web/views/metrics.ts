/** The two panels that users of Mission Control have in Grafana: utilisation by GPU model, as DCGM has it, and by project, as Run:ai has it. */
import { BUSY, CATEGORIES } from '../../sim/record/ledger.ts';
import { PROJECT_SERIES } from '../../sim/record/recorder.ts';
import { h } from '../dom.ts';
import { amountAxis, cursorLine, frameOf, steps, timeAxis } from '../draw/axes.ts';
import { cutText } from '../draw/names.ts';
import { Plate } from '../draw/plate.ts';
import { timePointer } from '../draw/pointer.ts';
import type { RunModel } from '../model.ts';
import { projectPaint, themeNow } from '../palette.ts';
import type { Store } from '../store.ts';
import { clockOf, momentText } from '../time.ts';
import { legendBox } from './ledger.ts';
import { emptyView, type Mount, redraw } from './view.ts';

const C = CATEGORIES.length;
const S = PROJECT_SERIES.length;
const MOST_LINES = 10;
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]];

interface Line {
  name: string;
  values: Float64Array;
}

export const mount: Mount = (host, model, store) => {
  if (model.recorded.series.count === 0) return emptyView(host, 'Nothing was simulated.');
  const models = byModel(model);
  const projects = byProject(model);
  const plates = [
    panel(model, store, 'DCGM_FI_DEV_GPU_UTIL', 'avg by (modelName), %', models),
    panel(model, store, 'runai_project_gpu_utilization', 'avg by (project_name), %', projects),
  ];
  host.append(
    ...plates.map(({ element }) => element),
    h(
      'p',
      { class: 'muted' },
      'By model: busy time of all GPUs in the cluster, idle ones included. By project: busy time of the GPUs that it holds; a project that holds none has no line there.',
    ),
  );
  return {
    update: (topics) => redraw(plates, topics),
    destroy() {
      for (const plate of plates) plate.destroy();
    },
    plates,
    tables: () => {
      const { bucketUs } = model.recorded.series;
      const times = Array.from(models[0]?.values ?? [], (_, i) => (i * bucketUs) / 1e6);
      const columns = [...models, ...projects].map(({ name, values }) => ({
        name,
        values: Array.from(values, (v) => (Number.isNaN(v) ? null : v)),
      }));
      return [{ name: 'metrics', columns: [{ name: 'from_seconds', values: times }, ...columns] }];
    },
  };
};

function byModel({ run, recorded }: RunModel): Line[] {
  const { series } = recorded;
  const busy = BUSY.map((category) => CATEGORIES.indexOf(category));
  const names = [...new Set(run.pools.filter(({ gpus }) => gpus > 0).map(({ gpuModel }) => gpuModel || 'unknown'))];
  return names.map((name) => {
    const values = new Float64Array(series.count);
    const present = new Float64Array(series.count);
    run.pools.forEach((pool, p) => {
      if ((pool.gpuModel || 'unknown') !== name || (p + 1) * C > series.pools.length) return;
      for (let c = 0; c < C; c++) {
        const gpus = series.pools[p * C + c];
        for (let i = 0; i < series.count; i++) {
          present[i] += gpus[i];
          if (busy.includes(c)) values[i] += gpus[i];
        }
      }
    });
    return { name, values: values.map((value, i) => (present[i] > 0 ? (100 * value) / present[i] : Number.NaN)) };
  });
}

function byProject({ run, recorded }: RunModel): Line[] {
  const { series } = recorded;
  if (series.projects.length === 0) return [];
  return run.projects.map(({ name }, p) => {
    const held = series.projects[p * S];
    const busy = series.projects[p * S + 2];
    return {
      name,
      values: Float64Array.from(held, (value, i) => (value > 0.001 ? (100 * busy[i]) / value : Number.NaN)),
    };
  });
}

function panel(model: RunModel, store: Store, title: string, unit: string, lines: Line[]): Plate {
  const { run, recorded } = model;
  const { series } = recorded;
  const drawn = lines.slice(0, MOST_LINES);
  const plate = new Plate({
    height: 250,
    label: `${title}, ${unit}`,
    paint(pen, size) {
      const theme = themeNow();
      const frame = frameOf(size, store.state.range, 44);
      pen.text(4, 10, title, { fill: theme.text, size: 13, bold: true });
      pen.text(size.width - 12, 10, unit, { fill: theme.muted, size: 11, align: 'right' });
      let x = 4;
      drawn.forEach(({ name }, i) => {
        const shown = cutText(pen, name, Math.min(size.width / 2, 260), 11);
        const width = pen.measure(shown, 11) + 34;
        if (x + width > size.width) return;
        pen.line([x, 28, x + 22, 28], projectPaint(i % 8).fill, 2.5, DASHES[Math.floor(i / 8) % 4]);
        pen.text(x + 26, 28, shown, { fill: theme.muted, size: 11 });
        x += width + 6;
      });
      timeAxis(pen, frame, clockOf(run), theme);
      const y = amountAxis(pen, frame, 100, '', theme);
      pen.clip(frame.left, frame.top - 2, frame.right - frame.left, frame.bottom - frame.top + 4, () => {
        drawn.forEach(({ values }, i) => {
          for (const points of unbroken(values, series.bucketUs, run.simulatedUs, frame, y))
            pen.line(points, projectPaint(i % 8).fill, 1.8, DASHES[Math.floor(i / 8) % 4]);
        });
      });
    },
    overlay(pen, size) {
      const frame = frameOf(size, store.state.range, 44);
      const { cursorUs } = store.state;
      cursorLine(pen, frame, cursorUs, themeNow());
      if (cursorUs < frame.from || cursorUs > frame.to) return;
      const i = Math.min(series.count - 1, Math.floor(cursorUs / series.bucketUs));
      legendBox(pen, frame.x(cursorUs), frame, [
        momentText(cursorUs, clockOf(run)),
        ...drawn
          .filter(({ values }) => !Number.isNaN(values[i]))
          .map(({ name, values }) => `${name} ${values[i].toFixed(1)} %`),
      ]);
    },
  });
  timePointer(plate, store);
  return plate;
}

/** The stretches for which there are values. */
function* unbroken(
  values: Float64Array,
  bucketUs: number,
  endUs: number,
  frame: ReturnType<typeof frameOf>,
  y: (value: number) => number,
) {
  // Where the buckets are many, means over those that have a value.
  const stride = Math.max(1, Math.floor((frame.to - frame.from) / bucketUs / Math.max(1, frame.right - frame.left)));
  const means = stride === 1 ? values : new Float64Array(Math.ceil(values.length / stride));
  if (stride > 1) {
    for (let k = 0; k < means.length; k++) {
      let sum = 0;
      let count = 0;
      for (let i = k * stride; i < Math.min(values.length, (k + 1) * stride); i++) {
        if (Number.isNaN(values[i])) continue;
        sum += values[i];
        count++;
      }
      means[k] = count === 0 ? Number.NaN : sum / count;
    }
  }
  let from = 0;
  while (from < means.length) {
    while (from < means.length && Number.isNaN(means[from])) from++;
    let to = from;
    while (to < means.length && !Number.isNaN(means[to])) to++;
    if (to > from) {
      const width = bucketUs * stride;
      const shifted = {
        ...frame,
        x: (us: number) => frame.x(us + from * width),
        from: frame.from - from * width,
        to: frame.to - from * width,
      };
      const points = steps(means.subarray(from, to), width, endUs - from * width, shifted, y);
      if (points.length > 0) yield points;
    }
    from = to;
  }
}
