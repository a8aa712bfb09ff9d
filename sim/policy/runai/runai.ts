/**
 * Run:ai's scheduler in the simulation: one scheduler a node pool, each in cycles on a snapshot of its pool.
 *
 * A job that may use several pools is tried in the first of its list, and where it can neither start nor displace anybody
 * there, in the next, within the same moment; in the end it waits in its first. Evictions are preemptions (grace period,
 * checkpoint if the job can, back to the queue). A promise of GPUs that are being released binds nobody, as there
 * (statement.go, `commitPipeline`: an event is written, no node is nominated): the next cycle decides anew. Mission Control's cap on borrowing (`maxOverQuotaGpus`) holds over all pools together.
 *
 * The real scheduler looks every period. Here a pool is looked at only when something changed in it, when its last cycle
 * did something, or when time alone may change the answer: the result is the same.
 */
import { GPU_UNITS, READY } from '../../cluster/cluster.ts';
import { type Action, CHECKPOINTING, PENDING, STARTING, type View } from '../../cluster/view.ts';
import type { Decision, Policy, PolicyFactory } from '../policy.ts';
import { configOf, RUNAI_ARGS, type RunaiArgs, windowOf } from './args.ts';
import { actionsOf, type Leaving, nobodyLeaves, type Opened, openNone, promisesOf, type Step } from './bind.ts';
import { GPU } from './columns.ts';
import { runCycle, type Decision as TaskDecision } from './cycle.ts';
import { taskOfName } from './fromview.ts';
import { type Memory, type Outgoing, openMemory, type PoolMemory, setAlarm } from './memory.ts';
import { forgetPromises, keepPromises } from './promises.ts';
import {
  capBorrowing,
  countHeld,
  followJob,
  followNode,
  followUsage,
  leave,
  openShards,
  putInOrder,
  type Shard,
  type ShardRules,
  type Shards,
  sendHome,
  settleAll,
  standIn,
  visit,
} from './shard.ts';
import { holds, nextSampleUs, takeSamples } from './usage.ts';
import { type Looked, whyWaiting } from './waiting.ts';

const SECOND_US = 1_000_000;
export const runai: PolicyFactory = {
  name: 'runai',
  about:
    "Run:ai's open scheduler (KAI): fair share with quotas, gangs, shares of GPUs, reclaim, preemption, consolidation",
  args: RUNAI_ARGS,
  create: (args: RunaiArgs) => createRunai(args),
};

/** What a simulation keeps beside the policy's memory; lost and rebuilt when it is resumed from a snapshot. */
interface Run {
  view: View;
  memory: Memory;
  shards: Shards;
  opened: Opened;
  leaving: Leaving;
  actions: Action[];
  /** Jobs decided on at this moment. */
  decided: Set<number>;
  /** Pools whose session stands as the world does, but for what was decided at this moment. */
  settled: Set<number>;
  now: number;
}

