// exp, log, pow, sin, cos and their kin, the same bits in every JavaScript engine: built only from what IEEE 754 makes
// exact or exactly rounded (+ − × ÷ √, comparison, floor, the bits of a double). Errors are under 0.76 ulp; log's under 0.501.
//
// The core is a logarithm and an exponential that carry about 68 bits as an unevaluated sum hi + lo of two doubles
// ("double-double": Dekker, Numer. Math. 18, 1971; Knuth, TAOCP 2, 4.2.2). Both reduce their argument with a small
// table (Tang, ACM TOMS 15, 1989 and 16, 1990), so that a short Taylor series is left. The tables and constants are
// computed once, at load, in 200-bit integers.

// 2^k for k = −1074 … 1023, at k + 1074: every power of two that a double can hold.
const POWERS = new Float64Array(2098);
for (let k = 0, p = Number.MIN_VALUE; k < POWERS.length; k++, p *= 2) POWERS[k] = p;

function powerOfTwo(k: number): number {
  return POWERS[k + 1074] as number;
}

// ---- Constants and tables, from fixed-point integers with FRACTION bits after the point ----

const FRACTION = 200n;
const ONE = 1n << FRACTION;

/** ln(numerator ÷ denominator) = 2 artanh((n − d) ÷ (n + d)), in fixed point. */
function fixedLog(numerator: bigint, denominator: bigint): bigint {
  const s = ((numerator - denominator) << FRACTION) / (numerator + denominator);
  const s2 = (s * s) >> FRACTION;
  let sum = 0n;
  let power = s;
  for (let n = 1n; power !== 0n && power !== -1n; n += 2n) {
    sum += power / n;
    power = (power * s2) >> FRACTION;
  }
  return 2n * sum;
}

/** eˣ by its Taylor series, x ≥ 0 and the result in fixed point. */
function fixedExp(x: bigint): bigint {
  let sum = 0n;
  let term = ONE;
  for (let n = 1n; term !== 0n; n++) {
    sum += term;
    term = ((term * x) >> FRACTION) / n;
  }
  return sum;
}

/** arctan(1 ÷ n), in fixed point. */
function fixedArctanInverse(n: bigint): bigint {
  let sum = 0n;
  let power = ONE / n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += k % 4n === 1n ? power / k : -(power / k);
    power /= n * n;
  }
  return sum;
}

/** The value as doubles that add up to it: each but the last a multiple of 2^−bits[i], the last the rounded rest. */
function parts(value: bigint, ...bits: number[]): number[] {
  const result: number[] = [];
  let rest = value;
  for (const b of bits) {
    const unit = 1n << (FRACTION - BigInt(b));
    const part = (rest / unit) * unit;
    result.push(toDouble(part));
    rest -= part;
  }
  return [...result, toDouble(rest)];
}

/** Fixed point to the nearest double: Number() of a big integer is exactly rounded, the scaling is exact. */
function toDouble(value: bigint): number {
  return Number(value) * powerOfTwo(-Number(FRACTION));
}

const LN2 = fixedLog(2n, 1n);

// Where the sign and exponent half of a double lies in memory differs between machines.
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
double[0] = 1;
const HIGH = words[1] === 0x3ff00000 ? 1 : 0;

// A kernel leaves the second, small part of its result here.
const low = new Float64Array(1);

// ---- Double-double helpers ----

const SPLITTER = 0x8000001; // 2^27 + 1

/** a × b = p + the returned error, exactly, for p = a × b rounded (Veltkamp and Dekker; no operand above 2^995). */
function productError(a: number, b: number, p: number): number {
  const ta = SPLITTER * a;
  const ah = ta - (ta - a);
  const al = a - ah;
  const tb = SPLITTER * b;
  const bh = tb - (tb - b);
  const bl = b - bh;
  return al * bl - (p - ah * bh - al * bh - ah * bl);
}

/** a + b = s + the returned error, exactly, for s = a + b rounded (Knuth). */
function sumError(a: number, b: number, s: number): number {
  const t = s - a;
  return a - (s - t) + (b - t);
}

// ---- Logarithm ----

