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

describe('fifo with several pools', () => {
  const pools = [0, 1].map((pool) => ({ pool, count: 1, gpus: 8 }));
  const job = (at: number, gpus: number, poolList: number) => ({
    submitUs: seconds(at),
    durationUs: seconds(100),
    taskGpus: [gpus],
    poolList,
  });
  const starts = (jobs: ReturnType<typeof job>[], poolLists: number[][], policy = 'fifo') =>
    Array.from(
      simulate(smallScenario({ nodes: pools, jobs, policy, overrides: { poolLists } })).jobs.firstStartUs,
      (us) => us / 1e6,
    );

  it('has a line for each where each job names one, though the scenario lists them together', () => {
    const jobs = [job(0, 6, 1), job(1, 8, 1), job(2, 8, 2)];
    expect(starts(jobs, [[0, 1], [0], [1]])).toEqual([0, 100, 2]);
  });

  it('lets a blocked job hold up whoever is behind it in the pools it may use, and in no other', () => {
    // The second waits for pool 0; the third may use both and goes to pool 1; the fourth is held up by nobody.
    expect(starts([job(0, 6, 1), job(1, 8, 1), job(2, 2, 0), job(3, 6, 2)], [[0, 1], [0], [1]])).toEqual([
      0, 100, 2, 3,
    ]);
    // The third may use both: the fourth is behind it.
    expect(starts([job(0, 6, 1), job(0, 6, 2), job(1, 8, 0), job(2, 2, 2)], [[0, 1], [0], [1]])).toEqual([
      ...[0, 0, 100, 100],
    ]);
  });
});
