/**
 * BCM's part: how nodes come into service, are updated, and leave. One life for each node, whoever moves it on:
 *
 *   new → imaging → burn-in → check → ready → draining → unhealthy → repair → RMA → imaging …
 *
 * Repairs are `world/faults/repair.ts`; a node they have helped comes here for the steps before it returns, and goes back
 * to them if it fails one. Here is who gets which steps when; `passages` walks them, `drains` empties nodes first.
 */
import { type Cluster, NODE_STATES, type NodeState } from '../../cluster/cluster.ts';
import type { ProvisioningReport } from '../../cluster/provisioning.ts';
import type { Engine } from '../../engine/engine.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import { HOUR_US, type ProvisioningSettings, type ProvisioningStep, type Scenario } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Faults } from '../faults/faults.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { Changes } from './changes.ts';
import { Drains } from './drains.ts';
import { type Passage, Passages } from './passages.ts';
import { Rollouts, SKIPPED_FOR_US } from './rollouts.ts';

/** Where a node is in its life. */
export const LIFE = [
  ...['new', 'gone', 'waiting for an image', 'imaging', 'firmware', 'reboot', 'burn-in', 'check'],
  ...['ready', 'draining', 'unhealthy', 'repair', 'rma', 'reclaimed'],
] as const;
export type LifeStage = string;

export interface ProvisioningHost {
  scenario: Scenario;
  cluster: Cluster;
  jobs: Jobs;
  engine: Engine;
  faults: Faults;
  setNodeState(node: number, state: NodeState): void;
}

const ROLLOUT = 0;
const CHANGE = 1;
const STEP_STAGE: Record<ProvisioningStep['kind'], LifeStage> = {
  image: 'imaging',
  firmware: 'firmware',
  reboot: 'reboot',
  'burn-in': 'burn-in',
  check: 'check',
};

export class Provisioning {
  readonly passages: Passages;
  readonly drains: Drains;
  readonly rollouts: Rollouts;
  readonly changes: Changes;
  /** For whom a node is emptied: roll-out or change, and its number. */
  private readonly drainFor = new Map<number, [number, number]>();
  /** How often each node has come back from repair: names the numbers of the next time. */
  private readonly returns = new Map<number, number>();
  /** Nodes that have been in the cluster. */
  private readonly been: Uint8Array;
  /** It will look again at this very moment. */
  private lookingNow = false;
  private sparesUsed = 0;
  private readonly host: ProvisioningHost;
  private readonly settings: ProvisioningSettings;

  constructor(host: ProvisioningHost, settings: ProvisioningSettings) {
    const { scenario, cluster, jobs, engine, faults } = host;
    this.host = host;
    this.settings = settings;
    this.been = new Uint8Array(cluster.nodeCount).fill(1);
    for (const node of settings.absent) this.been[node] = 0;
    const setState = (node: number, state: NodeState) => host.setNodeState(node, state);
    const isSpare = (node: number) => faults.isSpare(node);
    const inRepair = (node: number) => faults.repairs.has(node);
    this.passages = new Passages(scenario.seed, settings.parallelImaging, cluster, engine, {
      setState,
      onDone: (node, passage) => this.onDone(node, passage),
      onFailed: (node, passage, step) => this.onFailed(node, passage, step),
    });
    this.drains = new Drains(scenario, cluster, jobs, engine, {
      setState,
      inRepair,
      onDrained: (node, forced) => this.onDrained(node, forced),
      onSkipped: (node) => this.onPutOff(node, SKIPPED_FOR_US),
      onInterrupted: (node) => this.onPutOff(node, 0),
    });
    this.rollouts = new Rollouts(settings.rollouts, scenario, cluster, engine, {
      isSpare,
      inRepair,
      isTaken: (node) => this.drains.has(node) || this.passages.of(node) !== undefined || this.changes.has(node),
      drain: (node, index) => this.drain(node, ROLLOUT, index),
      lookAt: (us) => this.lookAt(us),
    });
    this.changes = new Changes(settings.changes, cluster, engine, {
      setState,
      isSpare,
      inRepair,
      isTaken: (node) => this.drains.has(node) || this.passages.of(node) !== undefined,
      forgetSpare: (node) => faults.forgetSpare(node),
      drain: (node, index) => this.drain(node, CHANGE, index),
      bringUp: (node, index) => this.bringUp(node, index),
    });
    engine.on(KIND.provisioningDue, (what, index) => this.begin(what, index));
    engine.on(KIND.provisioningLook, () => this.look());
    faults.isBeingUpdated = (node) => this.drains.has(node) || this.passages.of(node) !== undefined;
    faults.repairs.returnsBy((node, how) => this.comesBack(node, how));
    const freed = jobs.onFree;
    jobs.onFree = (node) => {
      freed(node);
      this.drains.freed(node);
    };
  }

