/**
 * The cluster grows, shrinks, and nodes go over from one pool to another while jobs run. A node that leaves is emptied
 * first; one that is being repaired or updated leaves when that is over. A node that goes over to another pool is a node
 * of its own there, on the same hardware: it gets a new image and takes the new pool's work.
 */
import { ABSENT, type Cluster, NODE_STATES, type NodeState, READY } from '../../cluster/cluster.ts';
import type { ChangeRow } from '../../cluster/provisioning.ts';
import type { Engine } from '../../engine/engine.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import type { NodeChange } from '../../scenario.ts';

export interface ChangeHost {
  isSpare(node: number): boolean;
  inRepair(node: number): boolean;
  /** Under a roll-out. */
  isTaken(node: number): boolean;
  setState(node: number, state: NodeState): void;
  forgetSpare(node: number): void;
  drain(node: number, index: number): void;
  /** The node is there now, and is prepared for its work. */
  bringUp(node: number, index: number): void;
}

interface Change {
  row: ChangeRow;
  /** Nodes that are still to leave, nodes that are being emptied for it, and nodes not in service yet. */
  leaving: Set<number>;
  draining: Set<number>;
  coming: Set<number>;
}

const DRAINING = NODE_STATES.indexOf('draining');

export class Changes {
  private readonly active: Change[] = [];
  private readonly specs: readonly NodeChange[];
  private readonly cluster: Cluster;
  private readonly engine: Engine;
  private readonly host: ChangeHost;

  constructor(specs: readonly NodeChange[], cluster: Cluster, engine: Engine, host: ChangeHost) {
    this.specs = specs;
    this.cluster = cluster;
    this.engine = engine;
    this.host = host;
    for (const { name, kind, nodes, atUs } of specs) {
      const row: ChangeRow = { name, kind, nodes: nodes.length, done: 0, plannedUs: atUs, finishedUs: -1 };
      this.active.push({ row, leaving: new Set(), draining: new Set(), coming: new Set() });
    }
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, ['specs', 'cluster', 'engine', 'host']);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  get rows(): ChangeRow[] {
    return this.active.map(({ row }) => ({ ...row }));
  }

  /** Whether the node is to leave, or is being emptied for it. */
  has(node: number): boolean {
    return this.active.some(({ leaving, draining }) => leaving.has(node) || draining.has(node));
  }

  begin(index: number): void {
    const { kind, nodes } = this.specs[index];
    const { leaving, coming } = this.active[index];
    for (const node of nodes) {
      if (kind !== 'join') leaving.add(node);
      else if (this.cluster.nodeState[node] === ABSENT) {
        coming.add(node);
        this.host.bringUp(node, index);
      }
    }
  }

  /** Nodes that can leave now do; nodes that are in service now have come. */
  look(): void {
    this.active.forEach((change, index) => {
      for (const node of change.leaving) {
        if (!this.mayLeave(node)) continue;
        change.leaving.delete(node);
        change.draining.add(node);
        this.host.drain(node, index);
      }
      for (const node of change.coming) {
        if (!this.isInService(node)) continue;
        change.coming.delete(node);
        this.count(change);
      }
    });
  }

  onDrained(index: number, node: number): void {
    const change = this.active[index];
    change.draining.delete(node);
    this.host.forgetSpare(node);
    this.host.setState(node, 'absent');
    const { kind, nodes, becomes } = this.specs[index];
    if (kind === 'leave') {
      this.count(change);
      return;
    }
    const other = becomes[nodes.indexOf(node)];
    change.coming.add(other);
    this.host.bringUp(other, index);
  }

  /** Taken out of service meanwhile: it leaves when it is back. */
  onPutOff(index: number, node: number): void {
    const change = this.active[index];
    change.draining.delete(node);
    change.leaving.add(node);
  }

  private count({ row }: Change): void {
    row.done++;
    if (row.done === row.nodes) row.finishedUs = this.engine.now;
  }

  private mayLeave(node: number): boolean {
    const state = this.cluster.nodeState[node];
    if (state !== READY && !(state === DRAINING && this.host.isSpare(node))) return false;
    return !this.host.inRepair(node) && !this.host.isTaken(node);
  }

  private isInService(node: number): boolean {
    return this.cluster.nodeState[node] === READY || (this.host.isSpare(node) && !this.host.inRepair(node));
  }
}
