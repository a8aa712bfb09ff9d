/** A run's tables as CSV (RFC 4180), a line at a time. */
import { CATEGORIES, JOB_CLASSES, type Run, type Scenario, type TraceRow } from '../sim/simulate.ts';
import { gpuHours } from './cost.ts';
import { exactSeconds } from './format.ts';
import { endedUs, gpusAsked, statusOf } from './job-table.ts';

const JOB_COLUMNS = 'job_id,project,num_gpu,submit,start,end,queue_seconds,preemptions,restarts,status';

/** Quotes where needed. Text that a spreadsheet would take for a formula gets an apostrophe in front. */
export function csvField(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** `run --jobs-csv`: times in seconds after the start, exact; empty where it has not happened. */
export function* jobsCsv(run: Run): Generator<string> {
  const { jobs, projects } = run.scenario;
  const time = (us: number) => (us < 0 ? '' : exactSeconds(us));
  yield `${JOB_COLUMNS}\n`;
  for (let job = 0; job < jobs.count; job++) {
    yield `${[
      csvField(jobs.ids[job]),
      csvField(projects[jobs.project[job]].name),
      gpusAsked(run, job),
      time(jobs.submitUs[job]),
      time(run.jobs.firstStartUs[job]),
      time(endedUs(run, job)),
      time(run.jobs.queuedUs[job]),
      run.jobs.preemptions[job],
      run.jobs.restarts[job],
      statusOf(run, job),
    ].join(',')}\n`;
  }
}

/** Means over the sampling buckets: GPUs in each category, jobs and GPUs that wait, partly free nodes, GPUs held by each project. */
export function* samplesCsv(run: Run): Generator<string> {
  const { bucketUs, categories, projects, pendingJobs, pendingGpus, partlyFreeNodes } = run.samples;
  const names = projects.map((_, p) => csvField(`project:${run.scenario.projects[p].name}`));
  yield `${['from', 'to', ...CATEGORIES, 'pending_jobs', 'pending_gpus', 'partly_free_nodes', ...names].join(',')}\n`;
  for (let i = 0; i < pendingJobs.length; i++) {
    yield `${[
      exactSeconds(i * bucketUs),
      exactSeconds(Math.min((i + 1) * bucketUs, run.simulatedUs)),
      ...CATEGORIES.map((category) => categories[category][i]),
      pendingJobs[i],
      pendingGpus[i],
      partlyFreeNodes[i],
      ...projects.map((project) => project[i]),
    ].join(',')}\n`;
  }
}

/** The ledger's accounts, exact, by hour of the scenario's time zone where hours were kept (else one hour: all). */
export function* ledgerCsv(run: Run): Generator<string> {
  const { scenario } = run;
  yield 'hour,pool,project,quota,class,category,gpu_us_7000,gpu_hours\n';
  const rows = run.hours.length > 0 ? run.hours : run.entries.map((entry) => ({ ...entry, hour: '' }));
  for (const { hour, pool, project, overQuota, jobClass, category, amount } of rows) {
    const nobody = project < 0;
    yield `${[
      hour,
      csvField(scenario.pools[pool].name),
      nobody ? '' : csvField(scenario.projects[project].name),
      nobody ? '' : overQuota ? 'over' : 'in',
      nobody ? '' : JOB_CLASSES[jobClass],
      category,
      amount,
      gpuHours(amount),
    ].join(',')}\n`;
  }
}

export const TRACE_HEADER = 'time,event,job_id,task,node,gpu_mask,from,to,units,pool,project,over_quota,reason\n';

/** One row of the event trace; fields that mean nothing for its event are empty. */
export function traceLine(scenario: Scenario, row: TraceRow): string {
  const moved = row.event === 'ledger' || row.event === 'lost';
  return `${[
    exactSeconds(row.timeUs),
    row.event,
    row.job < 0 ? '' : csvField(scenario.jobs.ids[row.job]),
    row.task < 0 ? '' : row.task,
    row.node < 0 ? '' : csvField(scenario.nodes.names[row.node]),
    row.mask === 0 ? '' : row.mask >>> 0,
    row.from,
    row.to,
    moved ? row.units : '',
    row.pool < 0 ? '' : csvField(scenario.pools[row.pool].name),
    row.project < 0 ? '' : csvField(scenario.projects[row.project].name),
    moved && row.project >= 0 ? row.overQuota : '',
    csvField(row.reason),
  ].join(',')}\n`;
}
