/**
 * One cycle of Run:ai's policy, decided from scratch: an empty pool to fill, a full one, with topology, the worst of reclaim
 * and consolidation, the division of fair shares alone, and a look at a pool in which nothing changed. Rates are the best of
 * a few, as with the other rows.
 */
import { openStream, type Stream } from '../../sim/engine/random.ts';
import { DEFAULT_CONFIG } from '../../sim/policy/runai/config.ts';
import { runCycle } from '../../sim/policy/runai/cycle.ts';
import { divideFairShare, queueTree, resourceColumns } from '../../sim/policy/runai/fairshare.ts';
import { openSession } from '../../sim/policy/runai/session.ts';
import type { JobState, NodeState, QueueState, SchedulerState, TaskState } from '../../sim/policy/runai/state.ts';
import { idleLook } from './idle.ts';
import { isAskedFor } from './only.ts';

export interface CycleResult {
  name: string;
  /** Jobs waiting, or queues. */
  size: number;
  /** Cycles (or divisions) a second. */
  ours: number;
  rival: string;
  theirs: null;
  ratio: null;
  unit: string;
  milliseconds: number;
  decisions?: number;
  skipped?: string;
}

interface Load {
  nodes: number;
  waiting: number;
  /** GPUs of each node in use, by jobs of `runningGpus` (0 = of mixed sizes). */
  busy: number;
  runningGpus: number;
  /** 0 = of mixed sizes. */
  waitingGpus: number;
  topology: boolean;
  /** The first half of the queues holds everything, the other half waits. */
  hoarded: boolean;
}

const PLAIN: Load = { nodes: 0, waiting: 0, busy: 0, runningGpus: 0, waitingGpus: 0, topology: false, hoarded: false };
const SMALL = { ...PLAIN, nodes: 100, waiting: 500 };
const MIDDLE = { ...PLAIN, nodes: 1000, waiting: 10_000 };
const LARGE = { ...PLAIN, nodes: 12_500, waiting: 20_000 };

const LOADS: Record<string, Load> = {
  'cycle/fill/100': SMALL,
  'cycle/fill/1000': MIDDLE,
  'cycle/fill/12500': LARGE,
  'cycle/full/100': { ...SMALL, busy: 8 },
  'cycle/full/1000': { ...MIDDLE, busy: 8 },
  'cycle/full/12500': { ...LARGE, busy: 8 },
  'cycle/topology/100': { ...SMALL, topology: true },
  'cycle/topology/1000': { ...MIDDLE, topology: true },
  'cycle/topology/12500': { ...LARGE, topology: true },
  'cycle/reclaim/100': { ...SMALL, busy: 8, hoarded: true },
  'cycle/reclaim/1000': { ...MIDDLE, busy: 8, hoarded: true },
  'cycle/consolidation/100': { ...SMALL, busy: 6, runningGpus: 2, waitingGpus: 8 },
  'cycle/consolidation/1000': { ...MIDDLE, busy: 6, runningGpus: 2, waitingGpus: 8 },
};

const QUEUES = 20;
const DEPARTMENTS = 4;
const GPUS = 8;
const ROW = 'cycle/fair-share/10000';
const IDLE = 'cycle/idle/12500';
/** A row is repeated until it took this long, ms: what runs for the first time pays for the compiler. */
const LONG_ENOUGH_MS = 3000;
const MOST_TIMES = 12;

export function cycleResults({ only, quick }: { only: string; quick: boolean }): CycleResult[] {
  const names = Object.keys(LOADS).filter((name) => isAskedFor(name, only) && !(quick && LOADS[name].nodes > 100));
  // What is measured first is not to pay for the compiler.
  if (names.length > 0 && !quick) measure('', LOADS['cycle/fill/100'], 3);
  const results = names.map((name) => measure(name, LOADS[name], quick ? 1 : MOST_TIMES));
  if (isAskedFor(ROW, only)) results.push(fairShares(quick ? 20 : 200));
  if (isAskedFor(IDLE, only) && !quick) {
    const { milliseconds, waiting } = idleLook(5);
    results.push(row(IDLE, waiting, milliseconds, 'looks/s', 0));
  }
  return results;
}

function measure(name: string, load: Load, times: number): CycleResult {
  const state = poolOf(load);
  let best = Infinity;
  let decisions = 0;
  for (let time = 0, spent = 0; time < times && spent < LONG_ENOUGH_MS; time++) {
    const session = openSession(state, DEFAULT_CONFIG);
    const start = performance.now();
    decisions = runCycle(session).length;
    const took = performance.now() - start;
    best = Math.min(best, took);
    spent += took;
  }
  return row(name, load.waiting, best, 'cycles/s', decisions);
}

function row(name: string, size: number, milliseconds: number, unit: string, decisions?: number): CycleResult {
  const rest = { rival: '', theirs: null, ratio: null, unit, milliseconds };
  return { name, size, ours: 1000 / milliseconds, ...rest, ...(decisions === undefined ? {} : { decisions }) };
}

