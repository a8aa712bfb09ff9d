/** Remembers the smallest job that failed for each kind of constraint, so that no harder one is tried in the same action. */
import { type Group, isActiveAllocated, type Job, PENDING, type Session, TASK_STATUS_COLUMN } from './columns.ts';
import { hasPlaced } from './joborder.ts';

interface Failed {
  job: Job;
  /** null = part of it is placed. */
  shape: string | null;
  asks: Float64Array[];
}

export class SmallestFailed {
  private readonly byKind = new Map<string, Failed>();
  private readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  /** The job that failed and is no harder than this one; null = worth trying. */
  noEasierThan(job: Job): Job | null {
    const failed = this.byKind.get(kindOf(this.session, job));
    if (failed === undefined) return null;
    if (failed.shape !== null && failed.shape === shapeOf(this.session, job)) return failed.job;
    return easier(asksOfWaiting(this.session, job), failed.asks) ? null : failed.job;
  }

  add(job: Job): void {
    const kind = kindOf(this.session, job);
    const asks = asksOfWaiting(this.session, job);
    const failed = this.byKind.get(kind);
    if (failed !== undefined && !noLarger(asks, failed.asks)) return;
    this.byKind.set(kind, { job, shape: shapeOf(this.session, job), asks });
  }
}

function shapeOf(session: Session, job: Job): string | null {
  return hasPlaced(session, job) ? null : job.shape;
}

/** Topology wishes and the constraints of the tasks still to be placed. */
function kindOf(session: Session, job: Job): string {
  if (!hasPlaced(session, job)) return job.constraints;
  const status = session.columns[TASK_STATUS_COLUMN];
  return constraintsOf(session, job, (task) => !isActiveAllocated(status[task]));
}

export function constraintsOf({ facts }: Session, job: Job, counts: (task: number) => boolean): string {
  const kinds = job.sets.map((set) => {
    const waiting = set.tasks.filter(counts);
    if (waiting.length === 0) return '';
    let wishes = '';
    for (let group: Group | null = set; group !== null; group = group.parent) {
      const wish = group.topology;
      wishes += wish === null ? '|' : `|${wish.tree}/${wish.required}/${wish.preferred}`;
    }
    return `${wishes}:${waiting.map((task) => facts[task].constraints).sort((a, b) => a - b)}`;
  });
  return kinds.sort().join(';');
}

function asksOfWaiting({ facts, columns }: Session, job: Job): Float64Array[] {
  const status = columns[TASK_STATUS_COLUMN];
  const asks = job.tasks.filter((task) => status[task] === PENDING).map((task) => facts[task].asks);
  return asks.length < 2 ? asks : asks.sort((a, b) => (lessEqual(a, b) ? (lessEqual(b, a) ? 0 : -1) : 1));
}

function easier(asks: readonly Float64Array[], failed: readonly Float64Array[]): boolean {
  if (asks.length === 0 || failed.length === 0) return false;
  if (failed.length > asks.length) return true;
  for (let at = 0; at < failed.length; at++) {
    if (lessEqual(asks[at], failed[at]) && !lessEqual(failed[at], asks[at])) return true;
  }
  return false;
}

function noLarger(asks: readonly Float64Array[], failed: readonly Float64Array[]): boolean {
  if (asks.length === 0 || failed.length === 0 || asks.length > failed.length) return false;
  return asks.every((vector, at) => lessEqual(vector, failed[at]));
}

function lessEqual(a: Float64Array, b: Float64Array): boolean {
  for (let dim = 0; dim < a.length; dim++) if (a[dim] > b[dim]) return false;
  return true;
}
