/**
 * A job that is as it was but for where its tasks stand and for its times: most that is said of jobs from one cycle to the
 * next. It keeps its rows; only what asks for other things is compiled anew (`upsertJob`).
 */
import {
  BINDING,
  BOUND,
  type Job,
  PENDING,
  RELEASING,
  RUNNING,
  type Session,
  statusCode,
  TASK_ACCEPTED_GPUS,
  TASK_BEFORE,
  TASK_GHOSTS,
  TASK_NODE,
  TASK_STATUS_COLUMN,
} from './columns.ts';
import { isShared } from './requests.ts';
import { lift, place } from './session.ts';
import type { JobState, TaskState } from './state.ts';

/** False, and nothing done, where anything else of it differs, or its tree is more than one pod set. */
export function refreshJob(session: Session, job: Job, state: JobState): boolean {
  if (!isSameJob(session, job, state)) return false;
  const { columns, facts } = session;
  if (!standsAlike(session, job, state)) session.changes++;
  for (const task of job.tasks) lift(session, task);
  state.tasks.forEach((own, i) => {
    const task = job.tasks[i];
    facts[task].state = own;
    columns[TASK_ACCEPTED_GPUS][task] = 0;
    columns[TASK_BEFORE][task] = PENDING;
    place(session, task, statusCode(own.status), own.node, own.gpuGroups);
  });
  job.startedUs = state.startedUs;
  job.staleSinceUs = state.staleSinceUs;
  job.evictedUs = state.evictedUs ?? null;
  session.waits.delete(job);
  session.loose.delete(job);
  session.journal.length = 0;
  return true;
}

function isSameJob(session: Session, job: Job, state: JobState): boolean {
  const { facts, queues } = session;
  const { subGroups: group } = state;
  const [set] = job.sets;
  const { topology } = job.root;
  return (
    job.sets.length === 1 &&
    job.root.children[0] === set &&
    group.children.length === 0 &&
    set.name === (group.name === '' ? 'default' : group.name) &&
    set.min === group.minAvailable &&
    (topology?.tree ?? null) === (group.topology?.topology ?? null) &&
    (topology?.required ?? null) === (group.topology?.required ?? null) &&
    (topology?.preferred ?? null) === (group.topology?.preferred ?? null) &&
    job.queue === (queues.row.get(state.queue) ?? -1) &&
    job.priority === state.priority &&
    job.preemptible === state.preemptible &&
    job.createdUs === state.createdUs &&
    job.stalenessGraceUs === state.stalenessGraceUs &&
    job.preemptionDelayUs === state.preemptionDelayUs &&
    job.tasks.length === state.tasks.length &&
    state.tasks.every((own, i) => asksTheSame(facts[job.tasks[i]].state, own))
  );
}

/** It stands as it did but for what a search cannot tell apart: bound and running. Whole GPUs only. */
function standsAlike({ columns, facts, nodes }: Session, job: Job, state: JobState): boolean {
  if (job.preemptionDelayUs > 0 && job.evictedUs !== (state.evictedUs ?? null)) return false;
  return job.tasks.every((task, at) => {
    const { status, node } = state.tasks[at];
    const was = columns[TASK_STATUS_COLUMN][task];
    const runs = was === BINDING || was === BOUND || was === RUNNING;
    if (isShared(facts[task]) || columns[TASK_GHOSTS][task] !== 0) return false;
    if (was === PENDING) return status === 'Pending';
    if (!(runs ? status === 'Running' : was === RELEASING && status === 'Releasing')) return false;
    return node === nodes.name[columns[TASK_NODE][task]];
  });
}

function asksTheSame(a: TaskState, b: TaskState): boolean {
  return (
    a.name === b.name &&
    a.subGroup === b.subGroup &&
    a.priority === b.priority &&
    a.cpuMilli === b.cpuMilli &&
    a.memoryBytes === b.memoryBytes &&
    a.gpus === b.gpus &&
    a.gpuMemoryMiB === b.gpuMemoryMiB &&
    a.gpuDevices === b.gpuDevices &&
    a.legacyMig === b.legacyMig &&
    a.nominatedNode === b.nominatedNode &&
    isSame(a.migInstances, b.migInstances) &&
    isSame(a.labels, b.labels) &&
    isSame(a.nodeAffinity, b.nodeAffinity) &&
    isSame(a.tolerations, b.tolerations) &&
    isSame(a.podAffinity, b.podAffinity) &&
    isSame(a.podAntiAffinity, b.podAntiAffinity)
  );
}

/** Most are empty. */
function isSame(a: object, b: object): boolean {
  return (isEmpty(a) && isEmpty(b)) || JSON.stringify(a) === JSON.stringify(b);
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}
