import { describe, expect, it } from 'vitest';
import { exactDuration, span } from './format.ts';

describe('a time in words', () => {
  it('has all its units where times are to be added up', () => {
    expect([0, 0.25, 15, 59.96, 60, 283.25, 3600, 86_400, 214_200.000001].map(exactDuration)).toEqual([
      ...['0 s', '0.25 s', '15 s', '59.96 s', '1 min', '4 min 43.25 s', '1 h', '1 d', '2 d 11 h 30 min 0.000001 s'],
    ]);
  });

  it('is rounded to one where only its size matters', () => {
    expect([null, 0, 1.234, 75, 200, 10_000, 300_000].map(span)).toEqual([
      ...['–', '0 s', '1.23 s', '75 s', '3 min', '2.8 h', '3.5 d'],
    ]);
  });
});
