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
import { type CostModel, iterationsFor, type Line, PS_PER_US, spanOf } from './cost.ts';
import { PrefixCache } from './prefix.ts';
import { MARK, type Requests } from './requests.ts';

export interface ReplicaSettings {
  cost: CostModel;
  /** Tokens of a KV block; vLLM: 16. */
  blockTokens: number;
  /** KV blocks in all. */
  blocks: number;
  /** Tokens (decodes count one) and sequences of an iteration. */
  maxTokens: number;
  maxSequences: number;
  /** Prompts are cut to what the running decodes leave of an iteration; without it whole prompts hold up the decodes. */
  chunkedPrefill: boolean;
  /**
   * Whether a request is admitted only if its output will fit too, as TensorRT-LLM's scheduler does unless told
   * otherwise (GUARANTEED_NO_EVICT); vLLM admits by the prompt and preempts when blocks run out.
   */
  reserveOutput: boolean;
  /** Tokens that one hash stands for, a multiple of `blockTokens`; 0 = no prefix cache. */
  prefixTokens: number;
}

/** What a replica tells while it advances. Times in µs, rounded up from picoseconds. */
export interface ReplicaListener {
  firstToken(slot: number, us: number): void;
  /** All tokens are out; the slot is the listener's again. */
  finished(slot: number, us: number): void;
  /**
   * `iterations` iterations from `fromUs` to `toUs` gave a token to each of `batch` sequences: the first after
   * `firstPs`, each next one `growthPs` later than its predecessor took.
   */
  decoded(
    fromUs: number,
    toUs: number,
    iterations: number,
    batch: number,
    firstPs: number,
    growthPs: number,
    prompts: number,
  ): void;
  /** A sequence that had lost its place has its next token, so long after the one before. */
  resumed(slot: number, gapUs: number): void;
}

const PLAN = { idle: 0, kick: 1, jump: 2, mixed: 3 } as const;
/** Longest plan, ps: sums stay exact below 2⁵³. */
const LONGEST_PS = 4e15;

export class Replica {
  readonly settings: ReplicaSettings;
  readonly cache = new PrefixCache();
  /** Blocks that hold nothing. */
  freeBlocks: number;
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

  private readonly requests: Requests;
  private readonly listener: ReplicaListener;
  private readonly perEntry: number;
  /** Sequences whose length is r modulo the block size when the step is 0 modulo it, by r. */
  private readonly phase: Int32Array;
  private readonly line: Line = { a: 0, b: 0, until: 0 };
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
  private running = 0;
  /** Blocks that the running requests will hold at their ends, shared ones counted for each. */
  private promised = 0;
  private admissions = 0;
  private head = -1;
  private tail = -1;
  /** Waiting slots: those that lost their place at the front, last in first out, then the line. */
  private readonly returned: number[] = [];
  private queue: number[] = [];
  private lineHead = 0;
  /** Decoding slots by the step at which they are complete: a binary heap. */
  private readonly heap: number[] = [];

  constructor(settings: ReplicaSettings, requests: Requests, listener: ReplicaListener, readyUs = 0) {
    const { blockTokens, blocks, maxTokens, maxSequences, prefixTokens } = settings;
    const whole = { blockTokens, blocks, maxTokens, maxSequences };
    for (const [name, n] of Object.entries(whole))
      if (!(n >= 1) || Math.floor(n) !== n)
        throw new Error(`${name} of a replica must be a whole number above 0, got ${n}`);
    if (prefixTokens % blockTokens !== 0)
      throw new Error(`hashes stand for ${prefixTokens} tokens, which is no multiple of the block of ${blockTokens}`);
    this.settings = settings;
    this.requests = requests;
    this.listener = listener;
    this.perEntry = prefixTokens / blockTokens;
    this.freeBlocks = blocks;
    this.phase = new Int32Array(blockTokens);
    this.readyUs = readyUs;
  }

  /** End of what it is at, whole µs; Infinity when it has nothing to do. The end itself lies less than 1 µs later. */
  get nextUs(): number {
    return this.endUs;
  }

  get waiting(): number {
    return this.returned.length + this.queue.length - this.lineHead;
  }

