/** Which replica gets a request. */
import type { Replica } from './replica.ts';

export const ROUTINGS = ['round-robin', 'least-outstanding', 'prefix-aware'] as const;
export type Routing = (typeof ROUTINGS)[number];

/**
 * Prefix-aware routing takes the replica with most of the prompt in its cache, unless that one has so many requests more
 * than the least busy one: then the cache is not worth the wait. (vLLM's and Dynamo's routers weigh the same two.)
 */
export const PREFIX_SLACK = 8;

export class Router {
  /** The replica that fresh counts would have chosen; equal to the choice unless counts are out of date. */
  fresh = 0;
  private turn = 0;
  private readonly seen: Int32Array;
  private nextLookUs = 0;
  private readonly among: readonly Replica[];
  private readonly routing: Routing;
  private readonly periodUs: number;

  /** `periodUs`: how often the counts of outstanding requests are read; 0 = at every request. */
  constructor(replicas: readonly Replica[], routing: Routing, periodUs: number) {
    this.among = replicas;
    this.routing = routing;
    this.periodUs = periodUs;
    this.seen = new Int32Array(replicas.length);
  }

  /** No replica is up, or known to come up. */
  get closed(): boolean {
    return this.among.every(({ readyUs }) => readyUs === Infinity);
  }

  /** All replicas whose counts matter have advanced to `us`. */
  choose(slot: number, us: number): number {
    const { among: replicas, seen } = this;
    if (this.routing === 'round-robin') {
      this.fresh = this.turn;
      this.turn = (this.turn + 1) % replicas.length;
      if (us < replicas[this.fresh].readyUs) this.fresh = this.least(us, false);
      return this.fresh;
    }
    for (const replica of replicas) replica.advance(us);
    if (us >= this.nextLookUs) {
      for (let r = 0; r < replicas.length; r++) seen[r] = replicas[r].outstanding;
      this.nextLookUs = this.periodUs === 0 ? us : us - (us % this.periodUs) + this.periodUs;
    }
    const least = this.least(us, true);
    this.fresh = this.periodUs === 0 ? least : this.least(us, false);
    if (this.periodUs > 0 && replicas[least].outstanding === replicas[this.fresh].outstanding) this.fresh = least;
    if (this.routing === 'least-outstanding') return least;
    let best = least;
    let most = 0;
    for (let r = 0; r < replicas.length; r++) {
      if (us < replicas[r].readyUs || seen[r] > seen[least] + PREFIX_SLACK) continue;
      const tokens = replicas[r].cachedTokens(slot);
      if (tokens > most || (tokens === most && tokens > 0 && seen[r] < seen[best])) {
        most = tokens;
        best = r;
      }
    }
    this.fresh = best;
    return best;
  }

  /** The replica with the fewest requests, among those that are up if any is; the lowest number among equals. */
  private least(us: number, asSeen: boolean): number {
    const { among: replicas, seen } = this;
    let best = -1;
    let fewest = Infinity;
    let soonest = 0;
    for (let r = 0; r < replicas.length; r++) {
      if (replicas[r].readyUs < replicas[soonest].readyUs) soonest = r;
      if (us < replicas[r].readyUs) continue;
      const n = asSeen ? seen[r] : replicas[r].outstanding;
      if (n < fewest) {
        fewest = n;
        best = r;
      }
    }
    return best < 0 ? soonest : best;
  }
}
