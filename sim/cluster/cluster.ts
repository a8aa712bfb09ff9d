/**
 * Space: nodes, GPUs, who holds what. The one mutable truth, with the one undo log.
 *
 * A job's workers are tasks, numbered as in `JobColumns.taskStart`; a task sits on one node and holds some of its GPUs,
 * each whole, by share, by memory or as MIG instances. A GPU has GPU_UNITS parts, so that thousandths and MIG sevenths
 * are both exact. Nodes that are open to work are indexed by their number of wholly free GPUs, shared GPUs by the room
 * that is left on them: finding a candidate never scans all nodes.
 */
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../engine/snapshot.ts';
import type { JobColumns, MigLayout, NodeColumns, PoolSpec } from '../scenario.ts';
import { bitCount, IdSet, lowestBit } from './idset.ts';

/** Parts of one GPU: divisible by 1000 and by 7. */
export const GPU_UNITS = 7000;

/** Life cycle of a node, as far as scheduling and the ledger care; `absent`: not, or no longer, part of the cluster. */
export const NODE_STATES = ['ready', 'draining', 'unhealthy', 'provisioning', 'reclaimed', 'absent'] as const;
export type NodeState = (typeof NODE_STATES)[number];
export const READY = 0;
export const ABSENT = 5;

/** A shared GPU's free units fall in one of these buckets of equal width. */
const SHARE_BUCKETS = 20;

export interface ClusterSpec {
  pools: PoolSpec[];
  nodes: NodeColumns;
  migLayouts: MigLayout[];
  migProfiles: string[];
  jobs: JobColumns;
}

/** Fields that never change, and the indexes, which follow from the rest. */
const UNCHANGING = [
  'spec',
  'nodeCount',
  'gpuCount',
  'taskCount',
  'gpuStart',
  'nodesOfPool',
  'rankOfNode',
  'jobOfTask',
  'freeNodes',
  'sharedGpus',
  'bucketOfNode',
  'bucketOfGpu',
  'changes',
  'changedAt',
];

const ALLOCATE = 0;
const RELEASE = 1;
const STATE = 2;

export class Cluster {
  readonly nodeCount: number;
  readonly gpuCount: number;
  readonly taskCount: number;
  /** GPUs of node n are gpuStart[n] .. gpuStart[n+1]-1. */
  readonly gpuStart: Int32Array;
  readonly nodesOfPool: Int32Array[];
  /** Position of a node among its pool's nodes. */
  readonly rankOfNode: Int32Array;
  readonly jobOfTask: Int32Array;
  /** Nodes that a job must not be placed on, whatever is free there: who places inference by its targets says so. */
  readonly barred = new Map<number, Set<number>>();
  /** Free units of each GPU. */
  readonly gpuFree: Int32Array;
  /** 1: out of use though its node is in service (a GPU under reset). What would be free on it is in `shutFree`. */
  readonly gpuShut: Uint8Array;
  readonly shutFree: Int32Array;
  /** Taken MIG instances of each GPU, as bits. */
  readonly migTaken: Uint8Array;
  readonly cpuFree: Float64Array;
  readonly memoryFree: Float64Array;
  /** Index into NODE_STATES. */
  readonly nodeState: Uint8Array;
  /** Wholly free GPUs of each node, whatever its state. */
  readonly nodeFreeGpus: Uint8Array;
  /** Where a task sits: node (-1 = nowhere), GPUs of the node as bits, units it holds of each. */
  readonly taskNode: Int32Array;
  readonly taskMask: Int32Array;
  readonly taskUnits: Int32Array;
  /** MIG instances a task holds, `gpu << 3 | instance`, only for tasks that hold any. */
  readonly taskInstances = new Map<number, number[]>();
  /** Tasks on a node, newest first: a doubly linked list through the tasks. */
  readonly firstTaskOn: Int32Array;
  readonly nextTask: Int32Array;
  private readonly previousTask: Int32Array;
  /**
   * Counts changes of any node, and the count at which each node last changed: what was worked out from a node's state
   * holds until then. Taking back and restoring are changes too, so no count ever stands for two states.
   */
  changes = 0;
  readonly changedAt: Float64Array;
  /** Free units on nodes that are ready, by pool. */
  readonly openFreeUnits: Float64Array;
  /** Wholly free GPUs on nodes that are ready, by pool. */
  readonly openFreeGpus: Int32Array;
  private readonly bucketOfNode: Int8Array;
  private readonly freeNodes: IdSet[][];
  private readonly bucketOfGpu: Int8Array;
  private readonly sharedGpus: (IdSet[] | null)[];
  private readonly log: number[] = [];

