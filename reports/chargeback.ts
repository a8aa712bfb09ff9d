/**
 * Who pays: every paid GPU-hour of the ledger becomes lines that name a project, and the lines add up to the cost of the
 * run, to the micro-dollar. Three rules are stated, not hidden:
 *
 * - what a project holds it pays at the pool's price; of what it holds over its quota it pays `borrowedRate` of the price,
 *   and the rest goes to those whose quota it was, by how much of theirs they left unused that hour (at a rate above 1
 *   they are paid);
 * - what nobody holds is shared by `idle`: among owners of unused quota, among those who use the pool, or not at all;
 * - fixed costs, and what billing in increments rounds up, are shared as what nobody holds.
 *
 * Money is counted exactly and rounded so that each prefix of the lines is right: an hour that has been told is final.
 */
import type { Category, Run, Scenario } from '../sim/simulate.ts';
import { GPU_UNITS, HOUR_US, JOB_CLASSES } from '../sim/simulate.ts';
import { costOf } from './cost.ts';

export type IdleRule = 'quota' | 'use' | 'separate';

export interface ChargebackRules {
  /** Share of the price that borrowed hours cost, thousandths. */
  borrowedMilli: number;
  idle: IdleRule;
}

/** What a chargeback needs of a run; plain data, so that it can be kept beside it (`accounts.json`). */
export interface ChargebackInput {
  run: string;
  scenario: string;
  startEpochSeconds: number;
  utcOffsetMinutes: number;
  simulatedUs: number;
  pools: { name: string; gpuModel: string; priceMicroUsd: number; spot: boolean; gpus: number }[];
  projects: { name: string; department: string; label: string; deservedGpus: number[] }[];
  fixedCosts: { name: string; microUsdPerHour: number }[];
  /** Of the whole run, micro-dollars, after billing in increments: by pool and by fixed cost. */
  poolMicroUsd: number[];
  fixedMicroUsd: number[];
  entries: ChargebackEntry[];
}

/** An account in one hour: GPU·µs/7000; -1 = nobody. */
export interface ChargebackEntry {
  hour: number;
  pool: number;
  project: number;
  overQuota: boolean;
  jobClass: number;
  category: Category;
  amount: bigint;
}

/** `usage`: held. `lending`: for or from lent quota. `idle`, `fixed`: a share. `increment`: what the bill rounds up. */
export const LINE_KINDS = ['usage', 'lending', 'idle', 'fixed', 'increment'] as const;
export type LineKind = (typeof LINE_KINDS)[number];

export interface ChargeLine {
  hour: number;
  kind: LineKind;
  /** -1: a fixed cost. */
  pool: number;
  /** -1: nobody: no rule gives it to a project. */
  project: number;
  overQuota: boolean;
  /** -1: not of a job. */
  jobClass: number;
  /** Of the ledger; of fixed costs their name. */
  category: string;
  /** GPU·µs/7000 held, lent or shared as idle. Those of `usage` and `idle` add up to what is paid for. */
  amount: bigint;
  microUsd: bigint;
}

export function chargebackInput(run: Run): ChargebackInput {
  const { scenario } = run;
  const cost = costOf(run);
  const gpus = scenario.pools.map(() => 0);
  for (let n = 0; n < scenario.nodes.count; n++) gpus[scenario.nodes.pool[n]] += scenario.nodes.gpus[n];
  return {
    run: run.digest,
    scenario: scenario.name,
    startEpochSeconds: scenario.startEpochSeconds,
    utcOffsetMinutes: scenario.utcOffsetMinutes,
    simulatedUs: run.simulatedUs,
    pools: scenario.pools.map(({ name, gpuModel, priceMicroUsd, spot }, p) => ({
      ...{ name, gpuModel, priceMicroUsd, spot },
      gpus: gpus[p],
    })),
    projects: projectsOf(scenario),
    fixedCosts: scenario.fixedCosts.map(({ name, microUsdPerHour }) => ({ name, microUsdPerHour })),
    poolMicroUsd: cost.byPool.map(({ usd }) => Math.round(usd * 1e6)),
    fixedMicroUsd: cost.byFixedCost.map(({ usd }) => Math.round(usd * 1e6)),
    entries: run.hours,
  };
}

function projectsOf({ projects, departments }: Scenario): ChargebackInput['projects'] {
  return projects.map(({ name, department, chargebackLabel, deservedGpus }) => ({
    name,
    department: departments[department]?.name ?? '',
    label: chargebackLabel,
    deservedGpus: [...deservedGpus],
  }));
}

