/** What a task asks for, in the scheduler's own arithmetic: whole GPUs, a share, MiB of GPU memory, MIG instances. */
import { FRACTION, GPU, GPU_MEMORY, MIG, type Session, type TaskFacts, WHOLE } from './columns.ts';
import type { TaskState } from './state.ts';

/** Sum of equal shares, to the hundredth of a GPU, as quotas count it. */
export function sumOfShares(portion: number, devices: number): number {
  return (Math.round(portion * 100) * devices) / 100;
}

export function requestKind(state: TaskState): number {
  if (state.legacyMig || Object.keys(state.migInstances).length > 0) return MIG;
  if (state.gpuMemoryMiB > 0) return GPU_MEMORY;
  return state.gpus > 0 && state.gpus < 1 ? FRACTION : WHOLE;
}

/** GPUs that an instance of a MIG profile counts for: `nvidia.com/mig-3g.40gb` → 3; 0 for another resource. */
export function gpusOfMigProfile(resource: string): number {
  const match = /^nvidia\.com\/mig-(\d+)g\.\d+gb$/.exec(resource);
  return match === null ? 0 : Number(match[1]);
}

export const isShared = (facts: TaskFacts): boolean => facts.kind === FRACTION || facts.kind === GPU_MEMORY;

/** MiB it takes of one GPU of the node. */
export function memoryOnNode(session: Session, facts: TaskFacts, node: number): number {
  return facts.memoryMiB > 0 ? facts.memoryMiB : Math.trunc(facts.portion * session.nodes.gpuMemoryMiB[node]);
}

/** Hundredths, rounded up: nobody is told he takes less than he does. */
export function memoryAsShare(session: Session, memoryMiB: number, node: number): number {
  return Math.ceil((memoryMiB / session.nodes.gpuMemoryMiB[node]) * 100) / 100;
}

export function shareOnNode(session: Session, facts: TaskFacts, node: number): number {
  return facts.memoryMiB > 0 ? memoryAsShare(session, facts.memoryMiB, node) : facts.portion;
}

/** GPUs it is charged with once it is on the node, MIG instances apart. */
export function acceptedGpus(session: Session, facts: TaskFacts, node: number): number {
  if (facts.kind === MIG) return 0;
  return isShared(facts) ? sumOfShares(shareOnNode(session, facts, node), facts.devices) : facts.asks[GPU];
}

/** GPUs it would be charged with on the node, for quotas and limits. */
export function quotaOnNode(session: Session, facts: TaskFacts, node: number): number {
  if (facts.kind === MIG) return facts.quotaGpus;
  return facts.devices * memoryAsShare(session, memoryOnNode(session, facts, node), node);
}

/** A request by memory as GPUs of the given memory. */
export function memoryAsGpus(facts: TaskFacts, gpuMemoryMiB: number): number {
  return facts.memoryMiB > 0 ? facts.devices * (facts.memoryMiB / gpuMemoryMiB) : 0;
}
