/**
 * Work that is booked as productive and may be lost yet: what a job did since its last save, in checkpoints that are not
 * safe for good, and in those from before a corruption that nobody has found.
 */
import { addExact, type ExactColumn, exactColumn, exactNumber } from '../engine/exact.ts';
import type { Scenario } from '../scenario.ts';
import { CATEGORY, type Ledger } from './ledger.ts';

/** By owner of the ledger, GPU·µs/7000. */
export type Amounts = { owner: number; amount: ExactColumn }[];

/** Work up to a checkpoint that is not safe for good yet: what a loss of that checkpoint would take back. */
interface Stretch {
  /** Work of the job at its end, µs; Infinity: its end is not marked yet. */
  upTo: number;
  amounts: Amounts;
}

/** Checkpoints of a job whose work is held apart. */
const MOST_SAFE = 64;

export class AtRisk {
  /** By job, oldest first; only for jobs whose checkpoints take time to be safe, or whose workers left. */
  private readonly stretches = new Map<number, Stretch[]>();
  /** Work that is safe, by checkpoint, oldest first: lost only if none of the checkpoints from before a corruption is left. */
  private readonly safe = new Map<number, Stretch[]>();
  /** Work of a corrupted job in its last clean checkpoint, µs. */
  private readonly cleanTo = new Map<number, number>();
  /** Work done since a job was corrupted and safe in checkpoints since: what finding out would take back. */
  private readonly tainted = new Map<number, Amounts>();
  private readonly scenario: Scenario;
  private readonly ledger: Ledger;

  constructor(scenario: Scenario, ledger: Ledger) {
    this.scenario = scenario;
    this.ledger = ledger;
  }

  /** Takes what both sides of a holding did since the last save over into the job's last stretch. */
  setAside(job: number, owner: readonly [number, number], atRisk: ExactColumn): void {
    if (isNothing(atRisk)) return;
    let stretches = this.stretches.get(job);
    if (stretches === undefined) {
      stretches = [];
      this.stretches.set(job, stretches);
    }
    if (stretches.at(-1)?.upTo !== Infinity) stretches.push({ upTo: Infinity, amounts: [] });
    moveTo(stretches[stretches.length - 1].amounts, owner, atRisk);
  }

  /** The job's last stretch ends where it has done `work`. */
  mark(job: number, work: number): void {
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

  /** What a holding did since the last save is in a checkpoint of `work` that is safe. */
  save(job: number, work: number, owner: readonly [number, number], atRisk: ExactColumn): void {
    const tainted = this.tainted.get(job);
    if (tainted === undefined && !this.keepsFew(job)) {
      clear(atRisk);
      return;
    }
    const amounts = tainted ?? [];
    moveTo(amounts, owner, atRisk);
    if (tainted === undefined && amounts.length > 0) this.noteSafe(job, { upTo: work, amounts });
  }

  /** Stretches beyond `kept` are lost. Gives how much that was. */
  lose(now: number, job: number, kept: number): number {
    if (kept >= 0 && (this.cleanTo.get(job) ?? -1) > kept) this.cleanTo.set(job, kept);
    const stretches = this.stretches.get(job) ?? [];
    let lost = 0;
    for (const { upTo, amounts } of stretches) if (upTo > kept) lost += this.rebook(now, amounts);
    this.keepStretches(
      job,
      stretches.filter(({ upTo }) => upTo <= kept),
    );
    return lost;
  }

  /** The job computes wrong results from its last save on: its checkpoints are no longer safe. */
  taint(job: number, clean: number): void {
    if (this.tainted.has(job)) return;
    this.tainted.set(job, []);
    this.cleanTo.set(job, clean);
  }

  /** What was done since the corruption is lost, and what was safe beyond `kept`. Gives how much that was. */
  loseTainted(now: number, job: number, kept: number): number {
    let lost = this.rebook(now, this.tainted.get(job) ?? []);
    this.tainted.delete(job);
    this.cleanTo.delete(job);
    const safe = this.safe.get(job) ?? [];
    for (const { upTo, amounts } of safe) if (upTo > kept) lost += this.rebook(now, amounts);
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

  private rebook(now: number, amounts: Amounts): number {
    const { ledger } = this;
    let lost = 0;
    for (const { owner, amount } of amounts) {
      ledger.rebook(now, ledger.account(owner, CATEGORY.productive), ledger.account(owner, CATEGORY.lost), amount, 0);
      lost += exactNumber(amount, 0);
    }
    return lost;
  }

  private keepStretches(job: number, stretches: Stretch[]): void {
    if (stretches.length > 0) this.stretches.set(job, stretches);
    else this.stretches.delete(job);
  }
}

export function clear(column: ExactColumn): void {
  column.hi.fill(0);
  column.lo.fill(0);
}

const isNothing = ({ hi, lo }: ExactColumn) => hi.every((n) => n === 0) && lo.every((n) => n === 0);

/** Both sides of a holding, which then has nothing at risk. */
function moveTo(amounts: Amounts, owner: readonly [number, number], atRisk: ExactColumn): void {
  addTo(amounts, owner[0], atRisk, 0);
  addTo(amounts, owner[1], atRisk, 1);
  clear(atRisk);
}

function addTo(amounts: Amounts, owner: number, from: ExactColumn, i: number): void {
  if (from.hi[i] === 0 && from.lo[i] === 0) return;
  let entry = amounts.find((a) => a.owner === owner);
  if (entry === undefined) {
    entry = { owner, amount: exactColumn(1) };
    amounts.push(entry);
  }
  addExact(entry.amount, 0, from.hi[i], from.lo[i]);
}
