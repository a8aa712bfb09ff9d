import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitCount, IdSet, lowestBit } from './idset.ts';

describe('IdSet', () => {
  it('walks its members in order', () => {
    const set = new IdSet(100_000);
    for (const id of [77_777, 0, 31, 32, 99_999, 1024]) set.add(id);
    const seen: number[] = [];
    for (let id = set.first(); id >= 0; id = set.next(id)) seen.push(id);
    expect(seen).toEqual([0, 31, 32, 1024, 77_777, 99_999]);
  });

  it('agrees with a sorted array under any additions and deletions', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 2500 })), { maxLength: 200 }), (ops) => {
        const set = new IdSet(2501);
        const model = new Set<number>();
        for (const [adds, id] of ops) {
          if (adds) {
            set.add(id);
            model.add(id);
          } else {
            set.delete(id);
            model.delete(id);
          }
        }
        const sorted = [...model].sort((a, b) => a - b);
        const seen: number[] = [];
        for (let id = set.first(); id >= 0; id = set.next(id)) seen.push(id);
        expect(seen).toEqual(sorted);
        expect(set.size).toBe(sorted.length);
        for (const probe of [0, 31, 32, 1000, 2500]) {
          expect(set.next(probe)).toBe(sorted.find((id) => id > probe) ?? -1);
        }
      }),
    );
  });

  it('counts and finds bits, the sign bit included', () => {
    expect([lowestBit(1), lowestBit(0x80000000 | 0), bitCount(-1), bitCount(0)]).toEqual([0, 31, 32, 0]);
  });
});
