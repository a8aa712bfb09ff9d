/**
 * One node pool's scheduler in the simulation: a session that follows the view, and whether there is anything new in it.
 *
 * Derived from the view and the policy's memory alone: where it is missing (a resumed run, a fork) it is built anew, and
 * must then decide as the one would have that was kept up to date.
 */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import { PENDING, STARTING, TERMINATING, type View } from '../../cluster/view.ts';
import { GPU, type Job, type Session, TASK_NODE } from './columns.ts';
import type { SchedulerConfig } from './config.ts';
import { isAlive, jobState, nodeNames, nodeState, queueStates, topologyState } from './fromview.ts';
import type { Memory, Outgoing } from './memory.ts';
import { refill } from './refill.ts';
import { refreshJob } from './refresh.ts';
import { admit, freeRows, openSession, removeJob, setAside, setNode, setUsage, upsertJob } from './session.ts';
import { ghostsOf } from './statement.ts';
import { USED, usageShare } from './usage.ts';

export interface Shard {
  pool: number;
  session: Session;
  /** The simulation's number of each node of the session. */
  nodeOfRow: number[];
  /** Counts everything that may change what the pool's scheduler decides. */
  version: number;
  /** By pass: the version at which it found nothing to do. */
  quietAt: number[];
  /** Jobs in the session that do not stand there as they are in the world: decided on, or only visiting. */
  unsettled: Set<number>;
  /** Jobs that looked for a place here before and may come again: they keep their rows. */
  guests: Map<number, Job>;
  /** Rows of nodes on which something may stand otherwise than in the world. */
  disturbed: Set<number>;
}

export interface Shards {
  list: Shard[];
  /** Pool in whose session a job is for good, −1 = in none. */
  poolOf: Int16Array;
  /** By pool, the jobs in its session that lack workers they want. */
  wanting: Set<number>[];
  /** GPUs of a job that count against its project's cap, in the cluster's units (whole numbers), and the pool they are in. */
  countedUnits: Float64Array;
  countedIn: Int16Array;
  /** GPUs held by project × pools + pool, in units; those on their way out do not count. */
  heldUnits: Float64Array;
  /** Jobs that wait and may go to more than one pool. */
  roaming: Set<number>;
  /** Jobs that wait or hold something, by name. */
  jobOfName: Map<string, number>;
}

export interface ShardRules {
  config: SchedulerConfig;
  preemptionDelayUs: number;
}

export function openShards(view: View, memory: Memory, rules: ShardRules): Shards {
  const { scenario } = view;
  const { pools, jobs, projects } = scenario;
  const shards: Shards = {
    list: pools.map((_, pool) => openShard(view, rules, pool)),
    poolOf: new Int16Array(jobs.count).fill(-1),
    wanting: pools.map(() => new Set()),
    countedUnits: new Float64Array(jobs.count),
    countedIn: new Int16Array(jobs.count),
    heldUnits: new Float64Array(projects.length * pools.length),
    roaming: new Set(),
    jobOfName: new Map(),
  };
  for (let job = 0; job < jobs.count; job++) {
    if (isAlive(view, job)) followJob(view, memory, rules, shards, job);
  }
  return shards;
}

function openShard(view: View, rules: ShardRules, pool: number): Shard {
  const { scenario, cluster } = view;
  const nodes = Array.from(cluster.nodesOfPool[pool]);
  const numberOf = new Map(nodes.map((node) => [nodeNames(scenario)[node], node]));
  const session = openSession(
    {
      nowUs: 0,
      nodes: nodes.map((node) => nodeState(view, node)),
      queues: queueStates(scenario, pool),
      topologies: [topologyState(scenario)],
      jobs: [],
    },
    rules.config,
  );
  return {
    pool,
    session,
    nodeOfRow: session.nodes.name.map((name) => numberOf.get(name) as number),
    version: 0,
    quietAt: scenario.pools.map(() => -1),
    unsettled: new Set(),
    guests: new Map(),
    disturbed: new Set(),
  };
}

