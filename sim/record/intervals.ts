/**
 * Intervals of time with a few integers each, in columns, in a bounded amount of memory: when the table is full, the
 * shortest ones go, which at the scale of such a run are thinner than anything that could be drawn.
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
  /** Shorter ones are no longer kept, µs. */
  shortestUs = 0;
  start = new Float64Array(256);
  end = new Float64Array(256);
  values: Int32Array[];
  private readonly most: number;

  /** `width`: integers of each interval. */
  constructor(width: number, most = MOST_INTERVALS) {
    this.values = Array.from({ length: width }, () => new Int32Array(256));
    this.most = most;
  }

  add(start: number, end: number, ...values: number[]): void {
    if (end - start < this.shortestUs) {
      this.dropped++;
      return;
    }
    if (this.count === this.most) this.thin();
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

  /** The longer half stays, in its order. */
  private thin(): void {
    const lengths = new Float64Array(this.count);
    for (let i = 0; i < this.count; i++) lengths[i] = this.end[i] - this.start[i];
    lengths.sort();
    this.shortestUs = Math.max(1, lengths[this.count >> 1] + 1);
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.end[i] - this.start[i] < this.shortestUs) continue;
      this.start[kept] = this.start[i];
      this.end[kept] = this.end[i];
      for (const column of this.values) column[kept] = column[i];
      kept++;
    }
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
