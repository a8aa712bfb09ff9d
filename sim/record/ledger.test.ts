import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactColumn } from '../engine/exact.ts';
import { CATEGORIES, CATEGORY, Ledger } from './ledger.ts';

const HOUR_US = 3_600_000_000;

/** Moves between accounts of two pools' nobodies and one owner, each after a while. */
const moves = fc.array(
  fc.record({
    waitUs: fc.oneof(fc.nat({ max: 1000 }), fc.nat({ max: 3 * HOUR_US })),
    from: fc.nat({ max: 2 }),
    to: fc.nat({ max: 2 }),
    fromCategory: fc.nat({ max: CATEGORIES.length - 1 }),
    toCategory: fc.nat({ max: CATEGORIES.length - 1 }),
    /** Thousandths of what is there. */
    part: fc.nat({ max: 1000 }),
    /** Book as lost this many thousandths of what the account has had so far. */
    lost: fc.oneof(fc.constant(0), fc.nat({ max: 1000 })),
  }),
  { minLength: 1, maxLength: 30 },
);

describe('Ledger', () => {
  it('agrees with plain sums of integers, by account and by hour, with losses booked in the hour they are found', () => {
    let adjustedLater = 0;
    fc.assert(
      fc.property(moves, fc.integer({ min: 1, max: HOUR_US }), fc.boolean(), (given, firstHourEnd, keepHours) => {
        const ledger = new Ledger(2, keepHours, firstHourEnd);
        const owner = ledger.owner(0, true, 1, 0);
        expect(owner).toBe(2);
        const units = new Map<number, number>();
        const total = new Map<number, bigint>();
        const hours = new Map<string, bigint>();
        const hourOf = (us: number) => (us < firstHourEnd ? 0 : 1 + Math.floor((us - firstHourEnd) / HOUR_US));
        const startOf = (hour: number) => (hour === 0 ? 0 : firstHourEnd + (hour - 1) * HOUR_US);
        const book = (account: number, hour: number, amount: bigint) => {
          total.set(account, (total.get(account) ?? 0n) + amount);
          const key = `${hour} ${account}`;
          hours.set(key, (hours.get(key) ?? 0n) + amount);
        };
        let now = 0;
        /** Time passes for every account, cut at the hours. */
        const pass = (us: number) => {
          const end = now + us;
          while (now < end) {
            const hour = hourOf(now);
            const to = Math.min(end, startOf(hour + 1));
            for (const [account, held] of units) if (held > 0) book(account, hour, BigInt(held) * BigInt(to - now));
            now = to;
          }
        };
        for (const pool of [0, 1]) {
          const account = ledger.account(pool, CATEGORY.free);
          ledger.enter(0, account, 56_000 * (pool + 1));
          units.set(account, 56_000 * (pool + 1));
        }
        for (const { waitUs, from, to, fromCategory, toCategory, part, lost } of given) {
          pass(waitUs);
          const source = ledger.account(from, fromCategory);
          const target = ledger.account(to, toCategory);
          const moved = Math.floor(((units.get(source) ?? 0) * part) / 1000);
          ledger.move(now, source, target, moved);
          if (source !== target) {
            units.set(source, (units.get(source) ?? 0) - moved);
            units.set(target, (units.get(target) ?? 0) + moved);
          }
          expect(ledger.unitsNow(target)).toBe(units.get(target) ?? 0);
          const amount = ((total.get(source) ?? 0n) * BigInt(lost)) / 1000n;
          if (amount > 0n && source !== target) {
            const column = exactColumn(3);
            column.hi[2] = Number(amount >> 52n);
            column.lo[2] = Number(amount & ((1n << 52n) - 1n));
            ledger.rebook(now, source, target, column, 2);
            book(source, hourOf(now), -amount);
            book(target, hourOf(now), amount);
            if ((hours.get(`${hourOf(now)} ${source}`) ?? 0n) < 0n) adjustedLater++;
          }
        }
        pass(1);
        ledger.settle(now);
        let sum = 0n;
        for (let account = 0; account < 3 * CATEGORIES.length; account++) {
          expect(ledger.amount(account)).toBe(total.get(account) ?? 0n);
          sum += ledger.amount(account);
        }
        expect(sum).toBe(168_000n * BigInt(now));
        if (!keepHours) {
          expect(ledger.hourRows()).toEqual([]);
          return;
        }
        const rows = new Map(ledger.hourRows().map(({ hour, account, amount }) => [`${hour} ${account}`, amount]));
        expect(rows.size).toBe(ledger.hourRows().length);
        for (const [key, amount] of hours) expect(rows.get(key) ?? 0n, key).toBe(amount);
        for (const key of rows.keys()) expect(hours.has(key), key).toBe(true);
      }),
      { seed: 1, numRuns: 150 },
    );
    expect(adjustedLater).toBeGreaterThan(0);
  });

  it('refuses to move what is not there', () => {
    const ledger = new Ledger(1, false, HOUR_US);
    ledger.enter(0, ledger.account(0, CATEGORY.free), 7000);
    expect(() => ledger.move(5, ledger.account(0, CATEGORY.free), ledger.account(0, CATEGORY.unhealthy), 7001)).toThrow(
      /invariant: ledger account free .* fell to -1 units at 5 µs/,
    );
  });
});
