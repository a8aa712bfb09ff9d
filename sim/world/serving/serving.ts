/**
 * Inference deployments among the cluster's other work. Each replica is a job: it is placed by the scheduler, pulls its
 * image, loads its weights, registers its endpoint, answers, drains, hangs or dies as the cluster has it, and what it
 * does decides the ledger's `serving` and `serving-idle`.
 *
 * What happens to its jobs comes through `follow`, which stands between the jobs and their accounts.
 */
import type { Cluster } from '../../cluster/cluster.ts';
import { GPU_UNITS } from '../../cluster/cluster.ts';
import { PENDING, type TelemetryReader } from '../../cluster/view.ts';
import type { Engine } from '../../engine/engine.ts';
import { HOUR_US, MINUTE_US, type Scenario, SECOND_US, type ServingSpec } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import type { JobAccounts, Jobs } from '../jobs/jobs.ts';
import { wantedReplicas } from './autoscale.ts';
import { coldStart } from './cold-start.ts';
import { Deployed, type DeploymentRecord, PHASE } from './deployed.ts';
import type { Fleet } from './fleet.ts';
import { callIn, park, standDown } from './parking.ts';
import { chooseNodes, NodeUse } from './placing.ts';
import { MARK } from './requests.ts';

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
  /** What DCGM shows; null where nobody reads it. Read every so many µs. */
  readings: () => TelemetryReader | null;
  telemetryUs: number;
  /** Whether the scheduler lets go of a job that waits. */
  withdraws: boolean;
  /** GPUs that the job's project holds in its first pool and deserves there. */
  quotaOf(job: number): { project: string; pool: string; deserved: number; held: number };
}

/** Utilisation is averaged over at least so many readings. */
const HOUR_OF_FLAPPING_US = HOUR_US;

export class Serving {
  readonly deployed: Deployed[];
  /** Nodes that have a deployment's image and weights: node × deployments + deployment. */
  private readonly cached = new Set<number>();
  /** Replicas that read weights from the store now, with the end of that, µs. */
  private loads: { endUs: number }[] = [];
  /** Of a job: deployment and replica; −1 = no replica. */
  private readonly deploymentOf: Int32Array;
  private readonly replicaOf: Int32Array;
  /** When each step of a replica's start is done, by job × 4: image, weights, warm, registered. */
  private readonly stepUs: Float64Array;
  private readonly use: NodeUse;
  private readonly poolLists = new Map<string, number>();
  private readonly host: ServingHost;

  constructor(host: ServingHost) {
    this.host = host;
    const { scenario, engine, cluster } = host;
    const specs = scenario.serving as ServingSpec[];
    this.deploymentOf = new Int32Array(scenario.jobs.count).fill(-1);
    this.replicaOf = new Int32Array(scenario.jobs.count).fill(-1);
    this.stepUs = new Float64Array(4 * scenario.jobs.count);
    this.use = new NodeUse(scenario, cluster);
    scenario.poolLists.forEach((list, i) => {
      if (!this.poolLists.has(list.join())) this.poolLists.set(list.join(), i);
    });
    this.deployed = specs.map((spec, d) => {
      spec.replicaJobs.forEach((job, r) => {
        this.deploymentOf[job] = d;
        this.replicaOf[job] = r;
      });
      return new Deployed(scenario, spec, host.records[d]);
    });
    engine.on(KIND.request, (d) => this.arrive(d));
    engine.on(KIND.servingStep, (job, step) => this.stepOver(job, step));
    engine.on(KIND.servingDrain, (d, r) => this.lookAtDrain(d, r));
    engine.on(KIND.servingLevel, (d) => this.level(d));
    engine.on(KIND.servingScale, (d) => this.scale(d));
    engine.on(KIND.servingLook, () => this.look());
  }

