/**
 * Policies that preempt: at every event all jobs, running and waiting, are ranked anew and the best ranked run.
 *
 *   srtf  shortest remaining time first
 *   srsf  shortest remaining service first, time × GPUs (Tiresias, Gu et al., NSDI 2019)
 *   las   least attained service, GPU-time so far, continuous or in queues with thresholds (Tiresias' 2D-LAS)
 *
 * A preempted job's key stands still while it waits, so the waiting are kept in order and only the running are ranked.
 */
import { type Action, PENDING } from '../../cluster/view.ts';
import type { Scenario } from '../../scenario.ts';
import { placementArg, placerNamed } from '../packing/index.ts';
import type { PolicyFactory } from '../policy.ts';
import { chooseAnew } from './anew.ts';
import { chooseByCount } from './by-count.ts';
import { choosePlaces } from './by-place.ts';
import { lasRanking, type Ranking, srsfRanking, srtfRanking } from './ranking.ts';
import { keyFrom } from './sorted.ts';
import {
  type Args,
  type Memory,
  noteChanges,
  openMemory,
  relist,
  runningFirst,
  runningNow,
  type Turn,
} from './turn.ts';

const SECOND_US = 1_000_000;

function preemptive(name: string, about: string, ranking: Ranking, extra: PolicyFactory['args'] = {}): PolicyFactory {
  return {
    name,
    about,
    args: {
      blocked: {
        type: 'choice',
        of: ['stop', 'skip'],
        default: 'skip',
        about: 'what happens at a job that does not fit: nobody behind it starts, or the next may',
      },
      choice: {
        type: 'choice',
        of: ['place', 'count', 'anew'],
        default: 'place',
        about:
          'who runs: whoever finds or takes a place, whoever the count of GPUs allows, or all placed anew each time',
      },
      ties: {
        type: 'choice',
        of: ['running', 'waiting', 'former'],
        default: 'running',
        about: 'who goes first of equals: who runs, who waits, or who stood first at the last ranking',
      },
      preempted: {
        type: 'choice',
        of: ['suspended', 'killed'],
        default: 'suspended',
        about: 'whether a preempted job keeps its work, as the papers assume, or falls back to its last checkpoint',
      },
      quantum: {
        type: 'duration',
        min: 0.5,
        max: 86_400,
        default: 60,
        about: 'least time between two rankings that nothing but keys moving with time asks for',
      },
      placement: placementArg,
      ...extra,
    },
    create: (args: Args) => {
      const placer = placerNamed(args.placement);
      return {
        name,
        periodUs: 0,
        warnings: (scenario) => (args.preempted === 'killed' ? warningsOf(scenario, ranking, args) : []),
        init: openMemory,
        decide(view, state: Memory, now, stream) {
          const touched = noteChanges(view, state, args, ranking);
          const actions: Action[] = [];
          for (let group = 0; group < state.groups; group++) {
            // The order of the last ranking is a tie-break of the next: then every ranking counts.
            const due = touched.has(group) || view.nodeReturned || state.wakeUs[group] <= now || args.ties === 'former';
            // Who waits and takes it from an equal is an equal's prey in its turn: that must not go round in no time.
            const earliest = args.ties === 'waiting' ? state.rankedUs[group] + args.quantum * SECOND_US : 0;
            const nobodyWaits = args.ties !== 'former' && state.waiting[group].size === 0;
            if (nobodyWaits) state.wakeUs[group] = Number.POSITIVE_INFINITY;
            else if (due && now < earliest) state.wakeUs[group] = earliest;
            else if (due) choose({ view, state, group, args, ranking, placer, stream, now, actions });
          }
          return { actions, state, wakeAt: Math.min(...state.wakeUs) };
        },
      };
    },
  };
}

/** Who is killed in its turn and saves nothing begins again in its next: that can go round for ever. */
function warningsOf({ jobs }: Scenario, ranking: Ranking, args: Args): string[] {
  if (ranking.rate(1, args) <= 0) return [];
  let unsaved = 0;
  for (let j = 0; j < jobs.count; j++) {
    if (jobs.checkpointEveryUs[j] === 0 && jobs.checkpointOnPreempt[j] === 0) unsaved++;
  }
  if (unsaved < 2) return [];
  return [
    `${unsaved} jobs never checkpoint: taking turns under las, killed ones start from nothing each time and may never end ` +
      `(preempted: suspended keeps their work, thresholds let them finish).`,
  ];
}

/** Decides for one group, and when time alone may change the answer. */
function choose(turn: Turn): void {
  const { state, group, args, now } = turn;
  const listed = args.ties === 'former';
  state.rankedUs[group] = now;
  if (listed) relist(turn);
  let stuck: number[] = [];
  if (args.choice === 'place') choosePlaces(turn);
  else if (args.choice === 'count') stuck = chooseByCount(turn);
  else chooseAnew(turn);
  if (listed && (args.thresholds ?? []).length > 0) runningFirst(turn);
  const soonest = Math.min(nextJump(turn), nextPassing(turn, stuck));
  state.wakeUs[group] = soonest === Infinity ? Infinity : now + soonest;
}

/** µs until a running job's key jumps. */
function nextJump({ view, state, group, args, ranking }: Turn): number {
  let soonest = Infinity;
  for (const job of state.running[group]) {
    if (state.runs[job] === 1) soonest = Math.min(soonest, ranking.jump(view, job, state.worth[job], args));
  }
  return soonest === Infinity ? Infinity : Math.max(1, soonest);
}

/**
 * µs until a running job's key passes that of one who waits, so that the choice may change; at least a quantum.
 *
 * A falling key takes a running job ahead of one who waits. That one had first pick before and did not run; it matters
 * only if it was counted in and found no place (`stuck`). A rising key lets who waits go first: that always matters.
 */
function nextPassing(turn: Turn, stuck: number[]): number {
  const { state, args, ranking } = turn;
  const falls = ranking.rate(1, args) < 0;
  if (ranking.rate(1, args) === 0 || (falls && stuck.length === 0)) return Infinity;
  const atLeast = Math.max(1, Math.round(args.quantum * SECOND_US));
  const lines = falls ? [] : waitingKeys(turn);
  if (!falls && lines.length === 0) return Infinity;
  let soonest = Infinity;
  for (const job of runningNow(turn)) {
    if (state.runs[job] === 0) continue;
    const key = state.key[job];
    // A service never ends: its key does not move.
    if (key === Infinity || state.worth[job] === 0) continue;
    const rate = ranking.rate(state.worth[job], args);
    if (falls) {
      for (const other of stuck) {
        if (state.key[other] <= key) soonest = Math.min(soonest, Math.floor((state.key[other] - key) / rate) + 1);
      }
    } else {
      for (const line of lines) {
        const other = line(key);
        if (other !== undefined) soonest = Math.min(soonest, Math.floor((other - key) / rate) + 1);
      }
    }
    if (soonest <= atLeast) return atLeast;
  }
  return soonest;
}

/** For each line of the waiting, the smallest key that is at least the one given. */
function waitingKeys({ view, state, group, args }: Turn): ((key: number) => number | undefined)[] {
  if (args.ties !== 'former') {
    return [...state.waiting[group].values()].map((line) => (key) => keyFrom(line, state.key, key));
  }
  const waiting = state.listed[group].filter((job) => state.runs[job] === 0 && view.status[job] === PENDING);
  return [(key) => waiting.map((job) => state.key[job]).find((other) => other >= key)];
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
      ascending: true,
      unit: 'GPU-seconds',
      about: 'GPU-seconds at which a job drops to the next queue; none = continuous',
    },
  },
);
