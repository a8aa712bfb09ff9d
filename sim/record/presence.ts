/** How long each node has been part of the cluster: what the ledger has to add up to where nodes join and leave. */
import { ABSENT, type Cluster, GPU_UNITS } from '../cluster/cluster.ts';

export class Presence {
  /** When the node joined, µs; -1 = it is not there now. */
  private readonly since: Float64Array;
  /** Up to when it last left, µs. */
  private readonly total: Float64Array;

  constructor({ nodeCount, nodeState }: Cluster) {
    this.since = Float64Array.from({ length: nodeCount }, (_, node) => (nodeState[node] === ABSENT ? -1 : 0));
    this.total = new Float64Array(nodeCount);
  }

  join(node: number, now: number): void {
    this.since[node] = now;
  }

  leave(node: number, now: number): void {
    this.total[node] += now - this.since[node];
    this.since[node] = -1;
  }

  /** Σ over GPUs of their time in the cluster, GPU·µs/7000. */
  capacity(gpus: Readonly<Uint8Array>, now: number): bigint {
    let sum = 0n;
    for (let node = 0; node < this.since.length; node++) {
      const us = this.total[node] + (this.since[node] >= 0 ? now - this.since[node] : 0);
      sum += BigInt(us) * BigInt(gpus[node]);
    }
    return sum * BigInt(GPU_UNITS);
  }
}
