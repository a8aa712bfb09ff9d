/** The command line as people and programs use it: a process, its two streams and its exit code. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { builtins } from '../scenarios/index.ts';
import { explain } from './program.ts';
import { builtCli, type Outcome, PROJECT } from './testing.ts';

const EXAMPLE_POLICY = join(PROJECT, 'docs/examples/last-come.mjs');
const cli = builtCli('main');
const { start, run: simsup, at } = cli;

describe('simsup', () => {
  it('says what to do next', async () => {
    const { code, stdout } = await simsup();
    expect(code).toBe(0);
    for (const command of ['simsup run', 'simsup init', 'simsup import']) expect(stdout).toContain(command);
  });

  it('knows its version and its help', async () => {
    expect(await simsup('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    for (const command of ['run', 'compare', 'decide', 'explain', 'conform', 'import', 'init', 'schema']) {
      expect(await simsup(command, '--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('Example') });
    }
  });

  it('answers what it does not know with the nearest it does, and 2', async () => {
    expect(await simsup('rnu')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining("did you mean 'run'?"),
    });
    expect(await simsup('mine.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('simsup run mine.yaml'),
    });
    expect(await simsup('run', '--sed', '3')).toMatchObject({ code: 2, stderr: expect.stringContaining('--seed') });
    expect(await simsup('run', 'small-taem')).toMatchObject({ code: 2, stderr: expect.stringContaining('small-team') });
    expect(await simsup('run', '--policy', 'fito')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'fifo'"),
    });
    expect(await simsup('run', '--out', '')).toMatchObject({ code: 2, stderr: '--out needs a value\n' });
    expect(await simsup('run', 'one', 'two')).toMatchObject({ code: 2 });
    expect(await simsup('run', 'none.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no file'),
    });
    expect(await simsup('run', '--duration', '3 parsecs')).toMatchObject({
      code: 2,
      stderr: expect.not.stringContaining('    at '),
    });
    expect(await simsup('run', '--arg', 'blocked=maybe', '--policy', 'fifo')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('stop, skip'),
    });
  });

  it('names a defect as one, with code 70 and no stack', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      expect(explain(new Error('invariant: something (seed 1)'), ['run', 'x.yaml'])).toBe(70);
      const said = write.mock.calls.map(([text]) => text).join('');
      expect(said).toContain('defect of simsup');
      expect(said).toContain('seed 1');
      expect(said).toContain('run x.yaml');
      expect(said).not.toContain('    at ');
    } finally {
      write.mockRestore();
    }
  });
});

describe('simsup run', () => {
  it('lists the built-in scenarios', async () => {
    const { stdout } = await simsup('run', '--list');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual(builtins.map(({ name, sentence }) => [name, sentence]));
  });

  it('gives JSON alone on stdout, the same each time but for the wall clock', async () => {
    const [one, two, other] = await Promise.all([
      simsup('run', 'small-team', '--json'),
      simsup('run', 'small-team', '--json'),
      simsup(
        'run',
        'small-team',
        '--json',
        '--seed',
        '8',
        '--duration',
        '2d',
        '--policy',
        'sjf',
        '--arg',
        'blocked=skip',
      ),
    ]);
    expect(one).toMatchObject({ code: 0, stderr: '' });
    const parsed = ({ stdout }: Outcome) => ({ ...JSON.parse(stdout), wallSeconds: 0 });
    expect(parsed(one)).toEqual(parsed(two));
    expect(parsed(other)).toMatchObject({ seed: '8', policy: 'sjf', simulatedSeconds: 2 * 86_400 });
    expect(parsed(other).digest).not.toBe(parsed(one).digest);
  });

  it('prints a summary without colour where nobody is there to see it', async () => {
    const { code, stdout } = await simsup('run');
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('npx simsup import');
  });

  it('writes everything into a folder, and not over what is there', async () => {
    const out = at('deep/results');
    const files = [
      'accounts.json',
      'jobs.csv',
      'jobs.parquet',
      'ledger.csv',
      'lives.csv',
      'report.html',
      'run.json',
      'samples.csv',
      'samples.parquet',
    ];
    expect(await simsup('run', 'small-team', '--out', out)).toMatchObject({ code: 0 });
    expect(readdirSync(out).sort()).toEqual(files);
    expect(readdirSync(at('deep'))).toEqual(['results']);
    const { digest, samples } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
    expect(samples.categories.productive.length).toBeGreaterThan(0);
    expect(readFileSync(join(out, 'jobs.parquet')).subarray(0, 4).toString()).toBe('PAR1');
    expect(await simsup('run', 'small-team', '--out', out)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--force'),
    });
    expect(await simsup('run', 'small-team', '--out', out, '--force')).toMatchObject({ code: 0 });
  });

  it('writes jobs and the event trace to files of their own', async () => {
    const run = await simsup('run', 'small-team', '--jobs-csv', 'jobs.csv', '--trace', 'trace.csv', '--json');
    expect(run.code).toBe(0);
    const { jobs } = JSON.parse(run.stdout);
    const lines = readFileSync(at('jobs.csv'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1 + jobs.counts.total);
    expect(lines.filter((line) => line.endsWith(',completed'))).toHaveLength(jobs.counts.completed);
    expect(readFileSync(at('trace.csv'), 'utf8')).toMatch(/^time,event,job_id/);
    expect(await simsup('run', 'small-team', '--trace', 'no/such/folder.csv')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such folder'),
    });
  });

  it('writes a built-in scenario and its files to change, which run as the built-in does', async () => {
    expect(await simsup('init', '--from', 'itp', 'copy/itp.yaml')).toMatchObject({ code: 2 });
    expect(await simsup('init', '--from', 'itp', 'mine-itp.yaml')).toMatchObject({ code: 0 });
    const digestOf = async (name: string) => JSON.parse((await simsup('run', name, '--json')).stdout).digest;
    expect(await digestOf('mine-itp.yaml')).toBe(await digestOf('itp'));
    expect(await simsup('init', '--from', 'nothing')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('openb'),
    });
  });

  it('leaves alone what an output option must not write over', async () => {
    const clash = await simsup('run', 'small-team', '--jobs-csv', 'same.csv', '--trace', 'same.csv');
    expect(clash).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--trace same.csv is the file of --jobs-csv'),
    });
    writeFileSync(at('target.csv'), 'old');
    symlinkSync(at('target.csv'), at('link.csv'));
    expect(await simsup('run', 'small-team', '--jobs-csv', 'link.csv')).toMatchObject({ code: 0 });
    expect(readFileSync(at('target.csv'), 'utf8')).toMatch(/^job_id,/);
    const device = await simsup('run', 'small-team', '--jobs-csv', '/dev/null');
    expect(device).toMatchObject({ code: 2, stderr: expect.stringContaining('not a plain file') });
  });

  it('takes a scenario file, and says where it is wrong', async () => {
    expect(await simsup('init', 'mine.yaml')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('simsup run mine.yaml'),
    });
    expect(await simsup('init', 'mine.yaml')).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
    expect(await simsup('run', 'mine.yaml', '--json')).toMatchObject({ code: 0 });
    writeFileSync(at('bad.yaml'), readFileSync(at('mine.yaml'), 'utf8').replace('nodes: 4', 'nodes: -4'));
    expect(await simsup('run', 'bad.yaml')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/bad\.yaml:\d+:\d+: .*-4/),
    });
  });

  it('takes an sbatch script', async () => {
    writeFileSync(
      at('train.sh'),
      '#!/bin/bash\n#SBATCH --nodes=2\n#SBATCH --gpus-per-node=8\n#SBATCH --time=04:00:00\nsrun train\n',
    );
    const { code, stdout, stderr } = await simsup('run', 'train.sh', '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).jobs.counts.total).toBeGreaterThan(0);
  });

  it('reads files outside the folder of the scenario only where it is allowed to', async () => {
    mkdirSync(at('inner'), { recursive: true });
    writeFileSync(at('nodes.csv'), 'sn,cpu_milli,memory_mib,gpu,model\nn1,64000,512000,8,H200-SXM5\n');
    const text = 'apiVersion: simsup.dev/v1\nkind: Cluster\nspec: {nodesFile: ../nodes.csv}\n';
    writeFileSync(at('inner/scenario.yaml'), text);
    expect(await simsup('run', 'inner/scenario.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--allow-read'),
    });
    expect(await simsup('run', 'inner/scenario.yaml', '--allow-read', '.', '--json')).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  it('reads a scenario from standard input', async () => {
    const piped = (text: string) => {
      const { child, outcome } = start(['run', '-', '--json']);
      child.stdin?.end(text);
      return outcome;
    };
    const { code, stdout } = await piped(
      'apiVersion: simsup.dev/v1\nkind: Simulation\nspec: {duration: 1d, policy: sjf}\n',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ scenario: 'stdin', policy: 'sjf', simulatedSeconds: 86_400 });
    expect(await piped('kind: x')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^stdin:1:1: found no apiV/),
    });
    expect(await piped('')).toMatchObject({ code: 2, stderr: expect.stringContaining('stdin: found an empty file') });
  });

  it('says in one line what a binary file or a folder is', async () => {
    const noise = Array.from({ length: 3000 }, (_, i) => (i * 7919) % 251);
    const bytes = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...noise]);
    writeFileSync(at('picture.yaml'), bytes);
    writeFileSync(at('picture.sh'), bytes);
    const binary = {
      code: 2,
      stderr: expect.stringMatching(/^picture\.\w+: found a binary file, expected text: .*\n$/),
    };
    expect(await simsup('run', 'picture.yaml')).toMatchObject(binary);
    expect(await simsup('run', 'picture.sh')).toMatchObject(binary);
    const csv = await simsup('run', 'small-team', '--jobs-csv', '.');
    expect(csv).toMatchObject({ code: 2, stderr: '--jobs-csv . is a folder: name a file to write\n' });
    for (const format of ['swf', 'sacct', 'philly', 'csv']) {
      const { code, stderr } = await simsup('import', format, 'picture.yaml');
      expect(code).toBe(2);
      expect(stderr).toMatch(format === 'swf' ? /18 numbers a line/ : /it is no text: unpack it first/);
      for (const line of stderr.split('\n')) expect(line.length).toBeLessThan(200);
    }
    expect(await simsup('import', 'swf', '.')).toMatchObject({ code: 2, stderr: expect.stringContaining('a folder') });
    const device = await simsup('import', 'swf', '/dev/null');
    expect(device).toMatchObject({ code: 2, stderr: expect.stringContaining('a pipe or a device') });
  });

  it("runs the user's own policy, and blames it for its own faults", async () => {
    const { code, stdout } = await simsup(
      'run',
      'small-team',
      '--policy-module',
      EXAMPLE_POLICY,
      '--arg',
      'tries=50',
      '--json',
    );
    expect(code).toBe(0);
    const { policy, jobs } = JSON.parse(stdout);
    expect(policy).toBe('last-come');
    expect(jobs.counts.completed).toBeGreaterThan(0);
    const broken =
      "export default {name: 'b', create: () => ({name: 'b', init: () => 0, decide() { throw new Error('my own mistake'); }})};";
    writeFileSync(at('broken.mjs'), broken);
    expect(await simsup('run', '--policy-module', 'broken.mjs')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('my own mistake'),
    });
    writeFileSync(at('empty.mjs'), 'export default 7;');
    expect(await simsup('run', '--policy-module', 'empty.mjs')).toMatchObject({
      code: 2,
      stderr:
        'the policy module empty.mjs: its export: found 7, expected an object {name, about, args, create(args)}\n',
    });
    writeFileSync(at('none.mjs'), 'export const policy = 7;');
    expect(await simsup('run', '--policy-module', 'none.mjs')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('export default'),
    });
    expect(await simsup('run', '--policy-module', '.')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('that is not a file'),
    });
    const nonsense =
      "export default {name: 'n', create: () => ({init: () => 0, decide: () => ({actions: [{kind: 'place', job: 1e9, reason: ''}], state: 0, wakeAt: Infinity})})};";
    writeFileSync(at('nonsense.mjs'), nonsense);
    expect(await simsup('run', '--policy-module', 'nonsense.mjs')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^the policy module nonsense\.mjs: decide: actions\[0\]\.job: found 1000000000, expected the number of a job/,
      ),
    });
  });

  it('says which argument of a policy is wrong, and what would be right', async () => {
    const las = (...args: string[]) => simsup('run', '--policy', 'las', ...args.flatMap((arg) => ['--arg', arg]));
    const refused = (stderr: string) => ({ code: 2, stderr: expect.stringContaining(stderr) });
    expect(await las('thresholds=9,3')).toMatchObject(
      refused('found [9,3], expected a list of numbers that are not negative, each above the one before (GPU-seconds)'),
    );
    expect(await las('quantum=5m', 'quantum=6m')).toMatchObject(refused("'quantum' is given twice"));
    expect(await las('quantum=5x')).toMatchObject(refused('expected a duration from 0.5s to 1d, such as 90s'));
    expect(await las('quantm=5m')).toMatchObject(refused("did you mean 'quantum'?"));
    expect(await las('blocked=skp')).toMatchObject(refused("did you mean 'skip'?"));
    expect(await simsup('run', 'small-team', '--policy', 'las', '--arg', 'quantum=5m')).toMatchObject({ code: 0 });
  });

  it('stops at Ctrl-C with what there is so far', async () => {
    const { child, outcome } = start(['run', '--duration', '3650d', '--json', '--trace', 'long.csv']);
    // The unfinished trace is there once the simulation has begun.
    while (!readdirSync(cli.folder).some((name) => name.startsWith('long.csv.part')))
      await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGINT');
    const { code, stdout, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toContain('so far');
    const summary = JSON.parse(stdout);
    expect(summary.partial).toBe(true);
    expect(summary.simulatedSeconds).toBeLessThan(3650 * 86_400);
    expect(existsSync(at('long.csv'))).toBe(true);
    expect(readdirSync(cli.folder).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it('does not mind a reader that leaves', async () => {
    const { child, outcome } = start(['run', 'small-team', '--json']);
    child.stdout?.destroy();
    expect(await outcome).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('simsup compare', () => {
  const compare = (...args: string[]) => simsup('compare', 'small-team', '--duration', '7d', ...args);

  it('says what differs between policies, the same on one thread and on two', async () => {
    const two = await compare('--policy', 'fifo,las,fifo-backfill', '--seeds', '3', '--json', '--threads', '2');
    expect(two).toMatchObject({ code: 0, stderr: '' });
    const { timings, ...comparison } = JSON.parse(two.stdout);
    expect(timings.threads).toBe(2);
    expect(comparison).toMatchObject({ scenario: 'small-team', baseline: 'fifo', seeds: ['1', '2', '3'] });
    expect(comparison.variants.map(({ name }: { name: string }) => name)).toEqual(['las', 'fifo-backfill']);
    const one = await compare('--policy', 'fifo,las,fifo-backfill', '--seeds', '3', '--json', '--threads', '1');
    expect({ ...JSON.parse(one.stdout), timings: undefined }).toEqual({ ...comparison, timings: undefined });
  });

  it('gives the figures that run gives', async () => {
    const { stdout } = await compare('--policy', 'fifo,las', '--seeds', '1', '--first-seed', '4', '--json');
    const delay = JSON.parse(stdout).variants[0].differences.find(
      ({ figure }: { figure: string }) => figure === 'queueing-delay-mean',
    );
    for (const [policy, value] of [
      ['fifo', delay.baseline],
      ['las', delay.variant],
    ]) {
      const run = await simsup('run', 'small-team', '--duration', '7d', '--policy', policy, '--seed', '4', '--json');
      expect(JSON.parse(run.stdout).jobs.queueingDelay.mean).toBe(value);
    }
  });

  it('writes a table for a pull request and a page', async () => {
    const outcome = await compare(
      '--policy',
      'fifo,las:quantum=5m',
      '--seeds',
      '2',
      '--markdown',
      'c.md',
      '--html',
      'c.html',
    );
    expect(outcome).toMatchObject({ code: 0, stdout: expect.stringContaining('las:quantum=5m against fifo:') });
    expect(readFileSync(at('c.md'), 'utf8')).toContain('| figure | before | after |');
    expect(readFileSync(at('c.html'), 'utf8')).toContain('<table>');
  });

  it('refuses what cannot be compared', async () => {
    expect(await compare('--policy', 'fifo')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('at least two'),
    });
    expect(await compare('--policy', 'fifo,fifo')).toMatchObject({ code: 2, stderr: expect.stringContaining('twice') });
    expect(await compare('--policy', 'fifo,lsa')).toMatchObject({ code: 2, stderr: expect.stringContaining("'las'") });
    expect(await compare('--policy', 'fifo,las', '--seeds', '0')).toMatchObject({ code: 2 });
    expect(await compare()).toMatchObject({ code: 2, stderr: expect.stringContaining('--policy') });
  });
});

describe('simsup report break-even', () => {
  const seed = ['report', 'break-even', '--gpus', '32', '--price', '5.92', '--utilisation', '0.60,0.80'];

  it('answers the typed-in question alone', async () => {
    const { code, stdout } = await simsup(...seed, '--hours', '720', '--licence', '4500', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      computeCost: 136396.8,
      useful: [81838.08, 109117.44],
      uplift: 27279.36,
      licenceBreakEvenPerGpuYear: 10371.84,
      pays: true,
    });
    expect((await simsup(...seed)).stdout).toContain('a licence pays up to $10,371.84 per GPU-year');
  });

  it('says what is wrong with a number, and what is missing', async () => {
    expect(await simsup(...seed, '--licence', 'much')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--licence: found 'much'"),
    });
    expect(await simsup('report', 'break-even', '--gpus', '32')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--price'),
    });
  });
});

describe('simsup schema', () => {
  it('is JSON Schema', async () => {
    const { code, stdout } = await simsup('schema');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).$schema).toContain('json-schema.org');
  });
});
