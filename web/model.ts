/** A run with what is asked of it at a moment or over a stretch of time; each answer is a search, never a scan of everything. */
import { type Index, nameAt, type RunColumns } from '../reports/columns.ts';
import { NODE_STATES } from '../sim/cluster/cluster.ts';
import { CATEGORIES } from '../sim/record/ledger.ts';
import { EVENT_KINDS, type EventKind, type RecordedColumns } from '../sim/record/recorder.ts';
import type { Lookup } from './lookup.ts';
import type { ShownRun } from './requests.ts';

const C = CATEGORIES.length;

export class RunModel {
  readonly id: number;
  readonly run: RunColumns;
  readonly recorded: RecordedColumns;
  readonly lookup: Lookup;
  /** Positions in `recorded.events` by kind. */
  private readonly ofKind = new Map<EventKind, Float64Array>();

  constructor(id: number, { columns, lookup }: ShownRun) {
    this.id = id;
    this.run = columns;
    this.recorded = columns.recorded as RecordedColumns;
    this.lookup = lookup;
  }

  /** Whether it knows who held which GPU when; a run.json may not. */
  get hasIntervals(): boolean {
    return this.run.nodes.count > 0;
  }

  jobName(job: number): string {
    return nameAt(this.run.jobs.ids, job);
  }

  nodeName(node: number): string {
    return nameAt(this.run.nodes.names, node);
  }

  projectName(project: number): string {
    return project < 0 ? '' : (this.run.projects[project]?.name ?? '');
  }

  /** Calls `visit` with each hold in force at a moment. */
  heldAt(us: number, visit: (hold: number) => void): void {
    const { start, end, count } = this.recorded.holds;
    const { every, from, rows } = this.lookup.keyframes;
    const last = upperBound(start, count, us);
    const frame = Math.min(from.length - 2, Math.floor(last / every));
    for (let i = from[frame]; i < from[frame + 1]; i++) if (end[rows[i]] > us) visit(rows[i]);
    for (let hold = frame * every; hold < last; hold++) if (end[hold] > us) visit(hold);
  }

  /** Index into ACTIVITIES of what the job's GPUs do, −1 = it holds none. */
  phaseAt(job: number, us: number): number {
    const { phases } = this.recorded;
    const at = this.lastBefore(this.run.phasesOfJob, job, phases.start, us);
    return at >= 0 && phases.end[at] > us ? phases.values[1][at] : -1;
  }

  /** Index into NODE_STATES, 0 = ready. */
  nodeStateAt(node: number, us: number): number {
    const { nodes } = this.recorded;
    const at = this.lastBefore(this.run.statesOfNode, node, nodes.start, us);
    return at >= 0 && nodes.end[at] > us ? nodes.values[1][at] : 0;
  }

  /** Entry of an owner that began last, at or before a moment; −1 = none. */
  lastBefore({ from, rows }: Index, owner: number, start: Float64Array, us: number): number {
    let low = from[owner];
    let high = from[owner + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (start[rows[middle]] <= us) low = middle + 1;
      else high = middle;
    }
    return low === from[owner] ? -1 : rows[low - 1];
  }

  /** The next moment after (or the last before) `us` at which something of a kind happens; null = none. */
  nextEvent(kind: EventKind | 'any' | 'start' | 'end', us: number, backwards = false): number | null {
    const times = this.timesOf(kind);
    const at = backwards ? lowerBound(times, times.length, us) - 1 : upperBound(times, times.length, us);
    return at >= 0 && at < times.length ? times[at] : null;
  }

  private timesOf(kind: EventKind | 'any' | 'start' | 'end'): Float64Array {
    const known = this.ofKind.get(kind as EventKind);
    if (known !== undefined) return known;
    const { events } = this.recorded;
    const { jobs } = this.run;
    let times: Float64Array;
    if (kind === 'start' || kind === 'end') {
      times = (kind === 'start' ? jobs.firstStartUs : jobs.endUs).filter((us) => us >= 0).sort();
    } else {
      const wanted = EVENT_KINDS.indexOf(kind as EventKind);
      times = events.start.filter((_, i) => kind === 'any' || events.values[0][i] === wanted);
    }
    this.ofKind.set(kind as EventKind, times);
    return times;
  }

  /** The states other than ready that nodes were in, as indices into NODE_STATES; those that were not there are not drawn. */
  nodeStates(): number[] {
    const [, states] = this.recorded.nodes.values;
    return [...new Set(states)].filter((state) => NODE_STATES[state] !== 'absent').sort((a, b) => a - b);
  }

  /** How often things of each kind happened. */
  eventCounts(): Map<EventKind, number> {
    const counts = new Map<EventKind, number>();
    const { events } = this.recorded;
    for (let i = 0; i < events.count; i++) {
      const kind = EVENT_KINDS[events.values[0][i]];
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return counts;
  }

  /** GPUs in a category over all pools, by bucket; `weigh` weighs a pool's (its price, say). */
  categorySeries(category: number, weigh: (pool: number) => number = () => 1): Float64Array {
    const { series } = this.recorded;
    const sum = new Float64Array(series.count);
    for (let p = 0; p * C < series.pools.length; p++) {
      const values = series.pools[p * C + category];
      const weight = weigh(p);
      for (let i = 0; i < values.length; i++) sum[i] += weight * values[i];
    }
    return sum;
  }
}

/** First position whose value is above `x`, among the first `count`. */
export function upperBound(sorted: Float64Array, count: number, x: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** First position whose value is not below `x`. */
export function lowerBound(sorted: Float64Array, count: number, x: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
