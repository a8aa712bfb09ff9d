import { gzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readSnapshot, type SnapshotOptions } from './read.ts';
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
} from './testing.ts';

const read = (cluster: Cluster, options: SnapshotOptions = {}, more = {}) =>
  readSnapshot(zipOf(snapshotJson(cluster, more)), 'snapshot.zip', options);
const hours = (text: string) => Date.parse(text) * 1000;
/** A cluster of one node and one project, to which a test adds. */
const tiny = (podGroups: unknown[], pods: unknown[], more: Cluster = {}): Cluster => ({
  nodes: [node('n1', 8)],
  queues: [queue('top', null, -1), queue('q', 'top', 8)],
  podGroups: podGroups as never,
  pods: pods as never,
  ...more,
});
const taskOf = (cluster: Cluster) => read(cluster).state.jobs[0].tasks[0];

describe("the scheduler's own snapshot", () => {
  it('becomes nodes, queues, jobs and tasks', () => {
    const { state, settings, warnings, untried, otherPods, startedUs } = read(smallCluster());
    expect(warnings).toEqual([]);
    expect(untried).toEqual([]);
    expect(otherPods).toBe(2);
    expect(state.nowUs).toBe(hours('2026-06-01T12:00:00Z'));
    expect(state.nodes.map((n) => [n.name, n.gpus, n.gpuMemoryMiB, n.schedulable])).toEqual([
      ['node-a', 8, 81500, true],
      ['node-b', 8, 81500, true],
    ]);
    // The daemon, the reservation: their cores, but not the GPU that the reservation stands for.
    expect(state.nodes.map((n) => [n.cpuMilli, n.memoryBytes, n.maxTasks])).toEqual([
      [63_000, 511 * 2 ** 30, 109],
      [63_000, 511 * 2 ** 30, 109],
    ]);
    expect(state.queues.map((q) => [q.name, q.parent, q.gpu.deserved, q.cpuMilli.limit, q.priority])).toEqual([
      ['company', null, -1, -1, 100],
      ['lab', 'company', 0, -1, 100],
      ['product', 'company', 8, -1, 100],
      ['research', 'company', 8, -1, 100],
    ]);
    const jobs = state.jobs.map((j) => [j.name, j.queue, j.priority, j.preemptible, j.subGroups.minAvailable]);
    expect(jobs).toEqual([
      ['team/share', 'research', 50, true, 1],
      ['team/train-1', 'research', 50, true, 1],
      ['team/train-2', 'research', 50, true, 1],
      ['team/urgent', 'product', 50, true, 1],
      ['team/huge', 'lab', 100, false, 2],
    ]);
    const tasks = state.jobs.flatMap((j) => j.tasks.map((t) => [t.name, t.status, t.node, t.gpus, t.gpuGroups]));
    expect(tasks).toEqual([
      ['team/share-0', 'Running', 'node-b', 0.5, ['gpu-7']],
      ['team/train-1-0', 'Running', 'node-a', 8, []],
      ['team/train-2-0', 'Running', 'node-b', 6, []],
      ['team/urgent-0', 'Pending', null, 8, []],
      ['team/huge-0', 'Pending', null, 8, []],
      ['team/huge-1', 'Pending', null, 8, []],
    ]);
    expect(startedUs.get('team/train-1-0')).toBe(hours('2026-06-01T09:00:00Z'));
    expect(settings.config.kValue).toBe(2.5);
    expect(settings.config.cpuPlacement).toBe('spread');
    expect(settings.config.defaultReclaimMinRuntimeUs).toBe(600e6);
    expect(settings.config.plugins.has('subgrouporder')).toBe(false);
  });

  it('is the same as plain JSON, gzip or what kubectl prints, but for the configuration', () => {
    const whole = readSnapshot(bytesOf(snapshotJson(smallCluster())), 'x').state;
    expect(readSnapshot(gzipSync(bytesOf(snapshotJson(smallCluster()))), 'x').state).toEqual(whole);
    const { priorityClasses } = snapshotJson({}).rawObjects as Cluster;
    const printed = kubectlJson({ ...smallCluster(), priorityClasses, secrets: [{ data: { password: SECRET } }] });
    expect(readSnapshot(bytesOf(printed), 'x').state).toEqual(whole);
  });

  it('keeps no secret in memory, in state, settings or warnings', () => {
    const cluster = { ...smallCluster() };
    for (const skipDangling of [false, true]) {
      const got = read(cluster, { skipDangling });
      expect(
        JSON.stringify({ ...got, plugins: [...got.settings.config.plugins], m: [...got.startedUs] }),
      ).not.toContain(SECRET);
    }
  });
});

