/** A cycle's decisions as actions in the simulation: which GPUs of a node, which jobs stop, which promises stand. */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import type { PlaceAction, PreemptAction, ShrinkAction, View } from '../../cluster/view.ts';
import { gpuOfLabel } from './fromview.ts';

/** One task's part of a decision. `labels`: the shared GPUs it sits on, as the session calls them. */
export interface Step {
  kind: 'bind' | 'evict' | 'promise';
  job: number;
  task: number;
  node: number;
  labels: readonly string[];
  reason: string;
}

/** GPUs that were opened for sharing during this decision: what the session calls them and which they are. */
export interface Opened {
  gpuOf: Map<string, number>;
  gpus: Set<number>;
}

export const openNone = (): Opened => ({ gpuOf: new Map(), gpus: new Set() });

/** Who was told to go at this moment, in whichever pool and pass: once is enough. */
export interface Leaving {
  tasks: Set<number>;
  /** Those that stop as a whole. */
  jobs: Set<number>;
}

export const nobodyLeaves = (): Leaving => ({ tasks: new Set(), jobs: new Set() });

/**
 * Jobs in the order in which the scheduler first decided on them; promises are not among them. A task that is evicted in
 * the cycle that bound it never starts, and one that was only promised something has nothing to leave.
 */
export function actionsOf(
  view: View,
  steps: readonly Step[],
  opened: Opened,
  leaving: Leaving,
): (PlaceAction | PreemptAction | ShrinkAction)[] {
  const cancelled = new Set<Step>();
  const bindOf = new Map<number, Step>();
  for (const step of steps) {
    if (step.kind === 'bind') bindOf.set(step.task, step);
    const bind = bindOf.get(step.task);
    if (step.kind !== 'evict') continue;
    if (bind !== undefined) cancelled.add(bind);
    if (bind !== undefined || view.cluster.taskNode[step.task] < 0) cancelled.add(step);
  }
  cancelHalves(view, steps, cancelled, leaving);
  cancelUnbindable(view, steps, cancelled, opened);
  const actions: (PlaceAction | PreemptAction | ShrinkAction)[] = [];
  const places = new Map<number, PlaceAction>();
  const evictions = new Map<number, ShrinkAction>();
  for (const step of steps) {
    if (cancelled.has(step)) continue;
    const { kind, job, task, node, reason } = step;
    if (kind === 'bind') {
      let place = places.get(job);
      if (place === undefined) {
        place = { kind: 'place', job, tasks: [], nodes: [], masks: [], reason };
        places.set(job, place);
        actions.push(place);
      }
      const mask = gpusFor(view, step, opened);
      view.trial.place(task, node, mask);
      place.tasks.push(task);
      place.nodes.push(node);
      place.masks.push(mask);
    } else if (kind === 'evict' && !leaving.tasks.has(task) && !leaving.jobs.has(job)) {
      leaving.tasks.add(task);
      let eviction = evictions.get(job);
      if (eviction === undefined) {
        eviction = { kind: 'shrink', job, tasks: [], reason };
        evictions.set(job, eviction);
        actions.push(eviction);
      }
      eviction.tasks.push(task);
    }
  }
  return actions.map((action) => (action.kind === 'shrink' ? wholeOrPart(view, action, leaving) : action));
}

/**
 * The same cycle may move some of the workers it has bound, or stop some that run: where the others then fall short of the
 * gang's minimum, none of them starts.
 */
function cancelHalves(view: View, steps: readonly Step[], cancelled: Set<Step>, leaving: Leaving): void {
  const counts = new Map<number, { bound: Step[]; evicted: number; disturbed: boolean }>();
  for (const step of steps) {
    const of = counts.get(step.job) ?? { bound: [], evicted: 0, disturbed: false };
    counts.set(step.job, of);
    if (cancelled.has(step)) of.disturbed ||= step.kind === 'bind';
    else if (step.kind === 'bind') of.bound.push(step);
    else if (step.kind === 'evict') of.evicted++;
  }
  for (const [job, { bound, evicted, disturbed }] of counts) {
    if (bound.length === 0 || (evicted === 0 && !disturbed && !leaving.jobs.has(job))) continue;
    const stay = staying(view, job, leaving) - evicted;
    // Whoever loses workers and then has too few stops as a whole (`wholeOrPart`).
    const workers = evicted > 0 ? stay : stay + bound.length;
    // One that was told to stop as a whole comes back as a whole, not at this moment.
    if (leaving.jobs.has(job) || workers < view.scenario.jobs.minTasks[job])
      for (const step of bound) cancelled.add(step);
  }
}

