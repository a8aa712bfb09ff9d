import { expect, it } from 'vitest';
import { BASELINE, replay } from './kueue.ts';

/** The baseline with fewer workloads, so that it takes no time. */
const short = {
  ...BASELINE,
  cohorts: 1,
  classes: BASELINE.classes.map((workload) => ({ ...workload, count: workload.count / 10 })),
};

it('ends all workloads, important ones first, in the time the controller takes for them', () => {
  const { waitSeconds, wallSeconds, unfinished } = replay(short, 5);
  expect(unfinished).toBe(0);
  expect(waitSeconds.large).toBeLessThan(waitSeconds.medium);
  expect(waitSeconds.medium).toBeLessThan(waitSeconds.small);
  // 6 queues × 50 workloads at 5 a second, plus what comes again after a preemption.
  expect(wallSeconds).toBeGreaterThan(59);
  expect(wallSeconds).toBeLessThan(80);
});

it('without a limit of speed the wall time is that of arrivals and quota', () => {
  const fast = replay(short, 0);
  expect(fast.unfinished).toBe(0);
  expect(fast.wallSeconds).toBeLessThan(replay(short, 5).wallSeconds / 2);
});
