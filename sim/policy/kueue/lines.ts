/**
 * Pending workloads of a ClusterQueue: by priority, then by age. StrictFIFO: the head blocks. BestEffortFIFO: a workload
 * that does not fit is parked until quota is released in its cohort, and so are those of the same shape behind it; one
 * that waits for its victims stays at the head. Source: kubernetes-sigs/kueue pkg/cache/queue/cluster_queue.go,
 * inadmissible_workloads.go.
 */
import type { View } from '../../cluster/view.ts';
import { type Line, type Memory, type Shape, say, type Turn, type WaitCode } from './memory.ts';

/** The workload's shape, found once. */
export function shapeOf(memory: Memory, view: View, job: number): Shape {
  if (memory.shapeOf[job] < 0) {
    const { jobs, poolLists } = view.scenario;
    const pools = poolsFor(memory, view, job, poolLists[jobs.poolList[job]]);
    const pods = jobs.taskStart[job + 1] - jobs.taskStart[job];
    let devices = 0;
    for (let pod = jobs.taskStart[job]; pod < jobs.taskStart[job + 1]; pod++) devices += jobs.taskGpus[pod];
    const gpus = devices === 0 ? 0 : devices * view.cluster.unitsPerGpu(job, pools[0]);
    // What no ClusterQueue has quota for is the nodes' own business.
    const { counted } = memory;
    const requests = [gpus, counted[1] ? jobs.cpuMilli[job] * pods : 0, counted[2] ? jobs.memoryMiB[job] * pods : 0];
    const key = `${jobs.priority[job]} ${pools.join()} ${requests.join(' ')}`;
    let id = memory.shapeIds.get(key);
    if (id === undefined) {
      id = memory.shapes.push({ priority: jobs.priority[job], requests, pools }) - 1;
      memory.shapeIds.set(key, id);
    }
    memory.shapeOf[job] = id;
  }
  return memory.shapes[memory.shapeOf[job]];
}

/** Pools with a node that could hold the widest of its pods, when empty; all listed ones if no pool has. */
function poolsFor({ nodeSizes }: Memory, view: View, job: number, listed: readonly number[]): readonly number[] {
  const { jobs } = view.scenario;
  if (nodeSizes === null || jobs.migProfile[job] >= 0) return listed;
  let widest = 0;
  for (let pod = jobs.taskStart[job]; pod < jobs.taskStart[job + 1]; pod++)
    widest = Math.max(widest, jobs.taskGpus[pod]);
  const able = listed.filter((pool) =>
    nodeSizes[pool].some(
      ([gpus, cpu, memory]) => gpus >= widest && cpu >= jobs.cpuMilli[job] && memory >= jobs.memoryMiB[job],
    ),
  );
  return able.length === 0 ? listed : able;
}

/** Puts a workload into its queue. */
export function enqueue(turn: Turn, queue: number, job: number): void {
  const { memory, view } = turn;
  shapeOf(memory, view, job);
  const shape = memory.shapeOf[job];
  let line = memory.lines[queue].find((l) => l.shape === shape);
  if (line === undefined) {
    line = { shape, jobs: [], parked: false, code: 'PendingEvaluation', text: '', untold: [] };
    memory.lines[queue].push(line);
  }
  push(line.jobs, job, memory.queuedAt);
  if (line.parked) {
    say(turn, job, line.code, line.text);
  } else {
    line.untold.push(job);
    markDirty(memory, memory.tree.root[queue]);
  }
}

/** Takes it out, because it is admitted. */
export function dequeue(memory: Memory, queue: number, job: number): void {
  const line = memory.lines[queue].find((l) => l.shape === memory.shapeOf[job]) as Line;
  removeFrom(line.jobs, job, memory.queuedAt);
  if (line.jobs.length === 0) line.untold = [];
  if (memory.sticky[queue] === job) memory.sticky[queue] = -1;
}

