/**
 * When a job could start: free nodes over time, as running jobs end at their limits and planned jobs come.
 *
 * A planned job keeps its whole nodes, even if it needs a part of them, as backfill there does for speed. What is asked
 * is always “how many workers of this shape”: for each shape the times at which nodes gain room for one are listed once
 * a pass, and one sweep over these times and the plans so far answers for one job.
 */
import { READY } from '../../cluster/cluster.ts';
import type { View } from '../../cluster/view.ts';
import type { Memory } from './memory.ts';

/** Room for workers of one shape in one pool; nodes by their rank in the pool. */
interface Shape {
  now: Float64Array;
  /** In order of time, µs: node `ranks[i]` has room for `gains[i]` more. */
  times: number[];
  ranks: number[];
  gains: number[];
}

interface Plan {
  begin: number;
  end: number;
  ranks: number[];
}

interface PoolPlans {
  byBegin: Plan[];
  byEnd: Plan[];
}

export interface Start {
  at: number;
  pool: number;
  /** Nodes it would take, by rank. */
  ranks: number[];
}

export class Profile {
  private readonly shapes = new Map<string, Shape>();
  private readonly plans: PoolPlans[];
  /** Earliest start found for (shape, limit): a later job of the kind cannot start earlier, for plans only grow. */
  private readonly found = new Map<string, { workers: number; at: number }>();
  /** When the first plan that is not over begins on each node, µs. */
  private readonly nextBegin: Float64Array[];
  private readonly blocked: Int16Array[];
  private readonly room: Float64Array[];
  private readonly view: View;
  private readonly state: Memory;
  private readonly now: number;

  constructor(view: View, state: Memory, now: number) {
    this.view = view;
    this.state = state;
    this.now = now;
    const { nodesOfPool } = view.cluster;
    this.plans = nodesOfPool.map(() => ({ byBegin: [], byEnd: [] }));
    this.nextBegin = nodesOfPool.map((nodes) => new Float64Array(nodes.length).fill(Infinity));
    this.blocked = nodesOfPool.map((nodes) => new Int16Array(nodes.length));
    this.room = nodesOfPool.map((nodes) => new Float64Array(nodes.length));
  }

  /** The earliest start in any of the job's pools, ties to the first of its list; `at` Infinity if there is none. */
  earliest(job: number, limitUs: number, afterNow = false): Start {
    const { jobs, poolLists } = this.view.scenario;
    let best: Start = { at: Infinity, pool: -1, ranks: [] };
    for (const pool of poolLists[jobs.poolList[job]]) {
      const at = this.earliestIn(job, pool, limitUs, afterNow, best.at);
      if (at < best.at) best = { at, pool, ranks: this.choose(job, pool) };
    }
    return best;
  }

  /** Whether a node of the pool that was last asked about is free of plans for as long as asked. */
  isClear(pool: number, node: number): boolean {
    return this.blocked[pool][this.view.cluster.rankOfNode[node]] === 0;
  }

  /** Keeps whole nodes for a planned job. */
  reserve(pool: number, ranks: number[], begin: number, end: number): void {
    const plan: Plan = { begin, end, ranks };
    const { byBegin, byEnd } = this.plans[pool];
    insert(byBegin, plan, (p) => p.begin);
    insert(byEnd, plan, (p) => p.end);
    const next = this.nextBegin[pool];
    if (end > this.now) for (const rank of ranks) next[rank] = Math.min(next[rank], begin);
  }

  /** Whether the job could start at once beside the plans so far; for unlike workers, whether that is not excluded. */
  mayStartNow(job: number, limitUs: number): boolean {
    const { jobs, poolLists } = this.view.scenario;
    const workers = this.state.model.workers[job];
    if (this.state.model.alike[job] === 0) return true;
    for (const pool of poolLists[jobs.poolList[job]]) {
      const room = this.shape(job, pool).now;
      const next = this.nextBegin[pool];
      let sum = 0;
      for (let rank = 0; rank < room.length; rank++) {
        if (next[rank] > this.now + limitUs) sum += room[rank];
        if (sum >= workers) return true;
      }
    }
    return false;
  }

