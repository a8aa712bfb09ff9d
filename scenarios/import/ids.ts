/**
 * Finds ids that occur twice without keeping all ids. The first pass fills a Bloom filter (Bloom 1970) and keeps the few
 * ids it has perhaps seen; the second pass counts only those, so the answer is exact.
 */

const BITS = 2 ** 28;
const HASHES = 6;
const MAX_SUSPECTS = 1_000_000;

export interface IdTable {
  /** First pass. */
  see(id: string): void;
  /** Second pass: the id, with the line number where it is not the first of its name. */
  unique(id: string, line: number): string;
}

export function idTable(): IdTable {
  let bits = new Uint8Array(1 << 16);
  let mask = bits.length * 8 - 1;
  let seen: string[] | null = [];
  const suspects = new Map<string, boolean>();
  const has = (id: string, add: boolean): boolean => {
    // FNV-1a and a second hash of its bits; double hashing gives the rest (Kirsch and Mitzenmacher 2006).
    let a = 0x811c9dc5;
    let b = 0x1000193;
    for (let i = 0; i < id.length; i++) {
      const c = id.charCodeAt(i);
      a = Math.imul(a ^ c, 0x01000193);
      b = Math.imul(b + c, 0x85ebca6b) ^ (b >>> 15);
    }
    b |= 1;
    let all = true;
    for (let k = 0; k < HASHES; k++) {
      const bit = (a & mask) >>> 0;
      const at = bit >>> 3;
      const flag = 1 << (bit & 7);
      if ((bits[at] & flag) === 0) {
        all = false;
        if (add) bits[at] |= flag;
      }
      a = (a + b) | 0;
    }
    return all;
  };
  return {
    see(id) {
      // A small file needs a small filter: it grows once, when the ids seen no longer fit.
      if (seen !== null && seen.length >= 20_000) {
        const again = seen;
        seen = null;
        bits = new Uint8Array(BITS / 8);
        mask = BITS - 1;
        for (const old of again) has(old, true);
      }
      if (has(id, true) && suspects.size < MAX_SUSPECTS) suspects.set(id, false);
      seen?.push(id);
    },
    unique(id, line) {
      const before = suspects.get(id);
      if (before === undefined) {
        if (suspects.size < MAX_SUSPECTS || !has(id, false)) return id;
      } else if (!before) {
        suspects.set(id, true);
        return id;
      }
      let renamed = `${id}#${line}`;
      while (has(renamed, false)) renamed += '#';
      return renamed;
    },
  };
}
