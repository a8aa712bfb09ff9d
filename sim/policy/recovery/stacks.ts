/** What each stack does about faults by itself, as data: docs/faults.md has the sources. */
import {
  MINUTE_US,
  type RecoverySettings,
  type Scenario,
  SECOND_US,
  type StackSettings,
  type TelemetrySettings,
} from '../../scenario.ts';

/** Manual diagnosis takes more than 30 min on average (Minder, arXiv 2411.01791). Working hours are assumed. */
const PERSON: StackSettings['person'] = { takesUs: 30 * MINUTE_US, fromHour: 9, toHour: 17, weekends: false };
/** A collective's default timeout (arXiv 2509.16293). */
const COLLECTIVE_US = 10 * MINUTE_US;
/** The kubelet looks at its containers every few seconds (assumed 10 s, as its first restart back-off). */
const EXIT_US = 10 * SECOND_US;
/** node-monitor-grace-period 40 s + the default toleration of an unreachable node, 300 s. */
const EVICTION_US = 340 * SECOND_US;

const kubernetes: StackSettings = {
  name: 'kubernetes',
  exitUs: EXIT_US,
  nodeDownUs: EVICTION_US,
  hangUs: COLLECTIVE_US,
  gang: 'person',
  single: 'in-place',
  requeueDelayUs: 0,
  // The device plugin takes a GPU with a critical XID out of what can be asked for.
  closeUs: 0,
  repairBy: 'person',
  neighbours: 'wait',
  events: false,
  person: PERSON,
};

export const STACK_SETTINGS: readonly StackSettings[] = [
  kubernetes,
  // requeuingStrategy.backoffBaseSeconds: 60
  { ...kubernetes, name: 'kueue', gang: 'requeue', single: 'requeue', requeueDelayUs: 60 * SECOND_US },
  {
    ...kubernetes,
    name: 'slurm',
    // SlurmdTimeout
    nodeDownUs: 300 * SECOND_US,
    gang: 'requeue',
    single: 'requeue',
    // A requeued job may start once its old credential has expired (cred_expire, 120 s).
    requeueDelayUs: 121 * SECOND_US,
    // HealthCheckInterval as at Meta's RSC: every 5 min (arXiv 2410.21680).
    closeUs: 5 * MINUTE_US,
  },
  { ...kubernetes, name: 'runai', gang: 'requeue', single: 'requeue' },
  {
    ...kubernetes,
    name: 'mission-control',
    gang: 'requeue',
    single: 'requeue',
    repairBy: 'machine',
    neighbours: 'evacuate',
    events: true,
  },
];

/** Exporter and scraper as shipped; `seed`: the 10 s of the guide that simsup started from. */
export const TELEMETRY: Record<'shipped' | 'seed', TelemetrySettings> = {
  shipped: { exporterUs: 30 * SECOND_US, scrapeUs: 15 * SECOND_US },
  seed: { exporterUs: 10 * SECOND_US, scrapeUs: 0 },
};

/** Settings of a stack by name; of the stack that goes with a policy where none is named. */
export function stackNamed(name: string): StackSettings {
  const found = STACK_SETTINGS.find((stack) => stack.name === name);
  if (found === undefined) throw new Error(`there is no stack '${name}'`);
  return found;
}

export function stackFor(policy: string): StackSettings {
  // Slurm's own policies keep a requeued job waiting themselves.
  if (policy.startsWith('slurm')) return { ...stackNamed('slurm'), requeueDelayUs: 0 };
  if (policy === 'kubernetes' || policy === 'kueue') return stackNamed(policy);
  return stackNamed('runai');
}

/** Averaging window of utilisation where a policy names none (assumed). */
export const UTILIZATION_WINDOW_US = 5 * MINUTE_US;

/** As the scenario says; what it leaves open is as the stack that goes with its policy. */
export function recoveryOf({ recovery, policy }: Pick<Scenario, 'recovery' | 'policy'>): RecoverySettings {
  const stack = stackFor(policy.name);
  if (recovery === undefined) return { stack, telemetry: TELEMETRY.shipped, spares: [] };
  return recovery.stackOfPolicy === true ? { ...recovery, stack } : recovery;
}
