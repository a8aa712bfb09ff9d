/**
 * When the control plane sees what happened: an exporter reads each node's GPUs now and then, and whoever acts reads the
 * exporter now and then. All in closed form: no event is spent on a sample.
 *
 * As shipped, dcgm-exporter collects every 30 s and its ServiceMonitor scrapes every 15 s: up to 45 s of age.
 */
import { openStream } from '../../engine/random.ts';
import type { TelemetrySettings } from '../../scenario.ts';

/** First moment ≡ `phaseUs` (mod `everyUs`) at or after `us`; `us` itself where nothing is periodic. */
export function nextTick(us: number, everyUs: number, phaseUs: number): number {
  if (everyUs <= 0) return us;
  return phaseUs + Math.ceil((us - phaseUs) / everyUs) * everyUs;
}

export class Telemetry {
  readonly settings: TelemetrySettings;
  private readonly seed: string;
  private readonly phases = new Map<string, number>();

  constructor(settings: TelemetrySettings, seed: string) {
    this.settings = settings;
    this.seed = seed;
  }

  /** Exporters began at different moments; a node's own stream says when. */
  phaseUs(node: string): number {
    let phase = this.phases.get(node);
    if (phase === undefined) {
      phase = Math.floor(openStream(this.seed, `telemetry/${node}`).next() * this.settings.exporterUs);
      this.phases.set(node, phase);
    }
    return phase;
  }

  /** The reading of the GPUs that shows what is so from `us` on. */
  sampleUs(node: string, us: number): number {
    return nextTick(us, this.settings.exporterUs, this.phaseUs(node));
  }

  /** When that reading comes to whoever acts on it. */
  seenUs(node: string, us: number): number {
    return nextTick(this.sampleUs(node, us), this.settings.scrapeUs, 0);
  }

  /** The reading that is known at `us`: when it was taken, µs; below 0 = none yet. */
  knownSampleUs(node: string, us: number): number {
    const { exporterUs, scrapeUs } = this.settings;
    const scraped = scrapeUs <= 0 ? us : Math.floor(us / scrapeUs) * scrapeUs;
    if (exporterUs <= 0) return scraped;
    const phase = this.phaseUs(node);
    return phase + Math.floor((scraped - phase) / exporterUs) * exporterUs;
  }

  /**
   * When a mean over a window is seen to have fallen below `threshold` after a value `level` that had held since `sinceUs`
   * became 0 at `us`; Infinity if the mean never was above it, so that there is no fall to see.
   */
  fallSeenUs(node: string, us: number, sinceUs: number, level: number, threshold: number, windowUs: number): number {
    const held = Math.min(us - sinceUs, windowUs);
    if (level * held <= threshold * windowUs) return Infinity;
    // The window that ends at s still holds us − (s − window) of the level.
    const below = us + windowUs - Math.ceil((threshold * windowUs) / level);
    return this.seenUs(node, below + 1);
  }
}

/**
 * `DCGM_FI_DEV_XID_ERRORS`: the last XID of each GPU, which stays until the driver starts anew. Who acts on it can only act
 * on its change, and of two errors between two readings sees the later one.
 */
export class XidGauge {
  /** By GPU: moments and codes, newest last; what no reading can ask for any more is dropped. */
  private readonly log = new Map<number, { atUs: number[]; code: number[] }>();

  set(gpu: number, us: number, code: number): void {
    let entry = this.log.get(gpu);
    if (entry === undefined) {
      entry = { atUs: [], code: [] };
      this.log.set(gpu, entry);
    }
    entry.atUs.push(us);
    entry.code.push(code);
    if (entry.atUs.length > 8) {
      entry.atUs.shift();
      entry.code.shift();
    }
  }

  /** The value at a moment; 0 = no error since the driver started. */
  at(gpu: number, us: number): number {
    const entry = this.log.get(gpu);
    if (entry === undefined) return 0;
    for (let i = entry.atUs.length - 1; i >= 0; i--) if (entry.atUs[i] <= us) return entry.code[i];
    return 0;
  }

  /** The driver was started anew. */
  clear(gpu: number, us: number): void {
    if (this.log.has(gpu)) this.set(gpu, us, 0);
  }
}
