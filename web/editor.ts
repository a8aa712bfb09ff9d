/** The scenario as text beside the controls for what people change most; loaded when it is opened first. */
import { autocompletion } from '@codemirror/autocomplete';
import { yaml } from '@codemirror/lang-yaml';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { basicSetup } from 'codemirror';
import type { Problem } from '../scenarios/problem.ts';
import type { App } from './app.ts';
import { completions } from './complete.ts';
import { h, put, replace } from './dom.ts';
import type { Control } from './requests.ts';

export interface Editor {
  focus(): void;
}

/** Larger texts (with jobs in them) are not coloured or completed. */
const PLAIN_ABOVE = 500_000;

export function mountEditor(host: HTMLElement, app: App): Editor {
  const { store } = app;
  const controls = h('div', { class: 'controls' });
  const place = h('div', { class: 'text' });
  const problems = h('ul', { class: 'problems', role: 'status', 'aria-label': 'What is wrong with the scenario' });
  const undo = h('button', { type: 'button', title: 'Undo (U)', onclick: () => app.undo() }, 'Undo');
  const redo = h('button', { type: 'button', title: 'Redo (shift U)', onclick: () => app.undo(true) }, 'Redo');
  host.append(h('div', { class: 'tools' }, undo, redo), controls, problems, place);
  // In a shadow root the editor's styles are constructed sheets: a strict Content-Security-Policy lets them be.
  const shadow = place.attachShadow({ mode: 'open' });
  const mount = h('div');
  shadow.append(mount);
  let quiet = false;
  const large = store.state.source.text.length > PLAIN_ABOVE;
  const view = new EditorView({
    root: shadow,
    parent: mount,
    state: EditorState.create({
      doc: store.state.source.text,
      extensions: [
        basicSetup,
        ...(large ? [] : [yaml(), autocompletion({ override: [completions(app)] })]),
        lintGutter(),
        keymap.of([
          {
            key: 'Escape',
            run: (editor) => {
              editor.contentDOM.blur();
              return false;
            },
          },
        ]),
        EditorView.contentAttributes.of({ 'aria-label': 'The scenario as YAML' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !quiet) app.setText(update.state.doc.toString(), true);
        }),
        EditorView.theme({
          '&': { height: '100%', fontSize: '13px', backgroundColor: '#ffffff', color: '#16191d' },
          '.cm-scroller': { overflow: 'auto', fontFamily: 'ui-monospace, monospace' },
        }),
      ],
    }),
  });
  // Arrow keys scroll it without the text’s cursor, too.
  view.scrollDOM.tabIndex = 0;
  const sync = () => {
    const { text } = store.state.source;
    const now = view.state.doc.toString();
    if (text === now) return;
    // Only what differs is replaced, so that the cursor stays where it is.
    let from = 0;
    while (from < text.length && from < now.length && text[from] === now[from]) from++;
    let end = 0;
    while (
      end < text.length - from &&
      end < now.length - from &&
      text[text.length - 1 - end] === now[now.length - 1 - end]
    )
      end++;
    quiet = true;
    view.dispatch({ changes: { from, to: now.length - end, insert: text.slice(from, text.length - end) } });
    quiet = false;
  };
  let told = '';
  const tell = async () => {
    const { text } = store.state.source;
    if (text === told) return;
    told = text;
    try {
      const found = await app.clients[1].call((remote) => remote.controls(text));
      if (told === text) fillControls(controls, found, app);
    } catch {
      // A text that cannot be read has no controls; its problems are listed.
    }
  };
  const mark = () => {
    const { status } = store.state;
    const list = status.kind === 'problems' ? status.problems : [];
    view.dispatch(
      setDiagnostics(
        view.state,
        list.map((problem) => diagnostic(view, problem)),
      ),
    );
    replace(problems, ...list.slice(0, 20).map((problem) => problemItem(view, problem)));
  };
  store.subscribe((topics) => {
    if (topics.has('source')) {
      sync();
      void tell();
    }
    if (topics.has('status') && store.state.status.kind !== 'running') mark();
  });
  void tell();
  mark();
  return { focus: () => view.focus() };
}

function fillControls(host: HTMLElement, found: readonly Control[], app: App): void {
  const active = document.activeElement?.getAttribute('data-control');
  const groups = new Map<string, HTMLElement>();
  for (const control of found) {
    let group = groups.get(control.group);
    if (group === undefined) {
      group = h('fieldset', {}, h('legend', {}, control.group));
      groups.set(control.group, group);
    }
    put(group, h('label', { class: 'field' }, h('span', {}, control.label), inputOf(control, app)));
  }
  replace(host, ...groups.values());
  if (active) host.querySelector<HTMLElement>(`[data-control="${CSS.escape(active)}"]`)?.focus();
}

function inputOf(control: Control, app: App): HTMLElement {
  const { id, kind, value, placeholder, choices = [] } = control;
  const change = async (to: string) => {
    const { text } = app.store.state.source;
    try {
      app.setText(await app.clients[1].call((remote) => remote.withControl(text, id, to)));
    } catch (error) {
      app.onNote(error instanceof Error ? error.message : String(error));
    }
  };
  if (kind === 'choice') {
    const names = value === '' || choices.includes(value) ? choices : [value, ...choices];
    const select = h(
      'select',
      { 'data-control': id, onchange: () => change(select.value) },
      ...names.map((name) => h('option', { value: name, selected: name === (value || placeholder) }, name)),
    );
    return select;
  }
  const input = h('input', {
    'data-control': id,
    type: 'text',
    inputmode: kind === 'number' ? 'decimal' : 'text',
    value,
    placeholder,
    onchange: () => change(input.value.trim()),
  });
  return input;
}

function diagnostic(view: EditorView, { line, column, found, expected, nearest }: Problem): Diagnostic {
  const { doc } = view.state;
  const at = doc.line(Math.max(1, Math.min(doc.lines, line)));
  const from = Math.min(at.to, at.from + Math.max(0, column - 1));
  const word = /^[^\s,}\]]+/.exec(at.text.slice(from - at.from))?.[0].length ?? 0;
  const near = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  return {
    from,
    to: Math.min(at.to, from + Math.max(1, word)),
    severity: 'error',
    message: `found ${found}, expected ${expected}${near}`,
  };
}

function problemItem(view: EditorView, problem: Problem): HTMLElement {
  const { line, column, path, found, expected, nearest } = problem;
  const text = `${path === '' ? '' : `${path}: `}found ${found}, expected ${expected}${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`;
  const go = () => {
    const { from } = diagnostic(view, problem);
    view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
    view.focus();
  };
  return h(
    'li',
    {},
    line > 0 ? h('button', { type: 'button', class: 'link', onclick: go }, `line ${line}:${column}`) : null,
    ' ',
    text,
  );
}
