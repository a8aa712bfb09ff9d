/** An sbatch script's `#SBATCH` header → jobs. Options: https://slurm.schedmd.com/sbatch.html */

import type { AfterCondition } from '../../sim/scenario.ts';
import { nameList, nearestName, type Problem } from '../problem.ts';
import { MAX_GPUS } from '../schema.ts';
import { parseCount, parseDuration, quote, UnitError } from '../units.ts';
import type { JobDraft } from './draft.ts';
import { linesOf } from './read-file.ts';

/** Run time of a script that states neither `#SIMSUP --duration` nor `--time`. */
export const DEFAULT_MANIFEST_DURATION_US = 3600_000_000;

const SHORT: Record<string, string> = {
  J: 'job-name',
  N: 'nodes',
  n: 'ntasks',
  G: 'gpus',
  t: 'time',
  p: 'partition',
  q: 'qos',
  a: 'array',
  d: 'dependency',
  A: 'account',
  c: 'cpus-per-task',
};
/** Read; every other option of sbatch is let through unread. */
const READ = [
  'job-name',
  'nodes',
  'ntasks',
  'ntasks-per-node',
  'gpus',
  'gres',
  'gpus-per-node',
  'gpus-per-task',
  'time',
  'partition',
  'qos',
  'array',
  'dependency',
  'account',
  'cpus-per-task',
  'mem',
];
const SIMSUP = ['duration', 'submit', 'project'];
const MAX_ARRAY = 1_000_000;

export function isSbatch(text: string, file: string): boolean {
  return /\.(sh|sbatch|slurm)$/.test(file) || /^\uFEFF?#!/.test(text);
}

export function readSbatch(text: string, file: string, onProblem: (p: Problem) => void): JobDraft[] {
  const options = new Map<string, { value: string; line: number }>();
  let lineNumber = 0;
  let failed = false;
  const bad = (line: number, path: string, found: string, expected: string, nearest?: string) => {
    failed = true;
    onProblem({ file, line, column: 1, path, found, expected, ...(nearest === undefined ? {} : { nearest }) });
  };
  for (const line of linesOf(text)) {
    lineNumber++;
    if (lineNumber > 10_000 || line.length > 10_000) break;
    const match = /^#(SBATCH|SIMSUP)\s+(.*)$/.exec(line);
    if (match === null) {
      // sbatch itself stops reading options at the first command.
      if (line.trim() !== '' && !line.startsWith('#')) break;
      continue;
    }
    for (const [name, value] of words(match[2])) {
      const key = match[1] === 'SIMSUP' ? `simsup-${name}` : (SHORT[name] ?? name);
      if (match[1] === 'SIMSUP' && !SIMSUP.includes(name)) {
        bad(
          lineNumber,
          `--${name}`,
          `unknown option ${quote(name)}`,
          `one of ${nameList(SIMSUP)}`,
          nearestName(name, SIMSUP),
        );
      }
      const near = nearestName(key, READ);
      if (match[1] === 'SBATCH' && !READ.includes(key) && near !== undefined && editsAway(key, near)) {
        bad(lineNumber, `--${name}`, `unknown option ${quote(name)}`, 'an option of sbatch', near);
      }
      options.set(key, { value, line: lineNumber });
    }
  }
  const get = (key: string) => options.get(key)?.value;
  const read = <T>(key: string, parse: (value: string) => T): T | undefined => {
    const option = options.get(key);
    if (option === undefined) return undefined;
    try {
      return parse(option.value);
    } catch (error) {
      if (!(error instanceof UnitError)) throw error;
      bad(option.line, `--${key.replace('simsup-', '')}`, error.found, error.expected);
      return undefined;
    }
  };
  const count = (v: string) => parseCount(v, 1, MAX_GPUS);
  const gpuCount = (v: string) => parseCount(v.includes(':') ? v.slice(v.lastIndexOf(':') + 1) : v, 0, MAX_GPUS);
  const model = [get('gpus'), get('gpus-per-node'), get('gpus-per-task')].find((v) => v?.includes(':'))?.split(':')[0];
  const gres = read('gres', parseGres);
  const nodes = read('nodes', (v) => count(v.split('-')[0])) ?? 1;
  const perNode = read('gpus-per-node', gpuCount) ?? gres?.gpus;
  const ntasks = read('ntasks', count) ?? nodes * (read('ntasks-per-node', count) ?? 1);
  const perTask = read('gpus-per-task', gpuCount);
  const gpus =
    read('gpus', gpuCount) ?? (perNode !== undefined ? perNode * nodes : perTask !== undefined ? perTask * ntasks : 0);
  const limitUs = read('time', slurmTime);
  const id = get('job-name') ?? file.replace(/^.*\//, '').replace(/\.[^.]*$/, '');
  const after = read('dependency', parseDependency) ?? [];
  const cpus = read('cpus-per-task', count);
  const elements = read('array', parseArray);
  const modelIfAny = model ?? gres?.model;
  const line = (key: string) => options.get(key)?.line ?? 1;
  const base: JobDraft = {
    id,
    project: get('simsup-project') ?? get('account') ?? '',
    user: '',
    class: 'training',
    submitUs: read('simsup-submit', parseDuration) ?? 0,
    durationUs: read('simsup-duration', parseDuration) ?? limitUs ?? DEFAULT_MANIFEST_DURATION_US,
    limitUs,
    gpus,
    workers: options.has('nodes') && gpus > 0 ? Math.min(nodes, gpus) : 0,
    after,
    modelIfAny,
    traits: {
      partition: get('partition'),
      qos: get('qos'),
      cpu: cpus === undefined ? undefined : Math.round((1000 * cpus * ntasks) / nodes),
    },
    blame: (field, found, expected, nearest) => {
      const key =
        { gpus: options.has('gpus') ? 'gpus' : 'gres', project: 'account', after: 'dependency', id: 'job-name' }[
          field
        ] ?? field;
      bad(line(key), `--${key}`, found, expected, nearest);
    },
  };
  if (failed) return [];
  if (elements === undefined) return [base];
  return elements.map((e) => ({ ...base, id: `${id}_${e}` }));
}

/** Options of sbatch that take no value. */
const BARE = [
  ...[
    'contiguous',
    'exclusive',
    'hold',
    'ignore-pbs',
    'no-requeue',
    'overcommit',
    'oversubscribe',
    'parsable',
    'quiet',
  ],
  ...['requeue', 'reboot', 'spread-job', 'test-only', 'use-min-nodes', 'verbose', 'wait', 'H', 'O', 'Q', 's', 'v', 'W'],
];

/** The words after `sbatch` → its options as lines of a header, and the script; '' where there is none. */
export function sbatchCommand(words: readonly string[]): { options: string[]; script: string } {
  const options: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (!word.startsWith('-') || word === '-') return { options, script: word };
    const name = word.replace(/^--?/, '').split('=')[0];
    const short = !word.startsWith('--');
    const alone = word.includes('=') || BARE.includes(name) || (short && name.length > 1) || i + 1 === words.length;
    options.push(`#SBATCH ${alone ? word : `${word} ${words[++i]}`}`);
  }
  return { options, script: '' };
}

