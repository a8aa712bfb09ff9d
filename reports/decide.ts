/**
 * What Run:ai's scheduler would do next on a real cluster's state, whom that costs what, and why the rest waits:
 * `simsup decide`. Its JSON's schema is docs/schema/decide.schema.json.
 */
import {
  GATED,
  GPU,
  type Job,
  PENDING,
  PIPELINED,
  type Session,
  TASK_STATUS_COLUMN,
} from '../sim/policy/runai/columns.ts';
import type { SchedulerConfig } from '../sim/policy/runai/config.ts';
import { type Decision, runCycle } from '../sim/policy/runai/cycle.ts';
import { DEFAULT_GPU_MEMORY_MIB } from '../sim/policy/runai/pool.ts';
import { divideShares, used } from '../sim/policy/runai/queues.ts';
import { gpusOfMigProfile } from '../sim/policy/runai/requests.ts';
import { openSession } from '../sim/policy/runai/session.ts';
import type { JobState, SchedulerState, TaskState, TaskStatus } from '../sim/policy/runai/state.ts';
import { type Looked, whyWaiting } from '../sim/policy/runai/waiting.ts';

export interface DecideInput {
  state: SchedulerState;
  config: SchedulerConfig;
  nodePool: string;
  /** Workloads that the scheduler does not try at all. */
  untried: readonly { job: string; queue: string; reason: string }[];
  /** When running pods began, Unix µs. */
  startedUs: ReadonlyMap<string, number>;
  otherPods: number;
  /** Time between cycles, µs. */
  periodUs: number;
  cycles: number;
  /** How often workloads are assumed to save their work, µs since their start; 0 = never. */
  checkpointEveryUs: number;
  /** Somebody said when the snapshot was taken, instead of the times in it. */
  timeGiven: boolean;
  warnings: readonly string[];
}

interface Placing {
  workload: string;
  queue: string;
  pod: string;
  node: string;
  gpus: number;
  /** Names of the shared GPUs, where it takes a part of one. */
  gpuGroups: string[];
  action: string;
  reason: string;
}

export interface Eviction {
  workload: string;
  queue: string;
  pod: string;
  node: string;
  gpus: number;
  action: string;
  /** For whose sake; null = its own (a stale gang). */
  forWorkload: string | null;
  /** Where it is promised a place in the same decision; null = it goes back to its queue. */
  movesTo: string | null;
  /** How long it has run; null = the snapshot does not say. */
  ranSeconds: number | null;
  lostGpuHours: number | null;
  reason: string;
}

export interface Cycle {
  cycle: number;
  binds: Placing[];
  pipelines: Placing[];
  evictions: Eviction[];
}

export interface Displaced {
  workload: string;
  queue: string;
  gpus: number;
  moves: boolean;
  ranSeconds: number | null;
  lostGpuHours: number | null;
}

export interface PendingWorkload {
  workload: string;
  queue: string;
  priority: number | null;
  preemptible: boolean | null;
  /** Pods that wait, and the GPUs they ask for. */
  pods: number;
  gpus: number;
  waitingSeconds: number | null;
  /** starts: at least a part of it; promised: once what is leaving has left. */
  outcome: 'starts' | 'promised' | 'waits';
  /** In which cycle it starts or is promised its place; null = in none. */
  cycle: number | null;
  /** One sentence. */
  reason: string;
  displaces: Displaced[];
  /** Over all that it displaces; null where that cannot be known of one of them. */
  lostGpuHours: number | null;
}

export interface QueueLine {
  queue: string;
  parent: string | null;
  /** GPUs; null = no limit. */
  deserved: number | null;
  limit: number | null;
  fairShare: number | null;
  usedBefore: number;
  usedAfter: number;
}

export interface Decided {
  snapshot: {
    /** ISO 8601; null = no time stands in it. */
    takenAt: string | null;
    nodePool: string;
    nodes: number;
    closedNodes: number;
    gpus: number;
    workloads: { running: number; pending: number };
    otherPods: number;
  };
  totals: { starts: number; promised: number; waits: number; evictedPods: number; lostGpuHours: number | null };
  cycles: Cycle[];
  pending: PendingWorkload[];
  queues: QueueLine[];
  assumptions: string[];
  warnings: string[];
}

const SECOND_US = 1e6;
const HOUR_US = 3600e6;

