/** What a scheduling policy is. A policy is a function of what it is given: same view, state, time and stream, same answer. */
import type { Action, View } from '../cluster/view.ts';
import type { Stream } from '../engine/random.ts';
import type { PolicyChoice, Scenario } from '../scenario.ts';

export interface Decision<State> {
  /** In the order in which they are to take effect. */
  actions: Action[];
  /** The policy's memory: plain data, copied when a simulation forks. May be the object it was given. */
  state: State;
  /** When it wants to be asked again even if nothing changes, µs; Infinity = only on changes. */
  wakeAt: number;
}

export type StreamOf = (name: string) => Stream;

export interface Policy<State = unknown> {
  name: string;
  /** Time between cycles, µs; 0 = asked at every moment at which something changed. */
  periodUs: number;
  /** Ends jobs that run longer than they asked for; without it a requested limit is only what the policy makes of it. */
  limits?: TimeLimits;
  /** A job that dies with its node is queued again; default true. */
  requeues?: boolean;
  /** What whoever runs this scenario under this policy should know beforehand, in sentences. */
  warnings?(scenario: Scenario): string[];
  init(scenario: Scenario): State;
  /** `streamOf`: streams of other names, for a policy that is made of several. */
  decide(view: View, state: State, now: number, stream: Stream, streamOf?: StreamOf): Decision<State>;
}

/** How requested time limits are enforced, whatever the job itself would do. */
export interface TimeLimits {
  /** Longest the job may hold its GPUs from one start on, µs; Infinity = no limit. */
  of(scenario: Scenario, job: number): number;
  /** A job that is told to stop is killed after this long, µs; by job where several policies share a cluster. */
  killWaitUs: number;
  killWaitOf?(scenario: Scenario, job: number): number;
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
  /** Where that holds for some jobs only: those. `args` are as checked. */
  wholeGpusFor?(scenario: Scenario, args: Record<string, unknown>): (job: number) => boolean;
  // biome-ignore lint/suspicious/noExplicitAny: each policy has a memory of its own shape, opaque to everyone else
  create(args: any): Policy<any>;
}

export type ArgSpec =
  | { type: 'choice'; of: readonly string[]; default: string; about: string }
  | { type: 'number'; min: number; max: number; default: number; about: string; unit?: string }
  /** Given to `create` in seconds; people may write it with a unit of time. */
  | { type: 'duration'; min: number; max: number; default: number; about: string }
  | { type: 'boolean'; default: boolean; about: string }
  /** `ascending`: each above the one before. */
  | { type: 'numbers'; default: number[]; about: string; ascending?: boolean; unit?: string }
  /** By node pool, the name of one of these policies, or `{name, args}`. */
  | { type: 'policies'; of: readonly PolicyFactory[]; default: Record<string, never>; about: string };

export class PolicyArgumentError extends Error {
  override name = 'PolicyArgumentError';
}

/** What is wrong with one argument, as phrases. */
export interface ArgProblem {
  name: string;
  /** The policy has no argument of this name. */
  unknown: boolean;
  found: string;
  expected: string;
}

type Arguments = Pick<PolicyFactory, 'name' | 'args'>;

export function argProblems({ args }: Arguments, given: Record<string, unknown>): ArgProblem[] {
  const problems: ArgProblem[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(args, name)) {
      const known = Object.keys(args);
      const expected = known.length === 0 ? 'none: the policy takes no arguments' : `one of ${known.join(', ')}`;
      problems.push({ name, unknown: true, found: `unknown argument '${name.slice(0, 60)}'`, expected });
    } else if (!suits(args[name], value)) {
      const spec = args[name];
      const found = spec.type === 'policies' ? policiesProblem(spec.of, value) : shown(value);
      problems.push({ name, unknown: false, found: found ?? shown(value), expected: wanted(spec) });
    }
  }
  return problems;
}

/** Checks arguments against their specification and fills in the defaults. */
export function checkedArgs(factory: Arguments, given: Record<string, unknown>): Record<string, unknown> {
  for (const { name, unknown, found, expected } of argProblems(factory, given)) {
    throw new PolicyArgumentError(
      unknown
        ? `policy ${factory.name} has no argument '${name.slice(0, 60)}'; it takes: ${Object.keys(factory.args).join(', ') || 'none'}`
        : `policy ${factory.name}, argument '${name}': found ${found}, expected ${expected}`,
    );
  }
  return Object.fromEntries(
    Object.entries(factory.args).map(([name, spec]) => [name, Object.hasOwn(given, name) ? given[name] : spec.default]),
  );
}

function suits(spec: ArgSpec, value: unknown): boolean {
  if (spec.type === 'choice') return typeof value === 'string' && spec.of.includes(value);
  if (spec.type === 'boolean') return typeof value === 'boolean';
  if (spec.type === 'policies') return policiesProblem(spec.of, value) === undefined;
  if (spec.type !== 'numbers') return typeof value === 'number' && value >= spec.min && value <= spec.max;
  if (!Array.isArray(value) || !value.every((v) => Number.isFinite(v) && v >= 0)) return false;
  return spec.ascending !== true || value.every((v, i) => i === 0 || v > value[i - 1]);
}

/** A policy by name with its arguments, from either way of writing it. */
export function policyChoice(value: unknown): PolicyChoice {
  if (typeof value === 'string') return { name: value, args: {} };
  const { name, args } = value as Partial<PolicyChoice>;
  return { name: String(name), args: args ?? {} };
}

/** What is wrong with the first of them, as a phrase. */
function policiesProblem(of: readonly PolicyFactory[], value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return shown(value);
  for (const [pool, given] of Object.entries(value)) {
    const isChoice = typeof given === 'object' && given !== null && typeof (given as PolicyChoice).name === 'string';
    if (typeof given !== 'string' && !isChoice) return `for pool '${pool}' ${shown(given)}`;
    const choice = policyChoice(given);
    const factory = of.find(({ name }) => name === choice.name);
    if (factory === undefined) return `for pool '${pool}' unknown policy '${choice.name.slice(0, 60)}'`;
    const extra = Object.keys(given).find((key) => typeof given !== 'string' && key !== 'name' && key !== 'args');
    if (extra !== undefined) return `for pool '${pool}' unknown field '${extra}'`;
    for (const problem of argProblems(factory, choice.args)) {
      const found = problem.unknown ? problem.found : `argument '${problem.name}' ${problem.found}`;
      return `for pool '${pool}' ${found} of ${factory.name} (${problem.expected})`;
    }
  }
  return undefined;
}

function wanted(spec: ArgSpec): string {
  if (spec.type === 'choice') return `one of ${spec.of.join(', ')}`;
  if (spec.type === 'boolean') return 'true or false';
  if (spec.type === 'duration') {
    return `a duration from ${timeText(spec.min)} to ${timeText(spec.max)}, such as 90s, 5m or 2h (a bare number is seconds)`;
  }
  if (spec.type === 'policies') {
    const names = spec.of.map(({ name }) => name).join(', ');
    return `by node pool a policy, such as {old: slurm, new: {name: runai, args: {…}}}, each one of ${names}`;
  }
  const unit = spec.unit === undefined ? '' : ` (${spec.unit})`;
  if (spec.type === 'number') return `a number from ${spec.min} to ${spec.max}${unit}`;
  const order = spec.ascending === true ? ', each above the one before' : '';
  return `a list of numbers that are not negative${order}${unit}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Seconds in the largest unit that leaves a whole number. */
function timeText(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}
