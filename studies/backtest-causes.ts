/**
 * What a log cannot show, and where its own figures point at it: held jobs, reservations, quotas, priorities, maintenance,
 * work that is missing from the log, a cluster that was another size. All from recorded times alone, not the simulation.
 */
import { DAY_US, HOUR_US, MINUTE_US, type Scenario } from '../sim/simulate.ts';

/** A job as the log has it, µs. */
export interface RecordedJob {
  id: string;
  /** `user x`, or `project x` where the log names no users. */
  owner: string;
  /** Index into `poolLists`. */
  pools: number;
  /** GPUs, shares counted as such. */
  gpus: number;
  submitUs: number;
  startUs: number;
  endUs: number;
  limitUs: number;
}

export interface Cause {
  cause: 'held' | 'limit' | 'order' | 'maintenance' | 'missing work' | 'cluster size' | 'past limit' | 'beginning';
  /** The data points at it; else it is one of those a log can never show. */
  found: boolean;
  sentence: string;
}

/** At most so many jobs are looked at one by one, evenly spread over the log. */
const MOST_JOBS = 4000;
/** Waits shorter than this are a scheduler's own pace. */
const SHORT_US = 10 * MINUTE_US;

export function findCauses(scenario: Scenario, jobs: readonly RecordedJob[], inLog: number): Cause[] {
  if (jobs.length === 0) return [];
  const groups = groupsOf(scenario, jobs);
  const step = Math.max(1, Math.ceil(jobs.length / MOST_JOBS));
  const looked = groups.flatMap((group) =>
    group.jobs.filter((_, i) => i % step === 0).map((job) => lookedAt(job, group)),
  );
  return [
    ...clusterSize(groups),
    ...held(looked),
    ...limits(looked, groups),
    ...order(groups, step),
    ...maintenance(groups),
    ...missing(jobs, inLog),
    ...pastLimit(jobs),
    {
      cause: 'beginning',
      found: false,
      sentence:
        'What ran or waited before the first row is not in the log: the replay begins with an empty cluster, so the first part is simulated and not judged (warm-up).',
    },
  ];
}

// ── recorded use over time ────────────────────────────────────────────────────────────────────────────────────────

/** Jobs that share nodes, and how many GPUs the log has them hold at each moment. */
interface Group {
  gpus: number;
  /** By submission. */
  jobs: RecordedJob[];
  /** Ascending; from `at[i]` on `used[i]` GPUs are held. */
  at: Float64Array;
  used: Float64Array;
}

/** Jobs by the pools they may use, where these are disjoint; else all together. */
function groupsOf({ poolLists, nodes }: Scenario, jobs: readonly RecordedJob[]): Group[] {
  const inPool = new Map<number, number>();
  nodes.pool.forEach((pool, node) => {
    inPool.set(pool, (inPool.get(pool) ?? 0) + nodes.gpus[node]);
  });
  const lists = [...new Set(jobs.map(({ pools }) => pools))];
  const all = lists.flatMap((list) => poolLists[list]);
  const disjoint = new Set(all).size === all.length;
  const sum = (pools: Iterable<number>) => [...pools].reduce((gpus, pool) => gpus + (inPool.get(pool) ?? 0), 0);
  if (!disjoint) return [groupOf(jobs, sum(new Set(all)))];
  return lists.map((list) =>
    groupOf(
      jobs.filter(({ pools }) => pools === list),
      sum(poolLists[list]),
    ),
  );
}

function groupOf(jobs: readonly RecordedJob[], gpus: number): Group {
  const changes = jobs.flatMap((job) => [
    { at: job.startUs, by: job.gpus },
    { at: job.endUs, by: -job.gpus },
  ]);
  // What ends frees before what starts takes.
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  const at: number[] = [];
  const used: number[] = [];
  let now = 0;
  for (const change of changes) {
    now += change.by;
    if (at.length > 0 && at[at.length - 1] === change.at) used[used.length - 1] = now;
    else {
      at.push(change.at);
      used.push(now);
    }
  }
  const sorted = [...jobs].sort((a, b) => a.submitUs - b.submitUs || (a.id < b.id ? -1 : 1));
  return { gpus, jobs: sorted, at: Float64Array.from(at), used: Float64Array.from(used) };
}

/** Index of the last change at or before `us`; -1 = before the first. */
function lastAt(at: Float64Array, us: number): number {
  let [low, high] = [0, at.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle] <= us) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

interface Looked {
  job: RecordedJob;
  waitUs: number;
  /** Part of its wait in which, by the log, GPUs enough for it stood free. */
  roomUs: number;
}

