/** Who is in which pool as nodes come, go and change pools, and the columns of those that come. */

import { type NodeColumns, nodeColumns } from '../../sim/scenario.ts';
import { type At, type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import type { PathStep } from '../problem.ts';
import { quote } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import { type CompiledCluster, concat, findPool } from './cluster.ts';

/** Nodes of each pool as planned so far, and the columns of those that come. */
export class Roster {
  readonly absent: number[] = [];
  /** By pool, nodes that are there, in the order in which they came. */
  private readonly members: number[][];
  private readonly names: Set<string>;
  readonly cluster: CompiledCluster;
  readonly source: SourceDocument;
  readonly report: Report;
  private readonly topology: { nodesPerRack: number; racksPerBlock: number; nodesPerNvlinkDomain: number }[];

  constructor(cluster: CompiledCluster, docs: readonly CheckedDocument[], source: SourceDocument, report: Report) {
    this.cluster = cluster;
    this.source = source;
    this.report = report;
    const { nodes, pools } = cluster;
    this.members = pools.map((_, pool) => [...nodes.pool.keys()].filter((n) => nodes.pool[n] === pool));
    this.names = new Set(nodes.names);
    const stated = documentsOf(docs, 'Cluster')[0]?.data.spec.pools ?? [];
    this.topology = pools.map((_, p) => ({
      nodesPerRack: stated[p]?.nodesPerRack ?? 0,
      racksPerBlock: stated[p]?.racksPerBlock ?? 0,
      nodesPerNvlinkDomain: stated[p]?.nodesPerNvlinkDomain ?? 0,
    }));
  }

  pool(name: string, path: readonly PathStep[]): number {
    const pool = findPool(this.cluster.pools, name, this.source, path, this.report);
    if (pool >= 0 && this.cluster.pools[pool].spot) {
      this.at(path, `spot pool ${quote(name)}`, 'a pool that is not spot: its nodes come and go with the cloud');
      return -1;
    }
    return pool;
  }

  readonly at: At = (path, found, expected) => this.report.at(this.source, path, found, expected);

  all(pool: number): number[] {
    return [...this.members[pool]];
  }

  /** More nodes, like the pool's first one, in racks of their own. */
  add(pool: number, count: number): number[] {
    const { nodes, pools } = this.cluster;
    const like = nodes.pool.indexOf(pool);
    const group = {
      ...{ pool, count, gpus: nodes.gpus[like], cpuMilli: nodes.cpuMilli[like], memoryMiB: nodes.memoryMiB[like] },
      ...{ migLayout: nodes.migLayout[like], ...this.topology[pool] },
    };
    const added = nodeColumns([group]);
    for (const of of ['rack', 'block', 'nvlinkDomain'] as const) {
      const base = 1 + nodes[of].reduce((most, id) => Math.max(most, id), -1);
      added[of] = added[of].map((id) => (id < 0 ? -1 : base + id));
    }
    let n = nodes.pool.reduce((sum, p) => sum + (p === pool ? 1 : 0), 0);
    added.names = added.names.map(() => {
      while (this.names.has(`${pools[pool].name}-${n}`)) n++;
      return this.named(`${pools[pool].name}-${n++}`);
    });
    return this.join(added, pool, undefined);
  }

  /** Takes nodes out of a pool: the last ones, or the first ones. Undefined after reporting that there are too few. */
  take(pool: number, count: number, last: boolean, path: readonly PathStep[]): number[] | undefined {
    const members = this.members[pool];
    if (count > members.length) {
      this.at(path, `${count} nodes`, `at most the ${members.length} that ${this.cluster.pools[pool].name} has then`);
      return undefined;
    }
    return last ? members.splice(members.length - count).reverse() : members.splice(0, count);
  }

  /** What these nodes are in another pool. */
  become(nodes: readonly number[], pool: number): number[] {
    const { nodes: all, pools } = this.cluster;
    const like = all.pool.indexOf(pool);
    const hardware = nodes.map((node) => all.hardware?.[node] ?? node);
    const pick = <T extends Int32Array | Float64Array | Uint8Array>(column: T) =>
      column.constructor === Int32Array
        ? (Int32Array.from(nodes, (n) => column[n]) as T)
        : column.constructor === Float64Array
          ? (Float64Array.from(nodes, (n) => column[n]) as T)
          : (Uint8Array.from(nodes, (n) => column[n]) as T);
    const added: NodeColumns = {
      count: nodes.length,
      names: hardware.map((node) => this.named(`${all.names[node]}@${pools[pool].name}`)),
      pool: new Int32Array(nodes.length).fill(pool),
      gpus: pick(all.gpus),
      cpuMilli: pick(all.cpuMilli),
      memoryMiB: pick(all.memoryMiB),
      rack: pick(all.rack),
      block: pick(all.block),
      nvlinkDomain: pick(all.nvlinkDomain),
      migLayout: new Int32Array(nodes.length).fill(all.migLayout[like]),
    };
    return this.join(added, pool, hardware);
  }

  private named(name: string): string {
    let free = name;
    for (let n = 2; this.names.has(free); n++) free = `${name}#${n}`;
    this.names.add(free);
    return free;
  }

  private join(added: NodeColumns, pool: number, hardware: number[] | undefined): number[] {
    const { cluster } = this;
    const from = cluster.nodes.count;
    const before = cluster.nodes.hardware ?? Int32Array.from({ length: from }, (_, n) => n);
    const numbers = Array.from({ length: added.count }, (_, i) => from + i);
    cluster.nodes = concat(cluster.nodes, added);
    cluster.nodes.hardware = Int32Array.from([...before, ...(hardware ?? numbers)]);
    this.absent.push(...numbers);
    this.members[pool].push(...numbers);
    return numbers;
  }
}
