/** The sequences of a replica that decode together: one token each at every step. */
import type { KvBlocks } from './blocks.ts';
import { FinishHeap } from './finish-heap.ts';
import type { Requests } from './requests.ts';

export class Batch {
  size = 0;
  /** Tokens that they hold in the cache. */
  context = 0;
  /** Decode iterations so far. */
  step = 0;
  private readonly requests: Requests;
  private readonly blocks: KvBlocks;
  private readonly heap: FinishHeap;

  constructor(requests: Requests, blocks: KvBlocks) {
    this.requests = requests;
    this.blocks = blocks;
    this.heap = new FinishHeap(requests);
  }

  /** Its prompt, and what it has generated but for the last token, are in the cache. */
  join(slot: number): void {
    const { requests, step } = this;
    const stored = requests.target[slot];
    this.size++;
    this.context += stored;
    this.blocks.count(stored, step, 1);
    requests.joinStep[slot] = step;
    requests.finishStep[slot] = step + requests.output[slot] - requests.generated[slot];
    this.heap.push(slot);
  }

  /** Before its end. */
  drop(slot: number): void {
    this.leave(slot);
    this.heap.remove(slot);
  }

  /** Every sequence has `count` tokens more. */
  advance(count: number): void {
    this.step += count;
    this.context += this.size * count;
  }

  /** Iterations until the first of them is complete; Infinity where there is none. */
  get untilNextEnd(): number {
    return this.heap.slots.length > 0 ? this.heap.firstStep - this.step : Infinity;
  }

  /** One that is complete now leaves: its slot, −1 where none is. */
  takeComplete(): number {
    if (this.untilNextEnd !== 0) return -1;
    const slot = this.heap.pop();
    this.leave(slot);
    return slot;
  }

  /** Blocks that the next `k` iterations will take. */
  needed(k: number): number {
    return this.blocks.needed(this.size, this.step, k);
  }

  /** The most iterations, up to `limit`, for which the blocks to be had suffice. */
  within(limit: number): number {
    return this.blocks.iterationsWithin(this.size, this.step, limit);
  }

  /** Tokens of a sequence in the cache. */
  storedTokens(slot: number): number {
    return this.requests.target[slot] + this.step - this.requests.joinStep[slot];
  }

  /** Tokens that it has generated. */
  generated(slot: number): number {
    return this.requests.generated[slot] + this.step - this.requests.joinStep[slot];
  }

  clear(): void {
    this.heap.slots.length = 0;
    this.size = this.context = 0;
  }

  private leave(slot: number): void {
    const { requests } = this;
    this.size--;
    this.context -= this.storedTokens(slot);
    this.blocks.count(requests.target[slot], requests.joinStep[slot], -1);
  }
}
