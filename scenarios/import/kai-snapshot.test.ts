import { describe, expect, it } from 'vitest';
import { simulate } from '../../sim/simulate.ts';
import { readScenario } from '../read.ts';
import {
  kubectlJson,
  node,
  pod,
  podGroup,
  queue,
  SECRET,
  smallCluster,
  snapshotJson,
  zipOf,
} from '../snapshot/testing.ts';
import { importSnapshot, type SnapshotImport, type SnapshotImportOptions } from './kai-snapshot.ts';

const options = { jobsFile: 'jobs.csv', nodesFile: 'nodes.csv' };
const imported = (cluster = smallCluster(), more: Partial<SnapshotImportOptions> = {}): SnapshotImport =>
  importSnapshot(zipOf(snapshotJson(cluster)), 'snapshot.zip', { ...options, ...more });

const scenarioOf = (result: SnapshotImport) =>
  readScenario(result.scenarioYaml, {
    file: 'scenario.yaml',
    readFile: (path) => (path === 'nodes.csv' ? result.nodesCsv : result.jobsCsv),
  });

describe('a snapshot as a scenario', () => {
  it('has the nodes, queues and jobs; what runs keeps the time it is assumed to have left', () => {
    const result = imported(smallCluster(), { remainingUs: 7200e6, durationUs: 3600e6 });
    expect(result.report).toMatchObject({ rows: 5, taken: 5, mended: 0, refused: 0 });
    expect(result.scenarioYaml).toContain('what runs has 2 h left');
    const scenario = scenarioOf(result);
    const { jobs } = scenario;
    const line = (id: string) => {
      const j = jobs.ids.indexOf(id);
      const tasks = Array.from(jobs.taskGpus.slice(jobs.taskStart[j], jobs.taskStart[j + 1]));
      return [
        scenario.projects[jobs.project[j]].name,
        jobs.durationUs[j] / 3600e6,
        tasks,
        jobs.shareMilli[j],
        jobs.preemptible[j],
      ];
    };
    expect(line('team/train-1')).toEqual(['research', 2, [8], 1000, 1]);
    expect(line('team/share')).toEqual(['research', 2, [1], 500, 1]);
    expect(line('team/urgent')).toEqual(['product', 1, [8], 1000, 1]);
    expect(line('team/huge')).toEqual(['lab', 1, [8, 8], 1000, 0]);
    // Running ones come first, the others a moment after.
    expect(Array.from(jobs.submitUs)).toEqual([0, 0, 0, 1000, 1000]);
    expect(scenario.projects.map((p) => [p.name, p.deservedGpus])).toEqual([
      ['lab', [0]],
      ['product', [8]],
      ['research', [8]],
    ]);
    expect(scenario.policy.name).toBe('runai');
    expect(scenario.startEpochSeconds).toBe(Date.parse('2026-06-01T12:00:00Z') / 1000);
  });

  it('runs, and the running jobs find their places at once', () => {
    const run = simulate(scenarioOf(imported()));
    const { ids } = run.scenario.jobs;
    for (const id of ['team/train-1', 'team/train-2', 'team/share'])
      expect(run.jobs.firstStartUs[ids.indexOf(id)]).toBe(0);
  });

  it('cuts quotas that go beyond the GPUs there are, and says so', () => {
    const cluster = {
      ...smallCluster(),
      queues: [
        queue('top', null, -1),
        queue('research', 'top', 60),
        queue('product', 'top', 20),
        queue('lab', 'top', 0),
      ],
    };
    const result = imported(cluster);
    expect(result.scenarioYaml).toContain('The projects deserve 80 GPUs together and there are 16');
    expect(scenarioOf(result).projects.map((p) => p.deservedGpus[0])).toEqual([0, 4, 12]);
  });

  it('takes the GPU model from the label of the device plug-in', () => {
    const cluster = {
      ...smallCluster(),
      nodes: ['node-a', 'node-b'].map((name) =>
        node(name, 8, { labels: { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3' } }),
      ),
    };
    expect(imported(cluster).nodesCsv).toMatch(/node-a,63000,523264,8,H100/);
    expect(() => imported(smallCluster(), { gpuModel: 'nope' })).toThrow(/unknown GPU model 'nope'/);
  });

  it('says what it mends and what it leaves out', () => {
    const cluster = {
      ...smallCluster(),
      nodes: [node('node-a', 8), node('node-b', 8), node('node-c', 8, { unschedulable: true })],
      podGroups: [
        ...(smallCluster().podGroups ?? []),
        podGroup('mixed', 'lab', { spec: { minMember: 2, preemptibility: 'non-preemptible' } }),
        podGroup('mig', 'lab'),
      ],
      pods: [
        ...(smallCluster().pods ?? []),
        pod('mixed-0', 'mixed', 0),
        pod('mixed-1', 'mixed', 4),
        pod('mig-0', 'mig', 0, null, {
          spec: { containers: [{ resources: { limits: { 'nvidia.com/mig-3g.40gb': '2' } } }] },
        }),
      ],
    };
    const { report, jobsCsv } = imported(cluster);
    expect(report).toMatchObject({ rows: 7, taken: 7, mended: 2 });
    const told = report.problems.map((p) => p.what).join('\n');
    expect(told).toContain('1 nodes are closed');
    expect(told).toContain('only the 1 that ask for most are taken');
    expect(told).toContain('its preemptibility is not that of its priority');
    expect(told).toContain('MIG instances: taken as shares of a GPU, in sevenths');
    expect(jobsCsv).toMatch(/team\/mig,lab,,0\.001,14400,2,1,429,/);
  });

  it('holds no secret, and with pseudonyms no name either', () => {
    const result = imported();
    expect(JSON.stringify(result)).not.toContain(SECRET);
    const hidden = imported(smallCluster(), { anonymiseSalt: 'salt' });
    expect(JSON.stringify(hidden)).not.toMatch(/team|research|product|train-1|urgent|node-a\b|company/);
    expect(scenarioOf(hidden).jobs.count).toBe(5);
  });

  it('of what kubectl printed is the same but for the own settings', () => {
    const bytes = new TextEncoder().encode(JSON.stringify(kubectlJson(smallCluster())));
    const result = importSnapshot(bytes, 'cluster.json', options);
    expect(result.jobsCsv).toBe(imported().jobsCsv);
  });
});
