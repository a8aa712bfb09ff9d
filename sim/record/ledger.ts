/**
 * The ledger: each microsecond of each GPU in exactly one category. Double entry: units of GPU are only ever moved from
 * one account to another, so that the sum over all accounts is the capacity at any moment, to the unit.
 *
 * An account is (category, owner); an owner is (project, in or over quota, job class, pool), or a pool alone for GPUs
 * that nobody holds. Amounts are in GPU·µs/7000, exact.
 */
import { addExact, addProduct, type ExactColumn, exactBigInt, exactColumn } from '../engine/exact.ts';

/** The categories of the design's table, the highest that applies wins. */
export const CATEGORIES = [
  'reclaimed',
  'unhealthy',
  'provisioning',
  'productive',
  'lost',
  'checkpoint',
  'restart',
  'detecting',
  'degraded',
  'serving',
  'serving-idle',
  'idle-allocated',
  'terminating',
  'reserved',
  'draining',
  'free',
] as const;
export type Category = (typeof CATEGORIES)[number];

/** Which categories count as allocated, busy and useful. */
export const ALLOCATED: readonly Category[] = [
  'productive',
  'lost',
  'checkpoint',
  'restart',
  'detecting',
  'degraded',
  'serving',
  'serving-idle',
  'idle-allocated',
  'terminating',
  'reserved',
];
export const BUSY: readonly Category[] = ['productive', 'lost', 'degraded', 'serving'];
export const USEFUL: readonly Category[] = ['productive', 'serving'];

const N = CATEGORIES.length;
export const CATEGORY = Object.fromEntries(CATEGORIES.map((name, i) => [name, i])) as Record<Category, number>;

export interface Owner {
  /** -1: nobody, GPUs of the pool that no job holds. */
  project: number;
  overQuota: boolean;
  jobClass: number;
  pool: number;
}

/** Amount of one account in one hour; adjustments for losses found later can make it negative. */
export interface LedgerRow {
  /** Hours since the hour in which the scenario starts, in its time zone. */
  hour: number;
  account: number;
  amount: bigint;
}

const HOUR_US = 3_600_000_000;

export class Ledger {
  readonly owners: Owner[] = [];
  private readonly ownerByKey = new Map<number, number>();
  /** Units in the account now, and when that was last booked. */
  private rate = new Float64Array(0);
  private since = new Float64Array(0);
  private total: ExactColumn = exactColumn(0);
  private hourly: ExactColumn = exactColumn(0);
  /** Free GPU·µs/7000 that were fragmented, by pool; part of `free`. */
  private readonly fragmented: ExactColumn;
  private readonly fragmentedRate: Float64Array;
  private readonly fragmentedSince: Float64Array;
  private hourEnd: number;
  private hour = 0;
  readonly rows: LedgerRow[] = [];
  /** Told of every movement: (time, from account, to account, units); -1 = from or to outside the cluster. */
  observer: ((now: number, from: number, to: number, units: number) => void) | null = null;
  /** Told of every amount found to be lost. */
  onRebook: ((now: number, from: number, to: number, amount: bigint) => void) | null = null;

  readonly pools: number;
  readonly keepHours: boolean;

  /** `firstHourEndUs`: when the scenario's first hour ends, in its time zone. */
  constructor(pools: number, keepHours: boolean, firstHourEndUs: number) {
    this.pools = pools;
    this.keepHours = keepHours;
    this.hourEnd = keepHours ? firstHourEndUs : Infinity;
    this.fragmented = exactColumn(pools);
    this.fragmentedRate = new Float64Array(pools);
    this.fragmentedSince = new Float64Array(pools);
    for (let pool = 0; pool < pools; pool++) this.owner(-1, false, 0, pool);
  }

  /** Number of an owner; pool p's nobody is owner p. */
  owner(project: number, overQuota: boolean, jobClass: number, pool: number): number {
    const key = (((project + 1) * 2 + (overQuota ? 1 : 0)) * 8 + jobClass) * this.pools + pool;
    let owner = this.ownerByKey.get(key);
    if (owner === undefined) {
      owner = this.owners.length;
      this.owners.push({ project, overQuota, jobClass, pool });
      this.ownerByKey.set(key, owner);
      const accounts = this.owners.length * N;
      if (accounts > this.rate.length) this.grow(accounts * 2);
    }
    return owner;
  }

  account(owner: number, category: number): number {
    return owner * N + category;
  }

  /** GPUs of a pool join the cluster. */
  enter(now: number, account: number, units: number): void {
    this.change(now, account, units);
    this.observer?.(now, -1, account, units);
  }

