import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openStream } from '../sim/engine/random.ts';
import { type PlanSearch, searchPlan } from './plan.ts';
import type { Candidate, PlanProblem, RunMade } from './race.ts';
import type { Target } from './target.ts';

const WAIT: Target = { text: 'p95 wait <= 2h', figure: 'wait', unit: 's', atMost: true, bound: 7200 };
const SLO: Target = { text: 'slo >= 95%', figure: 'slo', unit: 'share', atMost: false, bound: 0.95 };
const OPTIONS = { risk: 0.01, batch: 2 };

interface Surface {
  /** Nodes of two pools, and a third axis that costs nothing (a checkpoint interval). */
  a: number;
  b: number;
  free: number;
  seeds: number;
  prices: [number, number];
  /** GPUs' worth of each pool, and the work. */
  speed: [number, number];
  load: number;
  /** How much worse each value of the free axis is. */
  penalty: number[];
  spread: number;
  noise: number;
  targets: Target[];
  draw: string;
}

/** Evenly spread, as fast-check's doubles are not. */
const hundredths = (min: number, max: number) =>
  fc.integer({ min: Math.round(100 * min), max: Math.round(100 * max) }).map((x) => x / 100);

const surface: fc.Arbitrary<Surface> = fc
  .record({
    a: fc.integer({ min: 4, max: 7 }),
    b: fc.integer({ min: 3, max: 6 }),
    free: fc.integer({ min: 1, max: 4 }),
    seeds: fc.integer({ min: 5, max: 10 }),
    prices: fc.tuple(hundredths(1, 10), hundredths(1, 10)),
    speed: fc.tuple(hundredths(1, 2), hundredths(1, 3)),
    load: hundredths(3, 14),
    penalty: fc.array(hundredths(1, 2), { minLength: 4, maxLength: 4 }),
    spread: hundredths(0, 0.6),
    noise: hundredths(0, 0.15),
    targets: fc.constantFrom<Target[]>([WAIT], [WAIT, SLO]),
    draw: fc.string({ minLength: 1, maxLength: 8 }),
  })
  .filter(({ a, b, free }) => a * b * free >= 24);

/** Waits that explode as the work comes near what there is, times what the seed does to all of them, times noise. */
function runOf(s: Surface, [a, b, free]: readonly number[], seed: number): RunMade {
  const normal = (name: string) => {
    const stream = openStream(s.draw, name);
    return Array.from({ length: 12 }, () => stream.next()).reduce((sum, u) => sum + u, -6);
  };
  const capacity = a * s.speed[0] + b * s.speed[1];
  const busy = Math.min(0.995, (s.load * s.penalty[free] ** 0.3) / capacity);
  const chance = Math.exp(s.spread * normal(`seed ${seed}`) + s.noise * normal(`run ${a} ${b} ${free} ${seed}`));
  const wait = 600 * (busy ** 4 / (1 - busy)) * s.penalty[free] * chance;
  return { wait, slo: 1 - Math.min(1, 0.01 * (wait / 2000)), cost: s.prices[0] * a + s.prices[1] * b };
}

function problemOf(s: Surface): { problem: PlanProblem; at: number[][] } {
  const at: number[][] = [];
  for (let a = 1; a <= s.a; a++)
    for (let b = 0; b < s.b; b++) for (let free = 0; free < s.free; free++) at.push([a, b, free]);
  const candidates = at.map(([a, b, free]): Candidate => {
    const cost = Math.round(1e6 * (s.prices[0] * a + s.prices[1] * b)) / 1e6;
    return { point: {}, levels: [a, b], group: String(free), costLow: cost, costHigh: cost };
  });
  return {
    problem: { candidates, seeds: Array.from({ length: s.seeds }, (_, i) => String(i)), targets: s.targets },
    at,
  };
}

function bruteForce(s: Surface): number {
  const { problem, at } = problemOf(s);
  let best = -1;
  at.forEach((place, c) => {
    const runs = problem.seeds.map((_, seed) => runOf(s, place, seed) as Record<string, number>);
    const mean = (figure: string) => runs.reduce((sum, run) => sum + run[figure], 0) / runs.length;
    const meets = s.targets.every(({ figure, atMost, bound }) =>
      atMost ? mean(figure) <= bound : mean(figure) >= bound,
    );
    if (meets && (best < 0 || problem.candidates[c].costLow < problem.candidates[best].costLow)) best = c;
  });
  return best;
}

