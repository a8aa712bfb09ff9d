/**
 * A Run:ai scheduler's snapshot → a scenario: its nodes, its queues, what runs (with a stated time left) and what waits.
 * Not a log read row by row, and so not one of `IMPORTERS`; a row of the report is a workload.
 */
import type { JobState, QueueState, TaskState } from '../../sim/policy/runai/state.ts';
import { HOUR_US, SECOND_US } from '../../sim/scenario.ts';
import { gpuModel, gpuModelNames, gpuModelSpellings } from '../catalogue/gpus.ts';
import { type JobRow, jobsCsvHeader, jobsCsvLine } from '../jobs-csv.ts';
import { readSnapshot, type Snapshot, type SnapshotOptions } from '../snapshot/read.ts';
import { pseudonym } from './anonymise.ts';
import { type ImportOptions, UserError, unknownName } from './importer.ts';
import { type Namer, namer } from './names.ts';
import { type ImportReport, ReportBuilder } from './report.ts';

export const KAI_SNAPSHOT = {
  name: 'kai-snapshot',
  describe: "Run:ai scheduler's snapshot (ZIP or JSON), or kubectl's JSON of nodes, pods, queues and podgroups",
};

/** What a job that runs is assumed to need still, and one that waits in all. */
export const DEFAULT_REMAINING_US = 4 * HOUR_US;
/** Waiting jobs come a moment later than running ones, which so take their places first. */
const WAITING_FROM_US = SECOND_US / 1000;
const SEVENTHS = 7;

export interface SnapshotImport {
  report: ImportReport;
  scenarioYaml: string;
  nodesCsv: string;
  jobsCsv: string;
  clusterRule: string;
}

export interface SnapshotImportOptions extends SnapshotOptions {
  /** Time that running jobs have left, µs. */
  remainingUs?: number;
  /** Duration of waiting jobs, µs. */
  durationUs?: number;
  gpuModel?: string;
  anonymiseSalt?: string;
  /** Name of the file, for the comment in the scenario. */
  source?: string;
  jobsFile: string;
  nodesFile: string;
}

const COLUMNS = [
  'job_id',
  'project',
  'class',
  'submit',
  'duration',
  'num_gpu',
  'workers',
  'gpu_share',
  'gpu_memory_mib',
  'cpu_milli',
  'memory_mib',
  'priority',
] as const;

/** Throws `SnapshotError` for what is no snapshot. */
export function importSnapshot(bytes: Uint8Array, file: string, options: SnapshotImportOptions): SnapshotImport {
  const model = options.gpuModel;
  if (model !== undefined && gpuModel(model) === undefined) throw unknownName('GPU model', model, gpuModelNames());
  const snapshot = readSnapshot(bytes, file, options);
  const names = namer({ anonymiseSalt: options.anonymiseSalt } satisfies ImportOptions);
  const report = new ReportBuilder();
  for (const warning of snapshot.warnings) {
    // Warnings name objects of the cluster.
    const told = options.anonymiseSalt === undefined ? warning : 'something was left out or mended while reading';
    report.problem(`warning ${told}`, 0, told, true);
  }
  const nodes = nodesOf(snapshot, options, report);
  const jobs = jobsOf(snapshot, options, names, report);
  const done = report.finish();
  if (done.taken === 0) return { report: done, scenarioYaml: '', nodesCsv: '', jobsCsv: '', clusterRule: '' };
  return {
    report: done,
    scenarioYaml: scenarioOf(snapshot, options, names, done, nodes),
    nodesCsv: nodes.csv,
    jobsCsv: jobs,
    clusterRule: nodes.rule,
  };
}

// ── nodes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Nodes {
  csv: string;
  gpus: number;
  rule: string;
}

function nodesOf({ state, gpuProducts }: Snapshot, options: SnapshotImportOptions, report: ReportBuilder): Nodes {
  const lines = ['sn,cpu_milli,memory_mib,gpu,model'];
  let gpus = 0;
  let closed = 0;
  for (const node of state.nodes) {
    if (!node.schedulable) {
      closed++;
      continue;
    }
    const instances = Object.entries(node.migInstances).reduce((sum, [name, n]) => sum + n * migSlices(name), 0);
    const count = node.mig === 'mixed' ? Math.floor(instances / SEVENTHS) : node.gpus;
    const product = gpuProducts.get(node.name) ?? '';
    const model = options.gpuModel ?? catalogued(product) ?? 'unknown';
    if (count > 0 && model === 'unknown') {
      report.problem(
        'gpu model',
        0,
        `GPUs of a model that is not in the catalogue count as 'unknown' (--gpu-model)`,
        true,
      );
    }
    if (node.mig === 'mixed')
      report.problem(
        'mig nodes',
        0,
        'GPUs cut into MIG instances are taken as whole GPUs, the instances as shares',
        true,
      );
    gpus += count;
    const { anonymiseSalt } = options;
    const name = anonymiseSalt === undefined ? node.name : pseudonym('node', node.name, anonymiseSalt);
    lines.push(
      `${name},${Math.floor(node.cpuMilli)},${Math.floor(node.memoryBytes / 2 ** 20)},${count},${count > 0 ? model : ''}`,
    );
  }
  if (closed > 0) report.problem('closed', 0, `${closed} nodes are closed or not ready: left out`, true);
  if (gpus === 0) throw new UserError('the snapshot has no open node with GPUs: there is nothing to simulate');
  return {
    csv: `${lines.join('\n')}\n`,
    gpus,
    rule: `${lines.length - 1} nodes with ${gpus} GPUs, as the snapshot has them, less what pods of others hold.`,
  };
}

