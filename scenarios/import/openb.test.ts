import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { importText } from './import.ts';
import { jobsOf, readBack, roundTrip, TRACES } from './testing.ts';

const HEADER =
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time';
const openb = (rows: string[], nodes?: string) =>
  importText('openb', [HEADER, ...rows].join('\n'), nodes === undefined ? {} : { nodes });
const NODES = 'sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,8,V100M16\nn1,64000,262144,2,T4\n';

test('shares, allowed models, pods that were never scheduled', async () => {
  const got = await openb(
    [
      'p0,6000,12288,1,460,V100M16|V100M32,LS,Running,0,100,10',
      'p1,8000,1024,0,0,,BE,Pending,5,50,',
      'p2,1,1,8,1000,,LS,Failed,6,10,20',
    ],
    NODES,
  );
  expect(jobsOf(got.jobsCsv)).toEqual([
    {
      job_id: 'p0',
      project: 'openb',
      submit: '0',
      duration: '90',
      num_gpu: '1',
      gpu_share: '460',
      cpu_milli: '6000',
      memory_mib: '12288',
      gpu_model: 'V100M16|V100M32',
      qos: 'LS',
    },
    {
      job_id: 'p1',
      project: 'openb',
      submit: '5',
      duration: '1',
      num_gpu: '0',
      cpu_milli: '8000',
      memory_mib: '1024',
      qos: 'BE',
    },
    {
      job_id: 'p2',
      project: 'openb',
      submit: '6',
      duration: '1',
      num_gpu: '8',
      cpu_milli: '1',
      memory_mib: '1',
      qos: 'LS',
    },
  ]);
  expect(got.report).toMatchObject({ rows: 3, taken: 3, mended: 2, problemCount: 2 });
  expect(got.nodesCsv).toContain('n0,64000,262144,8,V100M16');
  const scenario = readBack(got);
  expect(scenario.jobs.shareMilli[0]).toBe(460);
  expect(scenario.poolLists[scenario.jobs.poolList[0]].map((p) => scenario.pools[p].gpuModel)).toEqual(['V100M16']);
});

test.each([
  [
    'wider than any node',
    'p,1,1,9,1000,,LS,Running,0,9,1',
    /9 GPUs.*no node can hold it|9 workers|each 8 GPUs.*no pool/,
  ],
  ['more GPUs than there are', 'p,1,1,20,1000,,LS,Running,0,9,1', /asks for 20 GPUs, the cluster has 10/],
  [
    'more of its model than there are',
    'p,1,1,4,1000,T4,LS,Running,0,9,1',
    /asks for 4 GPUs, the cluster has 2 of the models it allows/,
  ],
  [
    'a model that no node has',
    'p,1,1,1,1000,A10,LS,Running,0,9,1',
    /asks for GPUs of the model A10, the list of nodes has none/,
  ],
  [
    'more cores than any node',
    'p,65000,1,1,500,,LS,Running,0,9,1',
    /1 GPUs, 65 cores, 1 MiB of memory: no node can hold it even when empty/,
  ],
  [
    'more memory than any node',
    'p,1,300000,0,0,,LS,Running,0,9,1',
    /0 GPUs, 0.001 cores, 300000 MiB of memory: no node can hold it/,
  ],
])('a pod that can never run is refused: %s', async (_name, row, why) => {
  const got = await openb([row, 'ok,1,1,1,1000,,LS,Running,0,9,1'], NODES);
  expect(got.report).toMatchObject({ rows: 2, taken: 1, refused: 1, problemCount: 1 });
  expect(got.report.problems[0].what).toMatch(why);
  expect(readBack(got).jobs.ids).toEqual(['ok']);
});

test('what cannot be read of an optional value is told', async () => {
  const { report } = await openb(
    ['a,many,1,1,1000,,LS,Running,0,9,1', 'b,1,1,1,1001,,LS,Running,0,9,1', 'c,1,1,2,500,X9,LS,Running,0,9,1'],
    NODES,
  );
  expect(report).toMatchObject({ taken: 3, mended: 3, refused: 0 });
  expect(report.problems.map((p) => `${p.line} ${p.what}`)).toEqual([
    "2 cpu_milli 'many' is not an amount: left out",
    "3 gpu_milli '1001' is not 1 to 1000: a whole GPU",
    "4 gpu_milli '500' of a pod with 2 GPUs: whole GPUs taken",
    "4 gpu_spec 'X9' names models not in the catalogue: left out",
  ]);
});

test('a list without times is an arrival list: one problem for the same mend on every row', async () => {
  const { imported, scenario } = await roundTrip(
    'openb',
    'name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1,1,1,1000\nb,1,1,2,1000\nc,1,1,1,500\n',
  );
  expect(jobsOf(imported.jobsCsv).map((j) => j.submit)).toEqual(['0', '1', '2']);
  expect(imported.report).toMatchObject({ rows: 3, taken: 3, mended: 3, refused: 0, problemCount: 1 });
  expect(scenario.jobs.count).toBe(3);
});

describe.skipIf(!existsSync(TRACES))('the published pods', () => {
  const read = (name: string) => readFileSync(new URL(`openb-2023/${name}.csv`, TRACES));

  test('every pod runs, on a model that it allows', async () => {
    const nodes = read('openb_node_list_gpu_node').toString();
    // The default list names no models: every third pod of one GPU asks for two of them here.
    let asked = 0;
    const pods = read('openb_pod_list_default')
      .toString()
      .replace(/^(.*,1,\d+),,/gm, (all, before) => (asked++ % 3 === 0 ? `${before},T4|V100M32,` : all));
    const { imported, scenario, run } = await roundTrip('openb', pods, { nodes });
    expect(imported.report).toMatchObject({ rows: 8152, taken: 8152, mended: 897 });
    expect([scenario.jobs.count, scenario.pools.length, scenario.nodes.count]).toEqual([8152, 7, 1213]);
    expect(run.stalled).toBe(false);
    expect(Math.min(...run.jobs.endUs)).toBeGreaterThan(0);
    const lists = Array.from(scenario.jobs.poolList, (l) =>
      scenario.poolLists[l].map((p) => scenario.pools[p].gpuModel).join('|'),
    );
    expect(lists.filter((l) => l === 'T4|V100M32').length).toBe(Math.ceil(asked / 3));
    expect(asked).toBeGreaterThan(3000);
    expect(lists.filter((l) => l.split('|').length === 7).length).toBe(8152 - Math.ceil(asked / 3));
  });

  test('multigpu20, which has no times, is taken whole', async () => {
    const imported = await importText('openb', read('openb_pod_list_multigpu20'), {
      nodes: read('openb_node_list_gpu_node').toString(),
    });
    expect(imported.report).toMatchObject({ refused: 0, problemCount: 1 });
    expect(readBack(imported).jobs.count).toBe(imported.report.rows);
  });
});