/** Brings all sessions up to date with a job that changed. */
export function followJob(view: View, memory: Memory, rules: ShardRules, shards: Shards, job: number): void {
  const { scenario, cluster } = view;
  const { jobs, projects, nodes } = scenario;
  const { list, poolOf, roaming, jobOfName } = shards;
  const pooled = scenario.poolLists[jobs.poolList[job]];
  const project = jobs.project[job];
  // A cap on borrowing binds all pools together.
  const everywhere = projects[project].maxOverQuotaGpus >= 0;
  for (const shard of list) if (everywhere || pooled.includes(shard.pool)) shard.version++;

  const alive = isAlive(view, job);
  if (alive) jobOfName.set(jobs.ids[job], job);
  else jobOfName.delete(jobs.ids[job]);
  const status = view.status[job];
  let pool = alive ? homeOf(view, memory, job) : -1;
  let units = 0;
  let wants = status === PENDING;
  if (alive && status >= STARTING) {
    for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
      if (cluster.taskNode[task] < 0) {
        wants = true;
        continue;
      }
      pool = nodes.pool[cluster.taskNode[task]];
      if (status !== TERMINATING && !view.isLeaving(task))
        units += cluster.unitsPerGpu(job, pool) * jobs.taskGpus[task];
    }
  }
  count(view, shards, job, Math.max(0, pool), units);
  if (poolOf[job] !== pool && poolOf[job] >= 0) leave(shards, scenario.jobs.ids[job], job, poolOf[job]);
  standIn(shards, job, pool, alive && status !== TERMINATING && wants);
  if (alive && status === PENDING && pooled.length > 1 && postedIn(memory, job) < 0) roaming.add(job);
  else roaming.delete(job);
  if (alive) settle(view, memory, rules, shards, job, pool);
  else for (const shard of list) forgetGuest(shard, job);
}

/** The job belongs to the pool's session, −1 = to none; whether it lacks workers. */
export function standIn({ poolOf, wanting }: Shards, job: number, pool: number, wants: boolean): void {
  if (poolOf[job] >= 0) wanting[poolOf[job]].delete(job);
  poolOf[job] = pool;
  if (pool >= 0 && wants) wanting[pool].add(job);
}

/** The pool whose slow scheduler has decided to start the job and not got to it yet, −1 = none. */
function postedIn({ pools }: Memory, job: number): number {
  return pools.findIndex(({ outbox }) => outbox.some(({ action }) => action.kind === 'place' && action.job === job));
}

/** Where a waiting job stands in line: where it is about to start, else where it was promised a place, else in the first pool of its list. */
function homeOf({ scenario }: View, memory: Memory, job: number): number {
  const { jobs, nodes, poolLists } = scenario;
  const posted = postedIn(memory, job);
  if (posted >= 0) return posted;
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
    const node = memory.promises.get(task);
    if (node !== undefined) return nodes.pool[node];
  }
  return poolLists[jobs.poolList[job]][0];
}

/** A waiting job's promises changed: it stands in line where they say. */
export function moveHome(view: View, memory: Memory, rules: ShardRules, shards: Shards, job: number): void {
  const pool = homeOf(view, memory, job);
  const before = shards.poolOf[job];
  if (before === pool) return;
  if (before >= 0) leave(shards, view.scenario.jobs.ids[job], job, before);
  standIn(shards, job, pool, true);
  if (shards.list[pool].session.jobs.has(view.scenario.jobs.ids[job])) shards.list[pool].unsettled.add(job);
  else settle(view, memory, rules, shards, job, pool);
}

export function followNode(view: View, shards: Shards, node: number): void {
  const { nodes } = view.scenario;
  const shard = shards.list[nodes.pool[node]];
  shard.version++;
  const { schedulable, gpus } = nodeState(view, node);
  setNode(shard.session, nodeNames(view.scenario)[node], { schedulable, gpus });
}

/** Puts a job into a session as it is in the world. */
export function settle(view: View, memory: Memory, rules: ShardRules, shards: Shards, job: number, pool: number): void {
  const shard = shards.list[pool];
  const before = shard.session.jobs.get(view.scenario.jobs.ids[job]);
  if (before !== undefined) disturb(shard, before);
  const state = jobState(view, memory, job, pool, rules.preemptionDelayUs);
  const refreshed = before !== undefined && refreshJob(shard.session, before, state);
  if (!refreshed) forgetGuest(shard, job);
  disturb(shard, refreshed ? before : upsertJob(shard.session, state));
  shard.unsettled.delete(job);
}

function withdraw(shard: Shard, name: string): void {
  const { session } = shard;
  const job = session.jobs.get(name);
  if (job === undefined) return;
  disturb(shard, job);
  removeJob(session, name);
}

function disturb({ session, disturbed }: Shard, job: Job): void {
  for (const task of job.tasks) {
    const node = session.columns[TASK_NODE][task];
    if (node >= 0) disturbed.add(node);
    for (const ghost of ghostsOf(session, task)) disturbed.add(ghost.node);
  }
}

