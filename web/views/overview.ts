/** The first thing to see: the figures, the cluster at the cursor, and the ledger and the timeline below it. */
import { decimal, dollars, percent, span } from '../../reports/format.ts';
import { h, put, replace } from '../dom.ts';
import { ledgerChart, ledgerLegend } from './ledger.ts';
import { mountMap } from './map/map.ts';
import { type Mount, type MountedView, redraw } from './view.ts';

const TIMELINE_HEIGHT = 240;

export const mount: Mount = (host, model, store) => {
  const { summary } = model.run;
  const { figures, jobs, cost, legend } = summary;
  const facts: [string, string, string][] = [
    ['Allocation', percent(figures.allocation.value), legend.allocation],
    ['Utilisation', percent(figures.utilisation.value), legend.utilisation],
    ['Goodput', percent(figures.goodput.value), legend.goodput],
    ['Median wait', span(jobs.queueingDelay.p50), legend.queueingDelay],
    ['95 % waited at most', span(jobs.queueingDelay.p95), legend.queueingDelay],
    [
      'Jobs completed',
      `${decimal(jobs.counts.completed)} of ${decimal(jobs.counts.total)}`,
      'all jobs of the scenario',
    ],
    cost.total > 0
      ? ['Cost', dollars(cost.total).replace(/\.\d+$/, ''), legend.cost]
      : ['Cost', '–', 'the scenario states no prices'],
  ];
  const list = h('dl', { class: 'facts cards' });
  for (const [term, value, means] of facts)
    put(list, h('div', { title: means ?? '' }, h('dt', {}, term), h('dd', {}, value)));
  host.append(list);
  const parts: MountedView[] = [];
  if (model.hasIntervals) {
    const place = h('div');
    host.append(place);
    parts.push(mountMap(place, model, store, false));
  }
  const ledger = ledgerChart(model, store, () => 'hours', 180);
  const names = h('div', {}, ledgerLegend(model));
  host.append(h('h3', {}, 'Where every GPU went'), ledger.element, names);
  if (model.hasIntervals) {
    const place = h('div', { class: 'later' });
    host.append(h('h3', {}, 'Who held which GPU'), place);
    // Below the others, and with more code than they have: first what is seen first.
    void import('./timeline/timeline.ts').then(({ mountTimeline }) => {
      if (place.isConnected) parts.push(mountTimeline(place, model, store, TIMELINE_HEIGHT, false));
    });
  }
  for (const warning of summary.warnings) host.append(h('p', { class: 'note' }, warning));
  if (summary.stalled)
    host.append(h('p', { class: 'note' }, 'The run stopped early: jobs still waited, but nothing more could start.'));
  if (summary.partial)
    host.append(h('p', { class: 'note' }, 'The run was stopped before its end: this is the result so far.'));
  return {
    update(topics) {
      redraw([ledger], topics);
      if (topics.has('theme')) replace(names, ledgerLegend(model));
      for (const part of parts) part.update(topics);
    },
    destroy() {
      ledger.destroy();
      for (const part of parts) part.destroy();
    },
    rows(screens, factor) {
      for (const part of parts) part.rows?.(screens, factor);
    },
    get plates() {
      const [map = [], ...rest] = parts.map(({ plates }) => plates);
      return [...map, ledger, ...rest.flat()];
    },
    tables: () => [
      {
        name: 'figures',
        columns: [
          { name: 'figure', values: facts.map(([term]) => term) },
          { name: 'value', values: facts.map(([, value]) => value) },
        ],
      },
    ],
  };
};
