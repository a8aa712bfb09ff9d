/**
 * Fragmentation gradient descent: the node, and for a share the GPU, where placing the worker makes the least new
 * fragments, or removes the most. A fragment is free GPU that a typical worker could not use; expected over the typical
 * workers. Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient
 * Descent", USENIX ATC 2023, sections 3 and 4, with the scores of the authors' scheduler plug-in.
 */
import { bitCount } from '../../cluster/idset.ts';
import type { ClusterReader } from '../../cluster/view.ts';
import { exp } from '../../engine/math.ts';
import type { TypicalWorker } from '../../scenario.ts';
import { MILLI_UNITS, milliPerDevice } from './demand.ts';
import { type Scoring, scoredPlacer } from './scores.ts';
import { typicalWorkers } from './typical.ts';

export const fgd = scoredPlacer(
  'fgd',
  'the node and GPU where free GPUs stay most useful to typical workers (fragmentation gradient descent)',
  ({ cluster, scenario }) => gradient(cluster, scenario.typicalWorkers ?? typicalWorkers(scenario)),
);

function gradient(cluster: ClusterReader, typical: readonly TypicalWorker[]): Scoring {
  const { jobs, nodes } = cluster.spec;
  const fragments = cluster.nodesOfPool.map((_, pool) => new Fragments(typical, pool));
  /** Fragment of each node as it is, and the change of the node up to which that holds. */
  const before = new Float64Array(cluster.nodeCount);
  const beforeAt = new Float64Array(cluster.nodeCount).fill(-1);
  /** Free thousandths of the node's GPUs, to try things on. */
  const free = new Float64Array(32);
  let bestMask = 0;

  /** Leaves the GPUs of the highest score in `bestMask`. */
  const score = (task: number, node: number): number => {
    const job = cluster.jobOfTask[task];
    const from = cluster.gpuStart[node];
    const count = cluster.gpuStart[node + 1] - from;
    for (let k = 0; k < count; k++) free[k] = cluster.gpuFree[from + k] / MILLI_UNITS;
    const fragment = fragments[nodes.pool[node]];
    const cpu = cluster.cpuFree[node];
    if (beforeAt[node] !== cluster.changedAt[node]) {
      before[node] = fragment.of(cpu, free, count);
      beforeAt[node] = cluster.changedAt[node];
    }
    const cpuAfter = cpu === Infinity ? cpu : cpu - jobs.cpuMilli[job];
    const devices = jobs.taskGpus[task];
    const milli = milliPerDevice(cluster, task, node);
    if (devices !== 1 || milli === 1000 || jobs.migProfile[job] >= 0) {
      bestMask = cluster.pickGpus(job, devices, node);
      // MIG instances may lie on fewer GPUs than they are.
      const each = bestMask === 0 ? 0 : (milli * devices) / bitCount(bestMask);
      for (let k = 0; k < count; k++) if ((bestMask & (1 << k)) !== 0) free[k] -= each;
      return scoreOf(before[node], fragment.of(cpuAfter, free, count));
    }
    let best = -1;
    for (let k = 0; k < count; k++) {
      if (free[k] < milli || seenBefore(free, k)) continue;
      free[k] -= milli;
      const mine = scoreOf(before[node], fragment.of(cpuAfter, free, count));
      free[k] += milli;
      if (mine > best) {
        best = mine;
        bestMask = 1 << k;
      }
    }
    return best;
  };
  return {
    score,
    pick(task, node) {
      score(task, node);
      return bestMask;
    },
  };
}

/** 50 = fragmentation stays; cut to a whole number, so that equally good nodes are a tie. */
function scoreOf(before: number, after: number): number {
  return Math.floor(100 * (1 / (1 + exp(-(before - after) / 1000))));
}

/** A GPU with as much room as an earlier one scores the same, and the earlier one is taken. */
function seenBefore(free: Float64Array, k: number): boolean {
  for (let i = 0; i < k; i++) if (free[i] === free[k]) return true;
  return false;
}

/** Expected fragment of a node of one pool, in thousandths of a GPU. */
class Fragments {
  private readonly weight: Float64Array;
  private readonly cpuMilli: Float64Array;
  private readonly gpus: Int32Array;
  /** Index into `sizes`; -1 = needs no GPU, -2 = may not use the pool. */
  private readonly size: Int32Array;
  /** Different thousandths that a device takes, with how many GPUs have them and how much lies on those that have not. */
  private readonly sizes: Float64Array;
  private readonly enough: Int32Array;
  private readonly tooSmall: Float64Array;

  constructor(typical: readonly TypicalWorker[], pool: number) {
    this.weight = Float64Array.from(typical, ({ weight }) => weight);
    this.cpuMilli = Float64Array.from(typical, ({ cpuMilli }) => cpuMilli);
    this.gpus = Int32Array.from(typical, ({ gpus }) => gpus);
    const sizes = [...new Set(typical.map(({ milli }) => milli[pool]).filter((milli) => milli > 0))];
    this.size = Int32Array.from(typical, ({ gpus, milli }) =>
      gpus === 0 ? -1 : milli[pool] < 0 ? -2 : sizes.indexOf(milli[pool]),
    );
    this.sizes = Float64Array.from(sizes);
    this.enough = new Int32Array(sizes.length);
    this.tooSmall = new Float64Array(sizes.length);
  }

  /**
   * Of a node with so much free CPU and `count` GPUs with so much free. A worker that needs no GPU, may not use the node,
   * or lacks CPU or GPUs makes all of it a fragment; another only what lies on GPUs too small for it. Scores are cut to
   * whole numbers, so the order of the sum counts: by reason first, as the authors' program adds up.
   */
  of(cpu: number, free: Float64Array, count: number): number {
    const { weight, cpuMilli, gpus, size, sizes, enough, tooSmall } = this;
    let all = 0;
    for (let k = 0; k < count; k++) all += free[k];
    for (let s = 0; s < sizes.length; s++) {
      let fit = 0;
      let rest = 0;
      for (let k = 0; k < count; k++) {
        if (free[k] >= sizes[s]) fit++;
        else rest += free[k];
      }
      enough[s] = fit;
      tooSmall[s] = rest;
    }
    let lacksBoth = 0;
    let lacksGpus = 0;
    let lacksCpu = 0;
    let noGpus = 0;
    let noGpusLacksCpu = 0;
    let elsewhere = 0;
    for (let t = 0; t < weight.length; t++) {
      const hasCpu = cpu >= cpuMilli[t];
      if (size[t] === -1) {
        if (hasCpu) noGpus += weight[t] * all;
        else noGpusLacksCpu += weight[t] * all;
      } else if (size[t] === -2) elsewhere += weight[t] * all;
      else if (enough[size[t]] < gpus[t]) {
        if (hasCpu) lacksGpus += weight[t] * all;
        else lacksBoth += weight[t] * all;
      } else if (hasCpu) lacksGpus += weight[t] * tooSmall[size[t]];
      else lacksCpu += weight[t] * all;
    }
    return lacksBoth + lacksGpus + lacksCpu + noGpus + noGpusLacksCpu + elsewhere;
  }
}