/** Before a cycle: jobs that were decided on stand in the session as they are in the world, visitors have left. */
export function settleAll(view: View, memory: Memory, rules: ShardRules, shards: Shards, shard: Shard): void {
  for (const job of [...shard.unsettled].sort((a, b) => a - b)) {
    if (shards.poolOf[job] === shard.pool) settle(view, memory, rules, shards, job, shard.pool);
    else leave(shards, view.scenario.jobs.ids[job], job, shard.pool);
  }
  putInOrder(shards, shard);
  for (const row of shard.disturbed) refill(view, shard.session, row, shard.nodeOfRow[row]);
  shard.disturbed.clear();
}

/** From now on a job holds that many units of GPU in the pool. */
function count(view: View, shards: Shards, job: number, pool: number, units: number): void {
  const { countedUnits, countedIn, heldUnits } = shards;
  const cells = view.scenario.jobs.project[job] * view.scenario.pools.length;
  heldUnits[cells + countedIn[job]] -= countedUnits[job];
  countedUnits[job] = units;
  countedIn[job] = pool;
  heldUnits[cells + pool] += units;
}

/** What an action changes in that, ahead of the world. */
export function countHeld(view: View, shards: Shards, action: Outgoing['action'], pool: number): void {
  const { job } = action;
  let units = 0;
  if (action.kind !== 'preempt') {
    let gpus = 0;
    for (const task of action.tasks) gpus += view.scenario.jobs.taskGpus[task];
    const change = gpus * view.cluster.unitsPerGpu(job, pool);
    units = shards.countedUnits[job] + (action.kind === 'place' ? change : -change);
  }
  count(view, shards, job, pool, units);
}

/** Takes a waiting job into another pool's session for one cycle. */
export function visit(view: View, memory: Memory, rules: ShardRules, shard: Shard, job: number): void {
  const state = jobState(view, memory, job, shard.pool, rules.preemptionDelayUs);
  const guest = shard.guests.get(job);
  if (guest !== undefined && refreshJob(shard.session, guest, state)) {
    shard.guests.delete(job);
    admit(shard.session, guest);
    return;
  }
  forgetGuest(shard, job);
  upsertJob(shard.session, state);
}

/** A visitor goes home and may come again. */
export function sendHome(shard: Shard, job: number, name: string): void {
  const { session, guests } = shard;
  const guest = session.jobs.get(name);
  if (guest === undefined) return;
  disturb(shard, guest);
  setAside(session, guest);
  session.jobs.delete(name);
  shard.unsettled.delete(job);
  guests.set(job, guest);
}

function forgetGuest({ session, guests }: Shard, job: number): void {
  const guest = guests.get(job);
  if (guest === undefined) return;
  guests.delete(job);
  freeRows(session, guest);
}

/** Jobs in the order of the scenario, so that a session that was kept up to date equals one that was built anew. */
export function putInOrder({ jobOfName }: Shards, { session }: Shard): void {
  const number = (name: string) => jobOfName.get(name) as number;
  let last = -1;
  for (const name of session.jobs.keys()) {
    if (number(name) < last) {
      session.jobs = new Map([...session.jobs].sort(([a], [b]) => number(a) - number(b)));
      return;
    }
    last = number(name);
  }
}

export function leave(shards: Shards, name: string, job: number, pool: number): void {
  withdraw(shards.list[pool], name);
  shards.list[pool].unsettled.delete(job);
}

/** What a project may still borrow here, given what it borrows in other pools (Mission Control's `maxOverQuotaGpus`). */
export function capBorrowing(view: View, shards: Shards, shard: Shard): void {
  const { projects, pools } = view.scenario;
  const { limit } = shard.session.queues.shares[GPU];
  projects.forEach(({ name, deservedGpus, maxOverQuotaGpus }, project) => {
    const own = deservedGpus[shard.pool] ?? 0;
    if (maxOverQuotaGpus < 0 || own < 0) return;
    let elsewhere = 0;
    pools.forEach((_, pool) => {
      const deserved = deservedGpus[pool] ?? 0;
      if (pool === shard.pool || deserved < 0) return;
      elsewhere += Math.max(0, shards.heldUnits[project * pools.length + pool] / GPU_UNITS - deserved);
    });
    const queue = shard.session.queues.row.get(name) as number;
    const most = own + Math.max(0, maxOverQuotaGpus - elsewhere);
    if (limit[queue] !== most) shard.session.changes++;
    limit[queue] = most;
  });
}

/** Tells the session what each queue used lately. */
export function followUsage(memory: Memory, shard: Shard): void {
  const { session } = shard;
  session.queues.name.forEach((name, queue) => {
    const [gpu, cpu, memoryShare] = USED.map((_, resource) =>
      usageShare(memory.pools[shard.pool].usage, queue, resource),
    );
    setUsage(session, name, { gpu, cpu, memory: memoryShare });
  });
}
