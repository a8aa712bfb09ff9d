/** A waiting job of a snapshot: when, why not yet, what would help. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { smallCluster, snapshotJson, zipOf } from '../../scenarios/snapshot/testing.ts';
import { commandBench, refusalOf, runner } from './testing.ts';
import { whenCommand } from './when.ts';

const bench = commandBench(({ at }) => writeFileSync(at('snapshot.zip'), zipOf(snapshotJson(smallCluster()))));
const { at } = bench;
const when = runner(whenCommand);

test('gives a band, what blocks it and what would make it start sooner, the same each time', async () => {
  await when(at('snapshot.zip'), 'team/urgent', '--samples', '20', '--json');
  const found = JSON.parse(bench.out);
  expect(found).toMatchObject({ job: 'team/urgent', samples: 20, correction: null });
  const { p10, p50, p90 } = found.wait;
  expect([p10, p50, p90]).toEqual([p10, p50, p90].toSorted((a, b) => a - b));
  expect(p10).toBeGreaterThanOrEqual(0);
  expect(found.alternatives.length).toBeGreaterThan(0);
  expect(found.assumptions.join()).toContain('No history is given');
  expect(bench.out).not.toMatch(/NaN|Infinity/);
  const before = bench.out;
  bench.clear();
  await when(at('snapshot.zip'), 'urgent', '--samples', '20', '--json');
  expect(bench.out).toBe(before);
});

test('says it in sentences', async () => {
  await when(at('snapshot.zip'), 'huge', '--samples', '10');
  expect(bench.out).toMatch(/^team\/huge {2}lab, 16 GPUs in 2 workers\n/);
  for (const part of ['Chances: ', 'What blocks it', 'What would make it start sooner', 'Assumed'])
    expect(bench.out).toContain(part);
});

/** `perDay` jobs a day of `gpus` GPUs for three hours, each recorded as started at once. */
function log(days: number, perDay: number, gpus: number): string {
  const rows = Array.from({ length: days * perDay }, (_, i) => {
    const at = Math.round((i * 86_400) / perDay);
    return `j${i},research,u${i % 3},${at},${at},${at + 3 * 3600},${gpus}`;
  });
  return `job_id,project,user,submit,start,end,num_gpu\n${rows.join('\n')}\n`;
}

test('thins out the arrivals of a larger cluster, and takes nothing from its starts', async () => {
  // 40 × 16 × 3 GPU-hours a day, of 384.
  writeFileSync(at('larger.csv'), log(4, 40, 16));
  const options = ['--samples', '10', '--json', '--horizon', '6h'];
  await when(at('snapshot.zip'), 'huge', '--history', at('larger.csv'), ...options);
  const found = JSON.parse(bench.out);
  expect(found.correction).toBeNull();
  expect(found.assumptions.join(' ')).toMatch(
    /asks for 5\.\d times the GPU-hours that the snapshot's 16 GPUs have: it is of a larger cluster\. \d+ % of its jobs arrive/,
  );
});

test('what does not wait has no start to come', async () => {
  const refusal = (...args: string[]) => refusalOf(when(at('snapshot.zip'), ...args));
  expect(await refusal('train-1')).toContain('it runs already');
  expect(await refusal('team/hug')).toContain("did you mean 'team/huge'");
  expect(await refusal('huge', '--samples', '3')).toContain('from 10 to 10000');
  expect(await refusal('huge', '--at', 'noon')).toContain('expected a time such as');
});
