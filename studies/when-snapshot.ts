/** A scheduler's snapshot, and a log of the same cluster, as what `when` forecasts from. */

import { decide } from '../reports/decide.ts';
import { counted, decimal, percent } from '../reports/format.ts';
import { memoryReader } from '../scenarios/builtin/index.ts';
import { UserError } from '../scenarios/import/import.ts';
import { importSnapshot } from '../scenarios/import/kai-snapshot.ts';
import { compileLog, type RecordedLog } from '../scenarios/import/log.ts';
import { jobsCsvHeader, splitCsvLine } from '../scenarios/jobs-csv.ts';
import { nearestName } from '../scenarios/problem.ts';
import { readScenario } from '../scenarios/read.ts';
import { readSnapshot, type Snapshot, type SnapshotOptions } from '../scenarios/snapshot/read.ts';
import { openStream } from '../sim/engine/random.ts';
import type { JobState } from '../sim/policy/runai/state.ts';
import { POLICIES, type Scenario } from '../sim/simulate.ts';
import { gpusOf, type Past, type Present } from './forecast.ts';
import { PRIOR_MEDIAN_US } from './forecast-durations.ts';
import { type History, historyOf, pastBefore } from './forecast-history.ts';

export interface SnapshotState {
  present: Present;
  /** What the scheduler says of the job, in one sentence. */
  blockedBy: string;
  nowUs: number | undefined;
  assumptions: string[];
  warnings: string[];
  /** For logs: the same cluster without its work. */
  cluster: { yaml: string; nodesCsv: string };
}

const [JOBS, NODES] = ['jobs.csv', 'nodes.csv'];
const USES = new Set(['Running', 'Bound', 'Binding', 'Allocated', 'Pipelined', 'Releasing']);
const waits = (job: JobState) => job.tasks.some(({ status }) => status === 'Pending' || status === 'Gated');
const runs = (job: JobState) => job.tasks.some(({ status }) => USES.has(status) && status !== 'Releasing');

/** Throws `UserError` for a job that is not there, already runs, or is not tried; `SnapshotError` for what is no snapshot. */
export function snapshotState(
  bytes: Uint8Array,
  file: string,
  wanted: string,
  options: SnapshotOptions & { gpuModel?: string },
): SnapshotState {
  const snapshot = readSnapshot(bytes, file, options);
  const job = jobNamed(snapshot, wanted);
  const imported = importSnapshot(bytes, file, { ...options, jobsFile: JOBS, nodesFile: NODES });
  const files = { [JOBS]: imported.jobsCsv, [NODES]: imported.nodesCsv };
  const scenario = readScenario(imported.scenarioYaml, { file, policies: POLICIES, readFile: memoryReader(files) });
  const target = scenario.jobs.ids.indexOf(job.name);
  if (target < 0)
    throw new UserError(`${job.name} is larger than anything that the open nodes of the snapshot could ever give it`);
  const { present, unknown } = presentOf(snapshot, scenario, target);
  const decided = decide({
    ...snapshot,
    config: snapshot.settings.config,
    periodUs: snapshot.settings.schedulePeriodUs,
    cycles: 1,
    checkpointEveryUs: 0,
    timeGiven: true,
  });
  const pending = decided.pending.find(({ workload }) => workload === job.name);
  const assumptions = [
    'Jobs that run are placed anew at the start, not always on the nodes they are on; minimum run times and past usage begin anew.',
  ];
  if (unknown > 0) assumptions.push(`${unknown} running jobs do not say when they began: taken as having begun now.`);
  return {
    present,
    blockedBy: pending?.reason ?? '',
    nowUs: snapshot.state.nowUs > 0 ? snapshot.state.nowUs : undefined,
    assumptions,
    warnings: [...snapshot.warnings],
    cluster: { yaml: imported.scenarioYaml, nodesCsv: imported.nodesCsv },
  };
}

