import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cos, exp, expm1, log, log1p, pow, sin } from './math.ts';
import { openStream } from './random.ts';

// References: fixed-point integers with F bits after the point, by other series than the implementation's.

const F = 400n;
const ONE = 1n << F;

/** A finite double as integer × 2^exponent, exactly. */
function exactly(x: number): { integer: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  const integer = biased === 0 ? fraction : fraction | (1n << 52n);
  return { integer: x < 0 ? -integer : integer, exponent: Math.max(biased, 1) - 1075 };
}

function shift(x: bigint, bits: number): bigint {
  return bits >= 0 ? x << BigInt(bits) : x >> BigInt(-bits);
}

function fixed(x: number): bigint {
  const { integer, exponent } = exactly(x);
  return shift(integer, exponent + Number(F));
}

function bitLength(x: bigint): number {
  return (x < 0n ? -x : x).toString(2).length;
}

/** A value mantissa × 2^(scale − F). */
interface Reference {
  mantissa: bigint;
  scale: number;
}

/** Error in units of the last place of the reference's binade. */
function ulps(got: number, { mantissa, scale }: Reference): number {
  const lead = bitLength(mantissa) - 1 + scale - Number(F); // |value| is in [2^lead, 2^(lead+1))
  const unit = Math.max(lead, -1022) - 52;
  const { integer, exponent } = exactly(got);
  // Everything in 2^−30 of that unit.
  const difference = shift(integer, exponent - unit + 30) - shift(mantissa, scale - Number(F) - unit + 30);
  return Math.abs(Number(difference)) / 2 ** 30;
}

/** e^x for |x| < 1: Taylor after halving ten times. */
function smallExp(x: bigint): bigint {
  const h = x >> 10n;
  let term = ONE;
  let sum = 0n;
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    sum += term;
    term = ((term * h) >> F) / n;
  }
  for (let i = 0; i < 10; i++) sum = (sum * sum) >> F;
  return sum;
}

/** ln x for x in [½, 2]: Halley's iteration on e^y = x, each step tripling the correct bits. */
function smallLog(x: bigint): bigint {
  let y = fixed(Math.log(Number(x >> (F - 60n)) / 2 ** 60));
  for (let i = 0; i < 2; i++) {
    const e = smallExp(y);
    y += ((2n * (x - e)) << F) / (x + e);
  }
  return y;
}

const LN2 = smallLog(2n * ONE);

function bigLog(x: number): bigint {
  const { integer, exponent } = exactly(x);
  const bits = bitLength(integer);
  // Near 1 on either side without multiples of ln 2, so that nothing cancels.
  const up = integer * 3n > 1n << BigInt(bits + 1) ? 0 : 1;
  return smallLog(integer << (F - BigInt(bits - up))) + BigInt(exponent + bits - up) * LN2;
}

function bigExp(x: bigint): Reference {
  const k = (x + LN2 / 2n) / LN2 - (x < -LN2 / 2n ? 1n : 0n);
  return { mantissa: smallExp(x - k * LN2), scale: Number(k) };
}

function arctanInverse(n: bigint): bigint {
  let sum = 0n;
  let power = ONE / n;
  for (let k = 0n; power !== 0n; k++) {
    sum += (k % 2n === 0n ? power : -power) / (2n * k + 1n);
    power /= n * n;
  }
  return sum;
}

// Gauss: π/4 = 12 arctan(1/18) + 8 arctan(1/57) − 5 arctan(1/239).
const PI = 4n * (12n * arctanInverse(18n) + 8n * arctanInverse(57n) - 5n * arctanInverse(239n));

/** The sine (first = 1) or cosine (first = 0) by Taylor's series. */
function bigWave(x: number, first: 0 | 1): bigint {
  const r = fixed(x) % (2n * PI);
  let term = first === 1 ? r : ONE;
  let sum = 0n;
  for (let n = BigInt(first); term !== 0n && term !== -1n; n += 2n) {
    sum += term;
    term = -(((((term * r) >> F) * r) >> F) / ((n + 1n) * (n + 2n)));
  }
  return sum;
}

