/** One deployment in a running simulation: its replicas' states, its requests, what it has cost so far. */
import { HOUR_US, MINUTE_US, type Scenario, SECOND_US, type ServingSpec } from '../../scenario.ts';
import { type Arrival, type Arrivals, arrivalsOf, checkArrival, emptyArrival } from './arrivals.ts';
import { newScaleMemory, type ScaleMemory } from './autoscale.ts';
import { copyOf, type PartsCopy, putBack } from './copies.ts';
import { measured, roofline } from './cost.ts';
import { Fleet, type FleetHooks, NEVER } from './fleet.ts';
import { minuteLoad } from './load.ts';
import type { FleetRecord } from './measures.ts';
import { RateFleet, type RateRecord } from './rate-fleet.ts';
import type { ReplicaSettings } from './replica-settings.ts';

/** What a replica is at. `leaving`: it was told to stop and has its grace period. */
export const PHASE = { parked: 0, called: 1, loading: 2, active: 3, draining: 4, hung: 5, leaving: 6 } as const;

/** Of how many requests one is kept as a trace. */
const SAMPLE_EVERY = 100;

/** A move back to a node that was left so recently is a flap. */
const FLAP_US = HOUR_US;
/** Of requests, busy time goes to the ledger every minute, oftener in short runs: so often at least. */
const LEVELS_OF_A_RUN = 200;

export type DeploymentRecord = FleetRecord & RateRecord;

/** What happened to its replicas. */
export interface LifeCounts {
  starts: number;
  scaledUp: number;
  scaledDown: number;
  /** Moves off a node above the threshold; those back to a node that was left within an hour; those with nowhere to go. */
  moves: number;
  flaps: number;
  stuck: number;
}

const SHARED = [
  'settings',
  'requests',
  'blocks',
  'cost',
  'listener',
  'hooks',
  'record',
  'among',
  'slo',
  'load',
  'variants',
  'fares',
];

export class Deployed {
  readonly spec: ServingSpec;
  /** By variant. */
  readonly settings: ReplicaSettings[];
  readonly fleet: Fleet | null;
  readonly rate: RateFleet | null;
  readonly record: DeploymentRecord;
  /** GPUs of a replica, and of each of its workers: a replica wider than a node has several. */
  readonly gpusPerReplica: number;
  readonly gpusPerWorker: number;
  /** How often busy time goes to the ledger, µs. */
  readonly levelEveryUs: number;
  readonly phase: Uint8Array;
  /** 1: it is meant to be there. */
  readonly goal: Uint8Array;
  /** Index of the variant it stands on; its first node. −1 = none. */
  readonly variant: Int32Array;
  readonly node: Int32Array;
  /** When it must be gone, µs; its look at whether it may go (event), −1 = none. */
  readonly drainByUs: Float64Array;
  readonly drainEvent: Float64Array;
  /** Busy time booked in the ledger by the levels it had, and the level since when. */
  readonly bookedUs: Float64Array;
  readonly level: Int32Array;
  readonly levelSince: Float64Array;
  /** Of one that only prefills: its wake at the end of what it is at (event), −1 = none. */
  readonly wakeEvent: Float64Array;
  /** Preemptions counted when it was last up. */
  readonly preemptions: Int32Array;
  /** Start in whose course it is: stale steps are told by it. */
  readonly serial: Int32Array;
  /** The replica it is to take the place of; −1 = none. */
  readonly replaces: Int32Array;
  /** Node it left last, and when, µs. */
  readonly leftNode: Int32Array;
  readonly leftUs: Float64Array;
  readonly counts: LifeCounts = { starts: 0, scaledUp: 0, scaledDown: 0, moves: 0, flaps: 0, stuck: 0 };
  readonly memory: ScaleMemory = newScaleMemory();
  /** Nodes above the threshold. */
  readonly avoided = new Set<number>();
  /** GPU·µs held so far, of which active; money, micro-dollars; since when counted. */
  heldUs = 0;
  activeUs = 0;
  costMicroUsd = 0;
  countedUs = 0;
  readonly heldUnits: Float64Array;
  /** Requests counted at the controller's last tick, and when that was, µs. */
  seenRequests = 0;
  seenUs = 0;
  pulled = 0;
  next: Arrival | null = null;
  private source: Arrivals | null = null;
  private readonly seed: string;
  private readonly durationUs: number;

