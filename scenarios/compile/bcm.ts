/**
 * BCM's Slurm bridge: lines such as
 *
 *   bcm submit --scheduler runai --wrap "sbatch train.sh" --gpus 8 --project llm --checkpoint-path /mnt/dsx/checkpoints/
 *
 * → jobs. What is wrapped stays as it is: options of its `sbatch` count, and so does the header of its script if that lies
 * beside the scenario; what the line itself says goes first. Other commands of a shell script are let be.
 */

import { nameList, nearestName, type Problem } from '../problem.ts';
import { MAX_GPUS } from '../schema.ts';
import { parseCount, quote, UnitError } from '../units.ts';
import type { JobDraft } from './draft.ts';
import { linesOf, type ReadFile } from './read-file.ts';
import { DEFAULT_MANIFEST_DURATION_US, readSbatch, sbatchCommand } from './sbatch.ts';
import type { Schedulers } from './schedulers.ts';

const FLAGS = ['scheduler', 'wrap', 'gpus', 'project', 'checkpoint-path'] as const;
type Flag = (typeof FLAGS)[number];
const SCHEDULERS = ['runai', 'slurm'];
const MAX_LINES = 100_000;
const MAX_SCRIPT = 1 << 20;

export function isBcm(text: string): boolean {
  return /^[ \t]*bcm[ \t]+submit\b/m.test(text);
}

export interface BcmContext {
  readFile: ReadFile;
  schedulers: Schedulers;
  add(problem: Problem): void;
  assume(sentence: string): void;
}

interface Line {
  text: string;
  number: number;
  /** `#SIMSUP` options of the lines just before it. */
  simsup: string[];
}

/** Jobs of a shell script with such lines, in their order. */
export function readBcm(text: string, file: string, context: BcmContext): JobDraft[] {
  const taken = new Set<string>();
  return bcmLines(text).flatMap((line) => {
    const draft = readBcmLine(line.text, { file, line: line.number, column: 1 }, line.simsup, context);
    if (draft === undefined) return [];
    let id = draft.id;
    for (let n = 2; taken.has(id); n++) id = `${draft.id}-${n}`;
    taken.add(id);
    return [{ ...draft, id }];
  });
}

/** Lines that submit, each with its continuations. */
function bcmLines(text: string): Line[] {
  const found: Line[] = [];
  let open: { text: string; number: number } | undefined;
  let simsup: string[] = [];
  let number = 0;
  for (const line of linesOf(text)) {
    if (++number > MAX_LINES) break;
    if (open === undefined && /^#SIMSUP\s/.test(line)) {
      simsup.push(line);
      continue;
    }
    if (open === undefined && !/^\s*bcm\s+submit\b/.test(line)) {
      if (line.trim() !== '') simsup = [];
      continue;
    }
    const whole: { text: string; number: number } = open === undefined ? { text: line, number } : open;
    if (open !== undefined) whole.text = `${open.text} ${line}`;
    open = undefined;
    if (whole.text.endsWith('\\')) {
      open = { ...whole, text: whole.text.slice(0, -1) };
      continue;
    }
    found.push({ ...whole, simsup });
    simsup = [];
  }
  if (open !== undefined) found.push({ ...open, simsup });
  return found;
}

export interface BcmPlace {
  file: string;
  line: number;
  column: number;
  path?: string;
}

