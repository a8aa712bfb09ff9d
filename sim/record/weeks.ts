/** What each pool was paid for and did in each week, and how long the jobs submitted in it have waited. */
import { DAY_US, type Scenario } from '../scenario.ts';
import { ALLOCATED, CATEGORIES, type Ledger, USEFUL } from './ledger.ts';
import type { JobTable, WeekRow } from './run.ts';

export const WEEK_US = 7 * DAY_US;

type Sums = Pick<WeekRow, 'paid' | 'allocated' | 'useful'>;

export class Weeks {
  /** Sums up to the end of each week that is over, by pool. */
  private readonly ended: Sums[][] = [];
  private readonly pools: number;
  private readonly ledger: Ledger;

  constructor(pools: number, ledger: Ledger) {
    this.pools = pools;
    this.ledger = ledger;
  }

  /** The ledger is settled up to the week's end. */
  end(): void {
    this.ended.push(this.sums());
  }

  /** One row a week and pool; the ledger is settled up to `nowUs`. */
  rows(scenario: Scenario, jobs: Pick<JobTable, 'firstStartUs'>, nowUs: number): WeekRow[] {
    const ends = [...this.ended, ...(nowUs > this.ended.length * WEEK_US ? [this.sums()] : [])];
    const rows = ends.flatMap((sums, week) =>
      sums.map((sum, pool): WeekRow => {
        const before = ends[week - 1]?.[pool] ?? { paid: 0n, allocated: 0n, useful: 0n };
        return {
          week,
          pool,
          paid: sum.paid - before.paid,
          allocated: sum.allocated - before.allocated,
          useful: sum.useful - before.useful,
          submitted: 0,
          waitsUs: [],
        };
      }),
    );
    const { submitUs, poolList, count } = scenario.jobs;
    for (let job = 0; job < count; job++) {
      const row = rows[Math.floor(submitUs[job] / WEEK_US) * this.pools + scenario.poolLists[poolList[job]][0]];
      if (row === undefined || submitUs[job] > nowUs) continue;
      row.submitted++;
      if (jobs.firstStartUs[job] >= 0) row.waitsUs.push(jobs.firstStartUs[job] - submitUs[job]);
    }
    for (const { waitsUs } of rows) waitsUs.sort((a, b) => a - b);
    return rows;
  }

  private sums(): Sums[] {
    const { ledger } = this;
    const sums: Sums[] = Array.from({ length: this.pools }, () => ({ paid: 0n, allocated: 0n, useful: 0n }));
    ledger.owners.forEach(({ pool }, owner) => {
      CATEGORIES.forEach((category, c) => {
        const amount = ledger.amount(ledger.account(owner, c));
        if (category !== 'reclaimed') sums[pool].paid += amount;
        if (ALLOCATED.includes(category)) sums[pool].allocated += amount;
        if (USEFUL.includes(category)) sums[pool].useful += amount;
      });
    });
    return sums;
  }
}
