/**
 * Quantities as people write them, turned into the integers that the simulation counts in: µs, MiB, micro-dollars per
 * hour, thousandths. A quantity that cannot be read throws a `UnitError` that says what was found and what was expected.
 */

import { DAY_US, HOUR_US, MINUTE_US, SECOND_US } from '../sim/scenario.ts';

export class UnitError extends Error {
  readonly found: string;
  readonly expected: string;

  constructor(found: string, expected: string) {
    super(`found ${found}, expected ${expected}`);
    this.name = 'UnitError';
    this.found = found;
    this.expected = expected;
  }
}

const DURATION_US: Record<string, number> = {
  us: 1,
  µs: 1,
  ms: 1000,
  s: SECOND_US,
  m: MINUTE_US,
  min: MINUTE_US,
  h: HOUR_US,
  d: DAY_US,
  w: 7 * DAY_US,
};

const MIB = 2 ** 20;
const SIZE_BYTES: Record<string, number> = {
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 2 ** 10,
  MiB: MIB,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  PiB: 2 ** 50,
  // Kubernetes' quantities.
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: MIB,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

const DECIMAL = /^(\d+(?:\.\d*)?|\.\d+)$/;
const WITH_UNIT = /^(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-zµ]+)$/;

/** The longest piece of a bad value that an error repeats, characters as shown. */
const QUOTE_LIMIT = 60;
/** What a terminal would act on or not show: control characters, and marks that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** A value as an error shows it: quoted, cut when long, control characters made visible. */
export function quote(value: string): string {
  let shown = '';
  for (const c of value.slice(0, QUOTE_LIMIT + 1)) {
    const code = c.charCodeAt(0);
    const seen = !UNSEEN.test(c) ? c : code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
    if (shown.length + seen.length > QUOTE_LIMIT) return `'${shown}…'`;
    shown += seen;
  }
  return `'${shown}'`;
}

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0');

/** Bytes of a picture or an archive that were read as if they were text: NULs, or much that is no UTF-8. */
export function looksBinary(text: string): boolean {
  const head = text.slice(0, 4096);
  if (head.includes('\0')) return true;
  return [...head].filter((c) => c === '\ufffd').length > head.length / 20;
}

/** `60s`, `150ms`, `30d`, `2h30m`, `1w`; a bare `0` needs no unit. Integer µs. */
export function parseDuration(text: string): number {
  const expected = 'a duration with a unit, such as 150ms, 60s, 2h30m, 30d or 1w';
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  if (trimmed.length > 64) throw new UnitError(quote(text), expected);
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-zµ]+)\s*/gy)];
  const read = parts.reduce((sum, p) => sum + p[0].length, 0);
  if (parts.length === 0 || read !== trimmed.length) throw new UnitError(quote(text), expected);
  let us = 0;
  for (const [, amount, unit] of parts) {
    if (!Object.hasOwn(DURATION_US, unit))
      throw new UnitError(quote(text), `${expected}; '${unit}' is no unit of time`);
    us += Number(amount) * DURATION_US[unit];
  }
  us = Math.round(us);
  if (!Number.isSafeInteger(us)) throw new UnitError(quote(text), 'a duration of at most 285 years');
  return us;
}

/** `2TiB`, `80GB`, `512Mi`. Integer MiB, rounded to the nearest. */
export function parseSize(text: string): number {
  const expected = 'a size with a unit, such as 80GB, 141GiB or 2TiB';
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  const match = WITH_UNIT.exec(trimmed);
  if (match === null || !Object.hasOwn(SIZE_BYTES, match[2])) throw new UnitError(quote(text), expected);
  const mib = Math.round((Number(match[1]) * SIZE_BYTES[match[2]]) / MIB);
  if (!Number.isSafeInteger(mib)) throw new UnitError(quote(text), 'a size of less than 2^53 MiB');
  return mib;
}

/** Hours in a month as cloud price lists round them. */
export const MONTH_HOURS = 720;

/** `$5.92/h`, `$5.92`, `5.92`, `$360/month` (720 hours). Integer micro-dollars per hour. */
export function parsePrice(text: string): number {
  const expected = 'a price per hour in US dollars, such as $5.92/h or 5.92';
  const match = /^\$?\s*(\d[\d,]*(?:\.\d*)?|\.\d+)\s*(?:USD)?\s*(\/\s*(?:h|hr|hour|mo|month))?$/.exec(text.trim());
  if (match === null) throw new UnitError(quote(text), expected);
  const amount = Number(match[1].replaceAll(',', ''));
  const hours = match[2]?.includes('mo') ? MONTH_HOURS : 1;
  const micro = Math.round((amount * 1e6) / hours);
  if (!Number.isSafeInteger(micro) || micro > 1e12) throw new UnitError(quote(text), 'a price of at most $1,000,000/h');
  return micro;
}

export const rangeText = (min: number, max = Number.MAX_SAFE_INTEGER): string =>
  max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;

/** A whole number in a range; `1_000` and `1e3` are not numbers here. */
export function parseCount(text: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const value = /^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new UnitError(quote(text), `a whole number ${rangeText(min, max)}`);
  return value;
}

/** A decimal number in a range. */
export function parseDecimal(text: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const value = /^-?(?:\d+(?:\.\d*)?|\.\d+)$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new UnitError(quote(text), `a number ${rangeText(min, max)}`);
  return value;
}