/** One such line; undefined after reporting what is wrong with it. */
export function readBcmLine(
  text: string,
  place: BcmPlace,
  simsup: readonly string[],
  { readFile, schedulers, add, assume }: BcmContext,
): JobDraft | undefined {
  let failed = false;
  const bad = (flag: string, found: string, expected: string, nearest?: string) => {
    failed = true;
    const path = place.path === undefined ? flag : `${place.path}${flag === '' ? '' : `: ${flag}`}`;
    add({ ...place, path, found, expected, ...(nearest === undefined ? {} : { nearest }) });
  };
  const words = shellWords(text);
  if (words === undefined) {
    bad('', 'a quote without its end', 'quotes in pairs');
    return undefined;
  }
  const flags = flagsOf(words.slice(2), bad);
  const gpus =
    flags.gpus === undefined ? undefined : countOf(flags.gpus, (found, expected) => bad('--gpus', found, expected));
  const { scheduler, wrap } = flags;
  if (scheduler !== undefined && !SCHEDULERS.includes(scheduler)) {
    bad('--scheduler', quote(scheduler), `one of ${nameList(SCHEDULERS)}`, nearestName(scheduler, SCHEDULERS));
  }
  if (wrap === undefined) bad('', 'no --wrap', 'what is submitted, such as --wrap "sbatch train.sh"');
  const wrapped = wrap === undefined ? undefined : shellWords(wrap);
  if (wrap !== undefined && (wrapped === undefined || wrapped.length === 0)) bad('--wrap', quote(wrap), 'a command');
  if (failed || wrapped === undefined) return undefined;

  const isSbatch = wrapped[0].replace(/^.*\//, '') === 'sbatch';
  const { options, script } = isSbatch ? sbatchCommand(wrapped.slice(1)) : { options: [], script: wrapped[0] };
  const header = isSbatch && script !== '' ? headerOf(script, readFile, assume) : '';
  // Later options win: the script's, then the command's, then those for simsup.
  const lines = [...header.split('\n').filter((line) => /^#(SBATCH|SIMSUP)\s/.test(line)), ...options, ...simsup];
  const [base] = readSbatch(`${lines.join('\n')}\n`, script === '' ? 'job' : script, (problem) => {
    failed = true;
    // Of the script: its own line numbers are of no use once options are put together.
    add({ ...problem, ...place, path: problem.path });
  });
  if (failed || base === undefined) return undefined;
  if (gpus === undefined && base.gpus === 0) {
    bad('', 'no --gpus', 'the number of GPUs, here or in the script that is wrapped');
    return undefined;
  }
  const pools = scheduler === undefined ? undefined : schedulers(scheduler);
  if (pools !== undefined && pools.length === 0) {
    bad('--scheduler', quote(scheduler as string), 'a scheduler that has a node pool here');
    return undefined;
  }
  if (pools === undefined && scheduler !== undefined) {
    assume('One scheduler has all of the cluster: --scheduler of bcm submit makes no difference.');
  }
  const total = gpus ?? base.gpus;
  const FLAG: Record<string, string> = { gpus: '--gpus', project: '--project', checkpointPath: '--checkpoint-path' };
  return {
    ...base,
    project: flags.project ?? base.project,
    gpus: total,
    workers: base.workers > 0 ? Math.min(base.workers, total) : 0,
    ...(base.durationUs === 0 && { durationUs: DEFAULT_MANIFEST_DURATION_US }),
    traits: {
      ...base.traits,
      ...(pools !== undefined && { pools }),
      ...(flags['checkpoint-path'] !== undefined && { checkpointPath: flags['checkpoint-path'] }),
    },
    blame: (field, found, expected, nearest) => bad(FLAG[field] ?? '', found, expected, nearest),
  };
}

type Bad = (flag: string, found: string, expected: string, nearest?: string) => void;

function flagsOf(words: readonly string[], bad: Bad): Partial<Record<Flag, string>> {
  const flags: Partial<Record<Flag, string>> = {};
  for (let i = 0; i < words.length; i++) {
    const match = /^--([^=]*)(?:=([\s\S]*))?$/.exec(words[i]);
    if (match === null) {
      bad('', quote(words[i]), `one of ${nameList(FLAGS.map((flag) => `--${flag}`))}`);
      continue;
    }
    const name = FLAGS.find((flag) => flag === match[1]);
    if (name === undefined) {
      const nearest = nearestName(match[1], FLAGS);
      const expected = `one of ${nameList(FLAGS.map((flag) => `--${flag}`))}`;
      bad(`--${match[1]}`, 'an unknown flag', expected, nearest === undefined ? undefined : `--${nearest}`);
      // Its value, if it has one.
      if (match[2] === undefined && i + 1 < words.length && !words[i + 1].startsWith('--')) i++;
      continue;
    }
    const value = match[2] ?? words[++i];
    if (value === undefined || (match[2] === undefined && value.startsWith('--')) || value === '') {
      bad(`--${name}`, 'no value', `--${name} with a value`);
      if (value?.startsWith('--')) i--;
    } else if (flags[name] !== undefined) bad(`--${name}`, `--${name} a second time`, 'each flag once');
    else flags[name] = value;
  }
  return flags;
}

function countOf(text: string, bad: (found: string, expected: string) => void): number | undefined {
  try {
    return parseCount(text, 1, MAX_GPUS);
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    bad(error.found, error.expected);
    return undefined;
  }
}

/** The text of the script that is wrapped; nothing where it is not beside the scenario. */
function headerOf(script: string, readFile: BcmContext['readFile'], assume: (sentence: string) => void): string {
  try {
    const lines: string[] = [];
    let size = 0;
    for (const line of linesOf(readFile(script))) {
      size += line.length + 1;
      if (size > MAX_SCRIPT || (line.trim() !== '' && !line.startsWith('#'))) break;
      lines.push(line);
    }
    return lines.join('\n');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    assume(
      `What bcm submit wraps is not read (${why}): the job is what its line says, and runs for an hour unless that says otherwise.`,
    );
    return '';
  }
}

/** A command's words as a shell splits them, up to the end of the command; undefined for a quote without its end. */
export function shellWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quoteMark = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoteMark !== '') {
      if (c === quoteMark) quoteMark = '';
      else if (c === '\\' && quoteMark === '"' && i + 1 < text.length && '"\\$`'.includes(text[i + 1]))
        word += text[++i];
      else word += c;
    } else if (c === '"' || c === "'") {
      quoteMark = c;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === '#' && word === undefined) break;
    else if (';&|<>'.includes(c)) break;
    else if (c === '\\' && i + 1 < text.length) word = (word ?? '') + text[++i];
    else word = (word ?? '') + c;
  }
  if (quoteMark !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
