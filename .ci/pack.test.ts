/** What is published: nothing but the build, and it works where nothing else is installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));
const built = existsSync(join(project, 'dist/cli/main.js'));
const MOST_BYTES = 5_000_000;

let folder = '';
let packed: { filename: string; size: number; files: { path: string }[] };

/** `npm pack` without building again: `npm ci` or `npm run build` has done so. */
describe.skipIf(!built)(`the package${built ? '' : ' (skipped: npm run build makes it)'}`, () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'simsup-pack-'));
    const out = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: project,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    [packed] = JSON.parse(out);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('holds the build, README and licence, no tests, and is small', () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths.filter((path) => !/^(dist\/|README\.md$|LICENSE$|package\.json$)/.test(path))).toEqual([]);
    expect(paths.filter((path) => /\.test\.|(^|\/)testing\./.test(path))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist/cli/main.js', 'dist/web/index.html']));
    expect(packed.size).toBeLessThan(MOST_BYTES);
  });

  it('works in an empty folder: the command, and the library', () => {
    writeFileSync(join(folder, 'package.json'), '{"name": "user", "private": true, "type": "module"}');
    const call = (command: string, ...args: string[]) =>
      execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
    call('npm', 'install', ...quiet, `./${packed.filename}`);
    const run = JSON.parse(call('npx', '--no-install', 'simsup', 'run', 'small-team', '--json'));
    writeFileSync(
      join(folder, 'use.js'),
      `import { simulate } from 'simsup';
import { builtin } from 'simsup/scenarios';
import { summarise } from 'simsup/reports';
process.stdout.write(summarise(simulate(builtin('small-team')), 0).digest);`,
    );
    expect(call('node', 'use.js')).toBe(run.digest);
  });

  it('can be judged against an older version of itself: what a planted change does to whom', () => {
    const call = (cwd: string, command: string, ...args: string[]) => {
      const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
      return { status, stdout, said: stdout + stderr };
    };
    // The next version: its fifo looks at the queue once an hour.
    const next = join(folder, 'next');
    mkdirSync(next);
    expect(call(next, 'tar', 'xzf', join(folder, packed.filename)).status).toBe(0);
    const root = join(next, 'package');
    const about = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    writeFileSync(join(root, 'package.json'), JSON.stringify({ ...about, version: '99.0.0' }));
    appendFileSync(
      join(root, 'dist/sim/policy/index.js'),
      `const fifo = POLICIES.find(({ name }) => name === 'fifo');
const { create } = fifo;
fifo.create = (args) => ({ ...create(args), periodUs: 3600e6 });\n`,
    );
    expect(call(root, 'npm', 'pack', '--ignore-scripts', '--pack-destination', next).status).toBe(0);
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    writeFileSync(join(empty, 'package.json'), '{"name": "next", "private": true}');
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
    expect(call(empty, 'npm', 'install', ...quiet, join(next, 'simsup-99.0.0.tgz'))).toMatchObject({ status: 0 });

    writeFileSync(
      join(folder, 'small.yaml'),
      `apiVersion: simsup.dev/v1
kind: Cluster
spec: {controlPlane: {nodes: 0}, pools: [{name: a, gpuModel: H100, nodes: 1, gpusPerNode: 8}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: small}
spec: {duration: 1d}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {project: p, jobs: [${Array.from({ length: 12 }, (_, i) => `{gpus: 4, submit: ${17 * i}m, duration: 40m}`).join(', ')}]}
`,
    );
    const bench = [
      join(project, 'dist/cli/main.js'),
      'bench',
      'small.yaml',
      '--baseline',
      'fifo',
      '--seeds',
      '2',
      '--change',
    ];
    const worse = call(folder, process.execPath, ...bench, `version:${empty}#fifo`, '--json');
    expect(worse.status, worse.said).toBe(1);
    const { change, cases } = JSON.parse(worse.stdout);
    expect(change).toBe('simsup 99.0.0#fifo');
    expect(cases[0].rows.find(({ figure }: { figure: string }) => figure === 'queueing-delay-mean')).toMatchObject({
      verdict: 'worse',
      fails: true,
    });
    expect(cases[0].parting.baseline[0]).toMatchObject({ kind: 'place' });
    // The same policy of the same version is no change.
    expect(call(folder, process.execPath, ...bench, `version:${project}#fifo`)).toMatchObject({ status: 0 });
  }, 180_000);
});
