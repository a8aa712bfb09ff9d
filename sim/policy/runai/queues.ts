/** Queues: what they use and ask for, their shares, and what they may not exceed. */

import type { Queues } from './columns.ts';
import {
  CPU,
  GPU,
  isQueueAllocated,
  type Job,
  MEMORY,
  PENDING,
  QUEUE_NON_PREEMPTIBLE,
  QUEUE_USED,
  type Session,
  SHARED,
  TASK_ACCEPTED_GPUS,
  TASK_STATUS_COLUMN,
  type Wait,
} from './columns.ts';
import {
  allocatableShare,
  divideFairShare,
  queueTree,
  type ResourceColumns,
  resourceColumns,
  UNLIMITED,
} from './fairshare.ts';
import { memoryAsGpus } from './requests.ts';
import type { QueueResource, QueueState } from './state.ts';

export function compileQueues(states: readonly QueueState[]): Queues {
  const row = new Map(states.map(({ name }, at) => [name, at]));
  const count = states.length;
  const parent = Int32Array.from(states, ({ parent }) => (parent === null ? -1 : (row.get(parent) ?? -1)));
  const shares = [CPU, MEMORY, GPU].map(() => resourceColumns(count));
  states.forEach((state, queue) => {
    const resources: QueueResource[] = [state.cpuMilli, state.memoryBytes, state.gpu];
    const usage = [state.usage.cpu, state.usage.memory, state.usage.gpu];
    resources.forEach(({ deserved, limit, overQuotaWeight }, resource) => {
      shares[resource].deserved[queue] = deserved;
      shares[resource].limit[queue] = limit;
      shares[resource].overQuotaWeight[queue] = overQuotaWeight;
      shares[resource].usage[queue] = usage[resource];
    });
  });
  const path = states.map((_, queue) => {
    const way: number[] = [];
    for (let at = queue; at >= 0 && way.length <= count; at = parent[at]) way.unshift(at);
    return way;
  });
  return {
    count,
    name: states.map(({ name }) => name),
    row,
    parent,
    leaf: states.map((_, queue) => !parent.includes(queue)),
    path,
    upward: path.map((way) => way.toReversed()),
    priority: Float64Array.from(states, ({ priority }) => priority),
    createdUs: Float64Array.from(states, ({ createdUs }) => createdUs),
    preemptMinRuntimeUs: states.map(({ preemptMinRuntimeUs }) => preemptMinRuntimeUs),
    reclaimMinRuntimeUs: states.map(({ reclaimMinRuntimeUs }) => reclaimMinRuntimeUs),
    shares,
    tree: tree(states, parent),
    version: new Int32Array(count),
    ranked: states.map(() => new Map()),
    jobs: states.map(() => new Set()),
  };
}

function tree(states: readonly QueueState[], parent: Int32Array) {
  const oldestFirst = states
    .map((_, queue) => queue)
    .sort((a, b) => states[a].createdUs - states[b].createdUs || (states[a].name < states[b].name ? -1 : 1));
  const age = new Int32Array(states.length);
  oldestFirst.forEach((queue, at) => {
    age[queue] = at;
  });
  return queueTree(
    parent,
    Float64Array.from(states, ({ priority }) => priority),
    age,
  );
}

/** Sums what tasks use and ask for and divides the pool, at the start of a cycle. */
export function divideShares(session: Session): void {
  const { queues, columns, jobs, total, config } = session;
  const used = columns[QUEUE_USED];
  const nonPreemptible = columns[QUEUE_NON_PREEMPTIBLE];
  const divided = [used, nonPreemptible, ...queues.shares.map(({ fairShare }) => fairShare)];
  const before = divided.map((column) => column.slice());
  used.fill(0);
  for (let queue = 0; queue < queues.count; queue++) queues.version[queue]++;
  nonPreemptible.fill(0);
  for (const { request, fairShare } of queues.shares) {
    request.fill(0);
    fairShare.fill(0);
  }
  // Parts of GPUs are not exact in binary: always added up in the order of the jobs, sums come out the same to the last bit.
  for (const job of jobs.values()) {
    if (job.queue < 0) continue;
    job.sums ??= sumsOf(session, job);
    const sum = job.sums;
    for (const queue of queues.path[job.queue]) {
      for (let resource = 0; resource < SHARED; resource++) {
        used[queue * SHARED + resource] += sum[resource];
        if (!job.preemptible) nonPreemptible[queue * SHARED + resource] += sum[resource];
        queues.shares[resource].request[queue] += sum[resource] + sum[SHARED + resource];
      }
    }
  }
  for (let resource = 0; resource < SHARED; resource++) {
    divideFairShare(queues.tree, queues.shares[resource], total[resource], config.kValue);
  }
  if (divided.some((column, at) => column.some((value, row) => value !== before[at][row]))) session.changes++;
}

