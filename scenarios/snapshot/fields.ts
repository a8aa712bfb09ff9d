/** Fields of an object in a snapshot, with their types checked: an error names the object and the field. */
import type { Json, JsonObject } from './json.ts';
import { Unexpected } from './json.ts';
import { quoted, SnapshotError } from './problems.ts';
import { parseGoDuration, parseQuantity, parseTime } from './quantity.ts';

/** Part of an object: `object` is what errors call it, `path` where in it this part is. */
export interface Fields {
  readonly object: string;
  readonly path: string;
  readonly json: JsonObject;
}

export const fieldsOf = (object: string, json: JsonObject, path = ''): Fields => ({ object, path, json });

function wrong(f: Fields, path: string, found: string, expected: string): SnapshotError {
  return new SnapshotError(`${f.object}: ${f.path}${path}: found ${found}, expected ${expected}`);
}

/** The value at `a.b.c`; undefined where it, or anything above it, is absent or null. */
function at(f: Fields, path: string): Json | undefined {
  let node: Json = f.json;
  for (const step of path.split('.')) {
    if (node === null || node === undefined) return undefined;
    if (node instanceof Unexpected) throw wrong(f, path, node.found, 'an object');
    node = (node as JsonObject)[step];
  }
  if (node instanceof Unexpected) return node;
  return node ?? undefined;
}

export function text(f: Fields, path: string): string | undefined {
  const value = at(f, path);
  if (value === undefined || typeof value === 'string') return value;
  throw wrong(f, path, shown(value), 'a text');
}

/** A text, empty where there is none. */
export const textOr = (f: Fields, path: string, otherwise = ''): string => text(f, path) ?? otherwise;

export function number(f: Fields, path: string): number | undefined {
  const value = at(f, path);
  if (value === undefined) return undefined;
  const given = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof given === 'number' && Number.isFinite(given)) return given;
  throw wrong(f, path, shown(value), 'a number');
}

export function whole(f: Fields, path: string): number | undefined {
  const value = number(f, path);
  if (value === undefined || Number.isSafeInteger(value)) return value;
  throw wrong(f, path, String(value), 'a whole number');
}

export function flag(f: Fields, path: string): boolean | undefined {
  const value = at(f, path);
  if (value === undefined || typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw wrong(f, path, shown(value), 'true or false');
}

/** µs. */
export function duration(f: Fields, path: string): number | undefined {
  const value = at(f, path);
  if (value === undefined) return undefined;
  const us = typeof value === 'string' || typeof value === 'number' ? parseGoDuration(value) : undefined;
  if (us === undefined) throw wrong(f, path, shown(value), "a duration such as '1m30s'");
  return us;
}

/** Unix µs. */
export function time(f: Fields, path: string): number | undefined {
  const value = at(f, path);
  if (value === undefined || value === '') return undefined;
  const us = typeof value === 'string' ? parseTime(value) : undefined;
  if (us === undefined) throw wrong(f, path, shown(value), "a time such as '2026-06-01T08:00:00Z'");
  return us;
}

export function part(f: Fields, path: string): Fields | undefined {
  const value = at(f, path);
  if (value === undefined) return undefined;
  if (value instanceof Unexpected || Array.isArray(value) || typeof value !== 'object')
    throw wrong(f, path, shown(value as Json), 'an object');
  return { object: f.object, path: `${f.path}${path}.`, json: value as JsonObject };
}

/** The objects of a list; none where it is absent. */
export function parts(f: Fields, path: string): Fields[] {
  const value = at(f, path);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(f, path, shown(value), 'a list');
  return value.map((entry, i) => {
    if (entry === null || typeof entry !== 'object' || entry instanceof Unexpected || Array.isArray(entry))
      throw wrong(f, `${path}[${i}]`, shown(entry), 'an object');
    return { object: f.object, path: `${f.path}${path}[${i}].`, json: entry };
  });
}

export function texts(f: Fields, path: string): string[] {
  const value = at(f, path);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(f, path, shown(value), 'a list');
  return value.map((entry, i) => {
    if (typeof entry !== 'string') throw wrong(f, `${path}[${i}]`, shown(entry), 'a text');
    return entry;
  });
}

/** Entries of a map of texts. */
export function entries(f: Fields, path: string): [string, string][] {
  return scalars(f, path).map(([key, value]) => [key, typeof value === 'string' ? value : String(value)]);
}

/** Entries of a map of Kubernetes quantities, in the unit itself. */
export function quantityEntries(f: Fields, path: string): [string, number][] {
  return scalars(f, path).map(([key, value]) => {
    const quantity = typeof value === 'boolean' ? undefined : parseQuantity(value);
    if (quantity === undefined) throw wrong(f, `${path}['${key}']`, shown(value), 'a quantity such as 500m or 16Gi');
    return [key, quantity];
  });
}

function scalars(f: Fields, path: string): [string, string | number | boolean][] {
  const value = at(f, path);
  if (value === undefined) return [];
  if (typeof value !== 'object' || Array.isArray(value) || value === null || value instanceof Unexpected)
    throw wrong(f, path, shown(value as Json), 'an object');
  return Object.entries(value)
    .filter(([, entry]) => entry !== null)
    .map(([key, entry]) => {
      if (typeof entry === 'object') throw wrong(f, `${path}['${key}']`, shown(entry), 'a text or a number');
      return [key, entry as string | number | boolean];
    });
}

/** A bad value as an error shows it. Long texts are not repeated: they can be something that was never meant for here. */
function shown(value: Json): string {
  if (value instanceof Unexpected) return value.found;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return value.length <= 20 ? quoted(value) : `a text of ${value.length} characters`;
  return value !== null && typeof value === 'object' ? 'an object' : String(value);
}
