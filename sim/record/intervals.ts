/**
 * Intervals of time with a few integers each, in columns, in a bounded amount of memory: when the table is full, the
 * shorter half goes, which at the scale of such a run is thinner than anything that could be drawn. Of those that are
 * equally long, such as moments, every second one goes, evenly over the run.
 */

/** Intervals of 36 bytes each that a table keeps at most unless told otherwise: about 75 MB. */
export const MOST_INTERVALS = 2 ** 21;

export interface IntervalColumns {
  count: number;
  /** µs. */
  start: Float64Array;
  end: Float64Array;
  values: Int32Array[];
  /** Left out, and the length below which they were, µs. */
  dropped: number;
  shortestUs: number;
}

export class Intervals {
  count = 0;
  dropped = 0;
  /** Shorter ones are no longer kept, µs; of those just as long, one of so many. */
  shortestUs = 0;
  private oneOf = 1;
  private asLong = 0;
  start = new Float64Array(256);
  end = new Float64Array(256);
  values: Int32Array[];
  private readonly most: number;

  /** `width`: integers of each interval. Where only one might be kept, none is. */
  constructor(width: number, most = MOST_INTERVALS) {
    this.values = Array.from({ length: width }, () => new Int32Array(256));
    this.most = most;
  }

  add(start: number, end: number, ...values: number[]): void {
    if (this.most < 2) {
      this.dropped++;
      return;
    }
    if (this.count === this.most) this.thin();
    const length = end - start;
    if (length < this.shortestUs || (length === this.shortestUs && this.asLong++ % this.oneOf > 0)) {
      this.dropped++;
      return;
    }
    if (this.count === this.start.length) this.grow();
    const at = this.count++;
    this.start[at] = start;
    this.end[at] = end;
    for (let k = 0; k < this.values.length; k++) this.values[k][at] = values[k];
  }

  /** Copies of no more than what is used. */
  columns(): IntervalColumns {
    const { count, dropped, shortestUs } = this;
    return {
      count,
      start: this.start.slice(0, count),
      end: this.end.slice(0, count),
      values: this.values.map((column) => column.slice(0, count)),
      dropped,
      shortestUs,
    };
  }

  /** The longer half stays, in its order; of those of median length the first, the third and so on. */
  private thin(): void {
    const lengths = new Float64Array(this.count);
    for (let i = 0; i < this.count; i++) lengths[i] = this.end[i] - this.start[i];
    lengths.sort();
    const median = lengths[this.count >> 1];
    let kept = 0;
    let asLong = 0;
    for (let i = 0; i < this.count; i++) {
      const length = this.end[i] - this.start[i];
      if (length < median || (length === median && asLong++ % 2 > 0)) continue;
      this.start[kept] = this.start[i];
      this.end[kept] = this.end[i];
      for (const column of this.values) column[kept] = column[i];
      kept++;
    }
    // All of the median's length that there were are among those counted now, unless they were thinned out before.
    const again = median === this.shortestUs;
    if (!again) this.asLong = asLong;
    this.oneOf = again ? 2 * this.oneOf : 2;
    this.shortestUs = median;
    this.dropped += this.count - kept;
    this.count = kept;
  }

  private grow(): void {
    const length = Math.min(this.most, 2 * this.start.length);
    const wider = (column: Float64Array) => {
      const to = new Float64Array(length);
      to.set(column);
      return to;
    };
    this.start = wider(this.start);
    this.end = wider(this.end);
    this.values = this.values.map((column) => {
      const to = new Int32Array(length);
      to.set(column);
      return to;
    });
  }
}