/** `NVIDIA-H100-80GB-HBM3` → the catalogue's name, by the longest of its spellings that stands in it. */
function catalogued(product: string): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/nvidia|tesla|[^a-z0-9]/g, '');
  const wanted = plain(product);
  if (wanted === '') return undefined;
  const found = gpuModelSpellings()
    .filter((name) => plain(name).length >= 2 && wanted.includes(plain(name)))
    .sort((a, b) => plain(b).length - plain(a).length);
  return found.length === 0 ? undefined : gpuModel(found[0])?.name;
}

/** `nvidia.com/mig-3g.40gb` → 3. */
const migSlices = (resource: string): number => Number(/^nvidia\.com\/mig-(\d)g\./.exec(resource)?.[1] ?? 0);

// ── jobs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const RUNS = new Set(['Running', 'Bound', 'Binding', 'Allocated', 'Pipelined']);

function jobsOf(snapshot: Snapshot, options: SnapshotImportOptions, names: Namer, report: ReportBuilder): string {
  const lines = [jobsCsvHeader(COLUMNS)];
  let row = 0;
  const later: string[] = [];
  for (const job of snapshot.state.jobs) {
    const tasks = job.tasks.filter((task) => RUNS.has(task.status) || task.status === 'Pending');
    if (tasks.length === 0) continue;
    row++;
    report.rows++;
    const runs = tasks.some((task) => RUNS.has(task.status));
    const made = rowOf(job, tasks, runs, names, options, (kind, what) => report.problem(kind, row, what));
    report.taken++;
    if (made.mended) report.mended++;
    (runs ? lines : later).push(jobsCsvLine(made.row, COLUMNS));
  }
  for (const { reason } of snapshot.untried) {
    row++;
    report.rows++;
    report.problem(
      'untried',
      row,
      `refused: the scheduler does not try it (${options.anonymiseSalt === undefined ? reason : 'its queue or topology is missing'})`,
    );
  }
  return `${[...lines, ...later].join('\n')}\n`;
}

function rowOf(
  job: JobState,
  tasks: readonly TaskState[],
  runs: boolean,
  names: Namer,
  options: SnapshotImportOptions,
  problem: (kind: string, what: string) => void,
): { row: Partial<JobRow> & { submitUs: number; durationUs: number }; mended: boolean } {
  let mended = false;
  const mend = (kind: string, what: string) => {
    mended = true;
    problem(`mend ${kind}`, what);
  };
  const widest = tasks.reduce((best, task) => (gpusOf(task) > gpusOf(best) ? task : best));
  const alike = tasks.filter((task) => shapeOf(task) === shapeOf(widest));
  if (alike.length < tasks.length)
    mend('unlike', `its pods ask for different things: only the ${alike.length} that ask for most are taken`);
  if (runs && tasks.some((task) => task.status === 'Pending'))
    mend('elastic', 'some of its pods run and some wait: taken as running with all of them');
  const mig = Object.entries(widest.migInstances);
  const slices = mig.reduce((sum, [name, n]) => sum + n * migSlices(name), 0);
  if (slices > 0) mend('mig', 'asks for MIG instances: taken as shares of a GPU, in sevenths');
  const instances = mig.reduce((sum, [, n]) => sum + n, 0);
  const share = slices > 0 ? slices / instances / SEVENTHS : widest.gpus > 0 && widest.gpus < 1 ? widest.gpus : 1;
  const devices = slices > 0 ? instances : widest.gpus >= 1 ? widest.gpus : gpusOf(widest) > 0 ? widest.gpuDevices : 0;
  if (!job.preemptible !== job.priority >= 100)
    mend('preemptibility', 'its preemptibility is not that of its priority: its priority decides');
  const longUs = options.remainingUs ?? DEFAULT_REMAINING_US;
  return {
    mended,
    row: {
      id: names.id(job.name),
      project: names.project(job.queue),
      class: job.priority >= 100 && job.priority < 125 ? 'interactive' : undefined,
      submitUs: runs ? 0 : WAITING_FROM_US,
      durationUs: runs ? longUs : (options.durationUs ?? DEFAULT_REMAINING_US),
      gpus: devices * alike.length,
      workers: devices === 0 ? 0 : alike.length,
      shareMilli: devices === 0 ? 1000 : Math.max(1, Math.round(share * 1000)),
      gpuMemoryMiB: devices === 0 ? 0 : widest.gpuMemoryMiB,
      cpuMilli: widest.cpuMilli,
      memoryMiB: Math.ceil(widest.memoryBytes / 2 ** 20),
      priority: job.priority,
    },
  };
}

