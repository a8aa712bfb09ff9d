/** A stream of bytes or text → lines → records, in bounded memory whatever the input. */

export type Chunks = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/** A line longer than this is not kept. */
export const MAX_LINE = 1 << 20;
/** Lines that one quoted record may span. */
const MAX_RECORD_LINES = 50;

/** Consecutive lines without their ends; null stands for a line over MAX_LINE characters. */
export interface LineBatch {
  /** Number of the first, from 1. */
  first: number;
  lines: (string | null)[];
  /** The source ends inside the last of them. */
  open: boolean;
}

/** UTF-8, or UTF-16 where a byte-order mark or the zero bytes of its first character say so. */
function decoderFor(bytes: Uint8Array): TextDecoder {
  const [a, b] = [bytes[0], bytes[1]];
  if ((a === 0xff && b === 0xfe) || (bytes.length > 1 && a !== 0 && b === 0)) return new TextDecoder('utf-16le');
  if ((a === 0xfe && b === 0xff) || (bytes.length > 1 && a === 0 && b !== 0)) return new TextDecoder('utf-16be');
  return new TextDecoder('utf-8');
}

async function* texts(chunks: Chunks): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let head: Uint8Array | undefined;
  let first = true;
  for await (const chunk of chunks) {
    if (typeof chunk === 'string') {
      yield first && chunk.charCodeAt(0) === 0xfeff ? chunk.slice(1) : chunk;
      first = first && chunk === '';
      continue;
    }
    let bytes = chunk;
    if (decoder === undefined) {
      // The mark needs two bytes.
      if (head !== undefined) bytes = Uint8Array.from([...head, ...chunk]);
      if (bytes.length < 2) {
        head = bytes;
        continue;
      }
      head = undefined;
      decoder = decoderFor(bytes);
    }
    yield decoder.decode(bytes, { stream: true });
  }
  if (head !== undefined) yield new TextDecoder().decode(head);
  if (decoder !== undefined) yield decoder.decode();
}

export async function* lineBatches(chunks: Chunks): AsyncGenerator<LineBatch> {
  let rest = '';
  let skipping = false;
  let next = 1;
  for await (const text of texts(chunks)) {
    const lines: (string | null)[] = [];
    const first = next;
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const piece = text.slice(from, end);
      const line = rest === '' ? piece : rest + piece;
      from = end + 1;
      lines.push(skipping || line.length > MAX_LINE ? null : line.endsWith('\r') ? line.slice(0, -1) : line);
      rest = '';
      skipping = false;
    }
    next += lines.length;
    if (!skipping) rest += text.slice(from);
    if (rest.length > MAX_LINE) {
      skipping = true;
      rest = '';
    }
    if (lines.length > 0) yield { first, lines, open: false };
  }
  if (skipping || rest !== '')
    yield { first: next, lines: [skipping ? null : rest.endsWith('\r') ? rest.slice(0, -1) : rest], open: true };
}

/** Called with a record's first line and its cells, or with null and what is wrong. */
export type OnRecord = (line: number, cells: readonly string[] | null, wrong: string) => void;

export interface RecordSplitter {
  push(line: number, text: string): void;
  end(): void;
}

/** Split at single spaces by hand: a regular expression takes several times as long. */
const words = (text: string) => (/\s\s|[^\S ]/.test(text) ? text.split(/\s+/) : text.split(' '));

/** Commas with quotes (RFC 4180; lines without a quote are split by hand), bars, or white space. */
export function recordSplitter(delimiter: ',' | '|' | ' ', width: () => number, onRecord: OnRecord): RecordSplitter {
  if (delimiter === ' ') return { push: (line, text) => onRecord(line, words(text.trim()), ''), end() {} };
  if (delimiter === '|') return { push: (line, text) => onRecord(line, text.split('|'), ''), end() {} };
  let pending: string[] = [];
  let start = 0;
  let quotes = 0;
  let length = 0;
  const giveUp = (wrong: string) => {
    const [line, again] = [start, pending.slice(1)];
    pending = [];
    quotes = 0;
    onRecord(line, null, wrong);
    for (const [i, text] of again.entries()) push(line + 1 + i, text);
  };
  const push = (line: number, text: string): void => {
    const quoted = text.includes('"');
    if (pending.length === 0) {
      if (!quoted) {
        if (text.trim() !== '') onRecord(line, text.split(','), '');
        return;
      }
      start = line;
      length = 0;
    }
    pending.push(text);
    length += text.length;
    if (quoted) for (let i = text.indexOf('"'); i >= 0; i = text.indexOf('"', i + 1)) quotes++;
    if (quotes % 2 !== 0) {
      if (pending.length >= MAX_RECORD_LINES || length > MAX_LINE) giveUp('a quote is opened and not closed');
      return;
    }
    const cells = quotedCells(pending.join('\n'));
    if (cells === undefined) giveUp('its quotes cannot be read');
    else if (pending.length > 1 && width() > 0 && cells.length !== width()) giveUp('a quote is opened and not closed');
    else {
      pending = [];
      quotes = 0;
      onRecord(start, cells, '');
    }
  };
  return {
    push,
    end() {
      while (pending.length > 0) giveUp('a quote is opened and not closed');
    },
  };
}

/**
 * Cells of one record with quotes (RFC 4180), undefined where they are not well formed. By hand, because a log that quotes
 * every line would take a general parser, set up anew for each, twenty times as long.
 */
export function quotedCells(text: string): string[] | undefined {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    let cell = '';
    if (text[at] === '"') {
      at++;
      for (;;) {
        const end = text.indexOf('"', at);
        if (end < 0) return undefined;
        cell += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at++;
      }
      if (at < text.length && text[at] !== ',') return undefined;
    } else {
      const comma = text.indexOf(',', at);
      const end = comma < 0 ? text.length : comma;
      cell = text.slice(at, end);
      if (/["\n]/.test(cell)) return undefined;
      at = end;
    }
    cells.push(cell);
    if (at >= text.length) return cells;
    at++;
  }
}
