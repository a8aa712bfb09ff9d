/** Dialogs: comparing, what if, sharing, exporting, keys. */
import type { App } from './app.ts';
import { download, h, put } from './dom.ts';
import type { Key } from './keys.ts';
import { FILES, type FileName } from './requests.ts';
import type { Beside } from './store.ts';
import { clockOf, momentText } from './time.ts';
import type { MountedView, TableData } from './views/view.ts';

function dialog(title: string, ...content: (Node | string)[]): HTMLDialogElement {
  const made = h('dialog', { 'aria-label': title });
  const close = h(
    'button',
    { type: 'button', class: 'close', 'aria-label': 'Close', onclick: () => made.close() },
    '×',
  );
  put(made, h('div', { class: 'dialog-head' }, h('h2', {}, title), close), ...content);
  made.addEventListener('close', () => made.remove());
  made.addEventListener('click', (event) => {
    if (event.target === made) made.close();
  });
  document.body.append(made);
  made.showModal();
  return made;
}

const field = (label: string, control: HTMLElement) => h('label', { class: 'field' }, h('span', {}, label), control);
const primary = (text: string, act: () => void) =>
  h('button', { type: 'button', class: 'primary', onclick: act }, text);

export function compareDialog(app: App): void {
  const { store, policies, builtins } = app;
  const now = store.state.slots[0]?.model.run.summary.policy ?? '';
  const policy = h(
    'select',
    {},
    ...policies.map(({ name, about }) =>
      h('option', { value: name, title: about, selected: name === (now === 'runai' ? 'kubernetes' : 'runai') }, name),
    ),
  );
  const scenario = h('select', {}, ...builtins.map(({ name }) => h('option', { value: name }, name)));
  const set = (beside: Beside | null) => {
    made.close();
    app.setBeside(beside);
    if (beside !== null) store.set('view', { view: 'overview' });
  };
  const file = h('input', {
    type: 'file',
    onchange: async () => {
      const chosen = file.files?.[0];
      if (!chosen) return;
      const bytes = new Uint8Array(await chosen.arrayBuffer());
      const opened = await app.clients[1].open([{ name: chosen.name, bytes }]);
      if (opened.kind === 'scenario') set({ kind: 'scenario', source: opened.source, name: chosen.name });
      else
        app.onNote(
          opened.kind === 'refused'
            ? `That cannot be opened: ${opened.message}`
            : 'Choose a scenario; a run has its arrivals already.',
        );
    },
  });
  const made = dialog(
    'Compare',
    h('p', {}, 'Two runs side by side on one clock. Under another policy, arrivals and candidate faults are the same.'),
    h(
      'div',
      { class: 'row' },
      field('Another policy', policy),
      primary('Compare policies', () => set({ kind: 'policy', policy: policy.value })),
    ),
    h(
      'div',
      { class: 'row' },
      field('Another scenario', scenario),
      primary('Compare scenarios', () => {
        const found = builtins.find(({ name }) => name === scenario.value);
        if (found)
          set({
            kind: 'scenario',
            source: { file: `${found.name}.yaml`, text: found.text, files: {} },
            name: found.name,
          });
      }),
    ),
    field('or a scenario of your own', file),
    ...(store.state.beside === null
      ? []
      : [h('button', { type: 'button', onclick: () => set(null) }, 'End the comparison')]),
  );
}

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

