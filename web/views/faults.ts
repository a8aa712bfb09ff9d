/** What broke: by kind, and for each fault how long until it was noticed, work went on and the node was back. */
import { decimal, span } from '../../reports/format.ts';
import { FAULT_KINDS } from '../../sim/world/faults/kinds.ts';
import { h, table } from '../dom.ts';
import { swatch } from '../draw/hatch.ts';
import { cutText } from '../draw/names.ts';
import type { Pen } from '../draw/pen.ts';
import { Plate } from '../draw/plate.ts';
import type { RunModel } from '../model.ts';
import { themeNow } from '../palette.ts';
import type { Store } from '../store.ts';
import { clockOf, momentText } from '../time.ts';
import { emptyView, type Mount, type MountedView } from './view.ts';

const PARTS = [
  { name: 'until noticed', fill: '#d55e00', hatch: '' },
  { name: 'until work goes on', fill: '#e69f00', hatch: 'rise' },
  { name: 'until the node is back', fill: '#7b6fc4', hatch: 'dots' },
] as const;
const ROW = 18;
/** Rows at a time: the faults around the cursor. */
const SHOWN = 24;

export const mount: Mount = (host, model, store) => {
  const { faults, summary } = model.run;
  if (faults.count === 0) {
    const known = summary.faults.total > 0 ? ' The table of kinds is in the report.' : '';
    return emptyView(
      host,
      summary.faults.total > 0
        ? `${decimal(summary.faults.total)} faults struck, but this file has only their sums.${known}`
        : 'Nothing broke in this run. A document of kind FaultModel makes things break; the scenario fault-storm has one.',
    );
  }
  const kinds = kindsOf(model);
  const waterfall = waterfallPlate(model, store);
  const note = h('p', { class: 'told', role: 'status' });
  const legend = h(
    'div',
    { class: 'legend' },
    ...PARTS.map((part) => h('span', { class: 'key' }, swatch(part), part.name)),
  );
  const tell = () => {
    const first = firstShown(model, store);
    note.textContent = `Faults ${decimal(first + 1)} to ${decimal(Math.min(faults.count, first + SHOWN))} of ${decimal(faults.count)}, around the cursor; times from each fault on.`;
  };
  host.append(
    h('h3', {}, 'From fault to recovery'),
    waterfall.element,
    note,
    legend,
    h('h3', {}, 'By kind'),
    table(
      [
        'Kind',
        'XID',
        'Faults',
        'Jobs struck',
        'Half noticed within',
        'Half at work again within',
        'Half of the nodes back within',
        'GPU-hours lost',
      ],
      kinds.map((kind) => [
        kind.meaning === '' ? kind.name : `${kind.name}: ${kind.meaning}`,
        kind.xid === 0 ? '–' : String(kind.xid),
        decimal(kind.count),
        decimal(kind.jobs),
        span(kind.detection),
        span(kind.recovery),
        span(kind.repair),
        decimal(kind.lost, 1),
      ]),
      'Faults by kind',
    ),
  );
  tell();
  const view: MountedView = {
    update(topics) {
      if (topics.has('cursor') || topics.has('theme') || topics.has('selection')) {
        waterfall.draw();
        tell();
      }
    },
    destroy() {
      waterfall.destroy();
    },
    plates: [waterfall],
    tables: () => [
      {
        name: 'faults by kind',
        columns: [
          { name: 'kind', values: kinds.map(({ name }) => name) },
          { name: 'xid', values: kinds.map(({ xid }) => xid) },
          { name: 'faults', values: kinds.map(({ count }) => count) },
          { name: 'jobs', values: kinds.map(({ jobs }) => jobs) },
          { name: 'detection_p50_seconds', values: kinds.map(({ detection }) => detection) },
          { name: 'recovery_p50_seconds', values: kinds.map(({ recovery }) => recovery) },
          { name: 'repair_p50_seconds', values: kinds.map(({ repair }) => repair) },
          { name: 'lost_gpu_hours', values: kinds.map(({ lost }) => lost) },
        ],
      },
    ],
  };
  return view;
};

function firstShown(model: RunModel, store: Store): number {
  const { timeUs, count } = model.run.faults;
  let next = 0;
  while (next < count && timeUs[next] < store.state.cursorUs) next++;
  return Math.max(0, Math.min(count - SHOWN, next - Math.floor(SHOWN / 2)));
}

