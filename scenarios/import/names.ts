/** Names of a log in the form that the jobs file and the scenario can hold. */

import { pseudonym } from './anonymise.ts';
import type { ImportOptions, RowNotes, TraceJob } from './importer.ts';

/** Longest name kept; the scenario's schema allows no longer one. */
export const MAX_NAME = 253;
const MAX_REMEMBERED = 1_000_000;

export interface Namer {
  id(text: string): string;
  user(text: string): string;
  project(text: string): string;
}

/** Names as they are, or pseudonyms. */
export function namer(options: ImportOptions): Namer {
  const salt = options.anonymiseSalt;
  if (salt === undefined) return { id: asItIs, user: asItIs, project: asItIs };
  const kept = new Map<string, string>();
  const remember = (kind: string, text: string) => {
    const key = kind + text;
    let name = kept.get(key);
    if (name === undefined && kept.size < MAX_REMEMBERED) kept.set(key, (name = pseudonym(kind, text, salt)));
    return name ?? pseudonym(kind, text, salt);
  };
  return {
    id: (t) => pseudonym('job', t, salt),
    user: (t) => remember('user', t),
    project: (t) => remember('project', t),
  };
}

const asItIs = (text: string) => text;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** A virtual cluster's name is a pool's, and so has no white space. */
export const poolName = (text: string): string =>
  /\s/.test(text) || CONTROL.test(text) ? text.replace(/[\s\p{Cc}]+/gu, '-') : text;

const NAMES = ['id', 'project', 'user', 'partition', 'qos'] as const;

/** Changes the job's names where they must change; false after refusing the row. */
export function cleanNames(job: TraceJob, line: number, format: string, name: Namer, notes: RowNotes): boolean {
  for (const key of NAMES) {
    let text = job[key] ?? '';
    if (text === '') {
      job[key] = text;
      continue;
    }
    if (text.length > MAX_NAME) {
      notes.refuse('long name', `its ${key} is ${text.length} characters long, at most ${MAX_NAME} are kept`);
      return false;
    }
    if (CONTROL.test(text)) {
      text = text.replace(/\p{Cc}+/gu, ' ').trim();
      notes.mend('control characters', `its ${key} holds control characters: replaced by spaces`);
    }
    if (key === 'project') {
      const plain = poolName(text);
      if (plain !== text) notes.mend('white space', 'its project holds white space: replaced by -');
      text = plain;
    }
    job[key] = text;
  }
  job.id = job.id === '' ? `${format}-${line}` : name.id(job.id);
  job.user = name.user(job.user ?? '');
  job.project = name.project(job.project);
  // Jobs are bound to their pool by project.
  if (job.pool) job.pool = job.project;
  return true;
}
