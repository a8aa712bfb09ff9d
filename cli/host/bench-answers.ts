/** What a thread of the bench does: runs cases under one policy. Also used where the policy needs no thread. */
import type { RunTask } from '../../bench/regression/bench.ts';
import { caseScenario } from '../../bench/regression/cases.ts';
import { benchRun, type Outcome } from '../../bench/regression/outcome.ts';
import { ScenarioError } from '../../scenarios/index.ts';
import { POLICIES, type PolicyFactory } from '../../sim/simulate.ts';
import { policyArgs, policyModule, policyNamed } from './policy.ts';

/** A built-in policy, or a module of the user's, with its arguments as typed; plain data. */
export interface BenchPolicy {
  name?: string;
  module?: string;
  args: string[];
}

export interface OpenedPolicy {
  factory: PolicyFactory;
  args: Record<string, unknown>;
}

/** Throws `UserError` and `ForeignPolicyError` for what cannot be used. */
export async function openPolicy({ name, module, args }: BenchPolicy): Promise<OpenedPolicy> {
  const factory = module === undefined ? policyNamed(name as string) : await policyModule(module);
  return { factory, args: policyArgs(factory, args) };
}

export async function benchAnswers(policy: BenchPolicy): Promise<(task: RunTask) => Outcome> {
  const opened = await openPolicy(policy);
  return (task) => outcomeOf(task, opened);
}

/** What goes wrong under the policy is an outcome; a case that cannot be read is an error. */
export function outcomeOf({ case: one, seed, keepDecisions }: RunTask, { factory, args }: OpenedPolicy): Outcome {
  const scenario = caseScenario(one, seed, [...POLICIES, factory]);
  try {
    const heapMiB = () => process.memoryUsage().heapUsed / 2 ** 20;
    return benchRun({ ...scenario, policy: { name: factory.name, args } }, factory, keepDecisions, heapMiB);
  } catch (error) {
    if (error instanceof ScenarioError) throw error;
    return { failed: oneLine(error instanceof Error ? error.message : String(error)) };
  }
}

const oneLine = (text: string) => text.replace(/\s*\n\s*/g, '; ').trim();
