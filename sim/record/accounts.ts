/**
 * Whose GPUs are in which category: books what jobs do into the ledger, in quota or over it, and finds what is lost.
 *
 * A project's GPUs in a pool are in quota up to what it deserves there; its later jobs are over quota and move into
 * quota, oldest first, as earlier ones leave. So at any moment in quota = min(held, deserved), to the unit.
 */
import { GPU_UNITS, type NodeState } from '../cluster/cluster.ts';
import { addProduct, type ExactColumn, exactColumn, exactNumber } from '../engine/exact.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../engine/snapshot.ts';
import { JOB_CLASSES, type Scenario } from '../scenario.ts';
import { AtRisk, clear } from './at-risk.ts';
import { CATEGORY, type Ledger } from './ledger.ts';
import { NetMoves } from './net-moves.ts';

/** What one job holds in one pool. */
interface Holding {
  pool: number;
  /** Units in quota and over it. */
  units: [number, number];
  /** Ledger owners of the two. */
  owner: [number, number];
  /** Work booked as productive since the last save, for the two: what a loss would take back. */
  atRisk: ExactColumn;
  sinceUs: number;
}

/** What a running job's GPUs do: `running` splits by its use profile, every other name is a ledger category. */
export type Activity = 'reserved' | 'restart' | 'running' | 'checkpoint' | 'terminating' | 'detecting';

const INFERENCE = JOB_CLASSES.indexOf('inference');
const SIDES = [0, 1] as const;
/** Where a node's GPUs that no job holds are booked. */
function idleCategory(state: Exclude<NodeState, 'absent'>): number {
  return CATEGORY[state === 'ready' ? 'free' : state];
}

export class Accounts {
  private readonly holdings = new Map<number, Holding[]>();
  private readonly activity = new Map<number, Activity>();
  /** Jobs that do less than they should: thousandths of it. */
  private readonly pace = new Map<number, number>();
  /** Units held in quota and deserved, by project × pools + pool. */
  private readonly inQuota: Float64Array;
  private readonly deserved: Float64Array;
  /** Jobs with units over quota, oldest first, by the same key. */
  private readonly over: Set<number>[];
  private readonly pools: number;
  /** Told when a job's GPUs begin to do something else. */
  onTurn: ((now: number, job: number, activity: Activity) => void) | null = null;

  private readonly scenario: Scenario;
  private readonly ledger: Ledger;
  private readonly moves: NetMoves;
  private readonly atRisk: AtRisk;

  constructor(scenario: Scenario, ledger: Ledger) {
    this.scenario = scenario;
    this.ledger = ledger;
    this.moves = new NetMoves(ledger);
    this.atRisk = new AtRisk(scenario, ledger);
    this.pools = scenario.pools.length;
    const cells = scenario.projects.length * this.pools;
    this.inQuota = new Float64Array(cells);
    this.deserved = new Float64Array(cells);
    this.over = Array.from({ length: cells }, () => new Set());
    this.readQuotas();
  }

  snapshot(): Record<string, Snapshot> {
    const shared = ['scenario', 'ledger'];
    return {
      own: takeSnapshot(this, [...shared, 'moves', 'atRisk', 'onTurn']),
      atRisk: takeSnapshot(this.atRisk, shared),
    };
  }

  restore(snapshot: Record<string, Snapshot>): void {
    restoreSnapshot(this, snapshot.own);
    restoreSnapshot(this.atRisk, snapshot.atRisk);
  }

  /** Takes on the scenario's quotas, where it goes on from a moment in which others held. */
  followQuotas(now: number): void {
    const before = this.deserved.slice();
    this.readQuotas();
    for (let key = 0; key < before.length; key++) {
      if (this.deserved[key] > before[key]) this.promote(now, key, key % this.pools);
      else if (this.deserved[key] < before[key]) this.demote(now, key, key % this.pools);
    }
  }

  private readQuotas(): void {
    this.scenario.projects.forEach((project, i) => {
      for (let p = 0; p < this.pools; p++) {
        const gpus = project.deservedGpus[p] ?? 0;
        this.deserved[i * this.pools + p] = gpus < 0 ? Infinity : Math.round(gpus * GPU_UNITS);
      }
    });
  }

