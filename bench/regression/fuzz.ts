/**
 * Property hunting: draws small scenarios until the change breaks a rule that the baseline keeps, fails, leaves work undone or
 * is much slower, and shrinks what was found to the smallest scenario that still shows it. The same seed finds the same.
 */
import fc from 'fast-check';
import type { Side } from './bench.ts';
import type { BenchCase } from './cases.ts';
import { type SmallScenario, smallCase, smallScenarios } from './fuzz-scenario.ts';
import type { Outcome } from './outcome.ts';
import { RULES } from './watch.ts';

export interface Finding {
  /** What was found: a rule's name, `fails`, `unfinished` or `slower`. */
  kind: string;
  sentence: string;
  case: BenchCase;
}

/** Mean completion is this much longer, and by more than this, s. */
const MUCH_SLOWER = 1.5;
const NOT_WORTH_A_WORD = 300;

/** `runs`: scenarios drawn in all; each kind of finding is reported once. Throws where the baseline itself fails. */
export async function hunt(
  baseline: Side,
  change: Side,
  { runs, seed }: { runs: number; seed: number },
  onRun: (done: number) => void = () => {},
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let left = runs;
  let round = 0;
  while (left > 0) {
    const known = new Set(findings.map(({ kind }) => kind));
    let tried = 0;
    const property = fc.asyncProperty(smallScenarios, async (small) => {
      tried++;
      onRun(Math.min(runs, runs - left + tried));
      const found = await judged(baseline, change, small);
      if (found !== null && !known.has(found.kind)) throw new Found(found, small);
    });
    const result = await fc.check(property, { seed: seed + round++, numRuns: left, endOnFailure: false });
    if (!result.failed) break;
    const { errorInstance } = result as { errorInstance?: unknown };
    if (!(errorInstance instanceof Found)) throw errorInstance;
    const name = `fuzz-${findings.length + 1}`;
    const { kind, sentence } = errorInstance.what;
    findings.push({ kind, sentence, case: smallCase(name, errorInstance.small, headOf(kind, sentence, change.name)) });
    left -= result.numRuns;
  }
  return findings;
}

class Found extends Error {
  readonly what: { kind: string; sentence: string };
  readonly small: SmallScenario;

  constructor(what: { kind: string; sentence: string }, small: SmallScenario) {
    super(what.sentence);
    this.what = what;
    this.small = small;
  }
}

async function judged(
  baseline: Side,
  change: Side,
  small: SmallScenario,
): Promise<{ kind: string; sentence: string } | null> {
  const task = { case: smallCase('fuzz', small), seed: '1', keepDecisions: false };
  const [before, after] = await Promise.all([baseline.run(task), change.run(task)]);
  if ('failed' in before) throw new Error(`the baseline ${baseline.name} fails: ${before.failed}`);
  return worst(before, after);
}

export function worst(before: Outcome & { run: unknown }, after: Outcome): { kind: string; sentence: string } | null {
  if ('failed' in after) return { kind: 'fails', sentence: `the change fails: ${after.failed}` };
  const { run: ours } = before as Extract<Outcome, { run: unknown }>;
  const { run: theirs } = after;
  for (const { rule, first } of theirs.breaks)
    if (!ours.breaks.some((own) => own.rule === rule)) return { kind: rule, sentence: `${RULES[rule]}: ${first}` };
  const [done, did] = [ours.figures.completed ?? 0, theirs.figures.completed ?? 0];
  if (did < done)
    return { kind: 'unfinished', sentence: `${done - did} jobs are never done that the baseline finishes` };
  const [took, takes] = [ours.figures['jct-mean'] ?? 0, theirs.figures['jct-mean'] ?? 0];
  if (did === done && takes > took * MUCH_SLOWER && takes > took + NOT_WORTH_A_WORD)
    return {
      kind: 'slower',
      sentence: `jobs take ${Math.round(takes)} s on average, the baseline takes ${Math.round(took)} s`,
    };
  return null;
}

function headOf(kind: string, sentence: string, change: string): string[] {
  return [`Found by simsup bench --fuzz, and made as small as it gets: ${kind}.`, sentence, `Under: ${change}`].map(
    (line) => line.replace(/\s+/g, ' '),
  );
}
