/**
 * Muri's simulator (Zhao et al., "Multi-Resource Interleaving for Deep Learning Training", SIGCOMM 2022) in its schedules
 * without sharing: `shortest` (SRTF), `shortest-gpu` (SRSF) and `dlas-gpu` (Tiresias), job for job.
 *
 * It has a clock of its own: seconds in doubles, which must be added in its order to give its results, and an overhead
 * that every running job pays at every event. Who runs and where is decided by `srtf`, `srsf` (`choice: anew`, `placement:
 * yarn`) and `las` (`choice: count`), all with `ties: former`. Its `dlas-gpu` counts GPUs and places nobody: that is a
 * cluster of single GPUs.
 */
import { PENDING, RUNNING } from '../../sim/cluster/view.ts';
import { las, srsf, srtf } from '../../sim/policy/replay/preemptive.ts';
import type { Memory } from '../../sim/policy/replay/turn.ts';
import { type PolicyFactory, type Scenario, SECOND_US } from '../../sim/simulate.ts';
import { numbersOf, type Table, tableIn } from './files.ts';
import { PeerHost } from './host.ts';
import { rowsOfResults, type Stated } from './results.ts';
import type { PeerRow } from './rows.ts';
import { bareScenario, gangOf } from './scenario.ts';
import { timed } from './timed.ts';

const NODES = 8;
const GPUS_PER_NODE = 8;
/** GPU-seconds for leaving the first and the second queue. */
const THRESHOLDS = [3250, 7200];
/** Times nearer than this, relative to the larger, are one event. */
const SAME_TIME = 1e-9;
const TOLERANCE_SECONDS = 1e-6;

interface Schedule {
  factory: PolicyFactory;
  args: Record<string, unknown>;
  modules: string[];
}

const ANEW = { choice: 'anew', blocked: 'skip', ties: 'former', placement: 'yarn' };
const SCHEDULES: Record<string, Schedule> = {
  shortest: { factory: srtf, args: ANEW, modules: ['sim/policy/packing/yarn'] },
  'shortest-gpu': { factory: srsf, args: ANEW, modules: ['sim/policy/packing/yarn'] },
  'dlas-gpu': {
    factory: las,
    args: { choice: 'count', blocked: 'skip', ties: 'former', thresholds: THRESHOLDS },
    modules: [],
  },
};

/** Seconds that a running job loses at each event, by model and GPUs. */
const OVERHEAD_GPUS = [1, 2, 4, 8, 16, 32];
const OVERHEAD: Record<string, readonly number[]> = {
  vgg16: [7, 7, 8, 9, 9, 10],
  vgg19: [7, 7, 8, 9, 10, 10],
  resnet18: [4, 5, 5, 7, 7, 7],
  shufflenet_v2_x1_0: [4, 4, 5, 5, 7, 8],
  bert: [10, 10, 10, 10, 10, 10],
  gpt2: [10, 10, 10, 10, 10, 10],
  a2c: [38, 39, 39, 46, 46, 46],
  dqn: [5, 5, 6, 6, 8, 8],
};

/** A job as the peer's clock sees it, by job: seconds, and iterations left. */
export interface MuriJobs {
  gpus: Float64Array;
  submit: Float64Array;
  iterations: Float64Array;
  iterationSeconds: Float64Array;
  overhead: Float64Array;
}

export interface MuriOutcome {
  start: Float64Array;
  end: Float64Array;
  pending: Float64Array;
  executed: Float64Array;
  preempted: Int32Array;
  resumed: Int32Array;
}

export function muriRows(dir: string): PeerRow[] {
  return rowsOfResults('muri', dir, 'trace', 'schedule', (trace, schedule, stated) =>
    compare(dir, trace, schedule, stated),
  );
}

