/** What a set of durations looks like: exact quantiles, not estimates. */

export interface Distribution {
  count: number;
  /** null where there is nothing to take it of. */
  mean: number | null;
  p50: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

/** The smallest value that at least `q` of the ascending values do not exceed (nearest rank); null of none. */
export function nearestRank(ascending: ArrayLike<number>, q: number): number | null {
  if (ascending.length === 0) return null;
  // The small step back undoes the rounding of q × n, where 0.95 × 20 would be a hair above 19.
  return ascending[Math.max(0, Math.ceil(q * ascending.length - 1e-9) - 1)];
}

export function distribution(values: Iterable<number>): Distribution {
  const ascending = Float64Array.from(values).sort();
  const rank = (q: number) => nearestRank(ascending, q);
  const mean = ascending.length === 0 ? null : ascending.reduce((sum, value) => sum + value, 0) / ascending.length;
  return {
    count: ascending.length,
    mean,
    p50: rank(0.5),
    p90: rank(0.9),
    p95: rank(0.95),
    p99: rank(0.99),
    max: rank(1),
  };
}
