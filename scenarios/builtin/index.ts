/** The scenarios that come with simsup: their text, the files they name, and what each shows. */

import type { Scenario } from '../../sim/scenario.ts';
import type { ReadFile } from '../compile/read-file.ts';
import { ITP_JOBS } from '../data/itp.ts';
import { OPENB_NODES } from '../data/openb-nodes.ts';
import { OPENB_JOBS } from '../data/openb-pods.ts';
import { PHILLY_WEEK_JOBS } from '../data/philly-week.ts';
import { nearestName, ScenarioError } from '../problem.ts';
import { type ReadOptions, readScenario } from '../read.ts';
import { quote } from '../units.ts';
import { ITP } from './itp.ts';
import { MISSION_CONTROL } from './mission-control.ts';
import { OPENB } from './openb.ts';
import { PHILLY_WEEK } from './philly-week.ts';
import { SMALL_TEAM } from './small-team.ts';

export interface Builtin {
  name: string;
  /** What it shows, in one sentence. */
  sentence: string;
  text: string;
  /** Files that the text names, by name. */
  files: Readonly<Record<string, string>>;
}

export const builtins: readonly Builtin[] = [
  {
    name: 'mission-control',
    sentence:
      'Three teams share 32 H200 and 16 B200 for a month; one has no quota and lives on what is idle (the default).',
    text: MISSION_CONTROL,
    files: {},
  },
  {
    name: 'small-team',
    sentence: 'One team on one node of 8 H100: too small for Mission Control.',
    text: SMALL_TEAM,
    files: {},
  },
  {
    name: 'philly-week',
    sentence: 'A week of real training jobs in eight virtual clusters of Microsoft Philly (2017).',
    text: PHILLY_WEEK,
    files: { 'philly-week.csv': PHILLY_WEEK_JOBS },
  },
  {
    name: 'openb',
    sentence: "Real pods that share GPUs on Alibaba's 1,213 nodes of seven GPU models (2023).",
    text: OPENB,
    files: { 'openb-nodes.csv': OPENB_NODES, 'openb-pods.csv': OPENB_JOBS },
  },
  {
    name: 'itp',
    sentence: 'Gangs of 64 GPUs among hundreds of single-GPU jobs, from Microsoft ITP (2021).',
    text: ITP,
    files: { 'itp.csv': ITP_JOBS },
  },
];

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
