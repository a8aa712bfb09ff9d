/**
 * Backfill: pending jobs in order each get a planned start, at the earliest moment at which nodes are free of running
 * jobs (by their time limits, not by how long they really run) and of the plans of jobs before them; whoever can start
 * now without touching those plans does. Conservative backfill (Mu'alem and Feitelson, TPDS 2001) but for the number of
 * jobs tested, the window, and whole nodes kept; with bf_job_part_count_reserve 1 it comes close to EASY.
 *
 * A pass that starts nothing says how long its answer holds if nothing happens. Planned starts lie at ends of running
 * jobs or of other plans, which do not move as time passes; so until the first of them, or until a plan comes into the
 * window, another pass would plan the same. Nor is anything planned beyond the last job that could still start now: plans
 * only take away.
 */
import type { Action, View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';
import { mayFit } from '../packing/bestfit.ts';
import type { Placer } from '../packing/placement.ts';
import { limitOn } from './limits.ts';
import type { Memory } from './memory.ts';
import { Profile } from './profile.ts';
import type { SlurmArgs } from './settings.ts';
import { begin, limitFor } from './state.ts';

export interface BackfillResult {
  started: number;
  /** Another pass could answer otherwise from then on, though nothing happened, µs. */
  holdsUntil: number;
}

export function backfillPass(
  view: View,
  state: Memory,
  settings: SlurmArgs,
  placer: Placer,
  stream: Stream,
  now: number,
  actions: Action[],
): BackfillResult {
  const { model } = state;
  const tested = testedJobs(state, settings, now);
  const mayStart = (job: number) => mayFit(view, job, model.gpus[job], model.widest[job]);
  state.planned = new Map();
  let last = tested.length - 1;
  while (last >= 0 && !mayStart(tested[last])) last--;
  if (last < 0) return { started: 0, holdsUntil: Infinity };

  const profile = new Profile(view, state, now);
  const reserved = new Int32Array(model.partitions.length);
  const started = new Set<number>();
  const down = (us: number) => Math.floor(us / settings.bfResolution) * settings.bfResolution;
  let holdsUntil = firstEndAfter(state, now);
  for (let i = 0; ; i++) {
    while (last >= i && !(mayStart(tested[last]) && profile.mayStartNow(tested[last], limitFor(state, tested[last])))) {
      last--;
    }
    if (i > last) break;
    const job = tested[i];
    if (limitOn(state, job) !== null) continue;
    const partition = model.partitionOf[job];
    const most = settings.bfJobPartCountReserve;
    const reserves = most === 0 || reserved[partition] < most;
    const limit = limitFor(state, job);
    if (!reserves && !profile.mayStartNow(job, limit)) continue;
    let start = profile.earliest(job, limit);
    if (start.at <= now) {
      const { pool } = start;
      const placement = placer.place(view, job, pool, stream, (node) => profile.isClear(pool, node));
      if (placement !== null) {
        const passed = tested.slice(0, i).filter((other) => !started.has(other)).length;
        const reason = `started by backfill: delays none of the ${passed} jobs before it`;
        begin(state, settings, job, placement, now, passed > 0 ? reason : 'started by backfill', actions);
        started.add(job);
        profile.started();
        if (settings.bfMaxJobStart > 0 && started.size >= settings.bfMaxJobStart) break;
        continue;
      }
      // There is room, but not as this placement policy wants it: whether it does can change with every pass.
      holdsUntil = now;
      start = profile.earliest(job, limit, true);
    }
    if (!reserves || start.at === Infinity) continue;
    if (start.at > now + settings.bfWindow) {
      holdsUntil = Math.min(holdsUntil, start.at - settings.bfWindow);
      continue;
    }
    state.planned.set(job, start.at);
    // Both ends are rounded down, as in backfill.c, where limits are whole minutes; a shorter job keeps one step.
    const from = down(start.at);
    profile.reserve(start.pool, start.ranks, from, Math.max(down(start.at + limit), from + settings.bfResolution));
    reserved[partition]++;
  }
  if (started.size > 0) state.queue = state.queue.filter((job) => !started.has(job));
  return { started: started.size, holdsUntil };
}

/** The first jobs in line that may start by time and by bf_max_job_test, _user and _part. */
function testedJobs(state: Memory, settings: SlurmArgs, now: number): number[] {
  const { model, queue } = state;
  const { bfMaxJobTest, bfMaxJobUser, bfMaxJobPart } = settings;
  const ofUser = new Map<number, number>();
  const ofPartition = new Int32Array(model.partitions.length);
  const tested: number[] = [];
  for (const job of queue) {
    if (tested.length >= bfMaxJobTest) break;
    if (state.beginAt[job] > now) continue;
    const user = model.userOf[job];
    if (bfMaxJobUser > 0) {
      const count = (ofUser.get(user) ?? 0) + 1;
      ofUser.set(user, count);
      if (count > bfMaxJobUser) continue;
    }
    if (bfMaxJobPart > 0 && ++ofPartition[model.partitionOf[job]] > bfMaxJobPart) continue;
    tested.push(job);
  }
  return tested;
}

/** The next end of a running job, µs; now if one runs past its limit and may leave at any moment. */
function firstEndAfter(state: Memory, now: number): number {
  return state.running.length === 0 ? Infinity : Math.max(now, state.endOf[state.running[0]]);
}
