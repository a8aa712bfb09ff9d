/** Small scenarios for tests: everything that is not said has a plain default. */
import { type JobSpec, jobColumns, type NodeGroup, nodeColumns, type Scenario, SECOND_US } from './scenario.ts';

export interface SmallScenario {
  nodes?: NodeGroup[];
  jobs: (Partial<JobSpec> & { durationUs: number })[];
  policy?: string;
  args?: Record<string, unknown>;
  deserved?: number[];
  projects?: number;
  overrides?: Partial<Scenario>;
}

export function smallScenario(given: SmallScenario): Scenario {
  const groups = given.nodes ?? [{ pool: 0, count: 2, gpus: 8 }];
  const pools = 1 + Math.max(...groups.map((group) => group.pool));
  const jobs = given.jobs.map((job, i) => ({ id: `job-${i}`, project: 0, submitUs: 0, taskGpus: [1], ...job }));
  return {
    name: 'small',
    title: 'a small scenario',
    seed: '1',
    startEpochSeconds: 0,
    utcOffsetMinutes: 0,
    durationUs: Infinity,
    warmUpUs: 0,
    policy: { name: given.policy ?? 'fifo', args: given.args ?? {} },
    pools: Array.from({ length: pools }, (_, p) => ({
      name: `pool-${p}`,
      gpuModel: 'H200-SXM5',
      gpuMemoryMiB: 144_384,
      priceMicroUsd: 5_920_000,
      spot: false,
    })),
    nodes: nodeColumns(groups),
    migLayouts: [],
    migProfiles: [],
    departments: [{ name: 'default', parent: -1 }],
    projects: Array.from({ length: given.projects ?? 1 }, (_, i) => ({
      name: `project-${i}`,
      department: 0,
      deservedGpus: given.deserved ?? Array(pools).fill(-1),
      overQuotaWeight: 1,
      maxOverQuotaGpus: -1,
      priority: 100,
      chargebackLabel: '',
    })),
    users: [],
    jobs: jobColumns(jobs),
    poolLists: [Array.from({ length: pools }, (_, p) => p)],
    speedProfiles: [],
    fixedCosts: [],
    assumptions: [],
    ...given.overrides,
  };
}

export const seconds = (s: number) => Math.round(s * SECOND_US);
