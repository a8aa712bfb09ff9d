import { describe, expect, it } from 'vitest';
import { HOUR_US, SECOND_US } from '../../sim/scenario.ts';
import { simulate } from '../../sim/simulate.ts';
import { readScenario } from '../read.ts';

const TB = 1e12;
const GB = 1e9;

const cluster = `apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: until-done, policy: fifo}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: here, gpuModel: H100, nodes: 40}
    - {name: there, gpuModel: H100, nodes: 4}
`;
const storage = `---
apiVersion: simsup.dev/v1
kind: Storage
spec:
  fileSystems:
    - name: dsx
      path: /ckpt
      performance: best
      capacity: 2PB
      retention: 7d
      near: [here]
      farBandwidth: 8Gbit/s
      access:
        - {path: /ckpt/llm, projects: [llm]}
        - {path: /ckpt/llm/shared, projects: [llm, vision]}
        - {path: /ckpt/open, projects: ['*']}
    - {name: data, path: /data, write: 10GB/s, read: unlimited, nodeRead: 5GB/s, nodeWrite: 5GB/s}
  datasets:
    - {name: corpus, path: /data/corpus, size: 3TB}
`;
const job = (fields: string) => `---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobs:
    - {id: a, gpus: 256, duration: 10h, checkpointEvery: 1h, ${fields}}
`;
const read = (...parts: string[]) => readScenario(parts.join(''));
const problems = (...parts: string[]) => {
  try {
    read(...parts);
    return '';
  } catch (error) {
    return String((error as Error).message);
  }
};

