/**
 * Flavours for a workload: in the ClusterQueue's order, until one holds it as the rules of flavour fungibility want it.
 * Source: kubernetes-sigs/kueue pkg/scheduler/flavorassigner/flavorassigner.go, preemption/preemption_oracle.go.
 *
 * Each cycle begins with the first flavour; Kueue remembers the last one tried until the cohort changes.
 */
import {
  type Admission,
  type Assignment,
  amountText,
  cellOf,
  type QueueRules,
  RESOURCE_NAMES,
  RESOURCE_UNITS,
  type Target,
  type Turn,
  type WaitCode,
} from './memory.ts';
import { available, borrowingHeight, give, type Holding, take } from './quota.ts';
import { targetsFor } from './targets.ts';

/** From worst to best. */
const NO_FIT = 0;
const NO_CANDIDATES = 1;
const PREEMPT = 2;
const RECLAIM = 3;
const FIT = 4;

interface Mode {
  mode: number;
  borrows: number;
}

interface Tried extends Mode {
  /** Who would have to be preempted for this cell alone. */
  targets: Target[];
  code: WaitCode;
  text: string;
}

export function assign(turn: Turn, queue: number, job: number): Assignment {
  const { memory } = turn;
  const shape = memory.shapes[memory.shapeOf[job]];
  const { groups, rules } = memory.queues[queue];
  const result: Assignment = {
    mode: 'fit',
    asked: { queue, cells: [], amounts: [] },
    pools: [...shape.pools],
    flavors: [],
    contested: [],
    targets: [],
    borrows: 0,
    code: 'WaitingForQuota',
    text: '',
  };
  if (shape.requests[0] > 0 && !groups.some((group) => group.resources.includes(0))) {
    return refused(result, 'NoMatchingFlavor', `resource ${RESOURCE_NAMES[0]} unavailable in ClusterQueue`);
  }
  for (const group of groups) {
    const asked = group.resources.filter((resource) => shape.requests[resource] > 0);
    if (asked.length === 0) continue;
    let best: (Mode & { flavor: number; modes: Tried[] }) | null = null;
    let failure: Tried | null = null;
    for (const flavor of group.flavors) {
      if (!memory.flavors[flavor].pools.some((pool) => result.pools.includes(pool))) continue;
      let worst: Mode = { mode: FIT, borrows: 0 };
      const modes: Tried[] = [];
      for (const resource of asked) {
        const tried = tryCell(turn, queue, job, cellOf(flavor, resource), shape.requests[resource]);
        modes.push(tried);
        if (preferred(worst, tried, rules)) worst = tried;
        if (tried.mode < FIT && (failure === null || failure.code === 'ExceedsMaxQuota')) failure = tried;
        if (worst.mode === NO_FIT) break;
      }
      const candidate = { ...worst, flavor, modes };
      if (!triesNext(worst, rules)) {
        best = candidate;
        break;
      }
      if (worst.mode !== NO_FIT && (best === null || preferred(worst, best, rules))) best = candidate;
    }
    if (best === null) {
      const why = failure ?? { code: 'NoMatchingFlavor' as const, text: 'no flavor matches its node pools' };
      return refused(result, why.code, why.text);
    }
    const { flavor } = best;
    result.flavors.push(memory.flavors[flavor].name);
    result.pools = result.pools.filter((pool) => memory.flavors[flavor].pools.includes(pool));
    for (const [i, tried] of best.modes.entries()) {
      const cell = cellOf(flavor, asked[i]);
      result.asked.cells.push(cell);
      result.asked.amounts.push(shape.requests[asked[i]]);
      result.borrows = Math.max(result.borrows, tried.borrows);
      if (tried.mode < FIT) result.contested.push(cell);
      result.targets = tried.targets;
    }
    if (best.mode < FIT) {
      result.mode = 'preempt';
      if (failure !== null) result.text = failure.text;
    }
  }
  return result;
}

/** The workloads to preempt for the whole assignment; none if that is impossible or not needed. */
export function targetsOf(turn: Turn, job: number, assignment: Assignment): Target[] {
  if (assignment.mode !== 'preempt') return [];
  const { asked, contested, targets } = assignment;
  return asked.cells.length === 1 ? targets : targetsFor(turn, job, asked, contested);
}

function refused(result: Assignment, code: WaitCode, text: string): Assignment {
  return { ...result, mode: 'noFit', code, text };
}

function tryCell(turn: Turn, queue: number, job: number, cell: number, amount: number): Tried {
  const { memory, settings } = turn;
  const { tree } = memory;
  const { rules } = memory.queues[queue];
  const most = tree.potential[queue * tree.cells + cell];
  if (amount > most) {
    const unit = RESOURCE_UNITS[cell % RESOURCE_UNITS.length];
    const text = `insufficient quota for ${amountText(memory, cell, amount)}: maximum capacity is ${most / unit}`;
    return { mode: NO_FIT, borrows: 0, code: 'ExceedsMaxQuota', text, targets: [] };
  }
  const { height, below } = borrowingHeight(tree, queue, cell, amount);
  const free = available(tree, queue, cell);
  if (amount <= free) return { mode: FIT, borrows: height, code: 'WaitingForQuota', text: '', targets: [] };
  const text = `insufficient unused quota: ${amountText(memory, cell, amount - free)} more needed`;
  const mayPreemptAndBorrow =
    rules.borrowWithinCohort || (settings.fairSharing && rules.reclaimWithinCohort !== 'Never');
  if (!(tree.nominal[queue * tree.cells + cell] >= amount || below || mayPreemptAndBorrow)) {
    return { mode: NO_FIT, borrows: height, code: 'WaitingForQuota', text, targets: [] };
  }
  const asked: Holding = { queue, cells: [cell], amounts: [amount] };
  const targets = targetsFor(turn, job, asked, [cell]);
  const victims = targets.map((target) => memory.admissions.get(target.job) as Admission);
  if (victims.length === 0) return { mode: NO_CANDIDATES, borrows: height, code: 'WaitingForQuota', text, targets };
  for (const victim of victims) give(tree, victim);
  const after = borrowingHeight(tree, queue, cell, amount).height;
  for (const victim of victims) take(tree, victim);
  const own = victims.some((victim) => victim.queue === queue);
  return { mode: own ? PREEMPT : RECLAIM, borrows: after, code: 'WaitingForQuota', text, targets };
}

/** Whether `a` is better than `b`. */
function preferred(a: Mode, b: Mode, rules: QueueRules): boolean {
  if (a.mode === NO_FIT) return false;
  if (b.mode === NO_FIT) return true;
  if ((a.mode === NO_CANDIDATES) !== (b.mode === NO_CANDIDATES)) return a.mode !== NO_CANDIDATES;
  if (rules.preemptionOverBorrowing && a.borrows !== b.borrows) return a.borrows < b.borrows;
  return a.mode !== b.mode ? a.mode > b.mode : a.borrows < b.borrows;
}

function triesNext({ mode, borrows }: Mode, rules: QueueRules): boolean {
  if (mode <= NO_CANDIDATES) return true;
  if (mode < FIT && rules.triesNextBeforePreempting) return true;
  return borrows > 0 && rules.triesNextBeforeBorrowing;
}
