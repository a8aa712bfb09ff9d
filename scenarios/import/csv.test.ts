import { expect, test } from 'vitest';
import { importText } from './import.ts';
import { roundTrip } from './testing.ts';

test('a column map, units, quoting', async () => {
  const { imported, scenario } = await roundTrip(
    'csv',
    'id,created,mins,gpus,team\n"a, ""x""",1700000000000,2,0.5,"nlp\nred"\n',
    {
      map: { job_id: 'id', submit: 'created', duration: 'mins', num_gpu: 'gpus', project: 'team' },
      units: { submit: 'ms', duration: 'min' },
    },
  );
  expect(imported.jobsCsv.split('\n')[1]).toBe('"a, ""x""",nlp-red,,0,120,1,,500,,,,,,,,');
  expect([scenario.jobs.ids[0], scenario.jobs.shareMilli[0], scenario.startEpochSeconds]).toEqual([
    'a, "x"',
    500,
    1_700_000_000,
  ]);
});

test('pools, priorities, limits and amounts in their units', async () => {
  const text =
    'submit,start,end,pool,priority,time_limit,cpu_milli,memory_mib\n0,10,70,red,7,1.5,2,0.5\n5,10,20,blue,-3,2,1,1\n';
  const { imported, scenario, run } = await roundTrip('csv', text, {
    units: { time_limit: 'h', cpu_milli: 'cores', memory_mib: 'GiB' },
  });
  expect(imported.report.problemCount).toBe(0);
  expect(scenario.pools.map((p) => p.name)).toEqual(['red', 'blue']);
  expect(Array.from(scenario.jobs.priority)).toEqual([7, -3]);
  expect(Array.from(scenario.jobs.limitUs)).toEqual([5400e6, 7200e6]);
  expect([scenario.jobs.cpuMilli[0], scenario.jobs.memoryMiB[0]]).toEqual([2000, 512]);
  expect(Array.from(run.jobs.endUs)).toEqual([60e6, 15e6]);
});

test.each([
  ['cpu_milli', 'many', /cpu_milli 'many' is not an amount: left out/],
  ['memory_mib', '-1', /memory_mib '-1' is not an amount/],
  ['time_limit', 'long', /time_limit 'long' is not a time of at most 100 years/],
  ['time_limit', '1e30', /time_limit '1e30' is not/],
  ['priority', 'high', /priority 'high' is not a whole number/],
  ['priority', '1.5', /priority '1.5' is not a whole number/],
  ['gpu_share', 'half', /gpu_share 'half' is not an amount/],
  ['gpu_model', 'Voodoo2', /gpu_model 'Voodoo2' names models not in the catalogue/],
])('an optional value that cannot be read is told: %s %s', async (column, value, what) => {
  const { imported } = await roundTrip('csv', `submit,duration,${column}\n0,1,${value}\n0,1,\n`);
  expect(imported.report).toMatchObject({ rows: 2, taken: 2, mended: 1, refused: 0 });
  expect(imported.report.problems[0].line).toBe(2);
  expect(imported.report.problems[0].what).toMatch(what);
});

test('GPU memory needs a model whose memory is known', async () => {
  const text = 'submit,duration,gpu_memory_mib\n0,1,40000\n0,1,999999\n';
  const unknown = await roundTrip('csv', text);
  expect(unknown.imported.report.problems[0].what).toMatch(/have none stated/);
  const known = await roundTrip('csv', text, { gpuModel: 'H100-SXM5' });
  expect(known.imported.report.problems).toEqual([
    { line: 3, what: 'refused: asks for 1 GPUs, 999999 MiB of GPU memory: no node can hold it even when empty' },
  ]);
  expect(Array.from(known.scenario.jobs.gpuMemoryMiB)).toEqual([40_000]);
});

test('a jobs file that import wrote imports again to the same', async () => {
  const first = await importText(
    'philly',
    'timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-09 07:01:55,66.5,1,66.0,vc\n2017-10-09 07:01:56,1,2,2,vc\n',
  );
  const again = await importText('csv', first.jobsCsv);
  expect(again.jobsCsv).toBe(first.jobsCsv);
});

test('a map or unit that does not exist is a mistake, with the nearest name', async () => {
  await expect(importText('csv', 'a,b\n1,2\n', { map: { submit: 'aa', duration: 'b' } })).rejects.toThrow(
    /unknown column in --map submit=.*did you mean 'a'/,
  );
  await expect(importText('csv', 'a,b\n1,2\n', { map: { submit: 'a', durations: 'b' } })).rejects.toThrow(
    /did you mean 'duration'/,
  );
  await expect(importText('csv', 'submit,duration\n1,2\n', { units: { submit: 'sec' } })).rejects.toThrow(
    /unknown unit of submit/,
  );
});