/** Exact money: micro-dollars × GPU·µs/7000 of an hour. */
const SCALE = BigInt(GPU_UNITS) * BigInt(HOUR_US);

/** Where each hour of the scenario's time zone begins and ends, µs after the start. */
export function hourSpan(input: Pick<ChargebackInput, 'startEpochSeconds' | 'utcOffsetMinutes'>, hour: number) {
  const local = input.startEpochSeconds + input.utcOffsetMinutes * 60;
  const intoUs = Math.round((((local % 3600) + 3600) % 3600) * 1e6);
  return { fromUs: Math.max(0, hour * HOUR_US - intoUs), toUs: (hour + 1) * HOUR_US - intoUs };
}

/** The hour in which the run ends; -1: it has no time at all. */
function lastHour(input: ChargebackInput): number {
  if (input.simulatedUs <= 0) return -1;
  let hour = Math.floor(input.simulatedUs / HOUR_US) - 1;
  while (hourSpan(input, hour).toUs < input.simulatedUs) hour++;
  return Math.max(0, hour);
}

/** Lines hour by hour; within an hour in the order of pools. */
export function chargeLines(input: ChargebackInput, rules: ChargebackRules): ChargeLine[] {
  const byHour = new Map<number, ChargebackEntry[]>();
  for (const entry of input.entries) {
    const own = byHour.get(entry.hour);
    if (own === undefined) byHour.set(entry.hour, [entry]);
    else own.push(entry);
  }
  const purse = new Purse(input.pools.length);
  const lines: ChargeLine[] = [];
  // Fixed costs run in hours, too, in which the ledger has nothing: a cluster without GPUs.
  const last = Math.max(lastHour(input), ...byHour.keys());
  for (let hour = 0; hour <= last; hour++) {
    const entries = byHour.get(hour) ?? [];
    input.pools.forEach((_, pool) => {
      const own = entries.filter((entry) => entry.pool === pool && entry.category !== 'reclaimed');
      if (own.length > 0) lines.push(...poolHour(input, rules, purse, hour, pool, own));
    });
    lines.push(...fixedHour(input, rules, purse, hour, entries));
  }
  if (last >= 0) lines.push(...incrementLines(input, rules, lines, last));
  return lines;
}

/** Rounds running totals, so that what has been given out is right at every moment. */
class Purse {
  private readonly exact: bigint[];
  private readonly given: bigint[];
  private fixedExact = new Map<string, { exact: bigint; given: bigint }>();

  constructor(pools: number) {
    this.exact = new Array(pools).fill(0n);
    this.given = new Array(pools).fill(0n);
  }

  /** Micro-dollars for so much more exact money of a pool. */
  take(pool: number, exact: bigint): bigint {
    this.exact[pool] += exact;
    const now = rounded(this.exact[pool], SCALE);
    const microUsd = now - this.given[pool];
    this.given[pool] = now;
    return microUsd;
  }

  /** The same for a fixed cost, in micro-dollars × µs of an hour. */
  takeFixed(name: string, exact: bigint): bigint {
    const own = this.fixedExact.get(name) ?? { exact: 0n, given: 0n };
    own.exact += exact;
    const now = rounded(own.exact, BigInt(HOUR_US));
    const microUsd = now - own.given;
    own.given = now;
    this.fixedExact.set(name, own);
    return microUsd;
  }
}

/** Half up, for negative amounts too. */
function rounded(exact: bigint, by: bigint): bigint {
  const doubled = 2n * exact + by;
  const quotient = doubled / (2n * by);
  return doubled < 0n && doubled % (2n * by) !== 0n ? quotient - 1n : quotient;
}

