import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { findTable, numbersOf, readTable, tableNames } from './files.ts';
import { notRun, type PeerRow } from './rows.ts';
import { markdownOf, tableOf } from './table.ts';

it('reads plain and gzipped tables alike and names the line of what is wrong', () => {
  const folder = mkdtempSync(join(tmpdir(), 'simsup-tables-'));
  try {
    writeFileSync(join(folder, 'a.csv'), '\uFEFFx,y\r\n1,one\r\n2,two\r\n');
    writeFileSync(join(folder, 'b.csv.gz'), gzipSync('x,y\n3,three\n'));
    writeFileSync(join(folder, 'c.csv'), 'x,y\n1\n');
    writeFileSync(join(folder, 'notes.md'), '');
    expect(tableNames(folder)).toEqual(['a', 'b', 'c']);
    expect(tableNames(join(folder, 'missing'))).toEqual([]);
    const a = readTable(findTable(folder, 'a') as string);
    expect([...numbersOf(a, 'x')]).toEqual([1, 2]);
    expect(readTable(findTable(folder, 'b') as string).column('y')).toEqual(['three']);
    expect(findTable(folder, 'd')).toBeNull();
    expect(() => numbersOf(a, 'y')).toThrow(/a\.csv, line 2: y is 'one', which is no number/);
    expect(() => a.column('z')).toThrow(/has no column 'z'; it has x, y/);
    expect(() => readTable(join(folder, 'c.csv'))).toThrow(/c\.csv, line 2: 1 cells, but the header has 2/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('shows every row with its reason, and which modules decided', () => {
  const rows: PeerRow[] = [
    {
      peer: 'fgd',
      case: 'default',
      policy: 'FGD',
      jobs: 10,
      equal: 9,
      maxDifference: 0.25,
      unit: '%',
      modules: ['sim/policy/packing/fgd', 'sim/cluster/cluster'],
      wallSeconds: 2,
      peerWallSeconds: 600,
      pass: true,
    },
    notRun('muri', 'trace9', 'shortest', 'jobs_trace9.csv is empty'),
  ];
  expect(markdownOf(rows).split('\n').slice(2)).toEqual([
    '| fgd | default | FGD | 10 | 9 | 0.25 % | yes |  |',
    '| muri | trace9 | shortest | 0 | – | – | **no** | jobs_trace9.csv is empty |',
  ]);
  const text = tableOf(rows);
  expect(text.split('\n').slice(1)).toEqual([
    'fgd   default  FGD         10      9  0.25 %          2.00 s   600 s    300×   yes',
    'muri  trace9   shortest     0      –  –                    –       –       –    NO',
    '    jobs_trace9.csv is empty',
    '',
    'modules that decided:',
    '  fgd FGD: sim/policy/packing/fgd sim/cluster/cluster',
  ]);
});