  /** GPUs of a pool leave the cluster. */
  exit(now: number, account: number, units: number): void {
    this.change(now, account, -units);
    this.observer?.(now, account, -1, units);
  }

  /** Units go from one account to another; the only other thing that ever happens to them. */
  move(now: number, from: number, to: number, units: number): void {
    if (units === 0 || from === to) return;
    this.change(now, from, -units);
    this.change(now, to, units);
    this.observer?.(now, from, to, units);
  }

  /** Moves an amount already booked: work found to be lost. Booked in the hour in which it is found. */
  rebook(now: number, from: number, to: number, amount: ExactColumn, i: number): void {
    if (now >= this.hourEnd) this.roll(now);
    const column = this.keepHours ? this.hourly : this.total;
    addExact(column, from, -amount.hi[i], -amount.lo[i]);
    addExact(column, to, amount.hi[i], amount.lo[i]);
    this.onRebook?.(now, from, to, exactBigInt(amount, i));
  }

  /** How many free units of a pool no queued job fits on, from now on. */
  setFragmented(now: number, pool: number, units: number): void {
    if (units === this.fragmentedRate[pool]) return;
    addProduct(this.fragmented, pool, this.fragmentedRate[pool], now - this.fragmentedSince[pool]);
    this.fragmentedRate[pool] = units;
    this.fragmentedSince[pool] = now;
  }

  unitsNow(account: number): number {
    return this.rate[account];
  }

  /** Books everything up to `now`; nothing else changes. */
  settle(now: number): void {
    if (now >= this.hourEnd) this.roll(now);
    for (let account = 0; account < this.owners.length * N; account++) this.book(account, now);
    for (let pool = 0; pool < this.pools; pool++) {
      addProduct(this.fragmented, pool, this.fragmentedRate[pool], now - this.fragmentedSince[pool]);
      this.fragmentedSince[pool] = now;
    }
  }

  /** Exact amount of an account so far, GPU·µs/7000. Call `settle` first. */
  amount(account: number): bigint {
    const total = exactBigInt(this.total, account);
    return this.keepHours ? total + exactBigInt(this.hourly, account) : total;
  }

  fragmentedAmount(pool: number): bigint {
    return exactBigInt(this.fragmented, pool);
  }

  /** The hours closed so far plus the one that is open. Empty unless hours are kept. */
  hourRows(): LedgerRow[] {
    return this.keepHours ? [...this.rows, ...this.openHour()] : [];
  }

  private change(now: number, account: number, by: number): void {
    if (now >= this.hourEnd) this.roll(now);
    this.book(account, now);
    this.rate[account] += by;
    if (this.rate[account] < 0) {
      const owner = this.owners[Math.floor(account / N)];
      throw new Error(
        `invariant: ledger account ${CATEGORIES[account % N]} of ${JSON.stringify(owner)} fell to ${this.rate[account]} units at ${now} µs`,
      );
    }
  }

  private book(account: number, now: number): void {
    const rate = this.rate[account];
    if (rate !== 0) addProduct(this.keepHours ? this.hourly : this.total, account, rate, now - this.since[account]);
    this.since[account] = now;
  }

  /** Closes every hour that has ended by `now`. */
  private roll(now: number): void {
    while (now >= this.hourEnd) {
      for (let account = 0; account < this.owners.length * N; account++) this.book(account, this.hourEnd);
      for (const row of this.openHour()) this.rows.push(row);
      for (let account = 0; account < this.owners.length * N; account++) {
        addExact(this.total, account, this.hourly.hi[account], this.hourly.lo[account]);
        this.hourly.hi[account] = 0;
        this.hourly.lo[account] = 0;
      }
      this.hour++;
      this.hourEnd += HOUR_US;
    }
  }

  private openHour(): LedgerRow[] {
    const rows: LedgerRow[] = [];
    for (let account = 0; account < this.owners.length * N; account++) {
      if (this.hourly.hi[account] !== 0 || this.hourly.lo[account] !== 0) {
        rows.push({ hour: this.hour, account, amount: exactBigInt(this.hourly, account) });
      }
    }
    return rows;
  }

  private grow(length: number): void {
    const wider = (a: Float64Array) => {
      const b = new Float64Array(length);
      b.set(a);
      return b;
    };
    this.rate = wider(this.rate);
    this.since = wider(this.since);
    this.total = { hi: wider(this.total.hi), lo: wider(this.total.lo) };
    this.hourly = { hi: wider(this.hourly.hi), lo: wider(this.hourly.lo) };
  }
}