function compare(dir: string, trace: string, schedule: string, stated: Stated): PeerRow {
  const jobs = muriJobs(tableIn(dir, `jobs_${trace}`));
  const results = tableIn(dir, `results_${trace}_${schedule}`);
  const column = (name: string) => numbersOf(results, name);
  const job = column('job_id');
  const scenario = muriScenario(jobs, schedule);
  const [got, wallSeconds] = timed(() => muriReplay(scenario, jobs, schedule));
  const pairs: [Float64Array, Float64Array][] = [
    [column('start_time'), got.start],
    [column('end_time'), got.end],
    [column('jct'), got.end.map((end, j) => end - jobs.submit[j])],
    [column('pending_time'), got.pending],
    [column('executed_time'), got.executed],
  ];
  const preempted = column('preempt');
  const resumed = column('resume');
  let equal = 0;
  let maxDifference = 0;
  for (let i = 0; i < results.rows; i++) {
    const j = job[i];
    const difference = Math.max(...pairs.map(([theirs, ours]) => Math.abs(theirs[i] - ours[j])));
    const sameMoves = preempted[i] === got.preempted[j] && resumed[i] === got.resumed[j];
    if (difference <= TOLERANCE_SECONDS && sameMoves) equal++;
    // NaN, for a job that the replay does not know, is kept.
    if (!(difference <= maxDifference)) maxDifference = difference;
  }
  const total = Math.max(results.rows, jobs.gpus.length);
  return {
    peer: 'muri',
    case: trace,
    policy: schedule,
    jobs: total,
    equal,
    maxDifference,
    unit: 's',
    modules: ['sim/policy/replay/preemptive', ...SCHEDULES[schedule].modules, 'sim/cluster'],
    wallSeconds,
    peerWallSeconds: stated('wall_s'),
    pass: equal === total,
  };
}

/** Rows stand in the order of submission. */
export function muriJobs(table: Table): MuriJobs {
  const gpus = numbersOf(table, 'num_gpu');
  const overhead = table.column('model_name').map((model, i) => {
    const seconds = OVERHEAD[model]?.[OVERHEAD_GPUS.indexOf(gpus[i])];
    if (seconds === undefined)
      throw new Error(`${table.path}: the overhead of ${model} on ${gpus[i]} GPUs is not stated`);
    return seconds;
  });
  return {
    gpus,
    submit: numbersOf(table, 'submit_time_ms').map((ms) => ms / 1000),
    iterations: numbersOf(table, 'iterations'),
    // In this order: it decides the last bit.
    iterationSeconds: numbersOf(table, 'iteration_time_ms').map((ms) => (ms * 1.015) / 1000),
    overhead: Float64Array.from(overhead),
  };
}

export function muriScenario({ gpus, submit }: MuriJobs, schedule: string): Scenario {
  const perNode = schedule === 'dlas-gpu' ? 1 : GPUS_PER_NODE;
  const specs = Array.from(gpus, (count, i) => ({
    id: String(i),
    submitUs: Math.round(submit[i] * SECOND_US),
    // The peer's clock knows how long it takes.
    durationUs: 1,
    taskGpus: gangOf(count, perNode),
  }));
  return bareScenario((NODES * GPUS_PER_NODE) / perNode, perNode, specs, { name: 'peer', args: {} });
}

