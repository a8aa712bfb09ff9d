/** `simsup bench` as a pipeline calls it, and the pipelines' own files. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { builtCli, PROJECT } from '../testing.ts';

const cli = builtCli('bench');
const { run: simsup, at } = cli;
const CASE = `apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: mine}
spec: {title: a crowded node, duration: 2d}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: a, gpuModel: H100-SXM5, nodes: 1, gpusPerNode: 8}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobsFile: jobs.csv
`;
const SEEDS = ['--seeds', '3'];
const sides = (baseline: string, change: string) => ['--baseline', baseline, '--change', change, ...SEEDS];

beforeAll(() => {
  writeFileSync(at('mine.yaml'), CASE);
  // Long jobs first: whoever lets the short ones pass is better, by as much under every seed.
  const jobs = Array.from({ length: 40 }, (_, i) => `j${i},t,0,${(40 - i) * 300},${[8, 1, 4][i % 3]}\n`).join('');
  writeFileSync(at('jobs.csv'), `job_id,project,submit,duration,num_gpu\n${jobs}`);
  writeFileSync(
    at('broken.mjs'),
    'export default {name: "broken", about: "", args: {}, create: () => ({periodUs: 0, init: () => 0, decide() { throw new Error("my mistake"); }})};',
  );
});

describe('simsup bench', () => {
  it('finds a change fine, or a regression, by its exit code, and the same bytes each time', async () => {
    const outputs = (n: number) => ['--markdown', `m${n}`, '--junit', `j${n}`, '--html', `h${n}`];
    const worse = await simsup('bench', 'mine.yaml', ...sides('sjf', 'fifo'), '--json', ...outputs(1));
    const { timings, ...report } = JSON.parse(worse.stdout);
    expect(worse.code).toBe(1);
    expect(report).toMatchObject({ verdict: 'regression', cases: [{ name: 'mine', about: 'a crowded node' }] });
    expect(timings.change[0]).toMatchObject({ case: 'mine', runs: 3 });
    const again = await simsup(
      'bench',
      'mine.yaml',
      ...sides('sjf', 'fifo'),
      '--json',
      '--threads',
      '1',
      ...outputs(2),
    );
    expect({ ...JSON.parse(again.stdout), timings: 0 }).toEqual({ ...report, timings: 0 });
    for (const name of ['m', 'j', 'h']) expect(readFileSync(at(`${name}2`))).toEqual(readFileSync(at(`${name}1`)));
    expect(await simsup('bench', 'mine.yaml', ...sides('fifo', 'fifo'))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The same decisions'),
    });
  });

  it('judges against a stored result, and refuses one of other work', async () => {
    expect(await simsup('bench', 'mine.yaml', '--record', 'base.json', '--change', 'sjf', ...SEEDS)).toMatchObject({
      code: 0,
    });
    expect((await simsup('bench', 'mine.yaml', ...sides('base.json', 'fifo'))).code).toBe(1);
    const other = await simsup('bench', 'tenants', ...sides('base.json', 'fifo'));
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("has no case 'tenants'; it has mine") });
    writeFileSync(at('bad.json'), '{"kind": "simsup-bench-result", "format": 1}');
    expect(await simsup('bench', 'mine.yaml', ...sides('bad.json', 'fifo'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it is damaged'),
    });
  });

  it('runs another version through its own command line, and sees the same jobs wait as long', async () => {
    const own = await simsup('bench', 'mine.yaml', ...sides('fifo', `version:${cli.program}#fifo`), '--json');
    const [one] = JSON.parse(own.stdout).cases;
    expect(one.parting).toBeNull();
    const told = one.rows.filter((row: { verdict: string }) => row.verdict !== 'not measured');
    expect(told.map((row: { figure: string }) => row.figure)).toEqual(
      expect.arrayContaining(['queueing-delay-p95', 'longest-wait', 'evictions']),
    );
    for (const row of [...told, ...one.groups]) expect(row).toMatchObject({ verdict: 'no difference' });
    expect(await simsup('bench', ...sides('fifo', 'version:nowhere'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('found no simsup there'),
    });
  });

  it('reports a change that fails as a regression, and a baseline that fails as bad input', async () => {
    const failed = await simsup('bench', 'mine.yaml', ...sides('fifo', './broken.mjs'));
    expect(failed).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('the change fails: the policy module ./broken.mjs: decide failed: my mistake'),
    });
    expect(await simsup('bench', 'mine.yaml', ...sides('./broken.mjs', 'fifo'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the baseline ./broken.mjs fails'),
    });
    // It reads first: whoever speaks before he is asked is refused for that, if he is quick enough.
    const program = await simsup('bench', 'mine.yaml', ...sides('fifo', 'program:read question; echo nonsense; cat'));
    expect(program).toMatchObject({ code: 1, stdout: expect.stringContaining('its answer is not JSON: "nonsense"') });
  });

  it.each([
    [['mine.yaml', '--change', 'fifo'], 'name what it is judged against'],
    [['mine.yaml', '--baseline', 'fifo'], 'name what is to be judged'],
    [['tenant', ...sides('fifo', 'sjf')], "there is no case 'tenant'; did you mean 'tenants'?"],
    [['mine.yaml', ...sides('fito', 'sjf')], "did you mean 'fifo'?"],
    [['mine.yaml', ...sides('fifo', './none.mjs')], 'there is no such file'],
    [['mine.yaml', ...sides('fifo', 'sjf'), '--config', 'none.yaml'], 'cannot read --config none.yaml'],
  ])('refuses what it cannot use: %#', async (args, message) => {
    expect(await simsup('bench', ...args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });

  it('hunts, and writes what it finds as a scenario that run reproduces', async () => {
    const found = await simsup('bench', '--baseline', 'fifo', '--change', './broken.mjs', '--fuzz', '--fuzz-runs', '5');
    expect(found).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('npx simsup run fuzz/fuzz-1.yaml --policy-module ./broken.mjs'),
    });
    expect(await simsup('run', 'fuzz/fuzz-1.yaml', '--policy-module', './broken.mjs')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('my mistake'),
    });
    expect(await simsup('run', 'fuzz/fuzz-1.yaml', '--policy', 'fifo')).toMatchObject({ code: 0 });
  });
});

describe('in a pipeline', () => {
  /** A command `npx` that runs what was built here. */
  function environment(values: Record<string, string>): NodeJS.ProcessEnv {
    mkdirSync(at('bin'), { recursive: true });
    writeFileSync(at('bin/npx'), `#!/bin/sh\nshift 2\nexec "${process.execPath}" "${cli.program}" "$@"\n`);
    chmodSync(at('bin/npx'), 0o755);
    return {
      ...process.env,
      PATH: `${at('bin')}:${process.env.PATH}`,
      CASES: 'mine.yaml',
      SEEDS: '3',
      CONFIG: '',
      SIMSUP: 'simsup',
      OUT: 'out dir',
      ...values,
    };
  }
  function codeOf(shell: string, script: string, values: Record<string, string>): number {
    try {
      execFileSync(shell, ['-c', script], { cwd: cli.folder, env: environment(values), stdio: 'pipe' });
      return 0;
    } catch (error) {
      return (error as { status: number }).status;
    }
  }

  it("GitHub's action leaves reports and a summary, passes what is fine and fails what is not", () => {
    const action = parse(readFileSync(join(PROJECT, 'docs/ci/github/action.yml'), 'utf8'));
    const [{ run, env }] = action.runs.steps;
    for (const [name, value] of Object.entries(env)) expect(value).toBe(`\${{ inputs.${name.toLowerCase()} }}`);
    const files = { GITHUB_OUTPUT: at('output'), GITHUB_STEP_SUMMARY: at('summary') };
    expect(codeOf('bash', run, { BASELINE: 'sjf', CHANGE: 'fifo', ...files })).toBe(1);
    expect(readFileSync(at('summary'), 'utf8')).toContain('**Regression');
    expect(readFileSync(at('output'), 'utf8')).toBe('report=out dir/bench.md\n');
    expect(readFileSync(at('out dir/bench.xml'), 'utf8')).toContain('<testsuites');
    expect(codeOf('bash', run, { BASELINE: 'fifo', CHANGE: 'fifo', ...files })).toBe(0);
    expect(codeOf('bash', run, { BASELINE: 'fifo', CHANGE: '$(touch hacked)', ...files })).toBe(2);
    expect(() => readFileSync(at('hacked'))).toThrow();
  });

  it("GitLab's template does the same", () => {
    const { script, artifacts } = parse(readFileSync(join(PROJECT, 'docs/ci/gitlab.yml'), 'utf8'))['.simsup-bench'];
    expect(artifacts.reports.junit).toBe('$OUT/bench.xml');
    const whole = `set -e\n${script.join('\n')}`;
    expect(codeOf('sh', whole, { BASELINE: 'sjf', CHANGE: 'fifo', OUT: 'gitlab' })).toBe(1);
    expect(readFileSync(at('gitlab/bench.md'), 'utf8')).toContain('**Regression');
    expect(codeOf('sh', whole, { BASELINE: 'fifo', CHANGE: 'fifo', OUT: 'gitlab' })).toBe(0);
  });
});
