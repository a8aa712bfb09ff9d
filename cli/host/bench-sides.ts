/** Who runs a bench's work, as the command line names it: threads, a program, another version of simsup, a stored result. */
import { readFileSync, statSync } from 'node:fs';
import type { OpenSide, SideResult } from '../../bench/regression/bench.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { openPolicy, outcomeOf } from './bench-answers.ts';
import { versionSide } from './bench-version.ts';
import { type ExternalProgram, externalProgram } from './external.ts';
import { benchThreads, TaskError } from './pool.ts';

export interface SideOptions {
  threads?: number;
  /** Longest an answer of a program may take, µs. */
  limitUs?: number;
}

export const SIDE_HELP =
  'a policy (runai, runai:kValue=1), a module (./mine.mjs:tries=20), program:COMMAND, version:PATH or version:PATH#POLICY, or a result that --record stored (base.json)';

/** What ends in these is a module of the user's. */
const MODULE = /\.[cm]?[jt]s$/;

/** `option` is named in errors. Throws `UserError` and `ForeignPolicyError` before anything is run. */
export async function openSide(option: string, written: string, options: SideOptions): Promise<OpenSide | SideResult> {
  const at = written.indexOf(':');
  const kind = at < 0 ? '' : written.slice(0, at);
  if (kind === 'program') return programSide(written.slice(at + 1), options.limitUs);
  if (kind === 'version') {
    const [path, ...policy] = written.slice(at + 1).split('#');
    return versionSide(option, path, policy.join('#') || 'runai', options.threads);
  }
  if (written.endsWith('.json')) return storedResult(option, written);
  const [name, ...args] = written.split(':');
  return MODULE.test(name) || /[/\\]/.test(name)
    ? policySide(written, { module: name, args }, options)
    : policySide(written, { name, args }, options);
}

export const isStored = (side: OpenSide | SideResult): side is SideResult => 'cases' in side;

async function policySide(
  name: string,
  policy: Parameters<typeof openPolicy>[0],
  { threads }: SideOptions,
): Promise<OpenSide> {
  // Mistakes show before any thread starts.
  await openPolicy(policy);
  const pool = benchThreads(policy, threads);
  return {
    name,
    size: pool.size,
    async run(task) {
      try {
        return await pool.run(task);
      } catch (error) {
        if (error instanceof TaskError && error.badInput) throw new UserError(error.message);
        throw error;
      }
    },
    close: () => pool.close(),
  };
}

/** One process, one run at a time; after a failure the next run gets a new process. */
function programSide(command: string, limitUs: number | undefined): OpenSide {
  let program: ExternalProgram | null = null;
  const close = async () => {
    const open = program;
    program = null;
    await open?.close();
  };
  return {
    name: `program:${command}`,
    size: 1,
    async run(task) {
      program ??= externalProgram(command, limitUs);
      // Lets signals and the other side's threads through.
      await new Promise(setImmediate);
      const outcome = outcomeOf(task, { factory: program.policy, args: {} });
      if ('failed' in outcome) await close();
      return outcome;
    },
    close,
  };
}

/** What `--record` wrote. */
export interface StoredResult {
  kind: typeof STORED_KIND;
  format: number;
  result: SideResult;
}
export const STORED_KIND = 'simsup-bench-result';
export const STORED_FORMAT = 1;
const MOST_BYTES = 512 * 2 ** 20;

function storedResult(option: string, path: string): SideResult {
  const wrong = (what: string): never => {
    throw new UserError(`${option} ${path}: ${what}; make one with: simsup bench --record ${path} --change POLICY`);
  };
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return wrong('there is no such file');
  if (!stat.isFile() || stat.size > MOST_BYTES) return wrong('that is not a stored result');
  let stored: Partial<StoredResult> | null;
  try {
    stored = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return wrong('that is not JSON');
  }
  if (typeof stored !== 'object' || stored === null || stored.kind !== STORED_KIND)
    return wrong(`found no kind '${STORED_KIND}', expected a stored result`);
  if (stored.format !== STORED_FORMAT)
    return wrong(`its format is ${stored.format}, this version reads ${STORED_FORMAT}`);
  const { result } = stored;
  const whole =
    typeof result?.name === 'string' &&
    Array.isArray(result.seeds) &&
    Array.isArray(result.cases) &&
    result.cases.every(
      (one) =>
        typeof one?.name === 'string' &&
        typeof one.fingerprint === 'string' &&
        Array.isArray(one.runs) &&
        one.runs.every(
          (run) => typeof run?.figures === 'object' && typeof run.groups === 'object' && Array.isArray(run.breaks),
        ),
    );
  return whole ? (result as SideResult) : wrong('it is damaged');
}
