/**
 * Roll-outs of firmware or images: nodes are taken in an order, emptied, updated and checked, a wave or a few at a time,
 * so that never more of a pool than allowed is out of service, for whatever reason. When too many updates fail, it pauses.
 */
import { type Cluster, NODE_STATES, READY } from '../../cluster/cluster.ts';
import type { RolloutRow } from '../../cluster/provisioning.ts';
import type { Engine } from '../../engine/engine.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import { HOUR_US, type RolloutSpec, type Scenario } from '../../scenario.ts';

/** Where a node of a roll-out is: emptied, worked on, or in repair after a failed update. */
type Where = 'draining' | 'updating' | 'repair';

interface Rollout {
  row: RolloutRow;
  /** Nodes that are still to be taken, in order. */
  queue: number[];
  under: Map<number, Where>;
  /** A node that was let go is not taken again before, µs. */
  notBefore: Map<number, number>;
  /** Left to take of the present wave, and when the next may begin, µs. */
  waveLeft: number;
  nextWaveUs: number;
  failuresSincePause: number;
  pausedUntil: number;
}

/** What the roll-outs ask of the rest of provisioning. */
export interface RolloutHost {
  /** Kept aside: being out of service is what it is for. */
  isSpare(node: number): boolean;
  inRepair(node: number): boolean;
  /** Under another roll-out, or about to leave the cluster. */
  isTaken(node: number): boolean;
  drain(node: number, index: number): void;
  /** Look again at this time, µs. */
  lookAt(us: number): void;
}

const ABSENT = NODE_STATES.indexOf('absent');
const DRAINING = NODE_STATES.indexOf('draining');

export class Rollouts {
  private readonly active: Rollout[] = [];
  private readonly specs: readonly RolloutSpec[];
  private readonly scenario: Scenario;
  private readonly cluster: Cluster;
  private readonly engine: Engine;
  private readonly host: RolloutHost;

  constructor(specs: readonly RolloutSpec[], scenario: Scenario, cluster: Cluster, engine: Engine, host: RolloutHost) {
    this.specs = specs;
    this.scenario = scenario;
    this.cluster = cluster;
    this.engine = engine;
    this.host = host;
    for (const { name } of specs) this.active.push(notBegun(name));
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, ['specs', 'scenario', 'cluster', 'engine', 'host']);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  get rows(): RolloutRow[] {
    return this.active.map(({ row }) => ({ ...row }));
  }

  begin(index: number): void {
    const { row, queue } = this.active[index];
    row.startedUs = this.engine.now;
    for (const node of this.nodesOf(index)) if (this.cluster.nodeState[node] !== ABSENT) queue.push(node);
    const { rack } = this.scenario.nodes;
    if (this.specs[index].order === 'rack') queue.sort((a, b) => rack[a] - rack[b] || a - b);
    row.nodes = queue.length;
  }

  /** Takes what may be taken now. Call it whenever a node's state has changed. */
  look(): void {
    this.active.forEach((rollout, index) => {
      if (rollout.row.startedUs < 0 || rollout.row.finishedUs >= 0) return;
      this.note(rollout, index);
      this.take(rollout, index);
      if (rollout.queue.length === 0 && this.busy(rollout) === 0) rollout.row.finishedUs = this.engine.now;
    });
  }

  /** Nodes in repair at the end of the roll-out are done when they are back. */
  settle(): void {
    this.active.forEach((rollout, index) => {
      if (rollout.row.startedUs >= 0) this.note(rollout, index);
    });
  }

  // ── what becomes of its nodes ─────────────────────────────────────────────────────────────────────────────────────

  onDrained(index: number, node: number, forced: boolean): void {
    const rollout = this.active[index];
    if (forced) rollout.row.drainedByForce++;
    rollout.under.set(node, 'updating');
  }

  /** Let go, or in other hands: it comes last. */
  onPutOff(index: number, node: number, waitUs: number): void {
    const rollout = this.active[index];
    rollout.under.delete(node);
    rollout.queue.push(node);
    if (waitUs > 0) {
      rollout.notBefore.set(node, this.engine.now + waitUs);
      this.host.lookAt(this.engine.now + waitUs);
    }
  }

  onUpdated(index: number, node: number): void {
    const rollout = this.active[index];
    rollout.under.delete(node);
    rollout.row.done++;
    this.endWave(rollout, index);
  }

  onFailed(index: number, node: number): void {
    const rollout = this.active[index];
    const { pause } = this.specs[index];
    rollout.under.set(node, 'repair');
    rollout.row.failed++;
    this.endWave(rollout, index);
    if (pause === undefined || ++rollout.failuresSincePause < most(pause.failures, rollout.row.nodes)) return;
    rollout.failuresSincePause = 0;
    rollout.row.pauses++;
    rollout.pausedUntil = this.engine.now + pause.forUs;
    if (pause.forUs === Infinity) rollout.row.stopped = true;
    else this.host.lookAt(rollout.pausedUntil);
  }

