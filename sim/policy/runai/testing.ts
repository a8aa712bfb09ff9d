/** Small clusters for tests, said in a line each: nodes, queues, jobs as plain data, and what a cluster makes of a cycle. */
import { type Session, TASK_NODE, TASK_STATUS_COLUMN } from './columns.ts';
import type { Decision } from './cycle.ts';
import { releasePromises, setTask } from './session.ts';
import {
  type JobState,
  type NodeState,
  type QueueState,
  type SchedulerState,
  type SubGroupState,
  TASK_STATUS,
  type TaskState,
  type TaskStatus,
} from './state.ts';

export const MINUTE_US = 60e6;

export function node(name: string, gpus: number, more: Partial<NodeState> = {}): NodeState {
  return {
    name,
    gpus,
    cpuMilli: 128_000,
    memoryBytes: 1e12,
    maxTasks: 110,
    gpuMemoryMiB: 80_000,
    labels: {},
    taints: [],
    schedulable: true,
    mig: 'none',
    migInstances: {},
    ...more,
  };
}

const UNLIMITED = { deserved: -1, limit: -1, overQuotaWeight: 1 };

export function queue(
  name: string,
  deservedGpus: number,
  more: Partial<QueueState> & { limit?: number } = {},
): QueueState {
  const { limit = -1, ...rest } = more;
  return {
    name,
    parent: null,
    priority: 100,
    createdUs: 0,
    gpu: { deserved: deservedGpus, limit, overQuotaWeight: 1 },
    cpuMilli: UNLIMITED,
    memoryBytes: UNLIMITED,
    preemptMinRuntimeUs: null,
    reclaimMinRuntimeUs: null,
    usage: { gpu: 0, cpu: 0, memory: 0 },
    ...rest,
  };
}

export function task(name: string, gpus: number, more: Partial<TaskState> = {}): TaskState {
  return {
    name,
    status: 'Pending',
    node: null,
    subGroup: 'default',
    priority: 0,
    cpuMilli: 1000,
    memoryBytes: 1e9,
    gpus,
    gpuMemoryMiB: 0,
    gpuDevices: 1,
    migInstances: {},
    legacyMig: false,
    gpuGroups: [],
    labels: {},
    nodeAffinity: [],
    tolerations: [],
    podAffinity: [],
    podAntiAffinity: [],
    nominatedNode: null,
    ...more,
  };
}

export function podSet(name: string, minAvailable: number): SubGroupState {
  return { name, minAvailable, minSubGroups: null, topology: null, children: [] };
}

export interface JobWish extends Partial<Omit<JobState, 'tasks'>> {
  /** Tasks, each asking for `gpus`. */
  workers?: number;
  gpus?: number;
  /** Where they run; absent = they wait. */
  on?: string;
  /** Tasks that must run together; absent = all. */
  min?: number;
  tasks?: TaskState[];
}

export function job(name: string, queueName: string, wish: JobWish = {}): JobState {
  const { workers = 1, gpus = 1, on, min, tasks, ...rest } = wish;
  const priority = wish.priority ?? 50;
  const status: TaskStatus = on === undefined ? 'Pending' : 'Running';
  const made =
    tasks ?? Array.from({ length: workers }, (_, at) => task(`${name}-${at}`, gpus, { status, node: on ?? null }));
  return {
    name,
    queue: queueName,
    priority,
    preemptible: priority < 100,
    createdUs: 0,
    startedUs: on === undefined ? null : 0,
    staleSinceUs: null,
    stalenessGraceUs: MINUTE_US,
    preemptionDelayUs: 0,
    subGroups: podSet('default', min ?? made.length),
    tasks: made,
    ...rest,
  };
}

export function pool(
  nodes: NodeState[],
  queues: QueueState[],
  jobs: JobState[] = [],
  more: Partial<SchedulerState> = {},
): SchedulerState {
  const ordered = queues.map((each, at) => ({ ...each, createdUs: each.createdUs || at }));
  const aged = jobs.map((each, at) => ({ ...each, createdUs: each.createdUs || at }));
  return { nowUs: 1e12, nodes, queues: ordered, topologies: [], jobs: aged, ...more };
}

/** `task: Status@node` of every task, in order of name. */
export function standing(session: Session): string[] {
  const { columns, nodes } = session;
  const lines: string[] = [];
  for (const { tasks } of session.jobs.values()) {
    for (const row of tasks) {
      const at = columns[TASK_NODE][row];
      const status = TASK_STATUS[columns[TASK_STATUS_COLUMN][row]];
      lines.push(`${session.facts[row].state.name}: ${status}${at < 0 ? '' : `@${nodes.name[at]}`}`);
    }
  }
  return lines.sort();
}

/** What a cluster does with a cycle's decisions before the next: evicted tasks leave and wait again, bound ones run. */
export function settle(session: Session, decisions: readonly Decision[]): void {
  const { columns } = session;
  releasePromises(session);
  for (const { job, task: name } of decisions) {
    const row = session.jobs.get(job)?.tasks.find((each) => session.facts[each].state.name === name) as number;
    const status = TASK_STATUS[columns[TASK_STATUS_COLUMN][row]];
    if (status === 'Binding') setTask(session, job, name, { status: 'Running' });
    if (status === 'Releasing') setTask(session, job, name, { status: 'Pending' });
  }
}
