/** The suite that the command line and the configuration name, every case whole: scenarios on disk with the files they read. */
import { basename, dirname, join } from 'node:path';
import type { BenchCase } from '../../bench/regression/cases.ts';
import { BUILTIN_CASES, builtinCase } from '../../bench/regression/cases.ts';
import { linesOf } from '../../scenarios/compile/read-file.ts';
import { folderReader } from '../../scenarios/files.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { builtins, readScenario } from '../../scenarios/index.ts';
import { nearestName } from '../../scenarios/problem.ts';
import { POLICIES } from '../../sim/simulate.ts';
import { scenarioText } from './scenario-text.ts';

/** `folder`: from where paths count. Throws `ScenarioError` and `UserError`. */
export function openCases(names: readonly string[], folder: string, allowRead: readonly string[]): BenchCase[] {
  const cases = names.map((name) => openCase(name, folder, allowRead));
  const twice = cases.find(({ name }, i) => cases.findIndex((one) => one.name === name) !== i);
  if (twice !== undefined) throw new UserError(`case ${twice.name} is named twice`);
  return cases;
}

function openCase(name: string, folder: string, allowRead: readonly string[]): BenchCase {
  const own = builtinCase(name);
  if (own !== undefined) return own;
  const scenario = builtins.find((b) => b.name === name);
  if (scenario !== undefined) return { name, about: scenario.sentence, text: scenario.text, files: scenario.files };
  if (!/[./\\]/.test(name)) {
    const known = [...BUILTIN_CASES, ...builtins].map((b) => b.name);
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
    throw new UserError(
      `there is no case '${name}'${hint} There are ${[...new Set(known)].join(', ')}, and files such as my.yaml`.replace(
        /'( There)/,
        "'.$1",
      ),
    );
  }
  return fromDisk(join(folder, name), allowRead);
}

/** What the scenario reads is kept, so that threads and other versions see the same. */
function fromDisk(path: string, allowRead: readonly string[]): BenchCase {
  const text = scenarioText(path);
  if (text === undefined) throw new UserError(`there is no file ${path}`);
  const read = folderReader(dirname(path), allowRead);
  const files: Record<string, string> = {};
  const readFile = (name: string) => {
    files[name] ??= [...linesOf(read(name)), ''].join('\n');
    return files[name];
  };
  const { title } = readScenario(text, { policies: POLICIES, file: path, readFile });
  return { name: basename(path).replace(/\.ya?ml$/, ''), about: title || path, text, files };
}
