/** The scenario as a link. */
import type { App } from '../app.ts';
import { h } from '../dom.ts';
import { fragmentOf } from '../share.ts';
import { dialog, primary } from './dialog.ts';

export function shareDialog(app: App): void {
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
