/**
 * What a replica does next: who loses its place, which prompts go on or begin, how many decodes until something changes.
 * Functions given the replica; it carries out what they plan.
 */
import type { Admitted } from './admitted.ts';
import type { Batch } from './batch.ts';
import type { KvBlocks } from './blocks.ts';
import type { Line } from './cost.ts';
import type { WaitingLine } from './line.ts';
import type { Plan } from './plan.ts';
import type { Prefill } from './prefill.ts';
import type { ReplicaSettings } from './replica-settings.ts';
import { MARK, type Requests } from './requests.ts';

/** What is planned on: a replica's requests, those that wait, that hold blocks and that decode; and its plan. */
export interface Planned {
  readonly settings: ReplicaSettings;
  readonly requests: Requests;
  readonly kv: KvBlocks;
  readonly line: WaitingLine;
  readonly admitted: Admitted;
  readonly batch: Batch;
  /** The prompt that is in the cache in part, −1 = none. */
  partial: number;
  /** Without iterations it only waits for its end, which is when it may begin. */
  readonly plan: Plan;
  /** The prompts of the plan. */
  readonly prefill: Prefill;
  /** Blocks of the plan's decodes that are taken already. */
  prepaid: number;
  readonly costs: Line;
  preempted: number;
  cuts: number;
  /** The boundary at hand, and the beginning of the plan's last iteration, in whole µs, rounded up. */
  now(): number;
  beginsUs(): number;
  /** The plan takes so long from its start. */
  until(lastsPs: number): void;
  /** Its blocks are given back. */
  release(slot: number): void;
}

/** Longest plan, ps: sums stay exact below 2⁵³. */
const LONGEST_PS = 4e15;

/** The plan that begins at the boundary at hand; without anything to do there is none. */
export function planNext(r: Planned): void {
  const { batch, kv, plan } = r;
  plan.clear();
  joinHandedOver(r);
  const before = r.preempted;
  while (batch.needed(1) > kv.available) preempt(r);
  const lostPlace = r.preempted > before;
  planPrompts(r, lostPlace);
  if (r.prefill.slots.length === 0) {
    if (batch.size === 0) return;
    planDecodes(r, lostPlace && couldComeBack(r) ? 1 : batch.within(batch.untilNextEnd));
  }
  r.until(plan.spanPs);
}

/**
 * Prompts take what the decodes leave: the one begun, then those in line as long as their blocks are there. One that
 * takes all of it goes on, until it is done or a decoding sequence is complete.
 */
function planPrompts(r: Planned, lostPlace: boolean): void {
  const { requests, settings, batch, plan, prefill } = r;
  const { chunkedPrefill, maxTokens } = settings;
  const budget = chunkedPrefill ? maxTokens - batch.size : maxTokens;
  prefill.open(budget);
  if (r.partial >= 0 && budget > 0)
    prefill.take(r.partial, Math.min(budget, requests.target[r.partial] - requests.done[r.partial]));
  if (!lostPlace) fillFromLine(r);
  if (prefill.slots.length === 0) return;
  plan.add(1, promptPs(r), 0);
  if (!chunkedPrefill || prefill.slots.length > 1) return;
  const most = batch.within(batch.untilNextEnd);
  while (plan.iterations < most && prefill.lacks(0) > 0 && plan.spanPs < LONGEST_PS) {
    prefill.open(budget);
    prefill.take(prefill.slots[0], Math.min(budget, prefill.lacks(0)));
    plan.add(1, 0, 0);
    fillFromLine(r);
    plan.setLast(promptPs(r));
  }
}

/** The first in line begin in the plan's last iteration, as far as it has room. */
function fillFromLine(r: Planned): void {
  const { requests, settings, kv, line, prefill, admitted, batch, plan } = r;
  if (prefill.room <= 0 || line.length === 0 || admitted.isFull) return;
  // Blocks of the decodes until then go first.
  const before = batch.needed(Math.max(0, plan.iterations - 1));
  kv.take(before - r.prepaid);
  r.prepaid = before;
  const needed = batch.needed(Math.max(1, plan.iterations)) - before;
  while (prefill.room > 0 && line.length > 0 && !admitted.isFull) {
    const slot = line.first();
    if (requests.done[slot] > 0) return; // handed over: joins at the beginning of an iteration
    const hits = kv.hitsOf(slot);
    if (!admitted.fits(slot, hits, needed)) {
      requests.marks[slot] |= MARK.kvPressure;
      return;
    }
    const rest = requests.target[slot] - hits * settings.prefixTokens;
    if (!settings.chunkedPrefill && rest > prefill.room && prefill.slots.length > 0) return;
    admit(r, slot, hits);
    prefill.take(slot, settings.chunkedPrefill ? Math.min(prefill.room, rest) : rest);
  }
}

