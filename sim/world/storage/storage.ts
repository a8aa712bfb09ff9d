/**
 * File systems: transfers in progress share bandwidth, max-min fair, anew whenever one starts or ends.
 *
 * Each file system limits what it takes and gives in all, what one node gets, and what goes over the way to far pools;
 * reads and writes do not disturb each other (full duplex). Amounts are whole bytes; what has moved is counted in
 * millionths of a byte, exactly, so that no byte is lost or moved twice however often rates change.
 */
import type { Engine } from '../../engine/engine.ts';
import type { EventId } from '../../engine/queue.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import type { FileSystemSpec } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { type Demand, maxMinRates } from './max-min.ts';

export type Direction = 'read' | 'write';
const DIRECTIONS: readonly Direction[] = ['read', 'write'];

/** What is to be moved between a file system and some nodes, each carrying the same part. */
export interface Transfer {
  fileSystem: number;
  direction: Direction;
  bytes: number;
  /** Nodes that carry it. */
  nodes: number;
  /** Those of them that other transfers may use too; the rest are its own. */
  sharedNodes: readonly number[];
  /** Goes over the file system's way to far pools. */
  far: boolean;
  /** Whose it is and what for, handed back when it has landed. */
  job: number;
  purpose: number;
}

interface Flow extends Transfer {
  id: number;
  startedUs: number;
  /** Millionths of a byte still to move. */
  remaining: bigint;
  /** Bytes per second, of all its nodes together. */
  rate: number;
}

/** One direction of one file system: an island, as no other shares its links. */
interface Channel {
  limit: number;
  nodeLimit: number;
  farLimit: number;
  down: boolean;
  flows: Flow[];
  sinceUs: number;
  /** Fires when the next flow will have landed. */
  event: EventId;
  /** Bytes of transfers that landed, and of the parts moved by those that were broken off. */
  landedBytes: bigint;
  brokenBytes: bigint;
  /** Time in which the island moved anything, and in which it gave all it could, µs. */
  busyUs: number;
  fullUs: number;
  mostFlows: number;
}

export interface ChannelReport {
  fileSystem: number;
  direction: Direction;
  landedBytes: bigint;
  brokenBytes: bigint;
  busyUs: number;
  fullUs: number;
  mostFlows: number;
}

const MICRO = 1_000_000n;
/** Longest wait for a slow flow before looking again, µs: keeps event times exact. */
const FAR_AHEAD_US = 1e15;

export class Storage {
  private readonly channels: Channel[];
  /** Bytes kept, by file system. */
  private readonly used: bigint[];
  private readonly mostUsed: bigint[];
  private nextId = 0;
  /** Called when a transfer has landed. */
  onLanded: (transfer: Transfer) => void = () => {};

  readonly fileSystems: readonly FileSystemSpec[];
  private readonly engine: Engine;

  constructor(fileSystems: readonly FileSystemSpec[], engine: Engine) {
    this.fileSystems = fileSystems;
    this.engine = engine;
    this.used = fileSystems.map(() => 0n);
    this.mostUsed = fileSystems.map(() => 0n);
    this.channels = fileSystems.flatMap((fs) => DIRECTIONS.map((d) => newChannel(fs, d)));
    engine.on(KIND.transfer, (channel) => this.arriveAt(channel));
  }

  /** Starts a transfer and returns its number. */
  start(transfer: Transfer): number {
    const c = this.channelOf(transfer.fileSystem, transfer.direction);
    const channel = this.channels[c];
    this.advance(channel);
    const id = this.nextId++;
    const remaining = BigInt(transfer.bytes) * MICRO;
    channel.flows.push({ ...transfer, id, remaining, startedUs: this.engine.now, rate: 0 });
    channel.mostFlows = Math.max(channel.mostFlows, channel.flows.length);
    this.share(c);
    return id;
  }

  /** Breaks off every transfer of a job; what has moved is of no use. Returns whether there was one. */
  breakOff(job: number): boolean {
    let found = false;
    for (let c = 0; c < this.channels.length; c++) {
      const channel = this.channels[c];
      if (!channel.flows.some((flow) => flow.job === job)) continue;
      found = true;
      this.advance(channel);
      for (const flow of channel.flows) {
        if (flow.job !== job) continue;
        channel.brokenBytes += (BigInt(flow.bytes) * MICRO - flow.remaining) / MICRO;
      }
      channel.flows = channel.flows.filter((flow) => flow.job !== job);
      this.share(c);
    }
    return found;
  }

