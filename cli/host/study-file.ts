/** The scenario of a sweep or plan, with its Study: read once on the command line, and again in every thread and worker. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { folderReader } from '../../scenarios/files.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { builtin, builtins, memoryReader, type ReadFile } from '../../scenarios/index.ts';
import { type StudyDocument, studyDocument } from '../../scenarios/study.ts';
import { openVariants, type Variants } from '../../scenarios/variants.ts';
import { POLICIES, type Scenario } from '../../sim/simulate.ts';
import { packageVersion } from './package-version.ts';
import { STDIN, scenarioText } from './scenario-text.ts';

/** Plain data: a thread is given the same, and so is a worker on another machine once its files are in it. */
export interface StudyChoice {
  /** A file, `-`, or the name of a built-in scenario. */
  name: string;
  text: string;
  allowRead: readonly string[];
  durationUs?: number;
  scaleQuotas: boolean;
  /** Contents of the files that the scenario names, where it is not read beside its file. */
  files?: Record<string, string>;
}

export interface StudyFile {
  choice: StudyChoice;
  variants: Variants;
  base: Scenario;
  study: StudyDocument | undefined;
  /** Of everything of the scenario that decides a run; 32 hexadecimal digits. */
  hash: string;
  /** Files that the scenario read. */
  paths: string[];
  version: string;
}

export interface StudyFlags {
  study?: string;
  duration?: number;
  allowRead: string[];
}

/**
 * Reads scenario and Study (of `--study FILE`, else of the scenario itself); `scaleQuotas` counts where there is no Study. Throws `ScenarioError` and `UserError`.
 */
export function openStudyFile(name: string, flags: StudyFlags, scaleQuotas = false): StudyFile {
  const own = builtins.find((b) => b.name === name);
  const text = scenarioText(name) ?? own?.text;
  // A mistyped name: the answer lists the nearest.
  if (text === undefined) throw new Error(`unreachable: ${builtin(name).name}`);
  let study = studyDocument(text, fileName(name));
  if (flags.study !== undefined) {
    const given = scenarioText(flags.study);
    if (given === undefined) throw new UserError(`--study ${flags.study}: there is no such file`);
    study = studyDocument(given, fileName(flags.study));
    if (study === undefined) throw new UserError(`--study ${flags.study}: there is no document of kind Study in it`);
  }
  const choice: StudyChoice = {
    name,
    text,
    allowRead: flags.allowRead,
    durationUs: flags.duration,
    scaleQuotas: study === undefined ? scaleQuotas : study.data.spec.quotas === 'in-proportion',
    ...(own !== undefined && own.text === text && { files: { ...own.files } }),
  };
  const read = new Map<string, string>();
  const variants = variantsOf(choice, (path, file) => read.set(path, file));
  const base = variants.base();
  const hash = createHash('sha256').update(JSON.stringify([base.name, variants.canonical, choice.scaleQuotas]));
  for (const [path, content] of [...read].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(JSON.stringify([path, content]));
  return {
    choice,
    variants,
    base,
    study,
    hash: hash.digest('hex').slice(0, 32),
    paths: [...read.keys()],
    version: packageVersion(),
  };
}

/** `onRead` is told the digest of every file the scenario names, when it is read. */
export function variantsOf(choice: StudyChoice, onRead?: (path: string, digest: string) => void): Variants {
  const reader =
    choice.files === undefined ? folderReader(dirname(choice.name), choice.allowRead) : memoryReader(choice.files);
  const readFile: ReadFile = (path) => {
    if (onRead === undefined) return reader(path);
    const digest = createHash('sha256');
    for (const line of linesIn(reader(path))) digest.update(line).update('\n');
    onRead(path, digest.digest('hex'));
    return reader(path);
  };
  const { durationUs, scaleQuotas } = choice;
  return openVariants(choice.text, {
    file: fileName(choice.name),
    readFile,
    policies: POLICIES,
    durationUs,
    scaleQuotas,
  });
}

/** The same choice for another machine: with the contents of its files. */
export function portable({ choice, paths }: StudyFile): StudyChoice {
  if (choice.files !== undefined) return choice;
  const reader = folderReader(dirname(choice.name), choice.allowRead);
  const files = Object.fromEntries(
    paths.map((path) => [path.replace(/^\.\//, ''), [...linesIn(reader(path))].join('\n')]),
  );
  return { ...choice, name: basename(choice.name), allowRead: [], files };
}

const linesIn = (content: ReturnType<ReadFile>): Iterable<string> =>
  typeof content === 'string' ? [content] : content;

function fileName(name: string): string {
  if (name === STDIN) return 'stdin';
  return builtins.some((b) => b.name === name) ? `${name}.yaml` : name;
}

/** Texts of a study's files that are JSON. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(code === 'ENOENT' ? `there is no file ${path}` : `cannot read ${path}: ${message}`);
  }
}
