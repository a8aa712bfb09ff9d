import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stackNamed, TELEMETRY } from '../../policy/recovery/stacks.ts';
import { Simulation } from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';
import { Telemetry, XidGauge } from './telemetry.ts';

describe('telemetry', () => {
  it('is never older than exporter and scraper together, and comes no sooner than both have been there', () => {
    const telemetry = new Telemetry(TELEMETRY.shipped, 'seed');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), fc.nat({ max: 50 }), (us, n) => {
        const node = `node-${n}`;
        const sample = telemetry.sampleUs(node, us);
        const seen = telemetry.seenUs(node, us);
        expect(sample).toBeGreaterThanOrEqual(us);
        expect(seen).toBeGreaterThanOrEqual(sample);
        expect(seen - us).toBeLessThanOrEqual(seconds(45));
        // Not known a moment before it is seen, known from then on.
        expect(telemetry.knownSampleUs(node, seen)).toBeGreaterThanOrEqual(us);
        expect(telemetry.knownSampleUs(node, seen - 1)).toBeLessThan(us);
      }),
      {},
    );
  });

  it('takes 15 + 7.5 s on average as shipped, and 5 s under the preset `seed`', () => {
    const mean = (settings: (typeof TELEMETRY)['seed']) => {
      const telemetry = new Telemetry(settings, 'seed');
      let sum = 0;
      for (let i = 0; i < 4000; i++) sum += telemetry.seenUs(`node-${i % 400}`, i * 7_654_321) - i * 7_654_321;
      return sum / 4000 / 1e6;
    };
    expect(Math.abs(mean(TELEMETRY.shipped) - 22.5)).toBeLessThan(1);
    expect(Math.abs(mean(TELEMETRY.seed) - 5)).toBeLessThan(0.3);
  });

  it('finds when a mean has fallen, as adding up samples would', () => {
    const telemetry = new Telemetry({ exporterUs: seconds(1), scrapeUs: 0 }, 'seed');
    const window = seconds(100);
    fc.assert(
      fc.property(
        fc.double({ min: 0.06, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 300 }),
        fc.double({ min: 0.01, max: 0.9, noNaN: true }),
        (level, heldS, threshold) => {
          const us = seconds(1000);
          const since = us - seconds(heldS);
          const seen = telemetry.fallSeenUs('n', us, since, level, threshold, window);
          const meanAt = (s: number) => (level * Math.max(0, us - Math.max(since, s - window))) / window;
          if (seen === Infinity) expect(meanAt(us)).toBeLessThanOrEqual(threshold);
          else {
            expect(meanAt(seen)).toBeLessThan(threshold);
            // Two readings before, it had not.
            expect(meanAt(seen - seconds(1) - 3)).toBeGreaterThanOrEqual(threshold - 1e-9);
          }
        },
      ),
      {},
    );
  });

  it('keeps the last XID until the driver starts anew', () => {
    const gauge = new XidGauge();
    expect(gauge.at(3, 100)).toBe(0);
    gauge.set(3, 100, 94);
    gauge.set(3, 200, 31);
    expect([99, 100, 199, 200, 1e9].map((us) => gauge.at(3, us))).toEqual([0, 94, 94, 31, 31]);
    gauge.clear(3, 300);
    expect(gauge.at(3, 300)).toBe(0);
    expect(gauge.at(4, 300)).toBe(0);
  });
});

describe('what a policy may read', () => {
  const scenario = smallScenario({
    nodes: [{ pool: 0, count: 1, gpus: 2 }],
    jobs: [{ taskGpus: [1], durationUs: seconds(10_000), startupUs: seconds(100), useMilli: 900 }],
    overrides: {
      durationUs: seconds(5000),
      recovery: {
        stack: stackNamed('mission-control'),
        telemetry: TELEMETRY.shipped,
        spares: [],
      },
    },
  });
  const readAt = (s: number, field: string, gpu = 0) => {
    const simulation = new Simulation(scenario);
    simulation.injectFault(seconds(1000), 'utilization-drop', 0, 0);
    simulation.injectFault(seconds(3000), 'xid-43', 0, 1);
    simulation.run(seconds(s));
    return simulation.faults.readings?.read(field, 0, gpu)?.value;
  };

  it('is the utilisation of a job that works, of one that stands still, and of a GPU without one', () => {
    const util = (s: number, gpu = 0) => readAt(s, 'DCGM_FI_DEV_GPU_UTIL', gpu);
    expect([60, 99, 145, 999, 1046].map((s) => util(s))).toEqual([0, 0, 90, 90, 0]);
    expect(util(500, 1)).toBe(0);
  });

  it('is as old as its last sample', () => {
    const at = (s: number) => readAt(s, 'DCGM_FI_DEV_GPU_UTIL');
    // Some moment between 100 and 145 s the change is seen, and not before.
    const changes = Array.from({ length: 50 }, (_, i) => at(98 + i));
    expect(changes[0]).toBe(0);
    expect(changes.at(-1)).toBe(90);
    expect(changes.filter((value, i) => i > 0 && value !== changes[i - 1]).length).toBe(1);
  });

  it('has memory, temperature, power and the last XID under their names', () => {
    expect(readAt(500, 'DCGM_FI_DEV_FB_USED')).toBe(144_384);
    expect(readAt(500, 'DCGM_FI_DEV_FB_FREE', 1)).toBe(144_384);
    expect(readAt(500, 'DCGM_FI_DEV_GPU_TEMP')).toBeGreaterThan(readAt(500, 'DCGM_FI_DEV_GPU_TEMP', 1) as number);
    // 90 % of the way from 95 W to 532 W, as the pool states.
    expect(readAt(500, 'DCGM_FI_DEV_POWER_USAGE')).toBeCloseTo(95 + 0.9 * (532 - 95), 6);
    expect(readAt(500, 'DCGM_FI_DEV_POWER_USAGE', 1)).toBe(95);
    expect(readAt(2000, 'DCGM_FI_DEV_XID_ERRORS', 1)).toBe(0);
    expect(readAt(4000, 'DCGM_FI_DEV_XID_ERRORS', 1)).toBe(43);
    expect(readAt(4000, 'DCGM_FI_DEV_NO_SUCH_FIELD')).toBeUndefined();
  });
});
