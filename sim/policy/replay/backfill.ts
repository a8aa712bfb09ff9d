/**
 * First come first served with EASY backfill (Lifka, JSSPP 1995; Mu'alem and Feitelson, TPDS 2001): the head of the line
 * gets a reservation at the earliest moment it can start; later jobs may start now if they do not delay it, because
 * they end before that moment or leave room for the head on its nodes.
 */

import { bitCount } from '../../cluster/idset.ts';
import type { Action, View } from '../../cluster/view.ts';
import { mayFit, placeBestFit, placeInPool } from '../packing/bestfit.ts';
import type { Placement } from '../packing/placement.ts';
import type { PolicyFactory } from '../policy.ts';
import { admit, type Lines, openLines } from './queue.ts';
import { addSorted, removeSorted, type SortedJobs } from './sorted.ts';

interface Room {
  gpus: number;
  cpuMilli: number;
  memoryMiB: number;
}

interface Reservation {
  pool: number;
  /** When the head can start there, µs. */
  at: number;
  /** What would be left on each of its nodes then, after it has started. */
  room: Map<number, Room>;
}

interface Memory extends Lines {
  reservations: (Reservation | null)[];
  /** Running jobs of each group by (believed end, job). */
  running: SortedJobs[];
  /** When a running job is believed to end, µs. */
  endOf: Float64Array;
}

export const fifoBackfill: PolicyFactory = {
  name: 'fifo-backfill',
  about: 'first come first served, the head gets a reservation and others may pass if they do not delay it (EASY)',
  args: {
    estimate: {
      type: 'choice',
      of: ['duration', 'limit'],
      default: 'duration',
      about: 'what is believed about run times: the true duration, or the requested time limit where a job has one',
    },
  },
  create: (args: { estimate: 'duration' | 'limit' }) => ({
    name: 'fifo-backfill',
    periodUs: 0,
    init: (scenario) => {
      const lines = openLines(scenario);
      return {
        ...lines,
        reservations: lines.lines.map(() => null),
        running: lines.lines.map(() => []),
        endOf: new Float64Array(scenario.jobs.count),
      };
    },
    decide(view, state: Memory, now) {
      const { jobs } = view.scenario;
      for (const job of view.left) forget(state, state.groupOf[jobs.poolList[job]], job, now);
      // A node that came back may let the head start earlier.
      if (view.freed && view.left.length === 0) state.reservations.fill(null);
      admit(state, view, (job) => jobs.submitUs[job]);
      const actions: Action[] = [];
      for (let group = 0; group < state.lines.length; group++) {
        schedule(view, state, group, now, args.estimate === 'limit', actions);
      }
      return { actions, state, wakeAt: Infinity };
    },
  }),
};

function schedule(view: View, state: Memory, group: number, now: number, byLimit: boolean, actions: Action[]): void {
  const line = state.lines[group];
  const { jobs, poolLists } = view.scenario;
  const span = (job: number, pool: number) => {
    const real = view.spanUs(job, pool);
    return byLimit && jobs.limitUs[job] > 0 ? jobs.limitUs[job] : real;
  };
  const start = (job: number, placement: Placement, reason: string) => {
    const { tasks, nodes, masks, pool } = placement;
    actions.push({ kind: 'place', job, tasks, nodes, masks, reason });
    state.endOf[job] = now + span(job, pool);
    addSorted(state.running[group], state.endOf, job);
  };

  let head = 0;
  for (; head < line.length; head++) {
    const job = line[head];
    const placement = mayFit(view, job, state.gpus[job], state.widest[job]) ? placeBestFit(view, job) : null;
    if (placement === null) break;
    start(job, placement, 'head of line');
  }
  if (head > 0) {
    line.splice(0, head);
    state.reservations[group] = null;
  }
  if (line.length < 2) return;

  // A reservation whose time has come while the head still waits was not kept (a node failed, a job ran over).
  if ((state.reservations[group]?.at ?? now) < now) state.reservations[group] = null;
  const reservation = state.reservations[group] ?? reserve(view, state, group, line[0]);
  state.reservations[group] = reservation;
  /** Sizes of single-worker jobs, by pool list, that the reservation was found to keep out if they run past it. */
  const keptOut = new Map<number, number>();
  let kept = 1;
  for (let i = 1; i < line.length; i++) {
    const job = line[i];
    let placement: Placement | null = null;
    if (mayFit(view, job, state.gpus[job], state.widest[job])) {
      const list = jobs.poolList[job];
      for (const pool of poolLists[list]) {
        const end = now + span(job, pool);
        if (pool !== reservation.pool || end <= reservation.at) {
          placement = placeInPool(view, job, pool);
        } else if (!isPlain(view, job) || state.gpus[job] < (keptOut.get(list) ?? Number.POSITIVE_INFINITY)) {
          placement = placeBeside(view, job, pool, reservation);
          if (placement === null && isPlain(view, job)) keptOut.set(list, state.gpus[job]);
        }
        if (placement !== null) break;
      }
    }
    if (placement === null) line[kept++] = job;
    else start(job, placement, `backfilled: does not delay ${jobs.ids[line[0]]}`);
  }
  line.length = kept;
}

