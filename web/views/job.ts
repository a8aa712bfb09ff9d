/** A job's life, sentence by sentence, as `simsup explain` tells it; the sentence at the cursor stands out. */
import { explainJob, type LifeEntry } from '../../reports/explain.ts';
import { decimal, span } from '../../reports/format.ts';
import { LIFE_EVENTS } from '../../sim/record/lives.ts';
import { h, replace } from '../dom.ts';
import type { RunModel } from '../model.ts';
import { clockOf, momentText } from '../time.ts';
import { emptyView, type Mount } from './view.ts';

const STATUS = ['completed', 'failed', 'running', 'pending', 'unschedulable'] as const;
/** Jobs listed at a time. */
const LISTED = 200;

export const mount: Mount = (host, model, store) => {
  const { run } = model;
  const { jobs } = run;
  if (jobs.count === 0)
    return emptyView(
      host,
      model.hasIntervals ? 'No jobs were submitted.' : 'This run was saved without its jobs; jobs.csv has them.',
    );
  let job =
    store.state.selection?.kind === 'job' && store.state.selection.id < jobs.count
      ? store.state.selection.id
      : mostInteresting(model);
  let order: 'wait' | 'time' = 'wait';
  const search = h('input', {
    type: 'search',
    placeholder: 'Find a job or project',
    'aria-label': 'Find a job by its id or project',
    oninput: () => list(),
  });
  const sort = h(
    'select',
    {
      'aria-label': 'Order of jobs',
      onchange: () => {
        order = sort.value as typeof order;
        list();
      },
    },
    h('option', { value: 'wait' }, 'longest wait first'),
    h('option', { value: 'time' }, 'in order of time'),
  );
  const found = h('ul', { class: 'jobs', 'aria-label': 'Jobs' });
  const count = h('p', { class: 'muted', role: 'status' });
  const life = h('div', { class: 'life' });
  const matching = () => {
    const wanted = search.value.trim().toLowerCase();
    const all: number[] = [];
    for (let j = 0; j < jobs.count; j++) {
      if (
        wanted === '' ||
        model.jobName(j).toLowerCase().includes(wanted) ||
        model.projectName(jobs.project[j]).toLowerCase().includes(wanted)
      )
        all.push(j);
      if (wanted !== '' && all.length >= 20_000) break;
    }
    if (order === 'wait') all.sort((a, b) => jobs.queuedUs[b] - jobs.queuedUs[a] || a - b);
    return all;
  };
  const list = () => {
    const all = matching();
    count.textContent =
      all.length === 0
        ? 'No job has this in its name.'
        : `${decimal(all.length)} jobs${all.length > LISTED ? `, the first ${LISTED} shown` : ''}`;
    replace(
      found,
      ...all.slice(0, LISTED).map((j) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              type: 'button',
              'aria-pressed': String(j === job),
              onclick: () => store.set('selection', { selection: { kind: 'job', id: j } }),
            },
            h('span', { class: 'name' }, model.jobName(j)),
            h(
              'span',
              { class: 'muted' },
              `${model.projectName(jobs.project[j])}, ${jobs.gpus[j]} GPU, waited ${span(jobs.queuedUs[j] / 1e6)}, ${STATUS[jobs.status[j]]}`,
            ),
          ),
        ),
      ),
    );
  };
  let steps: { seconds: number; item: HTMLElement }[] = [];
  const tell = () => {
    const told = explanation(model, job);
    steps = told.life.map(({ seconds, text, event }) => ({
      seconds,
      item: h(
        'li',
        { class: `event-${event}` },
        h(
          'button',
          { type: 'button', class: 'moment', onclick: () => store.moveTo(seconds * 1e6) },
          momentText(seconds * 1e6, clockOf(run), true),
        ),
        h('span', {}, text),
      ),
    }));
    replace(
      life,
      h('h3', {}, `Job ${told.job}`),
      h('p', {}, told.summary),
      h('ol', {}, ...steps.map(({ item }) => item)),
    );
    mark();
  };
  const mark = () => {
    const seconds = store.state.cursorUs / 1e6;
    let now = -1;
    steps.forEach((step, i) => {
      if (step.seconds <= seconds + 1e-6) now = i;
    });
    steps.forEach(({ item }, i) => {
      item.toggleAttribute('data-now', i === now);
    });
  };
  host.append(
    h(
      'div',
      { class: 'two' },
      h('div', { class: 'side' }, h('div', { class: 'tools' }, search, sort), count, found),
      life,
    ),
  );
  list();
  tell();
  return {
    update(topics) {
      const { selection } = store.state;
      if (topics.has('selection') && selection?.kind === 'job' && selection.id !== job && selection.id < jobs.count) {
        job = selection.id;
        tell();
        for (const button of found.querySelectorAll('button[aria-pressed="true"]'))
          button.setAttribute('aria-pressed', 'false');
        list();
      } else if (topics.has('cursor')) mark();
    },
    destroy() {},
    plates: [],
    tables: () => {
      const each = <T>(value: (j: number) => T) => Array.from({ length: jobs.count }, (_, j) => value(j));
      const seconds = (column: Float64Array) => each((j) => (column[j] < 0 ? null : column[j] / 1e6));
      return [
        {
          name: 'jobs',
          columns: [
            { name: 'job_id', values: each((j) => model.jobName(j)) },
            { name: 'project', values: each((j) => model.projectName(jobs.project[j])) },
            { name: 'num_gpu', values: each((j) => jobs.gpus[j]) },
            { name: 'submit', values: seconds(jobs.submitUs) },
            { name: 'start', values: seconds(jobs.firstStartUs) },
            { name: 'end', values: seconds(jobs.endUs) },
            { name: 'queue_seconds', values: seconds(jobs.queuedUs) },
            { name: 'preemptions', values: each((j) => jobs.preemptions[j]) },
            { name: 'restarts', values: each((j) => jobs.restarts[j]) },
            { name: 'status', values: each((j) => STATUS[jobs.status[j]]) },
          ],
        },
      ];
    },
  };
};

/** Of those that were moved about most, the one that waited longest. */
function mostInteresting({ run }: RunModel): number {
  const { jobs } = run;
  let best = 0;
  const score = (j: number) => (jobs.preemptions[j] + jobs.restarts[j]) * 1e15 + jobs.queuedUs[j];
  for (let j = 1; j < jobs.count; j++) if (score(j) > score(best)) best = j;
  return best;
}

export function explanation(model: RunModel, job: number) {
  const { run } = model;
  const { jobs, lives } = run;
  const entries: LifeEntry[] = [];
  if (lives !== null) {
    for (let i = 0; i < lives.count; i++) {
      if (lives.job[i] !== job) continue;
      entries.push({
        seconds: lives.timeUs[i] / 1e6,
        event: LIFE_EVENTS[lives.event[i]],
        count: lives.times[i],
        nodes: Array.from(lives.nodes.subarray(lives.nodeStart[i], lives.nodeStart[i + 1]), (node) =>
          model.nodeName(node),
        ),
        reason: lives.texts[lives.reason[i]],
      });
    }
  }
  return explainJob(
    {
      id: model.jobName(job),
      project: model.projectName(jobs.project[job]),
      gpus: jobs.gpus[job],
      workers: jobs.tasks[job],
      policy: run.summary.policy,
      status: STATUS[jobs.status[job]],
      submitSeconds: jobs.submitUs[job] / 1e6,
      endSeconds: run.simulatedUs / 1e6,
      preemptions: jobs.preemptions[job],
      restarts: jobs.restarts[job],
      queueSeconds: jobs.queuedUs[job] / 1e6,
    },
    entries,
  );
}