/** A likely slip: one or two letters off. */
function editsAway(a: string, b: string): boolean {
  return a !== b && Math.abs(a.length - b.length) <= 2 && a[0] === b[0];
}

/** `--gpus=8 -t 1:00:00` → options with their values. */
function words(text: string): [string, string][] {
  const parts = text
    .replace(/\s#.*$/, '')
    .trim()
    .split(/\s+/);
  const result: [string, string][] = [];
  for (let i = 0; i < parts.length; i++) {
    const match = /^(?:--([A-Za-z][\w-]*)(?:=(.*))?|-([A-Za-z])(.*))$/.exec(parts[i]);
    if (match === null) continue;
    const name = match[1] ?? match[3];
    let value = match[1] !== undefined ? match[2] : match[4] || undefined;
    if (value === undefined && i + 1 < parts.length && !parts[i + 1].startsWith('-')) value = parts[++i];
    result.push([name, (value ?? '').replace(/^["']|["']$/g, '')]);
  }
  return result;
}

/** `gpu:8`, `gpu:h100:8`, `gpu`. */
function parseGres(text: string): { gpus: number; model?: string } {
  for (const part of text.split(',')) {
    const fields = part.split(':');
    if (fields[0] !== 'gpu' && fields[0] !== 'gres/gpu') continue;
    if (fields.length === 1) return { gpus: 1 };
    const gpus = parseCount(fields[fields.length - 1], 0, MAX_GPUS);
    return fields.length > 2 ? { gpus, model: fields[1] } : { gpus };
  }
  return { gpus: 0 };
}

/** Slurm's times: minutes, minutes:seconds, h:m:s, days-hours, days-h:m, days-h:m:s; `UNLIMITED` and 0 = none. */
export function slurmTime(text: string): number {
  if (/^(UNLIMITED|INFINITE|0)$/i.test(text)) return 0;
  const match = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text.trim());
  if (match === null) throw new UnitError(quote(text), 'a time as Slurm writes it, such as 90, 1:30:00 or 2-12:00:00');
  const [, days, a, b, c] = match;
  const n = (v: string | undefined) => Number(v ?? 0);
  const seconds =
    days !== undefined
      ? n(a) * 3600 + n(b) * 60 + n(c)
      : c !== undefined
        ? n(a) * 3600 + n(b) * 60 + n(c)
        : n(a) * 60 + n(b);
  const us = (n(days) * 86400 + seconds) * 1e6;
  if (!Number.isSafeInteger(us)) throw new UnitError(quote(text), 'a time limit of at most 285 years');
  return us;
}

/** `0-15%4`, `1,3,5-7`, `0-10:2`. How many may run at once (`%4`) is not simulated. */
function parseArray(text: string): number[] {
  const fail = () => new UnitError(quote(text), `array indices, such as 0-15 or 1,3,5-7 (at most ${MAX_ARRAY})`);
  const result = new Set<number>();
  for (const part of text.replace(/%\d+$/, '').split(',')) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?(?::(\d{1,9}))?$/.exec(part.trim());
    if (match === null) throw fail();
    const from = Number(match[1]);
    const to = Number(match[2] ?? from);
    const step = Math.max(1, Number(match[3] ?? 1));
    if ((to - from) / step >= MAX_ARRAY) throw fail();
    for (let i = from; i <= to; i += step) result.add(i);
    if (result.size > MAX_ARRAY) throw fail();
  }
  return [...result];
}

const DEPENDENCY: Record<string, AfterCondition> = { afterok: 'completed', afterany: 'ended', after: 'started' };

/** `afterok:prep:other,afterany:x`. */
function parseDependency(text: string): { job: string; condition: AfterCondition }[] {
  return text.split(',').flatMap((part) => {
    const [type, ...jobs] = part.trim().split(':');
    if (!Object.hasOwn(DEPENDENCY, type) || jobs.length === 0) {
      throw new UnitError(quote(part), 'afterok:JOB, afterany:JOB or after:JOB (other dependencies are not simulated)');
    }
    return jobs.map((j) => ({ job: j.replace(/\+\d+$/, ''), condition: DEPENDENCY[type] }));
  });
}