  /** A job started in this pass: what is free has changed. */
  started(): void {
    this.shapes.clear();
  }

  /**
   * Sweeps time from now on. A node can take a job at τ if no plan of it overlaps [τ, τ + limit]; it leaves `blocked` and
   * `room` as they are at the moment found.
   */
  private earliestIn(job: number, pool: number, limitUs: number, afterNow: boolean, before: number): number {
    const { model } = this.state;
    const workers = model.workers[job];
    const uniform = model.alike[job] === 1;
    const key = uniform ? `${this.shapeKey(job, pool)}|${limitUs}` : '';
    const known = uniform ? this.found.get(key) : undefined;
    let at = this.now;
    if (known !== undefined && known.workers <= workers) at = known.at;
    if (at >= before || at === Infinity) return Infinity;
    const strictly = afterNow && at === this.now;
    const shape = this.shape(job, pool);
    const { byBegin, byEnd } = this.plans[pool];
    const blocked = this.blocked[pool];
    const room = this.room[pool];
    room.set(shape.now);
    blocked.fill(0);
    let gain = 0;
    for (; gain < shape.times.length && shape.times[gain] <= at; gain++) room[shape.ranks[gain]] += shape.gains[gain];
    let comes = 0;
    for (; comes < byBegin.length && byBegin[comes].begin <= at + limitUs; comes++) {
      if (byBegin[comes].end > at) for (const rank of byBegin[comes].ranks) blocked[rank]++;
    }
    let goes = firstAfter(byEnd, at);
    let sum = 0;
    for (let rank = 0; rank < room.length; rank++) if (blocked[rank] === 0) sum += room[rank];
    for (let first = true; ; first = false) {
      // A mixed gang fits only if its workers do, one by one; the sum of widest places is then no more than a hint.
      if (!(first && strictly) && (uniform ? sum >= workers : this.fitsMixed(job, pool, at))) break;
      const nextGain = gain < shape.times.length ? shape.times[gain] : Infinity;
      const nextComes = comes < byBegin.length ? byBegin[comes].begin - limitUs : Infinity;
      const nextGoes = goes < byEnd.length ? byEnd[goes].end : Infinity;
      at = Math.min(nextGain, nextComes, nextGoes);
      if (at === Infinity) break;
      for (; gain < shape.times.length && shape.times[gain] === at; gain++) {
        room[shape.ranks[gain]] += shape.gains[gain];
        if (blocked[shape.ranks[gain]] === 0) sum += shape.gains[gain];
      }
      for (; goes < byEnd.length && byEnd[goes].end === at; goes++) {
        for (const rank of byEnd[goes].ranks) if (--blocked[rank] === 0) sum += room[rank];
      }
      for (; comes < byBegin.length && byBegin[comes].begin - limitUs === at; comes++) {
        for (const rank of byBegin[comes].ranks) if (blocked[rank]++ === 0) sum -= room[rank];
      }
    }
    // What was found after skipping the present moment says nothing about that moment.
    if (uniform && !strictly) this.found.set(key, { workers, at });
    return at < before ? at : Infinity;
  }

  /** The fullest clear nodes that hold the workers, ties to the lowest: where best fit would put them. */
  private choose(job: number, pool: number): number[] {
    const { model } = this.state;
    if (model.alike[job] === 0) return this.mixedNodes;
    const room = this.room[pool];
    const blocked = this.blocked[pool];
    let left = model.workers[job];
    if (left === 1) {
      let best = -1;
      for (let rank = 0; rank < room.length; rank++) {
        if (blocked[rank] === 0 && room[rank] > 0 && (best < 0 || room[rank] < room[best])) best = rank;
      }
      return [best];
    }
    const candidates: number[] = [];
    for (let rank = 0; rank < room.length; rank++) if (blocked[rank] === 0 && room[rank] > 0) candidates.push(rank);
    candidates.sort((a, b) => room[a] - room[b] || a - b);
    const chosen: number[] = [];
    for (const rank of candidates) {
      if (left <= 0) break;
      chosen.push(rank);
      left -= room[rank];
    }
    return chosen;
  }

