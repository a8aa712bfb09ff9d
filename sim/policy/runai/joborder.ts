/** Jobs in the order in which they are tried: down the tree of queues to the best queue, then its best job. */
import { type Job, type JobView, type QueueRank, SET_ALLOCATED, SET_PENDING, type Session } from './columns.ts';
import { Heap } from './heap.ts';
import { compareRanks, rankQueue } from './queueorder.ts';
import { asksOf, elasticity, holdsOf } from './subgroups.ts';

/** Higher priority; below its minimum, then at it, then above; older; by name. */
export function jobComparison(session: Session): (left: JobView, right: JobView) => number {
  const { plugins } = session.config;
  const byPriority = plugins.has('priority');
  const byNeed = plugins.has('elastic');
  return (left, right) => {
    const a = left.job;
    const b = right.job;
    if (byPriority && a.priority !== b.priority) return b.priority - a.priority;
    if (byNeed) {
      const order = elasticity(session, left) - elasticity(session, right);
      if (order !== 0) return order;
    }
    return a.createdUs - b.createdUs || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  };
}

/** Jobs of each queue, in the order in which they come up. */
export type Lists = Map<number, readonly JobView[]>;

/** `victims`: the last to be served comes first. */
export function listsOf(session: Session, victims: boolean, jobs: Iterable<JobView>): Lists {
  const lists = new Map<number, JobView[]>();
  for (const view of jobs) {
    const list = lists.get(view.job.queue);
    if (list === undefined) lists.set(view.job.queue, [view]);
    else list.push(view);
  }
  for (const list of lists.values()) sortJobs(session, victims, list);
  return lists;
}

export function sortJobs(session: Session, victims: boolean, list: JobView[]): void {
  const compare = jobComparison(session);
  list.sort(victims ? (a, b) => compare(b, a) : compare);
}

interface Branch {
  queue: number;
  parent: Branch | null;
  /** Of an inner queue; null = it has jobs. */
  branches: Heap<Branch> | null;
  list: readonly JobView[];
  at: number;
  /** Jobs that came later; null = none ever did. */
  late: Heap<JobView> | null;
  /** Its place among its siblings may have changed. */
  stale: boolean;
  /** What its victims so far held. */
  taken: Float64Array | null;
  rank: QueueRank | null;
  /** What the rank was made of. */
  rankedHead: JobView | null;
  rankedVersion: number;
}

const unranked = (): QueueRank => ({
  queue: -1,
  version: -1,
  overShare: false,
  withinDeserved: false,
  usesWithoutShare: false,
  dominant: 0,
  dominantBare: 0,
});

/** The rank of a queue whose best job asks for that much, made anew only where either changed: searches ask over and over. */
function rankFor(session: Session, queue: number, asks: Float64Array): QueueRank {
  const { ranked, version } = session.queues;
  let rank = ranked[queue].get(asks);
  if (rank === undefined) {
    rank = unranked();
    ranked[queue].set(asks, rank);
  }
  if (rank.version !== version[queue]) {
    rank.version = version[queue];
    rankQueue(session, queue, asks, null, null, rank);
  }
  return rank;
}

export class JobOrder {
  private readonly session: Session;
  private readonly victims: boolean;
  private readonly compare: (left: JobView, right: JobView) => number;
  private readonly top: Heap<Branch>;
  private readonly branches = new Map<number, Branch>();
  /** Kept when a queue has run out of jobs: some may come back. */
  private readonly taken = new Map<number, Float64Array>();

  constructor(session: Session, victims: boolean, lists: Lists) {
    this.session = session;
    this.victims = victims;
    this.compare = jobComparison(session);
    this.top = this.heapOfBranches();
    for (const [queue, list] of lists) {
      if (queue < 0 || list.length === 0 || !session.queues.leaf[queue]) continue;
      const branch = this.open(queue, true);
      branch.list = list;
      this.link(branch);
      for (let at: Branch | null = branch; at !== null; at = at.parent) at.stale = true;
    }
  }

  get empty(): boolean {
    return this.top.items.length === 0;
  }

  push(view: JobView): void {
    const { queue } = view.job;
    const known = this.branches.get(queue);
    const branch = known ?? this.open(queue, true);
    branch.late ??= new Heap((a, b) => this.before(a, b));
    branch.late.push(view);
    if (known === undefined) this.link(branch);
    for (let at: Branch | null = branch; at !== null; at = at.parent) at.stale = true;
  }

