/** Whether a job could ever run: on an empty cluster with every node ready, in one of its pools. */
import { type Cluster, GPU_UNITS } from '../cluster/cluster.ts';
import type { Scenario } from '../scenario.ts';

const answers = new WeakMap<Cluster, Map<string, boolean>>();

/** Cached by the job's shape: a trace has few. */
export function fitsEmptyCluster(cluster: Cluster, scenario: Scenario, job: number): boolean {
  const { jobs } = scenario;
  let cache = answers.get(cluster);
  if (cache === undefined) {
    cache = new Map();
    answers.set(cluster, cache);
  }
  const gpus = Array.from(jobs.taskGpus.subarray(jobs.taskStart[job], jobs.taskStart[job + 1])).sort((a, b) => b - a);
  const key = [
    jobs.poolList[job],
    jobs.shareMilli[job],
    jobs.gpuMemoryMiB[job],
    jobs.migProfile[job],
    jobs.cpuMilli[job],
    jobs.memoryMiB[job],
    ...gpus,
  ].join(' ');
  let answer = cache.get(key);
  if (answer === undefined) {
    answer = scenario.poolLists[jobs.poolList[job]].some((pool) => fitsEmptyPool(cluster, scenario, job, gpus, pool));
    cache.set(key, answer);
  }
  return answer;
}

/** Widest workers first, each on the first node with room: exact for gangs of like workers. */
function fitsEmptyPool(cluster: Cluster, scenario: Scenario, job: number, gpus: number[], pool: number): boolean {
  const { jobs, nodes } = scenario;
  const order = cluster.nodesOfPool[pool];
  const room = Float64Array.from(order, (node) => roomOn(cluster, scenario, job, node, pool));
  const cpu = Float64Array.from(order, (node) => nodes.cpuMilli[node]);
  const memory = Float64Array.from(order, (node) => nodes.memoryMiB[node]);
  let at = 0;
  for (let worker = 0; worker < gpus.length; worker++) {
    // A narrower worker may go where a wider one had no room; one as wide as the last need not look there again.
    if (worker > 0 && gpus[worker] < gpus[worker - 1]) at = 0;
    while (
      at < order.length &&
      (room[at] < gpus[worker] || cpu[at] < jobs.cpuMilli[job] || memory[at] < jobs.memoryMiB[job])
    )
      at++;
    if (at === order.length) return false;
    room[at] -= gpus[worker];
    cpu[at] -= jobs.cpuMilli[job];
    memory[at] -= jobs.memoryMiB[job];
  }
  return true;
}

/** Devices of the size the job asks for on an empty node. */
function roomOn(cluster: Cluster, scenario: Scenario, job: number, node: number, pool: number): number {
  const { jobs, nodes, migLayouts, migProfiles } = scenario;
  const layout = migLayouts[nodes.migLayout[node]];
  if (jobs.migProfile[job] >= 0) {
    const profile = migProfiles[jobs.migProfile[job]];
    return layout === undefined ? 0 : nodes.gpus[node] * layout.instances.filter((name) => name === profile).length;
  }
  if (layout !== undefined) return 0;
  // Several devices of one task are on different GPUs; what a single GPU could hold of them is for other tasks.
  return nodes.gpus[node] * Math.floor(GPU_UNITS / cluster.unitsPerGpu(job, pool));
}