/**
 * The scheduler may bind a share to a GPU of its own that is only being released (gpuSharing.go, findGpuForSharingOnNode, asks
 * whether the node has room on any GPU). There is none to reserve, so the binder fails: nothing of that job starts now.
 */
function cancelUnbindable(view: View, steps: readonly Step[], cancelled: Set<Step>, opened: Opened): void {
  if (!steps.some(({ kind, labels }) => kind === 'bind' && labels.length > 0)) return;
  const { trial, scenario, cluster } = view;
  const begin = trial.mark();
  for (let again = true; again; ) {
    again = false;
    const tried: Opened = { gpuOf: new Map(opened.gpuOf), gpus: new Set(opened.gpus) };
    for (const step of steps) {
      if (step.kind !== 'bind' || cancelled.has(step)) continue;
      const gpus = scenario.jobs.taskGpus[step.task];
      const shared = step.labels.length > 0;
      const fits = cluster.fits(step.job, gpus, step.node);
      const mask = shared && fits ? gpusFor(view, step, tried) : cluster.pickGpus(step.job, gpus, step.node);
      if (shared && (!fits || mask >= 2 ** scenario.nodes.gpus[step.node])) {
        for (const other of steps) if (other.kind === 'bind' && other.job === step.job) cancelled.add(other);
        again = true;
        break;
      }
      trial.place(step.task, step.node, mask);
    }
    trial.takeBack(begin);
  }
}

/** Workers of a job that hold their GPUs and have not been told to go. */
function staying(view: View, job: number, leaving: Leaving): number {
  const { jobs } = view.scenario;
  if (leaving.jobs.has(job)) return 0;
  let stay = 0;
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
    if (view.cluster.taskNode[task] >= 0 && !view.isLeaving(task) && !leaving.tasks.has(task)) stay++;
  }
  return stay;
}

/** Where tasks are promised to go in the end, by task. */
export function promisesOf(view: View, steps: readonly Step[]): Map<number, number> {
  const promises = new Map<number, number>();
  for (const { kind, task, node } of steps) {
    // What runs and is to move comes back as new workers, which nobody was promised anything.
    if (kind === 'promise' && view.cluster.taskNode[task] < 0) promises.set(task, node);
    else promises.delete(task);
  }
  return promises;
}

/** A job that would fall below its minimum stops as a whole. */
function wholeOrPart(view: View, action: ShrinkAction, leaving: Leaving): ShrinkAction | PreemptAction {
  const { jobs } = view.scenario;
  const { job, reason } = action;
  const stay = staying(view, job, leaving);
  if (stay > 0 && stay >= jobs.minTasks[job]) return action;
  leaving.jobs.add(job);
  return { kind: 'preempt', job, reason };
}

/** The session counts whole GPUs and names shared ones; which of the free ones they are is the simulation's choice. */
function gpusFor(view: View, { job, task, node, labels }: Step, opened: Opened): number {
  const { cluster, scenario } = view;
  const gpus = scenario.jobs.taskGpus[task];
  if (!cluster.fits(job, gpus, node)) {
    throw new Error(
      `invariant: ${scenario.jobs.ids[job]} does not fit node ${scenario.nodes.names[node]}: ` +
        `${gpus} × ${cluster.unitsPerGpu(job, scenario.nodes.pool[node])} units, free ${cluster.gpuFree.slice(cluster.gpuStart[node], cluster.gpuStart[node + 1])}, ` +
        `CPU ${scenario.jobs.cpuMilli[job]} of ${cluster.cpuFree[node]}, memory ${scenario.jobs.memoryMiB[job]} of ${cluster.memoryFree[node]}`,
    );
  }
  if (labels.length === 0) return cluster.pickGpus(job, gpus, node);
  let mask = 0;
  for (const label of labels) mask |= 1 << (gpuNamed(view, node, label, opened) - cluster.gpuStart[node]);
  return mask;
}

function gpuNamed({ cluster }: View, node: number, label: string, { gpuOf, gpus }: Opened): number {
  const key = `${node} ${label}`;
  const known = gpuOf.get(key);
  if (known !== undefined) return known;
  const from = cluster.gpuStart[node];
  const named = from + gpuOfLabel(label);
  const shared = named < cluster.gpuStart[node + 1] && cluster.gpuFree[named] > 0 && cluster.gpuFree[named] < GPU_UNITS;
  if (shared && !gpus.has(named)) return named;
  // A label of its own making: the lowest GPU that is still whole.
  let gpu = from;
  const end = cluster.gpuStart[node + 1];
  while (gpu < end && (cluster.gpuFree[gpu] !== GPU_UNITS || gpus.has(gpu))) gpu++;
  gpuOf.set(key, gpu);
  gpus.add(gpu);
  return gpu;
}