  /** Units a project holds in a pool: [in quota, over it]. */
  held(project: number, pool: number): [number, number] {
    const key = project * this.pools + pool;
    let over = 0;
    for (const job of this.over[key]) over += this.holding(job, pool)?.units[1] ?? 0;
    return [this.inQuota[key], over];
  }

  /** A task of the job took `units` of free GPUs in `pool`. */
  take(now: number, job: number, pool: number, units: number): void {
    if (units === 0) return;
    let holdings = this.holdings.get(job);
    if (holdings === undefined) {
      holdings = [];
      this.holdings.set(job, holdings);
      this.activity.set(job, 'reserved');
    }
    const { jobs } = this.scenario;
    const project = jobs.project[job];
    const key = project * this.pools + pool;
    let holding = holdings.find((h) => h.pool === pool);
    if (holding === undefined) {
      const owner = (over: boolean) => this.ledger.owner(project, over, jobs.class[job], pool);
      holding = { pool, units: [0, 0], owner: [owner(false), owner(true)], atRisk: exactColumn(2), sinceUs: now };
      holdings.push(holding);
    }
    const room = Math.max(0, this.deserved[key] - this.inQuota[key]);
    const into = Math.min(room, units);
    this.inQuota[key] += into;
    if (units > into && holding.units[1] === 0) this.over[key].add(job);
    this.change(now, job, holding, [into, units - into]);
  }

  /** The job's GPUs now do something else. */
  turn(now: number, job: number, activity: Activity): void {
    const holdings = this.holdings.get(job);
    if (holdings === undefined) return;
    const before = this.activity.get(job) as Activity;
    if (before === activity) return;
    for (const holding of holdings) {
      this.bookRisk(now, job, holding);
      for (const over of SIDES) {
        this.put(-1, job, holding, over, before, holding.units[over]);
        this.put(1, job, holding, over, activity, holding.units[over]);
        this.moves.post(now);
      }
    }
    this.activity.set(job, activity);
    this.onTurn?.(now, job, activity);
  }

  /** A checkpoint of all the job has done, `work` in all, begins: whether it is safe, `safeTo` or `lose` will say. */
  mark(now: number, job: number, work: number): void {
    for (const holding of this.holdings.get(job) ?? []) {
      this.bookRisk(now, job, holding);
      this.atRisk.setAside(job, holding.owner, holding.atRisk);
    }
    this.atRisk.mark(job, work);
  }

  /** What the job had done when it had done `work` is safe for good. */
  safeTo(job: number, work: number): void {
    this.atRisk.safeTo(job, work);
  }

  /** Everything the job has done so far, `work` in all, is safe. */
  saved(now: number, job: number, work: number): void {
    this.atRisk.safeTo(job, Infinity);
    for (const holding of this.holdings.get(job) ?? []) {
      this.bookRisk(now, job, holding);
      this.atRisk.save(job, work, holding.owner, holding.atRisk);
    }
  }

  /** Its GPUs are busy for so many thousandths of the time from now on; the scenario's column of jobs is written. */
  setUse(now: number, job: number, milli: number): void {
    const { useMilli } = this.scenario.jobs;
    if (useMilli[job] === milli) return;
    const running = this.activity.get(job) === 'running' ? (this.holdings.get(job) ?? []) : [];
    for (const holding of running) {
      this.bookRisk(now, job, holding);
      for (const over of SIDES) this.put(-1, job, holding, over, 'running', holding.units[over]);
    }
    useMilli[job] = milli;
    for (const holding of running)
      for (const over of SIDES) this.put(1, job, holding, over, 'running', holding.units[over]);
    this.moves.post(now);
  }

