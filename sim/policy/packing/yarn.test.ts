import fc from 'fast-check';
import { expect, it } from 'vitest';
import { smallScenario } from '../../testing.ts';
import { openBench } from './testing.ts';
import { yarn } from './yarn.ts';

/** Muri's rule on a list of free GPUs of 8-GPU nodes: [node, GPUs] in order, null if it does not fit. */
function byRule(free: readonly number[], gpus: number): [number, number][] | null {
  const placed: [number, number][] = [];
  const first = (wanted: number) => free.findIndex((f, n) => f >= wanted && !placed.some(([taken]) => taken === n));
  for (const wanted of [...Array<number>(Math.floor(gpus / 8)).fill(8), gpus % 8]) {
    if (wanted === 0) continue;
    const node = first(wanted);
    if (node < 0) return null;
    placed.push([node, wanted]);
  }
  return placed;
}

it('places as Muri does, on the first nodes by number', () => {
  let gangs = 0;
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 0, 0, 1, 2, 4, 5, 7, 8), { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 1, max: 40 }),
      (used, gpus) => {
        const workers = [...Array<number>(Math.floor(gpus / 8)).fill(8), ...(gpus % 8 > 0 ? [gpus % 8] : [])];
        const bench = openBench(
          smallScenario({
            nodes: [{ pool: 0, count: used.length, gpus: 8 }],
            jobs: [workers, ...used.map((u) => [u])].map((taskGpus) => ({ durationUs: 1, taskGpus })),
          }),
        );
        const firstTask = bench.scenario.jobs.taskStart[1];
        used.forEach((u, node) => {
          bench.cluster.allocate(firstTask + node, node, 2 ** u - 1);
        });
        bench.cluster.commit();
        const expected = byRule(
          used.map((u) => 8 - u),
          gpus,
        );
        const placement = bench.place(yarn, 0);
        expect(placement?.nodes.map((node, i) => [node, workers[placement.tasks[i]]]) ?? null).toEqual(expected);
        if (expected !== null && expected.length > 1) gangs++;
      },
    ),
    { seed: 1, numRuns: 1000 },
  );
  expect(gangs).toBeGreaterThan(50);
});

it('gives a share to the first node with room, on the GPU it fills tightest', () => {
  const jobs = [300, 700, 300].map((shareMilli) => ({ durationUs: 1, shareMilli }));
  const bench = openBench(smallScenario({ nodes: [{ pool: 0, count: 2, gpus: 2 }], jobs }));
  bench.cluster.allocate(0, 0, 1);
  bench.cluster.allocate(1, 1, 1);
  expect(bench.place(yarn, 2)).toMatchObject({ nodes: [0], masks: [1] });
});
