/** What becomes of a job that a fault has struck: by a FaultTolerancePolicy if one fires, else as the stack does by itself. */
import type { Notice, Reaction, Recovery } from '../../cluster/recovery.ts';
import { DAY_US, HOUR_US, MINUTE_US, type RecoverySettings, type Scenario } from '../../scenario.ts';

export function recoveryFor(settings: RecoverySettings, scenario: Scenario): Recovery {
  const { stack, faultTolerance: policy } = settings;
  const personDoneUs = (us: number) => workingTime(us, scenario, stack.person) + stack.person.takesUs;
  const byStack = (notice: Notice): Reaction => {
    const answer = (action: Reaction['action'], notBeforeUs: number, reason: string): Reaction => ({
      action,
      notBeforeUs,
      byPolicy: false,
      reason,
    });
    const { nowUs, single, service, unfit, alive } = notice;
    if (alive) return answer('leave', nowUs, `${stack.name} takes no notice of it`);
    if (single && !unfit && stack.single === 'in-place') return answer('restart', nowUs, 'its pod is started in place');
    if (single || service || stack.gang === 'requeue') {
      return answer('reschedule', nowUs + stack.requeueDelayUs, `${stack.name} queues it again`);
    }
    // Its time is that of the person, so it is noticed and done in one.
    return answer('reschedule', nowUs, 'a person submits it again');
  };
  return {
    settings,
    personDoneUs,
    firesOn: (xid) => policy !== undefined && xid > 0 && policy.eventCodes.includes(xid),
    react(notice) {
      const fires =
        policy !== undefined &&
        ((notice.how === 'event' && policy.eventCodes.includes(notice.xid)) || notice.how === 'utilization');
      if (!fires) return byStack(notice);
      const { name, action, maxRescheduleAttempts: most, rescheduleDelayUs } = policy;
      const { nowUs, attempts, alive, unfit, elastic, spares } = notice;
      const why = notice.how === 'event' ? `XID ${notice.xid}` : `${policy.utilizationField} below its threshold`;
      const answer = (what: Reaction['action'], notBeforeUs: number, rest: string): Reaction => ({
        action: what,
        notBeforeUs,
        byPolicy: true,
        reason: `${name} fires on ${why}: ${action}${rest}`,
      });
      if (action === 'Ignore') {
        if (!alive) return { ...byStack(notice), reason: `${name} ignores ${why}; ${byStack(notice).reason}` };
        return answer('leave', nowUs, '');
      }
      if (most >= 0 && attempts >= most) {
        return answer('fail', nowUs, `, but its ${most} attempts (maxRescheduleAttempts) are used up`);
      }
      if (action === 'RestartInPlace' && !unfit && !alive) return answer('restart', nowUs, '');
      if (action === 'ShrinkElastic' && elastic) return answer('shrink', nowUs, ', it goes on without them');
      if (action === 'HotSpare' && spares > 0) return answer('spare', nowUs, ', a spare node takes its place');
      const instead = action === 'CheckpointAndReschedule' ? '' : ' is not possible, it is rescheduled';
      const saved = alive ? ', it writes a checkpoint first' : ', from the last complete checkpoint: its state is gone';
      return answer('reschedule', nowUs + rescheduleDelayUs, `${instead}${saved}`);
    },
  };
}

/** The first moment at or after `us` at which people work. */
export function workingTime(us: number, scenario: Scenario, person: RecoverySettings['stack']['person']): number {
  const { startEpochSeconds, utcOffsetMinutes } = scenario;
  const shift = startEpochSeconds * 1_000_000 + utcOffsetMinutes * MINUTE_US;
  for (let at = us; ; ) {
    const local = at + shift;
    const midnight = Math.floor(local / DAY_US) * DAY_US;
    // 1 January 1970 was a Thursday; 0 = Sunday.
    const weekday = (((midnight / DAY_US + 4) % 7) + 7) % 7;
    const works = person.weekends || (weekday !== 0 && weekday !== 6);
    const from = midnight + person.fromHour * HOUR_US;
    const to = midnight + person.toHour * HOUR_US;
    if (works && local < to) return Math.max(at, from - shift);
    at = midnight + DAY_US - shift;
  }
}
