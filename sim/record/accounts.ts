/**
 * Whose GPUs are in which category: books what jobs do into the ledger, in quota or over it, and finds what is lost.
 *
 * A project's GPUs in a pool are in quota up to what it deserves there; its later jobs are over quota and move into
 * quota, oldest first, as earlier ones leave. So at any moment in quota = min(held, deserved), to the unit.
 */
import { GPU_UNITS, type NodeState } from '../cluster/cluster.ts';
import { addExact, addProduct, type ExactColumn, exactColumn, exactNumber } from '../engine/exact.ts';
import { JOB_CLASSES, type Scenario } from '../scenario.ts';
import { CATEGORY, type Ledger } from './ledger.ts';

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
/** Checkpoints of a job whose work is held apart. */
const MOST_SAFE = 64;

/** Where a node's GPUs that no job holds are booked. */
function idleCategory(state: Exclude<NodeState, 'absent'>): number {
  return CATEGORY[state === 'ready' ? 'free' : state];
}

/** Work up to a checkpoint that is not safe for good yet: by owner, what a loss of that checkpoint would take back. */
interface Stretch {
  /** Work of the job at its end, µs; Infinity: its end is not marked yet. */
  upTo: number;
  amounts: { owner: number; amount: ExactColumn }[];
}

export class Accounts {
  /** By job, oldest first; only for jobs whose checkpoints take time to be safe, or whose workers left. */
  private readonly stretches = new Map<number, Stretch[]>();
  /** Work that is safe, by checkpoint, oldest first: lost only if none of the checkpoints from before a corruption is left. */
  private readonly safe = new Map<number, Stretch[]>();
  private readonly holdings = new Map<number, Holding[]>();
  private readonly activity = new Map<number, Activity>();
  /** Jobs that do less than they should: thousandths of it. */
  private readonly pace = new Map<number, number>();
  /** Work of a corrupted job in its last clean checkpoint, µs. */
  private readonly cleanTo = new Map<number, number>();
  /** Work done since a job was corrupted and safe in checkpoints since: by owner, what finding out would take back. */
  private readonly tainted = new Map<number, { owner: number; amount: ExactColumn }[]>();
  /** Units held in quota and deserved, by project × pools + pool. */
  private readonly inQuota: Float64Array;
  private readonly deserved: Float64Array;
  /** Jobs with units over quota, oldest first, by the same key. */
  private readonly over: Set<number>[];
  private readonly pools: number;
  private readonly netAccounts: number[] = [];
  private readonly netUnits: number[] = [];
  private netCount = 0;

  /** Told when a job's GPUs begin to do something else. */
  onTurn: ((now: number, job: number, activity: Activity) => void) | null = null;

  private readonly scenario: Scenario;
  private readonly ledger: Ledger;

