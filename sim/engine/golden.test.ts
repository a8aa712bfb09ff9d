import { expect, it } from 'vitest';
import { Digest } from './digest.ts';
import { cos, exp, expm1, log, log1p, pow, sin } from './math.ts';
import { openStream, type Stream } from './random.ts';
import {
  diurnalRate,
  exponential,
  gamma,
  lognormal,
  lognormalFromMedian,
  normal,
  quantileTable,
  thinned,
  weibull,
  zipf,
} from './samplers.ts';

/** Absorbs every bit of a double, in an order that does not depend on the machine. */
function double(digest: Digest, x: number): void {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  digest.word(view.getInt32(0));
  digest.word(view.getInt32(4));
}

// Literals: a platform or a change that alters one bit of streams, digest, maths or samplers shows here.
it('draws the same first numbers everywhere', () => {
  const s = openStream('42', 'arrivals/team-a');
  expect([s.next(), s.next(), s.next(), s.integer(1000)]).toEqual([
    0.5802862572413878, 0.4885221632120763, 0.7496448399053985, 873,
  ]);
});

it('gives the same digest everywhere', () => {
  const digest = new Digest();
  const s = openStream('42', 'golden');
  for (let i = 0; i < 10_000; i++) {
    digest.time(Math.floor(s.next() * 2 ** 53));
    digest.word(s.integer(1 + i));
  }
  digest.text('naïve ✓');
  expect(digest.hex()).toBe('01614e532370961b');
});

it('computes the same bits everywhere', () => {
  const digest = new Digest();
  const s = openStream('42', 'maths');
  for (let i = 0; i < 10_000; i++) {
    const u = s.next();
    const small = (u - 0.5) / (1 + s.integer(1000));
    const x = 1400 * u - 700;
    const positive = exp(x);
    for (const y of [positive, expm1(x), expm1(small), log(positive), log1p(small), log1p(positive), sin(x), cos(x)]) {
      double(digest, y);
    }
    double(digest, pow(1000 * s.next(), 60 * s.next() - 30));
  }
  expect(digest.hex()).toBe('ec59ede1f1e6716e');
});

it('draws the same samples everywhere', () => {
  const digest = new Digest();
  const s = openStream('42', 'samplers');
  const rate = diurnalRate({ meanPerUs: 1e-8, amplitude: 0.7, peakHour: 14, weekendFactor: 0.5, startEpochUs: 0 });
  let t = 0;
  const samplers: ((s: Stream) => number)[] = [
    (s) => exponential(s, 10),
    (s) => normal(s, 1, 2),
    (s) => lognormal(s, 5, 1.5),
    (s) => lognormalFromMedian(s, 600, 1),
    (s) => weibull(s, 0.7, 100),
    (s) => gamma(s, 0.5, 2),
    (s) => gamma(s, 4, 2),
    zipf(1000, 1.1),
    quantileTable([
      [0, 1],
      [0.5, 60],
      [1, 3600],
    ]),
    (s) => (t = thinned(s, t, rate.maxRatePerUs, rate.rateAt)),
  ];
  for (let i = 0; i < 1000; i++) for (const draw of samplers) double(digest, draw(s));
  expect(digest.hex()).toBe('1011054f6d949902');
});
