/** A run as it goes from the worker to the page: typed arrays, a few names, the summary. Never an object per event. */

import type { IntervalColumns } from '../sim/record/intervals.ts';
import type { LifeColumns } from '../sim/record/lives.ts';
import type { RecordedColumns } from '../sim/record/recorder.ts';
import type { ServingFigures } from '../sim/record/slo.ts';
import type { RunSummary } from './summary.ts';

/** Strings in one buffer: UTF-8, entry i from offsets[i] to offsets[i + 1]. */
export interface Names {
  bytes: Uint8Array;
  offsets: Uint32Array;
}

/** Rows of a table by owner: those of owner o are rows[from[o]] .. rows[from[o + 1] − 1], in the order of time. */
export interface Index {
  from: Uint32Array;
  rows: Uint32Array;
}

export interface PoolFacts {
  name: string;
  gpuModel: string;
  nodes: number;
  gpus: number;
  usdPerGpuHour: number;
  spot: boolean;
}

export interface ProjectFacts {
  name: string;
  department: string;
  /** GPUs over all pools; −1 = unlimited. */
  deserved: number;
  weight: number;
}

export interface NodeFacts {
  count: number;
  gpuCount: number;
  names: Names;
  pool: Int32Array;
  /** GPUs of node n are gpuStart[n] .. gpuStart[n + 1] − 1. */
  gpuStart: Int32Array;
  rack: Int32Array;
  block: Int32Array;
}

/** Times in µs, −1 = has not happened. */
export interface JobFacts {
  count: number;
  ids: Names;
  project: Int32Array;
  /** Index into JOB_CLASSES. */
  class: Uint8Array;
  gpus: Int32Array;
  tasks: Int32Array;
  useMilli: Int32Array;
  submitUs: Float64Array;
  durationUs: Float64Array;
  firstStartUs: Float64Array;
  endUs: Float64Array;
  queuedUs: Float64Array;
  /** Index into REPORTED_STATUS. */
  status: Uint8Array;
  preemptions: Int32Array;
  restarts: Int32Array;
}

/** Faults that struck something, by time. */
export interface FaultFacts {
  count: number;
  timeUs: Float64Array;
  detectedUs: Float64Array;
  recoveredUs: Float64Array;
  returnedUs: Float64Array;
  node: Int32Array;
  gpu: Int32Array;
  job: Int32Array;
  jobs: Int32Array;
  xid: Int32Array;
  /** Index into `kinds`. */
  kind: Int32Array;
  kinds: string[];
  lostGpuHours: Float64Array;
}

export interface RunColumns {
  summary: RunSummary;
  simulatedUs: number;
  /** Unix time of time 0, seconds, 0 = none; offset of the clock on the wall, minutes. */
  startEpochSeconds: number;
  utcOffsetMinutes: number;
  pools: PoolFacts[];
  projects: ProjectFacts[];
  nodes: NodeFacts;
  jobs: JobFacts;
  /** Null in a run.json that was written without. */
  recorded: RecordedColumns | null;
  /** GPUs, [project][bucket of the series]: what Run:ai's rule would divide, from what is held and waited for. */
  fairShare: Float32Array[];
  /** Holds by node and by job, phases by job, states by node. */
  holdsOfNode: Index;
  holdsOfJob: Index;
  phasesOfJob: Index;
  statesOfNode: Index;
  faults: FaultFacts;
  lives: LifeColumns | null;
  serving: ServingFigures[];
}

export function encodeNames(texts: readonly string[]): Names {
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(Math.max(16, texts.length * 12));
  const offsets = new Uint32Array(texts.length + 1);
  let at = 0;
  texts.forEach((text, i) => {
    const piece = encoder.encode(text);
    if (at + piece.length > bytes.length) {
      const wider = new Uint8Array(2 * (at + piece.length));
      wider.set(bytes);
      bytes = wider;
    }
    bytes.set(piece, at);
    at += piece.length;
    offsets[i + 1] = at;
  });
  return { bytes: bytes.slice(0, at), offsets };
}

const decoder = new TextDecoder();

export function nameAt({ bytes, offsets }: Names, i: number): string {
  return i < 0 ? '' : decoder.decode(bytes.subarray(offsets[i], offsets[i + 1]));
}

/** The table's columns in the order of their starts; equal starts keep theirs. */
export function sortedByStart(columns: IntervalColumns): IntervalColumns {
  const { count, start } = columns;
  let sorted = true;
  for (let i = 1; i < count && sorted; i++) sorted = start[i - 1] <= start[i];
  if (sorted) return columns;
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => start[a] - start[b] || a - b);
  const f64 = (from: Float64Array) => {
    const to = new Float64Array(count);
    for (let i = 0; i < count; i++) to[i] = from[order[i]];
    return to;
  };
  const values = columns.values.map((from) => {
    const to = new Int32Array(count);
    for (let i = 0; i < count; i++) to[i] = from[order[i]];
    return to;
  });
  return { ...columns, start: f64(columns.start), end: f64(columns.end), values };
}

/** Rows by owner, by counting; rows keep their order. */
export function indexBy(owner: Int32Array, count: number, owners: number): Index {
  const from = new Uint32Array(owners + 1);
  for (let i = 0; i < count; i++) from[owner[i] + 1]++;
  for (let o = 0; o < owners; o++) from[o + 1] += from[o];
  const next = from.slice();
  const rows = new Uint32Array(count);
  for (let i = 0; i < count; i++) rows[next[owner[i]]++] = i;
  return { from, rows };
}

/** Every buffer inside, once, for handing over. */
export function buffersOf(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (Array.isArray(value)) {
    // Lists of plain things are long and hold no buffers.
    if (value.length > 0 && typeof value[0] === 'object') for (const item of value) buffersOf(item, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) buffersOf(item, found);
  }
  return [...found];
}