/** `everyPeriod`: look at every pool at every period, as the real one does; for tests of the claim that it makes no difference. */
export function createRunai(args: RunaiArgs, everyPeriod = false): Policy<Memory> {
  const rules: ShardRules = { config: configOf(args), preemptionDelayUs: Math.round(args.preemptionDelay * SECOND_US) };
  const periodUs = Math.round(args.schedulePeriod * SECOND_US);
  const window = windowOf(args);
  const minRuntimes = [rules.config.defaultPreemptMinRuntimeUs, rules.config.defaultReclaimMinRuntimeUs];
  let shards: Shards | null = null;

  return { name: 'runai', periodUs, init: openMemory, decide };

  function decide(view: View, memory: Memory, now: number): Decision<Memory> {
    if (shards === null) shards = openShards(view, memory, rules);
    const run: Run = {
      view,
      memory,
      shards,
      opened: openNone(),
      leaving: nobodyLeaves(),
      actions: [],
      decided: new Set(),
      settled: new Set(),
      now,
    };
    follow(run);
    const most = view.scenario.poolLists.reduce((longest, list) => Math.max(longest, list.length), 1);
    const busy = shards.list.map(({ pool }) => carryOut(run, pool));
    let again = false;
    // Between two periods a slow scheduler only carries out what it has decided.
    const due = now % periodUs === 0 && now > memory.lookedUs;
    if (due) memory.lookedUs = now;
    else if (now % periodUs === 0) again = true;
    for (let pass = 0; pass < most && due; pass++) {
      for (const shard of shards.list) {
        if (busy[shard.pool]) continue;
        if (everyPeriod || shard.quietAt[pass] !== shard.version) again = look(run, shard, pass) || again;
      }
    }
    if (rules.preemptionDelayUs > 0) {
      for (const { kind, job } of run.actions) if (kind === 'preempt') memory.evictedUs.set(job, now);
    }
    if (args.timeBasedFairShare) noteUse(run);
    return { actions: run.actions, state: memory, wakeAt: nextLook(run, again || everyPeriod) };
  }

  /** Brings sessions and memory up to date with what happened since the last decision. */
  function follow({ view, memory, shards, now }: Run): void {
    const { jobs } = view.scenario;
    if (args.timeBasedFairShare) {
      for (const shard of shards.list) {
        if (takeSamples(memory.pools[shard.pool].usage, window, now)) shard.version++;
      }
    }
    for (const job of new Set(view.changedJobs)) {
      const status = view.status[job];
      if (status !== PENDING) {
        memory.told.delete(job);
        if (status > CHECKPOINTING) forgetPromises(view, memory, job);
      }
      for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
        if (view.cluster.taskNode[task] >= 0) memory.promises.delete(task);
      }
      followJob(view, memory, rules, shards, job);
      if (status >= STARTING && status <= CHECKPOINTING) {
        for (const us of minRuntimes) if (us > 0) setAlarmAfter(memory, now, view.startedUs(job) + us);
      } else if (status === PENDING && rules.preemptionDelayUs > 0) {
        const from = Math.max(jobs.submitUs[job], memory.evictedUs.get(job) ?? 0);
        setAlarmAfter(memory, now, from + rules.preemptionDelayUs);
      }
    }
    for (const node of new Set(view.changedNodes)) followNode(view, shards, node);
    while (memory.alarms.length > 0 && memory.alarms[0] <= now) {
      memory.alarms.shift();
      for (const shard of shards.list) shard.version++;
    }
  }

  /** One cycle of one pool's scheduler. Whether it did anything. */
  function look(run: Run, shard: Shard, pass: number): boolean {
    const { view, memory, shards, now } = run;
    const { session, pool } = shard;
    const visitors = pass === 0 ? [] : visitorsOf(run, pool, pass);
    if (pass === 0 ? shards.wanting[pool].size === 0 : visitors.length === 0) {
      shard.quietAt[pass] = shard.version;
      return false;
    }
    if (!run.settled.has(pool)) {
      settleAll(view, memory, rules, shards, shard);
      run.settled.add(pool);
    }
    for (const job of visitors) visit(view, memory, rules, shard, job);
    capBorrowing(view, shards, shard);
    if (args.timeBasedFairShare) followUsage(memory, shard);
    if (visitors.length > 0) putInOrder(shards, shard);
    session.nowUs = now;
    const steps = runCycle(session).map((decision) => stepOf(run, pool, decision));
    for (const { job } of steps) {
      shard.unsettled.add(job);
      run.decided.add(job);
    }
    for (const { name } of session.loose) shard.unsettled.add(shards.jobOfName.get(name) as number);
    explain(run, shard, steps, pass);
    for (const job of visitors) if (!run.decided.has(job)) sendHome(shard, job, view.scenario.jobs.ids[job]);
    const promises = promisesOf(view, steps);
    const actions = actionsOf(view, steps, run.opened, run.leaving);
    for (const action of actions) claim(run, shard, action);
    const promised = keepPromises(view, memory, shards, rules, shard, pass, promises);
    if (actions.length === 0 && !promised) {
      shard.quietAt[pass] = shard.version;
      return false;
    }
    shard.version++;
    if (args.decisionsPerSecond === 0) run.actions.push(...actions);
    else post(memory.pools[pool], actions, view, now);
    return true;
  }

  /** A slow scheduler gets to its decisions one after the other. */
  function post(pool: PoolMemory, actions: readonly Outgoing['action'][], view: View, now: number): void {
    const { jobs } = view.scenario;
    let workers = 0;
    for (const action of actions) {
      workers +=
        action.kind === 'preempt' ? jobs.taskStart[action.job + 1] - jobs.taskStart[action.job] : action.tasks.length;
      pool.outbox.push({ atUs: now + Math.ceil((workers * SECOND_US) / args.decisionsPerSecond), action });
    }
    pool.busyUntilUs = Math.max(now + periodUs, pool.outbox[pool.outbox.length - 1]?.atUs ?? 0);
  }

  /** Carries out what the pool's scheduler has got to by now. Whether it is still at it. */
  function carryOut(run: Run, pool: number): boolean {
    const { view, memory, shards, now } = run;
    const own = memory.pools[pool];
    let count = 0;
    while (count < own.outbox.length && own.outbox[count].atUs <= now) count++;
    const due = own.outbox.splice(0, count);
    for (const { action } of due) {
      // Nobody else decides on it at this moment, though the world has not changed yet.
      run.decided.add(action.job);
      if (isStillPossible(view, action)) run.actions.push(action);
      else followJob(view, memory, rules, shards, action.job);
    }
    return due.length > 0 || own.outbox.length > 0 || now < own.busyUntilUs;
  }

  /** Notes what each queue holds from now on. */
  function noteUse({ view, memory, shards }: Run): void {
    const { departments, projects, pools } = view.scenario;
    for (const { pool, session } of shards.list) {
      const { usage } = memory.pools[pool];
      const held = departments.map(() => 0);
      projects.forEach(({ department }, project) => {
        const own = Math.round((shards.heldUnits[project * pools.length + pool] * 1000) / GPU_UNITS);
        holds(usage, departments.length + project, 0, own);
        for (let d = department; d >= 0; d = departments[d].parent) held[d] += own;
      });
      held.forEach((milli, department) => {
        holds(usage, department, 0, milli);
      });
      holds(usage, departments.length + projects.length, 0, Math.round(session.total[GPU] * 1000));
    }
  }

  function nextLook({ memory, now, shards }: Run, again: boolean): number {
    const tick = (us: number) => Math.ceil(us / periodUs) * periodUs;
    let at = again ? tick(now + 1) : Infinity;
    for (const { outbox, busyUntilUs } of memory.pools) {
      if (outbox.length > 0) at = Math.min(at, outbox[0].atUs);
      else if (busyUntilUs > now) at = Math.min(at, tick(busyUntilUs));
      else if (busyUntilUs === now && now > 0) at = Math.min(at, tick(now + 1));
    }
    if (memory.alarms.length > 0) at = Math.min(at, tick(memory.alarms[0]));
    if (args.timeBasedFairShare && shards.wanting.some(({ size }) => size > 0)) {
      at = Math.min(at, tick(nextSampleUs(memory.pools[0].usage, window)));
    }
    return at;
  }
}