  readonly spec: ClusterSpec;

  constructor(spec: ClusterSpec) {
    this.spec = spec;
    const { nodes, pools, jobs } = spec;
    const n = nodes.count;
    this.nodeCount = n;
    this.gpuStart = new Int32Array(n + 1);
    for (let i = 0; i < n; i++) this.gpuStart[i + 1] = this.gpuStart[i] + nodes.gpus[i];
    this.gpuCount = this.gpuStart[n];
    this.taskCount = jobs.taskStart[jobs.count] ?? 0;

    this.rankOfNode = new Int32Array(n);
    const sizes = new Int32Array(pools.length);
    for (let i = 0; i < n; i++) this.rankOfNode[i] = sizes[nodes.pool[i]]++;
    this.nodesOfPool = pools.map((_, p) => new Int32Array(sizes[p]));
    for (let i = 0; i < n; i++) this.nodesOfPool[nodes.pool[i]][this.rankOfNode[i]] = i;
    const widest = new Uint8Array(pools.length);
    for (let i = 0; i < n; i++) widest[nodes.pool[i]] = Math.max(widest[nodes.pool[i]], nodes.gpus[i]);

    this.jobOfTask = new Int32Array(this.taskCount);
    for (let j = 0; j < jobs.count; j++) this.jobOfTask.fill(j, jobs.taskStart[j], jobs.taskStart[j + 1]);

    this.gpuFree = new Int32Array(this.gpuCount).fill(GPU_UNITS);
    this.gpuShut = new Uint8Array(this.gpuCount);
    this.shutFree = new Int32Array(this.gpuCount);
    this.migTaken = new Uint8Array(this.gpuCount);
    this.cpuFree = Float64Array.from(nodes.cpuMilli);
    this.memoryFree = Float64Array.from(nodes.memoryMiB);
    this.nodeState = new Uint8Array(n);
    this.nodeFreeGpus = new Uint8Array(n);
    for (let i = 0; i < n; i++) this.nodeFreeGpus[i] = nodes.migLayout[i] < 0 ? nodes.gpus[i] : 0;
    this.taskNode = new Int32Array(this.taskCount).fill(-1);
    this.taskMask = new Int32Array(this.taskCount);
    this.taskUnits = new Int32Array(this.taskCount);
    this.firstTaskOn = new Int32Array(n).fill(-1);
    this.nextTask = new Int32Array(this.taskCount).fill(-1);
    this.previousTask = new Int32Array(this.taskCount).fill(-1);
    this.changedAt = new Float64Array(n);
    this.openFreeUnits = new Float64Array(pools.length);
    this.openFreeGpus = new Int32Array(pools.length);
    this.bucketOfNode = new Int8Array(n);
    this.bucketOfGpu = new Int8Array(this.gpuCount);
    this.freeNodes = pools.map((_, p) => Array.from({ length: widest[p] + 1 }, () => new IdSet(sizes[p])));
    this.sharedGpus = pools.map(() => null);
    this.buildIndexes();
  }

  /** Units that one device of this job's tasks takes of a GPU in this pool; 0 for a job without GPUs. */
  unitsPerGpu(job: number, pool: number): number {
    const { jobs, pools, migProfiles, migLayouts } = this.spec;
    if (jobs.migProfile[job] >= 0) {
      const profile = migProfiles[jobs.migProfile[job]];
      for (const layout of migLayouts) {
        const at = layout.instances.indexOf(profile);
        if (at >= 0) return layout.sevenths[at] * (GPU_UNITS / 7);
      }
      return GPU_UNITS;
    }
    if (jobs.gpuMemoryMiB[job] > 0) {
      // A request in MiB becomes a share of this pool's GPU, rounded up to a thousandth.
      return Math.min(1000, Math.ceil((jobs.gpuMemoryMiB[job] * 1000) / pools[pool].gpuMemoryMiB)) * (GPU_UNITS / 1000);
    }
    return jobs.shareMilli[job] * (GPU_UNITS / 1000);
  }

