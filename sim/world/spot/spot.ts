/**
 * Spot capacity: the cloud gives notice, takes nodes away, often several of a pool at once, and gives capacity back.
 *
 * A node's hazard depends on its age and the hour of the day. When one goes, others of its pool (one machine type in one
 * zone) go along with some chance within minutes: over nine in ten co-interruptions on record are of that kind
 * (Spot-and-Scoot). All of it is drawn from streams of the node's or the pool's own, in an order that no job and no
 * policy has a hand in: every policy sees the same reclaims.
 */
import { type Cluster, NODE_STATES, type NodeState } from '../../cluster/cluster.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Stream, Streams } from '../../engine/random.ts';
import { exponential } from '../../engine/samplers.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import { HOUR_US, type Scenario, type SpotSpec } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';

/** What spot does to the rest of the world. */
export interface SpotHost {
  setState(node: number, state: NodeState): void;
  /** The jobs on a node have this long left, µs. */
  giveNotice(node: number, noticeUs: number): void;
  streams(): Streams;
}

/** Here, with notice given, or away. */
const HERE = 0;
const NOTICED = 1;
const AWAY = 2;

export class Spot {
  private readonly phase: Uint8Array;
  /** When the node's present life began, µs. */
  private readonly since: Float64Array;
  private readonly event: Float64Array;
  notices = 0;
  taken = 0;
  returned = 0;

  private readonly scenario: Scenario;
  private readonly cluster: Cluster;
  private readonly engine: Engine;
  private readonly host: SpotHost;

  constructor(scenario: Scenario, cluster: Cluster, engine: Engine, host: SpotHost) {
    this.scenario = scenario;
    this.cluster = cluster;
    this.engine = engine;
    this.host = host;
    this.phase = new Uint8Array(cluster.nodeCount);
    this.since = new Float64Array(cluster.nodeCount);
    this.event = new Float64Array(cluster.nodeCount).fill(-1);
    engine.on(KIND.spotNotice, (node, along) => this.notice(node, along === 1));
    engine.on(KIND.spotTake, (node) => this.take(node));
    engine.on(KIND.spotReturn, (node) => this.giveBack(node));
  }

  /** Draws the first reclaim of every spot node. */
  begin(): void {
    for (let node = 0; node < this.cluster.nodeCount; node++) if (this.specOf(node) !== null) this.live(node);
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, ['scenario', 'cluster', 'engine', 'host']);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  /** Pending reclaims of nodes that are here: nothing that a waiting job could wait for. */
  get background(): number {
    let here = 0;
    for (let node = 0; node < this.cluster.nodeCount; node++) {
      if (this.phase[node] === HERE && this.event[node] >= 0) here++;
    }
    return here;
  }

  private specOf(node: number): SpotSpec | null {
    return this.scenario.spot?.[this.scenario.nodes.pool[node]] ?? null;
  }

  private streamOf(node: number): Stream {
    return this.host.streams().get(`spot/${this.scenario.nodes.names[node]}`);
  }

  /** The node is new, or back: when will it be its turn? */
  private live(node: number): void {
    const spec = this.specOf(node) as SpotSpec;
    this.phase[node] = HERE;
    this.since[node] = this.engine.now;
    const others = this.cluster.nodesOfPool[this.scenario.nodes.pool[node]].length - 1;
    // Those that go along are part of the stated rate.
    const meanUs = spec.meanUs * (1 + others * spec.batchShare);
    const age = timeToReclaim(spec, meanUs, this.localUs(), this.streamOf(node));
    this.event[node] = this.engine.schedule(this.engine.now + age, PRIORITY.spot, KIND.spotNotice, node, 0);
  }

  /** µs since midnight where the scenario is. */
  private localUs(): number {
    const { startEpochSeconds, utcOffsetMinutes } = this.scenario;
    const seconds = startEpochSeconds + utcOffsetMinutes * 60;
    return (((seconds % 86_400) + 86_400) % 86_400) * 1_000_000 + this.engine.now;
  }

  private notice(node: number, along: boolean): void {
    if (this.phase[node] !== HERE) return;
    const spec = this.specOf(node) as SpotSpec;
    if (along) this.engine.queue.cancel(this.event[node]);
    this.phase[node] = NOTICED;
    this.notices++;
    this.event[node] = this.engine.schedule(this.engine.now + spec.noticeUs, PRIORITY.spot, KIND.spotTake, node);
    if (!along) this.takeAlong(node, spec);
    if (NODE_STATES[this.cluster.nodeState[node]] === 'ready') this.host.setState(node, 'draining');
    this.host.giveNotice(node, spec.noticeUs);
  }

  /** Draws for every other node of the pool, whether it is here or not: what one does shifts nobody else's numbers. */
  private takeAlong(node: number, spec: SpotSpec): void {
    if (spec.batchShare === 0) return;
    const pool = this.scenario.nodes.pool[node];
    const stream = this.host.streams().get(`spot/batch/${this.scenario.pools[pool].name}`);
    for (const other of this.cluster.nodesOfPool[pool]) {
      if (other === node) continue;
      const goes = stream.next() < spec.batchShare;
      const after = Math.floor(stream.next() * (spec.batchWindowUs + 1));
      if (goes) this.engine.schedule(this.engine.now + after, PRIORITY.spot, KIND.spotNotice, other, 1);
    }
  }

  private take(node: number): void {
    const spec = this.specOf(node) as SpotSpec;
    this.phase[node] = AWAY;
    this.taken++;
    this.host.setState(node, 'reclaimed');
    const away = Math.max(1, Math.round(exponential(this.streamOf(node), spec.returnMeanUs)));
    this.event[node] = this.engine.schedule(this.engine.now + away, PRIORITY.spot, KIND.spotReturn, node);
  }

  private giveBack(node: number): void {
    this.returned++;
    if (NODE_STATES[this.cluster.nodeState[node]] === 'reclaimed') this.host.setState(node, 'ready');
    this.live(node);
  }
}

/** From new to its notice, µs: thinning (Lewis and Shedler 1979) under the highest hazard there can be. */
export function timeToReclaim(spec: SpotSpec, meanUs: number, localUs: number, stream: Stream): number {
  const most = Math.max(...spec.byAge.map((a) => a.factor)) * Math.max(...spec.byHour);
  let age = 0;
  for (;;) {
    age += exponential(stream, meanUs / most);
    // What comes after the run's horizon never comes; without an end of life the loop still ends, as hazards are above 0.
    if (age >= spec.maxAgeUs) return spec.maxAgeUs;
    if (age >= FAR_US) return FAR_US;
    const factor = ageFactor(spec, age) * spec.byHour[Math.floor((localUs + age) / HOUR_US) % 24];
    if (stream.next() * most < factor) return Math.max(1, Math.round(age));
  }
}

/** 100 years. */
const FAR_US = 100 * 365 * 24 * HOUR_US;

function ageFactor({ byAge }: SpotSpec, age: number): number {
  let factor = byAge[0].factor;
  for (const step of byAge) if (age >= step.fromUs) factor = step.factor;
  return factor;
}