  /** `reportUs`: how often what replicas report of their load is read, µs; Infinity = nobody does. */
  constructor(
    scenario: Scenario,
    spec: ServingSpec,
    record: DeploymentRecord,
    reportUs: number,
    hooks: Pick<FleetHooks, 'transfer' | 'touched'>,
  ) {
    this.spec = spec;
    this.record = record;
    this.seed = scenario.seed;
    this.durationUs = scenario.durationUs;
    const n = spec.replicaJobs.length;
    this.settings = spec.variants.map((variant) => replicaSettings(spec, variant));
    const slo = { ttftUs: spec.ttftUs, tokenUs: spec.tokenUs };
    this.fleet =
      spec.fidelity === 'requests'
        ? new Fleet(
            {
              ...{ replica: this.settings[0], replicas: n, routing: spec.routing, reportUs, slo },
              ...{ maxOutstanding: spec.maxOutstanding, sampleEvery: SAMPLE_EVERY },
              ...(spec.split && { split: spec.split }),
            },
            record,
            { ...hooks, over() {} },
            new Array<number>(n).fill(NEVER),
          )
        : null;
    this.rate =
      spec.fidelity === 'rate'
        ? new RateFleet(minuteLoad(spec, scenario.seed, scenario.durationUs), spec, this.settings, record)
        : null;
    const { tensor, pipeline } = spec.variants[0].parallelism;
    this.gpusPerReplica = tensor * pipeline;
    const { taskGpus, taskStart } = scenario.jobs;
    this.gpusPerWorker = taskGpus[taskStart[spec.replicaJobs[0]]];
    const often = Math.min(MINUTE_US, Math.max(SECOND_US, Math.ceil(scenario.durationUs / LEVELS_OF_A_RUN)));
    this.levelEveryUs = spec.fidelity === 'rate' ? HOUR_US : often;
    const int = (value: number) => new Int32Array(n).fill(value);
    const float = (value: number) => new Float64Array(n).fill(value);
    this.phase = new Uint8Array(n);
    this.goal = new Uint8Array(n);
    this.variant = int(-1);
    this.node = int(-1);
    this.drainByUs = float(0);
    this.drainEvent = float(-1);
    this.wakeEvent = float(-1);
    this.bookedUs = float(0);
    this.level = int(0);
    this.levelSince = float(0);
    this.preemptions = int(0);
    this.serial = int(0);
    this.replaces = int(-1);
    this.leftNode = int(-1);
    this.leftUs = float(-Infinity);
    this.heldUnits = new Float64Array(scenario.pools.length);
  }

  /** Times so far that replica has had a batch, µs. */
  busyUs(r: number): number {
    return (this.fleet ?? (this.rate as RateFleet)).busyUs[r];
  }

  /** Requests in the system. */
  get present(): number {
    return this.fleet !== null ? this.fleet.present : (this.rate as RateFleet).inSystem;
  }

  advance(us: number): void {
    this.fleet?.advance(us);
    this.rate?.advance(us);
  }

  /** The next request, or null. */
  pull(nowUs: number): Arrival | null {
    this.source ??= arrivalsOf(this.spec, this.seed, this.durationUs);
    const arrival = emptyArrival();
    if (!this.source(arrival)) {
      this.next = null;
      return null;
    }
    checkArrival(arrival, ++this.pulled, nowUs);
    this.next = arrival;
    return arrival;
  }

  count(phase: number): number {
    let n = 0;
    for (const one of this.phase) if (one === phase) n++;
    return n;
  }

  /** Replicas that are meant to be there, replacements not counted. */
  get wanted(): number {
    let n = 0;
    for (let r = 0; r < this.goal.length; r++) if (this.goal[r] === 1 && this.replaces[r] < 0) n++;
    return n;
  }

  /** Whether a replica has come up on a node that the deployment left within the hour. */
  cameBack(r: number, now: number): boolean {
    return this.leftNode.some((node, i) => node === this.node[r] && now - this.leftUs[i] < FLAP_US);
  }

  snapshot(): Record<string, unknown> {
    const { fleet, rate, record } = this;
    return {
      own: copyOf(this, ['spec', 'settings', 'fleet', 'rate', 'record', 'source', 'seed', 'durationUs']),
      record: copyOf(record, ['slo']),
      ...(fleet && { requests: copyOf(fleet.requests, []), fleet: copyOf(fleet, SHARED) }),
      ...(rate && { rate: copyOf(rate, SHARED), known: structuredClone(rate.fares.known) }),
    };
  }

  restore(snapshot: Record<string, unknown>): void {
    putBack(this, snapshot.own as PartsCopy);
    putBack(this.record, snapshot.record as PartsCopy);
    const { fleet, rate } = this;
    if (fleet !== null) {
      fleet.renew(Array.from(this.variant, (v) => this.settings[Math.max(0, v)]));
      putBack(fleet.requests, snapshot.requests as PartsCopy);
      putBack(fleet, snapshot.fleet as PartsCopy);
    }
    if (rate !== null) {
      putBack(rate, snapshot.rate as PartsCopy);
      rate.fares.known = structuredClone(snapshot.known) as RateFleet['fares']['known'];
    }
    // A stream cannot be copied; it gives the same requests again.
    if (fleet !== null && this.pulled > 0) {
      const { next } = this;
      this.source = arrivalsOf(this.spec, this.seed, this.durationUs);
      const arrival = emptyArrival();
      for (let i = 0; i < this.pulled; i++) this.source(arrival);
      this.next = next;
    }
  }
}

export function replicaSettings(spec: ServingSpec, variant: ServingSpec['variants'][number]): ReplicaSettings {
  const { blockTokens, prefixTokens } = spec;
  const { blocks, maxTokens, maxSequences } = variant;
  return {
    cost:
      variant.measured === undefined
        ? roofline(spec.model, variant.gpu, spec.precision, variant.parallelism, spec.efficiency)
        : measured(variant.measured),
    ...{ blockTokens, blocks, maxTokens, maxSequences, prefixTokens, chunkedPrefill: true, reserveOutput: false },
  };
}
