/** What a study asks to be simulated, and who does it: threads in Node, workers in a browser, or the caller itself. */
import { summarise } from '../reports/summary.ts';
import { type PolicyFactory, type Scenario, Simulation } from '../sim/simulate.ts';
import type { Figures } from './compare.ts';
import { FIGURES, figuresOf, projectFigures } from './figures.ts';
import { reliabilityFigures } from './reliability-figures.ts';
import { stackFigures } from './stack-figures.ts';
import { stackOf, underStack } from './stacks.ts';
import { type Variation, varied } from './vary.ts';

/** One run: plain data, so that it can be sent to a thread or another machine. */
export interface Task {
  /** Instead of the scenario's own; decides arrivals and candidate faults. */
  seed?: string;
  /** A built-in policy with its arguments instead of the scenario's. */
  policy?: { name: string; args: Record<string, unknown> };
  /** One of the stacks that are compared, by name; decides the policy, too. */
  stack?: string;
  vary?: Variation;
}

/** What a task makes of a scenario; its seed and load are of how the scenario was read. */
export function taskScenario(scenario: Scenario, { policy, stack, vary }: Task): Scenario {
  const stacked = stack === undefined ? scenario : underStack(scenario, stackOf(scenario, stack));
  const changed = vary === undefined ? stacked : varied(stacked, vary);
  return policy === undefined ? changed : { ...changed, policy };
}

export interface Pool {
  /** Tasks that run at the same time. */
  readonly size: number;
  run(task: Task): Promise<Figures>;
  /** Stops whatever still runs. */
  close(): Promise<void>;
}

/** Simulates a task; `own` is a policy that is not built in. */
export function runTask(scenario: Scenario, own?: PolicyFactory): Figures {
  const simulation = new Simulation(scenario, { policy: own });
  simulation.run();
  const run = simulation.result();
  const summary = summarise(run, 0);
  const projects = scenario.projects.length <= MOST_PROJECTS ? scenario.projects.map(({ name }) => name) : [];
  return {
    ...figuresOf(summary, [...FIGURES, ...projectFigures(projects)]),
    ...stackFigures(simulation, run, summary),
    ...reliabilityFigures(simulation, run),
  };
}

/** With more projects than this their figures are left out: nobody reads so many rows. */
export const MOST_PROJECTS = 20;

/** Runs all tasks, as many at a time as the pool takes; the results are in the order of the tasks. */
export async function runAll(pool: Pool, tasks: readonly Task[], onDone?: (done: number) => void): Promise<Figures[]> {
  const results: Figures[] = new Array(tasks.length);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < tasks.length) {
      const at = next++;
      results[at] = await pool.run(tasks[at]);
      onDone?.(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(pool.size, tasks.length) }, work));
  return results;
}
