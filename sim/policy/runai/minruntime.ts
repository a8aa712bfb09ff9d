/** How long a job may run before it can be a victim: set on queues, inherited from above, and for elastic jobs only for the core gang. */
import { type Job, SET_USED, type Session } from './columns.ts';

export function shieldedFromPreempt(session: Session, victim: Job): boolean {
  const { queues, config } = session;
  const path = queues.path[victim.queue];
  return shielded(session, victim, nearest(path, queues.preemptMinRuntimeUs) ?? config.defaultPreemptMinRuntimeUs);
}

export function shieldedFromReclaim(session: Session, reclaimer: Job, victim: Job): boolean {
  return shielded(session, victim, reclaimMinRuntime(session, reclaimer.queue, victim.queue));
}

/** Running time shields jobs of the queue from the other at all. */
export function shieldsFromReclaim(session: Session, reclaimer: number, victim: number): boolean {
  return reclaimMinRuntime(session, reclaimer, victim) > 0;
}

/** Some job may be shielded now and not later. */
export function shieldsByTime({ queues, config }: Session): boolean {
  const asked = (us: number | null): boolean => us !== null && us > 0;
  return (
    asked(config.defaultPreemptMinRuntimeUs) ||
    asked(config.defaultReclaimMinRuntimeUs) ||
    queues.preemptMinRuntimeUs.some(asked) ||
    queues.reclaimMinRuntimeUs.some(asked)
  );
}

function reclaimMinRuntime({ queues, config }: Session, reclaimer: number, victim: number): number {
  const path = queues.path[victim];
  const own = queues.path[reclaimer];
  let asked = path;
  if (config.reclaimResolveMethod === 'lca') {
    // Down to the victim's queue just below the lowest common ancestor; unrelated trees part at the top.
    let common = 0;
    while (common < Math.min(path.length, own.length) && path[common] === own[common]) common++;
    asked = path.slice(0, Math.min(common + 1, path.length));
  }
  return nearest(asked, queues.reclaimMinRuntimeUs) ?? config.defaultReclaimMinRuntimeUs;
}

/** The value of the last queue on the way that has one. */
function nearest(path: readonly number[], values: readonly (number | null)[]): number | null {
  for (const queue of path.toReversed()) {
    const value = values[queue];
    if (value !== null) return value;
  }
  return null;
}

function shielded({ nowUs }: Session, { startedUs }: Job, minRuntimeUs: number): boolean {
  return startedUs !== null && nowUs < startedUs + minRuntimeUs;
}

/** A shielded elastic job may lose only its surplus. As the search's statement has left it. */
export function keepsItsCore({ columns, facts }: Session, victim: Job, tasks: readonly number[]): boolean {
  return victim.sets.every((set) => {
    const lost = tasks.filter((task) => facts[task].set.row === set.row).length;
    return lost === 0 || columns[SET_USED][set.row] - lost >= set.min;
  });
}