const gpusOf = (task: TaskState): number =>
  task.gpus * task.gpuDevices +
  (task.gpuMemoryMiB > 0 ? task.gpuDevices : 0) +
  Object.entries(task.migInstances).reduce((sum, [name, n]) => sum + (n * migSlices(name)) / SEVENTHS, 0);

const shapeOf = ({ gpus, gpuMemoryMiB, gpuDevices, migInstances, cpuMilli, memoryBytes }: TaskState): string =>
  JSON.stringify([gpus, gpuMemoryMiB, gpuDevices, migInstances, cpuMilli, memoryBytes]);

// ── the scenario ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Text that YAML reads back as the same string. */
const yaml = (text: string) => JSON.stringify(text);

function scenarioOf(
  { state, settings }: Snapshot,
  options: SnapshotImportOptions,
  names: Namer,
  report: ImportReport,
  nodes: Nodes,
): string {
  const hours = (us: number) => `${Math.round((us / HOUR_US) * 1000) / 1000} h`;
  const clean = (text: string) => text.replace(/[^\x20-\x7e]+/g, ' ');
  const { config } = settings;
  const { queues, cut } = quotasThatFit(state.queues, nodes.gpus);
  const args = {
    gpuPlacement: config.gpuPlacement,
    cpuPlacement: config.cpuPlacement,
    consolidation: config.actions.includes('consolidation') && config.maxConsolidationPreemptees !== 0,
    reclaim: config.actions.includes('reclaim'),
    preempt: config.actions.includes('preempt'),
  };
  const lines = [
    `# Written by: simsup import kai-snapshot${options.source === undefined ? '' : ` ${clean(options.source)}`}`,
    `# ${report.rows} workloads: ${report.taken} taken (${report.mended} of them mended), ${report.refused} refused.`,
    `# Time 0 is when the snapshot was taken. Assumed: what runs has ${hours(options.remainingUs ?? DEFAULT_REMAINING_US)} left (--remaining),`,
    `# what waits takes ${hours(options.durationUs ?? DEFAULT_REMAINING_US)} (--missing-duration). Running jobs are placed first, not always on the nodes they are on.`,
    ...(options.anonymiseSalt === undefined ? [] : ['# Projects, jobs and nodes are pseudonyms.']),
    ...(cut === '' ? [] : [`# ${cut}`]),
    `# Cluster: ${nodes.rule}`,
    'apiVersion: simsup.dev/v1',
    'kind: Cluster',
    'metadata: {name: kai-snapshot}',
    'spec:',
    '  controlPlane: {nodes: 0} # the snapshot says nothing of one',
    `  nodesFile: ${yaml(options.nodesFile)}`,
  ];
  for (const queue of queues) {
    const { deserved, limit, overQuotaWeight } = queue.gpu;
    lines.push(
      '---',
      'apiVersion: scheduling.run.ai/v2',
      'kind: Queue',
      `metadata: {name: ${yaml(names.project(queue.name))}}`,
      'spec:',
      ...(queue.parent === null ? [] : [`  parentQueue: ${yaml(names.project(queue.parent))}`]),
      `  priority: ${queue.priority}`,
      `  resources: {gpu: {quota: ${deserved}, limit: ${limit}, overQuotaWeight: ${overQuotaWeight}}}`,
    );
  }
  lines.push(
    '---',
    'apiVersion: simsup.dev/v1',
    'kind: Workload',
    'metadata: {name: kai-snapshot-jobs}',
    `spec: {jobsFile: ${yaml(options.jobsFile)}, whenTooLarge: skip}`,
    '---',
    'apiVersion: simsup.dev/v1',
    'kind: Simulation',
    'metadata: {name: kai-snapshot}',
    'spec:',
    `  title: ${yaml('What becomes of a Run:ai cluster from its snapshot on')}`,
    '  duration: until-done',
    ...(state.nowUs > 0 ? [`  start: ${yaml(`${new Date(state.nowUs / 1000).toISOString().slice(0, 19)}Z`)}`] : []),
    `  policy: {name: runai, args: ${JSON.stringify(args)}}`,
  );
  return `${lines.join('\n')}\n`;
}

/** Only projects have quotas in a scenario, in whole GPUs, and together no more than there are. */
function quotasThatFit(all: readonly QueueState[], gpus: number): { queues: QueueState[]; cut: string } {
  const parents = new Set(all.map((q) => q.parent));
  const leaves = all.filter((q) => !parents.has(q.name));
  const total = leaves.reduce((sum, q) => sum + Math.max(0, Math.floor(q.gpu.deserved)), 0);
  const scale = total > gpus ? gpus / total : 1;
  const queues = all.map((queue): QueueState => {
    const { deserved } = queue.gpu;
    const fits = deserved < 0 || parents.has(queue.name) ? deserved : Math.floor(Math.floor(deserved) * scale);
    return { ...queue, gpu: { ...queue.gpu, deserved: fits } };
  });
  const cut =
    scale < 1 ? `The projects deserve ${total} GPUs together and there are ${gpus}: quotas are cut in proportion.` : '';
  return { queues, cut };
}
