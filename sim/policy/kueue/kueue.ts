/**
 * Kueue: quota first, nodes afterwards. Workloads are admitted whole when their ClusterQueue has quota for them, its own
 * or borrowed from its cohort; where their pods go is somebody else's decision, so that a fragmented cluster takes quota
 * and starts nothing. Sources: kubernetes-sigs/kueue site/content/en/docs/concepts (cluster_queue, cohort, preemption,
 * fair_sharing), apis/, keps/79-hierarchical-cohorts, keps/1714-fair-sharing, and pkg/scheduler as each file here says;
 * defaults in presets.ts. Versions: v0.17 with one v1beta2 rule of later releases (a flavour without preemption
 * candidates ranks below all others that could be assigned).
 *
 * Left out: topology-aware scheduling, admission checks, MultiKueue, admission fair sharing, partial admission and
 * elastic workloads (a gang is admitted with all its workers), concurrent admission, StopPolicy, the memory of the last
 * flavour tried, recoveryTimeout (a workload whose node dies is queued again), the back-off's jitter of 0.01 %.
 */

import { PENDING, STARTING, TERMINATING } from '../../cluster/view.ts';
import { PLACERS } from '../packing/index.ts';
import type { ArgSpec, PolicyFactory } from '../policy.ts';
import { runCycles } from './cycle.ts';
import { answerCalls, enqueue } from './lines.ts';
import { type Memory, type Settings, say, type Turn } from './memory.ts';
import { bindPods, deletePods, endBackoffs, evictUnready, nextPodEvent } from './pods.ts';
import { PRESETS, type PresetName } from './presets.ts';
import { release } from './release.ts';
import { openMemory, type QueueArgs } from './setup.ts';

interface Args extends QueueArgs {
  preset: PresetName;
  fairSharing: boolean;
  preemptionStrategies: string;
  waitForPodsReady: boolean;
  podsReadyTimeout: number;
  blockAdmission: string;
  backoffBase: number;
  backoffMax: number;
  backoffLimitCount: number;
  admissionsPerSecond: number;
  placement: string;
}

const stated = (about: string, ...of: string[]): ArgSpec => ({
  type: 'choice',
  of: ['stated', ...of],
  default: 'stated',
  about: `${about}; stated = as the ClusterQueue says, or the preset`,
});
const fromPreset = (about: string): ArgSpec => ({
  type: 'duration',
  min: 0,
  max: 31_536_000,
  default: 0,
  about: `${about}; 0 = the preset's`,
});

export const kueue: PolicyFactory = {
  name: 'kueue',
  about: "Kueue: quota by ClusterQueue and cohort, borrowing, reclaim; blind to where an admitted workload's pods fit",
  args: {
    preset: {
      type: 'choice',
      of: Object.keys(PRESETS),
      default: 'v0.17/v1beta2',
      about: 'release and configuration API whose defaults hold',
    },
    queueingStrategy: stated('whether a head that does not fit blocks its queue', 'BestEffortFIFO', 'StrictFIFO'),
    reclaimWithinCohort: stated('whom a queue within its quota preempts in others', 'Never', 'LowerPriority', 'Any'),
    withinClusterQueue: stated(
      'whom a workload preempts in its own queue',
      'Never',
      'LowerPriority',
      'LowerOrNewerEqualPriority',
    ),
    borrowWithinCohort: stated('whether a borrowing workload preempts in other queues', 'Never', 'LowerPriority'),
    maxPriorityThreshold: {
      type: 'number',
      min: -1,
      max: 2_147_483_647,
      default: -1,
      about: 'highest priority that a borrowing workload preempts; -1 = as stated, or any',
    },
    whenCanBorrow: stated('whether borrowing ends the search for a flavour', 'MayStopSearch', 'TryNextFlavor'),
    whenCanPreempt: stated('whether preempting ends the search for a flavour', 'MayStopSearch', 'TryNextFlavor'),
    flavorPreference: stated(
      'which of two flavours is better, if neither is free',
      'BorrowingOverPreemption',
      'PreemptionOverBorrowing',
    ),
    fairSharing: { type: 'boolean', default: false, about: 'order and preemption by dominant resource share' },
    preemptionStrategies: {
      type: 'choice',
      of: ['preset', 'LessThanOrEqualToFinalShare', 'LessThanInitialShare'],
      default: 'preset',
      about: "fair sharing's strategies of preemption: the preset's (first the one, then the other), or one alone",
    },
    waitForPodsReady: {
      type: 'boolean',
      default: false,
      about: 'evict workloads whose pods are not all bound in time',
    },
    podsReadyTimeout: fromPreset('time an admitted workload has to become ready'),
    blockAdmission: {
      type: 'choice',
      of: ['preset', 'true', 'false'],
      default: 'preset',
      about: 'with waitForPodsReady: nobody is admitted until all admitted workloads are ready',
    },
    backoffBase: fromPreset('first back-off after an eviction by the timeout, doubled each time'),
    backoffMax: fromPreset('longest back-off'),
    backoffLimitCount: {
      type: 'number',
      min: -1,
      max: 1_000_000,
      default: -1,
      about: 'evictions by the timeout until a workload is given up; -1 = it never is',
    },
    lendPercent: {
      type: 'number',
      min: 0,
      max: 100,
      default: 100,
      about: 'share of its quota that a project lends to others, where ClusterQueues are made of projects',
    },
    spareQuota: {
      type: 'boolean',
      default: true,
      about: 'GPUs that no project deserves are quota of the root cohort, where ClusterQueues are made of projects',
    },
    nodeAffinity: {
      type: 'boolean',
      default: true,
      about:
        'workloads name, as node affinity, the pools with a node that could hold their widest pod; ' +
        'false = any of their pools, so that quota may send them where they never fit',
    },
    admissionsPerSecond: {
      type: 'number',
      min: 0,
      max: 1_000_000,
      default: 0,
      about: "the controller's speed; 0 = unlimited",
    },
    placement: {
      type: 'choice',
      of: ['kube-scheduler', ...PLACERS.map((placer) => placer.name)],
      default: 'kube-scheduler',
      about: 'who binds pods: kube-scheduler, one by one, or a placement policy, a workload at a time',
    },
  },
  wholeGpusOnly: true,
  create: (args: Args) => {
    const settings = settingsOf(args);
    return {
      name: 'kueue',
      periodUs: 0,
      init: (scenario) => openMemory(scenario, args, settings),
      decide(view, memory: Memory, now, stream) {
        const turn: Turn = { view, memory, settings, now, actions: [] };
        takeLeave(turn);
        takeIn(turn);
        answerCalls(turn);
        evictUnready(turn);
        endBackoffs(turn);
        // Binding pods may make workloads ready that admission waits for, and admission brings new pods.
        for (let before = -1; before !== turn.actions.length + memory.admissions.size; ) {
          before = turn.actions.length + memory.admissions.size;
          runCycles(turn);
          bindPods(turn, stream);
          if (!settings.blockAdmission) break;
        }
        return { actions: turn.actions, state: memory, wakeAt: wakeAt(turn) };
      },
    };
  },
};

