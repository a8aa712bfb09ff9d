import { describe, expect, it } from 'vitest';
import { LoadReports } from './load-reports.ts';
import type { Replica } from './replica.ts';
import { PREFIX_SLACK, Router, type Routing } from './router.ts';

interface Fake {
  outstanding: number;
  readyUs: number;
  cached: number;
}
const NEVER = Infinity;

/** Replicas of which only what a router asks is there. */
function routed(routing: Routing, counts: readonly number[], scrapeUs = 0) {
  const replicas: Fake[] = counts.map((outstanding) => ({ outstanding, readyUs: 0, cached: 0 }));
  const asked = replicas.map((one) =>
    Object.assign(one, { advance() {}, cachedTokens: () => one.cached }),
  ) as unknown as Replica[];
  const reports = new LoadReports(asked, scrapeUs);
  const router = new Router(asked, reports, routing);
  const choose = (us: number) => {
    reports.upTo(us);
    return router.choose(0, us);
  };
  return { replicas, router, choose };
}

it('round robin: each in its turn, but those that are not up', () => {
  const { replicas, choose } = routed('round-robin', [0, 0, 0]);
  expect([1, 2, 3, 4].map(choose)).toEqual([0, 1, 2, 0]);
  replicas[1].readyUs = NEVER;
  replicas[2].outstanding = 5;
  expect(choose(5)).toBe(0); // the least busy one in place of it
});

it('least outstanding: the fewest requests, of equals the first', () => {
  const { replicas, choose } = routed('least-outstanding', [3, 1, 1]);
  expect(choose(1)).toBe(1);
  replicas[1].outstanding = 9;
  expect(choose(2)).toBe(2);
});

describe('by reported load', () => {
  it('it knows what was scraped last, and takes turns among equals until the next scrape', () => {
    const { replicas, router, choose } = routed('reported-load', [2, 2, 7], 15e6);
    expect([1, 2, 3].map(choose)).toEqual([0, 1, 0]);
    replicas[0].outstanding = 30;
    // Nobody has looked since: the choice is wrong, and fresh counts would have said so.
    expect([choose(14e6), choose(14.5e6)]).toEqual([1, 0]);
    expect(router.fresh).toBe(1);
    expect([choose(15e6), choose(16e6)]).toEqual([1, 1]);
    expect(router.fresh).toBe(1);
  });

  it('a choice that fresh counts would not have bettered misled nobody', () => {
    const { replicas, router, choose } = routed('reported-load', [1, 1], 15e6);
    choose(1);
    replicas[0].outstanding = replicas[1].outstanding = 4;
    expect(choose(2)).toBe(router.fresh);
  });
});

it('prefix aware: the replica with most of the prompt, as long as the others are not much emptier', () => {
  const { replicas, choose } = routed('prefix-aware', [PREFIX_SLACK, 0, 0]);
  replicas[0].cached = 4096;
  replicas[2].cached = 512;
  expect(choose(1)).toBe(0);
  replicas[0].outstanding++;
  expect(choose(2)).toBe(2);
  replicas[2].cached = 0;
  expect(choose(3)).toBe(1);
});

it('is closed while nobody is up or known to come up; else the one that comes up first gets what comes', () => {
  const { replicas, router, choose } = routed('least-outstanding', [0, 0]);
  replicas.forEach((one) => {
    one.readyUs = NEVER;
  });
  expect(router.closed).toBe(true);
  replicas[1].readyUs = 9e6;
  expect(router.closed).toBe(false);
  expect(choose(1e6)).toBe(1);
});
