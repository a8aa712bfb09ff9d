import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { jobsOf, roundTrip, TRACES } from './testing.ts';

const HEAD = '; UnixStartTime: 1027839845\n; MaxNodes: 4\n; MaxProcs: 8\n';
const line = (id: number, run: number, cpu: number, status: number, limit = '3600') =>
  `${id} ${id * 10} 5 ${run} 4 ${cpu} -1 -1 ${limit} -1 ${status} 7 1 -1 2 1 -1 -1`;

test('processors, limits, unknown run times, the header, a last line cut short', async () => {
  const { imported, scenario, run } = await roundTrip(
    'swf',
    `${HEAD}${line(1, 60, 59, 1)}\n${line(2, -1, 40, -1)}\n${line(3, 0, 0, 5)}\n1 2 3`,
  );
  expect(
    jobsOf(imported.jobsCsv).map((j) => [j.job_id, j.submit, j.duration, j.num_gpu, j.time_limit, j.user]),
  ).toEqual([
    ['1', '0', '60', '4', '3600', 'user-7'],
    ['2', '10', '40', '4', '3600', 'user-7'],
    ['3', '20', '1', '4', '3600', 'user-7'],
  ]);
  expect(imported.report).toMatchObject({ rows: 4, taken: 3, refused: 1, mended: 3 });
  expect(imported.report.problems.at(-1)).toEqual({
    line: 7,
    what: 'refused: has 3 fields, a line of this format has 18 (the file ends inside this line)',
  });
  expect([scenario.nodes.count, scenario.nodes.gpus[0]]).toEqual([4, 2]);
  expect(scenario.startEpochSeconds).toBe(1027839845 + 10);
  expect(scenario.jobs.partition.get(0)).toBe('partition-1');
  expect(run.jobs.endUs.every((t) => t > 0)).toBe(true);
});

test('a requested time that cannot be is told; an unknown one is not', async () => {
  const { imported, scenario } = await roundTrip(
    'swf',
    `${HEAD}${line(1, 60, 59, 1, '-1')}\n${line(2, 60, 59, 1, '0')}\n${line(3, 60, 59, 1, '9e99')}\n`,
  );
  expect(imported.report).toMatchObject({ taken: 3, problemCount: 3 });
  expect(imported.report.problems.map((p) => `${p.line} ${p.what}`)).toEqual([
    '4 requested processors unknown: the 4 allocated taken (every row, 3)',
    "5 requested time '0' is not a time of at most 100 years: left out",
    "6 requested time '9e99' is not a time of at most 100 years: left out",
  ]);
  expect(Array.from(scenario.jobs.limitUs)).toEqual([0, 0, 0]);
});

test('a number of nodes that is given wins over the header', async () => {
  const { scenario } = await roundTrip('swf', `${HEAD}${line(1, 60, 59, 1)}\n`, { nodeCount: 3, gpusPerNode: 4 });
  expect([scenario.nodes.count, scenario.nodes.gpus[0]]).toEqual([3, 4]);
});

test('processors to GPUs', async () => {
  const { scenario } = await roundTrip('swf', `${HEAD}${line(1, 60, 59, 1)}\n`, { cpusPerGpu: 3 });
  expect(Array.from(scenario.jobs.taskGpus)).toEqual([2]);
});

describe.skipIf(!existsSync(TRACES))('the published log', () => {
  test('hpc2n: every job runs to its end', async () => {
    const { imported, scenario, run } = await roundTrip('swf', readFileSync(new URL('hpc2n-2002/hpc2n.swf', TRACES)));
    expect(imported.report).toMatchObject({ rows: 3170, taken: 3170, refused: 0 });
    expect(scenario.jobs.count).toBe(3170);
    expect(Math.min(...run.jobs.endUs)).toBeGreaterThan(0);
  });
});