function poolHour(
  input: ChargebackInput,
  { borrowedMilli, idle }: ChargebackRules,
  purse: Purse,
  hour: number,
  pool: number,
  entries: readonly ChargebackEntry[],
): ChargeLine[] {
  const price = BigInt(input.pools[pool].priceMicroUsd);
  const line = (part: Omit<ChargeLine, 'hour' | 'pool' | 'microUsd'>, exact: bigint): ChargeLine => ({
    hour,
    pool,
    ...part,
    microUsd: purse.take(pool, exact),
  });
  const lines: ChargeLine[] = [];
  let notPaid = 0n;
  let borrowed = 0n;
  for (const { project, overQuota, jobClass, category, amount } of entries) {
    if (project < 0) continue;
    const full = amount * price;
    const exact = overQuota ? (full * BigInt(borrowedMilli)) / 1000n : full;
    notPaid += full - exact;
    if (overQuota) borrowed += amount;
    lines.push(line({ kind: 'usage', project, overQuota, jobClass, category, amount }, exact));
  }
  const unused = unusedQuota(input, hour, pool, entries);
  const lent = apportion(least(borrowed, total(unused)), unused);
  // What was borrowed of nobody's quota is free of lenders: the difference is then shared as idle.
  const lenders = total(lent) > 0n ? apportion(notPaid, lent) : unused.map(() => 0n);
  const unlent = notPaid - total(lenders);
  lent.forEach((amount, project) => {
    if (amount === 0n && lenders[project] === 0n) return;
    lines.push(
      line({ kind: 'lending', project, overQuota: false, jobClass: -1, category: 'lent', amount }, lenders[project]),
    );
  });
  const weights = idleWeights(idle, unused, lent, entries, input);
  for (const { project, category, amount } of entries) {
    if (project >= 0) continue;
    shared(amount, weights).forEach((part, to) => {
      if (part === 0n) return;
      const owner = to < input.projects.length ? to : -1;
      lines.push(
        line({ kind: 'idle', project: owner, overQuota: false, jobClass: -1, category, amount: part }, part * price),
      );
    });
  }
  if (unlent !== 0n) {
    shared(unlent, weights).forEach((part, to) => {
      if (part === 0n) return;
      const owner = to < input.projects.length ? to : -1;
      const about = { kind: 'lending', overQuota: false, jobClass: -1, category: 'lent', amount: 0n } as const;
      lines.push(line({ ...about, project: owner }, part));
    });
  }
  return lines;
}

/** Deserved and not held in quota in this hour, by project. */
function unusedQuota(
  input: ChargebackInput,
  hour: number,
  pool: number,
  entries: readonly ChargebackEntry[],
): bigint[] {
  const { fromUs, toUs } = hourSpan(input, hour);
  const us = BigInt(Math.max(0, Math.min(toUs, input.simulatedUs) - fromUs));
  const held = input.projects.map(() => 0n);
  for (const { project, overQuota, amount } of entries) if (project >= 0 && !overQuota) held[project] += amount;
  return input.projects.map(({ deservedGpus }, p) => {
    const gpus = deservedGpus[pool] ?? 0;
    const units = gpus < 0 ? input.pools[pool].gpus * GPU_UNITS : Math.round(gpus * GPU_UNITS);
    return most(0n, BigInt(units) * us - held[p]);
  });
}

/** By project, and last nobody. */
function idleWeights(
  rule: IdleRule,
  unused: readonly bigint[],
  lent: readonly bigint[],
  entries: readonly ChargebackEntry[],
  input: ChargebackInput,
): bigint[] {
  const nobody = [...unused.map(() => 0n), 1n];
  if (rule === 'separate') return nobody;
  const left = unused.map((amount, p) => most(0n, amount - lent[p]));
  const use = input.projects.map(() => 0n);
  for (const { project, amount } of entries) if (project >= 0) use[project] += amount;
  const positive = use.map((amount) => most(0n, amount));
  for (const weights of rule === 'quota' ? [left, positive] : [positive, left]) {
    if (total(weights) > 0n) return [...weights, 0n];
  }
  return nobody;
}

function fixedHour(
  input: ChargebackInput,
  rules: ChargebackRules,
  purse: Purse,
  hour: number,
  entries: readonly ChargebackEntry[],
): ChargeLine[] {
  const { fromUs, toUs } = hourSpan(input, hour);
  const us = Math.max(0, Math.min(toUs, input.simulatedUs) - fromUs);
  const weights = fixedWeights(input, rules, entries);
  return input.fixedCosts.flatMap(({ name, microUsdPerHour }) => {
    const microUsd = purse.takeFixed(name, BigInt(microUsdPerHour) * BigInt(us));
    return sharedLines(microUsd, weights, input, { hour, kind: 'fixed', pool: -1, category: name });
  });
}

/** Fixed costs are shared by the same rule, over all pools: by quota, by use, or not at all. */
function fixedWeights(
  input: ChargebackInput,
  { idle }: ChargebackRules,
  entries: readonly ChargebackEntry[],
): bigint[] {
  const quota = input.projects.map(({ deservedGpus }) =>
    deservedGpus.reduce((sum, gpus, pool) => sum + BigInt(Math.round(gpus < 0 ? input.pools[pool].gpus : gpus)), 0n),
  );
  return idleWeights(
    idle,
    quota,
    quota.map(() => 0n),
    entries,
    input,
  );
}

