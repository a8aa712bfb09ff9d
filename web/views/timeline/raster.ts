/**
 * The pixels of the intervals. A picture may take longer than a frame has time: then it is made over several frames, and the last one
 * is shown meanwhile, stretched to where it belongs, over one of everything. While the range moves, what is made next reaches further than
 * what is seen, so that it still covers it when it is done.
 */
import type { Frame } from '../../draw/axes.ts';
import { drawGroup, drawNode, type GanttSource, GroupScratch, type Picture, type Reach } from '../../draw/gantt.ts';
import type { Pen } from '../../draw/pen.ts';
import { type Rows, THIN } from './rows.ts';

/** Time that a frame may spend on pixels, ms. */
const BUDGET_MS = 4;
/** How much further than seen a picture reaches to each side while the range moves. */
const AHEAD = 0.5;

/** A stretch of time of some nodes, in so many pixels. */
interface Extent {
  range: [number, number];
  rows: Rows;
  width: number;
  height: number;
}

interface Sheet extends Extent {
  canvas: HTMLCanvasElement;
}

interface Work extends Extent {
  image: ImageData;
  row: number;
  ms: number;
}

export class RasterLayer {
  private readonly source: GanttSource;
  private readonly reach: Reach;
  private readonly again: () => void;
  private readonly scratch = new GroupScratch();
  /** The last picture that was finished, and one of everything. */
  private last: Sheet | null = null;
  private whole: Sheet | null = null;
  private work: Work | null = null;
  /** What was to be seen when it was drawn last. */
  private seen: Extent | null = null;
  /** What the last picture took, ms. */
  private cost = 0;
  /** Where time ends. */
  private endUs = 0;
  private request = 0;

  constructor(source: GanttSource, reach: Reach, again: () => void) {
    this.source = source;
    this.reach = reach;
    this.again = again;
  }

  /** Colours have changed. */
  forget(): void {
    this.work = null;
    this.whole = null;
    if (this.last !== null) this.last = { ...this.last, width: 0 };
  }

  stop(): void {
    cancelAnimationFrame(this.request);
    this.request = 0;
  }

  draw(pen: Pen, frame: Frame, rows: Rows, endUs: number): void {
    this.endUs = endUs;
    const width = Math.max(1, Math.round(frame.right - frame.left));
    const height = Math.max(1, Math.round(frame.bottom - frame.top));
    const wanted: Extent = { range: [frame.from, frame.to], rows: [...rows], width, height };
    const moves = this.seen !== null && !same(this.seen, wanted);
    this.seen = wanted;
    if (this.last === null || !same(this.last, wanted)) {
      const quick = this.cost <= BUDGET_MS;
      if (this.work !== null && !same(this.work, wanted) && (quick || !moves)) this.work = null;
      this.work ??= begun(moves && !quick ? ahead(wanted, endUs) : wanted);
      this.goOn();
      // Once more: to go on, or to notice that the range has come to rest.
      if (!this.isMade()) this.later();
    } else {
      const everything = this.everything(wanted);
      if (this.whole !== null && same(this.whole, everything)) this.work = null;
      else if (this.work === null || !same(this.work, everything)) {
        this.work = begun(everything);
        this.later();
      }
    }
    const { last, whole } = this;
    pen.clip(frame.left, frame.top, width, height, () => {
      if (whole !== null && (last === null || !covers(last, wanted))) place(pen, frame, rows, height, whole);
      if (last !== null) place(pen, frame, rows, height, last);
    });
  }

  private later(): void {
    if (this.request !== 0) return;
    this.request = requestAnimationFrame(() => {
      this.request = 0;
      if (!this.isMade()) {
        this.again();
        return;
      }
      // Only the picture of everything is missing, which nobody sees now.
      this.goOn();
      if (this.work !== null) this.later();
    });
  }

