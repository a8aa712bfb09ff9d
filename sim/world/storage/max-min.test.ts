import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Demand, maxMinRates } from './max-min.ts';

/** The same rule by another road: exact fractions, and one stream at a time instead of weights. */
function byFractions(demands: readonly Demand[], capacity: readonly number[]): number[] {
  type Fraction = [bigint, bigint];
  const less = (a: Fraction, b: Fraction) => a[0] * b[1] < b[0] * a[1];
  const minus = (a: Fraction, b: Fraction): Fraction => [a[0] * b[1] - b[0] * a[1], a[1] * b[1]];
  const streams = demands.flatMap((d, owner) =>
    Array.from({ length: d.streams }, (_, s) => ({
      owner,
      // A stream's own links are its own: stream s of the flow crosses copy s.
      links: [...d.own.map((l) => `${l}/${s}`), ...d.common.map((l) => `${l}`)],
      rate: null as Fraction | null,
    })),
  );
  const names = [...new Set(streams.flatMap((s) => s.links))];
  for (;;) {
    let best: { name: string; share: Fraction } | null = null;
    for (const name of names) {
      const on = streams.filter((s) => s.links.includes(name));
      const open = on.filter((s) => s.rate === null);
      if (open.length === 0) continue;
      let left: Fraction = [BigInt(capacity[Number(name.split('/')[0])]), 1n];
      for (const s of on) if (s.rate !== null) left = minus(left, s.rate);
      const share: Fraction = [left[0], left[1] * BigInt(open.length)];
      if (best === null || less(share, best.share)) best = { name, share };
    }
    if (best === null) break;
    for (const s of streams) if (s.rate === null && s.links.includes(best.name)) s.rate = best.share;
  }
  return demands.map((_, d) => {
    const [n, m] = streams.find((s) => s.owner === d)?.rate ?? [0n, 1n];
    return Number(n / m);
  });
}

const someFlows = fc.record({
  capacity: fc.array(fc.integer({ min: 1000, max: 1_000_000 }), { minLength: 2, maxLength: 6 }),
  demands: fc.array(fc.record({ streams: fc.integer({ min: 1, max: 5 }), far: fc.boolean(), node: fc.nat(3) }), {
    minLength: 1,
    maxLength: 8,
  }),
});

describe('maxMinRates', () => {
  it('shares one link equally among nodes, and leaves to others what one cannot take', () => {
    const on0 = { own: [], common: [0] };
    expect(
      maxMinRates(
        [
          { streams: 3, ...on0 },
          { streams: 1, ...on0 },
        ],
        [400],
      ),
    ).toEqual([100, 100]);
    // The first is held to 10 by its own link; the second takes the other 90.
    expect(
      maxMinRates(
        [
          { streams: 1, own: [1], common: [0] },
          { streams: 1, ...on0 },
        ],
        [100, 10],
      ),
    ).toEqual([10, 90]);
  });

  it('is the classic example of three flows on two links', () => {
    const flow = (...common: number[]): Demand => ({ streams: 1, own: [], common });
    expect(maxMinRates([flow(0, 1), flow(0), flow(1)], [10, 30])).toEqual([5, 5, 25]);
  });

  it('agrees with progressive filling in exact fractions, stream by stream, on random flows', () => {
    fc.assert(
      fc.property(someFlows, ({ capacity, demands }) => {
        const links = capacity.length;
        const given = demands.map(({ streams, far, node }): Demand => {
          // Own links only where a single stream crosses them: then both accounts mean the same.
          const own = streams === 1 && links > 2 ? [2 + (node % (links - 2))] : [];
          return { streams, own, common: far ? [0, 1] : [0] };
        });
        // Crossed by several single-stream flows, an own link is shared by them.
        const shared = given.map((d) => ({ ...d, own: [] as number[], common: [...d.common, ...d.own] }));
        const rates = maxMinRates(given, capacity);
        const exact = byFractions(shared, capacity);
        rates.forEach((rate, i) => {
          // Rounding down at one link leaves a few bytes per second to the others.
          expect(Math.abs(rate - exact[i])).toBeLessThanOrEqual(50);
        });
        // No link carries more than it can, and each flow has a full link on which nobody gets more.
        const load = capacity.map(() => 0);
        given.forEach((d, i) => {
          for (const l of d.own) load[l] += rates[i];
          for (const l of d.common) load[l] += rates[i] * d.streams;
        });
        load.forEach((sum, l) => {
          expect(sum).toBeLessThanOrEqual(capacity[l]);
        });
        given.forEach((d, i) => {
          const held = [...d.own, ...d.common].some((l) => {
            const most = Math.max(...given.map((o, j) => ([...o.own, ...o.common].includes(l) ? rates[j] : 0)));
            const streams = given.reduce((n, o) => n + ([...o.own, ...o.common].includes(l) ? o.streams : 0), 0);
            return load[l] > capacity[l] - streams && rates[i] === most;
          });
          expect(held).toBe(true);
        });
      }),
      { numRuns: 200 },
    );
  });
});
