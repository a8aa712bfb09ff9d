/** The tabs and the view that is shown, once for each run. A view is loaded when it is shown first. */
import type { App } from './app.ts';
import { h, put, replace } from './dom.ts';
import { DIFFERENCES, VIEWS } from './views/all.ts';
import { emptyView, type MountedView } from './views/view.ts';

export interface Panels {
  tabs: HTMLElement;
  element: HTMLElement;
  mounted(): readonly MountedView[];
  /** When a run is shown for the first time. */
  shown: Promise<void>;
}

export function panelsOf(app: App): Panels {
  const { store } = app;
  const tabs = h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Views' });
  const element = h('div', { class: 'panels', id: 'panels', role: 'tabpanel', tabindex: 0 });
  let mounted: MountedView[] = [];
  let mountedAs = '';
  let isShown = () => {};
  const shown = new Promise<void>((resolve) => {
    isShown = resolve;
  });

  const mountView = async () => {
    const { slots, view } = store.state;
    const key = `${view} ${slots.map(({ model, label }) => `${model.id} ${label}`).join()}`;
    if (key === mountedAs) return;
    mountedAs = key;
    // Until the view's code is here, what was shown stays.
    const mount = slots.length === 0 ? null : await mountOf(app, view);
    if (key !== mountedAs) return;
    for (const part of mounted) part.destroy();
    mounted = [];
    replace(element);
    if (mount === null) {
      put(element, h('p', { class: 'empty' }, 'Simulating …'));
      return;
    }
    element.classList.toggle('beside', slots.length > 1 && view !== DIFFERENCES.id);
    mounted = mount(element);
    isShown();
  };

  const drawTabs = () => {
    const { view, slots } = store.state;
    const all = slots.length > 1 ? [...VIEWS, DIFFERENCES] : VIEWS;
    const go = (id: string) => store.set('view', { view: id });
    const made = all.map(({ id, title, about }, i) =>
      h(
        'button',
        {
          ...{ type: 'button', role: 'tab', id: `tab-${id}`, title: about },
          ...{ 'aria-selected': String(id === view), 'aria-controls': 'panels' },
          tabindex: id === view ? 0 : -1,
          onclick: () => go(id),
          onkeydown: (event: KeyboardEvent) => {
            const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
            if (by === 0) return;
            event.preventDefault();
            event.stopPropagation();
            go(all[(i + by + all.length) % all.length].id);
          },
        },
        title,
      ),
    );
    const focused = tabs.contains(document.activeElement);
    replace(tabs, ...made);
    element.setAttribute('aria-labelledby', `tab-${view}`);
    const selected = made.find((tab) => tab.getAttribute('aria-selected') === 'true');
    if (focused) selected?.focus();
    if (selected !== undefined && tabs.scrollWidth > tabs.clientWidth)
      tabs.scrollLeft = selected.offsetLeft - tabs.clientWidth / 2 + selected.offsetWidth / 2;
  };

  store.subscribe((topics) => {
    if (topics.has('view') || topics.has('runs')) {
      drawTabs();
      void mountView().catch((error) => app.onNote(`This view cannot be shown: ${String(error)}`));
    }
    for (const part of mounted) part.update(topics);
  });
  drawTabs();
  void mountView();
  return { tabs, element, mounted: () => mounted, shown };
}

/** Loads a view; what comes of it mounts one for each run that is shown now. */
async function mountOf(app: App, view: string): Promise<(host: HTMLElement) => MountedView[]> {
  const { store } = app;
  if (view === DIFFERENCES.id) {
    const { mountDifferences } = await import('./views/differences.ts');
    return (host) => {
      const { beside, slots } = store.state;
      const panel = h('section', { class: 'panel', 'aria-label': DIFFERENCES.title });
      put(host, panel);
      const overSeeds = beside !== null && beside.kind !== 'branch' ? app.overSeeds.bind(app) : null;
      return [mountDifferences(panel, slots, store, overSeeds)];
    };
  }
  const spec = VIEWS.find(({ id }) => id === view) ?? VIEWS[0];
  const mount = await spec.load();
  return (host) =>
    store.state.slots.map(({ model, label }, i, { length }) => {
      const panel = h('section', { class: 'panel', 'aria-label': length > 1 ? label : spec.title });
      if (length > 1) put(panel, h('h2', {}, h('span', { class: 'side-mark' }, 'AB'[i]), label));
      put(host, panel);
      try {
        return mount(panel, model, store);
      } catch (error) {
        // A run from a file may hold anything.
        replace(panel);
        return emptyView(panel, `This cannot be drawn: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
}

/** The views that were not shown yet, when there is nothing else to do: so that the page goes on without a network. */
export function loadRest(): void {
  for (const { load } of VIEWS) void load().catch(() => {});
  void import('./views/differences.ts').catch(() => {});
  void import('./dialogs/all.ts').catch(() => {});
}
