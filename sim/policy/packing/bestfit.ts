/**
 * Best fit: each worker goes to the fullest node that still has room, ties to the lowest node. Widest workers are placed
 * first; workers of a whole node take idle nodes in node order. A share goes to the shared GPU it fills tightest, a new
 * GPU is opened only when none has room.
 */
import { GPU_UNITS, READY } from '../../cluster/cluster.ts';
import type { View } from '../../cluster/view.ts';
import { type NodeFilter, type Placement, type Placer, placeByWorker } from './placement.ts';

/**
 * Places the whole gang in the first pool of its list that holds it, inside the view's trial; null (and nothing left in
 * the trial) if none does. A gang never spans pools.
 */
export function placeBestFit(view: View, job: number): Placement | null {
  const { scenario } = view;
  for (const pool of scenario.poolLists[scenario.jobs.poolList[job]]) {
    const placement = placeInPool(view, job, pool);
    if (placement !== null) return placement;
  }
  return null;
}

export function placeInPool(view: View, job: number, pool: number, suits?: NodeFilter): Placement | null {
  return placeByWorker(view, job, pool, (_task, gpus) => bestNode(view, job, gpus, pool, suits));
}

/** The node one worker goes to, -1 if none. */
export function bestNode(view: View, job: number, gpus: number, pool: number, suits?: NodeFilter): number {
  const { cluster, scenario } = view;
  const { jobs } = scenario;
  const ok = (node: number) => (suits === undefined || suits(node)) && cluster.fits(job, gpus, node);
  if (jobs.migProfile[job] >= 0) return firstNode(view, pool, ok);
  const units = gpus === 0 ? 0 : cluster.unitsPerGpu(job, pool);
  const shared = units > 0 && units < GPU_UNITS;
  if (shared && gpus === 1) {
    const node = cluster.tightestShared(pool, units, ok);
    if (node >= 0) return node;
  }
  // Devices of one task are on different GPUs, some of which may be shared already: then any node may do.
  if (shared && gpus > 1) return firstNode(view, pool, ok);
  for (let free = gpus; free <= cluster.widestNode(pool); free++) {
    for (let node = cluster.firstNode(pool, free); node >= 0; node = cluster.nextNode(pool, free, node)) {
      if (ok(node)) return node;
    }
  }
  return -1;
}

/** For what the index of free GPUs does not know: the first ready node with room. */
export function firstNode(view: View, pool: number, ok: NodeFilter): number {
  for (const node of view.cluster.nodesOfPool[pool]) {
    if (view.cluster.nodeState[node] === READY && ok(node)) return node;
  }
  return -1;
}

/** Cheap test that spares most attempts: whether the pool has the GPUs, and a node wide enough for the widest worker. */
export function mayFit(view: View, job: number, gpus: number, widest: number): boolean {
  const { cluster, scenario } = view;
  const { jobs } = scenario;
  if (jobs.shareMilli[job] !== 1000 || jobs.gpuMemoryMiB[job] > 0 || jobs.migProfile[job] >= 0) return true;
  for (const pool of scenario.poolLists[jobs.poolList[job]]) {
    if (cluster.openFreeGpus[pool] >= gpus && cluster.widestFree(pool) >= widest) return true;
  }
  return false;
}

export const bestfit: Placer = {
  name: 'bestfit',
  about: 'the fullest node that still has room, ties to the lowest node',
  place: (view, job, pool, _stream, suits) => placeInPool(view, job, pool, suits),
};
