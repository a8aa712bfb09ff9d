/** Where work runs: pools of like nodes, and nodes as columns. */

/** Parts of the cluster a gang may wish to stay inside of, widest first. */
export const TOPOLOGY_LEVELS = ['block', 'rack', 'nvlinkDomain'] as const;
export type TopologyLevel = (typeof TOPOLOGY_LEVELS)[number];

/** Nodes of one GPU model, price and kind; fair share, quotas and cycles run per pool. */
export interface PoolSpec {
  name: string;
  /** Catalogue name, e.g. `H200-SXM5`; empty for a pool without GPUs. */
  gpuModel: string;
  /** Memory of one GPU, MiB. */
  gpuMemoryMiB: number;
  /** Power of one GPU alone, W, with nothing to do and in heavy training; absent = not published. */
  gpuWatts?: { idle: number; busy: number };
  /** Integer micro-dollars per GPU-hour. */
  priceMicroUsd: number;
  spot: boolean;
  /** GPUs are paid for in whole multiples of this time, µs; absent or 0 = to the microsecond. */
  billingIncrementUs?: number;
}

/** MIG instances of one GPU, e.g. `['3g.71gb', '3g.71gb']`; `sevenths[i]` is the compute share of instance i. */
export interface MigLayout {
  instances: string[];
  sevenths: number[];
}

/** Nodes as columns of length `count`, in the order that breaks ties ("lowest node number"). */
export interface NodeColumns {
  count: number;
  names: string[];
  /** Index into `pools`. */
  pool: Int32Array;
  /** GPUs on the node, 0..32. */
  gpus: Uint8Array;
  cpuMilli: Float64Array;
  memoryMiB: Float64Array;
  /** Ids of the rack, block and NVLink domain the node is in; -1 = none stated. */
  rack: Int32Array;
  block: Int32Array;
  nvlinkDomain: Int32Array;
  /** Index into `migLayouts`, -1 = MIG off. */
  migLayout: Int32Array;
  /** Where nodes change pools: the node whose hardware this one is, itself but for those that take over another's. */
  hardware?: Int32Array;
}

/** A pool's nodes, all alike. */
export interface NodeGroup {
  pool: number;
  count: number;
  gpus: number;
  cpuMilli?: number;
  memoryMiB?: number;
  /** Nodes per rack, racks per block, nodes per NVLink domain; 0 = not stated. */
  nodesPerRack?: number;
  racksPerBlock?: number;
  nodesPerNvlinkDomain?: number;
  migLayout?: number;
  /** Node n of the group is `prefix-n`. */
  prefix?: string;
}

/** Nodes from groups of like nodes, numbered in the order given. */
export function nodeColumns(groups: readonly NodeGroup[]): NodeColumns {
  const count = groups.reduce((sum, g) => sum + g.count, 0);
  const nodes: NodeColumns = {
    count,
    names: [],
    pool: new Int32Array(count),
    gpus: new Uint8Array(count),
    cpuMilli: new Float64Array(count),
    memoryMiB: new Float64Array(count),
    rack: new Int32Array(count).fill(-1),
    block: new Int32Array(count).fill(-1),
    nvlinkDomain: new Int32Array(count).fill(-1),
    migLayout: new Int32Array(count).fill(-1),
  };
  let n = 0;
  let rackBase = 0;
  let blockBase = 0;
  let domainBase = 0;
  for (const g of groups) {
    const perRack = g.nodesPerRack ?? 0;
    const perBlock = perRack * (g.racksPerBlock ?? 0);
    const perDomain = g.nodesPerNvlinkDomain ?? 0;
    for (let i = 0; i < g.count; i++, n++) {
      nodes.names.push(`${g.prefix ?? `pool${g.pool}`}-${i}`);
      nodes.pool[n] = g.pool;
      nodes.gpus[n] = g.gpus;
      nodes.cpuMilli[n] = g.cpuMilli ?? Infinity;
      nodes.memoryMiB[n] = g.memoryMiB ?? Infinity;
      if (perRack > 0) nodes.rack[n] = rackBase + Math.floor(i / perRack);
      if (perBlock > 0) nodes.block[n] = blockBase + Math.floor(i / perBlock);
      if (perDomain > 0) nodes.nvlinkDomain[n] = domainBase + Math.floor(i / perDomain);
      nodes.migLayout[n] = g.migLayout ?? -1;
    }
    if (perRack > 0) rackBase += Math.ceil(g.count / perRack);
    if (perBlock > 0) blockBase += Math.ceil(g.count / perBlock);
    if (perDomain > 0) domainBase += Math.ceil(g.count / perDomain);
  }
  return nodes;
}
