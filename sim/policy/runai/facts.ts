/** What never changes of a task, and which tasks and jobs are alike. */
import { CPU, GPU, type Group, type Job, MEMORY, PODS, type Session, type TaskFacts, WHOLE } from './columns.ts';
import { gpusOfMigProfile, requestKind, sumOfShares } from './requests.ts';
import type { TaskState } from './state.ts';

export function factsOf(session: Session, job: Job, set: Group, state: TaskState): TaskFacts {
  const kind = requestKind(state);
  const whole = kind === WHOLE ? Math.trunc(state.gpus * Math.max(1, state.gpuDevices)) : 0;
  const shared = kind !== WHOLE && Object.keys(state.migInstances).length === 0 && !state.legacyMig;
  const devices = shared ? Math.max(1, state.gpuDevices) : whole;
  const portion = shared ? (state.gpuMemoryMiB > 0 ? 0 : state.gpus) : whole > 0 ? 1 : 0;
  const asks = new Float64Array(session.dims);
  asks[CPU] = state.cpuMilli;
  asks[MEMORY] = state.memoryBytes;
  asks[GPU] = sumOfShares(portion, devices);
  asks[PODS] = 1;
  let migGpus = 0;
  for (const [name, instances] of Object.entries(state.migInstances)) {
    const dim = session.migRow.get(name);
    migGpus += gpusOfMigProfile(name) * instances;
    // A profile no node has: nothing to compare it with, so more than anyone could give.
    if (dim === undefined) asks[PODS] = Infinity;
    else asks[dim] = instances;
  }
  const facts: TaskFacts = {
    state,
    job,
    set,
    kind,
    devices,
    portion,
    memoryMiB: shared ? state.gpuMemoryMiB : 0,
    asks: internVector(session, asks),
    quotaGpus: asks[GPU] + migGpus,
    migGpus,
    cpuOnly: asks[GPU] === 0 && kind === WHOLE,
    shape: 0,
    constraints: 0,
  };
  const { nodeAffinity, tolerations, podAffinity, podAntiAffinity } = state;
  const constraints = [nodeAffinity, tolerations, podAffinity, podAntiAffinity, job.priority];
  facts.constraints = intern(session, JSON.stringify(constraints));
  facts.shape = shapeOfTask(session, facts);
  return facts;
}

/** Numbers tasks that any node serves equally well: same amounts, same constraints. */
function shapeOfTask(session: Session, { state, kind, devices, portion, memoryMiB, asks }: TaskFacts): number {
  const key = JSON.stringify([
    ...[kind, devices, portion, memoryMiB, ...asks, state.legacyMig, state.nominatedNode],
    ...[state.nodeAffinity, state.tolerations, state.podAffinity, state.podAntiAffinity],
    state.podAffinity.length + state.podAntiAffinity.length > 0 ? state.labels : null,
  ]);
  return intern(session, key);
}

/** The one vector that stands for all equal to it. */
export function internVector({ vectors }: Session, vector: Float64Array): Float64Array {
  const key = vector.join();
  const known = vectors.get(key);
  if (known === undefined) vectors.set(key, vector);
  return known ?? vector;
}

function intern({ shapes }: Session, key: string): number {
  const known = shapes.get(key);
  if (known !== undefined) return known;
  shapes.set(key, shapes.size);
  return shapes.size - 1;
}

export function shapeOfJob(session: Session, group: Group): string {
  const wish =
    group.topology === null ? '' : `${group.topology.tree}/${group.topology.required}/${group.topology.preferred}`;
  const inner = group.leaf
    ? group.tasks.map((task) => session.facts[task].shape).join()
    : group.children.map((child) => shapeOfJob(session, child)).join(';');
  return `(${wish}:${group.min}:${inner})`;
}