describe('a pod', () => {
  it('asks for the sum of its containers and sidecars, or the peak of its start, plus its overhead', () => {
    const spec = {
      containers: [
        { resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { 'nvidia.com/gpu': 2 } } },
        { resources: { requests: { cpu: '1' } } },
      ],
      initContainers: [
        { restartPolicy: 'Always', resources: { requests: { cpu: '250m' } } },
        { resources: { requests: { cpu: '3', memory: '64Mi' } } },
      ],
      overhead: { cpu: '100m', memory: '1Mi' },
    };
    const task = taskOf(tiny([podGroup('g', 'q')], [pod('p', 'g', 0, null, { spec })]));
    expect([task.cpuMilli, task.memoryBytes, task.gpus]).toEqual([3350, 2 ** 30 + 2 ** 20, 2]);
  });

  it('asks for a share, memory, several devices or MIG', () => {
    const asked = (annotations: Record<string, string>, spec = {}) => {
      const t = taskOf(tiny([podGroup('g', 'q')], [pod('p', 'g', 0, null, { metadata: { annotations }, spec })]));
      return [t.gpus, t.gpuMemoryMiB, t.gpuDevices, t.migInstances, t.legacyMig];
    };
    expect(asked({ 'gpu-fraction': '0.25' })).toEqual([0.25, 0, 1, {}, false]);
    expect(asked({ 'gpu-fraction': '0.5', 'gpu-fraction-num-devices': '2' })).toEqual([0.5, 0, 2, {}, false]);
    expect(asked({ 'gpu-memory': '20000' })).toEqual([0, 20000, 1, {}, false]);
    expect(asked({ 'gpu-fraction': 'half' })).toEqual([0, 0, 1, {}, false]);
    expect(asked({ 'nvidia.com/mig-1g.10gb': '2' })).toEqual([0, 0, 1, { 'nvidia.com/mig-1g.10gb': 2 }, true]);
    const mig = { containers: [{ resources: { limits: { 'nvidia.com/mig-3g.40gb': '1' } } }] };
    expect(asked({}, mig)).toEqual([0, 0, 1, { 'nvidia.com/mig-3g.40gb': 1 }, false]);
  });

  it('stands where its phase, deletion, gates and bind request say', () => {
    const status = (more: Record<string, unknown>, bindRequests: unknown[] = []) =>
      taskOf(tiny([podGroup('g', 'q')], [pod('p', 'g', 1, null, more)], { bindRequests: bindRequests as never }))
        .status;
    const on = { nodeName: 'n1' };
    const deleted = (at: string) => ({ metadata: { deletionTimestamp: at }, spec: on, status: { phase: 'Running' } });
    expect(status({})).toBe('Pending');
    expect(status({ spec: { schedulingGates: [{ name: 'x' }] } })).toBe('Gated');
    expect(status({ spec: on })).toBe('Bound');
    expect(status({ spec: on, status: { phase: 'Running' } })).toBe('Running');
    expect(status(deleted('2026-06-01T11:59:30Z'))).toBe('Releasing');
    expect(status(deleted('2026-06-01T11:00:00Z'))).toBe('StuckInReleasing');
    expect(status({ status: { phase: 'Succeeded' } })).toBe('Succeeded');
    const request = (more: Record<string, unknown>) => [
      { metadata: { name: 'p', namespace: 'team' }, spec: { podName: 'p', selectedNode: 'n1' }, ...more },
    ];
    expect(status({}, request({}))).toBe('Binding');
    expect(status({}, request({ status: { phase: 'Failed' } }))).toBe('Pending');
  });

  it('may use the nodes that its selector, its alternatives and other resources allow', () => {
    const expression = (key: string, operator: string, values: string[]) => ({ key, operator, values });
    const spec = {
      nodeSelector: { zone: 'a' },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [expression('gen', 'Gt', ['3'])] },
              { matchFields: [expression('metadata.name', 'In', ['n1'])] },
            ],
          },
        },
      },
      containers: [{ resources: { requests: { 'rdma/hca': 2 } } }],
    };
    const nodes = [
      node('n1', 8, { labels: { zone: 'a', gen: '1' } }),
      node('n2', 8, { labels: { zone: 'a', gen: '4' }, allocatable: { 'rdma/hca': '8' } }),
      node('n3', 8, { labels: { zone: 'b', gen: '2' }, allocatable: { 'rdma/hca': '1' } }),
    ];
    const { state } = read(tiny([podGroup('g', 'q')], [pod('p', 'g', 1, null, { spec })], { nodes }));
    const [task] = state.jobs[0].tasks;
    const fits = (term: (typeof task.nodeAffinity)[number]) =>
      state.nodes.filter((n) => term.values.includes(n.labels[term.key])).map((n) => n.name);
    expect(task.nodeAffinity.map(fits)).toEqual([['n1', 'n2'], ['n1', 'n2'], ['n2']]);
  });

  it('is near and far from the pods that its selectors mean, by namespace and expression', () => {
    const term = (labelSelector: unknown) => [{ topologyKey: 'zone', labelSelector }];
    const affinity = {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: term({ matchLabels: { app: 'db' } }),
      },
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: term({
          matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'api'] }],
        }),
      },
    };
    const labelled = (name: string, app: string) =>
      pod(name, 'g', 0, null, { metadata: { labels: { app, note: 'x' } } });
    const pods = [
      pod('p', 'g', 0, null, { spec: { affinity } }),
      labelled('db', 'db'),
      labelled('web', 'web'),
      pod('far', 'other', 0, null, { metadata: { namespace: 'else', labels: { app: 'db' } } }),
    ];
    const groups = [podGroup('g', 'q'), podGroup('other', 'q', { metadata: { namespace: 'else' } })];
    const { state } = read(tiny(groups, pods, { nodes: [node('n1', 8, { labels: { zone: 'z' } })] }));
    const tasks = new Map(state.jobs.flatMap((j) => j.tasks).map((t) => [t.name, t]));
    const wanted = tasks.get('team/p');
    expect(tasks.get('team/db')?.labels).toEqual(wanted?.podAffinity[0].labels);
    expect(tasks.get('team/web')?.labels).toEqual(wanted?.podAntiAffinity[0].labels);
    expect(tasks.get('else/far')?.labels).toEqual({});
    expect(state.nodes[0].labels).toEqual({ zone: 'z' });
  });
});