/** 10,000 queues in 100 departments, three resources, everybody asking for more than there is. */
function fairShares(times: number): CycleResult {
  const count = 10_000;
  const stream = openStream('1', 'bench/fair-share');
  const parent = Int32Array.from({ length: count }, (_, queue) => (queue < 100 ? -1 : queue % 100));
  const age = Int32Array.from({ length: count }, (_, queue) => queue);
  const tree = queueTree(parent, new Float64Array(count).fill(100), age);
  const columns = [0, 1, 2].map(() => {
    const one = resourceColumns(count);
    for (let queue = 0; queue < count; queue++) {
      one.deserved[queue] = queue < 100 ? 1000 : Math.floor(stream.next() * 16);
      one.overQuotaWeight[queue] = 1 + Math.floor(stream.next() * 4);
      one.request[queue] = queue < 100 ? 5000 : Math.floor(stream.next() * 64);
    }
    return one;
  });
  let best = Infinity;
  for (let time = 0; time < times; time++) {
    const start = performance.now();
    for (const one of columns) divideFairShare(tree, one, 120_000, 1);
    best = Math.min(best, performance.now() - start);
  }
  return row(ROW, count, best, 'divisions/s');
}

function poolOf(load: Load): SchedulerState {
  const stream = openStream('1', 'bench/cycle');
  const nodes = Array.from({ length: load.nodes }, (_, at) => nodeOf(at));
  const jobs: JobState[] = [];
  const half = QUEUES / 2;
  const queueOf = (waits: boolean): string => {
    if (!load.hoarded) return `q${pick(stream, QUEUES)}`;
    return `q${pick(stream, half) + (waits ? half : 0)}`;
  };
  for (const { name } of nodes) {
    for (let left = load.busy; left > 0; ) {
      const gpus = Math.min(left, load.runningGpus || [1, 2, 4, 8][pick(stream, 4)]);
      jobs.push(jobOf(`running-${jobs.length}`, queueOf(false), gpus, name, jobs.length, false));
      left -= gpus;
    }
  }
  for (let at = 0; at < load.waiting; at++) {
    const gpus = load.waitingGpus || [1, 1, 2, 4, 8][pick(stream, 5)];
    jobs.push(jobOf(`waiting-${at}`, queueOf(true), gpus, null, jobs.length, load.topology));
  }
  return {
    nowUs: 1e12,
    nodes,
    queues: queuesOf(load.nodes),
    topologies: [{ name: 't', levels: ['zone', 'rack'] }],
    jobs,
  };
}

const pick = (stream: Stream, count: number): number => Math.floor(stream.next() * count);

function nodeOf(at: number): NodeState {
  return {
    name: `node-${String(at).padStart(5, '0')}`,
    gpus: GPUS,
    cpuMilli: 128_000,
    memoryBytes: 1e12,
    maxTasks: 110,
    gpuMemoryMiB: 80_000,
    labels: { zone: `z${at >> 8}`, rack: `r${at >> 4}` },
    taints: [],
    schedulable: true,
    mig: 'none',
    migInstances: {},
  };
}

function queuesOf(nodes: number): QueueState[] {
  const each = Math.floor((nodes * GPUS) / QUEUES);
  const unlimited = { deserved: -1, limit: -1, overQuotaWeight: 1 };
  const queue = (name: string, parent: string | null, deserved: number, createdUs: number): QueueState => ({
    name,
    parent,
    priority: 100,
    createdUs,
    gpu: { deserved, limit: -1, overQuotaWeight: 1 },
    cpuMilli: unlimited,
    memoryBytes: unlimited,
    preemptMinRuntimeUs: null,
    reclaimMinRuntimeUs: null,
    usage: { gpu: 0, cpu: 0, memory: 0 },
  });
  return [
    ...Array.from({ length: DEPARTMENTS }, (_, at) => queue(`d${at}`, null, (each * QUEUES) / DEPARTMENTS, at)),
    ...Array.from({ length: QUEUES }, (_, at) => queue(`q${at}`, `d${at % DEPARTMENTS}`, each, at)),
  ];
}

function jobOf(
  name: string,
  queue: string,
  gpus: number,
  node: string | null,
  at: number,
  topology: boolean,
): JobState {
  const workers = topology ? 2 : 1;
  const wish = topology ? { topology: 't', required: 'zone', preferred: 'rack' } : null;
  return {
    name,
    queue,
    priority: 50,
    preemptible: true,
    createdUs: at,
    startedUs: node === null ? null : 0,
    staleSinceUs: null,
    stalenessGraceUs: 60e6,
    preemptionDelayUs: 0,
    subGroups: { name: 'default', minAvailable: workers, minSubGroups: null, topology: wish, children: [] },
    tasks: Array.from({ length: workers }, (_, worker) => taskOf(`${name}-${worker}`, gpus, node)),
  };
}

function taskOf(name: string, gpus: number, node: string | null): TaskState {
  return {
    name,
    status: node === null ? 'Pending' : 'Running',
    node,
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
  };
}
