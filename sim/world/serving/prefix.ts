/**
 * The prefix cache of one replica: whole blocks of prompt tokens by hash, each hash standing for all tokens before it
 * too. A block that no request holds stays until its room is wanted; the one unused for longest goes first (vLLM's
 * automatic prefix caching).
 */
export class PrefixCache {
  /** Entries in all, and those that nobody holds. */
  entries = 0;
  idle = 0;
  private readonly byHash = new Map<number, number>();
  private hash = new Float64Array(16);
  private holders = new Int32Array(16);
  /** Idle entries in a ring, longest unused first; entry 0 is the ring's anchor. */
  private next = new Int32Array(16);
  private prev = new Int32Array(16);
  private readonly free: number[] = [];
  private used = 1;

  /** How many of the first `limit` hashes are here, in a row from the first on. */
  hits(hashes: readonly number[], limit: number): number {
    let n = 0;
    while (n < limit && this.byHash.has(hashes[n])) n++;
    return n;
  }

  /** How many of the first `n`, all of which are here, nobody holds. */
  idleAmong(hashes: readonly number[], n: number): number {
    let idle = 0;
    for (let i = 0; i < n; i++) if (this.holders[this.byHash.get(hashes[i]) as number] === 0) idle++;
    return idle;
  }

  has(hash: number): boolean {
    return this.byHash.has(hash);
  }

  /** One more request holds this entry, which is here. */
  hold(hash: number): void {
    const e = this.byHash.get(hash) as number;
    if (this.holders[e]++ === 0) {
      this.next[this.prev[e]] = this.next[e];
      this.prev[this.next[e]] = this.prev[e];
      this.idle--;
    }
  }

  /** A new entry, held once. */
  add(hash: number): void {
    const e = this.free.pop() ?? this.used++;
    if (e >= this.hash.length) this.grow();
    this.byHash.set(hash, e);
    this.hash[e] = hash;
    this.holders[e] = 1;
    this.entries++;
  }

  /** One request fewer holds it; the last one leaves it idle, as the one used most recently. */
  release(hash: number): void {
    const e = this.byHash.get(hash) as number;
    if (--this.holders[e] > 0) return;
    const last = this.prev[0];
    this.next[last] = e;
    this.prev[e] = last;
    this.next[e] = 0;
    this.prev[0] = e;
    this.idle++;
  }

  /** Forgets the entry that has been idle for longest. */
  evict(): void {
    const e = this.next[0];
    this.next[0] = this.next[e];
    this.prev[this.next[e]] = 0;
    this.byHash.delete(this.hash[e]);
    this.free.push(e);
    this.idle--;
    this.entries--;
  }

  clear(): void {
    this.byHash.clear();
    this.free.length = 0;
    this.used = 1;
    this.next[0] = this.prev[0] = 0;
    this.entries = this.idle = 0;
  }

  private grow(): void {
    const n = 2 * this.hash.length;
    const hash = new Float64Array(n);
    hash.set(this.hash);
    this.hash = hash;
    const int = (old: Int32Array) => {
      const wider = new Int32Array(n);
      wider.set(old);
      return wider;
    };
    this.holders = int(this.holders);
    this.next = int(this.next);
    this.prev = int(this.prev);
  }
}
