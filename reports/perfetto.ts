/**
 * The event trace for Perfetto and chrome://tracing, in the Trace Event Format (JSON): a process for each node with a track
 * for each GPU, who was on it from when to when; who waited; what broke. Streams: only what is open is kept.
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
import { lowestBit } from '../sim/cluster/idset.ts';
import { GPU_UNITS, type Scenario, type TraceRow } from '../sim/simulate.ts';

/** Pieces of the file, in order: `begin`, any number of `row`s, `end`. */
export interface PerfettoWriter {
  begin(): string;
  row(row: TraceRow): string;
  /** Closes what is still open at the run's end, µs. */
  end(nowUs: number): string;
}

interface Open {
  task: number;
  job: number;
  node: number;
  sinceUs: number;
  gpus: string;
  lane: number;
  reason: string;
}

/** Tracks of a GPU that several share. */
const LANES = 64;
/** Not a node: the jobs that wait. */
const QUEUE = 0;
/** Moments worth a mark on the node or the queue. */
const MARKS = new Set([
  'fault',
  'detected',
  'policy',
  'preempt',
  'kill',
  'reclaim',
  'unhealthy',
  'notice',
  'node',
  'restored',
  'fail',
  'limit',
  'shrink',
]);
/** They end a job's waiting. */
const NOT_WAITING = new Set(['start', 'complete', 'fail', 'unschedulable', 'limit']);

export function perfettoWriter(scenario: Scenario): PerfettoWriter {
  const { jobs, nodes, projects } = scenario;
  const open = new Map<number, Open>();
  /** Lanes taken, by node and GPU. */
  const lanes = new Map<number, Set<number>>();
  const waiting = new Map<number, number>();
  const named = new Set<number>();
  let pending = 0;
  let first = true;

  const event = (fields: Record<string, unknown>): string => {
    const comma = first ? '' : ',\n';
    first = false;
    return comma + JSON.stringify(fields);
  };
  const naming = (pid: number, tid: number, name: string): string => {
    const key = pid * 4096 + tid;
    if (named.has(key)) return '';
    named.add(key);
    return event({ ph: 'M', name: 'thread_name', pid, tid, args: { name } });
  };
  const close = (task: number, nowUs: number): string => {
    const slice = open.get(task);
    if (slice === undefined) return '';
    open.delete(task);
    const { job, node, sinceUs, gpus, lane, reason } = slice;
    const gpu = Math.floor(lane / LANES);
    lanes.get(node * 32 + gpu)?.delete(lane % LANES);
    return event({
      ph: 'X',
      name: jobs.ids[job],
      cat: projects[jobs.project[job]].name,
      pid: node + 1,
      tid: lane,
      ts: sinceUs,
      dur: nowUs - sinceUs,
      args: { project: projects[jobs.project[job]].name, worker: task - jobs.taskStart[job], gpus, reason },
    });
  };
  const count = (ts: number) => event({ ph: 'C', name: 'waiting jobs', pid: QUEUE, ts, args: { jobs: pending } });
  const waits = (job: number, ts: number, ph: 'b' | 'e') =>
    event({
      ph,
      cat: 'waiting',
      name: jobs.ids[job],
      id: job,
      pid: QUEUE,
      tid: 0,
      ts,
      args: { project: projects[jobs.project[job]].name },
    });
  const stop = (job: number, ts: number): string => {
    if (!waiting.delete(job)) return '';
    pending--;
    return waits(job, ts, 'e') + count(ts);
  };

  return {
    begin() {
      let text = '{"displayTimeUnit":"ms","traceEvents":[\n';
      text += event({ ph: 'M', name: 'process_name', pid: QUEUE, args: { name: 'queue' } });
      for (let node = 0; node < nodes.count; node++)
        text += event({ ph: 'M', name: 'process_name', pid: node + 1, args: { name: nodes.names[node] } });
      return text;
    },
    row({ timeUs, event: what, job, task, node, mask, reason }) {
      if (what === 'place') {
        const gpu = mask === 0 ? 0 : lowestBit(mask);
        const key = node * 32 + gpu;
        const taken = lanes.get(key) ?? new Set<number>();
        lanes.set(key, taken);
        let lane = 0;
        while (taken.has(lane) && lane < LANES - 1) lane++;
        taken.add(lane);
        const whole = jobs.shareMilli[job] * (GPU_UNITS / 1000) === GPU_UNITS;
        const track = gpu * LANES + lane;
        open.set(task, { task, job, node, sinceUs: timeUs, gpus: gpuList(mask), lane: track, reason });
        return naming(node + 1, track, `GPU ${gpu}${lane > 0 || !whole ? `, share ${lane + 1}` : ''}`);
      }
      if (what === 'release') return close(task, timeUs);
      if (job >= 0 && (what === 'submit' || what === 'requeue') && !waiting.has(job)) {
        waiting.set(job, timeUs);
        pending++;
        return waits(job, timeUs, 'b') + count(timeUs);
      }
      let text = NOT_WAITING.has(what) ? stop(job, timeUs) : '';
      if (MARKS.has(what)) {
        const who = job < 0 ? '' : ` ${jobs.ids[job]}`;
        text += event({
          ph: 'i',
          name: `${what}${who}`,
          cat: what,
          pid: node < 0 ? QUEUE : node + 1,
          tid: 0,
          ts: timeUs,
          s: 'p',
          args: { reason },
        });
      }
      return text;
    },
    end(nowUs) {
      let text = '';
      for (const task of [...open.keys()]) text += close(task, nowUs);
      for (const job of [...waiting.keys()]) text += stop(job, nowUs);
      return `${text}\n]}\n`;
    },
  };
}

/** `0-3,7` of a mask of GPUs. */
function gpuList(mask: number): string {
  const parts: string[] = [];
  for (let gpu = 0; gpu < 32; gpu++) {
    if ((mask & (1 << gpu)) === 0) continue;
    let last = gpu;
    while (last < 31 && (mask & (1 << (last + 1))) !== 0) last++;
    parts.push(last === gpu ? String(gpu) : `${gpu}-${last}`);
    gpu = last;
  }
  return parts.join(',');
}
