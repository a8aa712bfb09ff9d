import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Run, simulate } from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';

const jobs = fc.array(
  fc.record({
    durationUs: fc.integer({ min: 1, max: 300 }).map(seconds),
    submitUs: fc.integer({ min: 0, max: 600 }).map(seconds),
  }),
  { minLength: 1, maxLength: 40 },
);
const on = (gpus: number, given: { durationUs: number; submitUs: number }[], policy: string): Run =>
  simulate(smallScenario({ nodes: [{ pool: 0, count: gpus, gpus: 1 }], jobs: given, policy }));
const completionSum = (run: Run) =>
  run.jobs.endUs.reduce((sum, end, j) => sum + end - run.scenario.jobs.submitUs[j], 0);

describe('with one-GPU jobs', () => {
  it('more GPUs never mean a longer wait for anybody under fifo', () => {
    let waited = 0;
    fc.assert(
      fc.property(jobs, fc.integer({ min: 1, max: 6 }), (given, gpus) => {
        const few = on(gpus, given, 'fifo').jobs.queuedUs;
        const more = on(gpus + 1, given, 'fifo').jobs.queuedUs;
        waited += few.filter((us) => us > 0).length;
        few.forEach((us, j) => {
          expect(more[j]).toBeLessThanOrEqual(us);
        });
      }),
    );
    expect(waited).toBeGreaterThan(100);
  });

  it('srtf has the least mean completion time on one GPU, exactly (Schrage 1968)', () => {
    fc.assert(
      fc.property(jobs, (given) => {
        const best = completionSum(on(1, given, 'srtf'));
        for (const policy of ['fifo', 'sjf', 'fifo-backfill', 'kubernetes']) {
          expect(best, policy).toBeLessThanOrEqual(completionSum(on(1, given, policy)));
        }
      }),
    );
  });

  it('every work-conserving policy needs the same time for what is all there at the start', () => {
    fc.assert(
      fc.property(jobs, (given) => {
        const atOnce = given.map(({ durationUs }) => ({ durationUs, submitUs: 0 }));
        const work = atOnce.reduce((sum, { durationUs }) => sum + durationUs, 0);
        for (const policy of ['fifo', 'sjf', 'fifo-backfill', 'srtf', 'srsf']) {
          expect(Math.max(...on(1, atOnce, policy).jobs.endUs), policy).toBe(work);
        }
      }),
    );
  });
});

describe('sjf', () => {
  it('starts the shortest of those that wait', () => {
    const run = on(
      1,
      [10, 5, 1, 3].map((s) => ({ durationUs: seconds(s), submitUs: 0 })),
      'sjf',
    );
    expect(Array.from(run.jobs.firstStartUs, (us) => us / 1e6)).toEqual([9, 4, 0, 1]);
  });
});
