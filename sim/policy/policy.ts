/** What a scheduling policy is. A policy is a function of what it is given: same view, state, time and stream, same answer. */
import type { Action, View } from '../cluster/view.ts';
import type { Stream } from '../engine/random.ts';
import type { Scenario } from '../scenario.ts';

export interface Decision<State> {
  /** In the order in which they are to take effect. */
  actions: Action[];
  /** The policy's memory: plain data, copied when a simulation forks. May be the object it was given. */
  state: State;
  /** When it wants to be asked again even if nothing changes, µs; Infinity = only on changes. */
  wakeAt: number;
}

export interface Policy<State = unknown> {
  name: string;
  /** Time between cycles, µs; 0 = asked at every moment at which something changed. */
  periodUs: number;
  init(scenario: Scenario): State;
  decide(view: View, state: State, now: number, stream: Stream): Decision<State>;
}

/** Makes a policy from a scenario's arguments; throws `PolicyArgumentError` for one it does not know or cannot use. */
export interface PolicyFactory {
  name: string;
  /** One sentence: what it does, as `--help` and errors show it. */
  about: string;
  /** Every argument it takes, with its default and what it means. */
  args: Record<string, ArgSpec>;
  /** A share of a GPU is rounded up to a whole one, as that scheduler would. */
  wholeGpusOnly?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: each policy has a memory of its own shape, opaque to everyone else
  create(args: any): Policy<any>;
}

export type ArgSpec =
  | { type: 'choice'; of: readonly string[]; default: string; about: string }
  | { type: 'number'; min: number; max: number; default: number; about: string }
  | { type: 'boolean'; default: boolean; about: string }
  | { type: 'numbers'; default: number[]; about: string };

export class PolicyArgumentError extends Error {
  override name = 'PolicyArgumentError';
}

/** Checks arguments against their specification and fills in the defaults. */
export function checkedArgs(factory: PolicyFactory, given: Record<string, unknown>): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(factory.args, name)) {
      const known = Object.keys(factory.args).join(', ') || 'none';
      throw new PolicyArgumentError(`policy ${factory.name} has no argument '${name}'; it takes: ${known}`);
    }
  }
  for (const [name, spec] of Object.entries(factory.args)) {
    const value = Object.hasOwn(given, name) ? given[name] : spec.default;
    const fail = (expected: string) => {
      throw new PolicyArgumentError(
        `policy ${factory.name}, argument '${name}': found ${JSON.stringify(value)}, expected ${expected}`,
      );
    };
    if (spec.type === 'choice' && !spec.of.includes(value as string)) fail(`one of ${spec.of.join(', ')}`);
    if (spec.type === 'boolean' && typeof value !== 'boolean') fail('true or false');
    if (spec.type === 'number' && !(typeof value === 'number' && value >= spec.min && value <= spec.max)) {
      fail(`a number from ${spec.min} to ${spec.max}`);
    }
    if (spec.type === 'numbers' && !(Array.isArray(value) && value.every((v) => typeof v === 'number' && v >= 0))) {
      fail('a list of numbers that are not negative');
    }
    args[name] = value;
  }
  return args;
}