  /** Blocks that could be had: free ones, and those of the prefix cache that nobody holds. */
  get availableBlocks(): number {
    return this.freeBlocks + this.perEntry * this.cache.idle;
  }

  /** Could it ever hold this request? */
  holds(prompt: number, output: number): boolean {
    return this.blocksOf(prompt + output - 1) <= this.settings.blocks;
  }

  /** Tokens of a prompt that are in its prefix cache. */
  cachedTokens(slot: number): number {
    return this.hitsOf(slot) * this.settings.prefixTokens;
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
    this.queue.push(slot);
    if (us < this.readyUs) requests.marks[slot] |= this.failed ? MARK.fault : MARK.coldStart;
    if (this.plan === PLAN.idle) {
      // Begins at the end of this microsecond's arrivals.
      this.plan = PLAN.kick;
      this.endUs = Math.max(us, this.readyUs);
      this.endPs = 0;
    } else if (this.plan === PLAN.jump && !stood && this.couldAdmit(slot)) {
      const ps = (us - this.fromUs) * PS_PER_US - this.fromPs;
      const k = iterationsFor(this.line, this.batch, this.context, ps);
      if (k < this.count) {
        this.cuts++;
        this.jump(k);
      }
    }
  }

  /** It goes down: all its requests, in the order in which they came to it; caches are lost. */
  fail(backUs: number): number[] {
    const { requests } = this;
    const lost: number[] = [];
    for (let slot = this.head; slot >= 0; slot = requests.next[slot]) lost.push(slot);
    while (this.returned.length > 0) lost.push(this.returned.pop() as number);
    lost.push(...this.queue.slice(this.lineHead));
    this.queue = [];
    this.lineHead = 0;
    this.heap.length = this.chunkSlots.length = this.chunkTokens.length = 0;
    this.phase.fill(0);
    this.cache.clear();
    this.freeBlocks = this.settings.blocks;
    this.batch = this.context = this.running = this.promised = this.outstanding = this.stalledPs = 0;
    this.head = this.tail = this.partial = -1;
    this.plan = PLAN.idle;
    this.endUs = Infinity;
    this.readyUs = backUs;
    this.failed = true;
    for (const slot of lost) {
      requests.restart(slot);
      requests.marks[slot] |= MARK.fault;
    }
    return lost;
  }

  /** Σ blocks held by requests themselves, not by the prefix cache: for checks. */
  privateBlocks(): number {
    const { requests } = this;
    let sum = 0;
    for (let slot = this.head; slot >= 0; slot = requests.next[slot]) sum += this.heldBlocks(slot);
    return sum;
  }

  // --- a plan ends ---------------------------------------------------------------------------------------------