// A mantissa m in [1, 2) is multiplied with the c of its cell (128 cells), so that m c is within 2^−7 of 1; above √2,
// m/2 is taken. c has at most 11 bits, which makes m c − 1 computable exactly. Around 1, c is 1 and so the error stays
// relative to the result.
const LOG_CELLS = 128;
const HALVE_FROM = 53; // the first cell above √2
const logC = new Float64Array(LOG_CELLS);
const logHi = new Float64Array(LOG_CELLS); // −ln c, a multiple of 2^−42 …
const logLo = new Float64Array(LOG_CELLS); // … and the rest
for (let i = 0; i < LOG_CELLS; i++) {
  const middle = (1 + (i + 0.5) / LOG_CELLS) * (i < HALVE_FROM ? 1 : 0.5);
  const c = i === 0 || i === LOG_CELLS - 1 ? 1024 : Math.round(1024 / middle);
  logC[i] = c / 1024;
  [logHi[i], logLo[i]] = parts(fixedLog(1024n, BigInt(c)), 42) as [number, number];
}
// A multiple of 2^−42, so that k × LN2_HI is exact for every exponent k.
const [LN2_HI, LN2_LO] = parts(LN2, 42) as [number, number];

/** ln(x + tail), for finite x > 0 and |tail| at most 2^−53 x, or x = 1 and |tail| < 2^−8. The rest is in `low`. */
function logKernel(x: number, tail: number): number {
  let k = -1023;
  double[0] = x;
  let high = words[HIGH] as number;
  if (high < 0x100000) {
    double[0] = x * powerOfTwo(54); // subnormal
    high = words[HIGH] as number;
    k -= 54;
  }
  k += high >>> 20;
  const cell = (high >>> 13) & (LOG_CELLS - 1);
  // The exponent is set so that m is in [√½, √2).
  words[HIGH] = (high & 0xfffff) | 0x3ff00000;
  let m = double[0] as number;
  if (cell >= HALVE_FROM) {
    m *= 0.5;
    k++;
  }
  const c = logC[cell] as number;
  // r + rLo = m c − 1: m is split in halves whose products with c are exact.
  const t = SPLITTER * m;
  const mh = t - (t - m);
  const a = mh * c - 1;
  let b = (m - mh) * c;
  let r = a + b;
  let rLo = sumError(a, b, r);
  if (tail !== 0) {
    b = (k > 1000 ? 0 : tail * powerOfTwo(-k)) * c + rLo; // beyond 2^1000 log1p's tail is 0 in effect
    const s = r + b;
    rLo = sumError(r, b, s);
    r = s;
  }
  // ln(1 + r) = r − r²/2 + r³ (1/3 − r/4 + …); the first two terms in double-double.
  const r2 = r * r;
  const half = -0.5 * r2;
  const halfLo = -0.5 * productError(r, r, r2) - r * rLo;
  const series =
    r2 *
    r *
    (1 / 3 +
      r * (-1 / 4 + r * (1 / 5 + r * (-1 / 6 + r * (1 / 7 + r * (-1 / 8 + r * (1 / 9 + r * (-1 / 10 + r / 11))))))));
  const base = k * LN2_HI + (logHi[cell] as number); // exact
  const s1 = base + r;
  const e1 = r - (s1 - base); // |base| > |r|, or base is 0
  const s2 = s1 + half;
  const e2 = sumError(s1, half, s2);
  const rest = series + (e1 + e2 + halfLo + rLo + (k * LN2_LO + (logLo[cell] as number)));
  const result = s2 + rest;
  low[0] = rest - (result - s2);
  return result;
}

/** Natural logarithm; NaN below 0. */
export function log(x: number): number {
  if (!(x > 0 && x < Infinity)) return x === 0 ? -Infinity : x === Infinity ? x : Number.NaN;
  return logKernel(x, 0);
}

/** ln(1 + x), accurate near 0 too; NaN below −1. */
export function log1p(x: number): number {
  if (!(x > -1 && x < Infinity)) return x === -1 ? -Infinity : x === Infinity ? x : Number.NaN;
  if (x === 0) return x; // keeps −0
  const sum = 1 + x;
  return sum === 1 || Math.abs(x) < 1 / 256 ? logKernel(1, x) : logKernel(sum, sumError(1, x, sum));
}

