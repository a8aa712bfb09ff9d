import { expect, it } from 'vitest';
import { simulate } from '../../sim/simulate.ts';
import { ScenarioError } from '../problem.ts';
import { readScenario } from '../read.ts';

const CLUSTER = `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: training, gpuModel: H200-SXM5, nodes: 2}
    - {name: cheap, gpuModel: H200-SXM5, nodes: 1, spot: true}
    - {name: inference, gpuModel: B200-SXM6, nodes: 1}
`;
const QUEUES = `apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h200}
spec: {nodeLabels: {nvidia.com/gpu.product: H200, capacity-type: on-demand}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: spot}
spec: {nodeLabels: {capacity-type: spot}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: any}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: Cohort
metadata: {name: research}
spec:
  parentName: company
  fairSharing: {weight: 2}
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: h200, resources: [{name: nvidia.com/gpu, nominalQuota: 4, lendingLimit: 0}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: vision}
spec:
  cohortName: research
  queueingStrategy: StrictFIFO
  preemption:
    reclaimWithinCohort: Any
    borrowWithinCohort: {policy: LowerPriority, maxPriorityThreshold: 100}
  flavorFungibility: {whenCanBorrow: TryNextFlavor}
  fairSharing: {weight: "0.5"}
  resourceGroups:
    - coveredResources: [cpu, memory]
      flavors: [{name: any, resources: [{name: cpu, nominalQuota: 100}, {name: memory, nominalQuota: 512Gi}]}]
    - coveredResources: [nvidia.com/gpu]
      flavors:
        - {name: h200, resources: [{name: nvidia.com/gpu, nominalQuota: 12, borrowingLimit: 2}]}
        - {name: spot, resources: [{name: nvidia.com/gpu, nominalQuota: 8}]}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: alone}
spec:
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: inference, resources: [{name: nvidia.com/gpu, nominalQuota: 4}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: team, namespace: x}
spec: {clusterQueue: vision}
---
`;
const work = (jobs: string) => `apiVersion: simsup.dev/v1\nkind: Workload\nspec: {jobs: [${jobs}]}\n`;

it("reads Kueue's objects as they are", () => {
  const scenario = readScenario(`${QUEUES}${CLUSTER}---\n${work('{project: team, gpus: 8, duration: 1h}')}`);
  const { kueue } = scenario;
  expect(kueue?.flavors).toEqual([
    { name: 'h200', pools: [0] },
    { name: 'any', pools: [0, 1, 2] },
    { name: 'spot', pools: [1] },
    { name: 'inference', pools: [2] },
  ]);
  expect(kueue?.cohorts).toMatchObject([
    { name: 'research', parent: 1, weight: 2, quotas: [{ flavor: 0, resource: 'gpu', nominal: 4, lendingLimit: 0 }] },
    { name: 'company', parent: -1, quotas: [] },
  ]);
  const [vision, alone] = kueue?.clusterQueues ?? [];
  expect(vision).toMatchObject({
    name: 'vision',
    cohort: 0,
    weight: 0.5,
    queueingStrategy: 'StrictFIFO',
    reclaimWithinCohort: 'Any',
    borrowWithinCohort: 'LowerPriority',
    maxPriorityThreshold: 100,
    whenCanBorrow: 'TryNextFlavor',
    groups: [
      { resources: ['cpu', 'memory'], flavors: [1] },
      { resources: ['gpu'], flavors: [0, 2] },
    ],
  });
  expect(vision.quotas).toEqual([
    { flavor: 1, resource: 'cpu', nominal: 100_000, borrowingLimit: Infinity, lendingLimit: Infinity },
    { flavor: 1, resource: 'memory', nominal: 524_288, borrowingLimit: Infinity, lendingLimit: Infinity },
    { flavor: 0, resource: 'gpu', nominal: 12, borrowingLimit: 2, lendingLimit: Infinity },
    { flavor: 2, resource: 'gpu', nominal: 8, borrowingLimit: Infinity, lendingLimit: Infinity },
  ]);
  expect(alone.cohort).toBe(-1);
  // For other policies: projects with the same quota, cohorts as departments.
  expect(scenario.projects).toMatchObject([{ deservedGpus: [12, 8, 0] }, { deservedGpus: [0, 0, 4] }]);
  expect(scenario.departments[scenario.projects[0].department].name).toBe('research');
});

it('CPU quota holds a workload back though there are GPUs', () => {
  const jobs =
    '{id: a, project: team, gpus: 8, cpu: 60, duration: 1h}, {id: b, project: team, gpus: 4, cpu: 60, duration: 1h}';
  const policy = 'apiVersion: simsup.dev/v1\nkind: Simulation\nspec: {policy: kueue, duration: until-done}\n---\n';
  const { jobs: ran } = simulate(readScenario(`${QUEUES}${policy}${CLUSTER}---\n${work(jobs)}`));
  // Its queue is StrictFIFO: the head is not parked, and so needs no call.
  expect([...ran.firstStartUs]).toEqual([0, 3_600_000_000]);
});

it('takes more quota than there are nodes, as Kueue does, and says what others make of it', () => {
  const scenario = readScenario(
    `${QUEUES.replace('nominalQuota: 12', 'nominalQuota: 40')}${CLUSTER}---\n${work('{project: team, duration: 1h}')}`,
  );
  expect(scenario.projects[0].deservedGpus).toEqual([16, 8, 0]);
  expect(scenario.kueue?.clusterQueues[0].quotas[2].nominal).toBe(40);
  expect(scenario.assumptions.join(' ')).toContain('ClusterQueue vision: of its 40 GPUs of quota in pool training, 16');
});

it.each([
  ['name: spot, resources', 'name: sport, resources', /unknown flavor 'sport'/],
  ['capacity-type: spot', 'capacity-type: reserved', /reserved/],
  ['queueingStrategy: StrictFIFO', 'queueingStrategy: Strict', /Strict/],
  ['nominalQuota: 512Gi', 'nominalQuota: lots', /lots/],
  ['parentName: company', 'parentName: research', /a circle of departments/],
])('refuses %s → %s', (from, to, message) => {
  const text = `${QUEUES.replace(from, to)}${CLUSTER}---\n${work('{project: team, duration: 1h}')}`;
  expect(() => readScenario(text)).toThrow(ScenarioError);
  expect(() => readScenario(text)).toThrow(message);
});
