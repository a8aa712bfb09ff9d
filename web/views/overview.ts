/** The first thing to see: the figures, the cluster at the cursor, and the ledger and the timeline below it. */
import { decimal, dollars, percent, span } from '../../reports/format.ts';
import { h, put } from '../dom.ts';
import { ledgerChart } from './ledger.ts';
import { mountMap } from './map.ts';
import { mountTimeline } from './timeline.ts';
import { type MountedView, redraw, type ViewSpec } from './view.ts';

export const overviewView: ViewSpec = {
  id: 'overview',
  title: 'Overview',
  about: 'Press space and watch: the cluster, the ledger and the timeline at the moment of the cursor.',
  mount(host, model, store) {
    const { summary } = model.run;
    const { figures, jobs, cost, legend } = summary;
    const facts: [string, string, string][] = [
      ['Allocation', percent(figures.allocation.value), legend.allocation],
      ['Utilisation', percent(figures.utilisation.value), legend.utilisation],
      ['Goodput', percent(figures.goodput.value), legend.goodput],
      ['Half of the jobs waited at most', span(jobs.queueingDelay.p50), legend.queueingDelay],
      ['95 % waited at most', span(jobs.queueingDelay.p95), legend.queueingDelay],
      [
        'Jobs completed',
        `${decimal(jobs.counts.completed)} of ${decimal(jobs.counts.total)}`,
        'all jobs of the scenario',
      ],
      ['Cost', dollars(cost.total).replace(/\.\d+$/, ''), legend.cost],
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
    host.append(h('h3', {}, 'Where every GPU went'), ledger.element);
    if (model.hasIntervals) {
      const place = h('div');
      host.append(h('h3', {}, 'Who held which GPU'), place);
      parts.push(mountTimeline(place, model, store, 240, false));
    }
    for (const warning of summary.warnings) host.append(h('p', { class: 'note' }, warning));
    if (summary.stalled)
      host.append(h('p', { class: 'note' }, 'The run stopped early: jobs still waited, but nothing more could start.'));
    if (summary.partial)
      host.append(h('p', { class: 'note' }, 'The run was stopped before its end: this is the result so far.'));
    return {
      update(topics) {
        redraw([ledger], topics);
        for (const part of parts) part.update(topics);
      },
      destroy() {
        ledger.destroy();
        for (const part of parts) part.destroy();
      },
      plates: [
        ...parts.slice(0, 1).flatMap(({ plates }) => plates),
        ledger,
        ...parts.slice(1).flatMap(({ plates }) => plates),
      ],
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
  },
};
