/** Who holds GPUs at the moment of the cursor: the largest jobs, below the map. */
import { decimal, span } from '../../../reports/format.ts';
import { ACTIVITIES } from '../../../sim/record/recorder.ts';
import { h, replace, table } from '../../dom.ts';
import type { RunModel } from '../../model.ts';
import type { Store } from '../../store.ts';
import { UNITS } from './paint.ts';

/** Jobs listed. */
const MOST = 12;
/** Between two fillings while time plays, ms. */
const PAUSE_MS = 250;

interface Holder {
  job: number;
  gpus: number;
  nodes: Set<number>;
  sinceUs: number;
}

export interface NowList {
  element: HTMLElement;
  /** Soon, but not for every frame. */
  fill(): void;
  stop(): void;
}

export function nowList(model: RunModel, store: Store): NowList {
  const element = h('div', { class: 'now' });
  let timer = 0;
  const fillNow = () => {
    timer = 0;
    const us = store.state.cursorUs;
    const all = holdersAt(model, us);
    const { project, gpus } = model.run.jobs;
    const rows = all.slice(0, MOST).map(({ job, gpus: held, nodes, sinceUs }) => {
      const phase = model.phaseAt(job, us);
      const select = () => store.set('selection', { selection: { kind: 'job', id: job } });
      return [
        h('button', { type: 'button', class: 'link', onclick: select }, model.jobName(job)),
        model.projectName(project[job]),
        `${Number(held.toFixed(2))} of ${gpus[job]}`,
        decimal(nodes.size),
        phase < 0 ? 'held' : ACTIVITIES[phase],
        span((us - sinceUs) / 1e6),
      ];
    });
    const more = all.length - rows.length;
    replace(
      element,
      rows.length === 0
        ? null
        : table(
            ['Job', 'Project', 'GPUs held', 'Nodes', 'Does', 'Since'],
            rows,
            'Jobs that hold most GPUs at this moment',
          ),
      more > 0 ? h('p', { class: 'muted' }, `and ${decimal(more)} smaller ones`) : null,
    );
  };
  fillNow();
  return {
    element,
    fill() {
      if (timer === 0) timer = window.setTimeout(fillNow, PAUSE_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Most GPUs first. */
function holdersAt(model: RunModel, us: number): Holder[] {
  const { start, values } = model.recorded.holds;
  const found = new Map<number, Holder>();
  model.heldAt(us, (hold) => {
    const job = values[0][hold];
    let gpus = 0;
    for (let rest = values[2][hold]; rest !== 0; rest &= rest - 1) gpus++;
    const known = found.get(job) ?? { job, gpus: 0, nodes: new Set<number>(), sinceUs: Infinity };
    known.gpus += (gpus * values[3][hold]) / UNITS;
    known.nodes.add(values[1][hold]);
    known.sinceUs = Math.min(known.sinceUs, start[hold]);
    found.set(job, known);
  });
  return [...found.values()].sort((a, b) => b.gpus - a.gpus || a.job - b.job);
}
