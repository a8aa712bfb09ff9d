/** The policy that the command line asks for: a built-in one by name, or the user's own module. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../scenarios/import/import.ts';
import { nearestName } from '../../scenarios/problem.ts';
import { POLICIES, PolicyArgumentError, type PolicyFactory, policyNames } from '../../sim/simulate.ts';

export function policyNamed(name: string): PolicyFactory {
  const found = POLICIES.find((policy) => policy.name === name);
  if (found !== undefined) return found;
  const nearest = nearestName(name, policyNames());
  const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
  throw new UserError(`there is no policy '${name}'${hint}; there are: ${policyNames().join(', ')}`);
}

/** Runs the user's code: only ever named on the command line, never by a scenario. */
export async function policyModule(path: string): Promise<PolicyFactory> {
  if (!existsSync(path)) throw new UserError(`--policy-module ${path}: there is no such file`);
  let loaded: { default?: Partial<PolicyFactory> };
  try {
    loaded = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hint =
      code === 'ERR_UNKNOWN_FILE_EXTENSION' ? ' (this Node reads JavaScript only: name a .js or .mjs file)' : '';
    throw new UserError(`cannot load the policy module ${path}: ${String(message ?? error).split('\n')[0]}${hint}`);
  }
  const factory = loaded.default;
  if (typeof factory?.name !== 'string' || typeof factory.create !== 'function') {
    throw new UserError(
      `${path} must export default a policy: {name, about, args, create(args)} (docs/cli.md has one)`,
    );
  }
  return blamed(path, { about: '', args: {}, ...factory } as PolicyFactory);
}

/** What the user's code throws is the user's to mend, and says so. */
function blamed(path: string, factory: PolicyFactory): PolicyFactory {
  const guard = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      if (error instanceof PolicyArgumentError) throw error;
      throw new UserError(
        `the policy module ${path} failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  return {
    ...factory,
    create: (args) => {
      const policy = guard(() => factory.create(args));
      return {
        ...policy,
        periodUs: policy.periodUs ?? 0,
        init: (scenario) => guard(() => policy.init(scenario)),
        decide: (view, state, now, stream) => guard(() => policy.decide(view, state, now, stream)),
      };
    },
  };
}

/** `key=value` as the policy's specification types it. */
export function policyArgs(factory: PolicyFactory, pairs: readonly string[]): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at <= 0) throw new UserError(`--arg ${pair}: expected key=value`);
    const key = pair.slice(0, at);
    const text = pair.slice(at + 1);
    if (!Object.hasOwn(factory.args, key)) {
      const nearest = nearestName(key, Object.keys(factory.args));
      const known = Object.keys(factory.args).join(', ') || 'none';
      const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
      throw new PolicyArgumentError(`policy ${factory.name} has no argument '${key}'${hint}; it takes: ${known}`);
    }
    args[key] = argValue(factory.args[key].type, text);
  }
  return args;
}

/** What cannot be of its type is left as text, which the policy then refuses by name. */
function argValue(type: string, text: string): unknown {
  const number = (part: string) => (part.trim() !== '' && Number.isFinite(Number(part)) ? Number(part) : part);
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (type === 'number') return number(text);
  if (type === 'numbers') return text.split(',').map(number);
  return text;
}
