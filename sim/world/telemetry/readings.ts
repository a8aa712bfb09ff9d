/**
 * DCGM's fields as the control plane last read them, per GPU, under their real names. The truth of the moment of the reading
 * is kept for the last changes of each GPU only: a reading is at most a minute old.
 */
import type { Cluster } from '../../cluster/cluster.ts';
import { GPU_UNITS } from '../../cluster/cluster.ts';
import type { TelemetryReader, TelemetrySample } from '../../cluster/view.ts';
import type { PoolSpec, Scenario } from '../../scenario.ts';
import type { Telemetry, XidGauge } from './telemetry.ts';

/** Levels of use remembered per GPU. */
const KEPT = 4;
/** GPU temperature at rest and at full load, °C: model assumptions. */
const TEMPERATURE = { idle: 32, busy: 68 };

/** Fields that follow from how busy and how full a GPU is. */
export const GPU_FIELDS = [
  'DCGM_FI_DEV_GPU_UTIL',
  'DCGM_FI_DEV_FB_USED',
  'DCGM_FI_DEV_FB_FREE',
  'DCGM_FI_DEV_GPU_TEMP',
  'DCGM_FI_DEV_POWER_USAGE',
] as const;

/** What DCGM shows of a GPU of this pool: %, MiB, °C or W. Undefined for other fields, and for power that is not published. */
export function gpuField(field: string, pool: PoolSpec, busy: number, full: number): number | undefined {
  const used = Math.round(pool.gpuMemoryMiB * full);
  switch (field as (typeof GPU_FIELDS)[number]) {
    case 'DCGM_FI_DEV_GPU_UTIL':
      return Math.round(busy * 100);
    case 'DCGM_FI_DEV_FB_USED':
      return used;
    case 'DCGM_FI_DEV_FB_FREE':
      return pool.gpuMemoryMiB - used;
    case 'DCGM_FI_DEV_GPU_TEMP':
      return Math.round(TEMPERATURE.idle + (TEMPERATURE.busy - TEMPERATURE.idle) * busy);
    case 'DCGM_FI_DEV_POWER_USAGE':
      return pool.gpuWatts && pool.gpuWatts.idle + (pool.gpuWatts.busy - pool.gpuWatts.idle) * busy;
    default:
      return undefined;
  }
}

export class Readings implements TelemetryReader {
  /** Newest level first: thousandths of the time busy, and of the memory used, since when. */
  readonly busy: Int32Array;
  readonly memory: Int32Array;
  readonly sinceUs: Float64Array;
  /** Called with a GPU whose readings will be others from now on. */
  onChange: ((gpu: number) => void) | null = null;
  private readonly scenario: Scenario;
  private readonly cluster: Cluster;
  private readonly telemetry: Telemetry;
  private readonly gauge: () => XidGauge;
  private readonly now: () => number;

  constructor(scenario: Scenario, cluster: Cluster, telemetry: Telemetry, gauge: () => XidGauge, now: () => number) {
    this.scenario = scenario;
    this.cluster = cluster;
    this.telemetry = telemetry;
    this.gauge = gauge;
    this.now = now;
    this.busy = new Int32Array(cluster.gpuCount * KEPT);
    this.memory = new Int32Array(cluster.gpuCount * KEPT);
    this.sinceUs = new Float64Array(cluster.gpuCount * KEPT);
  }

  /** From now on a GPU is so busy, and so full, in thousandths. */
  note(gpu: number, busy: number, memory: number): void {
    const at = gpu * KEPT;
    const now = this.now();
    if (this.busy[at] === busy && this.memory[at] === memory) return;
    if (this.sinceUs[at] !== now) {
      for (let i = at + KEPT - 1; i > at; i--) {
        this.busy[i] = this.busy[i - 1];
        this.memory[i] = this.memory[i - 1];
        this.sinceUs[i] = this.sinceUs[i - 1];
      }
    }
    this.busy[at] = busy;
    this.memory[at] = memory;
    this.sinceUs[at] = now;
    this.onChange?.(gpu);
  }

  read(field: string, node: number, gpu: number): TelemetrySample | null {
    const name = this.scenario.nodes.names[node];
    const takenUs = this.telemetry.knownSampleUs(name, this.now());
    if (takenUs < 0) return null;
    const index = this.cluster.gpuStart[node] + gpu;
    let at = index * KEPT;
    const last = at + KEPT - 1;
    while (at < last && this.sinceUs[at] > takenUs) at++;
    const pool = this.scenario.pools[this.scenario.nodes.pool[node]];
    if (field === 'DCGM_FI_DEV_XID_ERRORS') return { takenUs, value: this.gauge().at(index, takenUs) };
    const value = gpuField(field, pool, this.busy[at] / 1000, this.memory[at] / 1000);
    return value === undefined ? null : { takenUs, value };
  }

  /** Memory of a share of a GPU that a task holds, thousandths; what is held is taken as used. */
  static memoryOf(units: number): number {
    return Math.round((units * 1000) / GPU_UNITS);
  }
}
