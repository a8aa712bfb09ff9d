/** Where a gang goes: what every placement policy answers, so that any queue policy can be combined with any of them. */
import type { View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';
import type { JobColumns } from '../../scenario.ts';

/** Workers `tasks[i]` on `nodes[i]`, on the GPUs in the bits of `masks[i]`. */
export interface Placement {
  pool: number;
  tasks: number[];
  nodes: number[];
  masks: number[];
}

/** Nodes a placement may use; undefined = all. */
export type NodeFilter = (node: number) => boolean;

export interface Placer {
  name: string;
  /** One sentence: which node it takes, as `--help` and errors show it. */
  about: string;
  /**
   * Places the whole gang in one pool inside the view's trial; null, and nothing left in the trial, if it does not fit.
   * `stream` is drawn from by placers that break ties at random, and by no other.
   */
  place(view: View, job: number, pool: number, stream: Stream, suits?: NodeFilter): Placement | null;
  /**
   * For placers that weigh all nodes a job may use against each other, whatever their pool: the job's pools in the order
   * in which to try them. Without it they are tried in the order of the job's list.
   */
  poolOrder?(view: View, job: number, stream: Stream, suits?: NodeFilter): readonly number[];
}

/** Places the gang in the first pool, in its list's or the placer's order, that holds it. A gang never spans pools. */
export function placeGang(
  placer: Placer,
  view: View,
  job: number,
  stream: Stream,
  suits?: NodeFilter,
): Placement | null {
  const { scenario } = view;
  const listed = scenario.poolLists[scenario.jobs.poolList[job]];
  const pools = listed.length > 1 && placer.poolOrder ? placer.poolOrder(view, job, stream, suits) : listed;
  for (const pool of pools) {
    const placement = placer.place(view, job, pool, stream, suits);
    if (placement !== null) return placement;
  }
  return null;
}

/** Where one worker goes, given what of its gang was placed before it; -1 if nowhere. */
export type NodeChoice = (task: number, gpus: number, placed: Placement) => number;
/** The GPUs it takes there, as bits. */
export type GpuChoice = (task: number, gpus: number, node: number) => number;

/**
 * Places a gang worker by worker, the widest first, in the view's trial: all of it or nothing. GPUs are the tightest for
 * a share and the lowest free ones otherwise, unless `pick` says others.
 */
export function placeByWorker(
  view: View,
  job: number,
  pool: number,
  choose: NodeChoice,
  pick?: GpuChoice,
): Placement | null {
  const { cluster, trial, scenario } = view;
  const { jobs } = scenario;
  const mark = trial.mark();
  const placement: Placement = { pool, tasks: [], nodes: [], masks: [] };
  for (const task of widestFirst(jobs, job)) {
    const gpus = jobs.taskGpus[task];
    const node = choose(task, gpus, placement);
    if (node < 0) {
      trial.takeBack(mark);
      return null;
    }
    const mask = pick === undefined ? cluster.pickGpus(job, gpus, node) : pick(task, gpus, node);
    trial.place(task, node, mask);
    placement.tasks.push(task);
    placement.nodes.push(node);
    placement.masks.push(mask);
  }
  return placement;
}

/** The worker of a gang that is placed first. */
export function widestTask(jobs: JobColumns, job: number): number {
  let widest = jobs.taskStart[job];
  for (let t = widest + 1; t < jobs.taskStart[job + 1]; t++) if (jobs.taskGpus[t] > jobs.taskGpus[widest]) widest = t;
  return widest;
}

/** The workers of a gang, the widest first, ties in their order. */
function widestFirst(jobs: JobColumns, job: number): number[] {
  const gpus = jobs.taskGpus;
  const first = jobs.taskStart[job];
  const last = jobs.taskStart[job + 1];
  const tasks: number[] = [];
  for (let t = first; t < last; t++) tasks.push(t);
  for (let t = first + 1; t < last; t++) {
    if (gpus[t] > gpus[t - 1]) return tasks.sort((a, b) => gpus[b] - gpus[a] || a - b);
  }
  return tasks;
}