describe('Storage documents', () => {
  it('become file systems, with the reference architecture for what is not stated', () => {
    const { fileSystems } = read(cluster, storage, job('project: llm, modelParams: 405B, checkpointPath: /ckpt/llm'))
      .storage ?? { fileSystems: [] };
    // Two units of 32 nodes.
    expect(fileSystems[0]).toEqual({
      name: 'dsx',
      readBytesPerSecond: 250 * GB,
      writeBytesPerSecond: 124 * GB,
      nodeReadBytesPerSecond: 40 * GB,
      nodeWriteBytesPerSecond: 20 * GB,
      farBytesPerSecond: GB,
      near: [0],
      capacityBytes: 2000 * TB,
      retentionUs: 7 * 24 * HOUR_US,
    });
    expect(fileSystems[1]).toMatchObject({ writeBytesPerSecond: 10 * GB, readBytesPerSecond: Infinity });
  });

  it('give a job the size, the stall and the restore of its checkpoints', () => {
    const s = read(cluster, storage, job('project: llm, modelParams: 405B, checkpointPath: /ckpt/llm/run-1'));
    const plan = s.jobs.checkpoint?.get(0);
    expect(plan).toMatchObject({ bytes: 5.67 * TB, asynchronous: false, tier: 'shared', fileSystem: 0, keep: 3 });
    expect(s.jobs.checkpointStallUs[0] / SECOND_US).toBeCloseTo(5670 / 124, 5);
    expect(s.jobs.restoreUs[0] / SECOND_US).toBeCloseTo(5670 / 250, 5);
    const r = simulate(s);
    expect(r.jobs.endUs[0]).toBe(10 * HOUR_US + 9 * s.jobs.checkpointStallUs[0]);
    expect(s.assumptions.join(' ')).toContain('14 bytes a parameter');
  });

  it('are the arithmetic of a 405B model at 250 GB/s', () => {
    const wide = (perParam: number) => {
      const fs = `---\napiVersion: simsup.dev/v1\nkind: Storage\nspec:\n  fileSystems: [{name: s, write: 250GB/s, nodeWrite: unlimited}]\n`;
      const s = read(cluster, fs, job(`modelParams: 405B, checkpointBytesPerParam: ${perParam}`));
      return [s.jobs.checkpoint?.get(0)?.bytes ?? 0, s.jobs.checkpointStallUs[0] / SECOND_US];
    };
    expect(wide(14)[0]).toBe(5.67 * TB);
    expect(wide(14)[1]).toBeCloseTo(22.7, 1);
    expect(wide(12)[0]).toBe(4.86 * TB);
    expect(wide(12)[1]).toBeCloseTo(19.4, 1);
  });

  it('refuse paths of others, with the reason, at the line', () => {
    const of = (project: string, path: string) =>
      problems(cluster, storage, job(`project: ${project}, checkpointSize: 1TB, checkpointPath: ${path}`));
    expect(of('llm', '/ckpt/llm/x')).toBe('');
    expect(of('vision', '/ckpt/llm/shared/x')).toBe('');
    expect(of('vision', '/ckpt/open')).toBe('');
    expect(of('vision', '/ckpt/llm/x')).toContain("'/ckpt/llm/x' for project 'vision', which belongs to llm");
    expect(of('vision', '/ckpt/open/../llm')).toContain('which belongs to llm');
    expect(of('vision', '/ckpt/else')).toContain('open to nobody');
    expect(of('llm', '/scratch')).toContain('which no file system holds');
    expect(of('vision', '/ckpt/llm/x')).toContain('scenario:');
    // Also where nobody knows how much is written there.
    const sizeless = job('project: vision, checkpointPath: /ckpt/llm/x');
    expect(problems(cluster, storage, sizeless)).toContain('which belongs to llm');
  });

  it('say what is wrong in them', () => {
    expect(problems(cluster, storage.replace('near: [here]', 'near: [hier]'), job('project: llm'))).toContain('here');
    expect(problems(cluster, storage.replace('farBandwidth', 'farBandwith'), job(''))).toContain('farBandwidth');
    expect(problems(cluster, storage, job('dataset: corpse'))).toContain('corpus');
    expect(problems(cluster, storage, job('checkpointSize: 5'))).toContain('a size with a unit');
    expect(problems(cluster, storage.replace('10GB/s', '10GB'), job(''))).toContain('a rate such as');
  });

  it('let a job read its data first, over the narrow way from afar', () => {
    const near = simulate(read(cluster, storage, job('dataset: corpus, pools: here')));
    // 3 TB over 32 nodes at 5 GB/s each.
    expect(near.jobs.endUs[0]).toBe(10 * HOUR_US + (3000 / 160) * SECOND_US);
    const far = read(
      cluster,
      storage,
      job('project: llm, checkpointSize: 100GB, checkpointPath: /ckpt/llm').replace(
        'gpus: 256',
        'gpus: 8, pools: there',
      ),
    );
    expect(far.jobs.checkpointStallUs[0]).toBe(100 * SECOND_US);
  });

  it('are not needed: without one there is a file system of a stated class', () => {
    const s = read(
      cluster,
      job('checkpointSize: 1TB, checkpointMode: async, checkpointTier: peer-memory, checkpointEverySteps: 500'),
    );
    expect(s.assumptions.join(' ')).toContain("one of the 'better' class");
    expect(s.jobs.checkpoint?.get(0)).toMatchObject({ asynchronous: true, stallUs: SECOND_US, sharedEvery: 10 });
    expect(read(cluster, job('checkpointStall: 1s')).storage).toBeUndefined();
  });
});

describe('spot pools', () => {
  const spot = (reclaim: string) =>
    read(cluster.replace('nodes: 4}', `nodes: 4, spot: true${reclaim}}`), job('class: batch'));

  it('are reclaimed as the cloud does, unless stated otherwise', () => {
    expect(spot('').spot?.[0]).toBeNull();
    const aws = spot('').spot?.[1];
    // −730 h / ln 0.9.
    expect((aws?.meanUs ?? 0) / HOUR_US).toBeCloseTo(6928.6, 0);
    expect(aws).toMatchObject({ noticeUs: 120 * SECOND_US, maxAgeUs: Infinity });
    expect(spot(', reclaim: {cloud: gcp}').spot?.[1]).toMatchObject({
      noticeUs: 30 * SECOND_US,
      maxAgeUs: 24 * HOUR_US,
    });
    expect(spot(', reclaim: {perMonth: 5%, notice: 5m}').spot?.[1]?.noticeUs).toBe(300 * SECOND_US);
    expect(spot(', reclaim: none').spot).toBeUndefined();
  });
});
