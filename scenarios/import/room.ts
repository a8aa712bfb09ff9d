/** Whether a job could run on the cluster at all, were it empty: by the same rule as the scenario's reader, which leaves out what does not fit. */

import { gpuModel } from '../catalogue/gpus.ts';
import { MAX_GPUS_PER_NODE } from '../schema.ts';
import type { ImportOptions, TraceJob } from './importer.ts';
import type { NodeKind, NodeList } from './nodes.ts';

/** Why a job can never run, or how many nodes it needs. */
export type Room = { why: string } | { nodes: number };

export interface Rooms {
  of(job: TraceJob): Room;
  /** GPUs of the widest node that the job may use. */
  widest(job: TraceJob): number;
}

/** A gang stays within one pool: jobs of a virtual cluster in its own, others in any whose GPU model they allow. */
export function roomsOf(nodes: NodeList | undefined, options: ImportOptions): Rooms {
  const pools = nodes?.rooms ?? new Map([['', [ruledNodes(options)]]]);
  const all = [...pools.values()];
  const byPool = nodes !== undefined && nodes.csv === '';
  const widths = new Map<string, number>();
  const cache = new Map<string, Room>();
  const plain = new Map<number, Room>();

  const poolsFor = (job: TraceJob): NodeKind[][] => {
    if (byPool && job.pool) return [pools.get(job.pool) ?? []];
    const wanted = (job.gpuModels ?? []).map((m) => gpuModel(m)?.name);
    return wanted.length === 0 ? all : all.filter((pool) => pool.length > 0 && wanted.includes(pool[0].model));
  };
  const widest = (job: TraceJob) => {
    const key = `${byPool ? job.pool : ''}|${job.gpuModels ?? ''}`;
    let width = widths.get(key);
    if (width === undefined) {
      width = Math.max(0, ...poolsFor(job).map((pool) => pool.reduce((most, n) => Math.max(most, n.gpus), 0)));
      if (widths.size < MAX_CACHE) widths.set(key, width);
    }
    return width;
  };

  const find = (job: TraceJob): Room => {
    const mine = poolsFor(job);
    const where = byPool && job.pool ? `virtual cluster '${job.pool}'` : 'cluster';
    if (byPool && job.pool && !pools.has(job.pool)) return { why: `${where} is not in the list of nodes` };
    if (mine.length === 0)
      return { why: `asks for GPUs of the model ${job.gpuModels?.join(' or ')}, the list of nodes has none` };
    const sum = (lists: NodeKind[][]) => lists.flat().reduce((gpus, n) => gpus + n.gpus * n.count, 0);
    const total = sum(mine);
    if (job.gpus > total)
      return {
        why: `asks for ${job.gpus} GPUs, the ${where} has ${total}${total < sum(all) && !byPool ? ' of the models it allows' : ''}`,
      };
    const width = widest(job);
    // Workers as the log states them, else full nodes and one worker for the remainder.
    const size = job.workers ? Math.ceil(job.gpus / job.workers) : Math.min(job.gpus, width);
    const last = size > 0 ? job.gpus % size || size : 0;
    const count = size > 0 ? Math.ceil(job.gpus / size) : 1;
    if (size <= MAX_GPUS_PER_NODE) {
      for (const pool of mine) {
        const used = nodesUsed(pool, job, size, count, last);
        if (used > 0) return { nodes: used };
      }
    }
    const cpu = job.cpuMilli ? `, ${job.cpuMilli / 1000} cores` : '';
    const memory = job.memoryMiB ? `, ${job.memoryMiB} MiB of memory` : '';
    const gpuMemory = job.gpuMemoryMiB ? `, ${job.gpuMemoryMiB} MiB of GPU memory` : '';
    const models = job.gpuModels?.length ? ` (model ${job.gpuModels.join(' or ')})` : '';
    const each = count > 1 ? `${count} workers, each ${size} GPUs` : `${job.gpus} GPUs`;
    return {
      why: `asks for ${each}${models}${gpuMemory}${cpu}${memory}: no ${count > 1 ? 'pool of nodes' : 'node'} can hold it even when empty`,
    };
  };

  return {
    widest,
    of(job) {
      // Jobs that state GPUs and nothing else are the most; their number is all there is to know.
      if (
        !byPool &&
        !job.workers &&
        !job.cpuMilli &&
        !job.memoryMiB &&
        !job.gpuMemoryMiB &&
        !job.gpuModels?.length &&
        (job.shareMilli ?? 1000) === 1000
      ) {
        let room = plain.get(job.gpus);
        if (room === undefined) {
          if (plain.size >= MAX_CACHE) plain.clear();
          plain.set(job.gpus, (room = find(job)));
        }
        return room;
      }
      const key = `${byPool ? job.pool : ''}|${job.gpus}|${job.workers ?? 0}|${job.shareMilli ?? 0}|${job.gpuMemoryMiB ?? 0}|${job.cpuMilli ?? 0}|${job.memoryMiB ?? 0}|${job.gpuModels ?? ''}`;
      let room = cache.get(key);
      if (room === undefined) {
        if (cache.size >= MAX_CACHE) cache.clear();
        cache.set(key, (room = find(job)));
      }
      return room;
    },
  };
}

/** Kinds of jobs remembered. */
const MAX_CACHE = 50_000;

/** Nodes of a cluster that is given by a number or yet to be sized. */
function ruledNodes(options: ImportOptions): NodeKind {
  const model = gpuModel(options.gpuModel ?? 'unknown')?.name ?? '';
  return {
    model,
    gpus: options.gpusPerNode ?? 8,
    cpuMilli: Infinity,
    memoryMiB: Infinity,
    count: options.nodeCount ?? Infinity,
  };
}

/** Nodes that `count` workers of `size` GPUs take, the last of `last`, each on the first node with room; 0 = they do not fit. */
function nodesUsed(pool: NodeKind[], job: TraceJob, size: number, count: number, last: number): number {
  const perGpu = job.gpuMemoryMiB
    ? Math.floor((gpuModel(pool[0]?.model ?? '')?.memoryMiB ?? 0) / job.gpuMemoryMiB)
    : Math.floor(1000 / (job.shareMilli || 1000));
  let [placed, used] = [0, 0];
  for (const kind of pool) {
    for (let i = 0; i < kind.count; i++) {
      const before = placed;
      let room = kind.gpus * perGpu;
      let [cpu, memory] = [kind.cpuMilli, kind.memoryMiB];
      while (placed < count) {
        const worker = placed === count - 1 ? last : size;
        if (worker > room || worker > kind.gpus || (job.cpuMilli ?? 0) > cpu || (job.memoryMiB ?? 0) > memory) break;
        room -= worker;
        cpu -= job.cpuMilli ?? 0;
        memory -= job.memoryMiB ?? 0;
        placed++;
      }
      // The other nodes of this kind are no wider.
      if (placed === before) break;
      used++;
      if (placed === count) return used;
    }
  }
  return 0;
}