async function searched(s: Surface, batch = OPTIONS.batch): Promise<PlanSearch> {
  const { problem, at } = problemOf(s);
  return searchPlan(problem, async (asked) => asked.map(({ candidate, seed }) => runOf(s, at[candidate], seed)), {
    ...OPTIONS,
    batch,
  });
}

describe('the search for the cheapest candidate', () => {
  it('finds what trying everything finds, with at most a fifth of the runs', async () => {
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(surface, async (s) => {
        const found = await searched(s);
        const best = bruteForce(s);
        expect(found.best).toBe(best);
        expect(found.made / (s.a * s.b * s.free * s.seeds)).toBeLessThanOrEqual(0.2);
        if (best >= 0) answered++;
      }),
      { numRuns: 200, seed: 1 },
    );
    // Enough of them have an answer that is neither the smallest nor none.
    expect(answered).toBeGreaterThan(100);
  });

  it('has run the answer with every seed, and nothing that costs more than it must', async () => {
    await fc.assert(
      fc.asyncProperty(surface, async (s) => {
        const { best, runs, made, excluded } = await searched(s);
        expect(runs.reduce((sum, own) => sum + own.length, 0)).toBe(made);
        if (best < 0) return;
        expect(runs[best]).toHaveLength(s.seeds);
        expect(excluded[best]).toBeNull();
        expect(excluded.filter((why) => why === null)).toHaveLength(1);
      }),
      { numRuns: 50, seed: 2 },
    );
  });

  it('is the same search again, and right whatever the batch', async () => {
    await fc.assert(
      fc.asyncProperty(surface, fc.integer({ min: 1, max: 16 }), async (s, batch) => {
        const found = await searched(s, batch);
        expect(await searched(s, batch)).toEqual(found);
        expect(found.best).toBe(bruteForce(s));
      }),
      { numRuns: 30, seed: 3 },
    );
  });

  it('says which misses least where none meets the targets, and runs nothing that cannot be', async () => {
    const candidates = [1, 2, 3].map(
      (n): Candidate => ({
        ...{ point: {}, levels: [n], group: '', costLow: n, costHigh: n },
        ...(n === 1 && { refused: 'too small' }),
      }),
    );
    const asked: number[] = [];
    const search = await searchPlan(
      { candidates, seeds: ['1', '2'], targets: [WAIT] },
      async (runs) =>
        runs.map(({ candidate }) => {
          asked.push(candidate);
          return { wait: 40_000 / (candidate + 1), cost: candidate };
        }),
      OPTIONS,
    );
    expect(search).toMatchObject({ best: -1, nearest: 2 });
    expect(search.excluded[0]).toBe('refused');
    expect(asked).not.toContain(0);
  });

  it('takes a figure that a run lacks for a target that is missed', async () => {
    const candidates = [1, 2].map((n): Candidate => ({ point: {}, levels: [n], group: '', costLow: n, costHigh: n }));
    const { best } = await searchPlan(
      { candidates, seeds: ['1', '2', '3'], targets: [WAIT] },
      async (runs) => runs.map(({ candidate }) => ({ wait: candidate === 0 ? null : 60, cost: candidate })),
      OPTIONS,
    );
    expect(best).toBe(1);
  });

  it('waits for the runs where the cost is not known before', async () => {
    // Until the work is done: the bigger cluster costs more by the hour and less in all.
    const hours = [100, 40, 30];
    const candidates = hours.map(
      (_, n): Candidate => ({ point: {}, levels: [n], group: '', costLow: 0, costHigh: Infinity }),
    );
    const { best } = await searchPlan(
      { candidates, seeds: ['1', '2', '3'], targets: [WAIT] },
      async (runs) => runs.map(({ candidate }) => ({ wait: 60, cost: hours[candidate] * (candidate + 1) })),
      OPTIONS,
    );
    expect(best).toBe(1);
  });
});
