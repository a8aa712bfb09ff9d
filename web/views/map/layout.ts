/** Where each node of the map stands: pools, racks, nodes, and in them cells for GPUs. */
import { decimal } from '../../../reports/format.ts';
import type { Size } from '../../draw/plate.ts';
import type { RunModel } from '../../model.ts';

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  width: number;
  height: number;
  /** Of each node. */
  boxes: Box[];
  headings: { x: number; y: number; text: string }[];
  /** Around nodes in one rack that stand in a row. */
  racks: Box[];
  /** Side of a GPU's cell, and columns of cells in a node. */
  cell: number;
  columns(gpus: number): number;
  nodeAt(x: number, y: number): number;
}

const HEADING = 20;
/** Smallest cells under which nodes are named, and largest ones. */
export const NAMED = 15;
export const MOST_CELL = 52;
export const MOST_CELL_STRIP = 30;

export function mapHeight(model: RunModel): number {
  return model.run.nodes.gpuCount <= 64 ? 104 : 220;
}

/** The largest cells, up to a size, with which everything has room. */
export function layoutOf(model: RunModel, { width, height }: Size, most: number): Layout {
  // Half pixels up to 4, whole ones above; the larger, the more room they take.
  const sizes = Array.from({ length: 8 }, (_, i) => (i + 1) / 2);
  for (let cell = 5; cell <= most; cell++) sizes.push(cell);
  let [low, high] = [0, sizes.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (laidOut(model, width, sizes[middle]).bottom <= height) low = middle;
    else high = middle - 1;
  }
  const cell = sizes[low];
  const made = laidOut(model, width, cell);
  return {
    ...{ width, height: Math.min(height, Math.ceil(made.bottom) + 6), cell, columns: columnsOf, ...made },
    nodeAt: (px, py) =>
      made.boxes.findIndex(
        (box) =>
          box && px >= box.x - 1 && px <= box.x + box.width + 1 && py >= box.y - 1 && py <= box.y + box.height + 1,
      ),
  };
}

const columnsOf = (gpus: number) => (gpus <= 4 ? Math.max(1, gpus) : gpus <= 8 ? 4 : gpus <= 16 ? 8 : 12);

/** Pools one after the other, beside each other where two fit; a frame around the nodes of a rack. */
function laidOut(model: RunModel, width: number, cell: number) {
  const { nodes, pools } = model.run;
  const gap = cell >= 12 ? 8 : cell >= 6 ? 4 : cell >= 3 ? 2 : 1;
  const name = cell >= NAMED ? 14 : 0;
  const boxes: Box[] = new Array(nodes.count);
  const headings: Layout['headings'] = [];
  const racks: Box[] = [];
  let left = 2;
  let top = 2;
  let bottom = 2;
  pools.forEach((facts, pool) => {
    const model = facts.gpuModel === '' || facts.gpuModel === 'unknown' ? 'GPUs' : facts.gpuModel;
    const text = `${facts.name}: ${decimal(facts.nodes)} node${facts.nodes === 1 ? '' : 's'}, ${decimal(facts.gpus)} ${model}${facts.spot ? ', spot' : ''}`;
    // How wide it would like to be; a heading is about so wide.
    let wish = 0;
    for (let n = 0; n < nodes.count; n++)
      if (nodes.pool[n] === pool)
        wish += Math.max(1, columnsOf(nodes.gpuStart[n + 1] - nodes.gpuStart[n])) * cell + gap;
    wish = Math.max(wish, text.length * 6.6);
    if (left > 2 && left + wish > width) {
      left = 2;
      top = bottom + 8;
    }
    headings.push({ x: left, y: top + HEADING / 2, text });
    let x = left;
    let y = top + HEADING;
    let row = 0;
    let rack = -2;
    for (let n = 0; n < nodes.count; n++) {
      if (nodes.pool[n] !== pool) continue;
      const gpus = nodes.gpuStart[n + 1] - nodes.gpuStart[n];
      const across = columnsOf(gpus);
      const w = Math.max(cell, across * cell);
      const t = Math.max(1, Math.ceil(gpus / across)) * cell + name;
      const newRack = nodes.rack[n] !== rack;
      if (newRack && rack !== -2 && x > left) x += gap;
      if (x + w > width && x > left) {
        x = left;
        y += row + gap;
        row = 0;
      }
      boxes[n] = { x, y, width: w, height: t };
      const last = racks.at(-1);
      if (newRack || last === undefined || last.y !== y) racks.push({ x, y, width: w, height: t });
      else {
        last.width = x + w - last.x;
        last.height = Math.max(last.height, t);
      }
      rack = nodes.rack[n];
      row = Math.max(row, t);
      x += w + gap;
    }
    bottom = Math.max(bottom, y + row);
    left += wish + 2.5 * gap + 8;
  });
  return { boxes, headings, racks, bottom };
}
