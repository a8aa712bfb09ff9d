/** From what was rearranged in the trial to actions: who goes, and who starts because its room is really free by then. */
import type { View } from '../../cluster/view.ts';
import type { Placement } from '../packing/placement.ts';
import { preempt, start, type Turn } from './turn.ts';

/**
 * The trial has been taken back. `late`: somebody's room is not free yet, of those who go now or went before; what was
 * placed there is decided again when it is. `placed` is in order of rank.
 */
export function carryOut(turn: Turn, gone: number[], placed: [number, Placement][], late: boolean): void {
  const { trial, scenario } = turn.view;
  const again = new Set(placed.map(([job]) => job));
  for (const job of gone) preempt(turn, job, again.has(job) ? 'moves to make room' : undefined);
  if (!late) {
    for (const [job, placement] of placed) start(turn, job, placement);
    return;
  }
  const begin = trial.mark();
  for (const job of gone) if (scenario.jobs.graceUs[job] === 0) trial.evict(job);
  for (const [job, placement] of placed) if (takeIfFree(turn.view, job, placement)) start(turn, job, placement);
  trial.takeBack(begin);
}

/** Whether a gang can have exactly these GPUs; if so it has them in the trial. */
function takeIfFree(view: View, job: number, { tasks, nodes, masks }: Placement): boolean {
  const { cluster, trial, scenario } = view;
  const { jobs } = scenario;
  // Told to go: it still holds what it had.
  if (cluster.taskNode[tasks[0]] >= 0) return false;
  const mark = trial.mark();
  for (let i = 0; i < tasks.length; i++) {
    if (!hasRoom(view, job, nodes[i], masks[i]) || !cluster.fits(job, jobs.taskGpus[tasks[i]], nodes[i])) {
      trial.takeBack(mark);
      return false;
    }
    trial.place(tasks[i], nodes[i], masks[i]);
  }
  return true;
}

/** Whether each of these GPUs has the room the job asks of it. */
function hasRoom(view: View, job: number, node: number, mask: number): boolean {
  const { cluster, scenario } = view;
  if (scenario.jobs.migProfile[job] >= 0) return true;
  const units = cluster.unitsPerGpu(job, cluster.spec.nodes.pool[node]);
  for (let g = cluster.gpuStart[node]; g < cluster.gpuStart[node + 1]; g++) {
    if ((mask & (1 << (g - cluster.gpuStart[node]))) !== 0 && cluster.gpuFree[g] < units) return false;
  }
  return true;
}
