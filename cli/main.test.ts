/** The command line as people and programs use it: a process, its two streams and its exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { builtins } from '../scenarios/index.ts';
import { explain } from './program.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
/** Inside node_modules, so that the packages it needs are found. */
const BUILT = join(PROJECT, 'node_modules', `.simsup-cli-test-${process.pid}`);
const EXAMPLE_POLICY = join(PROJECT, 'docs/examples/last-come.mjs');
let folder = '';

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, [join(BUILT, 'main.js'), ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, outcome };
}

const simsup = (...args: string[]) => start(args).outcome;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'simsup-cli-'));
  await build({
    configFile: false,
    root: PROJECT,
    logLevel: 'silent',
    build: {
      ssr: 'cli/main.ts',
      outDir: BUILT,
      emptyOutDir: true,
      rollupOptions: { output: { entryFileNames: 'main.js' } },
    },
  });
});

afterAll(() => {
  rmSync(BUILT, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

describe('simsup', () => {
  it('says what to do next', async () => {
    const { code, stdout } = await simsup();
    expect(code).toBe(0);
    for (const command of ['simsup run', 'simsup init', 'simsup import']) expect(stdout).toContain(command);
  });

  it('knows its version and its help', async () => {
    expect(await simsup('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    for (const command of ['run', 'import', 'init', 'schema']) {
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
    const out = join(folder, 'deep', 'results');
    const files = [
      'jobs.csv',
      'jobs.parquet',
      'ledger.csv',
      'report.html',
      'run.json',
      'samples.csv',
      'samples.parquet',
    ];
    expect(await simsup('run', 'small-team', '--out', out)).toMatchObject({ code: 0 });
    expect(readdirSync(out).sort()).toEqual(files);
    expect(readdirSync(join(folder, 'deep'))).toEqual(['results']);
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
    const lines = readFileSync(join(folder, 'jobs.csv'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(1 + jobs.counts.total);
    expect(lines.filter((line) => line.endsWith(',completed'))).toHaveLength(jobs.counts.completed);
    expect(readFileSync(join(folder, 'trace.csv'), 'utf8')).toMatch(/^time,event,job_id/);
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
    writeFileSync(join(folder, 'target.csv'), 'old');
    symlinkSync(join(folder, 'target.csv'), join(folder, 'link.csv'));
    expect(await simsup('run', 'small-team', '--jobs-csv', 'link.csv')).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'target.csv'), 'utf8')).toMatch(/^job_id,/);
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
    writeFileSync(
      join(folder, 'bad.yaml'),
      readFileSync(join(folder, 'mine.yaml'), 'utf8').replace('nodes: 4', 'nodes: -4'),
    );
    expect(await simsup('run', 'bad.yaml')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/bad\.yaml:\d+:\d+: .*-4/),
    });
  });

  it('takes an sbatch script', async () => {
    writeFileSync(
      join(folder, 'train.sh'),
      '#!/bin/bash\n#SBATCH --nodes=2\n#SBATCH --gpus-per-node=8\n#SBATCH --time=04:00:00\nsrun train\n',
    );
    const { code, stdout, stderr } = await simsup('run', 'train.sh', '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).jobs.counts.total).toBeGreaterThan(0);
  });

  it('reads files outside the folder of the scenario only where it is allowed to', async () => {
    mkdirSync(join(folder, 'inner'), { recursive: true });
    writeFileSync(join(folder, 'nodes.csv'), 'sn,cpu_milli,memory_mib,gpu,model\nn1,64000,512000,8,H200-SXM5\n');
    const text = 'apiVersion: simsup.dev/v1\nkind: Cluster\nspec: {nodesFile: ../nodes.csv}\n';
    writeFileSync(join(folder, 'inner', 'scenario.yaml'), text);
    expect(await simsup('run', 'inner/scenario.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--allow-read'),
    });
    expect(await simsup('run', 'inner/scenario.yaml', '--allow-read', '.', '--json')).toMatchObject({
      code: 0,
      stderr: '',
    });
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
    writeFileSync(join(folder, 'broken.mjs'), broken);
    expect(await simsup('run', '--policy-module', 'broken.mjs')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('my own mistake'),
    });
    writeFileSync(join(folder, 'empty.mjs'), 'export default 7;');
    expect(await simsup('run', '--policy-module', 'empty.mjs')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('export default'),
    });
  });

  it('stops at Ctrl-C with what there is so far', async () => {
    const { child, outcome } = start(['run', '--duration', '3650d', '--json', '--trace', 'long.csv']);
    // The unfinished trace is there once the simulation has begun.
    while (!readdirSync(folder).some((name) => name.startsWith('long.csv.part')))
      await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGINT');
    const { code, stdout, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toContain('so far');
    const summary = JSON.parse(stdout);
    expect(summary.partial).toBe(true);
    expect(summary.simulatedSeconds).toBeLessThan(3650 * 86_400);
    expect(existsSync(join(folder, 'long.csv'))).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it('does not mind a reader that leaves', async () => {
    const { child, outcome } = start(['run', 'small-team', '--json']);
    child.stdout?.destroy();
    expect(await outcome).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('simsup schema', () => {
  it('is JSON Schema', async () => {
    const { code, stdout } = await simsup('schema');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).$schema).toContain('json-schema.org');
  });
});
