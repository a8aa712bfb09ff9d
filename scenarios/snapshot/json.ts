/**
 * JSON read through a list of the fields that are wanted. What the list does not name is skipped byte by byte and never
 * becomes a value, so that secrets, environments and commands cannot go anywhere; and a file of hundreds of megabytes
 * takes the memory of what is kept of it. https://www.rfc-editor.org/rfc/rfc8259
 */
import { SnapshotError } from './problems.ts';

/**
 * What to keep: a single value, an object's named fields, a list's items, or the entries of a map with a known key.
 * `anyCase`: capitals do not count in the fields' names, as in Go's JSON; they are kept under the names given here.
 */
export type Shape =
  | 'value'
  | { readonly fields: Readonly<Record<string, Shape>>; readonly anyCase?: boolean }
  | { readonly list: Shape }
  | { readonly map: (key: string) => boolean };

/** Stands where the file has something of another kind than the shape; the content itself is not kept. */
export class Unexpected {
  readonly found: string;
  constructor(found: string) {
    this.found = found;
  }
}

export type Json = string | number | boolean | null | Unexpected | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const MAX_DEPTH = 200;
const MAX_ITEMS = 4_000_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

interface Field {
  bytes: Uint8Array;
  name: string;
  shape: Shape;
}

const compiled = new WeakMap<object, Map<number, Field[]>>();

/** Fields of a shape by the length of their name in bytes. */
function fieldsOf(shape: { readonly fields: Readonly<Record<string, Shape>> }): Map<number, Field[]> {
  let byLength = compiled.get(shape);
  if (byLength === undefined) {
    byLength = new Map();
    for (const [name, inner] of Object.entries(shape.fields)) {
      const bytes = new TextEncoder().encode(name);
      const same = byLength.get(bytes.length) ?? [];
      same.push({ bytes, name, shape: inner });
      byLength.set(bytes.length, same);
    }
    compiled.set(shape, byLength);
  }
  return byLength;
}

/**
 * All JSON values of a UTF-8 text, one after the other; those of a list, as `jq -s` makes one, like those that stand by themselves.
 * Throws `SnapshotError` where it is no JSON. `file` is for messages.
 */