export function muriReplay(scenario: Scenario, jobs: MuriJobs, schedule: string): MuriOutcome {
  if (!Object.hasOwn(SCHEDULES, schedule)) {
    throw new Error(
      `schedule '${schedule}' is not among those whose rules are stated: ${Object.keys(SCHEDULES).join(', ')}`,
    );
  }
  const { factory, args } = SCHEDULES[schedule];
  const inQueues = schedule === 'dlas-gpu';
  const { gpus, submit, iterationSeconds, overhead } = jobs;
  const count = gpus.length;
  const left = jobs.iterations.slice();
  const leftSeconds = left.map((iterations, j) => iterations * iterationSeconds[j]);
  const executed = new Float64Array(count);
  const pending = new Float64Array(count);
  const last = submit.slice();
  const start = new Float64Array(count).fill(-1);
  const end = new Float64Array(count).fill(-1);
  const preempted = new Int32Array(count);
  const resumed = new Int32Array(count);

  const host = new PeerHost<Memory>(scenario, factory, args, {
    remaining: (job) => leftSeconds[job],
    // Thresholds are stated in GPU-seconds and compared in GPU·µs.
    attained: (job) => executed[job] * gpus[job] * SECOND_US,
  });
  const running = new Set<number>();
  let arrived = 0;
  let ends: { at: number; jobs: number[] } = { at: Infinity, jobs: [] };
  for (;;) {
    const arrival = arrived < count ? submit[arrived] : Infinity;
    let now = Math.min(arrival, ends.at);
    const jump = inQueues ? nextJump(host.memory, running, executed, gpus, last) : Infinity;
    if (jump < now) now = jump;
    if (now === Infinity) break;

    if (now === ends.at) {
      for (const job of ends.jobs) {
        executed[job] += now - last[job];
        end[job] = now;
        running.delete(job);
        host.end(job);
      }
    }
    if (now === arrival) {
      while (arrived < count && isSameTime(submit[arrived], now)) {
        host.submit(arrived++);
      }
    }
    // Everybody as of the last ranking; who came since has waited for no time yet.
    for (const job of host.memory.listed[0]) {
      const passed = now - last[job];
      if (host.status[job] === PENDING) pending[job] += passed;
      last[job] = now;
      if (host.status[job] !== RUNNING) continue;
      left[job] -= Math.max(passed - overhead[job], 0) / iterationSeconds[job];
      leftSeconds[job] = left[job] * iterationSeconds[job];
      executed[job] += passed;
    }

    const { started, stopped } = host.decide(now * SECOND_US);
    for (const job of stopped) {
      preempted[job]++;
      running.delete(job);
    }
    for (const job of started) {
      if (start[job] < 0) start[job] = now;
      resumed[job]++;
      running.add(job);
    }
    ends = firstEnds(now, host.memory, running, leftSeconds, inQueues);
  }
  return { start, end, pending, executed, preempted, resumed };
}

function isSameTime(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= SAME_TIME * Math.max(Math.abs(a), Math.abs(b));
}

/** When the first running job, if nothing happened until then, would have had the threshold of its queue. */
function nextJump(
  { key }: Memory,
  running: Set<number>,
  executed: Float64Array,
  gpus: Float64Array,
  last: Float64Array,
): number {
  let soonest = Infinity;
  for (const job of running) {
    if (key[job] >= THRESHOLDS.length) continue;
    soonest = Math.min(soonest, Math.ceil(THRESHOLDS[key[job]] / gpus[job]) - executed[job] + last[job]);
  }
  return soonest;
}

/**
 * The next end event. Predicted without overhead. Times that are nearly the same are one event, at the time of the job
 * that is first in the policy's order; under `dlas-gpu` only equal ones are.
 */
function firstEnds(
  now: number,
  memory: Memory,
  running: Set<number>,
  leftSeconds: Float64Array,
  exactly: boolean,
): { at: number; jobs: number[] } {
  let first = Infinity;
  for (const job of running) first = Math.min(first, now + leftSeconds[job]);
  if (first === Infinity) return { at: Infinity, jobs: [] };
  const groups: { at: number; jobs: number[] }[] = [];
  // No later ones can have to do with the first.
  const latest = first * (1 + 100 * SAME_TIME);
  const near = [...running].filter((job) => now + leftSeconds[job] <= latest);
  near.sort((a, b) => memory.tie[a] - memory.tie[b]);
  for (const job of near) {
    const at = now + leftSeconds[job];
    const group = groups.find((other) => (exactly ? other.at === at : isSameTime(other.at, at)));
    if (group === undefined) groups.push({ at, jobs: [job] });
    else group.jobs.push(job);
  }
  return groups.reduce((best, group) => (group.at < best.at ? group : best));
}
