/**
 * The three actions that move running work for a job that waits: consolidation (everyone moved gets another place), reclaim
 * (from other queues, by right of fair share) and preempt (inside a queue, by priority).
 */

import { tooBig } from './allocate.ts';
import type { Job, Report, Session } from './columns.ts';
import type { ActionName } from './config.ts';
import { JobOrder, type Lists } from './joborder.ts';
import { mayReclaim, mayTakeFrom, reclaimIsLegal, useNow } from './legality.ts';
import { moveInLists, openLists, runningOf, type WorkLists, waitingJobs } from './lists.ts';
import { SmallestFailed } from './minimal.ts';
import {
  keepsItsCore,
  shieldedFromPreempt,
  shieldedFromReclaim,
  shieldsByTime,
  shieldsFromReclaim,
} from './minruntime.ts';
import { roomNow } from './noderesources.ts';
import { leastQuota, overQuota } from './queues.ts';
import type { Scenario } from './scenario.ts';
import type { Search, Stays } from './search.ts';
import { makeRoom } from './solver.ts';
import { commit, letStand } from './statement.ts';
import { isElastic, isReady, tasksToAllocate } from './subgroups.ts';

export type Displacing = Extract<ActionName, 'consolidation' | 'reclaim' | 'preempt'>;

export function displaceAction(session: Session, action: Displacing, report: Report): void {
  const { config } = session;
  if (action === 'consolidation' && config.maxConsolidationPreemptees === 0) return;
  const failed = new Map<number, SmallestFailed>();
  const order = new JobOrder(
    session,
    false,
    waitingJobs(session, action, (job) => maySearch(session, action, job)),
  );
  const lists = openLists(session);
  const timeMatters = shieldsByTime(session);
  while (!order.empty) {
    const { job } = order.pop();
    if (action === 'reclaim' && !mayReclaim(session, job)) continue;
    // What one queue may not take another may; what cannot be packed for one cannot be for any.
    const scope = action === 'consolidation' ? -1 : job.queue;
    let smallest = failed.get(scope);
    if (smallest === undefined) {
      smallest = new SmallestFailed(session);
      failed.set(scope, smallest);
    }
    const than = config.skipHarderJobs ? smallest.noEasierThan(job) : null;
    if (than !== null) {
      if (!session.waits.has(job)) session.waits.set(job, { kind: 'harder', than: than.name });
      continue;
    }
    if (tasksToAllocate(session, job).some((task) => tooBig(session, task) >= 0)) continue;
    // The real scheduler would look once more, at the same things, and find the same.
    const known = !timeMatters && job.inVain.get(action) === session.changes;
    const search = known ? null : searchFor(session, lists, action, job);
    const room = search === null ? 'none' : makeRoom(search, job);
    if (room === 'solved') {
      const operations = commit(session);
      const touched = new Set<Job>();
      for (const { kind, task } of operations) {
        const { job: whose } = session.facts[task];
        if (kind === 'evict') whose.evictedUs = session.nowUs;
        touched.add(whose);
      }
      moveInLists(session, lists, touched);
      session.waits.delete(job);
      report(operations, job);
    } else {
      if (room === 'none') job.inVain.set(action, session.changes);
      if (room === 'loose') moveInLists(session, lists, letStand(session));
      smallest.add(job);
    }
  }
}

function maySearch(session: Session, action: Displacing, job: Job): boolean {
  if (!isReady(session, job.root) || (action === 'consolidation' && !job.preemptible)) return false;
  const untilUs = Math.max(job.createdUs, job.evictedUs ?? -Infinity) + job.preemptionDelayUs;
  if (job.preemptionDelayUs <= 0 || session.nowUs >= untilUs) return true;
  session.waits.set(job, { kind: 'delay', untilUs });
  return false;
}

/** null: not worth a search. */
function searchFor(session: Session, lists: WorkLists, action: Displacing, job: Job): Search | null {
  const { queues, config } = session;
  const names = { session, lists };
  if (action === 'consolidation') {
    if (!enoughFree(session, job)) return null;
    const most = config.maxConsolidationPreemptees;
    const victims = once((): Lists => {
      let room = most < 0 ? Infinity : most + 1;
      return filterLists(queues.leaf.keys(), (queue) => {
        const found = runningOf(session, lists, queue).filter((other) => other !== job && room-- > 0);
        return found;
      });
    });
    return { ...names, victims, legal: allPlacedAgain };
  }
  if (action === 'reclaim') {
    const before = useNow(session);
    const victims = once((): Lists => {
      return filterLists(queues.leaf.keys(), (queue) => {
        if (queue === job.queue || queues.jobs[queue].size === 0 || !mayTakeFrom(session, job, queue)) return [];
        const running = runningOf(session, lists, queue);
        if (!shieldsFromReclaim(session, job.queue, queue)) return running;
        return running.filter((other) => isElastic(other) || !shieldedFromReclaim(session, job, other));
      });
    });
    const legal = ({ preemptor, victims: named }: Scenario, stays: Stays): boolean => {
      for (const [other, tasks] of named) {
        if (!isElastic(other) || !shieldedFromReclaim(session, job, other)) continue;
        if (!keepsItsCore(session, other, tasks)) return false;
      }
      return reclaimIsLegal(session, preemptor, named, before, stays);
    };
    const legalIfGone = ({ preemptor, victims: named }: Scenario): boolean =>
      reclaimIsLegal(session, preemptor, named, before, () => false);
    return { ...names, victims, legal, legalIfGone };
  }
  if (overQuota(session, job, leastQuota(session, tasksToAllocate(session, job))) !== null) return null;
  const below = runningOf(session, lists, job.queue).filter(
    (other) =>
      other !== job && other.priority < job.priority && (isElastic(other) || !shieldedFromPreempt(session, other)),
  );
  if (below.length === 0) return null;
  const victims = (): Lists => new Map([[job.queue, below]]);
  const legal = ({ victims: named }: Scenario): boolean => {
    for (const [other, tasks] of named) {
      if (isElastic(other) && shieldedFromPreempt(session, other) && !keepsItsCore(session, other, tasks)) return false;
    }
    return true;
  };
  return { ...names, victims, legal };
}

function filterLists(queuesIn: Iterable<number>, of: (queue: number) => readonly Job[]): Lists {
  const lists: Lists = new Map();
  for (const queue of queuesIn) {
    const found = of(queue);
    if (found.length > 0) lists.set(queue, found);
  }
  return lists;
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The pool has as many GPUs idle or being released as the job asks for, scattered as they may be. */
function enoughFree(session: Session, job: Job): boolean {
  let gpus = 0;
  let memory = 0;
  for (const task of tasksToAllocate(session, job)) {
    gpus += session.facts[task].quotaGpus;
    memory += session.facts[task].memoryMiB;
  }
  // Summed up first and compared then: shares that make up the amount asked for must not miss it by a rounding error.
  const room = roomNow(session);
  return room.gpus >= gpus && room.memoryMiB >= memory;
}

function allPlacedAgain({ victims }: Scenario, stays: Stays): boolean {
  for (const tasks of victims.values()) if (!tasks.every(stays)) return false;
  return true;
}