/** Time of the plan's last iteration, in which prompts are computed. */
function promptPs(r: Planned): number {
  const { batch, plan, settings, prefill } = r;
  if (!settings.chunkedPrefill) return prefill.iterationPs(0, 0);
  return prefill.iterationPs(batch.size, batch.context + Math.max(0, plan.iterations - 1) * batch.size);
}

/** `most` decodes of the batch; fewer where they would take too long to add up exactly. */
function planDecodes(r: Planned, most: number): void {
  const { plan, costs, batch } = r;
  let context = batch.context;
  for (let left = most; left > 0 && plan.spanPs <= LONGEST_PS; ) {
    r.settings.cost.decode(batch.size, context, costs);
    const k = costs.until === Infinity ? left : Math.min(left, Math.ceil((costs.until - context) / batch.size));
    plan.add(k, costs.a + costs.b * context, costs.b * batch.size);
    context += k * batch.size;
    left -= k;
  }
  if (plan.spanPs > LONGEST_PS) plan.shorten(Math.max(1, plan.reaching(LONGEST_PS) - 1));
}

/** Somebody comes, the first in line, when the plan is `ps` old. */
export function makeRoomFor(r: Planned, slot: number, ps: number): void {
  const { plan, prefill, requests } = r;
  const prompts = prefill.slots.length;
  if (prompts > 0 && requests.done[slot] === 0) {
    // Until its last iteration there is no room beside the prompt at hand.
    if (ps > plan.spanPs - plan.lastPs) return;
    fillFromLine(r);
    plan.setLast(promptPs(r));
  } else {
    if (prompts > 1 || plan.iterations < 2 || !couldAdmit(r, slot)) return;
    const k = plan.reaching(ps);
    if (k >= plan.iterations) return;
    r.cuts++;
    plan.shorten(k);
    if (prompts > 0) prefill.tokens[0] = k * (r.settings.maxTokens - r.batch.size);
  }
  r.until(plan.spanPs);
}

/** Whether a boundary in the middle of this plan might admit it. */
function couldAdmit(r: Planned, slot: number): boolean {
  const { settings, batch, admitted, kv } = r;
  if (admitted.isFull || (settings.chunkedPrefill && batch.size >= settings.maxTokens)) return false;
  if (admitted.fits(slot, kv.hitsOf(slot), 0)) return true;
  r.requests.marks[slot] |= MARK.kvPressure;
  return false;
}

/** Whether the first in line, which has just lost its place, could have one again at the next iteration but one. */
function couldComeBack(r: Planned): boolean {
  const slot = r.line.first();
  return r.admitted.fits(slot, r.kv.hitsOf(slot), r.batch.needed(2));
}

function admit(r: Planned, slot: number, hits: number): void {
  const { requests } = r;
  r.line.leave();
  r.admitted.add(slot);
  r.kv.admit(slot, hits);
  if (requests.admittedUs[slot] < 0) {
    requests.admittedUs[slot] = r.beginsUs();
    requests.hitTokens[slot] = requests.done[slot];
  }
}

/** Requests that another replica has prefilled join the batch, as long as their blocks and the running ones' fit. */
function joinHandedOver(r: Planned): void {
  const { requests, kv, line } = r;
  while (line.length > 0 && !r.admitted.isFull) {
    const slot = line.first();
    if (requests.done[slot] === 0) return;
    const blocks = kv.of(requests.target[slot] + 1);
    if (blocks > kv.available - r.batch.needed(1) || !r.admitted.isPromised(slot)) {
      requests.marks[slot] |= MARK.kvPressure;
      return;
    }
    line.leave();
    r.admitted.add(slot);
    kv.take(kv.of(requests.target[slot]));
    r.batch.join(slot);
  }
}

/** The newest sequence gives its blocks back and goes to the front of the line, to be computed again from the start. */
function preempt(r: Planned): void {
  const { requests } = r;
  const slot = r.admitted.newest;
  r.preempted++;
  requests.preemptions[slot]++;
  requests.marks[slot] |= MARK.kvPressure;
  r.release(slot);
  if (slot === r.partial) r.partial = -1;
  else {
    const generated = r.batch.generated(slot);
    r.batch.drop(slot);
    requests.generated[slot] = generated;
    requests.target[slot] = requests.prompt[slot] + generated;
    requests.interruptedUs[slot] = r.now();
  }
  requests.done[slot] = 0;
  requests.shared[slot] = 0;
  r.admitted.remove(slot);
  r.line.comeBack(slot);
}