/** A decision on a task by its numbers in the simulation. */
function stepOf({ view, shards }: Run, pool: number, decision: TaskDecision): Step {
  const { scenario } = view;
  const job = shards.jobOfName.get(decision.job) as number;
  const kind = decision.kind === 'pipeline' ? 'promise' : decision.kind;
  const nodes = shards.list[pool].session.nodes;
  return {
    kind,
    job,
    task: taskOfName(scenario, job, decision.task),
    node: shards.list[pool].nodeOfRow[nodes.row.get(decision.node) as number],
    labels: decision.gpuGroups,
    reason: decision.reason,
  };
}

/** Why jobs of this pool wait, after its cycle. Said anew only where another rule holds them back than before. */
function explain(
  { view, memory, shards, actions }: Run,
  { session }: Shard,
  steps: readonly Step[],
  pass: number,
): void {
  const tell = (job: number, rule: string, sentence: () => string) => {
    if (view.status[job] !== PENDING || memory.told.get(job) === rule) return;
    memory.told.set(job, rule);
    actions.push({ kind: 'wait', job, reason: sentence() });
  };
  const promised = new Set<number>();
  for (const { kind, job, reason } of steps) {
    if (kind !== 'promise' || promised.has(job)) continue;
    promised.add(job);
    tell(job, 'promised', () => reason);
  }
  // What a visitor lacked in other pools too would change with every pool it tries.
  if (pass > 0) return;
  const looked: Looked = new Map();
  for (const [job, wait] of session.waits) {
    const number = shards.jobOfName.get(job.name) as number;
    if (promised.has(number)) continue;
    const rule = wait.kind === 'limit' || wait.kind === 'quota' ? `${wait.kind} ${wait.queue}` : wait.kind;
    tell(number, rule, () => whyWaiting(session, job, looked));
  }
}

/** Jobs whose next choice the pool is, that found nothing yet and were promised nothing. */
function visitorsOf({ view, memory, shards, decided }: Run, pool: number, pass: number): number[] {
  const { poolLists, jobs } = view.scenario;
  const engaged = new Set(memory.pools.flatMap(({ outbox }) => outbox.map(({ action }) => action.job)));
  for (const task of memory.promises.keys()) engaged.add(view.cluster.jobOfTask[task]);
  return [...shards.roaming]
    .filter((job) => poolLists[jobs.poolList[job]][pass] === pool && shards.poolOf[job] !== pool)
    .filter((job) => !decided.has(job) && !engaged.has(job))
    .sort((a, b) => a - b);
}

/** Where the decision was made for a job to start, it is at home from now on; what it holds counts at once. */
function claim({ view, shards }: Run, shard: Shard, action: Outgoing['action']): void {
  const { job } = action;
  if (action.kind === 'place') {
    const home = shards.poolOf[job];
    if (home !== shard.pool) {
      leave(shards, view.scenario.jobs.ids[job], job, home);
      standIn(shards, job, shard.pool, true);
    }
    shards.roaming.delete(job);
  }
  countHeld(view, shards, action, shard.pool);
}

function isStillPossible(view: View, action: Outgoing['action']): boolean {
  const { cluster, status, scenario } = view;
  const { job } = action;
  const runs = status[job] >= STARTING && status[job] <= CHECKPOINTING;
  if (action.kind === 'preempt') return runs;
  if (action.kind === 'shrink') {
    return runs && action.tasks.every((task) => cluster.taskNode[task] >= 0 && !view.isLeaving(task));
  }
  if (status[job] !== PENDING && !runs) return false;
  return action.tasks.every((task, i) => {
    const node = action.nodes[i];
    const gpus = scenario.jobs.taskGpus[task];
    return cluster.nodeState[node] === READY && cluster.taskNode[task] < 0 && cluster.fits(job, gpus, node);
  });
}

function setAlarmAfter(memory: Memory, now: number, atUs: number): void {
  if (atUs > now) setAlarm(memory, atUs);
}
