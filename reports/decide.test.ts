import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readSnapshot } from '../scenarios/snapshot/read.ts';
import {
  bytesOf,
  type Cluster,
  kubectlJson,
  node,
  pod,
  podGroup,
  queue,
  SECRET,
  smallCluster,
  snapshotJson,
  zipOf,
} from '../scenarios/snapshot/testing.ts';
import { type Decided, type DecideInput, decide } from './decide.ts';
import { decideText } from './decide-text.ts';

function decided(cluster: Cluster, more: Partial<DecideInput> = {}, skipDangling = false): Decided {
  const snapshot = readSnapshot(zipOf(snapshotJson(cluster)), 'snapshot.zip', { skipDangling });
  return decide({
    ...snapshot,
    config: snapshot.settings.config,
    periodUs: 1e6,
    cycles: 1,
    checkpointEveryUs: 0,
    timeGiven: false,
    ...more,
  });
}

const waiting = (result: Decided, workload: string) => {
  const found = result.pending.find((w) => w.workload === workload);
  if (found === undefined) throw new Error(`${workload} does not wait`);
  return found;
};

describe('deciding about a cluster', () => {
  it('lists every queue under the one above it, whatever order the file has', () => {
    const queues = [queue('ops', null, 4), queue('ai', null, 12), queue('llm', 'ai', 8), queue('serving', 'ops', 4)];
    const result = decided({
      ...smallCluster(),
      podGroups: [],
      pods: [],
      queues: [...queues, queue('vision', 'ai', 4)],
    });
    expect(result.queues.map((q) => q.queue)).toEqual(['ai', 'llm', 'vision', 'ops', 'serving']);
  });

  it('takes back what a queue is due, and tells whom it costs what', () => {
    const result = decided(smallCluster());
    const [cycle] = result.cycles;
    expect(cycle.binds).toEqual([]);
    expect(cycle.evictions).toHaveLength(1);
    // It runs since 09:00, the snapshot is of 12:00: 8 GPUs × 3 h.
    expect(cycle.evictions[0]).toMatchObject({
      workload: 'team/train-1',
      pod: 'team/train-1-0',
      node: 'node-a',
      gpus: 8,
      action: 'reclaim',
      forWorkload: 'team/urgent',
      movesTo: null,
      ranSeconds: 10_800,
      lostGpuHours: 24,
    });
    expect(cycle.evictions[0].reason).toContain(
      'Reclaimed by team/urgent: afterwards research uses 6.5 GPUs of a fair share of 8',
    );
    expect(cycle.pipelines).toMatchObject([{ workload: 'team/urgent', node: 'node-a', gpus: 8 }]);
    expect(waiting(result, 'team/urgent')).toMatchObject({
      outcome: 'promised',
      cycle: 1,
      displaces: [{ workload: 'team/train-1', gpus: 8, moves: false, lostGpuHours: 24 }],
      lostGpuHours: 24,
    });
    expect(waiting(result, 'team/huge')).toMatchObject({
      outcome: 'waits',
      cycle: null,
      displaces: [],
      lostGpuHours: 0,
    });
    expect(waiting(result, 'team/huge').reason).toMatch(/lab deserves 0 GPUs.*this asks for 16 GPUs\.$/);
    expect(result.totals).toEqual({ starts: 0, promised: 1, waits: 1, evictedPods: 1, lostGpuHours: 24 });
    expect(result.queues.find((q) => q.queue === 'research')).toMatchObject({ usedBefore: 14.5, usedAfter: 6.5 });
  });

  it('loses only what was not saved, where an interval is assumed', () => {
    const [cycle] = decided(smallCluster(), { checkpointEveryUs: 2 * 3600e6 }).cycles;
    expect(cycle.evictions[0].lostGpuHours).toBe(8);
  });

  it('looks further ahead: the promise comes true, then nothing changes any more', () => {
    const result = decided(smallCluster(), { cycles: 50 });
    expect(waiting(result, 'team/urgent')).toMatchObject({ outcome: 'starts', cycle: 2 });
    expect(waiting(result, 'team/train-1').outcome).toBe('waits');
    expect(result.cycles.map((c) => [c.binds.length, c.pipelines.length, c.evictions.length])).toEqual([
      [0, 1, 1],
      [1, 0, 0],
    ]);
  });

  it('does not know the cost of work whose start the snapshot does not tell', () => {
    const cluster = smallCluster();
    for (const one of cluster.pods ?? []) delete (one.status as { startTime?: string }).startTime;
    const result = decided(cluster);
    expect(result.cycles[0].evictions[0]).toMatchObject({ ranSeconds: null, lostGpuHours: null });
    expect(waiting(result, 'team/urgent').lostGpuHours).toBeNull();
    expect(decideText(result)).toContain('unknown');
  });

  it('agrees with its JSON Schema', () => {
    const schema = z.fromJSONSchema(
      JSON.parse(readFileSync(new URL('../docs/schema/decide.schema.json', import.meta.url), 'utf8')),
    );
    const json = JSON.parse(JSON.stringify(decided(smallCluster(), { cycles: 3 })));
    schema.parse(json);
    expect(schema.safeParse({ ...json, more: 1 }).success).toBe(false);
    expect(schema.safeParse({ ...json, totals: {} }).success).toBe(false);
  });

  it('prints no secret, in text or JSON, of either kind of snapshot', () => {
    const result = decided(smallCluster(), { cycles: 3 });
    expect(JSON.stringify(result) + decideText(result)).not.toContain(SECRET);
    const printed = readSnapshot(bytesOf(kubectlJson(smallCluster())), 'x');
    const other = decide({
      ...printed,
      config: printed.settings.config,
      periodUs: 1e6,
      cycles: 2,
      checkpointEveryUs: 0,
      timeGiven: true,
    });
    expect(JSON.stringify(other) + decideText(other)).not.toContain(SECRET);
  });
});