  /** The job runs at so many thousandths of its speed: the rest of its GPUs' time is `degraded`. */
  slow(now: number, job: number, milli: number): void {
    const before = this.pace.get(job) ?? 1000;
    if (before === milli) return;
    const running = this.activity.get(job) === 'running';
    for (const holding of running ? (this.holdings.get(job) ?? []) : []) {
      this.bookRisk(now, job, holding);
      for (const over of SIDES) this.put(-1, job, holding, over, 'running', holding.units[over]);
    }
    if (milli === 1000) this.pace.delete(job);
    else this.pace.set(job, milli);
    for (const holding of running ? (this.holdings.get(job) ?? []) : []) {
      for (const over of SIDES) this.put(1, job, holding, over, 'running', holding.units[over]);
    }
    this.moves.post(now);
  }

  /** The job computes wrong results from its last save on: its checkpoints are no longer safe. */
  taint(_now: number, job: number, clean = -1): void {
    this.atRisk.taint(job, clean);
  }

  loseTainted(now: number, job: number, kept = -1): number {
    return this.lose(now, job, kept) + this.atRisk.loseTainted(now, job, kept);
  }

  /** The job is over. */
  forget(job: number): void {
    this.atRisk.forget(job);
  }

  /**
   * Everything since the last save was for nothing, but for what it had done when it had done `kept`. Gives how much
   * that was, GPU·µs/7000.
   */
  lose(now: number, job: number, kept = -1): number {
    let lost = this.atRisk.lose(now, job, kept);
    for (const holding of this.holdings.get(job) ?? []) {
      this.bookRisk(now, job, holding);
      for (const over of SIDES) {
        const account = (category: number) => this.ledger.account(holding.owner[over], category);
        this.ledger.rebook(now, account(CATEGORY.productive), account(CATEGORY.lost), holding.atRisk, over);
        lost += exactNumber(holding.atRisk, over);
      }
      clear(holding.atRisk);
    }
    return lost;
  }

  /** A task of the job gave back `units` in `pool`, on a node in that state. */
  give(now: number, job: number, pool: number, units: number, nodeState: NodeState): void {
    if (units === 0) return;
    const holdings = this.holdings.get(job) as Holding[];
    const holding = holdings.find((h) => h.pool === pool) as Holding;
    const { jobs } = this.scenario;
    const key = jobs.project[job] * this.pools + pool;
    // Units over quota leave first, so that the rest of the job stays where it is.
    const fromOver = Math.min(holding.units[1], units);
    const fromQuota = units - fromOver;
    const before: [number, number] = [holding.units[0], holding.units[1]];
    // A node leaves the cluster empty.
    const category = idleCategory(nodeState as Exclude<NodeState, 'absent'>);
    this.change(now, job, holding, [-fromQuota, -fromOver], category);
    this.inQuota[key] -= fromQuota;
    if (before[1] > 0 && holding.units[1] === 0) this.over[key].delete(job);
    if (holding.units[0] + holding.units[1] === 0) {
      // The job may go on elsewhere, and lose this work yet.
      this.atRisk.setAside(job, holding.owner, holding.atRisk);
      holdings.splice(holdings.indexOf(holding), 1);
    }
    if (holdings.length === 0) {
      this.holdings.delete(job);
      this.activity.delete(job);
      this.pace.delete(job);
    }
    this.promote(now, key, pool);
  }

  /** Units that nobody holds change with the state of their node. */
  idle(now: number, pool: number, units: number, from: NodeState, to: NodeState): void {
    const account = (state: Exclude<NodeState, 'absent'>) => this.ledger.account(pool, idleCategory(state));
    if (to === 'absent') {
      if (from !== 'absent') this.ledger.exit(now, account(from), units);
    } else if (from === 'absent') this.ledger.enter(now, account(to), units);
    else this.ledger.move(now, account(from), account(to), units);
  }

  /** Oldest borrowers come into quota as it becomes free. */
  private promote(now: number, key: number, pool: number): void {
    const over = this.over[key];
    for (const job of over) {
      if (this.inQuota[key] >= this.deserved[key]) return;
      const holding = this.holding(job, pool) as Holding;
      const units = Math.min(this.deserved[key] - this.inQuota[key], holding.units[1]);
      this.shift(now, job, holding, units);
      this.inQuota[key] += units;
      if (holding.units[1] === 0) over.delete(job);
    }
  }

