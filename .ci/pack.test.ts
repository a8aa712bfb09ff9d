/** What is published: nothing but the build, and it works where nothing else is installed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
});
