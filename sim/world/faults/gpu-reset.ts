/**
 * How one GPU comes back while its node goes on: it takes no new work, is emptied, reset, checked, and offered again. Where
 * resets do not help, its node has to be rebooted. An error that can wait (a row remap, XID 63) waits until nobody is on
 * the GPU.
 */
import { type Cluster, GPU_UNITS } from '../../cluster/cluster.ts';
import type { Recovery } from '../../cluster/recovery.ts';
import type { Engine } from '../../engine/engine.ts';
import { openStream, resumeStream, type StreamState } from '../../engine/random.ts';
import { lognormalFromMedian } from '../../engine/samplers.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import type { RepairSettings, Scenario } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';

interface Reset {
  /** Row of the fault that put it out of service, -1 = none did; and name of its stream. */
  row: number;
  name: string;
  stream: StreamState;
  tries: number;
  /** `failed`: waits for its node's reboot. */
  stage: 'emptying' | 'waiting' | 'working' | 'checking' | 'failed';
  /** Units that are booked as unhealthy. */
  booked: number;
}

/** What a reset does to the rest of the world. */
export interface GpuResetHost {
  /** Units of a node become unhealthy, or fit for use again. */
  book(node: number, units: number, unhealthy: boolean): void;
  /** The driver starts anew on it. */
  onReset(gpu: number): void;
  onReturned(row: number): void;
  /** Resets do not help: the node has to be rebooted. */
  onFailed(gpu: number, row: number, name: string): void;
}

const UNCHANGING = ['scenario', 'settings', 'recovery', 'cluster', 'engine', 'host'];

export class GpuResets {
  /** By GPU of the cluster. */
  private readonly cases = new Map<number, Reset>();
  /** GPUs that want a reset when nobody is on them: name of the stream of the fault. */
  private readonly wanted = new Map<number, string>();
  private readonly scenario: Scenario;
  private readonly settings: RepairSettings;
  private readonly recovery: Recovery;
  private readonly cluster: Cluster;
  private readonly engine: Engine;
  private readonly host: GpuResetHost;

  constructor(
    scenario: Scenario,
    settings: RepairSettings,
    recovery: Recovery,
    cluster: Cluster,
    engine: Engine,
    host: GpuResetHost,
  ) {
    this.scenario = scenario;
    this.settings = settings;
    this.recovery = recovery;
    this.cluster = cluster;
    this.engine = engine;
    this.host = host;
    engine.on(KIND.gpuReset, (gpu) => this.advance(gpu));
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, UNCHANGING);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  has(gpu: number): boolean {
    return this.cases.has(gpu);
  }

  /** Rows of the faults for which GPUs of a node are out of use. */
  rowsOn(node: number): number[] {
    const rows: number[] = [];
    for (let gpu = this.cluster.gpuStart[node]; gpu < this.cluster.gpuStart[node + 1]; gpu++) {
      const row = this.cases.get(gpu)?.row ?? -1;
      if (row >= 0) rows.push(row);
    }
    return rows;
  }

  /** Takes a GPU out of use; it is reset once nothing runs on it any more. */
  open(gpu: number, row: number, name: string): void {
    this.wanted.delete(gpu);
    if (this.cases.has(gpu)) return;
    const stream = openStream(this.scenario.seed, `${name}/gpu-reset`).state();
    this.cases.set(gpu, { row, name, stream, tries: 0, stage: 'emptying', booked: 0 });
    this.cluster.shutGpu(gpu);
    this.settle(gpu);
  }

  /** As `open`, but not before nobody is on the GPU: nothing goes out of service for it. */
  want(gpu: number, name: string): void {
    // A GPU that is cut up is reset with its node only.
    const cut = this.scenario.nodes.migLayout[this.cluster.nodeOfGpu(gpu)] >= 0;
    if (cut || this.cases.has(gpu)) return;
    if (this.cluster.gpuFree[gpu] === GPU_UNITS) this.open(gpu, -1, name);
    else if (!this.wanted.has(gpu)) this.wanted.set(gpu, name);
  }

  /** Something has left the node. */
  freed(node: number): void {
    if (this.cases.size === 0 && this.wanted.size === 0) return;
    for (let gpu = this.cluster.gpuStart[node]; gpu < this.cluster.gpuStart[node + 1]; gpu++) {
      if (this.cases.has(gpu)) this.settle(gpu);
      const wanted = this.wanted.get(gpu);
      if (wanted !== undefined && this.cluster.gpuFree[gpu] === GPU_UNITS) this.open(gpu, -1, wanted);
    }
  }

  /** The node leaves service, or was rebooted: its GPUs share its fate. */
  nodeChanges(node: number, inService: boolean): void {
    for (let gpu = this.cluster.gpuStart[node]; gpu < this.cluster.gpuStart[node + 1]; gpu++) {
      if (!inService) this.wanted.delete(gpu);
      const reset = this.cases.get(gpu);
      if (reset !== undefined && (!inService || reset.stage === 'failed')) this.giveBack(gpu, reset);
    }
  }

  /** Books what has become free on it, and begins when all of it is. */
  private settle(gpu: number): void {
    const reset = this.cases.get(gpu) as Reset;
    const { cluster } = this;
    const units = cluster.shutFree[gpu] - reset.booked;
    if (units > 0) {
      reset.booked += units;
      this.host.book(cluster.nodeOfGpu(gpu), units, true);
    }
    if (reset.stage !== 'emptying' || cluster.shutFree[gpu] < GPU_UNITS) return;
    reset.stage = 'waiting';
    const { now } = this.engine;
    this.at(gpu, this.recovery.settings.stack.repairBy === 'person' ? this.recovery.personDoneUs(now) : now);
  }

  private advance(gpu: number): void {
    const reset = this.cases.get(gpu);
    if (reset === undefined) return;
    const { now } = this.engine;
    const { gpuReset, retries, checkUs } = this.settings;
    if (reset.stage === 'waiting') {
      reset.stage = 'working';
      const stream = resumeStream(reset.stream);
      this.at(gpu, now + Math.ceil(lognormalFromMedian(stream, gpuReset.medianUs, gpuReset.sigma)));
      reset.stream = stream.state();
    } else if (reset.stage === 'working') {
      this.host.onReset(gpu);
      const stream = resumeStream(reset.stream);
      const helped = stream.next() < gpuReset.success;
      reset.stream = stream.state();
      if (helped) {
        reset.stage = 'checking';
        this.at(gpu, now + checkUs);
      } else if (reset.tries++ < retries) {
        reset.stage = 'waiting';
        this.at(gpu, now);
      } else {
        reset.stage = 'failed';
        this.host.onFailed(gpu, reset.row, reset.name);
      }
    } else if (reset.stage === 'checking') {
      this.giveBack(gpu, reset);
      if (reset.row >= 0) this.host.onReturned(reset.row);
    }
  }

  private giveBack(gpu: number, reset: Reset): void {
    this.cases.delete(gpu);
    this.cluster.openGpu(gpu);
    if (reset.booked > 0) this.host.book(this.cluster.nodeOfGpu(gpu), reset.booked, false);
  }

  private at(gpu: number, us: number): void {
    this.engine.schedule(us, PRIORITY.faultStep, KIND.gpuReset, gpu);
  }
}
