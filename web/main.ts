/** The page: its frame, its keys, and what it opens with. */
import { decimal } from '../reports/format.ts';
import type { RunSummary } from '../reports/summary.ts';
import { MISSION_CONTROL } from '../scenarios/builtin/mission-control.ts';
import { problemLine } from '../scenarios/problem.ts';
import { openAddress } from './address.ts';
import { App } from './app.ts';
import { h, replace } from './dom.ts';
import type { Editor } from './editor.ts';
import { keysOf } from './keyboard.ts';
import { listen } from './keys.ts';
import type { DroppedFile } from './open.ts';
import { loadRest, panelsOf } from './panels.ts';
import type { Status } from './store.ts';
import { timeBar } from './timebar.ts';

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
const brand = h('div', { class: 'brand' }, title, facts);
const bar = h('progress', { max: 1, value: 0, 'aria-label': 'Simulated so far' });
const stop = button('Stop', 'Stop and show what there is (Esc)', () => app.cancel());
const status = h('p', { class: 'status', role: 'status', 'aria-live': 'polite' });
const progress = h('div', { class: 'progress' }, bar, status, stop);
const note = h('div', { class: 'notes', role: 'status' });
const drawer = h('aside', { class: 'drawer', id: 'editor', hidden: true, 'aria-label': 'Scenario' });
const panels = panelsOf(app);
const time = timeBar(store);
const editButton = button('Scenario', 'Text and controls of the scenario (E)', () => void toggleEditor());
editButton.setAttribute('aria-expanded', 'false');
editButton.setAttribute('aria-controls', 'editor');

/** Loaded when the first one is opened. */
const withDialogs = (open: (all: typeof import('./dialogs/all.ts')) => unknown) => () =>
  void import('./dialogs/all.ts').then(open).catch((error) => app.onNote(`That cannot be opened: ${String(error)}`));
const dialogs = {
  compare: withDialogs((all) => all.compareDialog(app)),
  whatIf: withDialogs((all) => all.whatIfDialog(app)),
  share: withDialogs((all) => all.shareDialog(app)),
  export: withDialogs((all) => all.exportDialog(app, panels.mounted())),
  help: withDialogs((all) => all.helpDialog(KEYS)),
};
const labelled = (control: HTMLElement, label: string) => {
  control.setAttribute('aria-label', label);
  return control;
};

const root = document.getElementById('app') as HTMLElement;
replace(
  root,
  h(
    'header',
    { class: 'head' },
    brand,
    h(
      'div',
      { class: 'actions' },
      scenarios,
      files,
      button('Open', 'Open a scenario, a log, a snapshot or a run (O)', () => files.click()),
      editButton,
      button('Compare', 'Set another policy or scenario beside it (C)', dialogs.compare),
      button('What if', 'Another future from here on (W)', dialogs.whatIf),
      button('Share', 'The scenario as a link (S)', dialogs.share),
      button('Export', 'Pictures, tables, the report (X)', dialogs.export),
      labelled(button('◐', 'Dark or light (T)', toggleTheme), 'Dark or light'),
      labelled(button('?', 'Keys (?)', dialogs.help), 'Keys'),
    ),
  ),
  panels.tabs,
  h('div', { class: 'body' }, drawer, h('main', {}, note, panels.element)),
  h('footer', {}, progress, time.element),
);
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

function drawFacts(): void {
  const { slots } = store.state;
  const [slot] = slots;
  if (!slot) return;
  const { summary } = slot.model.run;
  document.title = `${summary.scenario} – simsup`;
  title.textContent = summary.title || summary.scenario;
  const days = summary.simulatedSeconds / 86_400;
  const length = `${Number(days.toFixed(days < 10 ? 2 : 1))} days${slot.early ? ' so far' : ''}`;
  const each = slots.map(({ label, model }) => {
    const { digest, events, policy } = model.run.summary;
    return `${slots.length > 1 ? `${label}: ` : `policy ${policy}, `}${decimal(events)} events, digest ${digest}`;
  });
  brand.classList.toggle('beside', slots.length > 1);
  facts.textContent = slots.length > 1 ? each.join('\n') : `${summary.scenario}: ${length}; ${each[0]}`;
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
        : `Simulating ${now.label}: day ${Math.floor(now.nowUs / 8.64e10) + 1}, ${decimal(now.events)} events`;
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
  if (topics.has('runs')) drawFacts();
  if (topics.has('status')) drawStatus(store.state.status);
  if (topics.has('source')) markScenario();
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

const KEYS = keysOf(app, time, panels, {
  ...dialogs,
  openFile: () => files.click(),
  toggleEditor: () => void toggleEditor(),
  toggleTheme,
  closeWhatIsOpen() {
    if (!drawer.hidden) void toggleEditor();
    else if (store.state.selection !== null) store.set('selection', { selection: null });
  },
});
listen(KEYS, (redo) => app.undo(redo));

// ── the beginning ─────────────────────────────────────────────────────────────────────────────────────────────────────

async function begin(): Promise<void> {
  if (!(await openAddress(app))) await app.run();
  // What the dialogs and the list of scenarios need can wait until there is something to see, or to mend.
  if (store.state.status.kind === 'idle') await panels.shown;
  await app.loadFacts();
  replace(scenarios, ...app.builtins.map(({ name, sentence }) => h('option', { value: name, title: sentence }, name)));
  markScenario();
  loadRest();
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
