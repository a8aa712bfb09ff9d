/** Where two runs of the same work part: the first moment at which not the same is decided, and what each side says of it. */
import { type DecisionRow, MOST_ROWS } from './watch.ts';

export interface Parting {
  atSeconds: number;
  /** What only one of them decided. */
  baseline: Decided[];
  change: Decided[];
  /** What the side that left a job alone last said of it, by job. */
  said: { side: 'baseline' | 'change'; job: string; reason: string }[];
  /** Decisions before it, the same on both sides. */
  before: number;
}

export type Decided = Omit<DecisionRow, 'atUs'>;

/** Decisions of one moment that are listed; more are counted. */
const MOST_LISTED = 8;

/** null: they decide the same throughout. Waits are what a policy says, not what it decides. */
export function firstParting(baseline: readonly DecisionRow[], change: readonly DecisionRow[]): Parting | null {
  const left = decided(baseline);
  const right = decided(change);
  let i = 0;
  let before = 0;
  for (;;) {
    const a = moment(left, i);
    const b = moment(right, i);
    if (a.length === 0 && b.length === 0) return null;
    const atUs = Math.min(a[0]?.atUs ?? Infinity, b[0]?.atUs ?? Infinity);
    // What was not kept cannot be told from what was not decided.
    if ([baseline, change].some((rows) => rows.length >= MOST_ROWS && rows[rows.length - 1].atUs <= atUs)) return null;
    const [ours, theirs] = [a, b].map((rows) => rows.filter((row) => row.atUs === atUs));
    const onlyOurs = without(ours, theirs);
    const onlyTheirs = without(theirs, ours);
    if (onlyOurs.length > 0 || onlyTheirs.length > 0)
      return {
        atSeconds: atUs / 1e6,
        baseline: onlyOurs.slice(0, MOST_LISTED).map(shown),
        change: onlyTheirs.slice(0, MOST_LISTED).map(shown),
        said: [
          ...wordsOn(onlyTheirs, onlyOurs, baseline, atUs, 'baseline'),
          ...wordsOn(onlyOurs, onlyTheirs, change, atUs, 'change'),
        ],
        before,
      };
    before += ours.length;
    i += ours.length;
  }
}

const decided = (rows: readonly DecisionRow[]) => rows.filter(({ kind }) => kind !== 'wait');

/** The rows from `from` on that are of one moment. */
function moment(rows: readonly DecisionRow[], from: number): DecisionRow[] {
  let to = from;
  while (to < rows.length && rows[to].atUs === rows[from].atUs) to++;
  return rows.slice(from, to);
}

const key = ({ kind, job, where }: DecisionRow) => `${kind}\0${job}\0${where}`;

function without(rows: readonly DecisionRow[], others: readonly DecisionRow[]): DecisionRow[] {
  const there = new Set(others.map(key));
  return rows.filter((row) => !there.has(key(row)));
}

const shown = ({ kind, job, where, reason }: DecisionRow): Decided => ({ kind, job, where, reason });

/** What one side had last said, by then, of jobs that only the other one did something with. */
function wordsOn(
  acted: readonly DecisionRow[],
  own: readonly DecisionRow[],
  rows: readonly DecisionRow[],
  atUs: number,
  side: 'baseline' | 'change',
): Parting['said'] {
  const mine = new Set(own.map(({ job }) => job));
  const jobs = [...new Set(acted.map(({ job }) => job))].filter((job) => !mine.has(job)).slice(0, MOST_LISTED);
  return jobs.flatMap((job) => {
    const last = rows.findLast((row) => row.job === job && row.kind === 'wait' && row.atUs <= atUs);
    return last === undefined || last.reason === '' ? [] : [{ side, job, reason: last.reason }];
  });
}
