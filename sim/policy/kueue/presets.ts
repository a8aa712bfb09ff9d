/**
 * Kueue's defaults by release and version of its configuration API. Sources: kubernetes-sigs/kueue
 * apis/kueue/v1beta2/clusterqueue_types.go, apis/config/v1beta1/defaults.go, apis/config/v1beta2/defaults.go,
 * pkg/cache/queue/inadmissible_workloads.go.
 */

export interface KueuePreset {
  queueingStrategy: 'BestEffortFIFO' | 'StrictFIFO';
  reclaimWithinCohort: 'Never' | 'LowerPriority' | 'Any';
  withinClusterQueue: 'Never' | 'LowerPriority' | 'LowerOrNewerEqualPriority';
  borrowWithinCohort: 'Never' | 'LowerPriority';
  whenCanBorrow: 'MayStopSearch' | 'TryNextFlavor';
  whenCanPreempt: 'MayStopSearch' | 'TryNextFlavor';
  flavorPreference: 'BorrowingOverPreemption' | 'PreemptionOverBorrowing';
  /** Strategies of fair sharing's preemption, in order. */
  preemptionStrategies: readonly ('LessThanOrEqualToFinalShare' | 'LessThanInitialShare')[];
  /** Parked workloads are tried again this long after quota was released in their cohort, seconds (pull 9232). */
  requeueBatchSeconds: number;
  /** waitForPodsReady, which is off unless configured: what holds once it is on. */
  podsReadyTimeoutSeconds: number;
  blockAdmission: boolean;
  backoffBaseSeconds: number;
  backoffMaxSeconds: number;
}

const V0_17: KueuePreset = {
  queueingStrategy: 'BestEffortFIFO',
  reclaimWithinCohort: 'Never',
  withinClusterQueue: 'Never',
  borrowWithinCohort: 'Never',
  whenCanBorrow: 'MayStopSearch',
  whenCanPreempt: 'TryNextFlavor',
  flavorPreference: 'BorrowingOverPreemption',
  preemptionStrategies: ['LessThanOrEqualToFinalShare', 'LessThanInitialShare'],
  requeueBatchSeconds: 1,
  podsReadyTimeoutSeconds: 1800,
  blockAdmission: false,
  backoffBaseSeconds: 60,
  backoffMaxSeconds: 3600,
};

export const PRESETS = {
  'v0.17/v1beta2': V0_17,
  'v0.17/v1beta1': { ...V0_17, podsReadyTimeoutSeconds: 300, blockAdmission: true },
} as const satisfies Record<string, KueuePreset>;
export type PresetName = keyof typeof PRESETS;
