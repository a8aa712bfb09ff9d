/**
 * When utilisation is looked at: on a grid of telemetry's period, but only while looking could show something new. The
 * result is that of looking at every tick.
 */
import type { Cluster } from '../../cluster/cluster.ts';
import type { TelemetryReader } from '../../cluster/view.ts';
import type { Engine } from '../../engine/engine.ts';
import { type Scenario, SECOND_US } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { NodeUse } from './placing.ts';

export class Looking {
  readonly use: NodeUse;
  /** By node: a reading may still change until then, µs; −1 = it stands in no pool of a placement. */
  private readonly unsettledUs: Float64Array;
  /** When all windows are full of readings like the last. */
  private quietUs = 0;
  private isPlanned = false;
  private readonly always: boolean;
  private readonly widestUs: number;

  readonly periodUs: number;
  private readonly staleUs: number;
  private readonly engine: Engine;

  /** Telemetry is read every `telemetryUs` and a reading is at most `staleUs` old. */
  constructor(scenario: Scenario, cluster: Cluster, engine: Engine, telemetryUs: number, staleUs: number) {
    this.engine = engine;
    this.periodUs = Math.max(SECOND_US, telemetryUs);
    this.staleUs = staleUs;
    const placements = (scenario.serving ?? []).flatMap(({ placement }) => placement ?? []);
    this.use = new NodeUse(scenario, cluster);
    this.widestUs = placements.reduce((most, { windowUs }) => Math.max(most, windowUs), 0);
    // Arithmetic done changes with the requests, of which nobody tells.
    this.always = placements.some(({ field }) => field === 'DCGM_FI_PROF_PIPE_TENSOR_ACTIVE');
    const { nodes } = scenario;
    this.unsettledUs = Float64Array.from({ length: nodes.count }, (_, node) =>
      placements.some(({ pools }) => pools.includes(nodes.pool[node])) ? 0 : -1,
    );
  }

  /** What DCGM will show of a node has changed. */
  changed(node: number): void {
    if (this.unsettledUs[node] < 0) return;
    this.unsettledUs[node] = this.engine.now + this.staleUs + this.periodUs;
    this.quietUs = Math.max(this.quietUs, this.unsettledUs[node] + this.widestUs);
    this.plan();
  }

  /** The next tick will be looked at. */
  plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    const at = (Math.floor(this.engine.now / this.periodUs) + 1) * this.periodUs;
    this.engine.schedule(at, PRIORITY.servingTick, KIND.servingLook);
  }

  /** Takes the readings of this tick. `tensorOf`: as NodeUse wants it. */
  sample(now: number, reader: TelemetryReader, tensorOf: (job: number) => number): void {
    this.isPlanned = false;
    const tick = Math.round(now / this.periodUs);
    const keep = Math.ceil(this.widestUs / this.periodUs) + 1;
    this.unsettledUs.forEach((until, node) => {
      if (until < 0 || (until < now && !this.always)) return;
      this.use.sample(node, tick, reader, tensorOf, keep);
    });
  }

  /** Whether the next tick could show something that this one has not. */
  isRestless(now: number): boolean {
    return this.always || now < this.quietUs;
  }

  snapshot() {
    const { unsettledUs, quietUs, isPlanned, use } = this;
    return { unsettledUs, quietUs, isPlanned, seen: use.seen };
  }

  restore(copy: ReturnType<Looking['snapshot']>): void {
    this.unsettledUs.set(copy.unsettledUs);
    this.quietUs = copy.quietUs;
    this.isPlanned = copy.isPlanned;
    this.use.seen = copy.seen;
  }
}