export function decide(input: DecideInput): Decided {
  const running = input.state.jobs.filter((job) => job.tasks.some(isUsing)).length;
  const waitingAtFirst = input.state.jobs.filter(waits);
  const pending = new Map<string, PendingWorkload>();
  const cycles: Cycle[] = [];
  const started = new Map(input.startedUs);
  let { state } = input;
  let queues: QueueLine[] = [];
  for (let n = 1; n <= input.cycles; n++) {
    const session = openSession(state, input.config);
    // As the cycle itself begins, so that the shares before it can be told.
    divideShares(session);
    const before = queueLines(session);
    const decisions = runCycle(session);
    const cycle = describe(n, decisions, state, session, started, input);
    if (n > 1 && decisions.length === 0) break;
    cycles.push(cycle);
    if (n === 1) queues = before;
    const looked: Looked = new Map();
    for (const job of state.jobs) if (waits(job)) notePending(pending, job, session, looked, state, cycle);
    for (const line of queues) {
      const row = session.queues.row.get(line.queue);
      if (row !== undefined) line.usedAfter = tidy(used(session, row, GPU));
    }
    state = carriedOver(state, decisions, input.periodUs, started);
  }
  for (const { job, queue, reason } of input.untried) {
    pending.set(job, { ...UNTRIED, workload: job, queue, reason: `${reason[0].toUpperCase()}${reason.slice(1)}.` });
  }
  const all = [...pending.values()];
  const evictions = cycles.flatMap((cycle) => cycle.evictions);
  const { nodes, nowUs } = input.state;
  return {
    snapshot: {
      takenAt: nowUs > 0 ? new Date(nowUs / 1000).toISOString() : null,
      nodePool: input.nodePool,
      nodes: nodes.length,
      closedNodes: nodes.filter((node) => !node.schedulable).length,
      gpus: nodes.reduce((sum, node) => sum + node.gpus, 0),
      workloads: { running, pending: waitingAtFirst.length + input.untried.length },
      otherPods: input.otherPods,
    },
    totals: {
      starts: all.filter((w) => w.outcome === 'starts').length,
      promised: all.filter((w) => w.outcome === 'promised').length,
      waits: all.filter((w) => w.outcome === 'waits').length,
      evictedPods: evictions.length,
      lostGpuHours: sumOrUnknown(evictions.map((e) => e.lostGpuHours)),
    },
    cycles,
    pending: all,
    queues,
    assumptions: assumptions(input),
    warnings: [...input.warnings],
  };
}

function assumptions({ checkpointEveryUs, cycles, state, periodUs, timeGiven }: DecideInput): string[] {
  const hours = checkpointEveryUs / HOUR_US;
  const list = [
    checkpointEveryUs === 0
      ? 'An evicted workload loses all GPU time since its pods started: a snapshot tells of no checkpoints (--checkpoint-every sets an interval).'
      : `Every workload saves its work every ${hours >= 1 ? `${tidy(hours)} h` : `${tidy(hours * 60)} min`} from its start, so an evicted one loses the time since the last of these.`,
    'What a pod holds on a GPU it shares counts as its share, what it holds in MIG instances as their GPU slices.',
  ];
  if (state.nowUs > 0 && !timeGiven)
    list.push('The snapshot was taken at the latest time that stands in it (--at sets another).');
  if (cycles > 1) {
    list.push(
      `Between cycles (${tidy(periodUs / SECOND_US)} s apart) what is bound starts, what was told to leave has left, and an evicted workload's pods come back to wait.`,
    );
  }
  return list;
}

const UNTRIED = {
  priority: null,
  preemptible: null,
  pods: 0,
  gpus: 0,
  waitingSeconds: null,
  outcome: 'waits',
  cycle: null,
  displaces: [],
  lostGpuHours: 0,
} satisfies Partial<PendingWorkload>;

// ── one cycle ─────────────────────────────────────────────────────────────────────────────────────────────────────

const isUsing = ({ status }: TaskState) =>
  !(['Pending', 'Gated', 'Succeeded', 'Failed'] as TaskStatus[]).includes(status);
const waits = (job: JobState) => job.tasks.some(({ status }) => status === 'Pending' || status === 'Gated');