describe('why a workload waits', () => {
  const tiny = (groups: unknown[], pods: unknown[], more: Cluster = {}): Cluster => ({
    nodes: [node('n1', 4), node('n2', 8, { taints: [{ key: 'only', value: 'x', effect: 'NoSchedule' }] })],
    queues: [queue('top', null, -1), queue('q', 'top', 4), queue('other', 'top', 4)],
    podGroups: groups as never,
    pods: pods as never,
    ...more,
  });
  const reason = (cluster: Cluster, workload = 'team/g', skipDangling = false) =>
    waiting(decided(cluster, {}, skipDangling), workload).reason;

  it('no node: what each is short of, and why it may not displace', () => {
    const cluster = tiny([podGroup('g', 'q'), podGroup('r', 'q')], [pod('r', 'r', 2, 'n1'), pod('p', 'g', 4)]);
    expect(reason(cluster)).toBe(
      'No node fits: 1 node with fewer than 4 free GPUs (the most is 2, on n1), 1 node has a taint that it does not tolerate; no other queue uses more than it is entitled to, so there is nothing to take back.',
    );
  });

  it('a gang of which only a part fits', () => {
    const pods = [pod('a', 'g', 3), pod('b', 'g', 3)];
    expect(reason(tiny([podGroup('g', 'q', { spec: { minMember: 2 } })], pods))).toMatch(
      /^There is room for 1 of the 2 pods that must start together/,
    );
  });

  it('a gang that is not all there, or held back by a gate', () => {
    const group = podGroup('g', 'q', { spec: { minMember: 3 } });
    expect(reason(tiny([group], [pod('a', 'g', 1)]))).toBe('It needs 3 pods at once, and only 1 exist.');
    const gated = pod('b', 'g', 1, null, { spec: { schedulingGates: [{ name: 'x' }] } });
    expect(reason(tiny([podGroup('g', 'q')], [gated]))).toMatch(
      /^A scheduling gate holds back 1 pod: it needs 1 at once/,
    );
  });

  it('too large for any node', () => {
    expect(reason(tiny([podGroup('g', 'q')], [pod('p', 'g', 9)]))).toBe(
      'One pod of it asks for 9 GPUs, and no node has more than 8 GPUs in all.',
    );
  });

  it('a limit of its queue', () => {
    const limit = {
      spec: {
        resources: {
          gpu: { quota: 2, limit: 2, overQuotaWeight: 1 },
          cpu: { quota: -1, limit: -1 },
          memory: { quota: -1, limit: -1 },
        },
      },
    };
    const queues = [queue('top', null, -1), queue('q', 'top', 2, limit)];
    const cluster = tiny([podGroup('g', 'q'), podGroup('r', 'q')], [pod('r', 'r', 1, 'n1'), pod('p', 'g', 2)], {
      queues,
    });
    expect(reason(cluster)).toBe(
      'Queue q is at its limit: it uses 1 GPU of at most 2 GPUs, and this asks for 2 GPUs more.',
    );
  });

  it('a share that no GPU has free', () => {
    const share = (name: string, on: string | null, part: string) =>
      pod(name, name, 0, on, {
        metadata: { annotations: { 'gpu-fraction': part }, labels: on === null ? {} : { 'runai-gpu-group': 'a' } },
      });
    const cluster = tiny([podGroup('r', 'q'), podGroup('g', 'q')], [share('r', 'n1', '0.7'), share('g', null, '0.5')], {
      nodes: [node('n1', 1)],
    });
    expect(reason(cluster)).toMatch(/^No node fits: 1 node without 0\.5 of a GPU free on any GPU/);
  });

  it('what it refers to is missing', () => {
    const cluster = tiny([podGroup('g', 'gone')], [pod('p', 'g', 1)]);
    expect(reason(cluster, 'team/g', true)).toBe("Its queue 'gone' does not exist.");
  });

  it('it must wait before it may displace others', () => {
    const queues = [queue('top', null, -1), queue('q', 'top', 4), queue('other', 'top', 0)];
    const group = podGroup('g', 'q', {
      metadata: { creationTimestamp: '2026-06-01T11:58:00Z' },
      spec: { preemptionDelay: '10m' },
    });
    const cluster = tiny([group, podGroup('r', 'other')], [pod('r', 'r', 4, 'n1'), pod('p', 'g', 4)], { queues });
    expect(reason(cluster)).toBe(
      'It fits nowhere as things are, and may displace others only in 8 min (preemptionDelay).',
    );
  });
});
