/**
 * How much of what is free is of no use to anyone who waits: free GPUs where no queued job fits, though one of them
 * would fit the total. Counted by GPUs; CPU and memory are left out.
 */
import { type Cluster, GPU_UNITS } from '../cluster/cluster.ts';
import type { Scenario } from '../scenario.ts';

/** Jobs that ask alike are one shape. */
interface Shape {
  poolList: number;
  /** Devices of the smallest worker, and of the whole gang. */
  worker: number;
  gang: number;
  /** Any job of the shape, to ask how many units a device takes in a pool. */
  job: number;
  pending: number;
}

export class Fragmentation {
  readonly shapeOf: Int32Array;
  readonly shapes: Shape[] = [];
  private readonly shapesOfPool: number[][];
  private readonly cluster: Cluster;

  constructor(scenario: Scenario, cluster: Cluster) {
    this.cluster = cluster;
    const { jobs, poolLists } = scenario;
    this.shapeOf = new Int32Array(jobs.count);
    const numbers = new Map<string, number>();
    for (let j = 0; j < jobs.count; j++) {
      let worker = Infinity;
      let gang = 0;
      for (let t = jobs.taskStart[j]; t < jobs.taskStart[j + 1]; t++) {
        worker = Math.min(worker, jobs.taskGpus[t]);
        gang += jobs.taskGpus[t];
      }
      const key = `${jobs.poolList[j]} ${worker} ${gang} ${jobs.shareMilli[j]} ${jobs.gpuMemoryMiB[j]} ${jobs.migProfile[j]}`;
      let shape = numbers.get(key);
      if (shape === undefined) {
        shape = this.shapes.length;
        numbers.set(key, shape);
        this.shapes.push({ poolList: jobs.poolList[j], worker, gang, job: j, pending: 0 });
      }
      this.shapeOf[j] = shape;
    }
    this.shapesOfPool = scenario.pools.map((_, pool) =>
      this.shapes.flatMap((shape, i) => (poolLists[shape.poolList].includes(pool) ? [i] : [])),
    );
  }

  count(job: number, by: number): void {
    this.shapes[this.shapeOf[job]].pending += by;
  }

  /** Free units of the pool that no pending job's worker fits on, where some pending gang would fit the total. */
  measure(pool: number): number {
    const { cluster } = this;
    const free = cluster.openFreeUnits[pool];
    if (free === 0) return 0;
    let smallest = Infinity;
    let fitsTotal = false;
    for (const i of this.shapesOfPool[pool]) {
      const shape = this.shapes[i];
      if (shape.pending === 0 || shape.gang === 0) continue;
      const units = cluster.unitsPerGpu(shape.job, pool);
      smallest = Math.min(smallest, units === GPU_UNITS ? shape.worker * GPU_UNITS : units);
      fitsTotal ||= shape.gang * units <= free;
    }
    if (!fitsTotal) return 0;
    let units = cluster.unitsOnSharedBelow(pool, Math.min(smallest, GPU_UNITS));
    for (let k = 1; k < Math.min(smallest / GPU_UNITS, cluster.widestNode(pool) + 1); k++) {
      units += k * GPU_UNITS * cluster.nodesWithFree(pool, k);
    }
    return units;
  }
}
