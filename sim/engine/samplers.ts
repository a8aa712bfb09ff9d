// Samplers: pure functions of a stream. Results have the unit of the parameters given. Those by inversion take one draw
// a sample; every sampler says how many it takes. Inversion and rejection: Devroye, Non-Uniform Random Variate
// Generation, 1986.
import { cos, exp, log, pow } from './math.ts';
import type { Stream } from './random.ts';

/** Uniform in [lo, hi), or lo when they are equal; rounding may give hi itself. One draw. */
export function uniform(s: Stream, lo: number, hi: number): number {
  if (!Number.isFinite(lo) || !Number.isFinite(hi) || lo > hi) {
    throw new Error(`A uniform distribution needs finite bounds, lower first, got ${lo} and ${hi}.`);
  }
  return lo + (hi - lo) * s.next();
}

/** One of the values, each with a chance in proportion to its weight (cumulative search). One draw a sample. */
export function empirical<T>(values: readonly T[], weights: readonly number[]): (s: Stream) => T {
  if (values.length === 0 || values.length !== weights.length) {
    throw new Error(
      `An empirical table needs one weight a value, got ${values.length} values, ${weights.length} weights.`,
    );
  }
  const cumulative: number[] = [];
  let total = 0;
  let last = 0; // the last value that can be drawn at all
  weights.forEach((w, i) => {
    if (!(w >= 0 && w < Infinity))
      throw new Error(`Weight ${i + 1} of an empirical table is ${w}; it cannot be negative.`);
    total += w;
    if (w > 0) last = i;
    cumulative.push(total);
  });
  if (!(total > 0 && total < Infinity)) throw new Error(`The weights of an empirical table add up to ${total}.`);
  return (s) => {
    return values[firstAbove(cumulative, s.next() * total, last)] as T;
  };
}

/** Exponential with that mean (above 0), by inversion; 0 is possible. One draw. */
export function exponential(s: Stream, mean: number): number {
  positive('an exponential distribution', 'mean', mean);
  return mean * standardExponential(s);
}

/** Normal, by Box and Muller (Ann. Math. Stat. 29, 1958), of whose pair one is used. Two draws. */
export function normal(s: Stream, mean: number, sd: number): number {
  finite('a normal distribution', 'mean', mean);
  notNegative('a normal distribution', 'standard deviation', sd);
  return mean + sd * standardNormal(s);
}

/** e^X for X normal with mean mu and standard deviation sigma: mu and sigma are of the logarithm. Two draws. */
export function lognormal(s: Stream, mu: number, sigma: number): number {
  finite('a lognormal distribution', 'mu', mu);
  notNegative('a lognormal distribution', 'sigma', sigma);
  return exp(mu + sigma * standardNormal(s));
}

/** Lognormal by its median (above 0) and the standard deviation of its logarithm. Two draws. */
export function lognormalFromMedian(s: Stream, median: number, sigma: number): number {
  positive('a lognormal distribution', 'median', median);
  notNegative('a lognormal distribution', 'sigma', sigma);
  return median * exp(sigma * standardNormal(s));
}

/** Weibull: P(X > x) = exp(−(x/scale)^shape); shape and scale above 0, by inversion. One draw. */
export function weibull(s: Stream, shape: number, scale: number): number {
  positive('a Weibull distribution', 'shape', shape);
  positive('a Weibull distribution', 'scale', scale);
  return scale * pow(standardExponential(s), 1 / shape);
}

/**
 * Gamma with mean shape × scale and variance shape × scale², both above 0, by rejection from a normal (Marsaglia and
 * Tsang, ACM TOMS 26, 2000). Three draws an attempt, over 95 % of which succeed; one more for a shape under 1.
 */
export function gamma(s: Stream, shape: number, scale: number): number {
  positive('a gamma distribution', 'shape', shape);
  positive('a gamma distribution', 'scale', scale);
  // For a shape under 1: Gamma(shape + 1) × U^(1/shape) (same paper, section 6).
  if (shape < 1) return scale * standardGamma(s, shape + 1) * pow(1 - s.next(), 1 / shape);
  return scale * standardGamma(s, shape);
}

