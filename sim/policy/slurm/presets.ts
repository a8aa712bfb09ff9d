/** Slurm's settings as data: what its documentation gives as defaults, and what it gives as an example of use. */

export interface SlurmValues {
  // Main scheduler: SchedulerParameters. Times in seconds throughout.
  defaultQueueDepth: number;
  schedInterval: number;
  schedMinInterval: number;
  batchSchedDelay: number;
  partitionJobDepth: number;
  // Backfill: SchedulerType and SchedulerParameters.
  backfill: boolean;
  bfInterval: number;
  bfWindow: number;
  bfResolution: number;
  bfMaxJobTest: number;
  bfMaxJobUser: number;
  bfMaxJobPart: number;
  bfMaxJobStart: number;
  bfJobPartCountReserve: number;
  // PriorityType=priority/multifactor.
  priorityWeightAge: number;
  priorityWeightFairshare: number;
  priorityWeightJobSize: number;
  priorityWeightPartition: number;
  priorityWeightQos: number;
  /** PriorityWeightTRES=gres/gpu=… */
  priorityWeightGpu: number;
  priorityMaxAge: number;
  priorityDecayHalfLife: number;
  priorityCalcPeriod: number;
  priorityFavorSmall: boolean;
  /** PriorityFlags without NO_FAIR_TREE. */
  fairTree: boolean;
  // Time limits; 0 = unlimited.
  defaultTime: number;
  overTimeLimit: number;
  killWait: number;
  // Preemption.
  preemptType: 'none' | 'qos';
  preemptMode: 'off' | 'cancel' | 'requeue';
  graceTime: number;
  preemptExemptTime: number;
  jobRequeue: boolean;
  /** AuthInfo cred_expire, which is also how long a requeued job waits before it may start again. */
  credExpire: number;
}

export interface SlurmPreset {
  name: string;
  about: string;
  version: string;
  sources: string[];
  values: SlurmValues;
}

const DAY = 86_400;

export const SLURM_DEFAULT: SlurmPreset = {
  name: 'slurm',
  about: 'Slurm as shipped: strict order in each partition, backfill by time limits, all priority weights 0',
  version: 'Slurm 24.11, read August 2026',
  sources: [
    'SchedMD/slurm doc/man/man5/slurm.conf.5',
    'https://slurm.schedmd.com/sched_config.html',
    'https://slurm.schedmd.com/priority_multifactor.html',
    'https://slurm.schedmd.com/preempt.html',
  ],
  values: {
    defaultQueueDepth: 100,
    schedInterval: 60,
    schedMinInterval: 0.000002,
    batchSchedDelay: 3,
    partitionJobDepth: 0,
    backfill: true,
    bfInterval: 30,
    bfWindow: DAY,
    bfResolution: 60,
    bfMaxJobTest: 500,
    bfMaxJobUser: 0,
    bfMaxJobPart: 0,
    bfMaxJobStart: 0,
    bfJobPartCountReserve: 0,
    priorityWeightAge: 0,
    priorityWeightFairshare: 0,
    priorityWeightJobSize: 0,
    priorityWeightPartition: 0,
    priorityWeightQos: 0,
    priorityWeightGpu: 0,
    priorityMaxAge: 7 * DAY,
    priorityDecayHalfLife: 7 * DAY,
    priorityCalcPeriod: 300,
    priorityFavorSmall: false,
    fairTree: true,
    defaultTime: 0,
    overTimeLimit: 0,
    killWait: 30,
    preemptType: 'none',
    preemptMode: 'off',
    graceTime: 0,
    preemptExemptTime: 0,
    jobRequeue: true,
    credExpire: 120,
  },
};

/** The weights, half-life and age cap of the documentation's first configuration example; the rest as shipped. */
export const SLURM_TYPICAL: SlurmPreset = {
  name: 'slurm-typical',
  about: 'Slurm with the weights of its documentation’s example: fair share first, then age, size and partition',
  version: SLURM_DEFAULT.version,
  sources: ['https://slurm.schedmd.com/priority_multifactor.html#configexample', ...SLURM_DEFAULT.sources],
  values: {
    ...SLURM_DEFAULT.values,
    priorityWeightAge: 1000,
    priorityWeightFairshare: 10_000,
    priorityWeightJobSize: 1000,
    priorityWeightPartition: 1000,
    priorityWeightQos: 0,
    priorityMaxAge: 14 * DAY,
    priorityDecayHalfLife: 14 * DAY,
  },
};
