/** Moves between accounts of the ledger, noted one by one and booked as their net. */
import type { Ledger } from './ledger.ts';

export class NetMoves {
  private readonly accounts: number[] = [];
  private readonly units: number[] = [];
  private count = 0;
  private readonly ledger: Ledger;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  /** So many units more on an account, or fewer. */
  note(account: number, units: number): void {
    if (units === 0) return;
    for (let at = 0; at < this.count; at++) {
      if (this.accounts[at] !== account) continue;
      this.units[at] += units;
      return;
    }
    this.accounts[this.count] = account;
    this.units[this.count++] = units;
  }

  /** Books the net of what was noted, from the accounts that lost units to those that gained. */
  post(now: number): void {
    const { accounts, units } = this;
    let to = 0;
    for (let from = 0; from < this.count; from++) {
      while (units[from] < 0) {
        while (units[to] <= 0) to++;
        const moved = Math.min(-units[from], units[to]);
        this.ledger.move(now, accounts[from], accounts[to], moved);
        units[from] += moved;
        units[to] -= moved;
      }
    }
    this.count = 0;
  }
}
