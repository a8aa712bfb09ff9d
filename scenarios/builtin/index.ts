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
import { FAULT_STORM } from './fault-storm.ts';
import { ITP } from './itp.ts';
import { KAI_SCALE, KAI_SCALE_JOBS } from './kai-scale.ts';
import { LEMON_NODES } from './lemon-nodes.ts';
import { LLAMA3_405B } from './llama3-405b.ts';
import { MISSION_CONTROL } from './mission-control.ts';
import { OPENB } from './openb.ts';
import { PHILLY_WEEK } from './philly-week.ts';
import { RSC } from './rsc.ts';
import { SERVE_AZURE } from './serve-azure.ts';
import { SMALL_TEAM } from './small-team.ts';
import { SPOT_TRAINING } from './spot-training.ts';

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
  {
    name: 'kai-scale',
    sentence: "The scale test of Run:ai's open scheduler: 4,000 jobs of one GPU at once on 500 nodes.",
    text: KAI_SCALE,
    files: { 'kai-scale.csv': KAI_SCALE_JOBS },
  },
  {
    name: 'spot-training',
    sentence: 'Training on spot H200 that are taken away with two minutes of notice, inference on B200 on demand.',
    text: SPOT_TRAINING,
    files: {},
  },
  {
    name: 'fault-storm',
    sentence: "A week of faults in bursts on 128 H100, under the guide's FaultTolerancePolicy.",
    text: FAULT_STORM,
    files: {},
  },
  {
    name: 'lemon-nodes',
    sentence: 'Four weeks of big gangs on 128 nodes, of which a few have most of the faults.',
    text: LEMON_NODES,
    files: {},
  },
  {
    name: 'rsc',
    sentence: "Two weeks on 16,000 A100 that fail as often as those of Meta's RSC-1.",
    text: RSC,
    files: {},
  },
  {
    name: 'llama3-405b',
    sentence: 'One job on 16,384 H100 for 54 days, interrupted as often as the training of Llama 3 405B.',
    text: LLAMA3_405B,
    files: {},
  },
  {
    name: 'serve-azure',
    sentence: 'Ten minutes of real chat requests (Azure, 2023) on four replicas of a 70B model.',
    text: SERVE_AZURE,
    files: { 'azure-conversation.csv': AZURE_CONVERSATION },
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
