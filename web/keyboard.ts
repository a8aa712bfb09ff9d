/** What each key does. */
import type { App } from './app.ts';
import type { Key } from './keys.ts';
import type { Panels } from './panels.ts';
import type { TimeBar } from './timebar.ts';
import { VIEWS } from './views/all.ts';

/** What opens or is switched by a key of its own. */
export interface Actions {
  compare(): void;
  whatIf(): void;
  share(): void;
  export(): void;
  help(): void;
  openFile(): void;
  toggleEditor(): void;
  toggleTheme(): void;
  /** Esc, where nothing runs. */
  closeWhatIsOpen(): void;
}

/** Of what is shown, for an arrow key, and for moving along. */
const STEP = 0.01;
const PAN = 0.25;

export function keysOf(app: App, time: TimeBar, panels: Panels, actions: Actions): Key[] {
  const { store } = app;
  const width = () => store.state.range[1] - store.state.range[0];
  const pan = (by: number) => {
    const [from, to] = store.state.range;
    store.show(from + by * width(), to + by * width());
  };
  const rows = (screens: number, factor: number) => {
    for (const part of panels.mounted()) part.rows?.(screens, factor);
  };
  const { selectNode, selectJob } = selecting(app);
  const key = (keys: string[], shown: string, means: string, act: Key['act'], shift?: boolean): Key => ({
    ...{ keys, shown, means, act },
    ...(shift === undefined ? {} : { shift }),
  });
  const arrows = ['ArrowLeft', 'ArrowRight'];
  const views = VIEWS.map((_, i) => String(i + 1));
  return [
    key([' '], 'space', 'play or pause', time.toggle),
    key(
      arrows,
      '← →',
      'a little earlier or later',
      (pressed) => store.moveTo(store.state.cursorUs + (pressed === 'ArrowLeft' ? -STEP : STEP) * width()),
      false,
    ),
    key(['[', ']'], '[ ]', 'the last or next thing that happens', (pressed) => time.step(pressed === '[')),
    key(['+', '=', '-'], '+ −', 'less or more time', (pressed) => store.zoom(pressed === '-' ? 2 : 0.5)),
    key(
      arrows,
      'shift ← →',
      'an earlier or later stretch of time',
      (pressed) => pan(pressed === 'ArrowLeft' ? -PAN : PAN),
      true,
    ),
    key(['0'], '0', 'all of it', () => store.show(0, store.endUs)),
    key(
      ['ArrowUp', 'ArrowDown'],
      'shift ↑ ↓',
      'timeline: the nodes above or below',
      (pressed) => rows(pressed === 'ArrowUp' ? -PAN : PAN, 1),
      true,
    ),
    key(['>', '<'], '> <', 'timeline: fewer nodes in thicker rows, or more in thinner ones', (pressed) =>
      rows(0, pressed === '>' ? 0.5 : 2),
    ),
    key(['n', 'N'], 'N', 'selects the next node (shift: the one before), and says who is on it', (pressed) =>
      selectNode(pressed === 'n' ? 1 : -1),
    ),
    key(
      ['j', 'J'],
      'J',
      'selects the next job (shift: the one before) that holds GPUs at this moment, of the selected node if there is one',
      (pressed) => selectJob(pressed === 'j' ? 1 : -1),
    ),
    key(views, '1 … 9', 'the views in their order', (pressed) =>
      store.set('view', { view: VIEWS[Number(pressed) - 1].id }),
    ),
    key(['e'], 'E', 'the scenario: text and controls', actions.toggleEditor),
    key(['c'], 'C', 'compare with another policy or scenario', actions.compare),
    key(['w'], 'W', 'what if, from here on', actions.whatIf),
    key(['s'], 'S', 'share as a link', actions.share),
    key(['x'], 'X', 'export pictures, tables, the report', actions.export),
    key(['o'], 'O', 'open a file', actions.openFile),
    key(['u', 'U'], 'U', 'undo the last change of the scenario (shift: redo)', (pressed) => app.undo(pressed === 'U')),
    key(['t'], 'T', 'dark or light', actions.toggleTheme),
    key(['Escape'], 'Esc', 'stop a run; close what is open; select nothing', () => {
      if (store.state.status.kind === 'running') app.cancel();
      else actions.closeWhatIsOpen();
    }),
    key(['?'], '?', 'this sheet', actions.help),
  ];
}

function selecting(app: App) {
  const { store } = app;
  /** The node on which a job is looked for; it stays while its jobs are gone through. */
  let among = -1;
  return {
    selectNode(by: number): void {
      const count = store.state.slots[0]?.model.run.nodes.count ?? 0;
      if (count === 0) return;
      const { selection } = store.state;
      const before = by > 0 ? -1 : count;
      among = ((selection?.kind === 'node' ? selection.id : before) + by + count) % count;
      store.set('selection', { selection: { kind: 'node', id: among } });
    },
    selectJob(by: number): void {
      const [slot] = store.state.slots;
      if (slot === undefined) return;
      const { selection, cursorUs } = store.state;
      if (selection?.kind === 'node') among = selection.id;
      else if (selection === null) among = -1;
      const [jobOf, nodeOf] = slot.model.recorded.holds.values;
      const found = new Set<number>();
      slot.model.heldAt(cursorUs, (hold) => {
        if (among < 0 || nodeOf[hold] === among) found.add(jobOf[hold]);
      });
      const jobs = [...found].sort((a, b) => a - b);
      if (jobs.length === 0) {
        app.onNote(`No job holds a GPU ${among < 0 ? '' : 'of this node '}at this moment.`);
        return;
      }
      const at = selection?.kind === 'job' ? jobs.indexOf(selection.id) : -1;
      const first = by > 0 ? 0 : jobs.length - 1;
      const next = at < 0 ? first : (at + by + jobs.length) % jobs.length;
      store.set('selection', { selection: { kind: 'job', id: jobs[next] } });
    },
  };
}