  private mixedNodes: number[] = [];

  /** Unlike workers, widest first, each on the first clear node with room at that time. */
  private fitsMixed(job: number, pool: number, at: number): boolean {
    const { cluster, scenario } = this.view;
    const { jobs } = scenario;
    const order = cluster.nodesOfPool[pool];
    const room = Array.from(order, (node, rank) =>
      this.blocked[pool][rank] === 0 && cluster.nodeState[node] === READY ? freeOn(this.view, job, node) : NOTHING,
    );
    for (const other of this.state.running) {
      if (this.endOf(other) > at) break;
      for (let t = jobs.taskStart[other]; t < jobs.taskStart[other + 1]; t++) {
        const node = cluster.taskNode[t];
        if (node < 0 || scenario.nodes.pool[node] !== pool) continue;
        const rank = cluster.rankOfNode[node];
        if (room[rank] !== NOTHING) room[rank] = plus(room[rank], gainFrom(this.view, job, t));
      }
    }
    const workers = Array.from({ length: jobs.taskStart[job + 1] - jobs.taskStart[job] }, (_, i) => i);
    const widths = workers.map((i) => jobs.taskGpus[jobs.taskStart[job] + i]).sort((a, b) => b - a);
    const taken = new Set<number>();
    for (const gpus of widths) {
      const rank = room.findIndex((free) => slots(free, gpus, jobs.cpuMilli[job], jobs.memoryMiB[job]) >= 1);
      if (rank < 0) return false;
      room[rank] = plus(room[rank], { gpus: -gpus, cpu: -jobs.cpuMilli[job], memory: -jobs.memoryMiB[job] });
      taken.add(rank);
    }
    this.mixedNodes = [...taken];
    return true;
  }

  private shapeKey(job: number, pool: number): string {
    const { jobs } = this.view.scenario;
    const { widest, alike } = this.state.model;
    return `${pool}|${widest[job]}|${alike[job]}|${jobs.migProfile[job]}|${jobs.cpuMilli[job]}|${jobs.memoryMiB[job]}`;
  }

  /** When a running job is believed to end: one that is past its limit is about to. */
  private endOf(job: number): number {
    return Math.max(this.state.endOf[job], this.now + 1);
  }

  private shape(job: number, pool: number): Shape {
    const key = this.shapeKey(job, pool);
    let shape = this.shapes.get(key);
    if (shape === undefined) {
      shape = this.makeShape(job, pool);
      this.shapes.set(key, shape);
    }
    return shape;
  }

  private makeShape(job: number, pool: number): Shape {
    const { cluster, scenario } = this.view;
    const { jobs, nodes } = scenario;
    const order = cluster.nodesOfPool[pool];
    const gpus = this.state.model.widest[job];
    const cpu = jobs.cpuMilli[job];
    const memory = jobs.memoryMiB[job];
    const free: Free[] = new Array(order.length);
    const shape: Shape = { now: new Float64Array(order.length), times: [], ranks: [], gains: [] };
    for (let rank = 0; rank < order.length; rank++) {
      const ready = cluster.nodeState[order[rank]] === READY;
      free[rank] = ready ? freeOn(this.view, job, order[rank]) : NOTHING;
      shape.now[rank] = slots(free[rank], gpus, cpu, memory);
    }
    const room = shape.now.slice();
    for (const other of this.state.running) {
      for (let task = jobs.taskStart[other]; task < jobs.taskStart[other + 1]; task++) {
        const node = cluster.taskNode[task];
        if (node < 0 || nodes.pool[node] !== pool) continue;
        const rank = cluster.rankOfNode[node];
        if (free[rank] === NOTHING) continue;
        free[rank] = plus(free[rank], gainFrom(this.view, job, task));
        const after = slots(free[rank], gpus, cpu, memory);
        // Unlike workers may gain room where the widest of them does not: every end is a moment to look at.
        if (after === room[rank] && this.state.model.alike[job] === 1) continue;
        shape.times.push(this.endOf(other));
        shape.ranks.push(rank);
        shape.gains.push(after - room[rank]);
        room[rank] = after;
      }
    }
    return shape;
  }
}

