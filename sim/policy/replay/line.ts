/**
 * A first-come line kept by shape, in chunks that know their shortest span: a walk goes through all in order of
 * submission, may leave out a shape, or go on with only those of it that are short enough, without looking at the others.
 */

/** Job numbers ascending, which is their order of submission, and the shortest span in each chunk. Plain data. */
export interface ShapeLine {
  chunks: number[][];
  shortest: number[];
}

/** By shape; a shape nobody of whom waits is not there. */
export type Line = Map<number, ShapeLine>;

const MOST = 256;

/** `span`: by job; it must not change while the job is in line. */
export function addToLine(line: Line, span: Float64Array, shape: number, job: number): void {
  let own = line.get(shape);
  if (own === undefined) {
    own = { chunks: [[]], shortest: [Infinity] };
    line.set(shape, own);
  }
  const { chunks, shortest } = own;
  const c = Math.min(chunkWith(chunks, job), chunks.length - 1);
  const chunk = chunks[c];
  chunk.splice(positionOf(chunk, job), 0, job);
  shortest[c] = Math.min(shortest[c], span[job]);
  if (chunk.length <= MOST) return;
  const rest = chunk.splice(MOST / 2);
  chunks.splice(c + 1, 0, rest);
  shortest.splice(c, 1, shortestOf(chunk, span), shortestOf(rest, span));
}

export function removeFromLine(line: Line, span: Float64Array, shape: number, job: number): void {
  const own = line.get(shape);
  const c = own === undefined ? -1 : chunkWith(own.chunks, job);
  const at = own?.chunks[c]?.indexOf(job) ?? -1;
  if (own === undefined || at < 0) throw new Error(`invariant: job ${job} is not in line`);
  own.chunks[c].splice(at, 1);
  if (own.chunks[c].length > 0) {
    if (span[job] === own.shortest[c]) own.shortest[c] = shortestOf(own.chunks[c], span);
    return;
  }
  own.chunks.splice(c, 1);
  own.shortest.splice(c, 1);
  if (own.chunks.length === 0) line.delete(shape);
}

/** The line must not change during the walk. */
export class LineWalk {
  private readonly span: Float64Array;
  private readonly shapes: ShapeLine[];
  private readonly chunk: Int32Array;
  private readonly at: Int32Array;
  /** Spans longer than this are passed over, by shape. */
  private readonly longest: Float64Array;
  /** Shapes by their next job, a heap. */
  private readonly heap: number[] = [];
  private begun = false;

  constructor(line: Line, span: Float64Array) {
    this.span = span;
    this.shapes = [...line.values()];
    this.chunk = new Int32Array(this.shapes.length);
    this.at = new Int32Array(this.shapes.length);
    this.longest = new Float64Array(this.shapes.length).fill(Infinity);
    for (let i = 0; i < this.shapes.length; i++) this.heap.push(i);
    for (let i = (this.heap.length >> 1) - 1; i >= 0; i--) this.sink(i);
  }

  /** The next job, -1 if there is none. */
  next(): number {
    const { heap } = this;
    if (this.begun && heap.length > 0) {
      if (this.advance(heap[0])) this.sink(0);
      else this.removeTop();
    }
    this.begun = true;
    return heap.length === 0 ? -1 : this.head(heap[0]);
  }

  /** Nobody else of the shape of the job given last. */
  passShape(): void {
    this.removeTop();
    this.begun = false;
  }

  /** Of the shape of the job given last, only those whose span is at most this. */
  passLonger(span: number): void {
    this.longest[this.heap[0]] = span;
  }

  private head(shape: number): number {
    return this.shapes[shape].chunks[this.chunk[shape]][this.at[shape]];
  }

  private advance(shape: number): boolean {
    const { chunks, shortest } = this.shapes[shape];
    const longest = this.longest[shape];
    let c = this.chunk[shape];
    let i = this.at[shape] + 1;
    for (; c < chunks.length; c++, i = 0) {
      if (shortest[c] > longest) continue;
      const chunk = chunks[c];
      while (i < chunk.length && this.span[chunk[i]] > longest) i++;
      if (i < chunk.length) {
        this.chunk[shape] = c;
        this.at[shape] = i;
        return true;
      }
    }
    return false;
  }

  private removeTop(): void {
    const { heap } = this;
    const last = heap.pop() as number;
    if (heap.length === 0) return;
    heap[0] = last;
    this.sink(0);
  }

  private sink(from: number): void {
    const { heap } = this;
    const moving = heap[from];
    const job = this.head(moving);
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.head(heap[child + 1]) < this.head(heap[child])) child++;
      if (this.head(heap[child]) >= job) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = moving;
  }
}

/** The chunk whose last job is not before this one; past the end if there is none. */
function chunkWith(chunks: number[][], job: number): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const chunk = chunks[middle];
    if (chunk[chunk.length - 1] < job) low = middle + 1;
    else high = middle;
  }
  return low;
}

function positionOf(chunk: number[], job: number): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (chunk[middle] < job) low = middle + 1;
    else high = middle;
  }
  return low;
}

function shortestOf(jobs: number[], span: Float64Array): number {
  let least = Infinity;
  for (const job of jobs) least = Math.min(least, span[job]);
  return least;
}
