/**
 * Where a replica may go: the rules of the guide's table, followed as written, by utilisation as DCGM showed it last.
 * A node is avoided from the moment its mean passes the threshold until it has fallen below the lower one (hysteresis).
 */
import type { Cluster } from '../../cluster/cluster.ts';
import type { TelemetryReader } from '../../cluster/view.ts';
import type { Scenario, ServingPlacement } from '../../scenario.ts';

/** Training reaches 38–43 % of the dense peak (Llama 3 Herd, arXiv 2407.21783): what the tensor pipes show of busy GPUs. */
const TRAINING_TENSOR_SHARE = 0.4;

/** Readings of nodes, kept for as long as the widest window. */
export class NodeUse {
  samples: { us: number; util: number; tensor: number }[][];
  private readonly cluster: Cluster;
  private readonly scenario: Scenario;

  constructor(scenario: Scenario, cluster: Cluster) {
    this.scenario = scenario;
    this.cluster = cluster;
    this.samples = Array.from({ length: cluster.nodeCount }, () => []);
  }

  /** Reads what the exporter showed last. `tensorOf`: share of the peak that a serving job reaches while busy, −1 = other work. */
  sample(now: number, reader: TelemetryReader, keepUs: number, tensorOf: (job: number) => number): void {
    const { cluster, scenario } = this;
    for (let node = 0; node < cluster.nodeCount; node++) {
      const gpus = scenario.nodes.gpus[node];
      if (gpus === 0) continue;
      let util = 0;
      let known = 0;
      const of: number[] = [];
      for (let gpu = 0; gpu < gpus; gpu++) {
        const reading = reader.read('DCGM_FI_DEV_GPU_UTIL', node, gpu);
        of.push(reading === null ? 0 : reading.value / 100);
        if (reading === null) continue;
        known++;
        util += reading.value / 100;
      }
      if (known === 0) continue;
      let tensor = 0;
      for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
        const own = tensorOf(cluster.jobOfTask[task]);
        for (let gpu = 0; gpu < gpus; gpu++)
          if ((cluster.taskMask[task] & (1 << gpu)) !== 0) tensor += of[gpu] * (own < 0 ? TRAINING_TENSOR_SHARE : own);
      }
      const kept = this.samples[node];
      kept.push({ us: now, util: util / gpus, tensor: tensor / gpus });
      while (kept.length > 0 && kept[0].us <= now - keepUs) kept.shift();
    }
  }

  /** Mean of the field over the window; 0 where nothing is known. */
  mean(node: number, now: number, { field, windowUs }: ServingPlacement): number {
    let sum = 0;
    let n = 0;
    for (const { us, util, tensor } of this.samples[node]) {
      if (us <= now - windowUs) continue;
      sum += field === 'DCGM_FI_DEV_GPU_UTIL' ? util : tensor;
      n++;
    }
    return n === 0 ? 0 : sum / n;
  }

  /** Brings the nodes to be avoided up to date. */
  follow(avoided: Set<number>, now: number, placement: ServingPlacement): void {
    const { nodes } = this.scenario;
    for (let node = 0; node < nodes.count; node++) {
      const mean = this.mean(node, now, placement);
      if (mean > placement.avoidUtil) avoided.add(node);
      else if (mean < placement.clearUtil) avoided.delete(node);
    }
  }
}

export interface Choice {
  /** Pools in the order in which the scheduler is to try them. */
  pools: number[];
  /** Nodes of these that it must not take. */
  barred: Set<number>;
  /** For people: what was read and what follows. */
  sentence: string;
}

/** Requests that wait or run on a node's replicas; free GPUs that can be had there. */
export interface Depths {
  depth(node: number): number;
  freeGpus(node: number): number;
}

/** `leaving`: a node that a replica is to leave, −1 = none. */
export function chooseNodes(
  scenario: Scenario,
  placement: ServingPlacement,
  avoided: ReadonlySet<number>,
  use: NodeUse,
  now: number,
  gpus: number,
  depths: Depths,
  leaving = -1,
): Choice {
  const { nodes } = scenario;
  const candidates: number[] = [];
  for (const pool of placement.pools)
    for (let node = 0; node < nodes.count; node++) if (nodes.pool[node] === pool) candidates.push(node);
  const name = (node: number) => nodes.names[node];
  const percent = (node: number) => `${Math.round(100 * use.mean(node, now, placement))} %`;
  const barred = new Set<number>();
  const said: string[] = [];
  for (const node of candidates) if (avoided.has(node) || node === leaving) barred.add(node);
  if (barred.size === candidates.length && candidates.length > 0) {
    // Followed as written the rule would leave it nowhere to go.
    const least = candidates.reduce((best, node) =>
      use.mean(node, now, placement) < use.mean(best, now, placement) ? node : best,
    );
    barred.delete(least);
    said.push(`every node is above ${placement.avoidUtil}, ${name(least)} is the least busy (${percent(least)})`);
  } else if (avoided.size > 0) {
    const over = candidates.filter((node) => avoided.has(node));
    if (over.length > 0)
      said.push(
        `avoids ${over
          .slice(0, 4)
          .map((node) => `${name(node)} (${percent(node)})`)
          .join(', ')}`,
      );
  }
  if (placement.rule === 'interactive') {
    const open = candidates.filter((node) => !barred.has(node) && depths.freeGpus(node) >= gpus);
    if (open.length > 0) {
      const best = open.reduce((a, b) => (depths.depth(b) < depths.depth(a) ? b : a));
      for (const node of candidates) if (node !== best) barred.add(node);
      said.push(`${name(best)} has the lowest queue depth (${depths.depth(best)} requests)`);
    }
  }
  const order = placement.pools.map((pool) => scenario.pools[pool].name).join(', ');
  const open = candidates.length - barred.size;
  return {
    pools: placement.pools,
    barred,
    sentence: `rule ${placement.rule}: ${order}; ${open} of ${candidates.length} nodes may be taken${said.map((text) => `; ${text}`).join('')}`,
  };
}
