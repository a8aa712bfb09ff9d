/**
 * GPU clustering: workers that ask alike (a share, 1, 2, 4 or 8 GPUs) go to nodes of their own. After Xiao et al.,
 * Gandiva (OSDI 2018), with the scores of the authors of FGD (Weng et al., USENIX ATC 2023).
 */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import type { ClusterReader } from '../../cluster/view.ts';
import { freeMilli, norms } from './demand.ts';
import { scoredPlacer } from './scores.ts';

/** A class of workers is their number of whole GPUs; this one is all that share. */
const SHARED = -1;

export const gpuClustering = scoredPlacer(
  'gpu-clustering',
  'nodes that hold only workers of the same size, then those that hold some, then idle ones',
  ({ cluster }) => {
    const { gpuMilli } = norms(cluster);
    return {
      score(task, node) {
        if (cluster.spec.jobs.taskGpus[task] === 0) return 0;
        const mine = classOf(cluster, task, node);
        let alike = false;
        let others = false;
        for (let t = cluster.firstTaskOn[node]; t >= 0; t = cluster.nextTask[t]) {
          if (cluster.spec.jobs.taskGpus[t] === 0) continue;
          if (classOf(cluster, t, node) === mine) alike = true;
          else others = true;
        }
        const used = Math.trunc((25 * (gpuMilli - freeMilli(cluster, node))) / gpuMilli);
        if (alike) return (others ? 50 : 75) + used;
        return (others ? 0 : 25) + used;
      },
    };
  },
);

function classOf(cluster: ClusterReader, task: number, node: number): number {
  const { jobs, nodes } = cluster.spec;
  const units = cluster.unitsPerGpu(cluster.jobOfTask[task], nodes.pool[node]);
  return units < GPU_UNITS ? SHARED : jobs.taskGpus[task];
}
