/** What a scenario may set of the scheduler, by the names of its own configuration where it has one. */
import type { ArgSpec } from '../policy.ts';
import { ACTIONS, DEFAULT_CONFIG, RANKING_PLUGINS, type RankingPlugin, type SchedulerConfig } from './config.ts';
import type { UsageWindow } from './usage.ts';

const SECOND_US = 1_000_000;
const DAY_S = 86_400;

export interface RunaiArgs {
  schedulePeriod: number;
  decisionsPerSecond: number;
  gpuPlacement: 'binpack' | 'spread';
  cpuPlacement: 'binpack' | 'spread';
  consolidation: boolean;
  reclaim: boolean;
  preempt: boolean;
  maxConsolidationPreemptees: number;
  consolidatingReclaim: boolean;
  reclaimerUtilizationMultiplier: number;
  preemptMinRuntime: number;
  reclaimMinRuntime: number;
  preemptionDelay: number;
  timeBasedFairShare: boolean;
  kValue: number;
  usageWindow: number;
  usageWindowType: 'sliding' | 'tumbling';
  halfLife: number;
  maxScenariosPerJob: number;
}

const { gpuPlacement, cpuPlacement, maxConsolidationPreemptees, maxScenariosPerJob } = DEFAULT_CONFIG;
const placements = ['binpack', 'spread'] as const;

export const RUNAI_ARGS: Record<string, ArgSpec> = {
  schedulePeriod: { type: 'duration', min: 0.001, max: 3600, default: 1, about: 'time between two cycles' },
  decisionsPerSecond: {
    type: 'number',
    min: 0,
    max: 1e9,
    default: 0,
    about: 'workers it binds or evicts a second, 0 = any number; its published scale test shows about 10',
  },
  gpuPlacement: { type: 'choice', of: placements, default: gpuPlacement, about: 'pack GPUs on few nodes or spread' },
  cpuPlacement: { type: 'choice', of: placements, default: cpuPlacement, about: 'the same for work without GPUs' },
  consolidation: {
    type: 'boolean',
    default: true,
    about: 'move running jobs to make room for one that waits; never where anything is spread',
  },
  reclaim: { type: 'boolean', default: true, about: 'take back from other queues what they borrowed' },
  preempt: { type: 'boolean', default: true, about: 'displace lower priority within a queue' },
  maxConsolidationPreemptees: {
    type: 'number',
    min: -1,
    max: 1e6,
    default: maxConsolidationPreemptees,
    about: 'jobs that consolidation may move for one, -1 = any number',
  },
  consolidatingReclaim: {
    type: 'boolean',
    default: DEFAULT_CONFIG.allowConsolidatingReclaim,
    about: 'victims may be placed again elsewhere in the same decision',
  },
  reclaimerUtilizationMultiplier: {
    type: 'number',
    min: 1,
    max: 100,
    default: DEFAULT_CONFIG.reclaimerUtilizationMultiplier,
    about: 'a queue over its fair share must stay, times this, below the queue it reclaims from',
  },
  preemptMinRuntime: {
    type: 'duration',
    min: 0,
    max: 365 * DAY_S,
    default: DEFAULT_CONFIG.defaultPreemptMinRuntimeUs / SECOND_US,
    about: 'a job is not preempted before it ran this long',
  },
  reclaimMinRuntime: {
    type: 'duration',
    min: 0,
    max: 365 * DAY_S,
    default: DEFAULT_CONFIG.defaultReclaimMinRuntimeUs / SECOND_US,
    about: 'a job is not reclaimed before it ran this long',
  },
  preemptionDelay: {
    type: 'duration',
    min: 0,
    max: 365 * DAY_S,
    default: 0,
    about: 'a job displaces nobody before it waited this long',
  },
  timeBasedFairShare: {
    type: 'boolean',
    default: false,
    about: 'queues that used much lately get less of what is over quota',
  },
  kValue: {
    type: 'number',
    min: 0,
    max: 1000,
    default: DEFAULT_CONFIG.kValue,
    about: 'how strongly past use counts',
  },
  usageWindow: { type: 'duration', min: 60, max: 365 * DAY_S, default: 7 * DAY_S, about: 'how far back use counts' },
  usageWindowType: {
    type: 'choice',
    of: ['sliding', 'tumbling'],
    default: 'sliding',
    about: 'whether the window slides or starts anew when it is over',
  },
  halfLife: {
    type: 'duration',
    min: 0,
    max: 365 * DAY_S,
    default: 0,
    about: 'use this old counts half, 0 = all in the window counts alike',
  },
  maxScenariosPerJob: {
    type: 'number',
    min: 0,
    max: 1e9,
    default: maxScenariosPerJob,
    about: 'sets of victims tried for one job in one action, 0 = any number',
  },
};

/**
 * As a SchedulingShard sets the scheduler up (KAI-Scheduler d5bc503a, pkg/apis/kai/v1/schedulingshard_types.go): who spreads
 * GPUs spreads shares over GPUs too and prefers no GPU for being shared, and who spreads anything consolidates nothing.
 */
export function configOf(args: RunaiArgs): SchedulerConfig {
  const spreads = args.gpuPlacement === 'spread';
  const consolidates = args.consolidation && !spreads && args.cpuPlacement !== 'spread';
  const left = new Set<RankingPlugin>(spreads ? ['gpupack', 'gpusharingorder'] : ['gpuspread']);
  return {
    ...DEFAULT_CONFIG,
    plugins: new Set(RANKING_PLUGINS.filter((name) => !left.has(name))),
    actions: ACTIONS.filter(
      (name) =>
        (name !== 'consolidation' || consolidates) &&
        (name !== 'reclaim' || args.reclaim) &&
        (name !== 'preempt' || args.preempt),
    ),
    gpuPlacement: args.gpuPlacement,
    cpuPlacement: args.cpuPlacement,
    kValue: args.kValue,
    maxConsolidationPreemptees: args.maxConsolidationPreemptees,
    allowConsolidatingReclaim: args.consolidatingReclaim,
    reclaimerUtilizationMultiplier: args.reclaimerUtilizationMultiplier,
    defaultPreemptMinRuntimeUs: Math.round(args.preemptMinRuntime * SECOND_US),
    defaultReclaimMinRuntimeUs: Math.round(args.reclaimMinRuntime * SECOND_US),
    maxScenariosPerJob: args.maxScenariosPerJob,
  };
}

export function windowOf(args: RunaiArgs): UsageWindow {
  return {
    windowUs: Math.round(args.usageWindow * SECOND_US),
    kind: args.usageWindowType,
    halfLifeUs: Math.round(args.halfLife * SECOND_US),
    resolutionUs: 60 * SECOND_US,
  };
}
