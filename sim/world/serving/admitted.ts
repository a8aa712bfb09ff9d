/** Requests that hold blocks of a replica, in the order of their admission: the newest is the first to lose its place. */
import type { KvBlocks } from './blocks.ts';
import type { ReplicaSettings } from './replica-settings.ts';
import type { Requests } from './requests.ts';

export class Admitted {
  count = 0;
  /** Slots, -1 = none. */
  oldest = -1;
  newest = -1;
  private admissions = 0;
  private readonly settings: ReplicaSettings;
  private readonly requests: Requests;
  private readonly blocks: KvBlocks;

  constructor(settings: ReplicaSettings, requests: Requests, blocks: KvBlocks) {
    this.settings = settings;
    this.requests = requests;
    this.blocks = blocks;
  }

  /** As many as may be there at a time. */
  get isFull(): boolean {
    return this.count >= this.settings.maxSequences;
  }

  /** Whether it would find its blocks when so many are wanted by the running ones first. */
  fits(slot: number, hits: number, wanted: number): boolean {
    const { blocks } = this;
    return blocks.neededFor(slot, hits) <= blocks.available - wanted && this.isPromised(slot);
  }

  /** Where outputs are reserved for: whether it fits beside all that the running ones will come to hold. */
  isPromised(slot: number): boolean {
    const { settings, blocks } = this;
    return !settings.reserveOutput || blocks.promised + blocks.atEnd(slot) <= settings.blocks;
  }

  add(slot: number): void {
    const { requests, blocks } = this;
    blocks.promised += blocks.atEnd(slot);
    requests.order[slot] = this.admissions++;
    requests.prev[slot] = this.newest;
    requests.next[slot] = -1;
    if (this.newest >= 0) requests.next[this.newest] = slot;
    else this.oldest = slot;
    this.newest = slot;
    this.count++;
  }

  remove(slot: number): void {
    const { next, prev } = this.requests;
    this.blocks.promised -= this.blocks.atEnd(slot);
    if (prev[slot] >= 0) next[prev[slot]] = next[slot];
    else this.oldest = next[slot];
    if (next[slot] >= 0) prev[next[slot]] = prev[slot];
    else this.newest = prev[slot];
    this.count--;
  }

  /** Oldest first. */
  slots(): number[] {
    const all: number[] = [];
    for (let slot = this.oldest; slot >= 0; slot = this.requests.next[slot]) all.push(slot);
    return all;
  }

  clear(): void {
    this.oldest = this.newest = -1;
    this.count = 0;
  }
}
