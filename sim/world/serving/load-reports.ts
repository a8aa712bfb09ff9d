/**
 * What replicas report of their load (`vllm:num_requests_running` and `…_waiting`), as it was scraped last. No event is
 * spent on a scrape: it is made up for before anything changes or anybody reads.
 */
import type { Replica } from './replica.ts';

export class LoadReports {
  /** By replica: requests running and waiting. */
  readonly outstanding: Int32Array;
  private nextUs = 0;
  private readonly among: readonly Replica[];
  private readonly periodUs: number;

  /** `periodUs`: time between scrapes, at multiples of it; 0 = always fresh, Infinity = nobody reads them. */
  constructor(replicas: readonly Replica[], periodUs: number) {
    this.among = replicas;
    this.periodUs = periodUs;
    this.outstanding = new Int32Array(replicas.length);
  }

  /** Scrapes that are due by `us`, before what happens then. */
  upTo(us: number): void {
    const { among, periodUs } = this;
    if (us < this.nextUs || us === Infinity || periodUs === Infinity) return;
    const at = periodUs === 0 ? us : us - (us % periodUs);
    for (let r = 0; r < among.length; r++) {
      among[r].advance(at);
      this.outstanding[r] = among[r].outstanding;
    }
    this.nextUs = periodUs === 0 ? us : at + periodUs;
  }
}
