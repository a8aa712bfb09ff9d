/** What a scenario may set of Slurm, under the names of slurm.conf, and the same in the units the scheduler works in. */
import { SECOND_US } from '../../scenario.ts';
import { placementArg } from '../packing/index.ts';
import type { ArgSpec } from '../policy.ts';
import type { SlurmPreset, SlurmValues } from './presets.ts';

export interface SlurmArgs extends SlurmValues {
  placement: string;
  shares: 'quota' | 'weight' | 'equal';
  sitePriority: number;
}

const YEAR_S = 365 * 86_400;
const MOST = 1_000_000;

export function slurmArgs({ values }: SlurmPreset): Record<string, ArgSpec> {
  const count = (name: keyof SlurmValues, about: string, min = 0): ArgSpec => ({
    type: 'number',
    min,
    max: MOST,
    default: values[name] as number,
    about,
  });
  const time = (name: keyof SlurmValues, about: string, min = 0): ArgSpec => ({
    type: 'duration',
    min,
    max: YEAR_S,
    default: values[name] as number,
    about,
  });
  const weight = (name: keyof SlurmValues, about: string): ArgSpec => ({
    type: 'number',
    min: 0,
    max: 4_294_967_295,
    default: values[name] as number,
    about,
  });
  const flag = (name: keyof SlurmValues, about: string): ArgSpec => ({
    type: 'boolean',
    default: values[name] as boolean,
    about,
  });
  return {
    placement: placementArg,
    defaultQueueDepth: count('defaultQueueDepth', 'jobs tried when something happens', 1),
    schedInterval: time('schedInterval', 'between main passes over all jobs', 1),
    schedMinInterval: time('schedMinInterval', 'least time between two main passes'),
    batchSchedDelay: time('batchSchedDelay', 'by which main passes that events ask for are gathered'),
    partitionJobDepth: count('partitionJobDepth', 'jobs of one partition tried in a main pass; 0 = no limit'),
    backfill: flag('backfill', 'SchedulerType=sched/backfill; false = sched/builtin'),
    bfInterval: time('bfInterval', 'between backfill passes', 1),
    bfWindow: time('bfWindow', 'how far ahead backfill plans', 60),
    bfResolution: time('bfResolution', 'to which planned times are rounded down', 1),
    bfMaxJobTest: count('bfMaxJobTest', 'jobs considered in a backfill pass', 1),
    bfMaxJobUser: count('bfMaxJobUser', 'of them of one user; 0 = no limit'),
    bfMaxJobPart: count('bfMaxJobPart', 'of them of one partition; 0 = no limit'),
    bfMaxJobStart: count('bfMaxJobStart', 'jobs started in a backfill pass; 0 = no limit'),
    bfJobPartCountReserve: count(
      'bfJobPartCountReserve',
      'jobs of a partition that get a reservation; 0 = all that are tried, 1 comes close to EASY',
    ),
    priorityWeightAge: weight('priorityWeightAge', 'weight of the time waited'),
    priorityWeightFairshare: weight('priorityWeightFairshare', 'weight of fair share'),
    priorityWeightJobSize: weight('priorityWeightJobSize', 'weight of size'),
    priorityWeightPartition: weight('priorityWeightPartition', 'weight of PriorityJobFactor'),
    priorityWeightQos: weight('priorityWeightQos', 'weight of the QOS priority'),
    priorityWeightGpu: weight('priorityWeightGpu', 'PriorityWeightTRES gres/gpu: weight of the GPUs asked for'),
    sitePriority: {
      type: 'number',
      min: 0,
      max: MOST,
      default: 0,
      about: 'site factor: times the priority that the job itself states',
    },
    priorityMaxAge: time('priorityMaxAge', 'wait at which the age factor is 1', 1),
    priorityDecayHalfLife: time('priorityDecayHalfLife', 'after which past use counts half; 0 = never'),
    priorityCalcPeriod: time('priorityCalcPeriod', 'between two calculations of priorities', 60),
    priorityFavorSmall: flag('priorityFavorSmall', 'small jobs get the larger size factor'),
    fairTree: flag('fairTree', 'Fair Tree; false = the classic algorithm (NO_FAIR_TREE)'),
    shares: {
      type: 'choice',
      of: ['quota', 'weight', 'equal'],
      default: 'quota',
      about: 'RawShares of a project: its deserved GPUs (1 where unlimited), its over-quota weight, or 1',
    },
    defaultTime: time('defaultTime', 'DefaultTime of partitions that state none; 0 = unlimited'),
    overTimeLimit: time('overTimeLimit', 'by which a job may exceed its limit'),
    killWait: time('killWait', 'from being told to stop to being killed'),
    preemptType: {
      type: 'choice',
      of: ['none', 'qos'],
      default: values.preemptType,
      about: 'whether jobs may preempt others by QOS (PreemptType=preempt/qos)',
    },
    preemptMode: {
      type: 'choice',
      of: ['off', 'cancel', 'requeue'],
      default: values.preemptMode,
      about: 'what happens to a preempted job whose QOS does not say',
    },
    graceTime: time('graceTime', 'that a preempted job is given, unless its QOS says'),
    preemptExemptTime: time('preemptExemptTime', 'a job runs before it can be preempted, unless its QOS says'),
    jobRequeue: flag('jobRequeue', 'a job that dies with its node, or is preempted, is queued again'),
    credExpire: time('credExpire', 'AuthInfo cred_expire: how long a requeued job waits before it may start'),
  };
}

/** Arguments whose unit is seconds. */
const TIMES = [
  'schedInterval',
  'schedMinInterval',
  'batchSchedDelay',
  'bfInterval',
  'bfWindow',
  'bfResolution',
  'priorityMaxAge',
  'priorityDecayHalfLife',
  'priorityCalcPeriod',
  'defaultTime',
  'overTimeLimit',
  'killWait',
  'graceTime',
  'preemptExemptTime',
  'credExpire',
] as const;

/** The same with all times in µs. */
export function inMicroseconds(args: SlurmArgs): SlurmArgs {
  const settings = { ...args };
  for (const name of TIMES) settings[name] = Math.round(args[name] * SECOND_US);
  return settings;
}
