/** The sheet of keys. */
import { h, put } from '../dom.ts';
import type { Key } from '../keys.ts';
import { dialog } from './dialog.ts';

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