/** What the bill rounds up, in the last hour: the bill is then the sum of the lines. */
function incrementLines(
  input: ChargebackInput,
  rules: ChargebackRules,
  lines: readonly ChargeLine[],
  hour: number,
): ChargeLine[] {
  const weights = fixedWeights(input, rules, input.entries);
  const charged = (of: (line: ChargeLine) => boolean) =>
    lines.reduce((sum, line) => sum + (of(line) ? line.microUsd : 0n), 0n);
  const pools = input.poolMicroUsd.flatMap((micro, pool) =>
    sharedLines(BigInt(micro) - charged((line) => line.pool === pool), weights, input, {
      ...{ hour, kind: 'increment', pool, category: 'billing increment' },
    }),
  );
  const fixed = input.fixedMicroUsd.flatMap((micro, i) => {
    const { name } = input.fixedCosts[i];
    const rest = BigInt(micro) - charged((line) => line.kind === 'fixed' && line.category === name);
    return sharedLines(rest, weights, input, { hour, kind: 'increment', pool: -1, category: name });
  });
  return [...pools, ...fixed];
}

function sharedLines(
  microUsd: bigint,
  weights: readonly bigint[],
  input: ChargebackInput,
  about: Pick<ChargeLine, 'hour' | 'kind' | 'pool' | 'category'>,
): ChargeLine[] {
  return shared(microUsd, weights).flatMap((part, to) => {
    if (part === 0n) return [];
    const project = to < input.projects.length ? to : -1;
    return [{ ...about, project, overQuota: false, jobClass: -1, amount: 0n, microUsd: part }];
  });
}

const total = (amounts: readonly bigint[]) => amounts.reduce((sum, amount) => sum + amount, 0n);
const most = (a: bigint, b: bigint) => (a > b ? a : b);
const least = (a: bigint, b: bigint) => (a < b ? most(0n, a) : b);

/** Negative amounts too. */
function shared(amount: bigint, weights: readonly bigint[]): bigint[] {
  return amount < 0n ? apportion(-amount, weights).map((part) => -part) : apportion(amount, weights);
}

/** Whole parts in proportion to the weights that add up to the amount: largest remainders first, ties to the first. */
export function apportion(amount: bigint, weights: readonly bigint[]): bigint[] {
  const all = total(weights);
  if (all === 0n || amount === 0n) return weights.map(() => 0n);
  if (amount < 0n) return apportion(-amount, weights).map((part) => -part);
  const parts = weights.map((weight) => (amount * weight) / all);
  const order = weights
    .map((weight, i) => ({ i, rest: (amount * weight) % all }))
    .sort((a, b) => (a.rest === b.rest ? a.i - b.i : a.rest > b.rest ? -1 : 1));
  let left = amount - total(parts);
  for (const { i } of order) {
    if (left === 0n) break;
    parts[i] += 1n;
    left -= 1n;
  }
  return parts;
}

/** The class of a line's job as people call it. */
export const className = (jobClass: number): string => (jobClass < 0 ? '' : JOB_CLASSES[jobClass]);

// ── kept beside a run ─────────────────────────────────────────────────────────────────────────────────────────────

export function accountsJson(input: ChargebackInput): string {
  const { entries, ...rest } = input;
  const rows = entries.map((e) => [
    e.hour,
    e.pool,
    e.project,
    e.overQuota ? 1 : 0,
    e.jobClass,
    e.category,
    String(e.amount),
  ]);
  return `${JSON.stringify({ format: 'simsup-accounts/1', ...rest, entries: rows })}\n`;
}

/** Throws `RangeError` with a sentence for what is no such file. */
export function readAccounts(text: string): ChargebackInput {
  let data: Record<string, unknown>;
  try {
    data = JSON.parse(text);
  } catch {
    throw new RangeError('accounts.json: found no JSON, expected what simsup run --out writes');
  }
  if (data?.format !== 'simsup-accounts/1' || !Array.isArray(data.entries))
    throw new RangeError(
      `accounts.json: found format ${JSON.stringify(data?.format)?.slice(0, 60)}, expected simsup-accounts/1, as simsup run --out writes it`,
    );
  const entries = (data.entries as [number, number, number, number, number, Category, string][]).map((row) => ({
    hour: row[0],
    pool: row[1],
    project: row[2],
    overQuota: row[3] === 1,
    jobClass: row[4],
    category: row[5],
    amount: BigInt(row[6]),
  }));
  return { ...(data as unknown as ChargebackInput), entries };
}
