import { describe, expect, it } from 'vitest';
import { Digest } from './digest.ts';

describe('digest', () => {
  it('sees order, length and every bit, and resumes', () => {
    const hash = (words: number[]) => {
      const d = new Digest();
      for (const w of words) d.word(w);
      expect(Digest.restore(d.snapshot()).hex()).toBe(d.hex());
      return d.hex();
    };
    const seen = new Set([hash([]), hash([0]), hash([0, 0]), hash([1, 2]), hash([2, 1])]);
    for (let bit = 0; bit < 32; bit++) seen.add(hash([(1 << bit) ^ 12345]));
    expect(seen.size).toBe(37);
    expect(hash([1, 2])).toMatch(/^[0-9a-f]{16}$/);
  });
  it('tells times apart beyond 32 bits', () => {
    const hex = [5, 5 + 2 ** 32, 5 + 2 ** 52, 2 ** 53].map((t) => {
      const d = new Digest();
      d.time(t);
      return d.hex();
    });
    expect(new Set(hex).size).toBe(4);
  });
});
