/** One group's turn in a preemptive policy's decision, and the policy's memory of who waits and who runs. */
import { type Action, PENDING, STARTING, TERMINATING, type View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';
import type { Scenario } from '../../scenario.ts';
import { mayFit } from '../packing/bestfit.ts';
import { type Placement, type Placer, placeGang } from '../packing/placement.ts';
import { type Groups, groupsOf } from './queue.ts';
import type { Ranking } from './ranking.ts';
import { shapesOf } from './shapes.ts';
import { addWaiting, removeWaiting, type Waiting, WaitingWalk, type Walk } from './waiting.ts';

export interface Args {
  blocked: 'stop' | 'skip';
  choice: 'place' | 'count' | 'anew';
  ties: 'running' | 'waiting' | 'former';
  quantum: number;
  preempted: 'suspended' | 'killed';
  placement: string;
  thresholds?: number[];
}

export interface Memory extends Groups {
  shapeOf: Int32Array;
  shapes: number;
  /** Whole GPUs' worth of the gang, a share counting as its share, by job; known once it has waited. */
  worth: Float64Array;
  /** What jobs are ranked by; a running job's is as of the last ranking. Ties by order of joining the line or starting. */
  key: Float64Array;
  tie: Float64Array;
  joined: number;
  /** By group: who waits, and who runs in order of starting. */
  waiting: Waiting[];
  running: Set<number>[];
  runs: Uint8Array;
  /** With `ties: former`, everybody in the order of the last ranking, by group. */
  listed: number[][];
  /** With `choice: anew`, those who were placed at the last ranking, in that order, by group. */
  placed: number[][];
  /** When the last ranking was, and when passing time may change it, by group. */
  rankedUs: number[];
  wakeUs: number[];
}

export interface Turn {
  view: View;
  state: Memory;
  group: number;
  args: Args;
  ranking: Ranking;
  placer: Placer;
  stream: Stream;
  now: number;
  actions: Action[];
}

export function openMemory(scenario: Scenario): Memory {
  const groups = groupsOf(scenario);
  const perGroup = Array.from({ length: groups.groups });
  const { count } = scenario.jobs;
  const shapeOf = shapesOf(scenario);
  return {
    ...groups,
    shapeOf,
    shapes: shapeOf.reduce((most, shape) => Math.max(most, shape + 1), 0),
    worth: new Float64Array(count),
    key: new Float64Array(count),
    tie: new Float64Array(count).fill(-1),
    joined: 0,
    waiting: perGroup.map(() => new Map()),
    running: perGroup.map(() => new Set()),
    runs: new Uint8Array(count),
    listed: perGroup.map(() => []),
    placed: perGroup.map(() => []),
    rankedUs: perGroup.map(() => Number.NEGATIVE_INFINITY),
    wakeUs: perGroup.map(() => Number.POSITIVE_INFINITY),
  };
}

/** Notes who came and went since the last decision; gives the groups in which that was. */
export function noteChanges(view: View, state: Memory, args: Args, ranking: Ranking): Set<number> {
  const { jobs, poolLists } = view.scenario;
  const touched = new Set<number>();
  for (const job of view.left) {
    const group = state.groupOf[jobs.poolList[job]];
    touched.add(group);
    // A job that was moved left and runs again.
    if (isActive(view, job)) continue;
    state.runs[job] = 0;
    state.running[group].delete(job);
  }
  for (const job of view.pended) {
    const group = state.groupOf[jobs.poolList[job]];
    touched.add(group);
    if (state.worth[job] === 0) {
      // Memory becomes a share by the pool; the first one stands for all.
      const share = state.gpus[job] === 0 ? 0 : view.cluster.unitsPerGpu(job, poolLists[jobs.poolList[job]][0]) / 7000;
      state.worth[job] = state.gpus[job] * share;
    }
    state.key[job] = ranking.key(view, job, state.worth[job], args);
    if (args.ties !== 'former') {
      state.tie[job] = state.joined++;
      addWaiting(state.waiting[group], state, state.shapeOf[job], job);
    } else if (state.tie[job] < 0) {
      state.tie[job] = state.listed[group].push(job);
    }
  }
  return touched;
}

/** Those who run and have not been told to go, their keys as of now. */
export function runningNow({ view, state, group, ranking, args }: Turn): number[] {
  const running: number[] = [];
  for (const job of state.running[group]) {
    if (view.status[job] === TERMINATING) continue;
    state.key[job] = ranking.key(view, job, state.worth[job], args);
    running.push(job);
  }
  return running;
}

/** The same, in order of rank. */
export function runningInOrder(turn: Turn): number[] {
  const { view, state, group, args } = turn;
  if (args.ties !== 'former') return runningNow(turn).sort(byRank(turn));
  // The list is in order and its keys are of now.
  const running: number[] = [];
  const most = state.running[group].size;
  for (const job of state.listed[group]) {
    if (running.length === most) break;
    if (state.runs[job] === 1 && view.status[job] !== TERMINATING) running.push(job);
  }
  return running;
}

/** Those who have been told to go and still hold their GPUs. */
export function leavingNow({ view, state, group }: Turn): number[] {
  return [...state.running[group]].filter((job) => view.status[job] === TERMINATING);
}

/** Total order of rank among running and waiting jobs: negative if `a` comes first. */
export function byRank({ state, args }: Turn): (a: number, b: number) => number {
  const { key, tie, runs } = state;
  const runningFirst = args.ties === 'running' ? 1 : args.ties === 'waiting' ? -1 : 0;
  return (a, b) => {
    if (key[a] !== key[b]) return key[a] < key[b] ? -1 : 1;
    return (runs[b] - runs[a]) * runningFirst || tie[a] - tie[b];
  };
}

export function waitingInOrder(turn: Turn): Walk {
  const { state, group, args } = turn;
  if (args.ties !== 'former') return new WaitingWalk(state.waiting[group], state);
  return new ListWalk(turn.view, state, state.listed[group]);
}

/** Through the list of everybody, giving those who wait. */
class ListWalk implements Walk {
  private readonly view: View;
  private readonly state: Memory;
  private readonly list: number[];
  private readonly passed: Uint8Array;
  private shapesLeft: number;
  private at = -1;

  constructor(view: View, state: Memory, list: number[]) {
    this.view = view;
    this.state = state;
    this.list = list;
    this.shapesLeft = state.shapes;
    this.passed = new Uint8Array(state.shapes);
  }

  next(): number {
    const { view, state, list, passed } = this;
    while (this.shapesLeft > 0 && ++this.at < list.length) {
      const job = list[this.at];
      if (view.status[job] === PENDING && passed[state.shapeOf[job]] === 0) return job;
    }
    return -1;
  }

  pass(): void {
    this.passed[this.state.shapeOf[this.list[this.at]]] = 1;
    this.shapesLeft--;
  }
}

/** The gang's place in what is free in the trial, by the policy's placement; null if it has none. */
export function findPlace(turn: Turn, job: number, suits?: (node: number) => boolean): Placement | null {
  const { view, state } = turn;
  if (!mayFit(view, job, state.gpus[job], state.widest[job])) return null;
  return placeGang(turn.placer, view, job, turn.stream, suits);
}

export function start(turn: Turn, job: number, { tasks, nodes, masks }: Placement): void {
  const { view, state, group, actions, ranking, args } = turn;
  actions.push({ kind: 'place', job, tasks, nodes, masks, reason: `chosen by ${ranking.describe}` });
  // A job that moves did not wait.
  if (view.status[job] === PENDING && args.ties !== 'former') {
    removeWaiting(state.waiting[group], state, state.shapeOf[job], job);
  }
  state.runs[job] = 1;
  state.running[group].delete(job);
  state.running[group].add(job);
  if (args.ties !== 'former') state.tie[job] = state.joined++;
}

export function preempt(turn: Turn, job: number, reason?: string): void {
  turn.state.runs[job] = 0;
  turn.actions.push({
    kind: 'preempt',
    job,
    reason: reason ?? `others come before it by ${turn.ranking.describe}`,
    saves: turn.args.preempted === 'suspended',
  });
}

/** Where a job's workers are now. */
export function placeOf(view: View, job: number): Placement {
  const { cluster, scenario } = view;
  const { jobs } = scenario;
  const tasks: number[] = [];
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
    if (cluster.taskNode[task] >= 0) tasks.push(task);
  }
  const nodes = tasks.map((task) => cluster.taskNode[task]);
  return { pool: cluster.spec.nodes.pool[nodes[0]], tasks, nodes, masks: tasks.map((task) => cluster.taskMask[task]) };
}

