/** The rows as text: a line each, what was compared below it, the modules that decided at the end. */
import type { PeerRow } from './rows.ts';

const HEADER = ['peer', 'case', 'policy', 'jobs', 'equal', 'max difference', 'ours', 'theirs', 'faster', 'pass'];

export function tableOf(rows: readonly PeerRow[]): string {
  const cells = rows.map((row) => [
    row.peer,
    row.case,
    row.policy,
    `${row.jobs}`,
    row.equal === null ? '–' : `${row.equal}`,
    row.maxDifference === null ? '–' : `${plain(row.maxDifference)} ${row.unit}`,
    seconds(row.wallSeconds),
    seconds(row.peerWallSeconds),
    faster(row),
    row.pass ? 'yes' : 'NO',
  ]);
  const widths = HEADER.map((name, c) => Math.max(name.length, ...cells.map((line) => line[c].length)));
  const line = (texts: string[]) =>
    texts
      .map((text, c) => (c >= 3 && c !== 5 ? text.padStart(widths[c]) : text.padEnd(widths[c])))
      .join('  ')
      .trimEnd();
  const lines = [line(HEADER)];
  rows.forEach((row, i) => {
    lines.push(line(cells[i]));
    if (row.note) lines.push(`    ${row.note}`);
  });
  lines.push('', 'modules that decided:');
  for (const [modules, names] of groupedByModules(rows)) lines.push(`  ${names.join(', ')}: ${modules}`);
  return lines.join('\n');
}

/** For a page: what is the same in every run, so without the seconds. */
export function markdownOf(rows: readonly PeerRow[]): string {
  const lines = [
    '| peer | case | policy | jobs | equal | largest difference | passes | |',
    '|---|---|---|--:|--:|---|---|---|',
  ];
  for (const row of rows) {
    const cells = [
      row.peer,
      row.case,
      row.policy,
      `${row.jobs}`,
      row.equal === null ? '–' : `${row.equal}`,
      row.maxDifference === null ? '–' : `${plain(row.maxDifference)} ${row.unit}`,
      row.pass ? 'yes' : '**no**',
      row.note ?? '',
    ];
    lines.push(`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  }
  return lines.join('\n');
}

function groupedByModules(rows: readonly PeerRow[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const row of rows) {
    if (row.modules.length === 0) continue;
    const modules = row.modules.join(' ');
    const name = `${row.peer} ${row.policy}`;
    const names = groups.get(modules) ?? [];
    if (!names.includes(name)) names.push(name);
    groups.set(modules, names);
  }
  return groups;
}

const plain = (x: number) => `${Number.isInteger(x) ? x : Number(x.toPrecision(2))}`;
const seconds = (s: number | null) => (s === null ? '–' : s < 100 ? `${s.toFixed(2)} s` : `${Math.round(s)} s`);

function faster({ wallSeconds, peerWallSeconds }: PeerRow): string {
  if (wallSeconds === null || peerWallSeconds === null || wallSeconds === 0) return '–';
  return `${Math.round(peerWallSeconds / wallSeconds)}×`;
}
