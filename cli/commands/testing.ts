/** A command as its user sees it: a folder of his own, what it prints, how it refuses. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { UserError } from '../../scenarios/import/import.ts';

export interface Bench {
  /** What was printed on standard output and on standard error since the test began, or since `clear()`. */
  readonly out: string;
  readonly err: string;
  clear(): void;
  /** The path of a file in the test's own folder. */
  at(name: string): string;
}

/** For the top of a test file: each test gets an empty folder, filled by `setUp`, and nothing is really printed. */
export function commandBench(setUp: (bench: Bench) => void = () => {}): Bench {
  let folder = '';
  const printed = { out: '', err: '' };
  const bench: Bench = {
    get out() {
      return printed.out;
    },
    get err() {
      return printed.err;
    },
    clear: () => void Object.assign(printed, { out: '', err: '' }),
    at: (name) => join(folder, name),
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'simsup-test-'));
    bench.clear();
    for (const [stream, key] of [
      [process.stdout, 'out'],
      [process.stderr, 'err'],
    ] as const)
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        printed[key] += String(text);
        return true;
      });
    setUp(bench);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
    rmSync(folder, { recursive: true, force: true });
  });
  return bench;
}

/** Runs a command with arguments as typed. */
export const runner =
  (command: () => Command) =>
  (...args: string[]): Promise<Command> =>
    command().exitOverride().parseAsync(args, { from: 'user' });

/** What a command says when it refuses its input: bad input is exit code 2 (docs/cli.md). */
export async function refusalOf(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).exitCode).toBe(2);
  return (error as UserError).message;
}