export function putBack(view: View, { tasks, nodes, masks }: Placement): void {
  tasks.forEach((task, i) => {
    view.trial.place(task, nodes[i], masks[i]);
  });
}

export function isActive(view: View, job: number): boolean {
  return view.status[job] >= STARTING && view.status[job] <= TERMINATING;
}

/** Brings the list of everybody up to date: who is over goes, who dropped a queue goes to its end, the rest by rank. */
export function relist(turn: Turn): void {
  const { view, state, group, args, ranking } = turn;
  const { key, tie } = state;
  const inQueues = (args.thresholds ?? []).length > 0;
  const dropped: number[] = [];
  for (const job of state.running[group]) {
    const before = key[job];
    key[job] = ranking.key(view, job, state.worth[job], args);
    if (inQueues && key[job] > before) dropped.push(job);
  }
  dropped.sort((a, b) => a - b);
  const list = state.listed[group];
  let kept = 0;
  for (const job of list) {
    const isOver = view.status[job] !== PENDING && !isActive(view, job);
    if (!isOver && !(dropped.length > 0 && dropped.includes(job))) insertByKey(list, kept++, job, key);
  }
  for (const job of dropped) insertByKey(list, kept++, job, key);
  list.length = kept;
  for (let i = 0; i < kept; i++) tie[list[i]] = i;
}

/** The first `count` are in order of key; the job goes among them, behind its equals. Quick where it belongs near the end. */
function insertByKey(list: number[], count: number, job: number, key: Float64Array): void {
  const mine = key[job];
  let at = count;
  while (at > 0 && key[list[at - 1]] > mine) {
    list[at] = list[at - 1];
    at--;
  }
  list[at] = job;
}

/** Those who run go before the others of their queue, both in the order they had. */
export function runningFirst({ state, group }: Turn): void {
  const { key, runs } = state;
  const list = state.listed[group];
  const waiting: number[] = [];
  let kept = 0;
  for (let i = 0; i <= list.length; i++) {
    if (waiting.length > 0 && (i === list.length || key[list[i]] !== key[waiting[0]])) {
      for (const job of waiting) list[kept++] = job;
      waiting.length = 0;
    }
    if (i === list.length) break;
    if (runs[list[i]] === 1) list[kept++] = list[i];
    else waiting.push(list[i]);
  }
}
