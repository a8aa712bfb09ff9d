/**
 * Consolidate, as the Helios simulator places (Hu et al., SC 2021): a worker that fits a node goes to the fullest node
 * with room; workers of a whole node take the lowest-numbered idle nodes, and the rest of such a gang goes to the
 * emptiest nodes left, not to the best fit. Nothing is moved.
 */
import type { View } from '../../cluster/view.ts';
import { bestNode } from './bestfit.ts';
import { type NodeFilter, type Placer, placeByWorker } from './placement.ts';

export const consolidate: Placer = {
  name: 'consolidate',
  about: 'the fullest node with room; the rest of a gang of whole nodes goes to the emptiest',
  place(view, job, pool, _stream, suits) {
    const { jobs } = view.scenario;
    const widest = view.cluster.widestNode(pool);
    return placeByWorker(view, job, pool, (_task, gpus, placed) => {
      const isRest = placed.tasks.length > 0 && gpus > 0 && gpus < widest && jobs.taskGpus[placed.tasks[0]] === widest;
      return isRest ? emptiestNode(view, job, gpus, pool, suits) : bestNode(view, job, gpus, pool, suits);
    });
  },
};

/** The node with the most free GPUs that has room, ties to the lowest; -1 if none. */
function emptiestNode(view: View, job: number, gpus: number, pool: number, suits?: NodeFilter): number {
  const { cluster } = view;
  for (let free = cluster.widestFree(pool); free >= 0; free--) {
    for (let node = cluster.firstNode(pool, free); node >= 0; node = cluster.nextNode(pool, free, node)) {
      if ((suits === undefined || suits(node)) && cluster.fits(job, gpus, node)) return node;
    }
  }
  return -1;
}
