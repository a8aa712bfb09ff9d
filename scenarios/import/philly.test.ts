import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { JOB_STATUS } from '../../sim/simulate.ts';
import { importText } from './import.ts';
import { jobsOf, roundTrip, TRACES } from './testing.ts';

const HEADER = 'timestamp,duration,num_gpus,gpu_time,cluster';

test('time 0 is the first submission, virtual clusters are text and have pools of their own', async () => {
  const text = `${HEADER}\n2017-10-09 07:01:55,66.0,1,66.0,103959\n2017-10-09 07:01:54,10.5,16,168,6214e9\n`;
  const { imported, scenario, run } = await roundTrip('philly', text, { nodes: 'vc,node num\n6214e9,64\n103959,8\n' });
  expect(jobsOf(imported.jobsCsv)).toEqual([
    { job_id: 'philly-2', project: '103959', submit: '1', duration: '66', num_gpu: '1' },
    { job_id: 'philly-3', project: '6214e9', submit: '0', duration: '10.5', num_gpu: '16' },
  ]);
  expect(imported.scenarioYaml).toContain('start: "2017-10-09T07:01:54Z"');
  // Out of order is told once, and mends nothing.
  expect(imported.report).toMatchObject({ rows: 2, taken: 2, mended: 0, refused: 0, problemCount: 1 });
  expect(scenario.pools.map((p) => p.name)).toEqual(['6214e9', '103959']);
  expect(scenario.startEpochSeconds).toBe(Date.UTC(2017, 9, 9, 7, 1, 54) / 1000);
  // Sorted by submit time; each job in the pool of its virtual cluster alone.
  expect(scenario.jobs.ids).toEqual(['philly-3', 'philly-2']);
  expect(Array.from(scenario.jobs.poolList, (l) => scenario.poolLists[l])).toEqual([[0], [1]]);
  expect(run.simulatedUs).toBe(67e6);
});

test('without a list of nodes each virtual cluster is sized by its load, at least its largest job', async () => {
  const text = `${HEADER}\n2017-10-09 07:00:00,60,20,1200,a\n2017-10-09 07:00:01,60,1,60,b\n`;
  const { scenario } = await roundTrip('philly', text);
  expect(scenario.pools.map((p) => p.name)).toEqual(['a', 'b']);
  expect(Array.from(scenario.nodes.pool)).toEqual([0, 0, 0, 0, 1]);
});

test('virtual clusters named like formulas keep their names', async () => {
  const text = `${HEADER}\n2017-10-09 07:00:00,60,1,60,-7e2\n2017-10-09 07:00:00,60,1,60,=b c\n`;
  const { imported, scenario } = await roundTrip('philly', text, { nodes: 'vc,node num\n-7e2,1\n=b c,1\n' });
  expect(imported.jobsCsv).toContain("'-7e2");
  expect(scenario.projects.map((p) => p.name)).toEqual(['-7e2', '=b-c']);
  expect(imported.report.problems.map((p) => p.what)).toEqual(['its project holds white space: replaced by -']);
});

test('a virtual cluster that is not listed, or too small, is refused by name', async () => {
  const text = `${HEADER}\n2017-10-09 07:00:00,60,1,60,a\n2017-10-09 07:00:00,60,9,540,a\n2017-10-09 07:00:00,60,1,60,b\n`;
  const { report } = await importText('philly', text, { nodes: 'vc,node num\na,1\n' });
  expect(report.problems).toEqual([
    { line: 3, what: "refused: asks for 9 GPUs, the virtual cluster 'a' has 8" },
    { line: 4, what: "refused: virtual cluster 'b' is not in the list of nodes" },
  ]);
});

describe.skipIf(!existsSync(TRACES))('the published log', () => {
  test('all jobs of the eleven listed virtual clusters run to their end under fifo-backfill', async () => {
    const read = (name: string) => readFileSync(new URL(`philly-2017/${name}`, TRACES));
    const { imported, scenario, run } = await roundTrip('philly', read('philly.csv'), {
      nodes: read('philly_vc_gpus.csv').toString(),
    });
    expect(imported.report).toMatchObject({ rows: 82_247, taken: 82_229, mended: 0, refused: 18, problemCount: 19 });
    expect([scenario.jobs.count, scenario.pools.length, scenario.nodes.count]).toEqual([82_229, 11, 352]);
    expect(run.policyName).toBe('fifo-backfill');
    expect(run.stalled).toBe(false);
    expect(new Set(Array.from(run.jobs.status, (s) => JOB_STATUS[s]))).toEqual(new Set(['completed']));
  });
});
