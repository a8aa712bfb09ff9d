/** A finished run → what the page draws. */

import type { RecordedColumns } from '../sim/record/recorder.ts';
import type { Lives, Run } from '../sim/simulate.ts';
import { GPU_UNITS, HOUR_US } from '../sim/simulate.ts';
import { encodeNames, indexBy, type RunColumns, sortedByStart } from './columns.ts';
import { fairShares } from './fair-share.ts';
import { gpusAsked, REPORTED_STATUS, statusOf } from './job-table.ts';
import { summarise } from './summary.ts';

export function runColumns(run: Run, recorded: RecordedColumns, lives: Lives | null, wallSeconds: number): RunColumns {
  const { scenario } = run;
  const { pools, projects, departments, nodes, jobs } = scenario;
  const gpuStart = new Int32Array(nodes.count + 1);
  for (let n = 0; n < nodes.count; n++) gpuStart[n + 1] = gpuStart[n] + nodes.gpus[n];
  const sorted: RecordedColumns = {
    ...recorded,
    holds: sortedByStart(recorded.holds),
    phases: sortedByStart(recorded.phases),
    nodes: sortedByStart(recorded.nodes),
    events: sortedByStart(recorded.events),
  };
  const { holds, phases, nodes: states } = sorted;
  const each = (value: (job: number) => number) => Int32Array.from({ length: jobs.count }, (_, j) => value(j));
  return {
    summary: summarise(run, wallSeconds),
    simulatedUs: run.simulatedUs,
    startEpochSeconds: scenario.startEpochSeconds,
    utcOffsetMinutes: scenario.utcOffsetMinutes,
    pools: pools.map((pool, p) => {
      let count = 0;
      let gpus = 0;
      for (let n = 0; n < nodes.count; n++) {
        if (nodes.pool[n] !== p) continue;
        count++;
        gpus += nodes.gpus[n];
      }
      const { name, gpuModel, priceMicroUsd, spot } = pool;
      return { name, gpuModel, nodes: count, gpus, usdPerGpuHour: priceMicroUsd / 1e6, spot };
    }),
    projects: projects.map(({ name, department, deservedGpus, overQuotaWeight }) => ({
      name,
      department: departments[department]?.name ?? '',
      deserved: deservedGpus.some((gpus) => gpus < 0) ? -1 : deservedGpus.reduce((sum, gpus) => sum + gpus, 0),
      weight: overQuotaWeight,
    })),
    nodes: {
      count: nodes.count,
      gpuCount: gpuStart[nodes.count],
      names: encodeNames(nodes.names),
      pool: nodes.pool.slice(),
      gpuStart,
      rack: nodes.rack.slice(),
      block: nodes.block.slice(),
    },
    jobs: {
      count: jobs.count,
      ids: encodeNames(jobs.ids),
      project: jobs.project.slice(),
      class: jobs.class.slice(),
      gpus: each((j) => gpusAsked(run, j)),
      tasks: each((j) => jobs.taskStart[j + 1] - jobs.taskStart[j]),
      useMilli: jobs.useMilli.slice(),
      submitUs: jobs.submitUs.slice(),
      durationUs: jobs.durationUs.slice(),
      firstStartUs: run.jobs.firstStartUs.slice(),
      endUs: run.jobs.endUs.slice(),
      queuedUs: run.jobs.queuedUs.slice(),
      status: Uint8Array.from({ length: jobs.count }, (_, j) => REPORTED_STATUS.indexOf(statusOf(run, j))),
      preemptions: run.jobs.preemptions.slice(),
      restarts: run.jobs.restarts.slice(),
    },
    recorded: sorted,
    fairShare: fairShares(scenario, sorted),
    holdsOfNode: indexBy(holds.values[1], holds.count, nodes.count),
    holdsOfJob: indexBy(holds.values[0], holds.count, jobs.count),
    phasesOfJob: indexBy(phases.values[0], phases.count, jobs.count),
    statesOfNode: indexBy(states.values[0], states.count, nodes.count),
    faults: faultColumns(run),
    lives: lives?.columns() ?? null,
    serving: run.serving ?? [],
  };
}

function faultColumns(run: Run): RunColumns['faults'] {
  const rows = run.faults.filter((row) => row.effective);
  const kinds: string[] = [];
  const kindOf = (name: string) => {
    if (!kinds.includes(name)) kinds.push(name);
    return kinds.indexOf(name);
  };
  const f64 = (of: (row: (typeof rows)[number]) => number) => Float64Array.from(rows, of);
  const i32 = (of: (row: (typeof rows)[number]) => number) => Int32Array.from(rows, of);
  return {
    count: rows.length,
    timeUs: f64((row) => row.timeUs),
    detectedUs: f64((row) => row.detectedUs),
    recoveredUs: f64((row) => row.recoveredUs),
    returnedUs: f64((row) => row.returnedUs),
    node: i32((row) => row.node),
    gpu: i32((row) => row.gpu),
    job: i32((row) => row.job),
    jobs: i32((row) => row.jobs),
    xid: i32((row) => row.xid),
    kind: i32((row) => kindOf(row.kind)),
    kinds,
    lostGpuHours: f64((row) => row.lost / GPU_UNITS / HOUR_US),
  };
}
