/** The policy that the command line asks for: a built-in one by name, or the user's own module. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../scenarios/import/import.ts';
import { readPolicyArgs } from '../../scenarios/policy-args.ts';
import { nearestName } from '../../scenarios/problem.ts';
import { foreignPolicy, POLICIES, type PolicyFactory, policyNames } from '../../sim/simulate.ts';

export function policyNamed(name: string): PolicyFactory {
  const found = POLICIES.find((policy) => policy.name === name);
  if (found !== undefined) return found;
  const nearest = nearestName(name, policyNames());
  const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
  throw new UserError(`there is no policy '${name}'${hint}; there are: ${policyNames().join(', ')}`);
}

/** Runs the user's code: only ever named on the command line, never by a scenario. */
export async function policyModule(path: string): Promise<PolicyFactory> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new UserError(`--policy-module ${path}: there is no such file`);
  if (!stat.isFile()) throw new UserError(`--policy-module ${path}: that is not a file; name a .js or .mjs file`);
  let loaded: { default?: unknown };
  try {
    loaded = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
    const hint =
      code === 'ERR_UNKNOWN_FILE_EXTENSION' ? ' (this Node reads JavaScript only: name a .js or .mjs file)' : '';
    throw new UserError(`cannot load the policy module ${path}: ${String(message ?? error).split('\n')[0]}${hint}`);
  }
  if (loaded.default === undefined) {
    throw new UserError(
      `the policy module ${path} exports no default: write export default {name, about, args, create(args)} (docs/cli.md has one)`,
    );
  }
  return foreignPolicy(loaded.default, `the policy module ${path}`);
}

/** `key=value`, each key once, as the policy's specification types it. */
export function policyArgs(factory: PolicyFactory, pairs: readonly string[]): Record<string, unknown> {
  const written: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at <= 0) throw new UserError(`--arg ${pair}: expected key=value`);
    const key = pair.slice(0, at);
    if (Object.hasOwn(written, key)) throw new UserError(`--arg ${pair}: '${key}' is given twice, give it once`);
    written[key] = pair.slice(at + 1);
  }
  const { args, problems } = readPolicyArgs(factory, written);
  const sentences = problems.map(({ name, found, expected, nearest }) => {
    const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
    return `--arg ${name}=${written[name]}: policy ${factory.name}: found ${found}, expected ${expected}${hint}`;
  });
  if (sentences.length > 0) throw new UserError(sentences.join('\n'));
  return args;
}
