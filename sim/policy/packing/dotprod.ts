/**
 * Least alignment: the node where the dot product of what the worker asks for and what is free, CPU and all GPUs of the
 * node together, each divided by the largest node's, is the smallest. As the authors of FGD compare with it (Weng et al.,
 * USENIX ATC 2023); Tetris (Grandl et al., SIGCOMM 2014) takes the largest.
 */
import { freeCpuMilli, freeMilli, milliPerDevice, norms } from './demand.ts';
import { scoredPlacer } from './scores.ts';

export const dotprod = scoredPlacer(
  'dotprod',
  'the node whose free CPU and GPU, times what is asked, add up to the least',
  ({ cluster }) => {
    const norm = norms(cluster);
    const { jobs } = cluster.spec;
    return {
      score(task, node) {
        const cpu = jobs.cpuMilli[cluster.jobOfTask[task]];
        const gpu = jobs.taskGpus[task] * milliPerDevice(cluster, task, node);
        const product =
          (freeCpuMilli(cluster, node) / norm.cpuMilli) * (cpu / norm.cpuMilli) +
          (freeMilli(cluster, node) / norm.gpuMilli) * (gpu / norm.gpuMilli);
        return Math.floor(100 * (1 - product / 2));
      },
    };
  },
);
