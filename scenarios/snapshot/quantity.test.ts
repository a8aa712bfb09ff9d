import { describe, expect, it } from 'vitest';
import { milliUnits, parseGoDuration, parseQuantity, parseTime, wholeUnits } from './quantity.ts';

describe('quantities', () => {
  it.each([
    ['500m', 0.5],
    ['16Gi', 16 * 2 ** 30],
    ['1e3', 1000],
    ['1E3', 1000],
    ['2E', 2e18],
    ['.5', 0.5],
    ['100k', 1e5],
    ['+1.5M', 1.5e6],
    [4, 4],
  ])('reads %s', (given, expected) => {
    expect(parseQuantity(given)).toBe(expected);
  });

  it.each(['', 'abc', '1 Gi', '1gb', '0x10', '1e', 'NaN', '--1'])('refuses %j', (given) => {
    expect(parseQuantity(given)).toBeUndefined();
  });

  it('rounds up to whole units, as Kubernetes does, but not for the last bits of a decimal', () => {
    expect(wholeUnits(1.2)).toBe(2);
    expect(milliUnits(0.1 + 0.2)).toBe(300);
    expect(milliUnits(0.0001)).toBe(1);
  });
});

it('reads durations as Go writes them', () => {
  expect(parseGoDuration('1m30s')).toBe(90e6);
  expect(parseGoDuration('-10s')).toBe(-10e6);
  expect(parseGoDuration('1.5h')).toBe(5400e6);
  expect(parseGoDuration(60_000_000_000)).toBe(60e6);
  expect(parseGoDuration('10')).toBeUndefined();
  expect(parseGoDuration('5 minutes')).toBeUndefined();
});

it('reads times with a zone and parts of a second', () => {
  expect(parseTime('1970-01-02T00:00:00Z')).toBe(86400e6);
  expect(parseTime('1970-01-01T01:00:00.25+01:00')).toBe(250_000);
  expect(parseTime('1970-01-01 00:00')).toBeUndefined();
});
