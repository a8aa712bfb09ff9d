/** A log of known waits, replayed. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { backtestCommand } from './backtest.ts';
import { commandBench, refusalOf, runner } from './testing.ts';

/** SWF: number, submit, wait, run time, processors. One processor; each of 60 jobs comes a minute after the last and runs two. */
const line = (n: number, wait: number, user = 1) =>
  `${n} ${60 * n} ${wait} 120 1 -1 -1 1 300 -1 1 ${user} 1 1 1 1 -1 -1`;
/** First come first served on one processor: the n-th waits n minutes. */
const log = (wait: (n: number) => number) =>
  Array.from({ length: 60 }, (_, n) => line(n, wait(n), 1 + (n % 2))).join('\n');
const bench = commandBench(({ at }) => {
  writeFileSync(at('right.swf'), `; MaxProcs: 1\n${log((n) => 60 * n)}\n`);
  writeFileSync(at('late.swf'), `; MaxProcs: 1\n${log((n) => 60 * n + (n < 30 ? 0 : 7200))}\n`);
});
const { at } = bench;
const backtest = runner(backtestCommand);
const one = ['--node-count', '1', '--gpus-per-node', '1', '--policy', 'fifo'];

test('waits that the policy explains are met exactly, and trusted', async () => {
  await backtest(at('right.swf'), ...one, '--json');
  const { overall, groups, jobs, verdict } = JSON.parse(bench.out);
  expect(jobs).toMatchObject({ inLog: 60, warmUp: 6, compared: 54 });
  expect(overall).toMatchObject({ bias: 0, medianAbsoluteError: 0, spearman: 1, within10min: 1, ratio: 1 });
  expect(groups.map(({ jobs: n }: { jobs: number }) => n)).toEqual([27, 27]);
  expect(verdict).toMatchObject({ jobs: 'yes', order: 'yes', means: 'yes' });
});

test('waits that nothing in the log explains are a bias, and their cause is named', async () => {
  await backtest(at('late.swf'), ...one, '--json');
  const { overall, causes, verdict } = JSON.parse(bench.out);
  // 30 of the 54 that are judged waited two hours for nobody.
  expect(overall.bias).toBe(-4000);
  expect(overall.spearman).toBe(1);
  expect(causes.find(({ cause }: { cause: string }) => cause === 'held')).toMatchObject({ found: true });
  expect(verdict.jobs).toBe('no');
});

test('growth is more of the same on the same cluster; files hold no formula and no NaN', async () => {
  await backtest(at('right.swf'), ...one, '--scale', '1.5', '--add-team', '@evil=*0.5', '--out', at('out'));
  expect(bench.out).toMatch(/With 1\.5 times the jobs and a team @evil that works like all together × 0\.5/);
  expect(readdirSync(at('out')).sort()).toEqual(['accuracy.csv', 'backtest.json', 'jobs.csv', 'report.html']);
  for (const name of readdirSync(at('out'))) {
    const text = readFileSync(at(`out/${name}`), 'utf8');
    expect(text).not.toMatch(/\bNaN\b|\bInfinity\b|\bundefined\b/);
    if (name.endsWith('.csv')) expect(text).not.toMatch(/(^|,)@evil/m);
  }
  const { growth } = JSON.parse(readFileSync(at('out/backtest.json'), 'utf8'));
  expect(growth[0].rows[0].after).toBeGreaterThan(growth[0].rows[0].before);
});

test('what cannot be replayed is refused', async () => {
  const refusal = (...args: string[]) => refusalOf(backtest(...args));
  writeFileSync(at('itp.csv'), 'job_id,submission_time,duration,num_gpu\na,0,60,4\n');
  writeFileSync(at('odd.txt'), 'what,ever\n1,2\n');
  expect(await refusal(at('itp.csv'))).toContain('does not record when jobs started');
  expect(await refusal(at('odd.txt'))).toContain('name the format with --format');
  expect(await refusal(at('none.swf'))).toContain('there is no such file');
  expect(await refusal(at('.'))).toContain('is a folder');
  expect(await refusal(at('right.swf'), '--scale', '0')).toContain('expected a factor above 0');
  expect(await refusal(at('right.swf'), '--add-team', 'ml=')).toContain('expected NAME=PROJECT');
  expect(await refusal(at('right.swf'), '--policy', 'fifa')).toContain("did you mean 'fifo'");
});
