/** A run.json that the command line wrote, as far as it can be drawn: checked, as it may come from anywhere. */
import { encodeNames, type RunColumns } from '../reports/columns.ts';
import { REPORTED_STATUS } from '../reports/job-table.ts';
import { unpacked } from '../reports/packed.ts';
import type { RunSummary } from '../reports/summary.ts';
import { NODE_STATES } from '../sim/cluster/cluster.ts';
import { CATEGORIES } from '../sim/record/ledger.ts';
import { ACTIVITIES, EVENT_KINDS, PROJECT_SERIES } from '../sim/record/recorder.ts';

/** Longest run, µs: what a double holds exactly. */
const MOST_US = Number.MAX_SAFE_INTEGER;

interface SavedSamples {
  bucketUs: number;
  categories: Record<string, number[]>;
  projects: number[][];
  pendingJobs: number[];
}

/** Null where the value is no run. Throws a sentence where it is one but cannot be read. */
export function savedRun(value: unknown): RunColumns | null {
  try {
    return checkedRun(value);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message.startsWith('found ')) throw error;
    throw new Error(`found a run that cannot be read, as the file was cut or changed: ${message}`);
  }
}

function checkedRun(value: unknown): RunColumns | null {
  const run = summedRun(value);
  const columns = (value as { columns?: unknown } | null)?.columns;
  if (run === null || columns === undefined) return run;
  const whole = { ...(unpacked(columns) as object), summary: run.summary } as RunColumns;
  checkShape(whole, run, 'columns');
  checkTables(whole);
  return whole;
}

/** Every field of the expected kind is there, with arrays of the same kind of numbers. */
function checkShape(found: unknown, expected: unknown, path: string): void {
  const kindOf = (value: unknown) =>
    value === null ? 'nothing' : typeof value === 'object' ? value.constructor.name : typeof value;
  // What a run may have or lack.
  if (expected === null) return;
  if (kindOf(found) !== kindOf(expected))
    throw new Error(`found ${kindOf(found)} in ${path} of this run, expected ${kindOf(expected)}`);
  if (ArrayBuffer.isView(expected) || typeof expected !== 'object') return;
  if (Array.isArray(expected)) {
    const kinds = new Set((found as unknown[]).map(kindOf));
    if (kinds.size > 1)
      throw new Error(`found ${[...kinds].join(' and ')} in ${path} of this run, expected one of them`);
  }
  for (const [key, inner] of Object.entries(expected))
    if (key !== 'summary') checkShape((found as Record<string, unknown>)[key], inner, `${path}.${key}`);
}

/** Most GPUs of a node: as many as masks have bits. */
const MOST_GPUS = 32;

/** Tables are as long as they say, and what they number is there. */
function checkTables(run: RunColumns): void {
  const { recorded, jobs, nodes, pools, projects, faults, holdsOfNode, holdsOfJob, phasesOfJob, statesOfNode } = run;
  const fail = (what: string) => {
    throw new Error(`found ${what} in this run that is not there: the file was cut or changed`);
  };
  /** Every array of an object has a row for each of `count`. */
  const rows = (table: object, count: number, what: string, except: string[] = []) => {
    for (const [name, column] of Object.entries(table))
      if (ArrayBuffer.isView(column) && !except.includes(name) && (column as Int32Array).length !== count) fail(what);
  };
  const within = (values: ArrayLike<number>, least: number, end: number, what: string) => {
    for (let i = 0; i < values.length; i++) if (!(values[i] >= least && values[i] < end)) fail(what);
  };
  if (recorded === null) return;
  rows(jobs, jobs.count, 'a job');
  within(jobs.project, -1, projects.length, 'a project');
  within(jobs.status, 0, REPORTED_STATUS.length, 'a status');
  rows(nodes, nodes.count, 'a node', ['gpuStart']);
  within(nodes.pool, 0, pools.length, 'a pool');
  if (nodes.gpuStart.length !== nodes.count + 1 || nodes.gpuStart[0] !== 0) fail('a node');
  for (let n = 0; n < nodes.count; n++) within([nodes.gpuStart[n + 1] - nodes.gpuStart[n]], 0, MOST_GPUS + 1, 'a GPU');
  if (nodes.gpuCount !== nodes.gpuStart[nodes.count]) fail('a GPU');
  rows(faults, faults.count, 'a fault');
  within(faults.kind, 0, faults.kinds.length, 'a kind of fault');
  const { series } = recorded;
  if (!(series.bucketUs > 0) || !(run.simulatedUs >= 0) || run.simulatedUs > MOST_US) fail('a time');
  for (const column of [series.pendingJobs, ...series.pools, ...series.projects]) {
    if (column.length !== series.count) fail('a sum');
    within(column, -Number.MAX_VALUE, Infinity, 'a sum');
  }
  if (series.pools.length % CATEGORIES.length !== 0) fail('a category');
  if (series.projects.length % PROJECT_SERIES.length !== 0) fail('a project');
  if (series.projects.length > 0 && series.projects.length !== projects.length * PROJECT_SERIES.length)
    fail('a project');
  for (const table of [recorded.holds, recorded.phases, recorded.nodes, recorded.events])
    for (const column of [table.start, table.end, ...table.values]) if (column.length !== table.count) fail('a row');
  within(recorded.holds.values[0], 0, jobs.count, 'a job');
  within(recorded.holds.values[1], 0, nodes.count, 'a node');
  within(recorded.phases.values[0], 0, jobs.count, 'a job');
  within(recorded.phases.values[1], 0, ACTIVITIES.length, 'a phase');
  within(recorded.nodes.values[0], 0, nodes.count, 'a node');
  within(recorded.nodes.values[1], 0, NODE_STATES.length, 'a state of a node');
  within(recorded.events.values[0], 0, EVENT_KINDS.length, 'a kind of event');
  within(recorded.events.values[1], -1, jobs.count, 'a job');
  within(recorded.events.values[2], -1, nodes.count, 'a node');
  for (const [index, owners, rows] of [
    [holdsOfNode, nodes.count, recorded.holds.count],
    [holdsOfJob, jobs.count, recorded.holds.count],
    [phasesOfJob, jobs.count, recorded.phases.count],
    [statesOfNode, nodes.count, recorded.nodes.count],
  ] as const) {
    if (index.from.length !== owners + 1) fail('an entry');
    within(index.from, 0, index.rows.length + 1, 'an entry');
    within(index.rows, 0, rows, 'a row');
  }
}

