/**
 * One replica of a model: continuous batching with iteration-level scheduling (Orca, OSDI '22), paged KV blocks (vLLM,
 * arXiv 2309.06180), chunked prefill beside running decodes (Sarathi-Serve, arXiv 2403.02310), preemption of the newest
 * sequence by recompute, prefix caching.
 *
 * Between two changes of the batch every decode iteration is like the one before it with one token more a sequence, so
 * all of them are one plan whose length is known in closed form. A plan is cut where an arrival could be admitted. The
 * result is that of stepping each iteration, to the picosecond (replica.test.ts has the stepping model).
 *
 * The replica is driven from outside: `advance(t)` lets everything before t happen, `receive` hands it a request at t.
 */
import { Admitted } from './admitted.ts';
import { KvBlocks } from './blocks.ts';
import { iterationsFor, type Line, PS_PER_US, spanOf } from './cost.ts';
import { FinishHeap } from './finish-heap.ts';
import { WaitingLine } from './line.ts';
import type { ReplicaListener, ReplicaSettings } from './replica-settings.ts';
import { MARK, type Requests } from './requests.ts';

export type { ReplicaListener, ReplicaSettings } from './replica-settings.ts';

const PLAN = { idle: 0, kick: 1, jump: 2, mixed: 3 } as const;
/** Longest plan, ps: sums stay exact below 2⁵³. */
const LONGEST_PS = 4e15;

export class Replica {
  readonly settings: ReplicaSettings;
  readonly kv: KvBlocks;
  /** Sequences that decode, and the tokens they hold in the cache. */
  batch = 0;
  context = 0;
  /** Decode iterations so far. */
  step = 0;
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