  // ── whose turn it is ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Nodes in repair that are back; nodes that have left the cluster. */
  private note(rollout: Rollout, index: number): void {
    const { nodeState } = this.cluster;
    for (const [node, where] of rollout.under) {
      if (where !== 'repair') continue;
      const back = nodeState[node] === READY || (this.host.isSpare(node) && !this.host.inRepair(node));
      if (!back && nodeState[node] !== ABSENT) continue;
      rollout.under.delete(node);
      rollout.row.done++;
    }
    if (rollout.row.finishedUs >= 0) return;
    rollout.queue = rollout.queue.filter((node) => nodeState[node] !== ABSENT);
    rollout.row.mostUnavailable = Math.max(rollout.row.mostUnavailable, this.unavailable(index));
  }

  private take(rollout: Rollout, index: number): void {
    const { now } = this.engine;
    const { perWave, order } = this.specs[index];
    if (now < rollout.pausedUntil || now < rollout.nextWaveUs) return;
    if (rollout.waveLeft === 0 && this.busy(rollout) === 0 && rollout.queue.length > 0) {
      rollout.waveLeft = perWave === 0 ? rollout.queue.length : Math.min(perWave, rollout.queue.length);
      rollout.row.waves++;
    }
    const limit = this.limitOf(index);
    let out = this.unavailable(index);
    const candidates = order === 'idle-first' ? this.idleFirst(rollout.queue) : [...rollout.queue];
    for (const node of candidates) {
      if (rollout.waveLeft === 0) break;
      const spare = this.host.isSpare(node);
      if (!spare && out >= limit) continue;
      if (!this.isThere(node, spare) || (rollout.notBefore.get(node) ?? 0) > now) continue;
      rollout.queue.splice(rollout.queue.indexOf(node), 1);
      rollout.under.set(node, 'draining');
      rollout.waveLeft--;
      if (!spare) out++;
      rollout.row.mostUnavailable = Math.max(rollout.row.mostUnavailable, out);
      this.host.drain(node, index);
    }
  }

  private isThere(node: number, spare: boolean): boolean {
    const state = this.cluster.nodeState[node];
    if (state !== READY && !(spare && state === DRAINING)) return false;
    return !this.host.inRepair(node) && !this.host.isTaken(node);
  }

  private idleFirst(queue: readonly number[]): number[] {
    const { firstTaskOn } = this.cluster;
    return [...queue.filter((node) => firstTaskOn[node] < 0), ...queue.filter((node) => firstTaskOn[node] >= 0)];
  }

  /** The last of a wave is over. */
  private endWave(rollout: Rollout, index: number): void {
    const { perWave, betweenWavesUs } = this.specs[index];
    if (perWave === 0 || rollout.waveLeft > 0 || this.busy(rollout) > 0 || betweenWavesUs === 0) return;
    rollout.nextWaveUs = this.engine.now + betweenWavesUs;
    this.host.lookAt(rollout.nextWaveUs);
  }

  /** Nodes it is at work on; one in repair holds nothing up. */
  private busy({ under }: Rollout): number {
    let count = 0;
    for (const where of under.values()) if (where !== 'repair') count++;
    return count;
  }

  private limitOf(index: number): number {
    const { maxUnavailable } = this.specs[index];
    if ('count' in maxUnavailable) return maxUnavailable.count;
    let here = 0;
    for (const node of this.nodesOf(index)) if (this.cluster.nodeState[node] !== ABSENT) here++;
    return most(maxUnavailable, here);
  }

  private unavailable(index: number): number {
    const { nodeState } = this.cluster;
    let count = 0;
    for (const node of this.nodesOf(index)) {
      if (nodeState[node] !== READY && nodeState[node] !== ABSENT && !this.host.isSpare(node)) count++;
    }
    return count;
  }

  private nodesOf(index: number): number[] {
    return this.specs[index].pools.flatMap((pool) => [...this.cluster.nodesOfPool[pool]]);
  }
}

/** A node that was let go is tried again an hour later at the earliest. */
export const SKIPPED_FOR_US = HOUR_US;

function most(limit: { count: number } | { share: number }, of: number): number {
  return 'count' in limit ? limit.count : Math.max(1, Math.floor(limit.share * of));
}

function notBegun(name: string): Rollout {
  return {
    row: {
      ...{ name, nodes: 0, done: 0, failed: 0, waves: 0, pauses: 0, stopped: false, drainedByForce: 0 },
      ...{ mostUnavailable: 0, startedUs: -1, finishedUs: -1 },
    },
    queue: [],
    under: new Map(),
    notBefore: new Map(),
    ...{ waveLeft: 0, nextWaveUs: 0, failuresSincePause: 0, pausedUntil: 0 },
  };
}
