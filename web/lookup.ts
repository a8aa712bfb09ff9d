/** What makes looking things up in a run's columns quick. Made by the worker, as a million intervals take a while. */
import type { RunColumns } from '../reports/columns.ts';
import type { IntervalColumns } from '../sim/record/intervals.ts';
import { type Reach, reachOf } from './draw/gantt.ts';

/** Holds in force at every so many starts of holds: entry `from[k]` to `from[k + 1]` of `rows` at the start of hold `k * every`. */
export interface Keyframes {
  every: number;
  from: Uint32Array;
  rows: Uint32Array;
}

export interface Lookup {
  keyframes: Keyframes;
  reach: Reach;
}

/** Starts of holds between two keyframes at least, and entries of all keyframes at most. */
const KEYFRAME_EVERY = 2048;
const KEYFRAME_ENTRIES = 4_000_000;

export function lookupOf({ recorded, holdsOfNode, nodes }: RunColumns): Lookup {
  if (recorded === null) throw new Error('invariant: nothing was recorded');
  const { holds } = recorded;
  return { keyframes: keyframesOf(holds), reach: reachOf({ holds, holdsOfNode, nodeCount: nodes.count }) };
}

/** `holds` by start. */
export function keyframesOf({ start, end, count }: Pick<IntervalColumns, 'start' | 'end' | 'count'>): Keyframes {
  for (let every = KEYFRAME_EVERY; ; every *= 4) {
    const frames = Math.floor(count / every) + 1;
    const from = new Uint32Array(frames + 1);
    const rows: number[] = [];
    let active: number[] = [];
    for (let frame = 0; frame < frames && rows.length <= KEYFRAME_ENTRIES; frame++) {
      from[frame] = rows.length;
      const first = frame * every;
      const now = first < count ? start[first] : Infinity;
      active = active.filter((hold) => end[hold] > now);
      for (const hold of active) rows.push(hold);
      for (let hold = first; hold < Math.min(count, first + every); hold++) active.push(hold);
    }
    from[frames] = rows.length;
    if (rows.length <= KEYFRAME_ENTRIES || frames === 1) return { every, from, rows: Uint32Array.from(rows) };
  }
}
