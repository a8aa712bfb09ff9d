/**
 * Best fit over CPU and GPU together: the node with the least left of both, each divided by the largest node's and
 * weighted alike. `BestFit` of the authors of FGD (Weng et al., USENIX ATC 2023); `bestfit` looks at free GPUs alone.
 */
import { freeCpuMilli, freeMilli, milliPerDevice, norms } from './demand.ts';
import { scoredPlacer } from './scores.ts';

export const bestfitWeighted = scoredPlacer(
  'bestfit-weighted',
  'the node with the least CPU and GPU left afterwards, weighted alike',
  ({ cluster }) => {
    const norm = norms(cluster);
    const { jobs } = cluster.spec;
    return {
      score(task, node) {
        const free = cluster.cpuFree[node];
        const cpu = free === Infinity ? 0 : freeCpuMilli(cluster, node) - jobs.cpuMilli[cluster.jobOfTask[task]];
        const gpu = freeMilli(cluster, node) - jobs.taskGpus[task] * milliPerDevice(cluster, task, node);
        // Scores are cut to whole numbers, so the order of these operations is part of the rule.
        const left = (cpu / norm.cpuMilli) * 0.5 + (gpu / norm.gpuMilli) * 0.5;
        return Math.floor((1 - left) * 100);
      },
    };
  },
);