  pop(): JobView {
    let heap = this.top;
    for (;;) {
      const branch = heap.items[0];
      if (branch.stale) {
        branch.stale = false;
        heap.settleTop();
      } else if (branch.branches !== null) {
        heap = branch.branches;
      } else {
        const view = this.take(branch);
        this.close(branch);
        return view;
      }
    }
  }

  private take(branch: Branch): JobView {
    const view = this.head(branch) as JobView;
    if (branch.late !== null && branch.late.items[0] === view) branch.late.pop();
    else branch.at++;
    if (this.victims) {
      branch.taken ??= new Float64Array(this.session.dims);
      this.taken.set(branch.queue, branch.taken);
      const holds = holdsOf(this.session, view);
      for (let dim = 0; dim < holds.length; dim++) branch.taken[dim] += holds[dim];
    }
    return view;
  }

  private head(branch: Branch): JobView | null {
    const listed = branch.at < branch.list.length ? branch.list[branch.at] : null;
    if (branch.late === null || branch.late.items.length === 0) return listed;
    const late = branch.late.items[0];
    return listed === null || this.before(late, listed) ? late : listed;
  }

  private before(a: JobView, b: JobView): boolean {
    return this.compare(a, b) < 0 !== this.victims;
  }

  /** Removes branches that have run empty; the others' place may have changed. */
  private close(branch: Branch): void {
    for (let at: Branch | null = branch; at !== null; at = at.parent) {
      const empty = at.branches === null ? this.head(at) === null : at.branches.items.length === 0;
      if (empty) {
        (at.parent?.branches ?? this.top).pop();
        this.branches.delete(at.queue);
      } else {
        at.stale = true;
      }
    }
  }

  private open(queue: number, leaf: boolean): Branch {
    const branch: Branch = {
      queue,
      parent: null,
      branches: leaf ? null : this.heapOfBranches(),
      list: [],
      at: 0,
      late: null,
      stale: false,
      taken: this.taken.get(queue) ?? null,
      rank: null,
      rankedHead: null,
      rankedVersion: -1,
    };
    this.branches.set(queue, branch);
    return branch;
  }

  private link(branch: Branch): void {
    const above = this.session.queues.parent[branch.queue];
    if (above < 0) {
      this.top.push(branch);
      return;
    }
    const known = this.branches.get(above);
    const parent = known ?? this.open(above, false);
    branch.parent = parent;
    parent.branches?.push(branch);
    if (known === undefined) this.link(parent);
  }

  private heapOfBranches(): Heap<Branch> {
    return new Heap(this.goesFirst);
  }

  private readonly goesFirst = (a: Branch, b: Branch): boolean => {
    const left = this.ranked(a);
    const right = this.ranked(b);
    if (left === null) return !this.victims;
    if (right === null) return this.victims;
    return compareRanks(this.session, left, right) < 0 !== this.victims;
  };

  /** By its best job, however far below; null = it has none. */
  private ranked(branch: Branch): QueueRank | null {
    let leaf = branch;
    while (leaf.branches !== null) {
      if (leaf.branches.items.length === 0) return null;
      leaf = leaf.branches.items[0];
    }
    const head = this.head(leaf);
    if (head === null) return null;
    const { session } = this;
    const version = session.queues.version[branch.queue];
    if (branch.rankedHead === head && branch.rankedVersion === version) return branch.rank;
    if (this.victims) {
      branch.rank ??= unranked();
      rankQueue(session, branch.queue, null, leaf.taken, holdsOf(session, head), branch.rank);
    } else {
      branch.rank = rankFor(session, branch.queue, asksOf(session, head));
    }
    branch.rankedHead = head;
    branch.rankedVersion = version;
    return branch.rank;
  }
}

export const hasPending = ({ columns }: Session, job: Job): boolean => anySet(columns[SET_PENDING], job);

export const hasPlaced = ({ columns }: Session, job: Job): boolean => anySet(columns[SET_ALLOCATED], job);

function anySet(column: Float64Array, { sets }: Job): boolean {
  for (const { row } of sets) if (column[row] > 0) return true;
  return false;
}
