/** Where a gang goes: what every placement policy answers, so that any queue policy can be combined with any of them. */
import type { View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';

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
}

/** Places the gang in the first pool of its list that holds it. A gang never spans pools. */
export function placeGang(
  placer: Placer,
  view: View,
  job: number,
  stream: Stream,
  suits?: NodeFilter,
): Placement | null {
  const { scenario } = view;
  for (const pool of scenario.poolLists[scenario.jobs.poolList[job]]) {
    const placement = placer.place(view, job, pool, stream, suits);
    if (placement !== null) return placement;
  }
  return null;
}