  constructor(scenario: Scenario, ledger: Ledger) {
    this.scenario = scenario;
    this.ledger = ledger;
    this.pools = scenario.pools.length;
    const cells = scenario.projects.length * this.pools;
    this.inQuota = new Float64Array(cells);
    this.deserved = new Float64Array(cells);
    this.over = Array.from({ length: cells }, () => new Set());
    this.readQuotas();
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
        this.post(now);
      }
    }
    this.activity.set(job, activity);
    this.onTurn?.(now, job, activity);
  }

  /** A checkpoint of all the job has done, `work` in all, begins: whether it is safe, `safeTo` or `lose` will say. */
  mark(now: number, job: number, work: number): void {
    for (const holding of this.holdings.get(job) ?? []) {
      this.bookRisk(now, job, holding);
      this.setAside(job, holding);
    }
    const open = this.stretches.get(job)?.at(-1);
    if (open?.upTo === Infinity) open.upTo = work;
  }

  /** What the job had done when it had done `work` is safe for good. */
  safeTo(job: number, work: number): void {
    const stretches = this.stretches.get(job);
    if (stretches === undefined) return;
    const tainted = this.tainted.get(job);
    for (const stretch of stretches) {
      if (stretch.upTo > work) continue;
      if (tainted === undefined || stretch.upTo <= (this.cleanTo.get(job) ?? -1)) this.noteSafe(job, stretch);
      else for (const { owner, amount } of stretch.amounts) addTo(tainted, owner, amount, 0);
    }
    this.keepStretches(
      job,
      stretches.filter(({ upTo }) => upTo > work),
    );
  }

  /** Everything the job has done so far, `work` in all, is safe. */
  saved(now: number, job: number, work: number): void {
    this.safeTo(job, Infinity);
    const tainted = this.tainted.get(job);
    for (const holding of this.holdings.get(job) ?? []) {
      this.bookRisk(now, job, holding);
      if (tainted !== undefined || this.keepsFew(job)) {
        const amounts = tainted ?? [];
        for (const over of SIDES) addTo(amounts, holding.owner[over], holding.atRisk, over);
        if (tainted === undefined && amounts.length > 0) this.noteSafe(job, { upTo: work, amounts });
      }
      clear(holding.atRisk);
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
    this.post(now);
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
    this.post(now);
  }

  /** The job computes wrong results from its last save on: its checkpoints are no longer safe. */
  taint(_now: number, job: number, clean = -1): void {
    if (this.tainted.has(job)) return;
    this.tainted.set(job, []);
    this.cleanTo.set(job, clean);
  }

  loseTainted(now: number, job: number, kept = -1): number {
    let lost = this.lose(now, job, kept);
    lost += this.rebookAll(now, this.tainted.get(job) ?? []);
    this.tainted.delete(job);
    this.cleanTo.delete(job);
    const safe = this.safe.get(job) ?? [];
    for (const { upTo, amounts } of safe) {
      if (upTo > kept) lost += this.rebookAll(now, amounts);
    }
    if (safe.length > 0)
      this.safe.set(
        job,
        safe.filter(({ upTo }) => upTo <= kept),
      );
    return lost;
  }

  /** The job is over. */
  forget(job: number): void {
    this.safe.delete(job);
    this.stretches.delete(job);
    this.tainted.delete(job);
    this.cleanTo.delete(job);
  }

  /** Only some of its checkpoints are kept, so that safe work can be lost yet. */
  private keepsFew(job: number): boolean {
    const { checkpoint, checkpointKeep } = this.scenario.jobs;
    return checkpoint?.has(job) === true || checkpointKeep?.has(job) === true;
  }

  private noteSafe(job: number, stretch: Stretch): void {
    if (!this.keepsFew(job)) return;
    const safe = this.safe.get(job);
    if (safe === undefined) {
      this.safe.set(job, [stretch]);
      return;
    }
    safe.push(stretch);
    if (safe.length <= MOST_SAFE) return;
    // So many checkpoints are never kept: the oldest are one.
    const [first] = safe.splice(0, 1);
    for (const { owner, amount } of first.amounts) addTo(safe[0].amounts, owner, amount, 0);
  }

  private rebookAll(now: number, amounts: Stretch['amounts']): number {
    const { ledger } = this;
    let lost = 0;
    for (const { owner, amount } of amounts) {
      ledger.rebook(now, ledger.account(owner, CATEGORY.productive), ledger.account(owner, CATEGORY.lost), amount, 0);
      lost += exactNumber(amount, 0);
    }
    return lost;
  }

  /**
   * Everything since the last save was for nothing, but for what it had done when it had done `kept`. Gives how much
   * that was, GPU·µs/7000.
   */
  lose(now: number, job: number, kept = -1): number {
    let lost = 0;
    if (kept >= 0 && (this.cleanTo.get(job) ?? -1) > kept) this.cleanTo.set(job, kept);
    const stretches = this.stretches.get(job) ?? [];
    for (const { upTo, amounts } of stretches) {
      if (upTo <= kept) continue;
      lost += this.rebookAll(now, amounts);
    }
    this.keepStretches(
      job,
      stretches.filter(({ upTo }) => upTo <= kept),
    );
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
      this.setAside(job, holding);
      holdings.splice(holdings.indexOf(holding), 1);
    }
    if (holdings.length === 0) {
      this.holdings.delete(job);
      this.activity.delete(job);
      this.pace.delete(job);
    }
    this.promote(now, key, pool);
  }

  /** Moves a holding's work at risk to the job's last stretch. */
  private setAside(job: number, { owner, atRisk }: Holding): void {
    if (SIDES.every((side) => atRisk.hi[side] === 0 && atRisk.lo[side] === 0)) return;
    let stretches = this.stretches.get(job);
    if (stretches === undefined) {
      stretches = [];
      this.stretches.set(job, stretches);
    }
    if (stretches.at(-1)?.upTo !== Infinity) stretches.push({ upTo: Infinity, amounts: [] });
    const { amounts } = stretches[stretches.length - 1];
    for (const side of SIDES) {
      addTo(amounts, owner[side], atRisk, side);
      atRisk.hi[side] = 0;
      atRisk.lo[side] = 0;
    }
  }

  private keepStretches(job: number, stretches: Stretch[]): void {
    if (stretches.length > 0) this.stretches.set(job, stretches);
    else this.stretches.delete(job);
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
    this.post(now);
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
      this.net(this.ledger.account(holding.pool, idle), -by[over]);
    }
    this.post(now);
  }

  /** Notes that a job's units doing `activity` appear (+1) or vanish (-1); `post` books the net. */
  private put(sign: 1 | -1, job: number, holding: Holding, over: 0 | 1, activity: Activity, units: number): void {
    const owner = holding.owner[over];
    if (activity !== 'running') {
      this.net(this.ledger.account(owner, CATEGORY[activity]), sign * units);
      return;
    }
    const busy = this.busyUnits(job, units);
    const serving = this.scenario.jobs.class[job] === INFERENCE;
    const useful = this.usefulUnits(job, busy);
    this.net(this.ledger.account(owner, serving ? CATEGORY.serving : CATEGORY.productive), sign * useful);
    this.net(this.ledger.account(owner, CATEGORY.degraded), sign * (busy - useful));
    const rest = serving ? CATEGORY['serving-idle'] : CATEGORY['idle-allocated'];
    this.net(this.ledger.account(owner, rest), sign * (units - busy));
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

  private net(account: number, units: number): void {
    if (units === 0) return;
    for (let at = 0; at < this.netCount; at++) {
      if (this.netAccounts[at] !== account) continue;
      this.netUnits[at] += units;
      return;
    }
    this.netAccounts[this.netCount] = account;
    this.netUnits[this.netCount++] = units;
  }

  /** Books the net of what was put, from the accounts that lost units to those that gained. */
  private post(now: number): void {
    const { netAccounts: accounts, netUnits: units } = this;
    let to = 0;
    for (let from = 0; from < this.netCount; from++) {
      while (units[from] < 0) {
        while (units[to] <= 0) to++;
        const moved = Math.min(-units[from], units[to]);
        this.ledger.move(now, accounts[from], accounts[to], moved);
        units[from] += moved;
        units[to] -= moved;
      }
    }
    this.netCount = 0;
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

function clear(column: ExactColumn): void {
  column.hi.fill(0);
  column.lo.fill(0);
}

function addTo(amounts: { owner: number; amount: ExactColumn }[], owner: number, from: ExactColumn, i: number): void {
  if (from.hi[i] === 0 && from.lo[i] === 0) return;
  let entry = amounts.find((a) => a.owner === owner);
  if (entry === undefined) {
    entry = { owner, amount: exactColumn(1) };
    amounts.push(entry);
  }
  addExact(entry.amount, 0, from.hi[i], from.lo[i]);
}