/** One worker of whole GPUs that asks nothing else: what a smaller one of its kind cannot have, it cannot. */
function isPlain(view: View, job: number): boolean {
  const { jobs } = view.scenario;
  return (
    jobs.taskStart[job + 1] - jobs.taskStart[job] === 1 &&
    jobs.shareMilli[job] === 1000 &&
    jobs.gpuMemoryMiB[job] === 0 &&
    jobs.migProfile[job] < 0 &&
    jobs.cpuMilli[job] === 0 &&
    jobs.memoryMiB[job] === 0
  );
}

/** Places a job that runs past the reservation so that the head still finds its nodes, or not at all. */
function placeBeside(view: View, job: number, pool: number, reservation: Reservation): Placement | null {
  const mark = view.trial.mark();
  const first = placeInPool(view, job, pool);
  if (first === null) return null;
  if (leavesRoom(view, job, first, reservation)) return first;
  view.trial.takeBack(mark);
  return placeInPool(view, job, pool, (node) => !reservation.room.has(node));
}

/** Whether the head's nodes keep enough for the head; if so, notes what this placement takes of the rest. */
function leavesRoom(view: View, job: number, placement: Placement, reservation: Reservation): boolean {
  const { jobs } = view.scenario;
  const taken = new Map<Room, Room>();
  for (let i = 0; i < placement.nodes.length; i++) {
    const room = reservation.room.get(placement.nodes[i]);
    if (room === undefined) continue;
    const sum = taken.get(room) ?? { gpus: 0, cpuMilli: 0, memoryMiB: 0 };
    // A share counts as a whole GPU here: the head asks for whole ones, or may find its share elsewhere.
    sum.gpus += bitCount(placement.masks[i]);
    sum.cpuMilli += jobs.cpuMilli[job];
    sum.memoryMiB += jobs.memoryMiB[job];
    taken.set(room, sum);
  }
  for (const [room, sum] of taken) {
    if (sum.gpus > room.gpus || sum.cpuMilli > room.cpuMilli || sum.memoryMiB > room.memoryMiB) return false;
  }
  for (const [room, sum] of taken) {
    room.gpus -= sum.gpus;
    room.cpuMilli -= sum.cpuMilli;
    room.memoryMiB -= sum.memoryMiB;
  }
  return true;
}

/** The earliest moment at which the head fits as running jobs end when they are believed to; tried on the cluster itself. */
function reserve(view: View, state: Memory, group: number, job: number): Reservation {
  const { cluster, trial } = view;
  const mark = trial.mark();
  let found: Reservation = { pool: -1, at: Infinity, room: new Map() };
  const running = state.running[group].flat();
  for (let i = 0; i < running.length; ) {
    const at = state.endOf[running[i]];
    if (at === Infinity) break;
    while (i < running.length && state.endOf[running[i]] === at) trial.evict(running[i++]);
    if (!mayFit(view, job, state.gpus[job], state.widest[job])) continue;
    const placement = placeBestFit(view, job);
    if (placement === null) continue;
    const room = new Map<number, Room>();
    for (const node of placement.nodes) {
      room.set(node, {
        gpus: cluster.nodeFreeGpus[node],
        cpuMilli: cluster.cpuFree[node],
        memoryMiB: cluster.memoryFree[node],
      });
    }
    found = { pool: placement.pool, at, room };
    break;
  }
  trial.takeBack(mark);
  return found;
}

/** A job that left on time changes nothing for the reservation; one that left early, or was stopped, may bring it forward. */
function forget(state: Memory, group: number, job: number, now: number): void {
  if (removeSorted(state.running[group], state.endOf, job) && state.endOf[job] !== now)
    state.reservations[group] = null;
}