/** From the sums alone: what every run.json has. */
function summedRun(value: unknown): RunColumns | null {
  if (typeof value !== 'object' || value === null) return null;
  const summary = value as RunSummary & { samples?: SavedSamples };
  if (typeof summary.digest !== 'string' || typeof summary.ledger !== 'object') return null;
  for (const part of ['ledger', 'jobs', 'queues', 'figures', 'cost', 'faults'] as const) {
    if (typeof summary[part] !== 'object' || summary[part] === null)
      throw new Error(`found a run without '${part}', expected the run.json that simsup run --out writes`);
  }
  const pools = rowsOf(summary.cost.byPool, 'cost.byPool');
  const queues = rowsOf(summary.queues, 'queues');
  if (!(summary.simulatedSeconds >= 0 && summary.simulatedSeconds <= MOST_US / 1e6))
    throw new Error(`found a run without 'simulatedSeconds', expected a number of seconds that can be`);
  const samples = typeof summary.samples === 'object' && summary.samples !== null ? summary.samples : undefined;
  const projects: unknown[] = Array.isArray(samples?.projects) ? samples.projects : [];
  const simulatedUs = Math.round(summary.simulatedSeconds * 1e6);
  const numbers = (list: unknown) =>
    Float32Array.from(Array.isArray(list) ? list : [], (value) => {
      const number = Math.fround(Number(value));
      return Number.isFinite(number) ? number : 0;
    });
  const pendingJobs = numbers(samples?.pendingJobs);
  const empty = { from: new Uint32Array(1), rows: new Uint32Array(0) };
  const none = (width: number) => ({
    ...{ count: 0, start: new Float64Array(0), end: new Float64Array(0), dropped: 0, shortestUs: 0 },
    values: Array.from({ length: width }, () => new Int32Array(0)),
  });
  return {
    summary: { ...summary, samples: undefined, columns: undefined } as RunSummary,
    simulatedUs,
    startEpochSeconds: 0,
    utcOffsetMinutes: 0,
    pools: pools.map(({ pool, gpuModel, gpuHours, usd }) => ({
      ...{ name: String(pool), gpuModel: String(gpuModel), nodes: 0, spot: false },
      gpus: simulatedUs === 0 ? 0 : Math.round(gpuHours / (simulatedUs / 3.6e9)),
      usdPerGpuHour: gpuHours === 0 ? 0 : usd / gpuHours,
    })),
    projects: queues.map(({ project, department, deservedGpus }) => ({
      name: String(project),
      department: String(department),
      deserved: deservedGpus ?? -1,
      weight: 1,
    })),
    nodes: {
      ...{ count: 0, gpuCount: 0, names: encodeNames([]), pool: new Int32Array(0), gpuStart: new Int32Array(1) },
      ...{ rack: new Int32Array(0), block: new Int32Array(0) },
    },
    jobs: {
      ...{ count: 0, ids: encodeNames([]), project: new Int32Array(0), class: new Uint8Array(0) },
      ...{ gpus: new Int32Array(0), tasks: new Int32Array(0), useMilli: new Int32Array(0) },
      ...{ submitUs: new Float64Array(0), durationUs: new Float64Array(0), firstStartUs: new Float64Array(0) },
      ...{ endUs: new Float64Array(0), queuedUs: new Float64Array(0), status: new Uint8Array(0) },
      ...{ preemptions: new Int32Array(0), restarts: new Int32Array(0) },
    },
    recorded: {
      ...{ holds: none(4), phases: none(2), nodes: none(2), events: none(3), lost: none(2) },
      series: {
        bucketUs: Number(samples?.bucketUs ?? 1),
        count: pendingJobs.length,
        // All pools in one.
        pools: CATEGORIES.map((category) => numbers(samples?.categories?.[category])),
        projects: projects.flatMap((gpus) => {
          const zeros = new Float32Array(pendingJobs.length);
          return [numbers(gpus), zeros, zeros, zeros];
        }),
        pendingJobs,
      },
    },
    fairShare: [],
    ...{ holdsOfNode: empty, holdsOfJob: empty, phasesOfJob: empty, statesOfNode: empty },
    faults: {
      ...{ count: 0, timeUs: new Float64Array(0), detectedUs: new Float64Array(0), recoveredUs: new Float64Array(0) },
      ...{ returnedUs: new Float64Array(0), node: new Int32Array(0), gpu: new Int32Array(0), job: new Int32Array(0) },
      ...{ jobs: new Int32Array(0), xid: new Int32Array(0), kind: new Int32Array(0), kinds: [] },
      lostGpuHours: new Float64Array(0),
    },
    lives: null,
    serving: [],
  };
}

/** A list whose entries are objects, or a sentence that says what it is instead. */
function rowsOf<T extends object>(value: T[], where: string): T[] {
  if (!Array.isArray(value) || value.some((row) => typeof row !== 'object' || row === null))
    throw new Error(
      `found a run whose '${where}' is no list of rows, expected the run.json that simsup run --out writes`,
    );
  return value;
}
