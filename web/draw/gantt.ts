/**
 * Jobs on GPUs over time, into a buffer of pixels. A row of pixels costs at most as many steps as it is wide, however many intervals there
 * are: after each interval drawn, the next one that reaches a new pixel is found by binary search.
 */
import type { Index } from '../../reports/columns.ts';
import type { IntervalColumns } from '../../sim/record/intervals.ts';
import type { Hatch } from '../palette.ts';

export interface GanttSource {
  /** Values: job, node, mask, units; sorted by start. */
  holds: IntervalColumns;
  holdsOfNode: Index;
  /** GPUs of node n are gpuStart[n] .. gpuStart[n + 1] − 1. */
  gpuStart: Int32Array;
  nodeCount: number;
  /** Colour of a hold as a pixel. */
  colour(hold: number): number;
  /** The pattern on it, where a row is thick enough to show one. */
  hatch(hold: number): Hatch;
}

export interface Picture {
  width: number;
  height: number;
  pixels: Uint32Array;
}

/** Rows of fewer pixels show no pattern. */
const HATCHED_FROM = 3;

/** Whether a pixel is on a line of a pattern: tiles of 8 by 8, as in hatch.ts. */
const ON_LINE: Record<Hatch, (x: number, y: number) => boolean> = {
  '': () => false,
  rise: (x, y) => ((x + y) & 7) === 0,
  fall: (x, y) => ((x - y) & 7) === 0,
  dots: (x, y) => (x & 3) === 2 && (y & 3) === 2 && ((x + y) & 7) !== 0,
  lines: (_, y) => (y & 3) === 2,
  grid: (x, y) => (x & 7) === 4 || (y & 7) === 4,
};

/** A pixel nearly half way to white. */
export function lightened(pixel: number): number {
  const part = (shift: number) => {
    const value = (pixel >>> shift) & 255;
    return (value + Math.round((255 - value) * 0.45)) << shift;
  };
  return ((pixel & 0xff000000) | part(16) | part(8) | part(0)) >>> 0;
}

/** Holds of a node in blocks of this many, and blocks of blocks, keep their latest end: what lies in a pixel is passed over whole. */
const BLOCK = 32;
const SUPER = 1024;

/** Entry of block b of node n: latest[from[n] + b]; of a block of blocks: latestOfMany[fromMany[n] + b]. */
export interface Reach {
  from: Uint32Array;
  /** Latest end among this block and all before it: where a search may begin. */
  sofar: Float64Array;
  latest: Float64Array;
  /** GPUs that any of a block holds, as bits. */
  masks: Int32Array;
  fromMany: Uint32Array;
  latestOfMany: Float64Array;
  masksOfMany: Int32Array;
}

export function reachOf({
  holds,
  holdsOfNode,
  nodeCount,
}: Pick<GanttSource, 'holds' | 'holdsOfNode' | 'nodeCount'>): Reach {
  const from = new Uint32Array(nodeCount + 1);
  const fromMany = new Uint32Array(nodeCount + 1);
  for (let n = 0; n < nodeCount; n++) {
    const count = holdsOfNode.from[n + 1] - holdsOfNode.from[n];
    from[n + 1] = from[n] + Math.ceil(count / BLOCK);
    fromMany[n + 1] = fromMany[n] + Math.ceil(count / SUPER);
  }
  const sofar = new Float64Array(from[nodeCount]);
  const latest = new Float64Array(from[nodeCount]);
  const masks = new Int32Array(from[nodeCount]);
  const latestOfMany = new Float64Array(fromMany[nodeCount]);
  const masksOfMany = new Int32Array(fromMany[nodeCount]);
  for (let n = 0; n < nodeCount; n++) {
    let most = -1;
    for (let i = holdsOfNode.from[n], k = 0; i < holdsOfNode.from[n + 1]; i++, k++) {
      const hold = holdsOfNode.rows[i];
      const end = holds.end[hold];
      const mask = holds.values[2][hold];
      most = Math.max(most, end);
      const block = from[n] + Math.floor(k / BLOCK);
      const many = fromMany[n] + Math.floor(k / SUPER);
      sofar[block] = most;
      latest[block] = Math.max(latest[block], end);
      masks[block] |= mask;
      latestOfMany[many] = Math.max(latestOfMany[many], end);
      masksOfMany[many] |= mask;
    }
  }
  return { from, sofar, latest, masks, fromMany, latestOfMany, masksOfMany };
}