export function readJson(bytes: Uint8Array, shape: Shape, file: string): Json[] {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const path: (string | number)[] = [];
  /** The objects being read, outermost first: their names tell where an error is. */
  const open: JsonObject[] = [];
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let depth = 0;
  let items = 0;

  function where(): string {
    const inside = path
      .map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`))
      .join('');
    for (let i = open.length - 1; i >= 0; i--) {
      const metadata = open[i].metadata;
      if (metadata === null || typeof metadata !== 'object' || !('name' in metadata)) continue;
      const { namespace, name } = metadata as JsonObject;
      if (typeof name !== 'string') continue;
      const full = typeof namespace === 'string' ? `${namespace}/${name}` : name;
      return ` in ${inside} (${full.slice(0, 120)})`;
    }
    return inside === '' ? '' : ` in ${inside}`;
  }

  function fail(expected: string): never {
    if (at >= bytes.length) {
      throw new SnapshotError(
        `${file} is cut short: it ends${where()} at byte ${bytes.length}, expected ${expected}. Take the snapshot again`,
      );
    }
    throw new SnapshotError(`${file} is no valid JSON: byte ${at}${where()}: expected ${expected}`);
  }

  function space(): void {
    for (;;) {
      const c = bytes[at];
      if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) at++;
      else return;
    }
  }

  /** From the opening quote to behind the closing one; the end of the content. */
  function skipString(): void {
    at++;
    for (;;) {
      const c = bytes[at];
      if (c === QUOTE) break;
      if (c === BACKSLASH) at += 2;
      else if (c === undefined || c < 0x20) {
        if (at > bytes.length) at = bytes.length;
        fail('the end of a text');
      } else at++;
    }
    at++;
  }

  function string(): string {
    const from = at;
    skipString();
    const slice = bytes.subarray(from + 1, at - 1);
    try {
      if (!slice.includes(BACKSLASH)) return decoder.decode(slice);
      return JSON.parse(decoder.decode(bytes.subarray(from, at)));
    } catch {
      at = from;
      return fail('a text in UTF-8 with valid escapes');
    }
  }

  function literal(): string | number | boolean | null {
    const from = at;
    while (at < bytes.length && !isEnd(bytes[at])) at++;
    const text = String.fromCharCode(...bytes.subarray(from, Math.min(at, from + 64)));
    if (text === 'true') return true;
    if (text === 'false') return false;
    if (text === 'null') return null;
    if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) && at - from <= 64) return Number(text);
    if (at < bytes.length || !/^(t|f|n|-|\d)/.test(text)) at = from;
    return fail('a value');
  }

  function enter(): void {
    if (++depth > MAX_DEPTH) {
      throw new SnapshotError(
        `${file}: byte ${at}${where()}: nested deeper than ${MAX_DEPTH} levels, which no Kubernetes object is`,
      );
    }
  }

  function skip(): void {
    space();
    const c = bytes[at];
    if (c === QUOTE) skipString();
    else if (c === OPEN_OBJECT) {
      object(() => skip());
    } else if (c === OPEN_LIST) {
      list(() => skip());
    } else literal();
  }

  /** Hands out the bytes of each key; `each` reads the value behind the colon. */
  function object(each: (from: number, to: number) => void): void {
    enter();
    at++;
    space();
    if (bytes[at] === CLOSE_OBJECT) {
      at++;
      depth--;
      return;
    }
    for (;;) {
      space();
      if (bytes[at] !== QUOTE) fail('a name in quotes');
      const from = at;
      skipString();
      const to = at;
      space();
      if (bytes[at] !== COLON) fail("':'");
      at++;
      each(from, to);
      space();
      const c = bytes[at];
      if (c === COMMA) at++;
      else if (c === CLOSE_OBJECT) break;
      else fail("',' or '}'");
    }
    at++;
    depth--;
  }

  function list(each: () => void): void {
    enter();
    at++;
    space();
    if (bytes[at] === CLOSE_LIST) {
      at++;
      depth--;
      return;
    }
    for (;;) {
      each();
      space();
      const c = bytes[at];
      if (c === COMMA) at++;
      else if (c === CLOSE_LIST) break;
      else fail("',' or ']'");
    }
    at++;
    depth--;
  }

  function keyText(from: number): string {
    const after = at;
    at = from;
    const text = string();
    at = after;
    return text;
  }

  function match(byLength: Map<number, Field[]>, from: number, to: number, anyCase: boolean): Field | undefined {
    for (const field of byLength.get(to - from - 2) ?? []) {
      let i = 0;
      while (i < field.bytes.length && sameLetter(bytes[from + 1 + i], field.bytes[i], anyCase)) i++;
      if (i === field.bytes.length) return field;
    }
    if (!bytes.subarray(from, to).includes(BACKSLASH)) return undefined;
    const name = keyText(from);
    for (const same of byLength.values()) for (const field of same) if (field.name === name) return field;
    return undefined;
  }

  function value(wanted: Shape): Json {
    space();
    const c = bytes[at];
    const found = c === OPEN_OBJECT ? 'an object' : c === OPEN_LIST ? 'a list' : c === QUOTE ? 'a text' : 'a value';
    if (c === undefined) fail('a value');
    if (wanted === 'value') {
      if (c === QUOTE) return string();
      if (c !== OPEN_OBJECT && c !== OPEN_LIST) return literal();
      skip();
      return new Unexpected(found);
    }
    if (c !== OPEN_OBJECT && c !== OPEN_LIST && c !== QUOTE) {
      const got = literal();
      return got === null ? null : new Unexpected(typeof got === 'number' ? 'a number' : String(got));
    }
    if ('list' in wanted) {
      if (c !== OPEN_LIST) {
        skip();
        return new Unexpected(found);
      }
      const out: Json[] = [];
      list(() => {
        if (++items > MAX_ITEMS) throw new SnapshotError(`${file}${where()}: more than ${MAX_ITEMS} entries`);
        path.push(out.length);
        out.push(value(wanted.list));
        path.pop();
      });
      return out;
    }
    if (c !== OPEN_OBJECT) {
      skip();
      return new Unexpected(found);
    }
    const out: JsonObject = Object.create(null);
    if ('map' in wanted) {
      object((from) => {
        const key = keyText(from);
        if (!wanted.map(key)) return skip();
        path.push(key);
        out[key] = value('value');
        path.pop();
      });
      return out;
    }
    const byLength = fieldsOf(wanted);
    open.push(out);
    object((from, to) => {
      const field = match(byLength, from, to, wanted.anyCase === true);
      if (field === undefined) return skip();
      path.push(field.name);
      out[field.name] = value(field.shape);
      path.pop();
    });
    open.pop();
    return out;
  }

  const values: Json[] = [];
  for (space(); at < bytes.length; space()) {
    if (bytes[at] !== OPEN_LIST) values.push(value(shape));
    else {
      let n = 0;
      list(() => {
        path.push(n++);
        values.push(value(shape));
        path.pop();
      });
    }
  }
  if (values.length === 0) throw new SnapshotError(`${file} is empty`);
  return values;
}

/** Of ASCII, which the names of fields are. */
function sameLetter(a: number, b: number, anyCase: boolean): boolean {
  if (a === b) return true;
  const small = b | 0x20;
  return anyCase && (a | 0x20) === small && small >= 0x61 && small <= 0x7a;
}

function isEnd(c: number): boolean {
  return c === COMMA || c === CLOSE_OBJECT || c === CLOSE_LIST || c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}
