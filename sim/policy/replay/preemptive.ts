/**
 * Policies that preempt: at every event all jobs, running and waiting, are ranked anew and the best ranked run.
 *
 *   srtf  shortest remaining time first
 *   srsf  shortest remaining service first, time × GPUs (Tiresias, Gu et al., NSDI 2019)
 *   las   least attained service, GPU-time so far, continuous or in queues with thresholds (Tiresias' 2D-LAS)
 *
 * The choice of who runs either counts GPUs (`count`: fragmentation is ignored, and a chosen job that finds no place waits
 * although GPUs were kept for it) or places the ranked jobs one by one on an emptied cluster (`place`: a running job
 * keeps its place if that is still free, else it moves, which costs what a preemption costs).
 */
import { type Action, TERMINATING, type View } from '../../cluster/view.ts';
import { placeBestFit } from '../packing/bestfit.ts';
import type { Placement } from '../packing/placement.ts';
import type { PolicyFactory } from '../policy.ts';
import { type Lines, openLines } from './queue.ts';

const SECOND_US = 1_000_000;

interface Memory extends Lines {
  /** Pending jobs in the order in which they joined, by group. */
  lines: number[][];
  /** When passing time may change the ranking, by group. */
  wakeUs: number[];
}

interface Args {
  blocked: 'stop' | 'skip';
  choice: 'count' | 'place';
  quantum: number;
  preempted: 'suspended' | 'killed';
  thresholds?: number[];
}

/** How a policy ranks: lower first. `rate`: how fast a running job's key moves, per µs. */
interface Ranking {
  key(view: View, job: number, gpus: number, args: Args): number;
  rate(gpus: number, args: Args): number;
  /** µs from now at which a running job's rank jumps by itself; Infinity = never. */
  jump(view: View, job: number, gpus: number, args: Args): number;
  describe: string;
}

const srtfRanking: Ranking = {
  key: (view, job) => view.remainingUs(job),
  rate: () => -1,
  jump: () => Infinity,
  describe: 'shortest remaining time',
};

const srsfRanking: Ranking = {
  // A job without GPUs asks nothing of anybody; a service without GPUs would be ∞ × 0.
  key: (view, job, gpus) => (gpus === 0 ? 0 : view.remainingUs(job) * gpus),
  rate: (gpus) => -gpus,
  jump: () => Infinity,
  describe: 'shortest remaining service',
};

const lasRanking: Ranking = {
  key(view, job, _gpus, args) {
    const attained = view.attainedGpuUs(job);
    if (args.thresholds === undefined || args.thresholds.length === 0) return attained;
    let queue = 0;
    while (queue < args.thresholds.length && attained >= args.thresholds[queue] * SECOND_US) queue++;
    return queue;
  },
  rate: (gpus, args) => (args.thresholds === undefined || args.thresholds.length === 0 ? gpus : 0),
  jump(view, job, gpus, args) {
    const attained = view.attainedGpuUs(job);
    const next = args.thresholds?.find((t) => attained < t * SECOND_US);
    return next === undefined || gpus === 0 ? Infinity : Math.ceil((next * SECOND_US - attained) / gpus);
  },
  describe: 'least attained service',
};

function preemptive(name: string, about: string, ranking: Ranking, extra: PolicyFactory['args'] = {}): PolicyFactory {
  return {
    name,
    about,
    args: {
      blocked: {
        type: 'choice',
        of: ['stop', 'skip'],
        default: 'skip',
        about: 'what happens at a job that does not fit',
      },
      choice: {
        type: 'choice',
        of: ['count', 'place'],
        default: 'place',
        about: 'whether choosing counts GPUs or places jobs',
      },
      preempted: {
        type: 'choice',
        of: ['suspended', 'killed'],
        default: 'suspended',
        about: 'whether a preempted job keeps its work, as the papers assume, or falls back to its last checkpoint',
      },
      quantum: {
        type: 'number',
        min: 0.5,
        max: 86_400,
        default: 60,
        about: 'seconds between two rankings that nothing but passing time asks for',
      },
      ...extra,
    },
    create: (args: Args) => ({
      name,
      periodUs: 0,
      init: (scenario) => {
        const lines = openLines(scenario);
        return { ...lines, wakeUs: lines.lines.map(() => Number.POSITIVE_INFINITY) };
      },
      decide(view, state: Memory, now) {
        const { jobs } = view.scenario;
        // Only groups in which something happened, or whose time has come, are ranked anew.
        const touched = new Set<number>();
        const touch = (job: number) => touched.add(state.groupOf[jobs.poolList[job]]);
        for (const job of view.pended) state.lines[state.groupOf[jobs.poolList[job]]].push(job);
        view.pended.forEach(touch);
        view.left.forEach(touch);
        const nodeCameBack = view.freed && view.left.length === 0;
        for (let group = 0; group < state.lines.length; group++) {
          if (nodeCameBack || state.wakeUs[group] <= now) touched.add(group);
          if (state.lines[group].length === 0) touched.delete(group);
        }
        const running: number[][] = state.lines.map(() => []);
        if (touched.size > 0) {
          for (let job = view.firstActive(); job >= 0; job = view.nextActive(job)) {
            const group = state.groupOf[jobs.poolList[job]];
            if (touched.has(group) && view.status[job] !== TERMINATING) running[group].push(job);
          }
        }
        const actions: Action[] = [];
        state.lines.forEach((waiting, group) => {
          if (waiting.length === 0) state.wakeUs[group] = Number.POSITIVE_INFINITY;
          else if (touched.has(group)) {
            state.wakeUs[group] = rank(view, state, group, running[group], args, ranking, now, actions);
          }
        });
        return { actions, state, wakeAt: Math.min(...state.wakeUs) };
      },
    }),
  };
}