const plain = (mantissa: bigint): Reference => ({ mantissa, scale: 0 });

const s = openStream('1', 'maths');
const draws = (n: number, draw: () => number) => Array.from({ length: n }, draw);
const between = (lo: number, hi: number) => lo + (hi - lo) * s.next();
const anyPositive = () => between(1, 2) * 2 ** Math.floor(between(-1074, 1024));
const signed = (x: number) => (s.next() < 0.5 ? -x : x);
/** Of either sign, all sizes from 2^−60 to 2^bits alike. */
const spread = (bits: number) => signed(2 ** between(-60, bits));

function worst(args: number[], f: (x: number) => number, reference: (x: number) => Reference): number {
  let max = 0;
  for (const x of args) max = Math.max(max, ulps(f(x), reference(x)));
  return max;
}

// The limits are a little above what these arguments give. Below 1, a result is always one of the two doubles around
// the true value; ½ is the best possible.

describe('error against fixed-point references, in ulps', () => {
  it('exp', () => {
    const args = [
      ...draws(2000, () => between(-708, 709.7)),
      ...draws(500, () => between(-745, -708)),
      ...draws(1000, () => spread(4)),
      ...[709.782712893384, -745.1332191019411, 1, -1, 2 ** -1074, 5e-17, 709.0895, -708.3964185322641],
    ];
    expect(worst(args, exp, (x) => bigExp(fixed(x)))).toBeLessThan(0.6);
  });
  it('expm1', () => {
    const args = [
      ...draws(1500, () => spread(5)),
      ...draws(500, () => between(-0.3, 0.3)),
      709.7,
      50,
      -39,
      0.25,
      -0.25,
    ];
    expect(
      worst(args, expm1, (x) => {
        const { mantissa, scale } = bigExp(fixed(x));
        return scale >= 0
          ? { mantissa: mantissa - (ONE >> BigInt(scale)), scale }
          : plain((mantissa >> BigInt(-scale)) - ONE);
      }),
    ).toBeLessThan(0.7);
  });
  it('log', () => {
    const args = [
      ...draws(1500, anyPositive),
      ...draws(1000, () => between(0.5, 2)),
      ...draws(500, () => 1 + spread(-3)).filter((x) => x !== 1),
      ...[2 ** -1074, 2 ** -1022, Number.MAX_VALUE, 2, 0.5, 10, 1 + 2 ** -52, 1 - 2 ** -53, Math.SQRT2, Math.SQRT1_2],
    ];
    expect(worst(args, log, (x) => plain(bigLog(x)))).toBeLessThan(0.505);
  });
  it('log1p', () => {
    const args = [
      ...draws(1500, () => spread(-1)),
      ...draws(500, () => 2 ** between(-1, 60)),
      -0.999,
      2 ** -8,
      -(2 ** -8),
    ];
    expect(
      worst(args, log1p, (x) => {
        const sum = ONE + fixed(x);
        const k = bitLength(sum) - 1 - Number(F);
        if (k === 0 || k === -1) return plain(smallLog(sum));
        return plain(smallLog(shift(sum, -k)) + BigInt(k) * LN2);
      }),
    ).toBeLessThan(0.505);
  });
  it('pow', () => {
    const pairs: [number, number][] = [
      ...draws(1500, anyPositive).map((x): [number, number] => [x, between(-740, 709) / Math.log(x)]),
      ...draws(500, () => between(0.9, 1.1)).map((x): [number, number] => [x, between(-740, 709) / Math.log(x)]),
      ...draws(500, () => between(0.01, 100)).map((x): [number, number] => [x, between(-100, 100)]),
      ...draws(300, () => 1 + spread(-20)).map((x): [number, number] => [x, between(-1, 1) * 2 ** 30]),
      ...[
        [1 + 2 ** -52, 2 ** 61],
        [10, 308],
        [10, -323],
        [2 ** -1074, 0.5],
        [0.1, 3],
        [3, 33],
      ].map(([x, y]): [number, number] => [x as number, y as number]),
    ];
    let max = 0;
    for (const [x, y] of pairs) {
      const exponent = (bigLog(x) * fixed(y)) >> F;
      if (exponent < fixed(-745) || exponent > fixed(709.7)) continue;
      max = Math.max(max, ulps(pow(x, y), bigExp(exponent)));
    }
    expect(max).toBeLessThan(0.505);
  });
  it('sin and cos', () => {
    const quarters = draws(500, () => Math.floor(between(-667544, 667544)) * (Math.PI / 2));
    const args = [
      ...draws(1000, () => between(-8, 8)),
      ...draws(1000, () => between(-(2 ** 20), 2 ** 20)),
      ...draws(500, () => spread(20)),
      ...quarters, // the worst cancellation
      ...[2 ** 20, -(2 ** 20), Math.PI, Math.PI / 2, Math.PI / 4, 0.78, 1e5],
    ];
    expect(worst(args, sin, (x) => plain(bigWave(x, 1)))).toBeLessThan(0.7);
    expect(worst(args, cos, (x) => plain(bigWave(x, 0)))).toBeLessThan(0.6);
  });
});

