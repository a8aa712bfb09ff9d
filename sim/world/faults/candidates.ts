/**
 * Candidate faults, drawn for each unit from a stream of its own (`faults/PROCESS/UNIT`) whatever anybody does about them:
 * two policies see the same ones. Each carries a number that says whether it takes effect.
 */
import type { Engine } from '../../engine/engine.ts';
import { openStream, type Stream, type Streams } from '../../engine/random.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import type { FaultProcess, FaultSettings, FaultUnit, Scenario } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { factorAt, firstGap, mostFactor, nextGap, ownFactor } from './hazards.ts';
import { FAULT_KINDS, faultKind } from './kinds.ts';
import { type Unit, unitsOf } from './units.ts';

export interface Candidate {
  scope: FaultUnit;
  unit: string;
  /** Pools to which the unit's nodes belong; absent = all. */
  pools?: readonly number[];
  process: string;
  cause: string;
  /** Index into FAULT_KINDS. */
  kind: number;
  /** Nodes of the unit, and the GPU of the first of them that is meant. */
  nodes: readonly number[];
  gpu: number;
  /** It takes effect if `part` is below `chance`: by age and by what the node is now. */
  part: number;
  chance: number;
  /** Chooses among jobs. */
  choice: number;
  /** Name of the stream for what follows from it (how long a repair takes). */
  stream: string;
}

interface Follower {
  source: number;
  cause: number;
  gpu: number;
  part: number;
  choice: number;
  stream: string;
}

const UNCHANGING = ['scenario', 'engine', 'streams', 'settings', 'units', 'process', 'factor', 'onCandidate', 'kinds'];

export class Candidates {
  /** By source (a unit under a process): its unit, its process, and its own rate over the process's. */
  private readonly units: Unit[] = [];
  private readonly process: number[] = [];
  private readonly factor: number[] = [];
  /** Candidates drawn so far, by source. */
  private readonly drawn: number[] = [];
  private readonly followers = new Map<number, Follower>();
  private nextFollower = 1;
  /** Nodes that are lemons now, and when each node's hardware was new, µs. */
  readonly lemon: Uint8Array;
  readonly newUs: Float64Array;
  /** Events that come whatever happens: a run in which nothing else is left is over. */
  pending = 0;
  /** Called with each candidate when its time has come. */
  onCandidate: (candidate: Candidate) => void = () => {};
  /** Kinds of each process's mix. */
  private readonly kinds: number[][];
  private readonly scenario: Scenario;
  private readonly settings: FaultSettings;
  private readonly engine: Engine;
  private readonly streams: () => Streams;

  constructor(scenario: Scenario, settings: FaultSettings, engine: Engine, streams: () => Streams) {
    this.scenario = scenario;
    this.settings = settings;
    this.engine = engine;
    this.streams = streams;
    const { nodes, seed } = scenario;
    this.lemon = new Uint8Array(nodes.count);
    this.newUs = new Float64Array(nodes.count).fill(-settings.ageUs);
    this.kinds = settings.processes.map(({ mix }) => mix.map(({ kind }) => faultKind(kind)));
    engine.on(KIND.fault, (source, follower) => this.arrive(source, follower));
    engine.on(KIND.faultListed, (at) => this.arriveListed(at));
    if (settings.processes.length > 0 && settings.lemons.share > 0) {
      for (let n = 0; n < nodes.count; n++) {
        if (openStream(seed, `faults/lemon/${nodes.names[n]}`).next() < settings.lemons.share) this.lemon[n] = 1;
      }
    }
    settings.processes.forEach((process, p) => {
      for (const unit of unitsOf(process.unit, process.pools, scenario)) {
        this.units.push(unit);
        this.process.push(p);
        this.factor.push(this.ownFactor(process, unit));
        this.drawn.push(0);
      }
    });
  }

  begin(): void {
    for (let source = 0; source < this.units.length; source++) {
      const process = this.settings.processes[this.process[source]];
      const meanUs = process.meanUs / this.factor[source];
      this.scheduleAfter(source, firstGap(process.hazard, meanUs, this.settings.ageUs, this.stream(source)));
    }
    this.settings.listed.forEach(({ atUs }, i) => {
      this.pending++;
      this.engine.schedule(atUs, PRIORITY.fault, KIND.faultListed, i);
    });
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, UNCHANGING);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  /** A node that joins the cluster is new, whatever it will turn out to be. */
  arrived(node: number): void {
    this.newUs[node] = this.engine.now;
  }

  /** New hardware: young again, and no lemon. */
  renew(node: number): void {
    this.newUs[node] = this.engine.now;
    this.lemon[node] = 0;
  }

  private arrive(source: number, follower: number): void {
    this.pending--;
    if (follower > 0) {
      const given = this.followers.get(follower) as Follower;
      this.followers.delete(follower);
      this.onCandidate(this.candidate(source, given.cause, given.gpu, given.part, given.choice, given.stream));
      return;
    }
    const process = this.settings.processes[this.process[source]];
    const stream = this.stream(source);
    const n = this.drawn[source]++;
    // Always the same draws in the same order: what, where, whether, whom, then when the next one comes.
    const cause = pick(process.mix, stream.next());
    const gpu = stream.next();
    const part = stream.next();
    const choice = stream.next();
    const name = `${this.streamName(source)}/${n}`;
    this.scheduleAfter(source, nextGap(process.hazard, process.meanUs / this.factor[source], stream));
    if (process.burst !== undefined) this.drawBurst(source, cause, stream);
    this.onCandidate(this.candidate(source, cause, gpu, part, choice, name));
  }

