/**
 * YAML text → plain values with positions, within limits that hostile input cannot pass.
 *
 * All scalars stay text (YAML's failsafe schema): a virtual cluster named `6214e9` is a name, and each field's own type
 * says how its text is read. A null is left out, as if the field were not there.
 */

import { Composer, type CST, isAlias, isCollection, isMap, isScalar, LineCounter, type Node, Parser } from 'yaml';
import { type PathStep, PROBLEM_LIMIT, type Problem, pathText } from './problem.ts';
import { looksBinary } from './units.ts';

export interface Limits {
  /** Largest file, characters. */
  size: number;
  /** Longest line, characters. */
  lineLength: number;
  /** Deepest nesting of lists and mappings. */
  depth: number;
  /** Aliases (`*name`) in one file. */
  aliases: number;
  documents: number;
  /** Characters that may start something (line ends and `,[{-?:&*`): bounds the time that parsing takes. */
  marks: number;
  /** Values after aliases are followed. */
  values: number;
}

export const DEFAULT_LIMITS: Limits = {
  size: 32 * 2 ** 20,
  lineLength: 100_000,
  depth: 64,
  aliases: 100,
  documents: 10_000,
  marks: 2_000_000,
  values: 2_000_000,
};

export type Plain = string | Plain[] | { [key: string]: Plain };

/** One YAML document. `locate` finds where a value (or, with `key`, its field's name) stands in the file. */
export interface SourceDocument {
  file: string;
  value: Plain;
  locate(path: readonly PathStep[], key?: boolean): { line: number; column: number };
}

export interface ParsedYaml {
  documents: SourceDocument[];
  problems: Problem[];
}

export function parseYaml(text: string, file: string, limits: Limits = DEFAULT_LIMITS): ParsedYaml {
  const tooMuch = (line: number, column: number, found: string, expected: string): ParsedYaml => ({
    documents: [],
    problems: [{ file, line, column, path: '', found, expected }],
  });
  if (text.length > limits.size) {
    return tooMuch(0, 0, `${text.length} characters`, `a scenario file of at most ${limits.size}`);
  }
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (looksBinary(source)) return tooMuch(0, 0, 'a binary file', 'text: a scenario in YAML, or an sbatch script');
  const long = longLine(source, limits.lineLength);
  if (long > 0) return tooMuch(long, 1, 'a very long line', `lines of at most ${limits.lineLength} characters`);

  if (countMarks(source) > limits.marks) {
    return tooMuch(
      0,
      0,
      'very many lines or list items',
      'fewer in one file; a long list of jobs belongs in a jobsFile',
    );
  }
  const counter = new LineCounter();
  const problems: Problem[] = [];
  const at = (offset: number) => {
    const { line, col } = counter.linePos(offset);
    return { line, column: Math.max(col, 1) };
  };
  const tokens: CST.Token[] = [];
  let starts = 1;
  for (const token of new Parser(counter.addNewLine).parse(source)) {
    tokens.push(token);
    if (token.type === 'document' && ++starts > limits.documents + 1) {
      return tooMuch(at(token.offset).line, 1, 'too many documents', `at most ${limits.documents} in one file`);
    }
    const deep = tooDeep(token, limits.depth);
    if (deep >= 0) {
      const { line, column } = at(deep);
      return tooMuch(line, column, 'very deep nesting', `at most ${limits.depth} levels`);
    }
  }

  const documents: SourceDocument[] = [];
  const composer = new Composer({ schema: 'failsafe', uniqueKeys: false, logLevel: 'silent', strict: true });
  const count = { aliases: 0, values: 0 };
  for (const doc of composer.compose(tokens)) {
    for (const e of doc.errors.slice(0, 10)) {
      const found = e.message.split('\n')[0].replace(/:$/, '');
      problems.push({ file, ...at(e.pos[0]), path: '', found: `bad YAML (${found})`, expected: 'well-formed YAML' });
    }
    if (doc.errors.length > 0 || doc.contents === null) continue;
    const root = doc.contents as Node;
    const anchors = new Map<string, Node>();
    const fail = (node: Node | null, path: readonly PathStep[], found: string, expected: string) => {
      if (problems.length >= PROBLEM_LIMIT) return;
      problems.push({ file, ...at(node?.range?.[0] ?? 0), path: pathText(path), found, expected });
    };
    const value = plain(root, [], { anchors, count, limits, fail });
    if (problems.length > 0) return { documents: [], problems };
    if (value === null) continue;
    documents.push({
      file,
      value,
      locate: (path, key = false) => at(offsetOf(root, anchors, path, key)),
    });
  }
  return { documents, problems };
}

const MARKS = new Set([...'\n,[{-?:&*'].map((c) => c.charCodeAt(0)));

function countMarks(text: string): number {
  let marks = 0;
  for (let i = 0; i < text.length; i++) if (MARKS.has(text.charCodeAt(i))) marks++;
  return marks;
}

