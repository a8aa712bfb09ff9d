import { describe, expect, it } from 'vitest';
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
    for (const n of [0, -1, 1.5, Number.NaN, Infinity])
      expect(() => openStream('1', 'x').integer(n)).toThrow('choices');
    expect(openStream('1', 'x').integer(1)).toBe(0);
  });
});