/** The workload a cycle looks at, -1 if all are parked. */
export function headOf(memory: Memory, queue: number): number {
  if (memory.sticky[queue] >= 0) return memory.sticky[queue];
  const { shapes, queuedAt } = memory;
  let best = -1;
  let bestPriority = 0;
  for (const line of memory.lines[queue]) {
    if (line.parked || line.jobs.length === 0) continue;
    const job = line.jobs[0];
    const { priority } = shapes[line.shape];
    if (best < 0 || priority > bestPriority || (priority === bestPriority && before(queuedAt, job, best))) {
      best = job;
      bestPriority = priority;
    }
  }
  return best;
}

/** It does not fit. True if another workload of the queue becomes its head. */
export function park(turn: Turn, queue: number, job: number, code: WaitCode, text: string): boolean {
  const { memory } = turn;
  const line = memory.lines[queue].find((l) => l.shape === memory.shapeOf[job]) as Line;
  for (const other of line.code !== code ? line.jobs : line.untold) {
    if (!memory.admissions.has(other)) say(turn, other, code, text);
  }
  line.untold = [];
  line.code = code;
  line.text = text;
  if (memory.queues[queue].rules.strictFifo) return false;
  if (memory.sticky[queue] === job) memory.sticky[queue] = -1;
  line.parked = true;
  return true;
}

export function markDirty(memory: Memory, root: number): void {
  if (memory.isDirty[root] === 1) return;
  memory.isDirty[root] = 1;
  memory.dirty.push(root);
}

/** Quota was released under this root: its parked workloads are called back, at most once in the batch period. */
export function callBack({ memory, settings, now }: Turn, root: number): void {
  // Whoever was not parked may fit at once.
  markDirty(memory, root);
  if (memory.called[root] === 1) return;
  memory.called[root] = 1;
  memory.calls.push({ root, atUs: now + Math.round(settings.preset.requeueBatchSeconds * 1_000_000) });
}

/** Carries out the calls that are due. */
export function answerCalls({ memory, now }: Turn): void {
  let due = 0;
  for (; due < memory.calls.length && memory.calls[due].atUs <= now; due++) {
    const { root } = memory.calls[due];
    memory.called[root] = 0;
    memory.callsMade[root]++;
    markDirty(memory, root);
    for (const queue of memory.queuesUnder.get(root) ?? []) {
      for (const line of memory.lines[queue]) line.parked = false;
    }
  }
  if (due > 0) memory.calls.splice(0, due);
}

// ── a heap of jobs by (queueing time, job) ───────────────────────────────────────────────────────────────────────

function before(at: Float64Array, a: number, b: number): boolean {
  return at[a] < at[b] || (at[a] === at[b] && a < b);
}

function push(heap: number[], job: number, at: Float64Array): void {
  heap.push(job);
  rise(heap, heap.length - 1, at);
}

function rise(heap: number[], from: number, at: Float64Array): void {
  let i = from;
  const job = heap[i];
  while (i > 0) {
    const up = (i - 1) >> 1;
    if (!before(at, job, heap[up])) break;
    heap[i] = heap[up];
    i = up;
  }
  heap[i] = job;
}

function sink(heap: number[], from: number, at: Float64Array): void {
  let i = from;
  const job = heap[i];
  for (;;) {
    let down = 2 * i + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && before(at, heap[down + 1], heap[down])) down++;
    if (!before(at, heap[down], job)) break;
    heap[i] = heap[down];
    i = down;
  }
  heap[i] = job;
}

function removeFrom(heap: number[], job: number, at: Float64Array): void {
  const i = heap[0] === job ? 0 : heap.indexOf(job);
  if (i < 0) throw new Error(`invariant: workload ${job} is admitted but not in its queue`);
  const last = heap.pop() as number;
  if (i === heap.length) return;
  heap[i] = last;
  rise(heap, i, at);
  sink(heap, i, at);
}
