/**
 * GPU packing: first GPUs that are shared already, the fullest node of them; then free GPUs of a node in use; a node
 * with no GPU in use last. After Xiao et al., Gandiva (OSDI 2018) and Weng et al., MLaaS in the wild (NSDI 2022), with
 * the scores of the authors of FGD (Weng et al., USENIX ATC 2023).
 */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import { MILLI_UNITS, milliPerDevice } from './demand.ts';
import { scoredPlacer } from './scores.ts';

export const gpuPacking = scoredPlacer(
  'gpu-packing',
  'GPUs shared already before free GPUs of a node in use, and those before idle nodes',
  ({ cluster }) => {
    const { jobs } = cluster.spec;
    const room: number[] = [];
    return {
      score(task, node) {
        const devices = jobs.taskGpus[task];
        if (devices === 0) return 0;
        const milli = milliPerDevice(cluster, task, node);
        const from = cluster.gpuStart[node];
        const to = cluster.gpuStart[node + 1];
        let idle = 0;
        room.length = 0;
        for (let g = from; g < to; g++) {
          if (cluster.gpuFree[g] === GPU_UNITS) idle++;
          const free = cluster.gpuFree[g] / MILLI_UNITS;
          if (free >= milli) room.push(free);
        }
        if (idle === to - from) return Math.max(33 - idle, idle);
        room.sort((a, b) => a - b);
        let opened = 0;
        let left = 0;
        for (let k = 0; k < Math.min(devices, room.length); k++) {
          if (room[k] === 1000) opened++;
          left += Math.floor(room[k] / 10);
        }
        if (opened > 0) return Math.max(50 - opened, 33);
        return Math.max(100 - Math.floor(left / 10), 50);
      },
    };
  },
);