function describe(
  cycle: number,
  decisions: readonly Decision[],
  state: SchedulerState,
  session: Session,
  started: ReadonlyMap<string, number>,
  { checkpointEveryUs }: DecideInput,
): Cycle {
  const tasks = new Map(
    state.jobs.flatMap((job) => job.tasks.map((task) => [`${job.name} ${task.name}`, { job, task }])),
  );
  const memory = new Map(state.nodes.map((node) => [node.name, node.gpuMemoryMiB || DEFAULT_GPU_MEMORY_MIB]));
  const placed = new Map(decisions.filter((d) => d.kind !== 'evict').map((d) => [`${d.job} ${d.task}`, d.node]));
  const out: Cycle = { cycle, binds: [], pipelines: [], evictions: [] };
  for (const decision of decisions) {
    const { kind, action, node, gpuGroups, forJob, reason } = decision;
    const key = `${decision.job} ${decision.task}`;
    const { job, task } = tasks.get(key) as { job: JobState; task: TaskState };
    const base = { workload: job.name, queue: job.queue, pod: task.name, action };
    if (kind !== 'evict') {
      const gpus = gpusOf(task, memory.get(node) ?? session.minGpuMemoryMiB);
      const groups = task.gpuMemoryMiB > 0 || (task.gpus > 0 && task.gpus < 1) ? gpuGroups : [];
      out[kind === 'bind' ? 'binds' : 'pipelines'].push({ ...base, node, gpus, gpuGroups: groups, reason });
      continue;
    }
    const from = task.node as string;
    const gpus = gpusOf(task, memory.get(from) ?? session.minGpuMemoryMiB);
    const since = started.get(task.name) ?? job.startedUs;
    const ran = since === null || since === undefined || state.nowUs === 0 ? null : Math.max(0, state.nowUs - since);
    const lost = ran === null ? null : checkpointEveryUs > 0 ? ran % checkpointEveryUs : ran;
    out.evictions.push({
      ...base,
      node: from,
      gpus,
      forWorkload: forJob,
      movesTo: placed.get(key) ?? null,
      ranSeconds: ran === null ? null : ran / SECOND_US,
      lostGpuHours: lost === null ? null : tidy((lost / HOUR_US) * gpus, 1e6),
      reason,
    });
  }
  return out;
}

/** A workload that waited when the cycle began, and what became of it. */
function notePending(
  pending: Map<string, PendingWorkload>,
  state: JobState,
  session: Session,
  looked: Looked,
  { nowUs }: SchedulerState,
  { cycle, evictions }: Cycle,
): void {
  const job = session.jobs.get(state.name) as Job;
  const status = job.tasks.map((task) => session.columns[TASK_STATUS_COLUMN][task]);
  const still = status.filter((s) => s === PENDING || s === GATED).length;
  const promised = status.includes(PIPELINED);
  const waiting = state.tasks.filter((task) => task.status === 'Pending' || task.status === 'Gated');
  const before = pending.get(state.name);
  const placed = still < waiting.length;
  const outcome: PendingWorkload['outcome'] =
    before?.outcome === 'starts' || (placed && !promised) ? 'starts' : promised ? 'promised' : 'waits';
  const displaces = [...(before?.displaces ?? []), ...displacedBy(state.name, evictions)];
  const rest =
    placed && still > 0 ? `${waiting.length - still} of its ${waiting.length} waiting pods; of the rest: ` : '';
  const why = still > 0 ? whyWaiting(session, job, looked) : '';
  const reason = {
    waits: why,
    promised: `It is promised GPUs that are being released and starts once they are free${rest === '' ? '.' : `: ${rest}${why}`}`,
    starts: rest === '' ? 'It starts.' : `It starts with ${rest}${why}`,
  }[outcome];
  pending.set(state.name, {
    workload: state.name,
    queue: state.queue,
    priority: state.priority,
    preemptible: state.preemptible,
    pods: before?.pods ?? waiting.length,
    gpus: before?.gpus ?? tidy(waiting.reduce((sum, task) => sum + gpusOf(task, session.minGpuMemoryMiB), 0)),
    waitingSeconds: before?.waitingSeconds ?? (nowUs > 0 ? Math.max(0, nowUs - state.createdUs) / SECOND_US : null),
    outcome,
    cycle: outcome === 'waits' ? null : before?.outcome === outcome ? before.cycle : cycle,
    reason: before?.outcome === 'starts' ? before.reason : reason,
    displaces,
    lostGpuHours: sumOrUnknown(displaces.map((d) => d.lostGpuHours)),
  });
}