/** Decides for one group; returns when time alone may change the answer. */
function rank(
  view: View,
  state: Memory,
  group: number,
  running: number[],
  args: Args,
  ranking: Ranking,
  now: number,
  actions: Action[],
): number {
  const waiting = state.lines[group];
  // On equal keys a running job goes on, then comes the order of starting or joining: nothing is preempted for an equal.
  const order = [...running, ...waiting];
  const keys = order.map((job) => ranking.key(view, job, state.gpus[job], args));
  const ranks = order.map((_, i) => i).sort((a, b) => keys[a] - keys[b] || a - b);
  const ranked = ranks.map((i) => order[i]);
  const isRunning = new Set(running);
  const runs =
    args.choice === 'count'
      ? byCount(view, state, ranked, isRunning, args, ranking, actions)
      : byPlace(view, ranked, isRunning, args, ranking, actions);
  state.lines[group] = waiting.filter((job) => !runs.has(job));
  return nextRanking(view, state, ranked, runs, args, ranking, now);
}

function byCount(
  view: View,
  state: Memory,
  ranked: number[],
  running: Set<number>,
  args: Args,
  ranking: Ranking,
  actions: Action[],
): Set<number> {
  const { cluster, trial, scenario } = view;
  const { jobs, poolLists } = scenario;
  let quota = 0;
  const pools = new Set(ranked.flatMap((job) => poolLists[jobs.poolList[job]]));
  for (const pool of pools) quota += cluster.openFreeGpus[pool];
  for (const job of running) quota += state.gpus[job];

  const starts: number[] = [];
  const preempts: number[] = [];
  const runs = new Set<number>();
  let stopped = false;
  for (const job of ranked) {
    const fits = !stopped && state.gpus[job] <= quota;
    if (fits) quota -= state.gpus[job];
    else if (args.blocked === 'stop') stopped = true;
    if (fits && running.has(job)) runs.add(job);
    if (fits && !running.has(job)) starts.push(job);
    if (!fits && running.has(job)) preempts.push(job);
  }
  for (const job of preempts) {
    actions.push({
      kind: 'preempt',
      job,
      reason: `others come before it by ${ranking.describe}`,
      saves: args.preempted === 'suspended',
    });
    if (jobs.graceUs[job] === 0) trial.evict(job);
  }
  for (const job of starts) {
    const placement = placeBestFit(view, job);
    if (placement === null) continue;
    runs.add(job);
    actions.push(startAction(job, placement, ranking));
  }
  return runs;
}

function byPlace(
  view: View,
  ranked: number[],
  running: Set<number>,
  args: Args,
  ranking: Ranking,
  actions: Action[],
): Set<number> {
  const { trial } = view;
  const { jobs } = view.scenario;
  // Jobs that run and rank before everybody who waits stay where they are: nothing is placed before them.
  const undisturbed = ranked.findIndex((job) => !running.has(job));
  const runs = new Set(ranked.slice(0, undisturbed));
  const disputed = ranked.slice(undisturbed);
  const home = new Map<number, Placement>();
  for (const job of disputed) {
    if (!running.has(job)) continue;
    home.set(job, placementNow(view, job));
    trial.evict(job);
  }
  const placed: [number, Placement][] = [];
  const preempts: number[] = [];
  let stopped = false;
  for (const job of disputed) {
    const at = home.get(job);
    const placement = stopped ? null : ((at && keepPlace(view, job, at)) ?? placeBestFit(view, job));
    if (placement === null) {
      if (args.blocked === 'stop') stopped = true;
      if (at !== undefined) preempts.push(job);
      continue;
    }
    runs.add(job);
    if (placement !== at) {
      if (at !== undefined) preempts.push(job);
      placed.push([job, placement]);
    }
  }
  for (const job of preempts) {
    actions.push({
      kind: 'preempt',
      job,
      reason: runs.has(job) ? 'moves to make room' : `others come before it by ${ranking.describe}`,
      saves: args.preempted === 'suspended',
    });
  }
  // With a grace period the GPUs are not free yet: what was placed on them is decided again when they are.
  const leaving = new Set(preempts.filter((job) => jobs.graceUs[job] > 0));
  for (const [job, placement] of placed) {
    const waits =
      leaving.has(job) ||
      overlaps(
        placement,
        [...leaving].map((j) => home.get(j) as Placement),
      );
    if (waits) runs.delete(job);
    else actions.push(startAction(job, placement, ranking));
  }
  return runs;
}

