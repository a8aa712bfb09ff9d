/** Elements made in code: text is always a text node, so nothing that comes from a file can become markup. */

type Child = Node | string | null | undefined | false;
type Listener = (event: never) => void;
export type Attributes = Record<string, string | number | boolean | null | undefined | Listener>;

/** `on…` attributes are listeners; true and false set or leave out; `class` and the rest are attributes. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  put(element, ...children);
  return element;
}

export function put(element: Element, ...children: Child[]): void {
  for (const child of children) if (child !== null && child !== undefined && child !== false) element.append(child);
}

export function replace(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  put(element, ...children);
}

/** A table; cells are texts or elements, the first of each row is its heading. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | Node)[])[],
  label: string,
): HTMLElement {
  const made = h('table', { 'aria-label': label });
  const top = h('tr');
  for (const title of head) top.append(h('th', { scope: 'col' }, title));
  made.append(h('thead', {}, top));
  const body = h('tbody');
  for (const row of rows) {
    const line = h('tr');
    row.forEach((cell, i) => {
      line.append(i === 0 ? h('th', { scope: 'row' }, cell) : h('td', {}, cell));
    });
    body.append(line);
  }
  made.append(body);
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, made);
}

/** A choice of a few, as buttons of which one is pressed. */
export function choice(
  label: string,
  options: readonly { id: string; title: string }[],
  now: string,
  choose: (id: string) => void,
): HTMLElement {
  const group = h('div', { class: 'choice', role: 'group', 'aria-label': label });
  const buttons = options.map(({ id, title }) =>
    h(
      'button',
      {
        type: 'button',
        'aria-pressed': String(id === now),
        onclick: () => {
          buttons.forEach((button, i) => {
            button.setAttribute('aria-pressed', String(options[i].id === id));
          });
          choose(id);
        },
      },
      title,
    ),
  );
  put(group, ...buttons);
  return group;
}

/** Hands a file to the user. */
export function download(name: string, content: BlobPart, type: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = h('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