/** Counts GPUs alone: where on the nodes they were free the log does not say. */
function lookedAt(job: RecordedJob, { at, used, gpus }: Group): Looked {
  let roomUs = 0;
  for (let i = Math.max(0, lastAt(at, job.submitUs)); i < at.length && at[i] < job.startUs; i++) {
    const from = Math.max(at[i], job.submitUs);
    const to = Math.min(i + 1 < at.length ? at[i + 1] : Infinity, job.startUs);
    if (gpus - used[i] >= job.gpus && to > from) roomUs += to - from;
  }
  return { job, waitUs: job.startUs - job.submitUs, roomUs };
}

// ── what points at what ───────────────────────────────────────────────────────────────────────────────────────────

const hours = (us: number) => `${(us / HOUR_US).toFixed(us < 10 * HOUR_US ? 1 : 0)} h`;
const percent = (share: number) => `${Math.round(100 * share)} %`;
const total = (looked: readonly Looked[], of: (l: Looked) => number) => looked.reduce((sum, l) => sum + of(l), 0);

function clusterSize(groups: readonly Group[]): Cause[] {
  let [over, most, cap] = [0, 0, 0];
  let span = 0;
  for (const { at, used, gpus } of groups) {
    let peak = 0;
    for (let i = 0; i + 1 < at.length; i++) {
      span += at[i + 1] - at[i];
      if (used[i] > gpus + 1e-9) over += at[i + 1] - at[i];
      peak = Math.max(peak, used[i]);
    }
    if (peak > gpus + 1e-9 && peak - gpus > most - cap) [most, cap] = [peak, gpus];
  }
  if (over === 0) return [];
  const part = over / span >= 0.005 ? percent(over / span) : 'under 1 %';
  return [
    {
      cause: 'cluster size',
      found: over / span > 0.01,
      sentence: `In ${part} of the time the log's jobs hold more GPUs than the described cluster has (up to ${Math.round(most)} of ${cap}): the cluster was larger then, GPUs were shared, or durations or sizes in the log are too large.`,
    },
  ];
}

function held(looked: readonly Looked[]): Cause[] {
  const long = looked.filter(({ waitUs }) => waitUs > SHORT_US);
  const wait = total(long, ({ waitUs }) => waitUs);
  const room = total(long, ({ roomUs }) => roomUs);
  const share = wait === 0 ? 0 : room / wait;
  const mostly = long.filter(({ waitUs, roomUs }) => roomUs > waitUs / 2 && roomUs > SHORT_US).length;
  const figures = `${percent(share)} of the recorded waiting time passed while GPUs enough for the waiting job stood free by the log (${mostly} of ${looked.length} jobs looked at waited so for most of their time)`;
  return [
    {
      cause: 'held',
      found: share >= 0.1,
      sentence:
        share >= 0.1
          ? `${figures}: jobs were held by users or administrators, waited for other jobs, GPUs were reserved or fragmented, or nodes were down. No replay can know.`
          : `Held jobs and reservations leave little trace here: ${figures}.`,
    },
  ];
}

/** Somebody whose jobs wait with room only while they hold about as much as they ever do. */
function limits(looked: readonly Looked[], groups: readonly Group[]): Cause[] {
  const stuck = looked.filter(({ roomUs }) => roomUs > SHORT_US);
  const all = total(stuck, ({ roomUs }) => roomUs);
  const byOwner = new Map<string, Looked[]>();
  for (const one of stuck) byOwner.set(one.job.owner, [...(byOwner.get(one.job.owner) ?? []), one]);
  const found: string[] = [];
  for (const [owner, theirs] of [...byOwner].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (theirs.length < 10 || total(theirs, ({ roomUs }) => roomUs) < 0.03 * all) continue;
    const own = groupOf(
      groups.flatMap(({ jobs }) => jobs.filter((job) => job.owner === owner)),
      0,
    );
    const most = own.used.reduce((a, b) => Math.max(a, b), 0);
    // Looked at in the middle of each wait.
    const full = theirs.filter(({ job }) => {
      const at = lastAt(own.at, (job.submitUs + job.startUs) / 2);
      return at >= 0 && own.used[at] + job.gpus > most + 1e-9;
    });
    if (full.length >= 0.8 * theirs.length) found.push(`${owner} (never above ${Math.round(most)} GPUs)`);
  }
  if (found.length === 0) {
    return [
      {
        cause: 'limit',
        found: false,
        sentence:
          'Quotas and limits per user are not in a log, and none shows: nobody waits with GPUs free just when at their own most.',
      },
    ];
  }
  const shown = found.slice(0, 5).join(', ');
  return [
    {
      cause: 'limit',
      found: true,
      sentence: `A limit per user or project shows: with GPUs free, jobs of ${shown}${found.length > 5 ? ` and ${found.length - 5} more` : ''} waited while one more would have taken their owner beyond the most it ever held. State quotas or limits in the described cluster.`,
    },
  ];
}

