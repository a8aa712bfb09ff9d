import { describe, expect, it } from 'vitest';
import { duration, span } from './format.ts';

describe('a time in words', () => {
  it('has the two largest units that say something', () => {
    const told = [0, 0.25, 0.0004, 12.34, 59.96, 60, 90, 3599, 3599.7, 3600, 7500, 86_399, 86_400, 100_000, 200_000];
    expect(told.map(duration)).toEqual([
      ...['0 s', '0.25 s', '0 s', '12.3 s', '1 min', '1 min', '1 min 30 s', '59 min 59 s'],
      ...['1 h', '1 h', '2 h 5 min', '1 d', '1 d', '1 d 4 h', '2 d 8 h'],
    ]);
  });

  it('is rounded to one where only its size matters', () => {
    expect([null, 0, 1.234, 75, 200, 10_000, 300_000].map(span)).toEqual([
      ...['–', '0 s', '1.23 s', '75 s', '3 min', '2.8 h', '3.5 d'],
    ]);
  });
});
