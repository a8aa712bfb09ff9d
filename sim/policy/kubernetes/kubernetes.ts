/**
 * The default kube-scheduler: pod by pod, no gang. Sources: kubernetes/kubernetes pkg/scheduler
 * (apis/config/v1/defaults.go, backend/queue/scheduling_queue.go), as of v1.35.
 *
 * A worker is a pod. Pods of a job are bound as they fit, so that half-started gangs hold GPUs (the ledger's `reserved`)
 * and may wait for each other for ever. Scores are NodeResourcesFit (LeastAllocated) and BalancedAllocation over CPU and
 * memory, weight 1 each: GPUs do not enter the default score. Ties are broken at random, as there.
 *
 * Left out: PriorityClasses (order and preemption), the scores that are equal for all nodes here (taints, affinity, spread
 * constraints, image locality), the client's rate limit.
 */
import { READY } from '../../cluster/cluster.ts';
import { type Action, CHECKPOINTING, PENDING, type View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';
import type { PolicyFactory } from '../policy.ts';

const SECOND_US = 1_000_000;
const FLUSH_CHECK_US = 30 * SECOND_US;

/** How long a pod that was not bound waits, seconds. */
export interface PodBackoff {
  initialBackoff: number;
  maxBackoff: number;
  flushAfter: number;
}

/** The scheduler's queues of pods. */
export interface PodQueue {
  /** Pods to try, in order of (queue time, pod). */
  active: number[];
  /** Pods that failed: [pod, back-off ends, failed at, may retry after the back-off]. */
  waiting: { pod: number; backoffUntil: number; failedAt: number; moved: boolean }[];
  attempts: Map<number, number>;
  /** Where the next search for nodes begins. */
  nextStart: number;
}

export const kubernetes: PolicyFactory = {
  name: 'kubernetes',
  about: 'the default kube-scheduler: pod by pod, no gangs, spreads by CPU and memory, backs off and retries',
  args: {
    initialBackoff: { type: 'duration', min: 0, max: 3600, default: 1, about: 'podInitialBackoffSeconds' },
    maxBackoff: { type: 'duration', min: 0, max: 3600, default: 10, about: 'podMaxBackoffSeconds' },
    flushAfter: {
      type: 'duration',
      min: 1,
      max: 86_400,
      default: 300,
      about: 'after which an unschedulable pod is tried again unasked',
    },
  },
  wholeGpusOnly: true,
  create: (args: PodBackoff) => ({
    name: 'kubernetes',
    periodUs: 0,
    init: (): PodQueue => ({ active: [], waiting: [], attempts: new Map(), nextStart: 0 }),
    decide(view, state: PodQueue, now, stream) {
      const { jobs } = view.scenario;
      // Pods of a half-started gang that died are created anew; none may stand in line twice.
      const anew = new Set(view.pended);
      state.waiting = state.waiting.filter(({ pod }) => !anew.has(view.cluster.jobOfTask[pod]));
      for (const job of view.pended) {
        for (let pod = jobs.taskStart[job]; pod < jobs.taskStart[job + 1]; pod++) {
          if (view.cluster.taskNode[pod] < 0) state.active.push(pod);
        }
      }
      requeue(state, view.freed, now, args);
      const actions: Action[] = [];
      for (const pod of state.active) {
        const job = view.cluster.jobOfTask[pod];
        // A pod of a job that has ended, or was taken off its GPUs, is gone; they come anew with the job.
        if (view.status[job] < PENDING || view.status[job] > CHECKPOINTING) continue;
        const node = choose(view, state, job, jobs.taskGpus[pod], stream);
        if (node < 0) {
          fail(state, pod, now, args);
          continue;
        }
        const mask = view.cluster.pickGpus(job, jobs.taskGpus[pod], node);
        view.trial.place(pod, node, mask);
        state.attempts.delete(pod);
        actions.push({ kind: 'place', job, tasks: [pod], nodes: [node], masks: [mask], reason: 'pod bound' });
      }
      state.active = [];
      return { actions, state, wakeAt: nextTry(state, args) };
    },
  }),
};

/** Moves pods back to the active queue: after a back-off that follows a relevant event, or when they waited long enough. */
export function requeue(state: PodQueue, freed: boolean, now: number, args: PodBackoff): void {
  const stay: PodQueue['waiting'] = [];
  for (const entry of state.waiting) {
    if (freed || now >= flushedAt(entry.failedAt, args)) entry.moved = true;
    if (entry.moved && now >= entry.backoffUntil) state.active.push(entry.pod);
    else stay.push(entry);
  }
  state.waiting = stay;
}

export function fail(state: PodQueue, pod: number, now: number, args: PodBackoff): void {
  const attempts = (state.attempts.get(pod) ?? 0) + 1;
  state.attempts.set(pod, attempts);
  let seconds = args.initialBackoff;
  for (let i = 1; i < attempts && seconds < args.maxBackoff; i++) seconds *= 2;
  const backoffUntil = now + Math.round(Math.min(seconds, args.maxBackoff) * SECOND_US);
  state.waiting.push({ pod, backoffUntil, failedAt: now, moved: false });
}

/** The first look for pods that waited longer than allowed, one each 30 s (flushUnschedulablePodsLeftover). */
function flushedAt(failedAt: number, { flushAfter }: PodBackoff): number {
  return (Math.floor((failedAt + flushAfter * SECOND_US) / FLUSH_CHECK_US) + 1) * FLUSH_CHECK_US;
}

export function nextTry(state: PodQueue, args: PodBackoff): number {
  let soonest = Infinity;
  for (const entry of state.waiting) {
    const flush = Math.max(flushedAt(entry.failedAt, args), entry.backoffUntil);
    soonest = Math.min(soonest, entry.moved ? entry.backoffUntil : flush);
  }
  return soonest;
}

/** The pod's node: feasible nodes are sought round robin until there are enough, then scored. -1 if none is feasible. */
export function choose(
  view: View,
  state: PodQueue,
  job: number,
  gpus: number,
  stream: Stream,
  pools: readonly number[] = view.scenario.poolLists[view.scenario.jobs.poolList[job]],
): number {
  const { cluster, scenario } = view;
  const whole = scenario.jobs.migProfile[job] < 0;
  if (whole && !pools.some((pool) => cluster.widestFree(pool) >= gpus)) return -1;
  const allowed = scenario.pools.map((_, pool) => pools.includes(pool));
  const enough = nodesToFind(cluster.nodeCount);
  let best = -1;
  let bestScore = -1;
  let ties = 0;
  let found = 0;
  let looked = 0;
  for (; looked < cluster.nodeCount && found < enough; looked++) {
    const node = (state.nextStart + looked) % cluster.nodeCount;
    if (!allowed[scenario.nodes.pool[node]] || cluster.nodeState[node] !== READY || !cluster.fits(job, gpus, node))
      continue;
    found++;
    const score = scoreOf(view, job, node);
    if (score > bestScore) {
      best = node;
      bestScore = score;
      ties = 1;
    } else if (score === bestScore) {
      ties++;
      if (stream.integer(ties) === 0) best = node;
    }
  }
  state.nextStart = (state.nextStart + looked) % cluster.nodeCount;
  return best;
}

/** percentageOfNodesToScore = 0: adaptive, 50 % − nodes/125, at least 5 % and at least 100 nodes. */
function nodesToFind(nodes: number): number {
  if (nodes <= 100) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(100, Math.floor((nodes * percent) / 100));
}

/** What the scheduler assumes of a pod that requests nothing: 100 millicores and 200 MB. */
const DEFAULT_CPU_MILLI = 100;
const DEFAULT_MEMORY_MIB = 200;

function scoreOf(view: View, job: number, node: number): number {
  const { cluster, scenario } = view;
  const { jobs, nodes } = scenario;
  const cpu = share(nodes.cpuMilli[node], cluster.cpuFree[node], jobs.cpuMilli[job] || DEFAULT_CPU_MILLI);
  const memory = share(nodes.memoryMiB[node], cluster.memoryFree[node], jobs.memoryMiB[job] || DEFAULT_MEMORY_MIB);
  const leastAllocated = Math.floor((leftOver(cpu) + leftOver(memory)) / 2);
  // The standard deviation of two shares is half their difference.
  const balanced = Math.floor(100 * (1 - Math.abs(cpu.asked / cpu.of - memory.asked / memory.of) / 2));
  return leastAllocated + balanced;
}

/** Whole percent that would be left, in integers as there. */
function leftOver({ asked, of }: { asked: number; of: number }): number {
  return Math.floor(((of - asked) * 100) / of);
}

/** What would be requested of a resource, and how much there is; nothing of something where the size is not stated. */
function share(capacity: number, free: number, request: number): { asked: number; of: number } {
  if (capacity === Number.POSITIVE_INFINITY || capacity === 0) return { asked: 0, of: 1 };
  return { asked: Math.min(capacity, capacity - free + request), of: capacity };
}