/** Jobs overtaken by one that came later, asked for no less and promised to be no shorter: first come first served never does. */
function order(groups: readonly Group[], step: number): Cause[] {
  let [overtaken, looked] = [0, 0];
  for (const { jobs } of groups) {
    jobs.forEach((job, i) => {
      if (i % step !== 0 || job.startUs - job.submitUs <= SHORT_US) return;
      looked++;
      for (let k = i + 1; k < jobs.length && jobs[k].submitUs < job.startUs; k++) {
        const other = jobs[k];
        const later = other.submitUs > job.submitUs + MINUTE_US && other.startUs < job.startUs - MINUTE_US;
        const noSmaller = other.gpus >= job.gpus && (job.limitUs === 0 || other.limitUs >= job.limitUs);
        if (later && noSmaller) {
          overtaken++;
          break;
        }
      }
    });
  }
  const share = looked === 0 ? 0 : overtaken / looked;
  if (looked < 10) return [];
  return [
    {
      cause: 'order',
      found: share >= 0.1,
      sentence:
        share >= 0.1
          ? `${percent(share)} of the jobs that waited over ten minutes were overtaken by a later job that asked for no less: the scheduler ranked them (fair share, priorities, QOS, holds), and the log does not say how.`
          : `The recorded order is nearly first come, first served: ${percent(share)} of the waiting jobs were overtaken by a later one that asked for no less.`,
    },
  ];
}

const LONGEST_PAUSE_US = 6 * HOUR_US;
const USUAL_PAUSES = 20;

/** Long times in which nothing started though GPUs stood free for somebody who waited, or the whole cluster ran empty. */
function maintenance(groups: readonly Group[]): Cause[] {
  const pauses: { from: number; to: number; waiting: number }[] = [];
  for (const group of groups) {
    const starts = Float64Array.from(group.jobs, ({ startUs }) => startUs).sort();
    const gaps = Float64Array.from({ length: Math.max(0, starts.length - 1) }, (_, i) => starts[i + 1] - starts[i]);
    const usual = gaps.length === 0 ? 0 : gaps.slice().sort()[gaps.length >> 1];
    for (let i = 0; i < gaps.length; i++) {
      if (gaps[i] < Math.max(LONGEST_PAUSE_US, USUAL_PAUSES * usual)) continue;
      const [from, to] = [starts[i], starts[i + 1]];
      // Who waited through most of it, and could have run.
      const waiting = group.jobs.filter((job) => {
        if (job.submitUs > from + (to - from) / 4 || job.startUs < to) return false;
        const middle = lastAt(group.at, (from + to) / 2);
        return group.gpus - group.used[Math.max(0, middle)] >= job.gpus;
      });
      const owners = new Set(waiting.map(({ owner }) => owner));
      if (owners.size >= 2 || (owners.size === 1 && waiting.length >= 5))
        pauses.push({ from, to, waiting: waiting.length });
    }
  }
  if (pauses.length === 0) {
    return [
      {
        cause: 'maintenance',
        found: false,
        sentence: 'Nodes that were down or kept aside are not in a log; no long pause points at one here.',
      },
    ];
  }
  pauses.sort((a, b) => b.to - b.from - (a.to - a.from) || a.from - b.from);
  const shown = pauses
    .slice(0, 3)
    .map(
      ({ from, to, waiting }) => `${hours(to - from)} from day ${(from / DAY_US).toFixed(1)} on (${waiting} waited)`,
    );
  return [
    {
      cause: 'maintenance',
      found: true,
      sentence: `Nothing started for ${shown.join(', ')}${pauses.length > 3 ? ` and ${pauses.length - 3} more times` : ''}, though GPUs stood free for those who waited: maintenance, a reservation, or the scheduler was down.`,
    },
  ];
}

/** Numbered jobs of which many are not there. */
function missing(jobs: readonly RecordedJob[], inLog: number): Cause[] {
  const numbers = jobs.map(({ id }) => id).filter((id) => /^\d{1,15}$/.test(id));
  if (numbers.length < 0.9 * jobs.length || numbers.length < 20) return [];
  const values = Float64Array.from(new Set(numbers), Number);
  const range = values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b)) + 1;
  const share = 1 - Math.max(values.length, Math.min(inLog, range)) / range;
  if (share < 0.05) return [];
  return [
    {
      cause: 'missing work',
      found: true,
      sentence: `${percent(share)} of the job numbers between the first and the last are missing: the log is an excerpt or was cleaned, and the jobs left out held GPUs too (or other queues share the numbers).`,
    },
  ];
}

function pastLimit(jobs: readonly RecordedJob[]): Cause[] {
  const limited = jobs.filter(({ limitUs }) => limitUs > 0);
  const past = limited.filter((job) => job.endUs - job.startUs > job.limitUs + MINUTE_US).length;
  if (past === 0 || past / limited.length < 0.02) return [];
  return [
    {
      cause: 'past limit',
      found: true,
      sentence: `${percent(past / limited.length)} of the jobs with a time limit ran past it by the log: limits were not enforced, or the durations are not what held the GPUs (waits for others would then be simulated too long).`,
    },
  ];
}
