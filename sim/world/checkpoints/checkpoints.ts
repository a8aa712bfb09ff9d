/**
 * Checkpoints that have a size: what a job writes and reads over the storage, which of its checkpoints are complete,
 * what survives when it is interrupted, and the room they take.
 *
 * A checkpoint is complete when all of it has landed; one that is broken off leaves the one before. Checkpoints on local
 * disks or in the memory of peers (Gemini, SOSP '23) are quick but can go with their nodes; every so many a copy goes to
 * a shared file system, which survives all. `Jobs` asks and is told; it knows nothing of bytes.
 */
import type { Cluster } from '../../cluster/cluster.ts';
import type { Engine } from '../../engine/engine.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import type { CheckpointPlan, Scenario } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { aloneUs, type Storage, type Transfer } from '../storage/storage.ts';

/** How the job stops: in place, its processes die and it goes elsewhere, or its nodes are given to others. */
export type Leaving = 'stays' | 'dies' | 'preempted';

const NONE = -1;
/** What a transfer is for. */
const OWN_TIER = 0;
const SHARED_COPY = 1;
const READ = 2;

interface JobState {
  /** Work in the checkpoint being written to its tier, and in the copy to the shared file system; -1 = none. */
  writing: number;
  copying: number;
  /** Checkpoints that landed in the tier. */
  written: number;
  /** Work in the last complete checkpoint of the tier below the shared one, -1 = none, and in that of the shared one. */
  tierWork: number;
  sharedWork: number;
  /** Work in each complete checkpoint in the shared file system, oldest first. */
  kept: number[];
  reads: number;
  /** Nodes that have the local checkpoint. */
  nodes: number[];
}

/** Nodes as a transfer sees them; found once per start of a job. */
interface Carriers {
  nodes: number;
  sharedNodes: number[];
  far: boolean[];
}

export class Checkpoints {
  private readonly states = new Map<number, JobState>();
  private readonly carriers = new Map<number, Carriers>();
  /** Checkpoints that there was no room for. */
  refused = 0;
  complete = 0;
  brokenOff = 0;
  /** A job's checkpoint with so much work in it is complete, in the shared file system or not. */
  onLanded: (job: number, work: number, shared: boolean) => void = () => {};
  /** A job has read what it needs for its first step. */
  onRead: (job: number) => void = () => {};

  private readonly scenario: Scenario;
  private readonly cluster: Cluster;
  private readonly engine: Engine;
  private readonly storage: Storage;

  constructor(scenario: Scenario, cluster: Cluster, engine: Engine, storage: Storage) {
    this.scenario = scenario;
    this.cluster = cluster;
    this.engine = engine;
    this.storage = storage;
    storage.onLanded = (transfer) => this.land(transfer);
    engine.on(KIND.retention, (job) => this.forget(job));
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, ['scenario', 'cluster', 'engine', 'storage', 'onLanded', 'onRead']);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  plan(job: number): CheckpointPlan | undefined {
    return this.scenario.jobs.checkpoint?.get(job);
  }

  /** Whether its restore is a transfer, not a stated time. */
  reads(job: number): boolean {
    return this.plan(job) !== undefined;
  }

  isWriting(job: number): boolean {
    return (this.states.get(job)?.writing ?? NONE) !== NONE;
  }

  /** Time to write a checkpoint that survives, from where the job is, with the storage to itself, µs. */
  lastWriteUs(job: number): number {
    const { bytes, fileSystem } = this.plan(job) as CheckpointPlan;
    const { nodes, far } = this.carriersOf(job);
    return aloneUs(this.storage.fileSystems[fileSystem], 'write', bytes, nodes, far[fileSystem]);
  }

  /** Starts writing what the job has done; the last one before it leaves goes where it survives. False: no room. */
  write(job: number, work: number, last: boolean): boolean {
    const plan = this.plan(job) as CheckpointPlan;
    const state = this.state(job);
    if (last && plan.tier !== 'shared') {
      this.stop(job);
      if (!this.storage.reserve(plan.fileSystem, plan.bytes)) {
        this.refused++;
        return false;
      }
      state.copying = work;
      this.transfer(job, plan.fileSystem, 'write', plan.bytes, SHARED_COPY);
      return true;
    }
    if (plan.tier === 'shared' && !this.storage.reserve(plan.fileSystem, plan.bytes)) {
      this.refused++;
      return false;
    }
    state.writing = work;
    this.transfer(job, tierOf(plan), 'write', plan.bytes, OWN_TIER);
    return true;
  }

