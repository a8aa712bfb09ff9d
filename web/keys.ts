/** What the keys do: one list, for the keyboard and for the sheet that explains it. */

export interface Key {
  /** As `KeyboardEvent.key` has them; letters in either case unless both are bound. */
  keys: string[];
  /** Only with shift held down, or only without; undefined = either. */
  shift?: boolean;
  /** As the sheet shows them. */
  shown: string;
  means: string;
  act(key: string): void;
}

/** Leaves alone what is being typed, what dialogs and buttons take for themselves, and the browser's own shortcuts. */
export function listen(keys: readonly Key[], undo: (redo: boolean) => void): void {
  addEventListener('keydown', (event) => {
    const target = event.composedPath()[0] as HTMLElement;
    const typing = target.closest?.(
      'input:not([type=range],[type=checkbox]), textarea, select, [contenteditable="true"]',
    );
    if (document.querySelector('dialog[open]') !== null || (typing && event.key !== 'Escape')) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z') {
      event.preventDefault();
      undo(event.shiftKey);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === ' ' && target.closest?.('button, summary')) return;
    if (target.matches?.('input[type=range]') && event.key.startsWith('Arrow') && !event.shiftKey) return;
    const bound = boundTo(keys, event.key, event.shiftKey);
    if (bound === undefined) return;
    event.preventDefault();
    bound.act(event.key);
  });
}

export function boundTo(keys: readonly Key[], key: string, shift: boolean): Key | undefined {
  const fits = (each: Key) => each.shift === undefined || each.shift === shift;
  return (
    keys.find((each) => fits(each) && each.keys.includes(key)) ??
    (key.length === 1 ? keys.find((each) => fits(each) && each.keys.includes(key.toLowerCase())) : undefined)
  );
}
