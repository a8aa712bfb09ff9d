/**
 * A mean from independent replications with its confidence interval, sharpened by control variates: averages from the
 * same replication whose true mean is known, and whose error therefore explains part of the figure's (Lavenberg and
 * Welch, Management Science 27, 1981).
 */

/** Two-sided 99.9 % quantiles of Student's t, by degrees of freedom; the next lower row is taken. */
const T_999: readonly (readonly [freedom: number, t: number])[] = [
  [10, 4.587],
  [12, 4.318],
  [14, 4.14],
  [16, 4.015],
  [18, 3.922],
  [20, 3.85],
  [22, 3.792],
  [24, 3.745],
  [26, 3.707],
  [28, 3.674],
  [30, 3.646],
  [40, 3.551],
  [60, 3.46],
  [120, 3.373],
];

export interface Estimate {
  mean: number;
  /** Of the 99.9 % confidence interval. */
  halfWidth: number;
}

/** `controls[r]`: how far each control of replication r is from its known mean. At least 10 more replications than controls. */
export function meanWithin(values: readonly number[], controls: readonly (readonly number[])[]): Estimate {
  const n = values.length;
  const q = controls[0]?.length ?? 0;
  const freedom = n - 1 - q;
  const t = T_999.findLast(([least]) => least <= freedom)?.[1];
  if (t === undefined) throw new Error(`an interval from ${n} replications and ${q} controls would mean nothing`);
  // Least squares of the values on (1, controls): the intercept is the estimate, its standard error gives the interval.
  const rows = values.map((_, r) => [1, ...controls[r]]);
  const normal = Array.from({ length: q + 1 }, (_, i) =>
    Array.from({ length: q + 1 }, (_, k) => rows.reduce((sum, row) => sum + row[i] * row[k], 0)),
  );
  const right = normal.map((_, i) => rows.reduce((sum, row, r) => sum + row[i] * values[r], 0));
  const fit = solve(normal, right);
  const unit = solve(
    normal,
    normal.map((_, i) => (i === 0 ? 1 : 0)),
  );
  const residual = rows.reduce(
    (sum, row, r) => sum + (values[r] - row.reduce((at, x, i) => at + x * fit[i], 0)) ** 2,
    0,
  );
  return { mean: fit[0], halfWidth: t * Math.sqrt((residual / freedom) * unit[0]) };
}

/** Gaussian elimination with partial pivoting. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j <= n; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}
