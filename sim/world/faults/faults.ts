/**
 * Faults as the run knows them: which have struck and are not over, which nodes cannot be used, which jobs are on their way
 * back. The other files of this folder are what happens: candidates come (`candidates`), strike (`striking`), are noticed
 * (`detecting`), somebody acts (`acting`), nodes are repaired (`repair`). Decisions are a `Recovery`'s; whoever decides sees
 * what telemetry shows, when it shows it.
 */
import { ABSENT, type Cluster, NODE_STATES, type NodeState } from '../../cluster/cluster.ts';
import type { FaultRow, Recovery } from '../../cluster/recovery.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Streams } from '../../engine/random.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import type { FaultSettings, Scenario } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { Readings } from '../telemetry/readings.ts';
import { Telemetry, XidGauge } from '../telemetry/telemetry.ts';
import { type Candidate, Candidates } from './candidates.ts';
import { GpuResets } from './gpu-reset.ts';
import { faultKind, type Repair } from './kinds.ts';
import { REPAIR_DEFAULTS, Repairs } from './repair.ts';

/** A fault that has struck, until nobody needs to know of it any more. */
export interface Open {
  /** Index into `rows`. */
  row: number;
  kind: number;
  nodes: number[];
  gpu: number;
  stream: string;
  /** Jobs it has halted or that may have to leave, in order. */
  jobs: number[];
  repair: Repair;
  /** Steps yet to come; the fault is forgotten after the last. */
  steps: number;
  /** The file system that does not answer; -1 = none. */
  fileSystem: number;
}

export interface FaultHost {
  scenario: Scenario;
  cluster: Cluster;
  jobs: Jobs;
  engine: Engine;
  streams(): Streams;
  setNodeState(node: number, state: NodeState): void;
  /** Units that nobody holds of a node in service become unhealthy, or fit for use again. */
  bookGpu(node: number, units: number, unhealthy: boolean): void;
  recovery: Recovery;
  /** A file system answers no more, or again. */
  setStorageDown(fileSystem: number, down: boolean): void;
}

export const NO_FAULTS: FaultSettings = {
  processes: [],
  listed: [],
  lemons: { share: 0, factor: 1 },
  gpuSpread: 0,
  ageUs: 0,
  // Detectors find 70 % (arXiv 2509.16293); that it takes two hours is assumed.
  corruption: { found: 0.7, medianUs: 7200e6, sigma: 1 },
  repair: REPAIR_DEFAULTS,
};

const UNCHANGING = [
  'host',
  'candidates',
  'repairs',
  'resets',
  'onResetFailed',
  'telemetry',
  'settings',
  'readings',
  'isBeingUpdated',
];
const READINGS_SHARED = ['scenario', 'cluster', 'telemetry', 'gauge', 'now', 'onChange'];

export class Faults {
  readonly rows: FaultRow[] = [];
  readonly candidates: Candidates;
  readonly repairs: Repairs;
  readonly resets: GpuResets;
  readonly telemetry: Telemetry;
  readonly gauge = new XidGauge();
  /** Null where no scenario speaks of faults or telemetry: nobody reads it. */
  readonly readings: Readings | null;
  readonly open = new Map<number, Open>();
  nextOpen = 0;
  /** Nodes that cannot be used and are not out of service yet, with the fault that made them so. */
  readonly unfit = new Map<number, number>();
  /** The same of GPUs of the cluster whose nodes can be used. */
  readonly unfitGpus = new Map<number, number>();
  /** Called when a GPU's resets have not helped: row of the fault, and name of its stream. */
  onResetFailed: (gpu: number, row: number, name: string) => void = () => {};
  /** Rows of faults for which a node is away. */
  readonly away = new Map<number, number[]>();
  /** Jobs on their way back, with the row of the fault. */
  readonly back = new Map<number, number>();
  /** How often the policy has moved each job. */
  readonly attempts = new Map<number, number>();
  /** When a job last came to its first step, µs. */
  readonly steppedUs: Float64Array;
  /** When a GPU, or a node, last had a fault of each kind: `escalated` makes the key. */
  readonly lastOfKind = new Map<number, number>();
  /** Until when a GPU of the cluster (from 0) or a node's links (−1 − node) are slow, µs. */
  readonly slowUntil = new Map<number, number>();
  /** Outages of each file system at present. */
  readonly outages = new Map<number, number>();
  /** Nodes kept aside, by pool, and how many there should be. */
  readonly spares: number[][];
  readonly injected: Candidate[] = [];
  /** The job that is about to take its first step; -1 = none. */
  stepping = -1;
  /** Of a spare: not to be taken now. */
  isBeingUpdated: (node: number) => boolean = () => false;
  readonly host: FaultHost;
  readonly settings: FaultSettings;

