/** What two runs of the same work differ in: the figures, where GPU-hours went, which jobs waited longer. */
import { decimal, span } from '../../reports/format.ts';
import { CATEGORIES } from '../../sim/record/ledger.ts';
import { amount, type Comparison } from '../../studies/compare.ts';
import { FIGURES, type FigureSpec } from '../../studies/figures.ts';
import { h, replace, table } from '../dom.ts';
import { Plate } from '../draw/plate.ts';
import { type RunModel, upperBound } from '../model.ts';
import { categoryPaint, themeNow } from '../palette.ts';
import type { Slot, Store } from '../store.ts';
import { emptyView, type MountedView } from './view.ts';

/** Jobs named in each direction. */
const NAMED = 12;

/** Runs both over several seeds; given by the page, which has the workers. */
export type OverSeeds = (count: number, progress: (done: number, of: number) => void) => Promise<Comparison | string>;

export function mountDifferences(
  host: HTMLElement,
  slots: readonly Slot[],
  store: Store,
  overSeeds: OverSeeds | null,
): MountedView {
  if (slots.length < 2)
    return emptyView(
      host,
      'One run has no differences. “Compare” sets a second policy or scenario beside it, “What if” another future.',
    );
  const [a, b] = slots;
  const figures = FIGURES.map((spec) => ({
    spec,
    a: spec.of(a.model.run.summary),
    b: spec.of(b.model.run.summary),
  })).filter((row) => row.a !== null && row.b !== null) as { spec: FigureSpec; a: number; b: number }[];
  const verdict = ({ spec, a: before, b: after }: (typeof figures)[number]) =>
    before === after ? 'same' : after < before === (spec.better === 'lower') ? 'better' : 'worse';
  const sign = { same: '=', better: '▲ better', worse: '▼ worse' };
  host.append(
    h('h3', {}, 'Figures'),
    table(
      ['Figure', a.label, b.label, 'Difference', ''],
      figures.map((row) => {
        const { spec } = row;
        const by = row.b - row.a;
        const judged = verdict(row);
        const shown = by === 0 ? '–' : `${by < 0 ? '−' : '+'}${amount(Math.abs(by), spec.unit)}`;
        return [
          spec.label,
          amount(row.a, spec.unit),
          amount(row.b, spec.unit),
          shown,
          h('span', { class: judged }, sign[judged]),
        ];
      }),
      'Figures of both runs',
    ),
  );
  if (overSeeds !== null) host.append(seedsPart(overSeeds));
  const bars = categoryBars(a.model, b.model, a.label, b.label);
  const course = waitingCourse(a.model, b.model);
  host.append(h('h3', {}, 'Where GPU-hours went'), bars.element);
  const moved = waitDifferences(a.model, b.model);
  const list = (title: string, rows: WaitDifference[]) =>
    h(
      'div',
      {},
      h('h3', {}, title),
      rows.length === 0
        ? h('p', { class: 'empty' }, 'None.')
        : table(
            ['Job', 'Project', 'GPUs', a.label, b.label],
            rows
              .slice(0, NAMED)
              .map((row) => [
                h('button', { type: 'button', class: 'link', onclick: () => open(row) }, a.model.jobName(row.job)),
                a.model.projectName(a.model.run.jobs.project[row.job]),
                String(a.model.run.jobs.gpus[row.job]),
                span(row.before / 1e6),
                span(row.after / 1e6),
              ]),
            title,
          ),
    );
  const open = ({ job }: WaitDifference) => {
    store.set('selection', { selection: { kind: 'job', id: job } });
    store.set('view', { view: 'job' });
  };
  const longer = moved.filter(({ before, after }) => after > before);
  const shorter = moved.filter(({ before, after }) => after < before).reverse();
  host.append(
    h(
      'p',
      { class: 'muted' },
      `${course} ${decimal(longer.length)} jobs waited longer and ${decimal(shorter.length)} less under ${b.label} than under ${a.label}.`,
    ),
    h(
      'div',
      { class: 'two even' },
      list(`Waited longer under ${b.label}`, longer),
      list(`Waited less under ${b.label}`, shorter),
    ),
  );
  return {
    update(topics) {
      if (topics.has('theme')) bars.draw();
    },
    destroy() {
      bars.destroy();
    },
    plates: [bars],
    tables: () => [
      {
        name: 'differences',
        columns: [
          { name: 'figure', values: figures.map(({ spec }) => spec.label) },
          { name: a.label, values: figures.map((row) => row.a) },
          { name: b.label, values: figures.map((row) => row.b) },
        ],
      },
      {
        name: 'waits',
        columns: [
          { name: 'job', values: moved.map(({ job }) => a.model.jobName(job)) },
          { name: `${a.label} seconds`, values: moved.map(({ before }) => before / 1e6) },
          { name: `${b.label} seconds`, values: moved.map(({ after }) => after / 1e6) },
        ],
      },
    ],
  };
}

