/** Folders with a table of results for each case and policy, and `summary` with what is stated of each. */
import { findTable, numbersOf, type Table, tableIn, tableNames } from './files.ts';
import { notRun, type PeerRow } from './rows.ts';

/** A number that the summary states of this case and policy; throws a sentence if it does not. */
export type Stated = (column: string) => number;

/** A row for each `results_CASE_POLICY`, and for each line of the summary without one. */
export function rowsOfResults(
  peer: string,
  dir: string,
  caseColumn: string,
  policyColumn: string,
  compare: (name: string, policy: string, stated: Stated) => PeerRow,
): PeerRow[] {
  let summary: Table | null = null;
  let lines: string[][] = [];
  try {
    if (findTable(dir, 'summary') !== null) {
      const table = tableIn(dir, 'summary');
      lines = table.column(caseColumn).map((name, i) => [name, table.column(policyColumn)[i]]);
      summary = table;
    }
  } catch (error) {
    return [notRun(peer, 'summary', '', (error as Error).message)];
  }
  const found = tableNames(dir).flatMap((name) => {
    const parts = /^results_(.+)_([^_]+)$/.exec(name);
    return parts === null ? [] : [[parts[1], parts[2]]];
  });
  const missing = found.filter(([name, policy]) => !lines.some((line) => line[0] === name && line[1] === policy));
  return [...lines, ...missing].map(([name, policy]) => {
    const row = lines.findIndex((line) => line[0] === name && line[1] === policy);
    try {
      return compare(name, policy, (column) => statedIn(summary, row, column, `${name} ${policy}`));
    } catch (error) {
      return notRun(peer, name, policy, (error as Error).message);
    }
  });
}

function statedIn(summary: Table | null, row: number, column: string, what: string): number {
  if (summary === null || row < 0) throw new Error(`there is no line for ${what} in summary.csv`);
  return numbersOf(summary, column)[row];
}
