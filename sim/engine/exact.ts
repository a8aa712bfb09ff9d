/**
 * Sums of products of integers, exact beyond 2⁵³: a number is hi·2⁵² + lo with 0 ≤ lo < 2⁵², kept in two columns.
 * GPU-time needs it: 100,000 GPUs × a year × 7000 parts is about 2⁷⁴.
 */
const BASE = 2 ** 52;
const HALF = 2 ** 26;

export interface ExactColumn {
  hi: Float64Array;
  lo: Float64Array;
}

export function exactColumn(length: number): ExactColumn {
  return { hi: new Float64Array(length), lo: new Float64Array(length) };
}

/** column[i] += hi·2⁵² + lo. */
export function addExact(column: ExactColumn, i: number, hi: number, lo: number): void {
  let sum = column.lo[i] + lo;
  if (sum >= BASE) {
    sum -= BASE;
    hi += 1;
  } else if (sum < 0) {
    sum += BASE;
    hi -= 1;
  }
  column.lo[i] = sum;
  column.hi[i] += hi;
}

/** column[i] += a·b for integers 0 ≤ a < 2⁴⁰ and 0 ≤ b < 2⁵³. */
export function addProduct(column: ExactColumn, i: number, a: number, b: number): void {
  const product = a * b;
  if (product < BASE) {
    // Below 2⁵² a double holds the product exactly.
    addExact(column, i, 0, product);
    return;
  }
  const a1 = Math.floor(a / HALF);
  const a0 = a - a1 * HALF;
  const b1 = Math.floor(b / HALF);
  const b0 = b - b1 * HALF;
  addExact(column, i, a1 * b1, a0 * b0);
  addShifted(column, i, a1 * b0);
  addShifted(column, i, a0 * b1);
}

/** column[i] += m·2²⁶. */
function addShifted(column: ExactColumn, i: number, m: number): void {
  const high = Math.floor(m / HALF);
  addExact(column, i, high, (m - high * HALF) * HALF);
}

export function exactBigInt(column: ExactColumn, i: number): bigint {
  return BigInt(column.hi[i]) * BigInt(BASE) + BigInt(column.lo[i]);
}

/** The nearest double; for display only. */
export function exactNumber(column: ExactColumn, i: number): number {
  return column.hi[i] * BASE + column.lo[i];
}
