/**
 * When one queue may take from another.
 *
 * At the level of the hierarchy where the two queues part, either the victim's queue is over its allocatable share (maintain
 * fair share), or the reclaimer stays within what it deserves and the victim's queue is over what it deserves (guarantee
 * deserved). Whoever ends above its own fair share must stay less saturated than those it took from.
 */
import {
  CPU,
  GPU,
  type Job,
  type JobView,
  MEMORY,
  QUEUE_NON_PREEMPTIBLE,
  QUEUE_USED,
  type Session,
  SHARED,
  TASK_ACCEPTED_GPUS,
} from './columns.ts';
import { UNLIMITED } from './fairshare.ts';
import { allocatable, asShared, used, usedNonPreemptible, within, withinDeserved } from './queues.ts';
import { asksOf } from './subgroups.ts';

/** After the shared resources in a vector of what is taken: GPUs other than MIG instances. */
const GPUS_BUT_MIG = SHARED;

/** Its queue stays within its fair share with the job; a non-preemptible one within what it deserves. */
export function mayReclaim(session: Session, job: Job): boolean {
  const { shares } = session.queues;
  const asks = asShared(session, asksOf(session, job));
  for (let resource = 0; resource < SHARED; resource++) {
    const { fairShare, deserved } = shares[resource];
    if (!within(used(session, job.queue, resource) + asks[resource], fairShare[job.queue])) return false;
    if (job.preemptible) continue;
    if (!within(usedNonPreemptible(session, job.queue, resource) + asks[resource], deserved[job.queue])) return false;
  }
  return true;
}

/** The queues in which the ways from the top down part. */
export function partingQueues({ queues }: Session, reclaimer: number, victim: number): [number, number] {
  const left = queues.path[reclaimer];
  const right = queues.path[victim];
  let level = 0;
  while (level < Math.min(left.length, right.length) - 1 && left[level] === right[level]) level++;
  return [left[level], right[level]];
}

/** Taking from that queue could be legal for some set of victims. */
export function mayTakeFrom(session: Session, reclaimer: Job, victimQueue: number): boolean {
  const [own, theirs] = partingQueues(session, reclaimer.queue, victimQueue);
  const asks = asShared(session, asksOf(session, reclaimer));
  if (!withinDeserved(session, own, asks)) return !withinAllocatable(session, theirs, usedOf(session, theirs));
  let under = false;
  for (let resource = 0; resource < SHARED; resource++) {
    if (asks[resource] <= 0) continue;
    const deserved = session.queues.shares[resource].deserved[theirs];
    if (deserved === UNLIMITED) continue;
    const holds = used(session, theirs, resource);
    if (holds > deserved) return true;
    if (holds < deserved) under = true;
  }
  return !under;
}

const usedOf = (session: Session, queue: number): number[] => amountsOf(session.columns[QUEUE_USED], queue);

function amountsOf(column: Float64Array, queue: number): number[] {
  const at = queue * SHARED;
  return [column[at + CPU], column[at + MEMORY], column[at + GPU]];
}

function withinAllocatable(session: Session, queue: number, amounts: readonly number[]): boolean {
  for (let resource = 0; resource < SHARED; resource++) {
    if (!within(amounts[resource], allocatable(session, queue, resource))) return false;
  }
  return true;
}

function withinShareOf(session: Session, queue: number, amounts: readonly number[]): boolean {
  for (let resource = 0; resource < SHARED; resource++) {
    if (!within(amounts[resource], session.queues.shares[resource].deserved[queue])) return false;
  }
  return true;
}

/** What queues used before a search began, and what of it by non-preemptible jobs. */
export interface UseBefore {
  all: Float64Array;
  nonPreemptible: Float64Array;
}

export function useNow({ columns }: Session): UseBefore {
  return { all: columns[QUEUE_USED].slice(), nonPreemptible: columns[QUEUE_NON_PREEMPTIBLE].slice() };
}

/**
 * The victims may be taken. `before`: what queues used before the search's statement. Victims that found another place (`stays`)
 * are not counted where the configuration lets them be moved.
 */
