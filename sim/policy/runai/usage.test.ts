import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pow } from '../../engine/math.ts';
import { holds, nextSampleUs, openUsage, takeSamples, type Usage, type UsageWindow, usageShare } from './usage.ts';

const MINUTE = 60_000_000;
const week: UsageWindow = { windowUs: 7 * 24 * 60 * MINUTE, kind: 'sliding', halfLifeUs: 0, resolutionUs: MINUTE };

/** One queue and the pool's capacity, GPUs only: amounts held minute by minute. */
function recorded(amounts: number[], window: UsageWindow, capacity = 10): Usage {
  const usage = openUsage(1);
  holds(usage, 1, 0, capacity);
  amounts.forEach((amount, minute) => {
    holds(usage, 0, 0, amount);
    takeSamples(usage, window, (minute + 1) * MINUTE);
  });
  return usage;
}

describe('usage', () => {
  it('is what was held as a share of what there was', () => {
    expect(usageShare(recorded([10, 10, 0, 0], week), 0, 0)).toBe(0.5);
    expect(usageShare(openUsage(1), 0, 0)).toBe(0);
  });

  it('forgets what is older than a sliding window', () => {
    const window = { ...week, windowUs: 3 * MINUTE };
    expect(usageShare(recorded([10, 10, 0, 5], window), 0, 0)).toBe(15 / 30);
    expect(usageShare(recorded([10, 10, 0, 5, 0, 0, 0], window), 0, 0)).toBe(0);
  });

  it('starts anew with each tumbling window', () => {
    const window: UsageWindow = { ...week, windowUs: 3 * MINUTE, kind: 'tumbling' };
    expect(usageShare(recorded([10, 10, 10], window), 0, 0)).toBe(1);
    expect(usageShare(recorded([10, 10, 10, 5], window), 0, 0)).toBe(0.5);
  });

  it('counts a sample half after a half-life', () => {
    const window = { ...week, halfLifeUs: MINUTE };
    // Weights 1/4, 1/2, 1 for the samples of three minutes.
    expect(usageShare(recorded([10, 0, 0], window), 0, 0)).toBeCloseTo(0.25 / 1.75, 14);
    expect(usageShare(recorded([0, 0, 10], window), 0, 0)).toBeCloseTo(1 / 1.75, 14);
  });

  it('says when the next sample is due', () => {
    const usage = recorded([1, 2], week);
    expect(nextSampleUs(usage, week)).toBe(3 * MINUTE);
    expect(takeSamples(usage, week, 3 * MINUTE - 1)).toBe(false);
    expect(takeSamples(usage, week, 3 * MINUTE)).toBe(true);
  });

  it('equals the sum written out, taken minute by minute or all at once', () => {
    const amounts = fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 400 }), fc.constantFrom(0, 5, 50), (amounts, minutes, half) => {
        const window: UsageWindow = { ...week, windowUs: minutes * MINUTE, halfLifeUs: half * MINUTE };
        const n = amounts.length;
        let used = 0;
        let capacity = 0;
        for (let m = Math.max(0, n - minutes); m < n; m++) {
          const weight = half === 0 ? 1 : pow(0.5, (n - 1 - m) / half);
          used += amounts[m] * weight;
          capacity += 70_000 * weight;
        }
        expect(usageShare(recorded(amounts, window, 70_000), 0, 0)).toBeCloseTo(used / capacity, 9);

        const [first] = amounts;
        const steady = amounts.map(() => first);
        const lazily = openUsage(1);
        holds(lazily, 1, 0, 70_000);
        holds(lazily, 0, 0, first);
        takeSamples(lazily, window, n * MINUTE);
        expect(usageShare(lazily, 0, 0)).toBe(usageShare(recorded(steady, window, 70_000), 0, 0));
      }),
    );
  });
});
