/**
 * Which replica gets a request.
 *
 * What a router knows of itself is fresh: whose turn it is, how many of the requests it has sent to a replica are not
 * answered yet, which prompts it has sent where. What replicas report is as old as the last scrape.
 */
import type { LoadReports } from './load-reports.ts';
import type { Replica } from './replica.ts';

export const ROUTINGS = ['round-robin', 'least-outstanding', 'reported-load', 'prefix-aware'] as const;
export type Routing = (typeof ROUTINGS)[number];

/**
 * Prefix-aware routing takes the replica with most of the prompt in its cache, unless that one has so many requests more
 * than the least busy one: then the cache is not worth the wait. (vLLM's and Dynamo's routers weigh the same two.)
 */
export const PREFIX_SLACK = 8;

export class Router {
  /** The replica that fresh counts would have chosen; equal to the choice unless reports are out of date. */
  fresh = 0;
  private turn = 0;
  private readonly among: readonly Replica[];
  private readonly reports: LoadReports;
  private readonly routing: Routing;
  /** Replicas it routes to: from this one, up to that one. */
  private readonly from: number;
  private readonly to: number;

  constructor(replicas: readonly Replica[], reports: LoadReports, routing: Routing, from = 0, to = replicas.length) {
    this.among = replicas;
    this.reports = reports;
    this.routing = routing;
    this.from = from;
    this.to = to;
  }

  /** No replica is up, or known to come up. */
  get closed(): boolean {
    for (let r = this.from; r < this.to; r++) if (this.among[r].readyUs !== Infinity) return false;
    return true;
  }

  /** Number of the replica. */
  choose(slot: number, us: number): number {
    const { among, routing, from, to } = this;
    if (routing === 'round-robin') {
      this.fresh = from + this.turn;
      this.turn = (this.turn + 1) % (to - from);
      if (us < among[this.fresh].readyUs) this.fresh = this.least(us, from, (r) => among[r].outstanding);
      return this.fresh;
    }
    for (let r = from; r < to; r++) among[r].advance(us);
    const least = this.least(us, from, (r) => among[r].outstanding);
    this.fresh = least;
    if (routing === 'least-outstanding') return least;
    if (routing === 'prefix-aware') {
      this.fresh = this.withPrefix(slot, us, least);
      return this.fresh;
    }
    // Among equals it takes turns: else all that come until the next scrape would go to one.
    const { outstanding } = this.reports;
    const chosen = this.least(us, from + this.turn, (r) => outstanding[r]);
    this.turn = (chosen - from + 1) % (to - from);
    if (among[chosen].outstanding === among[least].outstanding) this.fresh = chosen;
    return chosen;
  }

  /** The replica with the fewest requests, among those that are up if any is; of equals the first from `first` on. */
  private least(us: number, first: number, requests: (r: number) => number): number {
    const { among, from, to } = this;
    let best = -1;
    let fewest = Infinity;
    let soonest = from;
    for (let i = from; i < to; i++) {
      if (among[i].readyUs < among[soonest].readyUs) soonest = i;
      const r = first + i - from < to ? first + i - from : first + i - to;
      if (us < among[r].readyUs) continue;
      const n = requests(r);
      if (n < fewest) {
        fewest = n;
        best = r;
      }
    }
    return best < 0 ? soonest : best;
  }

  private withPrefix(slot: number, us: number, least: number): number {
    const { among, from, to } = this;
    let best = least;
    let most = 0;
    for (let r = from; r < to; r++) {
      const { readyUs, outstanding } = among[r];
      if (us < readyUs || outstanding > among[least].outstanding + PREFIX_SLACK) continue;
      const tokens = among[r].cachedTokens(slot);
      if (tokens > most || (tokens === most && tokens > 0 && outstanding < among[best].outstanding)) {
        most = tokens;
        best = r;
      }
    }
    return best;
  }
}
