/** Whose jobs are on what is struck. */
import { type Cluster, GPU_UNITS, NODE_STATES } from '../../cluster/cluster.ts';
import { TERMINATING } from '../../cluster/view.ts';
import { JOB_CLASSES, type Scenario } from '../../scenario.ts';
import type { Faults, Open } from './faults.ts';
import { FAULT_KINDS, type FaultKind } from './kinds.ts';

const INFERENCE = JOB_CLASSES.indexOf('inference');

/** Jobs whose processes are struck, in the order in which they are found on the nodes. */
export function victimsOf(
  faults: Faults,
  whose: FaultKind['victims'],
  nodes: readonly number[],
  gpu: number,
  choice: number,
): number[] {
  const { cluster, jobs, scenario } = faults.host;
  const found = new Set<number>();
  if (whose === 'none') return [];
  for (const node of nodes) {
    for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
      const job = cluster.jobOfTask[task];
      if (!jobs.works(job) && jobs.status[job] !== TERMINATING) continue;
      const mask = cluster.taskMask[task];
      if ((whose === 'app' || whose === 'gpu') && gpu >= 0 && (mask & (1 << gpu)) === 0) continue;
      if (whose === 'spanning' && !spansNodes(cluster, scenario, job)) continue;
      found.add(job);
    }
  }
  const all = [...found];
  return whose === 'app' && all.length > 1 ? [all[Math.floor(choice * all.length)]] : all;
}

export function isOn(faults: Faults, job: number, { nodes, gpu }: Open): boolean {
  return victimsOf(faults, 'gpu', nodes, gpu, 0).includes(job);
}

/** Where a fault that slows things down has its speeds, and the places there: GPUs of the cluster, or nodes' links. */
export function slowPlaces(faults: Faults, { kind, nodes, gpu }: Open): [Int32Array, number[]] {
  const { cluster, jobs, scenario } = faults.host;
  if (FAULT_KINDS[kind].name === 'slow-link') {
    jobs.linkSpeed ??= new Int32Array(scenario.nodes.count).fill(1000);
    return [jobs.linkSpeed, nodes];
  }
  jobs.gpuSpeed ??= new Int32Array(cluster.gpuCount).fill(1000);
  if (nodes.length === 1) return [jobs.gpuSpeed, [cluster.gpuStart[nodes[0]] + gpu]];
  const all = nodes.flatMap((node) =>
    Array.from({ length: scenario.nodes.gpus[node] }, (_, g) => cluster.gpuStart[node] + g),
  );
  return [jobs.gpuSpeed, all];
}

export function jobsOn(faults: Faults, node: number): number[] {
  const { cluster } = faults.host;
  const found = new Set<number>();
  for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
    found.add(cluster.jobOfTask[task]);
  }
  return [...found];
}

/**
 * One GPU has to be reset; its node, and what runs on its other GPUs, goes on. Of a GPU that is given out in parts the rest
 * would be given out meanwhile: its node is emptied.
 */
export function isOfGpu(faults: Faults, { repair, gpu, kind, nodes }: Open): boolean {
  if (repair !== 'gpu-reset' || gpu < 0 || FAULT_KINDS[kind].victims === 'node') return false;
  const { cluster, scenario } = faults.host;
  const [node] = nodes;
  if (scenario.nodes.migLayout[node] >= 0) return false;
  for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
    const here = (cluster.taskMask[task] & (1 << gpu)) !== 0;
    if (here && cluster.taskUnits[task] < GPU_UNITS) return false;
  }
  return true;
}

/** Workers of a job that cannot stay where they are. */
export function struckWorkers(faults: Faults, job: number, struck: Open): number[] {
  const { cluster, scenario } = faults.host;
  const { taskStart } = scenario.jobs;
  const alone = isOfGpu(faults, struck);
  const found: number[] = [];
  for (let task = taskStart[job]; task < taskStart[job + 1]; task++) {
    if (!struck.nodes.includes(cluster.taskNode[task])) continue;
    if (!alone || (cluster.taskMask[task] & (1 << struck.gpu)) !== 0) found.push(task);
  }
  return found;
}

export function isSingle(faults: Faults, job: number): boolean {
  const { taskStart } = faults.host.scenario.jobs;
  return taskStart[job + 1] - taskStart[job] === 1;
}

export function isUp(state: number): boolean {
  const name = NODE_STATES[state];
  return name === 'ready' || name === 'draining';
}

export const isService = (scenario: Scenario, job: number) => scenario.jobs.class[job] === INFERENCE;

function spansNodes(cluster: Cluster, { jobs }: Scenario, job: number): boolean {
  let first = -1;
  for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
    const node = cluster.taskNode[t];
    if (node >= 0 && first >= 0 && node !== first) return true;
    if (node >= 0) first = node;
  }
  return false;
}
