/** Inputs that are nearly right: real ones, changed where their structure is. */
import type { Stream } from '../../sim/engine/random.ts';

/** What people, other programs and attackers put where something else belongs. */
const ODD_TEXTS = [
  ...[
    '',
    ' ',
    '0',
    '-0',
    '-1',
    '-3',
    '0.5',
    '1e99',
    '1e400',
    '1e-400',
    '9007199254740993',
    '0x10',
    '1_000',
    '٣',
    'NaN',
    'inf',
    'null',
  ],
  ...[
    'true',
    '~',
    '[]',
    '{}',
    '&a',
    '*a',
    '!!js/function',
    '<<',
    '---',
    '|',
    '>',
    '"',
    "'",
    '`',
    '\\',
    '%',
    '#',
    ',',
    ';',
    ':',
    '=',
    '\t',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '=1+1',
    '@SUM(A1)',
    '../../etc/passwd',
    '/dev/zero',
    '<script>',
    '$(x)',
    '%s',
    '\u0000',
    '\u2028',
  ],
  ...[
    '\ud800',
    '\ufeff',
    'é'.normalize('NFD'),
    '1d',
    '60s',
    '99999d',
    '1w2d3h4m5s',
    '40GiB',
    '1e30GiB',
    '$3/h',
    '-5%',
    '150%',
    '2026-13-45T99:99:99Z',
  ],
  ...['2026-06-01T00:00:00Z', '0001-01-01', '999999-00:00:00', 'H100-SXM5', 'runai', 'a'.repeat(300)],
];

const ODD_VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    -1,
    0,
    0.5,
    1e308,
    -1e308,
    2 ** 31,
    2 ** 53,
    [],
    {},
    [null],
    [[]],
    [{}],
    { length: 1e9 },
    [0, [0, [0]]],
  ],
  ...ODD_TEXTS,
];

const pick = <T>(from: readonly T[], stream: Stream): T => from[stream.integer(from.length)];

/** One to four changes to a text: its lines, words and numbers, and now and then any place of it. */
export function mutatedText(text: string, more: readonly string[], stream: Stream): string {
  let out = text;
  for (let n = 1 + stream.integer(4); n > 0; n--) out = changedOnce(out, more, stream);
  return out;
}

function changedOnce(text: string, more: readonly string[], stream: Stream): string {
  const at = stream.integer(text.length + 1);
  const odd = () => (more.length > 0 && stream.integer(4) === 0 ? pick(more, stream) : pick(ODD_TEXTS, stream));
  const lineStart = text.lastIndexOf('\n', at - 1) + 1;
  const newline = text.indexOf('\n', at);
  const lineEnd = newline < 0 ? text.length : newline + 1;
  const line = text.slice(lineStart, lineEnd);
  switch (stream.integer(9)) {
    case 0:
      return text.slice(0, lineStart) + text.slice(lineEnd);
    case 1:
      return text.slice(0, lineEnd) + line.repeat(1 + stream.integer(3)) + text.slice(lineEnd);
    case 2: {
      // Somewhere else: under another parent, before its header.
      const rest = text.slice(0, lineStart) + text.slice(lineEnd);
      const to = rest.lastIndexOf('\n', stream.integer(rest.length + 1)) + 1;
      return rest.slice(0, to) + line + rest.slice(to);
    }
    case 3:
      return text.slice(0, at);
    case 4:
      return text.slice(0, at) + odd() + text.slice(at);
    case 5:
      return text.slice(0, at) + text.slice(at + 1 + stream.integer(8));
    default: {
      // The word or number that stands there.
      let [from, to] = [at, at];
      while (from > 0 && isWord(text.charCodeAt(from - 1))) from--;
      while (to < text.length && isWord(text.charCodeAt(to))) to++;
      return text.slice(0, from) + odd() + text.slice(to);
    }
  }
}

const isWord = (code: number) =>
  (code >= 48 && code <= 57) ||
  (code >= 65 && code <= 90) ||
  (code >= 97 && code <= 122) ||
  code === 46 ||
  code === 95 ||
  code === 45;

type Inside = Record<string, unknown> | unknown[];

/** One to four changes to a JSON value, which stays as it is; with what is drawn from `more` among them. */
export function mutatedJson(value: unknown, more: readonly unknown[], stream: Stream): unknown {
  const root = [structuredClone(value)];
  for (let n = 1 + stream.integer(4); n > 0; n--) {
    const places: [Inside, string | number][] = [];
    collect(root, places);
    if (places.length === 0) break;
    const [parent, key] = pick(places, stream);
    const held = parent as Record<string | number, unknown>;
    switch (stream.integer(6)) {
      case 0:
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else delete held[key];
        break;
      case 1:
        if (Array.isArray(parent) && parent !== root) parent.push(structuredClone(held[key]));
        else held[key] = structuredClone(pick(places, stream)[0]);
        break;
      case 2: {
        const [other, where] = pick(places, stream);
        held[key] = structuredClone((other as Record<string | number, unknown>)[where]);
        break;
      }
      default:
        held[key] =
          more.length > 0 && stream.integer(4) === 0 ? pick(more, stream) : structuredClone(pick(ODD_VALUES, stream));
    }
  }
  return root[0] ?? null;
}

function collect(value: unknown, out: [Inside, string | number][]): void {
  if (value === null || typeof value !== 'object') return;
  for (const key of Object.keys(value)) {
    out.push([value as Inside, Array.isArray(value) ? Number(key) : key]);
    collect((value as Record<string, unknown>)[key], out);
  }
}

/** One to four changes to bytes. */
export function mutatedBytes(bytes: Uint8Array, stream: Stream): Uint8Array {
  let out = bytes.slice();
  for (let n = 1 + stream.integer(4); n > 0 && out.length > 0; n--) {
    const at = stream.integer(out.length);
    const kind = stream.integer(4);
    if (kind === 0) out = out.slice(0, at);
    else if (kind === 1) out[at] ^= 1 << stream.integer(8);
    else if (kind === 2) out[at] = pick([0, 1, 127, 128, 255], stream);
    else {
      const to = stream.integer(out.length);
      out.copyWithin(at, to, Math.min(out.length, to + 16));
    }
  }
  return out;
}
