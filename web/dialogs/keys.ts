/** The sheet of keys. */
import { h, put } from '../dom.ts';
import type { Key } from '../keys.ts';
import { dialog } from './dialog.ts';

/** What the browser and the editor do by themselves. */
const OTHERS: [string, string][] = [
  ['tab, shift tab', 'to the next or last control; on the views’ names ← → change the view'],
  ['ctrl Z', 'undo (shift: redo), as U'],
  ['ctrl space', 'in the text: what may stand here'],
  ['Esc', 'out of the text, so that keys mean what stands above'],
];

export function helpDialog(keys: readonly Key[]): void {
  const list = h('dl', { class: 'keys' });
  const add = (shown: string, means: string) => put(list, h('dt', {}, h('kbd', {}, shown)), h('dd', {}, means));
  for (const { shown, means } of keys) add(shown, means);
  for (const [shown, means] of OTHERS) add(shown, means);
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