  /** Plans what is to come; nodes that are not there yet are `absent` by now. */
  start(): void {
    const { engine } = this.host;
    const plan = (atUs: number, what: number, index: number) =>
      engine.schedule(atUs, PRIORITY.provisioning, KIND.provisioningDue, what, index);
    this.settings.changes.forEach(({ atUs }, index) => {
      plan(atUs, CHANGE, index);
    });
    this.settings.rollouts.forEach(({ atUs }, index) => {
      plan(atUs, ROLLOUT, index);
    });
  }

  snapshot(): Record<string, Snapshot> {
    return {
      own: takeSnapshot(this, ['host', 'settings', 'passages', 'drains', 'rollouts', 'changes']),
      passages: this.passages.snapshot(),
      drains: this.drains.snapshot(),
      rollouts: this.rollouts.snapshot(),
      changes: this.changes.snapshot(),
    };
  }

  restore(snapshot: Record<string, Snapshot>): void {
    restoreSnapshot(this, snapshot.own);
    this.passages.restore(snapshot.passages);
    this.drains.restore(snapshot.drains);
    this.rollouts.restore(snapshot.rollouts);
    this.changes.restore(snapshot.changes);
  }

  /** Where a node is in its life, one of `LIFE`. */
  stageOf(node: number): LifeStage {
    const state = NODE_STATES[this.host.cluster.nodeState[node]];
    const passage = this.passages.of(node);
    if (state === 'absent') return this.been[node] === 1 ? 'gone' : 'new';
    if (state !== 'provisioning' || passage === undefined) return this.host.faults.repairs.stageOf(node) ?? state;
    const step = STEP_STAGE[passage.steps[passage.at].kind];
    return passage.waitsSince >= 0 ? 'waiting for an image' : step;
  }

  /** A node's state has changed: some may have to wait no longer. */
  onNodeState(node: number, state: NodeState): void {
    if (state !== 'absent') this.been[node] = 1;
    if (state === 'unhealthy' && this.settings.sparesReplace) this.useSpare(node);
    this.lookAt(this.host.engine.now);
  }

  report(): ProvisioningReport {
    this.rollouts.settle();
    const { imaged, mostImaging, imagingWaitUs, burnIns, burnInsFailed, checks, checksFailed } = this.passages;
    const { drains } = this.drains;
    return {
      rollouts: this.rollouts.rows,
      changes: this.changes.rows,
      counts: {
        ...{ imaged, mostImaging, imagingWaitUs, burnIns, burnInsFailed, checks, checksFailed, drains },
        sparesUsed: this.sparesUsed,
      },
    };
  }

  // ── what is due ───────────────────────────────────────────────────────────────────────────────────────────────────

  private begin(what: number, index: number): void {
    if (what === ROLLOUT) this.rollouts.begin(index);
    else this.changes.begin(index);
    this.lookAt(this.host.engine.now);
  }

  private lookAt(us: number): void {
    if (us === this.host.engine.now) {
      if (this.lookingNow) return;
      this.lookingNow = true;
    }
    this.host.engine.schedule(us, PRIORITY.provisioning, KIND.provisioningLook);
  }

