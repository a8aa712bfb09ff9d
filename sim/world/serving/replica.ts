/**
 * One replica of a model: continuous batching with iteration-level scheduling (Orca, OSDI '22), paged KV blocks (vLLM,
 * arXiv 2309.06180), chunked prefill beside running decodes (Sarathi-Serve, arXiv 2403.02310), preemption of the newest
 * sequence by recompute, prefix caching.
 *
 * All iterations between two changes of the batch are one plan (plan.ts): decodes until the first of them is complete, the
 * parts of a prompt that takes all that the decodes leave. A plan is cut where an arrival could be admitted. The result is
 * that of stepping each iteration, to the picosecond (replica.test.ts has the stepping model).
 *
 * The replica is driven from outside: `advance(t)` lets everything before t happen, `receive` hands it a request at t.
 */
import { Admitted } from './admitted.ts';
import { Batch } from './batch.ts';
import { KvBlocks } from './blocks.ts';
import { type Line, PS_PER_US } from './cost.ts';
import { WaitingLine } from './line.ts';
import { Plan, spanOf } from './plan.ts';
import { makeRoomFor, type Planned, planNext } from './planning.ts';
import { Prefill } from './prefill.ts';
import type { ReplicaListener, ReplicaSettings } from './replica-settings.ts';
import { MARK, type Requests } from './requests.ts';

export type { ReplicaListener, ReplicaSettings } from './replica-settings.ts';

export class Replica implements Planned {
  readonly settings: ReplicaSettings;
  readonly kv: KvBlocks;
  readonly batch: Batch;
  /** Plans carried out, those of them that an arrival cut short, iterations in them, and preemptions. */
  plans = 0;
  cuts = 0;
  iterations = 0;
  preempted = 0;
  /** Requests here: running and waiting. */
  outstanding = 0;
  /** Not up before this, µs. */
  readyUs: number;

  /** It is not up because of a fault, not because it is new. */
  private failed = false;
  private hung = false;
  private readonly listener: ReplicaListener;

  // What planning.ts has to know.
  readonly requests: Requests;
  readonly line = new WaitingLine();
  readonly admitted: Admitted;
  partial = -1;
  readonly plan = new Plan();
  readonly prefill: Prefill;
  prepaid = 0;
  readonly costs: Line = { a: 0, b: 0, until: 0 };

  /** Start and end of the plan: whole µs and picoseconds beyond; an end at Infinity = there is none. */
  private fromUs = 0;
  private fromPs = 0;
  private endUs = Infinity;
  private endPs = 0;
  /** Picoseconds that decodes stood still behind whole prompts. */
  private stalledPs = 0;

  constructor(settings: ReplicaSettings, requests: Requests, listener: ReplicaListener, readyUs = 0) {
    const { blockTokens, blocks, maxTokens, maxSequences } = settings;
    const whole = { blockTokens, blocks, maxTokens, maxSequences };
    for (const [name, n] of Object.entries(whole))
      if (!(n >= 1) || Math.floor(n) !== n)
        throw new Error(`${name} of a replica must be a whole number above 0, got ${n}`);
    this.settings = settings;
    this.requests = requests;
    this.listener = listener;
    this.kv = new KvBlocks(settings, requests);
    this.batch = new Batch(requests, this.kv);
    this.admitted = new Admitted(settings, requests, this.kv);
    this.prefill = new Prefill(requests, settings.cost);
    this.readyUs = readyUs;
  }

  /** End of what it is at, whole µs; Infinity when it has nothing to do. The end itself lies less than 1 µs later. */
  get nextUs(): number {
    return this.endUs;
  }

  get waiting(): number {
    return this.line.length;
  }

  /** Could it ever hold this request? */
  holds(prompt: number, output: number): boolean {
    return this.kv.of(prompt + output - 1) <= this.settings.blocks;
  }

  /** Tokens of a prompt that are in its prefix cache. */
  cachedTokens(slot: number): number {
    return this.kv.hitsOf(slot) * this.settings.prefixTokens;
  }

  /** Everything that is due before `us` happens. */
  advance(us: number): void {
    while (this.endUs < us) {
      this.finish();
      planNext(this);
    }
  }

  /** A request joins the line at `us`; `advance(us)` has been called. */
  receive(slot: number, us: number): void {
    const { requests } = this;
    const stood = this.waiting > 0;
    this.outstanding++;
    this.line.join(slot);
    if (us < this.readyUs) requests.marks[slot] |= this.failed ? MARK.fault : MARK.coldStart;
    if (this.hung) return;
    if (this.endUs === Infinity) {
      // Begins at the end of this microsecond's arrivals.
      this.plan.clear();
      this.endUs = Math.max(us, this.readyUs);
      this.endPs = 0;
    } else if (this.plan.iterations > 0 && !stood)
      makeRoomFor(this, slot, (us - this.fromUs) * PS_PER_US - this.fromPs);
  }

  /** Its processes stand still; requests that come wait with those it has. Only `fail` ends it. */
  hang(): void {
    this.hung = true;
    this.endUs = Infinity;
  }

