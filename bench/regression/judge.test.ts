import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openStream } from '../../sim/engine/random.ts';
import type { FigureSpec } from '../../studies/figures.ts';
import { holm, pairedP, rowOf, settle } from './judge.ts';

const spec = (unit: FigureSpec['unit'], better: FigureSpec['better'] = 'lower'): FigureSpec => ({
  ...{ id: 'f', label: 'f', unit, better },
  of: () => null,
});
const runs = (values: (number | null)[]) => values.map((f) => ({ f }));

describe('a paired difference', () => {
  it('is tested by t: a textbook case', () => {
    // Student's sleep data (Biometrika 6, 1908): t = 4.0621 with 9 degrees of freedom, p = 0.002833.
    const hours = [1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4];
    expect(pairedP(hours)).toBeCloseTo(0.002833, 6);
  });

  it('is relative for amounts and absolute for shares, and none where a run has no value', () => {
    const relative = rowOf(spec('s'), runs([99, 199]), runs([109, 219]), 0.95);
    expect(relative.effect?.mean).toBeCloseTo(0.1, 9);
    const share = rowOf(spec('share', 'higher'), runs([0.5, 0.6]), runs([0.52, 0.62]), 0.95);
    expect(share.effect?.mean).toBeCloseTo(0.02, 9);
    expect(rowOf(spec('s'), runs([1, null]), runs([1, 2]), 0.95).verdict).toBe('not measured');
    expect(settle([rowOf(spec('s'), runs([5, 7]), runs([5, 7]), 0.95)], 0.05)[0].verdict).toBe('no difference');
  });

  it('says nothing of one seed, and is certain of what leaves nothing to chance', () => {
    expect(pairedP([3])).toBeNull();
    expect(pairedP([2, 2, 2])).toBe(0);
    const [row] = settle([rowOf(spec('share', 'higher'), runs([0.5]), runs([0.4]), 0.95)], 0.05);
    expect(row.verdict).toBe('cannot tell');
  });
});

describe("Holm's correction", () => {
  it('is that of a printed example', () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    expect(adjusted.map((p) => Number(p?.toFixed(6)))).toEqual([0.03, 0.06, 0.06, 0.02]);
    expect(holm([0.01, null, 0.6])).toEqual([0.02, null, 0.6]);
  });

  it('never makes a p-value smaller, nor changes their order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (ps) => {
        const adjusted = holm(ps) as number[];
        for (const [i, p] of ps.entries()) {
          expect(adjusted[i]).toBeGreaterThanOrEqual(p);
          for (const [j, q] of ps.entries()) if (p < q) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]);
        }
      }),
    );
  });

  it('keeps false alarms among twenty figures of nothing within what was promised, for skewed figures, too', () => {
    const stream = openStream('test', 'judge');
    const amount = () => Math.exp(2 * (stream.next() + stream.next() + stream.next()));
    let alarms = 0;
    const trials = 300;
    for (let trial = 0; trial < trials; trial++) {
      const rows = Array.from({ length: 20 }, () => {
        const [a, b] = [0, 1].map(() => runs(Array.from({ length: 8 }, amount)));
        return rowOf(spec('s'), a, b, 0.95);
      });
      if (settle(rows, 0.05).some(({ verdict }) => verdict !== 'cannot tell')) alarms++;
    }
    expect(alarms / trials).toBeLessThanOrEqual(0.07);
  });
});
