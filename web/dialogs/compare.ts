/** Another policy or scenario beside the one that is shown. */
import type { App } from '../app.ts';
import { h } from '../dom.ts';
import type { Beside } from '../store.ts';
import { dialog, field, primary } from './dialog.ts';

export function compareDialog(app: App): void {
  const { store, policies, builtins } = app;
  const now = store.state.slots[0]?.model.run.summary.policy ?? '';
  const policy = h(
    'select',
    {},
    ...policies.map(({ name, about }) =>
      h('option', { value: name, title: about, selected: name === (now === 'runai' ? 'kubernetes' : 'runai') }, name),
    ),
  );
  const scenario = h('select', {}, ...builtins.map(({ name }) => h('option', { value: name }, name)));
  const set = (beside: Beside | null) => {
    made.close();
    app.setBeside(beside);
    if (beside !== null) store.set('view', { view: 'overview' });
  };
  const file = h('input', {
    type: 'file',
    onchange: async () => {
      const chosen = file.files?.[0];
      if (!chosen) return;
      const bytes = new Uint8Array(await chosen.arrayBuffer());
      const opened = await app.clients[1].open([{ name: chosen.name, bytes }]);
      if (opened.kind === 'scenario') set({ kind: 'scenario', source: opened.source, name: chosen.name });
      else
        app.onNote(
          opened.kind === 'refused'
            ? `That cannot be opened: ${opened.message}`
            : 'Choose a scenario; a run has its arrivals already.',
        );
    },
  });
  const made = dialog(
    'Compare',
    h('p', {}, 'Two runs side by side on one clock. Under another policy, arrivals and candidate faults are the same.'),
    h(
      'div',
      { class: 'row' },
      field('Another policy', policy),
      primary('Compare policies', () => set({ kind: 'policy', policy: policy.value })),
    ),
    h(
      'div',
      { class: 'row' },
      field('Another scenario', scenario),
      primary('Compare scenarios', () => {
        const found = builtins.find(({ name }) => name === scenario.value);
        if (found)
          set({
            kind: 'scenario',
            source: { file: `${found.name}.yaml`, text: found.text, files: {} },
            name: found.name,
          });
      }),
    ),
    field('or a scenario of your own', file),
    ...(store.state.beside === null
      ? []
      : [h('button', { type: 'button', onclick: () => set(null) }, 'End the comparison')]),
  );
}