/** Seconds since the fault on a logarithmic scale, from 1 s to the longest delay. */
function waterfallPlate(model: RunModel, store: Store): Plate {
  const { faults } = model.run;
  let longest = 600;
  for (let i = 0; i < faults.count; i++)
    for (const end of [faults.detectedUs[i], faults.recoveredUs[i], faults.returnedUs[i]])
      longest = Math.max(longest, (end - faults.timeUs[i]) / 1e6);
  const plate = new Plate({
    height: Math.min(SHOWN, faults.count) * ROW + 34,
    label: 'Delays from each fault to its being noticed, to work going on and to the return of the node',
    paint(pen, size) {
      const theme = themeNow();
      const left = Math.min(250, size.width * 0.4);
      const right = size.width - 12;
      const scale = (seconds: number) =>
        left + (Math.log10(1 + Math.max(0, seconds)) / Math.log10(1 + longest)) * (right - left);
      let labelled = 0;
      for (const mark of [0, 1, 10, 60, 600, 3600, 21_600, 86_400, 604_800, 2_592_000]) {
        if (mark > longest) break;
        const x = Math.round(scale(mark)) + 0.5;
        pen.line([x, 14, x, size.height - 18], theme.line, 0.5);
        if (mark > 0 && x - labelled < 40) continue;
        labelled = x;
        pen.text(x, size.height - 9, span(mark), {
          fill: theme.muted,
          size: 10,
          align: mark === 0 ? 'left' : x > right - 16 ? 'right' : 'center',
        });
      }
      const first = firstShown(model, store);
      for (let row = 0; row < Math.min(SHOWN, faults.count - first); row++) {
        const i = first + row;
        const y = 14 + row * ROW;
        const past = faults.timeUs[i] <= store.state.cursorUs;
        drawFault(pen, model, i, y, left, scale, past ? theme.text : theme.muted);
        const { selection } = store.state;
        if (selection?.kind === 'node' && selection.id === faults.node[i]) pen.rect(0, y, 3, ROW - 3, theme.accent);
      }
    },
  });
  plate.element.addEventListener('click', (event) => {
    const row = Math.floor((event.clientY - plate.element.getBoundingClientRect().top - 14) / ROW);
    const i = firstShown(model, store) + row;
    if (row < 0 || i >= faults.count) return;
    store.moveTo(faults.timeUs[i]);
    if (faults.node[i] >= 0) store.set('selection', { selection: { kind: 'node', id: faults.node[i] } });
  });
  return plate;
}

function drawFault(
  pen: Pen,
  model: RunModel,
  i: number,
  y: number,
  left: number,
  scale: (seconds: number) => number,
  ink: string,
): void {
  const { faults } = model.run;
  const since = (us: number) => (us < 0 ? null : (us - faults.timeUs[i]) / 1e6);
  const ends = [since(faults.detectedUs[i]), since(faults.recoveredUs[i]), since(faults.returnedUs[i])];
  const kind = faults.kinds[faults.kind[i]];
  const text = `${momentText(faults.timeUs[i], clockOf(model.run))}  ${kind}`;
  pen.text(6, y + ROW / 2 - 1, cutText(pen, text, left - 12, 11), { fill: ink, size: 11 });
  let from = 0;
  ends.forEach((end, part) => {
    if (end === null || end < from) return;
    pen.rect(scale(from), y + 2, Math.max(1.5, scale(end) - scale(from)), ROW - 6, PARTS[part]);
    from = end;
  });
  if (ends.every((end) => end === null))
    pen.text(left + 4, y + ROW / 2 - 1, faults.job[i] < 0 ? 'no job was on it' : 'not noticed', {
      fill: ink,
      size: 11,
    });
}

function kindsOf({ run }: RunModel) {
  const { faults } = run;
  const all = faults.kinds.map((name, k) => {
    const rows: number[] = [];
    for (let i = 0; i < faults.count; i++) if (faults.kind[i] === k) rows.push(i);
    const half = (of: Float64Array) => {
      const delays = rows
        .filter((i) => of[i] >= 0)
        .map((i) => (of[i] - faults.timeUs[i]) / 1e6)
        .sort((a, b) => a - b);
      return delays.length === 0 ? null : delays[Math.ceil(delays.length / 2) - 1];
    };
    return {
      name,
      meaning: FAULT_KINDS.find((each) => each.name === name)?.meaning ?? '',
      xid: Math.max(0, faults.xid[rows[0]] ?? 0),
      count: rows.length,
      jobs: rows.reduce((sum, i) => sum + faults.jobs[i], 0),
      detection: half(faults.detectedUs),
      recovery: half(faults.recoveredUs),
      repair: half(faults.returnedUs),
      lost: rows.reduce((sum, i) => sum + faults.lostGpuHours[i], 0),
    };
  });
  return all.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
