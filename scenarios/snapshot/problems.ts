/** What is wrong with a snapshot: always the object, its field, what was found and what was expected. */

import { UserError } from '../import/importer.ts';

/** A snapshot that nothing can be decided from. */
export class SnapshotError extends UserError {}

/** Shown at once; a snapshot that is wrong throughout needs no longer list. */
const SHOWN = 20;
const LONGEST_NAME = 120;

export interface Findings {
  /** Sentences: what was left out or assumed. The same about many objects is one sentence with a count. */
  readonly warnings: string[];
  warn(kind: string, object: string, what: string): void;
  /** `object` names something that is not there. */
  dangling(object: string, field: string, found: string, expected: string): void;
}

/** Collects what is found; `finish` throws if something dangles, unless such objects are to be left out. */
export function findings(leaveOutDangling: boolean): Findings & { finish(): void } {
  const kinds = new Map<string, { first: string; object: string; count: number }>();
  const broken: string[] = [];
  let count = 0;
  const noted: string[] = [];
  return {
    get warnings() {
      const told = [...kinds.values()].map(({ first, object, count: n }) =>
        n === 1 ? `${object}: ${first}` : `${object} and ${n - 1} more: ${first}`,
      );
      return [...noted, ...told];
    },
    warn(kind, object, what) {
      const known = kinds.get(kind);
      if (known === undefined) kinds.set(kind, { first: what, object, count: 1 });
      else known.count++;
    },
    dangling(object, field, found, expected) {
      const line = `${object}: ${field}: found ${quoted(found)}, expected ${expected}`;
      count++;
      if (broken.length < SHOWN) broken.push(line);
      if (leaveOutDangling && noted.length < SHOWN) noted.push(`left out, as the scheduler would: ${line}`);
      else if (leaveOutDangling && noted.length === SHOWN) noted.push('and more of the kind');
    },
    finish() {
      if (count === 0 || leaveOutDangling) return;
      const more = count > broken.length ? `\n(${count - broken.length} more)` : '';
      throw new SnapshotError(
        `${broken.join('\n')}${more}\nThe snapshot refers to what it does not hold. --skip-dangling leaves such objects out, as the scheduler itself does.`,
      );
    },
  };
}

/** A name as an error shows it: cut when long, control characters made visible. */
export function quoted(name: string): string {
  const cut = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return `'${cut.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')}'`;
}
