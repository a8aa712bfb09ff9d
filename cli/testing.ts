/** The command line as a process of its own: for the top of a test file that needs threads, signals or several processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';

export const PROJECT = fileURLToPath(new URL('..', import.meta.url));

export interface Outcome {
  /** null where a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  outcome: Promise<Outcome>;
}

export interface BuiltCli {
  start(args: readonly string[], env?: Record<string, string>): Started;
  /** Runs to the end. */
  run(...args: string[]): Promise<Outcome>;
  /** The program's file, and the folder that it is started in: the test file's own, removed at the end. */
  readonly program: string;
  readonly folder: string;
  at(name: string): string;
}

/** Builds the command line as it is in the sources. `what` tells test files apart. */
export function builtCli(what: string): BuiltCli {
  // Inside node_modules, so that the packages it needs are found.
  const built = join(PROJECT, 'node_modules', `.simsup-${what}-test-${process.pid}`);
  const program = join(built, 'main.js');
  let folder = '';

  function start(args: readonly string[], env: Record<string, string> = {}): Started {
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: { ...process.env, ...env } });
    const outcome = new Promise<Outcome>((resolve, reject) => {
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (data) => {
        stdout += data;
      });
      child.stderr.on('data', (data) => {
        stderr += data;
      });
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
    return { child, outcome };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'simsup-cli-'));
    await build({
      configFile: false,
      root: PROJECT,
      logLevel: 'silent',
      build: {
        ssr: 'cli/main.ts',
        outDir: built,
        emptyOutDir: true,
        // Side by side, as package.json is looked for from there.
        rollupOptions: { output: { entryFileNames: 'main.js', chunkFileNames: '[name]-[hash].js' } },
      },
    });
  });
  afterAll(() => {
    rmSync(built, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });

  return {
    start,
    run: (...args) => start(args).outcome,
    program,
    get folder() {
      return folder;
    },
    at: (name) => join(folder, name),
  };
}