interface WaitDifference {
  job: number;
  before: number;
  after: number;
}

/** Jobs of the same number and name in both, most added wait first. */
function waitDifferences(a: RunModel, b: RunModel): WaitDifference[] {
  const count = Math.min(a.run.jobs.count, b.run.jobs.count);
  const rows: WaitDifference[] = [];
  for (let job = 0; job < count; job++) {
    const before = a.run.jobs.queuedUs[job];
    const after = b.run.jobs.queuedUs[job];
    // Under a second is the scheduler's period, not waiting.
    if (Math.abs(after - before) < 1e6 || a.jobName(job) !== b.jobName(job)) continue;
    rows.push({ job, before, after });
  }
  return rows.sort((x, y) => y.after - y.before - (x.after - x.before) || x.job - y.job);
}

/** When the two first part. */
function waitingCourse(a: RunModel, b: RunModel): string {
  const [x, y] = [a.recorded.holds, b.recorded.holds];
  const n = Math.min(x.count, y.count);
  let i = 0;
  while (i < n && x.start[i] === y.start[i] && x.values[0][i] === y.values[0][i] && x.values[1][i] === y.values[1][i])
    i++;
  if (i === n && x.count === y.count) return 'Both placed every job alike.';
  const us = Math.min(x.start[i] ?? Number.POSITIVE_INFINITY, y.start[i] ?? Number.POSITIVE_INFINITY);
  const placed = upperBound(x.start, x.count, us);
  return `The two part after ${span(us / 1e6)}, with the ${decimal(placed)}th placement.`;
}

function categoryBars(a: RunModel, b: RunModel, nameA: string, nameB: string): Plate {
  const [x, y] = [a.run.summary.ledger.gpuHours, b.run.summary.ledger.gpuHours];
  const rows = CATEGORIES.map((category) => ({ category, before: x[category], after: y[category] })).filter(
    ({ before, after }) => before !== 0 || after !== 0,
  );
  const most = Math.max(1e-9, ...rows.map(({ before, after }) => Math.abs(after - before)));
  const plate = new Plate({
    height: rows.length * 24 + 30,
    label: `GPU-hours by category, ${nameB} minus ${nameA}: ${rows.map(({ category, before, after }) => `${category} ${decimal(after - before, 1)}`).join(', ')}`,
    paint(pen, { width, height }) {
      const theme = themeNow();
      const left = Math.min(130, width * 0.3);
      const middle = left + (width - left - 90) / 2;
      const half = (width - left - 90) / 2;
      pen.text(middle - 8, 9, `less under ${nameB}`, { fill: theme.muted, size: 11, align: 'right' });
      pen.text(middle + 8, 9, `more under ${nameB}`, { fill: theme.muted, size: 11 });
      rows.forEach(({ category, before, after }, i) => {
        const top = 20 + i * 24;
        const by = after - before;
        const length = (Math.abs(by) / most) * half;
        pen.text(left - 8, top + 10, category, { fill: theme.text, size: 12, align: 'right' });
        pen.rect(by < 0 ? middle - length : middle, top + 2, Math.max(1, length), 16, categoryPaint(category, theme));
        pen.text(width - 4, top + 10, `${by < 0 ? '−' : '+'}${decimal(Math.abs(by), 1)}`, {
          fill: theme.text,
          size: 11,
          align: 'right',
        });
      });
      pen.line([middle, 18, middle, height - 6], theme.text, 1);
    },
  });
  return plate;
}

function seedsPart(overSeeds: OverSeeds): HTMLElement {
  const answer = h('div', { role: 'status' });
  const count = h(
    'select',
    { 'aria-label': 'Number of seeds' },
    ...[3, 5, 10].map((n) => h('option', { value: n }, `${n} seeds`)),
  );
  const button = h(
    'button',
    {
      type: 'button',
      onclick: async () => {
        button.disabled = true;
        const told = await overSeeds(Number(count.value), (done, of) =>
          replace(answer, h('p', { class: 'muted' }, `${done} of ${of} runs …`)),
        );
        button.disabled = false;
        if (typeof told === 'string') {
          replace(answer, h('p', { class: 'note' }, told));
          return;
        }
        const [variant] = told.variants;
        const list = h(
          'ul',
          {},
          ...variant.differences
            .filter(({ verdict }) => verdict !== 'not measured')
            .map(({ sentence, verdict }) => h('li', { class: verdict.split(' ')[0] }, sentence)),
        );
        replace(answer, list, ...told.notes.map((note) => h('p', { class: 'note' }, note)));
      },
    },
    'Is it real? Run both over',
  );
  return h('div', { class: 'seeds' }, h('div', { class: 'tools' }, button, count), answer);
}
