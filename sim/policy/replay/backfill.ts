/**
 * First come first served with EASY backfill (Lifka, JSSPP 1995; Mu'alem and Feitelson, TPDS 2001): the head of the line
 * gets a reservation at the earliest moment it can start; later jobs may start now if they do not delay it, because
 * they end before that moment or leave room for the head on its nodes. Where jobs may use different pools, whoever stands
 * first for all of its pools is a head.
 */

import type { Action, View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';
import { mayFit } from '../packing/bestfit.ts';
import { placementArg, placerNamed } from '../packing/index.ts';
import { type Placement, type Placer, placeGang } from '../packing/placement.ts';
import type { PolicyFactory } from '../policy.ts';
import { addToLine, type Line, LineWalk, removeFromLine } from './line.ts';
import { type Groups, groupsOf } from './queue.ts';
import { shapesOf } from './shapes.ts';
import { addSorted, removeSorted, type SortedJobs } from './sorted.ts';

interface Room {
  gpus: number;
  cpuMilli: number;
  memoryMiB: number;
}

interface Reservation {
  job: number;
  pool: number;
  /** When the head can start there, µs. */
  at: number;
  /** What would be left on each of its nodes then, after it has started. */
  room: Map<number, Room>;
}

interface Memory extends Groups {
  shapeOf: Int32Array;
  /** Those who wait, by group. */
  lines: Line[];
  /** The shortest time a job is believed to take in any of its pools, µs; known once it waits. */
  span: Float64Array;
  /** By group, one for each head: nobody in front of it could use any of its pools. */
  reservations: Reservation[][];
  /** Running jobs of each group by (believed end, job). */
  running: SortedJobs[];
  /** When a running job is believed to end, µs. */
  endOf: Float64Array;
}

/** What one decision is made with. */
interface Turn {
  view: View;
  state: Memory;
  now: number;
  placer: Placer;
  stream: Stream;
  /** Time a placement is believed to take, µs. */
  span(job: number, pool: number): number;
  actions: Action[];
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
    placement: placementArg,
  },
  create: (args: { estimate: 'duration' | 'limit'; placement: string }) => {
    const placer = placerNamed(args.placement);
    return {
      name: 'fifo-backfill',
      periodUs: 0,
      init: (scenario) => {
        const groups = groupsOf(scenario);
        const perGroup = Array.from({ length: groups.groups });
        return {
          ...groups,
          shapeOf: shapesOf(scenario),
          lines: perGroup.map(() => new Map()),
          span: new Float64Array(scenario.jobs.count),
          reservations: perGroup.map(() => []),
          running: perGroup.map(() => []),
          endOf: new Float64Array(scenario.jobs.count),
        };
      },
      decide(view, state: Memory, now, stream) {
        const { jobs, poolLists } = view.scenario;
        const span = (job: number, pool: number) => {
          const real = view.spanUs(job, pool);
          return args.estimate === 'limit' && jobs.limitUs[job] > 0 ? jobs.limitUs[job] : real;
        };
        for (const job of view.left) forget(state, state.groupOf[jobs.poolList[job]], job, now);
        // A node that came back may let the head start earlier.
        if (view.nodeReturned) state.reservations = state.reservations.map(() => []);
        for (const job of view.pended) {
          const group = state.groupOf[jobs.poolList[job]];
          state.span[job] = Math.min(...poolLists[jobs.poolList[job]].map((pool) => span(job, pool)));
          addToLine(state.lines[group], state.span, state.shapeOf[job], job);
        }
        const turn: Turn = { view, state, now, placer, stream, span, actions: [] };
        for (let group = 0; group < state.groups; group++) if (state.lines[group].size > 0) schedule(turn, group);
        return { actions: turn.actions, state, wakeAt: Infinity };
      },
    };
  },
};

/** Who stands first for some pools and does not fit. */
interface Heads {
  list: number[];
  /** Pools that one of them may use. */
  pools: Set<number>;
}

function schedule(turn: Turn, group: number): void {
  const { view, state, now } = turn;
  const { jobs, poolLists } = view.scenario;
  const walk = new LineWalk(state.lines[group], state.span);
  const heads: Heads = { list: [], pools: new Set() };
  const started: number[] = [];
  const startedIn = new Set<number>();
  const start = (job: number, { tasks, nodes, masks, pool }: Placement, reason: string) => {
    turn.actions.push({ kind: 'place', job, tasks, nodes, masks, reason });
    state.endOf[job] = now + turn.span(job, pool);
    addSorted(state.running[group], state.endOf, job);
    started.push(job);
  };
  for (let job = walk.next(); job >= 0; job = walk.next()) {
    const list = poolLists[jobs.poolList[job]];
    const first = heads.pools.size < state.poolsIn[group] && list.every((pool) => !heads.pools.has(pool));
    const fits = mayFit(view, job, state.gpus[job], state.widest[job]);
    const placement = !fits
      ? null
      : first
        ? placeGang(turn.placer, view, job, turn.stream)
        : backfill(turn, group, heads, job);
    if (placement !== null) {
      if (first) startedIn.add(placement.pool);
      start(job, placement, first ? 'head of line' : `backfilled: does not delay ${delayed(turn, heads, job)}`);
      continue;
    }
    if (first) {
      dropIfOld(
        turn,
        group,
        job,
        list.some((pool) => startedIn.has(pool)),
      );
      heads.list.push(job);
      for (const pool of list) heads.pools.add(pool);
    }
    // Whoever asks the same will not fit either, unless this one was only too long.
    const longest = first || !fits ? 0 : longestBeside(turn, group, heads, job);
    if (longest === 0) walk.passShape();
    else walk.passLonger(longest);
  }
  state.reservations[group] = state.reservations[group].filter((one) => heads.list.includes(one.job));
  for (const job of started) removeFromLine(state.lines[group], state.span, state.shapeOf[job], job);
}

