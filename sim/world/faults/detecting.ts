/** Who notices a fault, and when: steps that are scheduled as it strikes. */
import type { How } from '../../cluster/recovery.ts';
import { RUNNING } from '../../cluster/view.ts';
import { JOB_CLASSES } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Faults, Open } from './faults.ts';
import { FAULT_KINDS, type FaultKind, REPAIRS } from './kinds.ts';
import { isService, isSingle } from './victims.ts';

/** Steps: the event is seen, a stalled job or a death is noticed, the node is taken out of service. */
export const SEEN = 0;
export const STALL = 1;
export const DEATH = 2;
export const CLOSE = 3;
/** A death that only a person deals with. */
export const PERSON = 4;

export const HOW: Record<FaultKind['symptom'], How> = {
  crash: 'exit',
  silent: 'silence',
  hang: 'timeout',
  idle: 'timeout',
  slow: 'timeout',
  corrupt: 'timeout',
  pause: 'timeout',
  none: 'event',
};
export const SEEN_AS: Record<How, string> = {
  event: 'the event code is in the telemetry',
  utilization: 'the mean utilisation has fallen below the threshold',
  exit: 'its process has ended',
  silence: 'its node does not answer',
  timeout: 'its collective has timed out',
};

export function planSteps(faults: Faults, id: number, struck: Open, fires: boolean): void {
  const { engine, recovery, scenario } = faults.host;
  const { stack, faultTolerance: policy } = recovery.settings;
  const kind = FAULT_KINDS[struck.kind];
  const { now } = engine;
  const name = scenario.nodes.names[struck.nodes[0]];
  const seenUs = faults.telemetry.seenUs(name, now);
  if (fires) scheduleStep(faults, id, struck, seenUs, SEEN);
  const deathUs =
    kind.symptom === 'hang' || kind.symptom === 'idle'
      ? now + stack.hangUs
      : kind.symptom !== 'silent'
        ? now + stack.exitUs
        : // A node that is not there when the exporter is scraped is seen to be missing.
          Math.min(now + stack.nodeDownUs, stack.events ? seenUs : Infinity);
  const watches = policy !== undefined && policy.utilizationDropThreshold >= 0;
  let stallUs = Infinity;
  if (kind.symptom === 'idle' && watches && stack.events) {
    for (const job of struck.jobs) stallUs = Math.min(stallUs, fallSeenUs(faults, name, job));
    if (stallUs < deathUs) scheduleStep(faults, id, struck, stallUs, STALL);
  }
  // What the policy has taken care of by then finds nothing left to do.
  if (kind.symptom !== 'none') {
    const alone = struck.jobs.filter((job) => byPerson(faults, job));
    if (struck.jobs.length > alone.length)
      scheduleStep(faults, id, struck, fires ? Math.max(deathUs, seenUs) : deathUs, DEATH);
    if (alone.length > 0) scheduleStep(faults, id, struck, recovery.personDoneUs(deathUs), PERSON);
  }
  const policyWants = fires && kind.symptom === 'none';
  if (policyWants) struck.repair = 'gpu-reset';
  if (REPAIRS.indexOf(struck.repair) < REPAIRS.indexOf('gpu-reset')) return;
  // DCGM's own verdict takes another watch interval; an XID speaks for itself.
  const known = stack.events && (kind.xid > 0 || kind.dcgm !== '') ? seenUs + (kind.xid > 0 ? 0 : 30e6) : deathUs;
  scheduleStep(faults, id, struck, stack.closeUs < 0 ? recovery.personDoneUs(known) : known + stack.closeUs, CLOSE);
}

export function fallSeenUs(faults: Faults, node: string, job: number): number {
  const { scenario, recovery, jobs, engine } = faults.host;
  const policy = recovery.settings.faultTolerance;
  const klass = JOB_CLASSES[scenario.jobs.class[job]];
  // A notebook that is idle is a notebook.
  if (policy === undefined || (klass !== 'training' && klass !== 'batch') || jobs.status[job] < RUNNING)
    return Infinity;
  const { utilizationDropThreshold, utilizationWindowUs } = policy;
  const level = scenario.jobs.useMilli[job] / 1000;
  return faults.telemetry.fallSeenUs(
    node,
    engine.now,
    faults.steppedUs[job],
    level,
    utilizationDropThreshold,
    utilizationWindowUs,
  );
}

/** Whether only a person brings it back. */
export function byPerson(faults: Faults, job: number): boolean {
  const { recovery, scenario } = faults.host;
  return recovery.settings.stack.gang === 'person' && !isSingle(faults, job) && !isService(scenario, job);
}

export function scheduleStep(faults: Faults, id: number, struck: Open, atUs: number, step: number): void {
  if (!(atUs <= Number.MAX_SAFE_INTEGER)) return;
  struck.steps++;
  faults.host.engine.schedule(atUs, PRIORITY.faultStep, KIND.faultStep, id, step);
}