describe('a pod group', () => {
  it('has subgroups, minimums at every level, topologies by level or alias', () => {
    const spec = {
      minMember: null,
      minSubGroup: 1,
      topologyConstraint: { topology: 'net', requiredTopologyLevel: 'block' },
      subGroups: [
        { name: 'leaders', minMember: 1 },
        { name: 'workers', parent: null, minSubGroup: 2 },
        {
          name: 'w1',
          parent: 'workers',
          minMember: 2,
          topologyConstraint: { topology: 'net', preferredTopologyLevel: 'rack' },
        },
        { name: 'w2', parent: 'Workers', minMember: 0 },
      ],
    };
    const topologies = [
      {
        metadata: { name: 'net' },
        spec: { levels: [{ nodeLabel: 'block' }, { nodeLabel: 'cloud/rack', alias: 'rack' }] },
      },
    ];
    const label = (subGroup: string) => ({ metadata: { labels: { 'kai.scheduler/subgroup-name': subGroup } } });
    const pods = [pod('a', 'g', 1, null, label('leaders')), pod('b', 'g', 1, null, label('w2'))];
    const { state } = read(tiny([podGroup('g', 'q', { spec })], pods, { topologies }));
    const [job] = state.jobs;
    expect(job.subGroups).toMatchObject({
      minSubGroups: 1,
      topology: { topology: 'net', required: 'block', preferred: null },
      children: [
        { name: 'leaders', minAvailable: 1, children: [] },
        {
          name: 'workers',
          minSubGroups: 2,
          children: [
            { name: 'w1', minAvailable: 2, topology: { topology: 'net', required: null, preferred: 'cloud/rack' } },
            { name: 'w2', minAvailable: 0, topology: null },
          ],
        },
      ],
    });
    expect(job.tasks.map((t) => t.subGroup)).toEqual(['leaders', 'w2']);
    expect(state.topologies).toEqual([{ name: 'net', levels: ['block', 'cloud/rack'] }]);
  });

  it('has priority, preemptibility, delay and grace', () => {
    const annotations = { 'kai.scheduler/last-eviction-timestamp': '2026-06-01T08:10:00Z' };
    const groups = [
      podGroup('a', 'q', { spec: { priorityClassName: 'build', preemptibility: 'preemptible' } }),
      podGroup('b', 'q', {
        metadata: { annotations },
        spec: { priorityClassName: '', preemptionDelay: '5m', stalenessGracePeriod: '-1s' },
      }),
    ];
    const { state } = read(tiny(groups, []));
    expect(state.jobs.map((j) => [j.priority, j.preemptible, j.preemptionDelayUs, j.stalenessGraceUs])).toEqual([
      [100, true, 0, 60e6],
      [50, true, 300e6, -1e6],
    ]);
    expect(state.jobs[1].evictedUs).toBe(hours('2026-06-01T08:10:00Z'));
  });

  it('of a class that is not there has the default priority, and this is said', () => {
    const got = read(tiny([podGroup('g', 'q', { spec: { priorityClassName: 'nope' } })], []));
    expect(got.state.jobs[0].priority).toBe(50);
    expect(got.warnings.join()).toContain("PodGroup team/g: spec.priorityClassName: found 'nope'");
  });
});

