/** The command as a whole, in a folder of its own; what the importers do is tested beside them. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { folderReader } from '../../scenarios/files.ts';
import { readScenario } from '../../scenarios/index.ts';
import { importCommand } from './import.ts';
import { commandBench, refusalOf, runner } from './testing.ts';

const LOG = 'job_id,submission_time,duration,num_gpu\na,0,60,4\nb,5,,1\nc,x,1,1\n';
const bench = commandBench(({ at }) => writeFileSync(at('log.csv'), LOG));
const { at } = bench;
const run = runner(importCommand);
const refusal = (...args: string[]) => refusalOf(run(...args));

test('without --out it only checks', async () => {
  await run('itp', at('log.csv'));
  expect(bench.out).toContain('itp: 3 rows, 2 taken (1 of them mended), 1 refused.');
  expect(bench.out).toContain('Nothing was written');
  expect(readdirSync(at('.'))).toEqual(['log.csv']);
});

test('--json is the report and nothing else', async () => {
  await run('itp', at('log.csv'), '--json', '--out', at('mine'));
  expect(JSON.parse(bench.out)).toEqual({
    rows: 3,
    taken: 2,
    mended: 1,
    refused: 1,
    problemCount: 2,
    problems: [
      { line: 3, what: 'duration is missing: taken as 1 s' },
      { line: 4, what: "refused: submit time 'x' is neither a number nor a date" },
    ],
  });
});

test('a folder or a .yaml file is written whole, and not over what is there', async () => {
  await run('itp', at('log.csv'), '--out', at('mine'));
  await run('itp', at('log.csv'), '--out', at('deep/er/x.yaml'));
  expect(readdirSync(at('mine')).sort()).toEqual(['jobs.csv', 'scenario.yaml']);
  expect(readdirSync(at('deep/er')).sort()).toEqual(['x-jobs.csv', 'x.yaml']);
  for (const [dir, file] of [
    ['mine', 'scenario.yaml'],
    ['deep/er', 'x.yaml'],
  ]) {
    const text = readFileSync(at(`${dir}/${file}`), 'utf8');
    expect(readScenario(text, { readFile: folderReader(at(dir)) }).jobs.count).toBe(2);
  }
  writeFileSync(at('mine/jobs.csv'), 'kept');
  expect(await refusal('itp', at('log.csv'), '--out', at('mine'))).toMatch(
    /exists: choose another --out, or add --force/,
  );
  expect(readFileSync(at('mine/jobs.csv'), 'utf8')).toBe('kept');
  await run('itp', at('log.csv'), '--out', at('mine'), '--force');
  expect(readFileSync(at('mine/jobs.csv'), 'utf8')).toContain('a,itp');
});

test('what cannot be imported is refused and leaves nothing behind', async () => {
  mkdirSync(at('dir'));
  writeFileSync(at('empty.csv'), '');
  writeFileSync(at('long.csv'), 'x'.repeat(10_000_000));
  writeFileSync(at('none.csv'), LOG.replace(/^[ab].*\n/gm, ''));
  const before = readdirSync(at('.'));
  const to = ['--out', at('new/er')];
  expect(await refusal('itp', at('dir'), ...to)).toMatch(/is a folder/);
  expect(await refusal('itp', at('missing'), ...to)).toMatch(/there is no such file/);
  expect(await refusal('itp', at('empty.csv'), ...to)).toMatch(/the file is empty: expected job_id/);
  expect(await refusal('itp', at('long.csv'), ...to)).toMatch(/line 1 is longer than/);
  expect(await refusal('itp', at('none.csv'), ...to)).toMatch(/no row of .*none.csv can be taken/);
  expect(await refusal('philly', at('log.csv'), ...to)).toMatch(/looks like the format itp/);
  expect(await refusal('ipt', at('log.csv'), ...to)).toMatch(/did you mean 'itp'/);
  expect(await refusal('itp', at('log.csv'), '--out', at('log.csv'))).toMatch(/log.csv is a file/);
  expect(await refusal('itp', at('log.csv'), '--out', '')).toMatch(/--out needs/);
  expect(await refusal('itp', at('log.csv'), '--nodes', at('dir'))).toMatch(/is a folder/);
  expect(existsSync(at('new/er'))).toBe(false);
  expect(readdirSync(at('.')).filter((name) => name !== 'new')).toEqual(before);
});
