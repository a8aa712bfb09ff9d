/**
 * What a gang's placement costs: each step sums gradients over all its GPUs (all-reduce), as fast as the slowest link
 * that the gang spans lets it: NVLink inside a domain, the rails inside a block, the spine between blocks.
 *
 * Ring: 2·(n−1)/n · B/b + 2·(n−1)·α; tree: 2·B/b + 2·⌈log₂ n⌉·α (Thakur, Rabenseifner and Gropp, IJHPCA 19(1), 2005;
 * the double binary tree keeps both directions of a link busy). A step takes its stated time where the gang stands as
 * close together as it could, and longer elsewhere. Overlap with computing is not modelled: an upper bound.
 */
import type { Cluster } from '../cluster/cluster.ts';
import type { NetworkSettings, Scenario } from '../scenario.ts';

export const SPANS = ['nvlink', 'rail', 'spine'] as const;
export type Span = (typeof SPANS)[number];

/** Time of one all-reduce of `bytes` over `gpus`, µs. */
export function allReduceUs(network: NetworkSettings, span: Span, gpus: number, bytes: number): number {
  if (gpus < 2) return 0;
  const [rate, latencyUs] =
    span === 'nvlink'
      ? [network.nvlinkBytesPerSecond, network.nvlinkLatencyUs]
      : span === 'rail'
        ? [network.railBytesPerSecond, network.railLatencyUs]
        : [network.spineBytesPerSecond, network.spineLatencyUs];
  const moveUs = (2 * bytes * 1e6) / rate;
  if (network.algorithm === 'ring') return Math.ceil((moveUs * (gpus - 1)) / gpus + 2 * (gpus - 1) * latencyUs);
  let hops = 0;
  for (let reach = 1; reach < gpus; reach *= 2) hops++;
  return Math.ceil(moveUs + 2 * hops * latencyUs);
}

export class Network {
  /** Most GPUs in one NVLink domain, and in one block, by pool. */
  private readonly domainGpus: number[];
  private readonly blockGpus: number[];
  private readonly scenario: Scenario;
  private readonly cluster: Cluster;
  private readonly settings: NetworkSettings;

  constructor(scenario: Scenario, cluster: Cluster, settings: NetworkSettings) {
    this.scenario = scenario;
    this.cluster = cluster;
    this.settings = settings;
    this.domainGpus = scenario.pools.map((_, pool) => this.mostGpus(pool, (n) => this.domainOf(n)));
    this.blockGpus = scenario.pools.map((_, pool) => this.mostGpus(pool, (n) => this.blockOf(n)));
  }

  /** Thousandths of its speed at which a job runs where it stands. */
  paceMilli(job: number): number {
    const { jobs, nodes } = this.scenario;
    const allReduce = jobs.allReduce?.get(job);
    if (allReduce === undefined) return 1000;
    const { taskNode } = this.cluster;
    let gpus = 0;
    let first = -1;
    let [oneDomain, oneBlock] = [true, true];
    for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
      const node = taskNode[t];
      if (node < 0) continue;
      gpus += jobs.taskGpus[t];
      if (first < 0) first = node;
      oneDomain &&= this.domainOf(node) === this.domainOf(first);
      oneBlock &&= this.blockOf(node) === this.blockOf(first) && nodes.pool[node] === nodes.pool[first];
    }
    if (first < 0) return 1000;
    const pool = nodes.pool[first];
    const span = (inDomain: boolean, inBlock: boolean): Span => (inDomain ? 'nvlink' : inBlock ? 'rail' : 'spine');
    const here = allReduceUs(this.settings, span(oneDomain, oneBlock), gpus, allReduce.bytes);
    const closest = span(gpus <= this.domainGpus[pool], gpus <= this.blockGpus[pool]);
    const best = allReduceUs(this.settings, closest, gpus, allReduce.bytes);
    const { stepUs } = allReduce;
    return Math.max(1, Math.floor((1000 * stepUs) / (stepUs + Math.max(0, here - best))));
  }

  /** Its NVLink domain, or the node itself where none is stated. */
  private domainOf(node: number): number {
    const domain = this.scenario.nodes.nvlinkDomain[node];
    return domain >= 0 ? domain : -2 - node;
  }

  /** Its block, or its rack where no blocks are stated; without either all nodes are on the same rails. */
  private blockOf(node: number): number {
    const { block, rack } = this.scenario.nodes;
    return block[node] >= 0 ? block[node] : rack[node];
  }

  private mostGpus(pool: number, groupOf: (node: number) => number): number {
    const sums = new Map<number, number>();
    let most = 0;
    for (const node of this.cluster.nodesOfPool[pool]) {
      const sum = (sums.get(groupOf(node)) ?? 0) + this.scenario.nodes.gpus[node];
      sums.set(groupOf(node), sum);
      most = Math.max(most, sum);
    }
    return most;
  }
}
