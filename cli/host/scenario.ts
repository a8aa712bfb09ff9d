/** The scenario that a command line names, with what its flags change. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { folderReader } from '../../scenarios/files.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { builtin, readScenario } from '../../scenarios/index.ts';
import { POLICIES, type PolicyFactory, type Scenario } from '../../sim/simulate.ts';
import { type Task, taskScenario } from '../../studies/pool.ts';
import { STDIN, scenarioText } from './scenario-text.ts';

/** Plain data: a worker thread is given the same. */
export interface ScenarioChoice {
  /** A file, `-`, or the name of a built-in scenario. */
  name: string;
  /** Its text where it was read already (standard input can be read once). */
  text?: string;
  allowRead: readonly string[];
  durationUs?: number;
  policyModule?: string;
}

/** Reads and compiles it. Throws `ScenarioError` and `UserError`. */
export function loadScenario(choice: ScenarioChoice, task: Task = {}, own?: PolicyFactory): Scenario {
  const policies = own === undefined ? POLICIES : [...POLICIES, own];
  const options = { policies, overrides: { seed: task.seed, durationUs: choice.durationUs, scale: task.vary?.load } };
  const text = choice.text ?? scenarioText(choice.name);
  const scenario = text === undefined ? builtin(choice.name, options) : fromText(choice, text, options);
  return taskScenario(scenario, task);
}

function fromText(choice: ScenarioChoice, text: string, options: Parameters<typeof readScenario>[1]): Scenario {
  const { name, allowRead } = choice;
  for (const dir of allowRead) {
    if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory())
      throw new UserError(`--allow-read ${dir}: there is no such folder`);
  }
  const file = name === STDIN ? 'stdin' : name;
  return readScenario(text, { ...options, file, readFile: folderReader(dirname(name), allowRead) });
}
