/**
 * Inference deployments among the cluster's other work. Each replica is a job: it is placed by the scheduler, pulls its
 * image, loads its weights, registers its endpoint, answers, drains, hangs or dies as the cluster has it, and what it
 * does decides the ledger's `serving` and `serving-idle`.
 *
 * Here: what there is, and copies of it. A replica's life is in life.ts, how many there are in scaling.ts, where they stand
 * in moving.ts, what goes to the ledger in levels.ts, and what calls all of that in operation.ts: functions given this.
 */
import type { Cluster } from '../../cluster/cluster.ts';
import type { TelemetryReader } from '../../cluster/view.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Scenario, ServingSpec } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { Deployed, type DeploymentRecord } from './deployed.ts';
import { Looking } from './looking.ts';
import type { RateFleet } from './rate-fleet.ts';

export interface ServingHost {
  /** With columns of jobs of its own: start-up times, shares of use and pools are written. */
  scenario: Scenario;
  cluster: Cluster;
  engine: Engine;
  jobs: () => Jobs;
  /** A record for each deployment. */
  records: readonly DeploymentRecord[];
  /** A replica is busy for so many thousandths of the time from now on. */
  setUse(now: number, job: number, milli: number): void;
  /** What DCGM shows; null where nobody reads it. Read every so many µs, and at most so old, µs. */
  readings: () => TelemetryReader | null;
  telemetryUs: number;
  staleUs: number;
  /** What replicas report of their load is read every so many µs. */
  scrapeUs: number;
  /** Calls back whenever what DCGM will show of a node changes. */
  onUse(changed: (node: number) => void): void;
  /** Whether the scheduler lets go of a job that waits. */
  withdraws: boolean;
  /** GPUs that the job's project holds in its first pool and deserves there. */
  quotaOf(job: number): { project: string; pool: string; deserved: number; held: number };
}

export class Serving {
  readonly host: ServingHost;
  readonly deployed: Deployed[];
  /** Nodes that have a deployment's image and weights: node × deployments + deployment. */
  readonly cached = new Set<number>();
  /** Replicas that read weights from the store now, with the end of that, µs. */
  loads: { endUs: number }[] = [];
  /** Of a job: deployment and replica; −1 = no replica. */
  readonly deploymentOf: Int32Array;
  readonly replicaOf: Int32Array;
  /** When each step of a replica's start is done, by job × 4: image, weights, warm, registered. */
  readonly stepUs: Float64Array;
  readonly looking: Looking;
  /** By deployment: the closed form that a planner asks. */
  readonly planners = new Map<string, RateFleet>();
  private readonly poolLists = new Map<string, number>();

  constructor(host: ServingHost) {
    this.host = host;
    const { scenario, cluster, engine, telemetryUs, staleUs } = host;
    const specs = scenario.serving as ServingSpec[];
    this.deploymentOf = new Int32Array(scenario.jobs.count).fill(-1);
    this.replicaOf = new Int32Array(scenario.jobs.count).fill(-1);
    this.stepUs = new Float64Array(4 * scenario.jobs.count);
    this.looking = new Looking(scenario, cluster, engine, telemetryUs, staleUs);
    scenario.poolLists.forEach((list, i) => {
      if (!this.poolLists.has(list.join())) this.poolLists.set(list.join(), i);
    });
    // The rule asks for the queue depth of nodes, whoever's replicas stand there.
    const readsLoad = specs.some(({ placement }) => placement?.rule === 'interactive');
    this.deployed = specs.map((spec, d) => {
      spec.replicaJobs.forEach((job, r) => {
        this.deploymentOf[job] = d;
        this.replicaOf[job] = r;
      });
      const isRead = readsLoad || spec.routing === 'reported-load';
      return new Deployed(scenario, spec, host.records[d], isRead ? host.scrapeUs : Infinity, {
        transfer: (slot, us) => {
          engine.schedule(Math.max(engine.now, us), PRIORITY.servingStep, KIND.servingHandOver, d, slot);
        },
        touched: (r) => this.wakeLater(d, r),
      });
    });
  }

  tell(job: number, sentence: string): void {
    this.host.jobs().observer?.(this.host.engine.now, 'flow', job, -1, -1, 0, sentence);
  }

  /** A replica that only prefills is looked at when what it is at is over: what it is done with goes on elsewhere. */
  wakeLater(d: number, r: number): void {
    const { spec, fleet, wakeEvent } = this.deployed[d];
    if (fleet === null || spec.split === undefined || r >= spec.split.prefill) return;
    const { engine } = this.host;
    const { nextUs } = fleet.replicas[r];
    if (wakeEvent[r] >= 0) engine.queue.cancel(wakeEvent[r]);
    // The end lies within the microsecond that begins at nextUs.
    wakeEvent[r] =
      nextUs === Infinity
        ? -1
        : engine.schedule(Math.max(engine.now, nextUs + 1), PRIORITY.servingStep, KIND.servingWake, d, r);
  }

  /** Nodes on which a job's workers stand. */
  nodesOf(job: number): number[] {
    const { taskStart } = this.host.scenario.jobs;
    const { taskNode } = this.host.cluster;
    const nodes = new Set<number>();
    for (let task = taskStart[job]; task < taskStart[job + 1]; task++)
      if (taskNode[task] >= 0) nodes.add(taskNode[task]);
    return [...nodes];
  }

  /** Number of a list of pools, which is added where there is none like it. */
  poolList(pools: readonly number[]): number {
    let list = this.poolLists.get(pools.join());
    if (list === undefined) {
      list = this.host.scenario.poolLists.push([...pools]) - 1;
      this.poolLists.set(pools.join(), list);
    }
    return list;
  }

  snapshot(): Record<string, unknown> {
    const { cached, loads, stepUs, host, looking } = this;
    const { jobs, poolLists } = host.scenario;
    const own = { cached, loads, stepUs, looking: looking.snapshot() };
    const written = { startupUs: jobs.startupUs, useMilli: jobs.useMilli, poolList: jobs.poolList, poolLists };
    return structuredClone({
      ...{ own, written, barred: host.cluster.barred },
      deployed: this.deployed.map((one) => one.snapshot()),
    });
  }

  restore(snapshot: Record<string, unknown>): void {
    const { own, written, barred, deployed } = structuredClone(snapshot) as {
      own: Pick<Serving, 'cached' | 'loads' | 'stepUs'> & { looking: ReturnType<Looking['snapshot']> };
      written: Pick<Scenario['jobs'], 'startupUs' | 'useMilli' | 'poolList'> & Pick<Scenario, 'poolLists'>;
      barred: Map<number, Set<number>>;
      deployed: Record<string, unknown>[];
    };
    const { scenario, cluster } = this.host;
    this.cached.clear();
    for (const key of own.cached) this.cached.add(key);
    this.loads = own.loads;
    this.stepUs.set(own.stepUs);
    this.looking.restore(own.looking);
    scenario.jobs.startupUs.set(written.startupUs);
    scenario.jobs.useMilli.set(written.useMilli);
    scenario.jobs.poolList.set(written.poolList);
    for (let i = scenario.poolLists.length; i < written.poolLists.length; i++) this.poolList(written.poolLists[i]);
    cluster.barred.clear();
    for (const [job, nodes] of barred) cluster.barred.set(job, nodes);
    deployed.forEach((one, d) => {
      this.deployed[d].restore(one);
    });
  }
}
