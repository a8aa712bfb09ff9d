/** Pictures and tables of the view that is shown, and the files of the run. */
import type { App } from '../app.ts';
import { download, h, put } from '../dom.ts';
import { FILES, type FileName } from '../requests.ts';
import type { MountedView } from '../views/view.ts';
import { dialog } from './dialog.ts';

/** What each file is. */
const ABOUT: Record<FileName, string> = {
  'jobs.csv': 'one row a job',
  'jobs.parquet': 'one row a job, as Parquet',
  'samples.csv': 'GPUs by category and project over time',
  'samples.parquet': 'GPUs over time, as Parquet',
  'ledger.csv': 'exact sums by pool, project, class and category',
  'faults.csv': 'every fault and what became of it',
  'report.html': 'a page that needs nothing else',
};

export function exportDialog(app: App, mounted: readonly MountedView[]): void {
  const { store } = app;
  const { slots, view, source } = store.state;
  const said = h('p', { role: 'status', class: 'note' });
  const name = (slot: number, what: string) =>
    `${(slots[slot]?.model.run.summary.scenario || 'simsup').replace(/[^\w.-]+/g, '-')}${slots.length > 1 ? `-${'ab'[slot]}` : ''}-${what}`;
  const link = (text: string, act: () => void | Promise<void>) =>
    h(
      'button',
      {
        type: 'button',
        onclick: async () => {
          try {
            await act();
          } catch (error) {
            said.textContent = error instanceof Error ? error.message : String(error);
          }
        },
      },
      text,
    );
  const pictures = h('div', { class: 'exports' });
  const tables = h('div', { class: 'exports' });
  mounted.forEach((part, slot) => {
    const side = slots.length > 1 && mounted.length > 1 ? `${slots[slot]?.label}: ` : '';
    part.plates.forEach((plate, i) => {
      const file = name(slot, `${view}-${i + 1}`);
      const label = plate.element.getAttribute('aria-label') ?? '';
      put(
        pictures,
        h('span', { class: 'what' }, side + (label.length > 70 ? `${label.slice(0, 70)}…` : label)),
        link('PNG', async () => {
          const blob = await new Promise<Blob | null>((resolve) => plate.png().toBlob(resolve));
          if (blob) download(`${file}.png`, blob, 'image/png');
        }),
        link('SVG', () => download(`${file}.svg`, plate.svg(), 'image/svg+xml')),
      );
    });
    for (const table of part.tables()) {
      put(
        tables,
        h('span', { class: 'what' }, side + table.name),
        link('CSV', async () =>
          download(`${name(slot, table.name)}.csv`, (await import('../tables.ts')).csvOf(table), 'text/csv'),
        ),
        link('Parquet', async () =>
          download(
            `${name(slot, table.name)}.parquet`,
            (await import('../tables.ts')).parquetOf(table) as BlobPart,
            'application/octet-stream',
          ),
        ),
      );
    }
  });
  const files = h('div', { class: 'exports' });
  slots.forEach((slot, i) => {
    const side = slots.length > 1 ? `${slot.label}: ` : '';
    if (slot.source !== null) {
      for (const file of FILES) {
        put(
          files,
          h('span', { class: 'what' }, `${side}${ABOUT[file]}`),
          link(file, async () => {
            const bytes = await app.file(i, file);
            if (bytes === null) said.textContent = 'This run is no longer kept by the worker: run it again.';
            else download(name(i, file), bytes as BlobPart, 'application/octet-stream');
          }),
          h('span', {}),
        );
      }
    }
    put(
      files,
      h('span', { class: 'what' }, `${side}all that this page shows; drop it here to see it again`),
      link('run.json', async () => {
        const { packed } = await import('../../reports/packed.ts');
        const { summary, ...columns } = slot.model.run;
        download(name(i, 'run.json'), JSON.stringify({ ...summary, columns: packed(columns) }), 'application/json');
      }),
      h('span', {}),
    );
  });
  put(
    files,
    h('span', { class: 'what' }, 'the scenario'),
    link(source.file.endsWith('.yaml') ? source.file : 'scenario.yaml', () =>
      download(source.file.replace(/^.*\//, ''), source.text, 'text/yaml'),
    ),
    h('span', {}),
  );
  const none = (text: string) => h('p', { class: 'muted' }, text);
  dialog(
    'Export',
    said,
    h('h3', {}, 'Pictures of this view'),
    pictures.childElementCount > 0 ? pictures : none('This view has no picture.'),
    h('h3', {}, 'Tables of this view'),
    tables.childElementCount > 0 ? tables : none('This view has no table.'),
    h('h3', {}, 'The run'),
    files,
  );
}