export async function shareDialog(app: App): Promise<void> {
  const { fragmentOf } = await import('./share.ts');
  const { source, view, cursorUs, beside, slots } = app.store.state;
  if (slots[0]?.source === null) {
    app.onNote('This run was opened from a file: send that file.');
    return;
  }
  let address: string;
  try {
    const fragment = fragmentOf({ source, view, cursorUs: Math.round(cursorUs), beside });
    history.replaceState(null, '', `#${fragment}`);
    address = location.href;
  } catch (error) {
    app.onNote(`This cannot be shared as a link: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  const text = h('textarea', { readonly: true, rows: 4, 'aria-label': 'Link' });
  text.value = address;
  const copied = h('p', { role: 'status', class: 'muted' });
  dialog(
    'Share',
    h('p', {}, 'The whole scenario is in this link, after the #: it goes to nobody but those you send it to.'),
    text,
    primary('Copy the link', async () => {
      text.select();
      try {
        await navigator.clipboard.writeText(address);
        copied.textContent = 'Copied.';
      } catch {
        copied.textContent = 'Press Ctrl-C to copy it.';
      }
    }),
    copied,
  );
}

/** What each file is. */
const ABOUT: Record<FileName, string> = {
  'jobs.csv': 'one row a job',
  'jobs.parquet': 'one row a job, as Parquet',
  'samples.csv': 'GPUs by category and project over time',
  'samples.parquet': 'GPUs over time, as Parquet',
  'ledger.csv': 'exact sums by pool, project, class and category',
  'faults.csv': 'every fault and what became of it',
  'report.html': 'a page that needs nothing else',
};

export function exportDialog(app: App, mounted: readonly MountedView[]): void {
  const { store } = app;
  const { slots, view, source } = store.state;
  const said = h('p', { role: 'status', class: 'note' });
  const name = (slot: number, what: string) =>
    `${(slots[slot]?.model.run.summary.scenario || 'simsup').replace(/[^\w.-]+/g, '-')}${slots.length > 1 ? `-${'ab'[slot]}` : ''}-${what}`;
  const link = (text: string, act: () => void | Promise<void>) =>
    h(
      'button',
      {
        type: 'button',
        onclick: async () => {
          try {
            await act();
          } catch (error) {
            said.textContent = error instanceof Error ? error.message : String(error);
          }
        },
      },
      text,
    );
  const pictures = h('div', { class: 'exports' });
  const tables = h('div', { class: 'exports' });
  mounted.forEach((part, slot) => {
    const side = slots.length > 1 && mounted.length > 1 ? `${slots[slot]?.label}: ` : '';
    part.plates.forEach((plate, i) => {
      const file = name(slot, `${view}-${i + 1}`);
      const label = plate.element.getAttribute('aria-label') ?? '';
      put(
        pictures,
        h('span', { class: 'what' }, side + (label.length > 70 ? `${label.slice(0, 70)}…` : label)),
        link('PNG', async () => {
          const blob = await new Promise<Blob | null>((resolve) => plate.png().toBlob(resolve));
          if (blob) download(`${file}.png`, blob, 'image/png');
        }),
        link('SVG', () => download(`${file}.svg`, plate.svg(), 'image/svg+xml')),
      );
    });
    for (const table of part.tables()) {
      put(
        tables,
        h('span', { class: 'what' }, side + table.name),
        link('CSV', async () =>
          download(`${name(slot, table.name)}.csv`, (await import('./tables.ts')).csvOf(table), 'text/csv'),
        ),
        link('Parquet', async () =>
          download(
            `${name(slot, table.name)}.parquet`,
            (await import('./tables.ts')).parquetOf(table) as BlobPart,
            'application/octet-stream',
          ),
        ),
      );
    }
  });
  const files = h('div', { class: 'exports' });
  slots.forEach((slot, i) => {
    const side = slots.length > 1 ? `${slot.label}: ` : '';
    if (slot.source !== null) {
      for (const file of FILES) {
        put(
          files,
          h('span', { class: 'what' }, `${side}${ABOUT[file]}`),
          link(file, async () => {
            const bytes = await app.file(i, file);
            if (bytes === null) said.textContent = 'This run is no longer kept by the worker: run it again.';
            else download(name(i, file), bytes as BlobPart, 'application/octet-stream');
          }),
          h('span', {}),
        );
      }
    }
    put(
      files,
      h('span', { class: 'what' }, `${side}all that this page shows; drop it here to see it again`),
      link('run.json', async () => {
        const { packed } = await import('../reports/packed.ts');
        const { summary, ...columns } = slot.model.run;
        download(name(i, 'run.json'), JSON.stringify({ ...summary, columns: packed(columns) }), 'application/json');
      }),
      h('span', {}),
    );
  });
  put(
    files,
    h('span', { class: 'what' }, 'the scenario'),
    link(source.file.endsWith('.yaml') ? source.file : 'scenario.yaml', () =>
      download(source.file.replace(/^.*\//, ''), source.text, 'text/yaml'),
    ),
    h('span', {}),
  );
  const none = (text: string) => h('p', { class: 'muted' }, text);
  dialog(
    'Export',
    said,
    h('h3', {}, 'Pictures of this view'),
    pictures.childElementCount > 0 ? pictures : none('This view has no picture.'),
    h('h3', {}, 'Tables of this view'),
    tables.childElementCount > 0 ? tables : none('This view has no table.'),
    h('h3', {}, 'The run'),
    files,
  );
}

export function helpDialog(keys: readonly Key[]): void {
  const list = h('dl', { class: 'keys' });
  for (const { shown, means } of keys) put(list, h('dt', {}, h('kbd', {}, shown)), h('dd', {}, means));
  dialog(
    'Keys',
    list,
    h(
      'p',
      { class: 'muted' },
      'On charts: click or drag moves the moment, ctrl and wheel zoom, shift and drag move along, alt and wheel zoom the timeline’s rows. Drop a scenario, a log, a scheduler’s snapshot or a run.json anywhere on the page to open it.',
    ),
  );
}

export type { TableData };