  private finish(): void {
    const { plan, batch, count, line, listener } = this;
    const { fromUs, fromPs } = this;
    this.fromUs = this.endUs;
    this.fromPs = this.endPs;
    this.endUs = Infinity;
    if (plan === PLAN.kick) return;
    this.plans++;
    this.iterations += count;
    const now = this.now();
    if (plan === PLAN.jump) {
      this.take(this.blocksNeeded(count));
      const first = line.a + line.b * this.context + this.stalledPs;
      this.stalledPs = 0;
      listener.decoded(fromUs, now, count, batch, first, line.b * batch, 0);
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
    const { heap, requests } = this;
    while (heap.length > 0 && requests.finishStep[heap[0]] === this.step) {
      const slot = this.popHeap();
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
      this.register(slot);
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
    this.unlink(slot);
    this.outstanding--;
    this.listener.finished(slot, now);
  }

  // --- the next plan begins ------------------------------------------------------------------------------------

  private begin(): void {
    const { requests, settings, line } = this;
    this.joinHandedOver();
    let needed = this.blocksNeeded(1);
    let lostPlace = false;
    while (needed > this.availableBlocks) {
      this.preempt();
      lostPlace = true;
      needed = this.blocksNeeded(1);
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
    while (!lostPlace && budget > 0 && this.waiting > 0 && this.running < settings.maxSequences) {
      const slot = this.firstInLine();
      if (requests.done[slot] > 0) break; // handed over: joins at the beginning of an iteration
      const hits = this.hitsOf(slot);
      if (this.blocksFor(slot, hits) > this.availableBlocks - needed || !this.isPromised(slot)) {
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
      if (!this.decodesStall) this.take(needed);
      this.plan = PLAN.mixed;
      this.count = 1;
      const context = this.decodesStall ? 0 : this.context;
      this.until(settings.cost.mixed(batch, context, tokens, this.chunkSlots.length, chunks));
    } else if (this.batch > 0) {
      settings.cost.decode(this.batch, this.context, line);
      let k = requests.finishStep[this.heap[0]] - this.step;
      if (lostPlace) k = 1; // whoever lost its place may come back at the next iteration
      k = Math.min(k, this.iterationsWithin(this.availableBlocks, k));
      if (line.until !== Infinity) k = Math.min(k, Math.ceil((line.until - this.context) / this.batch));
      if (spanOf(line, this.batch, this.context, k) > LONGEST_PS)
        k = Math.max(1, iterationsFor(line, this.batch, this.context, LONGEST_PS) - 1);
      this.plan = PLAN.jump;
      this.jump(k);
    } else {
      this.plan = PLAN.idle;
      this.endUs = Infinity;
    }
  }

  private jump(k: number): void {
    this.count = k;
    this.until(spanOf(this.line, this.batch, this.context, k));
  }

  private until(lastsPs: number): void {
    const ps = this.fromPs + lastsPs;
    const us = Math.floor(ps / PS_PER_US);
    this.endUs = this.fromUs + us;
    this.endPs = ps - us * PS_PER_US;
  }

  // --- the line ------------------------------------------------------------------------------------------------

  private firstInLine(): number {
    const { returned } = this;
    return returned.length > 0 ? returned[returned.length - 1] : this.queue[this.lineHead];
  }

  private leaveLine(): void {
    if (this.returned.length > 0) {
      this.returned.pop();
      return;
    }
    if (++this.lineHead > 1024 && 2 * this.lineHead > this.queue.length) {
      this.queue = this.queue.slice(this.lineHead);
      this.lineHead = 0;
    }
  }

  /** Whether the boundary in the middle of this jump at which it would be looked at might admit it. */
  private couldAdmit(slot: number): boolean {
    if (this.running >= this.settings.maxSequences) return false;
    if (this.settings.chunkedPrefill && this.batch >= this.settings.maxTokens) return false;
    if (this.blocksFor(slot, this.hitsOf(slot)) <= this.availableBlocks && this.isPromised(slot)) return true;
    this.requests.marks[slot] |= MARK.kvPressure;
    return false;
  }

  private admit(slot: number, hits: number): void {
    const { requests, cache } = this;
    this.leaveLine();
    this.link(slot);
    const hashes = requests.hashes[slot];
    for (let i = 0; i < hits; i++) cache.hold((hashes as readonly number[])[i]);
    this.take(this.blocksOf(requests.target[slot]) - hits * this.perEntry);
    requests.shared[slot] = hits;
    requests.done[slot] = hits * this.settings.prefixTokens;
    if (requests.admittedUs[slot] < 0) {
      requests.admittedUs[slot] = this.now();
      requests.hitTokens[slot] = requests.done[slot];
    }
  }

  /** Requests that another replica has prefilled join the batch, as long as their blocks and the running ones' fit. */
  private joinHandedOver(): void {
    const { requests, settings } = this;
    while (this.waiting > 0 && this.running < settings.maxSequences) {
      const slot = this.firstInLine();
      if (requests.done[slot] === 0) return;
      const blocks = this.blocksOf(requests.target[slot] + 1);
      if (blocks > this.availableBlocks - this.blocksNeeded(1) || !this.isPromised(slot)) {
        requests.marks[slot] |= MARK.kvPressure;
        return;
      }
      this.leaveLine();
      this.link(slot);
      this.take(this.blocksOf(requests.target[slot]));
      this.joinBatch(slot);
    }
  }

  /** The newest sequence gives its blocks back and goes to the front of the line, to be computed again from the start. */
  private preempt(): void {
    const { requests } = this;
    const slot = this.tail;
    this.preempted++;
    requests.preemptions[slot]++;
    requests.marks[slot] |= MARK.kvPressure;
    this.release(slot);
    if (slot === this.partial) this.partial = -1;
    else {
      const generated = requests.generated[slot] + this.step - requests.joinStep[slot];
      this.leaveBatch(slot);
      this.leaveHeap(slot);
      requests.generated[slot] = generated;
      requests.target[slot] = requests.prompt[slot] + generated;
      requests.interruptedUs[slot] = this.now();
    }
    requests.done[slot] = 0;
    requests.shared[slot] = 0;
    this.unlink(slot);
    this.returned.push(slot);
  }

  // --- the batch -----------------------------------------------------------------------------------------------

  private joinBatch(slot: number): void {
    const { requests, phase, step } = this;
    const stored = requests.target[slot];
    this.batch++;
    this.context += stored;
    phase[modulo(stored - step, phase.length)]++;
    requests.joinStep[slot] = step;
    requests.finishStep[slot] = step + requests.output[slot] - requests.generated[slot];
    this.pushHeap(slot);
  }

  private leaveBatch(slot: number): void {
    const { requests, phase } = this;
    this.batch--;
    this.context -= this.storedTokens(slot);
    phase[modulo(requests.target[slot] - requests.joinStep[slot], phase.length)]--;
  }

  /** Tokens of a decoding sequence in the cache. */
  private storedTokens(slot: number): number {
    return this.requests.target[slot] + this.step - this.requests.joinStep[slot];
  }

  private link(slot: number): void {
    const { requests } = this;
    requests.order[slot] = this.admissions++;
    requests.prev[slot] = this.tail;
    requests.next[slot] = -1;
    if (this.tail >= 0) requests.next[this.tail] = slot;
    else this.head = slot;
    this.tail = slot;
    this.promised += this.blocksAtEnd(slot);
    this.running++;
  }

  private unlink(slot: number): void {
    const { next, prev } = this.requests;
    if (prev[slot] >= 0) next[prev[slot]] = next[slot];
    else this.head = next[slot];
    if (next[slot] >= 0) prev[next[slot]] = prev[slot];
    else this.tail = prev[slot];
    this.promised -= this.blocksAtEnd(slot);
    this.running--;
  }

  // --- KV blocks -----------------------------------------------------------------------------------------------

  private blocksOf(tokens: number): number {
    return Math.ceil(tokens / this.settings.blockTokens);
  }

  /** Leading whole blocks of the prompt in the cache; at least one token is left to compute. */
  private hitsOf(slot: number): number {
    const { requests, settings } = this;
    const hashes = requests.hashes[slot];
    if (hashes === null || settings.prefixTokens === 0) return 0;
    return this.cache.hits(hashes, Math.min(this.wholeHashes(slot), this.mostHits(slot)));
  }

  private mostHits(slot: number): number {
    return Math.floor((this.requests.target[slot] - 1) / this.settings.prefixTokens);
  }

  private wholeHashes(slot: number): number {
    const hashes = this.requests.hashes[slot] as readonly number[];
    return Math.min(hashes.length, Math.floor(this.requests.prompt[slot] / this.settings.prefixTokens));
  }

  /** Blocks to be found for its admission, among them those of its hits that are idle now. */
  private blocksFor(slot: number, hits: number): number {
    const own = this.blocksOf(this.requests.target[slot]) - hits * this.perEntry;
    if (hits === 0) return own;
    return own + this.perEntry * this.cache.idleAmong(this.requests.hashes[slot] as readonly number[], hits);
  }

  /** Blocks that it will hold when its last token is out. */
  private blocksAtEnd(slot: number): number {
    return this.blocksOf(this.requests.prompt[slot] + this.requests.output[slot] - 1);
  }

  /** Where outputs are reserved for: whether it fits beside all that the running ones will come to hold. */
  private isPromised(slot: number): boolean {
    return !this.settings.reserveOutput || this.promised + this.blocksAtEnd(slot) <= this.settings.blocks;
  }

  private take(blocks: number): void {
    this.freeBlocks -= blocks;
    while (this.freeBlocks < 0) {
      this.cache.evict();
      this.freeBlocks += this.perEntry;
    }
  }

  /** Blocks held by the request alone. */
  private heldBlocks(slot: number): number {
    const { requests } = this;
    const decoding = requests.done[slot] >= requests.target[slot];
    const tokens = decoding ? this.storedTokens(slot) : requests.target[slot];
    return this.blocksOf(tokens) - requests.shared[slot] * this.perEntry;
  }

  private release(slot: number): void {
    const { requests, cache } = this;
    const decoding = requests.done[slot] >= requests.target[slot] && this.isInBatch(slot);
    const tokens = decoding ? this.storedTokens(slot) : requests.target[slot];
    this.freeBlocks += this.blocksOf(tokens) - requests.shared[slot] * this.perEntry;
    const hashes = requests.hashes[slot];
    // The end of a prompt is the least likely to be wanted again: it goes first.
    for (let i = requests.shared[slot] - 1; i >= 0; i--) cache.release((hashes as readonly number[])[i]);
    requests.shared[slot] = 0;
  }

  /** A prompt of one token of output never joins the batch. */
  private isInBatch(slot: number): boolean {
    return this.requests.generated[slot] < this.requests.output[slot];
  }

  /** The whole blocks of its prompt can be found by others from now on. */
  private register(slot: number): void {
    const { requests, cache, settings } = this;
    const hashes = requests.hashes[slot];
    if (hashes === null || settings.prefixTokens === 0) return;
    const whole = this.wholeHashes(slot);
    for (let i = requests.shared[slot]; i < whole; i++) {
      if (cache.has(hashes[i])) {
        // Somebody computed the same at the same time: one copy is enough.
        cache.hold(hashes[i]);
        this.freeBlocks += this.perEntry;
      } else cache.add(hashes[i]);
    }
    requests.shared[slot] = Math.max(requests.shared[slot], whole);
  }

  /** Blocks that the next k decode iterations take: a sequence needs one when its last is full. */
  private blocksNeeded(k: number): number {
    const n = this.phase.length;
    const rounds = Math.floor(k / n);
    let blocks = rounds * this.batch;
    for (let i = 0; i < k - rounds * n; i++) blocks += this.phase[modulo(-(this.step + i), n)];
    return blocks;
  }

  /** The most iterations, up to `limit`, that take at most so many blocks. */
  private iterationsWithin(blocks: number, limit: number): number {
    if (this.batch === 0) return limit;
    const n = this.phase.length;
    let k = Math.floor(blocks / this.batch) * n;
    if (k >= limit) return limit;
    let left = blocks - (k / n) * this.batch;
    while (k < limit) {
      left -= this.phase[modulo(-(this.step + k), n)];
      if (left < 0) break;
      k++;
    }
    return k;
  }

  // --- the heap ------------------------------------------------------------------------------------------------

  private before(x: number, y: number): boolean {
    const { finishStep, order } = this.requests;
    return finishStep[x] < finishStep[y] || (finishStep[x] === finishStep[y] && order[x] < order[y]);
  }

  private pushHeap(slot: number): void {
    this.heap.push(slot);
    this.siftUp(this.heap.length - 1);
  }

  private popHeap(): number {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop() as number;
    if (heap.length > 0) {
      heap[0] = last;
      this.siftDown(0);
    }
    return top;
  }

  private leaveHeap(slot: number): void {
    const { heap } = this;
    const i = heap.indexOf(slot);
    const last = heap.pop() as number;
    if (i < heap.length) {
      heap[i] = last;
      this.siftUp(i);
      this.siftDown(i);
    }
  }

  private siftUp(i: number): void {
    const { heap } = this;
    const slot = heap[i];
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.before(slot, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = slot;
  }

  private siftDown(i: number): void {
    const { heap } = this;
    const slot = heap[i];
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.before(heap[child + 1], heap[child])) child++;
      if (!this.before(heap[child], slot)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = slot;
  }
}

const modulo = (x: number, n: number) => {
  const r = x % n;
  return r < 0 ? r + n : r;
};