  /** Before the first job arrives. */
  begin(): void {
    const { engine } = this.host;
    const jobs = this.host.jobs();
    this.deployed.forEach((one, d) => {
      const { spec } = one;
      spec.replicaJobs.forEach((job, r) => {
        if (r < spec.replicas) {
          one.goal[r] = 1;
          one.phase[r] = PHASE.called;
        } else park(jobs, job);
      });
      if (one.fleet !== null) this.awaitRequest(d);
      engine.schedule(this.levelEvery(one), PRIORITY.servingTick, KIND.servingLevel, d);
      if (spec.autoscaling) engine.schedule(this.scaleEvery(one), PRIORITY.servingTick, KIND.servingScale, d);
    });
    if (this.looks) engine.schedule(0, PRIORITY.servingTick, KIND.servingLook);
  }

  private get looks(): boolean {
    return this.deployed.some(({ spec }) => spec.placement !== undefined);
  }

  // --- what happens to the jobs --------------------------------------------------------------------------------------

  /** Accounts that hear of replicas first. */
  follow(accounts: JobAccounts): JobAccounts {
    const of = (job: number) => this.deploymentOf[job];
    return {
      take: (now, job, pool, units) => {
        if (of(job) >= 0) this.take(now, job, pool, units);
        accounts.take(now, job, pool, units);
      },
      turn: (now, job, activity) => {
        if (of(job) >= 0) this.turn(now, job, activity);
        accounts.turn(now, job, activity);
      },
      saved: (now, job, work) => accounts.saved(now, job, work),
      forget: (job) => accounts.forget(job),
      mark: (now, job, work) => accounts.mark(now, job, work),
      safeTo: (job, work) => accounts.safeTo(job, work),
      lose: (now, job, kept) => accounts.lose(now, job, kept),
      slow: (now, job, milli) => accounts.slow(now, job, milli),
      taint: (now, job, clean) => accounts.taint(now, job, clean),
      loseTainted: (now, job, kept) => accounts.loseTainted(now, job, kept),
      give: (now, job, pool, units, state) => {
        accounts.give(now, job, pool, units, state);
        if (of(job) >= 0) this.give(now, job, pool, units);
      },
    };
  }

  private tell(job: number, sentence: string): void {
    this.host.jobs().observer?.(this.host.engine.now, 'flow', job, -1, -1, 0, sentence);
  }

  /** A replica's job queues for GPUs: its control plane checks its quota, reads telemetry and picks nodes. */
  queued(job: number): void {
    const d = this.deploymentOf[job];
    if (d < 0) return;
    const r = this.replicaOf[job];
    const one = this.deployed[d];
    const { now } = this.host.engine;
    one.phase[r] = PHASE.called;
    const { project, pool, deserved, held } = this.host.quotaOf(job);
    const { tensor, pipeline } = one.spec.variants[0].parallelism;
    const gpus = tensor * pipeline;
    const within = deserved < 0 || held + gpus <= deserved;
    this.tell(
      job,
      `quota validated: ${project} deserves ${deserved < 0 ? 'any number of' : deserved} GPUs of ${pool} and holds ${held}, this replica asks for ${gpus}${within ? '' : ', beyond its quota'}`,
    );
    const { placement } = one.spec;
    if (placement === undefined) return;
    const reader = this.host.readings();
    const { cluster, scenario } = this.host;
    this.use.follow(one.avoided, now, placement);
    const leaving = one.replaces[r] >= 0 ? one.node[one.replaces[r]] : -1;
    const choice = chooseNodes(scenario, placement, one.avoided, this.use, now, gpus, this.depths, leaving);
    const age = reader === null ? undefined : this.ageOf(reader, now);
    this.tell(
      job,
      `utilisation read: ${placement.field}, mean of ${placement.windowUs / SECOND_US} s${age === undefined ? ', no reading yet' : `, the oldest reading ${Math.round(age / SECOND_US)} s old`}`,
    );
    this.tell(job, `nodes selected: ${choice.sentence}`);
    this.direct(job, choice.pools);
    cluster.barred.set(job, choice.barred);
  }