  /** Changes what a file system gives in one direction in all, bytes per second: a fault, or its repair. */
  setBandwidth(fileSystem: number, direction: Direction, bytesPerSecond: number): void {
    this.change(this.channelOf(fileSystem, direction), (channel) => {
      channel.limit = bytesPerSecond;
    });
  }

  /** A file system that is down holds up its transfers until it is back (a hard mount); none is broken off. */
  setDown(fileSystem: number, down: boolean): void {
    for (const direction of DIRECTIONS) {
      this.change(this.channelOf(fileSystem, direction), (channel) => {
        channel.down = down;
      });
    }
  }

  /** What is stated for it, as `setBandwidth` would restore it, bytes per second. */
  nominalBandwidth(fileSystem: number, direction: Direction): number {
    const { readBytesPerSecond, writeBytesPerSecond } = this.fileSystems[fileSystem];
    return direction === 'read' ? readBytesPerSecond : writeBytesPerSecond;
  }

  /** Time a transfer takes with the file system to itself and in full health, µs. */
  aloneUs({ fileSystem, direction, bytes, nodes, far }: Omit<Transfer, 'job' | 'purpose' | 'sharedNodes'>): number {
    return aloneUs(this.fileSystems[fileSystem], direction, bytes, nodes, far);
  }

  /** Takes room for bytes that are kept; false if there is not enough. */
  reserve(fileSystem: number, bytes: number): boolean {
    const used = this.used[fileSystem] + BigInt(bytes);
    const { capacityBytes } = this.fileSystems[fileSystem];
    if (capacityBytes !== Infinity && used > BigInt(capacityBytes)) return false;
    this.used[fileSystem] = used;
    if (used > this.mostUsed[fileSystem]) this.mostUsed[fileSystem] = used;
    return true;
  }

  remove(fileSystem: number, bytes: number): void {
    this.used[fileSystem] -= BigInt(bytes);
    if (this.used[fileSystem] < 0n) throw new Error(`invariant: file system ${fileSystem} holds less than nothing`);
  }

  usedBytes(fileSystem: number): bigint {
    return this.used[fileSystem];
  }

  mostUsedBytes(fileSystem: number): bigint {
    return this.mostUsed[fileSystem];
  }

  /** Transfers in progress, oldest first, with what is left to move, rounded up, bytes. */
  inProgress(): { job: number; direction: Direction; bytes: number; leftBytes: number; bytesPerSecond: number }[] {
    return this.channels.flatMap((channel) => {
      this.advance(channel);
      return channel.flows.map(({ job, direction, bytes, remaining, rate }) => {
        return { job, direction, bytes, leftBytes: Number((remaining + MICRO - 1n) / MICRO), bytesPerSecond: rate };
      });
    });
  }

  report(): ChannelReport[] {
    return this.channels.map((channel, c) => {
      this.advance(channel);
      const { landedBytes, brokenBytes, busyUs, fullUs, mostFlows } = channel;
      const direction = DIRECTIONS[c % 2];
      return { fileSystem: Math.floor(c / 2), direction, landedBytes, brokenBytes, busyUs, fullUs, mostFlows };
    });
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, ['fileSystems', 'engine', 'onLanded']);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  // ── the fluid ───────────────────────────────────────────────────────────────────────────────────────────────────

  private channelOf(fileSystem: number, direction: Direction): number {
    return 2 * fileSystem + (direction === 'read' ? 0 : 1);
  }

  private change(c: number, by: (channel: Channel) => void): void {
    this.advance(this.channels[c]);
    by(this.channels[c]);
    this.share(c);
  }

  /** Moves what flowed since the last change. */
  private advance(channel: Channel): void {
    const { now } = this.engine;
    const dt = now - channel.sinceUs;
    channel.sinceUs = now;
    if (dt === 0 || channel.flows.length === 0) return;
    let sum = 0;
    for (const flow of channel.flows) {
      sum += flow.rate;
      if (flow.rate === 0) continue;
      const moved = product(flow.rate, dt);
      flow.remaining = moved < flow.remaining ? flow.remaining - moved : 0n;
    }
    if (sum > 0) channel.busyUs += dt;
    // Shares are rounded down to whole bytes per second and node.
    const streams = channel.flows.reduce((n, flow) => n + flow.nodes, 0);
    if (sum > 0 && sum + streams > channel.limit) channel.fullUs += dt;
  }

