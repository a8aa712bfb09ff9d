/**
 * What a replica does until something changes: iterations in runs, in each of which every iteration takes as much longer
 * than the one before. A decoding batch is one such run (of a measured table one for each of its straight lines), each
 * part of a prompt is a run of one. Times are whole picoseconds, exact below 2⁵³.
 */
export class Plan {
  /** Of all runs: iterations, and how long they take. */
  iterations = 0;
  spanPs = 0;
  /** By run: iterations, time of the first, and what each next one takes longer. */
  readonly counts: number[] = [];
  readonly firstPs: number[] = [];
  readonly growthPs: number[] = [];

  clear(): void {
    this.iterations = this.spanPs = 0;
    this.counts.length = this.firstPs.length = this.growthPs.length = 0;
  }

  add(count: number, firstPs: number, growthPs: number): void {
    this.counts.push(count);
    this.firstPs.push(firstPs);
    this.growthPs.push(growthPs);
    this.iterations += count;
    this.spanPs += spanOf(count, firstPs, growthPs);
  }

  /** Time of the last run, ps. */
  get lastPs(): number {
    const run = this.counts.length - 1;
    return spanOf(this.counts[run], this.firstPs[run], this.growthPs[run]);
  }

  /** Its last run, which is of one iteration, takes so long. */
  setLast(firstPs: number): void {
    const run = this.counts.length - 1;
    this.spanPs += firstPs - this.firstPs[run];
    this.firstPs[run] = firstPs;
  }

  /** The fewest iterations, at least one, that take at least `ps`; all of them where they take less. */
  reaching(ps: number): number {
    let before = 0;
    let left = ps;
    for (let run = 0; run < this.counts.length; run++) {
      const span = spanOf(this.counts[run], this.firstPs[run], this.growthPs[run]);
      if (span >= left) return before + iterationsFor(this.firstPs[run], this.growthPs[run], left);
      before += this.counts[run];
      left -= span;
    }
    return before;
  }

  /** Only the first `k` of its iterations. */
  shorten(k: number): void {
    const { counts, firstPs, growthPs } = this;
    let runs = 0;
    this.iterations = this.spanPs = 0;
    while (this.iterations < k) {
      counts[runs] = Math.min(counts[runs], k - this.iterations);
      this.iterations += counts[runs];
      this.spanPs += spanOf(counts[runs], firstPs[runs], growthPs[runs]);
      runs++;
    }
    counts.length = firstPs.length = growthPs.length = runs;
  }
}

/** `k` iterations of which the first takes `first` and each next one `growth` more. */
export function spanOf(k: number, first: number, growth: number): number {
  return k * first + growth * ((k * (k - 1)) / 2);
}

/** The fewest of them, at least one, that take at least `ps`. */
export function iterationsFor(first: number, growth: number, ps: number): number {
  if (ps <= first) return 1;
  const q = first - growth / 2;
  let k = Math.max(1, Math.floor((2 * ps) / (q + Math.sqrt(q * q + 2 * growth * ps))));
  while (spanOf(k, first, growth) < ps) k++;
  while (k > 1 && spanOf(k - 1, first, growth) >= ps) k--;
  return k;
}
