import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServingRecord } from '../../record/slo.ts';
import { MINUTE_US } from '../../scenario.ts';
import { roofline } from './cost.ts';
import { busyShare } from './fare.ts';
import type { MinuteLoad } from './load.ts';
import { rateMinute } from './rate.ts';
import { RateFleet } from './rate-fleet.ts';
import { TEST_EFFICIENCY, TEST_GPU, TEST_MODEL } from './testing.ts';

const settings = {
  cost: roofline(TEST_MODEL, TEST_GPU, 'fp8', { tensor: 1, pipeline: 1 }, TEST_EFFICIENCY),
  ...{ blockTokens: 16, blocks: 4000, maxTokens: 2048, maxSequences: 256, prefixTokens: 0 },
  ...{ chunkedPrefill: true, reserveOutput: false },
};
const lengths = { prompt: 400, promptCv2: 0.5, output: 100, outputCv2: 0.5 };

it('a replica is idle without requests, busier with more, and answers what it can where it cannot answer all', () => {
  expect(rateMinute(settings, { perSecond: 0, ...lengths }).busyMilli).toBe(0);
  const minutes = [0.1, 1, 5, 20].map((perSecond) => rateMinute(settings, { perSecond, ...lengths }));
  for (let i = 1; i < minutes.length; i++) {
    expect(minutes[i].busyMilli).toBeGreaterThanOrEqual(minutes[i - 1].busyMilli);
    expect(minutes[i].itlUs).toBeGreaterThan(minutes[i - 1].itlUs);
    expect(minutes[i].saturated).toBe(false);
  }
  const [over, farOver] = [500, 5000].map((perSecond) => rateMinute(settings, { perSecond, ...lengths }));
  expect(over.saturated).toBe(true);
  expect(over.perSecond).toBeCloseTo(farOver.perSecond, 9);
  expect(over.perSecond).toBeGreaterThan(20);
});

it('replicas that new requests are spread over are busier than those they are sent to blindly, and never beyond 1', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 60, noNaN: true }), fc.integer({ min: 2, max: 64 }), (present, n) => {
      expect(busyShare(present, n)).toBeGreaterThanOrEqual(busyShare(present, 1) - 1e-12);
      expect(busyShare(present, n)).toBeLessThanOrEqual(1);
    }),
  );
});

/** Replicas whose load is given by minute, requests per second. */
function fleet(perSecond: readonly number[], replicas = 2) {
  const load: MinuteLoad = {
    perSecond: (minute) => perSecond[minute] ?? 0,
    highest: Math.max(...perSecond),
    lengths,
    prompts: [{ value: 400, share: 1 }],
    outputs: [{ value: 100, share: 1 }],
    tenants: [1],
  };
  const slo = { ttftUs: 200_000, tokenUs: 50_000 };
  const record = new ServingRecord(slo);
  const spec = { replicaJobs: Array.from({ length: replicas }, (_, r) => r), routing: 'round-robin' as const, ...slo };
  return { rate: new RateFleet(load, spec, [settings], record), record };
}
const up = (rate: RateFleet, us: number) => {
  rate.advance(us);
  rate.variantOf.fill(0);
};

describe('a fleet, minute by minute', () => {
  it('loses no request: those that came are answered or wait', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.nat(60), fc.nat(1000)), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 5 * MINUTE_US }),
        (perSecond, readyUs) => {
          const { rate, record } = fleet(perSecond);
          up(rate, readyUs);
          const end = Math.max(readyUs, perSecond.length * MINUTE_US);
          rate.advance(end);
          const came = perSecond.reduce((sum, x) => sum + 60 * x, 0);
          expect(record.requests).toBeCloseTo(came, 3);
          expect(record.completed + rate.backlog).toBeCloseTo(came, 3);
          const missed = Object.values(record.causes).reduce((sum, n) => sum + n, 0);
          expect(record.attained + missed).toBeCloseTo(record.completed, 3);
          expect(Math.max(...rate.busyUs)).toBeLessThanOrEqual(end - readyUs + 1e-3);
        },
      ),
      { numRuns: 60, seed: 11 },
    );
  });

  it('puts what waited for the first replica down to its cold start, and as long as it waited', () => {
    const { rate, record } = fleet([5, 5, 5, 5, 5, 5]);
    up(rate, 2 * MINUTE_US);
    rate.advance(6 * MINUTE_US);
    expect(record.causes['cold-start']).toBeCloseTo(600, 6);
    // They came over two minutes and were all answered soon after.
    expect(record.queue.mean / 1e6).toBeGreaterThan(50);
    expect(record.queue.mean / 1e6).toBeLessThan(70);
    expect(record.queue.highest / 1e6).toBeGreaterThan(85);
  });

  it('lets a line grow where more comes than can be answered, and work it off afterwards', () => {
    const { rate, record } = fleet([200, 200, 0, 0, 0, 0, 0, 0, 0, 0]);
    up(rate, 0);
    rate.advance(2 * MINUTE_US);
    const most = record.completed / 120;
    const left = rate.backlog;
    expect(left).toBeGreaterThan(1000);
    rate.advance(10 * MINUTE_US);
    expect(rate.backlog).toBeCloseTo(0, 6);
    expect(record.completed).toBeCloseTo(200 * 120, 3);
    // Busy until the last is answered, and not a moment longer.
    expect(rate.busyUs[0] / 1e6).toBeCloseTo(120 + left / most, 3);
    // The last of a fluid queue waits for all that stood before it: first come, first served.
    expect(record.queue.highest / 1e6).toBeGreaterThan((0.9 * left) / most);
    expect(record.queue.highest / 1e6).toBeLessThan((1.2 * left) / most);
    expect(record.causes.queue).toBeGreaterThan(0.9 * record.completed);
  });

  it('foretells the busy share that comes of it', () => {
    const { rate } = fleet([3, 7, 12, 1, 0]);
    up(rate, 0);
    const share = rate.forecast(5 * MINUTE_US)[0];
    rate.advance(5 * MINUTE_US);
    expect(rate.busyUs[0] / (5 * MINUTE_US)).toBeCloseTo(share, 9);
  });
});