/** By GPU of the node that is being drawn: up to which moment its row is. */
const DRAWN = new Float64Array(32);

/** The moment up to which the rows of all these GPUs are drawn. */
function drawnOf(mask: number): number {
  let least = Infinity;
  for (let rest = mask; rest !== 0; rest &= rest - 1) {
    const us = DRAWN[31 - Math.clz32(rest & -rest)];
    if (us < least) least = us;
  }
  return least;
}

/** The first of a node's holds from its `k`th on that shows where nothing is drawn yet. */
function nextToDraw({ holds, holdsOfNode }: GanttSource, reach: Reach, node: number, k: number): number {
  const first = holdsOfNode.from[node];
  const count = holdsOfNode.from[node + 1] - first;
  let at = k;
  while (at < count) {
    const many = reach.fromMany[node] + at / SUPER;
    const block = reach.from[node] + at / BLOCK;
    const hold = holdsOfNode.rows[first + at];
    if (at % SUPER === 0 && reach.latestOfMany[many] <= drawnOf(reach.masksOfMany[many])) at += SUPER;
    else if (at % BLOCK === 0 && reach.latest[block] <= drawnOf(reach.masks[block])) at += BLOCK;
    else if (holds.end[hold] <= drawnOf(holds.values[2][hold])) at++;
    else return at;
  }
  return count;
}

/** The first of a node's holds from which on any may reach into what comes after `us`. */
function firstReaching(reach: Reach, node: number, us: number): number {
  let low = reach.from[node];
  let high = reach.from[node + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (reach.sofar[middle] <= us) low = middle + 1;
    else high = middle;
  }
  return (low - reach.from[node]) * BLOCK;
}

/**
 * One node's GPUs: `rows[g]` is the first row of pixels of GPU g of the node and `thick` how many it has. Times are mapped to
 * pixels 0 .. width − 1. A node has at most 32 GPUs, as masks have bits.
 */
export function drawNode(
  source: GanttSource,
  reach: Reach,
  node: number,
  range: readonly [number, number],
  picture: Picture,
  top: number,
  thick: number,
  gap: number,
): void {
  const { holds, holdsOfNode, colour, gpuStart } = source;
  const { start, end, values } = holds;
  const { width, height, pixels } = picture;
  const [from, to] = range;
  const hatched = thick - gap >= HATCHED_FROM;
  const perUs = width / (to - from);
  const first = holdsOfNode.from[node];
  const count = holdsOfNode.from[node + 1] - first;
  const gpus = gpuStart[node + 1] - gpuStart[node];
  const nextPixel = NEXT_PIXEL.fill(0);
  DRAWN.fill(from);
  for (let k = nextToDraw(source, reach, node, firstReaching(reach, node, from)); k < count; ) {
    const hold = holdsOfNode.rows[first + k];
    if (start[hold] >= to) break;
    const x0 = Math.max(0, Math.floor((start[hold] - from) * perUs));
    const x1 = Math.min(width, Math.max(x0 + 1, Math.ceil((end[hold] - from) * perUs)));
    const paint = colour(hold);
    const hatch = hatched ? source.hatch(hold) : '';
    for (let rest = values[2][hold], g = 0; rest !== 0 && g < gpus; rest >>>= 1, g++) {
      if ((rest & 1) === 0) continue;
      const begin = Math.max(x0, nextPixel[g]);
      if (begin >= x1) continue;
      nextPixel[g] = x1;
      DRAWN[g] = from + x1 / perUs;
      const rowTop = top + g * thick;
      for (let y = Math.max(0, rowTop); y < Math.min(height, rowTop + thick - gap); y++) {
        pixels.fill(paint, y * width + begin, y * width + x1);
        if (hatch === '') continue;
        const light = lightened(paint);
        for (let x = begin; x < x1; x++) if (ON_LINE[hatch](x, y)) pixels[y * width + x] = light;
      }
    }
    k = nextToDraw(source, reach, node, k + 1);
  }
}

