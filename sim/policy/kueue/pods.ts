/**
 * From admitted to running. Kueue's quota knows nothing of nodes: the pods of an admitted workload are bound by somebody
 * else, one by one as kube-scheduler does it, or all together by a placement policy, and meanwhile its quota is taken.
 * With waitForPodsReady a workload that is not ready in time is evicted and queues again after a back-off of
 * base · 2^(n−1) seconds; here it is ready when all its pods are bound. Sources: kubernetes-sigs/kueue
 * pkg/controller/core/workload_controller.go, pkg/workload/workload.go (UpdateRequeueState),
 * site/content/en/docs/tasks/manage/setup_wait_for_pods_ready.md.
 */
import type { Stream } from '../../engine/random.ts';
import { choose, fail, nextTry, type PodBackoff, requeue } from '../kubernetes/kubernetes.ts';
import { placerNamed } from '../packing/index.ts';
import { enqueue } from './lines.ts';
import { type Admission, type Memory, say, type Turn } from './memory.ts';
import { release } from './release.ts';

const SECOND_US = 1_000_000;

/** kube-scheduler's defaults (pkg/scheduler/apis/config/v1/defaults.go). */
const POD_BACKOFF: PodBackoff = { initialBackoff: 1, maxBackoff: 10, flushAfter: 300 };

/** Its pods are created. */
export function createPods({ memory, view, settings }: Turn, admission: Admission): void {
  const { jobs } = view.scenario;
  if (settings.waitForPodsReady) memory.awaited.push({ job: admission.job, atUs: admission.atUs });
  memory.notReady++;
  memory.bindAgain = true;
  if (settings.placement !== '') {
    memory.unbound.push(admission.job);
    return;
  }
  for (let pod = jobs.taskStart[admission.job]; pod < jobs.taskStart[admission.job + 1]; pod++) {
    memory.pods.active.push(pod);
  }
}

/** They are deleted: a workload that was evicted, or that left, binds no more. */
export function deletePods({ memory, view, settings }: Turn, gone: ReadonlySet<number>): void {
  if (settings.placement !== '') {
    if (memory.unbound.some((job) => gone.has(job))) memory.unbound = memory.unbound.filter((job) => !gone.has(job));
    return;
  }
  const { jobOfTask } = view.cluster;
  const { pods } = memory;
  pods.active = pods.active.filter((pod) => !gone.has(jobOfTask[pod]));
  pods.waiting = pods.waiting.filter(({ pod }) => !gone.has(jobOfTask[pod]));
}

export function bindPods(turn: Turn, stream: Stream): void {
  if (turn.settings.placement === '') bindOneByOne(turn, stream);
  else if (turn.memory.bindAgain || turn.view.freed) bindTogether(turn, stream);
  turn.memory.bindAgain = false;
}

function bindTogether(turn: Turn, stream: Stream): void {
  const { memory, view, settings } = turn;
  const placer = placerNamed(settings.placement);
  const left: number[] = [];
  for (const job of memory.unbound) {
    const admission = memory.admissions.get(job) as Admission;
    const { pools } = admission;
    const order = pools.length > 1 ? (placer.poolOrder?.(view, job, stream) ?? pools) : pools;
    let placement = null;
    for (const pool of order) {
      if (!pools.includes(pool)) continue;
      placement = mayHold(turn, job, pool) ? placer.place(view, job, pool, stream) : null;
      if (placement !== null) break;
    }
    if (placement === null) {
      left.push(job);
      unschedulable(turn, admission);
    } else {
      bound(turn, admission, placement.tasks, placement.nodes, placement.masks);
    }
  }
  memory.unbound = left;
}

/** Cheap test that spares most attempts. */
function mayHold({ view }: Turn, job: number, pool: number): boolean {
  const { cluster, scenario } = view;
  const { jobs } = scenario;
  if (jobs.migProfile[job] >= 0) return true;
  let gpus = 0;
  let widest = 0;
  for (let pod = jobs.taskStart[job]; pod < jobs.taskStart[job + 1]; pod++) {
    gpus += jobs.taskGpus[pod];
    widest = Math.max(widest, jobs.taskGpus[pod]);
  }
  return cluster.openFreeGpus[pool] >= gpus && cluster.widestFree(pool) >= widest;
}

function bindOneByOne(turn: Turn, stream: Stream): void {
  const { memory, view, now } = turn;
  const { jobs } = view.scenario;
  const { pods } = memory;
  requeue(pods, view.freed, now, POD_BACKOFF);
  const tried = pods.active;
  pods.active = [];
  for (let i = 0; i < tried.length; ) {
    const job = view.cluster.jobOfTask[tried[i]];
    const admission = memory.admissions.get(job) as Admission;
    const tasks: number[] = [];
    const nodes: number[] = [];
    const masks: number[] = [];
    let failed = false;
    for (; i < tried.length && view.cluster.jobOfTask[tried[i]] === job; i++) {
      const pod = tried[i];
      const gpus = jobs.taskGpus[pod];
      const node = choose(view, pods, job, gpus, stream, admission.pools);
      if (node < 0) {
        fail(pods, pod, now, POD_BACKOFF);
        failed = true;
        continue;
      }
      const mask = view.cluster.pickGpus(job, gpus, node);
      view.trial.place(pod, node, mask);
      pods.attempts.delete(pod);
      tasks.push(pod);
      nodes.push(node);
      masks.push(mask);
    }
    if (tasks.length > 0) bound(turn, admission, tasks, nodes, masks);
    if (failed) unschedulable(turn, admission);
  }
}

