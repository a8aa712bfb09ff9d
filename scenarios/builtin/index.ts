/** The scenarios that come with simsup: their text, the files they name, and what each shows. */

import type { Scenario } from '../../sim/scenario.ts';
import type { ReadFile } from '../compile/read-file.ts';
import { AZURE_CONVERSATION } from '../data/azure-conversation.ts';
import { ITP_JOBS } from '../data/itp.ts';
import { OPENB_NODES } from '../data/openb-nodes.ts';
import { OPENB_JOBS } from '../data/openb-pods.ts';
import { PHILLY_WEEK_JOBS } from '../data/philly-week.ts';
import { nearestName, ScenarioError } from '../problem.ts';
import { type ReadOptions, readScenario } from '../read.ts';
import { quote } from '../units.ts';
import { KAI_SCALE_JOBS } from './kai-scale.ts';
import { type BuiltinText, builtinTexts } from './texts.ts';

export interface Builtin extends BuiltinText {
  /** Files that the text names, by name. */
  files: Readonly<Record<string, string>>;
}

const FILES: Readonly<Record<string, Builtin['files']>> = {
  'philly-week': { 'philly-week.csv': PHILLY_WEEK_JOBS },
  openb: { 'openb-nodes.csv': OPENB_NODES, 'openb-pods.csv': OPENB_JOBS },
  itp: { 'itp.csv': ITP_JOBS },
  'kai-scale': { 'kai-scale.csv': KAI_SCALE_JOBS },
  'serve-azure': { 'azure-conversation.csv': AZURE_CONVERSATION },
};

export const builtins: readonly Builtin[] = builtinTexts.map((builtin) => ({
  ...builtin,
  files: FILES[builtin.name] ?? {},
}));

/** A built-in scenario, compiled. Throws `ScenarioError` for a name there is not. */
export function builtin(name: string, options: Omit<ReadOptions, 'file' | 'readFile'> = {}): Scenario {
  const found = builtins.find((b) => b.name === name);
  if (found === undefined) {
    const names = builtins.map((b) => b.name);
    const nearest = nearestName(name, names);
    const problem = {
      line: 0,
      column: 0,
      path: '',
      found: `no built-in scenario ${quote(name)}`,
      expected: `one of ${names.join(', ')}`,
    };
    throw new ScenarioError([{ file: 'simsup', ...problem, ...(nearest === undefined ? {} : { nearest }) }]);
  }
  return readScenario(found.text, { ...options, file: `${name}.yaml`, readFile: memoryReader(found.files) });
}

/** Files held in memory, by name. */
export function memoryReader(files: Readonly<Record<string, string>>): ReadFile {
  return (path) => {
    const name = path.replace(/^\.\//, '');
    if (!Object.hasOwn(files, name)) throw new Error(`there is no ${path} beside the scenario`);
    return files[name];
  };
}
