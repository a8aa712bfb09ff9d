/** Demands and room in the units of the published placement policies: thousandths of a GPU and of a core. */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import type { ClusterReader } from '../../cluster/view.ts';

/** Units of one thousandth of a GPU. */
export const MILLI_UNITS = GPU_UNITS / 1000;

/** Thousandths of a GPU that each device of a task takes on a node; 0 for a task without GPUs. Exact for thousandths. */
export function milliPerDevice(cluster: ClusterReader, task: number, node: number): number {
  const { jobs, nodes } = cluster.spec;
  if (jobs.taskGpus[task] === 0) return 0;
  return cluster.unitsPerGpu(cluster.jobOfTask[task], nodes.pool[node]) / MILLI_UNITS;
}

/** Unallocated thousandths on all GPUs of a node. */
export function freeMilli(cluster: ClusterReader, node: number): number {
  let units = 0;
  for (let g = cluster.gpuStart[node]; g < cluster.gpuStart[node + 1]; g++) units += cluster.gpuFree[g];
  return units / MILLI_UNITS;
}

/**
 * What CPU and GPU are divided by to be compared: the largest node's. The authors of FGD use constants for all nodes,
 * 128 cores and 8 GPUs (Weng et al., USENIX ATC 2023); larger nodes than theirs raise them.
 */
export function norms(cluster: ClusterReader): { cpuMilli: number; gpuMilli: number } {
  const { nodes } = cluster.spec;
  let cpuMilli = 128_000;
  let gpuMilli = 8_000;
  for (let n = 0; n < nodes.count; n++) {
    if (nodes.cpuMilli[n] !== Infinity) cpuMilli = Math.max(cpuMilli, nodes.cpuMilli[n]);
    gpuMilli = Math.max(gpuMilli, nodes.gpus[n] * 1000);
  }
  return { cpuMilli, gpuMilli };
}

/** Unallocated CPU of a node; 0 where CPU is not counted, so that it weighs nothing. */
export function freeCpuMilli(cluster: ClusterReader, node: number): number {
  const free = cluster.cpuFree[node];
  return free === Infinity ? 0 : free;
}