function standardGamma(s: Stream, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = standardNormal(s);
    const u = 1 - s.next();
    const t = 1 + c * x;
    if (t <= 0) continue;
    const v = t * t * t;
    if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
  }
}

/**
 * Zipf: rank k of 1 … n with a chance in proportion to k^−exponent (exponent 0 or more; 0 is uniform). Exact, by search
 * in the cumulative table (8 bytes a rank), which is built here once. One draw a sample.
 */
export function zipf(n: number, exponent: number): (s: Stream) => number {
  if (!(n >= 1 && n <= 1e7) || Math.floor(n) !== n) {
    throw new Error(`A Zipf distribution needs a whole number of ranks from 1 to 10,000,000, got ${n}.`);
  }
  notNegative('a Zipf distribution', 'exponent', exponent);
  const cumulative = new Float64Array(n);
  let total = 0;
  for (let k = 1; k <= n; k++) {
    total += pow(k, -exponent);
    cumulative[k - 1] = total;
  }
  return (s) => 1 + firstAbove(cumulative, s.next() * total, n - 1);
}

/**
 * A distribution given by quantiles: points [p, value] with p rising from 0 to 1 and values that do not fall, linear in
 * between. [[0, 10], [0.5, 60], [1, 600]] is 10 at least, 60 in the median, 600 at most. One draw a sample.
 */
export function quantileTable(points: readonly (readonly [p: number, value: number])[]): (s: Stream) => number {
  const ps = points.map(([p]) => p);
  const values = points.map(([, value]) => value);
  if (points.length < 2 || ps[0] !== 0 || ps[ps.length - 1] !== 1) {
    throw new Error(`A quantile table goes from probability 0 to 1, got [${ps.join(', ')}].`);
  }
  points.forEach(([p, value], i) => {
    const before = points[i - 1];
    finite('a quantile table', `value at probability ${p}`, value);
    if (before !== undefined && !(p > before[0] && value >= before[1])) {
      throw new Error(`A quantile table rises, but [${p}, ${value}] comes after [${before[0]}, ${before[1]}].`);
    }
  });
  return (s) => {
    const u = s.next();
    const i = firstAbove(ps, u, points.length - 1);
    const [p0, p1] = [ps[i - 1] as number, ps[i] as number];
    const [v0, v1] = [values[i - 1] as number, values[i] as number];
    return v0 + (v1 - v0) * ((u - p0) / (p1 - p0));
  };
}

/** The time to the next arrival of a Poisson process, in µs, not rounded; Infinity at rate 0. One draw, or none at 0. */
export function poissonGap(s: Stream, ratePerUs: number): number {
  notNegative('a Poisson process', 'rate per µs', ratePerUs);
  return ratePerUs === 0 ? Infinity : standardExponential(s) / ratePerUs;
}

/**
 * The next arrival after fromUs of a Poisson process whose rate changes, in µs, not rounded; Infinity if there is none
 * before untilUs. rateAt(us) may never exceed maxRatePerUs. By thinning (Lewis and Shedler, Naval Res. Logist. Q. 26,
 * 1979): two draws a candidate (the one beyond untilUs takes one), maxRatePerUs ÷ mean rate candidates an arrival.
 */
export function thinned(
  s: Stream,
  fromUs: number,
  maxRatePerUs: number,
  rateAt: (us: number) => number,
  untilUs = Number.MAX_SAFE_INTEGER,
): number {
  finite('a Poisson process', 'start', fromUs);
  for (let t = fromUs; ; ) {
    t += poissonGap(s, maxRatePerUs);
    if (!(t < untilUs)) return Infinity;
    const rate = rateAt(t);
    if (!(rate >= 0 && rate <= maxRatePerUs)) {
      throw new Error(
        `The arrival rate at ${t} µs is ${rate}, which is not between 0 and the maximum, ${maxRatePerUs}.`,
      );
    }
    if (s.next() * maxRatePerUs < rate) return t;
  }
}

