/** What Slurm knows of a scenario that does not change while it runs: partitions, QOS, limits, what each job asks for. */
import type { Scenario, SlurmQos } from '../../scenario.ts';
import type { SlurmArgs } from './settings.ts';

export interface Partition {
  name: string;
  pools: number[];
  tier: number;
  /** PriorityJobFactor, and it divided by the largest. */
  jobFactor: number;
  factor: number;
  maxTimeUs: number;
}

/** What limits of a QOS count; Infinity = no limit. */
export interface Qos {
  name: string;
  /** Priority divided by the largest. */
  factor: number;
  priority: number;
  /** QOS whose jobs this one's may preempt. */
  preempts: number[];
  preemptMode: 'off' | 'cancel' | 'requeue';
  graceUs: number;
  exemptUs: number;
  maxWallUs: number;
  maxJobsPerUser: number;
  maxGpusPerUser: number;
  grpJobs: number;
  grpGpus: number;
}

/** Columns by job. */
export interface Model {
  partitions: Partition[];
  qos: Qos[];
  partitionOf: Int32Array;
  qosOf: Int32Array;
  /** Who runs it: a user, or for jobs without one their project. */
  userOf: Int32Array;
  users: number;
  /** Time limit, µs; Infinity = unlimited. */
  limitUs: Float64Array;
  /** GPUs of the whole gang and of its widest worker, and workers; `alike` = they all ask for as many. */
  gpus: Int32Array;
  widest: Int32Array;
  workers: Int32Array;
  alike: Uint8Array;
  /** Size and TRES factors, which never change. */
  sizeFactor: Float64Array;
}

/** slurm.conf's default partition name plays no part; a job without a partition is in that of its list of pools. */
function partitionName(scenario: Scenario, job: number): string {
  const { jobs, poolLists, pools } = scenario;
  return jobs.partition.get(job) ?? poolLists[jobs.poolList[job]].map((pool) => pools[pool].name).join('+');
}

/** The limit of one job, µs: what it asks for, else its partition's DefaultTime, else unlimited. */
export function timeLimitOf(scenario: Scenario, job: number, defaultTimeUs: number): number {
  const asked = scenario.jobs.limitUs[job];
  if (asked > 0) return asked;
  const stated = scenario.slurm?.partitions.find(({ name }) => name === partitionName(scenario, job));
  return (stated?.defaultTimeUs ?? defaultTimeUs) || Number.POSITIVE_INFINITY;
}

export function modelOf(scenario: Scenario, settings: SlurmArgs): Model {
  const { jobs, nodes, projects, users } = scenario;
  const n = jobs.count;
  const int = () => new Int32Array(n);
  const model: Model = {
    partitions: [],
    qos: [],
    partitionOf: int(),
    qosOf: int(),
    userOf: int(),
    users: users.length + projects.length,
    limitUs: new Float64Array(n),
    gpus: int(),
    widest: int(),
    workers: int(),
    alike: new Uint8Array(n).fill(1),
    sizeFactor: new Float64Array(n),
  };
  const partitionNumber = new Map<string, number>();
  const qosNumber = new Map<string, number>();
  addQos(model, qosNumber, { name: 'normal' }, settings);
  for (const qos of scenario.slurm?.qos ?? []) addQos(model, qosNumber, qos, settings);
  let total = 0;
  for (let node = 0; node < nodes.count; node++) total += nodes.gpus[node];
  for (let j = 0; j < n; j++) {
    for (let t = jobs.taskStart[j]; t < jobs.taskStart[j + 1]; t++) {
      const gpus = jobs.taskGpus[t];
      model.gpus[j] += gpus;
      model.widest[j] = Math.max(model.widest[j], gpus);
      if (gpus !== jobs.taskGpus[jobs.taskStart[j]]) model.alike[j] = 0;
    }
    model.workers[j] = jobs.taskStart[j + 1] - jobs.taskStart[j];
    const share = total > 0 ? Math.min(1, model.gpus[j] / total) : 0;
    model.sizeFactor[j] = settings.priorityFavorSmall ? 1 - share : share;
    model.userOf[j] = jobs.user[j] >= 0 ? jobs.user[j] : users.length + jobs.project[j];
    model.limitUs[j] = timeLimitOf(scenario, j, settings.defaultTime);
    const name = partitionName(scenario, j);
    const p = partitionNumber.get(name) ?? addPartition(model, partitionNumber, name, scenario);
    model.partitionOf[j] = p;
    for (const pool of scenario.poolLists[jobs.poolList[j]]) {
      if (!model.partitions[p].pools.includes(pool)) model.partitions[p].pools.push(pool);
    }
    const qos = jobs.qos.get(j) ?? 'normal';
    model.qosOf[j] = qosNumber.get(qos) ?? addQos(model, qosNumber, { name: qos }, settings);
  }
  linkPreemption(model, qosNumber, scenario.slurm?.qos ?? []);
  normalise(model.partitions, 'jobFactor');
  normalise(model.qos, 'priority');
  return model;
}

function addPartition(model: Model, numbers: Map<string, number>, name: string, scenario: Scenario): number {
  const stated = scenario.slurm?.partitions.find((partition) => partition.name === name);
  numbers.set(name, model.partitions.length);
  return (
    model.partitions.push({
      name,
      pools: [],
      tier: stated?.priorityTier ?? 1,
      jobFactor: stated?.priorityJobFactor ?? 1,
      factor: 0,
      maxTimeUs: stated?.maxTimeUs ?? Number.POSITIVE_INFINITY,
    }) - 1
  );
}

function addQos(model: Model, numbers: Map<string, number>, stated: SlurmQos, settings: SlurmArgs): number {
  const number = numbers.get(stated.name) ?? model.qos.length;
  numbers.set(stated.name, number);
  model.qos[number] = {
    name: stated.name,
    factor: 0,
    priority: stated.priority ?? 0,
    preempts: [],
    preemptMode: stated.preemptMode ?? settings.preemptMode,
    graceUs: stated.graceTimeUs ?? settings.graceTime,
    exemptUs: stated.preemptExemptTimeUs ?? settings.preemptExemptTime,
    maxWallUs: stated.maxWallUs ?? Number.POSITIVE_INFINITY,
    maxJobsPerUser: stated.maxJobsPerUser ?? Number.POSITIVE_INFINITY,
    maxGpusPerUser: stated.maxGpusPerUser ?? Number.POSITIVE_INFINITY,
    grpJobs: stated.grpJobs ?? Number.POSITIVE_INFINITY,
    grpGpus: stated.grpGpus ?? Number.POSITIVE_INFINITY,
  };
  return number;
}

function linkPreemption(model: Model, numbers: Map<string, number>, stated: readonly SlurmQos[]): void {
  for (const { name, preempt } of stated) {
    const qos = model.qos[numbers.get(name) as number];
    for (const other of preempt ?? []) {
      const number = numbers.get(other);
      // A QOS nobody uses has no jobs to preempt.
      if (number !== undefined && other !== name) qos.preempts.push(number);
    }
  }
}

/** Factors run from 0 to 1: each divided by the highest. */
function normalise<K extends string>(items: (Record<K, number> & { factor: number })[], key: K): void {
  const highest = Math.max(...items.map((item) => item[key]), 0);
  for (const item of items) item.factor = highest > 0 ? item[key] / highest : 0;
}