// ---- Exponential ----

// eˣ = 2^k 2^(j/64) e^r, with |r| ≤ ln 2 / 128.
const EXP_CELLS = 64;
const expHi = new Float64Array(EXP_CELLS); // 2^(j/64), rounded …
const expLo = new Float64Array(EXP_CELLS); // … and the rest
for (let j = 0; j < EXP_CELLS; j++) {
  const value = fixedExp((LN2 * BigInt(j)) / BigInt(EXP_CELLS));
  const hi = toDouble(value);
  expHi[j] = hi;
  expLo[j] = toDouble(value - BigInt(hi * powerOfTwo(52)) * (1n << (FRACTION - 52n)));
}
// Multiples of 2^−42, so that 64 × 1075 steps are exact.
const [STEP_HI, STEP_LO] = parts(LN2 / BigInt(EXP_CELLS), 42) as [number, number];
const STEPS_PER_UNIT = toDouble((ONE * ONE * BigInt(EXP_CELLS)) / LN2);

let exponent = 0; // the kernel's k

/** e^(x + tail) ÷ 2^k for |x| < 800, with k in `exponent`; the rest is in `low`. */
function expKernel(x: number, tail: number): number {
  const n = Math.floor(x * STEPS_PER_UNIT + 0.5);
  const j = n & (EXP_CELLS - 1);
  exponent = (n - j) / EXP_CELLS;
  const r = x - n * STEP_HI - (n * STEP_LO - tail);
  const p = r + r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r / 720))));
  const hi = expHi[j] as number;
  const rest = (expLo[j] as number) + hi * p;
  const result = hi + rest;
  low[0] = rest - (result - hi);
  return result;
}

/** x × 2^k. Exact, but for a subnormal result, where this second rounding can make the error up to ¾ ulp. */
function scale(x: number, k: number): number {
  if (k > 1023) return x * 2 * powerOfTwo(k - 1);
  if (k >= -1074) return x * powerOfTwo(k);
  return x * powerOfTwo(-100) * powerOfTwo(k + 100);
}

/** eˣ. */
export function exp(x: number): number {
  if (!(x < 709.8)) return x >= 709.8 ? Infinity : Number.NaN;
  if (x < -746) return 0;
  const m = expKernel(x, 0);
  return scale(m, exponent);
}

/** eˣ − 1, accurate near 0 too. */
export function expm1(x: number): number {
  if (!(x < 709.8)) return x >= 709.8 ? Infinity : Number.NaN;
  if (x < -40) return -1;
  if (x === 0) return x; // keeps −0
  if (x > -0.25 && x < 0.25) {
    let p = 1 / 479001600; // Taylor, from x¹²/12! down
    p = 1 / 39916800 + x * p;
    p = 1 / 3628800 + x * p;
    p = 1 / 362880 + x * p;
    p = 1 / 40320 + x * p;
    p = 1 / 5040 + x * p;
    p = 1 / 720 + x * p;
    p = 1 / 120 + x * p;
    p = 1 / 24 + x * p;
    p = 1 / 6 + x * p;
    return x + x * x * (0.5 + x * p);
  }
  const m = expKernel(x, 0);
  const k = exponent;
  if (k > 60) return scale(m, k);
  const hi = m * powerOfTwo(k);
  const difference = hi - 1;
  return difference + (sumError(hi, -1, difference) + (low[0] as number) * powerOfTwo(k));
}

// ---- Power ----

/** x to the power y, with the special cases of ECMAScript's ** (so 1 ** NaN and 1 ** Infinity are NaN). */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  const size = Math.abs(x);
  if (y === Infinity || y === -Infinity) {
    if (size === 1) return Number.NaN;
    return size > 1 === y > 0 ? Infinity : 0;
  }
  const whole = Math.floor(y) === y;
  const negative = (x < 0 || (x === 0 && 1 / x < 0)) && whole && y % 2 !== 0;
  let result: number;
  if (size === 0 || size === Infinity) result = (size === 0) === y > 0 ? 0 : Infinity;
  else if (x < 0 && !whole) return Number.NaN;
  else result = positivePower(size, y);
  return negative ? -result : result;
}

