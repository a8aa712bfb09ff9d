/** The nodes of a session: what each offers, and what all of them together. */
import { CPU, GPU, MEMORY, NODE_IDLE, nodeChanged, PODS, type Session } from './columns.ts';
import type { NodeState } from './state.ts';

/** GPU memory below this is not believed to be a reading: it counts as not known. */
export const DEFAULT_GPU_MEMORY_MIB = 100;

export function compileNodes(states: readonly NodeState[], dims: number) {
  const count = states.length;
  return {
    count,
    name: states.map(({ name }) => name),
    row: new Map(states.map(({ name }, row) => [name, row])),
    allocatable: new Float64Array(count * dims),
    gpus: new Float64Array(count),
    gpuMemoryMiB: new Float64Array(count),
    memoryKnown: new Uint8Array(count),
    ready: new Uint8Array(count),
    mig: states.map(({ mig }) => mig),
    labels: states.map(({ labels }) => labels),
    taints: states.map(({ taints }) => taints),
    slots: states.map((): number[] => []),
    slotted: new Set<number>(),
    all: states.map((_, row) => row),
    byFree: [],
    idleByFree: [],
    filed: new Int32Array(count).fill(-1),
    filedIdle: new Uint8Array(count),
  };
}

export function describeNode(session: Session, row: number, state: NodeState): void {
  const { nodes, dims, migRow, columns } = session;
  const at = row * dims;
  const was = nodes.allocatable.slice(at, at + dims);
  nodes.allocatable[at + CPU] = state.cpuMilli;
  nodes.allocatable[at + MEMORY] = state.memoryBytes;
  nodes.allocatable[at + GPU] = state.gpus;
  nodes.allocatable[at + PODS] = state.maxTasks;
  for (const [name, dim] of migRow) nodes.allocatable[at + dim] = state.migInstances[name] ?? 0;
  for (let dim = 0; dim < dims; dim++) columns[NODE_IDLE][at + dim] += nodes.allocatable[at + dim] - was[dim];
  nodes.gpus[row] = state.gpus;
  nodes.memoryKnown[row] = state.gpuMemoryMiB > 0 ? 1 : 0;
  // As the scheduler does: in whole hundreds, so that hundredths of a GPU are whole MiB.
  nodes.gpuMemoryMiB[row] = state.gpuMemoryMiB - (state.gpuMemoryMiB % 100) || DEFAULT_GPU_MEMORY_MIB;
  nodes.ready[row] = state.schedulable ? 1 : 0;
  nodes.mig[row] = state.mig;
  nodes.labels[row] = state.labels;
  nodes.taints[row] = state.taints;
  nodeChanged(session, row);
}

/** What all nodes together offer, and the largest of each. */
export function measurePool(session: Session): void {
  const { nodes, dims, total, largest, gpusPerUnit } = session;
  total.fill(0);
  largest.fill(0);
  let min = Infinity;
  let max = 0;
  for (let row = 0; row < nodes.count; row++) {
    for (let dim = 0; dim < dims; dim++) {
      const amount = nodes.allocatable[row * dims + dim];
      largest[dim] = Math.max(largest[dim], amount);
      if (nodes.ready[row] === 0) continue;
      if (dim < GPU) total[dim] += amount;
      else total[GPU] += amount * gpusPerUnit[dim];
    }
    const memory = nodes.gpuMemoryMiB[row];
    if (memory > DEFAULT_GPU_MEMORY_MIB) {
      min = Math.min(min, memory);
      max = Math.max(max, memory);
    }
  }
  session.minGpuMemoryMiB = max === 0 ? DEFAULT_GPU_MEMORY_MIB : min;
  session.maxGpuMemoryMiB = max === 0 ? DEFAULT_GPU_MEMORY_MIB : max;
}

export function nodeState({ nodes, dims, migRow }: Session, row: number): NodeState {
  const at = row * dims;
  return {
    name: nodes.name[row],
    gpus: nodes.gpus[row],
    cpuMilli: nodes.allocatable[at + CPU],
    memoryBytes: nodes.allocatable[at + MEMORY],
    maxTasks: nodes.allocatable[at + PODS],
    gpuMemoryMiB: nodes.memoryKnown[row] === 1 ? nodes.gpuMemoryMiB[row] : 0,
    labels: nodes.labels[row],
    taints: nodes.taints[row],
    schedulable: nodes.ready[row] === 1,
    mig: nodes.mig[row],
    migInstances: Object.fromEntries([...migRow].map(([mig, dim]) => [mig, nodes.allocatable[at + dim]])),
  };
}
