/**
 * `choice: count`: who runs is decided by counting GPUs in order of rank, pool by pool and blind to fragmentation. Who
 * runs and is not chosen goes; who is chosen and waits is placed, in order of rank, and if it finds no place it waits
 * beside GPUs kept for it.
 */
import { READY } from '../../cluster/cluster.ts';
import { byRank, findPlace, leavingNow, preempt, runningInOrder, start, type Turn, waitingInOrder } from './turn.ts';

/** Units to give away, by pool: of whole and shared GPUs, and of each MIG profile. */
class Quota {
  private readonly turn: Turn;
  private readonly profiles: number;
  /** NaN = not counted yet. `free` is what nobody holds who has not been told to go. */
  private readonly left: Float64Array;
  private readonly free: Float64Array;

  constructor(turn: Turn) {
    this.turn = turn;
    const { pools, migProfiles } = turn.view.scenario;
    this.profiles = migProfiles.length + 1;
    this.left = new Float64Array(pools.length * this.profiles).fill(Number.NaN);
    this.free = this.left.slice();
  }

  /** Gives back what a job holds now, in the pool where it is; `goes`: nobody has to leave for it any more. */
  give(job: number, goes: boolean): void {
    const { cluster, scenario } = this.turn.view;
    const { jobs, nodes } = scenario;
    for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
      if (jobs.taskGpus[task] === 0) continue;
      const pool = nodes.pool[cluster.taskNode[task]];
      const kind = this.kind(job, pool);
      const units = jobs.taskGpus[task] * cluster.unitsPerGpu(job, pool);
      this.left[kind] += units;
      if (goes) this.free[kind] += units;
    }
  }

  /** A running job goes on with its share of its pool; false if that has been given away. */
  keep(job: number): boolean {
    const { cluster, scenario } = this.turn.view;
    const pool = scenario.nodes.pool[cluster.taskNode[scenario.jobs.taskStart[job]]];
    const units = this.units(job, pool);
    const kind = this.kind(job, pool);
    if (units > this.left[kind]) return false;
    this.left[kind] -= units;
    return true;
  }

  /** Takes a share from the first of its pools that has it free, else from the first that has it; false if none has. */
  take(job: number): boolean {
    const { scenario } = this.turn.view;
    const pools = scenario.poolLists[scenario.jobs.poolList[job]];
    const has = (from: Float64Array) => pools.find((pool) => this.units(job, pool) <= from[this.kind(job, pool)]);
    const pool = has(this.free) ?? has(this.left);
    if (pool === undefined) return false;
    this.left[this.kind(job, pool)] -= this.units(job, pool);
    this.free[this.kind(job, pool)] -= this.units(job, pool);
    return true;
  }

  private units(job: number, pool: number): number {
    const { view, state } = this.turn;
    return state.gpus[job] === 0 ? 0 : state.gpus[job] * view.cluster.unitsPerGpu(job, pool);
  }

  /** Which count a job belongs to; made when first asked for. */
  private kind(job: number, pool: number): number {
    const kind = pool * this.profiles + this.turn.view.scenario.jobs.migProfile[job] + 1;
    if (Number.isNaN(this.left[kind])) {
      this.left[kind] = this.count(job, pool);
      this.free[kind] = this.left[kind];
    }
    return kind;
  }

  /** Free on ready nodes. Nodes cut by MIG give instances of a profile only, the others anything but those. */
  private count(job: number, pool: number): number {
    const { cluster, scenario } = this.turn.view;
    const { jobs, nodes, migLayouts, migProfiles } = scenario;
    if (migLayouts.length === 0 && jobs.migProfile[job] < 0) return cluster.openFreeUnits[pool];
    const profile = migProfiles[jobs.migProfile[job]];
    let units = 0;
    for (const node of cluster.nodesOfPool[pool]) {
      if (cluster.nodeState[node] !== READY) continue;
      const layout = migLayouts[nodes.migLayout[node]];
      if ((layout === undefined) !== jobs.migProfile[job] < 0) continue;
      if (layout === undefined) {
        for (let g = cluster.gpuStart[node]; g < cluster.gpuStart[node + 1]; g++) units += cluster.gpuFree[g];
      } else {
        let most = nodes.gpus[node] * layout.instances.filter((name) => name === profile).length;
        while (most > 0 && !cluster.fits(job, most, node)) most--;
        units += most * cluster.unitsPerGpu(job, pool);
      }
    }
    return units;
  }
}

/** Returns those who were chosen and found no place. */
export function chooseByCount(turn: Turn): number[] {
  const { view, args } = turn;
  const { jobs } = view.scenario;
  // What is held on nodes that are closed to new work is nobody's to have: those jobs stay as long as they may.
  const isOpen = (job: number) => onReadyNodes(turn, job);
  const rank = byRank(turn);
  const running = runningInOrder(turn).filter(isOpen);
  const quota = new Quota(turn);
  for (const job of running) quota.give(job, false);
  // Those who were told to go leave their GPUs to who is chosen now.
  for (const job of leavingNow(turn).filter(isOpen)) quota.give(job, true);

  const starts: number[] = [];
  const preempts: number[] = [];
  const walk = waitingInOrder(turn);
  let at = 0;
  let waiting = walk.next();
  while (at < running.length || waiting >= 0) {
    if (at < running.length && (waiting < 0 || rank(running[at], waiting) < 0)) {
      if (!quota.keep(running[at])) preempts.push(running[at]);
      at++;
      continue;
    }
    if (quota.take(waiting)) {
      starts.push(waiting);
    } else if (args.blocked === 'stop') {
      waiting = -1;
      continue;
    } else {
      walk.pass();
    }
    waiting = walk.next();
  }

  const { trial } = view;
  const mark = trial.mark();
  for (const job of preempts) {
    preempt(turn, job);
    if (jobs.graceUs[job] === 0) trial.evict(job);
  }
  const stuck: number[] = [];
  for (const job of starts) {
    const placement = findPlace(turn, job);
    if (placement === null) stuck.push(job);
    else start(turn, job, placement);
  }
  trial.takeBack(mark);
  return stuck;
}

function onReadyNodes({ view }: Turn, job: number): boolean {
  const { cluster, scenario } = view;
  const { taskStart } = scenario.jobs;
  for (let task = taskStart[job]; task < taskStart[job + 1]; task++) {
    if (cluster.nodeState[cluster.taskNode[task]] !== READY) return false;
  }
  return true;
}