describe('node pools', () => {
  const pooled = (name: string, pool: string) => node(name, 8, { labels: { 'kai.scheduler/node-pool': pool } });
  const labels = { labels: { 'kai.scheduler/node-pool': 'h100' } };
  const cluster: Cluster = {
    nodes: [node('plain', 8), pooled('h', 'h100')],
    queues: [
      queue('top', null, -1),
      queue('q', 'top', 8),
      queue('top-h', null, -1, { metadata: labels }),
      queue('q-h', 'top-h', 8, { metadata: labels }),
    ],
    podGroups: [podGroup('g', 'q'), podGroup('h', 'q-h', { metadata: labels })],
    pods: [pod('p', 'g', 1), pod('r', 'h', 1, 'h', { metadata: labels })],
  };

  it('a snapshot is of one shard; what is of others is left out without a word', () => {
    const got = read(cluster);
    expect(got.warnings).toEqual([]);
    expect(got.state.nodes.map((n) => n.name)).toEqual(['plain']);
    expect(got.state.jobs.map((j) => j.name)).toEqual(['team/g']);
    const partitionParams = { NodePoolLabelKey: 'kai.scheduler/node-pool', NodePoolLabelValue: 'h100' };
    const other = read(cluster, {}, { schedulerParams: { partitionParams } });
    expect(other.nodePool).toBe('h100');
    expect(other.state.jobs.map((j) => j.name)).toEqual(['team/h']);
  });

  it('of what kubectl prints, one must be named', () => {
    const bytes = bytesOf(kubectlJson(cluster));
    expect(() => readSnapshot(bytes, 'all.json')).toThrow(/several pools.*default, h100.*--node-pool/);
    expect(() => readSnapshot(bytes, 'all.json', { nodePool: 'a100' })).toThrow(/found no node of the pool 'a100'/);
    expect(readSnapshot(bytes, 'all.json', { nodePool: 'h100' }).state.queues).toHaveLength(2);
    expect(readSnapshot(bytes, 'all.json', { nodePool: 'default' }).state.nodes[0].name).toBe('plain');
  });
});

