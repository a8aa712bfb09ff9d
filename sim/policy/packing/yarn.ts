/**
 * Yarn, as the simulators of Tiresias and Muri place (Zhao et al., SIGCOMM 2022): the first node, by number, with room.
 * A gang's workers of a whole node take the first idle nodes, its rest the first other node with room.
 */
import type { View } from '../../cluster/view.ts';
import { firstNode } from './bestfit.ts';
import { type NodeFilter, type Placer, placeByWorker } from './placement.ts';

export const yarn: Placer = {
  name: 'yarn',
  about: 'the first node with room',
  place: (view, job, pool, _stream, suits) =>
    placeByWorker(view, job, pool, (_task, gpus) => firstRoom(view, job, gpus, pool, suits)),
};

function firstRoom(view: View, job: number, gpus: number, pool: number, suits?: NodeFilter): number {
  const { cluster, scenario } = view;
  const { jobs } = scenario;
  const ok = (node: number) => (suits === undefined || suits(node)) && cluster.fits(job, gpus, node);
  const whole = jobs.shareMilli[job] === 1000 && jobs.gpuMemoryMiB[job] === 0 && jobs.migProfile[job] < 0;
  if (!whole) return firstNode(view, pool, ok);
  // Nodes are indexed by their number of free GPUs: the lowest of the first nodes of each number that suffices.
  let first = -1;
  for (let free = gpus; free <= cluster.widestNode(pool); free++) {
    let node = cluster.firstNode(pool, free);
    while (node >= 0 && (first < 0 || node < first) && !ok(node)) node = cluster.nextNode(pool, free, node);
    if (node >= 0 && (first < 0 || node < first)) first = node;
  }
  return first;
}
