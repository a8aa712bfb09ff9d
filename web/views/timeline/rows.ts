/** Which nodes the timeline shows, and where their rows stand. */
import type { Frame } from '../../draw/axes.ts';
import type { RunModel } from '../../model.ts';

/** From this node up to, not including, that one. */
export type Rows = [number, number];

/** Fewest pixels of a GPU's row. */
export const THIN = 2;

/** Row of pixels at which a node begins. */
export function nodeTop({ run }: RunModel, frame: Frame, rows: Rows, node: number): number {
  const { gpuStart } = run.nodes;
  const gpus = Math.max(1, gpuStart[rows[1]] - gpuStart[rows[0]]);
  const height = frame.bottom - frame.top;
  // As the raster has it: rows of GPUs if they have room, else rows of nodes.
  if (gpus * THIN <= Math.round(height))
    return frame.top + Math.round(((gpuStart[node] - gpuStart[rows[0]]) / gpus) * height);
  return frame.top + ((node - rows[0]) / (rows[1] - rows[0])) * height;
}

export function placeAt(model: RunModel, frame: Frame, rows: Rows, y: number): { node: number; gpu: number } | null {
  const { gpuStart } = model.run.nodes;
  const gpus = gpuStart[rows[1]] - gpuStart[rows[0]];
  const height = frame.bottom - frame.top;
  if (gpus * THIN <= Math.round(height)) {
    for (let node = rows[0]; node < rows[1]; node++) {
      const top = nodeTop(model, frame, rows, node);
      const thick = Math.max(1, Math.floor(height / gpus));
      const own = gpuStart[node + 1] - gpuStart[node];
      if (y >= top && y < top + own * thick) return { node, gpu: Math.floor((y - top) / thick) };
    }
    return null;
  }
  const node = rows[0] + Math.floor(((y - frame.top) / height) * (rows[1] - rows[0]));
  return node >= rows[0] && node < rows[1] ? { node, gpu: -1 } : null;
}