/** The head whose pools the job may use, by name. */
function delayed({ view }: Turn, { list }: Heads, job: number): string {
  const { jobs, poolLists } = view.scenario;
  const pools = poolLists[jobs.poolList[job]];
  const head = list.find((other) => poolLists[jobs.poolList[other]].some((pool) => pools.includes(pool)));
  return jobs.ids[head ?? list[0]];
}

/**
 * A reservation no longer holds where somebody started in front of the head, or its time has come while the head still waits
 * (a node failed, a job ran over).
 */
function dropIfOld({ state, now }: Turn, group: number, head: number, overtaken: boolean): void {
  const own = state.reservations[group];
  state.reservations[group] = own.filter((one) => one.job !== head || (one.at >= now && !overtaken));
}

/** What is reserved in the job's pools, worked out where it has not been. */
function reservedFor(turn: Turn, group: number, heads: Heads, job: number): Reservation[] {
  const { state, view } = turn;
  const { jobs, poolLists } = view.scenario;
  const pools = poolLists[jobs.poolList[job]];
  const reserved: Reservation[] = [];
  for (const head of heads.list) {
    if (!poolLists[jobs.poolList[head]].some((pool) => pools.includes(pool))) continue;
    let reservation = state.reservations[group].find((one) => one.job === head);
    if (reservation === undefined) {
      reservation = reserve(turn, group, head);
      state.reservations[group].push(reservation);
    }
    if (pools.includes(reservation.pool)) reserved.push(reservation);
  }
  return reserved;
}

/** Of a job that found no room: how long one like it may take at most to have a better chance; 0 = it makes no difference. */
function longestBeside(turn: Turn, group: number, heads: Heads, job: number): number {
  let longest = 0;
  for (const { at } of reservedFor(turn, group, heads, job)) {
    if (turn.state.span[job] > at - turn.now) longest = Math.max(longest, at - turn.now);
  }
  return longest;
}

/** The first pool where the job does not delay a head. */
function backfill(turn: Turn, group: number, heads: Heads, job: number): Placement | null {
  const { view, now, placer, stream } = turn;
  const { jobs, poolLists } = view.scenario;
  const reserved = reservedFor(turn, group, heads, job);
  for (const pool of poolLists[jobs.poolList[job]]) {
    const reservation = reserved.find((one) => one.pool === pool);
    const isOver = reservation === undefined || now + turn.span(job, pool) <= reservation.at;
    const placement = isOver ? placer.place(view, job, pool, stream) : placeBeside(turn, job, pool, reservation);
    if (placement !== null) return placement;
  }
  return null;
}

/** Places a job that runs past the reservation where the head still finds what it needs of its nodes, or not at all. */
function placeBeside(turn: Turn, job: number, pool: number, { room }: Reservation): Placement | null {
  const { view, state, placer, stream } = turn;
  const { cluster, scenario } = view;
  const { taskStart, taskGpus, cpuMilli, memoryMiB } = scenario.jobs;
  /** Of the head's nodes, those with room left for one more worker beside those of this gang that are there. */
  const leavesRoom = (node: number) => {
    const left = room.get(node);
    if (left === undefined) return true;
    // A share counts as a whole GPU here: the head asks for whole ones, or may find its share elsewhere.
    let gpus = state.widest[job];
    let workers = 1;
    for (let task = taskStart[job]; task < taskStart[job + 1]; task++) {
      if (cluster.taskNode[task] !== node) continue;
      gpus += taskGpus[task];
      workers++;
    }
    return gpus <= left.gpus && workers * cpuMilli[job] <= left.cpuMilli && workers * memoryMiB[job] <= left.memoryMiB;
  };
  const placement = placer.place(view, job, pool, stream, leavesRoom);
  placement?.tasks.forEach((task, i) => {
    const left = room.get(placement.nodes[i]);
    if (left === undefined) return;
    left.gpus -= taskGpus[task];
    left.cpuMilli -= cpuMilli[job];
    left.memoryMiB -= memoryMiB[job];
  });
  return placement;
}

/** The earliest moment at which the head fits as running jobs end when they are believed to; tried on the cluster itself. */
function reserve({ view, state, placer, stream }: Turn, group: number, job: number): Reservation {
  const { cluster, trial } = view;
  const mark = trial.mark();
  let found: Reservation = { job, pool: -1, at: Infinity, room: new Map() };
  const running = state.running[group].flat();
  for (let i = 0; i < running.length; ) {
    const at = state.endOf[running[i]];
    if (at === Infinity) break;
    while (i < running.length && state.endOf[running[i]] === at) trial.evict(running[i++]);
    if (!mayFit(view, job, state.gpus[job], state.widest[job])) continue;
    const placement = placeGang(placer, view, job, stream);
    if (placement === null) continue;
    const room = new Map<number, Room>();
    for (const node of placement.nodes) {
      room.set(node, {
        gpus: cluster.nodeFreeGpus[node],
        cpuMilli: cluster.cpuFree[node],
        memoryMiB: cluster.memoryFree[node],
      });
    }
    found = { job, pool: placement.pool, at, room };
    break;
  }
  trial.takeBack(mark);
  return found;
}

/** A job that left on time changes nothing for the reservation; one that left early, or was stopped, may bring it forward. */
function forget(state: Memory, group: number, job: number, now: number): void {
  if (removeSorted(state.running[group], state.endOf, job) && state.endOf[job] !== now) state.reservations[group] = [];
}
