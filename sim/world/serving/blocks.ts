/**
 * The KV cache of a replica in paged blocks (vLLM, arXiv 2309.06180): who holds how many, which of a prompt's are shared
 * through the prefix cache, and how many the decoding sequences will need.
 */
import { PrefixCache } from './prefix.ts';
import type { Requests } from './requests.ts';

export interface BlockSettings {
  /** Tokens of a KV block; vLLM: 16. */
  blockTokens: number;
  /** KV blocks in all. */
  blocks: number;
  /** Tokens that one hash stands for, a multiple of `blockTokens`; 0 = no prefix cache. */
  prefixTokens: number;
}

export class KvBlocks {
  readonly cache = new PrefixCache();
  /** Blocks that hold nothing. */
  free: number;
  /** Blocks that the running requests will hold at their ends, shared ones counted for each. */
  promised = 0;
  /** Blocks of an entry of the prefix cache. */
  readonly perEntry: number;
  /** Decoding sequences whose length is r modulo the block size when the step is 0 modulo it, by r. */
  private readonly phase: Int32Array;
  private readonly settings: BlockSettings;
  private readonly requests: Requests;

  constructor(settings: BlockSettings, requests: Requests) {
    const { blockTokens, blocks, prefixTokens } = settings;
    if (prefixTokens % blockTokens !== 0)
      throw new Error(`hashes stand for ${prefixTokens} tokens, which is no multiple of the block of ${blockTokens}`);
    this.settings = settings;
    this.requests = requests;
    this.perEntry = prefixTokens / blockTokens;
    this.free = blocks;
    this.phase = new Int32Array(blockTokens);
  }

  /** Blocks that could be had: free ones, and those of the prefix cache that nobody holds. */
  get available(): number {
    return this.free + this.perEntry * this.cache.idle;
  }

  of(tokens: number): number {
    return Math.ceil(tokens / this.settings.blockTokens);
  }

  /** Blocks that it will hold when its last token is out. */
  atEnd(slot: number): number {
    return this.of(this.requests.prompt[slot] + this.requests.output[slot] - 1);
  }

  take(blocks: number): void {
    this.free -= blocks;
    while (this.free < 0) {
      this.cache.evict();
      this.free += this.perEntry;
    }
  }

  /** All contents are lost. */
  clear(): void {
    this.phase.fill(0);
    this.cache.clear();
    this.free = this.settings.blocks;
    this.promised = 0;
  }

  // --- the prefix cache ----------------------------------------------------------------------------------------------

  /** Leading whole entries of its prompt in the cache; at least one token is left to compute. */
  hitsOf(slot: number): number {
    const { requests, settings } = this;
    const hashes = requests.hashes[slot];
    if (hashes === null || settings.prefixTokens === 0) return 0;
    const most = Math.floor((requests.target[slot] - 1) / settings.prefixTokens);
    return this.cache.hits(hashes, Math.min(this.wholeHashes(slot), most));
  }

  /** Blocks to be found for its admission, among them those of its hits that are idle now. */
  neededFor(slot: number, hits: number): number {
    const own = this.of(this.requests.target[slot]) - hits * this.perEntry;
    if (hits === 0) return own;
    return own + this.perEntry * this.cache.idleAmong(this.requests.hashes[slot] as readonly number[], hits);
  }

  /** It holds its hits and takes the rest of what its prompt needs. */
  admit(slot: number, hits: number): void {
    const { requests } = this;
    const hashes = requests.hashes[slot];
    for (let i = 0; i < hits; i++) this.cache.hold((hashes as readonly number[])[i]);
    this.take(this.of(requests.target[slot]) - hits * this.perEntry);
    requests.shared[slot] = hits;
    requests.done[slot] = hits * this.settings.prefixTokens;
  }

  /** The whole blocks of its prompt can be found by others from now on. */
  register(slot: number): void {
    const { requests, cache, settings } = this;
    const hashes = requests.hashes[slot];
    if (hashes === null || settings.prefixTokens === 0) return;
    const whole = this.wholeHashes(slot);
    for (let i = requests.shared[slot]; i < whole; i++) {
      if (cache.has(hashes[i])) {
        // Somebody computed the same at the same time: one copy is enough.
        cache.hold(hashes[i]);
        this.free += this.perEntry;
      } else cache.add(hashes[i]);
    }
    requests.shared[slot] = Math.max(requests.shared[slot], whole);
  }

  /** It holds so many tokens and gives all of them up. */
  release(slot: number, tokens: number): void {
    const { requests, cache } = this;
    this.free += this.heldAlone(slot, tokens);
    const hashes = requests.hashes[slot];
    // The end of a prompt is the least likely to be wanted again: it goes first.
    for (let i = requests.shared[slot] - 1; i >= 0; i--) cache.release((hashes as readonly number[])[i]);
    requests.shared[slot] = 0;
  }

  /** Blocks held by a request of so many tokens alone. */
  heldAlone(slot: number, tokens: number): number {
    return this.of(tokens) - this.requests.shared[slot] * this.perEntry;
  }

  private wholeHashes(slot: number): number {
    const hashes = this.requests.hashes[slot] as readonly number[];
    return Math.min(hashes.length, Math.floor(this.requests.prompt[slot] / this.settings.prefixTokens));
  }

  // --- what decoding will need ----------------------------------------------------------------------------------------

  /** A sequence that holds `tokens` tokens at step `step` begins (+1) or ceases (−1) to decode. */
  count(tokens: number, step: number, by: 1 | -1): void {
    this.phase[modulo(tokens - step, this.phase.length)] += by;
  }

  /** Blocks that the next `k` iterations of `batch` sequences take: a sequence needs one when its last is full. */
  needed(batch: number, step: number, k: number): number {
    const n = this.phase.length;
    const rounds = Math.floor(k / n);
    let blocks = rounds * batch;
    for (let i = 0; i < k - rounds * n; i++) blocks += this.phase[modulo(-(step + i), n)];
    return blocks;
  }

  /** The most iterations, up to `limit`, that the blocks to be had suffice for. */
  iterationsWithin(batch: number, step: number, limit: number): number {
    if (batch === 0) return limit;
    const blocks = this.available;
    const n = this.phase.length;
    let k = Math.floor(blocks / batch) * n;
    if (k >= limit) return limit;
    let left = blocks - (k / n) * batch;
    while (k < limit) {
      left -= this.phase[modulo(-(step + k), n)];
      if (left < 0) break;
      k++;
    }
    return k;
  }
}

const modulo = (x: number, n: number) => {
  const r = x % n;
  return r < 0 ? r + n : r;
};
