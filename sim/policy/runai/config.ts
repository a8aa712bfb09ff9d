/**
 * How the scheduler is set up: its actions and their order, how it ranks, what it may do to running work.
 *
 * Names and defaults are the real configuration's (KAI-Scheduler: `SchedulingShard`, plug-in arguments, scheduler flags),
 * so that a cluster's own settings can be carried over one by one. Durations are µs.
 */

export const ACTIONS = ['allocate', 'consolidation', 'reclaim', 'preempt', 'stalegangeviction'] as const;
export type ActionName = (typeof ACTIONS)[number];

/** Plug-ins that rank. What makes a placement legal is always on. */
export const RANKING_PLUGINS = [
  'proportion', // queues by fair share
  'priority', // jobs by priority
  'elastic', // jobs below their minimum first
  'subgrouporder', // subgroups below their minimum first
  'taskorder', // tasks by their own priority
  'nodeavailability', // idle resources before those being released
  'gpusharingorder', // a GPU already shared before a free one
  'gpupack', // shares: the fullest GPU
  'gpuspread', // shares: the emptiest GPU
  'resourcetype', // work without GPUs to nodes without GPUs
  'nominatednode', // the node an earlier decision named
  'nodeplacement', // bin-pack or spread
  'topology', // preferred levels
] as const;
export type RankingPlugin = (typeof RANKING_PLUGINS)[number];

export type Placement = 'binpack' | 'spread';

export interface SchedulerConfig {
  actions: readonly ActionName[];
  plugins: ReadonlySet<RankingPlugin>;
  gpuPlacement: Placement;
  cpuPlacement: Placement;
  /** Strength of time-based fairness; without recorded usage it changes nothing. */
  kValue: number;
  /** Jobs consolidation may move for one that waits; −1 = any number, 0 = never consolidate. */
  maxConsolidationPreemptees: number;
  /** A reclaimer above its fair share must stay, times this, below the victim's queue; at least 1. */
  reclaimerUtilizationMultiplier: number;
  /** Victims of reclaim and preemption may be placed again elsewhere in the same decision. */
  allowConsolidatingReclaim: boolean;
  /** Skip a job no easier to place than one that already failed in the same action. */
  skipHarderJobs: boolean;
  defaultPreemptMinRuntimeUs: number;
  defaultReclaimMinRuntimeUs: number;
  /** Whose minimum runtime shields from reclaim: below the queues' lowest common ancestor, or the victim's own queue. */
  reclaimResolveMethod: 'lca' | 'queue';
  /** Most waiting jobs of one queue an action looks at; absent = all. */
  queueDepth: Partial<Record<ActionName, number>>;
  /**
   * Most victim sets one job may have tried on its behalf in one action; 0 = any number. The real scheduler bounds its
   * search in time (5 min an action, 4 min a job); a run that must repeat exactly bounds it in steps.
   */
  maxScenariosPerJob: number;
}

export const DEFAULT_CONFIG: SchedulerConfig = {
  actions: ACTIONS,
  plugins: new Set(RANKING_PLUGINS.filter((name) => name !== 'gpuspread')),
  gpuPlacement: 'binpack',
  cpuPlacement: 'binpack',
  kValue: 1,
  maxConsolidationPreemptees: 16,
  reclaimerUtilizationMultiplier: 1,
  allowConsolidatingReclaim: true,
  skipHarderJobs: true,
  defaultPreemptMinRuntimeUs: 0,
  defaultReclaimMinRuntimeUs: 0,
  reclaimResolveMethod: 'lca',
  queueDepth: {},
  maxScenariosPerJob: 300,
};

/** Grace of a gang below its minimum where the job names none. */
export const DEFAULT_STALENESS_GRACE_US = 60_000_000;

/** Run:ai's priority classes; at 100 and above a job is never a victim and may only use what its queue deserves. */
export const PRIORITY_CLASSES = { inference: 125, build: 100, 'build-preemptible': 75, train: 50 } as const;
export const FIRST_NON_PREEMPTIBLE_PRIORITY = 100;
export const DEFAULT_QUEUE_PRIORITY = 100;
