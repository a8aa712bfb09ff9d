/** Requests that hold blocks of a replica, in the order of their admission: the newest is the first to lose its place. */
import type { Requests } from './requests.ts';

export class Admitted {
  count = 0;
  /** Slots, -1 = none. */
  oldest = -1;
  newest = -1;
  private admissions = 0;
  private readonly requests: Requests;

  constructor(requests: Requests) {
    this.requests = requests;
  }

  add(slot: number): void {
    const { requests } = this;
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