describe('what is not there', () => {
  const broken: [string, Cluster, string][] = [
    [
      'queue',
      tiny([podGroup('g', 'gone')], []),
      "PodGroup team/g: spec.queue: found 'gone', expected the name of a Queue",
    ],
    [
      'parent',
      { ...smallCluster(), queues: [...(smallCluster().queues ?? []), queue('lost', 'gone', 1)] },
      "Queue lost: spec.parentQueue: found 'gone', expected the name of a Queue",
    ],
    [
      'pod group',
      tiny([], [pod('p', 'gone', 1)]),
      "Pod team/p: metadata.annotations['pod-group-name']: found 'gone', expected the name of a PodGroup",
    ],
    ['node', tiny([podGroup('g', 'q')], [pod('p', 'g', 1, 'gone')]), "Pod team/p: spec.nodeName: found 'gone'"],
    [
      'topology',
      tiny(
        [podGroup('g', 'q', { spec: { topologyConstraint: { topology: 'gone', requiredTopologyLevel: 'x' } } })],
        [],
      ),
      "PodGroup team/g: spec.topologyConstraint.topology: found 'gone', expected the name of a Topology",
    ],
    [
      'subgroup',
      tiny(
        [podGroup('g', 'q')],
        [pod('p', 'g', 1, null, { metadata: { labels: { 'kai.scheduler/subgroup-name': 'gone' } } })],
      ),
      "Pod team/p: metadata.labels['kai.scheduler/subgroup-name']: found 'gone', expected one of the subgroups",
    ],
    [
      'parent of a subgroup',
      tiny([podGroup('g', 'q', { spec: { subGroups: [{ name: 'a', parent: 'gone', minMember: 1 }] } })], []),
      "PodGroup team/g: spec.subGroups[0].parent: found 'gone', expected the name of one of its subGroups",
    ],
  ];

  it.each(broken)('%s: refused with the object, the field, what was found and expected', (_, cluster, message) => {
    expect(() => read(cluster)).toThrow(message);
    expect(() => read(cluster)).toThrow('--skip-dangling');
  });

  it.each(broken)('%s: left out on request, which is said', (_, cluster, message) => {
    const got = read(cluster, { skipDangling: true });
    expect(got.warnings.join('\n')).toContain(`left out, as the scheduler would: ${message}`);
  });

  it("says when another scheduler's objects were found in place of the missing ones", () => {
    const cluster = kubectlJson(tiny([podGroup('g', 'q')], [])) as { items: { kind: string; apiVersion: string }[] };
    for (const item of cluster.items) if (item.kind === 'Queue') item.apiVersion = 'scheduling.volcano.sh/v1beta1';
    expect(() => readSnapshot(bytesOf(cluster), 'cluster.json')).toThrow(
      /Queue: found none, expected .*\nQueue top and 1 more: is of scheduling\.volcano\.sh, not of this scheduler: left out$/s,
    );
  });

  it('makes a job wait that its queue or topology is missing for, and its running pods still hold their GPUs', () => {
    const cluster = tiny([podGroup('g', 'gone')], [pod('p', 'g', 3, 'n1')]);
    const got = read(cluster, { skipDangling: true });
    expect(got.untried).toEqual([{ job: 'team/g', queue: 'gone', reason: "its queue 'gone' does not exist" }]);
    expect(got.state.nodes[0].gpus).toBe(5);
  });

  it('a circle of queues is refused in any case', () => {
    const queues = [queue('a', 'b', 1), queue('b', 'a', 1)];
    expect(() => read(tiny([], [], { queues }), { skipDangling: true })).toThrow(
      /Queue a: .*found a circle \(a → b → a\)/,
    );
  });
});