  /** Reads what the job needs before its first step; false if that is nothing. */
  read(job: number, work: number): boolean {
    const plan = this.plan(job);
    const dataset = this.scenario.jobs.dataset?.get(job);
    const state = this.state(job);
    state.reads = 0;
    if (plan !== undefined && work > 0) {
      state.reads++;
      const fromTier = plan.tier !== 'shared' && state.tierWork === work;
      this.transfer(job, fromTier ? plan.tierFileSystem : plan.fileSystem, 'read', plan.bytes, READ);
    }
    if (dataset !== undefined) {
      state.reads++;
      this.transfer(job, dataset.fileSystem, 'read', dataset.bytes, READ);
    }
    return state.reads > 0;
  }

  /** The job's processes are gone: whatever they were writing or reading is broken off. */
  stop(job: number): void {
    const state = this.states.get(job);
    if (state === undefined) return;
    this.storage.breakOff(job);
    const plan = this.plan(job);
    if (plan !== undefined) {
      const reserved = (state.writing !== NONE && plan.tier === 'shared' ? 1 : 0) + (state.copying !== NONE ? 1 : 0);
      if (reserved > 0) this.storage.remove(plan.fileSystem, reserved * plan.bytes);
      this.brokenOff += (state.writing !== NONE ? 1 : 0) + (state.copying !== NONE ? 1 : 0);
    }
    state.writing = NONE;
    state.copying = NONE;
    state.reads = 0;
  }

  /** Work in the best checkpoint that is left when the job is interrupted so. Only for jobs with a plan. */
  fallBack(job: number, leaving: Leaving): number {
    const plan = this.plan(job) as CheckpointPlan;
    const state = this.state(job);
    if (state.tierWork > state.sharedWork && leaving !== 'stays') {
      if (plan.tier === 'peer-memory') {
        // A copy is on one other node. Given to others, the nodes' memory is cleared.
        if (leaving === 'preempted' || this.deadNodes(job) > 1) state.tierWork = NONE;
      } else if (plan.tier === 'local') {
        state.nodes = this.nodesOf(job);
      }
    }
    return Math.max(state.tierWork, state.sharedWork);
  }

  /** All that the job has done is saved, by other means than ours (a policy that suspends). */
  saved(job: number, work: number): void {
    if (this.plan(job) !== undefined) this.state(job).sharedWork = work;
  }

  /** The job has been placed anew: work in the best checkpoint that it can reach from where it is. */
  reachable(job: number): number {
    const plan = this.plan(job) as CheckpointPlan;
    const state = this.state(job);
    if (plan.tier === 'local' && state.tierWork !== NONE) {
      const nodes = this.nodesOf(job);
      if (nodes.length !== state.nodes.length || nodes.some((n, i) => n !== state.nodes[i])) state.tierWork = NONE;
    }
    return Math.max(state.tierWork, state.sharedWork);
  }

  /**
   * Checkpoints with more work in them than this turn out to be worthless. Gives the work in the best that is left: of those
   * before, only the last few were kept. Only for jobs with a plan.
   */
  rollBack(job: number, work: number): number {
    const plan = this.plan(job) as CheckpointPlan;
    const state = this.state(job);
    this.stop(job);
    const left = state.kept.filter((kept) => kept <= work);
    this.storage.remove(plan.fileSystem, (state.kept.length - left.length) * plan.bytes);
    state.kept = left;
    if (state.tierWork > work) state.tierWork = NONE;
    if (state.sharedWork > work) state.sharedWork = left.at(-1) ?? 0;
    return Math.max(state.tierWork, state.sharedWork);
  }

  /** The job is over: all but its last checkpoint go at once, that one when its retention is over. */
  end(job: number): void {
    this.stop(job);
    this.carriers.delete(job);
    const state = this.states.get(job);
    const plan = this.plan(job);
    if (state === undefined || plan === undefined || state.kept.length === 0) {
      this.states.delete(job);
      return;
    }
    this.storage.remove(plan.fileSystem, (state.kept.length - 1) * plan.bytes);
    state.kept = state.kept.slice(-1);
    const { retentionUs } = this.storage.fileSystems[plan.fileSystem];
    if (retentionUs > 0) this.engine.schedule(this.engine.now + retentionUs, PRIORITY.transfer, KIND.retention, job);
    else this.forget(job);
  }