  private readonly requests: Requests;
  private readonly listener: ReplicaListener;
  private readonly costs: Line = { a: 0, b: 0, until: 0 };
  private plan: number = PLAN.idle;
  /** Start and end of the plan: whole µs and picoseconds beyond. */
  private fromUs = 0;
  private fromPs = 0;
  private endUs = Infinity;
  private endPs = 0;
  private count = 0;
  /** Picoseconds that decodes stood still behind whole prompts. */
  private stalledPs = 0;
  private decodesStall = false;
  private readonly chunkSlots: number[] = [];
  private readonly chunkTokens: number[] = [];
  /** The prompt that is in the cache in part. */
  private partial = -1;
  private readonly admitted: Admitted;
  private readonly line = new WaitingLine();
  private readonly heap: FinishHeap;

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
    this.heap = new FinishHeap(requests);
    this.admitted = new Admitted(requests);
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
      this.begin();
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
    if (this.plan === PLAN.idle) {
      // Begins at the end of this microsecond's arrivals.
      this.plan = PLAN.kick;
      this.endUs = Math.max(us, this.readyUs);
      this.endPs = 0;
    } else if (this.plan === PLAN.jump && !stood && this.couldAdmit(slot)) {
      const ps = (us - this.fromUs) * PS_PER_US - this.fromPs;
      const k = iterationsFor(this.costs, this.batch, this.context, ps);
      if (k < this.count) {
        this.cuts++;
        this.jump(k);
      }
    }
  }

  /** Its processes stand still; requests that come wait with those it has. Only `fail` ends it. */
  hang(): void {
    this.hung = true;
    this.plan = PLAN.idle;
    this.endUs = Infinity;
  }

  /** It goes down: all its requests, in the order in which they came to it; caches are lost. `mark`: what it is put down to. */
  fail(backUs: number, mark: number = MARK.fault): number[] {
    const { requests } = this;
    const lost = [...this.admitted.slots(), ...this.line.empty()];
    this.heap.slots.length = this.chunkSlots.length = this.chunkTokens.length = 0;
    this.kv.clear();
    this.batch = this.context = this.outstanding = this.stalledPs = 0;
    this.admitted.clear();
    this.partial = -1;
    this.plan = PLAN.idle;
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
    const { plan, batch, count, costs, kv, listener } = this;
    const { fromUs, fromPs } = this;
    this.fromUs = this.endUs;
    this.fromPs = this.endPs;
    this.endUs = Infinity;
    if (plan === PLAN.kick) return;
    this.plans++;
    this.iterations += count;
    const now = this.now();
    if (plan === PLAN.jump) {
      kv.take(kv.needed(batch, this.step, count));
      const first = costs.a + costs.b * this.context + this.stalledPs;
      this.stalledPs = 0;
      listener.decoded(fromUs, now, count, batch, first, costs.b * batch, 0);
      this.step += count;
      this.context += batch * count;
      this.complete(now);
      return;
    }
    const lasted = (this.fromUs - fromUs) * PS_PER_US + this.fromPs - fromPs;
    if (this.decodesStall) {
      if (batch > 0) this.stalledPs += lasted;
      listener.decoded(fromUs, now, 0, 0, lasted, 0, this.chunkSlots.length);
    } else {
      listener.decoded(fromUs, now, batch > 0 ? 1 : 0, batch, lasted + this.stalledPs, 0, this.chunkSlots.length);
      this.stalledPs = 0;
      this.step++;
      this.context += batch;
      this.complete(now);
    }
    this.prefilled(now);
  }

  /** The boundary at hand in whole µs, rounded up. */
  private now(): number {
    return this.fromPs > 0 ? this.fromUs + 1 : this.fromUs;
  }

  private complete(now: number): void {
    const { heap } = this;
    while (heap.slots.length > 0 && heap.firstStep === this.step) {
      const slot = heap.pop();
      this.leaveBatch(slot);
      this.end(slot, now);
    }
  }

  private prefilled(now: number): void {
    const { requests, listener } = this;
    this.partial = -1;
    for (let i = 0; i < this.chunkSlots.length; i++) {
      const slot = this.chunkSlots[i];
      requests.done[slot] += this.chunkTokens[i];
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
      else this.joinBatch(slot);
    }
    this.chunkSlots.length = this.chunkTokens.length = 0;
  }

  private end(slot: number, now: number): void {
    this.release(slot);
    this.exit(slot);
    this.outstanding--;
    this.listener.finished(slot, now);
  }

  // --- the next plan begins ------------------------------------------------------------------------------------

  private begin(): void {
    const { requests, settings, costs, kv, line } = this;
    this.joinHandedOver();
    let needed = kv.needed(this.batch, this.step, 1);
    let lostPlace = false;
    while (needed > kv.available) {
      this.preempt();
      lostPlace = true;
      needed = kv.needed(this.batch, this.step, 1);
    }
    let budget = settings.chunkedPrefill ? settings.maxTokens - this.batch : settings.maxTokens;
    let tokens = 0;
    let chunks = 0;
    const chunk = (slot: number, n: number) => {
      chunks += settings.cost.chunk(requests.done[slot], n);
      this.chunkSlots.push(slot);
      this.chunkTokens.push(n);
      tokens += n;
      budget -= n;
    };
    if (this.partial >= 0 && budget > 0)
      chunk(this.partial, Math.min(budget, requests.target[this.partial] - requests.done[this.partial]));
    while (!lostPlace && budget > 0 && line.length > 0 && this.admitted.count < settings.maxSequences) {
      const slot = line.first();
      if (requests.done[slot] > 0) break; // handed over: joins at the beginning of an iteration
      const hits = kv.hitsOf(slot);
      if (kv.neededFor(slot, hits) > kv.available - needed || !this.isPromised(slot)) {
        requests.marks[slot] |= MARK.kvPressure;
        break;
      }
      const rest = requests.target[slot] - hits * settings.prefixTokens;
      if (!settings.chunkedPrefill && rest > budget && tokens > 0) break;
      this.admit(slot, hits);
      chunk(slot, settings.chunkedPrefill ? Math.min(budget, rest) : rest);
    }
    if (tokens > 0) {
      this.decodesStall = !settings.chunkedPrefill;
      const batch = this.decodesStall ? 0 : this.batch;
      if (!this.decodesStall) kv.take(needed);
      this.plan = PLAN.mixed;
      this.count = 1;
      const context = this.decodesStall ? 0 : this.context;
      this.until(settings.cost.mixed(batch, context, tokens, this.chunkSlots.length, chunks));
    } else if (this.batch > 0) {
      settings.cost.decode(this.batch, this.context, costs);
      let k = this.heap.firstStep - this.step;
      if (lostPlace) k = 1; // whoever lost its place may come back at the next iteration
      k = Math.min(k, kv.iterationsWithin(this.batch, this.step, k));
      if (costs.until !== Infinity) k = Math.min(k, Math.ceil((costs.until - this.context) / this.batch));
      if (spanOf(costs, this.batch, this.context, k) > LONGEST_PS)
        k = Math.max(1, iterationsFor(costs, this.batch, this.context, LONGEST_PS) - 1);
      this.plan = PLAN.jump;
      this.jump(k);
    } else {
      this.plan = PLAN.idle;
      this.endUs = Infinity;
    }
  }

  private jump(k: number): void {
    this.count = k;
    this.until(spanOf(this.costs, this.batch, this.context, k));
  }

  private until(lastsPs: number): void {
    const ps = this.fromPs + lastsPs;
    const us = Math.floor(ps / PS_PER_US);
    this.endUs = this.fromUs + us;
    this.endPs = ps - us * PS_PER_US;
  }

  // --- the line ------------------------------------------------------------------------------------------------

  /** Whether the boundary in the middle of this jump at which it would be looked at might admit it. */
  private couldAdmit(slot: number): boolean {
    if (this.admitted.count >= this.settings.maxSequences) return false;
    if (this.settings.chunkedPrefill && this.batch >= this.settings.maxTokens) return false;
    if (this.kv.neededFor(slot, this.kv.hitsOf(slot)) <= this.kv.available && this.isPromised(slot)) return true;
    this.requests.marks[slot] |= MARK.kvPressure;
    return false;
  }

  private admit(slot: number, hits: number): void {
    const { requests } = this;
    this.line.leave();
    this.enter(slot);
    this.kv.admit(slot, hits);
    if (requests.admittedUs[slot] < 0) {
      requests.admittedUs[slot] = this.now();
      requests.hitTokens[slot] = requests.done[slot];
    }
  }

  /** Requests that another replica has prefilled join the batch, as long as their blocks and the running ones' fit. */
  private joinHandedOver(): void {
    const { requests, settings, kv, line } = this;
    while (line.length > 0 && this.admitted.count < settings.maxSequences) {
      const slot = line.first();
      if (requests.done[slot] === 0) return;
      const blocks = kv.of(requests.target[slot] + 1);
      if (blocks > kv.available - kv.needed(this.batch, this.step, 1) || !this.isPromised(slot)) {
        requests.marks[slot] |= MARK.kvPressure;
        return;
      }
      line.leave();
      this.enter(slot);
      kv.take(kv.of(requests.target[slot]));
      this.joinBatch(slot);
    }
  }

  /** The newest sequence gives its blocks back and goes to the front of the line, to be computed again from the start. */
  private preempt(): void {
    const { requests } = this;
    const slot = this.admitted.newest;
    this.preempted++;
    requests.preemptions[slot]++;
    requests.marks[slot] |= MARK.kvPressure;
    this.release(slot);
    if (slot === this.partial) this.partial = -1;
    else {
      const generated = requests.generated[slot] + this.step - requests.joinStep[slot];
      this.leaveBatch(slot);
      this.heap.remove(slot);
      requests.generated[slot] = generated;
      requests.target[slot] = requests.prompt[slot] + generated;
      requests.interruptedUs[slot] = this.now();
    }
    requests.done[slot] = 0;
    requests.shared[slot] = 0;
    this.exit(slot);
    this.line.comeBack(slot);
  }

  // --- the batch -----------------------------------------------------------------------------------------------

  private joinBatch(slot: number): void {
    const { requests, step } = this;
    const stored = requests.target[slot];
    this.batch++;
    this.context += stored;
    this.kv.count(stored, step, 1);
    requests.joinStep[slot] = step;
    requests.finishStep[slot] = step + requests.output[slot] - requests.generated[slot];
    this.heap.push(slot);
  }

  private leaveBatch(slot: number): void {
    const { requests } = this;
    this.batch--;
    this.context -= this.storedTokens(slot);
    this.kv.count(requests.target[slot], requests.joinStep[slot], -1);
  }

  /** Tokens of a decoding sequence in the cache. */
  private storedTokens(slot: number): number {
    return this.requests.target[slot] + this.step - this.requests.joinStep[slot];
  }

  private enter(slot: number): void {
    this.admitted.add(slot);
    this.kv.promised += this.kv.atEnd(slot);
  }

  private exit(slot: number): void {
    this.admitted.remove(slot);
    this.kv.promised -= this.kv.atEnd(slot);
  }

  // --- KV blocks -----------------------------------------------------------------------------------------------

  /** Where outputs are reserved for: whether it fits beside all that the running ones will come to hold. */
  private isPromised(slot: number): boolean {
    return !this.settings.reserveOutput || this.kv.promised + this.kv.atEnd(slot) <= this.settings.blocks;
  }

  /** Tokens that it has room for in the cache. A prompt of one token of output never joins the batch. */
  private heldTokens(slot: number): number {
    const { requests } = this;
    const decodes = requests.done[slot] >= requests.target[slot] && requests.generated[slot] < requests.output[slot];
    return decodes ? this.storedTokens(slot) : requests.target[slot];
  }

  private release(slot: number): void {
    this.kv.release(slot, this.heldTokens(slot));
  }
}