function settingsOf(args: Args): Settings {
  const preset = PRESETS[args.preset];
  const or = (given: number, otherwise: number) => (given === 0 ? otherwise : given);
  return {
    preset,
    fairSharing: args.fairSharing,
    strategies:
      args.preemptionStrategies === 'preset'
        ? preset.preemptionStrategies
        : [args.preemptionStrategies as Settings['strategies'][number]],
    waitForPodsReady: args.waitForPodsReady,
    podsReadyTimeoutUs: Math.round(or(args.podsReadyTimeout, preset.podsReadyTimeoutSeconds) * 1_000_000),
    blockAdmission: args.blockAdmission === 'preset' ? preset.blockAdmission : args.blockAdmission === 'true',
    backoffBaseSeconds: or(args.backoffBase, preset.backoffBaseSeconds),
    backoffMaxSeconds: or(args.backoffMax, preset.backoffMaxSeconds),
    backoffLimitCount: args.backoffLimitCount,
    admissionUs: args.admissionsPerSecond === 0 ? 0 : 1_000_000 / args.admissionsPerSecond,
    placement: args.placement === 'kube-scheduler' ? '' : args.placement,
  };
}

/** Workloads that freed their GPUs, at their end or because they had to: their quota comes back. */
function takeLeave(turn: Turn): void {
  const { memory, view } = turn;
  const unbound = new Set<number>();
  for (const job of view.left) {
    const active = view.status[job] >= STARTING && view.status[job] <= TERMINATING;
    const admission = memory.admissions.get(job);
    if (active || admission === undefined || memory.cycle?.released.includes(job)) continue;
    if (!admission.ready) unbound.add(job);
    if (!admission.ready && !admission.evicted) memory.notReady--;
    if (memory.cycle === null) release(turn, job);
    else memory.cycle.released.push(job);
    admission.evicted = true;
  }
  if (unbound.size > 0) deletePods(turn, unbound);
}

/** New workloads, and those that come back. */
function takeIn(turn: Turn): void {
  const { memory, view } = turn;
  for (const job of view.pended) {
    if (view.status[job] !== PENDING) continue;
    memory.said[job] = 0;
    const queue = memory.queueOfProject[view.scenario.jobs.project[job]];
    if (queue < 0) say(turn, job, 'Misconfigured', 'no ClusterQueue takes workloads of its project');
    else if (!memory.backingOff.some((entry) => entry.job === job)) enqueue(turn, queue, job);
  }
}

function wakeAt(turn: Turn): number {
  const { memory, now } = turn;
  let soonest = nextPodEvent(turn);
  if (memory.calls.length > 0) soonest = Math.min(soonest, memory.calls[0].atUs);
  if (memory.cycle !== null && memory.busyUntilUs > now) soonest = Math.min(soonest, Math.ceil(memory.busyUntilUs));
  return soonest;
}