/** Devices of the job's kind, millicores, MiB. */
interface Free {
  gpus: number;
  cpu: number;
  memory: number;
}

const NOTHING: Free = { gpus: 0, cpu: -1, memory: -1 };
/** Room for workers that ask for nothing a node could run out of. */
const MANY = 1_000_000;

function plus(a: Free, b: Free): Free {
  return { gpus: a.gpus + b.gpus, cpu: a.cpu + b.cpu, memory: a.memory + b.memory };
}

function slots(free: Free, gpus: number, cpu: number, memory: number): number {
  let room = free.cpu < 0 ? 0 : MANY;
  if (gpus > 0) room = Math.min(room, Math.floor(free.gpus / gpus));
  if (cpu > 0) room = Math.min(room, Math.floor(free.cpu / cpu));
  if (memory > 0) room = Math.min(room, Math.floor(free.memory / memory));
  return Math.max(0, room);
}

function freeOn(view: View, job: number, node: number): Free {
  const { cluster, scenario } = view;
  let gpus = cluster.nodeFreeGpus[node];
  if (scenario.jobs.migProfile[job] >= 0) {
    gpus = 0;
    if (scenario.nodes.migLayout[node] >= 0) while (hasInstances(view, job, gpus + 1, node)) gpus++;
  }
  return { gpus, cpu: cluster.cpuFree[node], memory: cluster.memoryFree[node] };
}

/** `fits` asks for CPU and memory too, which only one worker of the job needs: room for those is counted apart. */
function hasInstances(view: View, job: number, gpus: number, node: number): boolean {
  return gpus <= 7 * view.scenario.nodes.gpus[node] && view.cluster.fits(job, gpus, node);
}

/** What the end of a task gives to jobs like `job`. */
function gainFrom(view: View, job: number, task: number): Free {
  const { jobs } = view.scenario;
  const other = view.cluster.jobOfTask[task];
  const alike = jobs.migProfile[job] === jobs.migProfile[other];
  return { gpus: alike ? jobs.taskGpus[task] : 0, cpu: jobs.cpuMilli[other], memory: jobs.memoryMiB[other] };
}

/** Workers of `gpus` GPUs that the empty node would hold. */
export function slotsOnEmpty(view: View, job: number, gpus: number, node: number): number {
  const { jobs, nodes, migLayouts, migProfiles } = view.scenario;
  const layout = migLayouts[nodes.migLayout[node]];
  let devices = layout === undefined ? nodes.gpus[node] : 0;
  if (jobs.migProfile[job] >= 0) {
    const profile = migProfiles[jobs.migProfile[job]];
    const each = layout === undefined ? 0 : layout.instances.filter((name) => name === profile).length;
    devices = nodes.gpus[node] * each;
  }
  const free: Free = { gpus: devices, cpu: nodes.cpuMilli[node], memory: nodes.memoryMiB[node] };
  return slots(free, gpus, jobs.cpuMilli[job], jobs.memoryMiB[job]);
}

function insert(plans: Plan[], plan: Plan, by: (plan: Plan) => number): void {
  let low = 0;
  let high = plans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (by(plans[middle]) <= by(plan)) low = middle + 1;
    else high = middle;
  }
  plans.splice(low, 0, plan);
}

/** The first plan that ends after a moment. */
function firstAfter(byEnd: readonly Plan[], at: number): number {
  let low = 0;
  let high = byEnd.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byEnd[middle].end <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
