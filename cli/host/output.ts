/** Writing files so that nobody ever finds half of one. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../scenarios/import/import.ts';

/** Text in pieces of any size, or bytes. */
export type Content = Iterable<string> | Uint8Array;

const CHUNK = 1 << 20;

/** Writes beside the file, then puts it in its place. */
export function writeWhole(path: string, content: Content): void {
  orUserError(path, () => {
    const target = plainTarget(path);
    const part = `${target}.part-${process.pid}`;
    try {
      writeContent(part, content);
      renameSync(part, target);
    } finally {
      rmSync(part, { force: true });
    }
  });
}

/** Where to write: links are followed, and what is no plain file (a device, a pipe, a folder) is left alone. */
function plainTarget(path: string): string {
  if (!existsSync(path)) return path;
  const target = realpathSync(path);
  if (!statSync(target).isFile()) throw new UserError(`${path} is not a plain file: name a file to write`);
  return target;
}

/** Throws unless `folder` is new or empty, or may be written over. */
export function checkOutFolder(folder: string, force: boolean): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) throw new UserError(`--out ${folder} is a file; name a folder`);
  if (!force && readdirSync(folder).length > 0) {
    throw new UserError(
      `--out ${folder} is not empty: choose another folder, or add --force to write over what is there`,
    );
  }
}

/** Fills a folder beside `folder` first, so that the files appear together or not at all. */
export function writeFolder(folder: string, files: Record<string, () => Content>): void {
  const target = resolve(folder);
  orUserError(folder, () => {
    mkdirSync(dirname(target), { recursive: true });
    const part = mkdtempSync(join(dirname(target), `.${basename(target)}.part-`));
    try {
      for (const [name, content] of Object.entries(files)) writeContent(join(part, name), content());
      mkdirSync(target, { recursive: true });
      for (const name of Object.keys(files)) renameSync(join(part, name), join(target, name));
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
  });
}

/** A file that grows as lines come, and gets its name only when it is whole. */
export class GrowingFile {
  private readonly path: string;
  private readonly part: string;
  private readonly fd: number;
  private text = '';
  private open = true;

  constructor(path: string) {
    this.path = orUserError(path, () => plainTarget(path));
    this.part = `${this.path}.part-${process.pid}`;
    this.fd = orUserError(path, () => openSync(this.part, 'w'));
  }

  write(line: string): void {
    this.text += line;
    if (this.text.length > CHUNK) this.flush();
  }

  finish(): void {
    this.flush();
    orUserError(this.path, () => {
      this.close();
      renameSync(this.part, this.path);
    });
  }

  /** Leaves nothing behind that is not whole; does nothing after `finish`. */
  discard(): void {
    this.close();
    rmSync(this.part, { force: true });
  }

  private close(): void {
    if (this.open) closeSync(this.fd);
    this.open = false;
  }

  private flush(): void {
    orUserError(this.path, () => writeAll(this.fd, Buffer.from(this.text)));
    this.text = '';
  }
}

function writeContent(path: string, content: Content): void {
  const fd = openSync(path, 'w');
  try {
    if (content instanceof Uint8Array) {
      writeAll(fd, content);
      return;
    }
    let text = '';
    for (const piece of content) {
      text += piece;
      if (text.length > CHUNK) {
        writeAll(fd, Buffer.from(text));
        text = '';
      }
    }
    writeAll(fd, Buffer.from(text));
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; ) from += writeSync(fd, bytes, from);
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'it is not allowed',
  ENOSPC: 'the disk is full',
};

/** What the operating system refuses is for the user to mend: a full disk, a folder that is not there. */
function orUserError<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || code.startsWith('ERR_')) throw error;
    throw new UserError(`cannot write ${path}: ${REASONS[code] ?? message}`);
  }
}
