/** One piece of work under several stacks: what each makes of a scenario, and of its faults. */
import { FAULT_MODELS } from '../scenarios/catalogue/fault-models.ts';
import { nearestName } from '../scenarios/problem.ts';
import { COMPARED_STACKS, GUIDE_FAULT_TOLERANCE, STACK_ALIASES } from '../sim/policy/recovery/compared.ts';
import { TELEMETRY } from '../sim/policy/recovery/stacks.ts';
import type { ComparedStack, FaultSettings, Scenario } from '../sim/simulate.ts';
import { NO_FAULTS } from '../sim/world/faults/faults.ts';

/** The stacks that a scenario can be run under: simsup's, each replaced by the scenario's own of that name, and its others. */
export function stacksOf(scenario: Pick<Scenario, 'stacks' | 'recovery'>): ComparedStack[] {
  const own = scenario.stacks ?? [];
  const known = COMPARED_STACKS.map((stack) => {
    const stated = own.find(({ name }) => name === stack.name);
    if (stated !== undefined) return stated;
    // What the Simulation says of a stack is meant for that stack here, too.
    const { recovery } = scenario;
    const said =
      recovery !== undefined && recovery.stackOfPolicy !== true && recovery.stack.name === stack.settings.name;
    return said ? { ...stack, settings: { ...recovery.stack, requeueDelayUs: stack.settings.requeueDelayUs } } : stack;
  });
  return [...known, ...own.filter(({ name }) => !known.some((stack) => stack.name === name))];
}

/** Throws `RangeError` with a sentence for a name there is not. */
export function stackOf(scenario: Pick<Scenario, 'stacks' | 'recovery'>, name: string): ComparedStack {
  const stacks = stacksOf(scenario);
  const found = stacks.find((stack) => stack.name === (STACK_ALIASES[name] ?? name));
  if (found !== undefined) return found;
  const names = stacks.map((stack) => stack.name);
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
  throw new RangeError(`there is no stack '${name.slice(0, 60)}'${hint}; there are: ${names.join(', ')}`);
}

/** The same work and the same candidate faults, as this stack deals with them. */
export function underStack(scenario: Scenario, stack: ComparedStack): Scenario {
  const { recovery } = scenario;
  const tolerance = recovery?.faultTolerance ?? GUIDE_FAULT_TOLERANCE;
  return {
    ...(stack.wholeGpus ? withWholeGpus(scenario) : scenario),
    policy: stack.policy,
    faults: scenario.faults ?? defaultFaults(),
    recovery: {
      stack: stack.settings,
      telemetry: stack.telemetry ?? recovery?.telemetry ?? TELEMETRY.shipped,
      spares: recovery?.spares ?? scenario.pools.map(() => 0),
      ...(stack.faultTolerance === 'scenario' && { faultTolerance: tolerance }),
    },
  };
}

/** What is taken for granted where a scenario is silent, as sentences. */
export function stackAssumptions(scenario: Scenario, stacks: readonly ComparedStack[]): string[] {
  const sentences: string[] = [];
  if (scenario.faults === undefined)
    sentences.push(`The scenario has no FaultModel; the default one breaks things: ${FAULT_MODELS.default.about}.`);
  if (scenario.recovery?.faultTolerance === undefined && stacks.some((s) => s.faultTolerance === 'scenario'))
    sentences.push(
      "The scenario has no FaultTolerancePolicy; Mission Control gets the guide's (XID 79, 94, 95; reschedule after 60 s, 3 attempts).",
    );
  if (scenario.serving === undefined && scenario.jobs.class.includes(INFERENCE))
    sentences.push('No deployment states its requests, so where replicas are placed makes no difference to them.');
  return sentences;
}

const INFERENCE = 2;

/** The catalogue's default model, as `kind: FaultModel` without more gives it. */
export function defaultFaults(): FaultSettings {
  const { processes, lemons = NO_FAULTS.lemons, gpuSpread = 0 } = FAULT_MODELS.default;
  const calmer = 1 + lemons.share * (lemons.factor - 1);
  return {
    ...NO_FAULTS,
    processes: processes.map((process) => ({ ...process, meanUs: process.meanUs * calmer })),
    lemons,
    gpuSpread,
    ageUs: 365 * 86_400e6,
  };
}

/** A share rounded up to a whole GPU, used as much as the share was. */
function withWholeGpus(scenario: Scenario): Scenario {
  const { jobs, poolLists, pools } = scenario;
  const share = (j: number) => {
    const memory = pools[poolLists[jobs.poolList[j]][0]].gpuMemoryMiB;
    return jobs.gpuMemoryMiB[j] > 0 && memory > 0
      ? Math.min(1, jobs.gpuMemoryMiB[j] / memory)
      : jobs.shareMilli[j] / 1000;
  };
  return {
    ...scenario,
    jobs: {
      ...jobs,
      useMilli: jobs.useMilli.map((use, j) => Math.round(use * share(j))),
      shareMilli: jobs.shareMilli.map(() => 1000),
      gpuMemoryMiB: jobs.gpuMemoryMiB.map(() => 0),
    },
  };
}
