/** A run.json that the command line wrote, as far as it can be drawn: checked, as it may come from anywhere. */
import { encodeNames, type RunColumns } from '../reports/columns.ts';
import type { RunSummary } from '../reports/summary.ts';
import { CATEGORIES } from '../sim/record/ledger.ts';

interface SavedSamples {
  bucketUs: number;
  categories: Record<string, number[]>;
  projects: number[][];
  pendingJobs: number[];
}

/** Null where the value is no run. Throws where it is one but cannot be read. */
export function savedRun(value: unknown): RunColumns | null {
  if (typeof value !== 'object' || value === null) return null;
  const summary = value as RunSummary & { samples?: SavedSamples };
  if (typeof summary.digest !== 'string' || typeof summary.ledger !== 'object') return null;
  for (const part of ['ledger', 'jobs', 'queues', 'figures', 'cost', 'faults'] as const) {
    if (typeof summary[part] !== 'object' || summary[part] === null)
      throw new Error(`found a run without '${part}', expected the run.json that simsup run --out writes`);
  }
  const { samples } = summary;
  const simulatedUs = Math.round(summary.simulatedSeconds * 1e6);
  const numbers = (list: unknown) => Float32Array.from(Array.isArray(list) ? list : [], Number);
  const pendingJobs = numbers(samples?.pendingJobs);
  const empty = { from: new Uint32Array(1), rows: new Uint32Array(0) };
  const none = (width: number) => ({
    ...{ count: 0, start: new Float64Array(0), end: new Float64Array(0), dropped: 0, shortestUs: 0 },
    values: Array.from({ length: width }, () => new Int32Array(0)),
  });
  return {
    summary: { ...summary, samples: undefined } as RunSummary,
    simulatedUs,
    startEpochSeconds: 0,
    utcOffsetMinutes: 0,
    pools: summary.cost.byPool.map(({ pool, gpuModel, gpuHours, usd }) => ({
      ...{ name: String(pool), gpuModel: String(gpuModel), nodes: 0, spot: false },
      gpus: simulatedUs === 0 ? 0 : Math.round(gpuHours / (simulatedUs / 3.6e9)),
      usdPerGpuHour: gpuHours === 0 ? 0 : usd / gpuHours,
    })),
    projects: summary.queues.map(({ project, department, deservedGpus }) => ({
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
        projects: (samples?.projects ?? []).flatMap((gpus) => {
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