/** What the job's tasks use, then what they still ask for: `Job.sums`. */
function sumsOf({ columns, facts, minGpuMemoryMiB }: Session, job: Job): Float64Array {
  const status = columns[TASK_STATUS_COLUMN];
  const sum = new Float64Array(2 * SHARED);
  for (const task of job.tasks) {
    const { asks, migGpus } = facts[task];
    if (isQueueAllocated(status[task])) {
      sum[CPU] += asks[CPU];
      sum[MEMORY] += asks[MEMORY];
      sum[GPU] += columns[TASK_ACCEPTED_GPUS][task] + migGpus;
    } else if (status[task] === PENDING) {
      sum[SHARED + CPU] += asks[CPU];
      sum[SHARED + MEMORY] += asks[MEMORY];
      sum[SHARED + GPU] += asks[GPU] + migGpus + memoryAsGpus(facts[task], minGpuMemoryMiB);
    }
  }
  return sum;
}

export const used = ({ columns }: Session, queue: number, resource: number): number =>
  columns[QUEUE_USED][queue * SHARED + resource];
export const usedNonPreemptible = ({ columns }: Session, queue: number, resource: number): number =>
  columns[QUEUE_NON_PREEMPTIBLE][queue * SHARED + resource];
export const allocatable = ({ queues }: Session, queue: number, resource: number): number =>
  allocatableShare(queues.shares[resource], queue);
export const shareColumns = ({ queues }: Session, resource: number): ResourceColumns => queues.shares[resource];

/** `amount` ≤ `bound`, where −1 on either side means unlimited. */
export function within(amount: number, bound: number): boolean {
  if (bound === UNLIMITED) return true;
  return amount !== UNLIMITED && amount <= bound;
}

/** Using that much in all resources the queue would stay within what it deserves. */
export function withinDeserved(session: Session, queue: number, more: ArrayLike<number>): boolean {
  for (let resource = 0; resource < SHARED; resource++) {
    const { deserved } = session.queues.shares[resource];
    if (!within(used(session, queue, resource) + more[resource], deserved[queue])) return false;
  }
  return true;
}

/** A vector as queues count it: MIG instances are GPUs. */
export function asShared(session: Session, vector: Float64Array): number[] {
  const shared = [vector[CPU], vector[MEMORY], vector[GPU]];
  for (let dim = GPU + 1; dim < session.dims; dim++) shared[GPU] += vector[dim] * session.gpusPerUnit[dim];
  return shared;
}

/** What holds a job back that asks for `more` on top: a limit, or for the non-preemptible what is deserved; null = nothing. */
export function overCapacity(session: Session, job: Job, more: ArrayLike<number>): Wait | null {
  return overLimit(session, job, more) ?? overQuota(session, job, more);
}

function overLimit(session: Session, job: Job, more: ArrayLike<number>): Wait | null {
  const { upward, shares } = session.queues;
  for (const queue of upward[job.queue]) {
    for (let resource = 0; resource < SHARED; resource++) {
      const bound = shares[resource].limit[queue];
      if (bound === UNLIMITED || more[resource] === 0) continue;
      const now = used(session, queue, resource);
      if (bound < now + more[resource])
        return { kind: 'limit', queue, resource, bound, used: now, asked: more[resource] };
    }
  }
  return null;
}

export function overQuota(session: Session, job: Job, more: ArrayLike<number>): Wait | null {
  if (job.preemptible) return null;
  const { upward, shares } = session.queues;
  for (const queue of upward[job.queue]) {
    for (let resource = 0; resource < SHARED; resource++) {
      const bound = shares[resource].deserved[queue];
      if (bound === UNLIMITED || more[resource] === 0) continue;
      const now = usedNonPreemptible(session, queue, resource);
      if (bound < now + more[resource])
        return { kind: 'quota', queue, resource, bound, used: now, asked: more[resource] };
    }
  }
  return null;
}

/** What tasks ask of their queue at least, wherever they land: requests by memory counted on the largest GPU. */
export function leastQuota(session: Session, tasks: readonly number[]): Float64Array {
  const sum = new Float64Array(SHARED);
  for (const task of tasks) {
    const facts = session.facts[task];
    sum[CPU] += facts.asks[CPU];
    sum[MEMORY] += facts.asks[MEMORY];
    sum[GPU] += facts.memoryMiB > 0 ? memoryAsGpus(facts, session.maxGpuMemoryMiB) : facts.asks[GPU] + facts.migGpus;
  }
  return sum;
}
