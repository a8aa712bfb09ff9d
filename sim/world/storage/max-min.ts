/**
 * Max-min fair shares by progressive filling (Bertsekas and Gallager, Data Networks, §6.5.2): the rates of all streams
 * rise together; where a link is full its streams stop rising; the others go on.
 *
 * Rates are whole bytes per second, rounded down, so that what moves in a whole number of µs is a whole number of
 * millionths of a byte.
 */

/** A transfer over `streams` nodes that each carry the same part of it; a node is one client, as in Lustre. */
export interface Demand {
  streams: number;
  /** Links that each of its streams crosses, by number. */
  own: readonly number[];
  /** Links that all of its streams cross together. */
  common: readonly number[];
}

/** Bytes per second of one stream of each demand. `capacity[link]` may be Infinity. */
export function maxMinRates(demands: readonly Demand[], capacity: readonly number[]): number[] {
  const rates = demands.map(() => Infinity);
  const left = [...capacity];
  /** Streams that still rise, by link. */
  const rising = capacity.map(() => 0);
  const on: number[][] = capacity.map(() => []);
  demands.forEach(({ streams, own, common }, d) => {
    for (const link of own) {
      rising[link]++;
      on[link].push(d);
    }
    for (const link of common) {
      rising[link] += streams;
      on[link].push(d);
    }
  });
  for (;;) {
    let tightest = -1;
    let share = Infinity;
    for (let link = 0; link < left.length; link++) {
      if (rising[link] === 0) continue;
      const each = left[link] / rising[link];
      if (each < share) {
        share = each;
        tightest = link;
      }
    }
    if (tightest < 0) return rates;
    const rate = Math.max(0, Math.floor(share));
    for (const d of on[tightest]) {
      if (rates[d] !== Infinity) continue;
      rates[d] = rate;
      const { streams, own, common } = demands[d];
      for (const link of own) {
        rising[link]--;
        left[link] -= rate;
      }
      for (const link of common) {
        rising[link] -= streams;
        left[link] -= rate * streams;
      }
    }
  }
}
