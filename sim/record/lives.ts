/**
 * What happened to each job, for `explain`: some thirty bytes an event instead of the event trace's objects. Checkpoints in
 * a row are one entry that counts them, workers placed together are one with their nodes.
 */
import type { Scenario } from '../scenario.ts';

/** What is kept of what `Jobs.observer` tells. */
export const LIFE_EVENTS = [
  'submit',
  'wait',
  'place',
  'start',
  'saved',
  'shrink',
  'preempt',
  'kill',
  'complete',
  'fail',
  'unschedulable',
  'limit',
  'fault',
  'detected',
  'policy',
  'unhealthy',
  'restart',
  'step',
  'reclaim',
  'unsaved',
  'lose',
  'requeue',
  'restored',
  /** A step of a replica's way to being active, or what its deployment decides about it. */
  'flow',
  'scaled',
] as const;
export type LifeEvent = (typeof LIFE_EVENTS)[number];

export interface LifeRow {
  timeUs: number;
  job: number;
  event: LifeEvent;
  /** Workers placed or given back; checkpoints written. */
  count: number;
  nodes: string[];
  reason: string;
}

export interface LifeColumns {
  count: number;
  timeUs: Float64Array;
  job: Int32Array;
  /** Index into LIFE_EVENTS. */
  event: Uint8Array;
  /** As `count` of a row. */
  times: Int32Array;
  /** Index into `texts`. */
  reason: Int32Array;
  nodeStart: Int32Array;
  nodes: Int32Array;
  texts: string[];
}

const PLACE = LIFE_EVENTS.indexOf('place');
const SAVED = LIFE_EVENTS.indexOf('saved');
const SHRINK = LIFE_EVENTS.indexOf('shrink');

export class Lives {
  private readonly scenario: Scenario;
  /** −1 = every job's life is kept. */
  private readonly only: number;
  private size = 0;
  private timeUs = new Float64Array(64);
  private job = new Int32Array(64);
  private event = new Uint8Array(64);
  private count = new Int32Array(64);
  /** Index into `texts`. */
  private reason = new Int32Array(64);
  /** Nodes of entry i are nodes[nodeStart[i]] .. nodes[nodeStart[i + 1] − 1]. */
  private nodeStart = new Int32Array(65);
  private nodes = new Int32Array(64);
  private readonly texts: string[] = [''];
  private readonly textAt = new Map<string, number>([['', 0]]);
  /** A job's latest entry. */
  private readonly last: Int32Array;

  constructor(scenario: Scenario, only = -1) {
    this.scenario = scenario;
    this.only = only;
    this.last = new Int32Array(scenario.jobs.count).fill(-1);
  }

  /** Has the form of `Jobs.observer`. */
  note(timeUs: number, event: string, job: number, _task: number, node: number, _mask: number, reason: string): void {
    const kind = LIFE_EVENTS.indexOf(event as LifeEvent);
    if (kind < 0 || job < 0 || (this.only >= 0 && job !== this.only)) return;
    const last = this.last[job];
    if (last >= 0 && this.event[last] === kind) {
      if (kind === SAVED) {
        this.timeUs[last] = timeUs;
        this.count[last]++;
        return;
      }
      // Workers of one decision come one after the other.
      if ((kind === PLACE || kind === SHRINK) && last === this.size - 1 && this.timeUs[last] === timeUs) {
        this.count[last]++;
        this.addNode(node);
        return;
      }
    }
    this.grow();
    const at = this.size++;
    this.last[job] = at;
    this.timeUs[at] = timeUs;
    this.job[at] = job;
    this.event[at] = kind;
    this.count[at] = 1;
    this.reason[at] = this.textOf(reason);
    this.nodeStart[at + 1] = this.nodeStart[at];
    if (kind === PLACE || kind === SHRINK) this.addNode(node);
  }

  /** In the order in which it happened. */
  *rows(): Generator<LifeRow> {
    const { names } = this.scenario.nodes;
    for (let at = 0; at < this.size; at++) {
      const nodes = this.nodes.subarray(this.nodeStart[at], this.nodeStart[at + 1]);
      yield {
        timeUs: this.timeUs[at],
        job: this.job[at],
        event: LIFE_EVENTS[this.event[at]],
        count: this.count[at],
        nodes: Array.from(nodes, (node) => names[node]),
        reason: this.texts[this.reason[at]],
      };
    }
  }

  /** The same as columns: copies of what is used. Entry i's nodes are nodes[nodeStart[i]] .. nodes[nodeStart[i + 1] − 1]. */
  columns(): LifeColumns {
    const { size } = this;
    return {
      count: size,
      timeUs: this.timeUs.slice(0, size),
      job: this.job.slice(0, size),
      event: this.event.slice(0, size),
      times: this.count.slice(0, size),
      reason: this.reason.slice(0, size),
      nodeStart: this.nodeStart.slice(0, size + 1),
      nodes: this.nodes.slice(0, this.nodeStart[size]),
      texts: this.texts.slice(),
    };
  }

  /** To the latest entry; each node once in a row. */
  private addNode(node: number): void {
    const end = this.nodeStart[this.size];
    if (end > this.nodeStart[this.size - 1] && this.nodes[end - 1] === node) return;
    if (end === this.nodes.length) this.nodes = doubled(this.nodes);
    this.nodes[end] = node;
    this.nodeStart[this.size] = end + 1;
  }

  private textOf(text: string): number {
    let at = this.textAt.get(text);
    if (at === undefined) {
      at = this.texts.push(text) - 1;
      this.textAt.set(text, at);
    }
    return at;
  }

  private grow(): void {
    if (this.size < this.timeUs.length) return;
    this.timeUs = doubled(this.timeUs);
    this.job = doubled(this.job);
    this.event = doubled(this.event);
    this.count = doubled(this.count);
    this.reason = doubled(this.reason);
    const starts = new Int32Array(2 * this.timeUs.length + 1);
    starts.set(this.nodeStart);
    this.nodeStart = starts;
  }
}

function doubled<T extends Float64Array | Int32Array | Uint8Array>(column: T): T {
  const wider = new (column.constructor as new (length: number) => T)(2 * column.length);
  wider.set(column);
  return wider;
}
