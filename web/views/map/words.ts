/** What the map says beside its picture: of a node, of the moment, of its colours; and as a table. */
import { decimal } from '../../../reports/format.ts';
import { NODE_STATES } from '../../../sim/cluster/cluster.ts';
import type { Category } from '../../../sim/record/ledger.ts';
import { ACTIVITIES } from '../../../sim/record/recorder.ts';
import { h } from '../../dom.ts';
import { swatch } from '../../draw/hatch.ts';
import { initialsOf } from '../../draw/names.ts';
import type { RunModel } from '../../model.ts';
import { categoryPaint, type Paint, projectPaint, rampColour, STATE_PAINT, themeNow } from '../../palette.ts';
import { type Mode, UNITS } from './paint.ts';

export function nodeText(model: RunModel, node: number, us: number): string {
  const { run, recorded } = model;
  const { values } = recorded.holds;
  const holders: string[] = [];
  model.heldAt(us, (hold) => {
    if (values[1][hold] !== node) return;
    const job = values[0][hold];
    let gpus = 0;
    for (let rest = values[2][hold]; rest !== 0; rest &= rest - 1) gpus++;
    const phase = model.phaseAt(job, us);
    const amount = (gpus * values[3][hold]) / UNITS;
    holders.push(
      `${model.jobName(job)} of ${model.projectName(run.jobs.project[job])} (${Number(amount.toFixed(2))} GPU${amount === 1 ? '' : 's'}, ${phase < 0 ? 'held' : ACTIVITIES[phase]})`,
    );
  });
  const state = NODE_STATES[model.nodeStateAt(node, us)];
  const what =
    holders.length === 0
      ? 'nobody on it'
      : holders.slice(0, 6).join(', ') + (holders.length > 6 ? ` and ${holders.length - 6} more` : '');
  const rack = run.nodes.rack[node];
  const where = rack >= 0 ? `, rack ${rack + 1}` : '';
  return `${model.nodeName(node)}${where}: ${state}; ${what}.`;
}

/** What a job does at a moment, and where. */
export function jobText(model: RunModel, job: number, us: number): string {
  const { run, recorded } = model;
  const nodes = new Set<number>();
  model.heldAt(us, (hold) => {
    if (recorded.holds.values[0][hold] === job) nodes.add(recorded.holds.values[1][hold]);
  });
  const { submitUs, endUs, gpus, project } = run.jobs;
  const phase = model.phaseAt(job, us);
  const names = [...nodes].slice(0, 6).map((node) => model.nodeName(node));
  const more = nodes.size > 6 ? ` and ${nodes.size - 6} more` : '';
  const state =
    nodes.size > 0
      ? `${phase < 0 ? 'held' : ACTIVITIES[phase]} on ${names.join(', ')}${more}`
      : us < submitUs[job]
        ? 'not submitted yet'
        : endUs[job] >= 0 && us >= endUs[job]
          ? 'over'
          : 'waits';
  return `${model.jobName(job)} of ${model.projectName(project[job])}, ${gpus[job]} GPU${gpus[job] === 1 ? '' : 's'}: ${state}.`;
}

export function momentSummary(model: RunModel, us: number): string {
  const { run, recorded } = model;
  const { values } = recorded.holds;
  let units = 0;
  const jobs = new Set<number>();
  model.heldAt(us, (hold) => {
    jobs.add(values[0][hold]);
    let gpus = 0;
    for (let rest = values[2][hold]; rest !== 0; rest &= rest - 1) gpus++;
    units += gpus * values[3][hold];
  });
  return `${decimal(jobs.size)} jobs hold ${decimal(units / UNITS, 1)} of ${decimal(run.nodes.gpuCount)} GPUs.`;
}

export function legendItems(model: RunModel, mode: Mode): Node[] {
  const { run } = model;
  const theme = themeNow();
  const item = (paint: Paint | string, text: string) => h('span', { class: 'key' }, swatch(paint), text);
  const states = model.nodeStates().map((state) => item(STATE_PAINT[state], NODE_STATES[state]));
  if (mode === 'project') {
    const shown = run.projects.slice(0, 24).map(({ name }, p) => item(projectPaint(p), `${initialsOf(name)} ${name}`));
    if (run.projects.length > 24) shown.push(h('span', { class: 'key muted' }, `and ${run.projects.length - 24} more`));
    return [...shown, item(theme.empty, 'free'), ...states];
  }
  if (mode === 'use')
    return [...[0, 0.25, 0.5, 0.75, 1].map((share) => item(rampColour(share), `${100 * share} %`)), ...states];
  if (mode === 'health') return NODE_STATES.slice(0, 5).map((name, i) => item(STATE_PAINT[i], name));
  const categories = ['productive', 'serving', 'checkpoint', 'restart', 'reserved', 'terminating', 'detecting', 'free'];
  return [...(categories as Category[]).map((category) => item(categoryPaint(category, theme), category)), ...states];
}

export function mapTable(model: RunModel, us: number) {
  const { nodes } = model.run;
  const held = new Float64Array(nodes.count);
  const { values } = model.recorded.holds;
  model.heldAt(us, (hold) => {
    let gpus = 0;
    for (let rest = values[2][hold]; rest !== 0; rest &= rest - 1) gpus++;
    held[values[1][hold]] += (gpus * values[3][hold]) / UNITS;
  });
  const each = <T>(value: (n: number) => T) => Array.from({ length: nodes.count }, (_, n) => value(n));
  return {
    name: 'nodes',
    columns: [
      { name: 'node', values: each((n) => model.nodeName(n)) },
      { name: 'pool', values: each((n) => model.run.pools[nodes.pool[n]].name) },
      { name: 'gpus', values: each((n) => nodes.gpuStart[n + 1] - nodes.gpuStart[n]) },
      { name: 'held', values: each((n) => held[n]) },
      { name: 'state', values: each((n) => NODE_STATES[model.nodeStateAt(n, us)]) },
    ],
  };
}
