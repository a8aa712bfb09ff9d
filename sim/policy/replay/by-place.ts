/**
 * `choice: place`: the waiting, from the best ranked, go where there is room; who finds none takes it from those who run
 * and rank behind, from the last of them, and only from as many as it takes. Nobody else is touched.
 *
 * Who was told to go is counted on: whoever ranks first and fits with that room keeps it, and takes nothing from others
 * meanwhile. Who had to go is tried elsewhere in its turn, and moves if there is room.
 */
import { READY } from '../../cluster/cluster.ts';
import type { Placement } from '../packing/placement.ts';
import { carryOut } from './carry-out.ts';
import { byRank, findPlace, leavingNow, placeOf, putBack, runningNow, type Turn, waitingInOrder } from './turn.ts';

/** What is made of the cluster in the trial. */
interface Rearranged {
  /** Who had to go and has not had its turn yet, and where everybody was who had to go. */
  evicted: number[];
  homes: Map<number, Placement>;
  /** Those who run and rank behind the first who found no room, last first; null = nobody yet was without room. */
  behind: number[] | null;
  /** Nodes on which room is not free yet that is in the trial. */
  freedLater: Set<number>;
}

export function choosePlaces(turn: Turn): void {
  const { view, state, args } = turn;
  const { trial } = view;
  const begin = trial.mark();
  const rank = byRank(turn);
  const walk = waitingInOrder(turn);
  const made: Rearranged = { evicted: [], homes: new Map(), behind: null, freedLater: new Set() };
  const placed: [number, Placement][] = [];
  const failed = new Set<number>();
  let waiting = walk.next();
  for (;;) {
    const evicted = made.evicted.length > 0 ? made.evicted[0] : -1;
    const isNext = evicted >= 0 && (waiting < 0 || rank(evicted, waiting) < 0);
    const job = isNext ? evicted : waiting;
    if (job < 0) break;
    if (isNext) made.evicted.shift();
    const placement = failed.has(state.shapeOf[job])
      ? null
      : (inFreeRoom(turn, job, made) ?? makeRoom(turn, job, made));
    if (placement !== null) {
      placed.push([job, placement]);
    } else {
      if (args.blocked === 'stop') break;
      // Behind this one there is less room and there are fewer to take it from.
      failed.add(state.shapeOf[job]);
      if (!isNext) walk.pass();
    }
    if (!isNext) waiting = walk.next();
  }

  trial.takeBack(begin);
  carryOut(turn, [...made.homes.keys()], placed, made.freedLater.size > 0);
}

/** Room that nobody has to leave; what is free now before what will be. */
function inFreeRoom(turn: Turn, job: number, { freedLater }: Rearranged): Placement | null {
  const placement = freedLater.size > 0 ? findPlace(turn, job, (node) => !freedLater.has(node)) : null;
  return placement ?? findPlace(turn, job);
}

/** Takes room from those behind; null, and nobody has to go, if even all of them would not do. */
function makeRoom(turn: Turn, job: number, made: Rearranged): Placement | null {
  const { view } = turn;
  const { trial } = view;
  const rank = byRank(turn);
  if (made.behind === null) {
    made.behind = runningNow(turn)
      .filter((other) => rank(job, other) < 0)
      .sort((a, b) => rank(b, a));
    const leaving = leavingNow(turn);
    for (const other of leaving) {
      for (const node of placeOf(view, other).nodes) made.freedLater.add(node);
      trial.evict(other);
    }
    if (leaving.length > 0) {
      const placement = inFreeRoom(turn, job, made);
      if (placement !== null) return placement;
    }
  }
  const candidates = inItsPools(turn, job, made.behind, (other) => rank(job, other) < 0);
  if (!couldSuffice(turn, job, candidates)) return null;

  const victims: [number, Placement][] = [];
  let placement: Placement | null = null;
  const mark = trial.mark();
  for (const other of candidates) {
    victims.push([other, placeOf(view, other)]);
    trial.evict(other);
    placement = findPlace(turn, job);
    if (placement !== null) break;
  }
  if (placement === null) {
    trial.takeBack(mark);
    return null;
  }
  placement = sparing(turn, job, placement, victims);
  for (const [victim, home] of victims) {
    made.homes.set(victim, home);
    made.evicted.push(victim);
    if (view.scenario.jobs.graceUs[victim] > 0) for (const node of home.nodes) made.freedLater.add(node);
  }
  made.evicted.sort(rank);
  const gone = new Set(victims.map(([victim]) => victim));
  made.behind = made.behind.filter((other) => !gone.has(other));
  return placement;
}

/** Of those who had to go, lets the best ranked stay who need not; leaves in `victims` who must go. */
function sparing(turn: Turn, job: number, found: Placement, victims: [number, Placement][]): Placement {
  const { view } = turn;
  const { trial } = view;
  let placement = found;
  // The last one was what it took.
  for (let i = victims.length - 2; i >= 0; i--) {
    trial.evict(job);
    putBack(view, victims[i][1]);
    const without = findPlace(turn, job);
    if (without !== null) {
      placement = without;
      victims.splice(i, 1);
    } else {
      trial.evict(victims[i][0]);
      putBack(view, placement);
    }
  }
  return placement;
}

function inItsPools(turn: Turn, job: number, behind: number[], ranksBehind: (other: number) => boolean): number[] {
  const { cluster, scenario } = turn.view;
  const pools = scenario.poolLists[scenario.jobs.poolList[job]];
  const candidates: number[] = [];
  for (const other of behind) {
    if (!ranksBehind(other)) break;
    const node = cluster.taskNode[scenario.jobs.taskStart[other]];
    if (pools.includes(cluster.spec.nodes.pool[node])) candidates.push(other);
  }
  return candidates;
}

/**
 * Whether any pool could have room if all of them went: counted only, so that most who cannot are not tried. Counts how
 * many of the widest workers there would be free GPUs for, node by node; CPU and memory are left out.
 */
function couldSuffice({ view, state }: Turn, job: number, candidates: number[]): boolean {
  if (candidates.length === 0) return false;
  const { cluster, scenario } = view;
  const { jobs, nodes, poolLists } = scenario;
  const isWhole = jobs.shareMilli[job] === 1000 && jobs.gpuMemoryMiB[job] === 0 && jobs.migProfile[job] < 0;
  const widest = state.widest[job];
  if (!isWhole || widest === 0) return true;
  const freed = new Map<number, number>();
  for (const other of candidates) {
    for (let task = jobs.taskStart[other]; task < jobs.taskStart[other + 1]; task++) {
      const node = cluster.taskNode[task];
      if (node >= 0) freed.set(node, (freed.get(node) ?? 0) + jobs.taskGpus[task]);
    }
  }
  let workers = 0;
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
    if (jobs.taskGpus[task] === widest) workers++;
  }
  return poolLists[jobs.poolList[job]].some((pool) => {
    let room = 0;
    for (let free = widest; free <= cluster.widestNode(pool); free++) {
      room += cluster.nodesWithFree(pool, free) * Math.floor(free / widest);
    }
    for (const [node, gpus] of freed) {
      if (nodes.pool[node] !== pool || cluster.nodeState[node] !== READY) continue;
      const free = cluster.nodeFreeGpus[node];
      // Shares of one GPU are counted as one each: never too few.
      const most = Math.min(nodes.gpus[node], free + gpus);
      room += Math.floor(most / widest) - Math.floor(free / widest);
    }
    return room >= workers;
  });
}
