/** Stale gang eviction: a gang that fell below its minimum while running is evicted whole after its grace. */

import { isActiveAllocated, type Report, type Session, TASK_STATUS_COLUMN } from './columns.ts';
import { commit, evict } from './statement.ts';
import { isStale } from './subgroups.ts';

export function staleGangAction(session: Session, report: Report): void {
  for (const job of session.jobs.values()) {
    if (!isStale(session, job)) {
      job.staleSinceUs = null;
      continue;
    }
    job.staleSinceUs ??= session.nowUs;
    if (job.stalenessGraceUs < 0 || session.nowUs - job.staleSinceUs < job.stalenessGraceUs) continue;
    for (const task of job.tasks) {
      if (isActiveAllocated(session.columns[TASK_STATUS_COLUMN][task])) evict(session, task);
    }
    const operations = commit(session);
    if (operations.length > 0) report(operations, job);
  }
}
