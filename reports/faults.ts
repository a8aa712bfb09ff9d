/** What broke in a run, how soon it was known and how soon work went on, for `run --json` and the summary. */
import { type FaultRow, GPU_UNITS, HOUR_US, type Run, SECOND_US } from '../sim/simulate.ts';
import { csvField } from './csv.ts';
import { exactSeconds } from './format.ts';
import { type Distribution, distribution } from './quantiles.ts';

export interface FaultsSummary {
  /** That struck something: candidates that were drawn count in `candidates`. */
  total: number;
  candidates: number;
  byKind: Record<string, number>;
  /** By code, `79`; faults that leave no XID are left out. */
  byXid: Record<string, number>;
  /** By published cause, where the fault model has causes. */
  byCause: Record<string, number>;
  /** Jobs struck, each as often as it was. */
  jobsStruck: number;
  /** Seconds from the fault to its being noticed, and to the first step of its jobs elsewhere. */
  detection: Distribution;
  /** How those were noticed that were: `event` (a code in the telemetry), `utilization`, `exit`, `silence`, `timeout`, `check`, `results`. */
  noticedBy: Record<string, number>;
  recovery: Distribution;
  /** Seconds until the node was back in service. */
  repair: Distribution;
  /** GPU-hours of work lost to faults. */
  lostGpuHours: number;
}

export function faultsSummary({ faults }: Run): FaultsSummary {
  const struck = faults.filter((row) => row.effective);
  const since = (of: (row: FaultRow) => number) =>
    distribution(struck.filter((row) => of(row) >= 0).map((row) => (of(row) - row.timeUs) / SECOND_US));
  const count = (of: (row: FaultRow) => string) => {
    const counts = new Map<string, number>();
    for (const row of struck) if (of(row) !== '') counts.set(of(row), (counts.get(of(row)) ?? 0) + 1);
    return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));
  };
  return {
    total: struck.length,
    candidates: faults.length,
    byKind: count((row) => row.kind),
    byXid: count((row) => (row.xid > 0 ? String(row.xid) : '')),
    byCause: count((row) => row.cause),
    jobsStruck: struck.reduce((sum, row) => sum + row.jobs, 0),
    detection: since((row) => row.detectedUs),
    noticedBy: count((row) => row.noticedBy),
    recovery: since((row) => row.recoveredUs),
    repair: since((row) => row.returnedUs),
    lostGpuHours: struck.reduce((sum, row) => sum + row.lost, 0) / GPU_UNITS / HOUR_US,
  };
}

/**
 * `run --out`: every candidate fault and what became of it; times in seconds after the start, empty = has not happened.
 * What it needs to strike again as it did (`traceFile` of a FaultModel) is in it.
 */
export function* faultsCsv({ faults, scenario }: Run): Generator<string> {
  yield 'time,unit,process,cause,kind,xid,node,gpu,effective,why,jobs,first_job,detected,noticed_by,recovered,returned,lost_gpu_hours,with_xids,scope,pools,choice,stream\n';
  const time = (us: number) => (us < 0 ? '' : exactSeconds(us));
  for (const row of faults) {
    const { timeUs, unit, process, cause, kind, xid, node, gpu, effective, why, job, jobs, lost } = row;
    const cells = [
      exactSeconds(timeUs),
      ...[unit, process, cause, kind].map(csvField),
      xid === 0 ? '' : xid,
      csvField(scenario.nodes.names[node]),
      gpu < 0 ? '' : gpu,
      effective,
      csvField(why),
      jobs,
      job < 0 ? '' : csvField(scenario.jobs.ids[job]),
      time(row.detectedUs),
      row.noticedBy,
      time(row.recoveredUs),
      time(row.returnedUs),
      (lost / GPU_UNITS / HOUR_US).toFixed(6),
      row.with.join(' '),
      row.scope,
      csvField((row.pools ?? []).map((pool) => scenario.pools[pool].name).join(' ')),
      row.choice,
      csvField(row.stream),
    ];
    yield `${cells.join(',')}\n`;
  }
}
