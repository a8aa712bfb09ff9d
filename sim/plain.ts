/** The plainest scenario: what a bench, a study or a test does not say has a default that adds nothing. */
import { type JobColumns, jobColumns, type NodeColumns, type ProjectSpec, type Scenario } from './scenario.ts';

export interface PlainScenario extends Partial<Scenario> {
  name: string;
  nodes: NodeColumns;
  jobs?: JobColumns;
}

/** Its pools are of H200 at no price, as many as the nodes name; one project may use them all. */
export function plainScenario(given: PlainScenario): Scenario {
  const count = given.pools?.length ?? given.nodes.pool.reduce((most, pool) => Math.max(most, pool + 1), 1);
  return {
    title: given.name,
    seed: '1',
    startEpochSeconds: 0,
    utcOffsetMinutes: 0,
    durationUs: Infinity,
    warmUpUs: 0,
    policy: { name: 'fifo', args: {} },
    pools: Array.from({ length: count }, (_, p) => ({
      name: `pool-${p}`,
      gpuModel: 'H200-SXM5',
      gpuMemoryMiB: 144_384,
      gpuWatts: { idle: 95, busy: 532 },
      priceMicroUsd: 0,
      spot: false,
    })),
    migLayouts: [],
    migProfiles: [],
    departments: [{ name: 'default', parent: -1 }],
    projects: [plainProject('project-0', Array(count).fill(-1))],
    users: [],
    jobs: jobColumns([]),
    poolLists: [Array.from({ length: count }, (_, p) => p)],
    speedProfiles: [],
    fixedCosts: [],
    assumptions: [],
    ...given,
  };
}

/** `deservedGpus`: by pool, -1 = unlimited. */
export function plainProject(name: string, deservedGpus: number[]): ProjectSpec {
  return {
    name,
    department: 0,
    deservedGpus,
    overQuotaWeight: 1,
    maxOverQuotaGpus: -1,
    priority: 100,
    chargebackLabel: '',
  };
}