/** Number of the first line longer than `limit`, 0 if none. */
function longLine(text: string, limit: number): number {
  let line = 1;
  let from = 0;
  while (from < text.length) {
    const end = text.indexOf('\n', from);
    if ((end < 0 ? text.length : end) - from > limit) return line;
    if (end < 0) return 0;
    from = end + 1;
    line++;
  }
  return 0;
}

/** Offset of the first token nested deeper than `limit`, -1 if none; a loop, because what it guards against is recursion. */
function tooDeep(root: CST.Token, limit: number): number {
  const stack: { token: CST.Token; depth: number }[] = [{ token: root, depth: 0 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { token, depth } = top;
    if (depth > limit) return 'offset' in token ? token.offset : 0;
    if (token.type === 'document' && token.value) stack.push({ token: token.value, depth });
    if ('items' in token) {
      for (const item of token.items) {
        if (item.key) stack.push({ token: item.key, depth: depth + 1 });
        if (item.value) stack.push({ token: item.value, depth: depth + 1 });
      }
    }
  }
  return -1;
}

interface Conversion {
  anchors: Map<string, Node>;
  count: { aliases: number; values: number };
  limits: Limits;
  fail(node: Node | null, path: readonly PathStep[], found: string, expected: string): void;
}

/** Plain value of a node, null for YAML's null. Objects have no prototype, so that `__proto__` is a key like any other. */
function plain(node: Node | null, path: readonly PathStep[], c: Conversion): Plain | null {
  if (node === null) return null;
  if (++c.count.values > c.limits.values) {
    if (c.count.values === c.limits.values + 1)
      c.fail(node, path, 'too much', `at most ${c.limits.values} values in one file`);
    return null;
  }
  if (isAlias(node)) {
    const target = c.anchors.get(node.source);
    if (++c.count.aliases > c.limits.aliases) {
      if (c.count.aliases === c.limits.aliases + 1) {
        c.fail(node, path, 'too many aliases', `at most ${c.limits.aliases} uses of '*' in one file`);
      }
      return null;
    }
    if (target === undefined || path.length > c.limits.depth) {
      c.fail(
        node,
        path,
        `alias '*${node.source.slice(0, 60)}'`,
        'the name of an anchor that stands before it and does not contain it',
      );
      return null;
    }
    return plain(target, path, c);
  }
  if (isScalar(node)) {
    if (node.anchor !== undefined) c.anchors.set(node.anchor, node);
    if (node.type === 'PLAIN' || node.type === undefined || node.type === null) {
      const source = String(node.value ?? '');
      return source === '' || source === '~' || source === 'null' ? null : source;
    }
    return String(node.value);
  }
  if (!isCollection(node)) return null;
  if (isMap(node)) {
    const result: { [key: string]: Plain } = Object.create(null);
    const seen = new Set<string>();
    for (const pair of node.items) {
      const keyNode = pair.key as Node | null;
      if (keyNode === null || !isScalar(keyNode)) {
        c.fail(keyNode ?? node, path, 'a field without a plain name', 'name: value');
        continue;
      }
      const key = String(keyNode.value ?? '');
      if (seen.has(key)) {
        c.fail(keyNode, [...path, key], `field '${key.slice(0, 60)}' a second time`, 'each field once');
        continue;
      }
      seen.add(key);
      const value = plain(pair.value as Node | null, [...path, key], c);
      if (value !== null) result[key] = value;
    }
    if (node.anchor !== undefined) c.anchors.set(node.anchor, node);
    return result;
  }
  const list: Plain[] = [];
  node.items.forEach((item, i) => {
    const value = plain(item as Node | null, [...path, i], c);
    list.push(value ?? '');
  });
  if (node.anchor !== undefined) c.anchors.set(node.anchor, node);
  return list;
}

/** Offset of the value at `path`, or of the closest thing on the way to it that exists. */
function offsetOf(root: Node, anchors: Map<string, Node>, path: readonly PathStep[], key: boolean): number {
  let node: Node | null = root;
  let offset = root.range?.[0] ?? 0;
  for (let i = 0; i < path.length; i++) {
    while (node !== null && isAlias(node)) node = anchors.get(node.source) ?? null;
    if (node === null || !isCollection(node)) return offset;
    const step: PathStep = path[i];
    if (isMap(node)) {
      const pair: { key: unknown; value: unknown } | undefined = node.items.find(
        (p) => isScalar(p.key) && String(p.key.value ?? '') === String(step),
      );
      if (pair === undefined) return offset;
      const keyOffset = (pair.key as Node).range?.[0] ?? offset;
      if (i === path.length - 1 && key) return keyOffset;
      node = pair.value as Node | null;
      offset = node?.range?.[0] ?? keyOffset;
    } else {
      node = (node.items[Number(step)] as Node | undefined) ?? null;
      if (node === null) return offset;
      offset = node.range?.[0] ?? offset;
    }
  }
  return offset;
}
