/** The text of the scenario that the command line names: a file, standard input, or a built-in one's name. */
import { readFileSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { UserError } from '../../scenarios/import/import.ts';
import { builtins } from '../../scenarios/index.ts';

/** The scenario's name that means standard input. */
export const STDIN = '-';
const MAX_SCENARIO_BYTES = 64 * 2 ** 20;

/** undefined: `name` is the name of a built-in scenario. A file of that name is meant by ./name. */
export function scenarioText(name: string): string | undefined {
  if (builtins.some((b) => b.name === name)) return undefined;
  if (name === STDIN) return stdinText();
  const stat = statSync(name, { throwIfNoEntry: false });
  if (stat === undefined) {
    if (/[./\\]/.test(name)) throw new UserError(`there is no file ${name}`);
    return undefined;
  }
  if (stat.isDirectory())
    throw new UserError(`${name} is a folder; name the scenario in it, such as ${basename(name)}/scenario.yaml`);
  if (stat.size > MAX_SCENARIO_BYTES) throw tooLarge(name, stat.size);
  try {
    return readFileSync(name, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read ${name}: ${(error as Error).message}`);
  }
}

/** Whatever a pipe has, up to the limit: an endless one must not fill the memory. */
function stdinText(): string {
  if (process.stdin.isTTY)
    throw new UserError('run - reads a scenario from standard input: pipe one in, or name a file');
  const pieces: Buffer[] = [];
  let size = 0;
  const piece = Buffer.alloc(1 << 16);
  for (;;) {
    let read = 0;
    try {
      read = readSync(0, piece);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EOF') break;
      // Nothing there yet, in a pipe that does not block.
      if (code === 'EAGAIN') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        continue;
      }
      throw new UserError(`cannot read standard input: ${message}`);
    }
    if (read === 0) break;
    pieces.push(Buffer.from(piece.subarray(0, read)));
    size += read;
    if (size > MAX_SCENARIO_BYTES) throw tooLarge('standard input', size);
  }
  return Buffer.concat(pieces).toString('utf8');
}

const tooLarge = (name: string, bytes: number) =>
  new UserError(
    `${name} has ${Math.round(bytes / 2 ** 20)} MiB or more: too large for a scenario (jobs belong in a jobsFile; simsup import makes one from a log)`,
  );
