/**
 * Waiting and running jobs by queue, sorted once and kept while an action works through them.
 *
 * A search asks over and over in which order victims and the job they make room for would be placed among all that waits.
 * Of the jobs that merely wait, only what the best of a queue asks for matters, because queues are compared by it. So from
 * each stretch of them one of each kind is enough: the first and, in case queues change in between, the last.
 */
import type { Job, JobView, Session } from './columns.ts';
import type { ActionName } from './config.ts';
import { hasPending, hasPlaced, jobComparison, type Lists, listsOf, sortJobs } from './joborder.ts';
import { asksOf } from './subgroups.ts';

export interface WorkLists {
  waiting: (Job[] | null)[];
  outline: (Job[] | null)[];
  running: (Job[] | null)[];
  /** By queue: stretches of its waiting jobs already thinned, by where they start and end. */
  stretches: (Map<number, readonly JobView[]> | null)[];
}

export function openLists({ queues }: Session): WorkLists {
  const lists = () => new Array<Job[] | null>(queues.count).fill(null);
  return { waiting: lists(), outline: lists(), running: lists(), stretches: new Array(queues.count).fill(null) };
}

/** Sorts what waits before a search moves anything. */
export function sortWaiting(session: Session, lists: WorkLists): void {
  for (let queue = 0; queue < session.queues.count; queue++) {
    if (session.queues.leaf[queue] && session.queues.jobs[queue].size > 0) waitingOf(session, lists, queue);
  }
}

/** These jobs have changed: each goes to its new place, the others stay in theirs. */
export function moveInLists(session: Session, lists: WorkLists, jobs: ReadonlySet<Job>): void {
  const perQueue = new Map<number, Job[]>();
  for (const job of jobs) {
    if (job.queue < 0) continue;
    const known = perQueue.get(job.queue);
    if (known === undefined) perQueue.set(job.queue, [job]);
    else known.push(job);
  }
  for (const [queue, changed] of perQueue) {
    lists.outline[queue] = null;
    lists.stretches[queue] = null;
    const again = (list: Job[] | null, victims: boolean, keep: (job: Job) => boolean): Job[] | null => {
      if (list === null) return null;
      const rest = list.filter((job) => !jobs.has(job));
      for (const job of changed) if (keep(job)) rest.splice(placeFor(session, rest, victims, job), 0, job);
      return rest;
    };
    lists.waiting[queue] = again(lists.waiting[queue], false, (job) => hasPending(session, job));
    lists.running[queue] = again(lists.running[queue], true, (job) => mayLeave(session, job));
  }
}

/** Where a job would stand among those of the queue that wait. */
export function placeIn(session: Session, lists: WorkLists, queue: number, view: JobView): number {
  return placeFor(session, waitingOf(session, lists, queue), false, view);
}

