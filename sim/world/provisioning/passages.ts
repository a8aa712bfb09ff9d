/**
 * Nodes on their way into service: image, firmware, reboot, burn-in, check, one step after the other. Each takes a drawn
 * time and may fail; who is to be imaged waits for a place, first come first served (BCM: 10 nodes at a time for each
 * provisioning node).
 */
import { type Cluster, NODE_STATES, type NodeState } from '../../cluster/cluster.ts';
import type { Engine } from '../../engine/engine.ts';
import { openStream, resumeStream, type StreamState } from '../../engine/random.ts';
import { lognormalFromMedian } from '../../engine/samplers.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import type { ProvisioningStep } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';

/** Why a node is on its way: an update, a change of the cluster, or a repair that has just ended. */
export type Purpose = 'rollout' | 'change' | 'return';

export interface Passage {
  purpose: Purpose;
  /** Of the roll-out or change; -1 for a return. */
  index: number;
  steps: readonly ProvisioningStep[];
  at: number;
  /** Waits for a place to be imaged since, µs; -1 = does not wait. */
  waitsSince: number;
  stream: StreamState;
}

export interface PassageHost {
  setState(node: number, state: NodeState): void;
  onDone(node: number, passage: Passage): void;
  onFailed(node: number, passage: Passage, step: ProvisioningStep): void;
}

const PROVISIONING = NODE_STATES.indexOf('provisioning');

export class Passages {
  private readonly open = new Map<number, Passage>();
  private readonly queue: number[] = [];
  private imaging = 0;
  imaged = 0;
  mostImaging = 0;
  imagingWaitUs = 0;
  burnIns = 0;
  burnInsFailed = 0;
  checks = 0;
  checksFailed = 0;
  private readonly seed: string;
  private readonly parallel: number;
  private readonly cluster: Cluster;
  private readonly engine: Engine;
  private readonly host: PassageHost;

  constructor(seed: string, parallel: number, cluster: Cluster, engine: Engine, host: PassageHost) {
    this.seed = seed;
    this.parallel = parallel;
    this.cluster = cluster;
    this.engine = engine;
    this.host = host;
    engine.on(KIND.passage, (node) => this.endStep(node));
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, ['seed', 'parallel', 'cluster', 'engine', 'host']);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  of(node: number): Passage | undefined {
    return this.open.get(node);
  }

  /** The node, which holds no jobs, goes through these steps; `stream` names its numbers. */
  begin(node: number, purpose: Purpose, index: number, steps: readonly ProvisioningStep[], stream: string): void {
    const passage: Passage = {
      ...{ purpose, index, steps, at: 0, waitsSince: -1 },
      stream: openStream(this.seed, stream).state(),
    };
    this.open.set(node, passage);
    this.host.setState(node, 'provisioning');
    this.beginStep(node, passage);
  }

  private beginStep(node: number, passage: Passage): void {
    const step = passage.steps[passage.at];
    if (step === undefined) {
      this.open.delete(node);
      this.host.onDone(node, passage);
    } else if (step.kind === 'image') {
      passage.waitsSince = this.engine.now;
      this.queue.push(node);
      this.callNext();
    } else this.work(node, passage, step);
  }

  private callNext(): void {
    while (this.queue.length > 0 && this.imaging < this.parallel) {
      const node = this.queue.shift() as number;
      const passage = this.open.get(node) as Passage;
      this.imaging++;
      this.mostImaging = Math.max(this.mostImaging, this.imaging);
      this.imagingWaitUs += this.engine.now - passage.waitsSince;
      passage.waitsSince = -1;
      this.work(node, passage, passage.steps[passage.at]);
    }
  }

  private work(node: number, passage: Passage, { time }: ProvisioningStep): void {
    const stream = resumeStream(passage.stream);
    const takesUs = Math.ceil(lognormalFromMedian(stream, time.medianUs, time.sigma));
    passage.stream = stream.state();
    this.engine.schedule(this.engine.now + takesUs, PRIORITY.provisioning, KIND.passage, node);
  }

  private endStep(node: number): void {
    const passage = this.open.get(node);
    if (passage === undefined) return;
    const step = passage.steps[passage.at];
    if (step.kind === 'image') {
      this.imaging--;
      this.imaged++;
      this.callNext();
    }
    if (this.cluster.nodeState[node] !== PROVISIONING) {
      // Somebody else has decided about it.
      this.open.delete(node);
      return;
    }
    const stream = resumeStream(passage.stream);
    const failed = stream.next() < step.failure;
    passage.stream = stream.state();
    if (step.kind === 'burn-in') this.burnIns++;
    if (step.kind === 'check') this.checks++;
    if (failed) {
      if (step.kind === 'burn-in') this.burnInsFailed++;
      if (step.kind === 'check') this.checksFailed++;
      this.open.delete(node);
      this.host.onFailed(node, passage, step);
    } else {
      passage.at++;
      this.beginStep(node, passage);
    }
  }
}