  private forget(job: number): void {
    const plan = this.plan(job) as CheckpointPlan;
    this.storage.remove(plan.fileSystem, plan.bytes);
    this.states.delete(job);
  }

  // ── landing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  private land({ job, purpose }: Transfer): void {
    const state = this.state(job);
    if (purpose === READ) {
      state.reads--;
      if (state.reads === 0) this.onRead(job);
      return;
    }
    const plan = this.plan(job) as CheckpointPlan;
    const own = purpose === OWN_TIER;
    const work = own ? state.writing : state.copying;
    if (own) state.writing = NONE;
    else state.copying = NONE;
    this.complete++;
    if (own && plan.tier !== 'shared') {
      state.tierWork = work;
      if (plan.tier === 'local') state.nodes = this.nodesOf(job);
      state.written++;
      // The copy goes on behind; while one is under way the next is left out.
      const due = plan.sharedEvery > 0 && state.written % plan.sharedEvery === 0 && state.copying === NONE;
      if (due && this.storage.reserve(plan.fileSystem, plan.bytes)) {
        state.copying = work;
        this.transfer(job, plan.fileSystem, 'write', plan.bytes, SHARED_COPY);
      }
      this.onLanded(job, work, false);
      return;
    }
    state.sharedWork = work;
    state.kept.push(work);
    if (state.kept.length > plan.keep) {
      state.kept.shift();
      this.storage.remove(plan.fileSystem, plan.bytes);
    }
    this.onLanded(job, work, true);
  }

  private transfer(job: number, fileSystem: number, direction: 'read' | 'write', bytes: number, purpose: number): void {
    const { nodes, sharedNodes, far } = this.carriersOf(job);
    this.storage.start({ fileSystem, direction, bytes, nodes, sharedNodes, far: far[fileSystem], job, purpose });
  }

  private state(job: number): JobState {
    let state = this.states.get(job);
    if (state === undefined) {
      state = {
        writing: NONE,
        copying: NONE,
        written: 0,
        tierWork: NONE,
        sharedWork: 0,
        kept: [],
        reads: 0,
        nodes: [],
      };
      this.states.set(job, state);
    }
    return state;
  }

  // ── where it stands ─────────────────────────────────────────────────────────────────────────────────────────────

  /** A job's placement changed. */
  moved(job: number): void {
    this.carriers.delete(job);
  }

  private carriersOf(job: number): Carriers {
    const known = this.carriers.get(job);
    if (known !== undefined) return known;
    const { cluster } = this;
    const nodes = this.nodesOf(job);
    const { gpus, pool } = cluster.spec.nodes;
    const held = new Map<number, number>();
    const { taskStart, taskGpus, shareMilli, gpuMemoryMiB, migProfile } = this.scenario.jobs;
    const whole = shareMilli[job] === 1000 && gpuMemoryMiB[job] === 0 && migProfile[job] < 0;
    for (let t = taskStart[job]; t < taskStart[job + 1]; t++) {
      const node = cluster.taskNode[t];
      if (node >= 0) held.set(node, (held.get(node) ?? 0) + taskGpus[t]);
    }
    // A job that has all of a node's GPUs has its network to itself.
    const sharedNodes = nodes.filter((n) => !whole || held.get(n) !== gpus[n] || gpus[n] === 0);
    const pools = [...new Set(nodes.map((n) => pool[n]))];
    const far = this.storage.fileSystems.map(({ near }) => near !== undefined && pools.some((p) => !near.includes(p)));
    const found = { nodes: Math.max(1, nodes.length), sharedNodes, far };
    this.carriers.set(job, found);
    return found;
  }

  /** Ascending. */
  private nodesOf(job: number): number[] {
    const { taskStart } = this.scenario.jobs;
    const nodes = new Set<number>();
    for (let t = taskStart[job]; t < taskStart[job + 1]; t++) {
      if (this.cluster.taskNode[t] >= 0) nodes.add(this.cluster.taskNode[t]);
    }
    return [...nodes].sort((a, b) => a - b);
  }

  /** Nodes of the job that are gone: neither open nor draining. */
  private deadNodes(job: number): number {
    return this.nodesOf(job).filter((n) => this.cluster.nodeState[n] > 1).length;
  }
}

function tierOf(plan: CheckpointPlan): number {
  return plan.tier === 'shared' ? plan.fileSystem : plan.tierFileSystem;
}
