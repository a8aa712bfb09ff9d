/**
 * Placers that score every node with room and take the highest, ties to the lowest node. A score depends on the node's
 * state and on what one worker asks for alone, so each is worked out once and kept until its node changes: workloads
 * have few kinds of worker, and a decision changes few nodes.
 */
import { READY } from '../../cluster/cluster.ts';
import type { ClusterReader, View } from '../../cluster/view.ts';
import { type NodeFilter, type Placer, placeByWorker, widestTask } from './placement.ts';

/** How one placer weighs nodes of one cluster. */
export interface Scoring {
  /** A whole number for a node that is ready and has room for the task; higher is better. */
  score(task: number, node: number): number;
  /** The GPUs the task takes there, as bits; default: the tightest for a share, otherwise the lowest free ones. */
  pick?(task: number, node: number): number;
}

/** Scores of workers that ask alike. */
interface Kind {
  /** By node; NO_ROOM where such a worker cannot go. */
  scores: Int32Array;
  /** The cluster's count of changes up to which the scores hold. */
  seen: number;
  /** By pool: the best node (-1 = none), and how many have room; and how many in all pools. */
  best: Int32Array;
  roomy: Int32Array;
  roomyAnywhere: number;
}

const NO_ROOM = -(2 ** 31);
/** Scores kept at a time: at 4 bytes each, 64 MiB. */
const MOST_SCORES = 2 ** 24;

export class NodeScores {
  readonly scoring: Scoring;
  private readonly cluster: ClusterReader;
  private readonly kindOfTask: Int32Array;
  private readonly kinds: (Kind | undefined)[];
  private kept = 0;
  private readonly mostKinds: number;

  constructor(cluster: ClusterReader, scoring: Scoring) {
    this.cluster = cluster;
    this.scoring = scoring;
    this.mostKinds = Math.max(16, Math.floor(MOST_SCORES / Math.max(1, cluster.nodeCount)));
    const { jobs } = cluster.spec;
    const numbers = new Map<string, number>();
    this.kindOfTask = new Int32Array(jobs.taskGpus.length);
    for (let j = 0; j < jobs.count; j++) {
      const asks = `${jobs.cpuMilli[j]} ${jobs.memoryMiB[j]} ${jobs.shareMilli[j]} ${jobs.gpuMemoryMiB[j]} ${jobs.migProfile[j]}`;
      for (let t = jobs.taskStart[j]; t < jobs.taskStart[j + 1]; t++) {
        const key = `${asks} ${jobs.taskGpus[t]}`;
        const kind = numbers.get(key) ?? numbers.size;
        numbers.set(key, kind);
        this.kindOfTask[t] = kind;
      }
    }
    this.kinds = Array.from(numbers, () => undefined);
  }

  /** The node of the pool with the highest score, ties to the lowest; -1 if none has room. */
  best(task: number, pool: number, suits?: NodeFilter): number {
    const { scores, best } = this.upToDate(task);
    if (suits === undefined || best[pool] < 0 || suits(best[pool])) return best[pool];
    let found = -1;
    for (const node of this.cluster.nodesOfPool[pool]) {
      const score = scores[node];
      if (score !== NO_ROOM && (found < 0 || score > scores[found]) && suits(node)) found = node;
    }
    return found;
  }

  /** The score of a node that `best` gave. */
  scoreOf(task: number, node: number): number {
    return this.upToDate(task).scores[node];
  }

  /** Whether any node of any pool has room. */
  isRoom(task: number): boolean {
    return this.upToDate(task).roomyAnywhere > 0;
  }

  /** How many nodes of the pool have room. */
  roomy(task: number, pool: number, suits?: NodeFilter): number {
    const { scores, roomy } = this.upToDate(task);
    if (suits === undefined) return roomy[pool];
    let count = 0;
    for (const node of this.cluster.nodesOfPool[pool]) if (scores[node] !== NO_ROOM && suits(node)) count++;
    return count;
  }

  /** The k-th of them from 0, in node order. */
  nthRoomy(task: number, pool: number, k: number, suits?: NodeFilter): number {
    const { scores } = this.upToDate(task);
    for (const node of this.cluster.nodesOfPool[pool]) {
      if (scores[node] === NO_ROOM || (suits !== undefined && !suits(node))) continue;
      if (k-- === 0) return node;
    }
    return -1;
  }

  private upToDate(task: number): Kind {
    const { cluster } = this;
    const number = this.kindOfTask[task];
    let kind = this.kinds[number];
    if (kind === undefined) {
      if (++this.kept > this.mostKinds) {
        this.kinds.fill(undefined);
        this.kept = 1;
      }
      const pools = cluster.nodesOfPool.length;
      kind = {
        scores: new Int32Array(cluster.nodeCount),
        seen: -1,
        best: new Int32Array(pools),
        roomy: new Int32Array(pools),
        roomyAnywhere: 0,
      };
      this.kinds[number] = kind;
    }
    if (kind.seen !== cluster.changes) this.update(kind, task);
    return kind;
  }

  private update(kind: Kind, task: number): void {
    const { cluster, scoring } = this;
    const { scores, seen, best, roomy } = kind;
    const { changedAt, nodeState } = cluster;
    const { jobs, nodes } = cluster.spec;
    const job = cluster.jobOfTask[task];
    const gpus = jobs.taskGpus[task];
    best.fill(-1);
    roomy.fill(0);
    kind.roomyAnywhere = 0;
    for (let node = 0; node < scores.length; node++) {
      if (changedAt[node] > seen) {
        const room = nodeState[node] === READY && cluster.fits(job, gpus, node);
        scores[node] = room ? scoring.score(task, node) : NO_ROOM;
      }
      const score = scores[node];
      if (score === NO_ROOM) continue;
      const pool = nodes.pool[node];
      roomy[pool]++;
      kind.roomyAnywhere++;
      if (best[pool] < 0 || score > scores[best[pool]]) best[pool] = node;
    }
    kind.seen = cluster.changes;
  }
}

/** What was worked out for a cluster goes with it; the cluster itself is the only truth. */
export function keptByCluster(scoringOf: (view: View) => Scoring): (view: View) => NodeScores {
  const kept = new WeakMap<ClusterReader, NodeScores>();
  return (view) => {
    let scores = kept.get(view.cluster);
    if (scores === undefined) {
      scores = new NodeScores(view.cluster, scoringOf(view));
      kept.set(view.cluster, scores);
    }
    return scores;
  };
}

/** A placer that takes the node with the highest score; of several pools the one that has it for the widest worker. */
export function scoredPlacer(name: string, about: string, scoringOf: (view: View) => Scoring): Placer {
  const scoresOf = keptByCluster(scoringOf);
  return {
    name,
    about,
    place(view, job, pool, _stream, suits) {
      const scores = scoresOf(view);
      const { pick } = scores.scoring;
      return placeByWorker(
        view,
        job,
        pool,
        (task) => scores.best(task, pool, suits),
        pick && ((task, _gpus, node) => pick(task, node)),
      );
    },
    poolOrder(view, job, _stream, suits) {
      const { jobs, poolLists } = view.scenario;
      const scores = scoresOf(view);
      const task = widestTask(jobs, job);
      if (!scores.isRoom(task)) return [];
      const found: { pool: number; node: number }[] = [];
      for (const pool of poolLists[jobs.poolList[job]]) {
        const node = scores.best(task, pool, suits);
        if (node >= 0) found.push({ pool, node });
      }
      return found
        .sort((a, b) => scores.scoreOf(task, b.node) - scores.scoreOf(task, a.node) || a.node - b.node)
        .map(({ pool }) => pool);
    },
  };
}
