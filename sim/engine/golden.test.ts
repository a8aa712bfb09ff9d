import { expect, it } from 'vitest';
import { Digest } from './digest.ts';
import { openStream } from './random.ts';

// Literals: a platform or a change that alters one bit of the streams or of the digest shows here.
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