function overlaps(placement: Placement, others: Placement[]): boolean {
  return others.some((other) => other.nodes.some((node) => placement.nodes.includes(node)));
}

function keepPlace(view: View, job: number, at: Placement): Placement | null {
  const { cluster, trial } = view;
  const { jobs } = view.scenario;
  const mark = trial.mark();
  for (let i = 0; i < at.tasks.length; i++) {
    if (!freeBits(view, job, at.nodes[i], at.masks[i]) || !cluster.fits(job, jobs.taskGpus[at.tasks[i]], at.nodes[i])) {
      trial.takeBack(mark);
      return null;
    }
    trial.place(at.tasks[i], at.nodes[i], at.masks[i]);
  }
  return at;
}

/** Whether exactly these GPUs have the room the job asks of each. */
function freeBits(view: View, job: number, node: number, mask: number): boolean {
  const { cluster } = view;
  if (view.scenario.jobs.migProfile[job] >= 0) return true;
  const units = cluster.unitsPerGpu(job, cluster.spec.nodes.pool[node]);
  for (let g = cluster.gpuStart[node]; g < cluster.gpuStart[node + 1]; g++) {
    if ((mask & (1 << (g - cluster.gpuStart[node]))) !== 0 && cluster.gpuFree[g] < units) return false;
  }
  return true;
}

function placementNow(view: View, job: number): Placement {
  const { cluster, scenario } = view;
  const { jobs } = scenario;
  const tasks = Array.from(
    { length: jobs.taskStart[job + 1] - jobs.taskStart[job] },
    (_, i) => jobs.taskStart[job] + i,
  );
  const nodes = tasks.map((task) => cluster.taskNode[task]);
  return { pool: cluster.spec.nodes.pool[nodes[0]], tasks, nodes, masks: tasks.map((task) => cluster.taskMask[task]) };
}

function startAction(job: number, { tasks, nodes, masks }: Placement, ranking: Ranking): Action {
  return { kind: 'place', job, tasks, nodes, masks, reason: `chosen by ${ranking.describe}` };
}

/** When a running job's key will pass that of one that waits, or jump a queue. */
function nextRanking(
  view: View,
  state: Memory,
  ranked: number[],
  runs: Set<number>,
  args: Args,
  ranking: Ranking,
  now: number,
): number {
  const waiting = ranked.filter((job) => !runs.has(job)).map((job) => ranking.key(view, job, state.gpus[job], args));
  if (waiting.length === 0) return Infinity;
  waiting.sort((a, b) => a - b);
  let soonest = Infinity;
  for (const job of runs) {
    const gpus = state.gpus[job];
    soonest = Math.min(soonest, ranking.jump(view, job, gpus, args));
    const rate = ranking.rate(gpus, args);
    if (rate === 0) continue;
    const key = ranking.key(view, job, gpus, args);
    // A service never ends: its key does not move.
    if (key === Number.POSITIVE_INFINITY) continue;
    // Falling keys pass the next waiting one below, rising keys the next one above.
    const other = rate < 0 ? lastBelow(waiting, key) : firstAbove(waiting, key);
    if (other !== undefined) soonest = Math.min(soonest, Math.floor((other - key) / rate) + 1);
  }
  return soonest === Infinity ? Infinity : now + Math.max(1, soonest, Math.round(args.quantum * SECOND_US));
}

function firstAbove(sorted: number[], key: number): number | undefined {
  return sorted.find((other) => other >= key);
}

function lastBelow(sorted: number[], key: number): number | undefined {
  return sorted.findLast((other) => other <= key);
}

export const srtf = preemptive('srtf', 'shortest remaining time first, preempts', srtfRanking);
export const srsf = preemptive('srsf', 'shortest remaining service (time × GPUs) first, preempts', srsfRanking);
export const las = preemptive(
  'las',
  'least attained GPU-time first, preempts; continuous or in queues with thresholds',
  lasRanking,
  {
    thresholds: {
      type: 'numbers',
      default: [],
      about: 'GPU-seconds at which a job drops to the next queue; none = continuous',
    },
  },
);
