/** A cycle: shares are divided, then each action runs in turn on what the one before has left. */
import { allocateAction } from './allocate.ts';
import { type Job, type Operation, type Report, type Session, TASK_NODE } from './columns.ts';
import type { ActionName } from './config.ts';
import { displaceAction } from './displace.ts';
import { divideShares } from './queues.ts';
import { whyEvicted, whyPlaced } from './reasons.ts';
import { staleGangAction } from './stale.ts';
import { groupsOf, leavingFrom } from './statement.ts';
import { tidy } from './upkeep.ts';

export interface Decision {
  /** bind: start now; pipeline: promised, once what is leaving has left; evict: leave now. */
  kind: 'bind' | 'pipeline' | 'evict';
  action: ActionName;
  job: string;
  task: string;
  /** Where it is to go; of an eviction, where it was. */
  node: string;
  /** The shared GPUs it is to sit on. */
  gpuGroups: string[];
  /** The job for whose sake it must leave or move; null = its own. */
  forJob: string | null;
  /** One sentence: which rule, whose share, which node. */
  reason: string;
}

/** Decides, and leaves the session as it decided. Why a job still waits: `whyWaiting` (waiting.ts), until the next cycle. */
export function runCycle(session: Session): Decision[] {
  session.waits.clear();
  session.loose.clear();
  tidy(session);
  divideShares(session);
  const decisions: Decision[] = [];
  for (const action of session.config.actions) {
    const report: Report = (operations, job) => {
      describe(session, action, operations, job, decisions);
    };
    if (action === 'allocate') allocateAction(session, report);
    else if (action === 'stalegangeviction') staleGangAction(session, report);
    else displaceAction(session, action, report);
  }
  return decisions;
}

function describe(
  session: Session,
  action: ActionName,
  operations: readonly Operation[],
  job: Job,
  decisions: Decision[],
): void {
  const { columns, facts, nodes, slots } = session;
  for (const { kind, task } of operations) {
    const node = columns[TASK_NODE][task];
    const leaving = leavingFrom(session, task);
    const moved = leaving >= 0 && kind === 'evict' ? nodes.name[node] : null;
    const promised = kind === 'pipeline';
    decisions.push({
      kind: kind === 'allocate' ? 'bind' : promised ? 'pipeline' : 'evict',
      action,
      job: facts[task].job.name,
      task: facts[task].state.name,
      node: nodes.name[moved === null ? node : leaving],
      gpuGroups: kind === 'evict' ? [] : groupsOf(session, task).map((slot) => slots.label[slot]),
      forJob: facts[task].job === job ? null : job.name,
      reason:
        kind === 'evict'
          ? whyEvicted(session, action, task, job, moved)
          : whyPlaced(session, action, task, node, promised),
    });
  }
}
