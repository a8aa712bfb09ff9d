/** Random: any node with room, all alike; a share goes to any of the GPUs there that have room, whole GPUs are the lowest. */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import type { View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';
import { type Placer, placeByWorker, widestTask } from './placement.ts';
import { keptByCluster } from './scores.ts';

const scoresOf = keptByCluster(() => ({ score: () => 0 }));

export const random: Placer = {
  name: 'random',
  about: 'any node with room, drawn at random',
  place(view, job, pool, stream, suits) {
    const scores = scoresOf(view);
    return placeByWorker(
      view,
      job,
      pool,
      (task) => {
        const roomy = scores.roomy(task, pool, suits);
        return roomy === 0 ? -1 : scores.nthRoomy(task, pool, stream.integer(roomy), suits);
      },
      (_task, gpus, node) => anyGpus(view, job, gpus, node, stream),
    );
  },
  /** Pools in an order drawn by the number of nodes with room, so that each node of all pools is as likely. */
  poolOrder(view, job, stream, suits) {
    const { jobs, poolLists } = view.scenario;
    const scores = scoresOf(view);
    const task = widestTask(jobs, job);
    const left = poolLists[jobs.poolList[job]].map((pool) => ({ pool, nodes: scores.roomy(task, pool, suits) }));
    const order: number[] = [];
    for (;;) {
      const total = left.reduce((sum, { nodes }) => sum + nodes, 0);
      if (total === 0) return order;
      let at = stream.integer(total);
      const drawn = left.findIndex(({ nodes }) => (at -= nodes) < 0);
      order.push(left[drawn].pool);
      left.splice(drawn, 1);
    }
  },
};

function anyGpus(view: View, job: number, gpus: number, node: number, stream: Stream): number {
  const { cluster, scenario } = view;
  const units = gpus === 0 ? GPU_UNITS : cluster.unitsPerGpu(job, scenario.nodes.pool[node]);
  if (units === GPU_UNITS || scenario.jobs.migProfile[job] >= 0) return cluster.pickGpus(job, gpus, node);
  const roomy: number[] = [];
  const from = cluster.gpuStart[node];
  for (let g = from; g < cluster.gpuStart[node + 1]; g++) if (cluster.gpuFree[g] >= units) roomy.push(g - from);
  let mask = 0;
  for (let k = 0; k < gpus; k++) mask |= 1 << roomy.splice(stream.integer(roomy.length), 1)[0];
  return mask;
}