describe('special cases', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf, MIN_VALUE: tiny, MAX_VALUE: huge } = Number;
  it.each([
    [
      'exp',
      exp,
      [
        [nan, nan],
        [inf, inf],
        [-inf, 0],
        [0, 1],
        [-0, 1],
        [709.79, inf],
        [1e300, inf],
        [-745.14, 0],
        [-1e300, 0],
      ],
    ],
    [
      'expm1',
      expm1,
      [
        [nan, nan],
        [inf, inf],
        [-inf, -1],
        [0, 0],
        [-0, -0],
        [tiny, tiny],
        [-tiny, -tiny],
        [-1e9, -1],
        [710, inf],
      ],
    ],
    [
      'log',
      log,
      [
        [nan, nan],
        [inf, inf],
        [-inf, nan],
        [-1, nan],
        [-tiny, nan],
        [0, -inf],
        [-0, -inf],
        [1, 0],
      ],
    ],
    [
      'log1p',
      log1p,
      [
        [nan, nan],
        [inf, inf],
        [-inf, nan],
        [-1.5, nan],
        [-1, -inf],
        [0, 0],
        [-0, -0],
        [tiny, tiny],
        [huge, log(huge)],
      ],
    ],
    [
      'sin',
      sin,
      [
        [nan, nan],
        [inf, nan],
        [-inf, nan],
        [0, 0],
        [-0, -0],
        [tiny, tiny],
      ],
    ],
    [
      'cos',
      cos,
      [
        [nan, nan],
        [inf, nan],
        [-inf, nan],
        [0, 1],
        [-0, 1],
        [tiny, 1],
      ],
    ],
  ] as [string, (x: number) => number, [number, number][]][])('%s', (_, f, cases) => {
    for (const [x, y] of cases) expect([x, f(x)]).toEqual([x, y]); // toEqual tells 0 from −0
  });
  it('pow has those of the ** operator', () => {
    const values = [
      nan,
      inf,
      -inf,
      0,
      -0,
      1,
      -1,
      2,
      -2,
      3,
      0.5,
      -0.5,
      1.5,
      -1.5,
      tiny,
      -tiny,
      huge,
      -huge,
      2 ** 53,
      -(2 ** 53) + 1,
    ];
    for (const x of values) {
      for (const y of values) {
        const expected = x ** y;
        if (expected === 0 || expected === 1 || !Number.isFinite(expected))
          expect([x, y, pow(x, y)]).toEqual([x, y, expected]);
        else expect(Math.abs(pow(x, y) / expected - 1)).toBeLessThan(1e-15);
      }
    }
  });
  it('pow is exact where the result is a double', () => {
    for (let k = -1074; k <= 1023; k++) expect(pow(2, k)).toBe(2 ** k);
    for (let k = 0; k <= 22; k++) expect(pow(10, k)).toBe(Number(10n ** BigInt(k)));
    for (let n = 0; n < 1000; n++) expect([pow(n, 3), pow(-n, 5), pow(n * n, 0.5)]).toEqual([n ** 3, -n * n ** 4, n]);
  });
  it('refuses angles too large to turn exactly', () => {
    expect(() => sin(2 ** 20 + 1)).toThrow(RangeError);
    expect(() => cos(-1e10)).toThrow('reduce the angle first');
  });
});