  private get depths() {
    const { cluster } = this.host;
    return {
      depth: (node: number) => {
        let sum = 0;
        for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
          const d = this.deploymentOf[cluster.jobOfTask[task]];
          if (d < 0) continue;
          const { fleet, rate } = this.deployed[d];
          const r = this.replicaOf[cluster.jobOfTask[task]];
          if (fleet !== null) sum += fleet.replicas[r].outstanding;
          else if (rate !== null) sum += Math.round(rate.inSystem / Math.max(1, this.deployed[d].count(PHASE.active)));
        }
        return sum;
      },
      freeGpus: (node: number) => cluster.nodeFreeGpus[node],
    };
  }

  private ageOf(reader: TelemetryReader, now: number): number | undefined {
    let oldest: number | undefined;
    const { nodes } = this.host.scenario;
    for (let node = 0; node < nodes.count; node++) {
      if (nodes.gpus[node] === 0) continue;
      const reading = reader.read('DCGM_FI_DEV_GPU_UTIL', node, 0);
      if (reading !== null) oldest = Math.max(oldest ?? 0, now - reading.takenUs);
    }
    return oldest;
  }

  /** The scheduler is to try these pools, in this order. */
  private direct(job: number, pools: readonly number[]): void {
    const { scenario } = this.host;
    let list = this.poolLists.get(pools.join());
    if (list === undefined) {
      list = scenario.poolLists.push([...pools]) - 1;
      this.poolLists.set(pools.join(), list);
    }
    scenario.jobs.poolList[job] = list;
  }

  private take(now: number, job: number, pool: number, units: number): void {
    const one = this.deployed[this.deploymentOf[job]];
    const r = this.replicaOf[job];
    this.countCost(one, now);
    one.heldUnits[pool] += units;
    const { taskStart } = this.host.scenario.jobs;
    const nodes: number[] = [];
    for (let task = taskStart[job]; task < taskStart[job + 1]; task++)
      if (this.host.cluster.taskNode[task] >= 0) nodes.push(this.host.cluster.taskNode[task]);
    one.node[r] = nodes[0];
    one.variant[r] = Math.max(
      0,
      one.spec.variants.findIndex((variant) => variant.pool === pool),
    );
    // Read when the job starts, which is right after its last worker is placed.
    this.host.scenario.jobs.startupUs[job] = this.planStart(one, job, nodes, now);
  }

  private give(now: number, job: number, pool: number, units: number): void {
    const one = this.deployed[this.deploymentOf[job]];
    const r = this.replicaOf[job];
    this.countCost(one, now);
    one.heldUnits[pool] -= units;
    const { heldUnits } = one;
    if (heldUnits.every((n) => n === 0) || one.phase[r] !== PHASE.parked) this.gone(one, r, job, now);
    this.host.cluster.barred.delete(job);
  }

  private turn(now: number, job: number, activity: string): void {
    const d = this.deploymentOf[job];
    const one = this.deployed[d];
    const r = this.replicaOf[job];
    switch (activity) {
      case 'restart':
        this.starts(one, d, r, job, now);
        break;
      case 'running':
        this.up(one, d, r, job, now);
        break;
      case 'detecting':
        if (one.phase[r] === PHASE.active || one.phase[r] === PHASE.draining) {
          this.countCost(one, now);
          one.fleet?.hang(r, now);
          this.downRate(one, d, r, now, 'fault');
          one.phase[r] = PHASE.hung;
        }
        break;
      case 'terminating':
        if (one.phase[r] === PHASE.active || one.phase[r] === PHASE.draining) {
          this.countCost(one, now);
          one.fleet?.drain(r);
          this.downRate(one, d, r, now, 'preempted');
          this.tell(job, 'takes no more requests: it is told to stop');
        }
        one.phase[r] = PHASE.leaving;
    }
  }

  // --- from the GPUs' being given to the first request ---------------------------------------------------------------

  private planStart(one: Deployed, job: number, nodes: readonly number[], now: number): number {
    const { spec } = one;
    const d = this.deploymentOf[job];
    if (spec.startsActive && now === 0) {
      this.stepUs.fill(0, 4 * job, 4 * job + 4);
      return 0;
    }
    this.loads = this.loads.filter(({ endUs }) => endUs > now);
    const has = nodes.every((node) => this.cached.has(node * this.deployed.length + d));
    const steps = coldStart(spec.coldStart, has, this.loads.length + 1, nodes.length);
    for (let i = 0; i < 4; i++) this.stepUs[4 * job + i] = now + steps[i];
    return steps[3];
  }

  private starts(one: Deployed, d: number, r: number, job: number, now: number): void {
    const { engine, scenario } = this.host;
    const { phase } = one;
    if (phase[r] === PHASE.active || phase[r] === PHASE.hung || phase[r] === PHASE.draining) {
      // Its processes start anew where they are: everything it needs is there.
      this.gone(one, r, job, now);
      const nodes = [one.node[r]];
      for (const node of nodes) this.cached.add(node * this.deployed.length + d);
      scenario.jobs.startupUs[job] = this.planStart(one, job, nodes, now);
    }
    phase[r] = PHASE.loading;
    one.serial[r]++;
    const from = this.stepUs[4 * job];
    if (this.stepUs[4 * job + 1] > from + 1) this.loads.push({ endUs: this.stepUs[4 * job + 1] });
    for (let step = 0; step < 3; step++)
      engine.schedule(
        this.stepUs[4 * job + step],
        PRIORITY.servingStep,
        KIND.servingStep,
        job,
        (one.serial[r] % 65_536) * 4 + step,
      );
  }

  private stepOver(job: number, packed: number): void {
    const d = this.deploymentOf[job];
    const one = this.deployed[d];
    const r = this.replicaOf[job];
    if (one.phase[r] !== PHASE.loading || packed >> 2 !== one.serial[r] % 65_536) return;
    const step = packed & 3;
    const { startedUs } = this.host.jobs();
    const took = (from: number, to: number) => `${((to - from) / SECOND_US).toFixed(1)} s`;
    const at = (i: number) => this.stepUs[4 * job + i];
    const before = step === 0 ? startedUs[job] : at(step - 1);
    if (step === 0)
      this.tell(job, before === at(0) ? 'its node has the image' : `image pulled in ${took(before, at(0))}`);
    else if (step === 1)
      this.tell(
        job,
        `${(one.spec.coldStart.weightBytes / 1e9).toFixed(1)} GB of weights loaded in ${took(before, at(1))}`,
      );
    else this.tell(job, `compiled and graphs captured in ${took(before, at(2))}`);
  }

  private up(one: Deployed, d: number, r: number, job: number, now: number): void {
    const { phase } = one;
    if (phase[r] === PHASE.active || phase[r] === PHASE.draining) return;
    if (phase[r] === PHASE.hung) this.gone(one, r, job, now);
    this.countCost(one, now);
    const v = one.variant[r];
    one.rate?.advance(now);
    phase[r] = PHASE.active;
    one.counts.starts++;
    one.bookedUs[r] = one.busyUs(r);
    one.levelSince[r] = now;
    one.preemptions[r] = this.host.jobs().preemptions[job];
    for (const node of this.nodesOf(job)) this.cached.add(node * this.deployed.length + d);
    if (one.rate !== null) one.rate.variantOf[r] = v;
    else (one.fleet as Fleet).up(r, one.settings[v], now);
    const where = one.spec.variants[v];
    this.tell(
      job,
      `endpoint registered: active on ${where.gpuModel}${one.spec.startsActive && now === 0 ? ', in service when the simulation begins' : ''}`,
    );
    if (one.rate !== null) this.setLevels(one, now);
    else this.setLevel(one, r, 0, now);
    const old = one.replaces[r];
    if (old >= 0) {
      one.replaces[r] = -1;
      if (one.goal[old] === 1) {
        one.goal[old] = 0;
        this.letGo(d, old, 'its replacement is active');
      }
    }
    if (one.goal[r] === 0) this.letGo(d, r, 'it is no longer wanted');
  }

  private nodesOf(job: number): number[] {
    const { taskStart } = this.host.scenario.jobs;
    const nodes = new Set<number>();
    for (let task = taskStart[job]; task < taskStart[job + 1]; task++)
      if (this.host.cluster.taskNode[task] >= 0) nodes.add(this.host.cluster.taskNode[task]);
    return [...nodes];
  }

  /** It answers no more; what it had goes elsewhere. */
  private gone(one: Deployed, r: number, job: number, now: number): void {
    const { phase } = one;
    const was = phase[r];
    if (one.drainEvent[r] >= 0) {
      this.host.engine.queue.cancel(one.drainEvent[r]);
      one.drainEvent[r] = -1;
    }
    const served = was === PHASE.active || was === PHASE.draining || was === PHASE.hung || was === PHASE.leaving;
    phase[r] = one.goal[r] === 1 ? PHASE.called : PHASE.parked;
    if (!served) return;
    this.countCost(one, now);
    const preempted = this.host.jobs().preemptions[job] > one.preemptions[r] || one.goal[r] === 0;
    one.fleet?.lose(r, now, preempted ? MARK.preempted : MARK.fault);
    this.downRate(one, this.deploymentOf[job], r, now, preempted ? 'preempted' : 'fault');
    one.leftNode[r] = one.node[r];
    one.leftUs[r] = now;
  }

  private downRate(one: Deployed, _d: number, r: number, now: number, why: 'fault' | 'preempted'): void {
    const { rate } = one;
    if (rate === null || rate.variantOf[r] < 0) return;
    rate.advance(now);
    rate.variantOf[r] = -1;
    if (rate.variantOf.every((v) => v < 0)) rate.absence = why;
    this.setLevels(one, now);
  }

  // --- requests ------------------------------------------------------------------------------------------------------

  private awaitRequest(d: number): void {
    const { engine, scenario } = this.host;
    const next = this.deployed[d].pull(engine.now);
    if (next !== null && next.timeUs < scenario.durationUs)
      engine.schedule(next.timeUs, PRIORITY.request, KIND.request, d);
  }

  private arrive(d: number): void {
    const one = this.deployed[d];
    const fleet = one.fleet as Fleet;
    const arrival = one.next;
    const { now } = this.host.engine;
    if (arrival !== null) {
      const slot = fleet.offer(arrival, now);
      if (slot >= 0) fleet.place(slot, now);
      // Knative's activator asks for the first replica as soon as somebody waits for it.
      if (fleet.waiting > 0 && one.spec.autoscaling && one.wanted === 0) this.want(d, 1, 'a request waits');
    }
    this.awaitRequest(d);
  }

  // --- how many replicas ---------------------------------------------------------------------------------------------

  private scaleEvery({ spec }: Deployed): number {
    const tickUs = spec.autoscaling?.tickUs ?? MINUTE_US;
    return spec.fidelity === 'rate' ? Math.max(MINUTE_US, tickUs) : tickUs;
  }

  private scale(d: number): void {
    const one = this.deployed[d];
    const { engine } = this.host;
    const { now } = engine;
    const { autoscaling } = one.spec;
    if (autoscaling === undefined) return;
    one.advance(now);
    const { requests } = one.record;
    const perSecond = ((requests - one.seenRequests) * 1e6) / Math.max(1, now - one.seenUs);
    one.seenRequests = requests;
    one.seenUs = now;
    const { wanted } = one;
    const seen = { nowUs: now, present: one.present, perSecond, ready: one.count(PHASE.active), wanted };
    const n = wantedReplicas(autoscaling, one.memory, seen, (rate, most) => this.sufficient(one, rate, most));
    if (n !== wanted)
      this.want(
        d,
        n,
        `${n > wanted ? 'more' : 'fewer'} replicas (${wanted} → ${n}) at ${perSecond.toFixed(1)} requests/s`,
      );
    engine.schedule(now + this.scaleEvery(one), PRIORITY.servingTick, KIND.servingScale, d);
  }

  /** The fewest replicas with which the share that is aimed at meets the targets, by the closed form. */
  private sufficient(one: Deployed, perSecond: number, most: number): number {
    const { autoscaling } = one.spec;
    const goal = autoscaling?.kind === 'slo' ? autoscaling.attainment : 1;
    const planner = this.planner(one);
    let best = 0;
    let share = -1;
    for (let n = 1; n <= most; n++) {
      const attained = planner.attainedBy(perSecond, n);
      if (attained >= goal) return n;
      // Where more replicas do not help (a prompt too long for the target) they are not asked for.
      if (attained > share + 0.001) {
        share = attained;
        best = n;
      }
    }
    return best;
  }

  private readonly planners = new Map<string, NonNullable<Deployed['rate']>>();

  private planner(one: Deployed): NonNullable<Deployed['rate']> {
    if (one.rate !== null) return one.rate;
    const known = this.planners.get(one.spec.name);
    if (known !== undefined) return known;
    const { scenario } = this.host;
    const closed = new Deployed(scenario, { ...one.spec, fidelity: 'rate' }, one.record).rate as NonNullable<
      Deployed['rate']
    >;
    this.planners.set(one.spec.name, closed);
    return closed;
  }

  /** From now on so many replicas are meant to be there. */
  private want(d: number, n: number, why: string): void {
    const one = this.deployed[d];
    const jobs = this.host.jobs();
    const { goal, phase, replaces, spec } = one;
    let have = one.wanted;
    for (let r = 0; r < goal.length && have < n; r++) {
      if (goal[r] === 1 || phase[r] !== PHASE.draining) continue;
      goal[r] = 1;
      phase[r] = PHASE.active;
      const { now, queue } = this.host.engine;
      if (one.drainEvent[r] >= 0) queue.cancel(one.drainEvent[r]);
      one.drainEvent[r] = -1;
      one.fleet?.reopen(r, now);
      if (one.rate !== null) {
        one.rate.advance(now);
        one.rate.variantOf[r] = one.variant[r];
        this.setLevels(one, now);
      }
      have++;
      one.counts.scaledUp++;
    }
    for (let r = 0; r < goal.length && have < n; r++) {
      if (goal[r] === 1 || phase[r] !== PHASE.parked) continue;
      this.call(one, r, why);
      have++;
      one.counts.scaledUp++;
    }
    // The youngest in their life go first: those that wait, those that load, then the highest number.
    while (have > n) {
      let victim = -1;
      for (let r = goal.length - 1; r >= 0; r--) {
        if (goal[r] === 0 || replaces[r] >= 0) continue;
        if (victim < 0 || phase[r] < phase[victim]) victim = r;
      }
      if (victim < 0) break;
      goal[victim] = 0;
      one.counts.scaledDown++;
      this.letGo(d, victim, why);
      have--;
    }
    void jobs;
    void spec;
  }

  private call(one: Deployed, r: number, why: string): void {
    one.goal[r] = 1;
    const job = one.spec.replicaJobs[r];
    this.tell(job, `called for: ${why}`);
    const jobs = this.host.jobs();
    if (one.phase[r] === PHASE.parked) one.phase[r] = PHASE.called;
    if (jobs.status[job] === PENDING) {
      // It never left the line.
      return;
    }
    callIn(jobs, job);
  }

  /** A replica that is not meant to be there: it drains if it answers, else it leaves at once. */
  private letGo(d: number, r: number, why: string): void {
    const one = this.deployed[d];
    const job = one.spec.replicaJobs[r];
    const { now } = this.host.engine;
    if (one.phase[r] === PHASE.active) {
      one.phase[r] = PHASE.draining;
      one.fleet?.drain(r);
      one.drainByUs[r] = now + one.spec.drainUs;
      this.tell(job, `drains: ${why}`);
      if (one.rate !== null) {
        one.rate.advance(now);
        one.rate.variantOf[r] = -1;
        if (one.rate.variantOf.every((v) => v < 0)) one.rate.absence = 'cold-start';
        this.setLevels(one, now);
      }
      this.lookLater(one, d, r, now);
    } else if (one.phase[r] !== PHASE.draining) {
      if (standDown(this.host.jobs(), job, why, this.host.withdraws)) {
        if (one.phase[r] === PHASE.called) one.phase[r] = PHASE.parked;
      }
    }
  }

  private lookLater(one: Deployed, d: number, r: number, now: number): void {
    const next = one.fleet === null ? now + 10 * SECOND_US : one.fleet.replicas[r].nextUs + 1;
    const at = Math.min(one.drainByUs[r], Math.max(now, next));
    one.drainEvent[r] = this.host.engine.schedule(at, PRIORITY.servingStep, KIND.servingDrain, d, r);
  }

  private lookAtDrain(d: number, r: number): void {
    const one = this.deployed[d];
    const { now } = this.host.engine;
    one.drainEvent[r] = -1;
    if (one.phase[r] !== PHASE.draining) return;
    const replica = one.fleet?.replicas[r];
    replica?.advance(now);
    const empty = replica === undefined ? now > one.drainByUs[r] - one.spec.drainUs : replica.outstanding === 0;
    if (!empty && now < one.drainByUs[r]) {
      this.lookLater(one, d, r, now);
      return;
    }
    const job = one.spec.replicaJobs[r];
    standDown(this.host.jobs(), job, empty ? 'drained' : 'its time to drain is over', this.host.withdraws);
  }

  // --- where they are ------------------------------------------------------------------------------------------------

  /** Utilisation is read, and replicas move off nodes above the threshold. */
  private look(): void {
    const { engine, telemetryUs } = this.host;
    const { now } = engine;
    const reader = this.host.readings();
    if (reader !== null) {
      const widest = this.deployed.reduce((most, { spec }) => Math.max(most, spec.placement?.windowUs ?? 0), 0);
      this.use.sample(now, reader, widest, (job) => this.tensorShare(job));
      this.deployed.forEach((one, d) => {
        if (one.spec.placement === undefined) return;
        this.use.follow(one.avoided, now, one.spec.placement);
        if (one.spec.placement.rebalances) this.rebalance(one, d, now);
      });
    }
    engine.schedule(now + Math.max(SECOND_US, telemetryUs), PRIORITY.servingTick, KIND.servingLook);
  }

  /** Share of the peak arithmetic that a replica's requests need while it is busy. */
  private tensorShare(job: number): number {
    const d = this.deploymentOf[job];
    if (d < 0) return -1;
    const { spec, record, variant } = this.deployed[d];
    const { gpu, parallelism } = spec.variants[Math.max(0, variant[this.replicaOf[job]])];
    const { denseParams, experts } = spec.model;
    const active = denseParams + (experts === undefined ? 0 : experts.layers * experts.paramsEach * experts.chosen);
    const peak = parallelism.tensor * parallelism.pipeline * (gpu.flops[spec.precision] ?? Infinity);
    const tokens = record.outputTokens + record.promptTokens;
    return record.busyUs === 0 ? 0 : Math.min(1, (2 * active * tokens) / ((record.busyUs / 1e6) * peak));
  }

  /** One replica at a time moves: its replacement starts elsewhere, then it drains. */
  private rebalance(one: Deployed, d: number, now: number): void {
    const { replaces, goal, phase, avoided, spec } = one;
    if (replaces.some((r) => r >= 0)) return;
    const from = phase.findIndex((p, r) => p === PHASE.active && goal[r] === 1 && avoided.has(one.node[r]));
    if (from < 0) return;
    const spare = phase.findIndex((p, r) => p === PHASE.parked && goal[r] === 0);
    if (spare < 0) return;
    const { cluster, scenario } = this.host;
    const gpus = scenario.jobs.taskGpus[scenario.jobs.taskStart[spec.replicaJobs[from]]];
    const pools = (spec.placement as NonNullable<typeof spec.placement>).pools;
    const open = Array.from(
      { length: scenario.nodes.count },
      (_, node) =>
        pools.includes(scenario.nodes.pool[node]) && !avoided.has(node) && cluster.nodeFreeGpus[node] >= gpus,
    );
    if (!open.includes(true)) {
      one.counts.stuck++;
      return;
    }
    replaces[spare] = from;
    one.counts.moves++;
    if (one.leftNode.some((node, r) => open[node] && now - one.leftUs[r] < HOUR_OF_FLAPPING_US)) one.counts.flaps++;
    this.call(
      one,
      spare,
      `moves off ${scenario.nodes.names[one.node[from]]}, which is above ${spec.placement?.avoidUtil}`,
    );
    void d;
  }

  // --- the ledger ----------------------------------------------------------------------------------------------------

  private levelEvery({ rate }: Deployed): number {
    if (rate !== null) return HOUR_US;
    const { durationUs } = this.host.scenario;
    return Math.min(MINUTE_US, Math.max(SECOND_US, Math.ceil(durationUs / 200)));
  }

  /** Busy time goes to the ledger: by the closed form ahead of time, of requests as soon as it is known. */
  private level(d: number): void {
    const one = this.deployed[d];
    const { engine } = this.host;
    const { now } = engine;
    one.advance(now);
    this.setLevels(one, now);
    engine.digest.time(Math.floor(one.record.completed));
    engine.schedule(now + this.levelEvery(one), PRIORITY.servingTick, KIND.servingLevel, d);
  }

  private setLevels(one: Deployed, now: number): void {
    const every = this.levelEvery(one);
    const untilUs = (Math.floor(now / every) + 1) * every;
    for (let r = 0; r < one.phase.length; r++) {
      if (one.phase[r] !== PHASE.active && one.phase[r] !== PHASE.draining) continue;
      const since = now - one.levelSince[r];
      const booked = one.bookedUs[r] + (one.level[r] / 1000) * since;
      const owed = one.busyUs(r) - booked;
      const span = untilUs - now;
      // Of requests the next time is expected to be like the last.
      const ahead =
        one.rate !== null
          ? one.rate.forecast(r, untilUs)
          : since > 0
            ? one.level[r] / 1000 + (one.busyUs(r) - booked) / since
            : one.level[r] / 1000;
      const share = Math.max(0, Math.min(1, ahead)) + owed / span;
      this.setLevel(one, r, Math.max(0, Math.min(1000, Math.round(1000 * share))), now);
    }
  }

  private setLevel(one: Deployed, r: number, milli: number, now: number): void {
    one.bookedUs[r] += (one.level[r] / 1000) * (now - one.levelSince[r]);
    one.levelSince[r] = now;
    one.level[r] = milli;
    this.host.setUse(now, one.spec.replicaJobs[r], milli);
  }

  private countCost(one: Deployed, now: number): void {
    const { pools } = this.host.scenario;
    const us = now - one.countedUs;
    one.heldUnits.forEach((units, pool) => {
      const gpus = units / GPU_UNITS;
      one.heldUs += gpus * us;
      one.costMicroUsd += (gpus * us * pools[pool].priceMicroUsd) / HOUR_US;
    });
    one.activeUs += us * (one.count(PHASE.active) + one.count(PHASE.draining));
    one.countedUs = now;
  }

  // --- figures, copies -----------------------------------------------------------------------------------------------

  /** Brings everything up to now. */
  settle(now: number): void {
    for (const one of this.deployed) {
      one.advance(now);
      this.countCost(one, now);
    }
  }

  snapshot(): Record<string, unknown> {
    const { cached, loads, stepUs, host } = this;
    const { jobs, poolLists } = host.scenario;
    const own = { cached, loads, stepUs, samples: this.use.samples };
    const written = { startupUs: jobs.startupUs, useMilli: jobs.useMilli, poolList: jobs.poolList, poolLists };
    return structuredClone({
      ...{ own, written, barred: host.cluster.barred },
      deployed: this.deployed.map((one) => one.snapshot()),
    });
  }

  restore(snapshot: Record<string, unknown>): void {
    const { own, written, barred, deployed } = structuredClone(snapshot) as {
      own: { cached: Set<number>; loads: { endUs: number }[]; stepUs: Float64Array; samples: NodeUse['samples'] };
      written: Pick<Scenario['jobs'], 'startupUs' | 'useMilli' | 'poolList'> & Pick<Scenario, 'poolLists'>;
      barred: Map<number, Set<number>>;
      deployed: Record<string, unknown>[];
    };
    const { scenario, cluster } = this.host;
    this.cached.clear();
    for (const key of own.cached) this.cached.add(key);
    this.loads = own.loads;
    this.stepUs.set(own.stepUs);
    this.use.samples = own.samples;
    scenario.jobs.startupUs.set(written.startupUs);
    scenario.jobs.useMilli.set(written.useMilli);
    scenario.jobs.poolList.set(written.poolList);
    for (let i = scenario.poolLists.length; i < written.poolLists.length; i++) this.addList(written.poolLists[i]);
    cluster.barred.clear();
    for (const [job, nodes] of barred) cluster.barred.set(job, nodes);
    deployed.forEach((one, d) => {
      this.deployed[d].restore(one);
    });
  }

  private addList(pools: number[]): void {
    this.poolLists.set(pools.join(), this.host.scenario.poolLists.push(pools) - 1);
  }
}