describe('other versions and kinds', () => {
  const pg = { apiVersion: 'scheduling.run.ai/v3', kind: 'PodGroup', ...podGroup('g', 'q') };
  it('refuses versions that are not known, with the object', () => {
    expect(() => read(tiny([pg], []))).toThrow(
      "PodGroup team/g: apiVersion: found 'scheduling.run.ai/v3', a version that is not known; expected scheduling.run.ai/v2alpha2",
    );
    expect(() => readSnapshot(bytesOf({ version: 'v7', ...snapshotJson(smallCluster()) }), 's.json')).toThrow(
      "s.json: version: found 'v7', a version that is not known",
    );
    expect(() => readSnapshot(bytesOf({ spec: {}, foo: 1 }), 's.json')).toThrow(/unknown kind or version/);
    expect(() => readSnapshot(bytesOf([[]]), 's.json')).toThrow(/found a list, expected the scheduler's snapshot/);
    expect(() => readSnapshot(bytesOf([]), 's.json')).toThrow('s.json is empty');
  });

  it('reads Lists in a list, as jq -s makes one, and Lists in a row like one List', () => {
    const { items } = kubectlJson(smallCluster()) as { items: { kind: string }[] };
    const lists = [true, false].map((nodes) => ({
      kind: 'List',
      apiVersion: 'v1',
      items: items.filter(({ kind }) => (kind === 'Node') === nodes),
    }));
    const whole = readSnapshot(bytesOf({ kind: 'List', apiVersion: 'v1', items }), 's.json');
    expect(readSnapshot(bytesOf(lists), 's.json')).toEqual(whole);
    const inARow = new TextEncoder().encode(lists.map((each) => JSON.stringify(each)).join('\n'));
    expect(readSnapshot(inARow, 's.json')).toEqual(whole);
    expect(() => readSnapshot(bytesOf([...lists, lists[0]]), 's.json')).toThrow(
      /^Node [^:]+: found twice \(s.json, document 1: items\[0\] and s.json, document 3: items\[0\]\), expected each object once/,
    );
  });

  it("leaves out other people's kinds of the same name", () => {
    const volcano = { apiVersion: 'scheduling.volcano.sh/v1beta1', kind: 'Queue', metadata: { name: 'q' } };
    const printed = kubectlJson(smallCluster()) as { items: unknown[] };
    const got = readSnapshot(bytesOf({ ...printed, items: [volcano, ...printed.items] }), 'x');
    expect(got.warnings.join()).toContain('scheduling.volcano.sh');
    expect(got.state.queues).toHaveLength(4);
  });

  it('names the object and the field whose kind is another', () => {
    const bad = pod('p', 'g', 1);
    (bad.spec as { nodeName: unknown }).nodeName = { secret: SECRET };
    expect(() => read(tiny([podGroup('g', 'q')], [bad]))).toThrow(
      'Pod team/p: spec.nodeName: found an object, expected a text',
    );
    const amount = node('n1', 8, { allocatable: { cpu: 'many' } });
    expect(() => read(tiny([], [], { nodes: [amount] }))).toThrow(
      "Node n1: status.allocatable['cpu']: found 'many', expected a quantity",
    );
    expect(() => read(tiny([podGroup('g', 'q')], [pod('p', 'g', -2)]))).toThrow(
      'Pod team/p: spec.containers: found a request for -2 nvidia.com/gpu, expected 0 or more',
    );
  });

  it('refuses the same object twice, no nodes, no queues', () => {
    expect(() => read(tiny([podGroup('g', 'q'), podGroup('g', 'q')], []))).toThrow(/PodGroup team\/g: found twice/);
    expect(() => read({ ...smallCluster(), nodes: [] })).toThrow(/Node: found none at all/);
    expect(() => read({ ...smallCluster(), queues: [] })).toThrow(/Queue: found none/);
  });
});

describe('settings', () => {
  it('what the scheduler wrote without a field is false or 0; what another wrote says nothing', () => {
    const params = (schedulerParams: object) => read(smallCluster(), {}, { schedulerParams });
    const written = params({ fullHierarchyFairness: undefined, maxNumberConsolidationPreemptees: undefined });
    expect(written.settings.fullHierarchyFairness).toBe(false);
    expect(written.settings.config.maxConsolidationPreemptees).toBe(0);
    expect(written.warnings.join()).toContain('schedulerParams.fullHierarchyFairness');
    expect(written.state.queues.map((q) => [q.name, q.parent])).toEqual([
      ['default', null],
      ['lab', 'default'],
      ['product', 'default'],
      ['research', 'default'],
    ]);
    const other = params({
      fullHierarchyFairness: undefined,
      numOfStatusRecordingWorkers: undefined,
      schedulePeriod: undefined,
    });
    expect(other.settings.fullHierarchyFairness).toBe(true);
    expect(other.warnings).toEqual([]);
  });

  it('are read with the capitals of older schedulers too', () => {
    const { settings } = readSnapshot(
      bytesOf({
        config: {
          Actions: 'allocate, preempt',
          Tiers: [{ Plugins: [{ Name: 'proportion', Arguments: { kValue: '3' } }] }],
        },
        schedulerParams: {
          SchedulerName: 'kai-scheduler',
          PartitionParams: { NodePoolLabelKey: 'pool', NodePoolLabelValue: '' },
          MaxNumberConsolidationPreemptees: 7,
          FullHierarchyFairness: true,
          GlobalDefaultStalenessGracePeriod: 30_000_000_000,
          NumOfStatusRecordingWorkers: 5,
        },
        rawObjects: smallCluster(),
      }),
      'x',
    );
    expect(settings).toMatchObject({
      config: { actions: ['allocate', 'preempt'], kValue: 3, maxConsolidationPreemptees: 7 },
      nodePool: { labelKey: 'pool', value: '' },
      stalenessGraceUs: 30e6,
    });
  });

  it('come out of the ConfigMap of the scheduler, where kubectl printed it', () => {
    const yaml =
      'actions: "allocate, reclaim"\ntiers:\n- plugins:\n  - name: nodeplacement\n    arguments: {gpu: spread}\n';
    const configMaps = [
      { metadata: { name: 'kai-scheduler-default', namespace: 'kai-scheduler' }, data: { 'config.yaml': yaml } },
      { metadata: { name: 'app', namespace: 'team' }, data: { 'config.yaml': `actions: ${SECRET}` } },
    ];
    const { settings } = readSnapshot(bytesOf(kubectlJson({ ...smallCluster(), configMaps })), 'x');
    expect(settings.config.actions).toEqual(['allocate', 'reclaim']);
    expect(settings.config.gpuPlacement).toBe('spread');
  });

  it('refuses an action that there is not', () => {
    expect(() => read(smallCluster(), {}, { config: { actions: 'allocate, ungate' } })).toThrow(
      "the snapshot: config.actions: found 'ungate', expected allocate,",
    );
  });
});

describe('what real files look like', () => {
  it('takes what Go leaves empty: null times and lists, empty objects, numbers for quantities', () => {
    const group = podGroup('g', 'q', {
      metadata: { creationTimestamp: null },
      spec: { subGroups: null, topologyConstraint: {} },
    });
    const own = pod('p', 'g', 0, null, {
      metadata: { creationTimestamp: null, labels: null },
      spec: {
        nodeSelector: null,
        affinity: {},
        tolerations: null,
        containers: [{ resources: {} }, { resources: { limits: { 'nvidia.com/gpu': 2 }, requests: null } }],
      },
      status: {
        conditions: [{ type: 'PodScheduled', status: 'False', lastProbeTime: null, lastTransitionTime: null }],
      },
    });
    const { state } = readSnapshot(
      bytesOf({
        config: null,
        schedulerParams: { partitionParams: null },
        rawObjects: { ...tiny([group], [own]), queues: [queue('q', null, 8)], topologies: null },
        discovery: null,
      }),
      'x',
    );
    expect(state.jobs[0].tasks[0]).toMatchObject({ status: 'Pending', gpus: 2, cpuMilli: 0 });
  });

  it("takes kubectl's lists of one kind, one after the other, whose items have no kind", () => {
    const all = smallCluster();
    const list = (kind: string, apiVersion: string, items: unknown) => JSON.stringify({ kind, apiVersion, items });
    const text = [
      list('NodeList', 'v1', all.nodes),
      list('PodList', 'v1', all.pods),
      list('QueueList', 'scheduling.run.ai/v2', all.queues),
      list('PodGroupList', 'scheduling.run.ai/v2alpha2', all.podGroups),
    ].join('\n');
    const got = readSnapshot(new TextEncoder().encode(text), 'x');
    expect(got.state.jobs).toHaveLength(5);
    expect(got.state.nodes).toHaveLength(2);
  });

  it('a pod without a pod group waits for one', () => {
    const lone = pod('lone', null, 1, null, { metadata: { labels: { 'kai.scheduler/queue': 'q' } } });
    const foreign = pod('foreign', null, 1, null, { spec: { schedulerName: 'default-scheduler' } });
    expect(read(tiny([], [lone, foreign])).untried).toEqual([
      {
        job: 'team/lone',
        queue: 'q',
        reason: 'it belongs to no pod group (annotation pod-group-name), and the scheduler places nothing else',
      },
    ]);
  });

  it('puts shares whose GPU is not written down on the first with room, several on one', () => {
    const share = (name: string, part: string) =>
      pod(name, name, 0, 'n1', { metadata: { annotations: { 'gpu-fraction': part } } });
    const groups = ['a', 'b', 'c'].map((name) => podGroup(name, 'q'));
    const got = read(tiny(groups, [share('a', '0.6'), share('b', '0.6'), share('c', '0.4')]));
    expect(got.state.jobs.map((j) => j.tasks[0].gpuGroups)).toEqual([['unnamed-1'], ['unnamed-2'], ['unnamed-1']]);
    expect(got.warnings.join()).toContain('no label runai-gpu-group');
  });

  it('knows MIG nodes, bytes for MiB, and nodes that are not ready', () => {
    const condition = (type: string, status: string) => ({ type, status });
    const closed = node('closed', 8);
    (closed.status as { conditions: unknown[] }).conditions = [
      condition('Ready', 'True'),
      condition('DiskPressure', 'Unknown'),
    ];
    const mig = { 'nvidia.com/mig-1g.10gb': '14', 'nvidia.com/gpu': '0' };
    const nodes = [
      node('mig', 0, {
        labels: { 'nvidia.com/mig.strategy': 'mixed', 'nvidia.com/gpu.memory': String(80 * 2 ** 30) },
        allocatable: mig,
      }),
      // node_info.go, GetMigStrategy: cut, but the label that says how is missing.
      node('mig-somehow', 0, { labels: { 'nvidia.com/gpu.memory': 'many' }, allocatable: mig }),
      closed,
    ];
    const { state } = read(tiny([], [], { nodes }));
    expect(state.nodes.map((n) => [n.name, n.mig, n.migInstances, n.gpuMemoryMiB, n.schedulable])).toEqual([
      ['closed', 'none', {}, 81500, false],
      ['mig', 'mixed', { 'nvidia.com/mig-1g.10gb': 14 }, 81900, true],
      ['mig-somehow', 'none', { 'nvidia.com/mig-1g.10gb': 14 }, 0, true],
    ]);
  });
});
