/** Another future from the moment of the cursor on: a node breaks down, nodes come, a quota changes. */
import type { App } from '../app.ts';
import { h } from '../dom.ts';
import type { Beside } from '../store.ts';
import { clockOf, momentText } from '../time.ts';
import { dialog, primary } from './dialog.ts';

export function whatIfDialog(app: App): void {
  const { store } = app;
  const [slot] = store.state.slots;
  if (!slot?.source || !slot.model.hasIntervals) {
    app.onNote('This needs a scenario that was run here: a saved run cannot go on.');
    return;
  }
  const { model } = slot;
  const { nodes, pools, projects } = model.run;
  const { cursorUs, selection } = store.state;
  const kill = h('input', { type: 'checkbox', checked: true });
  const node = h(
    'select',
    { 'aria-label': 'Node to take away' },
    ...Array.from({ length: Math.min(nodes.count, 2000) }, (_, n) =>
      h('option', { value: n, selected: selection?.kind === 'node' && selection.id === n }, model.nodeName(n)),
    ),
  );
  const add = h('input', { type: 'checkbox' });
  const count = h('input', { type: 'number', min: 1, max: 1000, value: 8, 'aria-label': 'Nodes to add' });
  const pool = h(
    'select',
    { 'aria-label': 'Pool of the new nodes' },
    ...pools
      .map(({ name }, p) => (pools[p].nodes > 0 ? h('option', { value: p }, name) : null))
      .filter((option) => option !== null),
  );
  const quota = h('input', { type: 'checkbox' });
  const project = h(
    'select',
    { 'aria-label': 'Project' },
    ...projects.map(({ name }, p) => h('option', { value: p }, name)),
  );
  const gpus = h('input', {
    type: 'number',
    min: 0,
    max: 100_000,
    value: Math.max(0, projects[0]?.deserved ?? 0),
    'aria-label': 'GPUs it deserves',
  });
  project.addEventListener('change', () => {
    gpus.value = String(Math.max(0, projects[Number(project.value)].deserved));
    quota.checked = true;
  });
  gpus.addEventListener('input', () => {
    quota.checked = true;
  });
  count.addEventListener('input', () => {
    add.checked = true;
  });
  const warning = h('p', { class: 'note', role: 'status' });
  const made = dialog(
    'What if, from here on?',
    h(
      'p',
      {},
      `From ${momentText(cursorUs, clockOf(model.run))} on, things go differently. Everything before stays as it was; both futures stand side by side.`,
    ),
    h('div', { class: 'row' }, h('label', {}, kill, ' this node breaks down'), node),
    h('div', { class: 'row' }, h('label', {}, add, ' more nodes come'), count, pool),
    ...(projects.length > 0
      ? [h('div', { class: 'row' }, h('label', {}, quota, ' a project deserves'), project, gpus, 'GPUs')]
      : []),
    warning,
    primary('See both futures', () => {
      const branch = {
        atUs: Math.round(cursorUs),
        changes: [] as NonNullable<Extract<Beside, { kind: 'branch' }>>['branch']['changes'],
      };
      const said: string[] = [];
      if (kill.checked) {
        branch.changes.push({ kind: 'kill', node: Number(node.value) });
        said.push(`without ${model.nodeName(Number(node.value))}`);
      }
      if (add.checked) {
        const more = Math.max(1, Math.min(1000, Math.round(Number(count.value)) || 1));
        branch.changes.push({ kind: 'add', pool: Number(pool.value), nodes: more });
        said.push(`+${more} nodes`);
      }
      if (quota.checked && projects.length > 0) {
        const own = Math.max(0, Math.round(Number(gpus.value)) || 0);
        branch.changes.push({ kind: 'quota', project: Number(project.value), gpus: own });
        said.push(`${projects[Number(project.value)].name} deserves ${own}`);
      }
      if (said.length === 0) {
        warning.textContent = 'Choose at least one thing that changes.';
        return;
      }
      made.close();
      app.setBeside({ kind: 'branch', branch, label: said.join(', ') });
      store.set('view', { view: 'overview' });
    }),
  );
}
