/** Means with confidence intervals from independent replications. */

export interface Interval {
  mean: number;
  low: number;
  high: number;
  /** Values it was made from. */
  n: number;
}

/**
 * The mean of independent values with its Student-t confidence interval. From one value nothing can be said about the
 * spread: the interval is then infinite.
 */
export function meanInterval(values: readonly number[], confidence = 0.95): Interval {
  const n = values.length;
  if (n === 0) throw new Error('an interval needs at least one value');
  const mean = values.reduce((sum, x) => sum + x, 0) / n;
  if (n === 1) return { mean, low: -Infinity, high: Infinity, n };
  const half = tQuantile((1 + confidence) / 2, n - 1) * Math.sqrt(variance(values, mean) / n);
  return { mean, low: mean - half, high: mean + half, n };
}

/** Of a sample: divided by n − 1. */
export function variance(values: readonly number[], mean: number): number {
  return values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1);
}

/**
 * How many values would make the interval's half width at most `halfWidth`, judged from the spread of those at hand;
 * Infinity if they are too few to judge.
 */
export function valuesNeeded(values: readonly number[], halfWidth: number, confidence = 0.95): number {
  if (values.length < 2 || !(halfWidth > 0)) return Infinity;
  const { mean } = meanInterval(values);
  return valuesFor(Math.sqrt(variance(values, mean)), halfWidth, confidence);
}

/** The same, from the half width that `n` values gave. */
export function valuesForHalfWidth(given: number, n: number, wanted: number, confidence = 0.95): number {
  if (n < 2 || !(wanted > 0)) return Infinity;
  return valuesFor((given * Math.sqrt(n)) / tQuantile((1 + confidence) / 2, n - 1), wanted, confidence);
}

function valuesFor(spread: number, halfWidth: number, confidence: number): number {
  // Never fewer than with a spread that is known.
  let n = Math.max(2, Math.floor(((tQuantile((1 + confidence) / 2, 1e9) * spread) / halfWidth) ** 2));
  while (n < MOST_VALUES && tQuantile((1 + confidence) / 2, n - 1) * (spread / Math.sqrt(n)) > halfWidth) {
    n = Math.max(n + 1, Math.floor(n * 1.05));
  }
  return n < MOST_VALUES ? n : Infinity;
}

const MOST_VALUES = 1e6;

/** Quantile of Student's t with `freedom` degrees of freedom, 0 < p < 1, to 1e-10. */
export function tQuantile(p: number, freedom: number): number {
  if (!(p > 0 && p < 1) || !(freedom > 0)) throw new Error(`there is no quantile ${p} of t with ${freedom} degrees`);
  if (p < 0.5) return -tQuantile(1 - p, freedom);
  let low = 0;
  let high = 1;
  while (tTail(high, freedom) > 1 - p) high *= 2;
  for (let i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (tTail(middle, freedom) > 1 - p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(T > t) for t ≥ 0: half the regularised incomplete beta function at ν/(ν + t²) (DLMF 8.17). */
function tTail(t: number, freedom: number): number {
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2;
}

/** Regularised incomplete beta function I_x(a, b) by its continued fraction (DLMF 8.17.22), Lentz's method. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast below the mean; above it the symmetry I_x(a, b) = 1 − I_(1−x)(b, a) helps.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log(1 - x) + logGamma(a + b) - logGamma(a) - logGamma(b)) / a;
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    value *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return front * value;
}

/** ln Γ(x) for x > 0: Stirling's series (DLMF 5.11.1) after shifting x above 10. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 10) shift += Math.log(z++);
  const i = 1 / (z * z);
  const series = (1 / 12 - i * (1 / 360 - i * (1 / 1260 - i * (1 / 1680 - i / 1188)))) / z;
  return (z - 0.5) * Math.log(z) - z + Math.log(2 * Math.PI) / 2 + series - shift;
}

/** P(T ≤ t) of Student's t with `freedom` degrees of freedom. */
export function tProbability(t: number, freedom: number): number {
  return t >= 0 ? 1 - tTail(t, freedom) : tTail(-t, freedom);
}
