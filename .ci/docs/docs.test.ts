/** The documentation, followed to the letter: every command block is run, every link leads somewhere. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
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
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallCluster, snapshotJson, zipOf } from '../../scenarios/snapshot/testing.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const built = existsSync(join(project, 'dist/cli/main.js'));
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(project, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const textOf = (page: string) => readFileSync(join(project, page), 'utf8');

/** Command lines that cannot run here, whatever page they stand on; a block of its own says so with `<!-- not run: why -->`. */
const NOT_RUN: readonly [RegExp, string][] = [
  [
    /^npm (ci|start|test|install|run (setup|format|lint|check|typecheck|build|docs|fuzz|speed|peers|validate|sampling|coverage))\b/,
    'checks the project itself, minutes long',
  ],
  [/^npx vitest\b/, 'checks the project itself'],
  [/^(sacct|kubectl|squeue|sinfo|docker|git clone)\b/, 'needs a cluster'],
  [/^curl\b/, 'needs a server'],
  [/^(npx )?simsup (web|serve-metrics (?!.*--help)|worker|start)\b/, 'serves until it is stopped'],
];

/** What takes long as it is written shows with less work as well that it runs; `--seeds N` becomes 2 anyway. */
const LESS_WORK: readonly [RegExp, string][] = [
  [/\bsimsup report break-even (?!--gpus)/, '--seeds 2 --duration 2d'],
  [/\bsimsup report matrix\b/, '--seeds 2 --days 2'],
  [/\bsimsup report reliability\b/, '--duration 2d'],
  [/\bsimsup plan .*(--growth|mission-control)/, '--seeds 2 --duration 2d'],
  [/\bsimsup sweep .*--out\b/, '--seeds 2 --duration 2d'],
];

/** The command with fewer seeds and less time. */
function shortened(command: string): string {
  const less = LESS_WORK.filter(([pattern]) => pattern.test(command)).map(([, options]) => options);
  return [command.replace(/--seeds \d+/, '--seeds 2'), ...less].join(' ');
}

interface Block {
  page: string;
  line: number;
  language: string;
  text: string;
  notRun: string | undefined;
}

function blocksOf(page: string): Block[] {
  const lines = textOf(page).split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const open = /^```(\w*)$/.exec(lines[i]);
    if (open === null) continue;
    const end = lines.indexOf('```', i + 1);
    const notRun = /^<!-- not run: (.+) -->$/.exec(lines[i - 1] ?? '')?.[1];
    blocks.push({ page, line: i + 1, language: open[1], text: lines.slice(i + 1, end).join('\n'), notRun });
    i = end;
  }
  return blocks;
}

/** Whole commands: a backslash goes on, a comment does not count. */
const commandsOf = (text: string): string[] =>
  text
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

const blocks = pages.flatMap(blocksOf);

it('every block of commands is marked as such, and says why where it is not run', () => {
  for (const { page, line, language, text } of blocks)
    if (/^(npx |npm |simsup |\$ )/m.test(text)) expect(language, `${page}:${line}`).toBe('sh');
});

it('every link leads to a file and a heading', () => {
  const anchors = (page: string) =>
    textOf(page)
      .split('\n')
      .filter((line) => line.startsWith('#'))
      .map((line) =>
        line
          .replace(/^#+ /, '')
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      );
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, target] of textOf(page)
      .replaceAll(/```[\s\S]*?```/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path, anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(project, file))) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined && file.endsWith('.md') && !anchors(file).includes(anchor))
        broken.push(`${page}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

describe.skipIf(!built)(`commands${built ? '' : ' (skipped: npm run build makes what they need)'}`, () => {
  let folder = '';
  let environment: NodeJS.ProcessEnv = {};
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'simsup-docs-'));
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const main = join(project, 'dist/cli/main.js');
    writeFileSync(join(bin, 'simsup'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    writeFileSync(
      join(bin, 'npx'),
      `#!/bin/sh\n[ "$1" = simsup ] || { echo "npx $1: not here" >&2; exit 1; }\nshift\nexec "${process.execPath}" "${main}" "$@"\n`,
    );
    for (const name of ['simsup', 'npx']) chmodSync(join(bin, name), 0o755);
    environment = { ...process.env, PATH: `${bin}:${process.env.PATH}`, NO_COLOR: '1' };
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What a reader of a page has in his folder: the project, and files that only he can have. */
  function readersFolder(page: string): string {
    const own = join(folder, page.replaceAll('/', '-'));
    mkdirSync(own, { recursive: true });
    for (const part of ['docs', 'bench']) {
      if (part === 'docs') cpSync(join(project, part), join(own, part), { recursive: true });
      else symlinkSync(join(project, part), join(own, part));
    }
    cpSync(join(project, 'docs/examples/sacct.txt'), join(own, 'jobs.txt'));
    const snapshot = JSON.parse(JSON.stringify(snapshotJson(smallCluster())));
    writeFileSync(join(own, 'snapshot.zip'), zipOf(snapshot));
    writeFileSync(join(own, 'cluster.json'), JSON.stringify(snapshot));
    return own;
  }

  for (const page of pages) {
    const runnable = blocksOf(page).filter(
      ({ language, notRun }) => notRun === undefined && (language === 'sh' || language === 'yaml'),
    );
    if (!runnable.some(({ language }) => language === 'sh')) continue;
    it(page, { timeout: 900_000 }, () => {
      const cwd = readersFolder(page);
      for (const { line, language, text } of runnable) {
        // A block of YAML that begins with a file's name is that file.
        const file = /^# (\S+\.ya?ml)\n/.exec(text)?.[1];
        if (language === 'yaml') {
          if (file !== undefined) {
            mkdirSync(dirname(join(cwd, file)), { recursive: true });
            writeFileSync(join(cwd, file), text);
          }
          continue;
        }
        for (const command of commandsOf(text)) {
          if (NOT_RUN.some(([pattern]) => pattern.test(command))) continue;
          // `JOB` is for the reader to fill in.
          const whole = shortened(command.replaceAll(/\bJOB\b/g, jobOf(cwd)));
          const { status, stderr } = spawnSync('bash', ['-c', whole], {
            cwd,
            env: environment,
            encoding: 'utf8',
            timeout: 300_000,
          });
          expect(status, `${page}:${line}: ${whole}\n${stderr}`).toBe(0);
        }
      }
    });
  }

  /** Any job of the run that the page has made last. */
  function jobOf(cwd: string): string {
    const jobs = join(cwd, 'results/jobs.csv');
    return existsSync(jobs) ? readFileSync(jobs, 'utf8').split('\n')[1].split(',')[0] : 'JOB';
  }
});
