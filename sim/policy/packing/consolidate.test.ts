import fc from 'fast-check';
import { expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { consolidate } from './consolidate.ts';
import { openBench } from './testing.ts';

/** Helios' rule on a list of free GPUs of 8-GPU nodes: [node, GPUs] in order, null if it does not fit. */
function byRule(free: readonly number[], gpus: number): [number, number][] | null {
  if (free.reduce((sum, f) => sum + f, 0) < gpus) return null;
  const byRoom = (order: (a: number, b: number) => number) =>
    free.map((_, node) => node).sort((a, b) => order(free[a], free[b]) || a - b);
  if (gpus <= 8) {
    const node = byRoom((a, b) => a - b).find((n) => free[n] >= gpus);
    return node === undefined ? null : [[node, gpus]];
  }
  const emptiest = byRoom((a, b) => b - a);
  const whole = Math.floor(gpus / 8);
  const nodes = emptiest.slice(0, whole);
  if (nodes.length < whole || nodes.some((n) => free[n] < 8)) return null;
  const placed = nodes.map((n): [number, number] => [n, 8]);
  if (gpus % 8 === 0) return placed;
  const next = emptiest[whole];
  return next === undefined || free[next] < gpus % 8 ? null : [...placed, [next, gpus % 8]];
}

it('places as Helios does, gangs of whole nodes and their rest included', () => {
  let rests = 0;
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.constantFrom(0, 0, 0, 8), { maxLength: 6 }),
      (used, gpus, idle) => {
        const taken = [...used, ...idle.map((f) => 8 - f)];
        const workers = [...Array<number>(Math.floor(gpus / 8)).fill(8), ...(gpus % 8 > 0 ? [gpus % 8] : [])];
        const bench = openBench(
          smallScenario({
            nodes: [{ pool: 0, count: taken.length, gpus: 8 }],
            jobs: [workers, ...taken.map((u) => [u])].map((taskGpus) => ({ durationUs: 1, taskGpus })),
          }),
        );
        const first = bench.scenario.jobs.taskStart[1];
        taken.forEach((u, node) => {
          bench.cluster.allocate(first + node, node, 2 ** u - 1);
        });
        bench.cluster.commit();
        const expected = byRule(
          taken.map((u) => 8 - u),
          gpus,
        );
        const placement = bench.place(consolidate, 0);
        expect(placement?.nodes.map((node, i) => [node, workers[placement.tasks[i]]]) ?? null).toEqual(expected);
        if (expected !== null && expected.length > 1 && gpus % 8 > 0) rests++;
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
  expect(rests).toBeGreaterThan(50);
});