  /** Makes what is under way, as far as there is time. */
  private goOn(): void {
    const { work } = this;
    if (work === null) return;
    const began = performance.now();
    const { rows, range, width, height, image } = work;
    const { source, reach, scratch } = this;
    const { gpuStart } = source;
    const gpus = gpuStart[rows[1]] - gpuStart[rows[0]];
    const picture: Picture = { width, height, pixels: new Uint32Array(image.data.buffer) };
    const nodes = rows[1] - rows[0];
    const byGpu = gpus * THIN <= height;
    // A row for each GPU, or one for several nodes: one of pixels, or of two or three where there are more than nodes.
    const count = byGpu ? nodes : Math.min(height, nodes);
    const thick = Math.max(1, Math.floor(height / Math.max(1, gpus)));
    for (; work.row < count && performance.now() - began < BUDGET_MS; work.row++) {
      if (byGpu) {
        const node = rows[0] + work.row;
        if (gpuStart[node + 1] === gpuStart[node]) continue;
        const top = Math.round(((gpuStart[node] - gpuStart[rows[0]]) / gpus) * height);
        drawNode(source, reach, node, range, picture, top, thick, thick > 5 ? 1 : 0);
      } else {
        const at = (row: number) => rows[0] + Math.floor((row * nodes) / count);
        const top = Math.floor((work.row * height) / count);
        const tall = Math.floor(((work.row + 1) * height) / count) - top;
        drawGroup(source, reach, [at(work.row), at(work.row + 1)], range, scratch, picture, top, tall);
      }
    }
    work.ms += performance.now() - began;
    if (work.row >= count) {
      this.work = null;
      if (same(work, this.everything(work))) this.whole = sheet(this.whole, work);
      if (this.isMade()) return;
      this.cost = work.ms;
      this.last = sheet(this.last, work);
    } else if (this.last === null || this.last.width === 0) {
      // Half of it is better than nothing, but is not it.
      this.last = { ...sheet(this.last, work), width: 0 };
    }
  }

  /** Whether the last picture is of what is to be seen. */
  private isMade(): boolean {
    return this.last !== null && this.seen !== null && same(this.last, this.seen);
  }

  private everything({ width, height }: Extent): Extent {
    return { range: [0, this.endUs], rows: [0, this.source.nodeCount], width, height };
  }
}

function begun(extent: Extent): Work {
  return { ...extent, image: new ImageData(extent.width, extent.height), row: 0, ms: 0 };
}

function ahead({ range: [from, to], ...rest }: Extent, endUs: number): Extent {
  const more = (to - from) * AHEAD;
  return { ...rest, range: [Math.max(0, from - more), Math.min(endUs, to + more)] };
}

function same(a: Extent, b: Extent): boolean {
  return (
    a.range[0] === b.range[0] &&
    a.range[1] === b.range[1] &&
    a.rows[0] === b.rows[0] &&
    a.rows[1] === b.rows[1] &&
    a.width === b.width &&
    a.height === b.height
  );
}

function covers({ range, rows }: Extent, wanted: Extent): boolean {
  return (
    range[0] <= wanted.range[0] && range[1] >= wanted.range[1] && rows[0] <= wanted.rows[0] && rows[1] >= wanted.rows[1]
  );
}

function sheet(before: Sheet | null, { image, range, rows, width, height }: Work): Sheet {
  const canvas = before?.canvas ?? document.createElement('canvas');
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  (canvas.getContext('2d') as CanvasRenderingContext2D).putImageData(image, 0, 0);
  return { canvas, range, rows, width, height };
}

/** A picture where it belongs among what is to be seen. */
function place(pen: Pen, frame: Frame, rows: Rows, height: number, { canvas, range, rows: own }: Sheet): void {
  const perNode = height / (rows[1] - rows[0]);
  const left = frame.x(range[0]);
  const top = frame.top + (own[0] - rows[0]) * perNode;
  pen.image(canvas, left, top, frame.x(range[1]) - left, (own[1] - own[0]) * perNode);
}