export function reclaimIsLegal(
  session: Session,
  reclaimer: JobView,
  victims: ReadonlyMap<Job, readonly number[]>,
  before: UseBefore,
  stays: (task: number) => boolean,
): boolean {
  const { queues } = session;
  const asks = asShared(session, asksOf(session, reclaimer));
  const remaining = new Map<number, number[]>();
  const involved = new Map<number, boolean[]>();
  const left = (queue: number): number[] => {
    let amounts = remaining.get(queue);
    if (amounts === undefined) {
      amounts = amountsOf(before.all, queue);
      remaining.set(queue, amounts);
    }
    return amounts;
  };
  const bundles = new Map<number, number[][]>();
  for (const [job, tasks] of victims) {
    const taken = takenOf(session, job, tasks, stays);
    const known = bundles.get(job.queue);
    if (known !== undefined) known.push(...taken);
    else if (taken.length > 0) bundles.set(job.queue, taken);
  }
  for (const [queue, taken] of bundles) {
    const [own, theirs] = partingQueues(session, reclaimer.job.queue, queue);
    const touches = involvedIn(taken, GPUS_BUT_MIG);
    left(theirs);
    const starved = underDeserved(session, own, asks, before.all);
    for (const amounts of taken) {
      const rest = left(theirs);
      const overShare = !withinAllocatable(session, theirs, rest);
      const overDeserved = starved && !withinShareOf(session, theirs, rest);
      if (!overShare && !overDeserved) return false;
      for (const at of queues.path[queue]) {
        const sum = left(at);
        for (let resource = 0; resource < SHARED; resource++) sum[resource] -= amounts[resource];
        const known = involved.get(at);
        involved.set(at, known === undefined ? touches : known.map((is, resource) => is || touches[resource]));
      }
    }
  }
  const own = involvedIn([asksOf(session, reclaimer)], GPU);
  return staysWithinBounds(session, reclaimer.job, asks, own, remaining, involved, before);
}

function underDeserved({ queues }: Session, queue: number, more: readonly number[], before: Float64Array): boolean {
  for (let resource = 0; resource < SHARED; resource++) {
    const amount = before[queue * SHARED + resource] + more[resource];
    if (!within(amount, queues.shares[resource].deserved[queue])) return false;
  }
  return true;
}

/** Elastic surplus one task at a time, then the core of the gang as one. */
function takenOf(session: Session, job: Job, tasks: readonly number[], stays: (task: number) => boolean): number[][] {
  const { config, facts } = session;
  const moved = (task: number): boolean => config.allowConsolidatingReclaim && stays(task);
  const core: number[] = [];
  const taken: number[][] = [];
  for (const set of job.sets) {
    let ours = 0;
    for (const task of tasks) {
      if (facts[task].set.row !== set.row) continue;
      const surplus = ours++ >= set.min;
      if (moved(task)) continue;
      if (surplus) taken.push(chargeOf(session, [task]));
      else core.push(task);
    }
  }
  if (core.length > 0) taken.push(chargeOf(session, core));
  return taken;
}

function chargeOf({ facts, columns }: Session, tasks: readonly number[]): number[] {
  const sum = [0, 0, 0, 0];
  for (const task of tasks) {
    sum[CPU] += facts[task].asks[CPU];
    sum[MEMORY] += facts[task].asks[MEMORY];
    sum[GPU] += columns[TASK_ACCEPTED_GPUS][task] + facts[task].migGpus;
    sum[GPUS_BUT_MIG] += columns[TASK_ACCEPTED_GPUS][task];
  }
  return sum;
}

/** Which of the shared resources play a part; MIG instances alone do not make GPUs one, though they count as GPUs used. */
const involvedIn = (amounts: readonly ArrayLike<number>[], gpus: number): boolean[] =>
  [CPU, MEMORY, gpus].map((resource) => amounts.some((vector) => vector[resource] > 0));

function staysWithinBounds(
  session: Session,
  reclaimer: Job,
  asks: readonly number[],
  own: readonly boolean[],
  remaining: ReadonlyMap<number, number[]>,
  involved: ReadonlyMap<number, boolean[]>,
  before: UseBefore,
): boolean {
  const { queues } = session;
  for (const queue of queues.upward[reclaimer.queue]) {
    const base = remaining.get(queue) ?? amountsOf(before.all, queue);
    const after = base.map((amount, resource) => amount + asks[resource]);
    for (const [sibling, theirs] of remaining) {
      if (sibling === queue || queues.parent[sibling] !== queues.parent[queue]) continue;
      const touched = involved.get(sibling) ?? [];
      for (let resource = 0; resource < SHARED; resource++) {
        if (!touched[resource] && !own[resource]) continue;
        if (overtakes(session, queue, sibling, resource, after[resource], theirs[resource])) return false;
      }
    }
    if (reclaimer.preemptible) continue;
    for (let resource = 0; resource < SHARED; resource++) {
      const amount = before.nonPreemptible[queue * SHARED + resource] + asks[resource];
      if (!within(amount, queues.shares[resource].deserved[queue])) return false;
    }
  }
  return true;
}

/** Above its fair share, and no less saturated than the queue it took from. */
function overtakes(
  { queues, config }: Session,
  queue: number,
  sibling: number,
  resource: number,
  after: number,
  theirs: number,
): boolean {
  const { fairShare } = queues.shares[resource];
  if (fairShare[queue] === UNLIMITED && fairShare[sibling] === UNLIMITED) return false;
  const saturation = saturationOf(after, fairShare[queue]);
  const multiplier = Math.max(1, config.reclaimerUtilizationMultiplier);
  return (
    saturation > 1 && fairShare[sibling] > 0 && saturation * multiplier >= saturationOf(theirs, fairShare[sibling])
  );
}

function saturationOf(amount: number, fairShare: number): number {
  if (fairShare === 0) return amount > 0 ? Infinity : 0;
  return fairShare === UNLIMITED ? 0 : amount / fairShare;
}
