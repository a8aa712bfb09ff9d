/** Jobs in the order in which they are tried: down the tree of queues to the best queue, then its best job. */
import { type Job, type JobView, type QueueRank, SET_ALLOCATED, SET_PENDING, type Session } from './columns.ts';
import { Heap } from './heap.ts';
import { compareRanks, rankQueue } from './queueorder.ts';
import { asksOf, elasticity, holdsOf } from './subgroups.ts';

/** Higher priority; below its minimum, then at it, then above; older; by name. */
export function compareJobs(session: Session, left: JobView, right: JobView): number {
  const { plugins } = session.config;
  if (plugins.has('priority') && left.job.priority !== right.job.priority) {
    return right.job.priority - left.job.priority;
  }
  if (plugins.has('elastic')) {
    const byNeed = elasticity(session, left) - elasticity(session, right);
    if (byNeed !== 0) return byNeed;
  }
  const byAge = left.job.createdUs - right.job.createdUs;
  return byAge || (left.job.name < right.job.name ? -1 : left.job.name > right.job.name ? 1 : 0);
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
  list.sort(victims ? (a, b) => compareJobs(session, b, a) : (a, b) => compareJobs(session, a, b));
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
  overShare: false,
  withinDeserved: false,
  usesWithoutShare: false,
  dominant: 0,
  dominantBare: 0,
});

/** The rank of a queue whose best job asks for that much, made anew only where either changed: searches ask over and over. */
function rankFor(session: Session, queue: number, asks: Float64Array): QueueRank {
  const { ranked, version } = session.queues;
  const known = ranked[queue];
  if (known !== null && known.version === version[queue] && sameVector(known.asks, asks)) return known.rank;
  const rank = unranked();
  rankQueue(session, queue, asks, null, null, rank);
  ranked[queue] = { asks, version: version[queue], rank };
  return rank;
}

function sameVector(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  for (let dim = 0; dim < a.length; dim++) if (a[dim] !== b[dim]) return false;
  return true;
}

export class JobOrder {
  private readonly session: Session;
  private readonly victims: boolean;
  private readonly top: Heap<Branch>;
  private readonly branches = new Map<number, Branch>();
  /** Kept when a queue has run out of jobs: some may come back. */
  private readonly taken = new Map<number, Float64Array>();

  constructor(session: Session, victims: boolean, lists: Lists) {
    this.session = session;
    this.victims = victims;
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
    return compareJobs(this.session, a, b) < 0 !== this.victims;
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

export const hasPending = ({ columns }: Session, job: Job): boolean =>
  job.sets.some((set) => columns[SET_PENDING][set.row] > 0);

export const hasPlaced = ({ columns }: Session, job: Job): boolean =>
  job.sets.some((set) => columns[SET_ALLOCATED][set.row] > 0);
