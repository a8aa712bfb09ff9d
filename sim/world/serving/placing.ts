/**
 * Where a replica may go: the rules of the guide's table, followed as written, by utilisation as DCGM showed it last.
 * A node is avoided from the moment its mean passes the threshold until it has fallen below the lower one (hysteresis).
 */
import type { Cluster } from '../../cluster/cluster.ts';
import type { TelemetryReader } from '../../cluster/view.ts';
import type { Scenario, ServingPlacement } from '../../scenario.ts';

/** Training reaches 38–43 % of the dense peak (Llama 3 Herd, arXiv 2407.21783): what the tensor pipes show of busy GPUs. */
const TRAINING_TENSOR_SHARE = 0.4;

/** What was read of a node at a tick, where it differs from the tick before. */
export interface Seen {
  tick: number;
  /** Σ of the GPUs' percentages. */
  util: number;
  tensor: number;
}

/** Readings of nodes by tick: a window's mean is over the ticks that fall into it. */
export class NodeUse {
  /** By node, oldest first. */
  seen: Seen[][];
  private readonly cluster: Cluster;
  private readonly scenario: Scenario;

  constructor(scenario: Scenario, cluster: Cluster) {
    this.scenario = scenario;
    this.cluster = cluster;
    this.seen = Array.from({ length: cluster.nodeCount }, () => []);
  }

  /** Reads what the exporter showed last. `tensorOf`: share of the peak that a serving job reaches while busy, −1 = other work. Ticks beyond the last `keep` may go. */
  sample(node: number, tick: number, reader: TelemetryReader, tensorOf: (job: number) => number, keep: number): void {
    const { cluster, scenario } = this;
    const gpus = scenario.nodes.gpus[node];
    const of: number[] = [];
    let util = 0;
    for (let gpu = 0; gpu < gpus; gpu++) {
      const reading = reader.read('DCGM_FI_DEV_GPU_UTIL', node, gpu);
      if (reading === null) return;
      of.push(reading.value);
      util += reading.value;
    }
    let tensor = 0;
    for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
      const own = tensorOf(cluster.jobOfTask[task]);
      for (let gpu = 0; gpu < gpus; gpu++)
        if ((cluster.taskMask[task] & (1 << gpu)) !== 0) tensor += of[gpu] * (own < 0 ? TRAINING_TENSOR_SHARE : own);
    }
    const seen = this.seen[node];
    const last = seen.at(-1);
    if (last === undefined || last.util !== util || last.tensor !== tensor) seen.push({ tick, util, tensor });
    while (seen.length > 1 && seen[1].tick <= tick - keep) seen.shift();
  }

  /** Mean of the field over the ticks of the window, 0..1; 0 where nothing is known. */
  mean(node: number, now: number, periodUs: number, { field, windowUs }: ServingPlacement): number {
    const seen = this.seen[node];
    const upTo = Math.floor(now / periodUs);
    const first = Math.floor((now - windowUs) / periodUs) + 1;
    let sum = 0;
    let ticks = 0;
    for (let i = seen.length - 1, end = upTo + 1; i >= 0 && end > first; i--) {
      const from = Math.max(first, seen[i].tick);
      const n = end - from;
      sum += n * (field === 'DCGM_FI_DEV_GPU_UTIL' ? seen[i].util : seen[i].tensor);
      ticks += n;
      end = from;
    }
    return ticks === 0 ? 0 : sum / (ticks * this.scenario.nodes.gpus[node] * 100);
  }

  /** Brings the nodes to be avoided up to date. */
  follow(avoided: Set<number>, now: number, periodUs: number, placement: ServingPlacement): void {
    const { nodes } = this.scenario;
    for (let node = 0; node < nodes.count; node++) {
      if (this.seen[node].length === 0 || !placement.pools.includes(nodes.pool[node])) continue;
      const mean = this.mean(node, now, periodUs, placement);
      if (mean > placement.avoidUtil) avoided.add(node);
      else if (mean <= placement.clearUtil) avoided.delete(node);
    }
  }
}

/** What may be asked of readings, and when it is now. */
export interface Readable {
  use: NodeUse;
  now: number;
  periodUs: number;
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
  { use, now, periodUs }: Readable,
  gpus: number,
  depths: Depths,
  leaving = -1,
): Choice {
  const { nodes } = scenario;
  const candidates: number[] = [];
  for (const pool of placement.pools)
    for (let node = 0; node < nodes.count; node++) if (nodes.pool[node] === pool) candidates.push(node);
  const name = (node: number) => nodes.names[node];
  const mean = (node: number) => use.mean(node, now, periodUs, placement);
  const percent = (node: number) => `${Math.round(100 * mean(node))} %`;
  const barred = new Set<number>();
  const said: string[] = [];
  for (const node of candidates) if (avoided.has(node) || node === leaving) barred.add(node);
  if (barred.size === candidates.length && candidates.length > 0) {
    // Followed as written the rule would leave it nowhere to go.
    const least = candidates.reduce((best, node) => (mean(node) < mean(best) ? node : best));
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
