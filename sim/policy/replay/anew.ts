/**
 * `choice: anew`: at every ranking all jobs are placed one by one, in order of rank, on an emptied cluster, as simulators
 * do that count a move as nothing (Tiresias, NSDI 2019, and Muri, SIGCOMM 2022). Here a job that moves is preempted.
 */
import type { View } from '../../cluster/view.ts';
import type { Placement } from '../packing/placement.ts';
import { carryOut } from './carry-out.ts';
import { byRank, findPlace, runningInOrder, type Turn, waitingInOrder } from './turn.ts';

export function chooseAnew(turn: Turn): void {
  const { view, state, group, args } = turn;
  const { trial } = view;
  const begin = trial.mark();
  const rank = byRank(turn);
  const running = runningInOrder(turn);
  const walk = waitingInOrder(turn);
  const placed: [number, Placement][] = [];
  const gone: number[] = [];
  const order: number[] = [];
  const failed = new Set<number>();
  // As long as the same jobs come in the same order as last time, they are placed as last time.
  const before = view.nodeReturned ? [] : state.placed[group];
  let same = true;
  /** Most that could be free, in whole GPUs, if all who run and have not had their turn were gone. */
  let most = 0;
  for (const pool of view.scenario.pools.keys()) most += view.cluster.openFreeUnits[pool] / 7000;
  for (const job of running) most += state.worth[job];
  let stopped = false;
  let at = 0;
  let waiting = walk.next();
  while (at < running.length || waiting >= 0) {
    const runs = at < running.length && (waiting < 0 || rank(running[at], waiting) < 0);
    const job = runs ? running[at++] : waiting;
    let found = false;
    if (same && runs && before[order.length] === job) {
      found = true;
      most -= state.worth[job];
    } else if (!stopped && !failed.has(state.shapeOf[job]) && !(same && !runs && state.worth[job] > most)) {
      if (same) {
        same = false;
        for (let i = runs ? at - 1 : at; i < running.length; i++) trial.evict(running[i]);
      }
      const placement = findPlace(turn, job);
      found = placement !== null;
      if (placement !== null) placed.push([job, placement]);
    }
    if (found) {
      order.push(job);
    } else {
      if (args.blocked === 'stop') stopped = true;
      failed.add(state.shapeOf[job]);
      if (runs) gone.push(job);
      else walk.pass();
    }
    if (!runs) waiting = stopped ? -1 : walk.next();
  }
  trial.takeBack(begin);
  const starting = placed.filter(([, placement]) => !isThere(view, placement));
  for (const [job] of starting) if (state.runs[job] === 1) gone.push(job);
  const { graceUs } = view.scenario.jobs;
  const late = gone.some((job) => graceUs[job] > 0);
  // Who finds no room yet is not where it would be.
  state.placed[group] = late ? [] : order;
  carryOut(turn, gone, starting, late);
}

/** Whether that is where its workers are. */
function isThere({ cluster }: View, { tasks, nodes, masks }: Placement): boolean {
  for (let i = 0; i < tasks.length; i++) {
    if (cluster.taskNode[tasks[i]] !== nodes[i] || cluster.taskMask[tasks[i]] !== masks[i]) return false;
  }
  return true;
}
