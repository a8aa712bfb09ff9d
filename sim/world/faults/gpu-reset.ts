/**
 * How one GPU comes back while its node goes on: it takes no new work, is emptied, reset, checked, and offered again. Where
 * resets do not help, its node has to be rebooted. An error that can wait (a row remap, XID 63) waits until nobody is on
 * the GPU.
 */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import { openStream, type StreamState } from '../../engine/random.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import { KIND, PRIORITY } from '../events.ts';
import { beginsUs, drawFrom, drawnUs, type RepairSite } from './repair-site.ts';

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

const UNCHANGING = ['site', 'host'];

export class GpuResets {
  /** By GPU of the cluster. */
  private readonly cases = new Map<number, Reset>();
  /** GPUs that want a reset when nobody is on them: name of the stream of the fault. */
  private readonly wanted = new Map<number, string>();
  private readonly site: RepairSite;
  private readonly host: GpuResetHost;

  constructor(site: RepairSite, host: GpuResetHost) {
    this.site = site;
    this.host = host;
    site.engine.on(KIND.gpuReset, (gpu) => this.advance(gpu));
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
    for (let gpu = this.site.cluster.gpuStart[node]; gpu < this.site.cluster.gpuStart[node + 1]; gpu++) {
      const row = this.cases.get(gpu)?.row ?? -1;
      if (row >= 0) rows.push(row);
    }
    return rows;
  }

  /** Takes a GPU out of use; it is reset once nothing runs on it any more. */
  open(gpu: number, row: number, name: string): void {
    this.wanted.delete(gpu);
    if (this.cases.has(gpu)) return;
    const stream = openStream(this.site.scenario.seed, `${name}/gpu-reset`).state();
    this.cases.set(gpu, { row, name, stream, tries: 0, stage: 'emptying', booked: 0 });
    this.site.cluster.shutGpu(gpu);
    this.settle(gpu);
  }

  /** As `open`, but not before nobody is on the GPU: nothing goes out of service for it. */
  want(gpu: number, name: string): void {
    // A GPU that is cut up is reset with its node only.
    const cut = this.site.scenario.nodes.migLayout[this.site.cluster.nodeOfGpu(gpu)] >= 0;
    if (cut || this.cases.has(gpu)) return;
    if (this.site.cluster.gpuFree[gpu] === GPU_UNITS) this.open(gpu, -1, name);
    else if (!this.wanted.has(gpu)) this.wanted.set(gpu, name);
  }

  /** Something has left the node. */
  freed(node: number): void {
    if (this.cases.size === 0 && this.wanted.size === 0) return;
    for (let gpu = this.site.cluster.gpuStart[node]; gpu < this.site.cluster.gpuStart[node + 1]; gpu++) {
      if (this.cases.has(gpu)) this.settle(gpu);
      const wanted = this.wanted.get(gpu);
      if (wanted !== undefined && this.site.cluster.gpuFree[gpu] === GPU_UNITS) this.open(gpu, -1, wanted);
    }
  }

  /** The node leaves service, or was rebooted: its GPUs share its fate. */
  nodeChanges(node: number, inService: boolean): void {
    for (let gpu = this.site.cluster.gpuStart[node]; gpu < this.site.cluster.gpuStart[node + 1]; gpu++) {
      if (!inService) this.wanted.delete(gpu);
      const reset = this.cases.get(gpu);
      if (reset !== undefined && (!inService || reset.stage === 'failed')) this.giveBack(gpu, reset);
    }
  }

  /** Books what has become free on it, and begins when all of it is. */
  private settle(gpu: number): void {
    const reset = this.cases.get(gpu) as Reset;
    const { cluster } = this.site;
    const units = cluster.shutFree[gpu] - reset.booked;
    if (units > 0) {
      reset.booked += units;
      this.host.book(cluster.nodeOfGpu(gpu), units, true);
    }
    if (reset.stage !== 'emptying' || cluster.shutFree[gpu] < GPU_UNITS) return;
    reset.stage = 'waiting';
    this.at(gpu, beginsUs(this.site));
  }

  private advance(gpu: number): void {
    const reset = this.cases.get(gpu);
    if (reset === undefined) return;
    const { now } = this.site.engine;
    const { gpuReset, retries, checkUs } = this.site.settings;
    if (reset.stage === 'waiting') {
      reset.stage = 'working';
      this.at(gpu, now + drawFrom(reset, (stream) => drawnUs(gpuReset, stream)));
    } else if (reset.stage === 'working') {
      this.host.onReset(gpu);
      if (drawFrom(reset, (stream) => stream.next()) < gpuReset.success) {
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
    this.site.cluster.openGpu(gpu);
    if (reset.booked > 0) this.host.book(this.site.cluster.nodeOfGpu(gpu), reset.booked, false);
  }

  private at(gpu: number, us: number): void {
    this.site.engine.schedule(us, PRIORITY.faultStep, KIND.gpuReset, gpu);
  }
}
