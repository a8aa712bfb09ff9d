/** What all dialogs are made of. */
import { h, put } from '../dom.ts';

export function dialog(title: string, ...content: (Node | string)[]): HTMLDialogElement {
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

export const field = (label: string, control: HTMLElement) =>
  h('label', { class: 'field' }, h('span', {}, label), control);
export const primary = (text: string, act: () => void) =>
  h('button', { type: 'button', class: 'primary', onclick: act }, text);
