/** What is wrong with an input, where, and what would be right: the only thing that reading a scenario throws. */

/** A step into a document: a field's name or an item's number. */
export type PathStep = string | number;

export interface Problem {
  file: string;
  /** From 1; 0 = the file as a whole. */
  line: number;
  column: number;
  /** `spec.pools[0].nodes`; empty for the document as a whole. */
  path: string;
  /** What is there, as a phrase: `'60x'`, `unknown field 'polls'`, `nothing`. */
  found: string;
  /** What should be there, as a phrase. */
  expected: string;
  /** The valid name closest to the one found. */
  nearest?: string;
}

/** Problems shown at once; a file that is wrong throughout needs no longer list. */
export const PROBLEM_LIMIT = 100;

export class ScenarioError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.slice(0, PROBLEM_LIMIT).map(problemLine);
    if (problems.length >= PROBLEM_LIMIT) lines.push(`(the first ${PROBLEM_LIMIT} problems are shown)`);
    super(lines.join('\n'));
    this.name = 'ScenarioError';
    this.problems = problems;
  }
}

/** `file:line:col: spec.pools[0].nodes: found '-4', expected …; did you mean 'x'?` */
export function problemLine(p: Problem): string {
  const where = p.line > 0 ? `${p.file}:${p.line}:${p.column}` : p.file;
  const path = p.path === '' ? '' : `${p.path}: `;
  const nearest = p.nearest === undefined ? '' : `; did you mean '${p.nearest}'?`;
  return `${where}: ${path}found ${p.found}, expected ${p.expected}${nearest}`;
}

export function pathText(path: readonly PathStep[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step.slice(0, 60))}]`;
  }
  return text;
}

/** The candidate with the fewest edits, if that is few enough to be a slip of the pen. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > 64) return undefined;
  const lower = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.min(name.length, Math.max(1, Math.floor(name.length / 3)) + 1);
  let tried = 0;
  for (const candidate of candidates) {
    if (++tried > 2000) break;
    if (candidate === name || Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = editDistance(lower, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Damerau–Levenshtein distance in the restricted form (a swap of neighbours counts one); at least `limit` if that much. */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let d = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2] + 1);
      row.push(d);
      if (d < least) least = d;
    }
    if (least >= limit && i < a.length) return limit;
    before = last;
    last = row;
  }
  return last[b.length];
}

/** A sentence's list of names: the first few, and how many more. */
export function nameList(names: readonly string[], limit = 12): string {
  const shown = names.slice(0, limit).join(', ');
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}
