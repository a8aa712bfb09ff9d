/** The page: its frame, its keys, and what it opens with. */
import type { RunSummary } from '../reports/summary.ts';
import { MISSION_CONTROL } from '../scenarios/builtin/mission-control.ts';
import { problemLine } from '../scenarios/problem.ts';
import { App } from './app.ts';
import { compareDialog, exportDialog, helpDialog, shareDialog, whatIfDialog } from './dialogs.ts';
import { h, put, replace } from './dom.ts';
import type { Editor } from './editor.ts';
import type { DroppedFile } from './open.ts';
import type { Status } from './store.ts';
import { timeBar } from './timebar.ts';
import { mountDifferences } from './views/differences.ts';
import { faultsView } from './views/faults.ts';
import { jobView } from './views/job.ts';
import { ledgerView } from './views/ledger.ts';
import { mapView } from './views/map.ts';
import { metricsView } from './views/metrics.ts';
import { overviewView } from './views/overview.ts';
import { queuesView } from './views/queues.ts';
import { servingView } from './views/serving.ts';
import { timelineView } from './views/timeline.ts';
import type { MountedView } from './views/view.ts';

const VIEWS = [
  overviewView,
  mapView,
  timelineView,
  queuesView,
  ledgerView,
  servingView,
  faultsView,
  jobView,
  metricsView,
];
const DIFFERENCES = { id: 'differences', title: 'Differences', about: 'What the two runs differ in.' };
const DEFAULT = { file: 'mission-control.yaml', text: MISSION_CONTROL, files: {} };

declare global {
  interface Window {
    /** For the console and for tests. */
    simsup: { app: App; run(name: string): Promise<RunSummary>; crash(): void };
  }
}

const app = new App(DEFAULT);
const { store } = app;

// ── the frame ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const scenarios = h(
  'select',
  { 'aria-label': 'Scenario', onchange: () => app.openBuiltin(scenarios.value) },
  h('option', { value: 'mission-control' }, 'mission-control'),
);
const files = h('input', {
  type: 'file',
  multiple: true,
  hidden: true,
  onchange: () => void openAll([...(files.files ?? [])]),
});
const button = (text: string, title: string, act: () => void, className = '') =>
  h('button', { type: 'button', title, class: className, onclick: act }, text);
const title = h('h1', {}, 'simsup');
const facts = h('p', { class: 'runfacts' }, ' ');
const bar = h('progress', { max: 1, value: 0, 'aria-label': 'Simulated so far' });
const stop = button('Stop', 'Stop and show what there is (Esc)', () => app.cancel());
const status = h('p', { class: 'status', role: 'status', 'aria-live': 'polite' });
const progress = h('div', { class: 'progress' }, bar, status, stop);
const note = h('div', { class: 'notes', role: 'status' });
const tabs = h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Views' });
const panels = h('div', { class: 'panels', id: 'panels', role: 'tabpanel', tabindex: 0 });
const drawer = h('aside', { class: 'drawer', id: 'editor', hidden: true, 'aria-label': 'Scenario' });
const time = timeBar(store);
const editButton = button('Scenario', 'Text and controls of the scenario (E)', () => void toggleEditor());
editButton.setAttribute('aria-expanded', 'false');
editButton.setAttribute('aria-controls', 'editor');

const root = document.getElementById('app') as HTMLElement;
replace(
  root,
  h(
    'header',
    { class: 'head' },
    h('div', { class: 'brand' }, title, facts),
    h(
      'div',
      { class: 'actions' },
      scenarios,
      files,
      button('Open', 'Open a scenario, a log, a snapshot or a run (O)', () => files.click()),
      editButton,
      button('Compare', 'Set another policy or scenario beside it (C)', () => compareDialog(app)),
      button('What if', 'Another future from here on (W)', () => whatIfDialog(app)),
      button('Share', 'The scenario as a link (S)', () => void shareDialog(app)),
      button('Export', 'Pictures, tables, the report (X)', () => exportDialog(app, mounted)),
      button('◐', 'Dark or light (T)', toggleTheme),
      button('?', 'Keys (?)', helpDialog),
    ),
  ),
  progress,
  tabs,
  h('div', { class: 'body' }, drawer, h('main', {}, note, panels)),
  h('footer', {}, time.element),
);
for (const control of root.querySelectorAll('.actions button'))
  if (control.textContent === '◐') control.setAttribute('aria-label', 'Dark or light');