function positivePower(x: number, y: number): number {
  if (x === 1) return 1;
  const bound = Math.abs(y);
  if (bound > 1e20) return x > 1 === y > 0 ? Infinity : 0; // |ln x| is at least 2^−53
  if (bound < 1e-21) return 1; // |ln x| is at most 745
  const hi = logKernel(x, 0);
  const lo = low[0] as number;
  const p = y * hi;
  if (p > 710) return Infinity;
  if (p < -746) return 0;
  const m = expKernel(p, productError(y, hi, p) + y * lo);
  return scale(m, exponent);
}

// ---- Sine and cosine ----

const LARGEST_ANGLE = 0x100000; // 2^20
// π = 16 arctan(1/5) − 4 arctan(1/239) (Machin). The quarter turn in four parts: the products of the first three with
// up to 2^20 quarters are exact, and the four together leave an error of 2^−130, enough for the double closest to a
// multiple of π/2.
const [QUARTER_1, QUARTER_2, QUARTER_3, QUARTER_4] = parts(
  8n * fixedArctanInverse(5n) - 2n * fixedArctanInverse(239n),
  32,
  64,
  96,
) as [number, number, number, number];
const QUARTERS_PER_UNIT = 1 / (QUARTER_1 + QUARTER_2);

/** The sine; x in radians, at most 2^20 either way. */
export function sin(x: number): number {
  return x === 0 ? x : turned(x, 0); // keeps −0
}

/** The cosine; x in radians, at most 2^20 either way. */
export function cos(x: number): number {
  return turned(x, 1);
}

/** sin(x + quarters × π/2). */
function turned(x: number, quarters: number): number {
  if (!(x >= -LARGEST_ANGLE && x <= LARGEST_ANGLE)) {
    if (Number.isNaN(x) || Math.abs(x) === Infinity) return Number.NaN;
    throw new RangeError(`Sine and cosine take angles from -2^20 to 2^20 radians, got ${x}; reduce the angle first.`);
  }
  let r = x;
  let rLo = 0;
  let quadrant = quarters;
  if (x > 0.78 || x < -0.78) {
    const n = Math.floor(x * QUARTERS_PER_UNIT + 0.5);
    const a = x - n * QUARTER_1; // exact: close numbers
    const b = -n * QUARTER_2;
    const c = -n * QUARTER_3;
    const ab = a + b;
    const abError = sumError(a, b, ab);
    const abc = ab + c;
    const rest = abError + sumError(ab, c, abc) - n * QUARTER_4;
    r = abc + rest;
    rLo = sumError(abc, rest, r);
    quadrant += n;
  }
  const value = (quadrant & 1) === 0 ? sinKernel(r, rLo) : cosKernel(r, rLo);
  return (quadrant & 2) === 0 ? value : -value;
}

/** Taylor's series for |r| ≤ π/4; the derivative's 1 − r²/2 takes care of rLo. */
function sinKernel(r: number, rLo: number): number {
  const z = r * r;
  let p = 1 / 355687428096000; // 17!
  p = -1 / 1307674368000 + z * p;
  p = 1 / 6227020800 + z * p;
  p = -1 / 39916800 + z * p;
  p = 1 / 362880 + z * p;
  p = -1 / 5040 + z * p;
  p = 1 / 120 + z * p;
  p = -1 / 6 + z * p;
  return r + (r * z * p + rLo * (1 - 0.5 * z));
}

function cosKernel(r: number, rLo: number): number {
  const z = r * r;
  let p = -1 / 6402373705728000; // 18!
  p = 1 / 20922789888000 + z * p;
  p = -1 / 87178291200 + z * p;
  p = 1 / 479001600 + z * p;
  p = -1 / 3628800 + z * p;
  p = 1 / 40320 + z * p;
  p = -1 / 720 + z * p;
  p = 1 / 24 + z * p;
  const half = 0.5 * z;
  const top = 1 - half;
  return top + (1 - top - half + (z * z * p - 0.5 * productError(r, r, z) - r * rLo));
}