function placeFor(session: Session, sorted: readonly Job[], victims: boolean, job: JobView): number {
  const compare = jobComparison(session);
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compare(sorted[middle], job);
    if (victims ? order > 0 : order < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const mayLeave = (session: Session, job: Job): boolean => job.preemptible && hasPlaced(session, job);

/** Jobs an action tries, as deep into each queue as it may look. */
export function waitingJobs(session: Session, action: ActionName, ready: (job: Job) => boolean): Lists {
  const found: Job[] = [];
  for (const job of session.jobs.values())
    if (job.queue >= 0 && hasPending(session, job) && ready(job)) found.push(job);
  const lists = listsOf(session, false, found);
  const depth = session.config.queueDepth[action];
  if (depth !== undefined) for (const [queue, list] of lists) lists.set(queue, list.slice(0, depth));
  return lists;
}

/** Preemptible jobs of a queue that hold something, the last to be served first. */
export function runningOf(session: Session, { running }: WorkLists, queue: number): readonly Job[] {
  running[queue] ??= collect(session, queue, true, (job) => mayLeave(session, job));
  return running[queue] as Job[];
}

function waitingOf(session: Session, { waiting }: WorkLists, queue: number): Job[] {
  waiting[queue] ??= collect(session, queue, false, (job) => hasPending(session, job));
  return waiting[queue] as Job[];
}

function collect(session: Session, queue: number, victims: boolean, keep: (job: Job) => boolean): Job[] {
  const jobs: Job[] = [];
  for (const job of session.queues.jobs[queue]) if (keep(job)) jobs.push(job);
  sortJobs(session, victims, jobs);
  return jobs;
}

/** The victims and the preemptor, with as many of the other waiting jobs as it takes to keep their order. */
export function amongWaiting(
  session: Session,
  lists: WorkLists,
  preemptor: JobView,
  victims: Iterable<JobView>,
): Lists {
  const { queues } = session;
  const involved = new Map<number, JobView[]>();
  const jobs = new Set<Job>();
  const tops = new Set<number>();
  const involve = (view: JobView): void => {
    const { job } = view;
    if (jobs.has(job)) return;
    jobs.add(job);
    const known = involved.get(job.queue);
    if (known === undefined) involved.set(job.queue, [view]);
    else known.push(view);
    tops.add(queues.path[job.queue][0]);
  };
  for (const view of victims) involve(view.job === preemptor.job ? preemptor : view);
  involve(preemptor);
  const result: Lists = new Map();
  for (let queue = 0; queue < queues.count; queue++) {
    // Whole trees of queues in which nothing happens change nobody's place.
    if (!queues.leaf[queue] || !tops.has(queues.path[queue][0])) continue;
    const views = involved.get(queue);
    if (views !== undefined) {
      sortJobs(session, false, views as Job[]);
      result.set(queue, merge(session, lists, queue, views, jobs));
    } else if (queues.jobs[queue].size > 0) {
      lists.outline[queue] ??= thin(session, waitingOf(session, lists, queue), 0, Infinity) as Job[];
      result.set(queue, lists.outline[queue] as Job[]);
    }
  }
  return result;
}

function merge(
  session: Session,
  lists: WorkLists,
  queue: number,
  views: readonly JobView[],
  jobs: ReadonlySet<Job>,
): JobView[] {
  const waiting = waitingOf(session, lists, queue);
  const merged: JobView[] = [];
  const stretch = (from: number, to: number): void => {
    if (from >= to) return;
    lists.stretches[queue] ??= new Map();
    const known = lists.stretches[queue] as Map<number, readonly JobView[]>;
    const key = from * (waiting.length + 1) + to;
    let thinned = known.get(key);
    if (thinned === undefined) {
      thinned = thin(session, waiting, from, to);
      known.set(key, thinned);
    }
    for (const view of thinned) merged.push(view);
  };
  // Those that are involved stand in the list too: stretches end before them and go on behind.
  const gaps: number[] = [];
  for (const { job } of views) if (hasPending(session, job)) gaps.push(waiting.indexOf(job));
  gaps.sort((a, b) => a - b);
  let from = 0;
  const upTo = (to: number): void => {
    for (const gap of gaps) {
      if (gap < from || gap >= to) continue;
      stretch(from, gap);
      from = gap + 1;
    }
    stretch(from, to);
    from = Math.max(from, to);
  };
  for (const view of views) {
    upTo(firstAfter(session, waiting, jobs, view));
    merged.push(view);
  }
  upTo(waiting.length);
  return merged;
}

/** Where the job would stand among those that merely wait. */
function firstAfter(session: Session, waiting: readonly Job[], jobs: ReadonlySet<Job>, view: JobView): number {
  const compare = jobComparison(session);
  let low = 0;
  let high = waiting.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    let probe = middle;
    // An involved job is out of place: its neighbour speaks for it.
    while (probe < high && jobs.has(waiting[probe])) probe++;
    if (probe === high) high = middle;
    else if (compare(waiting[probe], view) < 0) low = probe + 1;
    else high = middle;
  }
  return low;
}

/** The first and the last of each kind. */
function thin(session: Session, jobs: readonly Job[], from: number, end: number): readonly JobView[] {
  const to = Math.min(end, jobs.length);
  if (to - from < 3) return jobs.slice(from, to);
  const last = new Map<Float64Array, number>();
  const keep = new Set<number>();
  for (let at = from; at < to; at++) {
    // Jobs that ask for the same amounts next share the vector that says so.
    const kind = asksOf(session, jobs[at]);
    if (!last.has(kind)) keep.add(at);
    last.set(kind, at);
  }
  for (const at of last.values()) keep.add(at);
  return keep.size === to - from ? jobs.slice(from, to) : [...keep].sort((a, b) => a - b).map((at) => jobs[at]);
}