for (const control of root.querySelectorAll('.actions button'))
  if (control.textContent === '?') control.setAttribute('aria-label', 'Keys');

app.onNote = (text) => {
  const close = h(
    'button',
    { type: 'button', class: 'close', 'aria-label': 'Close', onclick: () => line.remove() },
    '×',
  );
  const line = h('p', { class: 'note' }, text, close);
  note.prepend(line);
  while (note.childElementCount > 3) note.lastElementChild?.remove();
};

// ── views ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

let mounted: MountedView[] = [];
let mountedAs = '';

function mountView(): void {
  const { slots, view } = store.state;
  const key = `${view} ${slots.map(({ model, label }) => `${model.id} ${label}`).join()}`;
  if (key === mountedAs) return;
  mountedAs = key;
  for (const part of mounted) part.destroy();
  mounted = [];
  replace(panels);
  if (slots.length === 0) {
    put(panels, h('p', { class: 'empty' }, 'Nothing has been simulated yet.'));
    return;
  }
  panels.classList.toggle('beside', slots.length > 1 && view !== 'differences');
  if (view === 'differences') {
    const host = h('section', { class: 'panel', 'aria-label': 'Differences' });
    put(panels, host);
    const both = store.state.beside;
    const overSeeds = both !== null && both.kind !== 'branch' ? app.overSeeds.bind(app) : null;
    mounted = [mountDifferences(host, slots, store, overSeeds)];
    return;
  }
  const spec = VIEWS.find(({ id }) => id === view) ?? overviewView;
  slots.forEach(({ model, label }, i) => {
    const host = h('section', { class: 'panel', 'aria-label': slots.length > 1 ? label : spec.title });
    if (slots.length > 1) put(host, h('h2', {}, h('span', { class: 'side-mark' }, 'AB'[i]), label));
    put(panels, host);
    mounted.push(spec.mount(host, model, store));
  });
}

function drawTabs(): void {
  const { view, slots } = store.state;
  const all = slots.length > 1 ? [...VIEWS, DIFFERENCES] : VIEWS;
  const made = all.map(({ id, title: name, about }) =>
    h(
      'button',
      {
        ...{
          type: 'button',
          role: 'tab',
          id: `tab-${id}`,
          title: about,
          'aria-selected': String(id === view),
          'aria-controls': 'panels',
        },
        tabindex: id === view ? 0 : -1,
        onclick: () => store.set('view', { view: id }),
        onkeydown: (event: KeyboardEvent) => {
          const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
          if (by === 0) return;
          event.preventDefault();
          event.stopPropagation();
          const next = all[(all.findIndex((each) => each.id === id) + by + all.length) % all.length];
          store.set('view', { view: next.id });
          requestAnimationFrame(() => document.getElementById(`tab-${next.id}`)?.focus());
        },
      },
      name,
    ),
  );
  const focused = tabs.contains(document.activeElement);
  replace(tabs, ...made);
  panels.setAttribute('aria-labelledby', `tab-${view}`);
  if (focused) made.find((tab) => tab.getAttribute('aria-selected') === 'true')?.focus();
}

function drawFacts(): void {
  const { slots } = store.state;
  const [slot] = slots;
  if (!slot) return;
  const { summary } = slot.model.run;
  document.title = `${summary.scenario} – simsup`;
  title.textContent = summary.title || summary.scenario;
  const days = summary.simulatedSeconds / 86_400;
  const each = slots.map(({ label, model }) => {
    const { digest, events, policy } = model.run.summary;
    return `${slots.length > 1 ? `${label}: ` : `policy ${policy}, `}${events.toLocaleString('en')} events, digest ${digest}`;
  });
  facts.textContent = `${summary.scenario}: ${Number(days.toFixed(days < 10 ? 2 : 1))} days; ${each.join('; ')}`;
}

