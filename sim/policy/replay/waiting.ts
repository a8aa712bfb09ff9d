/**
 * Waiting jobs in order of rank, kept by shape: a walk goes through them from the best, and once a job did not fit it
 * passes over everybody who asks the same, however many wait.
 */
import { addSorted, comesBefore, removeSorted, type SortedJobs } from './sorted.ts';

/** What jobs are ranked by, lower first, by job. */
export interface Order {
  key: Float64Array;
  tie: Float64Array;
}

/** By shape; a shape nobody of whom waits is not there. Plain data, part of a policy's memory. */
export type Waiting = Map<number, SortedJobs>;

export function addWaiting(waiting: Waiting, { key, tie }: Order, shape: number, job: number): void {
  const jobs = waiting.get(shape);
  if (jobs === undefined) waiting.set(shape, [[job]]);
  else addSorted(jobs, key, job, tie);
}

export function removeWaiting(waiting: Waiting, { key, tie }: Order, shape: number, job: number): void {
  const jobs = waiting.get(shape);
  if (jobs === undefined || !removeSorted(jobs, key, job, tie)) {
    throw new Error(`invariant: job ${job} does not wait where it should`);
  }
  if (jobs.length === 0) waiting.delete(shape);
}

/** A walk in order of rank. `next` gives -1 at the end; `pass` leaves out all who ask what the last one given asks. */
export interface Walk {
  next(): number;
  pass(): void;
}

/** A heap of one place in each shape's line. The lines must not change during the walk. */
export class WaitingWalk implements Walk {
  private readonly order: Order;
  private readonly lines: SortedJobs[] = [];
  private readonly chunk: number[] = [];
  private readonly at: number[] = [];
  private readonly heap: number[] = [];
  private readonly head: number[] = [];
  private begun = false;

  constructor(waiting: Waiting, order: Order) {
    this.order = order;
    for (const line of waiting.values()) {
      this.heap.push(this.lines.length);
      this.lines.push(line);
      this.head.push(line[0][0]);
      this.chunk.push(0);
      this.at.push(0);
    }
    for (let i = (this.heap.length >> 1) - 1; i >= 0; i--) this.sink(i);
  }

  next(): number {
    if (this.begun) this.step();
    this.begun = true;
    return this.heap.length === 0 ? -1 : this.head[this.heap[0]];
  }

  pass(): void {
    this.removeTop();
    this.begun = false;
  }

  /** The line on top moves on to its next job. */
  private step(): void {
    if (this.heap.length === 0) return;
    const top = this.heap[0];
    const line = this.lines[top];
    if (++this.at[top] === line[this.chunk[top]].length) {
      this.chunk[top]++;
      this.at[top] = 0;
    }
    if (this.chunk[top] === line.length) {
      this.removeTop();
    } else {
      this.head[top] = line[this.chunk[top]][this.at[top]];
      this.sink(0);
    }
  }

  private removeTop(): void {
    const { heap } = this;
    const last = heap.pop() as number;
    if (heap.length === 0) return;
    heap[0] = last;
    this.sink(0);
  }

  private sink(from: number): void {
    const { heap, head } = this;
    const { key, tie } = this.order;
    const moving = heap[from];
    let i = from;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && comesBefore(key, head[heap[child + 1]], head[heap[child]], tie)) child++;
      if (!comesBefore(key, head[heap[child]], head[moving], tie)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = moving;
  }
}
