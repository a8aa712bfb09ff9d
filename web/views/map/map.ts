/** The cluster at one moment: pools, nodes and GPUs, coloured by who holds them, how busy they are, their health or the ledger. */
import { choice, h, replace } from '../../dom.ts';
import { Plate } from '../../draw/plate.ts';
import type { RunModel } from '../../model.ts';
import { themeNow } from '../../palette.ts';
import type { Store } from '../../store.ts';
import { emptyView, type Mount, type MountedView, NO_INTERVALS } from '../view.ts';
import { layoutOf, MOST_CELL, MOST_CELL_STRIP, mapHeight } from './layout.ts';
import { nowList } from './now.ts';
import { MODES, type Mode, outline, paintMap } from './paint.ts';
import { jobText, legendItems, mapTable, momentSummary, nodeText } from './words.ts';

export const mount: Mount = (host, model, store) => {
  if (!model.hasIntervals) return emptyView(host, NO_INTERVALS);
  return mountMap(host, model, store, true);
};

/** `tall`: with a switch for colours and a legend, filling its place; else a strip for the overview. */
export function mountMap(host: HTMLElement, model: RunModel, store: Store, tall: boolean): MountedView {
  const { run } = model;
  let mode = (tall && (store.choices.get('map colour') as Mode)) || 'project';
  const legend = h('div', { class: 'legend' });
  const told = h('p', { class: 'told', role: 'status' });
  const raster = document.createElement('canvas');
  let hovered = -1;
  const most = tall ? MOST_CELL : MOST_CELL_STRIP;
  let layout = layoutOf(model, { width: 1, height: 1 }, 1);
  const room = tall ? 460 : mapHeight(model);
  const plate = new Plate({
    height: room,
    label: 'Map of the cluster',
    paint(pen, size) {
      if (layout.width !== size.width) {
        layout = layoutOf(model, { width: size.width, height: room }, most);
        plate.setHeight(layout.height);
      }
      paintMap(pen, model, store, layout, mode, raster);
    },
    overlay(pen) {
      const box = hovered < 0 ? null : layout.boxes[hovered];
      if (box) outline(pen, box, themeNow().text, 1.5);
      const { selection, cursorUs } = store.state;
      const mark = (node: number) => {
        if (layout.boxes[node]) outline(pen, layout.boxes[node], themeNow().accent, 2.5);
      };
      if (selection?.kind === 'node') mark(selection.id);
      if (selection?.kind !== 'job') return;
      const [jobOf, nodeOf] = model.recorded.holds.values;
      model.heldAt(cursorUs, (hold) => {
        if (jobOf[hold] === selection.id) mark(nodeOf[hold]);
      });
    },
  });
  const nodeAt = (event: PointerEvent) => {
    const box = plate.element.getBoundingClientRect();
    return layout.nodeAt(event.clientX - box.left, event.clientY - box.top);
  };
  plate.element.addEventListener('pointermove', (event) => {
    const node = nodeAt(event);
    if (node === hovered) return;
    hovered = node;
    tell();
    plate.drawAbove();
  });
  plate.element.addEventListener('pointerleave', () => {
    hovered = -1;
    tell();
    plate.drawAbove();
  });
  plate.element.addEventListener('click', (event) => {
    const node = nodeAt(event as PointerEvent);
    if (node >= 0) store.set('selection', { selection: { kind: 'node', id: node } });
  });
  const tell = () => {
    const { selection, cursorUs } = store.state;
    const node = hovered >= 0 ? hovered : selection?.kind === 'node' ? selection.id : -1;
    if (node >= 0 && node < run.nodes.count) told.textContent = nodeText(model, node, cursorUs);
    else if (selection?.kind === 'job' && selection.id < run.jobs.count)
      told.textContent = jobText(model, selection.id, cursorUs);
    else told.textContent = momentSummary(model, cursorUs);
  };
  const fillLegend = () => replace(legend, ...legendItems(model, mode));
  const tools = tall
    ? h(
        'div',
        { class: 'tools' },
        choice('Colour', MODES, mode, (id) => {
          mode = id as Mode;
          store.choices.set('map colour', id);
          fillLegend();
          plate.draw();
        }),
      )
    : null;
  const now = tall ? nowList(model, store) : null;
  if (tools) host.append(tools);
  host.append(plate.element, told, legend);
  if (now) host.append(now.element);
  fillLegend();
  tell();
  return {
    update(topics) {
      if (topics.has('theme')) fillLegend();
      if (topics.has('cursor') || topics.has('theme') || topics.has('runs') || topics.has('selection')) {
        plate.draw();
        tell();
      }
      if (topics.has('cursor')) now?.fill();
    },
    destroy() {
      now?.stop();
      plate.destroy();
    },
    plates: [plate],
    tables: () => [mapTable(model, store.state.cursorUs)],
  };
}