  /** It goes down: all its requests, in the order in which they came to it; caches are lost. `mark`: what it is put down to. */
  fail(backUs: number, mark: number = MARK.fault): number[] {
    const { requests } = this;
    const lost = [...this.admitted.slots(), ...this.line.empty()];
    this.batch.clear();
    this.prefill.clear();
    this.kv.clear();
    this.outstanding = this.stalledPs = this.prepaid = 0;
    this.admitted.clear();
    this.partial = -1;
    this.endUs = Infinity;
    this.readyUs = backUs;
    this.failed = true;
    this.hung = false;
    for (const slot of lost) {
      requests.restart(slot);
      requests.marks[slot] |= mark;
    }
    return lost;
  }

  /** Σ blocks held by requests themselves, not by the prefix cache: for checks. */
  privateBlocks(): number {
    let sum = 0;
    for (const slot of this.admitted.slots()) sum += this.kv.heldAlone(slot, this.heldTokens(slot));
    return sum;
  }

  // --- a plan ends ---------------------------------------------------------------------------------------------

  private finish(): void {
    const { plan, batch, kv } = this;
    const { fromUs, fromPs } = this;
    this.fromUs = this.endUs;
    this.fromPs = this.endPs;
    this.endUs = Infinity;
    if (plan.iterations === 0) return;
    this.plans++;
    this.iterations += plan.iterations;
    const decodes = batch.size > 0 && (this.settings.chunkedPrefill || this.prefill.slots.length === 0);
    if (decodes) kv.take(batch.needed(plan.iterations) - this.prepaid);
    this.prepaid = 0;
    this.tell(fromUs, fromPs, decodes);
    if (decodes) batch.advance(plan.iterations);
    else if (batch.size > 0) this.stalledPs += plan.spanPs;
    const now = this.now();
    if (decodes) for (let slot = batch.takeComplete(); slot >= 0; slot = batch.takeComplete()) this.end(slot, now);
    if (this.prefill.slots.length > 0) this.prefilled(now);
  }

  /** The boundary at hand in whole µs, rounded up. */
  now(): number {
    return this.fromPs > 0 ? this.fromUs + 1 : this.fromUs;
  }

  /** When the plan's last iteration begins, if that is one of prompts, as `now`. */
  beginsUs(): number {
    const { plan } = this;
    const before = plan.iterations > 1 ? plan.spanPs - plan.lastPs : 0;
    return this.fromUs + Math.ceil((this.fromPs + before) / PS_PER_US);
  }

  /** What the plan that began then has given out. */
  private tell(fromUs: number, fromPs: number, decodes: boolean): void {
    const { plan, batch, listener } = this;
    const prompts = this.prefill.slots.filter((_, i) => this.prefill.lacks(i) === 0).length;
    let from = fromUs;
    let ps = fromPs;
    for (let run = 0; run < plan.counts.length; run++) {
      const n = plan.counts[run];
      ps += spanOf(n, plan.firstPs[run], plan.growthPs[run]);
      const isLast = run === plan.counts.length - 1;
      const to = isLast ? this.now() : fromUs + Math.ceil(ps / PS_PER_US);
      const first = plan.firstPs[run] + (decodes ? this.stalledPs : 0);
      if (decodes) this.stalledPs = 0;
      listener.decoded(
        from,
        to,
        decodes ? n : 0,
        decodes ? batch.size : 0,
        first,
        plan.growthPs[run],
        isLast ? prompts : 0,
      );
      from = to;
    }
  }

  private prefilled(now: number): void {
    const { requests, listener } = this;
    this.partial = -1;
    const { slots, tokens } = this.prefill;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      requests.done[slot] += tokens[i];
      if (requests.done[slot] < requests.target[slot]) {
        this.partial = slot;
        continue;
      }
      this.kv.register(slot);
      if (requests.interruptedUs[slot] >= 0) {
        listener.resumed(slot, now - requests.interruptedUs[slot]);
        requests.interruptedUs[slot] = -1;
      }
      if (requests.generated[slot]++ === 0) {
        requests.firstTokenUs[slot] = now;
        listener.firstToken(slot, now);
      }
      if (requests.generated[slot] === requests.output[slot]) this.end(slot, now);
      else this.batch.join(slot);
    }
    this.prefill.clear();
  }

  private end(slot: number, now: number): void {
    this.release(slot);
    this.admitted.remove(slot);
    this.outstanding--;
    this.listener.finished(slot, now);
  }

  until(lastsPs: number): void {
    const ps = this.fromPs + lastsPs;
    const us = Math.floor(ps / PS_PER_US);
    this.endUs = this.fromUs + us;
    this.endPs = ps - us * PS_PER_US;
  }

  // --- KV blocks -----------------------------------------------------------------------------------------------

  /** Tokens that it has room for in the cache. A prompt of one token of output never joins the batch. */
  private heldTokens(slot: number): number {
    const { requests } = this;
    const decodes = requests.done[slot] >= requests.target[slot] && requests.generated[slot] < requests.output[slot];
    return decodes ? this.batch.storedTokens(slot) : requests.target[slot];
  }

  release(slot: number): void {
    this.kv.release(slot, this.heldTokens(slot));
  }
}
