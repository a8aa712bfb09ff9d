/** Decoding requests by the step at which they are complete, the earliest admitted first among equals: a binary heap of slots. */
import type { Requests } from './requests.ts';

export class FinishHeap {
  readonly slots: number[] = [];
  private readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }

  /** Step at which the first of them is complete. */
  get firstStep(): number {
    return this.requests.finishStep[this.slots[0]];
  }

  push(slot: number): void {
    this.slots.push(slot);
    this.siftUp(this.slots.length - 1);
  }

  pop(): number {
    const { slots } = this;
    const top = slots[0];
    const last = slots.pop() as number;
    if (slots.length > 0) {
      slots[0] = last;
      this.siftDown(0);
    }
    return top;
  }

  remove(slot: number): void {
    const { slots } = this;
    const i = slots.indexOf(slot);
    const last = slots.pop() as number;
    if (i < slots.length) {
      slots[i] = last;
      this.siftUp(i);
      this.siftDown(i);
    }
  }

  private before(x: number, y: number): boolean {
    const { finishStep, order } = this.requests;
    return finishStep[x] < finishStep[y] || (finishStep[x] === finishStep[y] && order[x] < order[y]);
  }

  private siftUp(i: number): void {
    const { slots } = this;
    const slot = slots[i];
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.before(slot, slots[parent])) break;
      slots[i] = slots[parent];
      i = parent;
    }
    slots[i] = slot;
  }

  private siftDown(i: number): void {
    const { slots } = this;
    const slot = slots[i];
    for (;;) {
      let child = 2 * i + 1;
      if (child >= slots.length) break;
      if (child + 1 < slots.length && this.before(slots[child + 1], slots[child])) child++;
      if (!this.before(slots[child], slot)) break;
      slots[i] = slots[child];
      i = child;
    }
    slots[i] = slot;
  }
}