/** `0.4`, `40%`, `1`. Thousandths. */
export function parseShare(text: string): number {
  const trimmed = text.trim();
  const percent = trimmed.endsWith('%');
  const digits = percent ? trimmed.slice(0, -1).trim() : trimmed;
  const milli = DECIMAL.test(digits) ? Math.round(Number(digits) * (percent ? 10 : 1000)) : Number.NaN;
  if (!(milli >= 0 && milli <= 1000)) throw new UnitError(quote(text), 'a share from 0 to 1, such as 0.4 or 40%');
  return milli;
}

/** `224` cores or Kubernetes' `500m`. Thousandths of a core. */
export function parseCpu(text: string): number {
  const match = /^(\d+(?:\.\d*)?|\.\d+)(m?)$/.exec(text.trim());
  const milli = match === null ? Number.NaN : Math.round(Number(match[1]) * (match[2] === 'm' ? 1 : 1000));
  if (!(milli >= 0 && milli <= 1e12)) throw new UnitError(quote(text), 'a number of CPU cores, such as 224 or 500m');
  return milli;
}

export function parseFlag(text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new UnitError(quote(text), 'true or false');
}

/** `2026-06-01` or `2026-06-01T08:00:00Z` (a time without a zone is UTC). Unix seconds. */
export function parseInstant(text: string): number {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?)?$/.exec(
    text.trim(),
  );
  const fail = () => new UnitError(quote(text), 'a date, such as 2026-06-01 or 2026-06-01T08:00:00Z');
  if (match === null) throw fail();
  const [, y, mo, d, h, mi, s, zone] = match;
  const days = daysFromCivil(Number(y), Number(mo), Number(d));
  const inDay = [Number(h ?? 0), Number(mi ?? 0), Number(s ?? 0)];
  if (days === undefined || inDay[0] > 23 || inDay[1] > 59 || inDay[2] > 59) throw fail();
  const offset = zone === undefined || zone === 'Z' ? 0 : parseUtcOffset(zone);
  return days * 86400 + inDay[0] * 3600 + inDay[1] * 60 + inDay[2] - offset * 60;
}

/** Days since 1970-01-01 in the Gregorian calendar; undefined for a date that does not exist. */
function daysFromCivil(year: number, month: number, day: number): number | undefined {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1]) return undefined;
  const y = year - 1;
  const before = y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  const inYear = lengths.slice(0, month - 1).reduce((a, b) => a + b, 0) + day - 1;
  return before + inYear - 719162;
}

/** `UTC`, `Z`, `+02:00`, `-0530`. Minutes. */
export function parseUtcOffset(text: string): number {
  if (/^(UTC|Z)$/i.test(text.trim())) return 0;
  const match = /^([+-])(\d\d):?(\d\d)$/.exec(text.trim());
  const minutes = match === null ? Number.NaN : Number(match[2]) * 60 + Number(match[3]);
  if (match === null || !(minutes <= 14 * 60) || Number(match[3]) > 59) {
    throw new UnitError(quote(text), 'an offset from UTC, such as +02:00 or UTC');
  }
  return match[1] === '-' && minutes > 0 ? -minutes : minutes;
}

/** `5.67TB`, `512GiB`: whole bytes. */
export function parseBytes(text: string): number {
  const expected = 'a size with a unit, such as 500GB or 5.67TB';
  const match = WITH_UNIT.exec(text.trim());
  if (match === null || !Object.hasOwn(SIZE_BYTES, match[2])) throw new UnitError(quote(text), expected);
  const bytes = Math.round(Number(match[1]) * SIZE_BYTES[match[2]]);
  if (!Number.isSafeInteger(bytes)) throw new UnitError(quote(text), 'a size of less than 2^53 bytes (9 PB)');
  return bytes;
}

/** `62GB/s`, `400Gbit/s`, `400Gb/s`, or `unlimited`. Whole bytes per second; Infinity = unlimited. */
export function parseBandwidth(text: string): number {
  const expected = 'a rate such as 62GB/s or 400Gbit/s, or unlimited';
  const trimmed = text.trim();
  if (trimmed === 'unlimited') return Infinity;
  const match = /^(\d+(?:\.\d*)?|\.\d+)\s*([kMGTP]i?)(B|bit|b)(?:\/s|ps)$/.exec(trimmed);
  if (match === null) throw new UnitError(quote(text), expected);
  const rate = Math.floor((Number(match[1]) * SIZE_BYTES[match[2]]) / (match[3] === 'B' ? 1 : 8));
  // Slower, and a large transfer would outlast the times that can be counted in µs.
  if (!(rate >= 1_000_000 && rate <= 1e15)) throw new UnitError(quote(text), 'a rate from 1MB/s to 1PB/s');
  return rate;
}

const SCALES: Record<string, number> = { '': 1, k: 1e3, m: 1e6, b: 1e9, t: 1e12 };

/** `405B`, `7e9`, `1.5T`, `70b`: a number of parameters. */
export function parseParams(text: string): number {
  const match = /^(\d+(?:\.\d*)?(?:e\d{1,2})?)\s*([kmbt]?)$/i.exec(text.trim());
  const params = match === null ? Number.NaN : Math.round(Number(match[1]) * SCALES[match[2].toLowerCase()]);
  if (!(params >= 1 && params <= 1e14)) throw new UnitError(quote(text), 'a number of parameters, such as 405B or 7e9');
  return params;
}
