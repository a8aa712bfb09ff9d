import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deliver, type Message, Outbox } from './webhook.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** Inside node_modules, so that the packages it needs are found. */
const BUILT = join(PROJECT, 'node_modules', `.simsup-webhook-test-${process.pid}`);
const SECRET = Buffer.from('0123456789abcdef');
const messagesOf = (n: number): Message[] =>
  Array.from({ length: n }, (_, hour) => ({
    key: `run/a/${hour}/0`,
    body: JSON.stringify({ hour, total: '1.500000' }),
  }));

let folder = '';
let server: Server;
let url = '';
/** What the receiver answers; bodies it said yes to, by idempotency key. */
let answer: (request: IncomingMessage, response: ServerResponse, n: number) => void;
let received: Map<string, string[]>;
let posts = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'simsup-webhook-'));
  received = new Map();
  posts = 0;
  answer = (_, response) => response.end();
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (data) => {
      body += data;
    });
    request.on('end', () => {
      const { 'idempotency-key': key, 'x-simsup-timestamp': time, 'x-simsup-signature': signed } = request.headers;
      const expected = createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex');
      if (signed !== `sha256=${expected}`) response.statusCode = 401;
      else answer(request, response, posts++);
      if (response.statusCode < 300) received.set(String(key), [...(received.get(String(key)) ?? []), body]);
      response.end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

afterAll(() => rmSync(BUILT, { recursive: true, force: true }));

async function send(messages: readonly Message[], more: { secret?: Uint8Array; attempts?: number; url?: string } = {}) {
  const outbox = new Outbox(join(folder, 'outbox'));
  outbox.fill(messages);
  return deliver(outbox, messages, { url, secret: SECRET, attempts: 4, backoffMs: 1, timeoutMs: 2000, ...more });
}

describe('the webhook', () => {
  it('posts each message once, signed, in order', async () => {
    const messages = messagesOf(5);
    expect(await send(messages)).toMatchObject({ sent: 5, before: 0, refused: [], left: 0 });
    expect([...received]).toEqual(messages.map(({ key, body }) => [key, [body]]));
  });

  it('tries again after an error of the server, a connection that breaks, and as late as it is asked to', async () => {
    const times: number[] = [];
    answer = (request, response, n) => {
      times.push(performance.now());
      if (n === 0) response.statusCode = 503;
      if (n === 1) request.socket.destroy();
      if (n === 2) response.writeHead(429, { 'retry-after': '1' });
    };
    expect(await send(messagesOf(2))).toMatchObject({ sent: 2, left: 0 });
    expect(times[3] - times[2]).toBeGreaterThan(950);
  });

  it('keeps what could not be sent for the next time, which goes on where this one ended', async () => {
    answer = (_, response, n) => {
      if (n >= 2) response.statusCode = 500;
    };
    expect(await send(messagesOf(5))).toMatchObject({ sent: 2, left: 3, why: 'HTTP 500' });
    answer = (_, response) => response.end();
    expect(await send(messagesOf(5))).toMatchObject({ sent: 3, before: 2, left: 0 });
    for (const bodies of received.values()) expect(bodies).toHaveLength(1);
  });

  it('does not insist where it is refused, and says why', async () => {
    const result = await send(messagesOf(2), { secret: Buffer.from('another key of 16') });
    expect(result).toMatchObject({ sent: 0, left: 0 });
    expect(result.refused).toEqual(messagesOf(2).map(({ key }) => ({ key, why: 'HTTP 401' })));
  });

  it('says that nobody answers', async () => {
    expect(await send(messagesOf(2), { url: 'http://127.0.0.1:1/', attempts: 2 })).toMatchObject({
      sent: 0,
      left: 2,
      why: expect.stringMatching(/./),
    });
  });

  it('refuses to send other figures for hours that were posted', async () => {
    await send(messagesOf(2));
    await expect(send([{ ...messagesOf(1)[0], body: '{"total":"2.000000"}' }])).rejects.toThrow(
      'holds other messages: what was posted of an hour is final',
    );
  });

  it('does not take a note that a crash cut short for a receipt', async () => {
    const messages = messagesOf(12);
    await send(messages.slice(0, 0).concat(messages));
    const log = join(folder, 'outbox/received.log');
    const text = readFileSync(log, 'utf8');
    writeFileSync(log, text.slice(0, text.indexOf('run/a/11/0') + 7));
    expect(await send(messages)).toMatchObject({ sent: 1, before: 11 });
    expect(new Outbox(join(folder, 'outbox')).received()).toEqual(
      new Set(messages.map(({ key }) => key)).add('run/a/1'),
    );
  });
});

describe('a sender that is killed at any moment', () => {
  it('loses nothing: every message is received at least once, with the same content', { timeout: 60_000 }, async () => {
    await build({
      configFile: false,
      root: PROJECT,
      logLevel: 'silent',
      build: { ssr: 'cli/host/webhook.ts', outDir: BUILT, emptyOutDir: true },
    });
    const messages = messagesOf(40);
    writeFileSync(join(folder, 'messages.json'), JSON.stringify(messages));
    writeFileSync(
      join(folder, 'sender.mjs'),
      `import { readFileSync } from 'node:fs';
import { deliver, Outbox } from '${join(BUILT, 'webhook.js')}';
const messages = JSON.parse(readFileSync('messages.json', 'utf8'));
const outbox = new Outbox('outbox');
outbox.fill(messages);
const secret = Buffer.from('${SECRET}');
const result = await deliver(outbox, messages, { url: '${url}', secret, attempts: 9, backoffMs: 1, timeoutMs: 2000 });
process.exitCode = result.left > 0 ? 1 : 0;`,
    );
    let child: ChildProcess | undefined;
    let killAt = 3;
    answer = (request, response, n) => {
      if (n % 7 === 3) response.statusCode = 503;
      if (n % 11 === 5) request.socket.destroy();
      if (n < killAt) return;
      // Before, while or after the answer is on its way; at last it is left alone.
      killAt = n > 30 ? Infinity : n + 1 + Math.floor(Math.random() * 12);
      setTimeout(() => child?.kill('SIGKILL'), Math.random() * 4);
    };
    let killed = 0;
    for (let code: number | null = null; code !== 0; ) {
      expect(code).toBeNull();
      child = spawn(process.execPath, [join(folder, 'sender.mjs')], { cwd: folder });
      const { exit, signal } = await new Promise<{ exit: number | null; signal: string | null }>((done) =>
        child?.on('close', (exit, signal) => done({ exit, signal })),
      );
      if (signal === 'SIGKILL') killed++;
      code = exit;
    }
    expect(killed).toBeGreaterThan(1);
    expect([...received.keys()].sort()).toEqual(messages.map(({ key }) => key).sort());
    for (const { key, body } of messages) expect(new Set(received.get(key))).toEqual(new Set([body]));
    expect(new Outbox(join(folder, 'outbox')).received().size).toBeGreaterThanOrEqual(messages.length);
  });
});