function drawStatus(now: Status): void {
  const running = now.kind === 'running';
  progress.dataset.kind = now.kind;
  stop.hidden = !running;
  bar.hidden = !running;
  if (running) {
    const known = Number.isFinite(now.share) && now.share > 0;
    if (known) bar.value = Math.min(1, now.share);
    else bar.removeAttribute('value');
    status.textContent =
      now.events === 0
        ? `Simulating ${now.label} …`
        : `Simulating ${now.label}: day ${Math.floor(now.nowUs / 8.64e10) + 1}, ${now.events.toLocaleString('en')} events`;
    return;
  }
  if (now.kind === 'problems') {
    const [first] = now.problems;
    const more = now.problems.length > 1 ? ` (and ${now.problems.length - 1} more)` : '';
    replace(
      status,
      `${problemLine(first)}${more} `,
      button('Show in the text', 'Open the scenario', () => void openEditor()),
    );
  } else if (now.kind === 'failed') {
    replace(
      status,
      now.crashed ? `${now.message} ` : `The simulation failed: ${now.message} `,
      button('Run again', 'Run again', () => void app.run(), 'retry'),
    );
  } else {
    replace(status);
  }
}

store.subscribe((topics) => {
  if (topics.has('view') || topics.has('runs')) drawTabs();
  if (topics.has('runs')) drawFacts();
  if (topics.has('status')) drawStatus(store.state.status);
  if (topics.has('source')) markScenario();
  if (topics.has('view') || topics.has('runs')) mountView();
  for (const part of mounted) part.update(topics);
});

// ── the editor, the theme, files ──────────────────────────────────────────────────────────────────────────────────────

let editor: Promise<Editor> | null = null;

async function openEditor(): Promise<void> {
  drawer.hidden = false;
  editButton.setAttribute('aria-expanded', 'true');
  editor ??= import('./editor.ts').then(({ mountEditor }) => mountEditor(drawer, app));
  (await editor).focus();
}

async function toggleEditor(): Promise<void> {
  if (drawer.hidden) {
    await openEditor();
    return;
  }
  drawer.hidden = true;
  editButton.setAttribute('aria-expanded', 'false');
}

