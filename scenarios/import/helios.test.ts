import { expect, test } from 'vitest';
import { jobsOf, roundTrip } from './testing.ts';

const LOG = 'job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue';
const row = (id: string, gpus: number, nodes: string, vc = 'vcA') =>
  `${id},u1,${vc},${gpus},64,${nodes},COMPLETED,2020-04-01 00:00:05,2020-04-01 00:00:06,2020-04-01 00:01:06,60,1`;

test('the cluster log: virtual clusters, workers as its nodes say', async () => {
  const { imported, scenario, run } = await roundTrip(
    'helios',
    [LOG, row('j1', 16, '2'), row('j2', 6, '3'), row('j3', 0, '1')].join('\n'),
  );
  expect(jobsOf(imported.jobsCsv)[0]).toEqual({
    job_id: 'j1',
    project: 'vcA',
    user: 'u1',
    submit: '0',
    duration: '60',
    num_gpu: '16',
    workers: '2',
  });
  expect(imported.report).toMatchObject({ rows: 3, taken: 3, problemCount: 0 });
  expect(scenario.pools.map((p) => p.name)).toEqual(['vcA']);
  expect(Array.from(scenario.jobs.taskGpus)).toEqual([8, 8, 2, 2, 2, 0]);
  expect(run.jobs.endUs.every((t) => t > 0)).toBe(true);
});

test('the short list', async () => {
  const { imported, scenario } = await roundTrip(
    'helios',
    'job_id,submit_time,duration,num_gpu\n0,691271,66,1\n1,691272,60,64\n',
  );
  expect(imported.report).toMatchObject({ rows: 2, taken: 2, problemCount: 0 });
  // (64 × 60 + 66) GPU-seconds in the 66 s of the longer job, at 70 %: 84 GPUs.
  expect(scenario.nodes.count).toBe(11);
});

test('workers that share no node well get nodes enough; wider ones are spread', async () => {
  // Three workers of five GPUs need three nodes of eight, though their sum would fit two.
  const five = await roundTrip('helios', [LOG, row('j', 15, '3')].join('\n'));
  expect([five.scenario.nodes.count, five.scenario.jobs.count]).toEqual([3, 1]);
  const wide = await roundTrip('helios', [LOG, row('j', 16, '1')].join('\n'));
  expect(wide.imported.report.problems[0].what).toMatch(/more GPUs on each node than a node of this cluster has/);
  expect(Array.from(wide.scenario.jobs.taskGpus)).toEqual([8, 8]);
});

test('a number of nodes that cannot be read is told', async () => {
  const { imported } = await roundTrip('helios', [LOG, row('j', 8, 'two')].join('\n'));
  expect(imported.report).toMatchObject({ taken: 1, mended: 1 });
  expect(imported.report.problems).toEqual([{ line: 2, what: "node_num 'two' is not an amount: left out" }]);
});