function bound(turn: Turn, admission: Admission, tasks: number[], nodes: number[], masks: number[]): void {
  const { memory, actions } = turn;
  const { job } = admission;
  actions.push({ kind: 'place', job, tasks, nodes, masks, reason: admission.why });
  admission.boundPods += tasks.length;
  if (admission.boundPods === podsOf(turn, job)) {
    admission.ready = true;
    memory.notReady--;
    memory.timeouts.delete(job);
    memory.said[job] = 0;
  }
}

function podsOf({ view }: Turn, job: number): number {
  const { jobs } = view.scenario;
  return jobs.taskStart[job + 1] - jobs.taskStart[job];
}

function unschedulable(turn: Turn, { job, queue, boundPods }: Admission): void {
  const { tree } = turn.memory;
  const missing = podsOf(turn, job) - boundPods;
  const text = `admitted, its quota in ClusterQueue ${tree.names[queue]} is taken, but no node has room for ${missing} of its pods`;
  say(turn, job, 'Unschedulable', text);
}

/** Evicts what was not ready in time. */
export function evictUnready(turn: Turn): void {
  const { memory, settings, now } = turn;
  if (!settings.waitForPodsReady) return;
  const { awaited } = memory;
  let due = 0;
  for (; due < awaited.length; due++) {
    const admission = stillAwaited(memory, awaited[due]);
    if (admission === null) continue;
    if (admission.atUs + settings.podsReadyTimeoutUs > now) break;
    timeOut(turn, admission);
  }
  if (due > 0) awaited.splice(0, due);
}

/** The admission that is meant, if it is still the one and not ready. */
function stillAwaited(memory: Memory, { job, atUs }: { job: number; atUs: number }): Admission | null {
  const admission = memory.admissions.get(job);
  if (admission === undefined || admission.atUs !== atUs || admission.ready || admission.evicted) return null;
  return admission;
}

function timeOut(turn: Turn, admission: Admission): void {
  const { memory, settings, now } = turn;
  const { job } = admission;
  const count = (memory.timeouts.get(job) ?? 0) + 1;
  memory.timeouts.set(job, count);
  memory.queuedAt[job] = now;
  const given = settings.backoffLimitCount >= 0 && count > settings.backoffLimitCount;
  const atUs = given ? Infinity : now + Math.round(backoffSeconds(settings, count) * SECOND_US);
  memory.backingOff.push({ job, atUs });
  const why = `exceeded the PodsReady timeout ${settings.podsReadyTimeoutUs / SECOND_US} s`;
  evict(turn, admission, why);
  if (given) say(turn, job, 'Deactivated', `${why} ${count} times, more than the limit of re-queueing`);
  else say(turn, job, 'Requeued', `${why}; queues again in ${(atUs - now) / SECOND_US} s`);
}

/** Wait after the n-th eviction: base · 2^(n−1), at most the cap. */
export function backoffSeconds(given: { backoffBaseSeconds: number; backoffMaxSeconds: number }, n: number): number {
  let seconds = given.backoffBaseSeconds;
  for (let i = 1; i < n && seconds < given.backoffMaxSeconds; i++) seconds *= 2;
  return Math.min(seconds, given.backoffMaxSeconds);
}

/** Its job is suspended: running pods are preempted, pods that wait are deleted; the quota comes back when it is gone. */
export function evict(turn: Turn, admission: Admission, why: string): void {
  const { memory, actions } = turn;
  const { job } = admission;
  admission.evicted = true;
  if (!admission.ready) memory.notReady--;
  deletePods(turn, new Set([job]));
  if (admission.boundPods > 0) {
    actions.push({ kind: 'preempt', job, reason: why });
    return;
  }
  // Nothing was bound, so nobody will report that it left.
  if (memory.cycle === null) release(turn, job);
  else memory.cycle.released.push(job);
}

/** Workloads whose back-off is over queue again. */
export function endBackoffs(turn: Turn): void {
  const { memory, view, now } = turn;
  if (memory.backingOff.length === 0) return;
  const due = memory.backingOff.filter(({ job, atUs }) => atUs <= now && !memory.admissions.has(job));
  if (due.length === 0) return;
  memory.backingOff = memory.backingOff.filter((entry) => !due.includes(entry));
  for (const { job } of due) {
    memory.said[job] = 0;
    enqueue(turn, memory.queueOfProject[view.scenario.jobs.project[job]], job);
  }
}

/** When something here wants to be looked at again, µs. */
export function nextPodEvent({ memory, settings, now }: Turn): number {
  let soonest = settings.placement === '' ? nextTry(memory.pods, POD_BACKOFF) : Infinity;
  // One whose back-off is over, and who queues only when the cycle under way lets go of its quota, needs no alarm.
  for (const { atUs } of memory.backingOff) if (atUs > now) soonest = Math.min(soonest, atUs);
  const awaited = memory.awaited.find((entry) => stillAwaited(memory, entry) !== null);
  return awaited === undefined ? soonest : Math.min(soonest, awaited.atUs + settings.podsReadyTimeoutUs);
}