  /** Whether one task of `job` with `gpus` devices has room on `node` now. Does not ask whether the node is ready. */
  fits(job: number, gpus: number, node: number): boolean {
    if (this.barred.size > 0 && this.barred.get(job)?.has(node)) return false;
    const { jobs, nodes } = this.spec;
    if (this.cpuFree[node] < jobs.cpuMilli[job] || this.memoryFree[node] < jobs.memoryMiB[job]) return false;
    if (gpus === 0) return true;
    if (jobs.migProfile[job] >= 0) return this.freeInstances(job, node, gpus).length === gpus;
    if (nodes.migLayout[node] >= 0) return false;
    const units = this.unitsPerGpu(job, nodes.pool[node]);
    if (units === GPU_UNITS) return this.nodeFreeGpus[node] >= gpus;
    let found = 0;
    for (let g = this.gpuStart[node]; g < this.gpuStart[node + 1] && found < gpus; g++) {
      if (this.gpuFree[g] >= units) found++;
    }
    return found === gpus;
  }

  /** The GPUs a task would get: the lowest free ones, or for a share the fullest that still have room. 0 if none. */
  pickGpus(job: number, gpus: number, node: number): number {
    if (gpus === 0) return 0;
    const { jobs, nodes } = this.spec;
    const from = this.gpuStart[node];
    const to = this.gpuStart[node + 1];
    let mask = 0;
    if (jobs.migProfile[job] >= 0) {
      for (const instance of this.freeInstances(job, node, gpus)) mask |= 1 << ((instance >> 3) - from);
      return mask;
    }
    const units = this.unitsPerGpu(job, nodes.pool[node]);
    if (units === GPU_UNITS) {
      let left = gpus;
      for (let g = from; g < to && left > 0; g++) {
        if (this.gpuFree[g] === GPU_UNITS) {
          mask |= 1 << (g - from);
          left--;
        }
      }
      return left === 0 ? mask : 0;
    }
    for (let k = 0; k < gpus; k++) {
      let best = -1;
      for (let g = from; g < to; g++) {
        if ((mask & (1 << (g - from))) !== 0 || this.gpuFree[g] < units) continue;
        if (best < 0 || this.gpuFree[g] < this.gpuFree[best]) best = g;
      }
      if (best < 0) return 0;
      mask |= 1 << (best - from);
    }
    return mask;
  }

  /** Puts a task on a node. The caller has asked `fits`; over-commitment is a defect and throws. */
  allocate(task: number, node: number, mask: number): void {
    this.put(task, node, mask);
    this.log.push(task, ALLOCATE);
  }

  /** Takes a task off its node. */
  release(task: number): void {
    const node = this.taskNode[task];
    if (node < 0) throw new Error(`invariant: task ${task} is released but holds nothing`);
    const instances = this.taskInstances.get(task);
    const before = this.previousTask[task];
    if (instances !== undefined) this.log.push(...instances);
    this.log.push(instances?.length ?? 0, node, this.taskMask[task], before, task, RELEASE);
    this.take(task);
  }

  setNodeState(node: number, state: number): void {
    if (this.nodeState[node] === state) return;
    this.log.push(this.nodeState[node], node, STATE);
    this.changeState(node, state);
  }

  /** Takes a GPU out of use: what is free on it, or becomes so, is not offered any more. Not to be taken back. */
  shutGpu(gpu: number): void {
    const node = this.nodeOfGpu(gpu);
    const free = this.gpuFree[gpu];
    this.changeFree(node, this.spec.nodes.pool[node], gpu, -free);
    this.gpuShut[gpu] = 1;
    this.shutFree[gpu] = free;
    this.indexNode(node);
  }

  openGpu(gpu: number): void {
    const node = this.nodeOfGpu(gpu);
    const free = this.shutFree[gpu];
    this.gpuShut[gpu] = 0;
    this.shutFree[gpu] = 0;
    this.changeFree(node, this.spec.nodes.pool[node], gpu, free);
    this.indexNode(node);
  }