describe('properties', () => {
  const real = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  // void: fast-check would take what an assertion returns for a verdict.
  const each = (a: fc.Arbitrary<number>, check: (x: number) => unknown) =>
    fc.assert(fc.property(a, (x) => void check(x)));
  const pairs = (a: fc.Arbitrary<number>, b: fc.Arbitrary<number>, check: (x: number, y: number) => unknown) =>
    fc.assert(fc.property(a, b, (x, y) => void check(x, y)));
  const close = (x: number, y: number, tolerance: number) =>
    expect(Math.abs(x - y)).toBeLessThanOrEqual(tolerance * Math.max(Math.abs(x), Math.abs(y)));
  it('exp and log undo each other', () => {
    each(real(-700, 700), (x) => expect(Math.abs(log(exp(x)) - x)).toBeLessThanOrEqual(2e-16 * (1 + Math.abs(x))));
    each(real(1e-300, 1e300), (x) => close(exp(log(x)), x, 2e-16 * (1 + Math.abs(log(x)))));
    each(real(-0.9, 1e10), (x) => close(expm1(log1p(x)), x, 2e-14));
  });
  it('exp and log rise', () => {
    pairs(real(-750, 710), real(-750, 710), (x, y) =>
      expect(exp(Math.min(x, y))).toBeLessThanOrEqual(exp(Math.max(x, y))),
    );
    pairs(real(0, 1e308), real(0, 1e308), (x, y) =>
      expect(log(Math.min(x, y))).toBeLessThanOrEqual(log(Math.max(x, y))),
    );
    for (const start of [1, 1.0078125, 1.4140625, 0.99609375, 2, 1e-310]) {
      // Neighbours across cell borders of the table.
      for (let i = -50, before = -Infinity; i <= 50; i++) {
        const y = log(start + i * Math.max(start * 2 ** -52, 2 ** -1074));
        expect(y).toBeGreaterThanOrEqual(before);
        before = y;
      }
    }
  });
  it('powers multiply and invert', () => {
    pairs(real(0.01, 100), real(-50, 50), (x, y) => close(pow(x, y) * pow(x, -y), 1, 1e-15));
    each(real(0.01, 100), (x) => close(pow(x, 0.5), Math.sqrt(x), 3e-16));
    each(real(-100, 100), (x) => close(pow(x, 2), x * x, 3e-16));
    each(real(0, 1e100), (x) => expect(pow(x, 1)).toBe(x));
  });
  it('sin² + cos² is 1, with the right signs', () => {
    each(real(-(2 ** 20), 2 ** 20), (x) => close(sin(x) ** 2 + cos(x) ** 2, 1, 5e-16));
    each(real(-(2 ** 20), 2 ** 20), (x) => expect([sin(-x), cos(-x)]).toEqual([-sin(x), cos(x)]));
  });
  it('agrees with the host’s functions within 2 ulps', () => {
    const near = (x: number, y: number) =>
      expect(Math.abs(x - y)).toBeLessThanOrEqual(2 * 2 ** -52 * Math.abs(y) + 2 ** -1074);
    each(real(-740, 709), (x) => near(exp(x), Math.exp(x)));
    each(real(0, Number.MAX_VALUE), (x) => x > 0 && near(log(x), Math.log(x)));
    each(real(-1000, 1000), (x) => near(sin(x), Math.sin(x)));
    each(real(-1000, 1000), (x) => near(cos(x), Math.cos(x)));
  });
});
