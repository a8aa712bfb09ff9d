import { describe, expect, it } from 'vitest';
import { DAY_US, HOUR_US } from '../sim/scenario.ts';
import {
  looksBinary,
  parseCount,
  parseCpu,
  parseDecimal,
  parseDuration,
  parseInstant,
  parsePrice,
  parseShare,
  parseSize,
  parseUtcOffset,
  quote,
  UnitError,
} from './units.ts';

describe('units', () => {
  it.each([
    [parseDuration, '60s', 60e6],
    [parseDuration, '150ms', 150_000],
    [parseDuration, '30d', 30 * DAY_US],
    [parseDuration, '2h30m', 2.5 * HOUR_US],
    [parseDuration, '1w', 7 * DAY_US],
    [parseDuration, '1.5 h', 1.5 * HOUR_US],
    [parseDuration, '0', 0],
    [parseDuration, '7us', 7],
    [parseSize, '2TiB', 2 * 2 ** 20],
    [parseSize, '80GB', 76294],
    [parseSize, '512Mi', 512],
    [parsePrice, '$5.92/h', 5_920_000],
    [parsePrice, '5.92', 5_920_000],
    [parsePrice, '$360/month', 500_000],
    [parsePrice, '$1,000', 1e9],
    [parseShare, '0.4', 400],
    [parseShare, '40%', 400],
    [parseShare, '1', 1000],
    [parseCount, '12', 12],
    [parseDecimal, '1.5', 1.5],
    [parseCpu, '500m', 500],
    [parseCpu, '224', 224_000],
    [parseInstant, '1970-01-02', 86400],
    [parseInstant, '2026-06-01T00:00:00Z', 1_780_272_000],
    [parseInstant, '2024-02-29T12:00:00+02:00', 1_709_200_800],
    [parseUtcOffset, '-05:30', -330],
    [parseUtcOffset, 'UTC', 0],
  ] as const)('%o reads %s', (parse, text, value) => {
    expect((parse as (t: string) => number)(text)).toBe(value);
  });

  it.each([
    [parseDuration, '60', "found '60', expected a duration with a unit, such as 150ms, 60s, 2h30m, 30d or 1w"],
    [parseDuration, '-1h', "found '-1h', expected a duration with a unit, such as 150ms, 60s, 2h30m, 30d or 1w"],
    [parseDuration, '1h-2m', "found '1h-2m', expected a duration with a unit, such as 150ms, 60s, 2h30m, 30d or 1w"],
    [parseDuration, '300000d', "found '300000d', expected a duration of at most 285 years"],
    [parseDuration, '1constructor', /'constructor' is no unit of time/],
    [parseSize, '80', "found '80', expected a size with a unit, such as 80GB, 141GiB or 2TiB"],
    [parsePrice, '€5', "found '€5', expected a price per hour in US dollars, such as $5.92/h or 5.92"],
    [parsePrice, 'NaN', /expected a price/],
    [parseShare, '140%', "found '140%', expected a share from 0 to 1, such as 0.4 or 40%"],
    [parseCount, '1.5', "found '1.5', expected a whole number of at least 0"],
    [parseCount, '1e3', /whole number/],
    [parseDecimal, 'Infinity', /a number of at least 0/],
    [parseInstant, '2026-02-30', "found '2026-02-30', expected a date, such as 2026-06-01 or 2026-06-01T08:00:00Z"],
    [parseUtcOffset, 'Europe/Berlin', "found 'Europe/Berlin', expected an offset from UTC, such as +02:00 or UTC"],
    [parseCount, 'x\u0007'.repeat(50), /^found '(x\\x07)+…?/],
  ] as const)('%o refuses %s', (parse, text, message) => {
    expect(() => (parse as (t: string) => number)(text)).toThrow(UnitError);
    expect(() => (parse as (t: string) => number)(text)).toThrow(message);
  });
});

describe('a quoted value', () => {
  it('is cut to what fits a line, whatever it holds', () => {
    expect(quote('60x')).toBe("'60x'");
    expect(quote('a\u001b[2J\u202e')).toBe("'a\\x1b[2J\\u202e'");
    for (const text of ['x'.repeat(1e5), '\0'.repeat(1e5), '\ufffd'.repeat(1e5), '\ud83d\ude00'.repeat(1e4)]) {
      expect(quote(text).length).toBeLessThanOrEqual(63);
      expect(quote(text)).toMatch(/…'$/);
    }
  });

  it('is told apart from a binary file', () => {
    expect(looksBinary('kind: Simulation # ☃ Grüße')).toBe(false);
    expect(looksBinary('')).toBe(false);
    expect(looksBinary('PK\u0003\u0004\0\0')).toBe(true);
    expect(looksBinary('\ufffd\ufffdJFIF')).toBe(true);
  });
});
