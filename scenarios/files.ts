/** Files that a scenario names, read with Node: only from the scenario's own folder, and from folders the user allowed. */

import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { ReadFile } from './compile/read-file.ts';

const CHUNK = 1 << 20;
/** A line longer than this is handed out in pieces, so that no file can fill the memory. */
const MAX_LINE = 1 << 20;

/** A reader for the scenario in `folder`. Symbolic links are followed before a path is judged. */
export function folderReader(folder: string, allowed: readonly string[] = []): ReadFile {
  const roots = [folder, ...allowed].map((dir) => realpathSync(resolve(dir)));
  return (path) => {
    if (path.includes('\0')) throw new Error('the path has a NUL character');
    let real: string;
    try {
      real = realpathSync(resolve(folder, path));
    } catch {
      throw new Error(`there is no ${path} beside the scenario`);
    }
    if (!roots.some((root) => inside(root, real))) {
      throw new Error(`${path} is outside the scenario's folder; allow it with --allow-read DIR`);
    }
    if (!statSync(real).isFile()) throw new Error(`${path} is not a file`);
    return { [Symbol.iterator]: () => fileLines(real) };
  };
}

function inside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** Lines of a UTF-8 file, a megabyte of it in memory at a time. */
export function* fileLines(path: string): Generator<string> {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for (;;) {
      const length = readSync(fd, buffer, 0, CHUNK, null);
      const text = rest + (length > 0 ? decoder.write(buffer.subarray(0, length)) : decoder.end());
      let from = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        yield text.slice(from, end > from && text.charCodeAt(end - 1) === 13 ? end - 1 : end);
        from = end + 1;
      }
      rest = text.slice(from);
      if (length === 0) {
        if (rest !== '') yield rest;
        return;
      }
      if (rest.length > MAX_LINE) {
        yield rest;
        rest = '';
      }
    }
  } finally {
    closeSync(fd);
  }
}
