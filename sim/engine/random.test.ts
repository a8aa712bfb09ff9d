import { describe, expect, it } from 'vitest';
import { Digest } from './digest.ts';
import { openStream, resumeStream, Streams } from './random.ts';

describe('random streams', () => {
  it('goes on from a saved state (through JSON) exactly where it was', () => {
    const s = openStream('42', 'faults/node-1');
    for (let i = 0; i < 100; i++) s.next();
    const copy = resumeStream(JSON.parse(JSON.stringify(s.state())));
    for (let i = 0; i < 1000; i++) expect(copy.next()).toBe(s.next());
  });
  it('gives a stream the same numbers whatever else is drawn', () => {
    const alone = new Streams('7');
    const crowded = new Streams('7');
    crowded.get('other').next();
    for (let i = 0; i < 100; i++) {
      crowded.get('another').next();
      expect(crowded.get('a').next()).toBe(alone.get('a').next());
    }
    const restored = Streams.restore(JSON.parse(JSON.stringify(crowded.snapshot())));
    for (const name of ['a', 'other', 'never used']) expect(restored.get(name).next()).toBe(crowded.get(name).next());
  });
  it('is uniform within and across names (Kolmogorov–Smirnov, 1 % level)', () => {
    const within = openStream('1', 'x');
    const samples = [
      Array.from({ length: 10_000 }, () => within.next()),
      Array.from({ length: 10_000 }, (_, i) => openStream('1', `faults/node-${i}`).next()),
    ];
    for (const sample of samples) {
      sample.sort((x, y) => x - y);
      const d = Math.max(...sample.map((x, i) => Math.max(x - i / 1e4, (i + 1) / 1e4 - x)));
      expect(d).toBeLessThan(1.63 / 100);
    }
  });
  it('refuses a number of choices that makes no sense', () => {
    for (const n of [0, -1, 1.5, Number.NaN, Infinity]) expect(() => openStream('1', 'x').integer(n)).toThrow('choices');
    expect(openStream('1', 'x').integer(1)).toBe(0);
  });
});

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
