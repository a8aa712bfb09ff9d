import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { importText } from './import.ts';
import { jobsOf, roundTrip, TRACES } from './testing.ts';

test('columns in any order, others ignored', async () => {
  const { imported, run } = await roundTrip(
    'itp',
    'num_gpu,deadline,duration,submission_time,job_id\n4,99,30,1000,a\n1,,5.25,1007,b\n',
  );
  expect(jobsOf(imported.jobsCsv)).toEqual([
    { job_id: 'a', project: 'itp', submit: '0', duration: '30', num_gpu: '4' },
    { job_id: 'b', project: 'itp', submit: '7', duration: '5.25', num_gpu: '1' },
  ]);
  expect(Array.from(run.jobs.endUs)).toEqual([30e6, 12.25e6]);
});

test('a job larger than the cluster is refused where the nodes are known', async () => {
  const { report } = await importText('itp', 'job_id,submission_time,duration,num_gpu\na,0,1,1\nb,0,1,99\n', {
    nodeCount: 2,
  });
  expect(report.problems).toEqual([{ line: 3, what: 'refused: asks for 99 GPUs, the cluster has 16' }]);
});

describe.skipIf(!existsSync(TRACES))('the published logs', () => {
  test.each([
    ['cluster01', 1595],
    ['cluster02', 5778],
    ['cluster05', 3629],
    ['195job', 195],
  ] as const)('%s: every job runs to its end', async (file, rows) => {
    const { imported, scenario, run } = await roundTrip('itp', readFileSync(new URL(`itp-2021/${file}.csv`, TRACES)));
    expect(imported.report).toMatchObject({ rows, taken: rows, refused: 0, problemCount: 0 });
    expect(scenario.jobs.count).toBe(rows);
    expect(Math.min(...run.jobs.endUs)).toBeGreaterThan(0);
  });
});
