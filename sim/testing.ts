/** Small scenarios for tests: everything that is not said has a plain default. */
import { plainProject, plainScenario } from './plain.ts';
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
  const plain = plainScenario({
    name: 'small',
    title: 'a small scenario',
    policy: { name: given.policy ?? 'fifo', args: given.args ?? {} },
    nodes: nodeColumns(groups),
    projects: Array.from({ length: given.projects ?? 1 }, (_, i) =>
      plainProject(`project-${i}`, given.deserved ?? Array(pools).fill(-1)),
    ),
    jobs: jobColumns(jobs),
  });
  return {
    ...plain,
    pools: plain.pools.map((pool) => ({ ...pool, priceMicroUsd: 5_920_000 })),
    ...given.overrides,
  };
}

export const seconds = (s: number) => Math.round(s * SECOND_US);