  private arriveListed(at: number): void {
    this.pending--;
    const { kind, stream, ...told } = this.settings.listed[at];
    this.onCandidate({
      ...told,
      kind: faultKind(kind),
      part: 0,
      chance: 1,
      stream: stream ?? `faults/listed/${at}`,
    });
  }

  private candidate(
    source: number,
    cause: number,
    gpu: number,
    part: number,
    choice: number,
    stream: string,
  ): Candidate {
    const p = this.process[source];
    const process = this.settings.processes[p];
    const unit = this.units[source];
    const node = unit.nodes[0];
    const wasLemon = this.factorOfLemon(node, true);
    const is = factorAt(process.hazard, this.engine.now - this.newUs[node]) * this.factorOfLemon(node, false);
    return {
      scope: process.unit,
      unit: unit.name,
      ...(process.pools && { pools: process.pools }),
      process: process.name,
      cause: process.mix[cause].cause,
      kind: this.kinds[p][cause],
      nodes: unit.nodes,
      gpu: unit.gpu >= 0 ? unit.gpu : Math.floor(gpu * this.scenario.nodes.gpus[node]),
      part,
      chance: is / (mostFactor(process.hazard) * wasLemon),
      choice,
      stream,
    };
  }

  /** Of the node as it was at the start, or as it is now. */
  private factorOfLemon(node: number, atStart: boolean): number {
    const { lemons, ageUs } = this.settings;
    // A node that was renewed is no lemon any more: whether it was one, its own stream still knows.
    if (lemons.share === 0) return 1;
    if (!atStart || this.newUs[node] === -ageUs) return this.lemon[node] === 1 ? lemons.factor : 1;
    const drew = openStream(this.scenario.seed, `faults/lemon/${this.scenario.nodes.names[node]}`).next();
    return drew < lemons.share ? lemons.factor : 1;
  }

  private ownFactor(process: FaultProcess, unit: Unit): number {
    const { lemons, gpuSpread } = this.settings;
    const single = process.unit === 'gpu' || process.unit === 'node';
    let factor = single && this.lemon[unit.nodes[0]] === 1 ? lemons.factor : 1;
    if (process.unit === 'gpu' && gpuSpread > 0) {
      factor *= ownFactor(gpuSpread, openStream(this.scenario.seed, `faults/spread/${unit.name}`));
    }
    return factor;
  }

  private drawBurst(source: number, cause: number, stream: Stream): void {
    const p = this.process[source];
    const { probability, count, withinUs, among } = this.settings.processes[p].burst as NonNullable<
      FaultProcess['burst']
    >;
    if (stream.next() >= probability) return;
    const peers = this.peers(source, among);
    for (let i = 0; i < count; i++) {
      const [where, when, gpu, part, choice] = [0, 0, 0, 0, 0].map(() => stream.next());
      if (peers.length === 0) continue;
      const id = this.nextFollower++;
      const name = `${this.streamName(source)}/burst-${id}`;
      this.followers.set(id, { source, cause, gpu, part, choice, stream: name });
      this.pending++;
      const at = this.engine.now + Math.ceil(when * withinUs);
      this.engine.schedule(at, PRIORITY.fault, KIND.fault, peers[Math.floor(where * peers.length)], id);
    }
  }

  /** Other units of the same process in the same part of the cluster. */
  private peers(source: number, among: 'rack' | 'nvlinkDomain' | 'cluster'): number[] {
    const { nodes } = this.scenario;
    const place = (s: number) => (among === 'cluster' ? 0 : nodes[among][this.units[s].nodes[0]]);
    const here = place(source);
    const found: number[] = [];
    for (let s = 0; s < this.units.length; s++) {
      if (s !== source && this.process[s] === this.process[source] && here >= 0 && place(s) === here) found.push(s);
    }
    return found;
  }

  private scheduleAfter(source: number, gapUs: number): void {
    const at = this.engine.now + Math.max(1, Math.round(gapUs));
    if (!(at <= this.scenario.durationUs) || at > Number.MAX_SAFE_INTEGER) return;
    this.pending++;
    this.engine.schedule(at, PRIORITY.fault, KIND.fault, source, 0);
  }

  private streamName(source: number): string {
    return `faults/${this.settings.processes[this.process[source]].name}/${this.units[source].name}`;
  }

  private stream(source: number): Stream {
    return this.streams().get(this.streamName(source));
  }
}

/** Index of the entry on which a number in [0, 1) falls, by weight. */
function pick(mix: FaultProcess['mix'], u: number): number {
  let total = 0;
  for (const { weight } of mix) total += weight;
  let rest = u * total;
  for (let i = 0; i < mix.length; i++) {
    rest -= mix[i].weight;
    if (rest < 0) return i;
  }
  return mix.length - 1;
}

export const kindOf = (candidate: Candidate) => FAULT_KINDS[candidate.kind];