  /** New rates for everything in progress, and when the next transfer lands. */
  private share(c: number): void {
    const channel = this.channels[c];
    const { engine } = this;
    const { flows } = channel;
    if (channel.event >= 0) engine.queue.cancel(channel.event);
    channel.event = -1;
    const rates = ratesOf(channel);
    let next = Infinity;
    flows.forEach((flow, i) => {
      flow.rate = rates[i];
      if (flow.remaining === 0n) next = 0;
      else if (flow.rate === Infinity) next = 0;
      else if (flow.rate > 0) next = Math.min(next, ceilDivide(flow.remaining, flow.rate));
    });
    if (next !== Infinity) {
      const wait = Math.min(next, FAR_AHEAD_US);
      channel.event = engine.schedule(engine.now + wait, PRIORITY.transfer, KIND.transfer, c);
    }
  }

  private arriveAt(c: number): void {
    const channel = this.channels[c];
    channel.event = -1;
    this.advance(channel);
    const landed = channel.flows.filter((flow) => flow.remaining === 0n || flow.rate === Infinity);
    channel.flows = channel.flows.filter((flow) => flow.remaining !== 0n && flow.rate !== Infinity);
    for (const flow of landed) channel.landedBytes += BigInt(flow.bytes);
    this.share(c);
    // Whoever is told may start the next transfer at once.
    for (const flow of landed) this.onLanded(flow);
  }
}

/** With nothing else going on, µs. */
export function aloneUs(fs: FileSystemSpec, direction: Direction, bytes: number, nodes: number, far: boolean): number {
  if (bytes === 0) return 0;
  const [all, node] =
    direction === 'read'
      ? [fs.readBytesPerSecond, fs.nodeReadBytesPerSecond]
      : [fs.writeBytesPerSecond, fs.nodeWriteBytesPerSecond];
  const each = Math.floor(Math.min(node, all / nodes, far ? fs.farBytesPerSecond / nodes : Infinity));
  const rate = each * nodes;
  return rate === Infinity ? 0 : rate === 0 ? Infinity : ceilDivide(BigInt(bytes) * MICRO, rate);
}

function newChannel(fs: FileSystemSpec, direction: Direction): Channel {
  const read = direction === 'read';
  return {
    limit: read ? fs.readBytesPerSecond : fs.writeBytesPerSecond,
    nodeLimit: read ? fs.nodeReadBytesPerSecond : fs.nodeWriteBytesPerSecond,
    farLimit: fs.farBytesPerSecond,
    down: false,
    flows: [],
    sinceUs: 0,
    event: -1,
    landedBytes: 0n,
    brokenBytes: 0n,
    busyUs: 0,
    fullUs: 0,
    mostFlows: 0,
  };
}

/** Bytes per second of each flow, all its nodes together. */
function ratesOf({ flows, limit, nodeLimit, farLimit, down }: Channel): number[] {
  if (down) return flows.map(() => 0);
  // Links: 0 the file system, 1 the way to far pools, 2 a node of one flow's own for each flow, then shared nodes.
  const capacity = [limit, farLimit];
  const linkOfNode = new Map<number, number>();
  const demands: Demand[] = flows.map(({ nodes, sharedNodes, far }) => {
    const own: number[] = [];
    if (nodes > sharedNodes.length) own.push(capacity.push(nodeLimit) - 1);
    for (const node of sharedNodes) {
      let link = linkOfNode.get(node);
      if (link === undefined) {
        link = capacity.push(nodeLimit) - 1;
        linkOfNode.set(node, link);
      }
      own.push(link);
    }
    return { streams: nodes, own, common: far ? [0, 1] : [0] };
  });
  return maxMinRates(demands, capacity).map((rate, i) => (rate === Infinity ? Infinity : rate * flows[i].nodes));
}

/** Bytes per second × µs, exact. */
function product(rate: number, us: number): bigint {
  const plain = rate * us;
  return plain <= Number.MAX_SAFE_INTEGER ? BigInt(plain) : BigInt(rate) * BigInt(us);
}

function ceilDivide(amount: bigint, rate: number): number {
  const by = BigInt(rate);
  return Number((amount + by - 1n) / by);
}