  /** Where less is deserved than before, the latest comers go over quota. */
  private demote(now: number, key: number, pool: number): void {
    const demoted: number[] = [];
    for (const [job] of [...this.holdings].reverse()) {
      if (this.inQuota[key] <= this.deserved[key]) break;
      const holding = this.holding(job, pool);
      if (holding === undefined || this.scenario.jobs.project[job] * this.pools + pool !== key) continue;
      const units = Math.min(this.inQuota[key] - this.deserved[key], holding.units[0]);
      if (units === 0) continue;
      this.shift(now, job, holding, -units);
      this.inQuota[key] -= units;
      demoted.unshift(job);
    }
    this.over[key] = new Set([...demoted, ...this.over[key]]);
  }

  /** Moves units of a holding from over quota into it, or the other way if there are less than none. */
  private shift(now: number, job: number, holding: Holding, units: number): void {
    this.bookRisk(now, job, holding);
    const activity = this.activity.get(job) as Activity;
    this.put(-1, job, holding, 0, activity, holding.units[0]);
    this.put(-1, job, holding, 1, activity, holding.units[1]);
    this.put(1, job, holding, 0, activity, holding.units[0] + units);
    this.put(1, job, holding, 1, activity, holding.units[1] - units);
    this.moves.post(now);
    holding.units[0] += units;
    holding.units[1] -= units;
  }

  /** Units come from or go to nobody's account, in the job's present activity. */
  private change(now: number, job: number, holding: Holding, by: [number, number], idle = CATEGORY.free): void {
    this.bookRisk(now, job, holding);
    const activity = this.activity.get(job) as Activity;
    for (const over of SIDES) {
      if (by[over] === 0) continue;
      this.put(-1, job, holding, over, activity, holding.units[over]);
      holding.units[over] += by[over];
      this.put(1, job, holding, over, activity, holding.units[over]);
      this.moves.note(this.ledger.account(holding.pool, idle), -by[over]);
    }
    this.moves.post(now);
  }

  /** Notes that a job's units doing `activity` appear (+1) or vanish (-1); `moves.post` books the net. */
  private put(sign: 1 | -1, job: number, holding: Holding, over: 0 | 1, activity: Activity, units: number): void {
    const owner = holding.owner[over];
    if (activity !== 'running') {
      this.moves.note(this.ledger.account(owner, CATEGORY[activity]), sign * units);
      return;
    }
    const busy = this.busyUnits(job, units);
    const serving = this.scenario.jobs.class[job] === INFERENCE;
    const useful = this.usefulUnits(job, busy);
    this.moves.note(this.ledger.account(owner, serving ? CATEGORY.serving : CATEGORY.productive), sign * useful);
    this.moves.note(this.ledger.account(owner, CATEGORY.degraded), sign * (busy - useful));
    const rest = serving ? CATEGORY['serving-idle'] : CATEGORY['idle-allocated'];
    this.moves.note(this.ledger.account(owner, rest), sign * (units - busy));
  }

  /** Busy part of a running job's units: rounded down, the rest is idle. */
  private busyUnits(job: number, units: number): number {
    return Math.floor((units * this.scenario.jobs.useMilli[job]) / 1000);
  }

  /** Of busy units, what they do of what they should. */
  private usefulUnits(job: number, busy: number): number {
    const pace = this.pace.get(job);
    return pace === undefined ? busy : Math.floor((busy * pace) / 1000);
  }

  /** Adds what was booked as productive since the last look to what a loss would take back. */
  private bookRisk(now: number, job: number, holding: Holding): void {
    if (this.activity.get(job) === 'running' && this.scenario.jobs.class[job] !== INFERENCE) {
      for (const over of SIDES) {
        if (holding.units[over] === 0) continue;
        const useful = this.usefulUnits(job, this.busyUnits(job, holding.units[over]));
        addProduct(holding.atRisk, over, useful, now - holding.sinceUs);
      }
    }
    holding.sinceUs = now;
  }

  private holding(job: number, pool: number): Holding | undefined {
    return this.holdings.get(job)?.find((h) => h.pool === pool);
  }
}
