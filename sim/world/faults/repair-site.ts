/** What repairs of nodes and resets of single GPUs have in common: where they happen, when they begin, how long they take. */
import type { Cluster } from '../../cluster/cluster.ts';
import type { Recovery } from '../../cluster/recovery.ts';
import type { Engine } from '../../engine/engine.ts';
import { resumeStream, type Stream, type StreamState } from '../../engine/random.ts';
import { lognormalFromMedian } from '../../engine/samplers.ts';
import type { DrawnTime, RepairSettings, Scenario } from '../../scenario.ts';

export interface RepairSite {
  scenario: Scenario;
  settings: RepairSettings;
  recovery: Recovery;
  cluster: Cluster;
  engine: Engine;
}

/** When work on something broken begins: at once, or when a person has come to it. */
export function beginsUs({ engine, recovery }: RepairSite): number {
  const { now } = engine;
  return recovery.settings.stack.repairBy === 'person' ? recovery.personDoneUs(now) : now;
}

/** Draws from a stream that is kept as its state. */
export function drawFrom<T>(kept: { stream: StreamState }, use: (stream: Stream) => T): T {
  const stream = resumeStream(kept.stream);
  const drawn = use(stream);
  kept.stream = stream.state();
  return drawn;
}

/** How long a step takes this time, µs. */
export function drawnUs({ medianUs, sigma }: DrawnTime, stream: Stream): number {
  return Math.ceil(lognormalFromMedian(stream, medianUs, sigma));
}
