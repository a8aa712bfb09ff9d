/**
 * A set of small integers that finds its first member, or the next one after a given member, in O(log₃₂ n):
 * a bitmap with summary bitmaps above it, one bit for each non-empty word below.
 */
export class IdSet {
  size = 0;
  private readonly levels: Int32Array[] = [];

  /** Holds ids 0..capacity-1. */
  constructor(capacity: number) {
    let words = Math.max(1, Math.ceil(capacity / 32));
    for (;;) {
      this.levels.push(new Int32Array(words));
      if (words === 1) break;
      words = Math.ceil(words / 32);
    }
  }

  has(id: number): boolean {
    return (this.levels[0][id >>> 5] & (1 << (id & 31))) !== 0;
  }

  add(id: number): void {
    if (this.has(id)) return;
    this.size++;
    for (const level of this.levels) {
      const word = level[id >>> 5];
      level[id >>> 5] = word | (1 << (id & 31));
      if (word !== 0) return;
      id >>>= 5;
    }
  }

  delete(id: number): void {
    if (!this.has(id)) return;
    this.size--;
    for (const level of this.levels) {
      const word = level[id >>> 5] & ~(1 << (id & 31));
      level[id >>> 5] = word;
      if (word !== 0) return;
      id >>>= 5;
    }
  }

  /** The smallest member, -1 if there is none. */
  first(): number {
    return this.size === 0 ? -1 : this.descend(this.levels.length - 1, 0);
  }

  /** The smallest member above `id`, -1 if there is none. `id` itself need not be a member. */
  next(id: number): number {
    let at = id + 1;
    for (let depth = 0; depth < this.levels.length; depth++) {
      const level = this.levels[depth];
      const index = at >>> 5;
      if (index >= level.length) return -1;
      const rest = level[index] & (-1 << (at & 31));
      if (rest !== 0) return this.descend(depth, (index << 5) | lowestBit(rest));
      at = index + 1;
    }
    return -1;
  }

  /** From bit `position` of level `depth` down to the id it stands for. At the top, position is any bit of word 0. */
  private descend(depth: number, position: number): number {
    if (depth === this.levels.length - 1 && position === 0) position = lowestBit(this.levels[depth][0]);
    while (depth > 0) {
      depth--;
      position = (position << 5) | lowestBit(this.levels[depth][position]);
    }
    return position;
  }
}

/** Index of the lowest set bit of a non-zero word. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Number of set bits. */
export function bitCount(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}