/** By its full name or, where it is the only one, by its name without the namespace. */
function jobNamed({ state, untried }: Snapshot, wanted: string): JobState {
  const found = state.jobs.filter(({ name }) => name === wanted || name.slice(name.indexOf('/') + 1) === wanted);
  const job = found.find(({ name }) => name === wanted) ?? found[0];
  if (job === undefined) {
    const left = untried.find((u) => u.job === wanted || u.job.slice(u.job.indexOf('/') + 1) === wanted);
    if (left !== undefined)
      throw new UserError(
        `${left.job} will not start as things are: the scheduler does not try it, because ${left.reason}`,
      );
    const names = state.jobs.filter(waits).map(({ name }) => name);
    const near = nearestName(wanted, names);
    const some =
      names.length === 0
        ? 'none waits'
        : `those that wait are ${names.slice(0, 8).join(', ')}${names.length > 8 ? ' …' : ''}`;
    throw new UserError(
      `there is no job '${wanted.slice(0, 80)}' in the snapshot: ${some}${near === undefined ? '' : `; did you mean '${near}'?`}`,
    );
  }
  if (found.length > 1 && job.name !== wanted)
    throw new UserError(
      `'${wanted}' is the name of ${counted(found.length, 'job')}: say which, as ${found.map(({ name }) => name).join(' or ')}`,
    );
  if (!waits(job)) throw new UserError(`${job.name} does not wait: ${runs(job) ? 'it runs already' : 'it has ended'}`);
  if (runs(job))
    throw new UserError(`${job.name} runs already with some of its pods; only a job that has none can be forecast`);
  return job;
}

function presentOf(snapshot: Snapshot, scenario: Scenario, target: number): { present: Present; unknown: number } {
  const { state, startedUs } = snapshot;
  const byName = new Map(state.jobs.map((job) => [job.name, job]));
  let unknown = 0;
  const { jobs } = scenario;
  const minTasks = jobs.minTasks.slice();
  const ranUs = Float64Array.from(jobs.ids, (id, j) => {
    const job = byName.get(id) as JobState;
    const least = job.subGroups.children.length === 0 ? job.subGroups.minAvailable : 0;
    const workers = jobs.taskStart[j + 1] - jobs.taskStart[j];
    if (least > 0 && least < workers) minTasks[j] = least;
    if (!runs(job)) return -1;
    const starts = job.tasks.flatMap(({ name }) => startedUs.get(name) ?? []);
    const since = starts.length > 0 ? Math.min(...starts) : job.startedUs;
    if (since === null || state.nowUs === 0) {
      unknown++;
      return 0;
    }
    return Math.max(0, state.nowUs - since);
  });
  return { present: { scenario: { ...scenario, jobs: { ...jobs, minTasks } }, ranUs, target }, unknown };
}

// ── the past ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface SnapshotPast {
  past: Past;
  history: History;
  /** Its starts say how good forecasts are. */
  ofThisCluster: boolean;
  assumptions: string[];
}

