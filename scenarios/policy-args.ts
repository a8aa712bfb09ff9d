/** A policy's arguments as people write them, in a scenario or on the command line → as the policy takes them. */

import { type ArgProblem, type ArgSpec, argProblems, type PolicyFactory } from '../sim/policy/policy.ts';
import { SECOND_US } from '../sim/scenario.ts';
import { nearestName } from './problem.ts';
import { parseDuration, UnitError } from './units.ts';

export interface WrittenArgs {
  args: Record<string, unknown>;
  problems: (ArgProblem & { nearest?: string })[];
}

/** `written`: texts, or lists of texts. What cannot be of its argument's type stays as it is, and is a problem. */
export function readPolicyArgs(
  factory: Pick<PolicyFactory, 'name' | 'args'>,
  written: Record<string, unknown>,
): WrittenArgs {
  const args: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(written)) {
    if (name === '__proto__') continue;
    args[name] = Object.hasOwn(factory.args, name) ? asSpecified(factory.args[name], value) : value;
  }
  const problems = argProblems(factory, args).map((problem) => {
    const { name, unknown } = problem;
    const value = args[name];
    const spec = Object.hasOwn(factory.args, name) ? factory.args[name] : undefined;
    const choices = spec?.type === 'choice' && typeof value === 'string' ? nearestName(value, spec.of) : undefined;
    const pools = spec?.type === 'policies' ? nearestPolicy(spec.of, value) : undefined;
    const nearest = unknown ? nearestName(name, Object.keys(factory.args)) : (choices ?? pools);
    return nearest === undefined ? problem : { ...problem, nearest };
  });
  return { args, problems };
}

/** For the first pool whose policy there is not. */
function nearestPolicy(of: readonly PolicyFactory[], value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const names = of.map(({ name }) => name);
  const wrong = Object.values(value).map((given) => String((given as { name?: unknown } | null)?.name ?? given));
  const first = wrong.find((name) => !names.includes(name));
  return first === undefined ? undefined : nearestName(first, names);
}

function asSpecified(spec: ArgSpec, value: unknown): unknown {
  return spec.type === 'policies' ? policiesByPool(spec.of, value) : asType(spec.type, value);
}

/** `{pool: name}`, `{pool: {name, args}}`, or on a command line `pool:name,pool:name`. */
function policiesByPool(of: readonly PolicyFactory[], value: unknown): unknown {
  const written =
    typeof value === 'string' ? Object.fromEntries(value.split(',').map((pair) => pair.trim().split(':'))) : value;
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return value;
  return Object.fromEntries(
    Object.entries(written as Record<string, unknown>).map(([pool, given]) => {
      if (typeof given !== 'object' || given === null) return [pool, given ?? ''];
      const { name, args } = given as { name?: unknown; args?: unknown };
      const factory = of.find((policy) => policy.name === name);
      if (factory === undefined || typeof args !== 'object' || args === null) return [pool, given];
      return [pool, { ...given, args: readPolicyArgs(factory, args as Record<string, unknown>).args }];
    }),
  );
}

function asType(type: ArgSpec['type'], value: unknown): unknown {
  if (type === 'numbers') {
    const list = typeof value === 'string' ? (value.trim() === '' ? [] : value.split(',')) : value;
    return Array.isArray(list) ? list.map(number) : list;
  }
  if (typeof value !== 'string') return value;
  if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  if (type === 'number') return number(value);
  return type === 'duration' ? seconds(value) : value;
}

function number(value: unknown): unknown {
  return typeof value === 'string' && /^\s*-?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?\s*$/i.test(value) ? Number(value) : value;
}

/** A bare number is seconds, as those who wrote the schedulers have it. */
function seconds(text: string): unknown {
  const bare = number(text);
  if (typeof bare === 'number') return bare;
  try {
    return parseDuration(text) / SECOND_US;
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    return text;
  }
}
