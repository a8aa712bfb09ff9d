/** Claims as people read them: a table for the terminal, and one in Markdown. */
import type { Claim, ClaimGroup } from './claim.ts';

const HEADER = ['claim', 'expected', 'got', '±', 'unit', 'holds', 'source'];

const holds = ({ pass }: Claim) => (pass === null ? 'not run' : pass ? 'yes' : 'NO');

/** Whole numbers in full, others to four digits. */
function figure(value: number | null): string {
  if (value === null) return '–';
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function row(claim: Claim): string[] {
  const { id, expected, got, tolerance, unit, source, reason } = claim;
  const why = reason === undefined ? source : `${source} (${reason})`;
  return [id, figure(expected), figure(got), figure(tolerance), unit, holds(claim), why];
}

/** 'all 3 claims hold', '2 of 3 claims hold, 1 not run here'. */
export function verdict(claims: readonly Claim[]): string {
  const held = claims.filter(({ pass }) => pass === true).length;
  const notRun = claims.filter(({ pass }) => pass === null).length;
  const part = held === claims.length ? `all ${held}` : `${held} of ${claims.length}`;
  return `${part} claims hold${notRun > 0 ? `, ${notRun} not run here` : ''}`;
}

export function tableOf(claims: readonly Claim[]): string {
  const rows = [HEADER, ...claims.map(row)];
  const widths = HEADER.map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  const numeric = (column: number) => column >= 1 && column <= 3;
  const line = (cells: string[]) =>
    cells
      .map((cell, i) => (numeric(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd();
  return [...rows.map(line), '', verdict(claims)].join('\n');
}

export function markdownOf(claims: readonly Claim[]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(HEADER),
    '| --- | ---: | ---: | ---: | --- | --- | --- |',
    ...claims.map((claim) => line(row(claim))),
  ].join('\n');
}

/** A line a group, in Markdown: what is claimed, how many claims there are, how many hold. */
export function summaryOf(groups: readonly ClaimGroup[], claims: readonly Claim[]): string {
  const rows = groups.map(({ name, about }) => {
    const of = claims.filter(({ group }) => group === name);
    const held = of.filter(({ pass }) => pass === true).length;
    const notRun = of.filter(({ pass }) => pass === null).length;
    return `| ${name} | ${about} | ${of.length} | ${held}${notRun > 0 ? ` (${notRun} not run here)` : ''} |`;
  });
  return ['| group | what is checked | claims | hold |', '| --- | --- | ---: | ---: |', ...rows].join('\n');
}
