/**
 * Slurm: gangs always whole, partitions in strict order of multifactor priority, backfill by time limits, limits
 * enforced, QOS limits and preemption. Sources: presets.ts; SchedMD/slurm src/plugins/sched/backfill/backfill.c for what
 * is reserved and how planned times are rounded.
 *
 * When it acts: an event asks for a main pass over the first jobs, gathered by batch_sched_delay; full main passes fall
 * on multiples of sched_interval, backfill on multiples of bf_interval, priorities are calculated on multiples of
 * PriorityCalcPeriod, all counted from the scenario's start. A pass that could not answer otherwise than the last one
 * is skipped.
 *
 * A requeued job counts as submitted anew, and waits for cred_expire (BeginTime). Node failures, draining and SlurmdTimeout
 * are the world's.
 *
 * Left out: what passes cost the controller (bf_max_time, yielding locks, sched_max_job_start), advance reservations,
 * licences, features, job arrays as one record (bf_max_job_array_resv), heterogeneous jobs, jobs in several partitions,
 * --switches, association limits, nice, suspension, preemption by backfill, --time-min, bf_min_age_reserve,
 * bf_min_prio_reserve, MaxJobCount. Start times of MIG workers that also ask for CPU are estimates.
 */
import type { Action, View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';
import { placerNamed } from '../packing/index.ts';
import type { Placer } from '../packing/placement.ts';
import type { Decision, PolicyFactory } from '../policy.ts';
import { backfillPass } from './backfill.ts';
import { mainPass } from './main.ts';
import type { Memory } from './memory.ts';
import { timeLimitOf } from './model.ts';
import { SLURM_DEFAULT, SLURM_TYPICAL, type SlurmPreset } from './presets.ts';
import { drifts, recalculate } from './priority.ts';
import { inMicroseconds, type SlurmArgs, slurmArgs } from './settings.ts';
import { absorb, initialMemory } from './state.ts';

/** `everyPass`: no pass is skipped; for tests, which hold that it makes no difference. */
export function slurmFactory(preset: SlurmPreset, everyPass = false): PolicyFactory {
  return {
    name: preset.name,
    about: preset.about,
    args: slurmArgs(preset),
    wholeGpusOnly: true,
    create: (args: SlurmArgs) => {
      const settings = inMicroseconds(args);
      const placer = placerNamed(settings.placement);
      return {
        name: preset.name,
        periodUs: 0,
        requeues: settings.jobRequeue,
        limits: {
          of: (scenario, job) => timeLimitOf(scenario, job, settings.defaultTime) + settings.overTimeLimit,
          killWaitUs: settings.killWait,
        },
        init: (scenario) => initialMemory(scenario, settings),
        decide: (view, state: Memory, now, stream) => decide(view, state, settings, placer, now, stream, everyPass),
      };
    },
  };
}

export const slurm = slurmFactory(SLURM_DEFAULT);
export const slurmTypical = slurmFactory(SLURM_TYPICAL);

function decide(
  view: View,
  state: Memory,
  settings: SlurmArgs,
  placer: Placer,
  now: number,
  stream: Stream,
  everyPass: boolean,
): Decision<Memory> {
  const actions: Action[] = [];
  let changed = absorb(state, settings, view, now);
  if (drifts(settings) && isTick(now, settings.priorityCalcPeriod) && state.calculatedAt < now) {
    state.calculatedAt = now;
    if (recalculate(state, settings, view.scenario, now)) changed = true;
  }
  if (now >= state.preemptFrom) {
    state.preemptFrom = Infinity;
    changed = true;
  }
  if (changed) {
    state.mainDue = true;
    state.backfillFrom = Math.min(state.backfillFrom, now);
  }

  // A pass falls on every multiple of sched_interval, whether or not it is skipped.
  const gap = Math.max(settings.schedMinInterval, settings.batchSchedDelay);
  const full = isTick(now, settings.schedInterval) && state.mainAt < now;
  const mainFrom = Math.max(state.mainAt, now - (now % settings.schedInterval)) + gap;
  const wanted = state.mainDue || (full && (state.mainPartial || everyPass));
  if (state.queue.length > 0 && wanted && (full || now >= mainFrom)) {
    const depth = full ? Infinity : settings.defaultQueueDepth;
    const { started, partial } = mainPass(view, state, settings, placer, stream, now, depth, actions);
    state.mainAt = now;
    state.mainDue = false;
    state.mainPartial = partial;
    if (started > 0) state.backfillFrom = Math.min(state.backfillFrom, now);
  }
  const backfills = settings.backfill && isTick(now, settings.bfInterval) && state.backfillAt < now;
  if (backfills && state.queue.length > 0 && (now >= state.backfillFrom || everyPass)) {
    const { started, holdsUntil } = backfillPass(view, state, settings, placer, stream, now, actions);
    state.backfillAt = now;
    state.backfillFrom = started > 0 ? now : holdsUntil;
  }
  return { actions, state, wakeAt: nextTime(state, settings, now, gap, everyPass) };
}

function isTick(now: number, every: number): boolean {
  return now % every === 0;
}

function tickFrom(us: number, every: number): number {
  return Math.ceil(us / every) * every;
}

/** The first moment at which it would act though nothing happens. */
function nextTime(state: Memory, settings: SlurmArgs, now: number, gap: number, everyPass: boolean): number {
  const { schedInterval, bfInterval, priorityCalcPeriod } = settings;
  let next = Infinity;
  const usesFairshare = settings.priorityWeightFairshare > 0 && state.running.length > 0;
  if (drifts(settings) && (state.queue.length > 0 || usesFairshare)) next = tickFrom(now + 1, priorityCalcPeriod);
  if (state.queue.length === 0) return next;
  const nextFull = tickFrom(now + 1, schedInterval);
  if (state.mainPartial || everyPass) next = Math.min(next, nextFull);
  if (state.mainDue) next = Math.min(next, nextFull, Math.max(state.mainAt, now - (now % schedInterval)) + gap);
  if (settings.backfill && (everyPass || state.backfillFrom < Infinity)) {
    const from = everyPass ? now + 1 : Math.max(now + 1, state.backfillFrom);
    next = Math.min(next, tickFrom(from, bfInterval));
  }
  for (const job of state.delayed) next = Math.min(next, state.beginAt[job]);
  return Math.max(now + 1, Math.min(next, state.preemptFrom));
}