function toggleTheme(): void {
  const { dataset } = document.documentElement;
  const dark =
    dataset.theme === 'dark' || (dataset.theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  dataset.theme = dark ? 'light' : 'dark';
  store.set('theme', {});
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => store.set('theme', {}));

function markScenario(): void {
  const { source } = store.state;
  const found = app.builtins.find(({ text }) => text === source.text)?.name ?? '';
  let own = scenarios.querySelector<HTMLOptionElement>('option[value=""]');
  if (own === null) {
    own = h('option', { value: '' });
    scenarios.append(own);
  }
  own.textContent =
    source.file.replace(/\.ya?ml$/, '') +
    (app.builtins.some(({ name }) => `${name}.yaml` === source.file) ? ' (changed)' : '');
  own.hidden = found !== '';
  scenarios.value = found;
}

async function openAll(list: readonly File[]): Promise<void> {
  if (list.length === 0) return;
  try {
    const dropped: DroppedFile[] = await Promise.all(
      list.slice(0, 20).map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
    );
    await app.openFiles(dropped);
  } catch (error) {
    app.onNote(`That cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) document.body.classList.remove('dropping');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  void openAll([...(event.dataTransfer?.files ?? [])]);
});

// ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

const MINUTE_SHARE = 0.01;
const KEYS: Record<string, () => void> = {
  ' ': () => time.toggle(),
  '[': () => time.step(true),
  ']': () => time.step(false),
  '+': () => store.zoom(0.5),
  '=': () => store.zoom(0.5),
  '-': () => store.zoom(2),
  '0': () => store.show(0, store.endUs),
  e: () => void toggleEditor(),
  c: () => compareDialog(app),
  w: () => whatIfDialog(app),
  s: () => void shareDialog(app),
  x: () => exportDialog(app, mounted),
  o: () => files.click(),
  u: () => app.undo(),
  U: () => app.undo(true),
  t: toggleTheme,
  '?': helpDialog,
  ArrowLeft: () => store.moveTo(store.state.cursorUs - MINUTE_SHARE * (store.state.range[1] - store.state.range[0])),
  ArrowRight: () => store.moveTo(store.state.cursorUs + MINUTE_SHARE * (store.state.range[1] - store.state.range[0])),
  Escape: () => {
    if (store.state.status.kind === 'running') app.cancel();
    else if (!drawer.hidden) void toggleEditor();
    else if (store.state.selection !== null) store.set('selection', { selection: null });
  },
};

addEventListener('keydown', (event) => {
  const target = event.composedPath()[0] as HTMLElement;
  const typing = target.closest?.(
    'input:not([type=range],[type=checkbox]), textarea, select, [contenteditable="true"]',
  );
  if (document.querySelector('dialog[open]') !== null || (typing && event.key !== 'Escape')) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z') {
    event.preventDefault();
    app.undo(event.shiftKey);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  // A button takes space and enter for itself.
  if (event.key === ' ' && target.closest?.('button, summary')) return;
  if (target.matches?.('input[type=range]') && event.key.startsWith('Arrow')) return;
  const view = /^[1-9]$/.test(event.key) ? VIEWS[Number(event.key) - 1] : undefined;
  if (view !== undefined) {
    store.set('view', { view: view.id });
    return;
  }
  const act = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
  if (act === undefined) return;
  event.preventDefault();
  act();
});

// ── the beginning ─────────────────────────────────────────────────────────────────────────────────────────────────────

async function begin(): Promise<void> {
  drawTabs();
  if (!(await openAddress())) await app.run();
  // What the dialogs and the list of scenarios need can wait until there is something to see.
  app.builtins = await app.clients[0].call((remote) => remote.builtins());
  app.policies = await app.clients[0].call((remote) => remote.policies());
  replace(scenarios, ...app.builtins.map(({ name, sentence }) => h('option', { value: name, title: sentence }, name)));
  markScenario();
}

/** What the address asks for: a shared scenario, a built-in one by name, or the file that `simsup web FILE` serves. */
async function openAddress(): Promise<boolean> {
  try {
    if (location.hash.startsWith('#s=')) {
      const { sharedOf } = await import('./share.ts');
      const shared = sharedOf(location.hash);
      if (shared === null) return false;
      app.history.push(shared.source.text);
      const view = [...VIEWS, DIFFERENCES].some(({ id }) => id === shared.view) ? shared.view : 'overview';
      store.set('source', { source: shared.source, beside: shared.beside, cursorUs: shared.cursorUs });
      store.set('view', { view });
      await app.run();
      return true;
    }
    if (location.hash === '#open') {
      const names = (await (await fetched('./opened.json')).json()) as string[];
      const contents = names.map(async (_, i) => (await fetched(`./opened/${i}`)).arrayBuffer());
      const all = (await Promise.all(contents)).map((bytes, i) => ({ name: names[i], bytes: new Uint8Array(bytes) }));
      await app.openFiles(all);
      return store.state.slots.length > 0 || store.state.status.kind !== 'idle';
    }
    const name = new URLSearchParams(location.search).get('scenario');
    if (name !== null) {
      app.builtins = await app.clients[0].call((remote) => remote.builtins());
      if (app.builtins.some((builtin) => builtin.name === name)) {
        app.openBuiltin(name);
        return true;
      }
      app.onNote(`There is no built-in scenario '${name.slice(0, 60)}': the default one is shown.`);
    }
  } catch (error) {
    app.onNote(`The address cannot be opened: ${error instanceof Error ? error.message : String(error)}`);
  }
  return false;
}

async function fetched(address: string): Promise<Response> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the server says ${(await response.text()).slice(0, 200).trim()}`);
  return response;
}

window.simsup = {
  app,
  async run(name) {
    const builtins = await app.clients[1].call((remote) => remote.builtins());
    const found = builtins.find((builtin) => builtin.name === name);
    if (found === undefined) throw new Error(`there is no built-in scenario ${name}`);
    const outcome = await app.clients[1].run(
      0,
      { source: { file: `${name}.yaml`, text: found.text, files: {} } },
      () => {},
    );
    if (outcome.kind !== 'run') throw new Error(JSON.stringify(outcome));
    return outcome.columns.summary;
  },
  crash: () => void app.clients[0].call((remote) => remote.crash()).catch(() => {}),
};

void begin().catch((error) => {
  const message = error instanceof Error ? error.message : String(error);
  store.set('status', { status: { kind: 'failed', message, crashed: true } });
});

if (import.meta.env.PROD && 'serviceWorker' in navigator && location.protocol.startsWith('http')) {
  addEventListener('load', () => void navigator.serviceWorker.register('./sw.js').catch(() => {}));
}