  private look(): void {
    this.lookingNow = false;
    this.changes.look();
    this.rollouts.look();
  }

  private useSpare(node: number): void {
    const { faults, scenario } = this.host;
    if (faults.isSpare(node)) return;
    const spare = faults.takeSpare(scenario.nodes.pool[node]);
    if (spare < 0) return;
    this.sparesUsed++;
    this.host.setNodeState(spare, 'ready');
  }

  // ── nodes that are emptied ────────────────────────────────────────────────────────────────────────────────────────

  private drain(node: number, what: number, index: number): void {
    const { names } = this.host.scenario.nodes;
    const { name, drain } = what === ROLLOUT ? this.settings.rollouts[index] : this.settings.changes[index];
    this.drainFor.set(node, [what, index]);
    this.drains.begin(node, drain, `node ${names[node]} is drained for ${name}${withinText(drain.waitUs)}`);
  }

  private onDrained(node: number, forced: boolean): void {
    const [what, index] = this.drainFor.get(node) as [number, number];
    this.drainFor.delete(node);
    if (what === CHANGE) {
      this.changes.onDrained(index, node);
      return;
    }
    this.rollouts.onDrained(index, node, forced);
    const { name, steps } = this.settings.rollouts[index];
    this.passages.begin(node, 'rollout', index, steps, `provisioning/rollout/${name}/${this.nameOf(node)}`);
  }

  private onPutOff(node: number, waitUs: number): void {
    const [what, index] = this.drainFor.get(node) as [number, number];
    this.drainFor.delete(node);
    if (what === CHANGE) this.changes.onPutOff(index, node);
    else this.rollouts.onPutOff(index, node, waitUs);
    this.lookAt(this.host.engine.now);
  }

  // ── nodes on their way into service ───────────────────────────────────────────────────────────────────────────────

  private bringUp(node: number, index: number): void {
    const { name, steps } = this.settings.changes[index];
    this.passages.begin(node, 'change', index, steps, `provisioning/change/${name}/${this.nameOf(node)}`);
  }

  /** A repair has helped. */
  private comesBack(node: number, how: 'quick' | 'served' | 'renewed'): void {
    const n = this.returns.get(node) ?? 0;
    this.returns.set(node, n + 1);
    const stream = `provisioning/return/${this.nameOf(node)}/${n}`;
    this.passages.begin(node, 'return', -1, this.settings.returns[how], stream);
  }

  private onDone(node: number, { purpose, index }: Passage): void {
    const { faults } = this.host;
    if (purpose === 'return') faults.repairs.returned(node);
    else if (purpose === 'rollout') {
      this.rollouts.onUpdated(index, node);
      this.host.setNodeState(node, faults.isSpare(node) ? 'draining' : 'ready');
    } else this.host.setNodeState(node, faults.onReturned(node) ? 'ready' : 'draining');
    this.lookAt(this.host.engine.now);
  }

  private onFailed(node: number, { purpose, index }: Passage, { kind }: ProvisioningStep): void {
    const { repairs } = this.host.faults;
    if (purpose === 'return') {
      repairs.failedAgain(node);
      return;
    }
    if (purpose === 'rollout') this.rollouts.onFailed(index, node);
    const repair = purpose === 'rollout' ? this.settings.rollouts[index].repair : this.settings.newRepair;
    const name = purpose === 'rollout' ? this.settings.rollouts[index].name : this.settings.changes[index].name;
    repairs.open(node, repair, `provisioning/${name}/${this.nameOf(node)}/${kind}`);
  }

  private nameOf(node: number): string {
    return this.host.scenario.nodes.names[node];
  }
}

function withinText(us: number): string {
  if (us === Infinity) return ': its jobs may end first';
  const minutes = us / 60_000_000;
  const time = us >= HOUR_US && us % HOUR_US === 0 ? `${us / HOUR_US} h` : `${minutes} min`;
  return us === 0 ? ': its jobs have to leave' : `: its jobs have ${time} to end`;
}