/** By GPU: the first pixel of its row that is not drawn. */
const NEXT_PIXEL = new Int32Array(32);

/** Several nodes in one row of pixels: in each pixel, whoever held most of it; how much is its opacity. */
export function drawGroup(
  source: GanttSource,
  reach: Reach,
  nodes: readonly [number, number],
  range: readonly [number, number],
  scratch: GroupScratch,
  picture: Picture,
  top: number,
  thick: number,
): void {
  const { holds, holdsOfNode, colour, gpuStart } = source;
  const { start, end, values } = holds;
  const { width, pixels, height } = picture;
  const [from, to] = range;
  const perUs = width / (to - from);
  scratch.begin(width);
  for (let node = nodes[0]; node < nodes[1]; node++) {
    const first = holdsOfNode.from[node];
    for (let i = first + firstReaching(reach, node, from); i < holdsOfNode.from[node + 1]; i++) {
      const hold = holdsOfNode.rows[i];
      if (start[hold] >= to) break;
      if (end[hold] <= from) continue;
      let gpus = 0;
      for (let rest = values[2][hold]; rest !== 0; rest &= rest - 1) gpus++;
      const units = (gpus * values[3][hold]) / 7000;
      scratch.add((start[hold] - from) * perUs, (end[hold] - from) * perUs, colour(hold), units);
    }
  }
  const gpus = gpuStart[nodes[1]] - gpuStart[nodes[0]];
  scratch.finish(gpus, (x, paint) => {
    for (let k = 0; k < thick; k++) {
      const y = top + k;
      if (y < height) pixels[y * width + x] = paint;
    }
  });
}

/** Sums by colour for one row of pixels. */
export class GroupScratch {
  private width = 0;
  private readonly colours: number[] = [];
  private sums: Float32Array[] = [];
  private total = new Float32Array(0);

  begin(width: number): void {
    if (width !== this.width) {
      this.width = width;
      this.sums = [];
      this.total = new Float32Array(width + 1);
    }
    this.colours.length = 0;
    this.total.fill(0);
  }

  /** `units` GPUs from one place to another, in pixels and parts of them. Kept as differences, summed up in `finish`. */
  add(x0: number, x1: number, colour: number, units: number): void {
    let k = this.colours.indexOf(colour);
    if (k < 0) {
      k = this.colours.push(colour) - 1;
      if (this.sums[k] === undefined) this.sums[k] = new Float32Array(this.width + 2);
      else this.sums[k].fill(0);
    }
    const sums = this.sums[k];
    this.edge(sums, x0, units);
    this.edge(sums, x1, -units);
  }

  finish(gpus: number, put: (x: number, colour: number) => void): void {
    const levels = new Float64Array(this.colours.length);
    for (let x = 0; x < this.width; x++) {
      let best = -1;
      let sum = 0;
      for (let k = 0; k < this.colours.length; k++) {
        levels[k] += this.sums[k][x];
        sum += levels[k];
        if (best < 0 || levels[k] > levels[best]) best = k;
      }
      if (best < 0 || sum < 0.004 * gpus) continue;
      const alpha = Math.round(255 * Math.max(0.18, Math.min(1, sum / Math.max(1, gpus))));
      put(x, ((this.colours[best] & 0xffffff) | (alpha << 24)) >>> 0);
    }
  }

  /** A step at a place inside a pixel: part of it in that pixel, the rest in the next. */
  private edge(sums: Float32Array, x: number, units: number): void {
    const at = Math.max(0, Math.min(this.width, x));
    const whole = Math.floor(at);
    const part = at - whole;
    sums[whole] += units * (1 - part);
    sums[whole + 1] += units * part;
  }
}
