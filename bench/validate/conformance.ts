/** How many of the real scheduler's own behaviour tables the Run:ai policy decides alike. */
import { readdirSync, readFileSync } from 'node:fs';
import { readCases } from '../conform/cases.ts';
import { runCase } from '../conform/run.ts';
import { type Claim, type ClaimGroup, commandFor } from './claim.ts';
import { shipped } from './shipped.ts';

const FOLDER = 'bench/conform/data/kai';

export const conformance: ClaimGroup = {
  name: 'conformance',
  about: "decisions of Run:ai's open scheduler, from its own behaviour tables",
  run: () => {
    const folder = shipped(FOLDER);
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
    return actionsOf(files).map((action): Claim => {
      const cases = files
        .filter((name) => actionOf(name) === action)
        .flatMap((name) => readCases(readFileSync(new URL(name, folder), 'utf8'), name));
      const passed = cases.filter((one) => runCase(one).result.pass).length;
      return {
        id: `conformance/${action}`,
        group: 'conformance',
        source: 'KAI-Scheduler d5bc503a, behaviour tables',
        expected: cases.length,
        got: passed,
        tolerance: 0,
        pass: passed === cases.length,
        command: commandFor('conformance'),
        unit: 'cases decided alike',
      };
    });
  },
};

/** `cycle_reclaim_reclaim_mig.json` → `cycle/reclaim`, `reclaim_reclaim.json` → `reclaim`. */
function actionOf(file: string): string {
  const [first, second] = file.split('_');
  return first === 'cycle' ? `cycle/${second}` : first;
}

function actionsOf(files: readonly string[]): string[] {
  return [...new Set(files.map(actionOf))].sort();
}
