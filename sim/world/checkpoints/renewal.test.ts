import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Simulation } from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';
import { type RenewalJob, renew, renewalEfficiency } from './renewal.ts';

const job = (given: Partial<RenewalJob>): RenewalJob => ({
  workUs: seconds(1000),
  intervalUs: seconds(100),
  stallUs: seconds(10),
  behindUs: 0,
  restartUs: seconds(20),
  mtbfUs: seconds(1e9),
  failuresUs: [],
  ...given,
});

describe('renew', () => {
  it('adds up, by hand', () => {
    // Work 100, checkpoint to 110, work to 150: 40 lost; restart to 170; 900 of work with 8 checkpoints.
    expect(renew(job({ failuresUs: [seconds(150)] }), '1')).toEqual({
      wallUs: seconds(170 + 900 + 80),
      failures: 1,
      lostUs: seconds(40),
      checkpointUs: seconds(90),
      restartUs: seconds(20),
    });
  });

  it('is struck during checkpoints and restarts too', () => {
    const r = renew(job({ failuresUs: [seconds(105), seconds(110)] }), '1');
    expect(r).toMatchObject({ failures: 2, lostUs: seconds(100), restartUs: seconds(5 + 20) });
    expect(r.wallUs).toBe(seconds(130 + 1000 + 90));
  });

  it('falls back behind a checkpoint that has not landed', () => {
    const behind = { stallUs: seconds(1), behindUs: seconds(30) };
    expect(renew(job({ ...behind, failuresUs: [seconds(130)] }), '1').lostUs).toBe(seconds(129));
    expect(renew(job({ ...behind, failuresUs: [seconds(132)] }), '1').lostUs).toBe(seconds(31));
  });

  it('is the simulation of the whole, where nothing else goes on', () => {
    const given = fc.record({
      failures: fc.uniqueArray(fc.integer({ min: 1, max: 3000 }), { maxLength: 12 }),
      interval: fc.integer({ min: 20, max: 300 }),
      stall: fc.integer({ min: 0, max: 30 }),
      restart: fc.integer({ min: 0, max: 40 }),
    });
    fc.assert(
      fc.property(given, ({ failures, interval, stall, restart }) => {
        const at = [...failures].sort((a, b) => a - b).map((s) => seconds(s) + 7);
        const alone = renew(
          job({ intervalUs: seconds(interval), stallUs: seconds(stall), restartUs: seconds(restart), failuresUs: at }),
          '1',
        );
        const simulation = new Simulation(
          smallScenario({
            nodes: [{ pool: 0, count: 1, gpus: 8 }],
            jobs: [
              {
                durationUs: seconds(1000),
                taskGpus: [8],
                checkpointEveryUs: seconds(interval),
                checkpointStallUs: seconds(stall),
                restoreUs: seconds(restart),
              },
            ],
            overrides: { durationUs: Infinity },
          }),
        );
        for (const us of at) {
          simulation.setNodeState(us, 0, 'unhealthy');
          simulation.setNodeState(us, 0, 'ready');
        }
        simulation.run();
        const r = simulation.result();
        const us = (category: string) =>
          r.entries.filter((e) => e.category === category).reduce((sum, e) => sum + Number(e.amount) / 7000 / 8, 0);
        expect(r.jobs.endUs[0]).toBe(alone.wallUs);
        expect(us('lost')).toBe(alone.lostUs);
        expect(us('checkpoint')).toBe(alone.checkpointUs);
        expect(us('restart')).toBe(alone.restartUs);
      }),
      { numRuns: 60 },
    );
  });

  it('has the same failures for every interval, and others for every seed', () => {
    const random = { failuresUs: undefined, mtbfUs: seconds(300), workUs: seconds(100_000) };
    const a = renew(job(random), 'a');
    expect(renew(job(random), 'a')).toEqual(a);
    expect(renew(job(random), 'b').wallUs).not.toBe(a.wallUs);
    const rough = renewalEfficiency(job(random), 'a', 0.1, 50);
    const fine = renewalEfficiency(job(random), 'a', 0.002, 500);
    expect(rough.runs).toBe(10);
    expect(fine.runs).toBeGreaterThan(10);
    expect(fine.error).toBeLessThan(rough.error);
    expect(Math.abs(fine.mean - rough.mean)).toBeLessThan(4 * rough.error);
  });
});
