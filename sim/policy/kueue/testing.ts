/** Small Kueue scenarios for tests: ClusterQueues in one cohort on one pool, unless told otherwise. */
import type { JobSpec, KueueClusterQueue, KueueQuota, KueueSettings, NodeGroup } from '../../scenario.ts';

export type QuotaGiven = { nominal: number; borrow?: number; lend?: number };
export type QueueGiven = Partial<Omit<KueueClusterQueue, 'quotas'>> & { quota: QuotaGiven | QuotaGiven[] };

const quotas = (given: QuotaGiven | QuotaGiven[]): KueueQuota[] =>
  [given].flat().map(({ nominal, borrow = Infinity, lend = Infinity }, flavor) => ({
    flavor,
    resource: 'gpu',
    nominal,
    borrowingLimit: borrow,
    lendingLimit: lend,
  }));

export interface KueueCase {
  queues: QueueGiven[];
  cohorts?: { parent?: number; quota?: QuotaGiven | QuotaGiven[]; weight?: number }[];
  jobs: (Partial<JobSpec> & { durationUs: number })[];
  args?: Record<string, unknown>;
  nodes?: NodeGroup[];
}

/** What `smallScenario` makes a scenario of: queue i takes the jobs of project i; `cohorts[0]` is the default cohort. */
export function kueueCase(given: KueueCase) {
  const nodes = given.nodes ?? [{ pool: 0, count: 100, gpus: 8 }];
  const pools = 1 + Math.max(...nodes.map(({ pool }) => pool));
  const flavors = Array.from({ length: pools }, (_, pool) => pool);
  const kueue: KueueSettings = {
    flavors: flavors.map((pool) => ({ name: `flavor-${pool}`, pools: [pool] })),
    cohorts: (given.cohorts ?? [{}]).map(({ parent = -1, quota = [], weight = 1 }, i) => ({
      name: `cohort-${i}`,
      parent,
      quotas: quotas(quota),
      weight,
    })),
    clusterQueues: given.queues.map(({ quota, ...rest }, q) => ({
      name: `queue-${q}`,
      project: q,
      cohort: 0,
      groups: [{ resources: ['gpu'], flavors }],
      weight: 1,
      ...rest,
      quotas: quotas(quota),
    })),
  };
  return {
    nodes,
    projects: given.queues.length,
    jobs: given.jobs,
    policy: 'kueue',
    args: { placement: 'bestfit', ...given.args },
    overrides: { kueue },
  };
}