  /** A place in the undo log to come back to. */
  mark(): number {
    return this.log.length;
  }

  /** Undoes everything since `mark`, newest first: the cluster is then bit for bit as it was. */
  takeBack(mark: number): void {
    const { log } = this;
    while (log.length > mark) {
      const kind = log.pop() as number;
      if (kind === ALLOCATE) {
        this.take(log.pop() as number);
      } else if (kind === RELEASE) {
        const task = log.pop() as number;
        const before = log.pop() as number;
        const mask = log.pop() as number;
        const node = log.pop() as number;
        const count = log.pop() as number;
        const instances = count === 0 ? undefined : log.splice(log.length - count, count);
        this.put(task, node, mask, instances, before);
      } else {
        const node = log.pop() as number;
        this.changeState(node, log.pop() as number);
      }
    }
  }

  /** Forgets the undo log: what happened stays. */
  commit(): void {
    if (this.log.length > 0) this.log.length = 0;
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, UNCHANGING);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
    this.buildIndexes();
  }

  // ── candidates ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Most wholly free GPUs on any ready node of the pool. */
  widestFree(pool: number): number {
    const sets = this.freeNodes[pool];
    for (let k = sets.length - 1; k > 0; k--) if (sets[k].size > 0) return k;
    return 0;
  }

  /** Ready nodes of the pool that have exactly k wholly free GPUs. */
  nodesWithFree(pool: number, k: number): number {
    return this.freeNodes[pool][k]?.size ?? 0;
  }

  /** Largest number of GPUs on a node of the pool. */
  widestNode(pool: number): number {
    return this.freeNodes[pool].length - 1;
  }

  /** First ready node of the pool with exactly k wholly free GPUs, in node order; -1 if none. */
  firstNode(pool: number, k: number): number {
    const rank = this.freeNodes[pool][k].first();
    return rank < 0 ? -1 : this.nodesOfPool[pool][rank];
  }

  /** The next such node after `node`. */
  nextNode(pool: number, k: number, node: number): number {
    const rank = this.freeNodes[pool][k].next(this.rankOfNode[node]);
    return rank < 0 ? -1 : this.nodesOfPool[pool][rank];
  }

  /**
   * The node with a shared GPU that a share of `units` fills tightest (least free units that suffice; ties: lowest GPU),
   * among ready nodes for which `suits` holds; -1 if none has room on a GPU already shared.
   */
  tightestShared(pool: number, units: number, suits: (node: number) => boolean): number {
    const buckets = this.sharedGpus[pool];
    if (buckets === null) return -1;
    for (let b = Math.ceil((units * SHARE_BUCKETS) / GPU_UNITS); b <= SHARE_BUCKETS; b++) {
      let best = -1;
      let bestNode = -1;
      for (let g = buckets[b].first(); g >= 0; g = buckets[b].next(g)) {
        const free = this.gpuFree[g];
        if (free < units || (best >= 0 && free >= this.gpuFree[best])) continue;
        const node = this.nodeOfGpu(g);
        if (!suits(node)) continue;
        best = g;
        bestNode = node;
      }
      if (best >= 0) return bestNode;
    }
    return -1;
  }

  /** Free units on ready nodes' shared GPUs whose room is less than `units`: nothing of that size fits them. */
  unitsOnSharedBelow(pool: number, units: number): number {
    const buckets = this.sharedGpus[pool];
    if (buckets === null) return 0;
    let sum = 0;
    const top = Math.min(SHARE_BUCKETS, Math.ceil((units * SHARE_BUCKETS) / GPU_UNITS));
    for (let b = 1; b <= top; b++) {
      for (let g = buckets[b].first(); g >= 0; g = buckets[b].next(g))
        if (this.gpuFree[g] < units) sum += this.gpuFree[g];
    }
    return sum;
  }

  nodeOfGpu(gpu: number): number {
    let low = 0;
    let high = this.nodeCount;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.gpuStart[middle] <= gpu) low = middle;
      else high = middle;
    }
    // Nodes without GPUs share their start with the next node; the last of them is the owner.
    return low;
  }

  // ── the truth changes only below ────────────────────────────────────────────────────────────────────────────────

  /** `before`: the task it comes after in the node's list, -1 = first. */
  private put(task: number, node: number, mask: number, instances?: number[], before = -1): void {
    const { jobs, nodes } = this.spec;
    const job = this.jobOfTask[task];
    if (this.taskNode[task] >= 0) throw new Error(`invariant: task ${task} is placed twice`);
    const pool = nodes.pool[node];
    const start = this.gpuStart[node];
    const devices = jobs.taskGpus[task];
    const mig = jobs.migProfile[job] >= 0;
    const units = devices === 0 ? 0 : this.unitsPerGpu(job, pool);
    if (mig) {
      const held = instances ?? this.freeInstances(job, node, devices);
      if (held.length !== devices)
        throw new Error(`invariant: node ${node} has too few MIG instances for task ${task}`);
      for (const instance of held) {
        this.migTaken[instance >> 3] |= 1 << (instance & 7);
        this.changeFree(node, pool, instance >> 3, -units);
      }
      this.taskInstances.set(task, held);
    } else {
      if (bitCount(mask) !== devices)
        throw new Error(`invariant: task ${task} asks ${devices} GPUs, got ${bitCount(mask)}`);
      for (let rest = mask; rest !== 0; rest &= rest - 1) this.changeFree(node, pool, start + lowestBit(rest), -units);
    }
    this.cpuFree[node] -= jobs.cpuMilli[job];
    this.memoryFree[node] -= jobs.memoryMiB[job];
    if (this.cpuFree[node] < 0 || this.memoryFree[node] < 0) {
      throw new Error(`invariant: node ${node} has no CPU or memory left for task ${task}`);
    }
    this.taskNode[task] = node;
    this.taskMask[task] = mask;
    this.taskUnits[task] = units;
    const next = before < 0 ? this.firstTaskOn[node] : this.nextTask[before];
    this.nextTask[task] = next;
    this.previousTask[task] = before;
    if (next >= 0) this.previousTask[next] = task;
    if (before < 0) this.firstTaskOn[node] = task;
    else this.nextTask[before] = task;
    this.indexNode(node);
  }

  private take(task: number): void {
    const { jobs, nodes } = this.spec;
    const node = this.taskNode[task];
    const pool = nodes.pool[node];
    const start = this.gpuStart[node];
    const job = this.jobOfTask[task];
    const units = this.taskUnits[task];
    const instances = this.taskInstances.get(task);
    if (instances !== undefined) {
      for (const instance of instances) {
        this.migTaken[instance >> 3] &= ~(1 << (instance & 7));
        this.changeFree(node, pool, instance >> 3, units);
      }
      this.taskInstances.delete(task);
    } else {
      for (let rest = this.taskMask[task]; rest !== 0; rest &= rest - 1) {
        this.changeFree(node, pool, start + lowestBit(rest), units);
      }
    }
    this.cpuFree[node] += jobs.cpuMilli[job];
    this.memoryFree[node] += jobs.memoryMiB[job];
    this.taskNode[task] = -1;
    this.taskMask[task] = 0;
    this.taskUnits[task] = 0;
    const next = this.nextTask[task];
    const previous = this.previousTask[task];
    if (previous >= 0) this.nextTask[previous] = next;
    else this.firstTaskOn[node] = next;
    if (next >= 0) this.previousTask[next] = previous;
    this.nextTask[task] = -1;
    this.previousTask[task] = -1;
    this.indexNode(node);
  }

  private changeFree(node: number, pool: number, gpu: number, by: number): void {
    if (this.gpuShut[gpu] === 1) {
      this.shutFree[gpu] += by;
      return;
    }
    const before = this.gpuFree[gpu];
    const after = before + by;
    if (after < 0 || after > GPU_UNITS) throw new Error(`invariant: GPU ${gpu} of node ${node} is over-committed`);
    this.gpuFree[gpu] = after;
    const whole = this.spec.nodes.migLayout[node] < 0;
    const freeGpus = whole ? (after === GPU_UNITS ? 1 : 0) - (before === GPU_UNITS ? 1 : 0) : 0;
    this.nodeFreeGpus[node] += freeGpus;
    if (this.nodeState[node] === READY) {
      this.openFreeUnits[pool] += by;
      this.openFreeGpus[pool] += freeGpus;
    }
    this.indexGpu(node, pool, gpu);
  }

  private changeState(node: number, state: number): void {
    const pool = this.spec.nodes.pool[node];
    const sign = (state === READY ? 1 : 0) - (this.nodeState[node] === READY ? 1 : 0);
    this.nodeState[node] = state;
    if (sign !== 0) {
      this.openFreeGpus[pool] += sign * this.nodeFreeGpus[node];
      for (let g = this.gpuStart[node]; g < this.gpuStart[node + 1]; g++) {
        this.openFreeUnits[pool] += sign * this.gpuFree[g];
        this.indexGpu(node, pool, g);
      }
    }
    this.indexNode(node);
  }

  private freeInstances(job: number, node: number, count: number): number[] {
    const { jobs, nodes, migLayouts, migProfiles } = this.spec;
    const layout = migLayouts[nodes.migLayout[node]];
    const found: number[] = [];
    if (layout === undefined) return found;
    const profile = migProfiles[jobs.migProfile[job]];
    for (let g = this.gpuStart[node]; g < this.gpuStart[node + 1]; g++) {
      if (this.gpuShut[g] === 1) continue;
      for (let i = 0; i < layout.instances.length && found.length < count; i++) {
        if (layout.instances[i] === profile && (this.migTaken[g] & (1 << i)) === 0) found.push((g << 3) | i);
      }
    }
    return found;
  }

  // ── the indexes follow from the truth ───────────────────────────────────────────────────────────────────────────

  private buildIndexes(): void {
    const { pools } = this.spec;
    this.bucketOfNode.fill(-1);
    this.bucketOfGpu.fill(-1);
    for (let p = 0; p < pools.length; p++) {
      this.freeNodes[p] = this.freeNodes[p].map(() => new IdSet(this.nodesOfPool[p].length));
      this.sharedGpus[p] = null;
    }
    this.openFreeUnits.fill(0);
    this.openFreeGpus.fill(0);
    for (let node = 0; node < this.nodeCount; node++) {
      const pool = this.spec.nodes.pool[node];
      if (this.nodeState[node] === READY) this.openFreeGpus[pool] += this.nodeFreeGpus[node];
      for (let g = this.gpuStart[node]; g < this.gpuStart[node + 1]; g++) {
        if (this.nodeState[node] === READY) this.openFreeUnits[pool] += this.gpuFree[g];
        this.indexGpu(node, pool, g);
      }
      this.indexNode(node);
    }
  }

  private indexNode(node: number): void {
    this.changedAt[node] = ++this.changes;
    const bucket = this.nodeState[node] === READY ? this.nodeFreeGpus[node] : -1;
    const before = this.bucketOfNode[node];
    if (bucket === before) return;
    const sets = this.freeNodes[this.spec.nodes.pool[node]];
    const rank = this.rankOfNode[node];
    if (before >= 0) sets[before].delete(rank);
    if (bucket >= 0) sets[bucket].add(rank);
    this.bucketOfNode[node] = bucket;
  }

  private indexGpu(node: number, pool: number, gpu: number): void {
    const free = this.gpuFree[gpu];
    const shared =
      free > 0 && free < GPU_UNITS && this.nodeState[node] === READY && this.spec.nodes.migLayout[node] < 0;
    const bucket = shared ? Math.ceil((free * SHARE_BUCKETS) / GPU_UNITS) : -1;
    const before = this.bucketOfGpu[gpu];
    if (bucket === before) return;
    let sets = this.sharedGpus[pool];
    if (sets === null) {
      sets = Array.from({ length: SHARE_BUCKETS + 1 }, () => new IdSet(this.gpuCount));
      this.sharedGpus[pool] = sets;
    }
    if (before >= 0) sets[before].delete(gpu);
    if (bucket >= 0) sets[bucket].add(gpu);
    this.bucketOfGpu[gpu] = bucket;
  }
}