/** By workload: the pods of a gang leave together. */
function displacedBy(name: string, evictions: readonly Eviction[]): Displaced[] {
  const all = new Map<string, Displaced>();
  for (const { workload, queue, gpus, movesTo, ranSeconds, lostGpuHours, forWorkload } of evictions) {
    if (forWorkload !== name) continue;
    const known = all.get(workload);
    if (known === undefined) {
      all.set(workload, { workload, queue, gpus, moves: movesTo !== null, ranSeconds, lostGpuHours });
      continue;
    }
    known.gpus = tidy(known.gpus + gpus);
    known.moves &&= movesTo !== null;
    known.ranSeconds = Math.max(known.ranSeconds ?? 0, ranSeconds ?? 0);
    known.lostGpuHours = sumOrUnknown([known.lostGpuHours, lostGpuHours]);
  }
  return [...all.values()];
}

/** The state before the next cycle: what was decided has come about. */
function carriedOver(
  state: SchedulerState,
  decisions: readonly Decision[],
  periodUs: number,
  started: Map<string, number>,
): SchedulerState {
  const nowUs = state.nowUs + periodUs;
  const bound = new Map<string, Decision>();
  const evicted = new Set<string>();
  for (const decision of decisions) {
    const key = `${decision.job} ${decision.task}`;
    if (decision.kind === 'bind') bound.set(key, decision);
    if (decision.kind === 'evict') evicted.add(key);
  }
  const jobs = state.jobs.map((job): JobState => {
    let startedUs = job.startedUs;
    let evictedUs = job.evictedUs ?? null;
    const tasks = job.tasks
      // Told to leave before the snapshot: gone, and nobody knows whether it comes again.
      .filter((task) => task.status !== 'Releasing')
      .map((task): TaskState => {
        const key = `${job.name} ${task.name}`;
        const bind = bound.get(key);
        if (bind !== undefined) {
          startedUs ??= state.nowUs;
          started.set(task.name, state.nowUs);
          return { ...task, status: 'Running', node: bind.node, gpuGroups: bind.gpuGroups };
        }
        if (evicted.has(key)) {
          evictedUs = state.nowUs;
          started.delete(task.name);
          return { ...task, status: 'Pending', node: null, gpuGroups: [] };
        }
        if (task.status === 'Binding' || task.status === 'Bound') return { ...task, status: 'Running' };
        return task;
      });
    if (!tasks.some(isUsing)) startedUs = null;
    return { ...job, tasks, startedUs, evictedUs };
  });
  return { ...state, nowUs, jobs };
}

// ── amounts ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** GPUs that a pod holds, or would on a GPU of that memory. */
function gpusOf(task: TaskState, gpuMemoryMiB: number): number {
  const mig = Object.entries(task.migInstances).reduce((sum, [name, n]) => sum + n * gpusOfMigProfile(name), 0);
  const share = task.gpuMemoryMiB > 0 ? task.gpuMemoryMiB / gpuMemoryMiB : task.gpus;
  return tidy(mig + share * task.gpuDevices);
}

function queueLines(session: Session): QueueLine[] {
  const { queues } = session;
  const { deserved, limit, fairShare } = queues.shares[GPU];
  const finite = (n: number) => (n === -1 ? null : tidy(n));
  return depthFirst(queues.parent).map((queue) => ({
    queue: queues.name[queue],
    parent: queues.parent[queue] < 0 ? null : queues.name[queues.parent[queue]],
    deserved: finite(deserved[queue]),
    limit: finite(limit[queue]),
    fairShare: finite(fairShare[queue]),
    usedBefore: tidy(used(session, queue, GPU)),
    usedAfter: tidy(used(session, queue, GPU)),
  }));
}

/** Every queue right behind the one above it, or what else is below that. */
function depthFirst(parent: Int32Array): number[] {
  const below = new Map<number, number[]>();
  parent.forEach((above, queue) => {
    const known = below.get(above);
    if (known === undefined) below.set(above, [queue]);
    else known.push(queue);
  });
  const order: number[] = [];
  const open = (below.get(-1) ?? []).toReversed();
  for (let queue = open.pop(); queue !== undefined; queue = open.pop()) {
    order.push(queue);
    open.push(...(below.get(queue) ?? []).toReversed());
  }
  return order;
}

/** Without the noise of sums of decimals. */
function tidy(n: number, parts = 1e4): number {
  return Math.round(n * parts) / parts;
}

const sumOrUnknown = (all: readonly (number | null)[]): number | null =>
  all.reduce<number | null>((sum, n) => (sum === null || n === null ? null : tidy(sum + n, 1e6)), 0);
