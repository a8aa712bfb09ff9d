/** Sweeps over Redis: whoever dies, and whenever, the table is the same byte for byte. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtCli, type Started } from '../testing.ts';

const cli = builtCli('worker');
const { run: simsup, start, at } = cli;

/** Where there is none these tests cannot run: `npm run setup` installs it. */
const missing = (() => {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no redis-server on the PATH';
  }
})();

const STUDY = `apiVersion: simsup.dev/v1
kind: Study
spec:
  grid:
    workload.scale: {from: 0.5, to: 1.5, steps: 4}
    policy: [fifo, runai]
  seeds: 4
`;
const RUNS = 32;
const sweep = (out: string, ...more: string[]) => [
  ...['sweep', 'mine.yaml', '--study', 'study.yaml', '--out', out, ...more],
];
const table = (out: string) =>
  ['sweep.csv', 'sweep.parquet', 'sweep.html'].map((name) => readFileSync(at(`${out}/${name}`)).toString('base64'));
/** Runs that the sweep has written down. */
const made = (out: string) => {
  try {
    return readFileSync(at(`${out}/runs.jsonl`), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(20);
}

const children = new Set<ChildProcess>();
const kept = (started: Started) => {
  children.add(started.child);
  return started;
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Keeps nothing on disk: killed, it comes back empty. */
async function redis(port: number): Promise<ChildProcess> {
  const options = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    cli.folder,
  ];
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.add(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data) => String(data).includes('Ready to accept connections') && resolve());
    child.on('exit', () => reject(new Error('redis-server ended')));
  });
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

afterEach(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) await killed(child);
  children.clear();
});

beforeAll(async () => {
  if (missing !== undefined) return;
  await simsup('init', 'mine.yaml', '--from', 'small-team');
  writeFileSync(at('study.yaml'), STUDY);
  expect(await simsup(...sweep('whole'))).toMatchObject({ code: 0 });
});

describe.skipIf(missing !== undefined)(
  `simsup sweep --redis${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    it('loses no run and counts none twice when workers and Redis itself are killed in the middle', async () => {
      const port = await freePort();
      const url = `redis://127.0.0.1:${port}`;
      const worker = () => kept(start(['worker', '--redis', url, '--threads', '1', '--idle', '60s']));
      const first = await redis(port);
      const sweeping = kept(start(sweep('chaos', '--redis', url)));
      const workers = [worker(), worker()];
      await until(() => made('chaos') >= 4);
      await killed(workers[0].child);
      await killed(first);
      await pause(300);
      await redis(port);
      workers.push(worker());
      const back = made('chaos');
      await until(() => made('chaos') >= Math.min(RUNS - 8, back + 4));
      // The sweep dies, too, and is started again; workers go on meanwhile.
      await killed(sweeping.child);
      const again = kept(start(sweep('chaos', '--redis', url)));
      expect(await again.outcome).toMatchObject({ code: 0 });
      expect(table('chaos')).toEqual(table('whole'));
      const keys = readFileSync(at('chaos/runs.jsonl'), 'utf8')
        .split('\n')
        .flatMap((line) =>
          line.endsWith('}') ? [JSON.stringify([JSON.parse(line).point, JSON.parse(line).seed])] : [],
        );
      expect(new Set(keys).size).toBe(RUNS);
      workers[1].child.kill('SIGTERM');
      expect(await workers[1].outcome).toMatchObject({ code: 0, stderr: expect.stringMatching(/Made \d+ runs\./) });
    }, 300_000);

    it('says how to start a worker where none is, and keeps passwords to itself', async () => {
      const port = await freePort();
      expect(await simsup(...sweep('none', '--redis', `redis://me:secret@127.0.0.1:${port}`))).toMatchObject({
        code: 2,
        stderr: `no Redis answers at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}\n`,
      });
      expect(await simsup('worker', '--redis', 'http://queue')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('redis://localhost:6379'),
      });
    });
  },
);