export interface Diurnal {
  /** Mean over a whole week, arrivals per µs. */
  readonly meanPerUs: number;
  /** 0 (flat) to 1 (nothing at the quietest hour): the rate swings by this share around its daily mean. */
  readonly amplitude: number;
  /** Local hour of the peak, 0 to 24. */
  readonly peakHour: number;
  /** Rate of Saturday and Sunday as a multiple of that of a weekday. */
  readonly weekendFactor: number;
  /** Local time at time 0 of the simulation, µs since 1970-01-01 00:00 local. */
  readonly startEpochUs: number;
}

/** A rate by hour and weekday, `rateAt(us)`, with its least upper bound, as `thinned` takes them. */
export interface DiurnalRate {
  readonly maxRatePerUs: number;
  rateAt(us: number): number;
}

/** A daily cosine wave, lower or higher at weekends; takes no draws. */
export function diurnalRate(d: Diurnal): DiurnalRate {
  notNegative('a diurnal rate', 'mean per µs', d.meanPerUs);
  notNegative('a diurnal rate', 'weekend factor', d.weekendFactor);
  finite('a diurnal rate', 'start', d.startEpochUs);
  if (!(d.amplitude >= 0 && d.amplitude <= 1)) {
    throw new Error(`The amplitude of a diurnal rate must be from 0 to 1, got ${d.amplitude}.`);
  }
  if (!(d.peakHour >= 0 && d.peakHour <= 24)) {
    throw new Error(`The peak hour of a diurnal rate must be from 0 to 24, got ${d.peakHour}.`);
  }
  const weekday = (d.meanPerUs * 7) / (5 + 2 * d.weekendFactor); // so that the week's mean is meanPerUs
  const weekend = weekday * d.weekendFactor;
  const peakUs = d.peakHour * 3_600_000_000;
  return {
    maxRatePerUs: Math.max(weekday, weekend) * (1 + d.amplitude),
    rateAt(us) {
      const local = d.startEpochUs + us;
      const day = Math.floor(local / DAY_US);
      const wave = cos((TURN * (local - day * DAY_US - peakUs)) / DAY_US);
      const sinceMonday = (((day + 3) % 7) + 7) % 7; // 1970-01-01 was a Thursday
      return (sinceMonday >= 5 ? weekend : weekday) * (1 + d.amplitude * wave);
    },
  };
}

const DAY_US = 86_400_000_000;

/** The first index whose entry is above x, or last; the entries must not fall. */
function firstAbove(entries: ArrayLike<number>, x: number, last: number): number {
  let lo = 0;
  let hi = last;
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    if ((entries[middle] as number) > x) hi = middle;
    else lo = middle + 1;
  }
  return lo;
}

/** −ln(1 − U): 1 − U is exact and never 0. One draw. */
function standardExponential(s: Stream): number {
  return 0 - log(1 - s.next()); // 0 − 0 is 0, −(0) would be −0
}

/** Two draws. */
function standardNormal(s: Stream): number {
  const radius = Math.sqrt(2 * standardExponential(s));
  return radius * cos(TURN * s.next());
}

const TURN = 2 * Math.PI;

function positive(what: string, parameter: string, value: number): void {
  if (!(value > 0 && value < Infinity)) throw new Error(`The ${parameter} of ${what} must be above 0, got ${value}.`);
}

function notNegative(what: string, parameter: string, value: number): void {
  if (!(value >= 0 && value < Infinity))
    throw new Error(`The ${parameter} of ${what} must be 0 or more, got ${value}.`);
}

function finite(what: string, parameter: string, value: number): void {
  if (!Number.isFinite(value)) throw new Error(`The ${parameter} of ${what} must be a finite number, got ${value}.`);
}