  constructor(host: FaultHost) {
    const { scenario, engine, recovery, cluster } = host;
    this.host = host;
    const stated = scenario.faults ?? NO_FAULTS;
    const { provisioning } = scenario;
    this.settings = provisioning?.repair === undefined ? stated : { ...stated, repair: provisioning.repair };
    this.telemetry = new Telemetry(recovery.settings.telemetry, scenario.seed);
    const watched = scenario.faults !== undefined || scenario.recovery !== undefined;
    this.readings = watched
      ? new Readings(
          scenario,
          cluster,
          this.telemetry,
          () => this.gauge,
          () => engine.now,
        )
      : null;
    this.steppedUs = new Float64Array(scenario.jobs.count);
    this.spares = scenario.pools.map(() => []);
    this.candidates = new Candidates(scenario, this.settings, engine, () => host.streams());
    const site = { scenario, settings: this.settings.repair, recovery, cluster, engine };
    this.repairs = new Repairs(site, {
      setState: (node, state) => this.setState(node, state),
      onReset: (node) => this.clearGauges(node),
      onRenewed: (node) => this.candidates.renew(node),
      onReturned: (node) => this.onReturned(node),
    });
    this.resets = new GpuResets(site, {
      book: (node, units, unhealthy) => host.bookGpu(node, units, unhealthy),
      onReset: (gpu) => this.gauge.clear(gpu, engine.now),
      onReturned: (row) => {
        this.rows[row].returnedUs = engine.now;
      },
      onFailed: (gpu, row, name) => this.onResetFailed(gpu, row, name),
    });
  }

  isSpare(node: number): boolean {
    return this.spares[this.host.scenario.nodes.pool[node]].includes(node);
  }

  forgetSpare(node: number): void {
    const spares = this.spares[this.host.scenario.nodes.pool[node]];
    if (spares.includes(node)) spares.splice(spares.indexOf(node), 1);
  }

  /** Takes one of a pool's spares that is fit for work out of those kept aside; -1 = there is none. */
  takeSpare(pool: number): number {
    const { cluster } = this.host;
    const spares = this.spares[pool];
    for (let i = spares.length - 1; i >= 0; i--) {
      const node = spares[i];
      if (NODE_STATES[cluster.nodeState[node]] !== 'draining' || this.repairs.has(node) || this.isBeingUpdated(node))
        continue;
      spares.splice(i, 1);
      return node;
    }
    return -1;
  }

  begin(): void {
    this.candidates.begin();
    this.host.recovery.settings.spares.forEach((count, pool) => {
      const { nodesOfPool, nodeState } = this.host.cluster;
      const nodes = nodesOfPool[pool].filter((n) => nodeState[n] !== ABSENT);
      for (let i = 0; i < Math.min(count, nodes.length - 1); i++) {
        const node = nodes[nodes.length - 1 - i];
        this.spares[pool].push(node);
        this.host.setNodeState(node, 'draining');
      }
    });
  }

  /** Events that come whatever happens, and so keep no run alive. */
  get background(): number {
    return this.candidates.pending;
  }

  snapshot(): Record<string, Snapshot> {
    return {
      own: takeSnapshot(this, UNCHANGING),
      candidates: this.candidates.snapshot(),
      repairs: this.repairs.snapshot(),
      resets: this.resets.snapshot(),
      ...(this.readings && { readings: takeSnapshot(this.readings, READINGS_SHARED) }),
    };
  }

  restore(snapshot: Record<string, Snapshot>): void {
    restoreSnapshot(this, snapshot.own);
    // Its methods were lost in the copy.
    Object.assign(this, { gauge: Object.assign(new XidGauge(), this.gauge) });
    this.candidates.restore(snapshot.candidates);
    this.repairs.restore(snapshot.repairs);
    this.resets.restore(snapshot.resets);
    if (this.readings) restoreSnapshot(this.readings, snapshot.readings);
  }

  /** One more outage of a file system, or one less. */
  changeStorage(fileSystem: number, by: 1 | -1): void {
    const outages = (this.outages.get(fileSystem) ?? 0) + by;
    this.outages.set(fileSystem, outages);
    this.host.setStorageDown(fileSystem, outages > 0);
  }

  /** A fault that somebody wants to see, at a moment not before now. */
  inject(atUs: number, kind: string, node: number, gpu: number): void {
    const { names } = this.host.scenario.nodes;
    const at = this.injected.push({
      scope: 'node',
      unit: names[node],
      process: 'injected',
      cause: '',
      kind: faultKind(kind),
      nodes: [node],
      gpu,
      part: 0,
      chance: 1,
      choice: 0,
      stream: `faults/injected/${this.injected.length}`,
    });
    this.host.engine.schedule(atUs, PRIORITY.fault, KIND.faultStep, -at);
  }

  /** A node is fit for work again; true = it is wanted, else it is kept aside. */
  onReturned(node: number): boolean {
    const { engine, scenario, recovery } = this.host;
    for (const row of this.away.get(node) ?? []) {
      if (this.rows[row].returnedUs < 0) this.rows[row].returnedUs = engine.now;
    }
    this.away.delete(node);
    this.unfit.delete(node);
    const pool = scenario.nodes.pool[node];
    if (this.spares[pool].length >= (recovery.settings.spares[pool] ?? 0)) return true;
    // What was used up is filled again.
    this.spares[pool].push(node);
    return false;
  }

  clearGauges(node: number): void {
    const { cluster, engine } = this.host;
    for (let gpu = cluster.gpuStart[node]; gpu < cluster.gpuStart[node + 1]; gpu++) this.gauge.clear(gpu, engine.now);
  }

  setState(node: number, state: NodeState): void {
    const { cluster } = this.host;
    const now = NODE_STATES[cluster.nodeState[node]];
    if (now !== 'reclaimed' && now !== 'absent') this.host.setNodeState(node, state);
  }
}
