/** Field types of the scenario's documents: each reads the text that YAML gave and says what it expects. */

import { z } from 'zod';
import { parseTimeZone } from './time-zone.ts';
import {
  parseBandwidth,
  parseBytes,
  parseCount,
  parseCpu,
  parseDecimal,
  parseDuration,
  parseFlag,
  parseInstant,
  parseParams,
  parsePrice,
  parseShare,
  parseSize,
  parseUtcOffset,
  rangeText,
  UnitError,
} from './units.ts';

/** A field read by `parse`; `schema` describes it to editors (JSON Schema of what a person writes). */
function field<T>(parse: (text: string) => T, schema: Record<string, unknown>) {
  return z
    .string()
    .transform((text, context): T => {
      try {
        return parse(text);
      } catch (error) {
        if (!(error instanceof UnitError)) throw error;
        context.addIssue({ code: 'custom', message: error.expected, params: { found: error.found } });
        return z.NEVER;
      }
    })
    .meta(schema);
}

const either = (description: string) => ({ type: ['string', 'number'], description });

export const duration = () => field(parseDuration, either('a duration: 150ms, 60s, 2h30m, 30d, 1w'));
/** Time between checkpoints. Shorter ones would only make a run endless: each is an event. */
export const interval = () =>
  field((text) => {
    const us = parseDuration(text);
    if (us > 0 && us < 1_000_000) throw new UnitError(`'${text}'`, 'at least 1s, or 0 for never');
    return us;
  }, either('a duration of at least 1s, or 0 for never: 10m'));
export const size = () => field(parseSize, either('a size: 80GB, 141GiB, 2TiB'));
export const bytes = () => field(parseBytes, either('a size in bytes: 500GB, 5.67TB'));
export const bandwidth = () => field(parseBandwidth, either('bytes per second: 62GB/s, 400Gbit/s, or unlimited'));
export const params = () => field(parseParams, either('parameters of a model: 405B, 7e9'));
export const price = () =>
  field(parsePrice, either('US dollars per hour: $5.92/h or 5.92; $360/month counts 720 hours'));
export const cpu = () => field(parseCpu, either('CPU cores: 224 or 500m'));
export const share = () => field(parseShare, either('a share: 0.4 or 40%'));
export const flag = () => field(parseFlag, { type: ['boolean', 'string'] });
export const instant = () =>
  field(parseInstant, { type: 'string', description: 'a date: 2026-06-01 or 2026-06-01T08:00:00Z' });
export const utcOffset = () => field(parseUtcOffset, { type: 'string', description: 'an offset from UTC: +02:00' });
export const timeZone = () => field(parseTimeZone, { type: 'string', description: 'an IANA time zone: Europe/Berlin' });
export const count = (min = 0, max?: number) =>
  field((text) => parseCount(text, min, max), {
    type: ['integer', 'string'],
    description: `a whole number ${rangeText(min, max)}`,
    ...(min < 0 ? {} : { minimum: min }),
  });
export const decimal = (min = 0, max?: number) =>
  field((text) => parseDecimal(text, min, max), {
    type: ['number', 'string'],
    description: `a number ${rangeText(min, max)}`,
  });

/** Of several forms, one that is a bare word; of the others given as a word, an example of each is shown. */
export const wordAmong = (word: string, examples: Readonly<Record<string, string>>) =>
  field(
    (text) => {
      if (text === word) return word;
      const example = Object.hasOwn(examples, text) ? examples[text] : undefined;
      const all = [word, ...Object.values(examples)];
      throw example === undefined
        ? new UnitError(`'${text}'`, `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`)
        : new UnitError(`'${text}'`, `its fields with it, such as ${example}`);
    },
    { const: word },
  );

/** A name: what jobs, projects, pools and users are called. Numbers are names too. */
export const name = () =>
  z
    .string()
    .refine((s) => s.length > 0 && s.length <= 253 && !/[\s\p{Cc}]/u.test(s), {
      error: 'a name of 1 to 253 characters without spaces',
    })
    .meta({ type: ['string', 'number'] });

export const text = () => z.string().meta({ type: ['string', 'number', 'boolean'] });

/** One value or a list of them. */
export const oneOrMore = <T extends z.ZodType>(item: T) =>
  z
    .preprocess((v) => (Array.isArray(v) || v === undefined ? v : [v]), z.array(item))
    .meta({ items: {}, type: ['array', 'string', 'number'] });

/** A scalar's text read as YAML's core schema would: what policy arguments hold. */
export function typed(value: unknown, depth = 0): unknown {
  if (Array.isArray(value)) return value.map((v) => typed(v, depth + 1));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([k]) => k !== '__proto__')
        .map(([k, v]) => [k, typed(v, depth + 1)]),
    );
  }
  if (value === 'true') return true;
  if (value === 'false') return false;
  if (typeof value === 'string' && /^-?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(value)) {
    const n = Number(value);
    return Number.isFinite(n) ? n : value;
  }
  return value;
}