/** A log of the same cluster: its jobs on the snapshot's nodes and queues. */
export function snapshotPast(state: SnapshotState, log: RecordedLog): SnapshotPast {
  const { scenario } = state.present;
  const queues = scenario.projects.map(({ name }) => name);
  const { jobsCsv, renamed } = inQueues(log.jobsCsv, scenario);
  const compiled = compileLog(
    { ...log, jobsCsv },
    {
      cluster: {
        text: state.cluster.yaml,
        file: 'snapshot',
        readFile: memoryReader({ [NODES]: state.cluster.nodesCsv }),
      },
      policies: POLICIES,
    },
  );
  const history = historyOf({ ...compiled, policy: scenario.policy }, log.waits);
  const { submitUs, count } = compiled.jobs;
  // Everything in the log is known; the time of day is that of the snapshot where both have a calendar.
  const endUs = count === 0 ? 0 : submitUs[count - 1] + 1;
  const past = pastBefore(history, Infinity);
  const load = loadOf(compiled);
  const clock =
    state.nowUs === undefined || compiled.startEpochSeconds === 0
      ? endUs
      : state.nowUs - compiled.startEpochSeconds * 1e6;
  const assumptions = [
    `How long jobs take and who else comes is drawn from ${counted(count, 'job')} of ${log.format}: of the same user and size where ten or more ran as long, else of the user, the size, or all; arrivals as on some day of the log at this time of day.`,
  ];
  if (renamed.size > 0) {
    const shown = [...renamed].slice(0, 4).map(([from, to]) => `${from || '(none)'} → ${to}`);
    assumptions.push(
      `Projects of the log that are no queues (${queues.slice(0, 6).join(', ')}${queues.length > 6 ? ' …' : ''}) arrive in queues drawn by their number of jobs: ${shown.join(', ')}${renamed.size > 4 ? ` and ${renamed.size - 4} more` : ''}.`,
    );
  }
  if (load <= MOST_LOAD) return { past: { ...past, nowUs: clock }, history, ofThisCluster: true, assumptions };
  assumptions.push(
    `The log asks for ${decimal(load, 1)} times the GPU-hours that the snapshot's ${counted(gpusIn(compiled), 'GPU')} have: it is of a larger cluster. ${percent(1 / load, 0)} of its jobs arrive, evenly thinned out, and its starts correct nothing.`,
  );
  return { past: { ...past, nowUs: clock, keep: 1 / load }, history, ofThisCluster: false, assumptions };
}

/** A log of the same cluster can ask for little more than all of it. */
const MOST_LOAD = 1.1;

const gpusIn = ({ nodes }: Scenario) => nodes.gpus.reduce((sum, n) => sum + n, 0);

/** GPU-hours that jobs ran, of those that the cluster has while they arrive; 0 where nothing can be said. */
function loadOf(scenario: Scenario): number {
  const { submitUs, durationUs, count } = scenario.jobs;
  const spanUs = count < 2 ? 0 : submitUs[count - 1] - submitUs[0];
  let work = 0;
  for (let job = 0; job < count; job++) if (durationUs[job] < Infinity) work += gpusOf(scenario, job) * durationUs[job];
  return spanUs > 0 && gpusIn(scenario) > 0 ? work / spanUs / gpusIn(scenario) : 0;
}

export const PRIOR_ASSUMPTIONS = [
  `No history is given (--history): how long a job takes is a guess, log-logistic with a median of ${PRIOR_MEDIAN_US / 3600e6} h; one that has run a while is as likely as not to run ${PRIOR_MEDIAN_US / 3600e6} h and as long again. No one else arrives, so whoever may pass this job is not in the forecast.`,
];

/** Projects that are no queue of the snapshot get one, drawn by the queues' numbers of jobs. */
function inQueues(jobsCsv: string, { projects, jobs }: Scenario): { jobsCsv: string; renamed: Map<string, string> } {
  const known = new Set(projects.map(({ name }) => name));
  const weight = projects.map((_, p) => jobs.project.reduce((sum, project) => sum + (project === p ? 1 : 0), 0));
  const total = weight.reduce((a, b) => a + b, 0);
  const renamed = new Map<string, string>();
  const queueFor = (name: string): string => {
    if (known.has(name)) return name;
    let queue = renamed.get(name);
    if (queue === undefined) {
      let at = openStream('when', `queue/${name}`).next() * total;
      queue = projects[weight.findIndex((w) => (at -= w) < 0)]?.name ?? projects[0].name;
      renamed.set(name, queue);
    }
    return queue;
  };
  const [header, ...lines] = jobsCsv.trimEnd().split('\n');
  const column = header.split(',').indexOf('project');
  if (column < 0) throw new Error(`a jobs file without projects: ${jobsCsvHeader()}`);
  const rows = lines.map((line) => {
    const cells = splitCsvLine(line);
    cells[column] = queueFor(cells[column]);
    return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
  });
  return { jobsCsv: `${[header, ...rows].join('\n')}\n`, renamed };
}
