/** A run's jobs and samples as Parquet: the columns of the CSV files, times as seconds in doubles. */
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { CATEGORIES, type Run, SECOND_US } from '../sim/simulate.ts';
import { endedUs, gpusAsked, statusOf } from './job-table.ts';

export function jobsParquet(run: Run): Uint8Array {
  const { jobs, projects } = run.scenario;
  const each = <T>(value: (job: number) => T) => Array.from({ length: jobs.count }, (_, job) => value(job));
  const time = (us: number) => (us < 0 ? null : us / SECOND_US);
  return parquet([
    { name: 'job_id', data: each((job) => jobs.ids[job]), type: 'STRING' },
    { name: 'project', data: each((job) => projects[jobs.project[job]].name), type: 'STRING' },
    { name: 'num_gpu', data: each((job) => gpusAsked(run, job)), type: 'INT32' },
    { name: 'submit', data: each((job) => jobs.submitUs[job] / SECOND_US), type: 'DOUBLE' },
    { name: 'start', data: each((job) => time(run.jobs.firstStartUs[job])), type: 'DOUBLE', nullable: true },
    { name: 'end', data: each((job) => time(endedUs(run, job))), type: 'DOUBLE', nullable: true },
    { name: 'queue_seconds', data: each((job) => run.jobs.queuedUs[job] / SECOND_US), type: 'DOUBLE' },
    { name: 'preemptions', data: each((job) => run.jobs.preemptions[job]), type: 'INT32' },
    { name: 'restarts', data: each((job) => run.jobs.restarts[job]), type: 'INT32' },
    { name: 'status', data: each((job) => statusOf(run, job)), type: 'STRING' },
  ]);
}

export function samplesParquet(run: Run): Uint8Array {
  const { bucketUs, categories, projects, pendingJobs, pendingGpus, partlyFreeNodes } = run.samples;
  const double = (name: string, data: number[]): ColumnSource => ({ name, data, type: 'DOUBLE' });
  return parquet([
    double(
      'from',
      pendingJobs.map((_, i) => (i * bucketUs) / SECOND_US),
    ),
    double(
      'to',
      pendingJobs.map((_, i) => Math.min((i + 1) * bucketUs, run.simulatedUs) / SECOND_US),
    ),
    ...CATEGORIES.map((category) => double(category, categories[category])),
    double('pending_jobs', pendingJobs),
    double('pending_gpus', pendingGpus),
    double('partly_free_nodes', partlyFreeNodes),
    ...projects.map((project, p) => double(`project:${run.scenario.projects[p].name}`, project)),
  ]);
}

function parquet(columnData: ColumnSource[]): Uint8Array {
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
