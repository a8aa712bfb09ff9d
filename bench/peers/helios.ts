/**
 * The Helios simulator's virtual clusters (Hu et al., "Characterization and Prediction of Deep Learning Workloads in
 * Large-Scale GPU Datacenters", SC 2021), job for job.
 *
 * FIFO and SJF are `simulate()` as it is. SRTF has a clock of its own: a decision a second at most, a job keeps its GPUs
 * for one second after its work is done, and a preemption adds to the work that is left. Who runs and where is decided by
 * `srtf` with `choice: count`, `ties: waiting`, `quantum: 1`, and `placement: consolidate`.
 */
import { EventQueue } from '../../sim/engine/queue.ts';
import { srtf } from '../../sim/policy/replay/preemptive.ts';
import { type Scenario, SECOND_US, simulate } from '../../sim/simulate.ts';
import { numbersOf, type Table, tableIn } from './files.ts';
import { PeerHost } from './host.ts';
import { rowsOfResults, type Stated } from './results.ts';
import type { PeerRow } from './rows.ts';
import { bareScenario, gangOf } from './scenario.ts';
import { timed } from './timed.ts';

/** What is compared: seconds on the peer's time base, by row of the jobs file. */
export interface Outcome {
  start: ArrayLike<number>;
  end: ArrayLike<number>;
  preemptions: ArrayLike<number>;
}

export function heliosRows(dir: string): PeerRow[] {
  return rowsOfResults('helios', dir, 'vc', 'policy', (vc, policy, stated) => compare(dir, vc, policy, stated));
}

function compare(dir: string, vc: string, policy: string, stated: Stated): PeerRow {
  const jobs = tableIn(dir, `jobs_${vc}`);
  const results = tableIn(dir, `results_${vc}_${policy}`);
  const [job, start, end, preemptions] = ['job_id', 'start_time', 'end_time', 'ckpt_times'].map((name) =>
    numbersOf(results, name),
  );
  const scenario = heliosScenario(jobs, stated('nodes'), stated('gpus_per_node'), policy);
  const [got, wallSeconds] = timed(() => heliosReplay(scenario, policy));
  let equal = 0;
  let maxDifference = 0;
  for (let i = 0; i < results.rows; i++) {
    const difference = Math.max(Math.abs(start[i] - got.start[job[i]]), Math.abs(end[i] - got.end[job[i]]));
    if (difference === 0 && preemptions[i] === got.preemptions[job[i]]) equal++;
    // NaN, for a job that the replay does not know, is kept.
    if (!(difference <= maxDifference)) maxDifference = difference;
  }
  const total = Math.max(results.rows, jobs.rows);
  return {
    peer: 'helios',
    case: vc,
    policy,
    jobs: total,
    equal,
    maxDifference,
    unit: 's',
    modules:
      policy === 'srtf'
        ? ['sim/policy/replay/preemptive', 'sim/policy/packing/consolidate', 'sim/cluster']
        : ['sim/simulate', 'sim/policy/replay/ordered', 'sim/policy/packing/consolidate'],
    wallSeconds,
    peerWallSeconds: stated('wall_s'),
    pass: equal === total,
  };
}

export function heliosReplay(scenario: Scenario, policy: string): Outcome {
  if (policy === 'fifo' || policy === 'sjf') return byEvents(scenario);
  if (policy === 'srtf') return bySeconds(scenario);
  throw new Error(`policy '${policy}' is not among those whose rules are stated: fifo, sjf, srtf`);
}

/** Jobs are numbered as the file's rows are, which stand in the order of submission. */
export function heliosScenario(jobs: Table, nodes: number, gpusPerNode: number, policy: string): Scenario {
  const [submit, duration, gpus] = ['submit_time', 'duration', 'num_gpu'].map((name) => numbersOf(jobs, name));
  const specs = jobs.column('job_id').map((id, i) => ({
    id,
    submitUs: submit[i] * SECOND_US,
    durationUs: duration[i] * SECOND_US,
    taskGpus: gangOf(gpus[i], gpusPerNode),
  }));
  const args = { blocked: 'stop', placement: 'consolidate' };
  return bareScenario(nodes, gpusPerNode, specs, { name: policy, args });
}

function byEvents(scenario: Scenario): Outcome {
  const { jobs } = simulate(scenario);
  return {
    start: jobs.firstStartUs.map((us) => us / SECOND_US),
    end: jobs.endUs.map((us) => us / SECOND_US),
    preemptions: jobs.preemptions,
  };
}

/** Added to the work left at each preemption, seconds. */
function overheadSeconds(gpus: number): number {
  if (gpus > 8) return 60;
  return gpus === 1 ? 7 : 30;
}

const ARRIVE = 0;
const END = 1;
const WAKE = 2;

function bySeconds(scenario: Scenario): Outcome {
  const { count, submitUs, durationUs, taskStart, taskGpus } = scenario.jobs;
  const start = new Float64Array(count).fill(-1);
  const end = new Float64Array(count).fill(-1);
  const preemptions = new Int32Array(count);
  // What is left when a job is not running, one second more than its work; when it ends, if it runs: µs.
  const left = durationUs.map((us) => us + SECOND_US);
  const endsAt = new Float64Array(count).fill(-1);
  const endEvent = new Float64Array(count).fill(-1);
  let now = 0;
  const clock = {
    remaining: (job: number) => (endsAt[job] < 0 ? left[job] : endsAt[job] - now),
    attained: () => 0,
  };
  const args = { choice: 'count', blocked: 'skip', ties: 'waiting', quantum: 1, placement: 'consolidate' };
  const host = new PeerHost(scenario, srtf, args, clock);
  const queue = new EventQueue();
  for (let job = 0; job < count; job++) queue.schedule(submitUs[job], ARRIVE, ARRIVE, job, 0);
  let wakeEvent = -1;
  let wakesAt = Infinity;
  while (queue.size > 0) {
    now = queue.peekTime();
    while (queue.peekTime() === now && queue.pop()) {
      if (queue.kind === ARRIVE) {
        host.submit(queue.a);
      } else if (queue.kind === END) {
        end[queue.a] = now / SECOND_US;
        endsAt[queue.a] = -1;
        host.end(queue.a);
      } else {
        wakesAt = Infinity;
      }
    }
    const { started, stopped, wakeAt } = host.decide(now);
    for (const job of stopped) {
      let gpus = 0;
      for (let task = taskStart[job]; task < taskStart[job + 1]; task++) gpus += taskGpus[task];
      preemptions[job]++;
      left[job] = endsAt[job] - now + overheadSeconds(gpus) * SECOND_US;
      endsAt[job] = -1;
      queue.cancel(endEvent[job]);
    }
    for (const job of started) {
      if (start[job] < 0) start[job] = now / SECOND_US;
      endsAt[job] = now + left[job];
      endEvent[job] = queue.schedule(endsAt[job], END, END, job, 0);
    }
    // Who was stopped ranks anew in the next second.
    const asked = stopped.length > 0 ? now + SECOND_US : Infinity;
    const wake = Math.min(asked, wakeAt === Infinity ? Infinity : Math.ceil(wakeAt / SECOND_US) * SECOND_US);
    if (wake !== wakesAt) {
      if (wakesAt !== Infinity) queue.cancel(wakeEvent);
      if (wake !== Infinity) wakeEvent = queue.schedule(wake, WAKE, WAKE, 0, 0);
      wakesAt = wake;
    }
  }
  return { start, end, preemptions };
}
